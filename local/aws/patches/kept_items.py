"""A write to a table is in the state file before it is answered.

Trap: ministack keeps tables in memory and writes them when it stops; `kill -9` loses every
write since the start. Money needs a table that forgets nothing it has acknowledged.
Workaround: the three functions through which ministack changes items note what they change,
and each call writes the items it noted, as they are then, in one transaction before its answer
leaves; a TransactWriteItems is whole in the file or not in it. All calls run one after another
on the server's event loop, so no call sees or writes half of another.
An item that expires is noted by the reaper's thread and written with the next call; after a
kill in between it expires again. The records of a stream are not kept (see stream_positions).
Upstream: "service state is saved to STATE_DIR on shutdown", by design.
"""

import json
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import dynamodb

from local.aws.patches.hooks import original, replace, wrap
from local.aws.settings import ServerSettings
from local.aws.state_file import ItemChange, StateFile, open_state_file

# What get_state gives besides the tables, by its name there.
OTHER_STORES = (
    "tags",
    "ttl_settings",
    "pitr_settings",
    "kinesis_destinations",
    "contributor_insights",
    "backups",
    "resource_policies",
    "exports",
    "imports",
)
Table = dict[str, Any]


class ItemKeeper:
    """Knows which items were changed since the last write, and writes them."""

    def __init__(self, file: StateFile) -> None:
        self._file = file
        # By insertion, so that a call that fails to write leaves its changes to the next.
        self._changed: dict[tuple[str, str, str], Table] = {}
        self._replaced: dict[str, Table] = {}

    def keep(self) -> None:
        """Write what was noted; all of it or, raising, nothing."""
        for table_id, table in list(self._replaced.items()):
            self._file.replace_items(table_id, _all_items(table))
            del self._replaced[table_id]
        changed = list(self._changed.items())
        if changed:
            self._file.put_items(_as_it_is(table, *key) for key, table in changed)
            for key, _ in changed:
                del self._changed[key]

    def noting(self, change: Any) -> Any:
        """A function that changes one item, which is noted."""

        def change_item(table: Table, partition_key: str, sort_key: str, *item: Any) -> Any:
            self._changed[(table["TableId"], partition_key, sort_key)] = table
            return change(table, partition_key, sort_key, *item)

        return change_item

    def noting_all(self, change: Any) -> Any:
        """A function that changes a whole table, which is noted."""

        def items_replaced(table: Table) -> None:
            self._replaced[table["TableId"]] = table
            change(table)

        return items_replaced

    def before_the_answer(self, handle: Any) -> Any:
        """A handler of calls whose changes are written when it answers."""

        async def handle_request(*request: Any) -> Any:
            try:
                return await handle(*request)
            finally:
                self.keep()

        return handle_request

    def with_items(self, restore: Any) -> Any:
        """A function that restores tables, whose items come from the state file."""
        count = original(dynamodb, "_update_counts")

        def restore_state(data: dict[str, Any]) -> None:
            for table in data["tables"].all_values():
                if "items" in table:  # From the time before the state file.
                    self._replaced[table["TableId"]] = table
                else:
                    table["items"] = self._kept_items(table["TableId"])
                count(table)
            restore(data)
            self.keep()

        return restore_state

    def _kept_items(self, table_id: str) -> dict[str, dict[str, Any]]:
        items: dict[str, dict[str, Any]] = {}
        for partition_key, sort_key, body in self._file.items(table_id):
            items.setdefault(partition_key, {})[sort_key] = json.loads(body)
        return items


def _as_it_is(table: Table, table_id: str, partition_key: str, sort_key: str) -> ItemChange:
    item = table["items"].get(partition_key, {}).get(sort_key)
    body = None if item is None else json.dumps(item)
    return ItemChange(table_id, partition_key, sort_key, body)


def _all_items(table: Table) -> Iterator[ItemChange]:
    for partition_key, items in list(table["items"].items()):
        for sort_key, item in list(items.items()):
            yield ItemChange(table["TableId"], partition_key, sort_key, json.dumps(item))


def apply(settings: ServerSettings) -> None:
    keeper = ItemKeeper(open_state_file(settings.layout.state_file))
    for function in ("_set_item", "_remove_item"):
        wrap(dynamodb, function, keeper.noting)
    wrap(dynamodb, "_items_replaced", keeper.noting_all)
    wrap(dynamodb, "handle_request", keeper.before_the_answer)
    _leave_items_out_of_the_state()
    wrap(dynamodb, "_restore_state", keeper.with_items)


def _leave_items_out_of_the_state() -> None:
    tables = original(dynamodb, "_tables")
    stores = {name: original(dynamodb, f"_{name}") for name in OTHER_STORES}
    left_out = ("items", original(dynamodb, "_INDEX_MEMBERS"))
    new_store: Any = AccountRegionScopedDict

    def state() -> dict[str, Any]:
        described = new_store()
        for key, table in tables.all_items():
            described._data[key] = {
                name: value for name, value in table.items() if name not in left_out
            }
        return {"tables": described, **stores}

    replace(dynamodb, "get_state", state)
