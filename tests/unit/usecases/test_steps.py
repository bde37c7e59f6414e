"""What the steps share: one word for every state, and one guarded write for every change."""

from dataclasses import replace
from datetime import timedelta

import pytest

from filmgate.domain.attempts import Attempt, AttemptState, Kind, begin
from filmgate.domain.errors import Stale
from filmgate.domain.generations import RENDER_OPERATION, GenerationState, Record
from filmgate.domain.patience import Patience
from filmgate.domain.pricing import Unit
from filmgate.providers.base import Finished
from filmgate.usecases.steps import (
    Outcome,
    StepResult,
    actual_cost,
    outcome_of,
    take_of,
    warnings_for,
    write,
)
from tests.support.builders import (
    NOW,
    TENANT,
    attempt,
    clip_link,
    clip_wish,
    generation,
    link,
    record,
    take,
    usd,
    worker,
)
from tests.support.fakes import ScriptedProvider, clip, measured, picture
from tests.support.stage import Stage, just_before_commits

S = AttemptState
G = GenerationState


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (attempt(S.RESERVED), StepResult(Outcome.AGAIN, 0)),
        (attempt(S.RESERVED, retry_at=NOW + timedelta(seconds=1.2)), StepResult(Outcome.AGAIN, 2)),
        (attempt(S.RESERVED, retry_at=NOW - timedelta(seconds=9)), StepResult(Outcome.AGAIN, 0)),
        (attempt(S.SUBMITTING), StepResult(Outcome.AGAIN, 240)),
        (attempt(S.SUBMITTING, lease_until=NOW), StepResult(Outcome.AGAIN, 1)),
        (attempt(S.ACCEPTED, operation={"task": "t"}), StepResult(Outcome.RUNNING, 25)),
        (attempt(S.ACCEPTED, operation=dict(RENDER_OPERATION)), StepResult(Outcome.RENDER, 0)),
        (attempt(S.PAID), StepResult(Outcome.READY, 0)),
        (attempt(S.STORED), StepResult(Outcome.STORED, 0)),
        (attempt(S.RELEASED), StepResult(Outcome.STOPPED, 0)),
        (attempt(S.IN_DOUBT), StepResult(Outcome.STOPPED, 0)),
    ],
    ids=lambda value: getattr(value, "state", None),
)
def test_every_state_has_its_word_and_its_wait(one: Attempt, expected: StepResult) -> None:
    assert outcome_of(record(one), now=NOW) == expected


def test_behind_a_released_attempt_the_next_is_asked() -> None:
    chain = generation(link(), link("other"))

    assert outcome_of(record(attempt(S.RELEASED), of=chain), now=NOW).outcome is Outcome.NEXT


def test_beside_a_simulator_the_wait_for_a_job_is_scaled() -> None:
    running = record(attempt(S.ACCEPTED, operation={"task": "t"}))

    assert outcome_of(running, now=NOW, patience=Patience(20)) == StepResult(Outcome.RUNNING, 5)


def test_a_worker_knows_how_long_it_has() -> None:
    assert worker(seconds=240).remaining_s(NOW + timedelta(seconds=40)) == 200


@pytest.mark.parametrize(
    ("tokens", "rate", "expected"),
    [(None, None, "0.0200"), (1120, None, "0.0200"), (None, 30_000_000, "0.0200"),
     (1120, 30_000_000, "0.0336"), (100, 30_000_000, "0.0030")],
)  # fmt: skip
def test_the_actual_price_is_the_vendors_count_where_there_is_one(
    tokens: int | None, rate: int | None, expected: str
) -> None:
    asked = link(cost="0.0200", micros_per_million_tokens=rate)

    assert actual_cost(asked, Finished(tokens=tokens), card="own") == usd(expected)


def test_what_was_delivered_as_ordered_needs_no_warning() -> None:
    still = record(attempt())
    moving = record(attempt(), of=generation(clip_link(), wish=clip_wish(duration_s=5)))

    assert warnings_for(still, measured(picture())) == ()
    assert warnings_for(moving, measured(clip())) == ()


def test_every_difference_from_the_order_is_a_warning() -> None:
    moving = record(attempt(), of=generation(clip_link(), wish=clip_wish(duration_s=5)))

    assert warnings_for(moving, measured(clip(640, 360, 9000))) == (
        "lumen delivered 640x360 pixels, ordered were 1280x720",
        "lumen delivered 9.0 s, ordered were 5 s",
    )


