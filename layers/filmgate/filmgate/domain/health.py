"""How a provider has behaved lately for one owner: its breaker, and what was observed.

Five failures in a row open the breaker for a minute, doubling up to a quarter of an hour. A refused
key, an empty account or a retired model opens it for the longest time at once. When the time is
over, one attempt is the probe: it closes the breaker, or opens it again for longer. A change of
the settings closes it too. An open breaker is skipped without a reservation.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from filmgate.domain.errors import ErrorClass
from filmgate.domain.money import Micros, round_up_charge

FAILURES_TO_OPEN: Final = 5
SHORTEST_OPEN: Final = timedelta(seconds=60)
LONGEST_OPEN: Final = timedelta(minutes=15)
SUSPENDING: Final = frozenset({"key-refused", "quota-exhausted", "retired"})
"""Failures that will come again until somebody does something."""
REMEMBERED: Final = 50
"""How many durations the percentiles are taken from."""


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Health:
    """The running figures of one provider; `reason` is the code that opened the breaker.

    `open_since` is when it opened after it was last closed; failed probes do not move it.
    `durations_ms` are those of the latest successes, oldest first.
    """

    failures_in_row: int = 0
    times_opened: int = 0
    open_until: datetime | None = None
    reason: str | None = None
    attempts: int = 0
    successes: int = 0
    cost_micros: Micros = 0
    durations_ms: tuple[int, ...] = ()
    version: int = 0
    open_since: datetime | None = None

    def breaker(self, now: datetime) -> BreakerState:
        if self.open_until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self.open_until else BreakerState.HALF_OPEN

    @property
    def success_percent(self) -> int | None:
        return None if not self.attempts else 100 * self.successes // self.attempts

    @property
    def average_cost(self) -> Micros | None:
        """What a success cost on the average, rounded up to a charge."""
        return None if not self.successes else round_up_charge(self.cost_micros, self.successes)

    def percentile_ms(self, percent: int) -> int | None:
        """How long successes took at this percentile, by nearest rank; None before the first."""
        if not self.durations_ms:
            return None
        ranked = sorted(self.durations_ms)
        return ranked[max(1, -(-len(ranked) * percent // 100)) - 1]


def after_success(health: Health, *, duration: timedelta, cost: Micros) -> Health:
    """A success closes the breaker, whatever had opened it."""
    taken_ms = round(duration / timedelta(milliseconds=1))
    return replace(
        health,
        failures_in_row=0,
        times_opened=0,
        open_until=None,
        open_since=None,
        reason=None,
        attempts=health.attempts + 1,
        successes=health.successes + 1,
        cost_micros=health.cost_micros + cost,
        durations_ms=(*health.durations_ms, taken_ms)[-REMEMBERED:],
        version=health.version + 1,
    )


def after_failure(health: Health, *, error_class: ErrorClass, code: str, now: datetime) -> Health:
    """A failure of the provider counts towards its breaker; a refusal of content does not."""
    counted = replace(health, attempts=health.attempts + 1, version=health.version + 1)
    if error_class in (ErrorClass.REJECT, ErrorClass.INVALID):
        return counted
    failures = health.failures_in_row + 1
    counted = replace(counted, failures_in_row=failures)
    if code in SUSPENDING:
        return _opened(counted, LONGEST_OPEN, code, now)
    if failures >= FAILURES_TO_OPEN:
        longer = SHORTEST_OPEN * 2 ** min(health.times_opened, 8)
        return _opened(counted, min(LONGEST_OPEN, longer), code, now)
    return counted


def claim_probe(health: Health, now: datetime) -> Health:
    """The breaker's time is over and one attempt may try: nobody else for the next minute."""
    return replace(health, open_until=now + SHORTEST_OPEN, version=health.version + 1)


def closed(health: Health) -> Health:
    """The breaker closed by a change of the settings; the figures stay."""
    return replace(
        health,
        failures_in_row=0,
        times_opened=0,
        open_until=None,
        open_since=None,
        reason=None,
        version=health.version + 1,
    )


def _opened(health: Health, length: timedelta, reason: str, now: datetime) -> Health:
    return replace(
        health,
        open_until=now + length,
        open_since=health.open_since or now,
        times_opened=health.times_opened + 1,
        reason=reason,
    )
