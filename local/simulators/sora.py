"""OpenAI Videos protocol, facts read 2026-11 (Python SDK 3.54.0, copies of the vendor's pages).

OpenAI ended the API on 2026-09-24; this server stands for a compatible host that lives on. A job is
created (multipart, or JSON without a file), looked at, and its content fetched below its own path
with the key: the object holds no link. `seconds` is a string, in requests as in answers. There is
no idempotency key, no client's reference and no cancel; DELETE removes a job that has ended.

Chosen here, where the pages are silent: the sizes of the pro model beyond 1792x1024 (1920x1080 and
3840x2160, both ways) are those of a host that has them; an unknown size or length has the code
`invalid_value` and its `param`; content before the end is 409, after `expires_at` 404; a file lives
an hour; a failed job is not billed; remix, edits, extensions and characters are not simulated.
"""

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.simulators.clips import ClipOrder, size_below
from local.simulators.dalle import ERRORS as IMAGE_ERRORS
from local.simulators.dalle import error
from local.simulators.drawing import StillFormat, StillOrder, open_image
from local.simulators.faults import FILE_DAMAGES, JSON_DAMAGES, Fault, FaultTable
from local.simulators.jobs import Job, now_s
from local.simulators.ledger import clip_cost_micros
from local.simulators.multipart import UnreadableForm, is_form, read_form
from local.simulators.wire import (
    Refused,
    before_the_vendor,
    deliver,
    deliver_file,
    json_object,
    json_reply,
)
from local.simulators.world import Provider, World

NAME = "sora"
KEY_PREFIX = "sim-"
GUIDE_PRICES_MICROS = {720: 100_000, 1080: 150_000, 2160: 300_000}  # A minute, by the short edge.
SMALL_SIZES = ("720x1280", "1280x720")
PRO_SIZES = (
    *SMALL_SIZES,
    "1024x1792",
    "1792x1024",
    "1920x1080",
    "1080x1920",
    "3840x2160",
    "2160x3840",
)
SIZES_BY_MODEL = {
    "sora-2": SMALL_SIZES,
    "sora-2-2025-10-06": SMALL_SIZES,
    "sora-2-2025-12-08": SMALL_SIZES,
    "sora-2-pro": PRO_SIZES,
    "sora-2-pro-2025-10-06": PRO_SIZES,
}
LENGTHS = ("4", "8", "12")
KNOWN = frozenset({"input_reference", "model", "prompt", "seconds", "size"})
STILL_TYPES = ("image/jpeg", "image/png", "image/webp")
MAX_PROMPT_CHARACTERS = 32_000
MAX_LIST = 100
FILE_LIFE_S = 3600
ODD_WORD = "awaiting_recompute"
ODD_POLLS = 2
OVERCHARGE_FACTOR = 10
VARIANTS: dict[str, StillFormat] = {"thumbnail": "webp", "spritesheet": "jpeg"}

ERRORS: dict[str, tuple[int, str, str]] = IMAGE_ERRORS | {
    "sentinel_block": (
        400,
        "invalid_request_error",
        "Your request was blocked by our moderation system.",
    ),
    "model_not_found": (404, "invalid_request_error", "The model does not exist."),
    "not_found": (404, "invalid_request_error", "Video not found."),
}
JOB_REFUSALS = (
    "moderation_blocked",
    "content_policy_violation",
    "input_moderation",
    "output_moderation",
)
JOB_FAILURES = ("video_generation_failed", "internal_error", "server_error", "rate_limit_exceeded")
JOB_MESSAGES = dict.fromkeys(
    JOB_REFUSALS, "Your request was blocked by our moderation system."
) | dict.fromkeys(JOB_FAILURES, "Video generation failed. Please try again.")
SERVER_CODES = ("server_error", "server_is_overloaded")
RATE_CODES = ("rate_limit_exceeded", "slow_down")
KEY_CODES = ("invalid_api_key", "account_deactivated", "insufficient_permissions")
FAULTS: FaultTable = {
    "http_500": {
        "submit": SERVER_CODES,
        "poll": (*SERVER_CODES, "not_found"),
        "download": (*SERVER_CODES, "not_found"),
        "result": JOB_FAILURES,
    },
    "http_429": {"submit": RATE_CODES, "poll": RATE_CODES, "download": RATE_CODES},
    "quota": {
        "submit": (
            "insufficient_quota",
            "billing_hard_limit_reached",
            "credit_balance_exhausted",
            "organization_spend_limit_exceeded",
            "project_spend_limit_exceeded",
            "organization_usage_limit_exceeded",
            "billing_not_active",
        )
    },
    "bad_key": {"submit": KEY_CODES, "poll": KEY_CODES, "download": KEY_CODES},
    "refuse": {
        "submit": ("moderation_blocked", "content_policy_violation", "sentinel_block"),
        "result": JOB_REFUSALS,
    },
    "retired": {"submit": ("model_not_found",)},
    "hang": {"submit": (), "poll": (), "download": ()},
    "drop_reply": {"submit": (), "poll": (), "download": ()},
    "drop_request": {"submit": ()},
    "malformed": {"submit": JSON_DAMAGES, "poll": JSON_DAMAGES, "download": FILE_DAMAGES},
    "html": {"submit": (), "poll": (), "download": ()},
    "slow": {"submit": (), "poll": (), "download": ()},
    "stuck": {"result": ()},
    "expired_url": {"download": ()},
    "truncated": {"download": ()},
    "wrong_size": {"result": ("size_and_duration", "size", "duration")},
    "odd_status": {"poll": ()},
    "overcharge": {"result": ()},
}


