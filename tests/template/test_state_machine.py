"""The definition of the state machine, read as data: names, ways, time, errors."""

from typing import Any

import pytest

from filmgate.domain import errors
from filmgate.domain.patience import Patience
from filmgate.providers.data import catalogue
from filmgate.usecases.steps import Outcome
from tests.template import documents, sources
from tests.template.documents import functions

STATES: dict[str, dict[str, Any]] = documents.workflow()["States"]
TASKS = [name for name, state in STATES.items() if state["Type"] == "Task"]
FINISHERS = ["Finish", "FinishStopped"]
OF_AWS = ("Lambda.", "Runtime.", "Sandbox.", "States.")


def verb_of(task: str) -> str:
    """The function behind a task, through the template's substitutions."""
    machine = documents.machine("GenerationStateMachine")
    name = STATES[task]["Parameters"]["FunctionName"].removeprefix("${").removesuffix("}")
    logical = machine["DefinitionSubstitutions"][name]["Fn::GetAtt"][0]
    (verb,) = [verb for verb in functions() if documents.logical_id(verb) == logical]
    return verb


def ways_from(state: dict[str, Any]) -> set[str]:
    ways = {state[name] for name in ("Next", "Default") if name in state}
    ways |= {choice["Next"] for choice in state.get("Choices", ())}
    return ways | {catch["Next"] for catch in state.get("Catch", ())}


def own_errors(task: str, kind: str) -> set[str]:
    """Names of Retry or Catch that are not AWS's."""
    named = {name for rule in STATES[task].get(kind, ()) for name in rule["ErrorEquals"]}
    return {name for name in named if not name.startswith(OF_AWS)}


def test_every_way_leads_to_a_state() -> None:
    for name, state in STATES.items():
        assert ways_from(state) <= set(STATES), name


def test_every_state_can_be_reached() -> None:
    reached: set[str] = set()
    waiting = {documents.workflow()["StartAt"]}
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= ways_from(STATES[name]) - reached

    assert reached == set(STATES)


def test_every_state_goes_on_or_ends() -> None:
    for name, state in STATES.items():
        ends = state.get("End") is True or state["Type"] in ("Fail", "Succeed")
        assert ends is not bool(ways_from(state) - {c["Next"] for c in state.get("Catch", ())}), (
            name
        )


def test_every_state_says_why_it_is_there() -> None:
    assert [name for name, state in STATES.items() if not state.get("Comment")] == []


def test_every_substitution_is_defined_and_used() -> None:
    machine = documents.machine("GenerationStateMachine")
    used = {STATES[task]["Parameters"]["FunctionName"] for task in TASKS}

    assert used == {f"${{{name}}}" for name in machine["DefinitionSubstitutions"]}


@pytest.mark.parametrize("task", TASKS)
def test_a_task_calls_the_function_that_it_is_named_after(task: str) -> None:
    assert task.lower().startswith(verb_of(task))


@pytest.mark.parametrize("task", TASKS)
def test_a_task_outlasts_its_function_so_that_our_own_error_is_the_one_reported(task: str) -> None:
    assert STATES[task]["TimeoutSeconds"] > functions()[verb_of(task)]["Timeout"]


@pytest.mark.parametrize("task", TASKS)
def test_a_fault_at_a_task_ends_in_the_truth(task: str) -> None:
    state = STATES[task]

    if task in FINISHERS:
        assert "Catch" not in state
        assert state["Retry"][0]["MaxAttempts"] >= 10
    else:
        (catch,) = state["Catch"]
        assert (catch["ErrorEquals"], catch["Next"]) == (["States.ALL"], "FinishStopped")
        assert catch["ResultPath"] is None


@pytest.mark.parametrize("task", TASKS)
def test_retries_are_bounded_and_grow(task: str) -> None:
    for rule in STATES[task]["Retry"]:
        assert 1 <= rule["MaxAttempts"] <= 10
        assert rule["BackoffRate"] >= 2
        assert rule["MaxDelaySeconds"] <= 60
        assert "States.ALL" not in rule["ErrorEquals"]
        assert "States.TaskFailed" not in rule["ErrorEquals"]


@pytest.mark.parametrize("task", TASKS)
def test_errors_of_ours_that_are_retried_are_leaves_that_the_step_can_raise(task: str) -> None:
    named = own_errors(task, "Retry")

    for name in named:
        leaf = getattr(errors, name)
        assert issubclass(leaf, errors.GatewayError), name
        below = [one for one in leaf.__subclasses__() if one.__module__ == errors.__name__]
        assert below == [], name
    assert named == sources.errors_told_by(verb_of(task))


@pytest.mark.parametrize("task", TASKS)
def test_no_provider_s_error_is_retried_by_the_engine(task: str) -> None:
    providers = {one.__name__ for one in errors.ProviderError.__subclasses__()}

    assert not own_errors(task, "Retry") & providers


def test_every_word_of_a_step_is_known_to_the_choice() -> None:
    choices = STATES["Outcome"]["Choices"]

    words = [choice["StringEquals"] for choice in choices]
    assert {choice["Variable"] for choice in choices} == {"$.outcome"}
    assert sorted([*words, "stopped"]) == sorted(outcome.value for outcome in Outcome)
    assert STATES["Outcome"]["Default"] == "FinishStopped"


def test_a_submit_has_time_for_the_longest_answer_that_it_waits_for() -> None:
    sell_at_once = [catalogue().providers[name] for name in ("dalle", "nanobanana")]
    longest_s = max(offer.deadline_s for one in sell_at_once for offer in one.offers)

    longest_time = documents.template()["Parameters"]["SubmitTimeoutSeconds"]["MaxValue"]
    assert functions()["submit"]["Timeout"] > longest_s
    assert STATES["Submit"]["TimeoutSeconds"] > longest_time
    assert Patience().lease_margin.total_seconds() >= 60


def test_an_execution_outlasts_a_chain_in_which_every_job_runs_to_its_deadline() -> None:
    for media in ("image", "video"):
        slowest_s = sum(
            max(offer.deadline_s for offer in provider.offers)
            for provider in catalogue().providers.values()
            if provider.media == media
        )
        assert documents.workflow()["TimeoutSeconds"] > slowest_s
