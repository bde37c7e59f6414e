"""The token bucket as one moment, and what a generation's change adds to a user's number."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmgate.domain.errors import RateLimited, TooManyInFlight
from filmgate.domain.generations import GenerationState
from filmgate.domain.pace import Flight, Pace, Start, flight_step, started
from tests.support.builders import NOW, generation

TWO_AT_ONCE = Pace(per_minute=60, burst=2, in_flight=100)
STATES = list(GenerationState)


def start(after_s: float = 0, pace: Pace = TWO_AT_ONCE) -> Start:
    return Start(pace, NOW + timedelta(seconds=after_s))


def test_a_user_who_rested_may_start_a_burst_and_not_one_more() -> None:
    flight = started(started(Flight(), start()), start())

    with pytest.raises(RateLimited) as refused:
        started(flight, start())

    assert flight.in_flight == 2
    assert refused.value.facts == {"retryAfter": 1}


def test_a_token_comes_back_with_its_time() -> None:
    flight = started(started(Flight(), start()), start())

    with pytest.raises(RateLimited):
        started(flight, start(0.999999))
    again = started(flight, start(1))

    assert again.in_flight == 3
    with pytest.raises(RateLimited):
        started(again, start(1))


def test_the_answer_says_when_the_next_one_may_start_in_whole_seconds() -> None:
    slow = Pace(per_minute=7, burst=1, in_flight=9)
    flight = started(Flight(), start(pace=slow))

    with pytest.raises(RateLimited) as refused:
        started(flight, start(0.5, slow))

    assert refused.value.facts == {"retryAfter": 9}  # 60 / 7 s, and half a second has passed
    assert started(flight, start(0.5 + 9, slow)).in_flight == 2


def test_a_long_rest_saves_up_no_more_than_a_burst() -> None:
    flight = started(Flight(), start())

    for _ in range(2):
        flight = started(flight, start(3600))

    with pytest.raises(RateLimited):
        started(flight, start(3600))


@given(
    per_minute=st.integers(1, 6000),
    burst=st.integers(1, 50),
    pauses=st.lists(st.integers(0, 5_000_000), min_size=1, max_size=200),
)
def test_in_no_stretch_of_time_does_anybody_start_more_than_burst_and_rate_allow(
    per_minute: int, burst: int, pauses: list[int]
) -> None:
    pace = Pace(per_minute, burst, in_flight=1000)
    flight, now_us, admitted = Flight(), 0, []

    for pause in pauses:
        now_us += pause
        try:
            flight = started(flight, Start(pace, NOW + timedelta(microseconds=now_us)))
        except RateLimited:
            continue
        admitted.append(now_us)

    assert admitted[0] == pauses[0]
    for i, first in enumerate(admitted):
        for j, last in enumerate(admitted[i:], start=1):
            assert (j - burst) * 60_000_000 <= (last - first) * per_minute


def test_what_is_in_flight_is_bounded_and_that_is_said_before_the_rate() -> None:
    pace = Pace(per_minute=1, burst=1, in_flight=1)
    flight = started(Flight(), start(pace=pace))

    with pytest.raises(TooManyInFlight) as refused:
        started(flight, start(pace=pace))

    assert refused.value.facts == {"retryAfter": 5}


@pytest.mark.parametrize("after", STATES)
@pytest.mark.parametrize("before", [None, *STATES])
def test_a_generation_is_counted_from_its_record_to_its_end(
    before: GenerationState | None, after: GenerationState
) -> None:
    def in_flight(state: GenerationState | None) -> int:
        return int(state in ("queued", "running", "storing"))

    was = None if before is None else generation(state=before)

    assert flight_step(was, generation(state=after)) == in_flight(after) - in_flight(before)
