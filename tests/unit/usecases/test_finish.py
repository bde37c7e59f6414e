"""The step Finish: the end is written once, and it is the truth of the attempts."""

from dataclasses import replace

import pytest

from filmgate.domain import ledger
from filmgate.domain.attempts import AttemptState
from filmgate.domain.errors import NotFound, ProviderRetired, Stale
from filmgate.domain.generations import RENDER_OPERATION, Generation, GenerationState
from filmgate.domain.ledger import Commit
from filmgate.providers.base import Finished
from filmgate.usecases.finish import Finish
from tests.support.builders import NOW, TENANT, generation, link, usd
from tests.support.fakes import FakeClock, ScriptedProvider, lost_answer, picture
from tests.support.memory_studio import MemoryStudio
from tests.support.stage import Stage, states

S = AttemptState
G = GenerationState
DONE = Finished(data=picture())


def test_a_success_names_who_made_it_and_what_was_paid() -> None:
    stage = Stage(
        lumen=ScriptedProvider([ProviderRetired("lumen", "gone")]),
        other=ScriptedProvider([DONE]),
    )
    asked = generation(link("lumen", "0.0200"), link("other", "0.0300"))
    stage.admit(asked)
    stage.submit(asked)
    stage.submit(asked)
    stage.clock.advance(9)

    ended = stage.finish(asked)

    assert (ended.state, ended.provider, ended.actual_micros) == (
        G.SUCCEEDED, "other", usd("0.0300"),
    )  # fmt: skip
    assert ended.failure is None
    assert ended.completed_at == stage.clock.now
    assert stage.record(asked).generation == ended


def test_a_failure_without_a_cost_says_so() -> None:
    stage = Stage(lumen=ScriptedProvider([ProviderRetired("lumen", "gone")]))
    asked = generation()
    stage.admit(asked)
    stage.submit(asked)

    ended = stage.finish(asked)

    assert (ended.state, ended.provider, ended.actual_micros) == (G.FAILED, None, 0)


def test_a_hold_of_which_nothing_was_sent_goes_back_with_the_end() -> None:
    stage = Stage()
    asked = generation()
    stage.admit(asked)

    ended = stage.finish(asked)

    record = stage.record(asked)
    assert ended.failure is not None
    assert ended.failure.code == "internal"
    assert states(record) == [S.RELEASED]
    assert record.current.failure is not None
    assert record.current.failure.code == "not-sent"
    assert (stage.budget().held, stage.budget().settled) == (0, 0)


def test_money_in_doubt_stays_held_after_the_end() -> None:
    stage = Stage(lumen=ScriptedProvider([lost_answer()]))
    asked = generation()
    stage.admit(asked)
    stage.submit(asked)

    ended = stage.finish(asked)

    assert (ended.state, ended.actual_micros) == (G.FAILED, 0)
    assert (stage.budget().held, stage.budget().settled) == (usd("0.0200"), 0)


@pytest.mark.parametrize("state", [G.SUCCEEDED, G.FAILED, G.CANCELLED])
def test_an_end_never_changes(state: GenerationState) -> None:
    stage = Stage()
    asked = generation()
    stage.admit(asked)
    ended = replace(asked, state=state, completed_at=NOW, version=9)
    stage.studio.generations[TENANT, asked.id] = ended
    stage.clock.advance(60)

    assert stage.finish(asked) == ended
    assert stage.record(asked).generation == ended


def test_finishing_one_attempt_leaves_the_ended_generation_as_it_is() -> None:
    stage = Stage()
    asked = generation()
    stage.admit(asked)
    ended = replace(asked, state=G.FAILED, completed_at=NOW, version=9)
    stage.studio.generations[TENANT, asked.id] = ended

    said = stage.finish(asked, attempt=0)

    assert said == stage.record(asked).generation == ended
    assert states(stage.record(asked)) == [S.RELEASED]
    assert (stage.budget().held, stage.budget().settled) == (0, 0)


@pytest.mark.parametrize("state", [one for one in S if one not in (S.RESERVED, S.PAID)])
def test_finishing_one_attempt_that_is_at_work_or_at_its_end_changes_nothing(
    state: AttemptState,
) -> None:
    stage = Stage()
    asked = generation()
    stage.admit(asked)
    one = replace(stage.record(asked).current, state=state, operation={"task": "t"})
    stage.studio.attempts[TENANT, asked.id][0] = one

    stage.finish(asked, attempt=0)

    assert stage.record(asked).current == one


