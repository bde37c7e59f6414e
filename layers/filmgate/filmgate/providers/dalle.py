"""OpenAI Images API: one synchronous POST, the picture as base64 in its answer.

Facts read 2026-11 in the `openai` package 3.54.0 and on developers.openai.com:
- The model, size, quality and format are always sent: they move the price.
- Spend limits come as HTTP 400 `billing_hard_limit_reached` or 429 `insufficient_quota`, the
  status of a rate limit, so `code` decides.
- There is no idempotency key and no way to find a lost answer again: the kind is blind.
- OpenAI bills output tokens of finished pictures; its own error envelope comes instead of one, so
  an enveloped error is counted as not accepted. A reply without that envelope proves nothing, nor
  does a gateway's 502 or 504 in one: what is behind it may go on.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from filmgate.domain.attempts import Kind
from filmgate.domain.errors import (
    ProviderError,
    ProviderKeyRefused,
    ProviderRequestInvalid,
    ProviderRetired,
    ProviderThrottled,
    ProviderUnavailable,
)
from filmgate.providers import _openai_errors as openai
from filmgate.providers.base import (
    Adapter,
    Answer,
    Finished,
    Order,
    ask,
    no_check,
    picture,
    unclear,
)

DEFAULT_URL: Final = "https://api.openai.com"
QUALITIES: Final = {"low": "low", "standard": "medium", "high": "high"}

_BUSY: Final = frozenset({"rate_limit_exceeded", "server_is_overloaded", "slow_down"})


def image_body(order: Order) -> dict[str, Any]:
    """The request in OpenAI's words."""
    return {
        "model": order.model,
        "prompt": order.prompt,
        "n": 1,
        "size": f"{order.width}x{order.height}",
        "quality": QUALITIES[order.quality],
        "output_format": "png",
        "moderation": "auto",
    }


class Dalle(Adapter):
    """Makes one image per submit; the answer is the result."""

    kind = Kind.BLIND

    def submit(self, order: Order, *, reference: str, deadline_s: float) -> Finished:
        answer = ask(
            self._http,
            self._account,
            "POST",
            "/v1/images/generations",
            headers={
                **self._headers(),
                "Content-Type": "application/json",
                "X-Client-Request-Id": reference,  # for support; it does not deduplicate
            },
            body=json.dumps(image_body(order)).encode(),
            deadline_s=deadline_s,
        )
        match answer.json:
            case {"data": [{"b64_json": str(text)}, *others]} if answer.status == 200:
                return Finished(
                    data=picture(self._account, text),
                    tokens=_tokens(answer.json),
                    results=1 + len(others),
                )
            case {"error": {"message": str()} as error} if answer.status >= 400:
                raise self._refusal(answer, error)
        raise unclear(self._account, answer)

    def check(self, *, deadline_s: float) -> None:
        """List the models. A key without the right to list them is refused, though it may draw."""
        answer = ask(
            self._http,
            self._account,
            "GET",
            "/v1/models",
            headers=self._headers(),
            deadline_s=deadline_s,
        )
        match answer.json:
            case {"data": [*_]} if answer.status == 200:
                return
            case {"error": {"message": str()} as error} if answer.status not in (200, 404):
                raise self._refusal(answer, error)
        raise no_check(self._account, answer)

    def _refusal(self, answer: Answer, error: Mapping[str, Any]) -> ProviderError:
        """The refusal by OpenAI's error table; `code` decides before the status does."""
        code = str(error.get("code") or "")
        leaf = openai.leaf_of_words({code}) or _leaf(answer.status, code)
        if leaf is None:
            return unclear(self._account, answer)
        return openai.refusal(self._account.provider, answer, leaf)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._account.secret('api_key')}"}


def _tokens(answer: Mapping[str, Any]) -> int | None:
    match answer:
        case {"usage": {"output_tokens": int(tokens)}} if tokens > 0:
            return tokens
    return None


def _leaf(status: int, code: str) -> openai.Leaf | None:
    """OpenAI's error table as classes, for codes without one; None is no proof."""
    if code == "model_not_found" or status == 404:
        return ProviderRetired, "does not know this model (any more)"
    if status in (401, 403):
        return ProviderKeyRefused, "refused the key"
    if status == 429 or code in _BUSY:
        return ProviderThrottled, "too many requests"
    if status in (409, 500, 503):
        return ProviderUnavailable, "an error of its own"
    if status == 408 or status >= 500:
        return None
    return ProviderRequestInvalid, "found the request invalid"


ADAPTER = Dalle
