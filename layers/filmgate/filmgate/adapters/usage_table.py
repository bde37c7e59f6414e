"""The table behind the port UsageBook: lists of attempts, and budgets by month. It only reads.

Lists come from the index by tenant and time, budgets by their keys; nothing is ever scanned. A
filter that fits few rows ends its page early instead of reading on for ever.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from filmgate.adapters import items
from filmgate.adapters.cursors import LIST_KEY, cursor_after, read_cursor
from filmgate.adapters.items import Item, from_wire, load, to_wire
from filmgate.adapters.one_table import Path, filtered, newest_first
from filmgate.adapters.table import StudioTable
from filmgate.domain.attempts import Attempt
from filmgate.domain.ledger import Budget
from filmgate.usecases.ports import BudgetLimit, RowFilter, RowPage

MOST_INDEX_PAGES: Final = 20
MOST_READ_AT_ONCE: Final = 1000

# Where a row keeps what can be asked for.
_PLACES: Final[Mapping[str, Path]] = {
    "user": ("ordered", "user"),
    "type": ("ordered", "type"),
    "project": ("ordered", "project"),
    "script_id": ("ordered", "script_id"),
    "provider": ("provider",),
    "status": ("status",),
}


class UsageTable(StudioTable):
    """The table, and in it what only reports ask for."""

    def rows(self, tenant: str, wanted: RowFilter, *, limit: int, cursor: str | None) -> RowPage:
        return self._listed(f"{tenant}#{items.USAGE}", wanted, limit, cursor)

    def discrepancies(
        self, tenant: str, wanted: RowFilter, *, limit: int, cursor: str | None
    ) -> RowPage:
        return self._listed(f"{tenant}#{items.DISCREPANCIES}", wanted, limit, cursor)

    def budgets(self, tenant: str, period: str) -> Sequence[Budget]:
        registered = [item["sk"] for item in self._query(items.scopes_pk(tenant, period))]
        return self._budgets([items.budget_key(tenant, scope, period) for scope in registered])

    def months(self, tenant: str, scope: str, periods: Sequence[str]) -> Sequence[Budget]:
        return self._budgets([items.budget_key(tenant, scope, period) for period in periods])

    def limits(self, tenant: str) -> Mapping[str, BudgetLimit]:
        found = self._query(items.limits_pk(tenant))
        return {item["sk"]: load(BudgetLimit, item) for item in found}

    # --- inside ----------------------------------------------------------------------------

    def _listed(self, partition: str, wanted: RowFilter, limit: int, cursor: str | None) -> RowPage:
        query = _query_of(partition, wanted, limit)
        start = read_cursor(cursor, partition, LIST_KEY)
        found: list[Item] = []
        for _ in range(MOST_INDEX_PAGES):
            place = {"ExclusiveStartKey": to_wire(start)} if start else {}
            answer = self._call("query", **query, **place)
            found += [from_wire(item) for item in answer["Items"]]
            last = answer.get("LastEvaluatedKey")
            start = None if last is None else from_wire(last)
            if start is None or len(found) > limit:
                break
        chosen = found[:limit]
        if len(found) > limit:
            start = chosen[-1]
        return RowPage(
            [load(Attempt, item) for item in chosen],
            None if start is None else cursor_after(start, partition, LIST_KEY),
        )

    def _budgets(self, keys: Sequence[Mapping[str, str]]) -> list[Budget]:
        """The budgets under these keys, in no order; keys of nothing are left out."""
        return [items.load_budget(item) for item in self._get_many(keys)]


def _query_of(partition: str, wanted: RowFilter, limit: int) -> dict[str, Any]:
    """Newest first, between two moments, with a filter for whatever else is wanted."""
    condition, values = "list_pk = :pk", {":pk": partition}
    match wanted.since, wanted.until:
        # The key goes on behind the time, so a row of the very end is behind it too.
        case since, until if since and until:
            condition += " AND list_sk BETWEEN :since AND :until"
        case since, _ if since:
            condition += " AND list_sk >= :since"
        case _, until if until:
            condition += " AND list_sk < :until"
    values |= {":since": wanted.since.isoformat()} if wanted.since else {}
    values |= {":until": wanted.until.isoformat()} if wanted.until else {}
    said = {path: getattr(wanted, name) for name, path in _PLACES.items()}
    limited = any(value is not None for value in said.values())
    query = newest_first(partition) | {
        "KeyConditionExpression": condition,
        "ExpressionAttributeValues": to_wire(values),
        "Limit": MOST_READ_AT_ONCE if limited else min(limit + 1, MOST_READ_AT_ONCE),
    }
    return filtered(query, said)
