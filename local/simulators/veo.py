"""Google's video models on the Gemini API, facts read 2026-11 (google-genai 3.4.0 and 2.34.0).

Omni: `POST interactions` in the background, `GET interactions/{id}`, `POST …/cancel`; the clip is
in `steps`, inline or as a link. Veo: `POST models/{model}:predictLongRunning`, `GET {operation}`;
`done` is absent while it runs, a safety block is `done` without samples and with
`raiMediaFilteredReasons`, `error.code` is a google.rpc code. Google shut Veo down on 2026-10-22;
this server stands for a compatible host, and only google-genai before 3.0 speaks that protocol. A
download needs the key and is redirected on the same origin. Nothing has a client id or a list.

Chosen here, where the pages are silent: Omni 1.2 costs what 1.1 costs, and 1080p and 4k have tokens
in proportion to their prices; errors of interactions have the envelope of all the others; a blocked
interaction is `failed` with a message that speaks of safety; an interaction is asked with `store`
when in the background; a file is kept 2 days; a failed or cancelled job is not billed; only
text_to_video and image_to_video are made, and Veo's `video`, `lastFrame` and references are not.
"""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from local.simulators.clips import ClipOrder, size_below
from local.simulators.drawing import open_image
from local.simulators.faults import FILE_DAMAGES, JSON_DAMAGES, Fault, FaultTable
from local.simulators.jobs import Job, now_s
from local.simulators.nanobanana import API_VERSIONS, MESSAGES, TYPE_URL, error
from local.simulators.nanobanana import refusal_of as google_refusal_of
from local.simulators.wire import (
    Refused,
    deliver,
    deliver_file,
    json_object,
    json_reply,
)
from local.simulators.world import Provider, World

NAME = "veo"
KEY_PREFIX = "sim-"
FILE_LIFE_S = 2 * 24 * 3600
ODD_POLLS = 2
OVERCHARGE_FACTOR = 10
CHARACTERS_PER_TOKEN = 4
STILL_TOKENS = 560
MAX_STILL_BYTES = 20_000_000
MAX_VEO_PROMPT_TOKENS = 1024
SHORT_EDGES = {"360p": 360, "720p": 720, "1080p": 1080, "4k": 2160}
RATIOS = {"16:9": (16, 9), "9:16": (9, 16)}

OMNI_MODELS = ("gemini-omni-1.2-flash", "gemini-omni-1.1-flash")
OMNI_TOKENS_PER_SECOND = {"360p": 1944, "720p": 5792, "1080p": 8688, "4k": 17376}
OMNI_LENGTHS_S = range(3, 11)
# Micro-dollars for two tokens, so that both are whole: 17.50 and 1.50 USD per million.
OUTPUT_MICROS_PER_TWO_TOKENS, INPUT_MICROS_PER_TWO_TOKENS = 35, 3
TASKS = ("text_to_video", "image_to_video")
INTERACTION_FIELDS = frozenset(
    {
        "background", "cached_content", "generation_config", "input", "labels", "model",
        "previous_interaction_id", "response_format", "response_mime_type",
        "response_modalities", "safety_settings", "service_tier", "store", "stream",
        "system_instruction", "webhook_config",
    }
)  # fmt: skip
FORMAT_FIELDS = frozenset({"aspect_ratio", "delivery", "duration", "resolution", "type"})
TIERS = ("standard", "flex", "priority", "deferred")
LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")

VEO_PRICES_MICROS = {  # a second
    "veo-3.1-generate-preview": {"720p": 400_000, "1080p": 400_000, "4k": 600_000},
    "veo-3.1-fast-generate-preview": {"720p": 100_000, "1080p": 120_000, "4k": 300_000},
    "veo-3.1-lite-generate-preview": {"720p": 50_000, "1080p": 80_000},
}
VEO_LENGTHS_S = (4, 6, 8)
INSTANCE_FIELDS = frozenset({"image", "prompt"})
PARAMETER_FIELDS = frozenset(
    {
        "aspectRatio", "durationSeconds", "negativePrompt", "personGeneration", "resolution",
        "sampleCount",
    }
)  # fmt: skip

