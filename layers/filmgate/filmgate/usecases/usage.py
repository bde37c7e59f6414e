"""Reading usage: rows, totals of a month, budgets and their history, and what came otherwise.

Who may see what is decided here: a creator sees the rows and totals that are theirs, and no other
user's budget; viewers and admins see their whole tenant. What somebody may not see does not exist.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from filmgate.domain.attempts import Attempt
from filmgate.domain.errors import Forbidden, NotFound, ValidationFailed
from filmgate.domain.ledger import (
    OWNER_SCOPE,
    PROJECT_SCOPE,
    USER_SCOPE,
    Budget,
    period_of,
    provider_scope,
)
from filmgate.domain.money import Micros
from filmgate.usecases.budgets import Standing, fresh_budget, standing_in
from filmgate.usecases.ports import Principal, RowFilter, RowPage, UsageBook
from filmgate.usecases.reading import SEES_ONLY_OWN

CHUNK: Final = 1000
MOST_ROWS: Final = 20_000
"""What a report in one file may have: more takes longer to read than a call may last."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The totals of a month: of the owner, or of the one scope that was asked for.

    `by_user` and `by_project` are None where the totals are of one scope: no counter is kept for
    pairs of them.
    """

    budget: Budget
    by_user: Mapping[str, Micros] | None
    by_project: Mapping[str, Micros] | None


def list_rows(
    wanted: RowFilter, *, principal: Principal, book: UsageBook, limit: int, cursor: str | None
) -> RowPage:
    """A page of usage rows that the principal may see; raises ValueError for a bad cursor."""
    own = _visible(wanted, principal)
    return RowPage((), None) if own is None else book.rows(
        principal.tenant, own, limit=limit, cursor=cursor
    )  # fmt: skip


def list_discrepancies(
    wanted: RowFilter, *, principal: Principal, book: UsageBook, limit: int, cursor: str | None
) -> RowPage:
    """A page of what came otherwise than ordered; raises ValueError for a bad cursor."""
    own = _visible(wanted, principal)
    return RowPage((), None) if own is None else book.discrepancies(
        principal.tenant, own, limit=limit, cursor=cursor
    )  # fmt: skip


def all_rows(wanted: RowFilter, *, principal: Principal, book: UsageBook) -> list[Attempt]:
    """Every row that the principal may see; raises ValidationFailed when they are too many."""
    found: list[Attempt] = []
    for page in _pages(wanted, principal, book):
        found += page.items
        if len(found) > MOST_ROWS:
            told = f"more than {MOST_ROWS} rows; ask for a shorter time"
            raise ValidationFailed([("?from", told)])
    return found


def summary(
    *,
    period: str,
    principal: Principal,
    book: UsageBook,
    user: str | None = None,
    project: str | None = None,
    provider: str | None = None,
) -> Summary:
    """The totals of a month, kept with the entries and never counted again.

    They are of the tenant, or of one user, project or provider. Raises ValidationFailed for more
    than one of these, Forbidden for a creator who asks for more than what is theirs.
    """
    scope = _scope_of(principal, user, project, provider)
    if scope != OWNER_SCOPE:
        found = book.months(principal.tenant, scope, [period])
        return Summary(found[0] if found else Budget(scope, period, None), None, None)
    budgets = {one.scope: one for one in book.budgets(principal.tenant, period)}
    owner = budgets.get(OWNER_SCOPE, Budget(OWNER_SCOPE, period, None))
    return Summary(owner, _spent(budgets, USER_SCOPE), _spent(budgets, PROJECT_SCOPE))


def list_budgets(
    *, period: str, principal: Principal, book: UsageBook, default_limit: Micros, now: datetime
) -> list[Standing]:
    """Every scope with a budget in a month or, this month, a limit; the owner's first."""
    found = {one.scope: one for one in book.budgets(principal.tenant, period)}
    limits = book.limits(principal.tenant)
    if period == period_of(now):
        for scope in {OWNER_SCOPE, *limits} - set(found):
            found[scope] = fresh_budget(limits.get(scope), scope, period, default_limit)
    owner = found.get(OWNER_SCOPE) or fresh_budget(
        limits.get(OWNER_SCOPE), OWNER_SCOPE, period, default_limit
    )
    shown = [one for one in found.values() if may_see_scope(principal, one.scope)]
    shown.sort(key=lambda one: (one.scope != OWNER_SCOPE, one.scope))
    return [standing_in(one, owner) for one in shown]


def history(
    scope: str, *, months: int, principal: Principal, book: UsageBook, now: datetime
) -> list[Budget]:
    """A scope's budgets of the last `months` months, this one included, newest first.

    Months in which nothing was opened are left out. Raises NotFound for a scope that the principal
    may not see.
    """
    check_scope(principal, scope)
    found = book.months(principal.tenant, scope, list(_last_months(period_of(now), months)))
    return sorted(found, key=lambda one: one.period, reverse=True)


def may_see_scope(principal: Principal, scope: str) -> bool:
    """Whether a scope is the principal's to see: to a creator, no other user's is."""
    own = scope == f"{USER_SCOPE}:{principal.user}"
    others = scope.startswith(f"{USER_SCOPE}:") and not own
    return not (others and principal.role in SEES_ONLY_OWN)


def check_scope(principal: Principal, scope: str) -> None:
    """Raises NotFound for a scope that is not the principal's to see."""
    if not may_see_scope(principal, scope):
        raise NotFound("There is no such budget.")


def _visible(wanted: RowFilter, principal: Principal) -> RowFilter | None:
    """The filter with what the principal may see in it; None when that is nothing."""
    if principal.role not in SEES_ONLY_OWN:
        return wanted
    return replace(wanted, user=principal.user) if wanted.user in (None, principal.user) else None


def _pages(wanted: RowFilter, principal: Principal, book: UsageBook) -> Iterator[RowPage]:
    cursor: str | None = None
    while True:
        page = list_rows(wanted, principal=principal, book=book, limit=CHUNK, cursor=cursor)
        yield page
        cursor = page.next
        if cursor is None:
            return


def _scope_of(
    principal: Principal, user: str | None, project: str | None, provider: str | None
) -> str:
    """The one scope whose totals are asked for."""
    asked = {"user": user, "project": project, "provider": provider}
    said = [name for name, value in asked.items() if value is not None]
    if len(said) > 1:
        told = "totals are kept for one user, project or provider, not for two together"
        raise ValidationFailed([(f"?{said[1]}", told)])
    if principal.role in SEES_ONLY_OWN:
        if project is not None or provider is not None or user not in (None, principal.user):
            raise Forbidden("A creator sees the totals of what is theirs; leave the filter out.")
        user = principal.user
    if user is not None:
        return f"{USER_SCOPE}:{user}"
    if project is not None:
        return f"{PROJECT_SCOPE}:{project}"
    return OWNER_SCOPE if provider is None else provider_scope(provider)


def _spent(budgets: Mapping[str, Budget], kind: str) -> dict[str, Micros]:
    """What every user or project has spent, by its name; those that spent nothing are left out."""
    return {
        scope.removeprefix(f"{kind}:"): budget.settled
        for scope, budget in sorted(budgets.items())
        if scope.startswith(f"{kind}:") and budget.settled
    }


def _last_months(period: str, count: int) -> Iterator[str]:
    year, month = (int(part) for part in period.split("-"))
    for _ in range(count):
        yield f"{year:04d}-{month:02d}"
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
