"""Recomputing every balance from nothing but the entries, and every attempt's money from its state.

Others may write meanwhile. A difference counts only where the item it is about did not change
between the first reading and the last: whatever was posted to it was then there to be read.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from filmgate.domain.attempts import Attempt
from filmgate.domain.ledger import Budget, Entry, fold_outside, is_envelope, outside
from filmgate.domain.money import Micros
from filmgate.usecases.ports import Ledger, Studio

PASSES: Final = 5

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
class Verified:
    """How much was compared, and what did not agree; `drift` must be empty.

    `busy` counts what changed too often to be judged. `double_spends` are generations that more
    than one provider was paid for: no drift, but something to look at.
    """

    budgets: int
    entries: int
    attempts: int
    drift: tuple[Drift, ...]
    busy: int
    double_spends: tuple[str, ...]


def verify(studio: Studio, tenant: str) -> Verified:
    """Compare all of a tenant's balances with the fold of its entries. Changes nothing."""
    ledger = studio.ledger(tenant)
    suspects = _differences(ledger)
    drift: dict[str, Drift] = {}
    for _ in range(PASSES):
        if not suspects:
            break
        before, ledger = _versions(ledger), studio.ledger(tenant)
        last = _versions(studio.ledger(tenant))
        again = _differences(ledger)
        still = {name: again[name] for name in suspects if name in again}
        quiet = {name for name in still if before.get(name) == last.get(name)}
        drift |= {name: still[name] for name in quiet}
        suspects = {name: one for name, one in still.items() if name not in quiet}
    return _verified(ledger, drift.values(), busy=len(suspects))


def _verified(ledger: Ledger, drift: Iterable[Drift], *, busy: int) -> Verified:
    return Verified(
        budgets=len(ledger.budgets),
        entries=len(ledger.entries),
        attempts=len(ledger.attempts),
        drift=tuple(drift),
        busy=busy,
        double_spends=_double_spends(ledger.attempts),
    )


def _differences(ledger: Ledger) -> dict[str, Drift]:
    """Every budget and attempt that is not the fold of its entries, by name."""
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
    return {one.what: one for one in compared if one.entered != one.stored}


def attempt_of(entry: Entry) -> str:
    """The attempt that an entry belongs to; its id begins with it."""
    return entry.id.partition(".")[0]


def _plus(money: Money, entry: Entry) -> Money:
    return money[0] + entry.held, money[1] + entry.settled


def _versions(ledger: Ledger) -> Versions:
    budgets = {_name(one): one.version for one in ledger.budgets}
    outsides = {_outside(one): one.version for one in ledger.budgets if is_envelope(one.scope)}
    return budgets | outsides | {one.id: one.version for one in ledger.attempts}


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
