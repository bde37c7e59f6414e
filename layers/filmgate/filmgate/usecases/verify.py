"""Recomputing every balance from nothing but the entries, every attempt's money from its state, and
every total of the reports from the attempts.

Others may write meanwhile. A difference counts only where the item it is about did not change
between the first reading and the last: whatever was posted to it was then there to be read.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from filmgate.domain import totals
from filmgate.domain.attempts import Attempt
from filmgate.domain.ledger import (
    NO_PERIOD,
    Budget,
    Entry,
    EntryKind,
    fold_outside,
    is_envelope,
    outside,
)
from filmgate.domain.money import Micros
from filmgate.usecases.ports import Ledger, Studio

PASSES: Final = 5
ACTUAL_COST: Final = "actual_cost"

Money = tuple[Micros, Micros]
"""What is held and what is settled."""
Versions = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Drift:
    """Something whose money is not what its entries say; `entered` and `stored` are (held,
    settled)."""

    what: str
    entered: Money
    stored: Money


@dataclass(frozen=True, slots=True)
class Miscount:
    """A total that is not the sum over its attempts: of a budget's month, or of a generation."""

    what: str
    total: str
    summed: int
    stored: int


@dataclass(frozen=True, slots=True)
class Verified:
    """How much was compared, and what did not agree; `drift` and `miscounts` must be empty.

    `busy` counts what changed too often to be judged. `double_spends` are generations that more
    than one provider was paid for: no drift, but something to look at.
    """

    budgets: int
    entries: int
    attempts: int
    drift: tuple[Drift, ...]
    miscounts: tuple[Miscount, ...]
    busy: int
    double_spends: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        return not self.drift and not self.miscounts


Difference = Drift | Miscount
Name = tuple[str, str]
"""Of a difference: the item that it is about, and which of its totals, if any."""


def verify(studio: Studio, tenant: str) -> Verified:
    """Compare all of a tenant's balances with the fold of its entries, and its totals with its
    attempts. Changes nothing."""
    ledger = studio.ledger(tenant)
    suspects = _differences(ledger)
    found: dict[Name, Difference] = {}
    for _ in range(PASSES):
        if not suspects:
            break
        before, ledger = _versions(ledger), studio.ledger(tenant)
        last = _versions(studio.ledger(tenant))
        again = _differences(ledger)
        still = {name: again[name] for name in suspects if name in again}
        quiet = {name for name in still if before.get(name[0]) == last.get(name[0])}
        found |= {name: still[name] for name in sorted(quiet)}
        suspects = {name: one for name, one in still.items() if name not in quiet}
    return _verified(ledger, found.values(), busy=len(suspects))


def _verified(ledger: Ledger, found: Collection[Difference], *, busy: int) -> Verified:
    return Verified(
        budgets=len(ledger.budgets),
        entries=len(ledger.entries),
        attempts=len(ledger.attempts),
        drift=tuple(one for one in found if isinstance(one, Drift)),
        miscounts=tuple(one for one in found if isinstance(one, Miscount)),
        busy=busy,
        double_spends=_double_spends(ledger.attempts),
    )


def _differences(ledger: Ledger) -> dict[Name, Difference]:
    """Whatever is not the fold of what it is made of."""
    drift = {(one.what, ""): one for one in _drift(ledger)}
    return drift | {(one.what, one.total): one for one in _miscounts(ledger)}


def _miscounts(ledger: Ledger) -> Iterator[Miscount]:
    """Every total that is not the sum over its attempts.

    A storyboard is counted with the entry that opens its first envelope.
    """
    summed = totals.fold(ledger.attempts)
    for entry in ledger.entries:
        if entry.kind is EntryKind.RESERVE and (entry.envelope or "").endswith(".0"):
            for scope in entry.scopes:
                summed[scope] = totals.added(summed[scope], {totals.STORYBOARDS: 1})
    for budget in ledger.budgets:
        if budget.period != NO_PERIOD:
            own = summed[budget.scope, budget.period]
            yield from _miscounted(_name(budget), own, budget.tally)
    cost: dict[str, Micros] = defaultdict(int)
    for attempt in ledger.attempts:
        cost[attempt.generation_id] += attempt.settled_micros
    for one in ledger.paid:
        paid = {ACTUAL_COST: one.actual_micros}
        yield from _miscounted(one.generation_id, {ACTUAL_COST: cost[one.generation_id]}, paid)


def _miscounted(what: str, summed: totals.Tally, stored: totals.Tally) -> Iterator[Miscount]:
    for total in sorted(summed.keys() | stored.keys()):
        ours, theirs = summed.get(total, 0), stored.get(total, 0)
        if ours != theirs:
            yield Miscount(what, total, ours, theirs)


def _drift(ledger: Ledger) -> Iterator[Drift]:
    """Every budget and attempt that is not the fold of its entries."""
    by_scope: dict[str, Money] = defaultdict(lambda: (0, 0))
    by_attempt: dict[str, Money] = defaultdict(lambda: (0, 0))
    for entry in ledger.entries:
        for scope, period in entry.scopes:
            by_scope[f"{scope} {period}"] = _plus(by_scope[f"{scope} {period}"], entry)
        if entry.envelope is None:
            name = attempt_of(entry)
            by_attempt[name] = _plus(by_attempt[name], entry)
    stored = {_name(one): (one.held, one.settled) for one in ledger.budgets}
    envelopes = [one for one in ledger.budgets if is_envelope(one.scope)]
    stored |= {_outside(one): outside(one) for one in envelopes}
    by_scope |= {_outside(one): fold_outside(ledger.entries, one.scope) for one in envelopes}
    stored |= {one.id: (one.held_micros, one.settled_micros) for one in ledger.attempts}
    entered = {**by_scope, **by_attempt}
    names = sorted(entered.keys() | stored.keys())
    compared = [Drift(name, entered.get(name, (0, 0)), stored.get(name, (0, 0))) for name in names]
    yield from (one for one in compared if one.entered != one.stored)


def attempt_of(entry: Entry) -> str:
    """The attempt that an entry belongs to; its id begins with it."""
    return entry.id.partition(".")[0]


def _plus(money: Money, entry: Entry) -> Money:
    return money[0] + entry.held, money[1] + entry.settled


def _versions(ledger: Ledger) -> Versions:
    budgets = {_name(one): one.version for one in ledger.budgets}
    outsides = {_outside(one): one.version for one in ledger.budgets if is_envelope(one.scope)}
    attempts = {one.id: one.version for one in ledger.attempts}
    return budgets | outsides | attempts | {one.generation_id: one.version for one in ledger.paid}


def _name(budget: Budget) -> str:
    return f"{budget.scope} {budget.period}"


def _outside(envelope: Budget) -> str:
    """The name of what an envelope stands for in its outer scopes."""
    return f"{envelope.scope} outside"


def _double_spends(attempts: Iterable[Attempt]) -> tuple[str, ...]:
    paid: dict[str, int] = defaultdict(int)
    for attempt in attempts:
        paid[attempt.generation_id] += attempt.is_settled
    return tuple(sorted(name for name, count in paid.items() if count > 1))
