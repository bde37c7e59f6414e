"""The steps of a storyboard may die before or after any call of a port: nothing is made twice, the
envelope is closed once, and the books agree.

Every scenario runs once to count the calls. Then it runs again for every call, with a death right
before and right after that call's effect; the state machine repeats the dead step.
"""

from collections.abc import Callable
from itertools import product

import pytest

from filmgate.domain import ids
from filmgate.domain.boards import Head
from filmgate.domain.errors import BudgetExceeded, ProviderJobFailed
from filmgate.domain.ledger import EntryKind
from filmgate.domain.storyboard import Continuity, StoryboardState
from filmgate.providers.base import Finished
from tests.support.board_stage import BoardStage, moving, shot, still
from tests.support.builders import TENANT, usd
from tests.support.crashes import Fate, Moment, ProcessDied
from tests.support.fakes import ScriptedProvider, clip, picture

Scenario = Callable[[Fate], tuple[BoardStage, Head]]
PICTURE = Finished(data=picture())
BROKEN = ProviderJobFailed("lumen", "the job failed")


def painters(fate: Fate, *answers: object) -> BoardStage:
    return BoardStage(
        board_fate=fate,
        lumen=ScriptedProvider(answers or [PICTURE]),  # type: ignore[arg-type]
        other=ScriptedProvider([PICTURE]),
        reel=ScriptedProvider([Finished(data=clip())]),
    )


def keyframe_and_clip(fate: Fate) -> tuple[BoardStage, Head]:
    stage = painters(fate)
    return stage, stage.start(shot(1, still(), moving()), shot(2))


def one_that_fails(fate: Fate) -> tuple[BoardStage, Head]:
    stage = painters(fate, BROKEN)
    only = still(provider="lumen")
    return stage, stage.start(shot(1, only, moving()), shot(2, still(provider="other")))


def a_scene_that_follows(fate: Fate) -> tuple[BoardStage, Head]:
    stage = painters(fate, PICTURE, BROKEN)
    return stage, stage.start(*(shot(n, scene="harbour") for n in (1, 2, 3)))


def a_scene_that_stops(fate: Fate) -> tuple[BoardStage, Head]:
    stage = painters(fate, PICTURE, BROKEN)
    shots = (shot(n, scene="harbour") for n in (1, 2, 3))
    return stage, stage.start(*shots, continuity=Continuity.STOP)


SCENARIOS: list[Scenario] = [
    keyframe_and_clip, one_that_fails, a_scene_that_follows, a_scene_that_stops,
]  # fmt: skip
ENDS = {
    "keyframe_and_clip": StoryboardState.SUCCEEDED,
    "one_that_fails": StoryboardState.PARTIAL,
    "a_scene_that_follows": StoryboardState.SUCCEEDED,
    "a_scene_that_stops": StoryboardState.PARTIAL,
}


def play(scenario: Scenario, deaths: dict[int, Moment]) -> tuple[BoardStage, Head, Fate]:
    fate = Fate({})
    stage, head = scenario(fate)
    fate.calls, fate.deaths = 0, deaths
    return stage, stage.play(head, concurrency=2), fate


def faults(stage: BoardStage, head: Head) -> list[str]:
    """Everything that must never be, once a storyboard has ended."""
    found = stage.faults()
    parts = {
        ids.generation_id(
            TENANT, "ada", ids.part_key(head.id, one.record.number, part.role, revision)
        )
        for one in stage.stand(head).shots
        for part in one.record.parts
        for revision in range(part.revision + 1)
    }
    strangers = {one.id for one in stage.generations()} - parts
    found += [f"{name} is no part" for name in strangers]
    closings = [
        entry
        for entry in stage.studio.entries.values()
        if entry.envelope and entry.kind is EntryKind.RELEASE and "att_" not in entry.id
    ]
    if len(closings) > head.run + 1:
        found.append("an envelope was closed twice")
    if stage.budget().held:
        found.append("money is still held")
    return found


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_without_a_crash_nothing_is_wrong(scenario: Scenario) -> None:
    stage, ended, fate = play(scenario, {})

    assert faults(stage, ended) == []
    assert ended.state is ENDS[scenario.__name__]  # type: ignore[attr-defined]
    assert fate.calls >= 30


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_one_death_at_any_call_makes_nothing_twice_and_loses_no_money(scenario: Scenario) -> None:
    _, whole_end, whole = play(scenario, {})

    for call, moment in product(range(1, whole.calls + 1), Moment):
        stage, ended, _ = play(scenario, {call: moment})

        assert faults(stage, ended) == [], f"death {moment.value} of call {call}"
        assert ended.state is whole_end.state, f"death {moment.value} of call {call}"
        assert stage.board_deaths == 1


