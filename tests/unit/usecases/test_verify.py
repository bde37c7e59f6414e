"""Verifying: every difference of entries and balances is found, and what is busy is none."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from filmgate.domain.chain import OnUnknown
from filmgate.domain.generations import Generation
from filmgate.domain.ids import generation_id
from filmgate.domain.ledger import OWNER_SCOPE
from filmgate.providers.base import Finished
from filmgate.usecases.ports import Ledger
from filmgate.usecases.verify import PASSES, Drift, Miscount, verify
from tests.support.board_stage import BoardStage, shot
from tests.support.builders import PERIOD, TENANT, generation, link, usd
from tests.support.fakes import ScriptedProvider, lost_answer, picture
from tests.support.memory_studio import MemoryStudio
from tests.support.stage import Stage

OWNER = (TENANT, OWNER_SCOPE, PERIOD)


def worked(**others: ScriptedProvider) -> tuple[Stage, Generation]:
    """A tenant with one image that was paid for."""
    stage = Stage(lumen=ScriptedProvider([Finished(data=picture())]), **others)
    asked = generation(project="fox")
    stage.admit(asked)
    stage.run(asked)
    return stage, asked


def test_books_that_agree_are_counted_and_show_no_drift() -> None:
    stage, _ = worked()

    found = verify(stage.studio, TENANT)

    assert (found.budgets, found.entries, found.attempts) == (5, 2, 1)
    assert (found.drift, found.busy, found.double_spends) == ((), 0, ())


def test_a_tenant_without_books_agrees() -> None:
    assert verify(MemoryStudio(), "nobody").drift == ()


def test_verifying_changes_nothing() -> None:
    stage, _ = worked()
    before = (dict(stage.studio.budgets), dict(stage.studio.entries))

    verify(stage.studio, TENANT)

    assert (stage.studio.budgets, stage.studio.entries) == before


def held_too_much(studio: MemoryStudio) -> None:
    budget = studio.budgets[OWNER]
    studio.budgets[OWNER] = replace(budget, held=budget.held + 100)


def settled_too_little(studio: MemoryStudio) -> None:
    budget = studio.budgets[OWNER]
    studio.budgets[OWNER] = replace(budget, settled=budget.settled - 100)


@pytest.mark.parametrize(
    ("fault", "stored"),
    [(held_too_much, (100, 20_000)), (settled_too_little, (0, 19_900))],
)
def test_a_balance_that_no_entry_explains_is_drift(
    fault: Callable[[MemoryStudio], None], stored: tuple[int, int]
) -> None:
    stage, _ = worked()
    fault(stage.studio)

    found = verify(stage.studio, TENANT)

    assert found.drift == (Drift(f"owner {PERIOD}", entered=(0, 20_000), stored=stored),)


def test_an_attempt_whose_price_is_not_what_was_entered_is_drift() -> None:
    stage, asked = worked()
    attempt = stage.record(asked).current
    stage.studio.attempts[TENANT, asked.id][0] = replace(attempt, actual_micros=usd("0.0100"))

    (drift,) = verify(stage.studio, TENANT).drift

    assert drift == Drift(attempt.id, entered=(0, 20_000), stored=(0, 10_000))


def test_an_entry_that_is_missing_is_drift_of_everything_it_moved() -> None:
    stage, asked = worked()
    attempt = stage.record(asked).current
    del stage.studio.entries[TENANT, f"{attempt.id}.settle"]

    drift = verify(stage.studio, TENANT).drift

    assert {one.what for one in drift} == {
        attempt.id,
        *(f"{scope} {period}" for scope, period in attempt.scopes),
    }
    assert {one.entered for one in drift} == {(20_000, 0)}


def test_a_budget_that_is_gone_is_drift() -> None:
    stage, _ = worked()
    del stage.studio.budgets[OWNER]

    assert [one.what for one in verify(stage.studio, TENANT).drift] == [f"owner {PERIOD}"]


def test_books_of_others_are_not_looked_at() -> None:
    stage, _ = worked()
    held_too_much(stage.studio)

    assert verify(stage.studio, "rival").drift == ()


# --- totals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "summed", "stored"),
    [("count", 1, 2), ("succeeded", 1, 0), ("provider_lumen", 20_000, 1), ("storyboards", 0, 1)],
)
def test_a_total_that_is_not_the_sum_over_the_attempts_is_a_miscount(
    total: str, summed: int, stored: int
) -> None:
    stage, _ = worked()
    budget = stage.studio.budgets[OWNER]
    stage.studio.budgets[OWNER] = replace(budget, tally={**budget.tally, total: stored})

    found = verify(stage.studio, TENANT)

    assert found.miscounts == (Miscount(f"owner {PERIOD}", total, summed, stored),)
    assert (found.drift, found.agrees) == ((), False)


def test_a_generation_that_says_another_cost_than_its_attempts_is_a_miscount() -> None:
    stage, asked = worked()
    key = (TENANT, asked.id)
    stage.studio.generations[key] = replace(
        stage.studio.generations[key], actual_micros=usd("0.0100")
    )

    found = verify(stage.studio, TENANT)

    assert found.miscounts == (Miscount(asked.id, "actual_cost", 20_000, 10_000),)


def test_the_totals_of_storyboards_and_their_parts_are_told_anew_too() -> None:
    stage = BoardStage(lumen=ScriptedProvider([Finished(data=picture())] * 4))
    stage.play(stage.start(shot(1), shot(2), project="fox"))
    stage.play(stage.start(shot(1), key="another"))
    own = stage.studio.budgets[OWNER]
    agreed = verify(stage.studio, TENANT)
    stage.studio.budgets[OWNER] = replace(own, tally={**own.tally, "storyboard_spent": 0})

    found = verify(stage.studio, TENANT)

    assert (agreed.agrees, agreed.attempts, own.tally["storyboards"]) == (True, 3, 2)
    (wrong,) = found.miscounts
    assert (wrong.total, wrong.summed) == ("storyboard_spent", usd("0.0300"))


# --- while others write ------------------------------------------------------------------------


class Torn(MemoryStudio):
    """A studio whose readings are torn: entries are read first, and then others post."""

    writes: Callable[[], None] = staticmethod(lambda: None)
    readings = 0

    def ledger(self, tenant: str) -> Ledger:
        self.readings += 1
        entries = super().ledger(tenant).entries
        self.writes()
        return replace(super().ledger(tenant), entries=entries)


def torn(writes: int) -> Torn:
    """A studio on which others admit a generation within each of the first readings."""
    stage, _ = worked()
    studio = Torn()
    studio.__dict__.update(stage.studio.__dict__)
    stage.studio = studio
    numbers = iter(range(1000))

    def write() -> None:
        number = next(numbers)
        if number < writes:
            stage.admit(generation(id=generation_id(TENANT, "ada", str(number))))

    studio.writes = write  # type: ignore[method-assign]
    return studio


@pytest.mark.parametrize("writes", [1, 2, 3])
def test_what_moved_while_it_was_read_is_no_drift_once_it_is_quiet(writes: int) -> None:
    found = verify(torn(writes), TENANT)

    assert (found.drift, found.busy) == ((), 0)


def test_what_moves_all_the_time_is_busy_and_no_drift() -> None:
    studio = torn(1000)

    found = verify(studio, TENANT)

    assert found.drift == ()
    assert found.busy >= 1
    assert studio.readings == 1 + 2 * PASSES


def test_a_true_difference_is_found_beside_what_moves_all_the_time() -> None:
    studio = torn(1000)
    quiet = (TENANT, "project:fox", PERIOD)
    studio.budgets[quiet] = replace(studio.budgets[quiet], held=700)

    found = verify(studio, TENANT)

    assert found.drift == (Drift(f"project:fox {PERIOD}", (0, 20_000), (700, 20_000)),)
    assert found.busy >= 1


# --- double spends -----------------------------------------------------------------------------


def test_generations_that_more_than_one_provider_was_paid_for_are_listed() -> None:
    lumen = ScriptedProvider([lost_answer()])
    stage = Stage(lumen=lumen, other=ScriptedProvider([Finished(data=picture())]))
    asked = generation(link(), link("other"), on_unknown=OnUnknown.NEXT)
    stage.admit(asked)
    stage.run(asked)
    before = verify(stage.studio, TENANT)
    stage.clock.advance(24 * 3600)
    stage.sweep()

    found = verify(stage.studio, TENANT)

    assert before.double_spends == ()
    assert found.double_spends == (asked.id,)
    assert found.drift == ()
