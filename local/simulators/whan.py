"""Wan on DashScope (Model Studio), facts read 2026-11 in `dashscope` 2.0.2 and on its pages.

A task is created with `X-DashScope-Async: enable` and looked at by its id; a failed task is HTTP
200 with its code in `output`; HTTP 429 stands for a rate and for money. UNKNOWN means that there is
no such task, or that it is older than 24 hours. Only PENDING tasks can be cancelled.

Chosen here, where the pages are silent: all keys belong to one account of Singapore, and a key that
starts with `sim-cn-` is one of Beijing, which this host refuses; the times are UTC; only the model
for two frames puts its link into `output.results`; a task that does not succeed is not billed;
480P costs what 720P costs; a clip has 24 frames a second and a hum for its sound.
"""

import base64
import hashlib
import hmac
import io
import secrets
import urllib.parse
import uuid
from datetime import UTC, datetime
from functools import partial
from typing import Any

from PIL import Image, ImageOps
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.simulators.clips import FRAMES_PER_SECOND, ClipOrder, size_below
from local.simulators.drawing import open_image
from local.simulators.faults import FILE_DAMAGES, JSON_DAMAGES, Fault, FaultTable
from local.simulators.jobs import Job, now_s
from local.simulators.ledger import clip_cost_micros
from local.simulators.whan_rules import (
    LARGEST_STILL_EDGE,
    MODELS,
    SIZES,
    SMALLEST_STILL_EDGE,
    Unacceptable,
    WanOrder,
    check,
    still_size,
)
from local.simulators.wire import (
    Refused,
    before_the_vendor,
    deliver,
    deliver_file,
    json_object,
    json_reply,
)
from local.simulators.world import Provider, World

NAME = "whan"
GUIDE_PRICES_MICROS = {"480P": 60_000, "720P": 60_000, "1080P": 110_000}  # A minute.
KEY_PREFIX, FOREIGN_PREFIX = "sim-", "sim-cn-"
ACCESS_KEY_ID = "SIMOSSACCESSKEYID"
SIGNING_KEY = b"sim-oss"
TASK_LIFE_S = LINK_LIFE_S = 24 * 3600
ODD_POLLS = 2
OVERCHARGE_FACTOR = 10
LARGEST_PAGE = 100
STAMP = "%Y%m%d%H%M%S"