@dataclass(frozen=True)
class VideoOrder:
    """A request that passed the vendor's checks, with every default filled in."""

    model: str
    prompt: str
    seconds: str
    size: str
    first_frame: bytes | None

    @property
    def edges(self) -> tuple[int, int]:
        width, height = self.size.split("x")
        return int(width), int(height)

    @property
    def cost_micros(self) -> int:
        """By the guide card; a size between two of its cells costs the higher one."""
        edge = min(self.edges)
        price = next(price for most, price in GUIDE_PRICES_MICROS.items() if edge <= most)
        return clip_cost_micros(price, int(self.seconds))


def coded(code: str, fault: Fault | None = None) -> Response:
    """The error of the vendor's table, with the status and waiting time that a fault asks for."""
    status, type, message = ERRORS[code]
    headers: dict[str, str] = {}
    if fault is not None:
        status = fault.order.status or (429 if fault.name == "http_429" else status)
        if fault.order.retry_after is not None:
            headers["retry-after"] = str(fault.order.retry_after)
    return error(status, message, type=type, code=code, headers=headers)


def refusal_of(fault: Fault | None) -> Response | None:
    """The answer of a fault that refuses the call; None for those that let it through."""
    match fault.name if fault else None:
        case "http_500" | "http_429" | "quota" | "bad_key" | "refuse" | "retired" if fault:
            return coded(fault.code, fault)
        case "expired_url":
            return coded("not_found")
    return None if fault is None else before_the_vendor(fault)


def _wrong(param: str, message: str, code: str = "invalid_value") -> Refused:
    return Refused(error(400, message, param=param, code=code))


def _check_key(request: Request) -> None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.startswith(KEY_PREFIX):
        raise Refused(coded("invalid_api_key"))


async def _read(request: Request) -> dict[str, Any]:
    """The fields of a JSON or multipart body; a file comes as (content, media type)."""
    content_type = request.headers.get("content-type", "")
    if not is_form(content_type):
        return await json_object(
            request, lambda reason: error(400, f"We could not parse your request: {reason}.")
        )
    try:
        parts = read_form(content_type, await request.body())
        return {
            part.name: part.content.decode() if part.file_name is None
            else (part.content, part.media_type)
            for part in parts
        }  # fmt: skip
    except (UnreadableForm, UnicodeDecodeError) as problem:
        reply = error(400, f"We could not parse your request: {problem}.")
        raise Refused(reply) from problem


def _text(body: dict[str, Any], name: str, default: str) -> str:
    value = body.get(name, default)
    if not isinstance(value, str):
        message = f"Invalid type for '{name}': expected a string, but got {value!r} instead."
        raise _wrong(name, message, "invalid_type")
    return value


def _choice(body: dict[str, Any], name: str, choices: tuple[str, ...], default: str) -> str:
    value = _text(body, name, default)
    if value not in choices:
        listed = ", ".join(f"'{choice}'" for choice in choices)
        raise _wrong(name, f"Invalid value: '{value}'. Supported values are: {listed}.")
    return value


def _first_frame(value: Any, size: str) -> bytes | None:
    """The bytes of `input_reference`: a file, or a `data:` link in JSON, of exactly the size."""
    match value:
        case None:
            return None
        case (bytes(content), media_type) if media_type in STILL_TYPES:
            still = content
        case {"image_url": str(link)} if link.startswith("data:image/"):
            try:
                still = base64.b64decode(link.partition(",")[2], validate=True)
            except ValueError as problem:
                raise _wrong("input_reference", "Invalid base64 image.") from problem
        case _:
            raise _wrong("input_reference", "Expected a jpeg, png or webp image.")
    try:
        width, height = open_image(still).size
    except ValueError as problem:
        raise _wrong("input_reference", "Invalid image file.") from problem
    if f"{width}x{height}" != size:
        message = "Inpaint image must match the requested width and height."
        raise _wrong("input_reference", message)
    return still


