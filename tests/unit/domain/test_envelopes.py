"""Envelopes: a storyboard's money is held once, drawn on by its parts, and given back once."""

import contextlib
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmgate.domain import ledger
from filmgate.domain.attempts import AttemptState
from filmgate.domain.errors import DoesNotFit
from filmgate.domain.ledger import EntryKind, change, close_envelope, open_envelope
from filmgate.domain.totals import average_of_storyboards
from filmgate.usecases.verify import verify
from tests.support.builders import NOW, PERIOD, TENANT, usd
from tests.support.envelopes import ENVELOPE, STORYBOARD, Purse
from tests.support.memory_studio import MemoryStudio


def purse(limit: str = "1.0000", room: str = "10.0000") -> Purse:
    return Purse(MemoryStudio(), limit=usd(limit), room=usd(room))


def outside(found: Purse) -> tuple[int, int]:
    owner = found.budget("owner", PERIOD)
    return owner.held, owner.settled


def test_the_whole_limit_is_held_in_every_outer_scope_before_anything_is_made() -> None:
    found = purse()

    for scope, period in ENVELOPE.outer:
        assert found.budget(scope, period).held == usd("1.0000")
    assert found.faults() == []


def test_an_envelope_that_does_not_fit_is_refused_as_a_whole() -> None:
    with pytest.raises(DoesNotFit) as refused:
        purse(limit="10.0001")

    assert (refused.value.scope, refused.value.room) == ("owner", usd("10.0000"))


def test_what_is_drawn_and_returned_moves_nothing_outside() -> None:
    found = purse()

    drawn = found.reserve(usd("0.3000"))
    assert outside(found) == (usd("1.0000"), 0)
    found.release(drawn)

    assert outside(found) == (usd("1.0000"), 0)
    assert found.faults() == []


def test_what_is_settled_moves_outside_from_held_to_settled() -> None:
    found = purse()

    found.settle(found.reserve(usd("0.3000")), usd("0.2000"))

    assert outside(found) == (usd("0.8000"), usd("0.2000"))
    assert found.faults() == []


def test_storyboards_that_have_cost_nothing_yet_cost_nothing_on_the_average() -> None:
    tally = purse().budget("owner", PERIOD).tally

    assert tally == {"storyboards": 1}
    assert average_of_storyboards(tally) == 0


def test_a_storyboard_is_counted_once_and_what_its_parts_cost_makes_the_average() -> None:
    found = purse()

    found.settle(found.reserve(usd("0.3000")), usd("0.2000"))
    found.settle(found.reserve(usd("0.1000")), usd("0.1000"))

    tally = found.budget("owner", PERIOD).tally
    assert tally["storyboards"] == 1
    assert average_of_storyboards(tally) == usd("0.3000")
    assert average_of_storyboards({}) is None


def test_nothing_is_drawn_beyond_the_limit() -> None:
    found = purse()
    found.reserve(usd("0.9000"))

    with pytest.raises(DoesNotFit) as refused:
        found.reserve(usd("0.1001"))

    assert (refused.value.scope, refused.value.room) == (ENVELOPE.scope, usd("0.1000"))


def test_closing_gives_the_rest_back_and_keeps_what_is_in_doubt() -> None:
    found = purse()
    found.settle(found.reserve(usd("0.3000")), usd("0.2000"))
    found.reserve(usd("0.1000"))

    found.close()

    assert outside(found) == (usd("0.1000"), usd("0.2000"))
    assert found.budget().limit == usd("0.3000")
    assert found.faults() == []


def test_a_reservation_in_a_closed_envelope_is_refused() -> None:
    found = purse()
    found.close()

    with pytest.raises(DoesNotFit) as refused:
        found.reserve(usd("0.0001"))

    assert (refused.value.scope, refused.value.room) == (ENVELOPE.scope, 0)
    assert found.attempts == []


@pytest.mark.parametrize("actual", ["0.0500", "0.1000", "0.1200"])
def test_what_settles_after_closing_settles_outside_too(actual: str) -> None:
    found = purse()
    late = found.reserve(usd("0.1000"))
    found.close()

    found.settle(late, usd(actual))

    assert outside(found) == (0, usd(actual))
    assert found.faults() == []


def test_what_is_released_after_closing_is_released_outside_too() -> None:
    found = purse()
    late = found.reserve(usd("0.1000"))
    found.close()

    found.release(late)

    assert outside(found) == (0, 0)
    assert found.faults() == []


@pytest.mark.parametrize("close_first", [True, False])
def test_a_correction_reaches_the_outer_scopes_before_and_after_closing(close_first: bool) -> None:
    found = purse()
    paid = found.settle(found.reserve(usd("0.1000")), usd("0.1000"))
    if close_first:
        found.close()

    found.correct(found.correct(paid, usd("0.0300")), usd("0.0600"))
    found.close()

    assert outside(found) == (0, usd("0.0600"))
    assert found.faults() == []


def test_a_vendor_that_bills_too_much_is_counted_in_full_outside_too() -> None:
    found = purse(limit="0.1000")

    found.settle(found.reserve(usd("0.1000")), usd("0.1500"))
    found.close()

    assert outside(found) == (0, usd("0.1500"))
    assert found.faults() == []


def test_an_over_run_moves_outside_by_the_entry_of_its_settlement() -> None:
    found = purse()
    studio = found.studio
    assert isinstance(studio, MemoryStudio)

    found.settle(found.reserve(usd("0.1000")), usd("0.1500"))

    moved = [one for one in studio.entries.values() if one.id.endswith(".outer")]
    assert [(one.kind, one.held, one.settled) for one in moved] == [
        (EntryKind.SETTLE, -usd("0.1500"), usd("0.1500"))
    ]
    assert moved[0].id.endswith(".settle.outer")


