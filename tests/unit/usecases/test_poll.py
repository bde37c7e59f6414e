"""The step Poll: looking is free, proves little, and never ends a job that may still be paid."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from filmgate.domain.attempts import AttemptState
from filmgate.domain.errors import (
    ContentRefused,
    ProviderError,
    ProviderJobFailed,
    ProviderKeyRefused,
    ProviderOutcomeUnknown,
    ProviderProtocolError,
    ProviderThrottled,
    ProviderUnavailable,
)
from filmgate.domain.generations import Generation, GenerationState
from filmgate.providers.base import Finished, Pending
from filmgate.usecases.steps import Outcome, StepResult
from tests.support.builders import NOW, clip_link, clip_wish, generation, usd
from tests.support.fakes import ScriptedProvider, clip
from tests.support.stage import Stage, ending, states

S = AttemptState
G = GenerationState
JOB = Pending({"task": "t1"})
URL = "https://cdn.lumen.example/clip.mp4"


def running(
    *looks: Pending | Finished | Exception, **others: ScriptedProvider
) -> tuple[Stage, Generation]:
    """A stage on which the first provider has accepted a job."""
    stage = Stage(lumen=ScriptedProvider([JOB], looks=looks), **others)
    names = ["lumen", *others]
    asked = generation(
        *[clip_link(name, expected_s=120, deadline_s=600) for name in names], wish=clip_wish()
    )
    stage.admit(asked)
    stage.submit(asked)
    return stage, asked


def test_a_finished_job_is_settled_before_its_download() -> None:
    stage, asked = running(Finished(url=URL))

    result = stage.poll(asked)

    record = stage.record(asked)
    assert result == StepResult(Outcome.READY)
    assert (record.current.state, record.generation.state) == (S.PAID, G.STORING)
    assert record.current.operation == {"task": "t1", "url": URL}
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0200"))


def test_a_running_job_is_looked_at_later_with_its_own_operation() -> None:
    stage, asked = running(JOB)
    stage.clock.advance(120)

    result = stage.poll(asked)

    assert result == StepResult(Outcome.RUNNING, wait_s=24)
    assert stage.adapters.providers["lumen"].polled == [{"task": "t1"}]  # type: ignore[attr-defined]
    assert states(stage.record(asked)) == [S.ACCEPTED]


@pytest.mark.parametrize("leaf", [ContentRefused, ProviderJobFailed])
def test_a_job_that_failed_gives_its_money_back_and_the_next_is_asked(
    leaf: type[ProviderError],
) -> None:
    other = ScriptedProvider([Finished(data=clip())])
    stage, asked = running(leaf("lumen", "failed"), other=other)

    result = stage.poll(asked)

    assert result == StepResult(Outcome.NEXT)
    assert states(stage.record(asked)) == [S.RELEASED]
    assert (stage.budget().held, stage.budget().settled) == (0, 0)
    assert states(stage.run(asked)) == [S.RELEASED, S.STORED]


@pytest.mark.parametrize(
    "leaf",
    [
        ProviderProtocolError,
        ProviderThrottled,
        ProviderUnavailable,
        ProviderOutcomeUnknown,
        ProviderKeyRefused,
    ],
)
def test_a_look_that_saw_nothing_does_not_end_the_job(leaf: type[ProviderError]) -> None:
    stage, asked = running(leaf("lumen", "no"), Finished(url=URL))

    result = stage.poll(asked)

    assert result.outcome is Outcome.RUNNING
    assert states(stage.record(asked)) == [S.ACCEPTED]
    assert stage.poll(asked).outcome is Outcome.READY


@pytest.mark.parametrize("look", [JOB, ProviderThrottled("lumen", "busy")])
def test_a_job_past_its_deadline_is_overdue_and_its_money_stays_held(
    look: Pending | Exception,
) -> None:
    other = ScriptedProvider([Finished(data=clip())])
    stage, asked = running(look, other=other)
    stage.clock.advance(600)

    result = stage.poll(asked)

    record = stage.record(asked)
    assert result == StepResult(Outcome.STOPPED)
    assert states(record) == [S.OVERDUE]
    assert record.current.failure is not None
    assert record.current.failure.code == "deadline-exceeded"
    assert (stage.budget().held, stage.budget().settled) == (usd("0.0200"), 0)
    assert other.references == []


def test_a_moment_before_its_deadline_a_job_still_runs() -> None:
    stage, asked = running(JOB)
    stage.clock.advance(599)

    assert stage.poll(asked).outcome is Outcome.RUNNING


def test_a_job_that_is_done_after_its_deadline_is_still_a_result() -> None:
    stage, asked = running(Finished(url=URL))
    stage.clock.advance(3600)

    assert stage.poll(asked).outcome is Outcome.READY


def test_an_overdue_job_ends_the_generation_with_that_reason() -> None:
    stage, asked = running(JOB)

    assert ending(stage.run(asked)) == (G.FAILED, "deadline-exceeded")
    assert stage.clock.now - NOW >= timedelta(seconds=600)
    assert stage.words.count("running") <= 12


def test_a_look_at_what_is_no_running_job_does_nothing() -> None:
    stage, asked = running(Finished(url=URL))
    stage.poll(asked)

    result = stage.poll(asked)

    assert result == StepResult(Outcome.READY)
    assert len(stage.adapters.providers["lumen"].polled) == 1  # type: ignore[attr-defined]


def test_a_provider_whose_key_is_gone_keeps_its_job_until_the_deadline() -> None:
    stage, asked = running(JOB)
    del stage.adapters.providers["lumen"]

    assert stage.poll(asked).outcome is Outcome.RUNNING
    assert states(stage.record(asked)) == [S.ACCEPTED]


def test_of_two_looks_at_once_one_settles() -> None:
    stage, asked = running(Finished(url=URL))
    look = stage.adapters.providers["lumen"].poll
    said: list[StepResult] = []

    def poll_beside(operation: Mapping[str, Any], *, deadline_s: float) -> Pending | Finished:
        if not said:
            said.append(StepResult(Outcome.STOPPED))
            said[0] = stage.poll(asked)
        return look(operation, deadline_s=deadline_s)

    stage.adapters.providers["lumen"].poll = poll_beside  # type: ignore[method-assign]

    slower = stage.poll(asked)

    assert [said[0], slower] == [StepResult(Outcome.READY)] * 2
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0200"))
    assert stage.studio.balances_disagree() == []


def test_the_vendors_own_count_settles_the_price() -> None:
    stage = Stage(lumen=ScriptedProvider([JOB], looks=[Finished(url=URL, tokens=1000)]))
    asked = generation(clip_link(cost="0.1000", micros_per_million_tokens=30_000_000))
    stage.admit(asked)
    stage.submit(asked)

    stage.poll(asked)

    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0300"))


@pytest.mark.parametrize(("billed", "settled"), [(False, "0.0000"), (True, "0.0200")])
def test_a_failed_job_is_paid_where_the_vendor_bills_it(billed: bool, settled: str) -> None:
    failed = ProviderJobFailed("lumen", "the job failed")
    lumen = ScriptedProvider([Pending({"task": "t"})], looks=[failed], bills_failed_jobs=billed)
    stage = Stage(lumen=lumen)
    asked = generation(clip_link(cost="0.0200"), wish=clip_wish())
    stage.admit(asked)

    stage.run(asked)

    assert (stage.budget().held, stage.budget().settled) == (0, usd(settled))
