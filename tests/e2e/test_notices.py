"""From a settled attempt to the owner's mailbox: stream, function, topic, subscription, file."""

import json
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local.clients import client_for
from tests.e2e.gateway import Gateway, Studio, prompt

CLIENTS = 10
IMAGES = 50
QUIET_S = 2.0


def notices_in_files(gateway: Gateway, tenant: str) -> list[dict[str, Any]]:
    """What the mailbox has for a tenant."""
    found = [json.loads(path.read_text()) for path in gateway.stack.notices.glob("*.json")]
    return [one for one in found if one["attributes"].get("tenant") == tenant]


def until(condition: Callable[[], bool], limit_s: float = 30) -> None:
    give_up_at = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < give_up_at, "it did not happen"
        time.sleep(0.1)


def function_named(gateway: Gateway, part: str) -> str:
    functions = client_for("lambda", gateway.stack.aws_endpoint).list_functions()["Functions"]
    (name,) = [one["FunctionName"] for one in functions if part in one["FunctionName"]]
    return str(name)


def deliver_again(gateway: Gateway, tenant: str, *, times: int, seed: int) -> int:
    """Every record of the tenant's budgets in the stream, shuffled, to the function once more."""
    records = [one for one in stream_of(gateway) if _is_of(one, f"{tenant}#budget#")]
    again = records * times
    random.Random(seed).shuffle(again)
    client = client_for("lambda", gateway.stack.aws_endpoint)
    name = function_named(gateway, "AlarmFunction")
    for start in range(0, len(again), 50):
        body = json.dumps({"Records": again[start : start + 50]}).encode()
        answer = client.invoke(FunctionName=name, Payload=body)
        assert json.load(answer["Payload"]) == {"batchItemFailures": []}
    return len(records)


def stream_of(gateway: Gateway) -> list[dict[str, Any]]:
    """The records of the table's stream, as Lambda hands them on."""
    streams = client_for("dynamodbstreams", gateway.stack.aws_endpoint)
    shard, arn = shard_of(gateway)
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    found: list[dict[str, Any]] = []
    while True:
        page = streams.get_records(ShardIterator=iterator)
        if not page["Records"]:
            return found
        for record in page["Records"]:
            told = record["dynamodb"]
            told["ApproximateCreationDateTime"] = told["ApproximateCreationDateTime"].timestamp()
            found.append(record)
        iterator = page["NextShardIterator"]


def shard_of(gateway: Gateway) -> tuple[str, str]:
    """The one shard of the table's stream, and the stream's ARN."""
    tables = client_for("dynamodb", gateway.stack.aws_endpoint)
    table = tables.describe_table(TableName=gateway.stack.outputs["TableName"])["Table"]
    arn = table["LatestStreamArn"]
    streams = client_for("dynamodbstreams", gateway.stack.aws_endpoint)
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    return shard["ShardId"], arn


def _is_of(record: dict[str, Any], prefix: str) -> bool:
    return str(record["dynamodb"]["Keys"]["pk"]["S"]).startswith(prefix)


def test_fifty_payments_by_ten_clients_are_two_notices_however_often_they_are_told(
    gateway: Gateway, studio: Studio, figure: Callable[[str], None]
) -> None:
    subscriber = Subscriber(gateway, studio.tenant)
    studio.api.put("/v1/budgets/owner", {"limit": "1.0000"})
    body = {"type": "image", "prompt": prompt(), "provider": "dalle"}

    with ThreadPoolExecutor(CLIENTS) as clients:
        made = list(
            clients.map(
                lambda _: studio.end_of(studio.api.post("/v1/generations", body)), range(IMAGES)
            )
        )
    spent_at = time.monotonic()
    until(lambda: len(notices_in_files(gateway, studio.tenant)) == 2)
    took_s = time.monotonic() - spent_at
    records = deliver_again(gateway, studio.tenant, times=2, seed=7)
    time.sleep(QUIET_S)  # what was published would have come by now

    assert {one["state"] for one in made} == {"succeeded"}
    assert studio.budget()["spent"] == "1.0000"
    kept = sorted(
        notices_in_files(gateway, studio.tenant), key=lambda n: int(n["attributes"]["threshold"])
    )
    assert [(n["title"], n["text"], n["attributes"]["threshold"]) for n in kept] == [
        ("Approaching Budget Limit", "Used 80.0% of budget", "80"),
        ("Approaching Budget Limit", "Used 100.0% of budget", "100"),
    ]
    assert len(subscriber.messages()) == 2
    listed = studio.api.get("/v1/notices")
    assert [one["id"] for one in listed["items"]] == [one["id"] for one in reversed(kept)]
    figure(
        f"{records} changes of a budget, each told three times, are 2 notices; "
        f"the last file was there {took_s:.1f} s after the last payment"
    )


