"""Gemini native images ("Nano Banana"): one synchronous generateContent, base64 in its answer.

Facts read 2026-11 in the `google-genai` package 3.4.0 and on ai.google.dev:
- A refusal is HTTP 200 with `promptFeedback.blockReason` or a `finishReason`; a wrong key is HTTP
  400 with the reason API_KEY_INVALID; interim pictures carry `thought: true`.
- A rate limit names its delay in RetryInfo; a daily or zero quota has the same status 429.
- There is no client id: a lost answer cannot be found again, the kind is blind.
- Errors come in google.rpc's envelope instead of a picture and are counted as not accepted, except
  499, 504 and what is not in its table: a deadline may have passed behind work that goes on.
- A 200 without a picture gave nothing to bill but a few words of text: the next provider is asked.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from filmgate.domain.attempts import Kind
from filmgate.domain.errors import (
    ContentRefused,
    ProviderError,
    ProviderJobFailed,
    ProviderKeyRefused,
    ProviderRequestInvalid,
    ProviderUnavailable,
)
from filmgate.providers import _google_errors as google
from filmgate.providers.base import (
    Adapter,
    Answer,
    Finished,
    Json,
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
                **self._headers(),
                "Content-Type": "application/json",
            },
            body=json.dumps(image_body(order)).encode(),
            deadline_s=deadline_s,
        )
        if answer.status == 200 and isinstance(answer.json, dict):
            return self._read(answer)
        match answer.json:
            case {"error": {"status": str(), "message": str()} as error} if answer.status >= 400:
                raise self._refusal(answer, error)
        raise unclear(self._account, answer)

    def check(self, *, deadline_s: float) -> None:
        """List one model. Says nothing about billing, which Google checks at paid calls only."""
        google.check_key(
            self._http,
            self._account,
            headers=self._headers(),
            deadline_s=deadline_s,
            refusal=self._refusal,
        )

    def _refusal(self, answer: Answer, error: Mapping[str, Any]) -> ProviderError:
        found = _leaf(answer.status, error)
        if found is None:
            return unclear(self._account, answer)
        leaf, message = found
        delay = google.retry_delay(error)
        return leaf(self._account.provider, message, retry_after_s=delay, status=answer.status)

    def _headers(self) -> dict[str, str]:
        return {"x-goog-api-key": self._account.secret("api_key")}

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


def _leaf(status: int, error: Mapping[str, Any]) -> google.Leaf | None:
    """Google's error table as classes; None means that the answer proves nothing."""
    shared = google.shared_leaf(status, error)
    if shared is not None:
        return shared
    if status in (500, 503):
        return ProviderUnavailable, "an error of its own"
    if status in (408, 499) or status >= 500:
        return None
    return ProviderRequestInvalid, "found the request invalid"


ADAPTER = Nanobanana
