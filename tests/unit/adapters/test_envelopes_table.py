"""Envelopes in the table, on moto: both forms of a commit, the refusals, and the books."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from filmgate.adapters.table import StudioTable
from filmgate.domain.errors import DoesNotFit, Stale
from filmgate.domain.ledger import close_envelope, open_envelope
from tests.support.aws import account, client, studio_table
from tests.support.builders import NOW, PERIOD, TENANT, usd
from tests.support.envelopes import ENVELOPE, Purse


@pytest.fixture
def table() -> Iterator[StudioTable]:
    with account():
        yield StudioTable(
            client("dynamodb"), studio_table(), sleep=lambda _: None, jitter=lambda: 1.0
        )


@pytest.fixture
def purse(table: StudioTable) -> Purse:
    return Purse(table, limit=usd("1.0000"), room=usd("10.0000"))


def test_the_books_agree_through_the_life_of_an_envelope(purse: Purse) -> None:
    paid, dropped, late, later = (purse.reserve(usd("0.2000")) for _ in range(4))
    purse.settle(paid, usd("0.1500"))
    purse.release(dropped)
    assert purse.faults() == []

    assert purse.close()
    purse.settle(late, usd("0.2300"))
    purse.release(later)

    assert purse.faults() == []
    assert purse.budget("owner", PERIOD).settled == usd("0.3800")
    assert purse.budget("owner", PERIOD).held == 0


def test_a_reservation_in_a_closed_envelope_is_refused(purse: Purse) -> None:
    purse.close()

    with pytest.raises(DoesNotFit) as refused:
        purse.reserve(usd("0.0001"))

    assert refused.value.scope == ENVELOPE.scope
    assert purse.faults() == []


def test_what_does_not_fit_into_the_envelope_is_refused_with_its_room(purse: Purse) -> None:
    purse.reserve(usd("0.7000"))

    with pytest.raises(DoesNotFit) as refused:
        purse.reserve(usd("0.4000"))

    assert (refused.value.scope, refused.value.room) == (ENVELOPE.scope, usd("0.3000"))


def test_a_closing_by_an_old_picture_of_the_envelope_is_stale(purse: Purse) -> None:
    seen = purse.budget()
    purse.reserve(usd("0.1000"))

    with pytest.raises(Stale):
        purse.studio.commit(TENANT, close_envelope(ENVELOPE, seen, at=NOW))

    assert purse.faults() == []


def test_an_envelope_that_does_not_fit_writes_nothing(table: StudioTable, purse: Purse) -> None:
    another = replace(ENVELOPE, scope=f"{ENVELOPE.scope}1")

    with pytest.raises(DoesNotFit):
        table.commit(TENANT, open_envelope(another, limit=usd("9.0001"), at=NOW))

    assert table.budget(TENANT, another.scope, "whole") is None
    assert purse.faults() == []
