"""Budgets: what may be spent in a month, what is spent, and setting it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypeVar

from filmgate.domain.audit import Action, Author, recorded
from filmgate.domain.errors import BudgetMissing, Stale, StoreUnavailable
from filmgate.domain.ledger import OWNER_SCOPE, Budget, period_of
from filmgate.domain.money import Micros, format_usd
from filmgate.usecases.ports import BudgetLimit, Studio

DEFAULT_ALERTS: Final = (80, 100)
_TRIES: Final = 8

T = TypeVar("T")


def read_budget(*, tenant: str, studio: Studio, default_limit: Micros, now: datetime) -> Budget:
    """The owner's budget of this month, as it stands; a month without spending shows its limit."""
    period = period_of(now)
    budget = studio.budget(tenant, OWNER_SCOPE, period)
    if budget is not None:
        return budget
    return _fresh(studio.limit_of(tenant, OWNER_SCOPE), period, default_limit)


def set_budget(
    *,
    tenant: str,
    limit: Micros,
    alert_at: tuple[int, ...],
    studio: Studio,
    default_limit: Micros,
    by: Author,
    now: datetime,
) -> Budget:
    """Set the owner's monthly limit, from this month on, and give the budget as it then stands.

    A limit below what is already used is taken: work that runs goes on, nothing new is admitted.
    What is so already is not set again: no entry, no record.
    Raises StoreUnavailable when other writers were faster many times over.
    """
    period = period_of(now)
    for _ in range(_TRIES):
        before = studio.limit_of(tenant, OWNER_SCOPE)
        studio.open_budget(tenant, _fresh(before, period, default_limit))
        budget = studio.budget(tenant, OWNER_SCOPE, period)
        if budget is None:
            raise StoreUnavailable("the budget just opened cannot be read")
        known = before and (before.limit, before.alert_at)
        if known == (budget.limit, budget.alert_at) == (limit, alert_at):
            return budget
        after = BudgetLimit(limit, alert_at, version=1 + (before.version if before else 0))
        try:
            studio.set_limit(
                tenant,
                scope=OWNER_SCOPE,
                before=before,
                after=after,
                budget=budget,
                at=now,
                record=recorded(by, Action.BUDGET_SET, OWNER_SCOPE, _shown(before), _shown(after)),
            )
        except Stale:
            continue
        return read_budget(tenant=tenant, studio=studio, default_limit=default_limit, now=now)
    raise StoreUnavailable("the budget is being changed by others; try again")


def with_open_budgets(
    work: Callable[[], T], *, tenant: str, studio: Studio, default_limit: Micros
) -> T:
    """Do `work`, opening this month's budget first where it has not been used yet."""
    try:
        return work()
    except BudgetMissing as missing:
        limit = studio.limit_of(tenant, missing.scope)
        studio.open_budget(tenant, _fresh(limit, missing.period, default_limit, missing.scope))
        return work()


def _shown(limit: BudgetLimit | None) -> dict[str, Any]:
    """What the trail keeps of a limit; of none, nothing."""
    if limit is None:
        return {}
    return {"limit": format_usd(limit.limit), "alert_at": list(limit.alert_at)}


def _fresh(
    limit: BudgetLimit | None, period: str, default_limit: Micros, scope: str = OWNER_SCOPE
) -> Budget:
    """A period's budget before anything was spent; no limit set means the installation's."""
    if limit is None:
        return Budget(scope, period, default_limit, alert_at=DEFAULT_ALERTS)
    return Budget(scope, period, limit.limit, alert_at=limit.alert_at)
