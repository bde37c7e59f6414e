"""Examples out of real answers: short, the same on every run, and without a secret.

A test's clock stands or goes on by known steps, so times need nothing. Ids and secrets are random,
and how long a file is depends on the encoder; they are replaced by what looks like them. The same
thing has the same name in all examples.
"""

import json
import re
from base64 import b32encode
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

from openapi.examples import Examples
from openapi.operation import JSON
from openapi.operations.common import A_GENERATION, A_TOKEN
from tests.support.described import operation_at

Json = dict[str, Any]
PAGES: Final = frozenset({"items", "data"})
LONGEST: Final = 2
"""How many objects of a list are shown; one is enough for a page, and for a list within a list."""
SHOWN_BODY: Final = A_GENERATION.partition("_")[2]
SHOWN_TOKEN: Final = A_TOKEN.partition("_")[2]
SOME_SIZE: Final = 348_160
SECRET_PART: Final = 43  # characters of a token: 256 bits, which may have an underscore among them
ID: Final = re.compile(
    r"(?<![a-z])(gen|att|take|sb|quo|upl|tok|aud|ntc)_([a-z2-7]{26}|[a-z2-7]{16})((?:\d\d)?)\b"
)
REPLACED: Final[Mapping[str, Callable[[Any], Any]]] = {
    "b64_json": lambda _: "…",
    "token": lambda text: text[:-SECRET_PART] + "…",
    "secret": lambda _: "whsec_…",
    "hint": lambda text: text and "Qd7x",
    "policy": lambda _: "…",
    "x-amz-credential": lambda _: "…",
    "x-amz-signature": lambda _: "…",
    "x-amz-security-token": lambda _: "…",
    "x-amz-date": lambda _: "20261122T120000Z",
    "url": lambda text: text and re.sub(r"\?.*", "?X-Amz-Signature=…", text),
    "sha256": lambda text: sha256(b"a file").hexdigest() if text else text,
    "size_bytes": lambda size: size and SOME_SIZE,
}
"""What must not be shown, or is not the same on the next run, by the name of its field."""


def examples_of(served: Iterable[tuple[Json, Json]], *, without: Examples) -> Examples:
    """The first good answer in JSON of every operation and status, from (request, answer) in
    their order; those in `without` are not wanted."""
    ids = _Ids()
    found: dict[tuple[str, int], Any] = {}
    for event, answer in served:
        name = _named(event, answer)
        if name is not None and name not in found and name not in without:
            short = _shortened(json.loads(answer["body"]))
            found[name] = json.loads(ids.in_text(json.dumps(short, ensure_ascii=False)))
    return found


def _named(event: Json, answer: Any) -> tuple[str, int] | None:
    """Which answer of which operation this is; None for a refusal, a page, or no JSON."""
    if "statusCode" not in (answer or {}) or answer["statusCode"] >= 400:
        return None
    http = event["requestContext"]["http"]
    operation = operation_at(http["method"], http["path"])
    kind = {name.lower(): value for name, value in answer["headers"].items()}["content-type"]
    return None if operation is None or kind != JSON else (operation.id, answer["statusCode"])


def _shortened(value: Any, longest: int = LONGEST) -> Any:
    """Without the rest of long lists of objects, and with what is replaced."""
    match value:
        case dict():
            return {
                name: REPLACED[name](one)
                if name in REPLACED and not isinstance(one, dict | list)
                else _shortened(one, 1 if name in PAGES else longest)
                for name, one in value.items()
            }
        case [{}, *_]:
            return [_shortened(one, 1) for one in value[:longest]]
        case _:
            return value


class _Ids:
    """Ids that are the same on every run. What has its id from another keeps it: an attempt and a
    take have that of their generation and a number."""

    def __init__(self) -> None:
        self._known: defaultdict[str, dict[str, str]] = defaultdict(dict)

    def in_text(self, text: str) -> str:
        return ID.sub(self._replaced, text)

    def _replaced(self, found: re.Match[str]) -> str:
        kind, body, number = found.groups()
        family = {"att": "gen", "take": "gen"}.get(kind, kind)
        known = self._known[family]
        if body not in known:
            known[body] = _body(family, len(known), len(body))
        return f"{kind}_{known[body]}{number}"


def _body(family: str, place: int, length: int) -> str:
    """What stands behind the kind; the first of a kind is the one that the parameters show."""
    if place == 0:
        return SHOWN_TOKEN if family == "tok" else SHOWN_BODY
    return b32encode(sha256(f"{family} {place}".encode()).digest()).decode().lower()[:length]
