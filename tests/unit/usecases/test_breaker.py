"""A provider in trouble is left alone: its breaker is asked before every reservation and call."""

from filmgate.domain.attempts import AttemptState
from filmgate.domain.errors import ProviderQuotaExhausted, ProviderUnavailable
from filmgate.domain.generations import Record
from filmgate.domain.health import BreakerState
from filmgate.providers.base import Finished
from tests.support.builders import TENANT, generation, link, usd
from tests.support.fakes import ScriptedProvider, picture
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
