"""The camera moves as functions: where they start and end, how they get there."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmgate_media.moves import BOX_AT, PAN_WINDOW, PUSH_ZOOM, Motion, eased, frame_progress

WHOLE = (0.0, 0.0, 1.0, 1.0)
EDGE = (1 - 1 / PUSH_ZOOM) / 2
CLOSE = (EDGE, EDGE, 1 - EDGE, 1 - EDGE)
GAP = (1 - PAN_WINDOW) / 2
LEFT = (0.0, GAP, PAN_WINDOW, 1 - GAP)
RIGHT = (1 - PAN_WINDOW, GAP, 1.0, 1 - GAP)
TOP = (GAP, 0.0, 1 - GAP, PAN_WINDOW)
BOTTOM = (GAP, 1 - PAN_WINDOW, 1 - GAP, 1.0)


@pytest.mark.parametrize(
    ("motion", "first", "last"),
    [
        (Motion.PUSH_IN, WHOLE, CLOSE),
        (Motion.PULL_OUT, CLOSE, WHOLE),
        (Motion.PAN_LEFT, RIGHT, LEFT),
        (Motion.PAN_RIGHT, LEFT, RIGHT),
        (Motion.TILT_UP, BOTTOM, TOP),
        (Motion.TILT_DOWN, TOP, BOTTOM),
    ],
)
def test_a_move_goes_from_its_first_box_to_its_last(
    motion: Motion, first: tuple[float, ...], last: tuple[float, ...]
) -> None:
    assert BOX_AT[motion](0.0) == pytest.approx(first)
    assert BOX_AT[motion](1.0) == pytest.approx(last)


def test_every_motion_has_a_move() -> None:
    assert set(BOX_AT) == set(Motion)


@given(motion=st.sampled_from(Motion), progress=st.floats(0, 1))
def test_a_box_stays_in_the_picture_and_keeps_its_shape(motion: Motion, progress: float) -> None:
    left, top, right, bottom = BOX_AT[motion](progress)

    assert -1e-12 <= left < right <= 1 + 1e-12
    assert -1e-12 <= top < bottom <= 1 + 1e-12
    assert right - left == pytest.approx(bottom - top)


@given(progress=st.floats(0, 1))
def test_a_push_magnifies_by_the_same_factor_in_equal_parts_of_the_way(progress: float) -> None:
    def width(at: float) -> float:
        left, _, right, _ = BOX_AT[Motion.PUSH_IN](at)
        return right - left

    assert width(progress / 2) ** 2 == pytest.approx(width(0) * width(progress))


def test_easing_starts_and_ends_at_rest() -> None:
    assert (eased(0.0), eased(0.5), eased(1.0)) == (0.0, 0.5, 1.0)
    assert eased(0.01) < 0.00001
    assert 1 - eased(0.99) < 0.00001


@given(frames=st.integers(24, 3600))
def test_no_frame_goes_back_and_none_outruns_the_greatest_speed(frames: int) -> None:
    places = [frame_progress(number, frames) for number in range(frames)]

    strides = [later - earlier for earlier, later in itertools.pairwise(places)]
    assert (places[0], places[-1]) == (0.0, 1.0)
    assert min(strides) >= 0
    assert max(strides) <= 1.875 / (frames - 1) + 1e-12
