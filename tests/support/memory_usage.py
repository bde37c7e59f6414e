"""The port UsageBook over the memory studio: what reports read, out of its dictionaries."""

from collections.abc import Callable, Mapping, Sequence

from filmgate.domain.attempts import Attempt
from filmgate.domain.ledger import Budget
from filmgate.domain.usage import differences, status_of
from filmgate.usecases.ports import BudgetLimit, RowFilter, RowPage
from tests.support.memory_studio import MemoryStudio


class MemoryUsage:
    """Reports of a memory studio; the cursor is the place of the next row, as a number."""

    def __init__(self, studio: MemoryStudio) -> None:
        self._studio = studio

    def rows(self, tenant: str, wanted: RowFilter, *, limit: int, cursor: str | None) -> RowPage:
        return self._listed(tenant, wanted, limit, cursor, lambda attempt: True)

    def discrepancies(
        self, tenant: str, wanted: RowFilter, *, limit: int, cursor: str | None
    ) -> RowPage:
        return self._listed(tenant, wanted, limit, cursor, lambda one: bool(differences(one)))

    def budgets(self, tenant: str, period: str) -> Sequence[Budget]:
        with self._studio.lock:
            known = self._studio.budgets.items()
            return [one for (owner, _, of), one in known if (owner, of) == (tenant, period)]

    def months(self, tenant: str, scope: str, periods: Sequence[str]) -> Sequence[Budget]:
        found = (self._studio.budget(tenant, scope, period) for period in periods)
        return [one for one in found if one is not None]

    def limits(self, tenant: str) -> Mapping[str, BudgetLimit]:
        with self._studio.lock:
            known = self._studio.limits.items()
            return {scope: limit for (owner, scope), limit in known if owner == tenant}

    def _listed(
        self,
        tenant: str,
        wanted: RowFilter,
        limit: int,
        cursor: str | None,
        belongs: Callable[[Attempt], bool],
    ) -> RowPage:
        start = 0 if cursor is None else int(cursor)
        found = [
            one for one in self._studio.ledger(tenant).attempts
            if belongs(one) and _fits(one, wanted)
        ]  # fmt: skip
        found.sort(key=lambda one: (one.started_at, one.id), reverse=True)
        more = len(found) > start + limit
        return RowPage(found[start : start + limit], str(start + limit) if more else None)


def _fits(attempt: Attempt, wanted: RowFilter) -> bool:
    ordered = attempt.ordered
    facts = {
        "user": ordered and ordered.user,
        "type": ordered and ordered.type,
        "project": ordered and ordered.project,
        "script_id": ordered and ordered.script_id,
        "provider": attempt.provider,
        "status": status_of(attempt),
    }
    asked = {name: getattr(wanted, name) for name in facts}
    after = wanted.since is None or attempt.started_at >= wanted.since
    before = wanted.until is None or attempt.started_at < wanted.until
    return after and before and all(a is None or facts[n] == a for n, a in asked.items())
