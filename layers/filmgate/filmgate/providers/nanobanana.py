"""Gemini native images ("Nano Banana"): one synchronous generateContent, base64 in its answer.

Facts read 2026-11 in the `google-genai` package 3.4.0 and on ai.google.dev:
- A refusal is HTTP 200 with `promptFeedback.blockReason` or a `finishReason`; a wrong key is HTTP
  400 with the reason API_KEY_INVALID; interim pictures carry `thought: true`.
- A rate limit names its delay in RetryInfo; a daily or zero quota has the same status 429.
- There is no client id: a lost answer cannot be found again, the kind is blind.
- Errors come in google.rpc's envelope instead of a picture and are counted as not accepted. A 200
  without a picture gave nothing to bill but a few words of text: the next provider is asked.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from filmgate.domain.errors import (
    ContentRefused,
    ProviderError,
    ProviderJobFailed,
    ProviderKeyRefused,
    ProviderQuotaExhausted,
    ProviderRequestInvalid,
    ProviderRetired,
    ProviderThrottled,
    ProviderUnavailable,
)
from filmgate.providers.base import (
    Adapter,
    Answer,
    Finished,
    Json,
    Kind,
    Order,
    ask,
    picture,
    unclear,
)

DEFAULT_URL: Final = "https://generativelanguage.googleapis.com"

_REFUSED_ENDINGS: Final = frozenset(
    {
        "BLOCKLIST", "ESCALATION", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_SAFETY",
        "PROHIBITED_CONTENT", "RECITATION", "SAFETY", "SPII",
    }
)  # fmt: skip
_EMPTY_ENDINGS: Final = frozenset(
    {"IMAGE_OTHER", "MALFORMED_RESPONSE", "MAX_TOKENS", "NO_IMAGE", "OTHER", "STOP"}
)
_LARGEST_1K: Final = 1_300_000  # pixels; 16:9 at 1K is 1376 x 768
_LARGEST_2K: Final = 5_000_000
_DELAY: Final = re.compile(r"(\d+(?:\.\d+)?)s")


def image_body(order: Order) -> dict[str, Any]:
    """The request in Gemini's words; sizes have a capital K."""
    config = {"aspectRatio": order.aspect_ratio, "imageSize": _image_size(order)}
    return {
        "contents": [{"role": "user", "parts": [{"text": order.prompt}]}],
        "generationConfig": {"responseModalities": ["IMAGE"], "imageConfig": config},
    }


class Nanobanana(Adapter):
    """Makes one image per submit; the answer is the result."""

    kind = Kind.BLIND

    def submit(self, order: Order, *, reference: str, deadline_s: float) -> Finished:
        answer = ask(
            self._http,
            self._account,
            "POST",
            f"/v1beta/models/{order.model}:generateContent",
            headers={
                "x-goog-api-key": self._account.secret("api_key"),
                "Content-Type": "application/json",
            },
            body=json.dumps(image_body(order)).encode(),
            deadline_s=deadline_s,
        )
        if answer.status == 200 and isinstance(answer.json, dict):
            return self._read(answer)
        match answer.json:
            case {"error": {"status": str(), "message": str()} as error} if answer.status >= 400:
                raise _refusal(self._account.provider, answer, error)
        raise unclear(self._account, answer)

    def _read(self, answer: Answer) -> Finished:
        provider = self._account.provider
        pictures = list(_pictures(answer.json))
        if pictures:
            return Finished(data=picture(self._account, pictures[-1]), tokens=_tokens(answer.json))
        ending = _ending(answer.json)
        if ending in _REFUSED_ENDINGS or ending == "blocked":
            raise ContentRefused(provider, "refused by its content policy", status=200)
        if ending == "LANGUAGE":
            raise ProviderRequestInvalid(provider, "does not take this language", status=200)
        if ending == "PUP_LIMITED_DISABLED":
            raise ProviderKeyRefused(provider, "has limited this account", status=200)
        if ending in _EMPTY_ENDINGS:  # perhaps billed as text: one call is enough
            raise ProviderJobFailed(provider, "answered without a picture", status=200)
        raise unclear(self._account, answer)


def _image_size(order: Order) -> str:
    pixels = order.width * order.height
    return "1K" if pixels <= _LARGEST_1K else "2K" if pixels <= _LARGEST_2K else "4K"


def _pictures(answer: Mapping[str, Any]) -> Iterator[Json]:
    """Base64 texts of all pictures that are no interim thought; the last one is the result."""
    match answer:
        case {"candidates": [{"content": {"parts": [*parts]}}, *_]}:
            for part in parts:
                match part:
                    case {"thought": True}:
                        continue
                    case {"inlineData": {"data": data}}:
                        yield data


def _ending(answer: Mapping[str, Any]) -> str | None:
    match answer:
        case {"promptFeedback": {"blockReason": str()}}:
            return "blocked"
        case {"candidates": [{"finishReason": str(reason)}, *_]}:
            return reason
    return None


def _tokens(answer: Mapping[str, Any]) -> int | None:
    match answer:
        case {"usageMetadata": {"candidatesTokenCount": int(tokens)}} if tokens > 0:
            return tokens
    return None


def _refusal(provider: str, answer: Answer, error: Mapping[str, Any]) -> ProviderError:
    leaf, message = _leaf(answer.status, error)
    return leaf(provider, message, retry_after_s=_retry_delay(error), status=answer.status)


def _leaf(status: int, error: Mapping[str, Any]) -> tuple[type[ProviderError], str]:
    """Google's error table as classes; `details` decides where a status has two meanings."""
    if "API_KEY_INVALID" in _reasons(error) or status in (401, 403):
        return ProviderKeyRefused, "refused the key"
    if error["status"] == "FAILED_PRECONDITION":
        return ProviderQuotaExhausted, "does not serve this account (billing or country)"
    if status == 404:
        return ProviderRetired, "does not know this model (any more)"
    if status == 429:
        if _is_daily(error):
            return ProviderQuotaExhausted, "over its quota for today"
        return ProviderThrottled, "too many requests"
    if status >= 500:
        return ProviderUnavailable, "an error of its own"
    return ProviderRequestInvalid, "found the request invalid"


def _details(error: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    details = error.get("details")
    return [one for one in details if isinstance(one, dict)] if isinstance(details, list) else []


def _reasons(error: Mapping[str, Any]) -> set[str]:
    return {str(detail.get("reason")) for detail in _details(error)}


def _is_daily(error: Mapping[str, Any]) -> bool:
    """Whether a 429 is about a day's or an empty quota: waiting a minute would not help."""
    daily = any("PerDay" in str(detail.get("violations")) for detail in _details(error))
    return daily or "limit: 0" in str(error.get("message"))


def _retry_delay(error: Mapping[str, Any]) -> float | None:
    for detail in _details(error):
        found = _DELAY.fullmatch(str(detail.get("retryDelay", "")))
        if found:
            return float(found[1])
    return None


ADAPTER = Nanobanana
