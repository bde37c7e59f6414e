"""A provider in trouble is left alone: its breaker is asked before every reservation and call."""

from filmgate.domain.attempts import AttemptState
from filmgate.domain.errors import ProviderQuotaExhausted, ProviderUnavailable
from filmgate.domain.generations import Record
from filmgate.domain.health import BreakerState
from filmgate.providers.base import Finished, Pending
from tests.support.builders import TENANT, clip_link, clip_wish, generation, link, usd
from tests.support.fakes import ScriptedProvider, clip, picture
from tests.support.stage import Stage, states

S = AttemptState
DONE = Finished(data=picture())
DOWN = ProviderUnavailable("lumen", "an error of its own")


def make(stage: Stage, number: int, *chain: str) -> Record:
    """One generation from its admission to its end."""
    links = [link(name) for name in chain or ("lumen", "other")]
    asked = generation(*links, id=f"gen_{number:026d}")
    stage.admit(asked)
    return stage.run(asked)


def test_a_storm_of_failures_costs_two_calls_each_until_the_breaker_opens() -> None:
    lumen, other = ScriptedProvider([DOWN]), ScriptedProvider([DONE])
    stage = Stage(lumen=lumen, other=other, jitter=0.0)

    made = [make(stage, number) for number in range(12)]

    assert len(lumen.references) == 2 * 5
    assert [record.generation.provider for record in made] == ["other"] * 12
    assert made[-1].attempts[0].failure is not None
    assert made[-1].attempts[0].failure.code == "suspended"


def test_a_suspended_provider_further_down_the_chain_is_passed_over_without_a_hold() -> None:
    broke = ProviderQuotaExhausted("lumen", "no credit")
    stage = Stage(
        other=ScriptedProvider([ProviderUnavailable("other", "down")]),
        lumen=ScriptedProvider([broke]),
        last=ScriptedProvider([DONE]),
        jitter=0.0,
    )
    make(stage, 1, "lumen", "last")

    record = make(stage, 2, "other", "lumen", "last")

    entries = [one for one in stage.studio.entries.values() if one.id.startswith("att_")]
    passed_over = record.attempts[1]
    assert states(record) == [S.RELEASED, S.RELEASED, S.STORED]
    assert passed_over.failure is not None
    assert passed_over.failure.code == "suspended"
    assert not any(entry.id.startswith(passed_over.id) for entry in entries)


def test_when_its_time_is_over_one_attempt_probes_and_a_success_closes_the_breaker() -> None:
    lumen = ScriptedProvider([*[DOWN] * 10, DONE])
    stage = Stage(lumen=lumen, other=ScriptedProvider([DONE]), jitter=0.0)
    for number in range(5):
        make(stage, number)
    stage.clock.advance(61)

    record = make(stage, 6)

    assert record.generation.provider == "lumen"
    assert stage.studio.health(TENANT)["lumen"].breaker(stage.clock.now) is BreakerState.CLOSED


def test_what_was_observed_is_counted_once_for_every_attempt() -> None:
    stage = Stage(lumen=ScriptedProvider([DONE]))

    for number in range(3):
        make(stage, number, "lumen")

    figures = stage.studio.health(TENANT)["lumen"]
    assert (figures.attempts, figures.successes) == (3, 3)
    assert figures.average_cost == usd("0.0200")


def test_results_that_cannot_be_used_count_against_their_provider() -> None:
    url = "https://cdn.lumen.example/picture.png"
    stage = Stage(lumen=ScriptedProvider([Finished(url=url)]))
    stage.downloads.put(url, b"<html>")

    for number in range(5):
        make(stage, number, "lumen")

    known = stage.studio.health(TENANT)["lumen"]
    assert (known.attempts, known.successes) == (5, 0)
    assert known.breaker(stage.clock.now) is BreakerState.OPEN


def test_a_doubt_counts_once_against_its_provider_and_a_late_result_for_it() -> None:
    url = "https://cdn.lumen.example/clip.mp4"
    job = Pending({"task": "t"})
    lumen = ScriptedProvider([job], looks=[job])
    stage = Stage(lumen=lumen)
    stage.downloads.put(url, clip())
    asked = generation(clip_link(deadline_s=600), wish=clip_wish())
    stage.admit(asked)
    stage.run(asked)
    stage.clock.advance(24 * 3600)
    stage.sweep()
    doubted = stage.studio.health(TENANT)["lumen"]

    lumen._looks.append(Finished(url=url))
    lumen._looks.popleft()
    stage.clock.advance(3600)
    stage.sweep()

    known = stage.studio.health(TENANT)["lumen"]
    assert (doubted.attempts, doubted.successes, doubted.failures_in_row) == (1, 0, 1)
    assert (known.attempts, known.successes, known.failures_in_row) == (2, 1, 0)
