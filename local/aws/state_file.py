"""The state of the AWS on this machine in one SQLite file, written before a call is answered.

A transaction that is committed here belongs to the operating system: killing the processes, at
any moment and with any signal, loses none of it and tears none of it apart. SQLite's
write-ahead log is folded into the file as it grows, so nothing is left to compact. Power loss
is another matter: the file stays whole, but the last moments may be missing, since not every
commit is forced to the disk.
"""

import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS states (service TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS items (
    table_id TEXT, partition_key TEXT, sort_key TEXT, body TEXT NOT NULL,
    PRIMARY KEY (table_id, partition_key, sort_key)
);
CREATE TABLE IF NOT EXISTS executions (arn TEXT PRIMARY KEY, body TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class ItemChange:
    """What one item of a DynamoDB table is from now on; `body` is None when it is gone."""

    table_id: str
    partition_key: str
    sort_key: str
    body: str | None


class StateFile:
    """Bodies are JSON texts. Every method that writes is one transaction; any thread may call."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(SCHEMA)

    def is_empty(self) -> bool:
        """Whether no state of any service was ever written."""
        return not self._rows("SELECT 1 FROM states LIMIT 1")

    def state(self, service: str) -> str | None:
        rows = self._rows("SELECT body FROM states WHERE service = ?", service)
        return rows[0][0] if rows else None

    def put_states(self, states: Mapping[str, str], *, table_ids: Collection[str]) -> None:
        """Write the states of several services as of one moment.

        `table_ids` are the DynamoDB tables of that moment; items of all others are forgotten.
        """
        with self._transaction() as database:
            database.executemany("REPLACE INTO states VALUES (?, ?)", states.items())
            known = {row[0] for row in database.execute("SELECT DISTINCT table_id FROM items")}
            for gone in known.difference(table_ids):
                database.execute("DELETE FROM items WHERE table_id = ?", [gone])

    def put_state(self, service: str, body: str) -> None:
        with self._transaction() as database:
            database.execute("REPLACE INTO states VALUES (?, ?)", [service, body])

    def items(self, table_id: str) -> list[tuple[str, str, str]]:
        """(partition key, sort key, body) of every item."""
        return self._rows(
            "SELECT partition_key, sort_key, body FROM items WHERE table_id = ?", table_id
        )

    def put_items(self, changes: Iterable[ItemChange]) -> None:
        with self._transaction() as database:
            for change in changes:
                key = [change.table_id, change.partition_key, change.sort_key]
                if change.body is None:
                    database.execute(
                        "DELETE FROM items"
                        " WHERE table_id = ? AND partition_key = ? AND sort_key = ?",
                        key,
                    )
                else:
                    database.execute("REPLACE INTO items VALUES (?, ?, ?, ?)", [*key, change.body])

    def replace_items(self, table_id: str, changes: Iterable[ItemChange]) -> None:
        """Make `changes` the only items of their table."""
        rows = [(each.table_id, each.partition_key, each.sort_key, each.body) for each in changes]
        with self._transaction() as database:
            database.execute("DELETE FROM items WHERE table_id = ?", [table_id])
            database.executemany("INSERT INTO items VALUES (?, ?, ?, ?)", rows)

    def executions(self) -> list[tuple[str, str]]:
        """(ARN, body) of every execution of a state machine."""
        return self._rows("SELECT arn, body FROM executions")

    def put_execution(self, arn: str, body: str) -> None:
        with self._transaction() as database:
            database.execute("REPLACE INTO executions VALUES (?, ?)", [arn, body])

    def _rows(self, statement: str, *values: str) -> list[Any]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")


@lru_cache(maxsize=1)
def open_state_file(path: Path) -> StateFile:
    """The one state file of this process."""
    return StateFile(path)
