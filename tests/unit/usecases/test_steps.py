"""What the steps share: one word for every state, and one guarded write for every change."""

from dataclasses import replace
from datetime import timedelta

import pytest

from filmgate.domain.attempts import Attempt, AttemptState, begin
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
from tests.support.fakes import clip, measured, picture
from tests.support.stage import Stage

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
