"""What one user may start and have in flight, over HTTP."""

import pytest

from filmgate.adapters.table import StudioTable
from filmgate.domain.errors import StoreUnavailable
from tests.functions.support import (
    Answer,
    Clock,
    Deployment,
    altered,
    asked_by,
    assert_problem,
    sample,
)
from tests.functions.vendors import DALLE, ScriptedEgress, dalle_picture, picture


def post(studio: Deployment, key: str, user: str = "ann") -> Answer:
    event = altered(sample("generate", "image"), headers={"idempotency-key": key})
    return studio.route(asked_by(event, role="creator", user=user))


def test_the_installation_s_own_limits_leave_room_for_hundreds_at_once(studio: Deployment) -> None:
    given = studio.environment("generate")

    assert [given[f"USER_{name}"] for name in ("RATE_PER_MINUTE", "RATE_BURST", "IN_FLIGHT")] == [
        "600", "600", "500",
    ]  # fmt: skip


def test_a_user_who_goes_too_fast_is_429_and_told_when_to_come_back(
    studio: Deployment, clock: Clock
) -> None:
    studio.chosen |= {"UserRatePerMinute": "6", "UserRateBurst": "2"}
    studio.give_key("dalle")
    started = [post(studio, f"key-{number}").status for number in range(2)]

    refused = post(studio, "key-2")
    replayed = post(studio, "key-1")
    another = post(studio, "key-2", user="ben")
    clock.pass_s(10)
    again = post(studio, "key-2")

    problem = assert_problem(refused, 429, "rate-limited")
    assert (refused.headers["retry-after"], problem["retryAfter"]) == ("10", 10)
    assert [*started, replayed.status, another.status, again.status] == [202, 202, 200, 202, 202]


def test_too_many_in_flight_is_429_until_one_ends(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    studio.chosen |= {"UserInFlight": "1"}
    studio.give_key("dalle")
    vendors.will(DALLE, dalle_picture(picture(1536, 864)))
    first = post(studio, "key-1").json

    refused = post(studio, "key-2")
    studio.run(first["id"])
    after = post(studio, "key-2")

    problem = assert_problem(refused, 429, "too-many-in-flight")
    assert (refused.headers["retry-after"], problem["retryAfter"]) == ("5", 5)
    assert after.status == 202
    assert len(studio.executions()) == 2


def test_a_budget_without_room_is_told_before_the_limits_of_a_user(studio: Deployment) -> None:
    studio.chosen |= {"UserInFlight": "1", "DefaultMonthlyLimitMicros": "20000"}
    studio.give_key("dalle")
    post(studio, "key-1")

    assert_problem(post(studio, "key-2"), 402, "budget-exceeded")


def test_storyboards_have_a_limit_of_their_own_and_share_the_rate(studio: Deployment) -> None:
    studio.chosen |= {"UserStoryboards": "1", "UserRateBurst": "2", "UserRatePerMinute": "1"}
    studio.give_key("dalle")
    board = sample("storyboards", "two-shots")

    first = studio.call("storyboards", board)
    refused = studio.call("storyboards", altered(board, headers={"idempotency-key": "another"}))
    post(studio, "key-1", user="ann")
    too_fast = post(studio, "key-2", user="ann")

    problem = assert_problem(refused, 429, "too-many-in-flight")
    assert (refused.headers["retry-after"], problem["retryAfter"]) == ("60", 60)
    assert first.status == 202
    assert_problem(too_fast, 429, "rate-limited")


def test_limits_that_cannot_be_read_let_nothing_begin(
    studio: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.give_key("dalle")

    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    post(studio, "key-1")
    monkeypatch.setattr(StudioTable, "flight", away)
    answer = post(studio, "key-2")

    assert_problem(answer, 503, "ledger-unavailable")
    assert len(studio.executions()) == 1
