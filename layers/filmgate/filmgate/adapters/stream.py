"""Records of the table's stream, as far as somebody wants to be told of them."""

from collections.abc import Mapping
from typing import Any

from filmgate.adapters import items
from filmgate.adapters.items import from_wire, load
from filmgate.domain.generations import TERMINAL, Generation


def ended_generation(record: Mapping[str, Any]) -> Generation | None:
    """The generation that a record says has just ended; None for any other record.

    The filter of the event source mapping says the same; this is what holds. Raises
    ConfigurationError for an item that cannot be read.
    """
    change = record["dynamodb"]
    new, old = change.get("NewImage", {}), change.get("OldImage", {})
    if new.get("sk", {}).get("S") != items.GENERATION:
        return None
    before, after = (image.get("state", {}).get("S") for image in (old, new))
    if after not in TERMINAL or before in TERMINAL:
        return None
    return load(Generation, from_wire(new))
