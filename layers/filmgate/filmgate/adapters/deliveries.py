"""The records of webhooks, each an item of its own in its generation's partition.

They lie beside the money and never in a transaction with it: a try to deliver cannot get in the
way of a settlement.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from filmgate.adapters import items
from filmgate.adapters.items import dump, from_wire, load, to_wire
from filmgate.domain.errors import StoreUnavailable
from filmgate.domain.webhooks import Delivery, DeliveryState

_REFUSED: Final = "ConditionalCheckFailedException"


class DeliveryTable:
    """The port Deliveries over the one table."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def open(self, tenant: str, generation_id: str, delivery: Delivery) -> None:
        item = {**_key(tenant, generation_id), **dump(delivery)}
        self._write("put_item", Item=to_wire(item), ConditionExpression="attribute_not_exists(pk)")

    def find(self, tenant: str, generation_id: str) -> Delivery | None:
        answer = self._call(
            "get_item", Key=to_wire(_key(tenant, generation_id)), ConsistentRead=True
        )
        return load(Delivery, from_wire(answer["Item"])) if "Item" in answer else None

    def note(
        self,
        tenant: str,
        generation_id: str,
        *,
        state: DeliveryState,
        status: int | None,
        problem: str | None,
        at: datetime,
    ) -> None:
        values = {
            ":state": state.value,
            ":status": status,
            ":problem": problem,
            ":at": at.isoformat(),
            ":one": 1,
            ":delivered": DeliveryState.DELIVERED.value,
        }
        self._write(
            "update_item",
            Key=to_wire(_key(tenant, generation_id)),
            UpdateExpression=(
                "SET #state = :state, last_status = :status, problem = :problem, last_at = :at "
                "ADD tries :one"
            ),
            ConditionExpression="attribute_exists(pk) AND #state <> :delivered",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues=to_wire(values),
        )

    def _write(self, operation: str, **arguments: Any) -> None:
        """A guarded write; a guard that does not hold says that it is done already."""
        try:
            self._call(operation, **arguments)
        except StoreUnavailable as error:
            if str(error) != _REFUSED:
                raise

    def _call(self, operation: str, **arguments: Any) -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = getattr(self._client, operation)(
                TableName=self._name, **arguments
            )
        except ClientError as error:
            raise StoreUnavailable(error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise StoreUnavailable(type(error).__name__) from error
        return answer


def _key(tenant: str, generation_id: str) -> dict[str, str]:
    return {"pk": items.generation_pk(tenant, generation_id), "sk": items.WEBHOOK}
