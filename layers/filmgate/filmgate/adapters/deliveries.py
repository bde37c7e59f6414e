"""The records of webhooks, each an item of its own in the partition of what has ended.

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

    def open(self, tenant: str, ended: str, delivery: Delivery) -> None:
        self._put_new({**_key(tenant, ended), **dump(delivery)})

    def find(self, tenant: str, ended: str) -> Delivery | None:
        item = self._get(_key(tenant, ended))
        return None if item is None else load(Delivery, item)

    def note(
        self,
        tenant: str,
        ended: str,
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
            Key=to_wire(_key(tenant, ended)),
            UpdateExpression=(
                "SET #state = :state, last_status = :status, problem = :problem, last_at = :at "
                "ADD tries :one"
            ),
            ConditionExpression="attribute_exists(pk) AND #state <> :delivered",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues=to_wire(values),
        )


def _key(tenant: str, ended: str) -> dict[str, str]:
    """Beside the generation; of a storyboard one for every run."""
    storyboard_id, of_run, run = ended.partition(".")
    if of_run:
        pk = items.storyboard_pk(tenant, storyboard_id)
        return {"pk": pk, "sk": f"{items.WEBHOOK}#{run}"}
    return {"pk": items.generation_pk(tenant, ended), "sk": items.WEBHOOK}
