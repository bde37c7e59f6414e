"""State machines: names of errors, retries, rights, idempotent starts."""

import json

import pytest
from botocore.exceptions import ClientError
from local_shop import Shop, timed


def test_an_order_runs_through_lambda_and_dynamodb(shop: Shop) -> None:
    execution = shop.order({"id": "o1", "kind": "plain"})

    assert execution["status"] == "SUCCEEDED"
    stored = shop.client("dynamodb").get_item(
        TableName=shop.outputs["TableName"], Key={"id": {"S": "o1"}}
    )
    assert stored["Item"]["outcome"] == {"S": "done"}


def test_catch_finds_an_exception_by_its_class(shop: Shop) -> None:
    output = json.loads(shop.order({"id": "o2", "kind": "refused"})["output"])

    assert output["outcome"] == "refused"
    assert output["failure"]["Error"] == "Refused"
    assert json.loads(output["failure"]["Cause"])["errorMessage"] == "not for sale"


def test_retry_repeats_the_error_it_names(shop: Shop) -> None:
    output = json.loads(shop.order({"id": "o3", "kind": "throttled"})["output"])

    assert output["work"]["tries"] == 3


def test_a_missing_path_fails_the_execution_past_every_catch(shop: Shop) -> None:
    execution = shop.order({"kind": "no id"})

    assert (execution["status"], execution["error"]) == ("FAILED", "States.Runtime")


def test_a_timeout_inside_a_map_is_caught_by_its_name(shop: Shop) -> None:
    execution = shop.order({"naps_s": [3]}, machine="BatchMachineArn")

    assert json.loads(execution["output"])["outcome"] == "too late"


def test_the_machine_has_the_rights_of_its_role_only(shop: Shop) -> None:
    execution = shop.order({"id": "o4", "kind": "forbidden"})

    assert execution["status"] == "FAILED"
    assert "AccessDenied" in execution["error"]


def test_a_map_runs_child_executions_and_catches_theirs_that_fail(shop: Shop) -> None:
    orders = [{"id": f"child{n}", "kind": "plain"} for n in range(5)]
    orders.append({"id": "child5", "kind": "forbidden"})

    with timed("6 child executions, 4 at a time"):
        execution = shop.order({"orders": orders}, machine="BatchMachineArn")

    results = json.loads(execution["output"])
    assert [result["order"]["id"] for result in results[:5]] == [f"child{n}" for n in range(5)]
    assert results[5] == "failed"


def test_a_second_start_of_a_running_execution_is_the_first(shop: Shop) -> None:
    states = shop.client("stepfunctions")
    event = {"id": "o5", "kind": "wait"}
    first = shop.start(event, name="twice")

    assert shop.start(event, name="twice") == first
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        shop.start({"id": "other", "kind": "wait"}, name="twice")

    states.stop_execution(executionArn=first, error="Over", cause="test")
    assert states.describe_execution(executionArn=first)["status"] == "ABORTED"
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        shop.start(event, name="twice")


def test_the_history_is_told(shop: Shop) -> None:
    execution = shop.order({"id": "o6", "kind": "plain"})

    events = shop.client("stepfunctions").get_execution_history(
        executionArn=execution["executionArn"]
    )["events"]
    assert events[0]["type"] == "ExecutionStarted"
    assert events[-1]["type"] == "ExecutionSucceeded"
    assert "TaskSucceeded" in [event["type"] for event in events]


def test_a_wrong_definition_is_refused(shop: Shop) -> None:
    definition = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": "soon", "End": True}}}

    with pytest.raises(ClientError, match="InvalidDefinition"):
        shop.client("stepfunctions").create_state_machine(
            name="wrong",
            definition=json.dumps(definition),
            roleArn="arn:aws:iam::000000000000:role/any",
        )
