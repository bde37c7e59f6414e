"""How a generation goes on, and how it ends: both told from its record alone."""

from datetime import timedelta

import pytest

from filmgate.domain.attempts import Attempt, AttemptState, Kind
from filmgate.domain.chain import OnRefusal, OnUnknown
from filmgate.domain.errors import ErrorClass
from filmgate.domain.generations import (
    RENDER_OPERATION,
    SEARCH_IN_WORKFLOW,
    GenerationState,
    Link,
    Record,
    Step,
    conclude,
    next_step,
)
from filmgate.domain.patience import Patience
from tests.support.builders import NOW, attempt, failure, generation, link, record

S = AttemptState
G = GenerationState
LEASE_END = NOW + timedelta(minutes=4)


def standing(
    one: Attempt, *, others_wait: bool = False, cancelled: bool = False, **facts: object
) -> Record:
    """A record of one attempt, with or without a provider behind it in the chain."""
    chain = [link("lumen"), link("other")] if others_wait else [link("lumen")]
    return Record(
        generation(*chain, cancel_requested_at=NOW if cancelled else None, **facts), (one,)
    )


# --- the next step -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "step"),
    [
        (attempt(S.RESERVED), Step.BEGIN),
        (attempt(S.SUBMITTING), Step.WAIT),
        (attempt(S.SUBMITTING, lease_until=NOW), Step.DOUBT),
        (attempt(S.SUBMITTING, lease_until=None), Step.DOUBT),
        (attempt(S.ACCEPTED, operation={"task": "t1"}), Step.POLL),
        (attempt(S.ACCEPTED, operation=dict(RENDER_OPERATION)), Step.RENDER),
        (attempt(S.PAID), Step.COLLECT),
        (attempt(S.PAID, failure=failure(code="result-unusable")), Step.STOP),
        (attempt(S.STORED), Step.STORED),
        (attempt(S.RELEASED, failure=failure()), Step.STOP),
        (attempt(S.IN_DOUBT), Step.STOP),
        (attempt(S.OVERDUE), Step.STOP),
        (attempt(S.PRESUMED), Step.STOP),
    ],
    ids=lambda value: getattr(value, "state", value),
)
def test_the_last_providers_attempt_tells_the_next_step(one: Attempt, step: Step) -> None:
    assert next_step(standing(one), NOW) is step


@pytest.mark.parametrize("state", [G.SUCCEEDED, G.FAILED, G.CANCELLED])
@pytest.mark.parametrize("attempt_state", S)
def test_nothing_follows_the_end(state: GenerationState, attempt_state: AttemptState) -> None:
    ended = standing(attempt(attempt_state), others_wait=True, state=state)

    assert next_step(ended, NOW) is Step.STOP


@pytest.mark.parametrize(("moment", "step"), [(0, Step.WAIT), (239, Step.WAIT), (240, Step.DOUBT)])
def test_a_submit_is_in_doubt_from_the_end_of_its_lease_on(moment: int, step: Step) -> None:
    standing_now = standing(attempt(S.SUBMITTING))

    assert next_step(standing_now, NOW + timedelta(seconds=moment)) is step


@pytest.mark.parametrize(
    ("error_class", "goes_on"),
    [
        (ErrorClass.RETRY, True),
        (ErrorClass.FALLBACK, True),
        (ErrorClass.REJECT, True),
        (ErrorClass.INVALID, False),
        (ErrorClass.FATAL, False),
    ],
)
def test_after_a_release_its_reason_decides_whether_the_next_is_asked(
    error_class: ErrorClass, goes_on: bool
) -> None:
    released = standing(attempt(S.RELEASED, failure=failure(error_class)), others_wait=True)

    assert next_step(released, NOW) is (Step.RESERVE if goes_on else Step.STOP)


def test_a_refusal_stops_the_chain_where_that_was_asked_for() -> None:
    refused = attempt(S.RELEASED, failure=failure(ErrorClass.REJECT))

    stopped = standing(refused, others_wait=True, on_refusal=OnRefusal.STOP)

    assert next_step(stopped, NOW) is Step.STOP


def test_each_link_of_the_chain_has_a_word_of_its_own() -> None:
    strict, lax = link("strict", on_refusal=OnRefusal.STOP), link("lax", on_unknown=OnUnknown.NEXT)
    refused = attempt(S.RELEASED, failure=failure(ErrorClass.REJECT))
    unsure = attempt(S.IN_DOUBT, failure=failure(ErrorClass.IN_DOUBT))

    def after(one: Attempt, *chain: Link) -> Step:
        return next_step(Record(generation(*chain), (one,)), NOW)

    assert after(refused, strict, lax) is Step.STOP
    assert after(refused, lax, strict) is Step.RESERVE
    assert after(unsure, strict, lax) is Step.STOP
    assert after(unsure, lax, strict) is Step.RESERVE


