"""Kling's open platform on both of its protocols, facts read 2026-11 (copies of official pages).

New: model in the path, `GET /tasks`, status `succeeded`, `data` an array, integer duration. Legacy
(`/v1/videos/…`): `model_name` in the body, status `succeed`, `data` an object, duration a string.
`external_task_id` is unique per account and can be asked for. HTTP 429 stands for a rate limit
(1302), for too many tasks at once (1303) and for an empty account (1101, 1102): the code tells.
There is no cancel. Results are links; the vendor clears files after 30 days.

Chosen here, where the pages are silent: all keys belong to one account; a duplicate reference is
HTTP 400 with code 1201; `GET /tasks` leaves unknown ids out, the legacy query answers 404 with
1203; a list filter is `{"field": "status"|"product_type", "values": [...]}` and the list answers
`{"items", "next_cursor"}`; a link lives a day; a task that fails is not billed. Callbacks are
accepted and not sent; sound is a hum.
"""

import base64
import hashlib
import hmac
import io
import secrets
import urllib.parse
import urllib.request
from collections.abc import Callable
from functools import partial
from typing import Any

from PIL import Image, ImageOps
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.simulators.clips import ClipOrder, size_below
from local.simulators.drawing import open_image
from local.simulators.faults import FILE_DAMAGES, JSON_DAMAGES, Fault, FaultTable
from local.simulators.jobs import Job, now_s
from local.simulators.kling_keys import SECRET_KEY, KeyRefused, check_authorization
from local.simulators.kling_rules import (
    KlingOrder,
    Product,
    Unacceptable,
    check_legacy,
    check_new,
    frame_size,
)
from local.simulators.ledger import clip_cost_micros
from local.simulators.wire import (
    Refused,
    before_the_vendor,
    deliver,
    deliver_file,
    json_object,
    json_reply,
)
from local.simulators.world import Provider, World

NAME = "kling"
GUIDE_PRICES_MICROS = {"720p": 80_000, "1080p": 120_000}  # A minute.
LINK_LIFE_S = 24 * 3600
SMALLEST_IMAGE_EDGE = 300
WIDEST_IMAGE_RATIO = 2.5
FETCH_TIMEOUT_S = 10
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
ODD_WORD = "awaiting_recompute"
ODD_POLLS = 2
OVERCHARGE_FACTOR = 10
CONTENT_FAILURE = "Failure to pass the risk control system"
LIST_WINDOW_MS = 30 * 24 * 3600 * 1000
MAX_LIST = 500
MAX_IDS = 100

# Vendor code → HTTP status, message.
ERRORS: dict[int, tuple[int, str]] = {
    1000: (401, "Authentication failed"),
    1001: (401, "Authorization is empty"),
    1002: (401, "Authorization is invalid"),
    1003: (401, "Authorization is not yet valid"),
    1004: (401, "Authorization has expired"),
    1100: (429, "Account exception"),
    1101: (429, "Account in arrears"),
    1102: (429, "Resource pack depleted or expired"),
    1103: (403, "Unauthorized access to the requested resource"),
    1200: (400, "Invalid request parameters"),
    1201: (400, "Invalid parameters"),
    1202: (404, "Invalid request method"),
    1203: (404, "The requested resource does not exist"),
    1300: (400, "Trigger strategy of the platform"),
    1301: (400, "Trigger the content security policy of the platform"),
    1302: (429, "The API request is too frequent"),
    1303: (429, "parallel task over resource pack limit"),
    1304: (429, "Trigger the IP whitelisting policy of the platform"),
    5000: (500, "Internal server error"),
    5001: (503, "Server is temporarily unavailable"),
    5002: (504, "Server internal timeout"),
}
SERVER_CODES = ("5000", "5001", "5002", "1203")
RATE_CODES = ("1302", "1303")
KEY_CODES = ("1002", "1000", "1003", "1004", "1103", "1304")
CALLS = ("submit", "poll")
FAULTS: FaultTable = {
    "http_500": {"submit": SERVER_CODES[:3], "poll": SERVER_CODES, "download": SERVER_CODES},
    "http_429": {"submit": RATE_CODES, "poll": RATE_CODES, "download": RATE_CODES},
    "quota": {"submit": ("1102", "1101", "1100")},
    "bad_key": {"submit": KEY_CODES, "poll": KEY_CODES},
    "refuse": {"submit": ("1301", "1300"), "result": ()},
    "retired": {"submit": ("1203",)},
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
    "odd_status": {"poll": ("odd", "lost")},
    "overcharge": {"result": ()},
}


