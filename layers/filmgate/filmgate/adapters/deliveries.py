"""The records of webhooks, each an item of its own in its generation's partition.

They lie beside the money and never in a transaction with it: a try to deliver cannot get in the
way of a settlement.
"""

from datetime import datetime

from filmgate.adapters import items
from filmgate.adapters.items import dump, load, to_wire
from filmgate.adapters.one_table import OneTable
from filmgate.domain.webhooks import Delivery, DeliveryState


class DeliveryTable(OneTable):
    """The port Deliveries over the one table. A guard that does not hold says: done already."""

    def open(self, tenant: str, generation_id: str, delivery: Delivery) -> None:
        self._put_new({**_key(tenant, generation_id), **dump(delivery)})

    def find(self, tenant: str, generation_id: str) -> Delivery | None:
        item = self._get(_key(tenant, generation_id))
        return None if item is None else load(Delivery, item)

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
        self._guarded(
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


def _key(tenant: str, generation_id: str) -> dict[str, str]:
    return {"pk": items.generation_pk(tenant, generation_id), "sk": items.WEBHOOK}
