"""What every function, route, log and store of the template must have."""

import json
from datetime import timedelta
from enum import StrEnum
from typing import Any

import pytest

from filmgate.adapters import items
from filmgate.domain.boards import ENDED
from filmgate.domain.generations import TERMINAL, GenerationState
from filmgate.domain.storyboard import StoryboardState
from filmgate.domain.webhooks import MOST_TRIES, PAUSES_S
from filmgate.http import ROUTES
from filmgate.usecases.accept_upload import REJECTED
from filmgate.usecases.alarm import CLAIM
from filmgate.usecases.uploads import INBOX
from tests.template import documents
from tests.template.documents import ROOT, functions

VERBS = sorted(functions())
API_VERBS = sorted(set(documents.routes().values()))
LONGEST_API_CALL_S = 30  # an HTTP API gives up then
LONGEST_VISIBILITY_S = 12 * 3600  # of a message in SQS, from its receipt on


def test_every_directory_of_functions_is_deployed_and_no_other() -> None:
    assert sorted(path.parent.name for path in ROOT.glob("functions/*/app.py")) == VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_a_function_has_description_memory_timeout_tracing_and_a_log_group(verb: str) -> None:
    function = functions()[verb]

    assert function["Description"].endswith(".")
    assert function["MemorySize"] >= 512
    assert 0 < function["Timeout"] <= 900
    assert function["Tracing"] in ("Active", "PassThrough")
    assert function["LoggingConfig"]["LogGroup"] == {"Ref": "FunctionLogGroup"}


@pytest.mark.parametrize("verb", VERBS)
def test_a_function_runs_the_one_runtime_that_the_layers_are_built_for(verb: str) -> None:
    function = functions()[verb]

    for layer in documents.resources("AWS::Serverless::LayerVersion").values():
        assert layer["CompatibleRuntimes"] == [function["Runtime"]]
        assert layer["CompatibleArchitectures"] == function["Architectures"]
    assert function["Handler"] == "app.handler"


def test_layers_are_built_for_what_they_say_they_are_compatible_with() -> None:
    for name, resource in documents.template()["Resources"].items():
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            built = resource["Metadata"]
            properties = resource["Properties"]
            assert [built["BuildMethod"]] == properties["CompatibleRuntimes"], name
            assert [built["BuildArchitecture"]] == properties["CompatibleArchitectures"], name
            assert (ROOT / properties["ContentUri"] / "requirements.txt").is_file(), name


@pytest.mark.parametrize("verb", [*API_VERBS, "authorize"])
def test_a_function_of_the_api_ends_before_the_api_gives_up(verb: str) -> None:
    assert functions()[verb]["Timeout"] < LONGEST_API_CALL_S


def test_every_log_group_forgets_in_time() -> None:
    groups = documents.resources("AWS::Logs::LogGroup")

    assert groups
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())


@pytest.mark.parametrize("name", documents.resources("AWS::Serverless::StateMachine"))
def test_a_workflow_s_log_holds_no_execution_data(name: str) -> None:
    machine = documents.machine(name)

    assert machine["Logging"]["IncludeExecutionData"] is False
    assert machine["Type"] == "STANDARD"


def test_the_access_log_holds_no_address_and_no_header() -> None:
    (api,) = documents.resources("AWS::Serverless::HttpApi").values()

    text = api["AccessLogSettings"]["Format"]
    assert "$context.path" not in text
    assert "$context.identity" not in text
    assert "authorizer" not in text


def test_routes_are_those_that_the_handlers_know_and_the_default() -> None:
    told = {(method, path) for path, methods in ROUTES.items() for method in methods}

    assert set(documents.routes()) == told | {("ANY", "$default")}


def test_no_route_stands_twice() -> None:
    events = [
        (event["Properties"]["Method"], event["Properties"]["Path"])
        for function in functions().values()
        for event in function.get("Events", {}).values()
        if event["Type"] == "HttpApi"
    ]

    assert len(events) == len(set(events)) == len(documents.routes())


OPEN = ("/", "/docs", "/openapi.json", "/static/{proxy+}", "/v1/health")


def test_only_health_and_the_page_have_no_authorizer() -> None:
    (api,) = documents.resources("AWS::Serverless::HttpApi").values()
    own = {
        event["Properties"]["Path"]: event["Properties"]["Auth"]
        for function in functions().values()
        for event in function.get("Events", {}).values()
        if "Auth" in event["Properties"]
    }

    assert api["Auth"]["DefaultAuthorizer"] == "BearerAuthorizer"
    assert own == {path: {"Authorizer": "NONE"} for path in OPEN}


@pytest.mark.parametrize("name", ["StudioTable", "TakesBucket", "UploadsBucket"])
def test_what_keeps_money_and_results_outlives_the_stack(name: str) -> None:
    resource = documents.template()["Resources"][name]

    assert resource["UpdateReplacePolicy"] == "Retain"
    assert resource["DeletionPolicy"] in ("Retain", "RetainExceptOnCreate")


