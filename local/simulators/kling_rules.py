"""What Kling accepts on its two protocols, facts read 2026-11 (copies of the official pages).

Chosen here, where the pages are silent: a field that the protocol does not have is refused (1201)
instead of ignored; images are raw base64 or a link on both protocols, never a `data:` text;
`multi_shot` defaults to true on `kling-3.0` only; 4k is refused with 1103, since the guide card has
no price for it.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

Product = Literal["text2video", "image2video"]
LONG_TURBO = tuple(range(3, 16))
TWO_LENGTHS = (5, 10)
ASPECT_RATIOS = {"16:9": (16, 9), "9:16": (9, 16), "1:1": (1, 1)}
SHORT_EDGES = {"720p": 720, "1080p": 1080}
MODES = {"std": "720p", "pro": "1080p"}
MAX_PROMPT_CHARACTERS = 3072
MAX_LEGACY_PROMPT_CHARACTERS = 2500
MAX_SHOTS = 6
MAX_SHOT_PROMPT_CHARACTERS = 512
MAX_IMAGE_BYTES = 50_000_000
MAX_LEGACY_IMAGE_BYTES = 10_000_000
UNITS_PER_SECOND = {  # resolution, audio → units of 0.14 USD a second
    "kling-3.0-turbo": {"720p": (0.8, 0.8), "1080p": (1.0, 1.0)},
    "kling-3.0": {"720p": (0.6, 0.9), "1080p": (0.8, 1.2)},
    "kling-2.6": {"720p": (0.3, 0.3), "1080p": (0.5, 1.0)},
    "kling-2.5-turbo": {"720p": (0.3, 0.3), "1080p": (0.5, 0.5)},
}


@dataclass(frozen=True)
class Model:
    durations_s: tuple[int, ...]
    audio: tuple[str, ...] = ()
    multi_shot: bool = False
    last_frame: bool = True
    max_image_prompt: int = MAX_PROMPT_CHARACTERS


MODELS = {
    "kling-3.0-turbo": Model(
        LONG_TURBO, last_frame=False, max_image_prompt=MAX_LEGACY_PROMPT_CHARACTERS
    ),
    "kling-3.0": Model(LONG_TURBO, audio=("off", "native"), multi_shot=True),
    "kling-2.6": Model(TWO_LENGTHS, audio=("off", "native")),
    "kling-2.5-turbo": Model(TWO_LENGTHS),
}
LEGACY_MODELS = {
    "kling-v3": "kling-3.0",
    "kling-v2-6": "kling-2.6",
    "kling-v2-5-turbo": "kling-2.5-turbo",
}


class Unacceptable(Exception):
    """The request breaks a rule; `http_status` and `code` are the vendor's."""

    def __init__(self, message: str, *, http_status: int = 400, code: int = 1201) -> None:
        super().__init__(message)
        self.message = message
        self.http_status = http_status
        self.code = code


@dataclass(frozen=True)
class KlingOrder:
    """One clip that the vendor would make, whichever protocol asked for it.

    `image` is what the client sent as first frame: a link or base64. `aspect_ratio` is None where
    the clip follows that image.
    """

    product: Product
    model: str
    prompt: str
    resolution: str
    duration_s: int
    aspect_ratio: str | None
    audio: bool
    multi_shot: bool
    reference: str | None
    watermark: bool
    image: str | None = None
    max_image_bytes: int = MAX_IMAGE_BYTES
    extra_images: tuple[str, ...] = field(default=())

    @property
    def units(self) -> float:
        silent, loud = UNITS_PER_SECOND[self.model][self.resolution]
        return (loud if self.audio else silent) * self.duration_s


def frame_size(
    resolution: str, aspect_ratio: str | None, image_size: tuple[int, int]
) -> tuple[int, int]:
    """The clip's width and height, even; an image that is nearly 16:9, 9:16 or 1:1 gets just that.

    `image_size` counts only without `aspect_ratio`.
    """
    across, down = ASPECT_RATIOS.get(aspect_ratio or "", image_size)
    for exact in ASPECT_RATIOS.values():
        if abs(across / down * exact[1] / exact[0] - 1) < 0.06:
            across, down = exact
    scale = SHORT_EDGES[resolution] / min(across, down)
    return round(across * scale / 2) * 2, round(down * scale / 2) * 2


def _only(body: dict[str, Any], known: tuple[str, ...], where: str) -> dict[str, Any]:
    unknown = sorted(set(body) - set(known))
    if unknown:
        raise Unacceptable(f"{where}: unknown field {unknown[0]}")
    return {name: value for name, value in body.items() if value is not None}


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unacceptable(f"{where} must be an object")
    return value


