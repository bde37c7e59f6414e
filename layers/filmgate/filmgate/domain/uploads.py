"""Files that callers bring: what was asked for, what came, and what became of it.

One upload becomes one thing at most: a still, a generation or a storyboard. `version_id` names the
very version of the object that it became, so that the same file told of twice is known again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

STILL_TYPES: Final = ("image/png", "image/jpeg", "image/webp")
LARGEST_IMAGE: Final = 25_000_000  # bytes
LARGEST_BATCH: Final = 10_000_000
LARGEST_SIDECAR: Final = 64_000
NOTHING: Final = "null"
"""Wishes that say that nothing shall be started: the image is only kept."""


class FileKind(StrEnum):
    IMAGE = "image"
    BATCH = "batch"
    SIDECAR = "sidecar"  # what is wished of the image that it lies beside


_KINDS: Final[Mapping[str, FileKind]] = {
    "png": FileKind.IMAGE,
    "jpg": FileKind.IMAGE,
    "jpeg": FileKind.IMAGE,
    "webp": FileKind.IMAGE,
    "json": FileKind.BATCH,
    "jsonl": FileKind.BATCH,
    "csv": FileKind.BATCH,
}
USABLE: Final = ", ".join(f".{extension}" for extension in _KINDS)


def kind_of(filename: str) -> FileKind | None:
    """What a file is by its name alone; None when it is nothing that can be used.

    `rooftop.png.json` is the sidecar of `rooftop.png`, whatever stands in it.
    """
    stem, dot, extension = filename.rpartition(".")
    kind = _KINDS.get(extension.lower()) if dot and stem else None
    if extension.lower() == "json" and kind_of(stem) is FileKind.IMAGE:
        return FileKind.SIDECAR
    return kind


class UploadState(StrEnum):
    WAITING = "waiting"  # asked for; no file has come
    TAKEN = "taken"  # a file has come and is looked at
    STORED = "stored"  # an image is kept; params.image may name it
    STARTED = "started"  # the file has become a generation or a storyboard
    REJECTED = "rejected"  # the file cannot be used; a better one may still come


ENDED: Final = frozenset({UploadState.STORED, UploadState.STARTED, UploadState.REJECTED})


@dataclass(frozen=True, slots=True)
class Still:
    """An image that was inspected. `key` is its place in the take bucket, where nobody but the
    gateway writes: what was inspected is what is used."""

    key: str
    media_type: str
    width: int
    height: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a file cannot be used, as a problem of the API would say it; `facts` has the places."""

    code: str
    message: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload, from the asking to what became of it.

    `key` is where its file is to lie, exactly. `wishes` is the JSON that says what shall be made
    of it, as it was sent. `sidecar` is the version of the sidecar that was read for it.
    """

    id: str
    tenant: str
    user: str
    role: str
    filename: str
    created_at: datetime
    key: str = ""
    content_type: str = ""
    size_bytes: int = 0
    wishes: str = "{}"
    state: UploadState = UploadState.WAITING
    version_id: str = ""
    sidecar: str = ""
    still: Still | None = None
    generation_id: str | None = None
    storyboard_id: str | None = None
    rejection: Rejection | None = None
    version: int = 1

    def is_done_with(self, version_id: str) -> bool:
        """Whether this very file has come to its end."""
        return self.version_id == version_id and self.state in ENDED

    def is_free_for(self, version_id: str) -> bool:
        """Whether this file may still become what the upload is for."""
        free = self.state in (UploadState.WAITING, UploadState.REJECTED)
        return free or self.version_id == version_id

    def taken(self, version_id: str) -> "Upload":
        return self._next(
            UploadState.TAKEN, version_id=version_id, still=None, sidecar="", rejection=None
        )

    def kept(self, still: Still) -> "Upload":
        return self._next(UploadState.STORED, still=still)

    def started(
        self, *, generation_id: str | None = None, storyboard_id: str | None = None
    ) -> "Upload":
        return self._next(
            UploadState.STARTED, generation_id=generation_id, storyboard_id=storyboard_id
        )

    def rejected(self, rejection: Rejection) -> "Upload":
        return self._next(UploadState.REJECTED, still=None, rejection=rejection)

    def _next(self, state: UploadState, **changes: Any) -> "Upload":
        return replace(self, state=state, version=self.version + 1, **changes)
