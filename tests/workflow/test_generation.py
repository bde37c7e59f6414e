"""The state machine "generation", interpreted: what follows which word, and what that costs."""

import pytest

from filmgate.domain.errors import DownloadFailed, Stale, StoreUnavailable
from filmgate.usecases.steps import Outcome
from tests.workflow.conftest import GENERATION, Machine, said

# What the history may hold at most, beside the names of states and functions.
CARRIED = {"tenant", "generation_id", "outcome", "wait_s", "state"}


def failed() -> dict:
    return {**GENERATION, "state": "failed"}


# --- the ways through it -----------------------------------------------------------------------


def test_an_image_that_comes_at_once_takes_at_most_four_transitions(machine: Machine) -> None:
    machine.will("submit", said("stored"))

    run = machine.run()

    print(f"a synchronous image: {len(run.states)} transitions: {' > '.join(run.states)}")
    assert run.states == ["Submit", "Outcome", "Finish"]
    assert len(run.states) <= 4
    assert (run.status, run.output) == ("SUCCEEDED", {**GENERATION, "state": "succeeded"})
    assert machine.waits == []


def test_every_fallback_adds_two_transitions(machine: Machine) -> None:
    machine.will("submit", said("next"), said("next"), said("stored"))

    run = machine.run()

    print(f"two fallbacks: {len(run.states)} transitions")
    assert run.states == ["Submit", "Outcome"] * 3 + ["Finish"]
    assert len(run.states) == 3 + 2 * 2


def test_a_busy_provider_is_asked_again_after_the_wait_that_was_said(machine: Machine) -> None:
    machine.will("submit", said("again", 2), said("again", 0), said("stored"))

    run = machine.run()

    assert run.states == ["Submit", "Outcome", "WaitForProvider"] * 2 + [
        "Submit", "Outcome", "Finish",
    ]  # fmt: skip
    assert machine.waits == [2, 0]


def test_a_polled_clip_takes_at_most_three_transitions_a_look(machine: Machine) -> None:
    machine.will("submit", said("running", 120))
    machine.will("poll", said("running", 24), said("running", 29), said("ready"))
    machine.will("collect", said("stored"))

    run = machine.run()

    looks = run.verbs.count("poll")
    around = ["Submit", "Outcome", "Collect", "Outcome", "Finish"]
    print(f"a clip with {looks} looks: {len(run.states)} transitions")
    assert machine.waits == [120, 24, 29]
    assert run.verbs == ["submit", "poll", "poll", "poll", "collect", "finish"]
    assert len(run.states) == len(around) + 3 * looks
    assert run.status == "SUCCEEDED"


def test_a_camera_move_is_rendered_without_a_wait(machine: Machine) -> None:
    machine.will("submit", said("render"))
    machine.will("render", said("stored"))

    run = machine.run()

    assert run.states == ["Submit", "Outcome", "Render", "Outcome", "Finish"]
    assert (run.status, machine.waits) == ("SUCCEEDED", [])


def test_a_job_that_failed_at_the_first_provider_leads_on_to_the_next(machine: Machine) -> None:
    machine.will("submit", said("running", 1), said("stored"))
    machine.will("poll", said("next"))

    run = machine.run()

    assert run.verbs == ["submit", "poll", "submit", "finish"]
    assert run.status == "SUCCEEDED"


@pytest.mark.parametrize("verb", ["submit", "poll", "render", "collect"])
def test_a_stop_at_any_step_is_finished_and_fails_the_execution(
    machine: Machine, verb: str
) -> None:
    machine.will("submit", _first_word_before(verb))
    machine.will("poll", said("ready"))
    machine.will(verb, said("stopped"))
    machine.will("finish", failed())

    run = machine.run()

    assert (run.status, run.error) == ("FAILED", "GenerationStopped")
    assert run.cause == "The generation ended without a take; its record says why."
    assert run.states[-2:] == ["FinishStopped", "Failed"]
    assert run.verbs[-2:] == [verb, "finish"]


def test_every_word_that_a_step_can_say_has_its_own_way_on(machine: Machine) -> None:
    follows = {}
    for word in Outcome:
        machine.calls.clear()
        machine.will("submit", said(word.value), said("stopped"))
        for verb in ("poll", "render", "collect"):
            machine.will(verb, said("stopped"))
        follows[word.value] = machine.run().states[2]

    assert follows == {
        "stored": "Finish", "again": "WaitForProvider", "running": "WaitForJob",
        "render": "Render", "ready": "Collect", "next": "Submit", "stopped": "FinishStopped",
    }  # fmt: skip


def test_a_word_that_nobody_knows_stops_instead_of_spending(machine: Machine) -> None:
    machine.will("submit", said("a word of tomorrow"))

    run = machine.run()

    assert run.verbs == ["submit", "finish"]
    assert (run.status, run.error) == ("FAILED", "GenerationStopped")


