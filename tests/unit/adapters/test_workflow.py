"""Starting the state machine, on moto: once for every generation, whatever is repeated."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from filmgate.adapters.workflow import GenerationWorkflow, name_of
from filmgate.domain.errors import StoreUnavailable
from filmgate.usecases.ports import Execution, ExecutionState
from tests.support.aws import account, client

GENERATION = "gen_" + "a" * 26
FIRST = Execution("acme", GENERATION)


@pytest.fixture
def machine() -> Iterator[str]:
    """The ARN of a state machine."""
    with account():
        yield client("stepfunctions").create_state_machine(
            name="generation",
            definition=json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}),
            roleArn="arn:aws:iam::123456789012:role/none",
        )["stateMachineArn"]


class Failing:
    """A client whose calls fail."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def start_execution(self, **_: Any) -> None:
        raise self._error

    describe_execution = start_execution


def test_an_execution_bears_the_generation_s_name_and_carries_two_ids(machine: str) -> None:
    GenerationWorkflow(client("stepfunctions"), machine).start(FIRST)

    (started,) = client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    described = client("stepfunctions").describe_execution(executionArn=started["executionArn"])
    assert described["name"] == GENERATION
    assert json.loads(described["input"]) == {"tenant": "acme", "generation_id": GENERATION}


def test_starting_again_is_a_success_and_starts_nothing(machine: str) -> None:
    workflow = GenerationWorkflow(client("stepfunctions"), machine)

    workflow.start(FIRST)
    workflow.start(FIRST)

    assert len(client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]) == 1


def test_an_execution_that_ran_before_with_another_input_counts_as_started() -> None:
    answer: Any = {"Error": {"Code": "ExecutionAlreadyExists", "Message": "it does"}}
    workflow = GenerationWorkflow(Failing(ClientError(answer, "StartExecution")), "arn")

    workflow.start(FIRST)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            ClientError({"Error": {"Code": "StateMachineDoesNotExist"}}, "StartExecution"),
            "StateMachineDoesNotExist",
        ),
        (
            ClientError({"Error": {"Code": "ThrottlingException"}}, "StartExecution"),
            "ThrottlingException",
        ),
        (ReadTimeoutError(endpoint_url="https://states.example"), "ReadTimeoutError"),
    ],
    ids=["missing", "throttled", "no answer"],
)
def test_a_start_of_which_nobody_knows_is_store_unavailable(error: Exception, reason: str) -> None:
    workflow = GenerationWorkflow(Failing(error), "arn")

    with pytest.raises(StoreUnavailable, match=reason) as away:
        workflow.start(FIRST)

    assert type(away.value) is StoreUnavailable


@pytest.mark.parametrize(
    ("execution", "name"),
    [
        (FIRST, GENERATION),
        (Execution("acme", GENERATION, run=2), f"{GENERATION}-r2"),
        (Execution("acme", GENERATION, attempt=0), f"{GENERATION}-a0"),
        (Execution("acme", GENERATION, run=12, attempt=3), f"{GENERATION}-a3-r12"),
    ],
)
def test_every_execution_has_a_name_of_its_own(execution: Execution, name: str) -> None:
    assert name_of(execution) == name
    assert len(name) <= 80  # what Step Functions takes


def test_an_execution_after_one_attempt_carries_its_place(machine: str) -> None:
    following = Execution("acme", GENERATION, run=5, attempt=1)

    GenerationWorkflow(client("stepfunctions"), machine).start(following)

    (started,) = client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    described = client("stepfunctions").describe_execution(executionArn=started["executionArn"])
    assert json.loads(described["input"]) == {
        "tenant": "acme",
        "generation_id": GENERATION,
        "attempt": 1,
    }


def test_an_execution_that_was_never_started_is_absent(machine: str) -> None:
    workflow = GenerationWorkflow(client("stepfunctions"), machine)

    workflow.start(FIRST)

    assert workflow.state(Execution("acme", GENERATION, run=1)) is ExecutionState.ABSENT


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("RUNNING", ExecutionState.RUNNING),
        ("PENDING_REDRIVE", ExecutionState.RUNNING),
        ("SUCCEEDED", ExecutionState.ENDED),
        ("FAILED", ExecutionState.ENDED),
        ("TIMED_OUT", ExecutionState.ENDED),
        ("ABORTED", ExecutionState.ENDED),
    ],
)
def test_only_what_may_still_move_runs(status: str, state: ExecutionState) -> None:
    asked: list[str] = []

    class Telling:
        def describe_execution(self, *, executionArn: str) -> dict[str, str]:
            asked.append(executionArn)
            return {"status": status}

    arn = "arn:aws:states:eu-west-1:1:stateMachine:g"

    assert GenerationWorkflow(Telling(), arn).state(FIRST) is state
    assert asked == [f"arn:aws:states:eu-west-1:1:execution:g:{GENERATION}"]


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "ThrottlingException"}}, "DescribeExecution"),
        ReadTimeoutError(endpoint_url="https://states.example"),
    ],
)
def test_an_execution_of_which_nobody_can_tell_is_store_unavailable(error: Exception) -> None:
    with pytest.raises(StoreUnavailable):
        GenerationWorkflow(Failing(error), "arn").state(FIRST)
