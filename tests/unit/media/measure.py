"""Where things are in the frames of a clip, to a hundredth of a pixel."""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
from PIL import Image, ImageDraw

from filmgate_media.flow import Motion
from filmgate_media.moves import BOX_AT, frame_progress

Point = tuple[float, float]

DISC_RADIUS = 7
REACH = 18
# The patch under a disc: 89 is this grey's luma in limited range, exactly.
DARK, DARK_LUMA = 85, 89


def still_with_discs(size: tuple[int, int], discs: Sequence[tuple[int, int]]) -> bytes:
    """A soft, photograph-like picture with white discs on dark patches, as PNG."""
    grain = Image.effect_noise((size[0] // 4, size[1] // 4), 60)
    background = grain.resize(size, Image.Resampling.BICUBIC)
    side, finer = 80, 8
    near, far = (finer * (side // 2 + sign * DISC_RADIUS) for sign in (-1, 1))
    patch = Image.new("L", (side * finer, side * finer), DARK)
    ImageDraw.Draw(patch).ellipse((near, near, far - 1, far - 1), fill=255)
    patch = patch.resize((side, side), Image.Resampling.BOX)
    for x, y in discs:
        background.paste(patch, (x - side // 2, y - side // 2))
    data = io.BytesIO()
    background.convert("RGB").save(data, "PNG", compress_level=1)
    return data.getvalue()


def frames_of(path: Path) -> Iterator[av.VideoFrame]:
    with av.open(str(path)) as container:
        yield from container.decode(video=0)


def luma_of(frame: av.VideoFrame) -> Image.Image:
    plane = frame.planes[0]
    size = (frame.width, frame.height)
    return Image.frombuffer("L", size, bytes(plane), "raw", "L", plane.line_size, 1)


def centroid(luma: Image.Image, near: Point) -> Point:
    """The centre of mass of what differs from the patch, around `near`.

    The weights are linear, so that a symmetric blur moves nothing; the encoder's noise on the
    patch is left out.
    """
    left, top = round(near[0]) - REACH, round(near[1]) - REACH
    window = luma.crop((left, top, left + 2 * REACH, top + 2 * REACH)).tobytes()
    mass = x_mass = y_mass = 0.0
    for at, value in enumerate(window):
        weight = value - DARK_LUMA
        if abs(weight) > 2:
            mass += weight
            x_mass += weight * (at % (2 * REACH) + 0.5)
            y_mass += weight * (at // (2 * REACH) + 0.5)
    return left + x_mass / mass, top + y_mass / mass


def ideal(
    motion: Motion,
    share: Point,
    *,
    number: int,
    frames: int,
    size: tuple[int, int],
) -> Point:
    """Where a place of the still, given as a share of its sides, belongs in frame `number`."""
    left, top, right, bottom = BOX_AT[motion](frame_progress(number, frames))
    return (
        (share[0] - left) / (right - left) * size[0],
        (share[1] - top) / (bottom - top) * size[1],
    )


def steps(errors: Sequence[Point]) -> list[float]:
    """How far the error moves from each frame to the next."""
    return [math.dist(one, other) for one, other in itertools.pairwise(errors)]


def root_mean_square(values: Sequence[float]) -> float:
    return math.sqrt(sum(value * value for value in values) / len(values))
