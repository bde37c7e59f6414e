"""Gemini image models over `generateContent`, facts read 2026-11 (google-genai 3.4.0, changelog).

The call answers at once with base64 parts: interim pictures marked `thought` first, then the real
one. A refusal is HTTP 200, as `promptFeedback` without candidates or as a `finishReason`. A wrong
key is HTTP 400 with ErrorInfo API_KEY_INVALID, a missing one 403. Waiting times come as RetryInfo,
never as a header. There is no idempotency key and no cancel.

Chosen here, where the pages are silent: pixels of the ratios other than 1:1 and 16:9 (about one
megapixel at 1K); 1K comes as PNG, 2K and 4K as JPEG; `gemini-3.1-flash-image` still answers and
`gemini-2.5-flash-image` does not; 512 is for 3.1 flash only; blocked pictures are not billed.
"""

import asyncio
import base64
import binascii
import re
import secrets
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.simulators.drawing import StillFormat, StillOrder, open_image
from local.simulators.faults import INLINE_DAMAGES, JSON_DAMAGES, Fault, FaultTable, damage_file
from local.simulators.jobs import now_s
from local.simulators.ledger import image_cost_micros
from local.simulators.wire import Refused, before_the_vendor, deliver, json_object, json_reply
from local.simulators.world import Provider, World

NAME = "nanobanana"
GUIDE_PRICE_MICROS = 10_000
KEY_PREFIX = "sim-"
TYPE_URL = "type.googleapis.com/google.rpc."
API_VERSIONS = ("v1beta", "v1")  # Google's own client 3.4.0 asks for v1 unless told otherwise.
API_HOST = "generativelanguage.googleapis.com"
CHARACTERS_PER_TOKEN = 4
REFERENCE_TOKENS = 560
MAX_REFERENCES = 14
OVERCHARGE_FACTOR = 10
THOUGHT_PART = 4

PIXELS_AT_1K = {
    "1:1": (1024, 1024),
    "2:3": (848, 1264),
    "3:2": (1264, 848),
    "3:4": (896, 1200),
    "4:3": (1200, 896),
    "4:5": (928, 1152),
    "5:4": (1152, 928),
    "9:16": (768, 1376),
    "16:9": (1376, 768),
    "21:9": (1584, 672),
    "1:4": (512, 2048),
    "4:1": (2048, 512),
    "1:8": (384, 3072),
    "8:1": (3072, 384),
}
LONG_RATIOS = ("1:4", "4:1", "1:8", "8:1")
USUAL_RATIOS = tuple(ratio for ratio in PIXELS_AT_1K if ratio not in LONG_RATIOS)
SCALE_BY_SIZE = {"512": 0.5, "1K": 1.0, "2K": 2.0, "4K": 4.0}
TOKENS_BY_SIZE = {"512": 747, "1K": 1120, "2K": 1680, "4K": 2520}


@dataclass(frozen=True)
class Model:
    sizes: tuple[str, ...]
    ratios: tuple[str, ...]
    thinking: tuple[str, ...]
    context_tokens: int
    title: str


