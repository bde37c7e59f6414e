"""The outer structure of MP4 and WebM, read before FFmpeg sees the file.

Two things are settled here because FFmpeg does not: a file shorter than it says it is, and tables
that declare millions of frames. (Opening a small MP4 that claimed 60 million took libavformat
62.12 2.1 GB and 4 s; measured 2026-11.)
Formats: ISO 14496-12 (boxes), RFC 8794 (EBML), RFC 9559 (Matroska).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from filmgate_media.errors import UnusableMedia

MAX_FRAMES = 500_000
_MAX_BOXES = 100_000
_PARENTS = frozenset((b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"))

_EBML = 0x1A45DFA3
_SEGMENT = 0x18538067
_DOC_TYPE = 0x4282


class _Box(NamedTuple):
    kind: bytes
    start: int
    end: int


def check_mp4(file: BinaryIO, size_bytes: int) -> None:
    """Raise UnusableMedia unless every top-level box is whole and the sample tables are sane."""
    top: set[bytes] = set()
    declared = 0
    pending = [_Box(b"", 0, size_bytes)]
    seen = 0
    while pending:
        parent = pending.pop()
        for box in _boxes(file, parent):
            seen += 1
            if seen > _MAX_BOXES:
                raise UnusableMedia("The video has an absurd number of parts.")
            if not parent.kind:
                top.add(box.kind)
            if box.kind in _PARENTS:
                pending.append(box)
            declared += _declared_frames(file, box)
            if declared > MAX_FRAMES:
                raise UnusableMedia("The video declares an absurd number of frames.")
    if b"moov" not in top:
        raise UnusableMedia("The video has no index (moov): it is cut short or unfinished.")
    if not top & {b"mdat", b"moof"}:
        raise UnusableMedia("The video holds no pictures.")


def _boxes(file: BinaryIO, parent: _Box) -> Iterator[_Box]:
    at = parent.start
    while at + 8 <= parent.end:
        file.seek(at)
        header = file.read(16)
        size, start = int.from_bytes(header[:4], "big"), at + 8
        if size == 1:
            size, start = int.from_bytes(header[8:16], "big"), at + 16
        elif size == 0:
            size = parent.end - at
        if size < start - at:
            # Some writers pad the end of a file. A part that counts and is missing is missed later.
            return
        if at + size > parent.end:
            raise UnusableMedia("The video is cut short.")
        yield _Box(header[4:8], start, at + size)
        at += size


def _declared_frames(file: BinaryIO, box: _Box) -> int:
    """The sample count of the tables in which it is not backed by bytes of the file."""
    offset = {b"stsz": 8, b"stz2": 8, b"trun": 4}.get(box.kind)
    if offset is None or box.end - box.start < offset + 4:
        return 0
    file.seek(box.start + offset)
    return int.from_bytes(file.read(4), "big")


def check_webm(file: BinaryIO, size_bytes: int) -> None:
    """Raise UnusableMedia unless the document is WebM and its segment is whole.

    A segment of unknown length (a live recording) is walked through instead.
    """
    file.seek(0)
    head = file.read(4096)
    kind, length, at = _element(head, 0)
    if kind != _EBML or length is None or at + length > len(head):
        raise UnusableMedia("The WebM has no header.")
    end = at + length
    doc_type = b""
    while at < end:
        kind, length, at = _element(head, at)
        if length is None or at + length > end:
            raise UnusableMedia("The WebM has a damaged header.")
        if kind == _DOC_TYPE:
            doc_type = head[at : at + length].rstrip(b"\0")
        at += length
    if doc_type != b"webm":
        raise UnusableMedia("The file is a Matroska file other than WebM.")
    kind, length, at = _element(head, end)
    if kind != _SEGMENT:
        raise UnusableMedia("The WebM holds no pictures.")
    if length is None:
        _walk_live_segment(file, at, size_bytes)
    elif at + length > size_bytes:
        raise UnusableMedia("The video is cut short.")


def _walk_live_segment(file: BinaryIO, at: int, size_bytes: int) -> None:
    """Raise UnusableMedia unless the last element of a segment of unknown length is whole.

    That finds a cut within an element; a cut between two leaves a shorter recording, and no trace.
    """
    seen = 0
    while at < size_bytes:
        file.seek(at)
        _, length, start = _element(file.read(12), 0)
        # Into a cluster of unknown length one steps; everything else is stepped over.
        at += start + (length or 0)
        seen += 1
        if seen > 4 * MAX_FRAMES:
            raise UnusableMedia("The video has an absurd number of parts.")
    if at > size_bytes:
        raise UnusableMedia("The video is cut short.")


def _element(data: bytes, at: int) -> tuple[int, int | None, int]:
    """(identifier, length or None if unknown, first byte of the content) of an EBML element."""
    kind_bytes = _vint_bytes(data, at, 4)
    length_bytes = _vint_bytes(data, at + kind_bytes, 8)
    start = at + kind_bytes + length_bytes
    if start > len(data):
        raise UnusableMedia("The video is cut short.")
    kind = int.from_bytes(data[at : at + kind_bytes], "big")
    mask = (1 << 7 * length_bytes) - 1
    length = int.from_bytes(data[at + kind_bytes : start], "big") & mask
    return kind, None if length == mask else length, start


def _vint_bytes(data: bytes, at: int, longest: int) -> int:
    """How many bytes the variable-length number at `at` takes: its leading zeros say so."""
    if at >= len(data):
        raise UnusableMedia("The video is cut short.")
    count = 9 - data[at].bit_length()
    if count > longest:
        raise UnusableMedia("The WebM has a damaged header.")
    return count
