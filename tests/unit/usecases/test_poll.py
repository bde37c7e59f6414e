"""The step Poll: looking is free, proves little, and never ends a job that may still be paid."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from filmgate.domain.attempts import AttemptState, Kind
from filmgate.domain.chain import OnUnknown
from filmgate.domain.errors import (
    ContentRefused,
    ProviderError,
    ProviderJobFailed,
    ProviderJobUnknown,
    ProviderKeyRefused,
    ProviderOutcomeUnknown,
    ProviderProtocolError,
    ProviderResultMissing,
    ProviderThrottled,
    ProviderUnavailable,
    ProviderUnsupported,
)
from filmgate.domain.generations import Generation, GenerationState, Link
from filmgate.providers.base import Finished, Pending
from filmgate.usecases.steps import Outcome, StepResult
from tests.support.builders import NOW, TENANT, clip_link, clip_wish, generation, usd
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


def provider(stage: Stage, name: str = "lumen") -> ScriptedProvider:
    found = stage.adapters.providers[name]
    assert isinstance(found, ScriptedProvider)
    return found


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


# --- keys --------------------------------------------------------------------------------------


@pytest.mark.parametrize("gone", [True, False], ids=["no key stored", "key refused"])
def test_a_job_that_no_key_can_see_is_overdue_at_once_and_its_money_stays_held(gone: bool) -> None:
    stage, asked = running(ProviderKeyRefused("lumen", "refused the key"))
    if gone:
        del stage.adapters.providers["lumen"]

    result = stage.poll(asked)

    attempt = stage.record(asked).current
    assert result == StepResult(Outcome.STOPPED)
    assert (attempt.state, attempt.operation) == (S.OVERDUE, JOB.operation)
    assert attempt.failure is not None
    assert (attempt.failure.code, attempt.failure.error_class) == ("key-refused", "in-doubt")
    assert stage.budget().held == usd("0.0200")
    assert stage.studio.health(TENANT)["lumen"].open_until is not None


def test_a_key_that_was_changed_meanwhile_gets_one_more_look() -> None:
    stage, asked = running(ProviderKeyRefused("lumen", "refused the key"), Finished(url=URL))
    stage.key_was_changed = True

    assert stage.poll(asked).outcome is Outcome.READY
    assert len(provider(stage).polled) == 2


def test_a_changed_key_that_is_refused_too_is_not_tried_a_third_time() -> None:
    stage, asked = running(ProviderKeyRefused("lumen", "refused the key"))
    stage.key_was_changed = True

    stage.poll(asked)

    assert states(stage.record(asked)) == [S.OVERDUE]
    assert len(provider(stage).polled) == 2


def without_its_key_store(stage: Stage) -> None:
    """The store of keys does not answer, which says nothing about a key."""

    class Away:
        def __call__(self, tenant: str, link: Link) -> ScriptedProvider:
            raise ProviderUnavailable(link.provider, "its key cannot be read now")

    stage.adapters = Away()  # type: ignore[assignment]


def test_a_key_store_that_is_away_delays_a_job_and_does_not_give_it_up() -> None:
    stage, asked = running(JOB)
    without_its_key_store(stage)

    assert stage.poll(asked).outcome is Outcome.RUNNING
    assert states(stage.record(asked)) == [S.ACCEPTED]


def test_a_key_store_that_is_away_does_not_stop_the_deadline() -> None:
    stage, asked = running(JOB)
    without_its_key_store(stage)
    stage.clock.advance(600)

    stage.poll(asked)

    (why,) = [one.failure for one in stage.record(asked).attempts]
    assert states(stage.record(asked)) == [S.OVERDUE]
    assert why is not None
    assert why.code == "deadline-exceeded"


# --- jobs that cannot be seen ------------------------------------------------------------------

UNKNOWN = ProviderJobUnknown("lumen", "shows no such job")


def looks_at(stage: Stage, asked: Generation, *seconds: float) -> list[AttemptState]:
    """Look after each of these pauses, and tell the states that follow."""
    seen = []
    for pause in seconds:
        stage.clock.advance(pause)
        stage.poll(asked)
        seen.append(stage.record(asked).current.state)
    return seen


def test_a_job_that_is_not_shown_three_times_over_two_minutes_is_overdue() -> None:
    stage, asked = running(UNKNOWN)

    told = looks_at(stage, asked, 0, 60, 60)

    attempt = stage.record(asked).current
    assert told == [S.ACCEPTED, S.ACCEPTED, S.OVERDUE]
    assert attempt.failure is not None
    assert (attempt.failure.code, attempt.failure.error_class) == ("job-unknown", "in-doubt")
    assert (stage.budget().held, stage.budget().settled) == (usd("0.0200"), 0)


@pytest.mark.parametrize("pauses", [(0, 1, 1, 117), (0, 120)], ids=["too soon", "too few"])
def test_less_than_three_looks_or_two_minutes_give_nothing_up(pauses: tuple[int, ...]) -> None:
    stage, asked = running(UNKNOWN)

    assert set(looks_at(stage, asked, *pauses)) == {S.ACCEPTED}


def test_a_job_that_is_seen_again_begins_the_row_anew() -> None:
    stage, asked = running(UNKNOWN, UNKNOWN, JOB, UNKNOWN)

    told = looks_at(stage, asked, 0, 60, 60, 1, 1)

    assert told == [S.ACCEPTED] * 5
    assert stage.record(asked).current.unseen_looks == 2
    assert looks_at(stage, asked, 118) == [S.ACCEPTED]
    assert looks_at(stage, asked, 1) == [S.OVERDUE]


def test_a_job_that_only_a_search_still_shows_goes_on() -> None:
    stage, asked = running(UNKNOWN)
    lumen = provider(stage)
    lumen.kind = Kind.FINDABLE

    told = looks_at(stage, asked, 0, 60, 60)

    assert told == [S.ACCEPTED] * 3
    assert lumen.searched == [stage.record(asked).current.id]


@pytest.mark.parametrize("find", [None, ProviderThrottled("lumen", "busy")])
def test_a_job_that_a_search_does_not_show_either_is_overdue(find: Exception | None) -> None:
    stage, asked = running(UNKNOWN)
    stage.adapters.providers["lumen"] = ScriptedProvider(
        looks=[UNKNOWN], finds=[find], kind=Kind.FINDABLE, proves_absence=True
    )

    assert looks_at(stage, asked, 0, 60, 60)[-1] is S.OVERDUE


def test_an_unknown_job_whose_deadline_comes_first_is_late() -> None:
    stage, asked = running(UNKNOWN)

    looks_at(stage, asked, 600)

    attempt = stage.record(asked).current
    assert attempt.failure is not None
    assert (attempt.state, attempt.failure.code) == (S.OVERDUE, "deadline-exceeded")


# --- success without a result ------------------------------------------------------------------

MISSING = ProviderResultMissing("lumen", "succeeded without a clip")


def test_a_success_without_a_result_is_waited_for_and_then_paid_and_unusable() -> None:
    stage, asked = running(MISSING)

    told = looks_at(stage, asked, 0, 299, 1)

    attempt = stage.record(asked).current
    assert told == [S.ACCEPTED, S.ACCEPTED, S.PAID]
    assert attempt.failure is not None
    assert attempt.failure.code == "result-missing"
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0200"))
    assert ending(stage.run(asked)) == (G.FAILED, "result-unusable")


def test_a_result_that_comes_a_little_later_is_a_result() -> None:
    stage, asked = running(MISSING, Finished(url=URL))

    assert looks_at(stage, asked, 0, 60) == [S.ACCEPTED, S.PAID]
    assert stage.record(asked).current.failure is None


def test_a_job_that_goes_on_after_all_is_waited_for_anew() -> None:
    stage, asked = running(MISSING, JOB, MISSING)

    assert looks_at(stage, asked, 0, 290, 10, 290) == [S.ACCEPTED] * 4


# --- past the deadline -------------------------------------------------------------------------

CANCELLED = ProviderJobFailed("lumen", "the job was cancelled")


def late(*looks: Pending | Finished | Exception, **facts: Any) -> tuple[Stage, Generation]:
    stage, asked = running(JOB)
    stage.adapters.providers["lumen"] = ScriptedProvider(looks=looks, **facts)
    stage.clock.advance(600)
    return stage, asked


def test_a_cancel_that_a_look_confirms_gives_the_money_back() -> None:
    stage, asked = late(JOB, CANCELLED, can_cancel=True)

    stage.poll(asked)

    assert provider(stage).cancelled == [JOB.operation]
    assert states(stage.record(asked)) == [S.RELEASED]
    assert (stage.budget().held, stage.budget().settled) == (0, 0)


def test_a_cancel_that_was_only_taken_gives_nothing_back() -> None:
    stage, asked = late(JOB, can_cancel=True)

    stage.poll(asked)

    assert provider(stage).cancelled == [JOB.operation]
    assert states(stage.record(asked)) == [S.OVERDUE]
    assert stage.budget().held == usd("0.0200")


def test_a_job_that_was_done_before_its_cancel_arrived_is_paid() -> None:
    stage, asked = late(JOB, Finished(url=URL), can_cancel=True)

    assert stage.poll(asked).outcome is Outcome.READY
    assert states(stage.record(asked)) == [S.PAID]


@pytest.mark.parametrize(
    "facts",
    [{}, {"can_cancel": True, "cancels": [ProviderUnsupported("lumen", "runs already")]}],
    ids=["cannot", "was not taken"],
)
def test_without_a_cancel_nothing_is_looked_at_twice(facts: dict[str, Any]) -> None:
    stage, asked = late(JOB, CANCELLED, **facts)

    stage.poll(asked)

    assert len(provider(stage).polled) == 1
    assert states(stage.record(asked)) == [S.OVERDUE]


def test_a_cancelled_job_is_paid_where_the_vendor_bills_it() -> None:
    stage, asked = late(JOB, CANCELLED, can_cancel=True, bills_failed_jobs=True)

    stage.poll(asked)

    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0200"))


@pytest.mark.parametrize("policy", OnUnknown)
def test_behind_a_stuck_job_the_next_is_asked_only_where_the_request_says_so(
    policy: OnUnknown,
) -> None:
    other = ScriptedProvider([Finished(data=clip())])
    stage = Stage(lumen=ScriptedProvider([JOB], looks=[JOB]), other=other)
    asked = generation(
        clip_link(deadline_s=600), clip_link("other"), wish=clip_wish(), on_unknown=policy
    )
    stage.admit(asked)

    record = stage.run(asked)

    expected = [S.OVERDUE, S.STORED] if policy is OnUnknown.NEXT else [S.OVERDUE]
    assert states(record) == expected
    assert stage.budget().held == usd("0.0200")


# --- bills -------------------------------------------------------------------------------------


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
