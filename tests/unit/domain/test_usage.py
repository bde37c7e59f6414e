"""An attempt as a row: its status, and what differs from the order."""

from dataclasses import replace

import pytest

from filmgate.domain import totals
from filmgate.domain.attempts import Attempt, AttemptState
from filmgate.domain.catalogue import Sound
from filmgate.domain.facts import Delivered, Reported
from filmgate.domain.usage import (
    Difference,
    Status,
    What,
    differences,
    ordered_of,
    status_of,
    was_skipped,
)
from tests.support.builders import (
    attempt,
    clip_link,
    clip_wish,
    failure,
    generation,
    usd,
)

S = AttemptState
CLIP = generation(clip_link(resolution="1080p", width=1920, height=1080), wish=clip_wish())
ORDERED = ordered_of(CLIP, CLIP.chain[0])


def delivered(width: int = 1920, height: int = 1080, ms: int = 5000, **more: object) -> Attempt:
    come = Delivered(width, height, ms, **more)
    return attempt(S.STORED, ordered=ORDERED, delivered=come, actual_micros=usd("0.0200"))


@pytest.mark.parametrize(
    ("state", "failed", "status"),
    [
        (S.RESERVED, False, Status.PENDING),
        (S.SUBMITTING, False, Status.PENDING),
        (S.ACCEPTED, False, Status.PENDING),
        (S.IN_DOUBT, True, Status.PENDING),
        (S.OVERDUE, True, Status.PENDING),
        (S.PAID, False, Status.SUCCESS),
        (S.PAID, True, Status.FAILED),
        (S.STORED, False, Status.SUCCESS),
        (S.PRESUMED, True, Status.FAILED),
        (S.RELEASED, True, Status.FAILED),
    ],
)
def test_a_row_is_pending_while_money_is_held_and_a_success_when_it_is_paid_for_something(
    state: AttemptState, failed: bool, status: Status
) -> None:
    assert status_of(attempt(state, failure=failure() if failed else None)) is status


def test_only_an_attempt_that_never_held_money_was_skipped() -> None:
    assert was_skipped(attempt(S.RELEASED, version=1))
    assert not was_skipped(attempt(S.RELEASED, version=2))
    assert not was_skipped(attempt(S.RESERVED, version=1))


def test_what_came_as_ordered_differs_in_nothing() -> None:
    assert differences(delivered()) == ()
    assert differences(delivered(ms=5500)) == ()
    assert differences(delivered(has_audio=True)) == ()


@pytest.mark.parametrize(
    ("ordered", "came", "difference"),
    [
        (None, True, ()),
        (None, False, ()),
        (Sound.OFF, None, ()),
        (Sound.OFF, False, ()),
        (Sound.ON, True, ()),
        (Sound.OFF, True, (Difference(What.SOUND, "off", "on", "track"),)),
        (Sound.ON, False, (Difference(What.SOUND, "on", "off", "track"),)),
    ],
)
def test_sound_is_judged_where_the_order_says_something_of_it(
    ordered: Sound | None, came: bool | None, difference: tuple
) -> None:
    asked = ordered_of(CLIP, replace(CLIP.chain[0], sound=ordered))

    assert differences(replace(delivered(has_audio=came), ordered=asked)) == difference


def test_more_results_than_the_one_that_is_ordered_are_a_difference_even_if_none_can_be_used() -> (
    None
):
    spoilt = attempt(
        S.PAID, ordered=ORDERED, reported=Reported(results=4), actual_micros=usd("0.0200")
    )

    assert differences(spoilt) == (Difference(What.COUNT, "1", "4", "results"),)


@pytest.mark.parametrize(
    ("come", "difference"),
    [
        ({"width": 1280, "height": 720}, (What.SIZE, "1920x1080", "1280x720", "pixels")),
        ({"ms": 5501}, (What.DURATION, "5", "5.5", "s")),
        ({"ms": 4400}, (What.DURATION, "5", "4.4", "s")),
    ],
)
def test_another_size_or_length_is_a_difference(come: dict, difference: tuple) -> None:
    assert differences(delivered(**come)) == (Difference(*difference),)


def test_another_bill_than_the_estimate_is_a_difference() -> None:
    billed = replace(delivered(), actual_micros=usd("0.0300"))

    assert differences(billed) == (Difference(What.COST, "0.0200", "0.0300", "USD"),)


def test_nothing_is_compared_before_it_came() -> None:
    assert differences(attempt(S.ACCEPTED, ordered=ORDERED)) == ()


def test_what_was_passed_over_contributes_nothing() -> None:
    assert totals.contribution(attempt(S.RELEASED, version=1)) == {}


def test_a_movement_is_what_an_attempt_contributes_less_what_it_did() -> None:
    held = attempt(S.ACCEPTED, version=3, ordered=ORDERED)
    paid = attempt(S.PAID, version=4, ordered=ORDERED, actual_micros=usd("0.0100"))

    assert totals.movement(held, paid) == {
        "succeeded": 1,
        "estimated_settled": usd("0.0200"),
        "day_22": usd("0.0100"),
        "provider_lumen": usd("0.0100"),
        "type_video": usd("0.0100"),
    }
    assert totals.movement(None, held) == {"count": 1, "estimated": usd("0.0200")}
    assert totals.movement(paid, replace(paid, version=5)) == {}


def test_a_result_that_turns_out_unusable_moves_counts_and_no_money() -> None:
    paid = attempt(S.PAID, version=4, ordered=ORDERED, actual_micros=usd("0.0100"))

    assert totals.movement(paid, replace(paid, version=5, failure=failure())) == {
        "succeeded": -1,
        "failed": 1,
    }
