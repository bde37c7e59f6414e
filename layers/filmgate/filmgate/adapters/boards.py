"""Storyboards in the one table: the port Boards.

The shots of a run lie under a key that follows from their content, put before the head names it. So
a storyboard is there with all its shots, or not at all, however many they are.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from filmgate.adapters import items
from filmgate.adapters.cursors import LIST_KEY
from filmgate.adapters.items import Item, dump, load, to_wire
from filmgate.adapters.one_table import OPEN_INDEX, filtered, newest_first
from filmgate.adapters.table import StudioTable
from filmgate.adapters.transactions import Guard, Put
from filmgate.domain import ids
from filmgate.domain.boards import Head, Made, ShotRecord
from filmgate.domain.continuity import Group
from filmgate.domain.errors import Stale, StoreUnavailable
from filmgate.domain.generations import Generation, GenerationState, Take
from filmgate.domain.storyboard import StoryboardState
from filmgate.domain.webhooks import Delivery
from filmgate.usecases.boards import Board, HeadPage, OpenBoard

_MOST_WRITES: Final = 50
_MOST_BYTES: Final = 3_000_000  # of a transaction, which takes 4 MB
_TRIES: Final = 8


class BoardTable(StudioTable):
    """The table with what is kept of storyboards."""

    # --- reading ---------------------------------------------------------------------------

    def head(self, tenant: str, storyboard_id: str) -> Head | None:
        pk = items.storyboard_pk(tenant, storyboard_id)
        item = self._get({"pk": pk, "sk": items.STORYBOARD})
        return None if item is None else load(Head, item)

    def board(self, tenant: str, storyboard_id: str) -> Board | None:
        found: dict[str, list[Item]] = defaultdict(list)
        for item in self._query(items.storyboard_pk(tenant, storyboard_id)):
            found[item["sk"].partition("#")[0]].append(item)
        if not found[items.STORYBOARD]:
            return None
        head = load(Head, found[items.STORYBOARD][0])
        return Board(
            head,
            tuple(load(ShotRecord, one) for one in _of(head, found["shot"])),
            tuple(load(Group, one) for one in _of(head, found["group"])),
            tuple(items.load_budget(one) for one in found["budget"]),
            next(
                (
                    load(Delivery, one)
                    for one in found[items.WEBHOOK]
                    if one["sk"] == f"{items.WEBHOOK}#{head.run}"
                ),
                None,
            ),
        )

    def shot(self, head: Head, number: int) -> ShotRecord | None:
        item = self._get(_shot_key(head, number))
        return None if item is None else load(ShotRecord, item)

    def group(self, head: Head, name: str) -> Group | None:
        item = self._get(_group_key(head, name))
        return None if item is None else load(Group, item)

    def made(self, tenant: str, generation_ids: Iterable[str]) -> Mapping[str, Made]:
        keys = [
            {"pk": items.generation_pk(tenant, name), "sk": items.GENERATION}
            for name in generation_ids
        ]
        generations = [load(Generation, item) for item in self._get_many(keys)]
        wanted = {
            one.id: {"pk": items.generation_pk(tenant, one.id), "sk": f"take#{_take_of(one)}"}
            for one in generations
            if one.state is GenerationState.SUCCEEDED
        }
        takes = [load(Take, item) for item in self._get_many(list(wanted.values()))]
        by_generation = {take.generation_id: take for take in takes}
        return {one.id: Made(one, by_generation.get(one.id)) for one in generations}

    def page_of_heads(
        self,
        tenant: str,
        *,
        limit: int,
        cursor: str | None,
        state: StoryboardState | None,
        project: str | None,
        user: str | None,
    ) -> HeadPage:
        # The project was said of the storyboard, and lies with what was asked.
        wanted = {("state",): state, ("user",): user, ("asked", "project"): project}
        partition = f"{tenant}#storyboards"
        found, following = self._listed_page(
            filtered(newest_first(partition), wanted),
            partition,
            LIST_KEY,
            cursor=cursor,
            limit=limit,
        )
        return HeadPage([load(Head, item) for item in found], following)

    def open_boards(self, *, before: datetime) -> Sequence[OpenBoard]:
        values = {":open": items.OPEN_STORYBOARDS, ":before": before.isoformat()}
        found = []
        for item in self._pages(
            "query",
            IndexName=OPEN_INDEX,
            KeyConditionExpression="open_pk = :open AND open_sk < :before",
            ExpressionAttributeValues=to_wire(values),
        ):
            tenant, _, storyboard_id = item["pk"].partition("#storyboard#")
            since = datetime.fromisoformat(item["open_sk"].partition("#")[0])
            found.append(OpenBoard(tenant, storyboard_id, since))
        return found

    # --- writing ---------------------------------------------------------------------------

    def put_shots(self, head: Head, shots: Sequence[ShotRecord], groups: Sequence[Group]) -> None:
        kept = [{**_shot_key(head, one.number), **dump(one)} for one in shots]
        kept += [{**_group_key(head, one.name), **dump(one)} for one in groups]
        for portion in _portions(kept):
            self._put_all_new(portion)

    def put_shot(self, head: Head, after: ShotRecord) -> None:
        self._put_next({**_shot_key(head, after.number), **dump(after)}, after.version)

    def put_group(self, head: Head, after: Group) -> None:
        self._put_next({**_group_key(head, after.name), **dump(after)}, after.version)

    # --- inside ----------------------------------------------------------------------------

    def _put_next(self, item: Item, version: int) -> None:
        guard: Guard = {"#version = :version": {"version": version - 1}}
        if self._transact([Put(item, guard)]) is not None:
            raise Stale(f"{item['sk']} was changed by another")

    def _put_all_new(self, portion: Sequence[Item]) -> None:
        """Put all of them, in one transaction. If they are there, they are the same."""
        writes = [Put(item, None) for item in portion]
        for attempt in range(_TRIES):
            refused = self._transact(writes)
            if refused is None or any(refused):
                return
            self._pause(attempt)
        raise StoreUnavailable("the table was in conflict or throttled too often")


def _take_of(generation: Generation) -> str:
    """The id of the take of a success: its maker's place in the chain tells the attempt."""
    place = next(
        index for index, link in enumerate(generation.chain) if link.provider == generation.provider
    )
    return ids.take_id(ids.attempt_id(generation.id, place))


def _shot_key(head: Head, number: int) -> dict[str, str]:
    pk = items.storyboard_pk(head.tenant, head.id)
    return {"pk": pk, "sk": f"shot#{head.shots_key}#{number:07d}"}


def _group_key(head: Head, name: str) -> dict[str, str]:
    pk = items.storyboard_pk(head.tenant, head.id)
    return {"pk": pk, "sk": f"group#{head.shots_key}#{name}"}


def _of(head: Head, found: Iterable[Item]) -> Iterator[Item]:
    """The items of the present run; those of earlier ones are kept and not read."""
    return (item for item in found if item["sk"].split("#")[1] == head.shots_key)


def _portions(kept: Sequence[Item]) -> Iterator[list[Item]]:
    """Items in transactions: so many, and so large, as one takes."""
    portion: list[Item] = []
    size = 0
    for item in kept:
        own = len(json.dumps(item, ensure_ascii=False).encode())
        if portion and (len(portion) == _MOST_WRITES or size + own > _MOST_BYTES):
            yield portion
            portion, size = [], 0
        portion.append(item)
        size += own
    if portion:
        yield portion
