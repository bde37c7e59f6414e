"""Shot lists as files: JSON, JSON Lines and CSV go to the gateway as they are.

The gateway reads them, not this program, so that what is priced here is what is made there.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filmgate_cli.problems import WrongUsage
from filmgate_cli.shapes import Json
from filmgate_cli.wire import Body

LARGEST: Final = 4_000_000
_KINDS: Final[Mapping[str, str]] = {
    ".csv": "text/csv",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".json": "application/json",
}


@dataclass(frozen=True, slots=True)
class ShotList:
    """A shot list as it is sent: its bytes, and what is said of it as a whole."""

    body: Body
    query: Mapping[str, str]

    def with_head(self, said: Mapping[str, str]) -> "ShotList":
        """The same list with title, budget and the like; what is said here wins."""
        if self.body.media_type != "application/json":
            return ShotList(self.body, {**self.query, **said})
        changed: Json = {**json.loads(self.body.data), **said}
        return ShotList(Body(json.dumps(changed).encode(), self.body.media_type), {})


def read_shot_list(file: Path) -> ShotList:
    """Raises WrongUsage for what is no readable shot list."""
    kind = _KINDS.get(file.suffix.lower())
    if kind is None:
        raise WrongUsage(f"A shot list is a file {', '.join(_KINDS)}; {file.name} is none.")
    try:
        data = file.read_bytes()
    except OSError as error:
        raise WrongUsage(f"{file} cannot be read: {error.strerror}.") from None
    if len(data) > LARGEST:
        raise WrongUsage(f"{file.name} has {len(data)} bytes; the most is {LARGEST}.")
    if kind == "application/json":
        _check_object(file, data)
    return ShotList(Body(data, kind), {})


def _check_object(file: Path, data: bytes) -> None:
    try:
        value = json.loads(data)
    except ValueError as error:
        raise WrongUsage(f"{file.name} is no JSON: {error}.") from None
    if not isinstance(value, dict):
        raise WrongUsage(f'{file.name} must hold one object: {{"shots": […]}}.')