def test_a_take_is_named_and_measured_by_us() -> None:
    one = record(attempt())

    made = take_of(one, measured(picture()), now=NOW)

    assert made.key == f"{TENANT}/{one.generation.id}/{made.id}.png"
    assert made.sha256 == measured(picture()).sha256
    assert (made.size_bytes, made.attempt_id, made.late) == (
        len(picture()), one.current.id, False,
    )  # fmt: skip


# --- the guarded write -------------------------------------------------------------------------


def begun(stage: Stage) -> tuple[Record, Attempt]:
    before = stage.admit(generation())
    return before, begin(before.current, worker="w1", lease_until=NOW + timedelta(minutes=4))


def test_a_write_gives_the_record_as_it_then_is() -> None:
    stage = Stage()
    before, after = begun(stage)

    written = write(stage.studio, before, after, now=NOW, state=G.RUNNING, warnings=("a",))

    assert written == stage.record(generation())
    assert (written.generation.state, written.generation.warnings) == (G.RUNNING, ("a",))
    assert written.generation.version == 2
    assert written.current == after


def test_a_write_that_leaves_the_generation_alone_does_not_touch_it() -> None:
    stage = Stage()
    before, after = begun(stage)

    write(stage.studio, before, after, now=NOW, state=G.QUEUED)

    assert stage.record(generation()).generation.version == 1


def test_a_worker_with_an_old_attempt_loses() -> None:
    stage = Stage()
    before, after = begun(stage)
    write(stage.studio, before, after, now=NOW)

    with pytest.raises(Stale):
        write(stage.studio, before, replace(after, owner="w2"), now=NOW, state=G.RUNNING)

    assert stage.record(generation()).current.owner == "w1"


def test_a_change_of_the_generation_alone_does_not_hinder_its_attempt() -> None:
    stage = Stage()
    before, after = begun(stage)
    marked = generation().now(cancel_requested_at=NOW)
    stage.studio.generations[TENANT, marked.id] = marked

    written = write(stage.studio, before, after, now=NOW, state=G.RUNNING, take=take(after))

    assert written == stage.record(generation())
    assert (written.generation.state, written.generation.cancel_requested_at) == (G.RUNNING, NOW)
    assert len(written.takes) == 1


def test_an_end_is_not_undone_by_a_late_write() -> None:
    stage = Stage()
    before, after = begun(stage)
    ended = generation().now(state=G.FAILED)
    stage.studio.generations[TENANT, ended.id] = ended

    write(stage.studio, before, after, now=NOW, state=G.RUNNING, warnings=("late",))

    assert stage.record(generation()).generation == ended


@pytest.mark.parametrize(("seconds", "expected"), [(5, "0.0067"), (3, "0.0040"), (None, "0.0067")])
def test_seconds_that_the_vendor_reports_are_priced_by_the_unit(
    seconds: int | None, expected: str
) -> None:
    asked = clip_link(cost="0.0067", unit=Unit.MINUTE, unit_micros=usd("0.0800"))

    assert actual_cost(asked, Finished(url="x", seconds=seconds), card="guide") == usd(expected)


def test_money_that_the_vendor_reports_comes_before_any_count() -> None:
    asked = link(cost="0.0200", micros_per_million_tokens=30_000_000)

    told = Finished(cost_micros=12_300, tokens=1_000)
    assert actual_cost(asked, told, card="vendor") == 12_300
    assert actual_cost(asked, told, card="guide") == usd("0.0300")


# --- bills above the hold ----------------------------------------------------------------------


def billed(money: str) -> Stage:
    """A stage on which the vendor bills this much for what was held at two cents."""
    result = Finished(data=picture(), cost_micros=usd(money))
    stage = Stage(lumen=ScriptedProvider([result]))
    asked = generation(link(price="vendor/*/*/*"), rate_card="vendor")
    stage.admit(asked)
    stage.run(asked)
    return stage


def test_a_bill_above_the_hold_is_booked_and_puts_its_price_in_doubt_in_the_same_step() -> None:
    stage = billed("0.0350")

    (doubt,) = stage.studio.price_doubts.values()
    attempt = stage.record(generation()).current
    assert (doubt.provider, doubt.price) == ("lumen", "vendor/*/*/*")
    assert (doubt.held, doubt.billed, doubt.attempt_id) == (20_000, 35_000, attempt.id)
    assert doubt.confirmed_by is None
    assert stage.budget().settled == usd("0.0350")
    assert attempt.state is S.STORED
    settings = stage.studio.provider_settings(TENANT)["lumen"]
    assert settings.doubted_prices == {"vendor/*/*/*"}


@pytest.mark.parametrize("money", ["0.0200", "0.0100"])
def test_a_bill_within_the_hold_doubts_no_price(money: str) -> None:
    assert billed(money).studio.price_doubts == {}


