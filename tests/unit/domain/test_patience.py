"""How long is waited: for a busy provider, and between two looks at a job."""

from datetime import timedelta

import pytest

from filmgate.domain.errors import (
    ContentRefused,
    ProviderError,
    ProviderKeyRefused,
    ProviderNotReached,
    ProviderOutcomeUnknown,
    ProviderRequestInvalid,
    ProviderThrottled,
    ProviderUnavailable,
)
from filmgate.domain.patience import Patience, next_look_s, retry_delay


def delay(
    error: ProviderError, *, tries: int = 1, others_wait: bool = False, jitter: float = 1.0
) -> float | None:
    told = retry_delay(error, tries=tries, others_wait=others_wait, jitter=lambda: jitter)
    return None if told is None else told / timedelta(seconds=1)


@pytest.mark.parametrize("leaf", [ProviderThrottled, ProviderUnavailable, ProviderNotReached])
def test_what_surely_was_not_accepted_is_asked_again(leaf: type[ProviderError]) -> None:
    assert delay(leaf("lumen", "busy")) == 2.0


@pytest.mark.parametrize(
    "leaf", [ContentRefused, ProviderKeyRefused, ProviderOutcomeUnknown, ProviderRequestInvalid]
)
def test_nothing_else_is_ever_asked_again(leaf: type[ProviderError]) -> None:
    assert delay(leaf("lumen", "no", retry_after_s=1)) is None


@pytest.mark.parametrize(("tries", "expected"), [(1, 2.0), (2, None), (3, None)])
def test_one_more_try_within_two_seconds_while_another_provider_waits(
    tries: int, expected: float | None
) -> None:
    assert delay(ProviderThrottled("lumen", "busy"), tries=tries, others_wait=True) == expected


@pytest.mark.parametrize(("tries", "expected"), [(1, 2.0), (2, 4.0), (3, None), (4, None)])
def test_the_last_provider_is_tried_three_times_with_growing_waits(
    tries: int, expected: float | None
) -> None:
    assert delay(ProviderThrottled("lumen", "busy"), tries=tries) == expected


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_the_wait_is_fully_jittered(jitter: float) -> None:
    assert delay(ProviderThrottled("lumen", "busy"), tries=2, jitter=jitter) == 4 * jitter


@pytest.mark.parametrize(
    ("told_s", "others_wait", "expected"),
    [
        (0.5, True, 0.5),
        (5.0, True, 5.0),
        (5.1, True, None),
        (5.1, False, 5.1),
        (120.0, False, 120.0),
        (120.5, False, None),
        (1e12, False, None),
        (float("inf"), False, None),
    ],
)
def test_a_vendors_own_delay_is_kept_to_up_to_a_cap_and_beyond_it_the_next_is_asked(
    told_s: float, others_wait: bool, expected: float | None
) -> None:
    error = ProviderThrottled("lumen", "busy", retry_after_s=told_s)

    assert delay(error, others_wait=others_wait) == expected


@pytest.mark.parametrize("told_s", [0.0, -1.0, -1e9])
def test_a_delay_that_is_none_counts_as_not_told(told_s: float) -> None:
    assert delay(ProviderThrottled("lumen", "busy", retry_after_s=told_s)) == 2.0


def test_a_vendors_own_delay_gives_no_further_try() -> None:
    error = ProviderThrottled("lumen", "busy", retry_after_s=1)

    assert delay(error, tries=2, others_wait=True) is None
    assert delay(error, tries=3) is None


@pytest.mark.parametrize(
    ("elapsed_s", "expected"),
    [
        (0, 120),  # the first look comes when the job should be done
        (100, 20),
        (118, 3),  # never sooner than three seconds
        (120, 24),  # later ones after a fifth of the time that has passed
        (200, 40),
        (1000, 60),  # and never later than a minute
    ],
)
def test_looks_come_first_when_the_job_should_be_done_and_then_ever_more_rarely(
    elapsed_s: float, expected: int
) -> None:
    assert next_look_s(expected_s=120, elapsed_s=elapsed_s, scale_percent=100) == expected


@pytest.mark.parametrize(("percent", "expected"), [(100, 120), (50, 60), (10, 12), (1, 1)])
def test_looks_can_be_scaled_for_a_simulator_but_stay_a_second_apart(
    percent: int, expected: int
) -> None:
    assert next_look_s(expected_s=120, elapsed_s=0, scale_percent=percent) == expected


WAITS = {
    "lease_margin": timedelta(seconds=60),
    "search_spacing": timedelta(seconds=60),
    "unseen_for": timedelta(minutes=2),
    "empty_for": timedelta(minutes=5),
    "recover_after": timedelta(minutes=5),
    "presumed_look_every": timedelta(hours=1),
}


def test_at_real_providers_doubts_are_looked_into_for_as_long_as_is_written() -> None:
    usual = Patience()

    assert {name: getattr(usual, name) for name in WAITS} == WAITS
    assert usual.presume_after == timedelta(hours=24)
    assert usual.presumed_look_for == timedelta(days=8)


def test_beside_simulators_every_wait_is_scaled_but_the_limit_of_doubt_is_as_it_was_told() -> None:
    hurried = Patience(scale_percent=5, presume_after=timedelta(seconds=30))

    assert {name: getattr(hurried, name) for name in WAITS} == {
        name: wait / 20 for name, wait in WAITS.items()
    }
    assert hurried.presume_after == timedelta(seconds=30)
    assert hurried.presumed_look_for == timedelta(seconds=30) + timedelta(days=7) / 20
