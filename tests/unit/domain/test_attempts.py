"""The states of an attempt: every allowed step, every forbidden one, and who may take it."""

from collections.abc import Callable
from datetime import timedelta
from itertools import product

import pytest

from filmgate.domain.attempts import (
    ALLOWED,
    DOUBTFUL,
    HELD,
    SETTLED,
    Attempt,
    AttemptState,
    IllegalTransition,
    LeaseLost,
    accept,
    begin,
    doubt,
    failure_of,
    give_back,
    overdue,
    pay,
    release,
    spoil,
    store,
)
from filmgate.domain.errors import ErrorClass, ProviderThrottled
from tests.support.builders import NOW, attempt, failure, usd

S = AttemptState
LATER = NOW + timedelta(seconds=90)
LEASE_END = NOW + timedelta(minutes=4)
OPERATION = {"task": "t1"}

# As specified, with the two short cuts that attempts.py declares: who answers at once goes from
# SUBMITTING straight to STORED, and the renderer does so from ACCEPTED.
LEADS_TO = {
    S.RESERVED: {S.SUBMITTING, S.RELEASED},
    S.SUBMITTING: {S.RESERVED, S.RELEASED, S.ACCEPTED, S.IN_DOUBT, S.PAID, S.STORED},
    S.IN_DOUBT: {S.ACCEPTED, S.RELEASED, S.PAID, S.STORED, S.PRESUMED},
    S.ACCEPTED: {S.PAID, S.STORED, S.RELEASED, S.OVERDUE},
    S.OVERDUE: {S.PAID, S.RELEASED, S.PRESUMED},
    S.PAID: {S.STORED},
    S.PRESUMED: {S.PAID},
    S.STORED: set(),
    S.RELEASED: set(),
}

# The function that leads to each state; none leads to PRESUMED yet (the sweeper will).
WAYS: dict[AttemptState, Callable[[Attempt], Attempt]] = {
    S.SUBMITTING: lambda one: begin(one, worker="worker", lease_until=LEASE_END),
    S.RESERVED: lambda one: give_back(one, worker="worker", now=NOW, retry_at=LATER),
    S.RELEASED: lambda one: release(one, failure=failure(), now=NOW, worker="worker"),
    S.ACCEPTED: lambda one: accept(one, operation=OPERATION, deadline_at=LATER),
    S.IN_DOUBT: lambda one: doubt(one, failure=failure(), now=NOW, worker="worker"),
    S.OVERDUE: lambda one: overdue(one, failure=failure()),
    S.PAID: lambda one: pay(one, actual=usd("0.0100"), now=NOW),
    S.STORED: lambda one: store(one, now=NOW, actual=usd("0.0100")),
}
PAIRS = list(product(S, WAYS))


@pytest.mark.parametrize(("start", "end"), [(a, b) for a, b in PAIRS if b in LEADS_TO[a]], ids=str)
def test_an_allowed_step_moves_the_attempt_one_version_on(
    start: AttemptState, end: AttemptState
) -> None:
    before = attempt(start, version=7)

    after = WAYS[end](before)

    assert after.state is end
    assert after.version == 8
    assert (before.state, before.version) == (start, 7)


@pytest.mark.parametrize(
    ("start", "end"),
    [(a, b) for a, b in PAIRS if b not in LEADS_TO[a] and b is not S.RESERVED],
    ids=str,
)
def test_a_forbidden_step_is_refused(start: AttemptState, end: AttemptState) -> None:
    with pytest.raises(IllegalTransition, match=f"{start} does not lead to {end}"):
        WAYS[end](attempt(start))


@pytest.mark.parametrize("start", [one for one in S if one is not S.SUBMITTING])
def test_nothing_but_a_held_lease_leads_back_to_reserved(start: AttemptState) -> None:
    with pytest.raises(LeaseLost, match="is not worker's any more"):
        give_back(attempt(start), worker="worker", now=NOW, retry_at=LATER)


@pytest.mark.parametrize("start", [one for one in S if one is not S.SUBMITTING])
def test_even_with_a_lease_left_over_only_submitting_leads_back(start: AttemptState) -> None:
    """From doubt nothing returns to RESERVED, or the job could be sent twice."""
    leftover = attempt(start, owner="worker", lease_until=LEASE_END)

    with pytest.raises(IllegalTransition, match="does not lead to reserved"):
        give_back(leftover, worker="worker", now=NOW, retry_at=LATER)


def test_the_table_of_steps_is_the_one_of_the_specification() -> None:
    assert {state: set(ends) for state, ends in ALLOWED.items()} == LEADS_TO


def test_every_state_holds_money_or_settled_it_or_gave_it_back() -> None:
    assert HELD | SETTLED | {S.RELEASED} == set(S)
    assert not HELD & SETTLED
    assert {S.IN_DOUBT, S.OVERDUE, S.PRESUMED} == DOUBTFUL


@pytest.mark.parametrize("state", S)
def test_an_attempt_knows_whether_it_holds_money(state: AttemptState) -> None:
    assert attempt(state).is_held == (state in HELD)


# --- the lease ---------------------------------------------------------------------------------

