"""The table's stream in this process, and Lambda's event source behind it as the template sets it.

The records are those that moto's table wrote; filters, batches, retries and dead letters follow
the template's mapping.
"""

import json
import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from filmgate.adapters.items import budget_key, dump_budget, to_wire
from filmgate.domain.ledger import Budget, Posting, post
from local.aws.stream_batches import Answer, Record, failures_in, work_off
from tests.functions.support import Deployment
from tests.support.aws import client
from tests.template import documents


def mapping() -> dict[str, Any]:
    """The properties of the mapping between the stream and the function alarm."""
    return documents.resources("AWS::Lambda::EventSourceMapping")["AlarmStreamMapping"]


def records_of(studio: Deployment) -> list[Record]:
    """Everything that the stream has, as Lambda hands it on."""
    streams = client("dynamodbstreams")
    arn = _stream_arn(studio)
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    found: list[Record] = streams.get_records(ShardIterator=iterator, Limit=1000)["Records"]
    for record in found:
        told = record["dynamodb"]
        told["ApproximateCreationDateTime"] = studio.clock.now.timestamp()
        record["eventSource"], record["eventSourceARN"] = "aws:dynamodb", arn
    return found


def record_of(item: Mapping[str, Any], *, number: int, at: datetime) -> Record:
    """A record of the stream for an item as it is after a change."""
    image = to_wire(item)
    return {
        "eventName": "MODIFY",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "ApproximateCreationDateTime": at.timestamp(),
            "Keys": {name: image[name] for name in ("pk", "sk")},
            "NewImage": image,
            "SequenceNumber": f"{number:021d}",
        },
    }


def payments(budget: Budget, *, tenant: str, count: int, micros: int, at: datetime) -> list[Record]:
    """What the stream tells of a budget while money is held and settled, payment by payment.

    Made from the ledger's own arithmetic: moto copies whole tables for each transaction.
    """
    records = []
    for _ in range(count):
        for held, settled in ((micros, 0), (-micros, micros)):
            posting = Posting(budget.scope, budget.period, held, settled, held > 0)
            budget = post(budget, posting)
            key = budget_key(tenant, budget.scope, budget.period)
            item = {**key, **dump_budget(budget)}
            records.append(record_of(item, number=len(records), at=at))
    return records


def deliver(
    studio: Deployment, records: Sequence[Record], *, times: int = 1, seed: int | None = None
) -> list[list[Record]]:
    """Bring records to the function alarm, each several times and shuffled if a seed is given.

    Gives the batches that were given up; each is a letter in the dead-letter queue then.
    """
    settings = mapping()
    patterns = [json.loads(one["Pattern"]) for one in settings["FilterCriteria"]["Filters"]]
    wanted = [one for one in records if any(matches(one, each) for each in patterns)] * times
    if seed is not None:
        random.Random(seed).shuffle(wanted)

    def call(batch: list[Record]) -> Answer:
        return failures_in(studio.invoke("alarm", {"Records": batch}))

    size, given_up = settings["BatchSize"], []
    for start in range(0, len(wanted), size):
        given_up += work_off(
            wanted[start : start + size],
            call=call,
            retries=settings["MaximumRetryAttempts"],
            bisect=settings["BisectBatchOnFunctionError"],
        )
    for batch in given_up:
        _bury(studio, batch)
    return given_up


def matches(record: Mapping[str, Any], pattern: Mapping[str, Any]) -> bool:
    """Whether a record passes a filter pattern, by the operators that the template uses."""
    for name, wanted in pattern.items():
        found = record.get(name)
        if isinstance(wanted, dict):
            if not isinstance(found, Mapping) or not matches(found, wanted):
                return False
        elif not any(_fits(found, one) for one in wanted):
            return False
    return True


def _fits(found: Any, rule: Any) -> bool:
    match rule:
        case {"prefix": str(start)}:
            return isinstance(found, str) and found.startswith(start)
        case {"exists": bool(there)}:
            return (found is not None) is there
        case {"anything-but": list(others)}:
            return found is not None and found not in others
        case str():
            return bool(found == rule)
    raise AssertionError(f"this test knows no operator {rule}")


def _bury(studio: Deployment, batch: Sequence[Record]) -> None:
    """What Lambda writes into the queue when it gives up on a batch."""
    numbers = [one["dynamodb"]["SequenceNumber"] for one in batch]
    letter = {
        "version": "1.0",
        "requestContext": {"condition": "RetryAttemptsExhausted"},
        "DDBStreamBatchInfo": {
            "shardId": batch_shard(studio),
            "startSequenceNumber": numbers[0],
            "endSequenceNumber": numbers[-1],
            "batchSize": len(batch),
            "streamArn": _stream_arn(studio),
        },
    }
    client("sqs").send_message(QueueUrl=queue_url(), MessageBody=json.dumps(letter))


def batch_shard(studio: Deployment) -> str:
    described = client("dynamodbstreams").describe_stream(StreamArn=_stream_arn(studio))
    return str(described["StreamDescription"]["Shards"][0]["ShardId"])


def queue_url() -> str:
    name = documents.physical_name("AlarmDeadLetterQueue")
    return str(client("sqs").get_queue_url(QueueName=name)["QueueUrl"])


def _stream_arn(studio: Deployment) -> str:
    table = studio.dynamodb.describe_table(TableName=documents.physical_name("StudioTable"))
    return str(table["Table"]["LatestStreamArn"])


class Mailbox:
    """A queue that subscribes to the owner's topic: every message, repeats too."""

    def __init__(self) -> None:
        url = client("sqs").create_queue(QueueName="mailbox")["QueueUrl"]
        attributes = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        client("sns").subscribe(
            TopicArn=documents.arn("OwnerTopic"),
            Protocol="sqs",
            Endpoint=attributes["Attributes"]["QueueArn"],
        )
        self._url = url

    def read(self) -> list[dict[str, Any]]:
        """What has come since the last time, oldest first."""
        found: list[dict[str, Any]] = []
        while (
            messages := client("sqs")
            .receive_message(QueueUrl=self._url, MaxNumberOfMessages=10)
            .get("Messages")
        ):
            found += [json.loads(message["Body"]) for message in messages]
            for message in messages:
                client("sqs").delete_message(
                    QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"]
                )
        return found

    def texts(self) -> list[tuple[str, str]]:
        """(threshold, text) of what has come."""
        return [
            (one["MessageAttributes"]["threshold"]["Value"], one["Message"]) for one in self.read()
        ]
