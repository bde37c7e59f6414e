"""Searching for a lost job: what is found is kept, and only a proof gives money back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from filmgate.domain.attempts import AttemptState, Kind
from filmgate.domain.errors import ProviderError, ProviderKeyRefused, ProviderThrottled
from filmgate.domain.generations import SEARCH_IN_WORKFLOW, Generation, GenerationState
from filmgate.providers.base import Finished, Pending
from filmgate.usecases.search import Search
from filmgate.usecases.steps import Outcome
from tests.support.builders import TENANT, clip_link, clip_wish, generation, usd, worker
from tests.support.fakes import ScriptedProvider, clip, lost_answer
from tests.support.stage import FUNCTION_LIFE, Stage, ending, states

S = AttemptState
JOB = Pending({"task": "t1"})
URL = "https://cdn.lumen.example/clip.mp4"
LEASE = FUNCTION_LIFE + timedelta(seconds=60)


def doubted(
    *finds: Pending | Exception | None, proves: bool = True, **others: ScriptedProvider
) -> tuple[Stage, Generation, ScriptedProvider]:
    """A stage on which the answer of the first provider was lost; its first search is over."""
    lumen = ScriptedProvider(
        [lost_answer()],
        looks=[Finished(url=URL)],
        finds=[None, *finds],
        kind=Kind.FINDABLE,
        proves_absence=proves,
    )
    stage = Stage(lumen=lumen, **others)
    stage.downloads.put(URL, clip())
    names = ["lumen", *others]
    asked = generation(*[clip_link(name) for name in names], wish=clip_wish())
    stage.admit(asked)
    stage.submit(asked, worker(now=stage.clock.now))
    assert states(stage.record(asked)) == [S.IN_DOUBT]
    return stage, asked, lumen


def search(stage: Stage, asked: Generation) -> AttemptState:
    step = Search(stage.studio, stage.adapters, stage.clock, stage.patience)
    return step(stage.record(asked)).current.state


def test_a_job_that_is_found_is_accepted_with_its_operation_and_a_fresh_deadline() -> None:
    stage, asked, lumen = doubted(JOB)
    stage.clock.advance(30)

    assert search(stage, asked) is S.ACCEPTED

    found = stage.record(asked).current
    assert found.operation == {"task": "t1"}
    assert found.deadline_at == stage.clock.now + timedelta(seconds=1800)
    assert lumen.searched == [found.id] * 2
    assert stage.budget().held == usd("0.0200")


def test_two_searches_after_the_lease_give_the_money_back() -> None:
    stage, asked, _ = doubted(None)
    stage.clock.advance(LEASE.total_seconds())

    first = search(stage, asked)
    stage.clock.advance(60)
    second = search(stage, asked)

    assert (first, second) == (S.IN_DOUBT, S.RELEASED)
    gone = stage.record(asked).current
    assert gone.failure is not None
    assert gone.failure.code == "not-accepted"
    assert (stage.budget().held, stage.budget().settled) == (0, 0)
    assert stage.studio.balances_disagree() == []


def test_a_search_right_before_the_lease_ends_is_no_half_of_a_proof() -> None:
    stage, asked, _ = doubted(None)
    stage.clock.advance(LEASE.total_seconds() - 1)

    search(stage, asked)
    stage.clock.advance(60)

    assert search(stage, asked) is S.IN_DOUBT
    assert stage.record(asked).current.unseen_looks == 1


def test_searches_that_follow_too_closely_are_one() -> None:
    stage, asked, _ = doubted(None)
    stage.clock.advance(LEASE.total_seconds())

    told = []
    for pause in (0, 1, 58, 0.9, 0.1):
        stage.clock.advance(pause)
        told.append(search(stage, asked))

    assert told == [S.IN_DOUBT] * 4 + [S.RELEASED]


def test_a_search_that_is_no_proof_gives_nothing_back_however_often() -> None:
    stage, asked, _ = doubted(None, proves=False)

    for _ in range(50):
        stage.clock.advance(600)
        assert search(stage, asked) is S.IN_DOUBT

    assert stage.budget().held == usd("0.0200")


def no_key(stage: Stage, _: ScriptedProvider) -> None:
    del stage.adapters.providers["lumen"]


def busy(stage: Stage, lumen: ScriptedProvider) -> None:
    stage.adapters.providers["lumen"] = ScriptedProvider(
        finds=[ProviderThrottled("lumen", "busy")], kind=Kind.FINDABLE, proves_absence=True
    )


@pytest.mark.parametrize("trouble", [no_key, busy])
def test_a_search_that_failed_is_no_half_of_a_proof(trouble: Callable[..., None]) -> None:
    stage, asked, lumen = doubted(None)
    trouble(stage, lumen)

    for _ in range(3):
        stage.clock.advance(600)
        assert search(stage, asked) is S.IN_DOUBT

    assert stage.record(asked).current.unseen_looks == 0


def test_a_job_that_shows_up_between_the_two_searches_is_kept() -> None:
    stage, asked, _ = doubted(None, JOB)
    stage.clock.advance(LEASE.total_seconds())

    search(stage, asked)
    stage.clock.advance(60)

    assert search(stage, asked) is S.ACCEPTED
    assert stage.budget().held == usd("0.0200")


def test_a_job_that_another_found_meanwhile_is_written_down_once() -> None:
    lumen = ScriptedProvider([JOB], looks=[Finished(url=URL)], finds=[JOB], kind=Kind.FINDABLE)
    stage = Stage(lumen=lumen)
    stage.downloads.put(URL, clip())
    asked = generation(clip_link(), wish=clip_wish())
    stage.admit(asked)

    def meanwhile() -> None:
        stage.clock.advance(LEASE.total_seconds())
        stage.submit(asked)

    lumen.meanwhile = meanwhile
    result = stage.submit(asked, worker(now=stage.clock.now))

    assert result.outcome is Outcome.RUNNING
    assert states(stage.record(asked)) == [S.ACCEPTED]
    assert states(stage.run(asked)) == [S.STORED]
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0200"))


# --- in the workflow ---------------------------------------------------------------------------


def test_the_workflow_waits_for_the_proof_and_then_asks_the_next_provider() -> None:
    other = ScriptedProvider([Finished(data=clip())])
    stage, asked, lumen = doubted(None, other=other)

    record = stage.run(asked)

    assert states(record) == [S.RELEASED, S.STORED]
    assert ending(record) == (GenerationState.SUCCEEDED, None)
    assert len(lumen.references) == 1
    assert stage.clock.now - asked.created_at < SEARCH_IN_WORKFLOW


def test_the_workflow_goes_on_with_a_job_that_a_search_finds() -> None:
    stage, asked, lumen = doubted(None, JOB)

    record = stage.run(asked)

    assert states(record) == [S.STORED]
    assert len(lumen.references) == 1
    assert record.takes[0].late is False


def test_a_search_that_proves_nothing_ends_after_ten_minutes_with_an_unknown_outcome() -> None:
    other = ScriptedProvider([Finished(data=clip())])
    stage, asked, _ = doubted(None, proves=False, other=other)

    record = stage.run(asked)

    assert ending(record) == (GenerationState.FAILED, "outcome-unknown")
    assert states(record) == [S.IN_DOUBT]
    assert other.references == []
    assert stage.clock.now - asked.created_at >= SEARCH_IN_WORKFLOW


def test_a_wait_before_a_search_ends_with_the_lease_or_after_a_minute() -> None:
    stage, asked, _ = doubted(None)

    waits = []
    for _ in range(6):
        result = stage.submit(asked)
        waits.append((result.outcome, result.wait_s))
        stage.clock.advance(result.wait_s)

    assert waits == [(Outcome.AGAIN, 60)] * 6
    stage, asked, _ = doubted(None)
    stage.clock.advance(LEASE.total_seconds() - 10)
    assert stage.submit(asked).wait_s == 10


# --- the same reference, the same job ----------------------------------------------------------


def keyed(*answers: Any) -> tuple[Stage, Generation, ScriptedProvider]:
    lumen = ScriptedProvider([lost_answer(), *answers], kind=Kind.KEYED)
    stage = Stage(lumen=lumen)
    asked = generation(clip_link(), wish=clip_wish())
    stage.admit(asked)
    stage.submit(asked)
    assert states(stage.record(asked)) == [S.IN_DOUBT]
    return stage, asked, lumen


def test_a_keyed_provider_is_asked_again_under_the_same_reference() -> None:
    stage, asked, lumen = keyed(Finished(data=clip()))

    record = stage.run(asked)

    assert states(record) == [S.STORED]
    assert lumen.references == [record.current.id] * 2
    assert stage.budget().settled == usd("0.0200")


@pytest.mark.parametrize(
    "error", [ProviderThrottled("lumen", "busy"), ProviderKeyRefused("lumen", "no"), lost_answer()]
)
def test_what_refuses_a_replay_proves_nothing_about_the_first_call(error: ProviderError) -> None:
    stage, asked, lumen = keyed(error)

    result = stage.submit(asked)

    assert result.outcome is Outcome.AGAIN
    assert states(stage.record(asked)) == [S.IN_DOUBT]
    assert stage.budget().held == usd("0.0200")
    assert len(lumen.references) == 2


def test_after_an_hour_a_doubt_starts_no_job_any_more() -> None:
    stage, asked, lumen = keyed(Finished(data=clip()))
    stage.clock.advance(3600)

    result = stage.submit(asked)

    assert result.outcome is Outcome.STOPPED
    assert len(lumen.references) == 1
    assert states(stage.record(asked)) == [S.IN_DOUBT]


def test_a_blind_provider_is_neither_searched_nor_asked_again() -> None:
    lumen = ScriptedProvider([lost_answer()])
    stage = Stage(lumen=lumen)
    asked = generation()
    stage.admit(asked)

    record = stage.run(asked)

    assert (lumen.references, lumen.searched) == ([record.current.id], [])
    assert ending(record) == (GenerationState.FAILED, "outcome-unknown")
    assert stage.studio.budgets[TENANT, "provider:lumen", "2026-11"].held == usd("0.0200")
