"""The one table behind everything that is kept there: how it is asked, and what its errors mean.

An adapter that keeps something of its own in the table is a class of this, with the words of its
port. Whatever goes wrong is StoreUnavailable; what a condition refused is an answer and no error.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import random
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from filmgate.adapters.cursors import cursor_after, read_cursor
from filmgate.adapters.items import Item, from_wire, to_wire
from filmgate.adapters.transactions import Action, Put
from filmgate.domain.errors import StoreUnavailable

LIST_INDEX: Final = "ListIndex"
OPEN_INDEX: Final = "OpenIndex"
LARGEST_BATCH: Final = 100  # of BatchGetItem
_BATCH_TRIES: Final = 8
_REFUSED: Final = "ConditionalCheckFailed"
_BUSY: Final = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TransactionInProgressException",
    }
)

Path = tuple[str, ...]
"""Where a part of an item lies: the names on the way to it."""


class AnswerLost(StoreUnavailable):
    """A transaction was sent and no answer came: read back whether it went through."""


class OneTable:
    """A DynamoDB client and the table's name, with the ways of asking that adapters share."""

    def __init__(
        self,
        client: Any,
        name: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random,
    ) -> None:
        self._client = client
        self._name = name
        self._sleep = sleep
        self._jitter = jitter

    # --- writing ---------------------------------------------------------------------------

    def _transact(self, actions: Sequence[Action]) -> list[bool] | None:
        """None when it went through; else which writes were refused (none: only a conflict).

        Raises AnswerLost when nobody can say, StoreUnavailable when the table refuses as such.
        """
        writes = [action.wire(self._name) for action in actions]
        try:
            self._client.transact_write_items(TransactItems=writes)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _BUSY:
                return [False] * len(writes)
            if code != "TransactionCanceledException":
                raise StoreUnavailable(code) from error
            reasons = error.response.get("CancellationReasons", [])
            return [reason.get("Code") == _REFUSED for reason in reasons]
        except BotoCoreError as error:
            raise AnswerLost(type(error).__name__) from error
        return None

    def _guarded(self, operation: str, **arguments: Any) -> bool:
        """One write; False when its condition did not hold."""
        try:
            getattr(self._client, operation)(TableName=self._name, **arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] != f"{_REFUSED}Exception":
                raise StoreUnavailable(error.response["Error"]["Code"]) from error
            return False
        except BotoCoreError as error:
            raise StoreUnavailable(type(error).__name__) from error
        return True

    def _put_new(self, item: Item) -> bool:
        """Put an item; False when one is there already, which stays."""
        return self._put(Put(item, None))

    def _put(self, put: Put) -> bool:
        """A put by itself, at half the price of a transaction of one; False as for `_guarded`."""
        return self._guarded("put_item", **put.arguments())

    def _pause(self, tries: int) -> None:
        """Before the next of several tries: longer each time, and not with everybody else."""
        self._sleep(self._jitter() * min(1.0, 0.02 * 2**tries))

    # --- reading ---------------------------------------------------------------------------

    def _get(self, key: Mapping[str, str]) -> Item | None:
        answer = self._call("get_item", Key=to_wire(key), ConsistentRead=True)
        return from_wire(answer["Item"]) if "Item" in answer else None

    def _get_many(self, keys: Sequence[Mapping[str, str]]) -> Iterator[Item]:
        """Those items that there are, in no order, a hundred at a time."""
        waiting = [to_wire(key) for key in keys]
        tries = 0
        while waiting:
            asked, waiting = waiting[:LARGEST_BATCH], waiting[LARGEST_BATCH:]
            request = {self._name: {"Keys": asked, "ConsistentRead": True}}
            answer = self._called("batch_get_item", RequestItems=request)
            yield from map(from_wire, answer["Responses"].get(self._name, ()))
            left = answer.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", ())
            if left:
                tries += 1
                if tries > _BATCH_TRIES:
                    raise StoreUnavailable("the table gave only a part of what was asked")
                self._pause(tries)
                waiting += left

    def _query(self, pk: str) -> Iterator[Item]:
        """Every item of a partition."""
        return self._pages(
            "query",
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_wire({":pk": pk}),
            ConsistentRead=True,
        )

    def _listed_page(
        self,
        query: Mapping[str, Any],
        partition: str,
        names: tuple[str, ...],
        *,
        cursor: str | None,
        limit: int,
    ) -> tuple[list[Item], str | None]:
        """The next `limit` items of a query over a partition, and the cursor behind them.

        `names` are the attributes of its key. Raises ValueError for a bad cursor.
        """
        found: list[Item] = []
        for item in self._walk(query, read_cursor(cursor, partition, names)):
            if len(found) == limit:
                return found, cursor_after(found[-1], partition, names)
            found.append(item)
        return found, None

    def _walk(self, query: Mapping[str, Any], start: Item | None) -> Iterator[Item]:
        """Every item of a query, read page by page as they are asked for."""
        place = {"ExclusiveStartKey": to_wire(start)} if start else {}
        return self._pages("query", **query, **place)

    def _scan(
        self,
        condition: str,
        values: Mapping[str, Any],
        *,
        names: Mapping[str, str] | None = None,
    ) -> Iterator[Item]:
        return self._pages(
            "scan",
            FilterExpression=condition,
            ExpressionAttributeValues=to_wire(values),
            ConsistentRead=True,
            **({"ExpressionAttributeNames": dict(names)} if names else {}),
        )

    def _pages(self, operation: str, **arguments: Any) -> Iterator[Item]:
        """The items of every page of a query or scan."""
        while True:
            answer = self._call(operation, **arguments)
            yield from map(from_wire, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    # --- calling ---------------------------------------------------------------------------

    def _call(self, operation: str, **arguments: Any) -> Any:
        """One call about our table; raises StoreUnavailable for whatever goes wrong."""
        return self._called(operation, TableName=self._name, **arguments)

    def _called(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client, operation)(**arguments)
        except ClientError as error:
            raise StoreUnavailable(error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise StoreUnavailable(type(error).__name__) from error


def newest_first(partition: str) -> dict[str, Any]:
    """The query for a list in the index, newest first."""
    return {
        "IndexName": LIST_INDEX,
        "KeyConditionExpression": "list_pk = :pk",
        "ExpressionAttributeValues": to_wire({":pk": partition}),
        "ScanIndexForward": False,
    }


def newest_in(pk: str) -> dict[str, Any]:
    """The query for a partition of the table itself, newest first, as it is at this moment."""
    return {
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": to_wire({":pk": pk}),
        "ScanIndexForward": False,
        "ConsistentRead": True,
    }


def filtered(query: Mapping[str, Any], wanted: Mapping[Path, object]) -> dict[str, Any]:
    """The query with a filter for whatever is wanted, by the place where an item keeps it.

    No two places may end in the same name. A wish of None is none.
    """
    said = {path: str(want) for path, want in wanted.items() if want is not None}
    if not said:
        return dict(query)
    values = to_wire({f":{path[-1]}": want for path, want in said.items()})
    return {
        **query,
        "FilterExpression": " AND ".join(
            f"{'.'.join(f'#{part}' for part in path)} = :{path[-1]}" for path in said
        ),
        "ExpressionAttributeNames": {f"#{part}": part for path in said for part in path},
        "ExpressionAttributeValues": query["ExpressionAttributeValues"] | values,
    }
