"""The breaker opens after failures, lets one attempt probe, and closes after a success."""

from datetime import timedelta

import pytest

from filmgate.domain.errors import ErrorClass
from filmgate.domain.health import (
    BreakerState,
    Health,
    after_failure,
    after_success,
    claim_probe,
    closed,
)
from tests.support.builders import NOW

MINUTE = timedelta(minutes=1)


def fail(health: Health, times: int = 1, code: str = "unavailable") -> Health:
    for _ in range(times):
        health = after_failure(health, error_class=ErrorClass.RETRY, code=code, now=NOW)
    return health


def test_four_failures_leave_the_breaker_closed_and_the_fifth_opens_it_for_a_minute() -> None:
    four, five = fail(Health(), 4), fail(Health(), 5)

    assert four.breaker(NOW) is BreakerState.CLOSED
    assert five.breaker(NOW + MINUTE - timedelta(seconds=1)) is BreakerState.OPEN
    assert five.breaker(NOW + MINUTE) is BreakerState.HALF_OPEN
    assert five.reason == "unavailable"


def test_every_further_failure_opens_it_twice_as_long_up_to_a_quarter_of_an_hour() -> None:
    health, lengths = fail(Health(), 4), []
    for _ in range(7):
        health = fail(health)
        assert health.open_until is not None
        lengths.append(int((health.open_until - NOW) / MINUTE))

    assert lengths == [1, 2, 4, 8, 15, 15, 15]


@pytest.mark.parametrize("code", ["key-refused", "quota-exhausted", "retired"])
def test_what_somebody_must_mend_opens_it_at_once_and_for_long(code: str) -> None:
    health = after_failure(Health(), error_class=ErrorClass.FALLBACK, code=code, now=NOW)

    assert health.open_until == NOW + 15 * MINUTE


@pytest.mark.parametrize("error_class", [ErrorClass.REJECT, ErrorClass.INVALID])
def test_a_refusal_of_content_is_not_a_failure_of_the_provider(error_class: ErrorClass) -> None:
    health = Health()
    for _ in range(10):
        health = after_failure(health, error_class=error_class, code="content-refused", now=NOW)

    assert health.breaker(NOW) is BreakerState.CLOSED
    assert (health.attempts, health.successes) == (10, 0)


def test_a_success_in_between_starts_the_count_again() -> None:
    health = after_success(fail(Health(), 4), duration=MINUTE, cost=100)

    assert fail(health, 4).breaker(NOW) is BreakerState.CLOSED


def test_a_probe_keeps_everybody_else_out_for_a_minute() -> None:
    waiting = claim_probe(fail(Health(), 5), NOW + MINUTE)

    assert waiting.breaker(NOW + MINUTE) is BreakerState.OPEN
    assert waiting.breaker(NOW + 2 * MINUTE) is BreakerState.HALF_OPEN


def test_a_success_or_a_change_of_settings_closes_it() -> None:
    broken = fail(Health(), 6)

    assert after_success(broken, duration=MINUTE, cost=0).breaker(NOW) is BreakerState.CLOSED
    assert closed(broken).breaker(NOW) is BreakerState.CLOSED
    assert closed(broken).attempts == 6


def test_figures_are_those_of_the_successes() -> None:
    health = Health()
    for seconds in range(1, 101):
        health = after_success(health, duration=timedelta(seconds=seconds), cost=10_000)
    health = fail(health, 3)

    assert health.success_percent == 97
    assert health.average_cost == 10_000
    assert (health.percentile_ms(50), health.percentile_ms(95)) == (75_000, 98_000)
    assert len(health.durations_ms) == 50


def test_nothing_is_observed_before_the_first_attempt() -> None:
    assert (Health().success_percent, Health().average_cost, Health().percentile_ms(50)) == (
        None,
        None,
        None,
    )