MODELS = {
    "gemini-nano-banana-2.1": Model(
        ("1K", "2K", "4K"),
        tuple(PIXELS_AT_1K),
        ("minimal", "medium", "high"),
        131_072,
        "Nano Banana 2.1",
    ),
    "gemini-3.1-flash-image": Model(
        ("512", "1K", "2K", "4K"),
        tuple(PIXELS_AT_1K),
        ("minimal", "high"),
        131_072,
        "Nano Banana 2",
    ),
    "gemini-3-pro-image": Model(("1K", "2K", "4K"), USUAL_RATIOS, (), 65_536, "Nano Banana Pro"),
    "nano-banana-pro-preview": Model(
        ("1K", "2K", "4K"), USUAL_RATIOS, (), 65_536, "Nano Banana Pro"
    ),
    "gemini-3.1-flash-lite-image": Model(
        ("1K",), USUAL_RATIOS, ("minimal",), 65_536, "Nano Banana 2 Lite"
    ),
}
TOP_FIELDS = frozenset(
    {
        "cachedContent",
        "contents",
        "generationConfig",
        "labels",
        "model",
        "safetySettings",
        "serviceTier",
        "store",
        "systemInstruction",
        "toolConfig",
        "tools",
    }
)
CONFIG_FIELDS = frozenset(
    {
        "candidateCount",
        "frequencyPenalty",
        "imageConfig",
        "maxOutputTokens",
        "mediaResolution",
        "presencePenalty",
        "responseMimeType",
        "responseModalities",
        "seed",
        "stopSequences",
        "temperature",
        "thinkingConfig",
        "topK",
        "topP",
    }
)
IMAGE_FIELDS = frozenset({"aspectRatio", "imageSize"})
THINKING_FIELDS = frozenset({"includeThoughts", "thinkingBudget", "thinkingLevel"})
PART_FIELDS = frozenset({"fileData", "inlineData", "text", "thought", "thoughtSignature"})
HARMS = tuple(
    f"HARM_CATEGORY_{name}"
    for name in ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
)
THRESHOLDS = (
    "BLOCK_LOW_AND_ABOVE",
    "BLOCK_MEDIUM_AND_ABOVE",
    "BLOCK_ONLY_HIGH",
    "BLOCK_NONE",
    "OFF",
)
STATUS_CODES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
MESSAGES = {
    "API_KEY_INVALID": "API key not valid. Please pass a valid API key.",
    "PERMISSION_DENIED": "Your API key was reported as leaked. Please use another API key.",
    "FAILED_PRECONDITION": "Please enable billing on your project.",
    "NOT_FOUND": "The model is not found for API version v1beta.",
    "RESOURCE_EXHAUSTED": "You exceeded your current quota, please check your plan and billing.",
    "INTERNAL": "An internal error has occurred. Please retry.",
    "UNAVAILABLE": "The model is overloaded. Please try again later.",
    "DEADLINE_EXCEEDED": "The request took too long.",
}
FAULTS: FaultTable = {
    "http_500": {"submit": ("INTERNAL", "UNAVAILABLE", "DEADLINE_EXCEEDED")},
    "http_429": {"submit": ("RESOURCE_EXHAUSTED",)},
    "quota": {"submit": ("RESOURCE_EXHAUSTED", "FAILED_PRECONDITION")},
    "bad_key": {"submit": ("API_KEY_INVALID", "PERMISSION_DENIED")},
    "refuse": {
        "submit": ("SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "IMAGE_SAFETY", "OTHER"),
        "result": (
            "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT",
            "IMAGE_RECITATION",
            "SAFETY",
            "PROHIBITED_CONTENT",
            "RECITATION",
            "BLOCKLIST",
            "SPII",
            "ESCALATION",
            "NO_IMAGE",
            "IMAGE_OTHER",
            "OTHER",
            "MALFORMED_RESPONSE",
            "STOP",
            "MAX_TOKENS",
            "LANGUAGE",
            "PUP_LIMITED_DISABLED",
        ),
    },
    "retired": {"submit": ("NOT_FOUND",)},
    "hang": {"submit": ()},
    "drop_reply": {"submit": ()},
    "drop_request": {"submit": ()},
    "malformed": {"submit": JSON_DAMAGES, "result": INLINE_DAMAGES},
    "html": {"submit": ()},
    "slow": {"submit": ()},
    "truncated": {"result": ()},
    "wrong_size": {"result": ()},
    "overcharge": {"result": ()},
}


@dataclass(frozen=True)
class PictureOrder:
    """A request that passed the vendor's checks."""

    model: str
    prompt: str
    width: int
    height: int
    size: str
    seed: int
    thinks: bool
    with_text: bool
    with_image: bool
    reference: bytes | None
    references: int

    @property
    def prompt_tokens(self) -> int:
        return text_tokens(self.prompt) + REFERENCE_TOKENS * self.references


def text_tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN) + 2


def error(
    status: str,
    message: str,
    details: list[dict[str, Any]] | None = None,
    http_status: int | None = None,
) -> Response:
    """The google.rpc.Status envelope."""
    code = http_status or STATUS_CODES[status]
    body: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        body["details"] = details
    return json_reply({"error": body}, code)


