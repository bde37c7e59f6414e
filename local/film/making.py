"""Makes the sample film through the HTTP API: keyframes one by one, clips side by side.

Every shot has its own Idempotency-Key, so a second run finds what the first one made and pays
for nothing again. A shot that failed gets a fresh key.
"""

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from local.api import Api
from local.film.shots import Clip, Film, Shot

TERMINAL = frozenset({"succeeded", "failed", "cancelled"})
LOOK_EVERY_S = 0.15
LONGEST_WAIT_S = 300.0
SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "video/mp4": ".mp4"}


@dataclass
class Piece:
    """One keyframe or clip of the film while it is made; `generation` is the API's object."""

    shot: Shot
    kind: str
    generation: dict[str, Any] | None = None
    file: Path | None = None
    replayed: bool = False

    @property
    def state(self) -> str:
        return self.generation["state"] if self.generation else "waiting"


class FilmMaker:
    """Makes a film; `on_change` is called whenever a piece has moved."""

    def __init__(
        self,
        film: Film,
        api: Api,
        *,
        simulators_url: str,
        folder: Path,
        on_change: Callable[[list[Piece]], None],
    ) -> None:
        self.film = film
        self.pieces = list(_pieces(film))
        self._api = api
        self._simulators_url = simulators_url
        self._folder = folder / film.project
        self._on_change = on_change
        self._earlier = self._made_before()

    def make(self) -> list[Piece]:
        """Make every piece, and give them with their files; failed ones have no file."""
        self._folder.mkdir(parents=True, exist_ok=True)
        stills = {piece.shot.number: piece for piece in self.pieces if piece.kind == "keyframe"}
        clips = [piece for piece in self.pieces if piece.kind == "clip"]
        for still in stills.values():
            self._start(still, self._keyframe_body(still.shot), _fault(still.shot, "dalle"))
            self._until([still])
        for clip in clips:
            takes = (stills[clip.shot.number].generation or {}).get("takes")
            if takes and clip.shot.clip:
                fault = _fault(clip.shot, "kling")
                self._start(clip, self._clip_body(clip.shot, clip.shot.clip, takes[0]["id"]), fault)
                if fault:  # it hits whoever asks next, so the next clip waits until it has hit
                    self._until([clip], lambda seen: bool(seen["attempts"][0]["error"]))
        self._until([clip for clip in clips if clip.generation])
        return self.pieces

    def _start(self, piece: Piece, body: dict[str, Any], fault: dict[str, Any] | None) -> None:
        label = (piece.shot.number, body["type"])
        ended = self._earlier.get(label, [])
        failures = sum(state != "succeeded" for state in ended)
        if fault is not None and not ended:
            self._script(fault)
        key = f"{self.film.project}/{piece.shot.number}/{piece.kind}/{failures}"
        piece.generation = self._api.post("/v1/generations", body, key=key)
        piece.replayed = "succeeded" in ended
        self._on_change(self.pieces)

    def _until(
        self, pieces: list[Piece], enough: Callable[[dict[str, Any]], bool] = lambda seen: False
    ) -> None:
        """Look at the pieces until each has ended, or has come as far as is `enough`."""
        give_up_at = time.monotonic() + LONGEST_WAIT_S
        waiting = list(pieces)
        while waiting:
            waiting = [piece for piece in waiting if not self._look(piece, enough)]
            self._on_change(self.pieces)
            if waiting and time.monotonic() > give_up_at:
                names = ", ".join(f"{p.shot.number} ({p.kind})" for p in waiting)
                raise TimeoutError(f"shots {names} did not end within {LONGEST_WAIT_S:.0f} s")
            if waiting:
                time.sleep(LOOK_EVERY_S)

    def _look(self, piece: Piece, enough: Callable[[dict[str, Any]], bool]) -> bool:
        seen = piece.generation or {}
        if seen["state"] not in TERMINAL:
            seen = self._api.get(f"/v1/generations/{seen['id']}")
            piece.generation = seen
        if seen["state"] in TERMINAL:
            self._fetch(piece)
            return True
        return enough(seen)

    def _fetch(self, piece: Piece) -> None:
        """Put the take beside the others, unless the very same file is there already."""
        for take in (piece.generation or {}).get("takes", []):
            suffix = SUFFIXES[take["media_type"]]
            target = self._folder / f"shot-{piece.shot.number:02d}{suffix}"
            if not _is_same(target, take["sha256"]):
                self._api.download(take["url"], target)
                if not _is_same(target, take["sha256"]):
                    raise ValueError(f"{target.name} is not what the ledger says it is")
            piece.file = target

    def _keyframe_body(self, shot: Shot) -> dict[str, Any]:
        return {
            "type": "image",
            "prompt": f"{shot.prompt}. {self.film.look}",
            "params": {"aspect_ratio": "16:9"},
            "cost_limit": "0.0500",
            "project": self.film.project,
            "shot_number": shot.number,
        }

    def _clip_body(self, shot: Shot, clip: Clip, keyframe: str) -> dict[str, Any]:
        params = {
            "image": keyframe,
            "resolution": "720p",
            "aspect_ratio": "16:9",
            "duration_s": clip.duration_s,
            "motion": clip.motion,
        }
        return {
            "type": "video",
            "prompt": clip.prompt,
            "provider": clip.provider,
            "params": {name: value for name, value in params.items() if value is not None},
            "cost_limit": "0.0500",
            "project": self.film.project,
            "shot_number": shot.number,
        }

    def _made_before(self) -> dict[tuple[int, str], list[str]]:
        """The states of earlier generations of this film by (shot, type)."""
        found: dict[tuple[int, str], list[str]] = {}
        cursor = ""
        while True:
            path = f"/v1/generations?project={self.film.project}&limit=100{cursor}"
            page = self._api.get(path)
            for one in page["items"]:
                found.setdefault((one["shot_number"], one["type"]), []).append(one["state"])
            if page["next"] is None:
                return found
            cursor = f"&cursor={page['next']}"

    def _script(self, fault: dict[str, Any]) -> None:
        reply = urllib3.request("POST", f"{self._simulators_url}/__sim/faults", json=fault)
        if reply.status >= 300:
            raise ValueError(f"the simulators refused the fault: {reply.data.decode()}")


def _pieces(film: Film) -> Iterable[Piece]:
    for shot in film.shots:
        yield Piece(shot, "keyframe")
        if shot.clip is not None:
            yield Piece(shot, "clip")


def _fault(shot: Shot, provider: str) -> dict[str, Any] | None:
    return shot.fault if shot.fault and shot.fault["provider"] == provider else None


def _is_same(path: Path, sha256: str) -> bool:
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256