def test_an_over_run_that_lost_its_race_puts_no_price_in_doubt() -> None:
    stage = Stage()
    asked = generation()
    held = stage.admit(asked)
    moved = replace(held.current, version=5)
    stage.studio.attempts[TENANT, asked.id][0] = moved

    with pytest.raises(Stale):
        write(
            stage.studio,
            held,
            replace(held.current, state=S.PAID, actual_micros=usd("9"), version=2),
            now=NOW,
        )

    assert stage.studio.price_doubts == {}


# --- what comes late ---------------------------------------------------------------------------


def test_a_late_payment_is_added_to_what_an_ended_generation_cost_and_to_nothing_else() -> None:
    stage = Stage()
    asked = generation()
    stage.admit(asked)
    ended = asked.now(state=G.FAILED, actual_micros=0, completed_at=NOW)
    stage.studio.generations[TENANT, asked.id] = ended
    before = stage.record(asked).following(0)

    after = write(
        stage.studio,
        before,
        replace(before.current, state=S.PRESUMED, version=2),
        now=NOW,
        state=G.STORING,
        warnings=("late",),
    )

    assert after.generation == replace(ended, actual_micros=usd("0.0200"), version=3)
    assert after.followed == 0
    assert stage.record(asked).generation == after.generation


def test_what_an_abandoned_attempt_does_is_not_the_state_of_its_generation() -> None:
    stage = Stage()
    asked = generation(link(), link("other"), state=G.RUNNING)
    stage.admit(asked)
    first = replace(stage.record(asked).current, state=S.OVERDUE)
    second = attempt(S.ACCEPTED, index=1, provider="other")
    stage.studio.attempts[TENANT, asked.id].update({0: first, 1: second})
    paid = replace(first, state=S.PAID, actual_micros=1, version=2)

    write(stage.studio, stage.record(asked).following(0), paid, now=NOW, state=G.STORING)

    assert stage.record(asked).generation.state is G.RUNNING


def test_a_payment_that_meets_the_end_of_its_generation_is_in_its_total() -> None:
    stage = Stage()
    asked = generation(link(), link("other"), state=G.RUNNING)
    stage.admit(asked)
    first = replace(stage.record(asked).current, state=S.OVERDUE)
    second = attempt(S.STORED, index=1, provider="other", actual_micros=usd("0.0100"))
    stage.studio.attempts[TENANT, asked.id].update({0: first, 1: second})
    before = stage.record(asked).following(0)
    just_before_commits(stage, lambda: stage.finish(asked), times=1)

    write(stage.studio, before, replace(first, state=S.PRESUMED, version=2), now=NOW)

    ended = stage.record(asked).generation
    assert (ended.state, ended.actual_micros) == (G.SUCCEEDED, usd("0.0300"))


@pytest.mark.parametrize(
    ("beside", "marked"),
    [(S.STORED, True), (S.PRESUMED, True), (S.PAID, True), (S.OVERDUE, False), (S.RELEASED, False)],
)
def test_who_is_paid_beside_another_of_its_generation_is_marked(
    beside: AttemptState, marked: bool
) -> None:
    stage = Stage()
    asked = generation(link(), link("other"))
    stage.admit(asked)
    first = replace(stage.record(asked).current, state=beside)
    second = attempt(S.ACCEPTED, index=1, provider="other", scopes=first.scopes)
    stage.studio.attempts[TENANT, asked.id].update({0: first, 1: second})
    paid = replace(second, state=S.PAID, actual_micros=1, version=2)

    after = write(stage.studio, stage.record(asked), paid, now=NOW)

    assert after.current.double_spend is marked
    stored = replace(after.current, state=S.STORED, version=3)
    assert write(stage.studio, after, stored, now=NOW).current.double_spend is marked


@pytest.mark.parametrize(
    ("one", "wait_s"),
    [
        (attempt(S.IN_DOUBT, kind=Kind.FINDABLE, doubted_at=NOW), 60),
        (
            attempt(
                S.IN_DOUBT,
                kind=Kind.FINDABLE,
                doubted_at=NOW,
                lease_until=NOW + timedelta(seconds=7),
            ),
            7,
        ),
        (attempt(S.IN_DOUBT, kind=Kind.KEYED, doubted_at=NOW, lease_until=NOW), 60),
    ],
)
def test_a_lost_answer_is_looked_for_again_when_its_lease_ends_or_after_a_minute(
    one: Attempt, wait_s: int
) -> None:
    assert outcome_of(record(one), now=NOW) == StepResult(Outcome.AGAIN, wait_s)
