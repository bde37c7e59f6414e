"""What a file really is: type by content, size, length, hash; or why it cannot be used.

Nothing but bytes is believed: no name, no header, no provider's word. A still is decoded whole, a
clip is read whole and decoded at both ends.
"""

from __future__ import annotations

import hashlib
import io
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from filmgate_media.errors import UnusableMedia
from filmgate_media.limits import check_clip_bytes, check_still_bytes
from filmgate_media.signatures import EXTENSIONS, HEAD_BYTES, media_type_of

__all__ = ["Inspection", "MediaType", "UnusableMedia", "inspect", "inspect_bytes"]

MediaType = Literal["image/png", "image/jpeg", "image/webp", "video/mp4", "video/webm"]
_File = io.BufferedReader | io.BytesIO


@dataclass(frozen=True, slots=True)
class Inspection:
    """Facts of one usable file.

    width, height   pixels as a viewer shows them: EXIF orientation and video rotation applied
    duration_ms     of the picture track; None for a still
    frame_rate      average, a fraction as text ("24", "30000/1001"); None for a still or unknown
    has_audio       None for a still
    sha256          64 lower-case hex digits of the whole file
    """

    media_type: MediaType
    extension: str
    width: int
    height: int
    duration_ms: int | None
    frame_rate: str | None
    has_audio: bool | None
    size_bytes: int
    sha256: str


def inspect(path: Path) -> Inspection:
    """Facts of the file at `path`; see the module for what is checked.

    Holds at most one decoded picture and, of a still, its 25 MB. Raises UnusableMedia with a
    public reason, and OSError when the file itself cannot be read.
    """
    with path.open("rb") as file:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnusableMedia("This is not a file.")
        return _inspect(file, status.st_size)


def inspect_bytes(data: bytes) -> Inspection:
    """Facts of a file that is already in memory; as `inspect` otherwise."""
    return _inspect(io.BytesIO(data), len(data))


def _inspect(file: _File, size_bytes: int) -> Inspection:
    media_type = cast(MediaType, media_type_of(file.read(HEAD_BYTES)))
    file.seek(0)
    if media_type.startswith("image/"):
        return _inspect_still(file, media_type, size_bytes)
    return _inspect_clip(file, media_type, size_bytes)


def _inspect_still(file: _File, media_type: MediaType, size_bytes: int) -> Inspection:
    from filmgate_media.stills import decode_still, upright_size

    check_still_bytes(size_bytes)
    data = file.read()
    width, height = upright_size(decode_still(data, media_type))
    return Inspection(
        media_type=media_type,
        extension=EXTENSIONS[media_type],
        width=width,
        height=height,
        duration_ms=None,
        frame_rate=None,
        has_audio=None,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _inspect_clip(file: _File, media_type: MediaType, size_bytes: int) -> Inspection:
    from filmgate_media.clips import probe_clip

    check_clip_bytes(size_bytes)
    facts = probe_clip(file, media_type=media_type, size_bytes=size_bytes)
    file.seek(0)
    return Inspection(
        media_type=media_type,
        extension=EXTENSIONS[media_type],
        width=facts.width,
        height=facts.height,
        duration_ms=facts.duration_ms,
        frame_rate=facts.frame_rate,
        has_audio=facts.has_audio,
        size_bytes=size_bytes,
        sha256=hashlib.file_digest(file, "sha256").hexdigest(),
    )
