"""Kling's legacy protocol (`/v1/videos/…`): its words and its signature, for kling.py.

It has a file of its own because the vendor keeps both protocols alive and this one is to go first:
nothing here sends, and without it the adapter is one readable file.

Facts read 2026-11 in `@ai-sdk/klingai` 4.0.31 (signature), `kling-api` 1.0.0 and `tryAGI/KlingAI`:
- `model_name` is always sent, for its default was retired; `mode` stands for the resolution, the
  duration is a string, `external_task_id` stands at the top, a still is raw base64.
- `sound` is there in mode `pro` only (of 2.6), where it moves the price.
- A task is one object, looked at below its product by its id or by our reference; an unknown one is
  HTTP 404 with code 1203. Its end is `succeed`, without the last letters of the new protocol's.
- JWT: HS256 with the secret key, no `iat`, base64url without padding. The SDK sets `nbf` 5 s back;
  60 s are taken here, for clocks that differ.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

from filmgate.providers.base import Order

PRODUCTS: Final = ("text2video", "image2video")
LARGEST_STILL_BYTES: Final = 10_000_000
PROMPT_MAX_CHARS: Final = 2500
TOKEN_LIFE_S: Final = 1800
TOKEN_SLACK_S: Final = 60

_MODELS_BEGIN_WITH: Final = "kling-v"
_MODES: Final = {"720p": "std", "1080p": "pro"}


def speaks(model: str) -> bool:
    """Whether this model is asked for over the legacy protocol."""
    return model.startswith(_MODELS_BEGIN_WITH)


def product_of(order: Order) -> str:
    return PRODUCTS[0] if order.keyframe is None else PRODUCTS[1]


def video_body(order: Order, *, reference: str) -> dict[str, Any]:
    """The task in the legacy words; from a still there is no aspect ratio."""
    mode = _MODES[order.resolution]
    body: dict[str, Any] = {
        "model_name": order.model,
        "prompt": order.prompt,
        "mode": mode,
        "duration": str(order.duration_s),
        "external_task_id": reference,
        "watermark_info": {"enabled": False},
    }
    if mode == "pro":
        body["sound"] = "off"
    if order.negative_prompt is not None:
        body["negative_prompt"] = order.negative_prompt
    if order.keyframe is None:
        return {**body, "aspect_ratio": order.aspect_ratio}
    return {**body, "image": base64.b64encode(order.keyframe.data).decode()}


def in_new_words(task: Mapping[str, Any]) -> dict[str, Any]:
    """A legacy task as the new protocol would show it; a word that is not known stays as it is."""
    status = task.get("task_status")
    seen: dict[str, Any] = {
        "id": task["task_id"],
        "status": "succeeded" if status == "succeed" else status,
        "message": task.get("task_status_msg", ""),
    }
    match task.get("task_result"):
        case {"videos": [{"url": str()}, *_] as videos}:
            seen["outputs"] = [
                {"type": "video", **video} for video in videos if isinstance(video, dict)
            ]
    if "final_unit_deduction" in task:
        seen["billing"] = [{"charge_type": "unit", "amount": task["final_unit_deduction"]}]
    return seen


def token(access_key: str, secret_key: str, *, now_s: int) -> str:
    """A JWT (RFC 7519) for this moment of the vendor's clock."""
    claims = {"iss": access_key, "exp": now_s + TOKEN_LIFE_S, "nbf": now_s - TOKEN_SLACK_S}
    parts = ({"alg": "HS256", "typ": "JWT"}, claims)
    signed = ".".join(
        _base64url(json.dumps(part, separators=(",", ":")).encode()) for part in parts
    )
    digest = hmac.new(secret_key.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_base64url(digest)}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
