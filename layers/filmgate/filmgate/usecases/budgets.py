"""Budgets: what may be spent in a month, what is spent, and setting it.

A budget is kept for the owner and for every user, project and provider that money was spent for.
The owner's always has a limit, the installation's default where none was set; any other one is
bounded by the owner's until it gets a limit of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

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
from filmgate.domain.money import Micros
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
    scope: str, *, tenant: str, studio: Studio, default_limit: Micros, now: datetime
) -> Standing:
    """A scope's budget of this month; a month without spending shows its limit."""
    budget = _read(scope, tenant, studio, default_limit, now)
    if budget.limit is not None:
        return Standing(budget, budget.limit, budget.room)
    owner = _read(OWNER_SCOPE, tenant, studio, default_limit, now)
    return Standing(budget, owner.limit or 0, owner.room)


def set_budget(
    scope: str,
    *,
    tenant: str,
    limit: Micros | None,
    alert_at: tuple[int, ...] | None,
    studio: Studio,
    default_limit: Micros,
    now: datetime,
) -> Standing:
    """Set a scope's monthly limit, from this month on, and give the budget as it then stands.

    A limit below what is already used is taken: work that runs goes on, nothing new is admitted.
    None takes a scope's own limit away, and gives the owner's the installation's default again: it
    is never without one. `alert_at` of None leaves the thresholds as they are.
    Raises StoreUnavailable when other writers were faster many times over.
    """
    period = period_of(now)
    if limit is None and scope == OWNER_SCOPE:
        limit = default_limit
    for _ in range(_TRIES):
        before = studio.limit_of(tenant, scope)
        studio.open_budget(tenant, _fresh(before, scope, period, default_limit))
        budget = studio.budget(tenant, scope, period)
        if budget is None:
            raise StoreUnavailable("the budget just opened cannot be read")
        alerts = alert_at
        if alerts is None:
            alerts = before.alert_at if before else DEFAULT_ALERTS
        after = BudgetLimit(
            limit,
            alert_at=alerts,
            version=1 + (before.version if before else 0),
        )
        try:
            studio.set_limit(tenant, scope=scope, before=before, after=after, budget=budget, at=now)
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
            limit = studio.limit_of(tenant, missing.scope)
            fresh = _fresh(limit, missing.scope, missing.period, default_limit)
            studio.open_budget(tenant, fresh)
    return work()


def _read(scope: str, tenant: str, studio: Studio, default_limit: Micros, now: datetime) -> Budget:
    period = period_of(now)
    budget = studio.budget(tenant, scope, period)
    if budget is not None:
        return budget
    return _fresh(studio.limit_of(tenant, scope), scope, period, default_limit)


def _fresh(limit: BudgetLimit | None, scope: str, period: str, default_limit: Micros) -> Budget:
    """A period's budget before anything was spent."""
    own = limit.limit if limit is not None else None
    if own is None and scope == OWNER_SCOPE:
        own = default_limit
    return Budget(scope, period, own, alert_at=limit.alert_at if limit else DEFAULT_ALERTS)
