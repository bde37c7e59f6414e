"""Every problem that a caller can get: the facts that not all have, and an example."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import Field

from filmgate.domain import errors
from filmgate.domain.errors import CallerError
from filmgate.domain.pricing import Unit
from filmgate.http import RETRYABLE
from openapi.answers.base import (
    Amount,
    GenerationId,
    Moment,
    QuoteId,
    RateCard,
    Shown,
    SignedAmount,
    StoryboardId,
    TokenId,
    UploadId,
    left_out,
)

Json = dict[str, Any]


class FieldFault(Shown):
    """What is wrong with one field: `pointer` for a body of JSON (or `?name` for the query), line
    and column for a file."""

    message: str
    pointer: str = left_out()
    line: int | None = left_out()
    column: str | None = left_out()


class NamedProvider(Shown):
    provider: str


class DowngradedShot(Shown):
    number: int
    keyframe: NamedProvider = left_out()
    variation: NamedProvider = left_out()
    clip: NamedProvider = left_out()


class Fits(Shown):
    """What of a storyboard would fit: leave `drop` out, make `downgrade` as it says."""

    max: Amount
    drop: list[int]
    downgrade: list[DowngradedShot]


class ChangedFact(Shown):
    """What is otherwise than the quote says; of a price or a model also whose it is."""

    what: str
    from_: Any = Field(alias="from")
    to: Any
    provider: str = left_out()
    model: str = left_out()
    resolution: str | None = left_out()
    unit: Unit = left_out()
    reason: str = left_out()


class FreshQuote(Shown):
    """A quote of the same request that holds now, and what changed since the one that was sent."""

    quote_id: QuoteId
    expected: Amount
    max: Amount
    rate_card: RateCard
    expires_at: Moment
    changed: list[ChangedFact]


class Problem(Shown):
    """RFC 9457. `code` is stable; which of the other facts are there follows from it."""

    type: str = Field(pattern="^urn:problem:")
    title: str
    status: int
    detail: str
    instance: str = Field(pattern="^urn:request:")
    code: str
    retryable: bool
    """The same request may work later; after `Retry-After` seconds, say."""
    errors: list[FieldFault] = left_out()
    more: bool = left_out()
    """There were more faults than are listed."""
    scope: str = left_out()
    """Whose budget lacks room; `generation` for a cost limit."""
    needed: Amount = left_out()
    room: SignedAmount = left_out()
    fits: Fits = left_out()
    quote: FreshQuote = left_out()
    provider: str = left_out()
    reasons: dict[str, str] = left_out()
    """Why each provider cannot."""
    shots: list[int] = left_out()
    replacement: str | None = left_out()
    allow: str = left_out()
    retryAfter: int = left_out()
    generationId: GenerationId = left_out()
    failure: str = left_out()
    """The code of how it ended."""
    storyboardId: StoryboardId = left_out()
    tokenId: TokenId = left_out()
    uploadId: UploadId = left_out()


@dataclass(frozen=True, slots=True)
class Kind:
    """A problem's own facts, by example: those of `facts` it always has, those of `more` at
    times."""

    detail: str
    facts: Json = field(default_factory=dict)
    more: Json = field(default_factory=dict)


KINDS: Final[Mapping[type[CallerError], Kind]] = {
    errors.MalformedJson: Kind("The body is not JSON: line 1, column 9."),
    errors.InvalidHeader: Kind("Idempotency-Key takes 1 to 255 visible ASCII characters."),
    errors.Unauthenticated: Kind("Send a bearer token."),
    errors.BudgetExceeded: Kind(
        "This needs 0.0200 USD and the budget of owner has 0.0125 left this month.",
        {"scope": "owner", "needed": "0.0200", "room": "0.0125"},
        {
            "fits": {
                "max": "0.0100",
                "drop": [3],
                "downgrade": [{"number": 1, "keyframe": {"provider": "nanobanana"}}],
            }
        },
    ),
    errors.CostLimitExceeded: Kind(
        "The cheapest provider costs 0.0100 USD; the cost limit is 0.0050.",
        {"scope": "generation", "room": "0.0050"},
        {"needed": "0.0100"},
    ),
    errors.Forbidden: Kind("This needs the role admin; the token has the role viewer."),
    errors.NotFound: Kind("There is nothing with this id."),
    errors.ModelNotFound: Kind(
        "The model lamp-2 does not exist here. GET /v1/models lists those that do."
    ),
    errors.MethodNotAllowed: Kind("Use GET, POST here.", {"allow": "GET, POST"}),
    errors.StateConflict: Kind(
        "The generation is succeeded already.",
        more={"provider": "dalle", "tokenId": "tok_c2u6dq4mxk7wyz3b"},
    ),
    errors.QuoteChanged: Kind(
        "It may cost 0.0400 USD now; the quote was for 0.0200 USD at most. See quote for one that "
        "holds now.",
        {
            "quote": {
                "quote_id": "quo_sjcyiog3wxxnik4qb65zbwoe72",
                "expected": "0.0400",
                "max": "0.0400",
                "rate_card": {"name": "guide", "version": "2026-11-22"},
                "expires_at": "2026-11-22T12:30:00.000Z",
                "changed": [{"what": "max", "from": "0.0200", "to": "0.0400"}],
            }
        },
    ),
    errors.Retired: Kind(
        "sora: retired by its vendor on 2026-09-24; veo makes clips.", {"replacement": "veo"}
    ),
    errors.VersionConflict: Kind("The settings of dalle are at version 4; read them again."),
    errors.TooLarge: Kind("A body may have 1000000 bytes."),
    errors.UnsupportedMediaType: Kind("Set the header Content-Type: application/json."),
    errors.ValidationFailed: Kind(
        "/colour: is not a known field",
        {"errors": [{"pointer": "/colour", "message": "is not a known field"}]},
        {"more": False},
    ),
    errors.ImageUnusable: Kind("The PNG is cut short."),
    errors.IdempotencyKeyReused: Kind(
        "This Idempotency-Key has started another request; use a fresh key.",
        more={
            "generationId": "gen_sjcyiog3wxxnik4qb65zbwoe72",
            "storyboardId": "sb_sjcyiog3wxxnik4qb65zbwoe72",
            "tokenId": "tok_c2u6dq4mxk7wyz3b",
            "uploadId": "upl_sjcyiog3wxxnik4qb65zbwoe72",
        },
    ),
    errors.NoCapableProvider: Kind(
        "kling: has no key yet.",
        more={
            "reasons": {"kling": "has no key yet"},
            "provider": "kling",
            "errors": [{"pointer": "/shots/0/clip", "message": "kling: has no key yet"}],
            "shots": [1],
        },
    ),
    errors.RateLimited: Kind(
        "This user may start 600 generations a minute, 600 of them at once.", {"retryAfter": 3}
    ),
    errors.TooManyInFlight: Kind(
        "This user has 500 generations that have not ended yet; 500 are allowed.",
        {"retryAfter": 30},
    ),
    errors.GenerationFailed: Kind(
        "Every provider of the chain failed; see the attempts.",
        {"failure": "all-providers-failed", "generationId": "gen_sjcyiog3wxxnik4qb65zbwoe72"},
    ),
    errors.ResultTooLarge: Kind(
        "The picture is made and too large for an answer. Send the same request with "
        "response_format url to get a link to it, which is not paid again.",
        {"generationId": "gen_sjcyiog3wxxnik4qb65zbwoe72"},
    ),
    errors.StillRunning: Kind(
        "The generation still runs and goes on. Send the same request again to wait for it.",
        {"generationId": "gen_sjcyiog3wxxnik4qb65zbwoe72"},
    ),
    CallerError: Kind("Something of ours failed; nothing was bought by this call."),
    errors.LedgerUnavailable: Kind(
        "The ledger cannot be reached, so nothing was bought. Try again."
    ),
    errors.KeyStoreUnavailable: Kind("The store of keys cannot be reached. Try again."),
}
"""Every class of problem. An operation names those that it can answer with."""


def example_of(kind: type[CallerError]) -> Json:
    """A problem of this class as a caller gets it."""
    told = KINDS[kind]
    return {
        "type": f"urn:problem:{kind.code}",
        "title": kind.title,
        "status": int(kind.status),
        "detail": told.detail,
        "instance": "urn:request:c2u6dq4mxk7wyz3b",
        "code": kind.code,
        "retryable": kind.status in RETRYABLE,
        **told.facts,
    }