class Subscriber:
    """A queue that gets what the topic says of one tenant: every message, repeats too."""

    def __init__(self, gateway: Gateway, tenant: str) -> None:
        self._client = client_for("sqs", gateway.stack.aws_endpoint)
        self._url = self._client.create_queue(QueueName=f"notices-of-{tenant}")["QueueUrl"]
        arn = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])[
            "Attributes"
        ]["QueueArn"]
        may_send = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [may_send]})
        self._client.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": policy})
        client_for("sns", gateway.stack.aws_endpoint).subscribe(
            TopicArn=gateway.stack.outputs["OwnerTopicArn"],
            Protocol="sqs",
            Endpoint=arn,
            Attributes={"FilterPolicy": json.dumps({"tenant": [tenant]})},
        )

    def messages(self) -> list[dict[str, Any]]:
        """What has come since the last time."""
        found: list[dict[str, Any]] = []
        while True:
            answer = self._client.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10)
            if not answer.get("Messages"):
                return found
            for message in answer["Messages"]:
                found.append(json.loads(message["Body"]))
                self._client.delete_message(
                    QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"]
                )


def letters_in(gateway: Gateway) -> int:
    """How many dead letters there are, those that somebody is reading now included."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = client_for("sqs", gateway.stack.aws_endpoint).get_queue_attributes(
        QueueUrl=gateway.stack.outputs["AlarmDeadLetterQueueUrl"], AttributeNames=names
    )["Attributes"]
    return sum(int(told[name]) for name in names)


def test_a_poison_record_holds_up_nobody_and_ends_as_a_dead_letter(gateway: Gateway) -> None:
    studio = gateway.studio()  # whose books nobody can read from now on
    tables = client_for("dynamodb", gateway.stack.aws_endpoint)
    poison = {
        "pk": {"S": f"{studio.tenant}#budget#owner#1999-01"},
        "sk": {"S": "shard#poison"},
        "settled": {"N": "1"},
        "limit": {"S": "no limit at all"},
    }
    studio.api.put("/v1/budgets/owner", {"limit": "0.0200"})
    before = letters_in(gateway)

    tables.put_item(TableName=gateway.stack.outputs["TableName"], Item=poison)
    studio.make(type="image", prompt=prompt(), provider="dalle")

    until(lambda: len(notices_in_files(gateway, studio.tenant)) == 2)
    until(lambda: letters_in(gateway) == before + 1)


def test_a_dead_letter_is_replayed_from_the_stream(gateway: Gateway, studio: Studio) -> None:
    studio.api.put("/v1/budgets/owner", {"limit": "0.0200"})
    studio.make(type="image", prompt=prompt(), provider="dalle")
    records = [one for one in stream_of(gateway) if _is_of(one, f"{studio.tenant}#budget#")]
    numbers = [one["dynamodb"]["SequenceNumber"] for one in records]
    shard, arn = shard_of(gateway)
    letter = {
        "DDBStreamBatchInfo": {
            "streamArn": arn,
            "shardId": shard,
            "startSequenceNumber": numbers[0],
            "endSequenceNumber": numbers[-1],
        }
    }
    client_for("sqs", gateway.stack.aws_endpoint).send_message(
        QueueUrl=gateway.stack.outputs["AlarmDeadLetterQueueUrl"], MessageBody=json.dumps(letter)
    )

    answer = client_for("lambda", gateway.stack.aws_endpoint).invoke(
        FunctionName=function_named(gateway, "ReplayFunction"), Payload=b"{}"
    )

    done = json.load(answer["Payload"])
    assert (done["told"], done["replayed"]) == (0, 1), done
    assert len(studio.api.get("/v1/notices")["items"]) == 2


def test_a_refused_key_is_a_notice(gateway: Gateway, studio: Studio) -> None:
    gateway.script("dalle", "bad_key")

    studio.make(type="image", prompt=prompt(), provider="dalle")

    until(lambda: len(notices_in_files(gateway, studio.tenant)) == 1)
    (notice,) = notices_in_files(gateway, studio.tenant)
    assert notice["title"] == "Provider Key Refused"
    assert notice["attributes"]["reason"] == "key-refused"
    assert [one["kind"] for one in studio.api.get("/v1/notices")["items"]] == ["provider-suspended"]