def test_stopping_at_a_refusal_does_not_stop_at_other_failures() -> None:
    failed = attempt(S.RELEASED, failure=failure(ErrorClass.FALLBACK))

    assert (
        next_step(standing(failed, others_wait=True, on_refusal=OnRefusal.STOP), NOW)
        is Step.RESERVE
    )


@pytest.mark.parametrize("state", [S.IN_DOUBT, S.OVERDUE, S.PRESUMED])
@pytest.mark.parametrize(
    ("policy", "step"), [(OnUnknown.STOP, Step.STOP), (OnUnknown.NEXT, Step.RESERVE)]
)
def test_after_a_doubt_the_next_is_asked_only_on_request(
    state: AttemptState, policy: OnUnknown, step: Step
) -> None:
    unsure = attempt(state, failure=failure(ErrorClass.IN_DOUBT))

    assert next_step(standing(unsure, others_wait=True, on_unknown=policy), NOW) is step


@pytest.mark.parametrize(
    ("one", "step"),
    [
        (attempt(S.RESERVED), Step.STOP),
        (attempt(S.RELEASED, failure=failure()), Step.STOP),
        (attempt(S.IN_DOUBT), Step.STOP),
        (attempt(S.SUBMITTING), Step.WAIT),
        (attempt(S.ACCEPTED, operation={"task": "t1"}), Step.POLL),
        (attempt(S.PAID), Step.COLLECT),
        (attempt(S.STORED), Step.STORED),
    ],
    ids=lambda value: getattr(value, "state", value),
)
def test_after_a_cancel_nothing_new_is_bought_and_what_was_sent_is_followed_to_its_end(
    one: Attempt, step: Step
) -> None:
    cancelled = standing(one, others_wait=True, cancelled=True, on_unknown=OnUnknown.NEXT)

    assert next_step(cancelled, NOW) is step


# --- what is lost, and what is left behind -----------------------------------------------------


def doubted(kind: Kind, seconds: float, **facts: object) -> Record:
    unsure = attempt(
        S.IN_DOUBT,
        kind=kind,
        doubted_at=NOW - timedelta(seconds=seconds),
        failure=failure(ErrorClass.IN_DOUBT),
    )
    return standing(unsure, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "seconds", "step"),
    [
        (Kind.BLIND, 0, Step.STOP),
        (Kind.FINDABLE, 0, Step.SEARCH),
        (Kind.FINDABLE, 599, Step.SEARCH),
        (Kind.FINDABLE, 600, Step.STOP),
        (Kind.KEYED, 0, Step.SEARCH),
        (Kind.KEYED, 3599, Step.SEARCH),
        (Kind.KEYED, 3600, Step.STOP),
    ],
)
def test_a_lost_answer_is_looked_for_as_its_provider_allows_and_not_for_ever(
    kind: Kind, seconds: float, step: Step
) -> None:
    assert next_step(doubted(kind, seconds), NOW) is step


@pytest.mark.parametrize(("kind", "seconds"), [(Kind.FINDABLE, 600), (Kind.KEYED, 3600)])
def test_after_that_the_next_provider_is_asked_where_the_request_says_so(
    kind: Kind, seconds: float
) -> None:
    told = doubted(kind, seconds, others_wait=True, on_unknown=OnUnknown.NEXT)

    assert next_step(told, NOW) is Step.RESERVE


def test_a_search_outlasts_every_lease_so_that_absence_can_be_proved_within_it() -> None:
    longest_lease = timedelta(seconds=240) + Patience().lease_margin

    assert longest_lease + Patience().search_spacing < SEARCH_IN_WORKFLOW


def test_a_cancelled_generation_waits_for_no_search() -> None:
    assert next_step(doubted(Kind.FINDABLE, 0, cancelled=True), NOW) is Step.STOP


def test_a_result_of_an_abandoned_attempt_stops_one_that_was_not_sent() -> None:
    several = record(attempt(S.STORED), attempt(S.RESERVED, index=1, provider="other"))

    assert next_step(several, NOW) is Step.STOP


