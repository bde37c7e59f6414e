"""Takes as files: fetched by their links, checked against what the gateway says, whole or not."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from filmgate_cli.client import Gateway
from filmgate_cli.problems import ExitCode, Problem, WrongUsage
from filmgate_cli.shapes import Json, Shot, Storyboard, Take
from filmgate_cli.wire import TIMEOUT

ROLES: Final = ("keyframe", "variation", "clip")
_SUFFIXES: Final = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
}
TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class File:
    """A take that was saved."""

    take_id: str
    path: Path

    def as_json(self) -> Json:
        return {"take_id": self.take_id, "path": str(self.path)}


def check_target(out: Path) -> None:
    """Raises WrongUsage when nothing can be saved there: better before the money is spent."""
    folder = out if out.is_dir() else out.parent
    if not folder.is_dir():
        raise WrongUsage(f"There is no folder {folder}.", f"Make it: mkdir -p {folder}")


def save_takes(takes: Sequence[Take], out: Path) -> list[File]:
    """Save under `out`: a folder, where every take has its own name, or a name for them."""
    return [File(take["id"], _save(take, target)) for take, target in _targets(takes, out)]


def save_storyboard(gateway: Gateway, storyboard: Storyboard, folder: Path) -> list[File]:
    """Save what every shot has made as shot-01-keyframe.png and so on. What lies there unchanged
    is not fetched again."""
    folder.mkdir(parents=True, exist_ok=True)
    digits = max((len(str(shot["number"])) for shot in storyboard["shots"]), default=2)
    files = []
    for shot in storyboard["shots"]:
        for role in ROLES:
            take = _take_of(gateway, shot, role)
            if take is not None:
                name = f"shot-{shot['number']:0{max(digits, 2)}}-{role}{_suffix(take)}"
                files.append(File(take["id"], _save(take, folder / name)))
    return files


def _take_of(gateway: Gateway, shot: Shot, role: str) -> Take | None:
    """The take of a part, with a fresh link and what it must weigh."""
    part: Json | None = shot[role]  # type: ignore[literal-required]
    if part is None or part["take_id"] is None:
        return None
    takes = gateway.generation(part["generation_id"])["takes"]
    return next((take for take in takes if take["id"] == part["take_id"]), None)


def _targets(takes: Sequence[Take], out: Path) -> list[tuple[Take, Path]]:
    if out.is_dir():
        return [(take, out / f"{Path(take['id']).name}{_suffix(take)}") for take in takes]
    named = []
    for place, take in enumerate(takes):
        more = f"-{place + 1}" if place else ""
        named.append((take, out.with_name(f"{out.stem}{more}{out.suffix or _suffix(take)}")))
    return named


def _suffix(take: Take) -> str:
    return _SUFFIXES.get(take["media_type"], ".bin")


def _save(take: Take, target: Path) -> Path:
    if _is_there(take, target):
        return target
    unfinished = target.with_name(f"{target.name}.part")
    for tried in range(1, TRIES + 1):
        try:
            _fetch(take, unfinished)
            break
        except (httpx.HTTPError, _Damaged) as error:
            if tried == TRIES:
                unfinished.unlink(missing_ok=True)
                raise Problem(
                    f"The take {take['id']} could not be fetched ({type(error).__name__}).",
                    code="download-failed",
                    exit_code=ExitCode.UNREACHABLE,
                    todo="It is kept. Fetch it later: filmgate status … --out .",
                ) from None
    unfinished.replace(target)
    return target


class _Damaged(Exception):
    """The bytes are not those of the take."""


def _fetch(take: Take, target: Path) -> None:
    digest = hashlib.sha256()
    with (
        httpx.stream("GET", take["url"], timeout=TIMEOUT) as reply,
        target.open("wb") as sink,
    ):
        reply.raise_for_status()
        for piece in reply.iter_bytes():
            digest.update(piece)
            sink.write(piece)
    if digest.hexdigest() != take["sha256"]:
        raise _Damaged


def _is_there(take: Take, target: Path) -> bool:
    if not target.is_file() or target.stat().st_size != take["size_bytes"]:
        return False
    with target.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest() == take["sha256"]
