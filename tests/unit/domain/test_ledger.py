"""Double bookkeeping: an attempt's step makes entries and postings, and those the balances."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmgate.domain.attempts import (
    HELD,
    SETTLED,
    Attempt,
    AttemptState,
    Kind,
    accept,
    adopt,
    begin,
    close,
    correct,
    doubt,
    give_back,
    looked,
    overdue,
    pay,
    presume,
    prove_absent,
    release,
    store,
    unseen,
)
from filmgate.domain.errors import DoesNotFit
from filmgate.domain.generations import Envelope, GenerationState
from filmgate.domain.ledger import (
    NO_PERIOD,
    Budget,
    Commit,
    Entry,
    EntryKind,
    HeadChange,
    Posting,
    PriceDoubt,
    change,
    correction,
    envelope_scope,
    flight_change,
    fold,
    generation_scope,
    is_new,
    next_period,
    opening,
    overran,
    period_of,
    post,
    provider_scope,
    scopes_of,
    with_generation,
    with_head,
    with_price_doubt,
    with_start,
    with_take,
)
from filmgate.domain.pace import Counted, Pace, Start
from filmgate.domain.storyboard import StoryboardState
from tests.support.builders import (
    GENERATION_ID,
    NOW,
    PERIOD,
    TENANT,
    attempt,
    failure,
    generation,
    head,
    take,
    usd,
)
from tests.support.memory_studio import MemoryStudio

S = AttemptState
OWN_SCOPE = generation_scope(GENERATION_ID)


def movements(commit: Commit) -> list[tuple[str, int, int]]:
    return [(entry.kind.value, entry.held, entry.settled) for entry in commit.entries]


def postings(commit: Commit) -> list[tuple[str, str, int, int, bool]]:
    return [(p.scope, p.period, p.held, p.settled, p.needs_room) for p in commit.postings]


# --- what a step writes ------------------------------------------------------------------------


def test_a_reservation_holds_the_whole_price_in_every_scope_and_needs_the_room() -> None:
    made = change(None, attempt(reserved="0.0200"), at=NOW)

    assert movements(made) == [("reserve", 20_000, 0)]
    assert postings(made) == [
        ("owner", PERIOD, 20_000, 0, True),
        (OWN_SCOPE, "whole", 20_000, 0, True),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (S.RESERVED, S.SUBMITTING),
        (S.SUBMITTING, S.RESERVED),
        (S.SUBMITTING, S.ACCEPTED),
        (S.SUBMITTING, S.IN_DOUBT),
        (S.IN_DOUBT, S.ACCEPTED),
        (S.ACCEPTED, S.OVERDUE),
    ],
)
def test_steps_between_holding_states_move_no_money(
    before: AttemptState, after: AttemptState
) -> None:
    made = change(attempt(before), attempt(after, version=2), at=NOW)

    assert made.entries == ()
    assert made.postings == ()


@pytest.mark.parametrize("before", sorted(HELD))
def test_a_release_gives_the_hold_back_and_asks_for_no_room(before: AttemptState) -> None:
    made = change(attempt(before), attempt(S.RELEASED, version=2), at=NOW)

    assert movements(made) == [("release", -20_000, 0)]
    assert postings(made) == [
        ("owner", PERIOD, -20_000, 0, False),
        (OWN_SCOPE, "whole", -20_000, 0, False),
    ]


@pytest.mark.parametrize("after", [S.PAID, S.STORED])
@pytest.mark.parametrize("before", [S.SUBMITTING, S.IN_DOUBT, S.ACCEPTED, S.OVERDUE])
def test_a_settlement_books_the_actual_price_and_gives_the_rest_back(
    before: AttemptState, after: AttemptState
) -> None:
    paid = attempt(after, version=2, actual_micros=usd("0.0150"))

    made = change(attempt(before), paid, at=NOW)

    assert movements(made) == [("settle", -20_000, 15_000)]
    assert postings(made)[0] == ("owner", PERIOD, -20_000, 15_000, False)


def test_storing_what_was_paid_moves_no_money() -> None:
    paid = attempt(S.PAID, actual_micros=usd("0.0150"))

    made = change(paid, store(paid, now=NOW), at=NOW)

    assert made.entries == ()


def test_a_vendor_that_bills_more_than_was_held_is_booked_in_full_as_an_over_run() -> None:
    paid = attempt(S.PAID, version=2, actual_micros=usd("0.0350"))

    made = change(attempt(S.ACCEPTED), paid, at=NOW)

    assert movements(made) == [("settle", -20_000, 20_000), ("overrun", 0, 15_000)]
    assert postings(made)[0] == ("owner", PERIOD, -20_000, 35_000, False)
    assert len(made.postings) == 2  # a budget item is written once in a commit


def test_what_is_presumed_paid_counts_in_full() -> None:
    made = change(attempt(S.IN_DOUBT), attempt(S.PRESUMED, version=2), at=NOW)

    assert movements(made) == [("presume", -20_000, 20_000)]


def test_proof_after_a_presumption_corrects_what_was_counted() -> None:
    paid = attempt(S.PAID, version=2, actual_micros=usd("0.0150"))

    made = change(attempt(S.PRESUMED), paid, at=NOW)

    assert movements(made) == [("settle", 0, -5_000)]


def test_proof_of_more_than_was_presumed_is_an_over_run_of_the_whole_difference() -> None:
    paid = attempt(S.PAID, version=2, actual_micros=usd("0.0250"))

    made = change(attempt(S.PRESUMED), paid, at=NOW)

    assert movements(made) == [("settle", 0, 0), ("overrun", 0, 5_000)]


def test_a_bill_above_what_a_person_had_corrected_is_an_over_run_of_the_difference() -> None:
    known = attempt(S.PRESUMED, actual_micros=usd("0.0300"))

    made = change(known, pay(known, actual=usd("0.0350"), now=NOW), at=NOW)

    assert movements(made) == [("settle", 0, 0), ("overrun", 0, 5_000)]


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        (attempt(S.RELEASED), adopt(attempt(S.RELEASED), operation={}), 20_000),
        (attempt(S.PRESUMED), release(attempt(S.PRESUMED), failure=failure(), now=NOW), -20_000),
    ],
    ids=["a job turned up", "proved absent after all"],
)
def test_what_is_known_late_is_a_correction_named_after_its_version(
    before: Attempt, after: Attempt, moved: int
) -> None:
    made = change(before, after, at=NOW)

    assert movements(made) == [("correct", 0, moved)]
    assert made.entries[0].id == f"{before.id}.correct.2"
    assert not made.postings[0].needs_room


@pytest.mark.parametrize(("actual", "moved"), [("0.0050", -15_000), ("0.0900", 70_000)])
def test_a_person_s_correction_says_who_and_why_and_is_no_over_run(actual: str, moved: int) -> None:
    stored = attempt(S.STORED, actual_micros=usd("0.0200"))
    mended = correct(stored, actual=usd(actual), now=NOW)

    made = correction(stored, mended, by="ada", reason="the vendor's bill", at=NOW)

    assert movements(made) == [("correct", 0, moved)]
    assert [(e.by, e.reason) for e in made.entries] == [("ada", "the vendor's bill")]
    assert not overran(made)
    assert postings(made)[0] == ("owner", PERIOD, 0, moved, False)


def test_two_corrections_are_two_entries() -> None:
    stored = attempt(S.STORED, actual_micros=usd("0.0200"))
    first = correct(stored, actual=usd("0.0300"), now=NOW)
    second = correct(first, actual=usd("0.0200"), now=NOW)

    ids = [
        entry.id
        for before, after in ((stored, first), (first, second))
        for entry in correction(before, after, by="ada", reason="a bill", at=NOW).entries
    ]
    assert ids == [f"{stored.id}.correct.2", f"{stored.id}.correct.3"]


def test_only_a_bill_above_the_hold_is_an_over_run() -> None:
    accepted = attempt(S.ACCEPTED)

    told = [
        overran(change(accepted, pay(accepted, actual=usd(bill), now=NOW), at=NOW))
        for bill in ("0.0199", "0.0200", "0.0201")
    ]
    assert told == [False, False, True]


def test_an_attempt_draws_on_owner_user_project_provider_and_its_generation() -> None:
    asked = generation(project="fox")

    assert scopes_of(asked, "lumen", now=NOW) == (
        ("owner", PERIOD),
        ("user:ada", PERIOD),
        ("project:fox", PERIOD),
        ("provider:lumen", PERIOD),
        (OWN_SCOPE, NO_PERIOD),
    )
    assert ("project:fox", PERIOD) not in scopes_of(generation(), "lumen", now=NOW)
    assert provider_scope("lumen") == "provider:lumen"


def test_a_part_of_a_storyboard_draws_on_its_envelope_in_place_of_the_outer_scopes() -> None:
    part = generation(
        project="fox", envelope=Envelope(envelope_scope("sb", 0), (("owner", PERIOD),))
    )

    assert scopes_of(part, "lumen", now=NOW) == (
        (envelope_scope("sb", 0), NO_PERIOD),
        ("provider:lumen", PERIOD),
        (OWN_SCOPE, NO_PERIOD),
    )


def test_a_budget_without_a_limit_never_lacks_room_and_counts_all_the_same() -> None:
    free = Budget("user:ada", PERIOD, None, settled=usd("5"))

    after = post(free, Posting("user:ada", PERIOD, usd("100"), 0, needs_room=True))

    assert not free.lacks_room_for(usd("1000000"))
    assert (after.held, after.settled, after.room) == (usd("100"), usd("5"), -usd("105"))


def test_a_posting_makes_room_of_what_it_neither_holds_nor_settles() -> None:
    settled = Posting("owner", PERIOD, held=-20_000, settled=15_000, needs_room=False)

    assert settled.room == 5_000


def test_an_attempt_passed_over_for_lack_of_room_writes_no_entry() -> None:
    made = change(None, attempt(S.RELEASED), at=NOW)

    assert made.attempt is not None
    assert made.entries == ()
    assert made.postings == ()


def test_an_entry_is_named_after_its_attempt_and_kind_so_there_is_one_of_each() -> None:
    held = attempt()

    made = change(None, held, at=NOW)

    assert made.entries == (
        Entry(f"{held.id}.reserve", GENERATION_ID, EntryKind.RESERVE, 20_000, 0, held.scopes, NOW),
    )


def test_a_commit_can_also_carry_the_generation_and_a_take() -> None:
    before, result = generation(), take()
    after = before.now(state=GenerationState.RUNNING)

    made = with_take(with_generation(change(None, attempt(), at=NOW), before, after), result)

    assert made.generation is not None
    assert (made.generation.before, made.generation.after) == (before, after)
    assert made.take == result
    assert len(made.entries) == 1


def test_what_a_commit_carries_is_in_both_of_its_forms() -> None:
    running = attempt(
        S.ACCEPTED, scopes=((envelope_scope("sb", 0), NO_PERIOD),), outer=(("owner", PERIOD),)
    )
    plain = change(running, pay(running, actual=35_000, now=NOW), at=NOW)
    overstepped = PriceDoubt("lumen", "lumen-1", 20_000, 35_000, running.id, NOW)
    board = head()
    assert plain.otherwise is not None

    made = with_head(with_price_doubt(plain, overstepped), None, board)

    assert (made.price_doubt, made.head) == (overstepped, HeadChange(None, board))
    assert made.otherwise == replace(
        plain.otherwise, price_doubt=overstepped, head=HeadChange(None, board)
    )


def test_a_commit_that_starts_something_says_at_which_pace() -> None:
    start = Start(Pace(per_minute=60, burst=2, in_flight=3), NOW)

    assert with_start(change(None, attempt(), at=NOW), start).start == start


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [
        (None, StoryboardState.QUEUED, 1),
        (StoryboardState.QUEUED, StoryboardState.RUNNING, None),
        (StoryboardState.RUNNING, StoryboardState.PARTIAL, -1),
        (StoryboardState.PARTIAL, StoryboardState.RUNNING, 1),
    ],
)
def test_a_commit_counts_a_storyboard_from_each_start_to_its_end(
    before: StoryboardState | None, after: StoryboardState, more: int | None
) -> None:
    known, board = None if before is None else head(state=before), head(state=after)

    counted = flight_change(with_head(Commit(), known, board))

    assert counted == (None if more is None else (board.user, Counted.STORYBOARDS, more))


# --- budgets -----------------------------------------------------------------------------------


def test_a_commit_is_new_when_it_admits_a_generation_or_a_storyboard() -> None:
    board, asked = head(), generation()

    assert is_new(with_head(Commit(), None, board))
    assert is_new(with_generation(Commit(), None, asked))
    assert not is_new(with_head(Commit(), board, board.now()))
    assert not is_new(with_generation(Commit(), asked, asked))
    assert not is_new(Commit())


def test_opening_a_budget_takes_its_own_posting_out_of_it() -> None:
    made = opening(change(None, attempt(), at=NOW), Budget(OWN_SCOPE, NO_PERIOD, usd("0.0500")))

    assert [p.scope for p in made.postings] == ["owner"]
    assert [(b.scope, b.held, b.room) for b in made.opened] == [(OWN_SCOPE, 20_000, 30_000)]


@pytest.mark.parametrize("opened", attempt().scopes, ids=lambda scope: scope[0].split(":")[0])
def test_a_budget_that_is_opened_takes_no_other_s_posting(opened: tuple[str, str]) -> None:
    made = opening(change(None, attempt(), at=NOW), Budget(*opened, usd("0.0500")))

    assert [(b.scope, b.held) for b in made.opened] == [(opened[0], 20_000)]
    left = [(p.scope, p.period) for p in made.postings]
    assert left == [scope for scope in attempt().scopes if scope != opened]


def test_a_budget_that_is_opened_must_have_the_room() -> None:
    commit = change(None, attempt(), at=NOW)

    with pytest.raises(DoesNotFit) as refused:
        opening(commit, Budget(OWN_SCOPE, NO_PERIOD, usd("0.0199")))

    assert (refused.value.scope, refused.value.needed, refused.value.room) == (
        OWN_SCOPE, 20_000, 19_900,
    )  # fmt: skip


def test_a_reservation_may_use_up_the_last_of_the_room() -> None:
    budget = Budget("owner", PERIOD, usd("1"), held=usd("0.5"), settled=usd("0.48"))

    after = post(budget, Posting("owner", PERIOD, usd("0.02"), 0, needs_room=True))

    assert (after.room, after.held, after.settled, after.version) == (0, 520_000, 480_000, 2)


def test_a_reservation_one_quantum_too_large_does_not_fit() -> None:
    budget = Budget("owner", PERIOD, usd("0.0199"))

    with pytest.raises(DoesNotFit):
        post(budget, Posting("owner", PERIOD, usd("0.0200"), 0, needs_room=True))


def test_the_truth_is_booked_even_without_room() -> None:
    """An over-run, or a limit that was lowered meanwhile."""
    budget = Budget("owner", PERIOD, usd("0.0200"), held=usd("0.0200"))

    after = post(budget, Posting("owner", PERIOD, -20_000, 35_000, needs_room=False))

    assert (after.settled, after.held, after.room) == (35_000, 0, -15_000)


def test_a_fold_counts_only_its_own_scope_and_month() -> None:
    entries = [
        *change(None, attempt(), at=NOW).entries,
        *change(None, attempt(index=1, scopes=(("owner", "2026-12"),)), at=NOW).entries,
    ]

    assert fold(entries, "owner", PERIOD) == (20_000, 0)
    assert fold(entries, "owner", "2026-12") == (20_000, 0)
    assert fold(entries, "project:snow", PERIOD) == (0, 0)


@pytest.mark.parametrize(
    ("moment", "period"),
    [
        (datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), "2026-11"),
        (datetime(2026, 12, 1, tzinfo=UTC), "2026-12"),
        (datetime(2026, 12, 1, 1, tzinfo=timezone(timedelta(hours=2))), "2026-11"),
    ],
)
def test_a_period_is_the_month_in_utc(moment: datetime, period: str) -> None:
    assert period_of(moment) == period


# --- any history -------------------------------------------------------------------------------

LEASE_END = NOW + timedelta(hours=1)
TWO_HOURS = NOW + timedelta(hours=2)
amounts = st.integers(0, 700).map(lambda quanta: quanta * 100)

STEPS: dict[str, Callable[[Attempt, int], Attempt]] = {
    "begin": lambda one, _: begin(
        one,
        worker="worker",
        lease_until=LEASE_END,
        kind=Kind.FINDABLE,
        proves_absence=True,
    ),
    "give back": lambda one, _: give_back(one, worker="worker", now=NOW, retry_at=NOW),
    "release": lambda one, _: release(one, failure=failure(), now=NOW, worker="worker"),
    "accept": lambda one, _: accept(one, operation={"task": "t"}, deadline_at=NOW),
    "doubt": lambda one, _: doubt(one, failure=failure(), now=NOW, worker="worker"),
    "overdue": lambda one, _: overdue(one, failure=failure()),
    "prove absent": lambda one, _: prove_absent(
        unseen(one, now=LEASE_END), failure=failure(), now=TWO_HOURS, spacing=timedelta(minutes=1)
    ),
    "presume": lambda one, _: presume(one, now=NOW),
    "close": lambda one, _: close(one, now=NOW),
    "adopt": lambda one, _: adopt(one, operation={"task": "late"}),
    "correct": lambda one, actual: correct(one, actual=actual, now=NOW),
    "looked": lambda one, _: looked(one, now=NOW),
    "pay": lambda one, actual: pay(one, actual=actual, now=NOW),
    "store": lambda one, actual: store(
        one, now=NOW, actual=None if one.state is S.PAID else actual
    ),
}
FROM: dict[AttemptState, list[str]] = {
    S.RESERVED: ["begin", "release"],
    S.SUBMITTING: ["give back", "release", "accept", "doubt", "pay", "store"],
    S.IN_DOUBT: ["accept", "prove absent", "pay", "store", "presume", "looked"],
    S.ACCEPTED: ["pay", "store", "release", "overdue"],
    S.OVERDUE: ["pay", "release", "presume"],
    S.PAID: ["store", "correct"],
    S.PRESUMED: ["pay", "store", "release", "adopt", "correct", "close", "looked"],
    S.STORED: ["correct"],
    S.RELEASED: ["adopt"],
}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_after_any_history_balances_equal_the_fold_of_the_entries(data: st.DataObject) -> None:
    studio = MemoryStudio()
    limit = data.draw(amounts, "limit")
    studio.open_budget(TENANT, Budget("owner", PERIOD, limit))
    attempts: list[Attempt] = []

    for _ in range(data.draw(st.integers(1, 25), "steps")):
        mobile = [one for one in attempts if FROM[one.state]]
        if not mobile or data.draw(st.booleans(), "new"):
            _reserve(studio, attempts, data.draw(amounts, "price") + 100)
            continue
        before = data.draw(st.sampled_from(mobile), "who")
        name = data.draw(st.sampled_from(FROM[before.state]), "step")
        after = STEPS[name](before, data.draw(amounts, "actual"))
        move = correction(before, after, by="ada", reason="a bill", at=NOW)
        studio.commit(TENANT, move if name == "correct" else change(before, after, at=NOW))
        attempts[attempts.index(before)] = after

        assert studio.balances_disagree() == []
        _assert_the_budget_tells_the_truth(studio, attempts, limit)


def _reserve(studio: MemoryStudio, attempts: list[Attempt], price: int) -> None:
    new = replace(attempt(index=len(attempts)), reserved_micros=price, scopes=(("owner", PERIOD),))
    budget = studio.budget(TENANT, "owner", PERIOD)
    assert budget is not None
    if budget.room < price:
        with pytest.raises(DoesNotFit):
            studio.commit(TENANT, change(None, new, at=NOW))
    else:
        studio.commit(TENANT, change(None, new, at=NOW))
        attempts.append(new)


def _assert_the_budget_tells_the_truth(
    studio: MemoryStudio, attempts: list[Attempt], limit: int
) -> None:
    budget = studio.budget(TENANT, "owner", PERIOD)
    assert budget is not None
    held = sum(one.reserved_micros for one in attempts if one.state in HELD)
    settled = sum(
        one.reserved_micros if one.actual_micros is None else one.actual_micros
        for one in attempts
        if one.state in SETTLED
    )
    assert (budget.held, budget.settled) == (held, settled)
    assert budget.room == limit - held - settled
    once = [
        entry.id.rpartition(".")[::2]
        for entry in studio.entries.values()
        if entry.kind is not EntryKind.CORRECT
    ]
    assert len(once) == len(set(once))
    assert sum(entry.held for entry in studio.entries.values()) == held
    assert sum(entry.settled for entry in studio.entries.values()) == settled


@pytest.mark.parametrize(("period", "behind"), [("2026-11", "2026-12"), ("2026-12", "2027-01")])
def test_behind_december_comes_january(period: str, behind: str) -> None:
    assert next_period(period) == behind
