"""What DashScope's Wan models accept, facts read 2026-11 (dashscope 2.0.2, copies of its pages).

Chosen here, where the pages are silent: a field that the model does not have is refused with
InvalidParameter instead of ignored, and so is a text that is too long; a still is a `data:` text,
since the simulator fetches nothing; 4:3 and 3:4 are not made at 480P; a clip from a still has the
still's shape with as many pixels as the tier has.
"""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any, Literal

SIZES = {
    "480P": {"16:9": (832, 480), "9:16": (480, 832), "1:1": (624, 624)},
    "720P": {
        "16:9": (1280, 720),
        "9:16": (720, 1280),
        "1:1": (960, 960),
        "4:3": (1088, 832),
        "3:4": (832, 1088),
    },
    "1080P": {
        "16:9": (1920, 1080),
        "9:16": (1080, 1920),
        "1:1": (1440, 1440),
        "4:3": (1632, 1248),
        "3:4": (1248, 1632),
    },
}
MAX_NEGATIVE_CHARACTERS = 500
MAX_SEED = 2_147_483_647
MAX_STILL_BYTES = 10_000_000
SMALLEST_STILL_EDGE, LARGEST_STILL_EDGE = 360, 2000
BEST = "1080P"
ALL_TIERS = ("480P", "720P", "1080P")
HIGH_TIERS = ("720P", "1080P")
SDK_ADDS = ("extend_prompt", "function")  # The library sends these outdated fields with every call.


@dataclass(frozen=True)
class Model:
    """One model: `size` names the field that a clip from text says its size with."""

    path: Literal["video-generation", "image2video"] = "video-generation"
    still: str | None = None
    needs_still: bool = False
    size: Literal["size", "ratio"] | None = None
    tiers: tuple[str, ...] = HIGH_TIERS
    durations_s: tuple[int, ...] = (5,)
    prompt_characters: int = 1500
    negative: bool = True
    sounds: bool = True
    also: tuple[str, ...] = ()


LONG = tuple(range(2, 16))
MODELS = {
    "wan3.0-video": Model(
        still="media",
        size="ratio",
        tiers=ALL_TIERS,
        durations_s=tuple(range(2, 31)),
        prompt_characters=20_000,
        negative=False,
        also=("audio",),
    ),
    "wan2.7-t2v": Model(size="ratio", durations_s=LONG),
    "wan2.7-i2v": Model(still="media", needs_still=True, durations_s=LONG),
    "wan2.6-t2v": Model(size="size", durations_s=LONG, also=("shot_type",)),
    "wan2.6-i2v": Model(
        still="img_url", needs_still=True, durations_s=LONG, also=("shot_type", "audio")
    ),
    "wan2.5-t2v-preview": Model(size="size", tiers=ALL_TIERS, durations_s=(5, 10)),
    "wan2.5-i2v-preview": Model(
        still="img_url", needs_still=True, tiers=ALL_TIERS, durations_s=(5, 10)
    ),
    "wan2.2-t2v-plus": Model(
        size="size", tiers=("480P", "1080P"), prompt_characters=800, sounds=False
    ),
    "wan2.2-kf2v-flash": Model(
        path="image2video",
        still="first_frame_url",
        needs_still=True,
        prompt_characters=800,
        sounds=False,
    ),
}
MODELS["wan3.0-video-prime"] = MODELS["wan3.0-video"]


class Unacceptable(Exception):
    """The request breaks a rule; `http_status` and `code` are the vendor's."""

    def __init__(
        self, message: str, *, http_status: int = 400, code: str = "InvalidParameter"
    ) -> None:
        super().__init__(message)
        self.message = message
        self.http_status = http_status
        self.code = code


@dataclass(frozen=True)
class WanOrder:
    """One clip as asked for. `size` is None where the clip follows the still."""

    model: str
    prompt: str
    tier: str
    ratio: str
    size: tuple[int, int] | None
    duration_s: int
    seed: int
    sound: bool
    still: bytes | None = field(default=None, repr=False)


def check(body: dict[str, Any], path: str) -> WanOrder:
    """The order in a body of POST …/{path}/video-synthesis. Raises Unacceptable."""
    name = body.get("model")
    model = MODELS.get(name) if isinstance(name, str) else None
    if not isinstance(name, str) or model is None or model.path != path:
        raise Unacceptable("Model not exist.", http_status=404, code="ModelNotFound")
    given = _object(body.get("input"), "input")
    parameters = _object(body.get("parameters") or {}, "parameters")
    _only(body, ("model", "input", "parameters"), "body")
    _only(given, _input_fields(model), "input")
    _only(parameters, _parameter_fields(model), "parameters")
    prompt = _text(given, "prompt", most=model.prompt_characters)
    still = _still(given, model)
    if not prompt and still is None:
        raise Unacceptable("Field required: input.prompt")
    if model.negative:
        _text(given, "negative_prompt", most=MAX_NEGATIVE_CHARACTERS)
    for flag in ("prompt_extend", "watermark", "audio"):
        if not isinstance(parameters.get(flag, False), bool):
            raise Unacceptable(f"parameters.{flag} must be a boolean")
    tier, ratio, size = _size(parameters, model, still)
    return WanOrder(
        model=name,
        prompt=prompt,
        tier=tier,
        ratio=ratio,
        size=size,
        duration_s=_duration(parameters, model),
        seed=_whole(parameters, "seed", default=0, most=MAX_SEED),
        sound=model.sounds and parameters.get("audio") is not False,
        still=still,
    )