# Code → HTTP status, message.
ERRORS: dict[str, tuple[int, str]] = {
    "InvalidParameter": (400, "Required parameter is missing or invalid."),
    "UnsupportedOperation": (400, "Failed to cancel the task: it is not in PENDING status."),
    "DataInspectionFailed": (400, "Input data may contain inappropriate content."),
    "IPInfringementSuspect": (400, "Input data is suspected of being involved in IP infringement."),
    "Arrearage": (400, "Access denied, please make sure your account is in good standing."),
    "InvalidApiKey": (401, "Invalid API-key provided."),
    "AccessDenied": (403, "Access denied."),
    "AccessDenied.Unpurchased": (403, "Access to model denied. Please purchase it first."),
    "Model.AccessDenied": (403, "Model access denied."),
    "Workspace.AccessDenied": (403, "Workspace access denied."),
    "AllocationQuota.FreeTierOnly": (403, "The free tier of the model has been exhausted."),
    "ModelNotFound": (404, "Model can not be found."),
    "Model not exist": (404, "Model not exist."),
    "Throttling": (429, "Requests throttling triggered."),
    "Throttling.RateQuota": (429, "Requests rate limit exceeded, please try again later."),
    "Throttling.BurstRate": (429, "Request rate increased too quickly."),
    "LimitRequests": (429, "You exceeded your current requests list."),
    "Throttling.AllocationQuota": (429, "Allocated quota exceeded, please increase your quota."),
    "insufficient_quota": (429, "You exceeded your current quota, check your plan and billing."),
    "PrepaidBillOverdue": (429, "The prepaid bill is overdue."),
    "PostpaidBillOverdue": (429, "The postpaid bill is overdue."),
    "CommodityNotPurchased": (429, "Commodity has not purchased yet."),
    "InternalError": (500, "An internal error has occured, please try again later."),
    "InternalError.Algo": (500, "Algorithm error, please try again later."),
    "InternalError.Timeout": (500, "An internal timeout error has occured."),
    "SystemError": (500, "A system error has occured, please try again later."),
    "ModelUnavailable": (503, "Model is unavailable, please try again later."),
    "ModelServingError": (504, "Too many requests. The model is overloaded."),
}
SYNCHRONOUS = "current user api does not support synchronous calls."
RATE_OF_QUOTA = "Allocated rate quota exceeded, please slow down."
SERVER_CODES = (
    "InternalError", "InternalError.Algo", "InternalError.Timeout", "SystemError",
    "ModelUnavailable", "ModelServingError",
)  # fmt: skip
# The quota's code comes for a rate too: then its message says so.
RATE_CODES = (
    "Throttling.RateQuota", "Throttling", "Throttling.BurstRate", "LimitRequests",
    "Throttling.AllocationQuota",
)  # fmt: skip
MONEY_CODES = (
    "Arrearage", "Throttling.AllocationQuota", "insufficient_quota", "PrepaidBillOverdue",
    "PostpaidBillOverdue", "CommodityNotPurchased", "AllocationQuota.FreeTierOnly",
)  # fmt: skip
KEY_CODES = (
    "InvalidApiKey", "AccessDenied", "AccessDenied.Unpurchased", "Model.AccessDenied",
    "Workspace.AccessDenied",
)  # fmt: skip
REFUSAL_CODES = ("DataInspectionFailed", "IPInfringementSuspect")
FAULTS: FaultTable = {
    "http_500": {
        "submit": SERVER_CODES,
        "poll": SERVER_CODES,
        "download": SERVER_CODES,
        "result": ("InternalError.Algo", "InternalError.Timeout", "InvalidParameter"),
    },
    "http_429": {"submit": RATE_CODES, "poll": RATE_CODES, "download": RATE_CODES},
    "quota": {"submit": MONEY_CODES},
    "bad_key": {"submit": KEY_CODES, "poll": KEY_CODES},
    "refuse": {"submit": REFUSAL_CODES, "result": REFUSAL_CODES},
    "retired": {"submit": ("ModelNotFound", "Model not exist")},
    "hang": {"submit": (), "poll": (), "download": ()},
    "drop_reply": {"submit": (), "poll": (), "download": ()},
    "drop_request": {"submit": ()},
    "malformed": {
        "submit": JSON_DAMAGES,
        "poll": JSON_DAMAGES,
        "download": FILE_DAMAGES,
        "result": ("no_result",),
    },
    "html": {"submit": (), "poll": (), "download": ()},
    "slow": {"submit": (), "poll": (), "download": ()},
    "stuck": {"result": ()},
    "expired_url": {"download": ()},
    "truncated": {"download": ()},
    "wrong_size": {"result": ("size_and_duration", "size", "duration")},
    "wrong_sound": {"result": ()},
    "odd_status": {"poll": ("AWAITING_REVIEW", "SUSPENDED", "UNKNOWN")},
    "charge_after_cancel": {"result": ()},
    "overcharge": {"result": ()},
}


def error(code: str, message: str | None = None, fault: Fault | None = None) -> Response:
    """The vendor's error body; a fault may ask for another status and a Retry-After header."""
    status, text = ERRORS[code]
    headers: dict[str, str] = {}
    if fault is not None:
        status = fault.order.status or status
        if fault.order.retry_after is not None:
            headers["retry-after"] = str(fault.order.retry_after)
    body = {"code": code, "message": message or text, "request_id": str(uuid.uuid4())}
    return json_reply(body, status, headers)


def refusal_of(fault: Fault | None) -> Response | None:
    """The answer of a fault that refuses the call; None for those that let it through."""
    match fault.name if fault else None:
        case "http_500" | "http_429" | "quota" | "bad_key" | "refuse" | "retired" if fault:
            told = RATE_OF_QUOTA if (fault.name, fault.code) == ("http_429", MONEY_CODES[1]) else ""
            return error(fault.code, told or None, fault)
    return None if fault is None else before_the_vendor(fault)


def _check_key(request: Request) -> None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    foreign = key.startswith(FOREIGN_PREFIX)
    if scheme != "Bearer" or not key.startswith(KEY_PREFIX) or foreign:
        raise Refused(error("InvalidApiKey"))


def _signature(job_id: str, expires_at_s: int, number: int) -> str:
    signed = f"{job_id}\n{expires_at_s}\n{number}".encode()
    return base64.b64encode(hmac.new(SIGNING_KEY, signed, hashlib.sha1).digest()).decode()