RPC_CODES = {
    "INVALID_ARGUMENT": 3,
    "DEADLINE_EXCEEDED": 4,
    "RESOURCE_EXHAUSTED": 8,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
}
POLICY_MESSAGE = (
    "The prompt could not be submitted. It contains words that violate our usage guidelines."
)
RAI_REASON = (
    "Veo could not generate videos because the input text contains content that violates "
    "Google's usage guidelines. Support codes: 15236754"
)
SERVER_CODES = ("INTERNAL", "UNAVAILABLE", "DEADLINE_EXCEEDED")
FAULTS: FaultTable = {
    "http_500": {
        "submit": SERVER_CODES,
        "poll": (*SERVER_CODES, "NOT_FOUND"),
        "download": (*SERVER_CODES, "NOT_FOUND"),
        "result": ("INTERNAL", *(code for code in RPC_CODES if code != "INTERNAL")),
    },
    "http_429": {"submit": ("RESOURCE_EXHAUSTED",), "poll": ("RESOURCE_EXHAUSTED",)},
    "quota": {"submit": ("RESOURCE_EXHAUSTED", "FAILED_PRECONDITION")},
    "bad_key": {
        "submit": ("API_KEY_INVALID", "PERMISSION_DENIED"),
        "poll": ("API_KEY_INVALID", "PERMISSION_DENIED"),
        "download": ("PERMISSION_DENIED",),
    },
    "refuse": {"submit": (), "result": ("SAFETY", "INVALID_ARGUMENT")},
    "retired": {"submit": ("NOT_FOUND",)},
    "hang": {"submit": (), "poll": (), "download": ()},
    "drop_reply": {"submit": (), "poll": (), "download": ()},
    "drop_request": {"submit": ()},
    "malformed": {
        "submit": JSON_DAMAGES,
        "poll": JSON_DAMAGES,
        "download": FILE_DAMAGES,
        "result": ("no_result", "inline"),
    },
    "html": {"submit": (), "poll": (), "download": ()},
    "slow": {"submit": (), "poll": (), "download": ()},
    "stuck": {"result": ()},
    "expired_url": {"download": ()},
    "truncated": {"download": ()},
    "wrong_size": {"result": ("size_and_duration", "size", "duration")},
    "wrong_sound": {"result": ()},
    "odd_status": {"poll": ()},
    "charge_after_cancel": {"result": ()},
    "overcharge": {"result": ()},
}


