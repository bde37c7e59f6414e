"""A user's number in flight and rate in the table: in the transactions of generations, on moto."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from filmgate.adapters.table import StudioTable
from filmgate.domain import ledger
from filmgate.domain.errors import (
    AlreadyExists,
    DoesNotFit,
    RateLimited,
    Stale,
    StoreUnavailable,
    TooManyInFlight,
)
from filmgate.domain.generations import Generation, GenerationState
from filmgate.domain.ids import generation_id
from filmgate.domain.ledger import OWNER_SCOPE, Budget, Commit
from filmgate.domain.pace import Flight, Pace, Start
from tests.support.aws import STUDIO_TABLE, account, client, studio_table
from tests.support.builders import NOW, PERIOD, TENANT, attempt, generation, usd

WIDE = Pace(per_minute=600, burst=600, in_flight=500)
TWO_AT_ONCE = Pace(per_minute=60, burst=2, in_flight=500)


class Unreliable:
    """A client whose first transactions are carried out and their answers lost, or that lets
    another be faster between reading and writing."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.lost = 0
        self.meanwhile: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def transact_write_items(self, **arguments: Any) -> Any:
        if self.meanwhile:
            self.meanwhile.pop(0)()
        answer = self._inner.transact_write_items(**arguments)
        if self.lost:
            self.lost -= 1
            raise ReadTimeoutError(endpoint_url="https://dynamodb")
        return answer


@pytest.fixture
def dynamodb() -> Iterator[Unreliable]:
    with account():
        studio_table()
        yield Unreliable(client("dynamodb"))


@pytest.fixture
def table(dynamodb: Unreliable) -> StudioTable:
    table = StudioTable(dynamodb, STUDIO_TABLE, sleep=lambda _: None, jitter=lambda: 1.0)
    table.open_budget(TENANT, Budget(OWNER_SCOPE, PERIOD, usd("1.0000")))
    return table


def numbered(number: int) -> Generation:
    return generation(id=generation_id(TENANT, "ada", f"key {number}"))


def admission(number: int, pace: Pace | None = WIDE, after_s: float = 0) -> Commit:
    asked = numbered(number)
    first = attempt(generation_id=asked.id, scopes=((OWNER_SCOPE, PERIOD),))
    commit = ledger.with_generation(ledger.change(None, first, at=NOW), None, asked)
    at = NOW + timedelta(seconds=after_s)
    return commit if pace is None else ledger.with_start(commit, Start(pace, at))


def ending(number: int) -> Commit:
    before = numbered(number)
    return ledger.with_generation(Commit(), before, before.now(state=GenerationState.FAILED))


def test_a_user_who_never_started_anything_has_nothing_in_flight(table: StudioTable) -> None:
    assert table.flight(TENANT, "ada") == Flight()


def test_what_begins_counts_and_what_ends_does_not(table: StudioTable) -> None:
    for number in range(3):
        table.commit(TENANT, admission(number))
    table.commit(TENANT, ending(1))

    assert table.flight(TENANT, "ada").in_flight == 2
    assert table.flight(TENANT, "ben") == table.flight("other", "ada") == Flight()


def test_a_move_that_is_neither_beginning_nor_end_touches_no_number(table: StudioTable) -> None:
    table.commit(TENANT, admission(0))
    before = numbered(0)

    running = before.now(state=GenerationState.RUNNING)
    table.commit(TENANT, ledger.with_generation(Commit(), before, running))

    assert table.flight(TENANT, "ada").in_flight == 1


def test_a_full_flight_refuses_and_nothing_is_written(table: StudioTable) -> None:
    one = Pace(per_minute=600, burst=600, in_flight=1)
    table.commit(TENANT, admission(0, one))

    with pytest.raises(TooManyInFlight):
        table.commit(TENANT, admission(1, one))

    assert table.find(TENANT, numbered(1).id) is None
    assert table.flight(TENANT, "ada").in_flight == 1
    table.commit(TENANT, ending(0))
    table.commit(TENANT, admission(1, one))


def test_a_bucket_empties_refuses_and_fills_again(table: StudioTable) -> None:
    table.commit(TENANT, admission(0, TWO_AT_ONCE))
    table.commit(TENANT, admission(1, TWO_AT_ONCE))

    with pytest.raises(RateLimited) as refused:
        table.commit(TENANT, admission(2, TWO_AT_ONCE))
    table.commit(TENANT, admission(2, TWO_AT_ONCE, after_s=1))
    table.commit(TENANT, admission(3, TWO_AT_ONCE, after_s=60))

    assert refused.value.facts == {"retryAfter": 1}
    assert table.flight(TENANT, "ada").in_flight == 4


def test_without_a_pace_all_is_counted_and_nothing_refused(table: StudioTable) -> None:
    for number in range(3):
        table.commit(TENANT, admission(number, pace=None))

    assert table.flight(TENANT, "ada") == Flight(in_flight=3)


def test_money_and_repeats_speak_before_the_limits_of_a_user(table: StudioTable) -> None:
    one = Pace(per_minute=1, burst=1, in_flight=1)
    table.commit(TENANT, admission(0, one))

    with pytest.raises(AlreadyExists):
        table.commit(TENANT, admission(0, one))
    table.commit(TENANT, _spend_all())
    with pytest.raises(DoesNotFit):
        table.commit(TENANT, admission(1, one))


def _spend_all() -> Commit:
    scopes = ((OWNER_SCOPE, PERIOD),)
    dear = attempt(generation_id="gen_dear", reserved="0.9800", scopes=scopes)
    return ledger.change(None, dear, at=NOW)


def test_a_beginning_whose_answer_was_lost_counts_once(
    table: StudioTable, dynamodb: Unreliable
) -> None:
    dynamodb.lost = 1

    table.commit(TENANT, admission(0, TWO_AT_ONCE))

    assert table.flight(TENANT, "ada").in_flight == 1
    table.commit(TENANT, admission(1, TWO_AT_ONCE))


def test_an_end_that_is_written_again_counts_once(table: StudioTable) -> None:
    table.commit(TENANT, admission(0))
    table.commit(TENANT, ending(0))

    with pytest.raises(Stale):
        table.commit(TENANT, ending(0))

    assert table.flight(TENANT, "ada").in_flight == 0


@pytest.mark.parametrize("burst", [2, 3])
def test_a_token_that_another_took_meanwhile_is_seen(
    table: StudioTable, dynamodb: Unreliable, burst: int
) -> None:
    pace = Pace(per_minute=60, burst=burst, in_flight=500)
    others = StudioTable(client("dynamodb"), STUDIO_TABLE)
    dynamodb.meanwhile = [
        lambda: [others.commit(TENANT, admission(number, pace)) for number in (1, 2)]
    ]

    if burst == 2:
        with pytest.raises(RateLimited):
            table.commit(TENANT, admission(0, pace))
    else:
        table.commit(TENANT, admission(0, pace))

    assert table.flight(TENANT, "ada").in_flight == burst


def test_a_number_that_cannot_be_read_lets_nothing_begin(
    table: StudioTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> Flight:
        raise StoreUnavailable("away")

    table.commit(TENANT, admission(0))
    monkeypatch.setattr(table, "flight", away)

    with pytest.raises(StoreUnavailable):
        table.commit(TENANT, admission(1))

    assert table.find(TENANT, numbered(1).id) is None