def test_the_table_can_be_restored_and_is_encrypted() -> None:
    table = documents.resources("AWS::DynamoDB::Table")["StudioTable"]

    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["SSESpecification"]["SSEEnabled"] is True
    assert table["BillingMode"] == "PAY_PER_REQUEST"


@pytest.mark.parametrize("name", ["TakesBucket", "UploadsBucket", "ExportsBucket"])
def test_a_bucket_is_private_encrypted_and_tls_only(name: str) -> None:
    bucket = documents.resources("AWS::S3::Bucket")[name]
    policy = documents.resources("AWS::S3::BucketPolicy")[f"{name}Policy"]

    (statement,) = policy["PolicyDocument"]["Statement"]
    assert policy["Bucket"] == {"Ref": name}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_takes_keep_their_versions_and_exports_are_forgotten_in_a_day() -> None:
    buckets = documents.resources("AWS::S3::Bucket")

    assert buckets["TakesBucket"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert "LifecycleConfiguration" not in buckets["TakesBucket"]
    (rule,) = buckets["ExportsBucket"]["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", 1)


def test_only_files_under_uploads_are_told_of_and_by_this_account_alone() -> None:
    bucket = documents.resources("AWS::S3::Bucket")["UploadsBucket"]
    permission = documents.resources("AWS::Lambda::Permission")["AcceptUploadPermission"]
    (told,) = bucket["NotificationConfiguration"]["LambdaConfigurations"]

    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert told["Filter"]["S3Key"]["Rules"] == [{"Name": "prefix", "Value": INBOX}]
    assert told["Function"] == {"Fn::GetAtt": ["AcceptUploadFunction", "Arn"]}
    assert (permission["Principal"], permission["SourceAccount"]) == (
        "s3.amazonaws.com", {"Ref": "AWS::AccountId"},
    )  # fmt: skip
    assert not REJECTED.startswith(INBOX)


def test_an_upload_that_no_try_accepts_lies_in_a_queue_and_the_owner_is_told() -> None:
    function = functions()["accept_upload"]
    queue = function["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"]
    alarm = documents.resources("AWS::CloudWatch::Alarm")["UploadDeadLettersAlarm"]

    assert queue == {"Fn::GetAtt": ["UploadDeadLetterQueue", "Arn"]}
    assert alarm["Dimensions"][0]["Value"] == {"Fn::GetAtt": ["UploadDeadLetterQueue", "QueueName"]}


def test_every_queue_is_encrypted_and_keeps_its_messages_for_a_fortnight() -> None:
    queues = documents.resources("AWS::SQS::Queue")

    assert queues
    assert {one["SqsManagedSseEnabled"] for one in queues.values()} == {True}
    assert {one["MessageRetentionPeriod"] for one in queues.values()} == {14 * 24 * 3600}


def test_a_webhook_has_as_many_tries_as_the_code_has_pauses_for() -> None:
    queue = documents.resources("AWS::SQS::Queue")["WebhookQueue"]

    assert queue["RedrivePolicy"]["maxReceiveCount"] == MOST_TRIES
    assert queue["VisibilityTimeout"] >= 6 * functions()["deliver"]["Timeout"]
    assert max(PAUSES_S) + functions()["deliver"]["Timeout"] < LONGEST_VISIBILITY_S
    assert sum(PAUSES_S) < queue["MessageRetentionPeriod"]


@pytest.mark.parametrize("name", ["AnnounceStreamMapping", "DeliverQueueMapping"])
def test_a_mapping_hears_which_records_failed_and_gives_up_into_a_queue(name: str) -> None:
    mapping = documents.resources("AWS::Lambda::EventSourceMapping")[name]

    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    source = mapping["EventSourceArn"]["Fn::GetAtt"][0]
    properties = documents.template()["Resources"][source]["Properties"]
    assert "RedrivePolicy" in properties or mapping["DestinationConfig"]["OnFailure"]


@pytest.mark.parametrize(
    ("kind", "states", "ends"),
    [(items.GENERATION, GenerationState, TERMINAL), (items.STORYBOARD, StoryboardState, ENDED)],
)
def test_the_stream_hands_on_what_ends_in_the_moment_of_its_end(
    kind: str, states: type[StrEnum], ends: frozenset[StrEnum]
) -> None:
    mapping = documents.resources("AWS::Lambda::EventSourceMapping")["AnnounceStreamMapping"]

    patterns = [json.loads(one["Pattern"]) for one in mapping["FilterCriteria"]["Filters"]]
    own = [one["dynamodb"] for one in patterns if one["dynamodb"]["NewImage"]["sk"]["S"] == [kind]]
    (images,) = own
    assert len(patterns) == 2
    assert set(images["NewImage"]["state"]["S"]) == {str(state) for state in ends}
    assert set(images["OldImage"]["state"]["S"]) == {str(s) for s in set(states) - ends}


def test_every_parameter_is_used_and_described() -> None:
    template = documents.template()
    text = str(template["Resources"]) + str(template["Globals"])

    for name, parameter in template["Parameters"].items():
        used = f"{{'Ref': '{name}'}}" in text or f"${{{name}}}" in text
        assert used, name
        assert parameter["Description"].endswith("."), name


def test_every_reference_leads_to_something() -> None:
    template = documents.template()
    known = {*template["Resources"], *template["Parameters"]}
    # SAM makes a role for each of these and calls it so.
    made_by_sam = {
        f"{name}Role"
        for kind in ("AWS::Serverless::Function", "AWS::Serverless::StateMachine")
        for name in documents.resources(kind)
    }
    known |= made_by_sam

    for name in _references(template):
        assert name in known or name.startswith("AWS::"), name


def _references(part: Any) -> list[str]:
    match part:
        case {"Ref": str(name)}:
            return [name]
        case {"Fn::GetAtt": [name, _]}:
            return [name]
        case dict():
            return [name for value in part.values() for name in _references(value)]
        case list():
            return [name for value in part for name in _references(value)]
    return []


def test_the_topic_is_encrypted_under_a_key_that_rotates_and_takes_tls_only() -> None:
    topic = documents.resources("AWS::SNS::Topic")["OwnerTopic"]
    key = documents.resources("AWS::KMS::Key")["OwnerTopicKey"]
    policy = documents.resources("AWS::SNS::TopicPolicy")["OwnerTopicPolicy"]

    denied = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"]
    assert topic["KmsMasterKeyId"] == {"Ref": "OwnerTopicKey"}
    assert key["EnableKeyRotation"] is True
    assert [(one["Action"], one["Condition"]) for one in denied] == [
        ("sns:Publish", {"Bool": {"aws:SecureTransport": "false"}})
    ]


def test_what_a_service_may_do_with_topic_and_key_it_may_do_for_this_account_only() -> None:
    policies = [
        documents.resources("AWS::SNS::TopicPolicy")["OwnerTopicPolicy"]["PolicyDocument"],
        documents.resources("AWS::KMS::Key")["OwnerTopicKey"]["KeyPolicy"],
    ]

    for policy in policies:
        (statement,) = [one for one in policy["Statement"] if "Service" in one["Principal"]]
        assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert statement["Condition"] == {
            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        }


def test_the_owner_is_subscribed_only_when_there_is_an_address() -> None:
    subscription = documents.template()["Resources"]["OwnerSubscription"]

    assert subscription["Condition"] == "HasOwnerEmail"
    assert documents.template()["Parameters"]["OwnerEmail"]["Default"] == ""


def test_dead_letters_are_kept_for_two_weeks_encrypted_and_tls_only() -> None:
    queue = documents.resources("AWS::SQS::Queue")["AlarmDeadLetterQueue"]
    policy = documents.resources("AWS::SQS::QueuePolicy")["AlarmDeadLetterQueuePolicy"]

    (statement,) = policy["PolicyDocument"]["Statement"]
    assert queue["SqsManagedSseEnabled"] is True
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert (statement["Effect"], statement["Action"]) == ("Deny", "sqs:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_record_of_the_stream_is_given_up_while_it_can_still_be_replayed() -> None:
    mapping = documents.resources("AWS::Lambda::EventSourceMapping")["AlarmStreamMapping"]
    day_s = 24 * 3600  # the stream keeps its records for so long

    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["MaximumRetryAttempts"] >= 1
    assert mapping["MaximumRecordAgeInSeconds"] < day_s
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == {
        "Fn::GetAtt": ["AlarmDeadLetterQueue", "Arn"]
    }


def test_a_notice_is_claimed_for_longer_than_whoever_tells_it_lives() -> None:
    for verb in ("alarm", "replay"):
        assert timedelta(seconds=functions()[verb]["Timeout"]) < CLAIM


def test_a_dead_letter_is_hidden_for_longer_than_whoever_replays_it_lives() -> None:
    queue = documents.resources("AWS::SQS::Queue")["AlarmDeadLetterQueue"]

    assert queue["VisibilityTimeout"] > functions()["replay"]["Timeout"]


def test_every_alarm_goes_to_the_owner_s_topic() -> None:
    alarms = documents.resources("AWS::CloudWatch::Alarm")

    assert set(alarms) >= {"DeadLettersAlarm", "StreamAgeAlarm", "AlarmErrorsAlarm"}
    assert all(alarm["AlarmActions"] == [{"Ref": "OwnerTopic"}] for alarm in alarms.values())


def _references(part: Any) -> list[str]:
    match part:
        case {"Ref": str(name)}:
            return [name]
        case {"Fn::GetAtt": [name, _]}:
            return [name]
        case dict():
            return [name for value in part.values() for name in _references(value)]
        case list():
            return [name for value in part for name in _references(value)]
    return []