def envelope(code: int, message: str, data: Any = None) -> dict[str, Any]:
    body: dict[str, Any] = {"code": code, "message": message, "request_id": secrets.token_hex(16)}
    return body if data is None else body | {"data": data}


def success(data: Any) -> Response:
    return json_reply(envelope(0, "SUCCEED", data))


def error(code: int, message: str | None = None, fault: Fault | None = None) -> Response:
    """The vendor's error body; a fault may ask for another status and a Retry-After header."""
    status, text = ERRORS[code]
    headers: dict[str, str] = {}
    if fault is not None:
        status = fault.order.status or status
        if fault.order.retry_after is not None:
            headers["retry-after"] = str(fault.order.retry_after)
    return json_reply(envelope(code, message or text), status, headers)


def refusal_of(fault: Fault | None) -> Response | None:
    """The answer of a fault that refuses the call; None for those that let it through."""
    if fault is None:
        return None
    match fault.name:
        case "http_500" | "http_429" | "quota" | "bad_key" | "refuse" | "retired":
            return error(int(fault.code), fault=fault)
    return before_the_vendor(fault)


def _check_key(request: Request, *, legacy: bool) -> None:
    try:
        check_authorization(request.headers.get("authorization"), legacy=legacy, now_s=now_s())
    except KeyRefused as problem:
        raise Refused(error(problem.code, problem.message)) from problem


def _signature(job_id: str, expires_at_s: int, number: int) -> str:
    signed = f"{job_id}\n{expires_at_s}\n{number}".encode()
    return hmac.new(SECRET_KEY.encode(), signed, hashlib.sha256).hexdigest()[:32]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves a redirect unanswered, as it might lead away from this machine."""

    def redirect_request(self, *_: object) -> None:
        return None


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def _fetch(link: str, max_bytes: int) -> bytes:
    """The image behind a link on this machine; the simulator reaches out to no other host."""
    host = urllib.parse.urlsplit(link).hostname or ""
    if host not in LOOPBACK_HOSTS and not host.endswith(".localhost"):
        raise Unacceptable("image: the simulator fetches images from this machine only")
    try:
        with _opener.open(link, timeout=FETCH_TIMEOUT_S) as reply:
            content: bytes = reply.read(max_bytes + 1)
            return content
    except (OSError, ValueError) as problem:
        raise Unacceptable("image: the link could not be fetched") from problem


def load_image(image: str, max_bytes: int) -> Image.Image:
    """A frame that the client gave as link or base64. Raises Unacceptable."""
    if image.startswith(("http://", "https://")):
        content = _fetch(image, max_bytes)
    else:
        try:
            content = base64.b64decode(image, validate=True)
        except ValueError as problem:
            raise Unacceptable("image is neither a link nor raw base64") from problem
    if len(content) > max_bytes:
        raise Unacceptable(f"image is larger than {max_bytes} bytes")
    try:
        picture = open_image(content)
    except ValueError as problem:
        raise Unacceptable("image is not a jpg or png") from problem
    if min(picture.size) < SMALLEST_IMAGE_EDGE:
        raise Unacceptable(f"image edges must be at least {SMALLEST_IMAGE_EDGE} px")
    if max(picture.size) > WIDEST_IMAGE_RATIO * min(picture.size):
        raise Unacceptable("image ratio must be between 1:2.5 and 2.5:1")
    return picture


def first_frame(order: KlingOrder) -> dict[str, Any]:
    """The clip's size and its first frame as base64 JPEG of that size (None without an image)."""
    if order.image is None:
        width, height = frame_size(order.resolution, order.aspect_ratio, (1, 1))
        return {"width": width, "height": height, "first_frame": None}
    for extra in order.extra_images:
        load_image(extra, order.max_image_bytes)
    picture = load_image(order.image, order.max_image_bytes)
    width, height = frame_size(order.resolution, None, picture.size)
    target = io.BytesIO()
    fitted = ImageOps.fit(picture, (width, height), Image.Resampling.BICUBIC)
    fitted.save(target, "JPEG", quality=92)
    encoded = base64.b64encode(target.getvalue()).decode()
    return {"width": width, "height": height, "first_frame": encoded}


