"""Decoding an untrusted still with Pillow: sizes before pixels, one frame, no half pictures.

Pillow's own limits (13.0, read in its source 2026-11: 89 megapixels, 64 MB of text chunks in a PNG)
stay in force behind these.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filmgate_media.errors import UnusableMedia
from filmgate_media.limits import check_size, check_still_bytes
from filmgate_media.signatures import JPEG, PNG, WEBP

if TYPE_CHECKING:
    from PIL import Image

_FORMATS = {PNG: "PNG", JPEG: "JPEG", WEBP: "WEBP"}
_EXIF_ORIENTATION = 0x0112
# An encoder writes about ten scans. Each costs a pass over the whole picture however short it is,
# so thousands of empty ones would keep a small file busy for hours.
_MAX_JPEG_SCANS = 100


def decode_still(data: bytes, media_type: str) -> Image.Image:
    """The fully decoded picture in its own mode, not yet turned upright.

    Raises UnusableMedia for anything but one whole PNG, JPEG or WebP frame within the limits.
    MemoryError is left alone: sizes were checked, so it is the machine's trouble, not the file's.
    """
    from PIL import Image

    check_still_bytes(len(data))
    _check_before_opening(data, media_type)
    try:
        with _silence():
            return _decoded(data, media_type)
    except (UnusableMedia, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise UnusableMedia("The picture has more than 33 megapixels.") from None
    except Exception as error:
        # Pillow's plugins raise whatever their parsing trips over: OSError, SyntaxError,
        # ValueError, struct.error and more. All of it is this file's fault: it came from memory.
        raise UnusableMedia("The image is damaged or cut short.") from error


def _decoded(data: bytes, media_type: str) -> Image.Image:
    from PIL import Image

    image = Image.open(io.BytesIO(data), formats=[_FORMATS[media_type]])
    check_size(*image.size)
    # A JPEG may carry further pictures (depth, gain map); its first one is the photograph.
    if media_type != JPEG and getattr(image, "n_frames", 1) > 1:
        raise UnusableMedia("The image is animated; a still is needed.")
    image.load()
    return image


@contextmanager
def _silence() -> Iterator[None]:
    """Pillow warns about what the file itself wrote; that is neither news nor for a log."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 (upright) where there is none or it cannot be read."""
    try:
        with _silence():
            value = image.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height as a viewer shows the picture."""
    width, height = image.size
    return (height, width) if orientation(image) >= 5 else (width, height)


def upright(image: Image.Image) -> Image.Image:
    """The picture as a viewer shows it."""
    from PIL import Image

    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    turn = turns.get(orientation(image))
    return image if turn is None else image.transpose(turn)


def _check_before_opening(data: bytes, media_type: str) -> None:
    if media_type == PNG:
        _check_png(data)
    elif media_type == WEBP:
        _check_webp(data)
    elif data.count(b"\xff\xda") > _MAX_JPEG_SCANS:
        raise UnusableMedia("The JPEG has an absurd number of scans.")


def _check_png(data: bytes) -> None:
    """Refuse a PNG by its chunks: Pillow accepts one that ends before IEND."""
    if len(data) < 33:
        raise UnusableMedia("The PNG is cut short.")
    if data[8:16] != b"\0\0\0\x0dIHDR":
        raise UnusableMedia("The PNG has no header.")
    check_size(int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big"))
    at = 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        at += 12 + length
        if kind == b"IEND" and at <= len(data):
            return
    raise UnusableMedia("The PNG is cut short.")


def _check_webp(data: bytes) -> None:
    """Refuse a WebP by its RIFF header: libwebp reserves the whole canvas as soon as it opens."""
    if len(data) < 30 or int.from_bytes(data[4:8], "little") + 8 > len(data):
        raise UnusableMedia("The WebP is cut short.")
    match data[12:16]:
        case b"VP8X":
            if data[20] & 0x02:
                raise UnusableMedia("The image is animated; a still is needed.")
            width = int.from_bytes(data[24:27], "little") + 1
            height = int.from_bytes(data[27:30], "little") + 1
        case b"VP8 ":
            width = int.from_bytes(data[26:28], "little") & 0x3FFF
            height = int.from_bytes(data[28:30], "little") & 0x3FFF
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case _:
            raise UnusableMedia("The WebP has no picture.")
    check_size(width, height)
