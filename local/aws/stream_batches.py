"""How Lambda works off a batch of stream records: partial failures, bisecting, giving up.

From the AWS Lambda guide, "Using AWS Lambda with Amazon DynamoDB" and "Configuring partial batch
response" (from memory). A failure that names records is repeated from the first of them on. A
failure of the whole call is repeated whole, or in two halves where the mapping bisects. When the
retries are used up, the rest of the batch goes to the failure destination and the stream goes on.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

Record = dict[str, Any]
Answer = frozenset[str] | None
"""The sequence numbers of the records that failed, none for a success; None: the call failed."""


def work_off(
    records: Sequence[Record],
    *,
    call: Callable[[list[Record]], Answer],
    retries: int,
    bisect: bool,
) -> list[list[Record]]:
    """Call the function until every record is done with; gives the batches it gave up on."""
    given_up: list[list[Record]] = []
    waiting = deque([(list(records), retries)])
    while waiting:
        batch, left = waiting.popleft()
        failed = call(batch)
        rest = batch[_first_failed(batch, failed) :]
        if not rest:
            continue
        if left == 0:
            given_up.append(rest)
        elif failed is None and bisect and len(batch) > 1:
            half = len(batch) // 2
            waiting.extendleft([(batch[half:], left - 1), (batch[:half], left - 1)])
        else:
            waiting.appendleft((rest, left - 1))
    return given_up


def failures_in(body: Any) -> Answer:
    """What a function says of its batch; None, a failed call, for an answer that says nothing
    readable or names no record."""
    match body:
        case None | "":
            return frozenset()
        case {"batchItemFailures": list(failures)}:
            named = [one.get("itemIdentifier") for one in failures if isinstance(one, dict)]
            whole = len(named) < len(failures) or not all(named)
            return None if whole else frozenset(map(str, named))
        case dict():
            return frozenset()
    return None


def _first_failed(batch: list[Record], failed: Answer) -> int:
    """The place of the first record that failed; behind the last one when none did."""
    if failed is None:
        return 0
    numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
    if failed - set(numbers):  # a record that was not in the batch: the whole batch failed
        return 0
    return next((place for place, number in enumerate(numbers) if number in failed), len(batch))
