"""What a picture or a clip may measure before anything is decoded.

The figures are Filmgate's own rules for files: 33 megapixels, 25 MB a still, 1 GB a clip.
"""

from filmgate_media.errors import UnusableMedia

MAX_STILL_BYTES = 25_000_000
MAX_CLIP_BYTES = 1_000_000_000
# "33 megapixels" is one 8K frame, to the pixel, so that 8K itself passes.
MAX_PIXELS = 7680 * 4320
MIN_SIDE_PX = 16
MAX_SIDE_PX = 32_768


def check_still_bytes(size_bytes: int) -> None:
    """Raise UnusableMedia when a still is larger than 25 MB."""
    if size_bytes > MAX_STILL_BYTES:
        raise UnusableMedia("The image is larger than 25 MB.")


def check_clip_bytes(size_bytes: int) -> None:
    """Raise UnusableMedia when a clip is larger than 1 GB."""
    if size_bytes > MAX_CLIP_BYTES:
        raise UnusableMedia("The video is larger than 1 GB.")


def check_size(width: int, height: int) -> None:
    """Raise UnusableMedia when the size in pixels is absurd or a decompression bomb."""
    if min(width, height) < MIN_SIDE_PX:
        raise UnusableMedia(f"The picture is smaller than {MIN_SIDE_PX} pixels on a side.")
    if width * height > MAX_PIXELS:
        raise UnusableMedia("The picture has more than 33 megapixels.")
    if max(width, height) > MAX_SIDE_PX:
        raise UnusableMedia(f"The picture is longer than {MAX_SIDE_PX} pixels on a side.")
