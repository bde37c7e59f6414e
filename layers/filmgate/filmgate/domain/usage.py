"""An attempt as a row of the usage report: its status, and what differs from what was ordered."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from filmgate.domain.attempts import Attempt, AttemptState
from filmgate.domain.catalogue import Sound
from filmgate.domain.facts import Delivered, Ordered, Reported
from filmgate.domain.generations import Generation, Link
from filmgate.domain.money import format_usd

DURATION_TOLERANCE_MS: Final = 500
"""Frames and containers round; a clip is of another length only beyond this."""


class Status(StrEnum):
    PENDING = "pending"
    SUCCESS = "success"
    FAILED = "failed"


class What(StrEnum):
    """In what a delivery can differ from its order."""

    SIZE = "size"
    DURATION = "duration"
    SOUND = "sound"
    COUNT = "count"
    COST = "cost"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that came otherwise than ordered, in figures of `unit`."""

    what: What
    ordered: str
    delivered: str
    unit: str


def ordered_of(generation: Generation, link: Link) -> Ordered:
    """What an attempt with this entry of the generation's chain orders."""
    return Ordered(
        user=generation.user,
        type=generation.wish.type,
        resolution=link.resolution,
        width=link.width,
        height=link.height,
        duration_s=generation.wish.seconds or None,
        rate_card=generation.rate_card,
        project=generation.project,
        script_id=generation.script_id,
        shot_number=generation.shot_number,
        sound=link.sound,
    )


def status_of(attempt: Attempt) -> Status:
    """Pending while its money is held; a success once it is paid for something usable.

    Paid counts, since the money moves then: storing the take comes moments later, and if that
    turns out impossible the row becomes a failure. One presumed paid brought nothing so far.
    """
    if attempt.is_held:
        return Status.PENDING
    paid = attempt.state in (AttemptState.PAID, AttemptState.STORED)
    return Status.SUCCESS if paid and attempt.failure is None else Status.FAILED


def was_skipped(attempt: Attempt) -> bool:
    """Whether it was passed over: recorded with the reason, never asked, and no money held."""
    return attempt.state is AttemptState.RELEASED and attempt.version == 1


def differences(attempt: Attempt) -> tuple[Difference, ...]:
    """What was delivered and billed otherwise than ordered and estimated; empty when nothing."""
    found: tuple[Difference, ...] = ()
    if attempt.ordered is not None and attempt.delivered is not None:
        found = delivery_differences(attempt.ordered, attempt.delivered)
    found = (*found, *count_differences(attempt.reported))
    if attempt.is_settled and attempt.settled_micros != attempt.reserved_micros:
        cost = Difference(
            What.COST,
            ordered=format_usd(attempt.reserved_micros),
            delivered=format_usd(attempt.settled_micros),
            unit="USD",
        )
        found = (*found, cost)
    return found


def delivery_differences(ordered: Ordered, delivered: Delivered) -> tuple[Difference, ...]:
    """What a take is otherwise than ordered. Sound is judged where an order says something of it,
    and somebody has listened."""
    found = []
    if (delivered.width, delivered.height) != (ordered.width, ordered.height):
        wanted, came = (f"{one.width}x{one.height}" for one in (ordered, delivered))
        found.append(Difference(What.SIZE, wanted, came, "pixels"))
    length_ms, ordered_s = delivered.duration_ms, ordered.duration_s or 0
    if length_ms is not None and abs(length_ms - ordered_s * 1000) > DURATION_TOLERANCE_MS:
        length = f"{length_ms / 1000:.1f}"
        found.append(Difference(What.DURATION, str(ordered_s), length, "s"))
    if ordered.sound is not None and delivered.has_audio is not None:
        came_with = Sound.ON if delivered.has_audio else Sound.OFF
        if came_with is not ordered.sound:
            found.append(Difference(What.SOUND, ordered.sound, came_with, "track"))
    return tuple(found)


def count_differences(reported: Reported | None) -> tuple[Difference, ...]:
    """Whether a vendor answered with another number of results than the one that is ordered."""
    if reported is None or reported.results is None:
        return ()
    return (Difference(What.COUNT, "1", str(reported.results), "results"),)
