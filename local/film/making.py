"""Makes the sample film as a film maker would: uploads the shot list, and looks on.

The upload has an Idempotency-Key of the list's own, so a second run finds the storyboard that the
first one started, and pays for nothing again. Shots that failed are made anew, and only those.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from local.api import Api
from local.film.shots import Film, Shot

TERMINAL = frozenset({"succeeded", "failed", "cancelled"})
ENDED = TERMINAL | {"partial"}
LOOK_EVERY_S = 0.25
LONGEST_WAIT_S = 300.0
SEND_LIMIT_S = 60
SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "video/mp4": ".mp4"}
Json = dict[str, Any]


@dataclass
class Piece:
    """One keyframe or clip of the film while it is made; `generation` is the API's object."""

    shot: Shot
    kind: str
    generation: Json | None = None
    file: Path | None = None
    replayed: bool = False

    @property
    def state(self) -> str:
        return self.generation["state"] if self.generation else "waiting"


class FilmMaker:
    """Makes a film; `on_change` is called whenever a piece may have moved."""

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
        self.pieces = [Piece(shot, kind) for shot in film.shots for kind in shot.kinds]
        self._api = api
        self._simulators_url = simulators_url
        self._folder = folder / film.project
        self._on_change = on_change

    def make(self) -> list[Piece]:
        """Make every piece, and give them with their files; failed ones have no file."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name, is_new = self._storyboard()
        path = f"/v1/storyboards/{name}"
        before = self._api.get(path)
        if not is_new and before["state"] in ("partial", "failed"):
            self._api.post(f"{path}/resume", {})
        made = {
            part["generation_id"]
            for shot in before["shots"]
            for part in (shot["keyframe"], shot["clip"])
            if part is not None and part["state"] == "succeeded"
        }
        self._follow(path, frozenset() if is_new else frozenset(made))
        return self.pieces

    def _storyboard(self) -> tuple[str, bool]:
        """The id of the storyboard that the shot list has become, and whether it did so now."""
        form = self._api.post(
            "/v1/uploads",
            {
                "filename": self.film.filename,
                "content_type": "text/csv",
                "size_bytes": len(self.film.data),
                "storyboard": self.film.storyboard,
            },
            key=f"{self.film.project}/{hashlib.sha256(self.film.data).hexdigest()}",
        )
        upload = self._api.get(f"/v1/uploads/{form['upload_id']}")
        is_new = upload["state"] in ("waiting", "rejected")
        if is_new:
            for fault in self.film.faults:
                self._script(fault)
            post_file(form, self.film.filename, self.film.data)
        upload = self._accepted(upload, was=upload if is_new else None)
        if upload["rejection"] is not None:
            raise ValueError(f"the shot list was rejected: {upload['rejection']['message']}")
        return upload["storyboard_id"], is_new

    def _accepted(self, upload: Json, *, was: Json | None) -> Json:
        """The upload once its file has become something, or was rejected after all."""
        give_up_at = time.monotonic() + LONGEST_WAIT_S
        while upload == was or upload["state"] in ("waiting", "taken"):
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"nobody took the shot list within {LONGEST_WAIT_S:.0f} s")
            time.sleep(LOOK_EVERY_S)
            upload = self._api.get(f"/v1/uploads/{upload['id']}")
        return upload

    def _follow(self, path: str, made_before: frozenset[str]) -> None:
        """Look at the storyboard and its pieces until it has ended."""
        give_up_at = time.monotonic() + LONGEST_WAIT_S
        while True:
            board = self._api.get(path)
            shots = {shot["number"]: shot for shot in board["shots"]}
            for piece in self.pieces:
                part = shots[piece.shot.number][piece.kind]
                self._look(piece, part["generation_id"], made_before)
            self._on_change(self.pieces)
            if board["state"] in ENDED:
                return
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"the film was not made within {LONGEST_WAIT_S:.0f} s")
            time.sleep(LOOK_EVERY_S)

    def _look(self, piece: Piece, generation_id: str | None, made_before: frozenset[str]) -> None:
        known = piece.generation
        is_known = known is not None and known["id"] == generation_id
        if generation_id is None or (is_known and piece.state in TERMINAL):
            return
        piece.generation = self._api.get(f"/v1/generations/{generation_id}")
        piece.replayed = generation_id in made_before
        if piece.state in TERMINAL:
            self._fetch(piece)

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

    def _script(self, fault: Json) -> None:
        reply = urllib3.request("POST", f"{self._simulators_url}/__sim/faults", json=fault)
        if reply.status >= 300:
            raise ValueError(f"the simulators refused the fault: {reply.data.decode()}")


def post_file(form: Json, filename: str, data: bytes) -> None:
    """Send a file by the form of POST /v1/uploads; raises ValueError when S3 does not take it."""
    fields = {**form["fields"], "file": (filename, data)}  # the file comes last
    reply = urllib3.request("POST", form["url"], fields=fields, timeout=SEND_LIMIT_S)
    if reply.status >= 300:
        raise ValueError(f"the upload was refused: {reply.status} {reply.data.decode()}")


def _is_same(path: Path, sha256: str) -> bool:
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256
