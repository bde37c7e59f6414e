"""State Poll: a look at a running job."""

import pytest

from filmgate.adapters.egress import NotSent, OutcomeUnknown
from filmgate.domain.generations import GenerationState
from tests.functions.support import Clock, Deployment, sample
from tests.functions.vendors import (
    CLIP_URL,
    KLING,
    ScriptedEgress,
    kling_created,
    kling_task,
    reply,
)


@pytest.fixture
def running(studio: Deployment, vendors: ScriptedEgress) -> str:
    """The id of a clip that Kling works on."""
    studio.give_key("kling")
    vendors.will(KLING, kling_created())
    made = str(studio.call("generate", sample("generate", "clip")).json["id"])
    assert studio.step("submit", made)["outcome"] == "running"
    return made


def budget(studio: Deployment) -> tuple[int, int]:
    found = studio.table.budget("studio", "owner", "2026-11")
    return found.held, found.settled


def test_a_job_that_is_done_is_settled_before_it_is_fetched(
    studio: Deployment, vendors: ScriptedEgress, running: str
) -> None:
    vendors.will(KLING, kling_task("succeeded", CLIP_URL))

    said = studio.step("poll", running)

    record = studio.table.find("studio", running)
    assert (said["outcome"], said["wait_s"]) == ("ready", 0)
    assert (record.generation.state, record.current.state) == (GenerationState.STORING, "paid")
    assert budget(studio) == (0, 6_700)
    assert vendors.downloads == []


@pytest.mark.parametrize(
    ("elapsed_s", "wait_s"), [(0, 120), (100, 20), (119, 3), (120, 24), (200, 40), (1500, 60)]
)
def test_a_job_that_runs_is_looked_at_in_growing_steps_once_it_is_due(
    studio: Deployment,
    vendors: ScriptedEgress,
    clock: Clock,
    running: str,
    elapsed_s: int,
    wait_s: int,
) -> None:
    vendors.will(KLING, kling_task("processing"))
    clock.pass_s(elapsed_s)

    said = studio.step("poll", running)

    assert (said["outcome"], said["wait_s"]) == ("running", wait_s)


@pytest.mark.parametrize(
    "glimpse",
    [
        OutcomeUnknown(KLING, "cut"),
        NotSent(KLING, "no connection"),
        reply(500, b"<html>"),
        reply(429, {"code": 1302}),
        reply(200, b"[" * 100_000),
        kling_task("a word of tomorrow"),
    ],
    ids=["cut", "no connection", "500", "429", "deep", "new word"],
)
def test_a_look_that_saw_nothing_changes_nothing(
    studio: Deployment, vendors: ScriptedEgress, running: str, glimpse: Exception
) -> None:
    vendors.will(KLING, glimpse)
    before = studio.table.find("studio", running)

    said = studio.step("poll", running)

    assert said["outcome"] == "running"
    assert studio.table.find("studio", running) == before


@pytest.mark.parametrize(
    ("glimpse", "ends"),
    [
        (reply(200, {"code": 0, "data": []}), ("overdue", "job-unknown", 6_700, 0)),
        (kling_task("succeeded"), ("paid", "result-missing", 0, 6_700)),
    ],
    ids=["not listed", "no clip"],
)
def test_a_job_that_cannot_be_seen_goes_on_for_minutes_before_it_is_given_up(
    studio: Deployment,
    vendors: ScriptedEgress,
    clock: Clock,
    running: str,
    glimpse: object,
    ends: tuple[str, str, int, int],
) -> None:
    said = []
    for pause in (0, 60, 59, 181):
        clock.pass_s(pause)
        vendors.will(KLING, glimpse, glimpse)
        said.append(studio.step("poll", running)["outcome"])

    attempt = studio.table.find("studio", running).current
    assert said == ["running"] * 3 + ["stopped"]
    assert (attempt.state, attempt.failure.code, *budget(studio)) == ends


def test_a_refused_key_gives_a_running_job_up_and_holds_its_money(
    studio: Deployment, vendors: ScriptedEgress, running: str
) -> None:
    vendors.will(KLING, reply(401, {"code": 1000, "message": "no"}))

    said = studio.step("poll", running)

    attempt = studio.table.find("studio", running).current
    assert said["outcome"] == "stopped"
    assert (attempt.state, attempt.failure.code) == ("overdue", "key-refused")
    assert budget(studio) == (6_700, 0)


@pytest.mark.parametrize(
    ("message", "code"),
    [("Failure to pass the risk control system", "content-refused"), ("oops", "job-failed")],
)
def test_a_job_that_failed_is_free_and_ends_the_attempt(
    studio: Deployment, vendors: ScriptedEgress, running: str, message: str, code: str
) -> None:
    vendors.will(KLING, kling_task("failed", message=message))

    said = studio.step("poll", running)

    attempt = studio.table.find("studio", running).current
    assert said["outcome"] == "stopped"
    assert (attempt.state, attempt.failure.code) == ("released", code)
    assert budget(studio) == (0, 0)


def test_a_job_past_its_deadline_stops_the_generation_and_keeps_the_money_held(
    studio: Deployment, vendors: ScriptedEgress, clock: Clock, running: str
) -> None:
    vendors.will(KLING, kling_task("processing"))
    clock.pass_s(1800)

    said = studio.step("poll", running)

    attempt = studio.table.find("studio", running).current
    assert said["outcome"] == "stopped"
    assert (attempt.state, attempt.failure.code) == ("overdue", "deadline-exceeded")
    assert budget(studio) == (6_700, 0)


def test_a_poll_that_comes_late_asks_nobody_and_tells_what_is_true(
    studio: Deployment, vendors: ScriptedEgress, running: str
) -> None:
    vendors.will(KLING, kling_task("succeeded", CLIP_URL))
    studio.step("poll", running)
    asked = len(vendors.calls)

    said = studio.step("poll", running)

    assert said["outcome"] == "ready"
    assert len(vendors.calls) == asked


def test_waits_are_shortened_by_the_template_s_parameter(
    studio: Deployment, vendors: ScriptedEgress, running: str
) -> None:
    studio.chosen["PollScalePercent"] = "10"
    vendors.will(KLING, kling_task("processing"))

    assert studio.step("poll", running)["wait_s"] == 12
