"""The state machine and the real functions together; only providers follow a script."""

import io
import json
from collections.abc import Iterator

import pytest

from filmgate import wiring
from filmgate.adapters.egress import OutcomeUnknown
from filmgate.adapters.workflow import GenerationWorkflow
from filmgate.observability import logger
from tests.functions.support import Clock, Deployment, altered, sample
from tests.functions.vendors import (
    CLIP_URL,
    DALLE,
    KLING,
    NANOBANANA,
    ScriptedEgress,
    clip,
    dalle_error,
    dalle_picture,
    kling_created,
    kling_task,
    nanobanana_picture,
    picture,
)
from tests.support.aws import client
from tests.workflow.conftest import Execution, Machine

PROMPT = "prompt-canary-77"


@pytest.fixture
def vendors(monkeypatch: pytest.MonkeyPatch) -> ScriptedEgress:
    scripted = ScriptedEgress()
    monkeypatch.setattr(wiring, "egress", lambda: scripted)
    return scripted


@pytest.fixture
def studio(
    machine: Machine, vendors: ScriptedEgress, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    """A deployment whose functions the state machine calls."""
    clock = Clock()
    monkeypatch.setattr(wiring, "now", clock)
    monkeypatch.setattr(wiring, "_client", client)
    monkeypatch.setattr(GenerationWorkflow, "start", lambda *_: None)
    monkeypatch.setattr(logger.registered_handler, "stream", io.StringIO())
    deployment = Deployment(clock)
    for provider in ("dalle", "nanobanana", "kling"):
        deployment.give_key(provider)
    machine.handler = deployment.invoke
    machine.on_wait = clock.pass_s
    yield deployment
    deployment.stop()


def made(studio: Deployment, machine: Machine, name: str, **body: object) -> Execution:
    """Admit a sample generation and run its execution to the end."""
    event = altered(sample("generate", name), body={"prompt": f"a fox {PROMPT}", **body})
    admitted = studio.call("generate", event)
    assert admitted.status == 202, admitted.text
    return machine.run({"tenant": "studio", "generation_id": admitted.json["id"]})


def ended(studio: Deployment, run: Execution) -> tuple[str, str | None]:
    """(state, actual cost) that the table tells."""
    generation = studio.table.find("studio", run.input["generation_id"]).generation
    return generation.state.value, generation.provider


def spent(studio: Deployment) -> tuple[int, int]:
    """(held, settled) of the month, in micro-dollars."""
    found = studio.table.budget("studio", "owner", "2026-11")
    return found.held, found.settled


def test_an_image_from_admission_to_its_end(
    studio: Deployment, machine: Machine, vendors: ScriptedEgress
) -> None:
    vendors.will(DALLE, dalle_picture(picture(1536, 864)))

    run = made(studio, machine, "image")

    assert run.states == ["Submit", "Outcome", "Finish"]
    assert (run.status, run.output["state"]) == ("SUCCEEDED", "succeeded")
    assert ended(studio, run) == ("succeeded", "dalle")
    assert spent(studio) == (0, 20_000)


def test_a_throttle_then_a_refusal_then_the_next_provider(
    studio: Deployment, machine: Machine, vendors: ScriptedEgress
) -> None:
    vendors.will(DALLE, dalle_error(429, retry_after="3"), dalle_error(400, "moderation_blocked"))
    vendors.will(NANOBANANA, nanobanana_picture())

    run = made(studio, machine, "image", params={"aspect_ratio": "1:1"})

    assert machine.waits == [3]
    assert run.verbs == ["submit", "submit", "submit", "finish"]
    assert ended(studio, run) == ("succeeded", "nanobanana")
    assert spent(studio) == (0, 10_000)


def test_a_clip_is_looked_at_when_it_is_due_and_fetched_once(
    studio: Deployment, machine: Machine, vendors: ScriptedEgress
) -> None:
    vendors.will(KLING, kling_created(), kling_task("processing"), kling_task("processing"))
    vendors.will(KLING, kling_task("succeeded", CLIP_URL))
    vendors.serves(CLIP_URL, clip(seconds=5))

    run = made(studio, machine, "clip")

    assert machine.waits == [120, 24, 29]
    assert run.verbs == ["submit", "poll", "poll", "poll", "collect", "finish"]
    assert ended(studio, run) == ("succeeded", "kling")
    assert spent(studio) == (0, 6_700)


def test_a_camera_move_over_the_image_made_before(
    studio: Deployment, machine: Machine, vendors: ScriptedEgress
) -> None:
    vendors.will(DALLE, dalle_picture(picture(1536, 864)))
    made(studio, machine, "image")

    run = made(studio, machine, "flow-clip")

    assert run.states == ["Submit", "Outcome", "Render", "Outcome", "Finish"]
    assert ended(studio, run) == ("succeeded", "flow")
    assert spent(studio) == (0, 20_900)


def test_doubt_stops_the_generation_and_the_money_stays_held(
    studio: Deployment, machine: Machine, vendors: ScriptedEgress
) -> None:
    vendors.will(DALLE, OutcomeUnknown(DALLE, "the answer was cut"))

    run = made(studio, machine, "image")

    assert (run.status, run.error) == ("FAILED", "GenerationStopped")
    assert ended(studio, run) == ("failed", None)
    assert len(vendors.calls) == 1
    assert spent(studio) == (20_000, 0)


def test_a_second_execution_of_the_same_generation_buys_nothing(
    studio: Deployment, machine: Machine, vendors: ScriptedEgress
) -> None:
    vendors.will(DALLE, dalle_picture(picture(1536, 864)))
    first = made(studio, machine, "image")

    machine.run(first.input)

    assert ended(studio, first) == ("succeeded", "dalle")
    assert len(vendors.calls) == 1
    assert spent(studio) == (0, 20_000)


@pytest.mark.parametrize(
    "answer",
    [dalle_picture(), dalle_error(400, "x"), RuntimeError(f"a bug quotes {PROMPT} key-of-dalle")],
    ids=["success", "failure", "bug"],
)
def test_no_event_of_the_history_holds_a_prompt_or_a_key(
    studio: Deployment, machine: Machine, vendors: ScriptedEgress, answer
) -> None:
    vendors.will(DALLE, answer)

    run = made(studio, machine, "image", provider="dalle")

    history = json.dumps(run.history, default=str)
    assert run.status in ("SUCCEEDED", "FAILED")
    assert PROMPT not in history
    assert "key-of-dalle" not in history
