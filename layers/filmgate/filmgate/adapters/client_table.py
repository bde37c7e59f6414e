"""The table behind the ports Repeats and Videos: what OpenAI's client libraries need of it."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from filmgate.adapters import items
from filmgate.adapters.items import load, to_wire
from filmgate.adapters.one_table import LIST_INDEX
from filmgate.adapters.table import StudioTable
from filmgate.adapters.transactions import Guard, Put
from filmgate.domain.errors import StoreUnavailable
from filmgate.domain.generations import Generation
from filmgate.domain.wishes import Media

_TRIES = 5


class ClientTable(StudioTable):
    """The table, and in it when requests were first made, and the list of videos."""

    # --- repeats ---------------------------------------------------------------------------

    def first_asked(
        self, tenant: str, claim_id: str, *, now: datetime, since: datetime
    ) -> datetime:
        for _ in range(_TRIES):
            known = self._asked(tenant, claim_id)
            if known is not None and known >= since:
                return known
            if self._ask(tenant, claim_id, now, known):
                return now
        raise StoreUnavailable("the table was in conflict or throttled too often")

    def ask_anew(self, tenant: str, claim_id: str, *, seen: datetime, now: datetime) -> datetime:
        if self._ask(tenant, claim_id, now, seen):
            return now
        return self._asked(tenant, claim_id) or seen

    def _asked(self, tenant: str, claim_id: str) -> datetime | None:
        item = self._get(items.repeat_key(tenant, claim_id))
        return None if item is None else datetime.fromisoformat(item["asked_at"])

    def _ask(self, tenant: str, claim_id: str, at: datetime, known: datetime | None) -> bool:
        """Write when it was asked, if the table still says `known`; False when it does not."""
        item = {**items.repeat_key(tenant, claim_id), "asked_at": at.isoformat()}
        guard: Guard | None = None
        if known is not None:
            guard = {"#asked_at = :asked_at": {"asked_at": known.isoformat()}}
        return self._put(Put(item, guard))

    # --- videos ----------------------------------------------------------------------------

    def videos(
        self,
        tenant: str,
        *,
        limit: int,
        after: Generation | None,
        oldest_first: bool,
        user: str | None,
    ) -> tuple[Sequence[Generation], bool]:
        start = None if after is None else _place_of(after)
        query = _videos_query(tenant, user) | {"ScanIndexForward": oldest_first}
        found = list(islice(self._walk(query, start), limit + 1))
        return [load(Generation, item) for item in found[:limit]], len(found) > limit


def _place_of(generation: Generation) -> dict[str, str]:
    """The key of a generation in the list and in the table."""
    return {
        "pk": items.generation_pk(generation.tenant, generation.id),
        "sk": items.GENERATION,
        **items.list_keys(
            generation.tenant, items.GENERATIONS, generation.created_at, generation.id
        ),
    }


def _videos_query(tenant: str, user: str | None) -> dict[str, Any]:
    """Clips that nobody took from the list; those made before there was such a mark have none."""
    filters = [
        "#wish.#type = :video",
        "(attribute_not_exists(#unlisted_at) OR #unlisted_at = :none)",
    ]
    names = {"#wish": "wish", "#type": "type", "#unlisted_at": "unlisted_at"}
    values = {":pk": f"{tenant}#{items.GENERATIONS}", ":video": Media.VIDEO.value, ":none": None}
    if user is not None:
        filters.append("#user = :user")
        names["#user"] = "user"
        values[":user"] = user
    return {
        "IndexName": LIST_INDEX,
        "KeyConditionExpression": "list_pk = :pk",
        "FilterExpression": " AND ".join(filters),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": to_wire(values),
    }
