"""What every role may do: what its code does, and nothing else."""

from typing import Any

import pytest

from tests.template import documents, sources
from tests.template.documents import functions

VERBS = sorted(functions())
LOG_DELIVERY = "logs:CreateLogDelivery"
# Which rights belong to which parts of wiring.
RIGHTS = {
    "s3:": {"takes"},
    "states:": {"workflow", "shooting"},
    "secretsmanager:": {"provider_keys", "webhook_secrets"},
    "events:": {"bus"},
    "sqs:": {"webhook_queue"},
}


def statements(properties: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        statement
        for policy in properties.get("Policies", [])
        for statement in (policy["Statement"] if isinstance(policy, dict) else [policy])
    ]


def actions(properties: dict[str, Any]) -> set[str]:
    return {action for one in statements(properties) for action in _listed(one["Action"])}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def everybody() -> dict[str, dict[str, Any]]:
    return {
        **documents.resources("AWS::Serverless::Function"),
        **documents.resources("AWS::Serverless::StateMachine"),
    }


@pytest.mark.parametrize("name", everybody())
def test_rights_are_written_out_no_action_has_a_wildcard(name: str) -> None:
    properties = everybody()[name]

    assert all(isinstance(policy, dict) for policy in properties["Policies"])
    assert {one["Effect"] for one in statements(properties)} == {"Allow"}
    assert not [action for action in actions(properties) if "*" in action]


@pytest.mark.parametrize("name", everybody())
def test_rights_are_for_named_resources_but_for_the_delivery_of_logs(name: str) -> None:
    for statement in statements(everybody()[name]):
        anywhere = "*" in _listed(statement["Resource"])
        assert anywhere is (LOG_DELIVERY in _listed(statement["Action"])), statement


@pytest.mark.parametrize("name", documents.resources("AWS::Serverless::StateMachine"))
def test_only_log_deliveries_share_a_statement_without_a_resource(name: str) -> None:
    machine = documents.machine(name)

    (open_to_all,) = [one for one in statements(machine) if one["Resource"] == "*"]
    assert all(action.startswith("logs:") for action in open_to_all["Action"])


@pytest.mark.parametrize("verb", VERBS)
def test_no_function_may_delete_scan_or_write_in_batches(verb: str) -> None:
    forbidden = {
        "dynamodb:DeleteItem", "dynamodb:BatchWriteItem", "dynamodb:Scan",
        "dynamodb:PartiQLDelete", "s3:DeleteObject", "s3:DeleteObjectVersion",
    }  # fmt: skip

    assert not actions(functions()[verb]) & forbidden


@pytest.mark.parametrize("verb", ["authorize", "estimate", "read"])
def test_a_function_that_only_looks_may_write_nothing(verb: str) -> None:
    allowed = {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "s3:GetObject"}

    assert actions(functions()[verb]) <= allowed


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("service", RIGHTS)
def test_a_function_has_rights_to_a_service_exactly_if_its_code_uses_it(
    verb: str, service: str
) -> None:
    may = any(action.startswith(service) for action in actions(functions()[verb]))

    assert may is bool(RIGHTS[service] & sources.wiring_used_by(verb))


@pytest.mark.parametrize("verb", VERBS)
def test_keys_can_be_read_below_the_prefix_that_the_code_is_told_and_nowhere_else(
    verb: str,
) -> None:
    given = documents.parameters() | {"Stage": "prod"}
    variables = documents.environment(verb, Stage="prod").items()
    prefixes = [value for name, value in variables if name.endswith("_SECRET_PREFIX")]

    readable = [
        documents.resolved(one["Resource"], given).partition(":secret:")[2]
        for one in statements(functions()[verb])
        if "secretsmanager:GetSecretValue" in _listed(one["Action"])
    ]
    assert readable == [f"{prefix}*" for prefix in prefixes]


@pytest.mark.parametrize("name", documents.resources("AWS::Serverless::StateMachine"))
def test_a_workflow_may_call_exactly_the_functions_of_its_states(name: str) -> None:
    machine = documents.machine(name)

    callable_ = [
        one["Resource"]
        for one in statements(machine)
        if _listed(one["Action"]) == ["lambda:InvokeFunction"]
    ]
    assert [sorted(map(str, each)) for each in callable_] == [
        sorted(map(str, machine["DefinitionSubstitutions"].values()))
    ]


def test_who_delivers_webhooks_reads_no_key_and_who_calls_providers_no_signing_secret() -> None:
    told = {
        verb: {name for name in documents.environment(verb) if name.endswith("_SECRET_PREFIX")}
        for verb in VERBS
    }

    assert told["deliver"] == {"WEBHOOK_SECRET_PREFIX"}
    assert {verb for verb in VERBS if "WEBHOOK_SECRET_PREFIX" in told[verb]} == {
        "deliver",
        "settings",
    }


def test_who_announces_puts_one_kind_of_item_and_reads_none() -> None:
    may = {one for one in actions(functions()["announce"]) if one.startswith("dynamodb:")}

    assert may == {"dynamodb:PutItem"} | {
        f"dynamodb:{name}"
        for name in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
    }