@pytest.mark.parametrize("latest", [S.RESERVED, S.RELEASED, S.IN_DOUBT])
def test_while_a_result_that_was_given_up_is_being_fetched_nothing_is_bought_and_nothing_ended(
    latest: S,
) -> None:
    chain = generation(link("lumen"), link("other"), link("third"), on_unknown=OnUnknown.NEXT)
    fetching, spoilt = attempt(S.PAID), attempt(S.PAID, failure=failure())
    behind = attempt(latest, index=1)

    assert next_step(Record(chain, (fetching, behind)), NOW) is Step.WAIT
    assert next_step(Record(chain, (spoilt, behind)), NOW) is not Step.WAIT


def test_a_result_of_an_abandoned_attempt_keeps_the_chain_from_going_on() -> None:
    chain = [link("lumen"), link("other"), link("third")]
    failed = attempt(S.RELEASED, index=1, provider="other", failure=failure())

    with_take = Record(generation(*chain), (attempt(S.STORED), failed))
    without = Record(generation(*chain), (attempt(S.OVERDUE), failed))

    assert next_step(with_take, NOW) is Step.STOP
    assert next_step(without, NOW) is Step.RESERVE
    assert conclude(with_take) == (G.SUCCEEDED, None)


@pytest.mark.parametrize(
    ("one", "step"),
    [
        (attempt(S.RESERVED), Step.STOP),
        (attempt(S.SUBMITTING), Step.WAIT),
        (attempt(S.SUBMITTING, lease_until=NOW), Step.DOUBT),
        (attempt(S.ACCEPTED, operation={"task": "t1"}), Step.POLL),
        (attempt(S.ACCEPTED, operation=dict(RENDER_OPERATION)), Step.RENDER),
        (attempt(S.PAID), Step.COLLECT),
        (attempt(S.PAID, failure=failure()), Step.STOP),
        (attempt(S.STORED), Step.STORED),
        (attempt(S.RELEASED, failure=failure()), Step.STOP),
        (attempt(S.IN_DOUBT, kind=Kind.FINDABLE, doubted_at=NOW), Step.STOP),
        (attempt(S.IN_DOUBT, kind=Kind.KEYED, doubted_at=NOW), Step.SEARCH),
        (attempt(S.OVERDUE), Step.STOP),
        (attempt(S.PRESUMED), Step.STOP),
    ],
    ids=lambda value: getattr(value, "state", value),
)
@pytest.mark.parametrize("state", [G.RUNNING, G.SUCCEEDED, G.FAILED])
def test_an_attempt_that_is_followed_goes_its_own_way_whatever_became_of_the_others(
    one: Attempt, step: Step, state: GenerationState
) -> None:
    beside = attempt(S.RESERVED, index=1, provider="other")
    chain = [link("lumen"), link("other"), link("third")]
    asked = generation(*chain, state=state, on_unknown=OnUnknown.NEXT)
    followed = Record(asked, (one, beside)).following(0)

    assert followed.current is one
    assert followed.link == asked.chain[0]
    assert followed.is_abandoned
    assert next_step(followed, NOW) is step


def test_the_latest_attempt_of_what_runs_is_not_abandoned() -> None:
    several = record(attempt(S.OVERDUE), attempt(S.ACCEPTED, index=1, provider="other"))

    assert not several.is_abandoned
    assert several.following(0).is_abandoned
    assert not several.following(1).is_abandoned


def test_a_record_adds_up_what_all_its_attempts_cost() -> None:
    several = record(
        attempt(S.PRESUMED),
        attempt(S.RELEASED, index=1),
        attempt(S.STORED, index=2, actual_micros=700),
        attempt(S.ACCEPTED, index=3),
    )

    assert several.settled_micros == 20_700


def test_a_spoilt_result_is_not_bought_again_at_another_provider() -> None:
    spoilt = attempt(S.PAID, failure=failure(code="result-unusable"))

    assert next_step(standing(spoilt, others_wait=True), NOW) is Step.STOP


# --- the end -----------------------------------------------------------------------------------

RELEASED = attempt(S.RELEASED, failure=failure())
REFUSED = attempt(S.RELEASED, failure=failure(ErrorClass.REJECT, "content-refused"))
WRONG = attempt(S.RELEASED, failure=failure(ErrorClass.INVALID, "invalid-request"))


def second(one: Attempt) -> Attempt:
    return attempt(one.state, index=1, provider="other", failure=one.failure)