def test_two_deaths_at_any_calls_of_the_shortest_scenario_are_no_worse() -> None:
    def one_shot(fate: Fate) -> tuple[BoardStage, Head]:
        stage = painters(fate)
        return stage, stage.start(shot(1))

    _, _, whole = play(one_shot, {})
    for first in range(1, whole.calls + 1):
        for second in range(first + 1, whole.calls + 3):
            for moments in product(Moment, repeat=2):
                stage, ended, _ = play(one_shot, dict(zip((first, second), moments, strict=True)))

                assert faults(stage, ended) == [], (first, second, moments)
                assert ended.state is StoryboardState.SUCCEEDED


def repeated(stage: BoardStage, work: Callable[[], Head]) -> Head:
    """What a person does whose request died: the same again, with the same key."""
    while True:
        try:
            return work()
        except ProcessDied:
            stage.board_deaths += 1


def test_a_death_during_the_admission_holds_the_money_once_or_not_at_all() -> None:
    def admit(deaths: dict[int, Moment]) -> tuple[BoardStage, Head, Fate]:
        fate = Fate(deaths)
        stage = painters(fate)
        head = repeated(stage, lambda: stage.start(shot(1), shot(2)))
        return stage, head, fate

    _, _, whole = admit({})
    for call, moment in product(range(1, whole.calls + 1), Moment):
        stage, head, _ = admit({call: moment})

        assert stage.budget().held == head.max == usd("0.0600"), (call, moment)
        assert len(stage.studio.heads) == 1
        ended = stage.play(head)
        assert (ended.state, faults(stage, ended)) == (StoryboardState.SUCCEEDED, [])


def test_a_death_during_a_cancel_leaves_it_cancelled_or_running_and_a_repeat_ends_it() -> None:
    def cancelled(deaths: dict[int, Moment]) -> tuple[BoardStage, Head, Fate]:
        fate = Fate({})
        stage = painters(fate)
        head = stage.start(*(shot(n, still(), moving()) for n in (1, 2, 3)))
        stage.play(head, concurrency=1, until=2)
        stage.shoot().advance(head.tenant, head.id, 2)
        fate.calls, fate.deaths = 0, deaths

        def ask() -> Head:
            stage.cancel_board(head)
            return head

        repeated(stage, ask)
        return stage, stage.play(head), fate

    _, _, whole = cancelled({})
    for call, moment in product(range(1, whole.calls + 1), Moment):
        stage, ended, _ = cancelled({call: moment})

        assert ended.state is StoryboardState.CANCELLED, (call, moment)
        assert faults(stage, ended) == [], (call, moment)


def test_a_death_during_a_resume_opens_one_more_run_at_most() -> None:
    def resumed(deaths: dict[int, Moment]) -> tuple[BoardStage, Head, Fate]:
        fate = Fate({})
        stage = painters(fate, BROKEN, PICTURE)
        head = stage.start(shot(1, still(provider="lumen")))
        stage.play(head)
        fate.calls, fate.deaths = 0, deaths
        try:
            stage.resume(head)
        except ProcessDied:
            stage.board_deaths += 1
        known = stage.studio.heads[head.tenant, head.id]
        if known.has_ended:
            known = stage.resume(head)
        return stage, stage.play(known), fate

    _, _, whole = resumed({})
    for call, moment in product(range(1, whole.calls + 1), Moment):
        stage, ended, _ = resumed({call: moment})

        assert (ended.state, ended.run) == (StoryboardState.SUCCEEDED, 1), (call, moment)
        assert faults(stage, ended) == [], (call, moment)


def test_the_search_for_faults_finds_an_envelope_that_was_left_open() -> None:
    stage = painters(Fate({}))
    head = stage.start(shot(1))

    assert "the envelope of run 0 is open" in stage.faults()
    assert "money is still held" in faults(stage, head)


def test_a_refused_admission_that_dies_holds_nothing() -> None:
    for call, moment in product(range(1, 6), Moment):
        stage = painters(Fate({call: moment}))

        with pytest.raises((BudgetExceeded, ProcessDied)):
            stage.start(shot(1), budget=usd("0.0001"))

        assert stage.studio.entries == {}
