"""What OpenAI's error codes mean for images and for videos alike; for dalle.py and sora.py.

Facts read 2026-11 in the `openai` package 3.54.0 and on developers.openai.com: money has codes of
its own, under the statuses of a bad request (400) and of a rate limit (429), so they are looked at
before the status is.
"""

from collections.abc import Set
from typing import Final

from filmgate.domain.errors import ContentRefused, ProviderError, ProviderQuotaExhausted
from filmgate.providers.base import Answer, delay_of

Leaf = tuple[type[ProviderError], str]

REFUSALS: Final = frozenset({"moderation_blocked", "content_policy_violation"})
MONEY: Final = frozenset(
    {
        "billing_hard_limit_reached", "billing_not_active", "credit_balance_exhausted",
        "insufficient_quota", "organization_spend_limit_exceeded",
        "organization_usage_limit_exceeded", "project_spend_limit_exceeded",
    }
)  # fmt: skip


def leaf_of_words(words: Set[str], *, refusals: Set[str] = REFUSALS) -> Leaf | None:
    """The class that an error's own words decide; None where they leave it to the status."""
    if words & refusals:
        return ContentRefused, "refused by its content policy"
    if words & MONEY:
        return ProviderQuotaExhausted, "over its quota or spending limit"
    return None


def refusal(provider: str, answer: Answer, leaf: Leaf) -> ProviderError:
    """The error of a refused call, with its delay and the id that OpenAI's support asks for."""
    kind, message = leaf
    return kind(
        provider,
        message,
        retry_after_s=delay_of(answer),
        status=answer.status,
        request_id=answer.headers.get("x-request-id"),
    )