@pytest.mark.parametrize(
    ("attempts", "state", "code"),
    [
        ((attempt(S.STORED),), G.SUCCEEDED, None),
        ((RELEASED, second(attempt(S.STORED))), G.SUCCEEDED, None),
        ((attempt(S.IN_DOUBT), second(attempt(S.STORED))), G.SUCCEEDED, None),
        ((attempt(S.PAID),), G.FAILED, "result-unusable"),
        ((attempt(S.IN_DOUBT), second(attempt(S.PAID))), G.FAILED, "result-unusable"),
        ((attempt(S.IN_DOUBT),), G.FAILED, "outcome-unknown"),
        ((attempt(S.SUBMITTING),), G.FAILED, "outcome-unknown"),
        ((attempt(S.PRESUMED),), G.FAILED, "outcome-unknown"),
        ((attempt(S.IN_DOUBT), second(REFUSED)), G.FAILED, "outcome-unknown"),
        ((attempt(S.OVERDUE),), G.FAILED, "deadline-exceeded"),
        ((attempt(S.ACCEPTED),), G.FAILED, "deadline-exceeded"),
        ((attempt(S.OVERDUE), second(attempt(S.IN_DOUBT))), G.FAILED, "outcome-unknown"),
        ((RELEASED,), G.FAILED, "all-providers-failed"),
        ((RELEASED, second(RELEASED)), G.FAILED, "all-providers-failed"),
        ((REFUSED,), G.FAILED, "content-refused"),
        ((REFUSED, second(REFUSED)), G.FAILED, "content-refused"),
        ((REFUSED, second(RELEASED)), G.FAILED, "all-providers-failed"),
        ((RELEASED, second(REFUSED)), G.FAILED, "all-providers-failed"),
        ((WRONG,), G.FAILED, "invalid-request"),
        ((RELEASED, second(WRONG)), G.FAILED, "invalid-request"),
        ((attempt(S.RESERVED),), G.FAILED, "internal"),
        ((RELEASED, second(attempt(S.RESERVED))), G.FAILED, "internal"),
    ],
    ids=lambda value: "+".join(a.state for a in value) if isinstance(value, tuple) else None,
)
def test_the_end_is_told_from_the_attempts(
    attempts: tuple[Attempt, ...], state: GenerationState, code: str | None
) -> None:
    ended, problem = conclude(record(*attempts))

    assert ended is state
    assert (problem.code if problem else None) == code


def test_a_refusal_that_stopped_the_chain_is_the_reason() -> None:
    """An earlier outage of another provider does not hide it."""
    chain = generation(link(), link("other"), link("third"), on_refusal=OnRefusal.STOP)

    ended, problem = conclude(record(RELEASED, second(REFUSED), of=chain))

    assert ended is G.FAILED
    assert problem is not None
    assert problem.code == "content-refused"


@pytest.mark.parametrize(
    ("one", "state", "code"),
    [
        (attempt(S.RESERVED), G.CANCELLED, "cancelled"),
        (RELEASED, G.CANCELLED, "cancelled"),
        (REFUSED, G.CANCELLED, "cancelled"),
        (attempt(S.STORED), G.SUCCEEDED, None),
        (attempt(S.PAID), G.FAILED, "result-unusable"),
        (attempt(S.IN_DOUBT), G.FAILED, "outcome-unknown"),
        (attempt(S.OVERDUE), G.FAILED, "deadline-exceeded"),
    ],
    ids=lambda value: getattr(value, "state", value),
)
def test_a_cancelled_generation_ends_by_what_really_happened(
    one: Attempt, state: GenerationState, code: str | None
) -> None:
    ended, problem = conclude(standing(one, cancelled=True))

    assert (ended, problem.code if problem else None) == (state, code)


# --- records -----------------------------------------------------------------------------------


def test_the_current_attempt_is_the_last_and_has_its_link() -> None:
    two = record(RELEASED, attempt(index=1, provider="other"))

    assert two.current.index == 1
    assert two.link.provider == "other"
    assert not two.others_wait


def test_others_wait_while_the_chain_goes_on_behind_the_current_one() -> None:
    assert standing(RELEASED, others_wait=True).others_wait
    assert not standing(RELEASED).others_wait


def test_an_attempt_takes_the_place_of_its_earlier_self() -> None:
    first = record(attempt(S.RESERVED))

    moved = first.with_attempt(attempt(S.SUBMITTING, version=2))

    assert [one.state for one in moved.attempts] == [S.SUBMITTING]
    assert [one.state for one in first.attempts] == [S.RESERVED]


@pytest.mark.parametrize("state", G)
def test_only_the_three_ends_are_terminal(state: GenerationState) -> None:
    ends = {G.SUCCEEDED, G.FAILED, G.CANCELLED}

    assert generation(state=state).is_terminal == (state in ends)


def test_a_changed_generation_is_one_version_later() -> None:
    before = generation()

    after = before.now(state=G.RUNNING)

    assert (before.version, after.version) == (1, 2)
    assert (before.state, after.state) == (G.QUEUED, G.RUNNING)