def _invalid(message: str, field: str) -> Refused:
    violation = {"field": field, "description": message}
    details = [{"@type": f"{TYPE_URL}BadRequest", "fieldViolations": [violation]}]
    return Refused(error("INVALID_ARGUMENT", message, details))


def _error_info(reason: str) -> dict[str, Any]:
    return {
        "@type": f"{TYPE_URL}ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": API_HOST},
    }


def _key_refusal(http_status: int | None = None) -> Response:
    return error(
        "INVALID_ARGUMENT",
        MESSAGES["API_KEY_INVALID"],
        [
            _error_info("API_KEY_INVALID"),
            {
                "@type": f"{TYPE_URL}LocalizedMessage",
                "locale": "en-US",
                "message": MESSAGES["API_KEY_INVALID"],
            },
        ],
        http_status,
    )


def _check_key(request: Request) -> None:
    key = request.headers.get("x-goog-api-key") or request.query_params.get("key")
    if not key:
        message = (
            "Method doesn't allow unregistered callers (callers without established identity). "
            "Please use API Key or other form of API consumer identity to call this API."
        )
        raise Refused(error("PERMISSION_DENIED", message))
    if not key.startswith(KEY_PREFIX):
        raise Refused(_key_refusal())


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def _fields(value: Any, known: frozenset[str], where: str) -> dict[str, Any]:
    """The object with camelCase names, as proto JSON reads both spellings; null means absent."""
    if not isinstance(value, dict):
        raise _invalid(f"Invalid value at '{where}': an object is wanted.", where)
    renamed = {_camel(name): item for name, item in value.items() if item is not None}
    for name in renamed:
        if name not in known:
            message = (
                f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}': "
                "Cannot find field."
            )
            raise _invalid(message, where)
    return renamed


def _list(value: Any, where: str) -> list[Any]:
    """Proto JSON reads a single object as a list of one."""
    if isinstance(value, dict):
        return [value]
    if not isinstance(value, list):
        raise _invalid(f"Invalid value at '{where}': a list is wanted.", where)
    return value


def _read_contents(value: Any) -> tuple[str, list[bytes]]:
    """The prompt (its text parts, one a line) and the inline pictures."""
    texts: list[str] = []
    pictures: list[bytes] = []
    for number, item in enumerate(_list(value, "contents")):
        where = f"contents[{number}]"
        content = _fields(item, frozenset({"parts", "role"}), where)
        if content.get("role", "user") not in ("user", "model"):
            raise _invalid("Please use a valid role: user, model.", where)
        for piece in _list(content.get("parts", []), f"{where}.parts"):
            part = _fields(piece, PART_FIELDS, f"{where}.parts")
            if "text" in part:
                texts.append(str(part["text"]))
            if "inlineData" in part:
                pictures.append(_inline_bytes(part["inlineData"], f"{where}.parts"))
    if not texts and not pictures:
        raise _invalid("* GenerateContentRequest.contents: contents is not specified", "contents")
    if len(pictures) > MAX_REFERENCES:
        raise _invalid(f"At most {MAX_REFERENCES} images are allowed.", "contents")
    return "\n".join(texts), pictures


def _inline_bytes(value: Any, where: str) -> bytes:
    blob = _fields(value, frozenset({"data", "displayName", "mimeType"}), where)
    try:
        # The vendor's own client sends the URL-safe alphabet.
        data = str(blob.get("data", "")).replace("-", "+").replace("_", "/")
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise _invalid("Base64 decoding failed for inline_data.", where) from problem


def _read_image_config(config: dict[str, Any], model: Model) -> tuple[str | None, str]:
    where = "generation_config.image_config"
    image = _fields(config.get("imageConfig", {}), IMAGE_FIELDS, where)
    ratio, size = image.get("aspectRatio"), image.get("imageSize", "1K")
    if ratio is not None and ratio not in model.ratios:
        raise _invalid(f"aspect_ratio must be one of {', '.join(model.ratios)}.", where)
    if size not in model.sizes:
        raise _invalid(f"image_size must be one of {', '.join(model.sizes)}.", where)
    return ratio, size


