"""Records of the table's stream as changes: the images in them are items of the table."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from filmgate.adapters import items
from filmgate.adapters.items import Item, from_wire, load
from filmgate.domain.attempts import Attempt
from filmgate.domain.changes import (
    AttemptMoved,
    BudgetChanged,
    Change,
    EntryWritten,
    HealthChanged,
)
from filmgate.domain.errors import ConfigurationError
from filmgate.domain.health import Health
from filmgate.domain.ledger import Entry


def change_of(record: Mapping[str, Any]) -> Change | None:
    """The change that a record tells of; None for items that nobody is told about.

    Raises ConfigurationError for an image of a foreign shape.
    """
    told = record.get("dynamodb", {})
    image = told.get("NewImage")
    if image is None:  # a removed item: no money is ever removed
        return None
    try:
        item = from_wire(image)
        tenant, what = item["pk"].split("#")[:2]
        at = _moment(told["ApproximateCreationDateTime"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigurationError("a record of the stream has no key, time or image") from error
    return _change(tenant, what, item, at)


def _change(tenant: str, what: str, item: Item, at: datetime) -> Change | None:
    match what, item["sk"].partition("#")[0]:
        case "budget", "shard":
            return BudgetChanged(tenant, items.load_budget(item), at)
        case "health", provider:
            return HealthChanged(tenant, provider, load(Health, item))
        case "generation", "attempt":
            return AttemptMoved(tenant, load(Attempt, item))
        case "generation", "entry":
            return EntryWritten(tenant, load(Entry, item))
    return None


def _moment(value: Any) -> datetime:
    """Lambda hands on epoch seconds; the SDK, which reads a stream again, has a datetime."""
    return value if isinstance(value, datetime) else datetime.fromtimestamp(float(value), UTC)
