"""The states of an attempt: every allowed step, every forbidden one, and who may take it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmgate.domain.attempts import (
    ALLOWED,
    DOUBTFUL,
    HELD,
    SETTLED,
    Attempt,
    AttemptState,
    IllegalTransition,
    Kind,
    LeaseLost,
    accept,
    adopt,
    begin,
    close,
    correct,
    doubt,
    empty,
    failure_of,
    give_back,
    looked,
    overdue,
    pay,
    presume,
    prove_absent,
    release,
    spoil,
    store,
    unseen,
    visible,
)
from filmgate.domain.errors import ErrorClass, ProviderThrottled
from filmgate.domain.facts import Reported
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
    S.PRESUMED: {S.PAID, S.STORED, S.RELEASED},
    S.STORED: set(),
    S.RELEASED: {S.PRESUMED},
}

# The function that leads to each state. A doubt is released by a proof, and what was released is
# presumed paid by a job that turns up: each has a way of its own.
WAYS: dict[AttemptState, Callable[[Attempt], Attempt]] = {
    S.SUBMITTING: lambda one: begin(one, worker="worker", lease_until=LEASE_END),
    S.RESERVED: lambda one: give_back(one, worker="worker", now=NOW, retry_at=LATER),
    S.RELEASED: lambda one: release(one, failure=failure(), now=NOW, worker="worker"),
    S.ACCEPTED: lambda one: accept(one, operation=OPERATION, deadline_at=LATER),
    S.IN_DOUBT: lambda one: doubt(one, failure=failure(), now=NOW, worker="worker"),
    S.OVERDUE: lambda one: overdue(one, failure=failure()),
    S.PAID: lambda one: pay(one, actual=usd("0.0100"), now=NOW),
    S.STORED: lambda one: store(one, now=NOW, actual=usd("0.0100")),
    S.PRESUMED: lambda one: presume(one, now=NOW),
}
PAIRS = [pair for pair in product(S, WAYS) if pair != (S.IN_DOUBT, S.RELEASED)]


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
LONG_AFTER = LEASE_END + timedelta(hours=1)
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
    ("worker", "now"),
    [
        ("worker", LEASE_END),
        ("worker", LONG_AFTER),
        ("another", NOW),
        (None, NOW),
        ("another", LATER),
    ],
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


@pytest.mark.parametrize("end", [pay, store])
def test_what_the_vendor_says_of_its_bill_is_kept_and_no_silence_takes_it_away(
    end: Callable[..., Attempt],
) -> None:
    told, known = Reported(tokens=1120), Reported(seconds=5)
    silent, asked = attempt(S.ACCEPTED), attempt(S.ACCEPTED, reported=known)

    assert end(silent, actual=usd("0.0100"), now=NOW).reported is None
    assert end(silent, actual=usd("0.0100"), reported=told, now=NOW).reported == told
    assert end(asked, actual=usd("0.0100"), now=NOW).reported == known
    assert end(asked, actual=usd("0.0100"), reported=told, now=NOW).reported == told


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


# --- doubt -------------------------------------------------------------------------------------

SPACING = timedelta(seconds=60)
DOUBTED = attempt(
    S.IN_DOUBT, lease_until=LEASE_END, kind=Kind.FINDABLE, proves_absence=True, version=3
)
ABSENT = failure(code="not-accepted")


def test_beginning_remembers_what_could_be_learned_if_the_answer_were_lost() -> None:
    begun = begin(
        attempt(), worker="worker", lease_until=LEASE_END, kind=Kind.FINDABLE, proves_absence=True
    )

    assert (begun.kind, begun.proves_absence) == (Kind.FINDABLE, True)


def test_what_no_adapter_declared_proves_nothing() -> None:
    begun = begin(attempt(), worker="worker", lease_until=LEASE_END)

    assert (begun.kind, begun.proves_absence) == (Kind.BLIND, False)
    assert not attempt().proves_absence


def test_a_doubt_says_since_when_and_keeps_the_lease_that_a_search_must_outlast() -> None:
    unsure = doubt(attempt(S.SUBMITTING), failure=failure(), now=LATER, worker="worker")

    assert (unsure.doubted_at, unsure.lease_until) == (LATER, LEASE_END)


@pytest.mark.parametrize("worker", ["worker", None])
def test_no_refusal_ends_a_doubt(worker: str | None) -> None:
    """What a later try is told proves nothing about the first."""
    with pytest.raises(IllegalTransition, match="a refusal proves nothing"):
        release(replace(DOUBTED, owner="worker"), failure=failure(), now=NOW, worker=worker)


def test_a_search_before_the_lease_ends_counts_for_nothing() -> None:
    assert unseen(DOUBTED, now=JUST_BEFORE) == DOUBTED


def test_the_first_search_after_the_lease_begins_the_proof_and_others_do_not_move_it() -> None:
    first = unseen(DOUBTED, now=LEASE_END)
    second = unseen(first, now=LEASE_END + SPACING)

    assert (first.unseen_since, first.unseen_looks, first.version) == (LEASE_END, 1, 4)
    assert (second.unseen_since, second.unseen_looks, second.version) == (LEASE_END, 2, 5)
    assert second.state is S.IN_DOUBT


def test_two_searches_a_minute_apart_prove_absence() -> None:
    once = unseen(DOUBTED, now=LEASE_END)

    gone = prove_absent(once, failure=ABSENT, now=LEASE_END + SPACING, spacing=SPACING)

    assert (gone.state, gone.failure, gone.ended_at) == (S.RELEASED, ABSENT, LEASE_END + SPACING)
    assert (gone.owner, gone.lease_until) == (None, None)


@pytest.mark.parametrize(
    "unproved",
    [
        DOUBTED,
        unseen(DOUBTED, now=JUST_BEFORE),
        unseen(DOUBTED, now=LEASE_END + timedelta(microseconds=1)),
        unseen(replace(DOUBTED, proves_absence=False), now=LEASE_END),
        *(
            attempt(state, proves_absence=True, unseen_since=NOW)
            for state in S
            if state is not S.IN_DOUBT
        ),
    ],
    ids=lambda one: one.state.value,
)
def test_absence_is_proved_by_nothing_less(unproved: Attempt) -> None:
    with pytest.raises(IllegalTransition, match="nothing proves"):
        prove_absent(unproved, failure=ABSENT, now=LEASE_END + SPACING, spacing=SPACING)


def test_a_job_that_is_found_forgets_what_was_not_seen() -> None:
    found = accept(unseen(DOUBTED, now=LEASE_END), operation=OPERATION, deadline_at=LATER)

    assert (found.unseen_since, found.unseen_looks, found.failure) == (None, 0, None)
    assert found.lease_until is None


def test_a_job_that_is_seen_at_work_begins_the_row_of_looks_anew() -> None:
    hidden = unseen(unseen(attempt(S.ACCEPTED), now=NOW), now=LATER)

    again = visible(replace(hidden, empty_since=NOW))

    assert (again.unseen_since, again.unseen_looks, again.empty_since) == (None, 0, None)
    assert again.version == 4


def test_a_job_that_was_always_visible_is_left_as_it_is() -> None:
    running = attempt(S.ACCEPTED)

    assert visible(running) is running


def test_a_success_without_a_result_remembers_when_that_began() -> None:
    first = empty(attempt(S.ACCEPTED), now=NOW)

    assert (first.empty_since, first.version, first.state) == (NOW, 2, S.ACCEPTED)
    assert empty(first, now=LATER) is first


# --- given up ----------------------------------------------------------------------------------


def test_what_is_presumed_counts_in_full_and_stays_open_to_proof() -> None:
    given_up = presume(attempt(S.OVERDUE, operation=OPERATION), now=LATER)

    assert (given_up.settled_micros, given_up.held_micros) == (20_000, 0)
    assert (given_up.looked_at, given_up.ended_at, given_up.is_open) == (LATER, None, True)
    assert given_up.operation == OPERATION


def test_a_look_at_what_was_given_up_is_remembered() -> None:
    seen = looked(attempt(S.PRESUMED), now=LATER)

    assert (seen.state, seen.looked_at, seen.version) == (S.PRESUMED, LATER, 2)


def test_nobody_looks_again_at_what_is_closed_and_its_money_stays_spent() -> None:
    closed = close(attempt(S.PRESUMED), now=LATER)

    assert (closed.ended_at, closed.is_open, closed.settled_micros) == (LATER, False, 20_000)


@pytest.mark.parametrize("state", [one for one in S if one is not S.PRESUMED])
def test_only_what_is_presumed_can_be_closed(state: AttemptState) -> None:
    with pytest.raises(IllegalTransition):
        close(attempt(state), now=NOW)


@pytest.mark.parametrize("state", [S.RELEASED, S.PRESUMED])
def test_a_job_that_turns_up_for_what_was_given_up_counts_as_paid(state: AttemptState) -> None:
    adopted = adopt(attempt(state, ended_at=NOW), operation=OPERATION)

    assert (adopted.state, adopted.operation, adopted.version) == (S.PRESUMED, OPERATION, 2)
    assert (adopted.settled_micros, adopted.is_open) == (20_000, True)


@pytest.mark.parametrize("state", [one for one in S if one not in (S.RELEASED, S.PRESUMED)])
def test_only_what_was_given_up_is_adopted(state: AttemptState) -> None:
    with pytest.raises(IllegalTransition):
        adopt(attempt(state), operation=OPERATION)


@pytest.mark.parametrize("state", sorted(SETTLED))
@pytest.mark.parametrize("actual", ["0", "0.0100", "0.0700"])
def test_a_person_may_correct_what_is_settled_in_both_directions(
    state: AttemptState, actual: str
) -> None:
    mended = correct(attempt(state), actual=usd(actual), now=LATER)

    assert (mended.state, mended.settled_micros, mended.version) == (state, usd(actual), 2)
    assert mended.ended_at == LATER


def test_a_correction_leaves_the_time_of_the_end_alone() -> None:
    assert correct(attempt(S.STORED, ended_at=NOW), actual=1, now=LATER).ended_at == NOW


@pytest.mark.parametrize("state", sorted({*HELD, S.RELEASED}))
def test_what_is_not_settled_cannot_be_corrected(state: AttemptState) -> None:
    with pytest.raises(IllegalTransition, match="is not settled"):
        correct(attempt(state), actual=1, now=NOW)


@pytest.mark.parametrize("state", S)
def test_what_is_held_is_open_and_what_has_ended_is_not(state: AttemptState) -> None:
    open_states = HELD | {S.PAID, S.PRESUMED}

    assert attempt(state).is_open is (state in open_states)


def test_a_paid_result_that_is_unusable_is_at_its_end() -> None:
    assert not attempt(S.PAID, failure=failure()).is_open


# --- any history -------------------------------------------------------------------------------

moments = st.integers(0, 600).map(lambda seconds: NOW + timedelta(seconds=seconds))
WORKERS = st.sampled_from(["worker", "another", None])
ANY_STEP: dict[str, Callable[[Attempt, datetime, str | None], Attempt]] = {
    "begin": lambda one, now, who: begin(
        one,
        worker=who or "worker",
        lease_until=now + timedelta(seconds=60),
        kind=Kind.FINDABLE,
        proves_absence=True,
    ),
    "give back": lambda one, now, who: give_back(one, worker=who or "", now=now, retry_at=now),
    "release": lambda one, now, who: release(one, failure=failure(), now=now, worker=who),
    "accept": lambda one, now, who: accept(one, operation=OPERATION, deadline_at=now),
    "doubt": lambda one, now, who: doubt(one, failure=failure(), now=now, worker=who),
    "unseen": lambda one, now, who: unseen(one, now=now),
    "visible": lambda one, now, who: visible(one),
    "prove": lambda one, now, who: prove_absent(one, failure=ABSENT, now=now, spacing=SPACING),
    "presume": lambda one, now, who: presume(one, now=now),
    "looked": lambda one, now, who: looked(one, now=now),
    "close": lambda one, now, who: close(one, now=now),
    "adopt": lambda one, now, who: adopt(one, operation=OPERATION),
    "correct": lambda one, now, who: correct(one, actual=700, now=now),
    "empty": lambda one, now, who: empty(one, now=now),
    "overdue": lambda one, now, who: overdue(one, failure=failure()),
    "pay": lambda one, now, who: pay(one, actual=500, now=now),
    "store": lambda one, now, who: store(one, now=now, actual=500),
    "spoil": lambda one, now, who: spoil(one, failure=failure()),
}
steps = st.lists(st.tuples(st.sampled_from(sorted(ANY_STEP)), moments, WORKERS), max_size=40)


@settings(max_examples=300, deadline=None)
@given(steps)
def test_whatever_is_tried_a_step_is_one_version_or_nothing_and_the_money_fits_the_state(
    tried: list[tuple[str, datetime, str | None]],
) -> None:
    one = attempt()
    doubted = False

    for name, now, who in sorted(tried, key=lambda step: step[1]):
        try:
            after = ANY_STEP[name](one, now, who)
        except (IllegalTransition, LeaseLost):
            continue

        assert after is one or after.version == one.version + 1 or after == one
        by_a_person = name == "correct" and (one.state, after.state) == (S.RELEASED, S.PAID)
        assert by_a_person or after.state is one.state or after.state in LEADS_TO[one.state]
        assert not (doubted and after.state is S.RESERVED), "sent twice"
        assert not (one.state is S.IN_DOUBT and after.state is S.RELEASED and name != "prove")
        assert (after.held_micros > 0) == (after.state in HELD)
        assert after.held_micros == 0 or after.settled_micros == 0
        doubted = doubted or after.state is S.IN_DOUBT
        one = after
