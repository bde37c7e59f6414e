"""Files that callers bring: what was asked for, what came, and what became of it.

One upload becomes one thing at most: a still, a generation or a storyboard. `version_id` names the
very version of the object that it became, so that the same file told of twice is known again.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

STILL_TYPES: Final = ("image/png", "image/jpeg", "image/webp")


class UploadState(StrEnum):
    WAITING = "waiting"  # asked for; no file has come that could be used
    TAKEN = "taken"  # a file has come and is looked at
    STORED = "stored"  # an image is kept; params.image may name it
    STARTED = "started"  # the file has become a generation or a storyboard
    REJECTED = "rejected"  # the file cannot be used; a better one may still come


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
class Upload:
    """One upload, from the asking to what became of it."""

    id: str
    tenant: str
    user: str
    role: str
    filename: str
    created_at: datetime
    state: UploadState = UploadState.WAITING
    project: str | None = None
    still: Still | None = None
    version: int = 1

    def kept(self, still: Still) -> "Upload":
        return replace(self, state=UploadState.STORED, still=still, version=self.version + 1)