def _read_thinking(config: dict[str, Any], model: Model) -> bool:
    """Whether interim pictures are made: always on Pro, never at `minimal`."""
    where = "generation_config.thinking_config"
    thinking = _fields(config.get("thinkingConfig", {}), THINKING_FIELDS, where)
    level = thinking.get("thinkingLevel")
    if not model.thinking:
        return True
    default = "medium" if "medium" in model.thinking else "minimal"
    chosen = default if level is None else str(level).lower()
    if chosen not in model.thinking:
        raise _invalid(f"Thinking level {level} is not supported for this model.", where)
    return chosen != "minimal"


def _check_safety(value: Any) -> None:
    for item in _list(value, "safety_settings"):
        setting = _fields(item, frozenset({"category", "threshold"}), "safety_settings")
        if setting.get("category") not in HARMS or setting.get("threshold") not in THRESHOLDS:
            raise _invalid("Invalid value at 'safety_settings'.", "safety_settings")


def _read_modalities(config: dict[str, Any]) -> tuple[bool, bool]:
    """Whether text and whether a picture is wanted."""
    wanted = config.get("responseModalities", ["TEXT", "IMAGE"])
    if not isinstance(wanted, list) or not wanted or not set(wanted) <= {"TEXT", "IMAGE"}:
        raise _invalid(
            "response_modalities must be TEXT or IMAGE.", "generation_config.response_modalities"
        )
    return "TEXT" in wanted, "IMAGE" in wanted


def _ratio_of(picture: bytes, ratios: tuple[str, ...]) -> str:
    """The supported ratio nearest to the given picture's."""
    try:
        image = open_image(picture)
    except ValueError as problem:
        raise _invalid("Unable to process input image.", "contents") from problem
    wanted = image.width / image.height

    def distance(ratio: str) -> float:
        across, down = map(int, ratio.split(":"))
        return abs(across / down - wanted) / wanted

    return min(ratios, key=distance)


