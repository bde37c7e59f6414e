"""Correcting what an attempt cost: by a person, with who and why, in the month it was bought in."""

from dataclasses import replace
from typing import Any

import pytest

from filmgate.domain.attempts import AttemptState
from filmgate.domain.chain import OnUnknown
from filmgate.domain.errors import ContentRefused, NotFound, StateConflict, StoreUnavailable
from filmgate.domain.generations import Generation, GenerationState, Record
from filmgate.domain.ledger import EntryKind
from filmgate.providers.base import Finished
from filmgate.usecases.cancel import cancel
from filmgate.usecases.correct import correct
from filmgate.usecases.verify import verify
from tests.support.builders import NOW, PERIOD, TENANT, generation, link, principal, usd
from tests.support.fakes import ScriptedProvider, lost_answer, picture
from tests.support.stage import Stage, just_before_commits

S = AttemptState
ADMIN = principal(user="ann", role="admin")


def paid() -> tuple[Stage, Generation]:
    stage = Stage(lumen=ScriptedProvider([Finished(data=picture())]))
    asked = generation(project="fox")
    stage.admit(asked)
    stage.run(asked)
    return stage, asked


def mend(stage: Stage, asked: Generation, actual: str, **others: Any) -> Record:
    facts = {"attempt_id": stage.record(asked).attempts[0].id, "principal": ADMIN, **others}
    return correct(
        asked.id,
        facts["attempt_id"],
        actual=usd(actual),
        reason="the invoice says so",
        principal=facts["principal"],
        studio=stage.studio,
        now=stage.clock.now,
    )


@pytest.mark.parametrize(
    ("actual", "moved"), [("0.0150", -5_000), ("0.0900", 70_000), ("0", -20_000)]
)
def test_a_correction_moves_every_budget_by_the_difference(actual: str, moved: int) -> None:
    stage, asked = paid()

    record = mend(stage, asked, actual)

    assert record == stage.record(asked)
    assert record.current.settled_micros == record.generation.actual_micros == usd(actual)
    spent = {scope: budget.settled for (_, scope, _), budget in stage.studio.budgets.items()}
    assert set(spent.values()) == {usd(actual)}
    assert len(spent) == 5
    (entry,) = [e for e in stage.studio.entries.values() if e.kind is EntryKind.CORRECT]
    assert (entry.held, entry.settled) == (0, moved)
    assert (entry.by, entry.reason) == ("ann", "the invoice says so")
    assert stage.studio.balances_disagree() == []


def test_a_mistake_in_a_correction_is_corrected_by_another_entry() -> None:
    stage, asked = paid()
    mend(stage, asked, "0.5000")

    mend(stage, asked, "0.0200")

    kinds = [e.kind for e in stage.studio.entries.values()]
    assert kinds.count(EntryKind.CORRECT) == 2
    assert stage.budget().settled == usd("0.0200")


def test_the_difference_moves_the_month_in_which_it_was_bought() -> None:
    stage, asked = paid()
    stage.clock.advance(30 * 24 * 3600)

    mend(stage, asked, "0.0900")

    assert stage.budget(NOW).settled == usd("0.0900")
    assert {period for _, _, period in stage.studio.budgets} == {PERIOD, "whole"}


def test_a_correction_needs_no_room() -> None:
    stage, asked = paid()

    mend(stage, asked, "99.0000")

    assert stage.budget().room == -usd("89.0000")


def doubted() -> tuple[Stage, Generation]:
    stage = Stage(
        lumen=ScriptedProvider([lost_answer()]), other=ScriptedProvider([Finished(data=picture())])
    )
    asked = generation(link(), link("other"), on_unknown=OnUnknown.NEXT)
    stage.admit(asked)
    stage.run(asked)
    return stage, asked


def test_what_is_still_held_cannot_be_corrected() -> None:
    stage, asked = doubted()

    with pytest.raises(StateConflict, match="in_doubt"):
        mend(stage, asked, "0.0100")

    assert stage.budget().held == usd("0.0200")


def test_what_was_presumed_can_be_and_is_closed_by_it() -> None:
    stage, asked = doubted()
    stage.clock.advance(24 * 3600)
    stage.sweep()

    record = mend(stage, asked, "0")

    assert record.attempts[0].state is S.PRESUMED
    assert (record.attempts[0].settled_micros, record.attempts[0].is_open) == (0, False)
    assert record.generation.actual_micros == usd("0.0200")
    assert stage.budget().settled == usd("0.0200")


def test_a_generation_that_still_runs_gets_its_total_at_its_end() -> None:
    stage, asked = paid()
    running = replace(
        stage.record(asked).generation, state=GenerationState.STORING, actual_micros=None
    )
    stage.studio.generations[TENANT, asked.id] = running

    record = mend(stage, asked, "0.0150")

    assert record.generation == running.now()
    assert stage.finish(asked).actual_micros == usd("0.0150")


