"""The sample film: its shot list as a film maker wrote it, and what shall go wrong on the way."""

import csv
import io
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FILM = Path(__file__).with_name("the_lamplighter.toml")
NO_CLIP = "none"


@dataclass(frozen=True)
class Shot:
    """One line of the shot list; `clip_prompt` is None where no clip is wanted."""

    number: int
    name: str
    prompt: str
    clip_prompt: str | None

    @property
    def kinds(self) -> tuple[str, ...]:
        return ("keyframe",) if self.clip_prompt is None else ("keyframe", "clip")


@dataclass(frozen=True)
class Film:
    """A shot list as it is uploaded, byte by byte, and what is said about it beside that."""

    filename: str
    data: bytes
    storyboard: dict[str, Any]
    shots: tuple[Shot, ...]
    faults: tuple[dict[str, Any], ...]

    @property
    def title(self) -> str:
        return str(self.storyboard["title"])

    @property
    def project(self) -> str:
        return str(self.storyboard["project"])


def read_film(path: Path = FILM) -> Film:
    """The film of a TOML file and its shot list; raises KeyError or ValueError when it is wrong."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    shot_list = ROOT / table["shot_list"]
    data = shot_list.read_bytes()
    shots = tuple(map(_shot, csv.DictReader(io.StringIO(data.decode("utf-8")))))
    faults = tuple(_for_one_shot(fault, shots) for fault in table["faults"])
    return Film(shot_list.name, data, table["storyboard"], shots, faults)


def _shot(row: dict[str, str]) -> Shot:
    wanted = row["clip_provider"] != NO_CLIP
    return Shot(
        int(row["number"]),
        row["scene"],
        row["prompt"],
        (row["clip_prompt"] or row["prompt"]) if wanted else None,
    )


def _for_one_shot(fault: dict[str, Any], shots: tuple[Shot, ...]) -> dict[str, Any]:
    """The simulators' own order for a fault: it hits calls with this shot's words alone."""
    (shot,) = [one for one in shots if one.number == fault["shot"]]
    words = shot.prompt if fault["part"] == "keyframe" else shot.clip_prompt
    said = {name: value for name, value in fault.items() if name not in ("shot", "part")}
    return {**said, "prompt": words}