def test_closing_twice_gives_back_once() -> None:
    found = purse()

    assert [found.close(), found.close()] == [True, False]
    assert outside(found) == (0, 0)


def test_one_of_many_closers_closes_while_others_settle() -> None:
    found = purse()
    drawn = [found.reserve(usd("0.0100")) for _ in range(8)]
    start, closed = Barrier(16), list[bool]()

    def at_once(work: Callable[[], Any]) -> Thread:
        def run() -> None:
            start.wait()
            work()

        thread = Thread(target=run)
        thread.start()
        return thread

    threads = [at_once(lambda: closed.append(found.close())) for _ in range(8)]
    threads += [at_once(lambda one=one: found.settle(one, usd("0.0070"))) for one in drawn]  # type: ignore[misc]
    for thread in threads:
        thread.join()

    assert sum(closed) == 1
    assert outside(found) == (0, usd("0.0560"))
    assert verify(found.studio, TENANT).drift == ()


def test_a_step_that_moves_no_money_asks_nothing_of_the_envelope() -> None:
    found = purse()
    drawn = found.reserve(usd("0.1000"))

    found.move(drawn, AttemptState.SUBMITTING)

    made = change(drawn, drawn, at=NOW)
    assert (made.postings, made.otherwise) == ((), None)


def test_entries_say_what_they_move_where() -> None:
    found = purse()
    drawn = found.reserve(usd("0.1000"))
    studio = found.studio
    assert isinstance(studio, MemoryStudio)

    found.settle(drawn, usd("0.0400"))
    found.close()

    told = {
        one.id.partition("_")[2][26:]: (one.held, one.settled, len(one.scopes), one.envelope)
        for one in studio.entries.values()
    }
    scope = ENVELOPE.scope
    assert told == {
        ".0.reserve": (usd("1"), 0, 3, scope),
        "00.reserve": (usd("0.1"), 0, 3, None),
        "00.settle": (-usd("0.1"), usd("0.04"), 3, None),
        "00.settle.outer": (-usd("0.04"), usd("0.04"), 3, scope),
        ".0.release": (-usd("0.96"), 0, 3, scope),
    }


def test_verify_finds_an_envelope_that_stands_for_another_sum_outside() -> None:
    found = purse()
    studio = found.studio
    assert isinstance(studio, MemoryStudio)
    wrong = next(one for one in studio.entries.values() if one.envelope)
    studio.entries.pop((TENANT, wrong.id))

    drift = {one.what for one in verify(studio, TENANT).drift}

    assert f"{ENVELOPE.scope} outside" in drift


def test_a_new_envelope_makes_no_more_entries_than_it_moves() -> None:
    empty = close_envelope(ENVELOPE, open_envelope(ENVELOPE, limit=0, at=NOW).opened[0], at=NOW)

    assert (empty.entries, empty.postings) == ((), ())


def test_a_closing_writes_the_envelope_one_version_later() -> None:
    (opened,) = open_envelope(ENVELOPE, limit=usd("1"), at=NOW).opened

    change = close_envelope(ENVELOPE, opened, at=NOW).envelope

    assert change is not None
    assert (change.before, change.after.version) == (opened, opened.version + 1)


def test_the_entry_of_an_envelope_names_its_storyboard() -> None:
    (entry,) = open_envelope(ENVELOPE, limit=usd("1"), at=NOW).entries

    assert (entry.generation_id, entry.envelope) == (STORYBOARD, ENVELOPE.scope)


def test_an_envelope_of_nothing_stands_for_nothing() -> None:
    (opened,) = open_envelope(ENVELOPE, limit=0, at=NOW).opened

    assert ledger.outside(opened) == (0, 0)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "settle", "release", "doubt", "presume", "correct", "close"]),
        st.integers(0, 7),
        st.integers(1, 400_000),
    ),
    max_size=30,
)


@settings(max_examples=200, deadline=None)
@given(steps=STEPS)
def test_whatever_happens_the_outer_scopes_hold_what_the_envelope_stands_for(
    steps: list[tuple[str, int, int]],
) -> None:
    found = purse()

    for step, which, amount in steps:
        _take(found, step, which, amount)

        assert found.faults() == [], (step, which, amount)
        assert found.budget("owner", PERIOD).room >= 0
    found.close()
    assert found.faults() == []


def _take(found: Purse, step: str, which: int, amount: int) -> None:
    """One step, where it is possible; a reservation may be refused."""
    if step == "reserve":
        with contextlib.suppress(DoesNotFit):
            found.reserve(amount)
    elif step == "close":
        found.close()
    elif found.attempts:
        _move(found, step, which % len(found.attempts), amount)


def _move(found: Purse, step: str, which: int, amount: int) -> None:
    chosen = found.attempts[which]
    if step == "correct" and chosen.is_settled:
        found.correct(chosen, amount)
    elif chosen.is_held and step == "settle":
        found.settle(chosen, min(amount, chosen.reserved_micros + 1000))
    elif chosen.is_held and step == "release":
        found.release(chosen)
    elif chosen.is_held and step == "doubt":
        found.move(chosen, AttemptState.IN_DOUBT)
    elif chosen.is_held and step == "presume":
        found.move(chosen, AttemptState.PRESUMED)
