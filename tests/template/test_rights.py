"""What every role may do: what its code does, and nothing else."""

from fnmatch import fnmatchcase
from typing import Any

import pytest

from filmgate.adapters import items
from filmgate.domain import ids
from tests.template import documents, sources
from tests.template.documents import functions

VERBS = sorted(functions())
LOG_DELIVERY = "logs:CreateLogDelivery"
# Which rights belong to which parts of wiring.
RIGHTS = {
    "s3:": {"takes", "exports", "uploads_bucket"},
    "states:": {"workflow", "shooting"},
    "secretsmanager:": {"provider_keys", "webhook_secrets"},
    "events:": {"bus"},
    "sns:": {"owner_topic"},
}
# Queues are also spoken to by event source mappings, with the function's role.
QUEUES = {"announce", "deliver", "alarm", "replay", "accept_upload"}


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

    assert all(isinstance(policy, dict) for policy in properties.get("Policies", []))
    assert {one["Effect"] for one in statements(properties)} <= {"Allow"}
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
def test_no_function_may_delete_or_write_in_batches(verb: str) -> None:
    forbidden = {
        "dynamodb:DeleteItem", "dynamodb:BatchWriteItem", "dynamodb:PartiQLDelete",
        "s3:DeleteObject", "s3:DeleteObjectVersion",
    }  # fmt: skip

    assert not actions(functions()[verb]) & forbidden


def test_only_who_recomputes_every_balance_may_read_the_table_whole() -> None:
    may = {verb for verb in VERBS if "dynamodb:Scan" in actions(functions()[verb])}

    assert may == {"verify"}
    assert actions(functions()["verify"]) == {"dynamodb:Scan"}


def test_the_sweeper_writes_to_the_table_and_starts_workflows_and_no_more() -> None:
    assert actions(functions()["sweep"]) == {
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:Query",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "states:StartExecution",
        "states:DescribeExecution",
        "s3:ListBucket",
        "secretsmanager:GetSecretValue",
    }


def test_only_the_sweeper_reads_the_index_of_what_is_open() -> None:
    index = {"Fn::Sub": "${StudioTable.Arn}/index/OpenIndex"}

    may = {
        verb
        for verb in VERBS
        if any(index in _listed(one["Resource"]) for one in statements(functions()[verb]))
    }
    assert may == {"sweep"}


def test_the_sweeper_asks_for_executions_of_the_two_state_machines_alone() -> None:
    (asked,) = [
        one["Resource"]
        for one in statements(functions()["sweep"])
        if "states:DescribeExecution" in _listed(one["Action"])
    ]

    assert [one["Fn::Sub"].rpartition(":execution:")[2] for one in asked] == [
        "${GenerationStateMachine.Name}:*",
        "${StoryboardStateMachine.Name}:*",
    ]


@pytest.mark.parametrize("verb", ["authorize", "read"])
def test_a_function_that_only_looks_may_write_nothing(verb: str) -> None:
    allowed = {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "s3:GetObject"}

    assert actions(functions()[verb]) <= allowed


def test_who_estimates_keeps_quotes_and_writes_nothing_else() -> None:
    properties = functions()["estimate"]
    (writes,) = [
        one for one in statements(properties) if _listed(one["Action"]) != ["dynamodb:Query"]
    ]

    assert actions(properties) == {"dynamodb:Query", "dynamodb:PutItem"}
    (pattern,) = writes["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    key = items.quote_key("studio", ids.quote_id("any"))["pk"]
    assert fnmatchcase(key, pattern)
    assert not fnmatchcase(items.settings_pk("studio"), pattern)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("service", RIGHTS)
def test_a_function_has_rights_to_a_service_exactly_if_its_code_uses_it(
    verb: str, service: str
) -> None:
    may = any(action.startswith(service) for action in actions(functions()[verb]))

    assert may is bool(RIGHTS[service] & sources.wiring_used_by(verb))


def test_the_function_behind_the_page_may_do_nothing() -> None:
    assert statements(functions()["studio"]) == []


def test_only_who_works_with_a_queue_may_use_one() -> None:
    may = {v for v in VERBS if any(one.startswith("sqs:") for one in actions(functions()[v]))}
    use = {v for v in VERBS if {"webhook_queue", "dead_letters"} & sources.wiring_used_by(v)}

    assert may == QUEUES
    assert use <= may


def test_the_function_behind_the_stream_may_read_it_and_give_up_on_it() -> None:
    allowed = actions(functions()["alarm"])

    assert {action for action in allowed if action.startswith("sqs:")} == {"sqs:SendMessage"}
    assert {"dynamodb:GetRecords", "dynamodb:GetShardIterator"} <= allowed


@pytest.mark.parametrize("verb", VERBS)
def test_the_topic_s_key_is_for_those_who_publish(verb: str) -> None:
    kms = {action for action in actions(functions()[verb]) if action.startswith("kms:")}

    publishes = "sns:Publish" in actions(functions()[verb])
    assert kms == ({"kms:Decrypt", "kms:GenerateDataKey"} if publishes else set())


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


def test_who_accepts_files_reads_those_of_the_inbox_and_writes_only_what_is_put_aside() -> None:
    policy = documents.resources("AWS::IAM::Policy")["AcceptUploadBucketPolicy"]
    given = documents.parameters()

    assert policy["Roles"] == [{"Ref": "AcceptUploadFunctionRole"}]
    assert {
        (action, documents.resolved(one["Resource"], given).partition("uploads-bucket")[2])
        for one in policy["PolicyDocument"]["Statement"]
        for action in _listed(one["Action"])
    } == {
        ("s3:GetObject", "/uploads/*"),
        ("s3:GetObjectVersion", "/uploads/*"),
        ("s3:ListBucket", ""),
        ("s3:PutObject", "/rejected/*"),
    }
