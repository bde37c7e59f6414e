"""Budgets: what may be spent in a month, and what happens when that changes meanwhile."""

from dataclasses import replace
from datetime import datetime

import pytest

from filmgate.domain.attempts import AttemptState
from filmgate.domain.errors import (
    BudgetMissing,
    ContentRefused,
    DoesNotFit,
    NotFound,
    Stale,
    StoreUnavailable,
)
from filmgate.domain.ledger import OWNER_SCOPE, Budget, generation_scope
from filmgate.providers.base import Finished
from filmgate.usecases.budgets import (
    Standing,
    known_scope,
    read_budget,
    set_budget,
    with_open_budgets,
)
from filmgate.usecases.ports import BudgetLimit
from tests.support.builders import (
    NOW,
    PERIOD,
    TENANT,
    author,
    catalogue_of,
    generation,
    link,
    provider,
    usd,
)
from tests.support.fakes import ScriptedProvider, picture
from tests.support.memory_studio import MemoryStudio
from tests.support.stage import Stage, states

S = AttemptState
DEFAULT = usd("10")


def standing(studio: MemoryStudio, scope: str = OWNER_SCOPE, now: datetime = NOW) -> Standing:
    return read_budget(scope, tenant=TENANT, studio=studio, default_limit=DEFAULT, now=now)


def read(studio: MemoryStudio, now: datetime = NOW) -> Budget:
    return standing(studio, now=now).budget


def set_limit(
    studio: MemoryStudio,
    scope: str,
    limit: str | None,
    alert_at: tuple[int, ...] | None = None,
) -> Standing:
    return set_budget(
        scope,
        tenant=TENANT,
        limit=None if limit is None else usd(limit),
        alert_at=alert_at,
        studio=studio,
        default_limit=DEFAULT,
        by=author(),
        now=NOW,
    )


def put(studio: MemoryStudio, limit: str, alert_at: tuple[int, ...] = (80, 100)) -> Budget:
    return set_limit(studio, OWNER_SCOPE, limit, alert_at).budget


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


# --- scopes ------------------------------------------------------------------------------------

OTHERS = ["user:ada", "project:fox", "provider:lumen"]


@pytest.mark.parametrize("scope", OTHERS)
def test_a_scope_without_a_limit_of_its_own_stands_on_the_owner_s(scope: str) -> None:
    studio = MemoryStudio()
    studio.open_budget(TENANT, Budget(OWNER_SCOPE, PERIOD, usd("5"), settled=usd("4")))
    studio.open_budget(TENANT, Budget(scope, PERIOD, None, settled=usd("1")))

    told = standing(studio, scope)

    assert not told.is_own
    assert (told.limit, told.room, told.budget.settled) == (usd("5"), usd("1"), usd("1"))


@pytest.mark.parametrize("scope", OTHERS)
def test_a_limit_set_in_mid_month_counts_what_was_used_before(scope: str) -> None:
    studio = MemoryStudio()
    used = Budget(scope, PERIOD, None, held=usd("0.2"), settled=usd("0.5"))
    studio.open_budget(TENANT, used)

    told = set_limit(studio, scope, "1")

    assert told.is_own
    assert (told.limit, told.room) == (usd("1"), usd("0.3"))
    assert (told.budget.held, told.budget.settled) == (usd("0.2"), usd("0.5"))


@pytest.mark.parametrize("scope", OTHERS)
def test_no_limit_takes_a_scope_s_own_away_and_keeps_what_is_used(scope: str) -> None:
    studio = MemoryStudio()
    set_limit(studio, scope, "1")

    told = set_limit(studio, scope, None)

    assert not told.is_own
    assert (told.limit, told.budget.limit) == (DEFAULT, None)
    assert not told.budget.lacks_room_for(usd("1000"))


def test_the_owner_without_a_limit_gets_the_installation_s_never_unlimited() -> None:
    studio = MemoryStudio()
    set_limit(studio, OWNER_SCOPE, "99")

    told = set_limit(studio, OWNER_SCOPE, None)

    assert (told.limit, told.budget.limit) == (DEFAULT, DEFAULT)
    assert told.budget.lacks_room_for(DEFAULT + 1)


def test_thresholds_that_are_not_said_stay_as_they_are() -> None:
    studio = MemoryStudio()
    set_limit(studio, "project:fox", "1", (50,))

    assert set_limit(studio, "project:fox", "2").budget.alert_at == (50,)
    assert set_limit(studio, "project:hen", "2").budget.alert_at == (80, 100)


def test_an_own_limit_holds_in_the_months_to_come() -> None:
    studio = MemoryStudio()
    set_limit(studio, "project:fox", "1")

    later = standing(studio, "project:fox", datetime.fromisoformat("2026-12-01T00:00:00+00:00"))

    assert (later.limit, later.is_own, later.budget.period) == (usd("1"), True, "2026-12")


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("owner", "owner"),
        ("user:ada", "user:ada"),
        ("project:a:b#c", "project:a:b#c"),
        ("provider:lumen", "provider:lumen"),
        ("provider:lu", "provider:lumen"),
    ],
)
def test_a_scope_has_one_form(text: str, scope: str) -> None:
    catalogue = catalogue_of(provider("lumen", aliases=("lu",)))

    assert known_scope(text, catalogue) == scope


@pytest.mark.parametrize(
    "text", ["", "user", "user:", "project:", "provider:", "provider:nobody", "generation:gen_a"]
)
def test_what_can_have_no_budget_is_not_found(text: str) -> None:
    with pytest.raises(NotFound):
        known_scope(text, catalogue_of(provider("lumen")))


@pytest.mark.parametrize("scope", [OWNER_SCOPE, *OTHERS])
def test_an_attempt_needs_room_in_every_scope_that_has_a_limit(scope: str) -> None:
    stage = Stage(lumen=ScriptedProvider([Finished(data=picture())]))
    set_limit(stage.studio, scope, "0.0199")

    with pytest.raises(DoesNotFit) as full:
        stage.admit(generation(project="fox"))

    assert (full.value.scope, full.value.needed, full.value.room) == (scope, 20_000, 19_900)
    assert stage.studio.generations == {}
    assert all(budget.held == 0 for budget in stage.studio.budgets.values())


def test_what_is_paid_counts_in_every_scope() -> None:
    stage = Stage(lumen=ScriptedProvider([Finished(data=picture())]))
    asked = generation(project="fox")
    stage.admit(asked)

    stage.run(asked)

    spent = {
        scope: (budget.held, budget.settled)
        for (_, scope, _), budget in stage.studio.budgets.items()
    }
    assert spent == dict.fromkeys(
        [OWNER_SCOPE, *OTHERS, generation_scope(asked.id)], (0, usd("0.0200"))
    )


def test_a_fallback_that_its_provider_s_budget_lacks_is_passed_over_with_the_reason() -> None:
    stage = Stage(
        lumen=ScriptedProvider([ContentRefused("lumen", "no")]),
        third=ScriptedProvider([Finished(data=picture())]),
    )
    set_limit(stage.studio, "provider:other", "0")
    asked = generation(link(), link("other"), link("third"))
    stage.admit(asked)

    record = stage.run(asked)

    assert states(record) == [S.RELEASED, S.RELEASED, S.STORED]
    assert record.attempts[1].failure is not None
    assert record.attempts[1].failure.code == "budget-exceeded"
    assert "provider budget" in record.attempts[1].failure.message


# --- conflicts ---------------------------------------------------------------------------------


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
