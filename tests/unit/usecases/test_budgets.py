"""Budgets: what may be spent in a month, and what happens when that changes meanwhile."""

from dataclasses import replace
from datetime import datetime

import pytest

from filmgate.domain.errors import BudgetMissing, Stale, StoreUnavailable
from filmgate.domain.ledger import Budget
from filmgate.usecases.budgets import read_budget, set_budget, with_open_budgets
from filmgate.usecases.ports import BudgetLimit
from tests.support.builders import NOW, PERIOD, TENANT, author, usd
from tests.support.memory_studio import MemoryStudio

DEFAULT = usd("10")


def read(studio: MemoryStudio, now: datetime = NOW) -> Budget:
    return read_budget(tenant=TENANT, studio=studio, default_limit=DEFAULT, now=now)


def put(studio: MemoryStudio, limit: str, alert_at: tuple[int, ...] = (80, 100)) -> Budget:
    return set_budget(
        tenant=TENANT,
        limit=usd(limit),
        alert_at=alert_at,
        studio=studio,
        default_limit=DEFAULT,
        by=author(),
        now=NOW,
    )


def test_no_limit_means_the_installations_never_unlimited() -> None:
    budget = read(MemoryStudio())

    assert (budget.limit, budget.room, budget.alert_at) == (DEFAULT, DEFAULT, (80, 100))


def test_reading_a_month_without_spending_opens_nothing() -> None:
    studio = MemoryStudio()

    read(studio)

    assert studio.budgets == {}


def test_a_limit_holds_from_this_month_on() -> None:
    studio = MemoryStudio()

    now = put(studio, "3", (50,))

    assert (now.limit, now.room, now.alert_at, now.period) == (usd("3"), usd("3"), (50,), PERIOD)
    later = read(studio, datetime.fromisoformat("2026-12-01T00:00:00+00:00"))
    assert (later.limit, later.alert_at, later.period) == (usd("3"), (50,), "2026-12")


def test_raising_a_limit_gives_room_and_keeps_what_is_used() -> None:
    studio = MemoryStudio()
    studio.open_budget(
        TENANT, Budget("owner", PERIOD, usd("1"), held=usd("0.2"), settled=usd("0.5"))
    )

    budget = put(studio, "2")

    assert (budget.held, budget.settled, budget.room) == (usd("0.2"), usd("0.5"), usd("1.3"))


def test_a_limit_below_what_is_used_is_taken_and_leaves_no_room() -> None:
    studio = MemoryStudio()
    studio.open_budget(TENANT, Budget("owner", PERIOD, usd("1"), settled=usd("0.5")))

    assert put(studio, "0.1").room == -usd("0.4")


def test_setting_a_limit_twice_counts_its_versions() -> None:
    studio = MemoryStudio()

    put(studio, "1")
    put(studio, "2")

    assert studio.limits[TENANT, "owner"] == BudgetLimit(usd("2"), (80, 100), version=2)


class Contested(MemoryStudio):
    """Another writer sets a limit right before ours, this many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def set_limit(self, tenant: str, **facts: object) -> None:  # type: ignore[override]
        if self.times:
            self.times -= 1
            known = self.limits.get((tenant, "owner"), BudgetLimit(0, (), 0))
            self.limits[tenant, "owner"] = replace(known, version=known.version + 1)
        super().set_limit(tenant, **facts)  # type: ignore[arg-type]


def test_setting_a_limit_is_tried_again_when_another_was_faster() -> None:
    assert put(Contested(7), "3").limit == usd("3")


def test_a_limit_that_never_gets_through_says_so() -> None:
    with pytest.raises(StoreUnavailable):
        put(Contested(8), "3")


def test_work_without_an_open_month_opens_it_and_is_done_again() -> None:
    studio = MemoryStudio()
    calls = []

    def work() -> str:
        calls.append(1)
        if studio.budget(TENANT, "owner", PERIOD) is None:
            raise BudgetMissing("owner", PERIOD)
        return "done"

    said = with_open_budgets(work, tenant=TENANT, studio=studio, default_limit=DEFAULT)

    assert said == "done"
    assert len(calls) == 2
    assert studio.budgets[TENANT, "owner", PERIOD] == Budget("owner", PERIOD, DEFAULT)


def test_a_month_that_another_opened_meanwhile_stays_as_it_is() -> None:
    studio = MemoryStudio()
    used = Budget("owner", PERIOD, usd("5"), settled=usd("1"))
    answers = iter([BudgetMissing("owner", PERIOD), None])

    def work() -> None:
        studio.budgets[TENANT, "owner", PERIOD] = used
        error = next(answers)
        if error is not None:
            raise error

    with_open_budgets(work, tenant=TENANT, studio=studio, default_limit=DEFAULT)

    assert studio.budgets[TENANT, "owner", PERIOD] == used


def test_other_failures_of_the_work_open_nothing() -> None:
    studio = MemoryStudio()

    def work() -> None:
        raise Stale("another was faster")

    with pytest.raises(Stale):
        with_open_budgets(work, tenant=TENANT, studio=studio, default_limit=DEFAULT)

    assert studio.budgets == {}
