"""Parameters and headers that several operations share."""

from enum import StrEnum
from typing import Any, Final

from filmgate.http import LARGEST_PAGE, USUAL_PAGE
from openapi.operation import TEXT, Header, Parameter

Json = dict[str, Any]
MONTH: Final[Json] = {"type": "string", "pattern": "^20[0-9]{2}-(0[1-9]|1[0-2])$"}
A_GENERATION: Final = "gen_sjcyiog3wxxnik4qb65zbwoe72"
AN_ATTEMPT: Final = "att_sjcyiog3wxxnik4qb65zbwoe7200"
A_TAKE: Final = "take_sjcyiog3wxxnik4qb65zbwoe7200"
A_STORYBOARD: Final = "sb_sjcyiog3wxxnik4qb65zbwoe72"
AN_UPLOAD: Final = "upl_sjcyiog3wxxnik4qb65zbwoe72"
A_TOKEN: Final = "tok_c2u6dq4mxk7wyz3b"  # noqa: S105 - a name, no token


def in_path(name: str, told: str, example: str) -> Parameter:
    return Parameter(name, "path", told, TEXT, example)


def in_query(name: str, told: str, schema: Json = TEXT, example: Any = None) -> Parameter:
    return Parameter(name, "query", told, schema, example)


def one_of(words: type[StrEnum]) -> Json:
    """The schema of a word of these."""
    return {"type": "string", "enum": [word.value for word in words]}


PAGING: Final = (
    in_query(
        "limit",
        "How many at most.",
        {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": USUAL_PAGE},
    ),
    in_query("cursor", "The `next` of the page before."),
)
PERIOD: Final = in_query("period", "A month; this one if nothing is said.", MONTH, "2026-11")
IDEMPOTENCY_KEY: Final = Parameter(
    "Idempotency-Key",
    "header",
    "1 to 255 visible ASCII characters of the caller's own. The same key is the same thing, "
    "however often it is sent; without one every call is new.",
    {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "lamplighter-shot-7",
)
LOCATION: Final = Header("Where to watch it.", TEXT)
REPLAYED: Final = Header("The key was used before.", {"const": "true"})
