"""The studio in memory refuses what the table refuses, and writes all of a commit or nothing."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from filmgate.domain.attempts import AttemptState
from filmgate.domain.errors import AlreadyExists, BudgetMissing, DoesNotFit, Stale
from filmgate.domain.generations import GenerationState
from filmgate.domain.ledger import (
    Budget,
    Commit,
    change,
    opening,
    with_generation,
    with_take,
)
from tests.support.builders import NOW, PERIOD, TENANT, attempt, generation, take, usd
from tests.support.memory_studio import MemoryStudio

S = AttemptState
HELD = attempt()
BEGUN = attempt(S.SUBMITTING, version=2)
OWN = Budget(HELD.scopes[1][0], "whole", usd("1"))


def admission() -> Commit:
    return with_generation(opening(change(None, HELD, at=NOW), OWN), None, generation())


def admitted(room: str = "1") -> MemoryStudio:
    studio = MemoryStudio()
    studio.open_budget(TENANT, Budget("owner", PERIOD, usd(room)))
    studio.commit(TENANT, admission())
    return studio


def everything(studio: MemoryStudio) -> tuple[object, ...]:
    plain = (dict(part) for part in (studio.generations, studio.entries, studio.budgets))
    return (*plain, repr(studio.attempts), repr(studio.takes))


@pytest.mark.parametrize(
    "commit",
    [
        lambda: change(attempt(version=2), attempt(S.SUBMITTING, version=3), at=NOW),
        lambda: change(attempt(S.ACCEPTED), attempt(S.PAID, version=2), at=NOW),
        lambda: change(None, HELD, at=NOW),
        lambda: change(attempt(index=1), attempt(S.SUBMITTING, index=1), at=NOW),
        lambda: with_generation(Commit(), generation(version=2), generation(version=3)),
        lambda: with_generation(Commit(), generation(id="gen_x"), generation(id="gen_x")),
        lambda: replace(change(None, HELD, at=NOW), attempt=None),
        lambda: Commit(opened=(OWN,)),
    ],
    ids=[
        "old version", "other state", "attempt is there", "attempt is not there",
        "generation moved", "generation is not there", "entry is there", "budget is there",
    ],
)  # fmt: skip
def test_a_guard_that_does_not_hold_refuses_the_whole_commit(
    commit: Callable[[], Commit],
) -> None:
    studio = admitted()
    before = everything(studio)

    with pytest.raises(Stale):
        studio.commit(TENANT, commit())

    assert everything(studio) == before


def test_a_second_admission_finds_the_first() -> None:
    with pytest.raises(AlreadyExists):
        admitted().commit(TENANT, admission())


def test_the_guard_is_told_before_the_lack_of_room() -> None:
    with pytest.raises(AlreadyExists):
        admitted(room="0.0200").commit(TENANT, admission())


def test_a_take_is_written_once() -> None:
    studio = admitted()
    paid = attempt(S.STORED, version=2, actual_micros=usd("0.0200"))
    studio.takes[TENANT, HELD.generation_id][take().id] = take()

    with pytest.raises(Stale):
        studio.commit(TENANT, with_take(change(HELD, paid, at=NOW), take()))

    assert studio.attempts[TENANT, HELD.generation_id][0] == HELD


def test_a_month_that_is_not_open_is_named() -> None:
    with pytest.raises(BudgetMissing) as missing:
        MemoryStudio().commit(TENANT, admission())

    assert (missing.value.scope, missing.value.period) == ("owner", PERIOD)


def test_a_reservation_without_room_writes_nothing() -> None:
    studio = MemoryStudio()
    studio.open_budget(TENANT, Budget("owner", PERIOD, usd("0.0199")))
    before = everything(studio)

    with pytest.raises(DoesNotFit) as refused:
        studio.commit(TENANT, admission())

    assert (refused.value.scope, refused.value.needed, refused.value.room) == (
        "owner", 20_000, 19_900,
    )  # fmt: skip
    assert everything(studio) == before


def test_a_commit_whose_guards_hold_writes_all_of_it() -> None:
    studio = admitted()
    paid = attempt(S.STORED, version=2, actual_micros=usd("0.0150"))
    ended = generation().now(state=GenerationState.SUCCEEDED)

    studio.commit(
        TENANT, with_take(with_generation(change(HELD, paid, at=NOW), generation(), ended), take())
    )

    record = studio.find(TENANT, HELD.generation_id)
    budget = studio.budget(TENANT, "owner", PERIOD)
    assert record is not None
    assert budget is not None
    assert (record.generation, record.attempts, record.takes) == (ended, (paid,), (take(),))
    assert (budget.held, budget.settled, budget.room) == (0, usd("0.0150"), usd("0.9850"))
    assert studio.balances_disagree() == []


def test_a_balance_that_no_entry_explains_is_found() -> None:
    studio = admitted()
    budget = studio.budgets[TENANT, "owner", PERIOD]

    studio.budgets[TENANT, "owner", PERIOD] = replace(budget, held=budget.held + 100)

    assert len(studio.balances_disagree()) == 1


def test_tenants_do_not_see_each_other() -> None:
    studio = admitted()

    assert studio.find("rival", HELD.generation_id) is None
    assert studio.budget("rival", "owner", PERIOD) is None
    assert studio.provider_settings("rival") == {}


def test_a_budget_that_is_open_stays_as_it_is() -> None:
    studio = admitted()
    before = studio.budget(TENANT, "owner", PERIOD)

    studio.open_budget(TENANT, Budget("owner", PERIOD, usd("99")))

    assert studio.budget(TENANT, "owner", PERIOD) == before
