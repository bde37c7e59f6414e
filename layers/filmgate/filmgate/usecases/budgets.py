"""Budgets: what may be spent in a month, what is spent, and setting it.

A budget is kept for the owner and for every user, project and provider that money was spent for.
The owner's always has a limit, the installation's default where none was set; any other one is
bounded by the owner's until it gets a limit of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from filmgate.domain.audit import Action, Author, recorded
from filmgate.domain.catalogue import Catalogue
from filmgate.domain.errors import BudgetMissing, NotFound, Stale, StoreUnavailable
from filmgate.domain.ledger import (
    OWNER_SCOPE,
    PROJECT_SCOPE,
    PROVIDER_SCOPE,
    USER_SCOPE,
    Budget,
    period_of,
    provider_scope,
)
from filmgate.domain.money import Micros, format_usd
from filmgate.usecases.ports import BudgetLimit, Studio

DEFAULT_ALERTS: Final = (80, 100)
MOST_SCOPES: Final = 6
_TRIES: Final = 8

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Standing:
    """A budget, with what bounds it: its own limit, else the owner's."""

    budget: Budget
    limit: Micros
    room: Micros

    @property
    def is_own(self) -> bool:
        return self.budget.limit is not None


def known_scope(text: str, catalogue: Catalogue) -> str:
    """The scope that a text names, in its one form; raises NotFound for what can have no budget."""
    kind, _, name = text.partition(":")
    if text == OWNER_SCOPE or (kind in (USER_SCOPE, PROJECT_SCOPE) and name):
        return text
    provider = catalogue.find(name) if kind == PROVIDER_SCOPE else None
    if provider is None:
        raise NotFound("A budget is of owner, user:<id>, project:<id> or provider:<id>.")
    return provider_scope(provider.id)


def read_budget(
    scope: str,
    *,
    tenant: str,
    studio: Studio,
    default_limit: Micros,
    now: datetime,
    period: str | None = None,
) -> Standing:
    """A scope's budget of this month; a month without spending shows its limit.

    Of another month only what was opened in it can be told: raises NotFound for the rest.
    """
    if period is not None and period != period_of(now):
        known = studio.budget(tenant, scope, period)
        if known is None:
            raise NotFound(f"Nothing was budgeted for {scope} in {period}.")
        owner = studio.budget(tenant, OWNER_SCOPE, period)
        return standing_in(known, owner or Budget(OWNER_SCOPE, period, default_limit))
    budget = _read(scope, tenant, studio, default_limit, now)
    return _standing(budget, tenant, studio, default_limit, now)


def set_budget(
    scope: str,
    *,
    tenant: str,
    limit: Micros | None,
    alert_at: tuple[int, ...] | None,
    studio: Studio,
    default_limit: Micros,
    by: Author,
    now: datetime,
) -> Standing:
    """Set a scope's monthly limit, from this month on, and give the budget as it then stands.

    A limit below what is already used is taken: work that runs goes on, nothing new is admitted.
    None takes a scope's own limit away, and gives the owner the installation's default; `alert_at`
    of None leaves the thresholds as they are. What is so already is not set again: no entry, no
    record.
    Raises StoreUnavailable when other writers were faster many times over.
    """
    period = period_of(now)
    if limit is None and scope == OWNER_SCOPE:
        limit = default_limit
    for _ in range(_TRIES):
        before = studio.limit_of(tenant, scope)
        try:
            fresh = fresh_budget(before, scope, period, default_limit)
            studio.open_budget(tenant, fresh, seen=before)
        except Stale:
            continue
        budget = studio.budget(tenant, scope, period)
        if budget is None:
            raise StoreUnavailable("the budget just opened cannot be read")
        alerts = alert_at
        if alerts is None:
            alerts = before.alert_at if before else DEFAULT_ALERTS
        known = before and (before.limit, before.alert_at)
        if known == (budget.limit, budget.alert_at) == (limit, alerts):
            return _standing(budget, tenant, studio, default_limit, now)
        after = BudgetLimit(limit, alerts, version=1 + (before.version if before else 0))
        try:
            studio.set_limit(
                tenant,
                scope=scope,
                before=before,
                after=after,
                budget=budget,
                at=now,
                record=recorded(by, Action.BUDGET_SET, scope, _shown(before), _shown(after)),
            )
        except Stale:
            continue
        return read_budget(
            scope, tenant=tenant, studio=studio, default_limit=default_limit, now=now
        )
    raise StoreUnavailable("the budget is being changed by others; try again")


def with_open_budgets(
    work: Callable[[], T], *, tenant: str, studio: Studio, default_limit: Micros
) -> T:
    """Do `work`, opening this month's budgets first where they have not been used yet."""
    for _ in range(MOST_SCOPES):
        try:
            return work()
        except BudgetMissing as missing:
            _open(missing.scope, missing.period, tenant, studio, default_limit)
    return work()


def _open(scope: str, period: str, tenant: str, studio: Studio, default_limit: Micros) -> None:
    """Open a budget under the limit that holds at that very moment.

    Raises StoreUnavailable when the limit was changed many times over meanwhile.
    """
    for _ in range(_TRIES):
        limit = studio.limit_of(tenant, scope)
        try:
            fresh = fresh_budget(limit, scope, period, default_limit)
            studio.open_budget(tenant, fresh, seen=limit)
        except Stale:
            continue
        return
    raise StoreUnavailable("the budget is being changed by others; try again")


def _standing(
    budget: Budget, tenant: str, studio: Studio, default_limit: Micros, now: datetime
) -> Standing:
    if budget.limit is not None:
        return standing_in(budget, budget)
    return standing_in(budget, _read(OWNER_SCOPE, tenant, studio, default_limit, now))


def standing_in(budget: Budget, owner: Budget) -> Standing:
    """A budget with what bounds it, given the owner's of the same month."""
    bound = owner if budget.limit is None else budget
    return Standing(budget, bound.limit or 0, bound.room)


def _read(scope: str, tenant: str, studio: Studio, default_limit: Micros, now: datetime) -> Budget:
    period = period_of(now)
    budget = studio.budget(tenant, scope, period)
    if budget is not None:
        return budget
    return fresh_budget(studio.limit_of(tenant, scope), scope, period, default_limit)


def fresh_budget(
    limit: BudgetLimit | None, scope: str, period: str, default_limit: Micros
) -> Budget:
    """A period's budget before anything was spent."""
    own = limit.limit if limit is not None else None
    if own is None and scope == OWNER_SCOPE:
        own = default_limit
    return Budget(scope, period, own, alert_at=limit.alert_at if limit else DEFAULT_ALERTS)


def _shown(limit: BudgetLimit | None) -> dict[str, Any]:
    """What the trail keeps of a limit; of none, nothing."""
    if limit is None:
        return {}
    own = None if limit.limit is None else format_usd(limit.limit)
    return {"limit": own, "alert_at": list(limit.alert_at)}
