"""The media layer behind ports: imported on first use, only functions that have it call it."""

from pathlib import Path
from typing import TYPE_CHECKING

from filmgate.domain.errors import ResultUnusable

if TYPE_CHECKING:
    from filmgate.usecases.steps import Inspection


def inspect_bytes(data: bytes) -> "Inspection":
    """Measure a result held in memory; raises ResultUnusable with the public reason."""
    from filmgate_media.errors import UnusableMedia
    from filmgate_media.inspect import inspect_bytes as measure

    try:
        return measure(data)
    except UnusableMedia as error:
        raise ResultUnusable("result", str(error)) from error


def inspect_file(path: Path) -> "Inspection":
    """Measure a result on disk; raises ResultUnusable with the public reason."""
    from filmgate_media.errors import UnusableMedia
    from filmgate_media.inspect import inspect as measure

    try:
        return measure(path)
    except UnusableMedia as error:
        raise ResultUnusable("result", str(error)) from error


def camera_move(
    still: bytes, out: Path, *, motion: str, width: int, height: int, duration_s: int, fps: int
) -> None:
    """Render a camera move over a still; raises ResultUnusable when the still is none."""
    from filmgate_media.errors import UnusableMedia
    from filmgate_media.flow import Motion, render

    try:
        render(
            still,
            out,
            motion=Motion(motion),
            width=width,
            height=height,
            duration_s=duration_s,
            fps=fps,
        )
    except UnusableMedia as error:
        raise ResultUnusable("flow", str(error)) from error