def _text(body: dict[str, Any], name: str, *, most: int, default: str = "") -> str:
    value = body.get(name, default)
    if not isinstance(value, str):
        raise Unacceptable(f"{name} must be a string")
    if len(value) > most:
        raise Unacceptable(f"{name} is longer than {most} characters")
    return value


def _choice(body: dict[str, Any], name: str, choices: tuple[str, ...], default: str) -> str:
    value = body.get(name, default)
    if not isinstance(value, str) or value not in choices:
        raise Unacceptable(f"{name} value {value!r} is invalid; allowed: {', '.join(choices)}")
    return value


def _flag(body: dict[str, Any], name: str, default: bool) -> bool:
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise Unacceptable(f"{name} must be a boolean")
    return value


def _watermark(body: dict[str, Any]) -> bool:
    info = _object(body.get("watermark_info", {}), "watermark_info")
    info = _only(info, ("enabled",), "watermark_info")
    return _flag(info, "enabled", False)


def _reference(body: dict[str, Any]) -> str | None:
    return _text(body, "external_task_id", most=256) or None


def _model(name: str) -> Model:
    model = MODELS.get(name)
    if model is None:
        raise Unacceptable(f"model {name} does not exist", http_status=404, code=1203)
    return model


def _resolution(settings: dict[str, Any], model_name: str) -> str:
    if settings.get("resolution") == "4k" and model_name == "kling-3.0":
        raise Unacceptable("no right to 4k", http_status=403, code=1103)
    return _choice(settings, "resolution", tuple(SHORT_EDGES), "720p")


def check_new(body: dict[str, Any], model_name: str, product: Product) -> KlingOrder:
    """The order in a new-protocol body. Raises Unacceptable."""
    model = _model(model_name)
    from_text = product == "text2video"
    first_field = "prompt" if from_text else "contents"
    body = _only(body, (first_field, "settings", "options"), "body")
    settings_known = ["resolution", "duration"]
    settings_known += ["aspect_ratio"] if from_text else []
    settings_known += ["audio"] if model.audio else []
    settings_known += ["multi_shot"] if model.multi_shot else []
    settings = _only(
        _object(body.get("settings", {}), "settings"), tuple(settings_known), "settings"
    )
    options = _only(
        _object(body.get("options", {}), "options"),
        ("callback_url", "external_task_id", "watermark_info"),
        "options",
    )
    if from_text:
        prompt = _text(body, "prompt", most=MAX_PROMPT_CHARACTERS)
        images: dict[str, str] = {}
        if not prompt:
            raise Unacceptable("prompt is required", code=1200)
    else:
        prompt, images = _contents(body.get("contents"), model)
    duration_s = settings.get("duration", 5)
    if isinstance(duration_s, bool) or not isinstance(duration_s, int):
        raise Unacceptable("duration must be an integer")
    if duration_s not in model.durations_s:
        raise Unacceptable(f"duration {duration_s} is invalid for {model_name}")
    audio = _choice(settings, "audio", model.audio or ("off",), "off")
    _text(options, "callback_url", most=2048)
    aspect_ratio = _choice(settings, "aspect_ratio", tuple(ASPECT_RATIOS), "16:9")
    return KlingOrder(
        product=product,
        model=model_name,
        prompt=prompt,
        resolution=_resolution(settings, model_name),
        duration_s=duration_s,
        aspect_ratio=aspect_ratio if from_text else None,
        audio=audio == "native" or model_name == "kling-3.0-turbo",
        multi_shot=_flag(settings, "multi_shot", model.multi_shot),
        reference=_reference(options),
        watermark=_watermark(options),
        image=images.get("first_frame"),
        extra_images=tuple(url for kind, url in images.items() if kind != "first_frame"),
    )


def _contents(value: Any, model: Model) -> tuple[str, dict[str, str]]:
    """The prompt and the frames of an image-to-video body."""
    if not isinstance(value, list) or not value:
        raise Unacceptable("contents is required", code=1200)
    allowed = (
        ("prompt", "first_frame", "last_frame")
        if model.last_frame
        else (
            "prompt",
            "first_frame",
        )
    )
    prompt, images = "", {}
    for item in value:
        content = _object(item, "contents[]")
        kind = _choice(content, "type", allowed, "")
        if kind in images or (kind == "prompt" and prompt):
            raise Unacceptable(f"contents has {kind} twice")
        if kind == "prompt":
            _only(content, ("type", "text"), "contents[]")
            prompt = _text(content, "text", most=model.max_image_prompt)
        else:
            _only(content, ("type", "url"), "contents[]")
            images[kind] = _text(content, "url", most=MAX_IMAGE_BYTES * 2)
    if not images.get("first_frame"):
        raise Unacceptable("contents needs a first_frame", code=1200)
    return prompt, images


