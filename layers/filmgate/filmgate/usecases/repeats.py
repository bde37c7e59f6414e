"""Repeats that nobody names: client libraries that send a lost request again, without any key.

The same request of the same user within a window is the same generation. What came to nothing and
cost nothing is no reason to refuse another try, and what its user has deleted is not asked for
again by accident: those are made anew.
"""

from datetime import datetime, timedelta

from filmgate.domain.attempts import AttemptState
from filmgate.domain.generations import Record
from filmgate.domain.ids import claim_id, generation_id
from filmgate.usecases.ports import Principal, Repeats, Studio


def repeat_key(
    request_hash: str,
    *,
    principal: Principal,
    repeats: Repeats,
    studio: Studio,
    window: timedelta,
    now: datetime,
) -> str:
    """The idempotency key that a request stands under which brings none of its own.

    It is told by when the request was first made; the table remembers that, so two at the same
    moment, or on both sides of any hour, are one. The window begins with the first.
    """
    own = claim_id(principal.tenant, principal.user, f"repeat {request_hash}")
    asked_at = repeats.first_asked(principal.tenant, own, now=now, since=now - window)
    known = generation_id(principal.tenant, principal.user, _key(request_hash, asked_at))
    record = studio.find(principal.tenant, known)
    if record is not None and (_came_to_nothing(record) or record.generation.unlisted_at):
        asked_at = repeats.ask_anew(principal.tenant, own, seen=asked_at, now=now)
    return _key(request_hash, asked_at)


def _key(request_hash: str, asked_at: datetime) -> str:
    """Its spaces keep it apart from every key that a caller can send, which is visible ASCII."""
    return f"repeat {request_hash} {asked_at.isoformat()}"


def _came_to_nothing(record: Record) -> bool:
    """Whether it ended and everything that was held for it went back."""
    gone = all(attempt.state is AttemptState.RELEASED for attempt in record.attempts)
    return record.generation.is_terminal and gone
