"""OpenAI Images API, facts read 2026-11 (Python SDK 3.54.0, deprecations and error-code pages).

The endpoint lives on with GPT Image models; DALL·E 2 and 3 were retired on 2026-05-12 and
gpt-image-1 on 2026-10-23. The call answers at once with base64; there is no idempotency key, no
cancel and no link. What a money-minded client must know: an exhausted purse is HTTP 429 with code
`insufficient_quota`, a spend limit HTTP 400 with `billing_hard_limit_reached`, a refusal HTTP 400
with `moderation_blocked`. `response_format` and `style` are unknown parameters now.

Chosen here, where the vendor's pages are silent: a call without `model` is refused; output tokens
of the 2.x models are those of the 1.x table in proportion to the pixels, `xhigh` and `max` two and
four times `high`; streaming, gif and svg are refused; a picture refused at its output is not
billed.
"""

import asyncio
import base64
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.simulators.drawing import StillFormat, StillOrder
from local.simulators.faults import INLINE_DAMAGES, JSON_DAMAGES, Fault, FaultTable, damage_file
from local.simulators.jobs import now_s
from local.simulators.ledger import image_cost_micros
from local.simulators.wire import Refused, before_the_vendor, deliver, json_object, json_reply
from local.simulators.world import Provider, World

NAME = "dalle"
GUIDE_PRICE_MICROS = 20_000
KEY_PREFIX = "sim-"
MAX_PROMPT_CHARACTERS = 32_000
MAX_PICTURES = 10
REQUESTS_PER_MINUTE = 500

OLD_SIZES = ("1024x1024", "1536x1024", "1024x1536")
OLD_QUALITIES = ("low", "medium", "high")
NEW_QUALITIES = (*OLD_QUALITIES, "xhigh", "max")
MAX_LONG_EDGE, MAX_SHORT_EDGE, MAX_RATIO, EDGE_STEP = 3840, 2160, 3, 16
TOKENS_PER_SQUARE = {"low": 272, "medium": 1056, "high": 4160, "xhigh": 8320, "max": 16640}
SQUARE_PIXELS = 1024 * 1024
OVERCHARGE_FACTOR = 10


@dataclass(frozen=True)
class Model:
    """`generation` 1 has three sizes, 2 any size, 25 also the top qualities, 26 also complexity."""

    created_on: date
    generation: int
    shutdown_on: date | None = None


MODELS = {
    "dall-e-2": Model(date(2022, 11, 3), 0, date(2026, 5, 12)),
    "dall-e-3": Model(date(2023, 11, 6), 0, date(2026, 5, 12)),
    "gpt-image-1": Model(date(2025, 4, 23), 1, date(2026, 10, 23)),
    "gpt-image-1-mini": Model(date(2025, 10, 6), 1, date(2026, 12, 1)),
    "gpt-image-1.5": Model(date(2025, 12, 16), 1, date(2026, 12, 1)),
    "gpt-image-1.5-2025-12-16": Model(date(2025, 12, 16), 1, date(2026, 12, 1)),
    "chatgpt-image-latest": Model(date(2025, 12, 16), 1, date(2026, 12, 1)),
    "gpt-image-2": Model(date(2026, 4, 21), 2),
    "gpt-image-2-2026-04-21": Model(date(2026, 4, 21), 2),
    "gpt-image-2.5-sunburst": Model(date(2026, 9, 8), 25),
    "gpt-image-2.5-sunburst-2026-09-08": Model(date(2026, 9, 8), 25),
    "gpt-image-2.5-flare": Model(date(2026, 9, 8), 25),
    "gpt-image-2.5-flare-2026-09-08": Model(date(2026, 9, 8), 25),
    "gpt-image-2.6-sunburst": Model(date(2026, 10, 20), 26),
    "gpt-image-2.6-flare": Model(date(2026, 10, 20), 26),
}
CHOICES: dict[str, tuple[str, ...]] = {
    "background": ("auto", "opaque", "transparent"),
    "complexity": ("low", "medium", "high"),
    "moderation": ("auto", "low"),
    "output_format": ("png", "jpeg", "webp"),
}
RANGES = {"n": (1, MAX_PICTURES), "output_compression": (0, 100), "partial_images": (0, 3)}
TEXTS = ("model", "prompt", "quality", "safety_identifier", "size", "user")
GIF_OR_SVG_ONLY = ("frame_count", "frame_duration_ms", "svg")
KNOWN = frozenset({*CHOICES, *RANGES, *TEXTS, *GIF_OR_SVG_ONLY, "stream"})

