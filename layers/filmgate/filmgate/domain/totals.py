"""Totals of a month, kept in the budgets that an attempt draws on and in the same transaction.

Every change of money already writes the month's budget of the owner, the user, the project and the
provider. So the totals of a report are counters in those very items, moved by what an attempt now
contributes less what it contributed before: no further item, no further write, nothing more to
contend for, and the condition on the attempt makes a repeat harmless. A total is the sum of
`contribution` over the attempts that draw on its budget, at every instant; only storyboards are
counted when their envelope is opened.

Money stays in the month and on the day in which it was reserved, UTC, whenever it is settled.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Final

from filmgate.domain.attempts import Attempt
from filmgate.domain.money import Micros, round_up_charge
from filmgate.domain.usage import Status, status_of, was_skipped

COUNT: Final = "count"
SUCCEEDED: Final = "succeeded"
FAILED: Final = "failed"
ESTIMATED: Final = "estimated"  # of all attempts that held money
ESTIMATED_SETTLED: Final = "estimated_settled"  # of those that count as spent
DAY: Final = "day"
PROVIDER: Final = "provider"
TYPE: Final = "type"
STORYBOARDS: Final = "storyboards"  # admitted; a resume is the same storyboard
STORYBOARD_SPENT: Final = "storyboard_spent"
NUMBERS: Final = frozenset({COUNT, SUCCEEDED, FAILED, STORYBOARDS})
"""Totals that count something; all others are money."""

Tally = Mapping[str, Micros]
"""Counters by name, such as "count", "day_22" or "provider_dalle"; what is absent is 0.

The parts of days, providers and types are what is spent.
"""


def contribution(attempt: Attempt) -> Tally:
    """What an attempt adds to the totals of each of its months; nothing when it was passed over."""
    if was_skipped(attempt):
        return {}
    status, spent = status_of(attempt), attempt.settled_micros
    found = {
        COUNT: 1,
        SUCCEEDED: int(status is Status.SUCCESS),
        FAILED: int(status is Status.FAILED),
        ESTIMATED: attempt.reserved_micros,
        ESTIMATED_SETTLED: attempt.reserved_micros if attempt.is_settled else 0,
        f"{DAY}_{attempt.started_at.astimezone(UTC):%d}": spent,
        f"{PROVIDER}_{attempt.provider}": spent,
    }
    if attempt.ordered is not None:
        found[f"{TYPE}_{attempt.ordered.type}"] = spent
    if attempt.outer:
        found[STORYBOARD_SPENT] = spent
    return {name: amount for name, amount in found.items() if amount}


def fold(attempts: Iterable[Attempt]) -> dict[tuple[str, str], Tally]:
    """The totals of every scope and month, told anew from its attempts; storyboards are none."""
    found: dict[tuple[str, str], Tally] = defaultdict(dict)
    for attempt in attempts:
        for scope in (*attempt.scopes, *attempt.outer):
            found[scope] = added(found[scope], contribution(attempt))
    return found


def average_of_storyboards(tally: Tally) -> Micros | None:
    """What a storyboard of the month cost on the average, rounded up; None without any."""
    count = tally.get(STORYBOARDS, 0)
    return round_up_charge(tally.get(STORYBOARD_SPENT, 0), count) if count else None


def movement(before: Attempt | None, after: Attempt) -> Tally:
    """What a step of an attempt changes in the totals."""
    had = contribution(before) if before is not None else {}
    has = contribution(after)
    moved = {name: has.get(name, 0) - had.get(name, 0) for name in {**had, **has}}
    return {name: amount for name, amount in moved.items() if amount}


def added(tally: Tally, more: Tally) -> Tally:
    """Two tallies as one."""
    return {name: tally.get(name, 0) + more.get(name, 0) for name in {**tally, **more}}


def parts(tally: Tally, kind: str) -> dict[str, Micros]:
    """What is spent by each day, provider or type, by its name; parts of nothing are left out."""
    prefix = f"{kind}_"
    return {
        name.removeprefix(prefix): amount
        for name, amount in sorted(tally.items())
        if name.startswith(prefix) and amount
    }
