"""The sweeper: what no workflow is at any more comes to a truthful end, and not before its time."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from filmgate.domain import ledger
from filmgate.domain.attempts import AttemptState, Kind
from filmgate.domain.chain import OnUnknown
from filmgate.domain.errors import (
    ConfigurationError,
    DownloadFailed,
    ProviderJobFailed,
    ProviderJobUnknown,
    ProviderKeyRefused,
    ProviderResultMissing,
    ProviderThrottled,
    StoreUnavailable,
)
from filmgate.domain.generations import (
    RENDER_OPERATION,
    Generation,
    GenerationState,
    Problem,
    Record,
)
from filmgate.domain.ids import generation_id
from filmgate.providers.base import Finished, Pending
from filmgate.usecases.budgets import with_open_budgets
from filmgate.usecases.generate import reserve_link
from filmgate.usecases.ports import Execution, ExecutionState, Opened
from filmgate.usecases.steps import take_place
from filmgate.usecases.sweep import MOST_RECOVERIES
from tests.support.builders import (
    NOW,
    TENANT,
    clip_link,
    clip_wish,
    failure,
    generation,
    usd,
    worker,
)
from tests.support.crashes import Fate, Moment, ProcessDied
from tests.support.fakes import FakeWorkflow, ScriptedProvider, clip, lost_answer, picture
from tests.support.memory_studio import MemoryStudio
from tests.support.stage import FUNCTION_LIFE, Stage, ending, states

S = AttemptState
G = GenerationState
JOB = Pending({"task": "t1"})
URL = "https://cdn.lumen.example/clip.mp4"
LEASE_S = (FUNCTION_LIFE + timedelta(seconds=60)).total_seconds()
FIVE_MINUTES = 300
HOUR = 3600
DAY = 24 * HOUR
DONE = Finished(url=URL)


def ended_with(lumen: ScriptedProvider, **others: ScriptedProvider) -> tuple[Stage, Generation]:
    """A stage on which a generation of a clip has come to its end, whatever is left of it."""
    stage = Stage(lumen=lumen, **others)
    stage.downloads.put(URL, clip())
    links = [clip_link(name, deadline_s=600) for name in ("lumen", *others)]
    asked = generation(*links, wish=clip_wish(), on_unknown=OnUnknown.NEXT)
    stage.admit(asked)
    stage.run(asked)
    return stage, asked


def sweeps(stage: Stage, asked: Generation, *pauses: float) -> list[AttemptState]:
    """The state of the first attempt after each pause and sweep."""
    told = []
    for pause in pauses:
        stage.clock.advance(pause)
        stage.sweep()
        told.append(stage.record(asked).attempts[0].state)
    assert stage.failures == []
    assert stage.studio.balances_disagree() == []
    return told


def entries(stage: Stage) -> list[tuple[str, int, int]]:
    return [(one.kind.value, one.held, one.settled) for one in stage.studio.entries.values()]


def until(stage: Stage, since: datetime, seconds: float) -> float:
    return (since + timedelta(seconds=seconds) - stage.clock.now).total_seconds()


def test_where_nothing_is_open_nothing_is_done() -> None:
    stage, _ = ended_with(ScriptedProvider([Finished(data=clip())]))

    swept = stage.sweep()

    assert (dict(swept.open), dict(swept.done), swept.failed, swept.left) == ({}, {}, 0, 0)


# --- generations without a workflow ------------------------------------------------------------


def admitted(**facts: Any) -> tuple[Stage, Generation]:
    """A crash came between the admission and the start of the workflow."""
    stage = Stage(lumen=ScriptedProvider([Finished(data=picture())]))
    asked = generation(**facts)
    stage.admit(asked)
    return stage, asked


def test_a_generation_that_was_never_started_is_started_after_five_minutes() -> None:
    stage, asked = admitted()
    stage.clock.advance(FIVE_MINUTES - 1)
    early = stage.sweep()
    stage.clock.advance(1)

    swept = stage.sweep()

    assert dict(early.done) == {}
    assert dict(swept.done) == {"recovered": 1}
    assert list(stage.workflow.executions) == [Execution(TENANT, asked.id)]
    assert ending(stage.record(asked)) == (G.SUCCEEDED, None)


def test_a_generation_whose_workflow_runs_is_left_to_it() -> None:
    stage, asked = admitted()
    stage.workflow.start(Execution(TENANT, asked.id))
    stage.clock.advance(HOUR)

    swept = stage.sweep()

    assert dict(swept.done) == {}
    assert dict(swept.open) == {"reserved": 1}
    assert stage.record(asked).generation.state is G.QUEUED


def test_a_generation_whose_workflow_ended_in_vain_gets_another_one() -> None:
    stage, asked = admitted()
    stage.workflow.end(Execution(TENANT, asked.id))
    stage.clock.advance(FIVE_MINUTES)

    stage.sweep()

    assert list(stage.workflow.executions)[1:] == [Execution(TENANT, asked.id, run=1)]
    assert stage.record(asked).generation.recoveries == 1
    assert ending(stage.record(asked)) == (G.SUCCEEDED, None)


def test_a_death_between_writing_a_recovery_and_starting_it_costs_no_second_recovery() -> None:
    stage, asked = admitted()
    stage.workflow = FakeWorkflow(StoreUnavailable("throttled"))
    stage.workflow.end(Execution(TENANT, asked.id))
    stage.clock.advance(FIVE_MINUTES)

    first = stage.sweep()
    second = stage.sweep()

    assert (first.failed, second.failed) == (1, 0)
    assert stage.record(asked).generation.recoveries == 1
    assert list(stage.workflow.executions)[1:] == [Execution(TENANT, asked.id, run=1)]
    assert ending(stage.record(asked)) == (G.SUCCEEDED, None)


def test_what_cannot_be_recovered_ends_after_ten_times_and_gives_its_hold_back() -> None:
    stage, asked = admitted(recoveries=MOST_RECOVERIES)
    stage.workflow.end(Execution(TENANT, asked.id, run=MOST_RECOVERIES))
    stage.clock.advance(FIVE_MINUTES)

    swept = stage.sweep()

    assert dict(swept.done) == {"recovered": 1}
    assert len(stage.workflow.executions) == 1
    assert ending(stage.record(asked)) == (G.FAILED, "internal")
    assert states(stage.record(asked)) == [S.RELEASED]
    assert (stage.budget().held, stage.budget().settled) == (0, 0)


def test_a_recovery_never_sends_twice() -> None:
    """The process died while it was sending; its workflow is gone."""
    lumen = ScriptedProvider([lost_answer()], meanwhile=_die)
    stage = Stage(lumen=lumen)
    asked = generation()
    stage.admit(asked)
    with pytest.raises(ProcessDied):
        stage.submit(asked)
    lumen.meanwhile = lambda: None
    stage.clock.advance(FIVE_MINUTES)

    stage.sweep()

    assert len(lumen.references) == 1
    assert states(stage.record(asked)) == [S.IN_DOUBT]
    assert ending(stage.record(asked)) == (G.FAILED, "outcome-unknown")


def _die() -> None:
    raise ProcessDied


# --- attempts that were left behind ------------------------------------------------------------


def left_in(state: AttemptState, **facts: Any) -> tuple[Stage, Generation]:
    """A generation that was ended although its attempt was not."""
    stage, asked = admitted()
    record = stage.record(asked)
    attempt = replace(record.current, state=state, **facts)
    failed = asked.now(state=G.FAILED, failure=Problem("internal", "stopped"), completed_at=NOW)
    change = ledger.change(record.current, replace(attempt, version=2), at=NOW)
    stage.studio.commit(TENANT, ledger.with_generation(change, asked, failed))
    stage.clock.advance(1)
    return stage, asked


def test_a_hold_that_was_left_behind_goes_back() -> None:
    stage, asked = left_in(S.RESERVED)

    swept = stage.sweep()

    assert states(stage.record(asked)) == [S.RELEASED]
    assert (stage.budget().held, stage.budget().settled) == (0, 0)
    assert dict(swept.done) == {"released": 1}
    assert stage.record(asked).generation.failure == Problem("internal", "stopped")


def test_nobody_touches_a_call_before_its_lease_ends() -> None:
    stage, asked = left_in(S.SUBMITTING, owner="w", lease_until=NOW + timedelta(seconds=300))

    told = sweeps(stage, asked, 0, 298)

    assert told == [S.SUBMITTING] * 2
    assert stage.workflow.executions == {}
    assert sweeps(stage, asked, 1) == [S.IN_DOUBT]


def test_a_render_that_was_left_behind_is_given_up_by_its_own_workflow() -> None:
    stage, asked = left_in(S.ACCEPTED, operation=RENDER_OPERATION)

    assert sweeps(stage, asked, 0) == [S.RELEASED]
    assert stage.workflow.started == [(TENANT, asked.id)]


def test_bytes_that_arrived_without_a_word_become_a_late_take() -> None:
    stage, asked = ended_with(ScriptedProvider([lost_answer()]))
    key = f"{take_place(stage.record(asked))}.mp4"
    stage.takes.put(key, clip(), "video/mp4")

    assert sweeps(stage, asked, 60) == [S.STORED]

    record = stage.record(asked)
    assert [(one.key, one.late) for one in record.takes] == [(key, True)]
    assert ending(record) == (G.FAILED, "outcome-unknown")
    assert record.generation.actual_micros == usd("0.0200")
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0200"))


# --- doubt -------------------------------------------------------------------------------------


def test_a_lost_job_that_is_found_late_becomes_a_late_take() -> None:
    lumen = ScriptedProvider([lost_answer()], looks=[DONE], finds=[None], kind=Kind.FINDABLE)
    stage, asked = ended_with(lumen)
    assert ending(stage.record(asked)) == (G.FAILED, "outcome-unknown")
    lumen._finds.clear()  # from now on the truth: the job is there

    told = sweeps(stage, asked, FIVE_MINUTES, FIVE_MINUTES)

    record = stage.record(asked)
    assert told == [S.ACCEPTED, S.STORED]
    assert [take.late for take in record.takes] == [True]
    assert ending(record) == (G.FAILED, "outcome-unknown")
    assert record.generation.actual_micros == usd("0.0200")
    assert len(lumen.references) == 1


def test_absence_that_is_proved_by_two_sweeps_gives_the_money_back() -> None:
    lumen = ScriptedProvider([lost_answer()], finds=[None], kind=Kind.FINDABLE)
    stage, asked = ended_with(lumen)
    record = stage.record(asked)
    proving = replace(record.current, proves_absence=True)
    stage.studio.attempts[TENANT, asked.id][0] = proving

    told = sweeps(stage, asked, FIVE_MINUTES, FIVE_MINUTES)

    assert told == [S.IN_DOUBT, S.RELEASED]
    assert (stage.budget().held, stage.budget().settled) == (0, 0)
    assert entries(stage)[-1] == ("release", -20_000, 0)


@pytest.mark.parametrize("kind", Kind)
def test_a_doubt_counts_as_paid_after_a_day_and_not_a_moment_before(kind: Kind) -> None:
    lumen = ScriptedProvider([lost_answer()], finds=[None], kind=kind)
    stage, asked = ended_with(lumen)
    started = stage.record(asked).current.started_at

    told = sweeps(stage, asked, until(stage, started, DAY - 1), 1)

    presumed = stage.record(asked).current
    assert told == [S.IN_DOUBT, S.PRESUMED]
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0200"))
    assert entries(stage)[-1] == ("presume", -20_000, 20_000)
    assert stage.record(asked).generation.actual_micros == usd("0.0200")
    assert presumed.ended_at is None


def test_it_is_searched_before_it_is_presumed() -> None:
    lumen = ScriptedProvider([lost_answer()], looks=[JOB], finds=[None], kind=Kind.FINDABLE)
    stage, asked = ended_with(lumen)
    lumen._finds.clear()
    before = len(lumen.searched)

    assert sweeps(stage, asked, DAY) == [S.ACCEPTED]
    assert len(lumen.searched) == before + 1


def test_a_replay_that_was_cut_short_is_taken_up_by_a_workflow_of_its_own() -> None:
    lumen = ScriptedProvider([Finished(data=clip())], kind=Kind.KEYED)
    stage = Stage(lumen=lumen)
    asked = generation(clip_link(), wish=clip_wish())
    stage.admit(asked)
    doubted = replace(
        stage.record(asked).current,
        state=S.IN_DOUBT,
        kind=Kind.KEYED,
        doubted_at=NOW,
        failure=failure(),
    )
    stage.studio.attempts[TENANT, asked.id][0] = doubted
    stage.studio.generations[TENANT, asked.id] = asked.now(state=G.FAILED)
    stage.studio.flights.clear()

    assert sweeps(stage, asked, 60) == [S.STORED]
    assert lumen.references == [doubted.id]
    assert stage.record(asked).takes[0].late


# --- jobs past their deadline ------------------------------------------------------------------


def stuck(*looks: Pending | Finished | Exception, **others: Any) -> tuple[Stage, Generation]:
    """The job ran past its deadline; from then on the vendor answers by the script."""
    lumen = ScriptedProvider([JOB], looks=[JOB])
    stage, asked = ended_with(lumen, **others)
    assert stage.record(asked).attempts[0].state is S.OVERDUE
    lumen._looks.clear()
    lumen._looks.extend(looks)
    return stage, asked


def test_an_overdue_job_is_looked_at_in_every_sweep_until_a_day_is_over() -> None:
    stage, asked = stuck(JOB)
    started = stage.record(asked).current.started_at

    told = sweeps(stage, asked, FIVE_MINUTES, FIVE_MINUTES, until(stage, started, DAY) - 601, 601)

    assert told[:3] == [S.OVERDUE] * 3
    assert sweeps(stage, asked, 0)[-1] is S.PRESUMED


def test_a_late_success_is_settled_and_kept_as_a_late_take() -> None:
    stage, asked = stuck(DONE)

    assert sweeps(stage, asked, FIVE_MINUTES) == [S.STORED]

    record = stage.record(asked)
    assert [take.late for take in record.takes] == [True]
    assert ending(record) == (G.FAILED, "deadline-exceeded")
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0200"))
    assert [(one.attempt, state) for one, state in stage.workflow.executions.items()] == [
        (None, ExecutionState.ENDED),
        (0, ExecutionState.ENDED),
    ]


def test_a_late_failure_gives_the_money_back() -> None:
    stage, asked = stuck(ProviderJobFailed("lumen", "failed"))

    assert sweeps(stage, asked, FIVE_MINUTES) == [S.RELEASED]
    assert (stage.budget().held, stage.budget().settled) == (0, 0)


def test_a_second_payment_is_kept_counted_and_marked() -> None:
    stage, asked = stuck(DONE, other=ScriptedProvider([Finished(data=clip())]))
    assert ending(stage.record(asked)) == (G.SUCCEEDED, None)

    sweeps(stage, asked, FIVE_MINUTES)

    record = stage.record(asked)
    assert states(record) == [S.STORED, S.STORED]
    assert [one.double_spend for one in record.attempts] == [True, False]
    assert [(one.provider, one.late) for one in record.takes] == [("lumen", True), ("other", False)]
    assert record.generation.provider == "other"
    assert record.generation.actual_micros == usd("0.0400")
    assert stage.budget().settled == usd("0.0400")


@pytest.mark.parametrize(
    "look",
    [
        ProviderJobUnknown("lumen", "shows no such job"),
        ProviderKeyRefused("lumen", "refused the key"),
        ProviderThrottled("lumen", "busy"),
    ],
)
def test_what_shows_no_job_past_its_deadline_proves_nothing(look: Exception) -> None:
    stage, asked = stuck(look)

    assert sweeps(stage, asked, *[FIVE_MINUTES] * 5) == [S.OVERDUE] * 5

    attempt = stage.record(asked).current
    assert attempt.failure is not None
    assert attempt.failure.code == "deadline-exceeded"
    assert stage.budget().held == usd("0.0200")


def test_a_success_without_a_result_is_paid_after_its_five_minutes() -> None:
    stage, asked = stuck(ProviderResultMissing("lumen", "no clip"))

    assert sweeps(stage, asked, 60, FIVE_MINUTES) == [S.OVERDUE, S.PAID]
    assert stage.sweep().open == {}


# --- presumed ----------------------------------------------------------------------------------


def presumed(*looks: Pending | Finished | Exception, cost: str = "0.0200") -> Any:
    lumen = ScriptedProvider([JOB], looks=[JOB])
    stage = Stage(lumen=lumen)
    stage.downloads.put(URL, clip())
    asked = generation(
        clip_link(cost=cost, deadline_s=600, micros_per_million_tokens=30_000_000),
        wish=clip_wish(),
    )
    stage.admit(asked)
    stage.run(asked)
    stage.clock.advance(DAY)
    stage.sweep()
    assert states(stage.record(asked)) == [S.PRESUMED]
    lumen._looks.clear()
    lumen._looks.extend(looks)
    lumen.polled.clear()
    return stage, asked, lumen


def test_what_is_presumed_is_looked_at_once_an_hour() -> None:
    stage, asked, lumen = presumed(JOB)

    sweeps(stage, asked, *[FIVE_MINUTES] * 36)

    assert len(lumen.polled) == 3


def test_a_success_after_the_presumption_settles_the_difference_and_is_kept() -> None:
    stage, asked, _ = presumed(replace(DONE, tokens=500))

    assert sweeps(stage, asked, HOUR) == [S.STORED]

    record = stage.record(asked)
    assert entries(stage)[-2:] == [("presume", -20_000, 20_000), ("settle", 0, -5_000)]
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0150"))
    assert [take.late for take in record.takes] == [True]
    assert record.generation.actual_micros == usd("0.0150")


def test_a_failure_after_the_presumption_is_corrected() -> None:
    stage, asked, _ = presumed(ProviderJobFailed("lumen", "failed"))

    assert sweeps(stage, asked, HOUR) == [S.RELEASED]
    assert entries(stage)[-1] == ("correct", 0, -20_000)
    assert (stage.budget().held, stage.budget().settled) == (0, 0)
    assert stage.record(asked).generation.actual_micros == 0


def test_after_a_week_nobody_looks_any_more_and_the_money_stays_spent() -> None:
    stage, asked, lumen = presumed(JOB)
    started = stage.record(asked).current.started_at

    sweeps(stage, asked, until(stage, started, 8 * DAY) - 1, 1)
    assert stage.sweep().open == {"presumed": 1}  # the hour since the last look is not over
    sweeps(stage, asked, HOUR)
    looks = len(lumen.polled)

    assert stage.sweep().open == {}
    sweeps(stage, asked, 30 * DAY)
    assert len(lumen.polled) == looks
    assert stage.record(asked).current.ended_at is not None
    assert stage.budget(NOW).settled == usd("0.0200")


def test_a_doubt_without_a_job_id_is_searched_after_the_presumption_too() -> None:
    lumen = ScriptedProvider([lost_answer()], looks=[DONE], finds=[None], kind=Kind.FINDABLE)
    stage, asked = ended_with(lumen)
    sweeps(stage, asked, DAY)
    lumen._finds.clear()

    told = sweeps(stage, asked, HOUR, HOUR)

    assert told == [S.PRESUMED, S.STORED]
    assert stage.record(asked).takes[0].late
    assert stage.budget().settled == usd("0.0200")


# --- answers that come very late ---------------------------------------------------------------


def answered_after_the_proof(answer: Pending | Finished) -> tuple[Stage, Generation]:
    """While a worker waits for an answer its lease ends and two searches show no job."""
    lumen = ScriptedProvider(
        [answer], looks=[DONE], finds=[None], kind=Kind.FINDABLE, proves_absence=True
    )
    stage = Stage(lumen=lumen)
    stage.downloads.put(URL, clip())
    asked = generation(clip_link(), wish=clip_wish())
    stage.admit(asked)

    def meanwhile() -> None:
        stage.clock.advance(LEASE_S)
        stage.submit(asked)
        for _ in range(3):
            stage.clock.advance(60)
            stage.submit(asked)
        assert states(stage.record(asked)) == [S.RELEASED]
        assert stage.budget().held == 0
        stage.finish(asked)

    lumen.meanwhile = meanwhile
    stage.submit(asked, worker(now=stage.clock.now))
    return stage, asked


def test_a_job_id_that_comes_after_the_release_is_settled_by_a_correction() -> None:
    stage, asked = answered_after_the_proof(JOB)

    attempt = stage.record(asked).current
    assert (attempt.state, attempt.operation) == (S.PRESUMED, JOB.operation)
    assert entries(stage)[-2:] == [("release", -20_000, 0), ("correct", 0, 20_000)]
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0200"))

    assert sweeps(stage, asked, HOUR) == [S.STORED]
    assert stage.record(asked).takes[0].late
    assert stage.record(asked).generation.actual_micros == usd("0.0200")


@pytest.mark.parametrize("answer", [Finished(data=clip()), DONE], ids=["bytes", "a link"])
def test_a_result_that_comes_after_the_release_is_paid_and_kept(answer: Finished) -> None:
    stage, asked = answered_after_the_proof(answer)

    sweeps(stage, asked, FIVE_MINUTES)

    record = stage.record(asked)
    assert states(record) == [S.STORED]
    assert [take.late for take in record.takes] == [True]
    assert stage.budget().settled == usd("0.0200")
    assert [kind for kind, *_ in entries(stage)].count("correct") == 1


# --- results that were paid and not fetched ----------------------------------------------------


def test_a_paid_result_whose_workflow_ended_in_vain_is_fetched_by_another_one() -> None:
    stage, asked = stuck(DONE)
    stage.downloads.put(URL, DownloadFailed("cut"), clip())
    stage.clock.advance(FIVE_MINUTES)
    stage.sweeper()(stage.worker())
    (first,) = _following(stage)
    stage.workflow.end(first)  # it ended, and its Finish did not run
    assert states(stage.record(asked)) == [S.PAID]

    stage.clock.advance(FIVE_MINUTES)
    stage.downloads.put(URL, clip())
    stage.sweep()

    second = _following(stage)[-1]
    assert second.run > first.run
    assert states(stage.record(asked)) == [S.STORED]


def test_a_paid_result_whose_workflow_runs_is_left_to_it() -> None:
    stage, asked = stuck(DONE)
    stage.clock.advance(FIVE_MINUTES)
    stage.sweeper()(stage.worker())

    for _ in range(3):
        stage.clock.advance(FIVE_MINUTES)
        stage.sweeper()(stage.worker())

    assert len(_following(stage)) == 1
    assert states(stage.record(asked)) == [S.PAID]


def _following(stage: Stage) -> list[Execution]:
    return [one for one in stage.workflow.executions if one.attempt is not None]


# --- beside others -----------------------------------------------------------------------------


def several(count: int) -> tuple[Stage, list[Generation]]:
    """Generations that were admitted a second apart and never started."""
    stage = Stage(lumen=ScriptedProvider([Finished(data=picture())]))
    asked = []
    for number in range(count):
        one = generation(
            id=generation_id(TENANT, "ada", f"key {number}"), created_at=stage.clock.now
        )
        stage.admit(one)
        asked.append(one)
        stage.clock.advance(1)
    stage.clock.advance(FIVE_MINUTES)
    return stage, asked


class Broken(MemoryStudio):
    """A studio of which one generation cannot be read."""

    broken = ""
    error: Exception = ConfigurationError("an item of the table is no Attempt: state")

    def find(self, tenant: str, generation_id: str) -> Record | None:
        if generation_id == self.broken:
            raise self.error
        return super().find(tenant, generation_id)


@pytest.mark.parametrize("error", [ConfigurationError("no Attempt"), StoreUnavailable("throttled")])
def test_one_that_cannot_be_tended_does_not_hinder_the_others(error: Exception) -> None:
    stage, asked = several(3)
    broken = Broken()
    broken.__dict__.update(stage.studio.__dict__)
    broken.broken, broken.error = asked[1].id, error
    stage.studio = broken

    swept = stage.sweep()

    assert (swept.failed, swept.done["recovered"]) == (1, 2)
    assert stage.failures == [error]
    assert [execution.generation_id for execution in stage.workflow.executions] == [
        asked[0].id, asked[2].id,
    ]  # fmt: skip


def test_an_index_that_still_names_what_is_gone_does_no_harm() -> None:
    stage, _ = several(1)
    known = stage.studio.opened

    def opened(*, before: datetime) -> list[Opened]:
        return [Opened(TENANT, "gen_gone", NOW), *known(before=before)]

    stage.studio.opened = opened  # type: ignore[method-assign]

    swept = stage.sweep()

    assert (swept.failed, swept.done["recovered"]) == (1, 1)


def test_what_there_is_no_time_for_is_left_to_the_next_sweep_and_told() -> None:
    stage, _ = several(3)
    hurried = worker(now=stage.clock.now, seconds=59)

    swept = stage.sweeper()(hurried)

    assert (swept.left, dict(swept.done)) == (3, {})
    assert stage.workflow.executions == {}


def test_a_list_that_cannot_be_read_fails_the_sweep() -> None:
    stage, _ = several(1)

    def away(*, before: datetime) -> list[Opened]:
        raise StoreUnavailable("throttled")

    stage.studio.opened = away  # type: ignore[method-assign]

    with pytest.raises(StoreUnavailable):
        stage.sweep()


@pytest.mark.parametrize(
    "look", [DONE, JOB, ProviderJobFailed("lumen", "failed"), ProviderThrottled("lumen", "busy")]
)
@pytest.mark.parametrize("wait", [FIVE_MINUTES, DAY])
def test_two_sweeps_at_once_are_as_good_as_one(look: Any, wait: float) -> None:
    alone, asked = stuck(look)
    alone.clock.advance(wait)
    alone.sweep()
    stage, _ = stuck(look)
    stage.clock.advance(wait)
    _within_a_look(stage, lambda: stage.sweeper()(stage.worker()))

    stage.sweep()

    assert stage.failures == []
    assert states(stage.record(asked)) == states(alone.record(asked))
    assert entries(stage) == entries(alone)
    assert len(_following(stage)) == len(_following(alone))


def _within_a_look(stage: Stage, other: Callable[[], object]) -> None:
    """Let another sweep run between a look and what is made of it, once."""
    lumen = stage.adapters.providers["lumen"]
    look, done = lumen.poll, list[int]()

    def poll(operation: Mapping[str, Any], *, deadline_s: float) -> Pending | Finished:
        if not done:
            done.append(1)
            other()
        return look(operation, deadline_s=deadline_s)

    lumen.poll = poll  # type: ignore[method-assign]


# --- crashes -----------------------------------------------------------------------------------


def found_late(fate: Fate) -> Stage:
    lumen = ScriptedProvider([lost_answer()], looks=[DONE], finds=[None], kind=Kind.FINDABLE)
    return Stage(fate=fate, lumen=lumen)


def done_late(fate: Fate) -> Stage:
    return Stage(fate=fate, lumen=ScriptedProvider([JOB], looks=[JOB]))


def never_heard_of(fate: Fate) -> Stage:
    return Stage(fate=fate, lumen=ScriptedProvider([lost_answer()]))


def from_doubt_to_its_end(play: Callable[[Fate], Stage], deaths: dict[int, Moment]) -> Any:
    """A generation ends in doubt; then sweeps, which die as told, until nothing is open."""
    fate = Fate({})
    stage = play(fate)
    stage.downloads.put(URL, clip())
    asked = generation(clip_link(deadline_s=600), wish=clip_wish())
    stage.admit(asked)
    stage.run(asked)
    lumen = stage.adapters.providers["lumen"]
    assert isinstance(lumen, ScriptedProvider)
    lumen._finds.clear()
    lumen._looks.clear()
    lumen._looks.append(DONE)
    calls, fate.deaths = fate.calls, {}
    fate.deaths = {calls + number: moment for number, moment in deaths.items()}
    for pause in (*[FIVE_MINUTES] * 6, DAY, FIVE_MINUTES, *[HOUR] * 3, 9 * DAY, HOUR, HOUR):
        stage.clock.advance(pause)
        try:
            stage.sweep()
        except ProcessDied:
            stage.deaths += 1
    return stage, stage.record(asked), lumen, fate.calls - calls


@pytest.mark.parametrize("play", [found_late, done_late, never_heard_of])
def test_a_sweep_may_die_at_any_effect(play: Callable[[Fate], Stage]) -> None:
    whole, expected, _, calls = from_doubt_to_its_end(play, {})
    assert expected.current.state is (S.PRESUMED if play is never_heard_of else S.STORED)

    for call, moment in product(range(1, min(calls, 60) + 1), Moment):
        stage, record, lumen, _ = from_doubt_to_its_end(play, {call: moment})

        told = f"death {moment.value} of call {call}"
        assert record.current.state is expected.current.state, told
        assert len(record.takes) == len(expected.takes), told
        assert stage.studio.balances_disagree() == [], told
        assert stage.budget(NOW).settled == whole.budget(NOW).settled, told
        assert stage.budget(NOW).held == 0, told
        assert len(lumen.references) == 1, told
        assert not record.current.is_open, told
        assert stage.deaths == 1, told


# --- what must never be ------------------------------------------------------------------------


def test_a_reservation_of_an_abandoned_success_is_not_sent_any_more() -> None:
    """The first provider's result was found while the second one's turn had not begun."""
    other = ScriptedProvider([Finished(data=clip())])
    stage = Stage(lumen=ScriptedProvider([lost_answer()]), other=other)
    asked = generation(clip_link(), clip_link("other"), wish=clip_wish(), on_unknown=OnUnknown.NEXT)
    stage.admit(asked)
    stage.submit(asked)
    record = stage.record(asked)
    second = replace(stage.record(asked), generation=asked)
    stage.takes.put(f"{take_place(record)}.mp4", clip(), "video/mp4")
    _reserve_second(stage, second)
    stage.clock.advance(1)
    stage.sweep()

    ended = stage.run(asked)

    assert other.references == []
    assert states(ended) == [S.STORED, S.RELEASED]
    assert ending(ended) == (G.SUCCEEDED, None)
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0200"))


def _reserve_second(stage: Stage, record: Record) -> None:
    second = reserve_link(record.generation, 1, now=stage.clock.now)
    with_open_budgets(
        lambda: stage.studio.commit(TENANT, ledger.change(None, second, at=NOW)),
        tenant=TENANT,
        studio=stage.studio,
        default_limit=usd("10"),
    )
