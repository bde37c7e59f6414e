"""Reads google.rpc's error envelope, as the Gemini API sends it; for nanobanana.py and veo.py.

Facts read 2026-11 in the `google-genai` package 3.4.0 and on ai.google.dev:
- A wrong key is HTTP 400 with the reason API_KEY_INVALID in `details`.
- A daily or an empty quota has the status of a rate limit (429); QuotaFailure tells them apart.
- The delay stands in RetryInfo, as "12.5s".
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from filmgate.domain.errors import (
    ProviderError,
    ProviderKeyRefused,
    ProviderQuotaExhausted,
    ProviderRetired,
    ProviderThrottled,
)
from filmgate.providers.base import Account, Answer, Http, Json, ask, no_check

Leaf = tuple[type[ProviderError], str]
ACCOUNT_NOT_SERVED: Final[Leaf] = (
    ProviderQuotaExhausted,
    "does not serve this account (billing or country)",
)
REFUSED: Final[Leaf] = (ProviderKeyRefused, "refused the key")
RETIRED: Final[Leaf] = (ProviderRetired, "does not know this model (any more)")

_DELAY: Final = re.compile(r"(\d+(?:\.\d+)?)s")


def shared_leaf(status: int, error: Mapping[str, Any]) -> Leaf | None:
    """The part of the error table that every call has; `details` decides where a status has two
    meanings. None leaves the answer to the adapter.
    """
    reasons = {str(detail.get("reason")) for detail in objects_in(error.get("details"))}
    if "API_KEY_INVALID" in reasons or status in (401, 403):
        return REFUSED
    if error.get("status") == "FAILED_PRECONDITION":
        return ACCOUNT_NOT_SERVED
    if status == 404:
        return RETIRED
    if status == 429:
        if _is_daily(error):
            return ProviderQuotaExhausted, "over its quota for today"
        return ProviderThrottled, "too many requests"
    return None


def check_key(
    http: Http,
    account: Account,
    *,
    headers: Mapping[str, str],
    deadline_s: float,
    refusal: Callable[[Answer, Mapping[str, Any]], ProviderError],
) -> None:
    """List one model, which is free; every answer but a list is raised as a ProviderError."""
    answer = ask(
        http, account, "GET", "/v1beta/models?pageSize=1", headers=headers, deadline_s=deadline_s
    )
    match answer.json:
        case {"models": [*_]} if answer.status == 200:
            return
        case {"error": {"message": str()} as error} if answer.status not in (200, 404):
            raise refusal(answer, error)
    raise no_check(account, answer)


def retry_delay(error: Mapping[str, Any]) -> float | None:
    """Seconds of RetryInfo; None when there is none or it is no plain number of them."""
    for detail in objects_in(error.get("details")):
        found = _DELAY.fullmatch(str(detail.get("retryDelay", "")))
        if found:
            return float(found[1])
    return None


def objects_in(value: Json) -> list[Mapping[str, Any]]:
    """The objects of a list; none where the value is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _is_daily(error: Mapping[str, Any]) -> bool:
    """Whether a 429 is about a day's or an empty quota: waiting a minute would not help."""
    details = objects_in(error.get("details"))
    quotas = [quota for detail in details for quota in objects_in(detail.get("violations"))]
    daily = any("PerDay" in str(quota) for quota in quotas)
    return daily or "limit: 0" in str(error.get("message"))
