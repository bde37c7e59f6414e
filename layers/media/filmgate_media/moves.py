"""Camera moves as pure functions: which part of a picture fills the frame, when.

A move is one small function `box_at(progress) -> (left, top, right, bottom)`. Coordinates are of
the source picture, already cropped to the clip's shape: (0, 0) is its top left corner, (1, 1) its
bottom right one, whatever its pixels. `progress` is eased and runs from 0 (first frame) to 1
(last frame). A new move is a function here and a line in BOX_AT.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType

Box = tuple[float, float, float, float]
BoxAt = Callable[[float], Box]

# How much closer the near end of a push is, and how much of the picture a pan leaves out of frame.
# A quarter reads as a clear move in a five-second shot and still shows most of the picture.
PUSH_ZOOM = 1.25
PAN_WINDOW = 1 / 1.2


class Motion(StrEnum):
    """The camera's own direction: in `pan_left` the camera turns left, so things move right."""

    PUSH_IN = "push_in"
    PULL_OUT = "pull_out"
    PAN_LEFT = "pan_left"
    PAN_RIGHT = "pan_right"
    TILT_UP = "tilt_up"
    TILT_DOWN = "tilt_down"


def eased(progress: float) -> float:
    """Smootherstep, 6p^5 - 15p^4 + 10p^3: speed and acceleration are zero at both ends.

    The greatest speed, half way, is 1.875 times that of an even move. Source: K. Perlin,
    "Improving Noise", SIGGRAPH 2002.
    """
    return progress * progress * progress * (progress * (progress * 6 - 15) + 10)


def frame_progress(frame: int, frames: int) -> float:
    """Eased progress of frame number `frame` (from 0) of `frames`, 2 or more."""
    return eased(frame / (frames - 1))


def push_in(progress: float) -> Box:
    """From the whole picture to its middle; each moment magnifies by the same factor."""
    half = 0.5 * PUSH_ZOOM**-progress
    return (0.5 - half, 0.5 - half, 0.5 + half, 0.5 + half)


def pull_out(progress: float) -> Box:
    """`push_in` backwards."""
    return push_in(1 - progress)


def pan_right(progress: float) -> Box:
    """From the left border to the right one, at middle height."""
    left = (1 - PAN_WINDOW) * progress
    top = (1 - PAN_WINDOW) / 2
    return (left, top, left + PAN_WINDOW, top + PAN_WINDOW)


def pan_left(progress: float) -> Box:
    """`pan_right` backwards."""
    return pan_right(1 - progress)


def tilt_down(progress: float) -> Box:
    """From the upper border to the lower one, in the middle."""
    left, top, right, bottom = pan_right(progress)
    return (top, left, bottom, right)


def tilt_up(progress: float) -> Box:
    """`tilt_down` backwards."""
    return tilt_down(1 - progress)


BOX_AT: Mapping[Motion, BoxAt] = MappingProxyType(
    {
        Motion.PUSH_IN: push_in,
        Motion.PULL_OUT: pull_out,
        Motion.PAN_LEFT: pan_left,
        Motion.PAN_RIGHT: pan_right,
        Motion.TILT_UP: tilt_up,
        Motion.TILT_DOWN: tilt_down,
    }
)
