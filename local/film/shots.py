"""The shot list of the sample film, read from its TOML file."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHOT_LIST = Path(__file__).with_name("the_lamplighter.toml")


@dataclass(frozen=True)
class Clip:
    """A clip that is made from the shot's keyframe."""

    provider: str
    prompt: str
    duration_s: int
    motion: str | None


@dataclass(frozen=True)
class Shot:
    """One shot: a keyframe, and perhaps a clip. `fault` is scripted into the simulators."""

    number: int
    name: str
    prompt: str
    clip: Clip | None
    fault: dict[str, Any] | None


@dataclass(frozen=True)
class Film:
    """A titled list of shots that share a look."""

    title: str
    project: str
    look: str
    shots: tuple[Shot, ...]


def read_film(path: Path = SHOT_LIST) -> Film:
    """The film of a TOML file; raises KeyError or ValueError when it is wrong."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    shots = tuple(_shot(shot) for shot in table["shots"])
    return Film(table["title"], table["project"], table["look"], shots)


def _shot(table: dict[str, Any]) -> Shot:
    clip = table.get("clip")
    return Shot(
        table["number"],
        table["name"],
        table["prompt"],
        None if clip is None else _clip(clip, table["prompt"]),
        table.get("fault"),
    )


def _clip(table: dict[str, Any], prompt: str) -> Clip:
    return Clip(
        table["provider"],
        table.get("prompt", prompt),
        table["duration_s"],
        table.get("motion"),
    )
