"""Shots that belong together on their way: who leads, who follows, who stops for approval."""

from datetime import timedelta

import pytest

from filmgate.domain.continuity import LEAD_LOST_AFTER, Group
from filmgate.domain.errors import ProviderJobFailed, StateConflict
from filmgate.domain.storyboard import Continuity, PartState, StoryboardState
from filmgate.domain.strategies import Role
from filmgate.providers.base import Finished
from tests.support.board_stage import BoardStage, shot, still
from tests.support.builders import TENANT, usd, with_keys
from tests.support.fakes import ScriptedProvider, picture

PICTURE = Finished(data=picture())
BROKEN = ProviderJobFailed("lumen", "the job failed")
S = StoryboardState


def stage_of(*answers: object) -> BoardStage:
    return BoardStage(
        lumen=ScriptedProvider(answers or [PICTURE]),  # type: ignore[arg-type]
        other=ScriptedProvider([PICTURE]),
    )


def scene(count: int) -> list[object]:
    return [shot(n, scene="harbour") for n in range(1, count + 1)]


def group_of(stage: BoardStage) -> Group:
    (group,) = stage.studio.board(TENANT, next(iter(stage.studio.heads))[1]).groups  # type: ignore[union-attr]
    return group


def test_the_first_of_a_scene_is_made_alone_and_the_others_after_it() -> None:
    stage = stage_of()
    head = stage.start(*scene(3))  # type: ignore[arg-type]

    for number in (2, 1, 3):
        stage.advance(head, number)
    assert [one.shot_number for one in stage.generations()] == [2]
    stage.let_generations_run()
    for number in (1, 2, 3):
        stage.advance(head, number)

    assert sorted(one.shot_number or 0 for one in stage.generations()) == [1, 2, 3]
    assert group_of(stage).pins == {Role.KEYFRAME: "lumen"}


def test_the_rest_of_a_scene_goes_where_its_first_part_was_made() -> None:
    stage = stage_of(BROKEN, PICTURE)
    head = stage.start(*scene(4))  # type: ignore[arg-type]

    stage.play(head)

    assert stage.makers(head) == dict.fromkeys((1, 2, 3, 4), "other")
    assert group_of(stage).switches == ()


def test_a_scene_follows_a_part_that_had_to_fall_back_and_records_the_switch() -> None:
    stage = stage_of(PICTURE, BROKEN, PICTURE)
    head = stage.start(*scene(4))  # type: ignore[arg-type]

    stage.play(head, concurrency=1)

    assert stage.makers(head) == {1: "lumen", 2: "other", 3: "other", 4: "other"}
    (switch,) = group_of(stage).switches
    assert (switch.shot, switch.left, switch.taken, switch.why) == (
        2, "lumen", "other", "fell-back",
    )  # fmt: skip
    assert (switch.cost_before, switch.cost_after) == (usd("0.0100"), usd("0.0300"))
    assert stage.budget().settled == usd("0.1000") <= head.max
    assert stage.faults() == []


def test_a_scene_whose_provider_is_not_there_any_more_follows_too() -> None:
    stage = stage_of()
    head = stage.start(*scene(3))  # type: ignore[arg-type]
    stage.advance(head, 1)
    stage.let_generations_run()
    stage.advance(head, 1)
    stage.studio.settings[TENANT] = dict(with_keys("other"))

    stage.play(head)

    assert stage.makers(head) == {1: "lumen", 2: "other", 3: "other"}
    (switch,) = group_of(stage).switches
    assert (switch.why, switch.cost_before) == ("not-available", None)


def test_a_scene_that_shall_stop_waits_for_approval_and_goes_on_with_it() -> None:
    stage = stage_of(PICTURE, BROKEN)
    head = stage.start(*scene(4), shot(9), continuity=Continuity.STOP)  # type: ignore[arg-type]

    ended = stage.play(head, concurrency=1)

    assert ended.state is S.PARTIAL
    parts = [one.parts[Role.KEYFRAME].state for one in stage.stand(head).shots]
    assert parts == [
        PartState.SUCCEEDED, PartState.FAILED, PartState.SKIPPED, PartState.SKIPPED,
        PartState.SUCCEEDED,
    ]  # fmt: skip
    assert stage.makers(head)[9] == "other"
    stop = group_of(stage).stop
    assert stop is not None
    assert (stop.shot, stop.provider) == (2, "lumen")
    with pytest.raises(StateConflict, match="approve"):
        stage.resume(head)

    again = stage.play(stage.resume(head, approve=True))

    assert again.state is S.SUCCEEDED
    assert stage.makers(head) == {1: "lumen", 2: "other", 3: "other", 4: "other", 9: "other"}
    assert stage.faults() == []


def test_a_scene_that_shall_stop_does_so_when_its_provider_is_gone() -> None:
    stage = stage_of()
    head = stage.start(*scene(2), continuity=Continuity.STOP)  # type: ignore[arg-type]
    stage.advance(head, 1)
    stage.let_generations_run()
    stage.advance(head, 1)
    stage.studio.settings[TENANT] = dict(with_keys("other"))

    ended = stage.play(head)

    assert ended.state is S.PARTIAL
    problem = stage.stand(head).shots[1].record.part(Role.KEYFRAME).problem
    assert problem is not None
    assert problem.code == "continuity"


def test_with_continuity_off_every_shot_is_for_itself() -> None:
    stage = stage_of(PICTURE, BROKEN, PICTURE)
    head = stage.start(*scene(3), continuity=Continuity.OFF)  # type: ignore[arg-type]

    stage.play(head, concurrency=1)

    assert stage.makers(head) == {1: "lumen", 2: "other", 3: "lumen"}


def test_a_part_that_names_its_provider_keeps_it_and_waits_for_nobody() -> None:
    stage = stage_of()
    named = shot(2, still(provider="other"), scene="harbour")
    head = stage.start(shot(1, scene="harbour"), named, shot(3, scene="harbour"))

    stage.advance(head, 1)
    stage.advance(head, 2)
    assert len(stage.generations()) == 2
    stage.play(head)

    assert stage.makers(head) == {1: "lumen", 2: "other", 3: "lumen"}
    assert group_of(stage).switches == ()


def test_a_leader_that_fails_leaves_the_lead_to_the_next() -> None:
    stage = BoardStage(lumen=ScriptedProvider([BROKEN, PICTURE]))
    head = stage.start(*scene(3))  # type: ignore[arg-type]

    ended = stage.play(head, concurrency=1)

    assert ended.state is S.PARTIAL
    assert stage.makers(head) == {1: None, 2: "lumen", 3: "lumen"}


def test_a_leader_that_never_begins_is_not_waited_for_for_ever() -> None:
    stage = stage_of()
    head = stage.start(*scene(2))  # type: ignore[arg-type]
    group = group_of(stage)
    stage.studio.put_group(head, group.led(Role.KEYFRAME, 1, stage.clock.now))

    stage.advance(head, 2)
    assert stage.generations() == []
    stage.clock.advance((LEAD_LOST_AFTER + timedelta(seconds=1)).total_seconds())
    stage.advance(head, 2)

    assert [one.shot_number for one in stage.generations()] == [2]
