"""The definition of the storyboards' state machine, read as data: ways, both Maps, time, errors."""

from typing import Any

import pytest

from filmgate.domain import errors
from filmgate.usecases.shoot import ShotOutcome
from tests.template import documents, sources
from tests.template.documents import functions

MACHINE = documents.storyboard_workflow()
STATES: dict[str, dict[str, Any]] = MACHINE["States"]
MAPS = [name for name, state in STATES.items() if state["Type"] == "Map"]
SHOT: dict[str, dict[str, Any]] = STATES["ShootFew"]["ItemProcessor"]["States"]
TASKS = {
    name: state
    for name, state in {**STATES, **SHOT}.items()
    if state["Type"] == "Task"
}  # fmt: skip
OF_AWS = ("Lambda.", "Runtime.", "Sandbox.", "States.")


def ways_from(state: dict[str, Any]) -> set[str]:
    ways = {state[name] for name in ("Next", "Default") if name in state}
    ways |= {choice["Next"] for choice in state.get("Choices", ())}
    return ways | {catch["Next"] for catch in state.get("Catch", ())}


@pytest.mark.parametrize(("states", "start"), [(STATES, "Open"), (SHOT, "Advance")])
def test_every_state_is_reached_and_every_way_leads_to_one(
    states: dict[str, dict[str, Any]], start: str
) -> None:
    reached: set[str] = set()
    waiting = {start}
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= ways_from(states[name]) - reached

    assert reached == set(states)
    assert MACHINE["StartAt"] == "Open"


def test_every_state_says_why_it_is_there() -> None:
    assert [name for name, one in {**STATES, **SHOT}.items() if not one.get("Comment")] == []


def test_a_large_storyboard_is_shot_as_a_small_one_but_for_its_executions() -> None:
    few, many = (dict(STATES[name]) for name in ("ShootFew", "ShootMany"))

    processors = [dict(one.pop("ItemProcessor")) for one in (few, many)]
    modes = [one.pop("ProcessorConfig") for one in processors]
    assert modes == [{"Mode": "INLINE"}, {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}]
    assert processors[0] == processors[1]
    assert few.pop("Comment") != many.pop("Comment")
    assert few == many


@pytest.mark.parametrize("name", MAPS)
def test_a_map_hands_on_ids_alone_and_keeps_nothing_of_what_comes_back(name: str) -> None:
    state = STATES[name]

    assert set(state["ItemSelector"]) == {"tenant.$", "storyboard_id.$", "number.$"}
    assert state["ResultPath"] is None
    assert SHOT["ShotDone"]["OutputPath"] is None
    assert state["MaxConcurrencyPath"] == "$.shots_at_once"


@pytest.mark.parametrize("name", [*MAPS, "Open"])
def test_whatever_happens_the_truth_is_told_at_the_end(name: str) -> None:
    (catch,) = STATES[name]["Catch"]

    assert (catch["ErrorEquals"], catch["Next"]) == (["States.ALL"], "Conclude")
    assert catch["ResultPath"] is None


def test_a_shot_that_cannot_be_taken_further_stops_no_other() -> None:
    (catch,) = SHOT["Advance"]["Catch"]

    assert (catch["ErrorEquals"], catch["Next"]) == (["States.ALL"], "ShotDone")
    assert SHOT["ShotDone"]["Type"] == "Succeed"


@pytest.mark.parametrize("name", TASKS)
def test_a_task_names_its_own_work_and_outlasts_the_function(name: str) -> None:
    state = TASKS[name]

    assert state["Parameters"]["FunctionName"] == "${ShootFunctionArn}"
    assert state["Parameters"]["Payload"]["task"] == name.lower()
    assert state["TimeoutSeconds"] > functions()["shoot"]["Timeout"]


@pytest.mark.parametrize("name", TASKS)
def test_what_is_retried_is_what_the_function_says_that_it_raises(name: str) -> None:
    (rule,) = TASKS[name]["Retry"]
    own = {one for one in rule["ErrorEquals"] if not one.startswith(OF_AWS)}

    assert own == sources.errors_told_by("shoot")
    assert all(issubclass(getattr(errors, one), errors.GatewayError) for one in own)
    assert 1 <= rule["MaxAttempts"] <= 10


def test_the_choice_knows_every_word() -> None:
    (choice,) = SHOT["IsShotDone"]["Choices"]

    assert (choice["Variable"], choice["StringEquals"]) == ("$.outcome", ShotOutcome.RUNNING.value)
    assert SHOT["IsShotDone"]["Default"] == "ShotDone"


def test_a_shot_of_its_own_execution_may_be_started_and_nothing_else() -> None:
    policy = documents.resources("AWS::IAM::Policy")["StoryboardChildrenPolicy"]

    assert policy["Roles"] == [{"Ref": "StoryboardStateMachineRole"}]
    start, watch = policy["PolicyDocument"]["Statement"]
    assert (start["Action"], start["Resource"]) == (
        "states:StartExecution", {"Ref": "StoryboardStateMachine"},
    )  # fmt: skip
    assert set(watch["Action"]) == {"states:DescribeExecution", "states:StopExecution"}
    assert watch["Resource"]["Fn::Sub"].endswith(":execution:${StoryboardStateMachine.Name}/*")
