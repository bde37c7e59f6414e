"""Where the next page of a list begins, as a text that only the same list of its tenant takes.

It holds the key of the last item shown. The tenant stands in its seal alone: the token tells it
again, and a text that was made up or belongs to others is refused.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from filmgate.adapters.items import Item
from filmgate.adapters.strict_json import loads

TABLE_KEY: Final = ("pk", "sk")
LIST_KEY: Final = (*TABLE_KEY, "list_pk", "list_sk")


def cursor_after(item: Mapping[str, Any], partition: str, names: tuple[str, ...]) -> str:
    """The cursor behind an item of a partition, made of the attributes in `names`."""
    owner = _owner(partition)
    place = {name: str(item[name]).removeprefix(owner) for name in names}
    told = json.dumps([place, _seal(partition, place)])
    return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, partition: str, names: tuple[str, ...]) -> Item | None:
    """The key that a cursor of this partition stands for; None for none.

    Raises ValueError for a text that was not given for it.
    """
    if cursor is None:
        return None
    try:
        told: Any = loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:  # no base64, or no JSON that can be trusted
        told = None
    match told:
        case [dict() as place, seal] if set(place) == set(names):
            if seal == _seal(partition, place):
                owner = _owner(partition)
                return {n: f"{owner}{v}" if n.endswith("pk") else v for n, v in place.items()}
    raise ValueError("the cursor is not one that this API gave")


def _owner(partition: str) -> str:
    """The tenant's part of every key."""
    return f"{partition.partition('#')[0]}#"


def _seal(partition: str, place: Mapping[str, Any]) -> str:
    parts = "\x00".join((partition, *(str(place[name]) for name in sorted(place))))
    return hashlib.sha256(parts.encode()).hexdigest()[:16]
