"""Examples of what the API answers, a file for each answer: `<operation>.<status>.json`.

Those under `recorded` are real: a walk through the product writes them (`make examples`), and
every later walk is held against them. Those under `written` are of answers that the walk does not
come to.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from openapi.files import as_text

Examples = Mapping[tuple[str, int], Any]
"""The body of an answer, by the operation and the status."""
_HERE: Final = Path(__file__).parent


def recorded() -> Examples:
    return _read("recorded")


def written() -> Examples:
    return _read("written")


@cache
def all_examples() -> Examples:
    """Every one that there is."""
    return MappingProxyType({**recorded(), **written()})


def record(new: Examples) -> None:
    """Let these be the recorded ones, and no others."""
    folder = _HERE / "recorded"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    for (operation, status), body in new.items():
        path = folder / f"{operation}.{status}.json"
        path.write_text(as_text(body), encoding="utf-8")
    all_examples.cache_clear()


def _read(folder: str) -> Examples:
    paths = sorted((_HERE / folder).glob("*.json"))
    return {_named(path): json.loads(path.read_text(encoding="utf-8")) for path in paths}


def _named(path: Path) -> tuple[str, int]:
    operation, _, status = path.stem.rpartition(".")
    return operation, int(status)
