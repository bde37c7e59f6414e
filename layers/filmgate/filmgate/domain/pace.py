"""How fast one user may start paid work, and how much of it at once.

The rate is a token bucket, kept as one moment: until when the bucket is spoken for. Every start
moves it by a token's time; a bucket that is full again is a moment in the past. In that form one
guarded update takes a token, and nobody has to refill anything. How many generations of a user are
in flight follows from the changes of generations alone: each is counted when it is recorded and
discounted when it ends, in those very transactions. Storyboards are counted in the same way beside
them. One is a single start of the same bucket, and its parts are none: they were admitted with it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from filmgate.domain.boards import Head
from filmgate.domain.errors import RateLimited, TooManyInFlight
from filmgate.domain.generations import Generation

_SECOND: Final = 1_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Counted(StrEnum):
    """What a user has in flight, by the name of its counter."""

    GENERATIONS = "in_flight"
    STORYBOARDS = "storyboards"


_WORDS: Final[Mapping[Counted, str]] = {
    Counted.GENERATIONS: "generations",
    Counted.STORYBOARDS: "storyboards",
}
# Nobody knows when one ends: most stills take so long, and the shortest of storyboards.
IN_FLIGHT_RETRY_S: Final[Mapping[Counted, int]] = {
    Counted.GENERATIONS: 5,
    Counted.STORYBOARDS: 60,
}


@dataclass(frozen=True, slots=True)
class Pace:
    """What one user may do: so many starts a minute, so many at once, so many in flight."""

    per_minute: int
    burst: int
    in_flight: int

    @property
    def token_us(self) -> int:
        """How long a token takes to come back, in microseconds."""
        return -(-60 * _SECOND // self.per_minute)


@dataclass(frozen=True, slots=True)
class Flight:
    """What the table knows of a user: generations and storyboards in flight; until when the rate
    is used up."""

    in_flight: int = 0
    paced_until_us: int = 0
    storyboards: int = 0

    def count(self, of: Counted) -> int:
        return self.in_flight if of is Counted.GENERATIONS else self.storyboards

    def stepped(self, of: Counted, step: int) -> "Flight":
        """The user with so many more, or fewer, of them in flight."""
        if of is Counted.GENERATIONS:
            return replace(self, in_flight=self.in_flight + step)
        return replace(self, storyboards=self.storyboards + step)


@dataclass(frozen=True, slots=True)
class Start:
    """One start at a moment, within a pace."""

    pace: Pace
    at: datetime
    of: Counted = Counted.GENERATIONS

    @property
    def at_us(self) -> int:
        return (self.at - _EPOCH) // timedelta(microseconds=1)

    @property
    def latest_us(self) -> int:
        """Up to when the bucket may be spoken for, if it is to have one token more."""
        return self.at_us + (self.pace.burst - 1) * self.pace.token_us


def started(flight: Flight, start: Start) -> Flight:
    """The user with one more in flight; raises TooManyInFlight or RateLimited."""
    pace, known = start.pace, flight.count(start.of)
    if known >= pace.in_flight:
        raise TooManyInFlight(
            f"This user has {known} {_WORDS[start.of]} that have not ended yet; "
            f"{pace.in_flight} are allowed.",
            retryAfter=IN_FLIGHT_RETRY_S[start.of],
        )
    wait_us = flight.paced_until_us - start.latest_us
    if wait_us > 0:
        raise RateLimited(
            f"This user may start {pace.per_minute} generations or storyboards a minute, "
            f"{pace.burst} of them at once.",
            retryAfter=math.ceil(wait_us / _SECOND),
        )
    paced_until_us = max(flight.paced_until_us, start.at_us) + pace.token_us
    return replace(flight.stepped(start.of, 1), paced_until_us=paced_until_us)


def flight_step(before: Generation | None, after: Generation) -> int:
    """What a change of a generation adds to its user's number in flight: 1, -1 or 0."""
    was = before is not None and not before.is_terminal
    return int(not after.is_terminal) - int(was)


def board_step(before: Head | None, after: Head) -> int:
    """The same of a storyboard, which is in flight again once it is resumed."""
    was = before is not None and not before.has_ended
    return int(not after.has_ended) - int(was)
