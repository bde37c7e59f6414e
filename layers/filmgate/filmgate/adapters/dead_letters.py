"""The stream's dead letters (SQS) and the stream itself (DynamoDB Streams), to replay them.

What Lambda puts into the queue when it gives up on a batch names shard and sequence numbers under
DDBStreamBatchInfo and holds no record (AWS Lambda guide, "Retain discarded batches", from memory).
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from filmgate.adapters.changes import change_of
from filmgate.domain.errors import (
    ConfigurationError,
    DeadLettersUnavailable,
    RecordsGone,
    StoreUnavailable,
)
from filmgate.usecases.ports import DeadLetter, Reread

LETTERS_AT_ONCE: Final = 10
PAGES_AT_MOST: Final = 50
_GONE: Final = frozenset(
    {"TrimmedDataAccessException", "ExpiredIteratorException", "ResourceNotFoundException"}
)


class DeadLetterQueue:
    """The port DeadLetters over a queue."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def receive(self) -> list[DeadLetter]:
        answer = self._call("receive_message", MaxNumberOfMessages=LETTERS_AT_ONCE)
        letters = map(_letter, answer.get("Messages", []))
        return [letter for letter in letters if letter is not None]

    def throw_away(self, letter: DeadLetter) -> None:
        self._call("delete_message", ReceiptHandle=letter.receipt)

    def _call(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client, operation)(QueueUrl=self._url, **arguments)
        except ClientError as error:
            raise DeadLettersUnavailable(error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise DeadLettersUnavailable(type(error).__name__) from error


class StudioStream:
    """The port Stream over the client of DynamoDB Streams."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def read(self, letter: DeadLetter) -> Reread:
        changes, unreadable = [], 0
        for record in self._records(letter):
            try:
                change = change_of(record)
            except ConfigurationError:
                unreadable += 1
                continue
            if change is not None:
                changes.append(change)
        return Reread(changes, unreadable)

    def _records(self, letter: DeadLetter) -> Iterator[dict[str, Any]]:
        """Everything between the letter's first and last record, those included."""
        iterator = self._call(
            "get_shard_iterator",
            StreamArn=letter.stream,
            ShardId=letter.shard,
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=letter.first,
        )["ShardIterator"]
        end = int(letter.last)
        for _ in range(PAGES_AT_MOST):
            page = self._call("get_records", ShardIterator=iterator)
            for record in page["Records"]:
                number = int(record["dynamodb"]["SequenceNumber"])
                if number <= end:
                    yield record
                if number >= end:
                    return
            iterator = page.get("NextShardIterator")
            if iterator is None:
                return
        raise StoreUnavailable("the stream did not come to the end of a dead letter")

    def _call(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client, operation)(**arguments)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            raise (RecordsGone if code in _GONE else StoreUnavailable)(code) from error
        except BotoCoreError as error:
            raise StoreUnavailable(type(error).__name__) from error


def _letter(message: dict[str, Any]) -> DeadLetter | None:
    """A message as a letter; None for one of a foreign shape, which stays in the queue."""
    match _parsed(message["Body"]):
        case {
            "DDBStreamBatchInfo": {
                "streamArn": str(stream),
                "shardId": str(shard),
                "startSequenceNumber": str(first),
                "endSequenceNumber": str(last),
            }
        } if first.isdecimal() and last.isdecimal():
            return DeadLetter(message["ReceiptHandle"], stream, shard, first, last)
    return None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
