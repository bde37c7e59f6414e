"""Functions on the local AWS: their errors, their rights, their process, their limits."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from local_shop import OF_THE_HOST, ROOT, Shop, timed, until

from filmgate.adapters import addresses
from local.aws import lambda_bootstrap
from local.aws.settings import workers_for

HOST_ONLY = {"HOME", "USER", "SHELL", "PYTHONPATH", "VIRTUAL_ENV", "GATEWAY_PORT", "STATE_DIR"}
OF_LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME", "AWS_REGION", "AWS_SESSION_TOKEN", "LAMBDA_TASK_ROOT"}


def test_an_error_is_reported_by_the_name_of_its_class(shop: Shop) -> None:
    kind, payload = shop.invoke("FlakyFunctionName", {"id": "a", "kind": "refused"})

    assert kind == "Unhandled"
    assert payload["errorType"] == "Refused"
    assert payload["errorMessage"] == "not for sale"


def test_a_failed_call_leaves_the_process_warm(shop: Shop) -> None:
    _, before = shop.invoke("InspectFunctionName", {})
    kind, _ = shop.invoke("InspectFunctionName", {"sleep_s": "text"})
    _, after = shop.invoke("InspectFunctionName", {})

    assert kind == "Unhandled"
    assert before["process"] == after["process"]


def test_a_function_without_the_right_is_denied(shop: Shop) -> None:
    kind, payload = shop.invoke("InspectFunctionName", {"denied": True})

    assert kind == "Unhandled"
    assert "AccessDenied" in payload["errorMessage"]


def test_a_function_sees_its_template_and_lambda_and_nothing_of_this_machine(shop: Shop) -> None:
    _, seen = shop.invoke("InspectFunctionName", {})

    environment = seen["environment"]
    assert environment["STAGE"] == "test"
    assert set(environment) >= OF_LAMBDA
    assert environment["AWS_ENDPOINT_URL"] == shop.stack.aws_endpoint
    assert not HOST_ONLY & set(environment)
    assert not set(OF_THE_HOST.values()) & set(environment.values())
    assert all(
        name.startswith(("AWS_", "LAMBDA_", "_"))
        or name in {"STAGE", "ITEM_TABLE_NAME", "BUCKET_NAME", "PATH", "LANG", "TZ"}
        for name in environment
    ), sorted(environment)


def test_a_function_imports_its_layer_and_never_the_repository(shop: Shop) -> None:
    _, seen = shop.invoke("InspectFunctionName", {})

    assert Path(seen["layer"]).is_relative_to(shop.stack.data_dir)
    assert not seen["finds_local"]
    assert str(shop.stack.root) not in seen["path"]


def test_embedded_metrics_reach_cloudwatch(shop: Shop) -> None:
    shop.invoke("InspectFunctionName", {"metric": 7})

    listed = shop.client("cloudwatch").list_metrics(Namespace="shop")["Metrics"]
    assert [metric["MetricName"] for metric in listed] == ["sold"]
    assert listed[0]["Dimensions"] == [{"Name": "stage", "Value": "test"}]


def test_a_burst_of_calls_shares_a_few_processes(shop: Shop) -> None:
    with timed("24 parallel calls of 0.05 s"), ThreadPoolExecutor(24) as pool:
        calls = [
            pool.submit(shop.invoke, "InspectFunctionName", {"sleep_s": 0.05}) for _ in range(24)
        ]
        answers = [call.result() for call in calls]

    assert all(kind is None for kind, _ in answers)
    processes = {payload["process"] for _, payload in answers}
    assert 1 < len(processes) <= workers_for(os.cpu_count() or 1)


def test_an_upload_below_the_prefix_reaches_its_function(shop: Shop) -> None:
    s3 = shop.client("s3")
    s3.put_object(Bucket=shop.outputs["BucketName"], Key="outbox/no.json", Body=b"{}")
    s3.put_object(Bucket=shop.outputs["BucketName"], Key="inbox/yes.json", Body=b"{}")

    def noted(name: str) -> bool:
        return "Item" in shop.client("dynamodb").get_item(
            TableName=shop.outputs["TableName"], Key={"id": {"S": f"seen/{name}"}}
        )

    assert until(lambda: noted("inbox/yes.json"))
    assert not noted("outbox/no.json")


def test_the_bootstrap_lets_the_product_reach_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "policy", addresses.AddressPolicy())

    lambda_bootstrap.widen_address_policy([str(ROOT / "tests")])
    assert not addresses.policy.permits("127.0.0.1")

    lambda_bootstrap.widen_address_policy([str(ROOT / "layers" / "filmgate")])
    assert addresses.policy.permits("127.0.0.1")
    assert not addresses.policy.permits("169.254.169.254")


def test_a_change_in_the_table_reaches_the_stream_function(shop: Shop) -> None:
    table = shop.outputs["TableName"]
    dynamodb = shop.client("dynamodb")

    dynamodb.put_item(TableName=table, Item={"id": {"S": "w1"}, "watched": {"BOOL": True}})
    dynamodb.put_item(TableName=table, Item={"id": {"S": "w2"}, "watched": {"BOOL": False}})

    def noted(name: str) -> bool:
        return "Item" in dynamodb.get_item(TableName=table, Key={"id": {"S": f"seen/{name}"}})

    assert until(lambda: noted("w1"))
    assert not noted("w2")


def test_a_record_that_a_stream_function_reports_as_failed_comes_again(shop: Shop) -> None:
    table = shop.outputs["TableName"]
    dynamodb = shop.client("dynamodb")

    dynamodb.put_item(TableName=table, Item={"id": {"S": "twice-1"}, "watched": {"BOOL": True}})

    for noted in ("tried/twice-1", "seen/twice-1"):
        key = {"id": {"S": noted}}
        assert until(lambda key=key: "Item" in dynamodb.get_item(TableName=table, Key=key))
