"""The stream read again for a dead letter: between its numbers, as long as it still has them."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from filmgate.adapters import items
from filmgate.adapters.dead_letters import StudioStream
from filmgate.adapters.items import to_wire
from filmgate.domain.changes import BudgetChanged
from filmgate.domain.errors import RecordsGone, StoreUnavailable
from filmgate.domain.ledger import Budget
from filmgate.usecases.ports import DeadLetter
from tests.support.builders import NOW, PERIOD, TENANT, usd

LETTER = DeadLetter("receipt", "arn:stream", "shard-1", "0002", "0004")


def record(number: int, **wrong: Any) -> dict[str, Any]:
    budget = Budget("owner", PERIOD, usd("1.0000"), settled=number * 100)
    item = {**items.budget_key(TENANT, "owner", PERIOD), **items.dump_budget(budget), **wrong}
    told = {"SequenceNumber": f"{number:04d}", "ApproximateCreationDateTime": NOW}
    return {"dynamodb": {**told, "NewImage": to_wire(item)}}


class Shard:
    """A client whose stream comes in pages; page by page, empty ones too."""

    def __init__(self, *pages: list[dict[str, Any]], error: str | None = None) -> None:
        self._pages = pages
        self._error = error

    def get_shard_iterator(self, **asked: Any) -> dict[str, Any]:
        if self._error:
            raise ClientError({"Error": {"Code": self._error, "Message": ""}}, "GetShardIterator")
        assert asked["SequenceNumber"] == LETTER.first
        return {"ShardIterator": "0"}

    def get_records(self, *, ShardIterator: str) -> dict[str, Any]:
        place = int(ShardIterator)
        more = str(place + 1) if place + 1 < len(self._pages) else None
        return {"Records": self._pages[place], "NextShardIterator": more}


def test_records_are_read_up_to_the_last_of_the_letter_over_empty_pages() -> None:
    shard = Shard([record(2)], [], [record(3), record(4), record(5)])

    found = StudioStream(shard).read(LETTER)

    spent = [one.budget.settled for one in found.changes if isinstance(one, BudgetChanged)]
    assert (spent, found.unreadable) == ([200, 300, 400], 0)


def test_a_record_that_cannot_be_read_is_counted_and_hides_no_other() -> None:
    shard = Shard([record(2), record(3, limit="all"), record(4)])

    found = StudioStream(shard).read(LETTER)

    assert (len(found.changes), found.unreadable) == (2, 1)


def test_a_stream_that_never_comes_to_the_end_is_left() -> None:
    shard = Shard([record(2)], *([[]] * 100))

    with pytest.raises(StoreUnavailable):
        StudioStream(shard).read(LETTER)


@pytest.mark.parametrize(
    ("code", "raised"),
    [("TrimmedDataAccessException", RecordsGone), ("InternalServerError", StoreUnavailable)],
)
def test_records_of_yesterday_are_gone_and_a_stream_that_fails_is_not(
    code: str, raised: type[Exception]
) -> None:
    with pytest.raises(raised):
        StudioStream(Shard(error=code)).read(LETTER)