def _clock(moment_s: float) -> str:
    return datetime.fromtimestamp(moment_s, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def drawing_of(order: WanOrder) -> dict[str, Any]:
    """The clip's size and its first frame as base64 JPEG of that size (None from text)."""
    if order.still is None:
        width, height = order.size or SIZES[order.tier]["16:9"]
        return {"width": width, "height": height, "first_frame": None}
    try:
        picture = open_image(order.still)
    except ValueError as problem:
        raise Unacceptable(str(problem), code="InvalidParameter") from problem
    if min(picture.size) < SMALLEST_STILL_EDGE or max(picture.size) > LARGEST_STILL_EDGE:
        raise Unacceptable("The still must have 360 to 2000 pixels a side")
    width, height = order.size or still_size(order.tier, picture.size)
    target = io.BytesIO()
    fitted = ImageOps.fit(picture, (width, height), Image.Resampling.BICUBIC)
    fitted.save(target, "JPEG", quality=92)
    encoded = base64.b64encode(target.getvalue()).decode()
    return {"width": width, "height": height, "first_frame": encoded}


class Whan:
    """The endpoints over one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def create(self, request: Request) -> Response:
        """POST /api/v1/services/aigc/{video-generation|image2video}/video-synthesis"""
        _check_key(request)
        if request.headers.get("x-dashscope-async") != "enable":
            raise Refused(error("AccessDenied", SYNCHRONOUS))
        body = await json_object(request, lambda reason: error("InvalidParameter", reason))
        try:
            order = check(body, request.path_params["path"])
            drawn = await self._world.studio.run(partial(drawing_of, order))
        except Unacceptable as problem:
            told = {"code": problem.code, "message": problem.message}
            body = told | {"request_id": str(uuid.uuid4())}
            raise Refused(json_reply(body, problem.http_status)) from problem
        fault = self._world.faults.take(NAME, "submit", order.prompt)
        refusal = refusal_of(fault)
        if refusal is not None and not (fault and fault.order.accepted):
            return refusal
        job = self._accept(order, drawn, self._world.faults.take(NAME, "result", order.prompt))
        if refusal is not None:
            return refusal
        output = {"task_status": "PENDING", "task_id": job.id}
        reply = json_reply({"output": output, "request_id": job.order["request_id"]})
        return await deliver(self._world, reply, fault)

    def _accept(self, order: WanOrder, drawn: dict[str, Any], flaw: Fault | None) -> Job:
        name, started_at_s = (flaw.name if flaw else None), now_s()
        factor = OVERCHARGE_FACTOR if name == "overcharge" else 1
        drawn |= {
            "model": order.model,
            "tier": order.tier,
            "ratio": order.ratio,
            "duration_s": order.duration_s,
            "billed_s": order.duration_s * factor,
            "sound": order.sound is not (name == "wrong_sound"),
            "seed": order.seed,
            "request_id": str(uuid.uuid4()),
            "odd_word": "",
        }
        if flaw is not None and name == "wrong_size":
            if flaw.code != "duration":
                drawn["width"], drawn["height"] = size_below(drawn["width"], drawn["height"])
            if flaw.code != "size":
                drawn["duration_s"] = max(1, order.duration_s - 2)
        failure = flaw.code if flaw is not None and name in ("http_500", "refuse") else None
        job = Job(
            id=str(uuid.uuid4()),
            provider=NAME,
            kind=order.model,
            prompt=order.prompt,
            order=drawn,
            accepted_at_s=started_at_s,
            ready_at_s=None if name == "stuck" else started_at_s + self._world.pace.video_s,
            failure=failure,
            flaws=[name] if name else [],
        )
        self._world.jobs.save(job)
        self._world.ledger.accept(
            NAME,
            id=job.id,
            prompt=order.prompt,
            cost_micros=clip_cost_micros(
                GUIDE_PRICES_MICROS[order.tier], order.duration_s * factor
            ),
            accepted_at_s=started_at_s,
            billed=failure is None,
        )
        return job

    async def task(self, request: Request) -> Response:
        """GET /api/v1/tasks/{id}"""
        _check_key(request)
        fault = self._world.faults.take(NAME, "poll")
        refusal = refusal_of(fault)
        if refusal is not None:
            return refusal
        job = self._known(request.path_params["id"])
        if job is not None and fault is not None and fault.name == "odd_status":
            job.odd_polls, job.order["odd_word"] = ODD_POLLS, fault.code
        reply = json_reply({"request_id": str(uuid.uuid4())} | self._seen(request, job))
        if job is not None and job.odd_polls:
            job.odd_polls -= 1
            self._world.jobs.save(job)
        return await deliver(self._world, reply, fault)

    def _known(self, id: str) -> Job | None:
        """The task, unless it has been forgotten after a day."""
        job = self._world.jobs.get(NAME, id)
        return None if job is None or now_s() - job.accepted_at_s > TASK_LIFE_S else job

    def _seen(self, request: Request, job: Job | None) -> dict[str, Any]:
        """`output` and, for a finished clip, `usage`."""
        if job is None:
            id = request.path_params["id"]
            return {"output": {"task_id": id, "task_status": "UNKNOWN"}}
        moment_s = now_s()
        status = _status(job, moment_s)
        output: dict[str, Any] = {"task_id": job.id, "task_status": status}
        if status == "UNKNOWN":
            return {"output": output}
        output["submit_time"] = _clock(job.accepted_at_s)
        if status != "PENDING":
            output["scheduled_time"] = _clock(job.accepted_at_s)
        if status in ("SUCCEEDED", "FAILED", "CANCELED"):
            output["end_time"] = _clock(job.updated_at_s(moment_s))
        if status == "FAILED" and job.failure is not None:
            text = ERRORS[job.failure][1].replace("Input", "Output")
            output |= {"code": job.failure, "message": text}
        if status != "SUCCEEDED":
            return {"output": output}
        output |= {"orig_prompt": job.prompt, "actual_prompt": job.prompt}
        if "malformed" not in job.flaws:
            link = {"video_url": self._link(request, job)}
            in_results = MODELS[job.order["model"]].path == "image2video"
            output |= {"results": link} if in_results else link
        return {"output": output, "usage": _usage(job)}

    def _link(self, request: Request, job: Job) -> str:
        """A fresh link; its number is above every link of this job that is dead."""
        expires_at_s, number = int(now_s()) + LINK_LIFE_S, job.dead_links
        query = urllib.parse.urlencode(
            {
                "Expires": expires_at_s,
                "OSSAccessKeyId": ACCESS_KEY_ID,
                "number": number,
                "Signature": _signature(job.id, expires_at_s, number),
            }
        )
        host = request.headers.get("host", "127.0.0.1")
        return f"http://{host}/{NAME}/oss/{job.id}.mp4?{query}"

    async def list_tasks(self, request: Request) -> Response:
        """GET /api/v1/tasks/: by time, model and status; neither prompt nor client id in it."""
        _check_key(request)
        asked = request.query_params
        try:
            page, size = int(asked.get("page_no", "1")), int(asked.get("page_size", "10"))
            since_s, until_s = (
                _moment(asked.get("start_time"), 0),
                _moment(asked.get("end_time"), now_s() + 1),
            )
            if not (page >= 1 and 1 <= size <= LARGEST_PAGE):
                raise ValueError("page")
        except ValueError as problem:
            raise Refused(error("InvalidParameter", f"invalid value: {problem}")) from problem
        moment_s = now_s()
        chosen = [
            job
            for job in self._world.jobs.of(NAME)
            if self._known(job.id) is not None
            and since_s <= job.accepted_at_s < until_s + 1
            and asked.get("model_name") in (None, job.order["model"])
            and asked.get("status") in (None, _status(job, moment_s))
        ][::-1]
        fault = self._world.faults.take(NAME, "poll")
        refusal = refusal_of(fault)
        if refusal is not None:
            return refusal
        body = {
            "request_id": str(uuid.uuid4()),
            "data": [_listed(job, moment_s) for job in chosen[(page - 1) * size : page * size]],
            "total": len(chosen),
            "total_page": -(-len(chosen) // size),
            "page_no": page,
            "page_size": size,
        }
        return await deliver(self._world, json_reply(body), fault)

    async def cancel(self, request: Request) -> Response:
        """POST /api/v1/tasks/{id}/cancel; with charge_after_cancel the work goes on in secret."""
        _check_key(request)
        job, moment_s = self._known(request.path_params["id"]), now_s()
        if job is None or _status(job, moment_s) != "PENDING":
            return error("UnsupportedOperation")
        if "charge_after_cancel" not in job.flaws:
            job.failure, job.ready_at_s = "CANCELED", moment_s
            self._world.jobs.save(job)
            self._world.ledger.unbill(NAME, job.id)
        return json_reply({"request_id": str(uuid.uuid4())})

    async def file(self, request: Request) -> Response:
        """GET /oss/{id}.mp4 with a signature that expires."""
        job = self._known(request.path_params["id"])
        asked = request.query_params
        try:
            expires_at_s, number = (int(asked.get(name, "-1")) for name in ("Expires", "number"))
        except ValueError:
            expires_at_s = number = -1
        if job is None or expires_at_s < now_s() or number < job.dead_links:
            return _forbidden()
        if not hmac.compare_digest(
            _signature(job.id, expires_at_s, number), asked.get("Signature", "")
        ):
            return _forbidden()
        fault = self._world.faults.take(NAME, "download")
        if fault is not None and fault.name == "expired_url":
            job.dead_links += 1
            self._world.jobs.save(job)
            return _forbidden()
        refusal = refusal_of(fault)
        if refusal is not None:
            return refusal
        content = await self._world.studio.clip(_clip_order(job))
        return await deliver_file(self._world, request, content, "video/mp4", fault)


def _status(job: Job, moment_s: float) -> str:
    if job.odd_polls:
        return str(job.order["odd_word"])
    match job.phase(moment_s):
        case "submitted":
            return "PENDING"
        case "processing":
            return "RUNNING"
        case "done":
            return "SUCCEEDED"
    return "CANCELED" if job.failure == "CANCELED" else "FAILED"


def _usage(job: Job) -> dict[str, Any]:
    """The bill, in the words of the model's generation."""
    order = job.order
    size = f"{order['width']}*{order['height']}"
    model = MODELS[order["model"]]
    if order["model"].startswith("wan2.2"):
        return {"video_count": 1, "video_duration": order["billed_s"], "video_ratio": size}
    shape = {"size": size} if model.size == "size" else {"ratio": order["ratio"]}
    return {
        "video_count": 1,
        "duration": order["billed_s"],
        "output_video_duration": order["duration_s"],
        "input_video_duration": 0,
        "SR": int(order["tier"][:-1]),
        "fps": FRAMES_PER_SECOND,
        **shape,
    }


def _listed(job: Job, moment_s: float) -> dict[str, Any]:
    model = job.order["model"]
    path = f"{MODELS[model].path}:video-synthesis:{model}"
    created_ms = round(job.accepted_at_s * 1000)
    return {
        "api_key_id": "1",
        "caller_parent_id": "1",
        "caller_uid": "1",
        "gmt_create": created_ms,
        "start_time": created_ms,
        "model_name": model,
        "region": "ap-southeast-1",
        "request_id": job.order["request_id"],
        "status": _status(job, moment_s),
        "task_id": job.id,
        "user_api_unique_key": f"apikey:v1:aigc:{path}",
    }


def _moment(text: str | None, default: float) -> float:
    """A time such as 20261120000000, in UTC. Raises ValueError."""
    if text is None:
        return default
    return datetime.strptime(text, STAMP).replace(tzinfo=UTC).timestamp()


def _clip_order(job: Job) -> ClipOrder:
    frame = job.order["first_frame"]
    return ClipOrder(
        provider=NAME,
        prompt=job.prompt,
        width=job.order["width"],
        height=job.order["height"],
        duration_s=job.order["duration_s"],
        sound=job.order["sound"],
        seed=job.order["seed"],
        first_frame=None if frame is None else base64.b64decode(frame),
    )


def _forbidden() -> Response:
    page = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code>'
        "<Message>Request has expired.</Message></Error>"
    )
    return Response(page, 403, media_type="application/xml")


def routes(world: World) -> list[Route]:
    whan = Whan(world)
    base = "/api/v1"
    return [
        Route(base + "/services/aigc/{path}/video-synthesis", whan.create, methods=["POST"]),
        Route(base + "/tasks", whan.list_tasks),
        Route(base + "/tasks/", whan.list_tasks),
        Route(base + "/tasks/{id}", whan.task),
        Route(base + "/tasks/{id}/cancel", whan.cancel, methods=["POST"]),
        Route("/oss/{id}.mp4", whan.file),
    ]


def not_found(request: Request) -> Response:
    path = request.url.path.removeprefix(f"/{NAME}")
    body = {"code": "InvalidParameter", "message": f"url error, {request.method} {path}"}
    return json_reply(body | {"request_id": secrets.token_hex(16)}, 404)


PROVIDER = Provider(name=NAME, faults=FAULTS, routes=routes, not_found=not_found)