def test_a_correction_that_meets_the_end_of_its_generation_is_in_its_total() -> None:
    stage, asked = paid()
    running = replace(
        stage.record(asked).generation, state=GenerationState.STORING, actual_micros=None
    )
    stage.studio.generations[TENANT, asked.id] = running
    just_before_commits(stage, lambda: stage.finish(asked), times=1)

    record = mend(stage, asked, "0.0150")

    assert record.generation.state is GenerationState.SUCCEEDED
    assert record.generation.actual_micros == usd("0.0150")
    assert record == stage.record(asked)


@pytest.mark.parametrize(
    "others",
    [
        {"attempt_id": "att_nothing"},
        {"principal": principal(tenant="rival", role="admin")},
    ],
)
def test_what_is_not_the_tenants_is_not_found(others: dict[str, Any]) -> None:
    stage, asked = paid()

    with pytest.raises(NotFound):
        mend(stage, asked, "0.0100", **others)

    assert stage.budget().settled == usd("0.0200")


@pytest.mark.parametrize(("times", "wins"), [(7, True), (8, False)])
def test_a_correction_is_tried_again_when_another_was_faster(times: int, wins: bool) -> None:
    stage, asked = paid()

    def be_faster() -> None:
        known = stage.record(asked).current
        stage.studio.attempts[TENANT, asked.id][0] = replace(known, version=known.version + 1)

    just_before_commits(stage, be_faster, times=times)

    if wins:
        assert mend(stage, asked, "0.0150").current.settled_micros == usd("0.0150")
    else:
        with pytest.raises(StoreUnavailable):
            mend(stage, asked, "0.0150")
        assert stage.budget().settled == usd("0.0200")


def refused(*, then: object = None) -> tuple[Stage, Generation]:
    """A generation whose first provider said no, and whose second made it."""
    other = ScriptedProvider([then or Finished(data=picture())])
    stage = Stage(lumen=ScriptedProvider([ContentRefused("lumen", "refused")]), other=other)
    asked = generation(link(), link("other"))
    stage.admit(asked)
    return stage, asked


def test_what_was_refused_and_billed_all_the_same_is_paid_for_nothing() -> None:
    stage, asked = refused()
    stage.run(asked)

    record = mend(stage, asked, "0.0100")

    first = record.attempts[0]
    assert (first.state, first.settled_micros, first.is_open) == (S.PAID, usd("0.0100"), False)
    assert first.failure is not None
    assert record.generation.actual_micros == stage.budget().settled == usd("0.0300")
    (entry,) = [e for e in stage.studio.entries.values() if e.kind is EntryKind.CORRECT]
    assert (entry.settled, entry.by) == (usd("0.0100"), "ann")
    assert verify(stage.studio, TENANT).agrees
    assert stage.studio.balances_disagree() == []


def test_while_its_generation_runs_a_refusal_is_not_corrected() -> None:
    stage, asked = refused()
    stage.submit(asked)
    assert not stage.record(asked).generation.is_terminal

    with pytest.raises(StateConflict, match="still runs"):
        mend(stage, asked, "0.0100")


def test_what_was_never_sent_is_on_no_bill() -> None:
    stage, asked = refused()
    cancel(asked.id, principal=ADMIN, studio=stage.studio, now=stage.clock.now)
    stage.run(asked)
    assert stage.record(asked).attempts[0].state is S.RELEASED

    with pytest.raises(StateConflict, match="never sent"):
        mend(stage, asked, "0.0100")


@pytest.mark.parametrize("cost", ["0.0200", "0.0150"])
def test_a_correction_to_what_it_costs_already_is_refused_and_writes_nothing(cost: str) -> None:
    stage, asked = paid()
    if cost != "0.0200":
        mend(stage, asked, cost)
    before = dict(stage.studio.entries)

    with pytest.raises(StateConflict, match=f"cost {cost} USD already"):
        mend(stage, asked, cost)

    assert stage.studio.entries == before


def test_a_refusal_that_cost_nothing_is_not_corrected_to_nothing() -> None:
    stage, asked = refused()
    stage.run(asked)

    with pytest.raises(StateConflict, match="already"):
        mend(stage, asked, "0")


def test_that_what_was_presumed_is_the_price_is_recorded_and_closes_it() -> None:
    stage, asked = doubted()
    stage.clock.advance(24 * 3600)
    stage.sweep()

    record = mend(stage, asked, "0.0200")

    assert not record.attempts[0].is_open
    (entry,) = [e for e in stage.studio.entries.values() if e.kind is EntryKind.CORRECT]
    assert (entry.held, entry.settled, entry.by) == (0, 0, "ann")
    assert verify(stage.studio, TENANT).agrees