# --- faults ------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["submit", "poll", "render", "collect"])
def test_an_unexpected_exception_is_finished_and_not_tried_again(
    machine: Machine, verb: str
) -> None:
    machine.will("submit", _first_word_before(verb))
    machine.will("poll", said("ready"))
    machine.will(verb, RuntimeError("words of a bug"))
    machine.will("finish", failed())

    run = machine.run()

    assert run.states[-2:] == ["FinishStopped", "Failed"]
    assert (run.status, run.error) == ("FAILED", "GenerationStopped")
    assert run.verbs.count(verb) == 1
    assert machine.pauses == []


def test_the_words_of_an_exception_are_not_handed_on(machine: Machine) -> None:
    machine.will("submit", RuntimeError("words of a bug"))

    run = machine.run()

    assert machine.calls[-1] == ("finish", GENERATION)
    assert "words of a bug" not in str(run.inputs) + str(run.outputs)


@pytest.mark.parametrize("verb", ["submit", "poll", "render", "collect", "finish"])
def test_a_table_that_is_away_for_a_while_is_waited_for(machine: Machine, verb: str) -> None:
    machine.will("submit", _first_word_before(verb))
    machine.will("poll", said("ready"))
    after = {**GENERATION, "state": "succeeded"} if verb == "finish" else said("stored")
    machine.will(verb, StoreUnavailable("away"), StoreUnavailable("away"), after)

    run = machine.run()

    assert run.status == "SUCCEEDED"
    assert run.verbs.count(verb) == 3
    assert len(machine.pauses) == 2


def test_a_table_that_stays_away_ends_the_execution_after_bounded_tries(
    machine: Machine,
) -> None:
    machine.will("submit", StoreUnavailable("away"))
    machine.will("finish", failed())

    run = machine.run()

    assert run.verbs == ["submit"] * 7 + ["finish"]
    assert (run.status, run.error) == ("FAILED", "GenerationStopped")
    assert max(machine.pauses) <= 30


def test_a_download_that_failed_is_fetched_again_and_never_made_again(machine: Machine) -> None:
    machine.will("submit", said("running", 1))
    machine.will("poll", said("ready"))
    machine.will("collect", DownloadFailed("cut"), DownloadFailed("cut"), said("stored"))

    run = machine.run()

    assert run.verbs == ["submit", "poll", "collect", "collect", "collect", "finish"]
    assert machine.pauses == [2, 6]
    assert run.status == "SUCCEEDED"


def test_a_download_that_fails_for_ever_is_five_tries(machine: Machine) -> None:
    machine.will("submit", said("ready"))
    machine.will("collect", DownloadFailed("gone"))
    machine.will("finish", failed())

    run = machine.run()

    assert run.verbs == ["submit", *["collect"] * 5, "finish"]
    assert machine.pauses == [2, 6, 18, 54]
    assert run.status == "FAILED"


def test_a_finish_that_others_overtook_is_written_again(machine: Machine) -> None:
    machine.will("submit", said("stored"))
    machine.will("finish", Stale("another"), {**GENERATION, "state": "succeeded"})

    run = machine.run()

    assert run.verbs == ["submit", "finish", "finish"]
    assert run.status == "SUCCEEDED"


@pytest.mark.parametrize(
    ("verb", "error"), [("submit", Stale("x")), ("submit", DownloadFailed("x"))]
)
def test_errors_that_prove_nothing_at_a_step_are_not_retried_there(
    machine: Machine, verb: str, error: Exception
) -> None:
    machine.will(verb, error)
    machine.will("finish", failed())

    run = machine.run()

    assert run.verbs == [verb, "finish"]


# --- what it carries ---------------------------------------------------------------------------


def test_the_history_carries_ids_words_and_waits_only(machine: Machine) -> None:
    machine.will("submit", said("again", 1), said("next"), said("running", 3))
    machine.will("poll", said("running", 4), said("ready"))
    machine.will("collect", DownloadFailed("cut"), said("stored"))

    run = machine.run()

    assert run.input == GENERATION
    assert all(set(carried) <= CARRIED for carried in run.inputs + run.outputs)
    assert all(set(event) <= CARRIED for _, event in machine.calls)
    assert run.status == "SUCCEEDED"


def test_after_a_fault_too_the_history_carries_no_more(machine: Machine) -> None:
    machine.will("submit", said("running", 1))
    machine.will("poll", KeyError("words of a bug"))
    machine.will("finish", failed())

    run = machine.run()

    assert all(set(carried) <= CARRIED for carried in run.inputs)
    assert all(set(event) <= CARRIED for _, event in machine.calls)


def _first_word_before(verb: str) -> dict:
    """What Submit says so that this step comes next."""
    words = {"poll": "running", "render": "render", "collect": "ready", "finish": "stored"}
    return said(words.get(verb, "stored"))
