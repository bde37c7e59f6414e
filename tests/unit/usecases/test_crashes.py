"""A process may die before or after any single effect: nothing is bought twice, nothing is lost.

Every scenario runs once to count the calls of its ports. Then it runs again for every call, with a
death right before and right after that call's effect; the state machine repeats the dead step, time
passes, and the end must be truthful. Pairs of deaths are tried for some.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations, product

import pytest

from filmgate.domain.attempts import AttemptState, Kind
from filmgate.domain.chain import OnUnknown
from filmgate.domain.errors import ContentRefused, ProviderJobFailed, ProviderThrottled
from filmgate.domain.generations import Generation, GenerationState, Record
from filmgate.providers.base import Finished, Pending, Rendering
from tests.support.builders import (
    GENERATION_ID,
    TENANT,
    clip_link,
    clip_wish,
    generation,
    link,
    take,
)
from tests.support.crashes import Fate, Moment
from tests.support.fakes import ScriptedProvider, clip, lost_answer, picture
from tests.support.stage import Stage

S = AttemptState
URL = "https://cdn.lumen.example/clip.mp4"
JOB = Pending({"task": "t1"})
STILL = take()

Scenario = Callable[[Fate], tuple[Stage, Generation]]


def image_at_once(fate: Fate) -> tuple[Stage, Generation]:
    return Stage(fate=fate, lumen=ScriptedProvider([Finished(data=picture())])), generation()


def image_of_another_size(fate: Fate) -> tuple[Stage, Generation]:
    lumen = ScriptedProvider([Finished(data=picture(512, 512), tokens=700)])
    asked = generation(link(micros_per_million_tokens=30_000_000))
    return Stage(fate=fate, lumen=lumen), asked


def no_image_at_all(fate: Fate) -> tuple[Stage, Generation]:
    return Stage(fate=fate, lumen=ScriptedProvider([Finished(data=b"<html>")])), generation()


def polled_clip(fate: Fate) -> tuple[Stage, Generation]:
    stage = Stage(fate=fate, lumen=ScriptedProvider([JOB], looks=[JOB, Finished(url=URL)]))
    stage.downloads.put(URL, clip())
    return stage, generation(clip_link(), wish=clip_wish())


def polled_clip_that_is_broken(fate: Fate) -> tuple[Stage, Generation]:
    stage = Stage(fate=fate, lumen=ScriptedProvider([JOB], looks=[Finished(url=URL)]))
    stage.downloads.put(URL, b"<html>")
    return stage, generation(clip_link(), wish=clip_wish())


def findable_clip(fate: Fate) -> tuple[Stage, Generation]:
    lumen = ScriptedProvider([JOB], looks=[Finished(url=URL)], kind=Kind.FINDABLE)
    stage = Stage(fate=fate, lumen=lumen)
    stage.downloads.put(URL, clip())
    return stage, generation(clip_link(), wish=clip_wish())


def findable_clip_whose_answer_is_lost(fate: Fate) -> tuple[Stage, Generation]:
    lumen = ScriptedProvider([lost_answer()], looks=[Finished(url=URL)], kind=Kind.FINDABLE)
    stage = Stage(fate=fate, lumen=lumen)
    stage.downloads.put(URL, clip())
    return stage, generation(clip_link(), wish=clip_wish())


def link_at_once(fate: Fate) -> tuple[Stage, Generation]:
    stage = Stage(fate=fate, lumen=ScriptedProvider([Finished(url=URL)]))
    stage.downloads.put(URL, picture())
    return stage, generation()


def rendered_clip(fate: Fate) -> tuple[Stage, Generation]:
    stage = Stage(fate=fate, flow=ScriptedProvider([Rendering()]))
    stage.studio.generations[TENANT, GENERATION_ID] = replace(
        generation(), state=GenerationState.SUCCEEDED
    )
    stage.studio.takes[TENANT, GENERATION_ID][STILL.id] = STILL
    stage.takes.objects[STILL.key] = (picture(), "image/png")
    wish = clip_wish(image=STILL.id, motion="push_in")
    return stage, generation(clip_link("flow"), id=f"gen_{'a' * 26}", wish=wish)


def busy_then_done(fate: Fate) -> tuple[Stage, Generation]:
    busy = ProviderThrottled("lumen", "too many requests")
    return Stage(fate=fate, lumen=ScriptedProvider([busy, Finished(data=picture())])), generation()


def refused_then_done_elsewhere(fate: Fate) -> tuple[Stage, Generation]:
    stage = Stage(
        fate=fate,
        lumen=ScriptedProvider([ContentRefused("lumen", "no")]),
        other=ScriptedProvider([Finished(data=picture())]),
    )
    return stage, generation(link(), link("other", "0.0300"))


def failed_job_then_done_elsewhere(fate: Fate) -> tuple[Stage, Generation]:
    stage = Stage(
        fate=fate,
        lumen=ScriptedProvider([JOB], looks=[ProviderJobFailed("lumen", "failed")]),
        other=ScriptedProvider([JOB], looks=[Finished(url=URL)]),
    )
    stage.downloads.put(URL, clip())
    return stage, generation(clip_link(), clip_link("other", "0.0300"), wish=clip_wish())


def lost_answer_then_done_elsewhere(fate: Fate) -> tuple[Stage, Generation]:
    stage = Stage(
        fate=fate,
        lumen=ScriptedProvider([lost_answer()]),
        other=ScriptedProvider([Finished(data=picture())]),
    )
    return stage, generation(link(), link("other", "0.0300"), on_unknown=OnUnknown.NEXT)


def no_key_then_done_elsewhere(fate: Fate) -> tuple[Stage, Generation]:
    stage = Stage(fate=fate, other=ScriptedProvider([Finished(data=picture())]))
    return stage, generation(link(), link("other", "0.0300"))


SCENARIOS: list[Scenario] = [
    image_at_once,
    image_of_another_size,
    no_image_at_all,
    polled_clip,
    polled_clip_that_is_broken,
    findable_clip,
    findable_clip_whose_answer_is_lost,
    link_at_once,
    rendered_clip,
    busy_then_done,
    refused_then_done_elsewhere,
    failed_job_then_done_elsewhere,
    lost_answer_then_done_elsewhere,
    no_key_then_done_elsewhere,
]


SHORT = [
    image_at_once,
    findable_clip,
    rendered_clip,
    refused_then_done_elsewhere,
    lost_answer_then_done_elsewhere,
]


def play(scenario: Scenario, deaths: dict[int, Moment]) -> tuple[Stage, Record, Fate]:
    fate = Fate({})
    stage, asked = scenario(fate)
    stage.admit(asked)
    fate.deaths = deaths
    return stage, stage.run(asked), fate


def faults(stage: Stage, record: Record) -> list[str]:
    """Everything that must never be; empty when all is well."""
    return [
        *_paid_twice(stage, record),
        *_money_that_does_not_add_up(stage, record),
        *_bills_without_money(stage, record),
        *_lost_results(stage, record),
        *([] if record.generation.is_terminal else ["the generation has no end"]),
    ]


def _paid_twice(stage: Stage, record: Record) -> list[str]:
    own = {attempt.id for attempt in record.attempts}
    accepted = [one for name in _scripted(stage) for one in name.accepted]
    twice = {one for one in accepted if accepted.count(one) > 1}
    return [f"{one} was accepted twice" for one in twice] + [
        f"{one} belongs to no attempt" for one in accepted if one not in own
    ]


def _money_that_does_not_add_up(stage: Stage, record: Record) -> list[str]:
    in_doubt = {S.IN_DOUBT, S.OVERDUE}
    open_holds = [one for one in record.attempts if one.is_held and one.state not in in_doubt]
    doubted = sum(one.reserved_micros for one in record.attempts if one.state in in_doubt)
    budget = stage.budget()
    found = stage.studio.balances_disagree() + [f"{one.state} is held" for one in open_holds]
    if budget.held != doubted:
        found.append(f"{budget.held} held for a doubt of {doubted}")
    if budget.room != budget.limit - budget.held - budget.settled:
        found.append("the room is wrong")
    return found


def _bills_without_money(stage: Stage, record: Record) -> list[str]:
    """What a provider took and bills must be held or settled."""
    states = {attempt.id: attempt for attempt in record.attempts}
    return [
        f"{name} was accepted and its money released"
        for provider in _scripted(stage)
        for name in provider.accepted
        if states[name].state is S.RELEASED and not _is_a_failed_job(states[name].failure)
    ]


def _is_a_failed_job(failure: object) -> bool:
    return getattr(failure, "code", None) == "job-failed"


def _lost_results(stage: Stage, record: Record) -> list[str]:
    """Bytes in the bucket are a take, or are kept for a claim because nobody can use them."""
    takes = {one.key for one in record.takes} | {STILL.key}
    by_id = {one.id: one for one in record.attempts}
    found = []
    for key in set(stage.takes.objects) - takes:
        stem = key.rpartition("/")[2].partition(".")[0].partition("_")[2]
        owner = by_id[f"att_{stem}"]
        if "/unusable/" not in key or owner.state not in (S.PAID, S.IN_DOUBT):
            found.append(f"{key} is nobody's, its attempt is {owner.state}")
    missing = takes - {STILL.key} - set(stage.takes.objects)
    stored = [one for one in record.attempts if one.state is S.STORED]
    if len(stored) != len(record.takes):
        found.append("a stored attempt has no take")
    if bool(stored) != (record.generation.state is GenerationState.SUCCEEDED):
        found.append("a take is there and the generation did not succeed")
    if any(one.state is S.PAID and one.failure is None for one in record.attempts):
        found.append("a paid result was not collected")
    return found + [f"{key} is recorded and not there" for key in missing]


def _scripted(stage: Stage) -> list[ScriptedProvider]:
    found = [one for one in stage.adapters.providers.values() if isinstance(one, ScriptedProvider)]
    assert found
    return found


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_without_a_crash_nothing_is_wrong(scenario: Scenario) -> None:
    stage, record, fate = play(scenario, {})

    assert faults(stage, record) == []
    assert stage.deaths == 0
    assert fate.calls >= 8


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_one_death_at_any_effect_pays_nothing_twice_and_loses_nothing(scenario: Scenario) -> None:
    _, _, whole = play(scenario, {})

    for call, moment in product(range(1, whole.calls + 1), Moment):
        stage, record, _ = play(scenario, {call: moment})

        assert faults(stage, record) == [], f"death {moment.value} of call {call}"
        assert stage.deaths == 1


@pytest.mark.parametrize("scenario", SHORT)
def test_two_deaths_at_any_effects_pay_nothing_twice_and_lose_nothing(scenario: Scenario) -> None:
    _, _, whole = play(scenario, {})

    for calls in combinations(range(1, whole.calls + 4), 2):
        for moments in product(Moment, repeat=2):
            deaths = dict(zip(calls, moments, strict=True))
            stage, record, _ = play(scenario, deaths)

            assert faults(stage, record) == [], f"deaths {deaths}"


@pytest.mark.parametrize("scenario", [findable_clip, findable_clip_whose_answer_is_lost])
def test_a_death_loses_no_job_that_can_be_found(scenario: Scenario) -> None:
    _, _, whole = play(scenario, {})

    for call, moment in product(range(1, whole.calls + 1), Moment):
        stage, record, _ = play(scenario, {call: moment})

        taken = bool(_scripted(stage)[0].accepted)
        assert (record.current.state is S.STORED) == taken, f"death {moment.value} of call {call}"


@pytest.mark.parametrize("scenario", [rendered_clip, refused_then_done_elsewhere])
def test_a_death_before_the_first_paid_call_costs_nothing_but_time(scenario: Scenario) -> None:
    for call, moment in product(range(1, 3), Moment):
        _, record, _ = play(scenario, {call: moment})

        assert record.generation.state is GenerationState.SUCCEEDED


def test_the_search_for_faults_finds_a_second_payment() -> None:
    stage, record, _ = play(image_at_once, {})
    _scripted(stage)[0].accepted *= 2

    assert faults(stage, record) == [f"{record.current.id} was accepted twice"]


def test_the_search_for_faults_finds_a_hold_that_was_forgotten() -> None:
    stage, record, _ = play(image_at_once, {})
    forgotten = replace(record.current, state=S.RESERVED)

    found = faults(stage, replace(record, attempts=(forgotten,)))

    assert "reserved is held" in found
    assert "a stored attempt has no take" in found


def test_the_search_for_faults_finds_money_released_for_a_job_that_was_taken() -> None:
    stage, record, _ = play(image_at_once, {})
    released = replace(record.current, state=S.RELEASED)

    found = faults(stage, replace(record, attempts=(released,)))

    assert f"{released.id} was accepted and its money released" in found