def test_a_render_that_was_never_made_costs_nothing() -> None:
    stage = Stage()
    asked = generation()
    stage.admit(asked)
    stage.studio.attempts[TENANT, asked.id][0] = replace(
        stage.record(asked).current, state=S.ACCEPTED, operation=RENDER_OPERATION
    )

    ended = stage.finish(asked)

    assert ended.state is G.FAILED
    assert states(stage.record(asked)) == [S.RELEASED]
    assert (stage.budget().held, stage.budget().settled) == (0, 0)


def test_a_paid_result_that_could_not_be_fetched_says_so() -> None:
    stage = Stage()
    asked = generation()
    stage.admit(asked)
    stage.studio.attempts[TENANT, asked.id][0] = replace(
        stage.record(asked).current, state=S.PAID, actual_micros=usd("0.0200"), ended_at=NOW
    )
    stage.clock.advance(3600)

    stage.finish(asked, attempt=0)

    attempt = stage.record(asked).current
    assert attempt.failure is not None
    assert (attempt.state, attempt.failure.code) == (S.PAID, "download-failed")
    assert not attempt.is_open


def test_finishing_twice_is_finishing_once() -> None:
    stage = Stage(lumen=ScriptedProvider([DONE]))
    asked = generation()
    stage.admit(asked)
    stage.submit(asked)
    first = stage.finish(asked)
    stage.clock.advance(60)

    assert stage.finish(asked) == first


class BusyStudio(MemoryStudio):
    """Others change a generation right before this many commits."""

    def __init__(self, disturbances: int) -> None:
        super().__init__()
        self.disturbances = disturbances

    def commit(self, tenant: str, commit: Commit) -> None:
        moves = commit.generation
        if moves is not None and moves.before is not None and self.disturbances:
            self.disturbances -= 1
            key = (tenant, moves.after.id)
            self.generations[key] = self.generations[key].now()
        super().commit(tenant, commit)


def finish_beside(disturbances: int) -> Generation:
    stage = Stage()
    stage.studio = BusyStudio(disturbances)
    asked = generation()
    stage.admit(asked)
    return Finish(studio=stage.studio, clock=FakeClock())(TENANT, asked.id)


def test_an_end_is_written_again_when_another_was_faster() -> None:
    assert finish_beside(4).state is G.FAILED


def test_after_many_disturbances_the_step_is_left_to_the_state_machine() -> None:
    with pytest.raises(Stale):
        finish_beside(5)


def test_a_generation_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        Stage().finish(generation())


def test_an_end_and_the_release_that_goes_with_it_are_one_commit() -> None:
    seen: list[ledger.Commit] = []

    class Watched(MemoryStudio):
        def commit(self, tenant: str, commit: Commit) -> None:
            seen.append(commit)
            super().commit(tenant, commit)

    stage = Stage()
    stage.studio = Watched()
    asked = generation()
    stage.admit(asked)

    stage.finish(asked)

    last = seen[-1]
    assert last.generation is not None
    assert last.attempt is not None
    assert [entry.kind.value for entry in last.entries] == ["release"]


def test_a_paid_result_that_could_not_be_fetched_stays_open_for_an_hour() -> None:
    stage = Stage(lumen=ScriptedProvider([Finished(url="https://cdn.lumen.example/a.png")]))
    asked = generation()
    stage.admit(asked)
    stage.submit(asked)

    ended = stage.finish(asked)

    assert (ended.state, ended.actual_micros) == (G.FAILED, usd("0.0200"))
    assert stage.record(asked).current.is_open

    stage.clock.advance(3600)
    stage.finish(asked, attempt=0)

    lost = stage.record(asked).current
    assert (lost.state, lost.is_open) == (S.PAID, False)
    assert lost.failure is not None
    assert lost.failure.code == "download-failed"


def test_the_sweeper_has_a_paid_result_fetched_that_the_workflow_could_not() -> None:
    url = "https://cdn.lumen.example/a.png"
    stage = Stage(lumen=ScriptedProvider([Finished(url=url)]))
    stage.downloads.put(url, picture())
    asked = generation()
    stage.admit(asked)
    stage.submit(asked)
    stage.finish(asked)
    stage.clock.advance(300)

    stage.sweep()

    record = stage.record(asked)
    assert states(record) == [S.STORED]
    assert [take.late for take in record.takes] == [True]