JUST_BEFORE = LEASE_END - timedelta(microseconds=1)
WITH_A_LEASE: list[Callable[..., Attempt]] = [
    lambda one, worker, now: give_back(one, worker=worker, now=now, retry_at=LATER),
    lambda one, worker, now: release(one, failure=failure(), now=now, worker=worker),
]


@pytest.mark.parametrize("step", WITH_A_LEASE, ids=["give_back", "release"])
def test_the_owner_may_say_no_until_the_lease_ends(step: Callable[..., Attempt]) -> None:
    after = step(attempt(S.SUBMITTING), "worker", JUST_BEFORE)

    assert after.owner is None
    assert after.lease_until is None


@pytest.mark.parametrize("step", WITH_A_LEASE, ids=["give_back", "release"])
@pytest.mark.parametrize(
    ("worker", "now"), [("worker", LEASE_END), ("another", NOW), (None, NOW), ("another", LATER)]
)
def test_nobody_else_and_nobody_after_the_lease_may_say_no(
    step: Callable[..., Attempt], worker: str | None, now: object
) -> None:
    with pytest.raises(LeaseLost):
        step(attempt(S.SUBMITTING), worker, now)


@pytest.mark.parametrize(
    ("worker", "now"),
    [("worker", NOW), ("worker", LEASE_END), ("another", LEASE_END), (None, LEASE_END)],
)
def test_the_owner_may_doubt_at_once_and_anyone_after_the_lease(
    worker: str | None, now: object
) -> None:
    unsure = doubt(attempt(S.SUBMITTING), failure=failure(), now=now, worker=worker)  # type: ignore[arg-type]

    assert unsure.state is S.IN_DOUBT


@pytest.mark.parametrize("worker", ["another", None])
def test_nobody_else_may_doubt_while_the_lease_runs(worker: str | None) -> None:
    with pytest.raises(LeaseLost):
        doubt(attempt(S.SUBMITTING), failure=failure(), now=JUST_BEFORE, worker=worker)


def test_whoever_holds_a_job_id_records_it_lease_or_no_lease() -> None:
    orphan = attempt(S.SUBMITTING, lease_until=NOW - timedelta(minutes=1))

    accepted = accept(orphan, operation=OPERATION, deadline_at=LATER)

    assert accepted.operation == OPERATION
    assert accepted.deadline_at == LATER


def test_an_attempt_that_was_not_sent_needs_no_lease_to_be_let_go() -> None:
    assert release(attempt(S.RESERVED), failure=failure(), now=NOW).state is S.RELEASED


# --- what a step writes ------------------------------------------------------------------------


def test_beginning_writes_owner_lease_and_the_number_of_the_try() -> None:
    waiting = attempt(S.RESERVED, tries=1, retry_at=NOW)

    begun = begin(waiting, worker="second", lease_until=LEASE_END)

    assert (begun.owner, begun.lease_until, begun.tries) == ("second", LEASE_END, 2)
    assert begun.retry_at is None


def test_giving_back_says_when_to_ask_again_and_keeps_the_count() -> None:
    back = give_back(attempt(S.SUBMITTING, tries=1), worker="worker", now=NOW, retry_at=LATER)

    assert (back.retry_at, back.tries) == (LATER, 1)


def test_a_release_says_why_and_when() -> None:
    why = failure(ErrorClass.REJECT, "content-refused")

    gone = release(attempt(S.ACCEPTED), failure=why, now=LATER)

    assert (gone.failure, gone.ended_at) == (why, LATER)


def test_a_payment_keeps_the_actual_price_and_the_job() -> None:
    paid = pay(attempt(S.ACCEPTED, operation=OPERATION), actual=usd("0.0150"), now=LATER)

    assert (paid.actual_micros, paid.operation, paid.ended_at) == (15_000, OPERATION, LATER)


def test_a_result_in_the_bucket_keeps_what_was_paid_before() -> None:
    stored = store(attempt(S.PAID, actual_micros=usd("0.0150")), now=LATER)

    assert stored.actual_micros == 15_000


def test_a_result_that_comes_at_once_settles_in_the_same_step() -> None:
    stored = store(attempt(S.SUBMITTING), now=LATER, actual=usd("0.0150"))

    assert (stored.actual_micros, stored.owner, stored.lease_until) == (15_000, None, None)


def test_a_result_found_after_a_doubt_clears_the_doubt() -> None:
    unsure = attempt(S.IN_DOUBT, failure=failure(ErrorClass.IN_DOUBT, "outcome-unknown"))

    assert pay(unsure, actual=usd("0.0100"), now=NOW).failure is None


def test_a_spoilt_result_stays_paid_and_says_why() -> None:
    why = failure(code="result-unusable")

    spoilt = spoil(attempt(S.PAID, version=4), failure=why)

    assert (spoilt.state, spoilt.failure, spoilt.version) == (S.PAID, why, 5)


@pytest.mark.parametrize("state", [one for one in S if one is not S.PAID])
def test_only_a_paid_result_can_be_spoilt(state: AttemptState) -> None:
    with pytest.raises(IllegalTransition):
        spoil(attempt(state), failure=failure())


def test_a_failure_takes_class_code_and_public_message_of_its_error() -> None:
    told = failure_of(ProviderThrottled("lumen", "too many requests"))

    assert told == failure(ErrorClass.RETRY, "throttled", "too many requests")
