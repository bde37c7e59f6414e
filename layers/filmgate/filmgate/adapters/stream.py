"""Records of the table's stream, as far as somebody wants to be told of them."""

from collections.abc import Mapping, Set
from typing import Any

from filmgate.adapters import items
from filmgate.adapters.items import from_wire, load
from filmgate.domain.boards import ENDED, Head
from filmgate.domain.generations import TERMINAL, Generation


def ended_generation(record: Mapping[str, Any]) -> Generation | None:
    """The generation that a record says has just ended; None for any other record.

    The filter of the event source mapping says the same; this is what holds. Raises
    ConfigurationError for an item that cannot be read.
    """
    new = _ended(record, items.GENERATION, TERMINAL)
    return None if new is None else load(Generation, from_wire(new))


def ended_storyboard(record: Mapping[str, Any]) -> Head | None:
    """The storyboard that a record says has just ended; None for any other record."""
    new = _ended(record, items.STORYBOARD, ENDED)
    return None if new is None else load(Head, from_wire(new))


def _ended(record: Mapping[str, Any], kind: str, ends: Set[str]) -> Mapping[str, Any] | None:
    """The new image of an item of this kind whose state has become one of its ends."""
    change = record["dynamodb"]
    new: Mapping[str, Any] = change.get("NewImage", {})
    old: Mapping[str, Any] = change.get("OldImage", {})
    if new.get("sk", {}).get("S") != kind:
        return None
    before, after = (image.get("state", {}).get("S") for image in (old, new))
    return new if after in ends and before not in ends else None
