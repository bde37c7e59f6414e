"""Looking at work until it has ended: often at first, then seldom, and through short outages."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from filmgate_cli.problems import ExitCode, Problem, Unreachable

T = TypeVar("T")

GENERATION_ENDS: Final = frozenset({"succeeded", "failed", "cancelled"})
STORYBOARD_ENDS: Final = GENERATION_ENDS | {"partial"}


@dataclass(frozen=True, slots=True)
class Looks:
    """How the pauses between two looks grow; they start anew when something has changed."""

    first_s: float = 0.4
    growth: float = 1.3
    longest_s: float = 5.0
    outage_s: float = 300.0


def follow(
    look: Callable[[], T],
    has_ended: Callable[[T], bool],
    *,
    timeout_s: float | None = None,
    looks: Looks | None = None,
    pause: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> Iterator[T]:
    """What each look shows, the last of them the end.

    A gateway that is away is waited for. Raises Unreachable when it stays away, and Problem with
    UNFINISHED when the time is over.
    """
    how = looks or Looks()
    began, heard = now(), now()
    pause_s, before = how.first_s, None
    while True:
        try:
            seen = look()
        except Unreachable:
            if now() - heard > how.outage_s:
                raise
        else:
            heard = now()
            yield seen
            if has_ended(seen):
                return
            pause_s = how.first_s if seen != before else min(pause_s * how.growth, how.longest_s)
            before = seen
        if timeout_s is not None and now() - began >= timeout_s:
            raise Problem(
                f"It has not ended within {timeout_s:g} s, and goes on.",
                code="unfinished",
                exit_code=ExitCode.UNFINISHED,
            )
        pause(pause_s)