LEGACY_SOUND = (("kling-v3", "720p"), ("kling-v3", "1080p"), ("kling-v2-6", "1080p"))
LEGACY_COMMON = (
    "callback_url",
    "cfg_scale",
    "duration",
    "external_task_id",
    "mode",
    "model_name",
    "multi_prompt",
    "multi_shot",
    "negative_prompt",
    "prompt",
    "shot_type",
    "sound",
    "watermark_info",
)
LEGACY_FIELDS: dict[Product, tuple[str, ...]] = {
    "text2video": (*LEGACY_COMMON, "aspect_ratio", "camera_control"),
    "image2video": (
        *LEGACY_COMMON,
        "camera_control",
        "dynamic_masks",
        "element_list",
        "image",
        "image_tail",
        "static_mask",
        "voice_list",
    ),
}


def check_legacy(body: dict[str, Any], product: Product) -> KlingOrder:
    """The order in a legacy body. Raises Unacceptable."""
    body = _only(body, LEGACY_FIELDS[product], "body")
    name = _text(body, "model_name", most=64, default="kling-v1")
    model_name = LEGACY_MODELS.get(name)
    if model_name is None:
        raise Unacceptable(f"model {name} does not exist", http_status=404, code=1203)
    for old in ("camera_control", "cfg_scale"):
        if old in body:
            raise Unacceptable(f"{old} is not supported by {name}")
    resolution = MODES[_choice(body, "mode", tuple(MODES), "std")]
    durations = tuple(str(seconds) for seconds in MODELS[model_name].durations_s)
    duration_s = int(_choice(body, "duration", durations, "5"))
    sound = _choice(body, "sound", ("on", "off"), "off")
    if sound == "on" and (name, resolution) not in LEGACY_SOUND:
        raise Unacceptable("sound is not supported by this model and mode")
    prompt = _text(body, "prompt", most=MAX_LEGACY_PROMPT_CHARACTERS)
    _text(body, "negative_prompt", most=MAX_LEGACY_PROMPT_CHARACTERS)
    _text(body, "callback_url", most=2048)
    multi_shot = _flag(body, "multi_shot", False)
    if (multi_shot or "multi_prompt" in body or "shot_type" in body) and name != "kling-v3":
        raise Unacceptable(f"multi_shot is not supported by {name}")
    if multi_shot:
        prompt = _shots(body, prompt, duration_s)
    if not prompt and product == "text2video":
        raise Unacceptable("prompt is required", code=1200)
    image = _text(body, "image", most=MAX_LEGACY_IMAGE_BYTES * 2) or None
    if product == "image2video" and image is None:
        raise Unacceptable("image is required", code=1200)
    aspect_ratio = _choice(body, "aspect_ratio", tuple(ASPECT_RATIOS), "16:9")
    tail = _text(body, "image_tail", most=MAX_LEGACY_IMAGE_BYTES * 2)
    return KlingOrder(
        product=product,
        model=model_name,
        prompt=prompt,
        resolution=resolution,
        duration_s=duration_s,
        aspect_ratio=aspect_ratio if product == "text2video" else None,
        audio=sound == "on",
        multi_shot=multi_shot,
        reference=_reference(body),
        watermark=_watermark(body),
        image=image,
        max_image_bytes=MAX_LEGACY_IMAGE_BYTES,
        extra_images=(tail,) if tail else (),
    )


def _shots(body: dict[str, Any], prompt: str, duration_s: int) -> str:
    """The prompt of a clip of several shots; checks `multi_prompt` where the client wrote them."""
    if _choice(body, "shot_type", ("customize", "intelligence"), "") == "intelligence":
        return prompt
    shots = body.get("multi_prompt")
    if not isinstance(shots, list) or not 1 <= len(shots) <= MAX_SHOTS:
        raise Unacceptable(f"multi_prompt needs 1 to {MAX_SHOTS} shots")
    texts, total_s = [], 0
    for item in shots:
        fields = ("index", "prompt", "duration")
        shot = _only(_object(item, "multi_prompt[]"), fields, "multi_prompt[]")
        texts.append(_text(shot, "prompt", most=MAX_SHOT_PROMPT_CHARACTERS))
        seconds = shot.get("duration")
        if not isinstance(seconds, str) or not seconds.isdecimal():
            raise Unacceptable("multi_prompt[].duration must be a string of digits")
        total_s += int(seconds)
    if total_s != duration_s:
        raise Unacceptable("the shots' durations must add up to duration")
    return prompt or "\n".join(texts)