def check(body: dict[str, Any], name: str) -> PictureOrder:
    """The order in a request body. Raises Refused with the vendor's own error."""
    model = MODELS.get(name)
    if model is None:
        message = (
            f"models/{name} is not found for API version v1beta, or is not supported for "
            "generateContent. Call ListModels to see the list of available models and their "
            "supported methods."
        )
        raise Refused(error("NOT_FOUND", message))
    body = _fields(body, TOP_FIELDS, "")
    prompt, pictures = _read_contents(body.get("contents", []))
    config = _fields(body.get("generationConfig", {}), CONFIG_FIELDS, "generation_config")
    ratio, size = _read_image_config(config, model)
    thinks = _read_thinking(config, model)
    with_text, with_image = _read_modalities(config)
    _check_safety(body.get("safetySettings", []))
    if config.get("candidateCount", 1) != 1:
        raise _invalid("Multiple candidates is not enabled for this model", "generation_config")
    seed = config.get("seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise _invalid("Invalid value at 'generation_config.seed' (TYPE_INT32).", "seed")
    followed = _ratio_of(pictures[0], model.ratios) if pictures else "1:1"
    ratio = ratio or followed
    scale = SCALE_BY_SIZE[size]
    width, height = (round(edge * scale) for edge in PIXELS_AT_1K[ratio])
    order = PictureOrder(
        model=name,
        prompt=prompt,
        width=width,
        height=height,
        size=size,
        seed=seed,
        thinks=thinks,
        with_text=with_text,
        with_image=with_image,
        reference=pictures[0] if pictures else None,
        references=len(pictures),
    )
    if order.prompt_tokens > model.context_tokens:
        message = (
            f"The input token count ({order.prompt_tokens}) exceeds the maximum number of tokens "
            f"allowed ({model.context_tokens})."
        )
        raise _invalid(message, "contents")
    return order


def _exhausted(fault: Fault) -> Response:
    """A rate limit (per minute) or an empty quota (per day), with RetryInfo where ordered."""
    period = "Day" if fault.name == "quota" else "Minute"
    violation = {
        "quotaMetric": "generativelanguage.googleapis.com/generate_requests_per_model",
        "quotaId": f"GenerateRequestsPer{period}PerProjectPerModel",
    }
    details: list[dict[str, Any]] = [
        {"@type": f"{TYPE_URL}QuotaFailure", "violations": [violation]}
    ]
    return error(
        "RESOURCE_EXHAUSTED",
        MESSAGES["RESOURCE_EXHAUSTED"],
        details + _retry_info(fault),
        fault.order.status,
    )


def _retry_info(fault: Fault) -> list[dict[str, Any]]:
    if fault.order.retry_after is None:
        return []
    seconds = fault.retry_after_s()
    delay = fault.order.retry_after if seconds is None else f"{seconds:g}s"
    return [{"@type": f"{TYPE_URL}RetryInfo", "retryDelay": delay}]


def refusal_of(fault: Fault | None) -> Response | None:
    """The error answer of a fault that refuses the call; None for those that let it through."""
    if fault is None:
        return None
    if fault.name == "bad_key" and fault.code == "API_KEY_INVALID":
        return _key_refusal(fault.order.status)
    if fault.name in ("http_429", "quota") and fault.code == "RESOURCE_EXHAUSTED":
        return _exhausted(fault)
    if fault.name in ("http_500", "quota", "bad_key", "retired"):
        return error(fault.code, MESSAGES[fault.code], _retry_info(fault), fault.order.status)
    return before_the_vendor(fault)


class NanoBanana:
    """The endpoints over one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def call(self, request: Request) -> Response:
        """POST /v1beta/models/{model}:{method}, also below /v1."""
        name, _, method = request.path_params["call"].partition(":")
        _check_key(request)
        if method != "generateContent":
            return not_found(request)
        body = await json_object(
            request,
            lambda reason: error("INVALID_ARGUMENT", f"Invalid JSON payload received: {reason}."),
        )
        order = check(body, name)
        fault = self._world.faults.take(NAME, "submit", order.prompt)
        if fault is not None and fault.name == "refuse":
            return self._blocked_prompt(order, fault)
        refusal = refusal_of(fault)
        if refusal is not None and not (fault and fault.order.accepted):
            return refusal
        flaw = self._world.faults.take(NAME, "result", order.prompt)
        self._accept(order, flaw)
        if refusal is not None:
            return refusal
        reply, _ = await asyncio.gather(
            self._reply(order, flaw), self._world.pause(self._world.pace.image_s)
        )
        return await deliver(self._world, reply, fault)

    def _accept(self, order: PictureOrder, flaw: Fault | None) -> None:
        name = flaw.name if flaw else None
        cost_micros = image_cost_micros(GUIDE_PRICE_MICROS, 1)
        self._world.ledger.accept(
            NAME,
            id=f"resp_{secrets.token_hex(12)}",
            prompt=order.prompt,
            cost_micros=cost_micros * (OVERCHARGE_FACTOR if name == "overcharge" else 1),
            accepted_at_s=now_s(),
            billed=name != "refuse",
        )

    def _blocked_prompt(self, order: PictureOrder, fault: Fault) -> Response:
        body = {
            "promptFeedback": {"blockReason": fault.code, "safetyRatings": []},
            "usageMetadata": _usage(order, 0, 0),
            "modelVersion": order.model,
            "responseId": secrets.token_urlsafe(12),
        }
        return json_reply(body, fault.order.status or 200)

    async def _reply(self, order: PictureOrder, flaw: Fault | None) -> Response:
        name = flaw.name if flaw else None
        candidate: dict[str, Any] = {"index": 0, "finishReason": "STOP"}
        image_tokens = thought_tokens = 0
        if flaw is not None and name == "refuse":
            candidate["finishReason"] = flaw.code
            candidate["finishMessage"] = "Unable to show the generated image."
            if flaw.code in ("STOP", "MAX_TOKENS"):
                text = {"text": "I can describe this scene instead."}
                candidate["content"] = {"role": "model", "parts": [text]}
        else:
            candidate["content"] = {"role": "model", "parts": await self._parts(order, flaw)}
            factor = OVERCHARGE_FACTOR if name == "overcharge" else 1
            image_tokens = TOKENS_BY_SIZE[order.size] * factor if order.with_image else 0
            thought_tokens = 268 if order.thinks else 0
        body = {
            "candidates": [candidate],
            "usageMetadata": _usage(order, image_tokens, thought_tokens),
            "modelVersion": order.model,
            "responseId": secrets.token_urlsafe(12),
        }
        return json_reply(body)

    async def _parts(self, order: PictureOrder, flaw: Fault | None) -> list[dict[str, Any]]:
        """Interim pictures, then a text where one is wanted, then the real picture."""
        parts: list[dict[str, Any]] = []
        if order.thinks and order.with_image:
            small = order.width // THOUGHT_PART, order.height // THOUGHT_PART
            draft = await self._picture(order, *small, seed=order.seed + 1)
            parts.append({"text": "Composing the frame.", "thought": True})
            parts.append({"inlineData": draft, "thought": True})
        if order.with_text:
            parts.append({"text": "Here is your picture."})
        if order.with_image:
            name = flaw.name if flaw else None
            part = 2 if name == "wrong_size" else 1
            picture = await self._picture(
                order, order.width // part, order.height // part, seed=order.seed
            )
            if flaw is not None and name in ("truncated", "malformed"):
                whole = base64.b64decode(picture["data"])
                damaged = damage_file(whole, flaw.code or "truncated")
                picture["data"] = base64.b64encode(damaged).decode()
            parts.append({"inlineData": picture, "thoughtSignature": "c2ltdWxhdGVk"})
        return parts

    async def _picture(
        self, order: PictureOrder, width: int, height: int, *, seed: int
    ) -> dict[str, str]:
        format: StillFormat = "png" if order.size in ("512", "1K") else "jpeg"
        content = await self._world.studio.still(
            StillOrder(
                provider=NAME,
                prompt=order.prompt,
                width=width,
                height=height,
                seed=seed,
                format=format,
                reference=order.reference,
            )
        )
        return {"mimeType": f"image/{format}", "data": base64.b64encode(content).decode()}

    async def models(self, request: Request) -> Response:
        _check_key(request)
        return json_reply({"models": [_model_json(name) for name in MODELS]})

    async def model(self, request: Request) -> Response:
        _check_key(request)
        name = request.path_params["call"]
        if name not in MODELS:
            raise Refused(error("NOT_FOUND", f"Model is not found: models/{name}"))
        return json_reply(_model_json(name))


def _usage(order: PictureOrder, image_tokens: int, thought_tokens: int) -> dict[str, Any]:
    details = [{"modality": "TEXT", "tokenCount": text_tokens(order.prompt)}]
    if order.references:
        tokens = REFERENCE_TOKENS * order.references
        details.append({"modality": "IMAGE", "tokenCount": tokens})
    usage: dict[str, Any] = {
        "promptTokenCount": order.prompt_tokens,
        "totalTokenCount": order.prompt_tokens + image_tokens + thought_tokens,
        "promptTokensDetails": details,
    }
    if image_tokens:
        usage["candidatesTokenCount"] = image_tokens
        usage["candidatesTokensDetails"] = [{"modality": "IMAGE", "tokenCount": image_tokens}]
        usage["thoughtsTokenCount"] = thought_tokens
    return usage


def _model_json(name: str) -> dict[str, Any]:
    model = MODELS[name]
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": model.title,
        "inputTokenLimit": model.context_tokens,
        "outputTokenLimit": 32_768,
        "supportedGenerationMethods": ["generateContent", "countTokens", "batchGenerateContent"],
        "thinking": model.thinking != ("minimal",),
    }


def routes(world: World) -> list[Route]:
    banana = NanoBanana(world)
    found = []
    for version in API_VERSIONS:
        path = f"/{version}/models"
        found += [
            Route(path, banana.models),
            Route(path + "/{call}", banana.model),
            Route(path + "/{call}", banana.call, methods=["POST"]),
        ]
    return found


def not_found(request: Request) -> Response:
    path = request.url.path.removeprefix(f"/{NAME}")
    return error("NOT_FOUND", f"The requested URL {path} was not found on this server.")


PROVIDER = Provider(name=NAME, faults=FAULTS, routes=routes, not_found=not_found)
