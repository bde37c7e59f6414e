"""The sweeper's look at storyboards: started again, concluded, or left to who is at it."""

from collections import Counter
from datetime import timedelta

from filmgate.domain.storyboard import StoryboardState
from filmgate.providers.base import Finished
from filmgate.usecases.boards import Shooting
from filmgate.usecases.ports import ExecutionState
from filmgate.usecases.sweep_storyboards import MOST_RECOVERIES, SweepStoryboards
from tests.support.board_stage import BoardStage, shot
from tests.support.builders import TENANT
from tests.support.fakes import ScriptedProvider, picture


def stage_of() -> BoardStage:
    return BoardStage(lumen=ScriptedProvider([Finished(data=picture())]))


def sweep(stage: BoardStage, *, later: timedelta = timedelta(minutes=6)) -> Counter[str]:
    stage.clock.advance(later.total_seconds())
    tend = SweepStoryboards(boards=stage.studio, workflow=stage.shootings, clock=stage.clock)
    return tend(stage.worker())


def test_a_storyboard_whose_workflow_never_started_is_started() -> None:
    stage = stage_of()
    head = stage.start(shot(1))
    stage.shootings.executions.clear()

    assert sweep(stage) == {"recovered": 1}

    assert list(stage.shootings.executions) == [Shooting(TENANT, head.id)]


def test_one_whose_workflow_runs_or_that_is_young_is_left_alone() -> None:
    stage = stage_of()
    stage.start(shot(1))

    assert sweep(stage, later=timedelta(minutes=1)) == {}
    assert sweep(stage) == {"running": 1}


def test_one_whose_workflow_died_before_its_end_gets_another() -> None:
    stage = stage_of()
    head = stage.start(shot(1))
    stage.shootings.executions[Shooting(TENANT, head.id)] = ExecutionState.ENDED

    assert sweep(stage) == {"recovered": 1}

    again = Shooting(TENANT, head.id, recovery=1)
    assert stage.shootings.executions[again] is ExecutionState.RUNNING
    assert stage.play(head).state is StoryboardState.SUCCEEDED


def test_one_whose_parts_have_all_ended_is_concluded() -> None:
    stage = stage_of()
    head = stage.start(shot(1))
    stage.shoot().advance(TENANT, head.id, 1)
    stage.let_generations_run()
    stage.shootings.executions[Shooting(TENANT, head.id)] = ExecutionState.ENDED

    assert sweep(stage) == {"concluded": 1}

    assert stage.studio.heads[TENANT, head.id].state is StoryboardState.SUCCEEDED
    assert stage.faults() == []
    assert sweep(stage) == {}


def test_one_that_was_started_again_too_often_is_ended_and_its_money_goes_back() -> None:
    stage = stage_of()
    head = stage.start(shot(1))
    for _ in range(MOST_RECOVERIES):
        for shooting in stage.shootings.executions:
            stage.shootings.executions[shooting] = ExecutionState.ENDED
        assert sweep(stage) == {"recovered": 1}
    for shooting in stage.shootings.executions:
        stage.shootings.executions[shooting] = ExecutionState.ENDED

    assert sweep(stage) == {"concluded": 1}

    assert stage.studio.heads[TENANT, head.id].state is StoryboardState.FAILED
    assert stage.budget().held == 0
