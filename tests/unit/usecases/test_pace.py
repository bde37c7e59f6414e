"""What one user may start and have in flight: only what is admitted counts, until it ends."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from filmgate.domain.errors import (
    BudgetExceeded,
    CostLimitExceeded,
    IdempotencyKeyReused,
    RateLimited,
    StoreUnavailable,
    TooManyInFlight,
)
from filmgate.domain.pace import Pace
from filmgate.usecases.cancel import cancel
from tests.support.builders import NOW, PERIOD, TENANT, principal, request, usd
from tests.support.fakes import FakeWorkflow
from tests.unit.usecases.test_generate import Gate

WIDE = Pace(per_minute=600, burst=600, in_flight=500)
THREE = Pace(per_minute=1, burst=100, in_flight=3)
FAST = Pace(per_minute=60, burst=3, in_flight=100)


def in_flight(gate: Any, user: str = "ada") -> int:
    return gate.studio.flights[TENANT, user].in_flight


def start(gate: Gate, count: int, pace: Pace, **others: Any) -> None:
    for number in range(count):
        gate.generate(key=f"key {number}", pace=pace, **others)


def test_what_has_not_ended_counts_and_the_next_one_is_refused() -> None:
    gate = Gate()
    start(gate, 3, THREE)

    with pytest.raises(TooManyInFlight):
        gate.generate(key="one more", pace=THREE)

    assert (in_flight(gate), len(gate.studio.generations), len(gate.workflow.started)) == (3, 3, 3)
    assert gate.budget().held == usd("0.0600")


def test_the_rate_is_refused_and_comes_back() -> None:
    gate = Gate()
    start(gate, 3, FAST)

    with pytest.raises(RateLimited) as refused:
        gate.generate(key="one more", pace=FAST)
    gate.generate(key="one more", pace=FAST, now=NOW + timedelta(seconds=1))

    assert refused.value.facts == {"retryAfter": 1}
    assert in_flight(gate) == 4


def test_users_have_limits_of_their_own() -> None:
    gate = Gate()
    start(gate, 3, THREE)

    gate.generate(key="one more", pace=THREE, by=principal(user="ben"))

    assert (in_flight(gate, "ada"), in_flight(gate, "ben")) == (3, 1)


def test_a_replay_is_not_counted_and_never_refused() -> None:
    gate = Gate()
    start(gate, 3, THREE)

    for _ in range(5):
        assert gate.generate(key="key 1", pace=THREE).replayed

    assert in_flight(gate) == 3


def test_a_key_that_was_used_for_another_request_is_not_counted() -> None:
    gate = Gate()
    start(gate, 1, THREE)

    with pytest.raises(IdempotencyKeyReused):
        gate.generate(key="key 0", pace=THREE, request_hash="another")

    assert in_flight(gate) == 1


def test_what_is_refused_for_money_is_not_counted() -> None:
    gate = Gate()

    with pytest.raises(BudgetExceeded):
        gate.generate(pace=THREE, default_limit=usd("0.0100"))
    with pytest.raises(CostLimitExceeded):
        gate.generate(request(cost_limit=usd("0.0010")), pace=THREE)

    assert dict(gate.studio.flights).get((TENANT, "ada")) is None


def test_the_budget_speaks_before_the_limits_of_a_user() -> None:
    gate = Gate()
    start(gate, 3, THREE, default_limit=usd("0.0600"))

    with pytest.raises(BudgetExceeded):
        gate.generate(key="one more", pace=THREE)


def test_no_pace_counts_without_a_bound() -> None:
    gate = Gate()

    start(gate, 5, None)

    assert in_flight(gate) == 5


def test_a_generation_that_could_not_be_started_is_taken_back() -> None:
    gate = Gate(FakeWorkflow(StoreUnavailable("away")))

    with pytest.raises(StoreUnavailable):
        gate.generate(key=None, pace=THREE)

    assert in_flight(gate) == 0
    assert gate.studio.balances_disagree() == []


def test_cancelling_before_anything_was_sent_makes_room_at_once() -> None:
    gate = Gate()
    start(gate, 3, THREE)
    (one, *_) = (name for _, name in gate.studio.generations)

    cancel(one, principal=principal(), studio=gate.studio, now=NOW)

    gate.generate(key="one more", pace=THREE)
    assert in_flight(gate) == 3


def test_many_at_once_get_exactly_what_is_left() -> None:
    gate = Gate()
    ten = Pace(per_minute=600, burst=600, in_flight=10)

    def post(number: int) -> str:
        try:
            gate.generate(key=f"key {number}", pace=ten)
        except TooManyInFlight:
            return "429"
        return "202"

    with ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(post, range(80)))

    assert (answers.count("202"), answers.count("429")) == (10, 70)
    assert in_flight(gate) == len(gate.studio.generations) == 10


def test_two_hundred_clients_on_a_dollar_meet_the_budget_and_not_the_usual_limits() -> None:
    gate = Gate()

    def post(number: int) -> str:
        try:
            gate.generate(key=f"key {number}", pace=WIDE, default_limit=usd("1"))
        except BudgetExceeded:
            return "402"
        return "202"

    with ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(post, range(200)))

    assert (answers.count("202"), answers.count("402")) == (50, 150)
    assert gate.studio.budget(TENANT, "owner", PERIOD).room == 0


def test_five_hundred_posts_of_one_key_count_once() -> None:
    gate = Gate()

    with ThreadPoolExecutor(16) as clients:
        admitted = list(clients.map(lambda _: gate.generate(pace=THREE), range(500)))

    assert [one.replayed for one in admitted].count(False) == 1
    assert in_flight(gate) == 1