def check(body: dict[str, Any]) -> VideoOrder:
    """The order in a request's fields. Raises Refused with the vendor's own error."""
    body = {name: value for name, value in body.items() if value is not None}
    for name in body:
        if name not in KNOWN:
            raise _wrong(name, f"Unknown parameter: '{name}'.", "unknown_parameter")
    prompt = _text(body, "prompt", "")
    if not prompt:
        message = "Missing required parameter: 'prompt'."
        raise _wrong("prompt", message, "missing_required_parameter")
    if len(prompt) > MAX_PROMPT_CHARACTERS:
        raise _wrong("prompt", "Invalid 'prompt': string too long.", "string_above_max_length")
    model = _text(body, "model", "sora-2")
    if model not in SIZES_BY_MODEL:
        raise Refused(coded("model_not_found"))
    size = _choice(body, "size", SIZES_BY_MODEL[model], SMALL_SIZES[0])
    return VideoOrder(
        model=model,
        prompt=prompt,
        seconds=_choice(body, "seconds", LENGTHS, LENGTHS[0]),
        size=size,
        first_frame=_first_frame(body.get("input_reference"), size),
    )


class Sora:
    """The endpoints over one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def create(self, request: Request) -> Response:
        """POST /v1/videos"""
        _check_key(request)
        order = check(await _read(request))
        fault = self._world.faults.take(NAME, "submit", order.prompt)
        refusal = refusal_of(fault)
        if refusal is not None and not (fault and fault.order.accepted):
            return refusal
        job = self._accept(order, self._world.faults.take(NAME, "result", order.prompt))
        if refusal is not None:
            return refusal
        return await deliver(self._world, json_reply(_created(job)), fault)

    def _accept(self, order: VideoOrder, flaw: Fault | None) -> Job:
        name, started_at_s = (flaw.name if flaw else None), now_s()
        factor = OVERCHARGE_FACTOR if name == "overcharge" else 1
        width, height = order.edges
        still = order.first_frame
        drawn: dict[str, Any] = {
            "model": order.model,
            "size": order.size,
            "seconds": str(int(order.seconds) * factor),
            "width": width,
            "height": height,
            "duration_s": int(order.seconds),
            "first_frame": None if still is None else base64.b64encode(still).decode(),
        }
        if flaw is not None and name == "wrong_size":
            if flaw.code != "duration":
                drawn["width"], drawn["height"] = size_below(width, height)
            if flaw.code != "size":
                drawn["duration_s"] = int(order.seconds) - 2
        fails = flaw is not None and name in ("refuse", "http_500")
        job = Job(
            id=f"video_{secrets.token_hex(24)}",
            provider=NAME,
            kind="video",
            prompt=order.prompt,
            order=drawn,
            accepted_at_s=started_at_s,
            ready_at_s=None if name == "stuck" else started_at_s + self._world.pace.video_s,
            failure=flaw.code if flaw is not None and fails else None,
            flaws=[name] if name else [],
        )
        self._world.jobs.save(job)
        self._world.ledger.accept(
            NAME,
            id=job.id,
            prompt=order.prompt,
            cost_micros=order.cost_micros * factor,
            accepted_at_s=started_at_s,
            billed=not fails,
        )
        return job

    def _job(self, request: Request) -> Job:
        _check_key(request)
        job = self._world.jobs.get(NAME, request.path_params["id"])
        if job is None or "deleted" in job.flaws:
            raise Refused(coded("not_found"))
        return job

    async def look(self, request: Request) -> Response:
        """GET /v1/videos/{id}"""
        return await self._answer_poll([self._job(request)], _shown_alone)

    async def list_jobs(self, request: Request) -> Response:
        """GET /v1/videos?after=&limit=&order=, newest first unless told otherwise."""
        _check_key(request)
        query = request.query_params
        try:
            limit = int(query.get("limit", "20"))
        except ValueError as problem:
            raise _wrong("limit", "Invalid 'limit'.", "invalid_type") from problem
        order = query.get("order", "desc")
        if not 1 <= limit <= MAX_LIST or order not in ("asc", "desc"):
            raise _wrong("limit", "Invalid value.")
        jobs = [job for job in self._world.jobs.of(NAME) if "deleted" not in job.flaws]
        jobs = jobs if order == "asc" else jobs[::-1]
        ids = [job.id for job in jobs]
        start = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
        page = jobs[start : start + limit]

        def answer(page: list[Job]) -> dict[str, Any]:
            return {
                "object": "list",
                "data": [_shown(job) for job in page],
                "first_id": page[0].id if page else None,
                "last_id": page[-1].id if page else None,
                "has_more": start + limit < len(jobs),
            }

        return await self._answer_poll(page, answer)

    async def _answer_poll(
        self, jobs: list[Job], answer: Callable[[list[Job]], dict[str, Any]]
    ) -> Response:
        fault = self._world.faults.take(NAME, "poll")
        refusal = refusal_of(fault)
        if refusal is not None:
            return refusal
        if fault is not None and fault.name == "odd_status":
            for job in jobs:
                job.odd_polls = ODD_POLLS
        reply = json_reply(answer(jobs))
        for job in jobs:
            if job.odd_polls:
                job.odd_polls -= 1
                self._world.jobs.save(job)
        return await deliver(self._world, reply, fault)

    async def delete(self, request: Request) -> Response:
        """DELETE /v1/videos/{id}, for a job that has ended."""
        job = self._job(request)
        if job.phase(now_s()) not in ("done", "failed"):
            raise Refused(error(409, "The video is still being generated."))
        job.flaws.append("deleted")
        self._world.jobs.save(job)
        return json_reply({"id": job.id, "object": "video.deleted", "deleted": True})

    async def content(self, request: Request) -> Response:
        """GET /v1/videos/{id}/content?variant="""
        job = self._job(request)
        if job.phase(now_s()) != "done":
            raise Refused(error(409, "The video is not ready yet."))
        if now_s() > _expires_at_s(job):
            raise Refused(coded("not_found"))
        variant = request.query_params.get("variant", "video")
        if variant != "video" and variant not in VARIANTS:
            raise _wrong("variant", f"Invalid value: '{variant}'.")
        fault = self._world.faults.take(NAME, "download")
        refusal = refusal_of(fault)
        if refusal is not None:
            return refusal
        if variant == "video":
            clip = await self._world.studio.clip(_clip_order(job))
            return await deliver_file(self._world, request, clip, "video/mp4", fault)
        size = {edge: job.order[edge] for edge in ("width", "height")}
        format = VARIANTS[variant]
        order = StillOrder(provider=NAME, prompt=job.prompt, format=format, **size)
        still = await self._world.studio.still(order)
        return await deliver_file(self._world, request, still, f"image/{format}", fault)


def _expires_at_s(job: Job) -> float:
    return (job.ready_at_s or job.accepted_at_s) + FILE_LIFE_S


def _created(job: Job) -> dict[str, Any]:
    return _base(job) | {"status": "queued", "progress": 0}


def _base(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "object": "video",
        "model": job.order["model"],
        "created_at": int(job.accepted_at_s),
        "completed_at": None,
        "expires_at": None,
        "error": None,
        "prompt": job.prompt,
        "seconds": job.order["seconds"],
        "size": job.order["size"],
        "remixed_from_video_id": None,
    }


def _shown(job: Job) -> dict[str, Any]:
    """The job as a look sees it."""
    moment_s, shown = now_s(), _base(job)
    phase = job.phase(moment_s)
    if job.odd_polls:
        return shown | {"status": ODD_WORD, "progress": 50}
    if phase == "failed":
        code = job.failure or ""
        problem = {"code": code, "message": JOB_MESSAGES[code]}
        return shown | {"status": "failed", "progress": 41, "error": problem}
    if phase == "done" and job.ready_at_s is not None:
        times = {"completed_at": int(job.ready_at_s), "expires_at": int(_expires_at_s(job))}
        return shown | {"status": "completed", "progress": 100} | times
    if phase == "submitted":
        return shown | {"status": "queued", "progress": 0}
    whole_s = (job.ready_at_s or moment_s + 60) - job.accepted_at_s
    share = int(100 * (moment_s - job.accepted_at_s) / whole_s)
    return shown | {"status": "in_progress", "progress": min(99, share)}


def _shown_alone(jobs: list[Job]) -> dict[str, Any]:
    return _shown(jobs[0])


def _clip_order(job: Job) -> ClipOrder:
    frame = job.order["first_frame"]
    return ClipOrder(
        provider=NAME,
        prompt=job.prompt,
        width=job.order["width"],
        height=job.order["height"],
        duration_s=job.order["duration_s"],
        first_frame=None if frame is None else base64.b64decode(frame),
    )


def routes(world: World) -> list[Route]:
    sora = Sora(world)
    return [
        Route("/v1/videos", sora.create, methods=["POST"]),
        Route("/v1/videos", sora.list_jobs),
        Route("/v1/videos/{id}", sora.look),
        Route("/v1/videos/{id}", sora.delete, methods=["DELETE"]),
        Route("/v1/videos/{id}/content", sora.content),
    ]


def not_found(request: Request) -> Response:
    path = request.url.path.removeprefix(f"/{NAME}")
    return error(404, f"Invalid URL ({request.method} {path})")


PROVIDER = Provider(name=NAME, faults=FAULTS, routes=routes, not_found=not_found)
