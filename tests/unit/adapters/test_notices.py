"""Marks in the table: one claim at a time, one telling, whatever the races and lost answers."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from filmgate.adapters.notices import NoticeTable
from filmgate.domain.alarms import Notice, NoticeKind
from filmgate.domain.errors import StoreUnavailable
from tests.support import aws
from tests.support.builders import NOW, PERIOD, TENANT

SOON = NOW + timedelta(minutes=2)
LATER = NOW + timedelta(minutes=4)


@pytest.fixture
def client() -> Iterator[Any]:
    with aws.account():
        aws.studio_table()
        yield aws.client("dynamodb")


@pytest.fixture
def log(client: Any) -> NoticeTable:
    return NoticeTable(client, aws.STUDIO_TABLE)


def a_notice(name: str = "ntc_a", at: datetime = NOW, tenant: str = TENANT) -> Notice:
    return Notice(name, tenant, NoticeKind.BUDGET, "Title", "Text", at, {"scope": "owner"})


def ids(log: NoticeTable, tenant: str = TENANT) -> list[str]:
    return [one.id for one in log.page(tenant, limit=50, cursor=None, user=None).items]


class Between:
    """A client before one of whose calls something else happens, once."""

    def __init__(self, client: Any, operation: str, event: Callable[[], object]) -> None:
        self._client = client
        self._operation = operation
        self._event: Callable[[], object] | None = event

    def __getattr__(self, name: str) -> Any:
        if name == self._operation and self._event is not None:
            event, self._event = self._event, None
            event()
        return getattr(self._client, name)


class LosesAnswer:
    """A client whose transaction goes through, and whose answer is another."""

    def __init__(self, client: Any, error: Exception) -> None:
        self._client = client
        self._error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **arguments: Any) -> None:
        self._client.transact_write_items(**arguments)
        raise self._error


def test_a_claim_is_one_until_it_runs_out(log: NoticeTable) -> None:
    first = log.claim(a_notice(), now=NOW, until=SOON)
    beside = log.claim(a_notice(), now=NOW, until=SOON)
    after = log.claim(a_notice(at=SOON), now=SOON, until=LATER)

    assert first is not None
    assert beside is None
    assert after not in (None, first)
    assert ids(log) == ["ntc_a"]


def test_a_notice_that_was_told_is_never_claimed_again(log: NoticeTable) -> None:
    claim = log.claim(a_notice(), now=NOW, until=SOON)
    assert claim is not None

    log.told(a_notice(), claim=claim)

    assert log.claim(a_notice(), now=LATER, until=LATER) is None
    assert log.untold(LATER) == []


def test_whoever_lost_the_claim_does_not_mark_the_notice_as_told(log: NoticeTable) -> None:
    lost = log.claim(a_notice(), now=NOW, until=SOON)
    taken = log.claim(a_notice(), now=SOON, until=LATER)
    assert lost is not None
    assert taken is not None

    log.told(a_notice(), claim=lost)

    assert log.untold(LATER) == [a_notice()]


def test_of_two_who_claim_at_once_one_does(client: Any, log: NoticeTable) -> None:
    won: list[str | None] = []
    slow = NoticeTable(
        Between(
            client,
            "transact_write_items",
            lambda: won.append(log.claim(a_notice(), now=NOW, until=SOON)),
        ),
        aws.STUDIO_TABLE,
    )

    lost = slow.claim(a_notice(), now=NOW, until=SOON)

    assert won[0] is not None
    assert lost is None


def test_of_two_who_take_over_at_once_one_does(client: Any, log: NoticeTable) -> None:
    log.claim(a_notice(), now=NOW, until=SOON)
    won: list[str | None] = []
    slow = NoticeTable(
        Between(
            client,
            "update_item",
            lambda: won.append(log.claim(a_notice(), now=SOON, until=LATER)),
        ),
        aws.STUDIO_TABLE,
    )

    lost = slow.claim(a_notice(), now=SOON, until=LATER)

    assert won[0] is not None
    assert lost is None


def test_a_claim_that_the_sdk_has_sent_twice_is_a_claim(client: Any) -> None:
    refused = ClientError(
        {"Error": {"Code": "TransactionCanceledException", "Message": ""}}, "TransactWriteItems"
    )
    log = NoticeTable(LosesAnswer(client, refused), aws.STUDIO_TABLE)

    assert log.claim(a_notice(), now=NOW, until=SOON) is not None


def test_a_claim_without_an_answer_is_made_good_later(client: Any, log: NoticeTable) -> None:
    lossy = NoticeTable(LosesAnswer(client, ReadTimeoutError(endpoint_url="x")), aws.STUDIO_TABLE)

    with pytest.raises(StoreUnavailable):
        lossy.claim(a_notice(), now=NOW, until=SOON)

    assert log.claim(a_notice(), now=NOW, until=SOON) is None
    assert log.untold(SOON) == [a_notice()]


def test_untold_are_the_claims_of_every_tenant_that_ran_out(log: NoticeTable) -> None:
    log.claim(a_notice("ntc_a", tenant="one"), now=NOW, until=SOON)
    log.claim(a_notice("ntc_b", tenant="two"), now=NOW, until=SOON)
    log.claim(a_notice("ntc_c", tenant="two"), now=NOW, until=LATER)

    assert {one.id for one in log.untold(SOON)} == {"ntc_a", "ntc_b"}
    assert (ids(log, "one"), ids(log, TENANT)) == (["ntc_a"], [])


def test_a_budget_is_watched_since_the_first_time_that_is_asked(log: NoticeTable) -> None:
    first = log.watched_since(TENANT, "owner", PERIOD, NOW)
    second = log.watched_since(TENANT, "owner", PERIOD, LATER)
    other = log.watched_since(TENANT, "user:ann", PERIOD, LATER)

    assert (first, second, other) == (NOW, NOW, LATER)