def still_size(tier: str, image_size: tuple[int, int]) -> tuple[int, int]:
    """Even width and height with the image's shape and the tier's number of pixels."""
    across, down = image_size
    for width, height in SIZES[tier].values():
        if abs(across * height / (down * width) - 1) < 0.02:
            return width, height
    area = SIZES[tier]["16:9"][0] * SIZES[tier]["16:9"][1]
    width = round((area * across / down) ** 0.5 / 16) * 16
    return width, round(width * down / across / 16) * 16


def _input_fields(model: Model) -> tuple[str, ...]:
    negative = ("negative_prompt",) if model.negative else ()
    still = (model.still,) if model.still else ()
    return ("prompt", "audio_url", *SDK_ADDS, *negative, *still)


def _parameter_fields(model: Model) -> tuple[str, ...]:
    size = {"size": ("size",), "ratio": ("resolution", "ratio"), None: ("resolution",)}[model.size]
    return ("duration", "prompt_extend", "watermark", "seed", *size, *model.also)


def _size(
    parameters: dict[str, Any], model: Model, still: bytes | None
) -> tuple[str, str, tuple[int, int] | None]:
    """Tier, ratio and pixels; no pixels where the clip follows the still."""
    if model.size == "size":
        asked = parameters.get("size", "1920*1080")
        for tier in model.tiers:
            for ratio, (width, height) in SIZES[tier].items():
                if asked == f"{width}*{height}":
                    return tier, ratio, (width, height)
        raise Unacceptable(f"The size {asked!r} is not supported; it is width*height")
    tier = parameters.get("resolution", BEST)
    if tier not in model.tiers:
        raise Unacceptable(f"The resolution {tier!r} is not one of {', '.join(model.tiers)}")
    adaptive = ("adaptive",) if model.still else ()
    ratio = parameters.get("ratio", "adaptive" if adaptive else "16:9")
    if ratio not in (*SIZES[tier], *adaptive):
        raise Unacceptable(f"The ratio {ratio!r} is not supported")
    if still is not None and ratio == "adaptive":
        return tier, ratio, None
    return tier, ratio, SIZES[tier]["16:9" if ratio == "adaptive" else ratio]


def _duration(parameters: dict[str, Any], model: Model) -> int:
    seconds = _whole(parameters, "duration", default=5, most=60)
    if seconds not in model.durations_s:
        raise Unacceptable(f"The duration {seconds} is not supported by this model")
    return seconds


def _still(given: dict[str, Any], model: Model) -> bytes | None:
    text = _still_text(given, model)
    if text is None:
        if model.needs_still:
            raise Unacceptable("image-to-video model must provide an image", code="InvalidURL")
        return None
    head, _, data = text.partition(";base64,")
    try:
        content = base64.b64decode(data, validate=True) if head.startswith("data:image/") else b""
    except binascii.Error:
        content = b""
    if not content:
        raise Unacceptable("The still is no data: text with base64", code="InvalidURL")
    if len(content) > MAX_STILL_BYTES:
        raise Unacceptable("The still is larger than 10 MB", code="InvalidImage.FileSize")
    return content


def _still_text(given: dict[str, Any], model: Model) -> str | None:
    value = given.get(model.still) if model.still else None
    if model.still != "media" or value is None:
        return _text(given, model.still, most=MAX_STILL_BYTES * 2) if value is not None else None
    if not isinstance(value, list) or len(value) != 1:
        raise Unacceptable("input.media must be a list of one first_frame")
    entry = _object(value[0], "input.media[0]")
    _only(entry, ("type", "url"), "input.media[0]")
    if entry.get("type") != "first_frame":
        raise Unacceptable("The simulator takes media of the type first_frame only")
    return _text(entry, "url", most=MAX_STILL_BYTES * 2)


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unacceptable(f"Field required: {where}")
    return value


def _only(value: dict[str, Any], known: tuple[str, ...], where: str) -> None:
    unknown = sorted(set(value) - set(known))
    if unknown:
        raise Unacceptable(f"{where}.{unknown[0]} is not supported by this model")


def _text(value: dict[str, Any], name: str | None, *, most: int) -> str:
    text = value.get(name or "", "")
    if not isinstance(text, str):
        raise Unacceptable(f"input.{name} must be a string")
    if len(text) > most:
        raise Unacceptable(f"input.{name} is longer than {most} characters")
    return text


def _whole(value: dict[str, Any], name: str, *, default: int, most: int) -> int:
    number = value.get(name, default)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= most:
        raise Unacceptable(f"parameters.{name} must be an integer from 0 to {most}")
    return number