class Kling:
    """The endpoints of both protocols over one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def create(self, request: Request, *, product: Product) -> Response:
        """New protocol: POST /text-to-video/{model}, POST /image-to-video/{model}"""
        _check_key(request, legacy=False)
        check = partial(check_new, model_name=request.path_params["model"], product=product)
        return await self._submit(request, check, _new_created)

    async def create_legacy(self, request: Request, *, product: Product) -> Response:
        """Legacy: POST /v1/videos/text2video, POST /v1/videos/image2video"""
        _check_key(request, legacy=True)
        check = partial(check_legacy, product=product)
        return await self._submit(request, check, _legacy_created)

    async def _submit(
        self,
        request: Request,
        check: Callable[[dict[str, Any]], KlingOrder],
        created: Callable[[Job], dict[str, Any]],
    ) -> Response:
        body = await json_object(request, lambda reason: error(1200, reason))
        try:
            order = check(body)
            drawn = await self._world.studio.run(partial(first_frame, order))
        except Unacceptable as problem:
            reply = json_reply(envelope(problem.code, problem.message), problem.http_status)
            raise Refused(reply) from problem
        # From here to the saved job nothing waits: two calls with one reference cannot both pass.
        if order.reference and self._world.jobs.by_reference(NAME, order.reference):
            raise Refused(error(1201, f"external_task_id {order.reference} already exists"))
        fault = self._world.faults.take(NAME, "submit", order.prompt)
        refusal = refusal_of(fault)
        if refusal is not None and not (fault and fault.order.accepted):
            return refusal
        job = self._accept(order, drawn, self._world.faults.take(NAME, "result", order.prompt))
        if refusal is not None:
            return refusal
        return await deliver(self._world, success(created(job)), fault)

    def _accept(self, order: KlingOrder, drawn: dict[str, Any], flaw: Fault | None) -> Job:
        name, started_at_s = (flaw.name if flaw else None), now_s()
        factor = OVERCHARGE_FACTOR if name == "overcharge" else 1
        ready_at_s = None if name == "stuck" else started_at_s + self._world.pace.video_s
        drawn |= {
            "duration_s": order.duration_s,
            "multi_shot": order.multi_shot,
            "watermark": order.watermark,
            "units": order.units * factor,
            "sound": order.audio is not (name == "wrong_sound"),
        }
        if flaw is not None and name == "wrong_size":
            if flaw.code != "duration":
                drawn["width"], drawn["height"] = size_below(drawn["width"], drawn["height"])
            if flaw.code != "size":
                drawn["duration_s"] = max(1, order.duration_s - 2)
        job = Job(
            id=str(800_000_000_000_000_000 + secrets.randbelow(10**17)),
            provider=NAME,
            kind=order.product,
            prompt=order.prompt,
            order=drawn,
            accepted_at_s=started_at_s,
            ready_at_s=ready_at_s,
            reference=order.reference,
            failure=CONTENT_FAILURE if name == "refuse" else None,
            flaws=[name] if name else [],
        )
        self._world.jobs.save(job)
        per_minute = GUIDE_PRICES_MICROS[order.resolution]
        self._world.ledger.accept(
            NAME,
            id=job.id,
            prompt=order.prompt,
            cost_micros=clip_cost_micros(per_minute, order.duration_s) * factor,
            accepted_at_s=started_at_s,
            reference=order.reference,
            billed=name != "refuse",
        )
        return job

    async def tasks(self, request: Request) -> Response:
        """New protocol: GET /tasks?task_ids=a,b or ?external_task_ids=a,b"""
        _check_key(request, legacy=False)
        ids, references = (
            [part for part in request.query_params.get(name, "").split(",") if part]
            for name in ("task_ids", "external_task_ids")
        )
        if bool(ids) == bool(references) or len(ids) + len(references) > MAX_IDS:
            raise Refused(error(1201, "give either task_ids or external_task_ids"))
        found = [self._world.jobs.get(NAME, id) for id in ids]
        found += [self._world.jobs.by_reference(NAME, name) for name in references]
        jobs = [job for job in found if job is not None]
        return await self._answer_poll(
            jobs,
            lambda: success([self._new_task(request, job) for job in jobs]),
            lost=success([]),
        )

    async def list_tasks(self, request: Request) -> Response:
        """New protocol: POST /tasks, newest first by cursor."""
        _check_key(request, legacy=False)
        body = await json_object(request, lambda reason: error(1200, reason))
        try:
            chosen = self._filtered(body)
            start, limit = int(body.get("cursor") or 0), body.get("limit", 30)
            if not isinstance(limit, int) or not 1 <= limit <= MAX_LIST or start < 0:
                raise ValueError("limit or cursor")
        except (TypeError, ValueError, KeyError) as problem:
            raise Refused(error(1201, f"invalid value: {problem}")) from problem
        page = chosen[start : start + limit]
        cursor = str(start + limit) if start + limit < len(chosen) else ""
        return await self._answer_poll(
            page,
            lambda: success(
                {
                    "items": [self._new_task(request, job) for job in page],
                    "next_cursor": cursor,
                }
            ),
        )

    def _filtered(self, body: dict[str, Any]) -> list[Job]:
        unknown = set(body) - {"start_time", "end_time", "cursor", "limit", "filters"}
        if unknown:
            raise ValueError(f"unknown field {sorted(unknown)[0]}")
        end_ms = body.get("end_time", round(now_s() * 1000) + 1)
        start_ms = body.get("start_time", end_ms - LIST_WINDOW_MS)
        if end_ms - start_ms > LIST_WINDOW_MS:
            raise ValueError("the window is longer than 30 days")
        wanted: dict[str, set[str]] = {"status": set(), "product_type": set()}
        for item in body.get("filters", []):
            wanted[item["field"]] |= set(item["values"])
        moment_s = now_s()
        chosen = [
            job
            for job in self._world.jobs.of(NAME)
            if start_ms <= round(job.accepted_at_s * 1000) <= end_ms
            and (not wanted["status"] or _new_status(job, moment_s) in wanted["status"])
            and (not wanted["product_type"] or job.kind in wanted["product_type"])
        ]
        return chosen[::-1]

    async def task_legacy(self, request: Request, *, product: Product) -> Response:
        """Legacy: GET /v1/videos/{product}/{task id or external task id}"""
        _check_key(request, legacy=True)
        id = request.path_params["id"]
        job = self._world.jobs.get(NAME, id) or self._world.jobs.by_reference(NAME, id)
        lost = error(1203, f"task {id} does not exist")
        if job is None or job.kind != product:
            return await self._answer_poll([], lambda: lost)
        return await self._answer_poll(
            [job], lambda: success(self._legacy_task(request, job)), lost=lost
        )

    async def list_legacy(self, request: Request, *, product: Product) -> Response:
        """Legacy: GET /v1/videos/{product}?pageNum=1&pageSize=30, newest first."""
        _check_key(request, legacy=True)
        try:
            page = int(request.query_params.get("pageNum", "1"))
            size = int(request.query_params.get("pageSize", "30"))
        except ValueError as problem:
            raise Refused(error(1201, "pageNum and pageSize must be integers")) from problem
        if not (1 <= page <= 1000 and 1 <= size <= MAX_LIST):
            raise Refused(error(1201, "pageNum must be 1..1000 and pageSize 1..500"))
        jobs = [job for job in self._world.jobs.of(NAME) if job.kind == product][::-1]
        shown = jobs[(page - 1) * size : page * size]
        return await self._answer_poll(
            shown, lambda: success([self._legacy_task(request, job) for job in shown])
        )

    async def _answer_poll(
        self, jobs: list[Job], answer: Callable[[], Response], *, lost: Response | None = None
    ) -> Response:
        """`lost` is how a question about tasks that nobody knows is answered."""
        fault = self._world.faults.take(NAME, "poll")
        refusal = refusal_of(fault)
        if refusal is not None:
            return refusal
        if fault is not None and fault.code == "lost" and lost is not None:
            return lost
        if fault is not None and fault.name == "odd_status":
            for job in jobs:
                job.odd_polls = ODD_POLLS
        reply = answer()
        for job in jobs:
            if job.odd_polls:
                job.odd_polls -= 1
                self._world.jobs.save(job)
        return await deliver(self._world, reply, fault)

    def _link(self, request: Request, job: Job) -> str:
        """A fresh link; its number is above every link of this job that is dead."""
        expires_at_s, number = int(now_s()) + LINK_LIFE_S, job.dead_links
        query = urllib.parse.urlencode(
            {
                "expires": expires_at_s,
                "number": number,
                "signature": _signature(job.id, expires_at_s, number),
            }
        )
        host = request.headers.get("host", "127.0.0.1")
        return f"http://{host}/{NAME}/files/{job.id}.mp4?{query}"

    def _video(self, request: Request, job: Job) -> dict[str, Any]:
        link = self._link(request, job)
        return {
            "id": f"v{job.id[-12:]}",
            "url": link,
            "watermark_url": link if job.order["watermark"] else "",
            "duration": f"{job.order['duration_s']}.0",
        }

    def _new_task(self, request: Request, job: Job) -> dict[str, Any]:
        moment_s = now_s()
        phase = job.phase(moment_s)
        task: dict[str, Any] = {
            "id": job.id,
            "status": _new_status(job, moment_s),
            "message": job.failure if phase == "failed" else "",
            "external_id": job.reference or "",
            "create_time": round(job.accepted_at_s * 1000),
            "update_time": round(job.updated_at_s(moment_s) * 1000),
        }
        if phase == "done" and not job.odd_polls:
            empty = "malformed" in job.flaws
            task["outputs"] = [] if empty else [{"type": "video"} | self._video(request, job)]
            units = f"{job.order['units']:.2f}"
            task["billing"] = [{"charge_type": "unit", "amount": units, "package_type": "video"}]
        return task

    def _legacy_task(self, request: Request, job: Job) -> dict[str, Any]:
        moment_s = now_s()
        phase = job.phase(moment_s)
        word = "succeed" if phase == "done" else phase
        task: dict[str, Any] = {
            "task_id": job.id,
            "task_status": ODD_WORD if job.odd_polls else word,
            "task_status_msg": job.failure if phase == "failed" else "",
            "task_info": {"external_task_id": job.reference or ""},
            "created_at": round(job.accepted_at_s * 1000),
            "updated_at": round(job.updated_at_s(moment_s) * 1000),
            "watermark_info": {"enabled": job.order["watermark"]},
        }
        if phase == "failed":
            task["final_unit_deduction"] = "0"
        if phase == "done" and not job.odd_polls:
            empty = "malformed" in job.flaws
            task["final_unit_deduction"] = f"{job.order['units']:g}"
            task["task_result"] = {"videos": [] if empty else [self._video(request, job)]}
        return task

    async def file(self, request: Request) -> Response:
        """GET /files/{id}.mp4 with a signature that expires."""
        job = self._world.jobs.get(NAME, request.path_params["id"])
        if job is None or job.phase(now_s()) != "done":
            return Response("no such file", 404, media_type="text/plain")
        try:
            expires_at_s, number = (
                int(request.query_params.get(name, "-1")) for name in ("expires", "number")
            )
        except ValueError:
            expires_at_s = number = -1
        expected = _signature(job.id, expires_at_s, number)
        valid = hmac.compare_digest(expected, request.query_params.get("signature", ""))
        if not valid or expires_at_s < now_s() or number < job.dead_links:
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

    async def costs(self, request: Request) -> Response:
        """GET /account/costs?start_time=&end_time=: what is left; a free call for key tests."""
        _check_key(request, legacy=True)
        if not {"start_time", "end_time"} <= set(request.query_params):
            raise Refused(error(1200, "start_time and end_time are required"))
        used = sum(job.order["units"] for job in self._world.jobs.of(NAME) if job.failure is None)
        pack = {
            "resource_pack_name": "Simulated video pack",
            "resource_pack_id": "sim-pack-1",
            "resource_pack_type": "decreasing_total",
            "total_quantity": 100_000.0,
            "remaining_quantity": round(100_000.0 - used, 2),
            "status": "online",
        }
        return success({"code": 0, "msg": "success", "resource_pack_subscribe_infos": [pack]})


def _new_status(job: Job, moment_s: float) -> str:
    phase = job.phase(moment_s)
    return ODD_WORD if job.odd_polls else "succeeded" if phase == "done" else phase


def _new_created(job: Job) -> dict[str, Any]:
    created_ms = round(job.accepted_at_s * 1000)
    return {
        "id": job.id,
        "status": "submitted",
        "create_time": created_ms,
        "update_time": created_ms,
        "external_id": job.reference or "",
    }


def _legacy_created(job: Job) -> dict[str, Any]:
    created_ms = round(job.accepted_at_s * 1000)
    return {
        "task_id": job.id,
        "task_status": "submitted",
        "task_info": {"external_task_id": job.reference or ""},
        "created_at": created_ms,
        "updated_at": created_ms,
    }


def _clip_order(job: Job) -> ClipOrder:
    frame = job.order["first_frame"]
    return ClipOrder(
        provider=NAME,
        prompt=job.prompt,
        width=job.order["width"],
        height=job.order["height"],
        duration_s=job.order["duration_s"],
        sound=job.order["sound"],
        first_frame=None if frame is None else base64.b64decode(frame),
        two_shots=job.order["multi_shot"],
    )


def _forbidden() -> Response:
    page = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code>'
        "<Message>Request has expired.</Message></Error>"
    )
    return Response(page, 403, media_type="application/xml")


def routes(world: World) -> list[Route]:
    kling = Kling(world)
    found = [
        Route("/tasks", kling.tasks),
        Route("/tasks", kling.list_tasks, methods=["POST"]),
        Route("/files/{id}.mp4", kling.file),
        Route("/account/costs", kling.costs),
    ]
    products: dict[Product, str] = {
        "text2video": "/text-to-video",
        "image2video": "/image-to-video",
    }
    for product, path in products.items():
        legacy = f"/v1/videos/{product}"
        known: dict[str, Any] = {"product": product}
        found += [
            Route(path + "/{model}", partial(kling.create, **known), methods=["POST"]),
            Route(legacy, partial(kling.create_legacy, **known), methods=["POST"]),
            Route(legacy, partial(kling.list_legacy, **known)),
            Route(legacy + "/{id}", partial(kling.task_legacy, **known)),
        ]
    return found


def not_found(request: Request) -> Response:
    path = request.url.path.removeprefix(f"/{NAME}")
    return error(1202, f"{request.method} {path} is not a method of this API")


PROVIDER = Provider(name=NAME, faults=FAULTS, routes=routes, not_found=not_found)