@dataclass(frozen=True)
class ClipWish:
    """A request that passed the vendor's checks, whichever protocol asked for it."""

    model: str
    prompt: str
    resolution: str
    ratio: str
    duration_s: int
    first_frame: bytes | None
    reference: str | None = None
    inline: bool = False
    background: bool = True

    @property
    def size(self) -> tuple[int, int]:
        across, down = RATIOS[self.ratio]
        edge = SHORT_EDGES[self.resolution]
        long_edge = edge * 16 // 9
        return (long_edge, edge) if across > down else (edge, long_edge)

    @property
    def input_tokens(self) -> int:
        text = -(-len(self.prompt) // CHARACTERS_PER_TOKEN) + 2
        return text + (STILL_TOKENS if self.first_frame else 0)

    @property
    def output_tokens(self) -> int:
        return OMNI_TOKENS_PER_SECOND[self.resolution] * self.duration_s

    @property
    def cost_micros(self) -> int:
        """By the vendor's own list: there is no guide price for this provider."""
        prices = VEO_PRICES_MICROS.get(self.model)
        if prices is not None:
            return prices[self.resolution] * self.duration_s
        output = self.output_tokens * OUTPUT_MICROS_PER_TWO_TOKENS
        return -(-(output + self.input_tokens * INPUT_MICROS_PER_TWO_TOKENS) // 2)


def refusal_of(fault: Fault | None) -> Response | None:
    """The answer of a fault that refuses the call; None for those that let it through."""
    match fault.name if fault else None:
        case "refuse":
            return error("INVALID_ARGUMENT", POLICY_MESSAGE)
        case "expired_url":
            return error("NOT_FOUND", "The file does not exist.")
    return google_refusal_of(fault)


def _invalid(message: str, field: str) -> Refused:
    violation = {"field": field, "description": message}
    details = [{"@type": f"{TYPE_URL}BadRequest", "fieldViolations": [violation]}]
    return Refused(error("INVALID_ARGUMENT", message, details))


def _check_key(request: Request) -> None:
    key = request.headers.get("x-goog-api-key") or request.query_params.get("key")
    if not key:
        raise Refused(error("PERMISSION_DENIED", "Method doesn't allow unregistered callers."))
    if not key.startswith(KEY_PREFIX):
        info = {"@type": f"{TYPE_URL}ErrorInfo", "reason": "API_KEY_INVALID"}
        details = [info | {"domain": "googleapis.com"}]
        raise Refused(error("INVALID_ARGUMENT", MESSAGES["API_KEY_INVALID"], details))


async def _body(request: Request) -> dict[str, Any]:
    return await json_object(
        request,
        lambda reason: error("INVALID_ARGUMENT", f"Invalid JSON payload received: {reason}."),
    )


def _fields(value: Any, known: frozenset[str], where: str) -> dict[str, Any]:
    """The object without its nulls; an unknown name is refused as Google does."""
    if not isinstance(value, dict):
        raise _invalid(f"Invalid value at '{where}': an object is wanted.", where)
    for name in value:
        if name not in known:
            raise _invalid(f"Unknown name \"{name}\" at '{where}': Cannot find field.", where)
    return {name: item for name, item in value.items() if item is not None}


def _choice(body: dict[str, Any], name: str, choices: Any, default: Any) -> Any:
    value = body.get(name, default)
    if isinstance(value, bool) or value not in choices:
        listed = ", ".join(map(str, choices))
        raise _invalid(f"Unsupported value for {name}. Allowed: {listed}.", name)
    return value


def _still(data: Any, where: str) -> bytes:
    """A picture's bytes from base64 of either alphabet."""
    try:
        content = base64.b64decode(str(data).replace("-", "+").replace("_", "/"), validate=True)
        open_image(content)
    except ValueError as problem:
        raise _invalid("Unable to process input image.", where) from problem
    if len(content) > MAX_STILL_BYTES:
        raise _invalid("The image is larger than 20 MB.", where)
    return content


def _read_input(value: Any) -> tuple[str, bytes | None]:
    """The text and the picture of an interaction: a text, its parts, or steps that hold parts."""
    if isinstance(value, str):
        return value, None
    pieces = value if isinstance(value, list) else [value]
    texts: list[str] = []
    stills: list[bytes] = []
    for piece in pieces:
        contents = [piece]
        if isinstance(piece, dict) and piece.get("type") == "user_input":
            contents = piece.get("content") or []
        for content in contents:
            match content:
                case {"type": "text", "text": str(text)}:
                    texts.append(text)
                case {"type": "image", "data": data}:
                    stills.append(_still(data, "input"))
                case _:
                    raise _invalid("Unsupported content in input.", "input")
    if len(stills) > 1:
        raise _invalid("Only one image is supported for this task.", "input")
    return "\n".join(texts), stills[0] if stills else None


def _read_labels(value: Any) -> str | None:
    """The label `job`; every key and value must be short and in lower case."""
    if not isinstance(value, dict):
        raise _invalid("labels must be an object.", "labels")
    for name, item in value.items():
        if not LABEL_KEY.fullmatch(name) or not LABEL_VALUE.fullmatch(str(item)):
            raise _invalid(f"Invalid label {name}.", "labels")
    return str(value["job"]) if "job" in value else None


def check_interaction(body: dict[str, Any]) -> ClipWish:
    """The wish in an interaction's body. Raises Refused with the vendor's own error."""
    body = _fields(body, INTERACTION_FIELDS, "interaction")
    model = body.get("model")
    if model not in OMNI_MODELS:
        message = f"models/{model} is not found for API version v1beta."
        raise Refused(error("NOT_FOUND", message))
    prompt, still = _read_input(body.get("input", ""))
    if not prompt:
        raise _invalid("input is required.", "input")
    wanted = _fields(body.get("response_format", {}), FORMAT_FIELDS, "response_format")
    _choice(wanted, "type", ("video",), None)
    duration = re.fullmatch(r"(\d{1,3})s", str(wanted.get("duration", "8s")))
    if duration is None or int(duration[1]) not in OMNI_LENGTHS_S:
        raise _invalid("duration must be 3s to 10s.", "response_format.duration")
    config = body.get("generation_config", {})
    video = config.get("video_config", {}) if isinstance(config, dict) else {}
    implied = TASKS[0] if still is None else TASKS[1]
    task = _choice(video, "task", TASKS, implied)
    if task != implied:
        raise _invalid(f"The input does not fit the task {task}.", "input")
    _choice(body, "service_tier", TIERS, "standard")
    background = body.get("background", False) is True
    if background and body.get("store", True) is not True:
        raise _invalid("background requires store.", "store")
    if body.get("stream"):
        raise _invalid("The simulator does not stream.", "stream")
    return ClipWish(
        model=model,
        prompt=prompt,
        resolution=_choice(wanted, "resolution", tuple(SHORT_EDGES), "720p"),
        ratio=_choice(wanted, "aspect_ratio", tuple(RATIOS), "16:9"),
        duration_s=int(duration[1]),
        first_frame=still,
        reference=_read_labels(body.get("labels", {})),
        inline=_choice(wanted, "delivery", ("inline", "uri"), "inline") == "inline",
        background=background,
    )


def check_operation(body: dict[str, Any], model: str) -> ClipWish:
    """The wish in a predictLongRunning body. Raises Refused with the vendor's own error."""
    prices = VEO_PRICES_MICROS.get(model)
    if prices is None:
        message = f"models/{model} is not found for API version v1beta."
        raise Refused(error("NOT_FOUND", message))
    body = _fields(body, frozenset({"instances", "parameters", "webhookConfig"}), "")
    instances = body.get("instances")
    if not isinstance(instances, list) or len(instances) != 1:
        raise _invalid("Exactly one instance is wanted.", "instances")
    instance = _fields(instances[0], INSTANCE_FIELDS, "instances[0]")
    prompt = instance.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        raise _invalid("prompt is required.", "instances[0].prompt")
    if len(prompt) > MAX_VEO_PROMPT_TOKENS * CHARACTERS_PER_TOKEN:
        raise _invalid("The prompt is longer than 1024 tokens.", "instances[0].prompt")
    image = _fields(
        instance.get("image", {}), frozenset({"bytesBase64Encoded", "mimeType"}), "image"
    )
    parameters = _fields(body.get("parameters", {}), PARAMETER_FIELDS, "parameters")
    resolution = _choice(parameters, "resolution", tuple(prices), "720p")
    # Only whole numbers: `"8"` is refused, as `durationSeconds` is a number here.
    duration_s = _choice(parameters, "durationSeconds", VEO_LENGTHS_S, 8)
    if resolution != "720p" and duration_s != 8:
        raise _invalid(f"{resolution} is made in 8 seconds only.", "parameters.durationSeconds")
    _choice(parameters, "sampleCount", (1,), 1)
    return ClipWish(
        model=model,
        prompt=prompt,
        resolution=resolution,
        ratio=_choice(parameters, "aspectRatio", tuple(RATIOS), "16:9"),
        duration_s=duration_s,
        first_frame=_still(image["bytesBase64Encoded"], "image") if image else None,
    )


class Veo:
    """The endpoints of both protocols over one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def interact(self, request: Request) -> Response:
        """POST /{version}/interactions"""
        _check_key(request)
        wish = check_interaction(await _body(request))
        job, fault = self._submit(wish, "interaction", f"v1_{secrets.token_urlsafe(32)}")
        if not wish.background:
            await self._world.pause(self._world.pace.video_s)
        return await deliver(self._world, json_reply(await self._interaction(request, job)), fault)

    async def call(self, request: Request) -> Response:
        """POST /{version}/models/{model}:predictLongRunning"""
        model, _, method = request.path_params["call"].partition(":")
        _check_key(request)
        if method != "predictLongRunning":
            return not_found(request)
        wish = check_operation(await _body(request), model)
        job, fault = self._submit(wish, "operation", secrets.token_hex(6))
        return await deliver(self._world, json_reply({"name": _operation_name(job)}), fault)

    def _submit(self, wish: ClipWish, kind: str, id: str) -> tuple[Job, Fault | None]:
        """The accepted job and the fault that its answer meets. Raises Refused for a refusal."""
        fault = self._world.faults.take(NAME, "submit", wish.prompt)
        refusal = refusal_of(fault)
        if refusal is None:
            return self._accept(wish, kind, id), fault
        if fault is not None and fault.order.accepted:
            self._accept(wish, kind, id)
        raise Refused(refusal)

    def _accept(self, wish: ClipWish, kind: str, id: str) -> Job:
        flaw = self._world.faults.take(NAME, "result", wish.prompt)
        name, started_at_s = (flaw.name if flaw else None), now_s()
        factor = OVERCHARGE_FACTOR if name == "overcharge" else 1
        width, height = wish.size
        still = wish.first_frame
        drawn: dict[str, Any] = {
            "model": wish.model,
            "width": width,
            "height": height,
            "duration_s": wish.duration_s,
            "first_frame": None if still is None else base64.b64encode(still).decode(),
            "inline": wish.inline or (flaw is not None and flaw.code == "inline"),
            "tokens": [wish.input_tokens, wish.output_tokens * factor],
            "sound": name != "wrong_sound",
        }
        if flaw is not None and name == "wrong_size":
            if flaw.code != "duration":
                drawn["width"], drawn["height"] = size_below(width, height)
            if flaw.code != "size":
                drawn["duration_s"] = max(1, wish.duration_s - 2)
        fails = flaw is not None and name in ("refuse", "http_500")
        job = Job(
            id=id,
            provider=NAME,
            kind=kind,
            prompt=wish.prompt,
            order=drawn,
            accepted_at_s=started_at_s,
            ready_at_s=None if name == "stuck" else started_at_s + self._world.pace.video_s,
            reference=wish.reference,
            failure=flaw.code if flaw is not None and fails else None,
            flaws=[name, flaw.code] if flaw is not None and name else [],
        )
        self._world.jobs.save(job)
        self._world.ledger.accept(
            NAME,
            id=job.id,
            prompt=wish.prompt,
            cost_micros=wish.cost_micros * factor,
            accepted_at_s=started_at_s,
            reference=wish.reference,
            billed=not fails,
        )
        return job

    def _job(self, request: Request, kind: str) -> Job:
        _check_key(request)
        job = self._world.jobs.get(NAME, request.path_params["id"])
        if job is None or job.kind != kind or "deleted" in job.flaws:
            raise Refused(error("NOT_FOUND", f"The {kind} does not exist."))
        return job

    async def interaction(self, request: Request) -> Response:
        """GET /{version}/interactions/{id}"""
        job = self._job(request, "interaction")
        return await self._answer_poll(request, job)

    async def operation(self, request: Request) -> Response:
        """GET /{version}/models/{model}/operations/{id}"""
        job = self._job(request, "operation")
        return await self._answer_poll(request, job)

    async def _answer_poll(self, request: Request, job: Job) -> Response:
        fault = self._world.faults.take(NAME, "poll")
        refusal = refusal_of(fault)
        if refusal is not None:
            return refusal
        if fault is not None and fault.name == "odd_status":
            job.odd_polls = ODD_POLLS
        if job.kind == "interaction":
            shown = await self._interaction(request, job)
        else:
            shown = self._operation(request, job)
        if job.odd_polls:
            job.odd_polls -= 1
            self._world.jobs.save(job)
        return await deliver(self._world, json_reply(shown), fault)

    async def cancel(self, request: Request) -> Response:
        """POST /{version}/interactions/{id}/cancel, for one that still runs."""
        job = self._job(request, "interaction")
        if job.phase(now_s()) in ("done", "failed"):
            raise Refused(error("FAILED_PRECONDITION", "The interaction has ended."))
        job.ready_at_s, job.failure = now_s(), "cancelled"
        self._world.jobs.save(job)
        if "charge_after_cancel" not in job.flaws:
            self._world.ledger.unbill(NAME, job.id)
        return json_reply(await self._interaction(request, job))

    async def delete(self, request: Request) -> Response:
        """DELETE /{version}/interactions/{id}"""
        job = self._job(request, "interaction")
        job.flaws.append("deleted")
        self._world.jobs.save(job)
        return json_reply({})

    async def _interaction(self, request: Request, job: Job) -> dict[str, Any]:
        moment_s = now_s()
        phase = job.phase(moment_s)
        shown: dict[str, Any] = {
            "id": job.id,
            "status": {"submitted": "queued", "processing": "in_progress"}.get(phase, phase),
            "model": job.order["model"],
            "created": _moment(job.accepted_at_s),
            "updated": _moment(job.updated_at_s(moment_s)),
        }
        if job.reference is not None:
            shown["labels"] = {"job": job.reference}
        if job.odd_polls:
            return shown | {"status": "awaiting_recompute"}
        if phase == "failed":
            return shown | _interaction_failure(job)
        if phase == "done":
            shown["status"] = "completed"
            shown["steps"] = await self._steps(request, job)
            read, made = job.order["tokens"]
            shown["usage"] = {
                "total_input_tokens": read,
                "total_output_tokens": made,
                "total_tokens": read + made,
            }
        return shown

    async def _steps(self, request: Request, job: Job) -> list[dict[str, Any]]:
        """The thought and the clip; the clip as bytes where the client asked for them inline."""
        thought = {"type": "thought", "summary": [{"type": "text", "text": "Staging the shot."}]}
        if "no_result" in job.flaws:
            return [thought]
        clip: dict[str, Any] = {"type": "video", "mime_type": "video/mp4"}
        if job.order["inline"]:
            content = await self._world.studio.clip(_clip_order(job))
            clip["data"] = base64.b64encode(content).decode()
        else:
            clip["uri"] = _link(request, job)
        return [thought, {"type": "model_output", "content": [clip]}]

    def _operation(self, request: Request, job: Job) -> dict[str, Any]:
        shown: dict[str, Any] = {"name": _operation_name(job)}
        phase = job.phase(now_s())
        if job.odd_polls:
            return shown | {"metadata": {"state": "AWAITING_RECOMPUTE"}}
        if phase not in ("done", "failed"):
            return shown
        shown["done"] = True
        if phase == "failed" and job.failure != "SAFETY":
            return shown | {"error": _rpc_error(job)}
        made: dict[str, Any] = {}
        if phase == "failed":
            made = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [RAI_REASON]}
        elif "no_result" not in job.flaws:
            made = {"generatedSamples": [{"video": {"uri": _link(request, job)}}]}
        kind = "google.ai.generativelanguage.v1beta.PredictLongRunningResponse"
        response = {"@type": f"type.googleapis.com/{kind}", "generateVideoResponse": made}
        return shown | {"response": response}

    async def models(self, request: Request) -> Response:
        """GET /{version}/models: a free call, used to test a key."""
        _check_key(request)
        return json_reply(
            {"models": [{"name": f"models/{name}"} for name in (*OMNI_MODELS, *VEO_PRICES_MICROS)]}
        )

    async def file(self, request: Request) -> Response:
        """GET /{version}/files/{id}:download: a redirect on the same origin, for a good key."""
        self._file_job(request)
        path = f"/{NAME}/download/{request.path_params['version']}/files"
        return RedirectResponse(f"{path}/{request.path_params['call']}?alt=media", 302)

    async def download(self, request: Request) -> Response:
        """GET /download/{version}/files/{id}:download?alt=media"""
        job = self._file_job(request)
        fault = self._world.faults.take(NAME, "download")
        refusal = refusal_of(fault)
        if refusal is not None:
            return refusal
        content = await self._world.studio.clip(_clip_order(job))
        return await deliver_file(self._world, request, content, "video/mp4", fault)

    def _file_job(self, request: Request) -> Job:
        _check_key(request)
        id, _, method = request.path_params["call"].partition(":")
        for job in self._world.jobs.of(NAME):
            ready_at_s = job.ready_at_s or now_s()
            kept = job.phase(now_s()) == "done" and now_s() < ready_at_s + FILE_LIFE_S
            if kept and _file_id(job) == id and method == "download":
                return job
        raise Refused(error("NOT_FOUND", "The file does not exist."))


def _interaction_failure(job: Job) -> dict[str, Any]:
    """The end of an interaction without a clip, in the vendor's three ways."""
    if job.failure == "cancelled":
        return {"status": "cancelled"}
    if job.failure == "SAFETY":
        fault = {"code": "safety", "message": "The response was blocked for safety reasons."}
        return {"status": "failed", "errors": [fault]}
    return {"status": "failed", "steps": [{"type": "model_output", "error": _rpc_error(job)}]}


def _rpc_error(job: Job) -> dict[str, Any]:
    code = job.failure or ""
    usual = MESSAGES.get(code, "Request contains an invalid argument.")
    message = POLICY_MESSAGE if "refuse" in job.flaws else usual
    return {"code": RPC_CODES[code], "message": message}


def _operation_name(job: Job) -> str:
    return f"models/{job.order['model']}/operations/{job.id}"


def _file_id(job: Job) -> str:
    return hashlib.sha256(job.id.encode()).hexdigest()[:12]


def _link(request: Request, job: Job) -> str:
    host = request.headers.get("host", "127.0.0.1")
    return f"http://{host}/{NAME}/v1beta/files/{_file_id(job)}:download?alt=media"


def _moment(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


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
    )


def routes(world: World) -> list[Route]:
    veo = Veo(world)
    found = []
    for version in API_VERSIONS:
        known = f"/{version}/interactions"
        found += [
            Route(known, veo.interact, methods=["POST"]),
            Route(known + "/{id}", veo.interaction),
            Route(known + "/{id}", veo.delete, methods=["DELETE"]),
            Route(known + "/{id}/cancel", veo.cancel, methods=["POST"]),
            Route(f"/{version}/models", veo.models),
            Route(f"/{version}/models/{{call}}", veo.call, methods=["POST"]),
            Route(f"/{version}/models/{{model}}/operations/{{id}}", veo.operation),
        ]
    return [
        *found,
        Route("/{version}/files/{call}", veo.file),
        Route("/download/{version}/files/{call}", veo.download),
    ]


def not_found(request: Request) -> Response:
    path = request.url.path.removeprefix(f"/{NAME}")
    return error("NOT_FOUND", f"The requested URL {path} was not found on this server.")


PROVIDER = Provider(name=NAME, faults=FAULTS, routes=routes, not_found=not_found)
