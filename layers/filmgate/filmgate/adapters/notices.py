"""What the owner was told: notices and their marks, in the one table.

    <tenant>#notices             <time>#<notice id>   the notice, in the order of the list
    <tenant>#alarm#<notice id>   mark                 claimed, then told; holds the notice too
    <tenant>#watch#<scope>#<month>  forecast          since when a budget's pace is watched

A mark that is only claimed stands in the ListIndex under CLAIMED, which belongs to no tenant and
is nearly always empty; a mark that is told leaves it.
"""

from datetime import datetime
from typing import Final
from uuid import uuid4

from filmgate.adapters import items
from filmgate.adapters.cursors import TABLE_KEY, cursor_after, read_cursor
from filmgate.adapters.items import Item, dump, from_wire, load, to_wire
from filmgate.adapters.one_table import LIST_INDEX, OneTable, filtered, newest_in
from filmgate.adapters.transactions import Put
from filmgate.domain.alarms import Notice
from filmgate.domain.errors import StoreUnavailable
from filmgate.domain.ledger import OWNER_SCOPE, Budget
from filmgate.usecases.ports import NoticePage

CLAIMED: Final = "#alarms#claimed"
TOLD: Final = "told"


class NoticeTable(OneTable):
    """The port NoticeLog over the one table."""

    # --- telling once ----------------------------------------------------------------------

    def claim(self, notice: Notice, *, now: datetime, until: datetime) -> str | None:
        claim = uuid4().hex
        mark = self._get(_mark_key(notice))
        if mark is None:
            return claim if self._first_claim(notice, claim, until) else None
        if mark["state"] == TOLD or datetime.fromisoformat(mark["until"]) > now:
            return None
        return claim if self._take_over(notice, mark["claim"], claim, until) else None

    def told(self, notice: Notice, *, claim: str) -> None:
        # Whoever has taken the claim over meanwhile tells it too, and says so itself.
        self._guarded(
            "update_item",
            Key=to_wire(_mark_key(notice)),
            UpdateExpression="SET #state = :told REMOVE list_pk, list_sk",
            ConditionExpression="#claim = :claim",
            ExpressionAttributeNames={"#state": "state", "#claim": "claim"},
            ExpressionAttributeValues=to_wire({":told": TOLD, ":claim": claim}),
        )

    def untold(self, now: datetime) -> list[Notice]:
        """The index lags behind by moments; `claim` reads the mark itself."""
        answer = self._call(
            "query",
            IndexName=LIST_INDEX,
            KeyConditionExpression="list_pk = :claimed",
            ExpressionAttributeValues=to_wire({":claimed": CLAIMED}),
        )
        marks = map(from_wire, answer["Items"])
        return [
            load(Notice, mark["notice"])
            for mark in marks
            if datetime.fromisoformat(mark["until"]) <= now
        ]

    def _first_claim(self, notice: Notice, claim: str, until: datetime) -> bool:
        """Write the mark and the notice, both or none; False when another was faster."""
        mark = {
            **_mark_key(notice),
            "list_pk": CLAIMED,
            "list_sk": notice.id,
            "state": "claimed",
            "claim": claim,
            "until": until.isoformat(),
            "notice": dump(notice),
        }
        listed = {"pk": _list_pk(notice.tenant), "sk": _list_sk(notice), **dump(notice)}
        if self._transact([Put(mark, None), Put(listed, None)]) is None:
            return True
        # The SDK may have sent it twice: then the mark is there, and it is ours.
        known = self._get(_mark_key(notice))
        if known is None:
            raise StoreUnavailable("the notice was in conflict")
        return bool(known["claim"] == claim)

    def _take_over(self, notice: Notice, before: str, claim: str, until: datetime) -> bool:
        return self._guarded(
            "update_item",
            Key=to_wire(_mark_key(notice)),
            UpdateExpression="SET #claim = :claim, #until = :until",
            ConditionExpression="#claim = :before AND #state <> :told",
            ExpressionAttributeNames={"#claim": "claim", "#until": "until", "#state": "state"},
            ExpressionAttributeValues=to_wire(
                {":claim": claim, ":until": until.isoformat(), ":before": before, ":told": TOLD}
            ),
        )

    # --- budgets ---------------------------------------------------------------------------

    def watched_since(self, tenant: str, scope: str, period: str, now: datetime) -> datetime:
        key = {"pk": f"{tenant}#watch#{scope}#{period}", "sk": "forecast"}
        known = self._get(key)
        if known is None:
            item = {**key, "since": now.isoformat()}
            if self._put_new(item):
                return now
            known = self._get(key) or item
        return datetime.fromisoformat(known["since"])

    def open_budgets(self, tenant: str, period: str) -> list[Budget]:
        limits = self._query(items.limits_pk(tenant))
        scopes = {OWNER_SCOPE, *(limit["sk"] for limit in limits)}
        found = (self._get(items.budget_key(tenant, scope, period)) for scope in sorted(scopes))
        return [items.load_budget(item) for item in found if item is not None]

    # --- reading ---------------------------------------------------------------------------

    def page(self, tenant: str, *, limit: int, cursor: str | None, user: str | None) -> NoticePage:
        partition = _list_pk(tenant)
        place = read_cursor(cursor, partition, TABLE_KEY)
        start = to_wire(place) if place else None
        query = filtered(newest_in(partition), {("user",): user}) | {"Limit": limit + 1}
        found: list[Item] = []
        while len(found) <= limit:
            answer = self._call("query", **query, **({"ExclusiveStartKey": start} if start else {}))
            found += map(from_wire, answer["Items"])
            start = answer.get("LastEvaluatedKey")
            if start is None:
                break
        more = len(found) > limit or start is not None
        chosen = found[:limit]
        return NoticePage(
            [load(Notice, item) for item in chosen],
            cursor_after(chosen[-1], partition, TABLE_KEY) if more and chosen else None,
        )


def _mark_key(notice: Notice) -> dict[str, str]:
    return {"pk": f"{notice.tenant}#alarm#{notice.id}", "sk": "mark"}


def _list_pk(tenant: str) -> str:
    return f"{tenant}#notices"


def _list_sk(notice: Notice) -> str:
    return f"{notice.at.isoformat(timespec='microseconds')}#{notice.id}"
