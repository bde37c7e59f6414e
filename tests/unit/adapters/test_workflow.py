"""Starting the state machine, on moto: once for every generation, whatever is repeated."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from filmgate.adapters.workflow import GenerationWorkflow
from filmgate.domain.errors import StoreUnavailable
from tests.functions.support import NO_CREDENTIALS, aws, client, no_sockets

GENERATION = "gen_" + "a" * 26


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The ARN of a state machine."""
    for name, value in NO_CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    no_sockets(monkeypatch)
    with aws():
        yield client("stepfunctions").create_state_machine(
            name="generation",
            definition=json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}),
            roleArn="arn:aws:iam::123456789012:role/none",
        )["stateMachineArn"]


class Failing:
    """A client whose start fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def start_execution(self, **_: Any) -> None:
        raise self._error


def test_an_execution_bears_the_generation_s_name_and_carries_two_ids(machine: str) -> None:
    GenerationWorkflow(client("stepfunctions"), machine).start("acme", GENERATION)

    (started,) = client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    described = client("stepfunctions").describe_execution(executionArn=started["executionArn"])
    assert described["name"] == GENERATION
    assert json.loads(described["input"]) == {"tenant": "acme", "generation_id": GENERATION}


def test_starting_again_is_a_success_and_starts_nothing(machine: str) -> None:
    workflow = GenerationWorkflow(client("stepfunctions"), machine)

    workflow.start("acme", GENERATION)
    workflow.start("acme", GENERATION)

    assert len(client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]) == 1


def test_an_execution_that_ran_before_with_another_input_counts_as_started() -> None:
    answer: Any = {"Error": {"Code": "ExecutionAlreadyExists", "Message": "it does"}}
    workflow = GenerationWorkflow(Failing(ClientError(answer, "StartExecution")), "arn")

    workflow.start("acme", GENERATION)


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
        workflow.start("acme", GENERATION)

    assert type(away.value) is StoreUnavailable