# Vendor code → HTTP status, type, message. A fault may name any of them.
ERRORS: dict[str, tuple[int, str, str]] = {
    "moderation_blocked": (
        400,
        "image_generation_user_error",
        "Your request was rejected by the safety system. If you believe this is an error, contact "
        "us and include the request ID.",
    ),
    "content_policy_violation": (
        400,
        "invalid_request_error",
        "Your request was rejected as a result of our safety system.",
    ),
    "billing_hard_limit_reached": (
        400,
        "billing_limit_user_error",
        "Billing hard limit has been reached.",
    ),
    "invalid_api_key": (401, "invalid_request_error", "Incorrect API key provided."),
    "account_deactivated": (
        401,
        "invalid_request_error",
        "The OpenAI account associated with this API key has been deactivated.",
    ),
    "insufficient_permissions": (
        403,
        "invalid_request_error",
        "You have insufficient permissions for this operation.",
    ),
    "unsupported_country_region_territory": (
        403,
        "request_forbidden",
        "Country, region, or territory not supported.",
    ),
    "model_not_found": (404, "invalid_request_error", "The model has been deprecated."),
    "rate_limit_exceeded": (429, "requests", "Rate limit reached for images per minute."),
    "slow_down": (429, "requests", "Please reduce your request rate."),
    "insufficient_quota": (
        429,
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    "credit_balance_exhausted": (429, "insufficient_quota", "Your credit balance is exhausted."),
    "organization_spend_limit_exceeded": (
        429,
        "insufficient_quota",
        "The organization's spend limit is reached.",
    ),
    "project_spend_limit_exceeded": (
        429,
        "insufficient_quota",
        "The project's spend limit is reached.",
    ),
    "organization_usage_limit_exceeded": (
        429,
        "insufficient_quota",
        "The organization's usage limit is reached.",
    ),
    "billing_not_active": (429, "billing_not_active", "Your account is not active."),
    "server_error": (
        500,
        "server_error",
        "The server had an error while processing your request. Sorry about that!",
    ),
    "server_is_overloaded": (503, "server_error", "The server is overloaded. Try again later."),
}
FAULTS: FaultTable = {
    "http_500": {"submit": ("server_error", "server_is_overloaded")},
    "http_429": {"submit": ("rate_limit_exceeded", "slow_down", "server_is_overloaded")},
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
    "bad_key": {
        "submit": (
            "invalid_api_key",
            "account_deactivated",
            "insufficient_permissions",
            "unsupported_country_region_territory",
        )
    },
    "refuse": {
        "submit": ("moderation_blocked", "content_policy_violation"),
        "result": ("moderation_blocked",),
    },
    "retired": {"submit": ("model_not_found",)},
    "hang": {"submit": ()},
    "drop_reply": {"submit": ()},
    "drop_request": {"submit": ()},
    "malformed": {"submit": JSON_DAMAGES, "result": ("no_result", *INLINE_DAMAGES)},
    "html": {"submit": ()},
    "slow": {"submit": ()},
    "truncated": {"result": ()},
    "wrong_size": {"result": ()},
    "wrong_count": {"result": ()},
    "overcharge": {"result": ()},
}


@dataclass(frozen=True)
class PictureOrder:
    """A request that passed the vendor's checks, with every default filled in."""

    model: str
    prompt: str
    count: int
    width: int
    height: int
    quality: str
    format: StillFormat
    compression: int
    transparent: bool

    @property
    def output_tokens(self) -> int:
        pixels = self.width * self.height
        return -(-TOKENS_PER_SQUARE[self.quality] * pixels // SQUARE_PIXELS) * self.count


def error(
    status: int,
    message: str,
    *,
    type: str = "invalid_request_error",
    param: str | None = None,
    code: str | None = None,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> Response:
    """The vendor's error envelope."""
    body = {"message": message, "type": type, "param": param, "code": code, **more}
    return json_reply({"error": body}, status, _headers(processing_ms=3) | (headers or {}))


def _headers(*, processing_ms: int) -> dict[str, str]:
    return {
        "x-request-id": f"req_{secrets.token_hex(16)}",
        "openai-organization": "sim-studio",
        "openai-processing-ms": str(processing_ms),
        "openai-version": "2020-10-01",
        "x-ratelimit-limit-requests": str(REQUESTS_PER_MINUTE),
        "x-ratelimit-remaining-requests": str(REQUESTS_PER_MINUTE - 1),
        "x-ratelimit-reset-requests": "120ms",
    }


def _coded(code: str, fault: Fault | None = None, **more: Any) -> Response:
    """The error of the vendor's table, with the status and waiting time that a fault asks for."""
    status, type, message = ERRORS[code]
    headers: dict[str, str] = {}
    if fault is not None:
        status = fault.order.status or (429 if fault.name == "http_429" else status)
        if fault.order.retry_after is not None:
            headers["retry-after"] = str(fault.order.retry_after)
        wait_s = fault.retry_after_s()
        if wait_s is not None:
            headers["retry-after-ms"] = str(round(wait_s * 1000))
    return error(status, message, type=type, code=code, headers=headers, **more)


def _moderated(stage: str, code: str, fault: Fault) -> Response:
    if code != "moderation_blocked":
        return _coded(code, fault)
    details = {"moderation_stage": stage, "categories": ["violence"]}
    return _coded(code, fault, moderation_details=details)


def _refuse_value(param: str, value: Any, supported: str) -> Refused:
    message = f"Invalid value: {value!r}. Supported values are: {supported}."
    return Refused(error(400, message, param=param, code="invalid_value"))


def _refuse_type(param: str, wanted: str) -> Refused:
    message = f"Invalid type for '{param}': expected {wanted}."
    return Refused(error(400, message, param=param, code="invalid_type"))


def _is_retired(model: Model) -> bool:
    return model.shutdown_on is not None and datetime.now(UTC).date() >= model.shutdown_on


def _check_key(request: Request) -> None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise Refused(
            error(401, "You didn't provide an API key. Send it as 'Authorization: Bearer KEY'.")
        )
    if not key.startswith(KEY_PREFIX):
        raise Refused(_coded("invalid_api_key"))


def _check_shapes(body: dict[str, Any]) -> None:
    """Names, types and plain value ranges of the fields."""
    for name in body:
        if name not in KNOWN:
            raise Refused(
                error(400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
            )
    for name, value in body.items():
        if name in TEXTS and not isinstance(value, str):
            raise _refuse_type(name, "a string")
        if name in RANGES:
            _check_range(name, value)
        if name in CHOICES and value not in CHOICES[name]:
            raise _refuse_value(name, value, ", ".join(CHOICES[name]))
        if name in GIF_OR_SVG_ONLY:
            raise _refuse_value(name, value, "none with this output_format")
    if body.get("stream") not in (None, False):
        raise _refuse_value("stream", body["stream"], "false (the simulator does not stream)")


def _check_range(name: str, value: Any) -> None:
    low, high = RANGES[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise _refuse_type(name, "an integer")
    if not low <= value <= high:
        raise _refuse_value(name, value, f"{low} to {high}")


def _check_model(body: dict[str, Any]) -> tuple[str, Model]:
    name = body.get("model")
    if not name:
        raise Refused(
            error(
                400,
                "Missing required parameter: 'model'.",
                param="model",
                code="missing_required_parameter",
            )
        )
    model = MODELS.get(name)
    if model is None or _is_retired(model):
        reason = (
            f"The model '{name}' does not exist or you do not have access to it."
            if model is None
            else f"The model '{name}' has been deprecated."
        )
        raise Refused(error(404, reason, param=None, code="model_not_found"))
    return name, model


def _check_prompt(body: dict[str, Any]) -> str:
    prompt: str = body.get("prompt", "")
    if not prompt:
        raise Refused(
            error(
                400,
                "Missing required parameter: 'prompt'.",
                param="prompt",
                code="missing_required_parameter",
            )
        )
    if len(prompt) > MAX_PROMPT_CHARACTERS:
        message = (
            f"Invalid 'prompt': string too long. Expected a string with maximum length "
            f"{MAX_PROMPT_CHARACTERS}, but got a string with length {len(prompt)} instead."
        )
        raise Refused(error(400, message, param="prompt", code="string_above_max_length"))
    return prompt


def _check_size(body: dict[str, Any], model: Model) -> tuple[int, int]:
    size = body.get("size", "auto")
    if size == "auto":
        size = OLD_SIZES[0]
    if model.generation == 1:
        if size not in OLD_SIZES:
            raise _refuse_value("size", size, ", ".join((*OLD_SIZES, "auto")))
    else:
        parts = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", size)
        if parts is None:
            raise _refuse_value("size", size, "WIDTHxHEIGHT or auto")
        short, long = sorted((int(parts[1]), int(parts[2])))
        if short % EDGE_STEP or long % EDGE_STEP:
            raise _refuse_value("size", size, f"edges divisible by {EDGE_STEP}")
        if long > short * MAX_RATIO or long > MAX_LONG_EDGE or short > MAX_SHORT_EDGE:
            raise _refuse_value("size", size, "1:3 to 3:1, up to 3840x2160")
    width, height = size.split("x")
    return int(width), int(height)


def _check_quality(body: dict[str, Any], model: Model) -> str:
    quality: str = body.get("quality", "auto")
    allowed = NEW_QUALITIES if model.generation >= 25 else OLD_QUALITIES
    if quality == "auto":
        return "medium"
    if quality not in allowed:
        raise _refuse_value("quality", quality, ", ".join((*allowed, "auto")))
    return quality


def check(body: dict[str, Any]) -> PictureOrder:
    """The order in a request body. Raises Refused with the vendor's own error."""
    body = {name: value for name, value in body.items() if value is not None}
    _check_shapes(body)
    name, model = _check_model(body)
    prompt = _check_prompt(body)
    width, height = _check_size(body, model)
    quality = _check_quality(body, model)
    format: StillFormat = body.get("output_format", "png")
    compression = body.get("output_compression", 100)
    if "complexity" in body and model.generation < 26:
        raise _refuse_value("complexity", body["complexity"], "none for this model")
    if format == "png" and compression != 100:
        raise _refuse_value("output_compression", compression, "100 for png")
    transparent = body.get("background") == "transparent"
    if transparent and (format == "jpeg" or model.generation < 2):
        raise _refuse_value("background", "transparent", "opaque, or png and webp on gpt-image-2")
    return PictureOrder(
        model=name,
        prompt=prompt,
        count=body.get("n", 1),
        width=width,
        height=height,
        quality=quality,
        format=format,
        compression=compression,
        transparent=transparent,
    )


def _usage(order: PictureOrder, factor: int) -> dict[str, Any]:
    text_tokens = -(-len(order.prompt.encode("utf-8", "surrogatepass")) // 4) + 8
    picture_tokens = order.output_tokens * factor
    return {
        "input_tokens": text_tokens,
        "output_tokens": picture_tokens,
        "total_tokens": text_tokens + picture_tokens,
        "input_tokens_details": {"text_tokens": text_tokens, "image_tokens": 0},
        "output_tokens_details": {"text_tokens": 0, "image_tokens": picture_tokens},
    }


def refusal_of(fault: Fault | None) -> Response | None:
    """The answer of a fault that refuses the call; None for the faults that let it through."""
    if fault is None:
        return None
    match fault.name:
        case "http_500" | "http_429" | "quota" | "bad_key" | "retired":
            return _coded(fault.code, fault)
        case "refuse":
            return _moderated("input", fault.code, fault)
    return before_the_vendor(fault)


class Dalle:
    """The endpoints over one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def generate(self, request: Request) -> Response:
        started_at_s = now_s()
        _check_key(request)
        body = await json_object(
            request, lambda reason: error(400, f"We could not parse your request: {reason}.")
        )
        order = check(body)
        fault = self._world.faults.take(NAME, "submit", order.prompt)
        refusal = refusal_of(fault)
        if refusal is not None and not (fault and fault.order.accepted):
            return refusal
        flaw = self._world.faults.take(NAME, "result", order.prompt)
        self._accept(order, flaw)
        if refusal is not None:
            return refusal
        if flaw is not None and flaw.name == "refuse":
            await self._world.pause(self._world.pace.image_s)
            return await deliver(self._world, _moderated("output", flaw.code, flaw), fault)
        pictures, _ = await asyncio.gather(
            self._draw(order, flaw), self._world.pause(self._world.pace.image_s)
        )
        reply = self._reply(order, pictures, flaw, started_at_s)
        return await deliver(self._world, reply, fault)

    def _accept(self, order: PictureOrder, flaw: Fault | None) -> None:
        name = flaw.name if flaw else None
        cost_micros = image_cost_micros(GUIDE_PRICE_MICROS, order.count)
        self._world.ledger.accept(
            NAME,
            id=f"img_{secrets.token_hex(12)}",
            prompt=order.prompt,
            cost_micros=cost_micros * (OVERCHARGE_FACTOR if name == "overcharge" else 1),
            accepted_at_s=now_s(),
            billed=name != "refuse",
        )

    async def _draw(self, order: PictureOrder, flaw: Fault | None) -> list[bytes]:
        part = 2 if flaw and flaw.name == "wrong_size" else 1
        orders = [
            StillOrder(
                provider=NAME,
                prompt=order.prompt,
                width=order.width // part,
                height=order.height // part,
                seed=number,
                format=order.format,
                quality=order.compression,
                transparent=order.transparent,
            )
            for number in range(order.count + (flaw is not None and flaw.name == "wrong_count"))
        ]
        pictures = list(await asyncio.gather(*map(self._world.studio.still, orders)))
        if flaw and flaw.name == "malformed":
            damaged = flaw.code in INLINE_DAMAGES
            return [damage_file(picture, flaw.code) for picture in pictures] if damaged else []
        if flaw and flaw.name == "truncated":
            return [picture[: len(picture) // 2] for picture in pictures]
        return pictures

    def _reply(
        self, order: PictureOrder, pictures: list[bytes], flaw: Fault | None, started_at_s: float
    ) -> Response:
        factor = OVERCHARGE_FACTOR if flaw and flaw.name == "overcharge" else 1
        body = {
            "created": int(now_s()),
            "background": "transparent" if order.transparent else "opaque",
            "output_format": order.format,
            "quality": order.quality,
            "size": f"{order.width}x{order.height}",
            "data": [{"b64_json": base64.b64encode(picture).decode()} for picture in pictures],
            "usage": _usage(order, factor),
        }
        spent_ms = round((now_s() - started_at_s) * 1000)
        return json_reply(body, headers=_headers(processing_ms=spent_ms))

    async def models(self, request: Request) -> Response:
        _check_key(request)
        alive = [_model_json(name) for name, model in MODELS.items() if not _is_retired(model)]
        return json_reply({"object": "list", "data": alive}, headers=_headers(processing_ms=2))

    async def model(self, request: Request) -> Response:
        _check_key(request)
        name, _ = _check_model({"model": request.path_params["model"]})
        return json_reply(_model_json(name), headers=_headers(processing_ms=2))


def _model_json(name: str) -> dict[str, Any]:
    model = MODELS[name]
    created = datetime.combine(model.created_on, datetime.min.time(), UTC)
    shown: dict[str, Any] = {
        "id": name,
        "object": "model",
        "created": int(created.timestamp()),
        "owned_by": "system",
    }
    if model.shutdown_on is not None:
        shown["shutdown_date"] = model.shutdown_on.isoformat()
    return shown


def routes(world: World) -> list[Route]:
    dalle = Dalle(world)
    return [
        Route("/v1/images/generations", dalle.generate, methods=["POST"]),
        Route("/v1/models", dalle.models),
        Route("/v1/models/{model}", dalle.model),
    ]


def not_found(request: Request) -> Response:
    path = request.url.path.removeprefix(f"/{NAME}")
    return error(404, f"Invalid URL ({request.method} {path})")


PROVIDER = Provider(name=NAME, faults=FAULTS, routes=routes, not_found=not_found)
