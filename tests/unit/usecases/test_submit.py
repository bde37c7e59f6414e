"""The step Submit: one paid call at most, and a truthful record of whatever came of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from filmgate.domain.attempts import AttemptState, Kind
from filmgate.domain.chain import OnRefusal, OnUnknown
from filmgate.domain.errors import (
    ContentRefused,
    ErrorClass,
    NotFound,
    ProviderError,
    ProviderJobFailed,
    ProviderKeyRefused,
    ProviderNotReached,
    ProviderOutcomeUnknown,
    ProviderQuotaExhausted,
    ProviderRequestInvalid,
    ProviderRetired,
    ProviderThrottled,
    ProviderUnavailable,
    ProviderUnsupported,
)
from filmgate.domain.generations import Generation, GenerationState, Link
from filmgate.domain.ledger import Budget
from filmgate.domain.uploads import Still, Upload
from filmgate.providers.base import Adapter, Finished, Keyframe, Pending, Rendering
from filmgate.usecases.cancel import cancel
from filmgate.usecases.steps import Outcome, StepResult, Worker
from tests.support.builders import (
    GENERATION_ID,
    NOW,
    TENANT,
    attempt,
    clip_link,
    clip_wish,
    generation,
    link,
    principal,
    take,
    usd,
)
from tests.support.fakes import ScriptedProvider, clip, lost_answer, picture
from tests.support.stage import Stage, ending, states

S = AttemptState
G = GenerationState
DONE = Finished(data=picture())


def failing(leaf: type[ProviderError], **facts: float) -> ScriptedProvider:
    return ScriptedProvider([leaf("lumen", "did not work", **facts)])


def two_in_chain(**others: object) -> Generation:
    return generation(link("lumen", "0.0200"), link("other", "0.0300"), **others)


# --- done at once ------------------------------------------------------------------------------


def test_an_image_that_comes_at_once_is_stored_and_settled_in_the_same_step() -> None:
    stage = Stage(lumen=ScriptedProvider([DONE]))
    asked = generation(link(cost="0.0200"))
    stage.admit(asked)

    result = stage.submit(asked)

    record = stage.record(asked)
    assert result == StepResult(Outcome.STORED)
    assert states(record) == [S.STORED]
    assert record.current.actual_micros == usd("0.0200")
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0200"))
    assert [(one.media_type, one.width, one.height) for one in record.takes] == [
        ("image/png", 1024, 1024)
    ]


def test_the_bytes_lie_in_the_bucket_under_a_name_of_ours() -> None:
    stage = Stage(lumen=ScriptedProvider([DONE]))
    asked = generation()
    stage.admit(asked)

    stage.submit(asked)

    made = stage.record(asked).takes[0]
    assert made.key == f"{TENANT}/{GENERATION_ID}/{made.id}.png"
    assert stage.takes.objects == {made.key: (picture(), "image/png")}


def test_a_vendor_that_counts_tokens_is_paid_by_its_count_and_the_rest_goes_back() -> None:
    stage = Stage(lumen=ScriptedProvider([Finished(data=picture(), tokens=1120)]))
    asked = generation(link(cost="0.1000", micros_per_million_tokens=30_000_000))
    stage.admit(asked)

    stage.submit(asked)

    assert stage.record(asked).current.actual_micros == usd("0.0336")
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0336"))


def test_a_bill_above_the_hold_is_booked_as_it_is() -> None:
    stage = Stage(lumen=ScriptedProvider([Finished(data=picture(), tokens=2000)]))
    asked = generation(link(cost="0.0336", micros_per_million_tokens=30_000_000))
    stage.admit(asked)

    stage.submit(asked)

    kinds = {entry.kind.value: entry.settled for entry in stage.studio.entries.values()}
    assert kinds == {"reserve": 0, "settle": usd("0.0336"), "overrun": usd("0.0264")}
    assert stage.studio.balances_disagree() == []


def test_another_size_than_ordered_is_kept_with_a_warning() -> None:
    stage = Stage(lumen=ScriptedProvider([Finished(data=picture(512, 512))]))
    asked = generation()
    stage.admit(asked)

    record = stage.run(asked)

    assert ending(record) == (G.SUCCEEDED, None)
    assert record.generation.warnings == ("lumen delivered 512x512 pixels, ordered were 1024x1024",)


def test_what_is_no_image_is_paid_kept_for_a_claim_and_bought_nowhere_else() -> None:
    other = ScriptedProvider([DONE])
    stage = Stage(lumen=ScriptedProvider([Finished(data=b"<html>sorry</html>")]), other=other)
    asked = two_in_chain()
    stage.admit(asked)

    record = stage.run(asked)

    assert ending(record) == (G.FAILED, "result-unusable")
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0200"))
    assert stage.takes.objects == {
        f"{TENANT}/{GENERATION_ID}/unusable/{record.current.id}": (
            b"<html>sorry</html>",
            "application/octet-stream",
        )
    }
    assert other.references == []


def test_the_order_says_everything_that_moves_the_price() -> None:
    lumen = ScriptedProvider([DONE])
    stage = Stage(lumen=lumen)
    asked = generation(link(model="picture-9", width=1536, height=864, aspect_ratio="16:9"))
    stage.admit(asked)

    stage.submit(asked)

    order = lumen.orders[0]
    assert (order.model, order.width, order.height, order.aspect_ratio) == (
        "picture-9", 1536, 864, "16:9",
    )  # fmt: skip
    assert (order.prompt, order.quality, order.duration_s) == (
        "a red fox in fresh snow", "standard", 0,
    )  # fmt: skip
    assert lumen.references == [stage.record(asked).current.id]


# --- jobs and renders --------------------------------------------------------------------------


def test_an_accepted_job_holds_its_money_and_is_looked_at_when_it_should_be_done() -> None:
    stage = Stage(lumen=ScriptedProvider([Pending({"task": "t1"})]))
    asked = generation(clip_link(expected_s=120, deadline_s=1800), wish=clip_wish())
    stage.admit(asked)

    result = stage.submit(asked)

    job = stage.record(asked).current
    assert result == StepResult(Outcome.RUNNING, wait_s=120)
    assert (job.state, job.operation) == (S.ACCEPTED, {"task": "t1"})
    assert job.deadline_at == NOW + timedelta(seconds=1800)
    assert (stage.budget().held, stage.budget().settled) == (usd("0.0200"), 0)


def test_a_link_given_at_once_is_paid_and_ready_to_be_collected() -> None:
    stage = Stage(lumen=ScriptedProvider([Finished(url="https://cdn.lumen.example/1")]))
    asked = generation()
    stage.admit(asked)

    result = stage.submit(asked)

    record = stage.record(asked)
    assert result == StepResult(Outcome.READY)
    assert (record.current.state, record.generation.state) == (S.PAID, G.STORING)
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0200"))


def test_our_own_renderer_is_asked_by_the_next_step() -> None:
    stage = Stage(flow=ScriptedProvider([Rendering()]))
    asked = generation(clip_link("flow"), wish=clip_wish())
    stage.admit(asked)

    result = stage.submit(asked)

    assert result == StepResult(Outcome.RENDER)
    assert stage.record(asked).current.state is S.ACCEPTED


def test_a_generation_runs_from_its_first_submit_on() -> None:
    stage = Stage(lumen=ScriptedProvider([Pending({"task": "t1"})]))
    asked = generation(clip_link())
    stage.admit(asked)

    stage.submit(asked)

    assert stage.record(asked).generation.state is G.RUNNING


# --- fallback ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "leaf",
    [
        ProviderUnsupported,
        ProviderRetired,
        ProviderKeyRefused,
        ProviderQuotaExhausted,
        ProviderJobFailed,
        ContentRefused,
    ],
)
def test_a_definite_no_releases_the_money_and_asks_the_next_provider(
    leaf: type[ProviderError],
) -> None:
    lumen, other = failing(leaf), ScriptedProvider([DONE])
    stage = Stage(lumen=lumen, other=other)
    asked = two_in_chain()
    stage.admit(asked)

    record = stage.run(asked)

    assert ending(record) == (G.SUCCEEDED, None)
    assert states(record) == [S.RELEASED, S.STORED]
    assert record.attempts[0].failure is not None
    assert record.attempts[0].failure.code == leaf.code
    assert record.generation.provider == "other"
    assert record.generation.actual_micros == usd("0.0300")
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0300"))
    assert (len(lumen.references), len(other.references)) == (1, 1)


@pytest.mark.parametrize("leaf", [ProviderThrottled, ProviderUnavailable, ProviderNotReached])
def test_a_busy_provider_is_asked_once_more_and_then_the_next(leaf: type[ProviderError]) -> None:
    lumen, other = failing(leaf), ScriptedProvider([DONE])
    stage = Stage(lumen=lumen, other=other)
    asked = two_in_chain()
    stage.admit(asked)

    record = stage.run(asked)

    assert states(record) == [S.RELEASED, S.STORED]
    assert (len(lumen.references), len(other.references)) == (2, 1)
    assert set(lumen.references) == {record.attempts[0].id}
    assert stage.clock.now - NOW == timedelta(seconds=2)


@pytest.mark.parametrize("leaf", [ProviderThrottled, ProviderUnavailable, ProviderNotReached])
def test_the_last_provider_is_asked_three_times(leaf: type[ProviderError]) -> None:
    lumen = failing(leaf)
    stage = Stage(lumen=lumen)
    asked = generation()
    stage.admit(asked)

    record = stage.run(asked)

    assert ending(record) == (G.FAILED, "all-providers-failed")
    assert len(lumen.references) == 3
    assert stage.clock.now - NOW == timedelta(seconds=2 + 4)
    assert (stage.budget().held, stage.budget().settled) == (0, 0)


def test_a_provider_that_recovers_is_used() -> None:
    lumen = ScriptedProvider([ProviderThrottled("lumen", "too many requests"), DONE])
    stage = Stage(lumen=lumen)
    asked = generation()
    stage.admit(asked)

    record = stage.run(asked)

    assert ending(record) == (G.SUCCEEDED, None)
    assert record.current.tries == 2
    assert lumen.accepted == [record.current.id]


def test_the_hold_stays_while_a_busy_provider_is_waited_for() -> None:
    stage = Stage(lumen=failing(ProviderThrottled, retry_after_s=7))
    asked = generation()
    stage.admit(asked)

    result = stage.submit(asked)

    record = stage.record(asked)
    assert result == StepResult(Outcome.AGAIN, wait_s=7)
    assert (record.current.state, record.current.retry_at) == (
        S.RESERVED,
        NOW + timedelta(seconds=7),
    )
    assert stage.budget().held == usd("0.0200")


def test_a_submit_that_comes_too_early_sends_nothing() -> None:
    lumen = failing(ProviderThrottled, retry_after_s=7)
    stage = Stage(lumen=lumen)
    asked = generation()
    stage.admit(asked)
    stage.submit(asked)
    stage.clock.advance(6.5)

    result = stage.submit(asked)

    assert result == StepResult(Outcome.AGAIN, wait_s=1)
    assert len(lumen.references) == 1


@pytest.mark.parametrize(
    ("told_s", "in_chain", "tries"),
    [(5, 2, 2), (5.1, 2, 1), (120, 1, 3), (121, 1, 1), (3600, 2, 1)],
)
def test_a_vendors_own_delay_is_kept_to_up_to_the_cap_of_its_place_in_the_chain(
    told_s: float, in_chain: int, tries: int
) -> None:
    lumen = failing(ProviderThrottled, retry_after_s=told_s)
    stage = Stage(lumen=lumen, other=ScriptedProvider([DONE]))
    asked = generation(*[link("lumen"), link("other")][:in_chain])
    stage.admit(asked)

    stage.run(asked)

    assert len(lumen.references) == tries


def test_a_request_that_is_wrong_everywhere_is_tried_nowhere_else() -> None:
    other = ScriptedProvider([DONE])
    stage = Stage(lumen=failing(ProviderRequestInvalid), other=other)
    asked = two_in_chain()
    stage.admit(asked)

    record = stage.run(asked)

    assert ending(record) == (G.FAILED, "invalid-request")
    assert other.references == []
    assert (stage.budget().held, stage.budget().settled) == (0, 0)


def test_a_refusal_stops_the_chain_where_that_was_asked_for() -> None:
    other = ScriptedProvider([DONE])
    stage = Stage(lumen=failing(ContentRefused), other=other)
    asked = two_in_chain(on_refusal=OnRefusal.STOP)
    stage.admit(asked)

    record = stage.run(asked)

    assert ending(record) == (G.FAILED, "content-refused")
    assert other.references == []
    assert (stage.budget().held, stage.budget().settled) == (0, 0)


def test_a_refusal_by_all_is_a_refusal() -> None:
    stage = Stage(lumen=failing(ContentRefused), other=failing(ContentRefused))
    asked = two_in_chain()
    stage.admit(asked)

    assert ending(stage.run(asked)) == (G.FAILED, "content-refused")


def test_a_provider_without_a_key_is_passed_without_being_called() -> None:
    stage = Stage(other=ScriptedProvider([DONE]))
    asked = two_in_chain()
    stage.admit(asked)

    record = stage.run(asked)

    assert states(record) == [S.RELEASED, S.STORED]
    assert record.attempts[0].tries == 0
    assert record.attempts[0].failure is not None
    assert record.attempts[0].failure.code == "key-refused"


def test_a_provider_that_no_longer_fits_the_budget_is_passed_over_with_the_reason() -> None:
    other, third = ScriptedProvider([DONE]), ScriptedProvider([DONE])
    stage = Stage(lumen=failing(ProviderRetired), other=other, third=third,
                  default_limit=usd("0.0250"))  # fmt: skip
    asked = generation(link("lumen", "0.0200"), link("other", "0.0300"), link("third", "0.0100"))
    stage.admit(asked)

    record = stage.run(asked)

    assert states(record) == [S.RELEASED, S.RELEASED, S.STORED]
    passed_over = record.attempts[1].failure
    assert passed_over is not None
    assert (passed_over.code, passed_over.message) == (
        "budget-exceeded",
        "needs 0.0300 USD; owner budget has 0.0250 left",
    )
    assert other.references == []
    assert stage.studio.balances_disagree() == []


def test_the_cost_limit_bounds_fallbacks_after_a_doubt() -> None:
    other = ScriptedProvider([DONE])
    stage = Stage(lumen=ScriptedProvider([lost_answer()]), other=other)
    asked = two_in_chain(on_unknown=OnUnknown.NEXT, cost_limit="0.0400")
    stage.admit(asked)

    record = stage.run(asked)

    assert ending(record) == (G.FAILED, "outcome-unknown")
    assert record.attempts[1].failure is not None
    assert record.attempts[1].failure.message == (
        "needs 0.0300 USD; generation budget has 0.0200 left"
    )
    assert other.references == []


def test_a_fallback_in_the_next_month_draws_on_the_next_months_budget() -> None:
    stage = Stage(lumen=failing(ProviderRetired), other=ScriptedProvider([DONE]))
    asked = two_in_chain()
    stage.admit(asked)
    stage.submit(asked)
    stage.clock.advance(30 * 86_400)

    stage.run(asked)

    assert stage.budget(NOW).settled == 0
    assert stage.budget().settled == usd("0.0300")
    assert stage.budget() == Budget(
        "owner",
        "2026-12",
        usd("10"),
        settled=usd("0.0300"),
        version=stage.budget().version,
        tally=stage.budget().tally,
    )


# --- doubt -------------------------------------------------------------------------------------


def test_a_lost_answer_stops_the_generation_and_keeps_the_money_held() -> None:
    lumen, other = ScriptedProvider([lost_answer()]), ScriptedProvider([DONE])
    stage = Stage(lumen=lumen, other=other)
    asked = two_in_chain()
    stage.admit(asked)

    record = stage.run(asked)

    assert ending(record) == (G.FAILED, "outcome-unknown")
    assert states(record) == [S.IN_DOUBT]
    assert record.current.failure is not None
    assert record.current.failure.error_class is ErrorClass.IN_DOUBT
    assert (stage.budget().held, stage.budget().settled) == (usd("0.0200"), 0)
    assert (len(lumen.references), len(other.references)) == (1, 0)


def test_after_a_lost_answer_the_next_is_asked_only_on_request() -> None:
    other = ScriptedProvider([DONE])
    stage = Stage(lumen=ScriptedProvider([lost_answer()]), other=other)
    asked = two_in_chain(on_unknown=OnUnknown.NEXT)
    stage.admit(asked)

    record = stage.run(asked)

    assert ending(record) == (G.SUCCEEDED, None)
    assert states(record) == [S.IN_DOUBT, S.STORED]
    assert (stage.budget().held, stage.budget().settled) == (usd("0.0200"), usd("0.0300"))


def test_a_findable_provider_is_searched_after_a_lost_answer() -> None:
    lumen = ScriptedProvider([lost_answer()], finds=[Pending({"task": "t1"})], kind=Kind.FINDABLE)
    stage = Stage(lumen=lumen)
    asked = generation(clip_link())
    stage.admit(asked)

    result = stage.submit(asked)

    job = stage.record(asked).current
    assert result.outcome is Outcome.RUNNING
    assert (job.state, job.operation) == (S.ACCEPTED, {"task": "t1"})
    assert lumen.searched == [job.id]


@pytest.mark.parametrize("found", [None, ProviderUnavailable("lumen", "away")])
def test_a_job_that_is_not_seen_is_not_absent(found: ProviderError | None) -> None:
    lumen = ScriptedProvider([lost_answer()], finds=[found], kind=Kind.FINDABLE)
    stage = Stage(lumen=lumen)
    asked = generation(clip_link())
    stage.admit(asked)

    record = stage.run(asked)

    assert states(record) == [S.IN_DOUBT]
    assert stage.budget().held == usd("0.0200")
    assert len(lumen.references) == 1


def test_a_blind_provider_is_not_searched() -> None:
    lumen = ScriptedProvider([lost_answer()])
    stage = Stage(lumen=lumen)
    asked = generation()
    stage.admit(asked)

    stage.run(asked)

    assert lumen.searched == []


# --- leases ------------------------------------------------------------------------------------


def submitting(stage: Stage, asked: Generation, **facts: object) -> None:
    """Put the first attempt of a generation into the hands of a worker."""
    held = stage.admit(asked).current
    stage.studio.attempts[TENANT, asked.id][0] = replace(
        attempt(S.SUBMITTING, version=2), id=held.id, scopes=held.scopes,
        provider=held.provider, **facts,  # type: ignore[arg-type]
    )  # fmt: skip


def test_while_another_workers_lease_runs_nothing_is_sent() -> None:
    lumen = ScriptedProvider([DONE])
    stage = Stage(lumen=lumen)
    asked = generation()
    submitting(stage, asked)

    result = stage.submit(asked)

    assert result == StepResult(Outcome.AGAIN, wait_s=240)
    assert lumen.references == []
    assert stage.record(asked).current.owner == "worker"


def test_when_the_lease_is_over_the_attempt_is_in_doubt_and_never_sent_again() -> None:
    lumen = ScriptedProvider([DONE])
    stage = Stage(lumen=lumen)
    asked = generation()
    submitting(stage, asked)
    stage.clock.advance(240)

    result = stage.submit(asked)

    assert result == StepResult(Outcome.STOPPED)
    assert states(stage.record(asked)) == [S.IN_DOUBT]
    assert lumen.references == []
    assert stage.budget().held == usd("0.0200")


def test_a_job_whose_worker_died_is_searched_where_it_can_be_found() -> None:
    lumen = ScriptedProvider([DONE], finds=[Pending({"task": "t1"})], kind=Kind.FINDABLE)
    stage = Stage(lumen=lumen)
    asked = generation(clip_link())
    submitting(stage, asked)
    stage.clock.advance(240)

    result = stage.submit(asked)

    job = stage.record(asked).current
    assert result.outcome is Outcome.RUNNING
    assert (job.state, job.operation) == (S.ACCEPTED, {"task": "t1"})
    assert (lumen.references, lumen.searched) == ([], [job.id])


def test_bytes_that_a_dead_worker_left_in_the_bucket_are_its_result() -> None:
    lumen = ScriptedProvider([DONE])
    stage = Stage(lumen=lumen)
    asked = generation()
    submitting(stage, asked)
    place = take(stage.record(asked).current).key
    stage.takes.objects[place] = (picture(), "image/png")
    stage.clock.advance(240)

    record = stage.run(asked)

    assert ending(record) == (G.SUCCEEDED, None)
    assert [one.key for one in record.takes] == [place]
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0200"))
    assert lumen.references == []


def test_bytes_of_another_attempt_are_nobodys_result() -> None:
    stage = Stage(lumen=ScriptedProvider([DONE]))
    asked = generation()
    submitting(stage, asked)
    stage.takes.objects[take(attempt(index=1)).key] = (picture(), "image/png")
    stage.clock.advance(240)

    assert states(stage.run(asked)) == [S.IN_DOUBT]


def test_a_worker_takes_a_lease_that_outlives_its_process_by_a_minute() -> None:
    stage = Stage()
    seen: list[object] = []
    asked = generation()
    stage.adapters.providers["lumen"] = ScriptedProvider(
        [DONE], meanwhile=lambda: seen.append(stage.record(asked).current)
    )
    stage.admit(asked)

    stage.submit(asked, Worker("w1", ends_at=NOW + timedelta(seconds=200)))

    (during,) = seen
    assert (during.state, during.owner) == (S.SUBMITTING, "w1")  # type: ignore[attr-defined]
    assert during.lease_until == NOW + timedelta(seconds=260)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("seconds", "deadline_s"), [(240, 150.0), (100, 95.0), (10, 5.0)])
def test_the_paid_call_ends_before_its_process_must(seconds: int, deadline_s: float) -> None:
    lumen = ScriptedProvider([DONE])
    stage = Stage(lumen=lumen)
    asked = generation(link(deadline_s=150))
    stage.admit(asked)

    stage.submit(asked, Worker("w1", ends_at=NOW + timedelta(seconds=seconds)))

    assert lumen.deadlines == [deadline_s]


def test_a_process_without_time_left_sends_nothing() -> None:
    lumen = ScriptedProvider([DONE])
    stage = Stage(lumen=lumen)
    asked = generation()
    stage.admit(asked)

    result = stage.submit(asked, Worker("w1", ends_at=NOW + timedelta(seconds=9)))

    assert result.outcome is Outcome.AGAIN
    assert lumen.references == []
    assert stage.record(asked).current.state is S.RESERVED


def test_of_two_workers_at_once_one_sends() -> None:
    """The second reads what the first wrote, and waits."""
    stage = Stage()
    asked = generation()
    second: list[StepResult] = []
    lumen = ScriptedProvider([DONE], meanwhile=lambda: second.append(stage.submit(asked)))
    stage.adapters.providers["lumen"] = lumen
    stage.admit(asked)

    first = stage.submit(asked)

    assert first.outcome is Outcome.STORED
    assert [one.outcome for one in second] == [Outcome.AGAIN]
    assert len(lumen.references) == 1


def test_a_worker_that_was_beaten_to_the_start_sends_nothing() -> None:
    """Both read a reserved attempt; the other begins between our look and our write."""
    lumen = ScriptedProvider([DONE])
    stage = Stage(lumen=lumen)
    asked = generation()
    stage.admit(asked)
    make = stage.adapters.__call__
    beside: list[StepResult] = []

    class BeginsBeside:
        def __call__(self, tenant: str, one: Link) -> Adapter:
            if not beside:
                beside.append(StepResult(Outcome.STOPPED))
                beside[0] = stage.submit(asked)
            return make(tenant, one)

    stage.adapters = BeginsBeside()  # type: ignore[assignment]

    slower = stage.submit(asked)

    assert [beside[0], slower] == [StepResult(Outcome.STORED)] * 2
    assert len(lumen.references) == 1
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0200"))


# --- what others do meanwhile ------------------------------------------------------------------


def cancelled_during_the_call(answer: Finished | Pending | Exception) -> tuple[Stage, Generation]:
    stage = Stage()
    asked = two_in_chain()
    stage.adapters.providers |= {
        "lumen": ScriptedProvider(
            [answer],
            meanwhile=lambda: cancel(
                asked.id, principal=principal(), studio=stage.studio, now=stage.clock.now
            ),
        ),
        "other": ScriptedProvider([DONE]),
    }
    stage.admit(asked)
    return stage, asked


@pytest.mark.parametrize("data", [picture(), picture(512, 512)], ids=["as ordered", "smaller"])
def test_a_result_that_arrives_after_a_cancel_is_kept_and_paid(data: bytes) -> None:
    stage, asked = cancelled_during_the_call(Finished(data=data))

    record = stage.run(asked)

    assert ending(record) == (G.SUCCEEDED, None)
    assert len(record.takes) == 1
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0200"))


def test_a_link_that_arrives_after_a_cancel_is_kept_and_paid() -> None:
    stage, asked = cancelled_during_the_call(Finished(url="https://cdn.lumen.example/1"))
    stage.downloads.put("https://cdn.lumen.example/1", picture())

    record = stage.run(asked)

    assert ending(record) == (G.SUCCEEDED, None)
    assert record.generation.cancel_requested_at == NOW


@pytest.mark.parametrize(
    "error",
    [ProviderThrottled("lumen", "busy"), ContentRefused("lumen", "no"),
     ProviderRetired("lumen", "gone")],
    ids=lambda error: error.code,
)  # fmt: skip
def test_after_a_cancel_a_failure_is_the_end(error: ProviderError) -> None:
    stage, asked = cancelled_during_the_call(error)

    record = stage.run(asked)

    assert ending(record) == (G.CANCELLED, "cancelled")
    assert stage.adapters.providers["other"].references == []  # type: ignore[attr-defined]
    assert (stage.budget().held, stage.budget().settled) == (0, 0)


# --- repeats -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (DONE, Outcome.STORED),
        (Pending({"task": "t1"}), Outcome.RUNNING),
        (Rendering(), Outcome.RENDER),
        (Finished(url="https://cdn.lumen.example/1"), Outcome.READY),
        (lost_answer(), Outcome.STOPPED),
        (ProviderRequestInvalid("lumen", "bad"), Outcome.STOPPED),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_step_that_is_repeated_buys_nothing_and_says_the_same(
    answer: Finished | Pending | Rendering | Exception, outcome: Outcome
) -> None:
    lumen = ScriptedProvider([answer])
    stage = Stage(lumen=lumen)
    asked = generation()
    stage.admit(asked)

    said = [stage.submit(asked).outcome for _ in range(4)]

    assert said == [outcome] * 4
    assert len(lumen.references) == 1


def test_a_submit_after_the_end_does_nothing() -> None:
    lumen = ScriptedProvider([DONE])
    stage = Stage(lumen=lumen)
    asked = generation()
    stage.admit(asked)
    stage.run(asked)

    result = stage.submit(asked)

    assert result == StepResult(Outcome.STOPPED)
    assert len(lumen.references) == 1


def test_a_generation_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        Stage().submit(generation())


# --- keyframes ---------------------------------------------------------------------------------

STILL = take()


def stage_with_a_still(lumen: ScriptedProvider, media_type: str = "image/png") -> Stage:
    stage = Stage(lumen=lumen)
    still = replace(STILL, media_type=media_type)
    stage.studio.generations[TENANT, GENERATION_ID] = generation()
    stage.studio.takes[TENANT, GENERATION_ID][still.id] = still
    stage.takes.objects[still.key] = (picture(), "image/png")
    return stage


def test_a_clip_starts_from_the_bytes_of_an_uploaded_image() -> None:
    lumen = ScriptedProvider([Finished(data=clip())])
    stage = Stage(lumen=lumen)
    still = Still("stills/rooftop.png", "image/png", 64, 64, 1, "a" * 64)
    upload = Upload(f"upl_{'b' * 26}", TENANT, "ada", "creator", "rooftop.png", NOW).kept(still)
    stage.studio.add_upload(upload)
    stage.takes.objects[still.key] = (picture(64, 64), "image/png")
    asked = generation(clip_link(), wish=clip_wish(image=upload.id))
    stage.admit(asked)

    stage.submit(asked)

    (order,) = lumen.orders
    assert order.keyframe == Keyframe(picture(64, 64), "image/png")


def clip_from_the_still() -> Generation:
    return generation(
        clip_link(), id=f"gen_{'a' * 26}", wish=clip_wish(image=STILL.id, motion="push_in", fps=30)
    )


def test_a_clip_starts_from_the_bytes_of_its_still() -> None:
    lumen = ScriptedProvider([Finished(data=clip())])
    stage = stage_with_a_still(lumen)
    asked = clip_from_the_still()
    stage.admit(asked)

    stage.submit(asked)

    order = lumen.orders[0]
    assert order.keyframe == Keyframe(picture(), "image/png")
    assert (order.duration_s, order.fps, order.motion) == (5, 30, "push_in")


def test_a_clip_whose_still_is_gone_is_not_sent_and_costs_nothing() -> None:
    lumen = ScriptedProvider([Finished(data=clip())])
    stage = stage_with_a_still(lumen, media_type="video/mp4")
    asked = clip_from_the_still()
    stage.admit(asked)

    record = stage.run(asked)

    assert record.current.failure is not None
    assert record.current.failure.message == "the keyframe is gone"
    assert lumen.references == []
    assert (stage.budget().held, stage.budget().settled) == (0, 0)


def test_an_outcome_unknown_by_the_ports_own_words_is_the_same_doubt() -> None:
    stage = Stage(lumen=ScriptedProvider([ProviderOutcomeUnknown("lumen", "no answer came")]))
    asked = generation()
    stage.admit(asked)

    record = stage.run(asked)

    assert record.current.failure is not None
    assert record.current.failure.message == "no answer came"


# --- a key that was replaced meanwhile ---------------------------------------------------------


def test_a_refused_key_that_was_replaced_meanwhile_is_tried_once_more_at_once() -> None:
    refused = ProviderKeyRefused("lumen", "refused the key")
    lumen = ScriptedProvider([refused, DONE])
    stage = Stage(lumen=lumen)
    stage.key_was_changed = True
    asked = generation(link())
    stage.admit(asked)

    record = stage.run(asked)

    assert states(record) == [S.STORED]
    assert len(lumen.references) == 2


def test_a_refused_key_that_is_still_the_same_costs_one_call() -> None:
    lumen = ScriptedProvider([ProviderKeyRefused("lumen", "refused the key")])
    stage = Stage(lumen=lumen, other=ScriptedProvider([DONE]))
    asked = two_in_chain()
    stage.admit(asked)

    record = stage.run(asked)

    assert states(record) == [S.RELEASED, S.STORED]
    assert len(lumen.references) == 1
