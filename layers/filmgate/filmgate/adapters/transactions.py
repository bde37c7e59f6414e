"""The writes that a transaction of the one table is made of, each with the guard that it is under.

A guard says what an item must still be for the whole transaction to go through. Every write that
changes something others may change too has one: client libraries resend, and workers meet.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

from filmgate.adapters import items
from filmgate.adapters.items import Item, to_wire
from filmgate.domain.audit import AuditRecord

IS_NEW: Final = "attribute_not_exists(pk)"

Guard = Mapping[str, Mapping[str, Any]]
"""One condition with the values of its attributes; None for one that it only names."""


def guarded(guard: Guard) -> dict[str, Any]:
    """A guard as the arguments of a write."""
    arguments: dict[str, Any] = {}
    for condition, values in guard.items():
        arguments["ConditionExpression"] = condition
        arguments["ExpressionAttributeNames"] = {f"#{name}": name for name in values}
        wanted = {f":{name}": value for name, value in values.items() if value is not None}
        if wanted:
            arguments["ExpressionAttributeValues"] = to_wire(wanted)
    return arguments


ANYTHING: Final[Guard] = {}


class Action(Protocol):
    """One write of a transaction, or one check."""

    def wire(self, table: str) -> dict[str, Any]:
        """Itself in DynamoDB's words."""
        ...


class Put:
    """A put of a whole item: new, or guarded by what the item must still say.

    A guard of None means that the item must not exist, ANYTHING that it is put over whatever is.
    """

    def __init__(self, item: Item, guard: Guard | None) -> None:
        self.item = item
        self._guard = guard

    def arguments(self) -> dict[str, Any]:
        """What PutItem takes, but for the table."""
        guard = {"ConditionExpression": IS_NEW} if self._guard is None else guarded(self._guard)
        return {"Item": to_wire(self.item), **guard}

    def wire(self, table: str) -> dict[str, Any]:
        return {"Put": {"TableName": table, **self.arguments()}}


class Check:
    """Writes nothing; the transaction is refused unless the item still meets the guard."""

    def __init__(self, key: Mapping[str, str], guard: Guard) -> None:
        self._key = key
        self._guard = guard

    def wire(self, table: str) -> dict[str, Any]:
        check = {"TableName": table, "Key": to_wire(self._key), **guarded(self._guard)}
        return {"ConditionCheck": check}


class Update:
    """An update of an item that must exist and meet `condition`."""

    def __init__(
        self,
        key: Mapping[str, str],
        expression: str,
        condition: str | None,
        values: Mapping[str, Any],
        names: tuple[str, ...],
    ) -> None:
        self._key = key
        self._expression = expression
        self._condition = condition
        self._values = values
        self._names = names

    def wire(self, table: str) -> dict[str, Any]:
        exists = "attribute_exists(pk)"
        return {
            "Update": {
                "TableName": table,
                "Key": to_wire(self._key),
                "UpdateExpression": self._expression,
                "ConditionExpression": (
                    f"{exists} AND {self._condition}" if self._condition else exists
                ),
                "ExpressionAttributeNames": {f"#{name}": name for name in self._names},
                "ExpressionAttributeValues": to_wire(
                    {f":{name}": value for name, value in self._values.items()}
                ),
            }
        }


def audited(tenant: str, record: AuditRecord | None) -> Iterator[Put]:
    """The record of a change, for its transaction; the same request may write it again."""
    if record is not None:
        own = {"pk": None, "request_id": record.request_id}
        guard = {"attribute_not_exists(#pk) OR #request_id = :request_id": own}
        yield Put(items.audit_item(tenant, record), guard)
