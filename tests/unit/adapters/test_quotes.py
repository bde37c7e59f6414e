"""Quotes in the table, on moto: what is kept comes back, per tenant, and is forgotten in time."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from filmgate.adapters.quotes import QuoteTable
from filmgate.domain.errors import StoreUnavailable
from filmgate.domain.quotes import QUOTE_LIFE, Quote
from filmgate.usecases.estimate import estimate
from tests.support.aws import STUDIO_TABLE, account, client, studio_table
from tests.support.builders import NOW, TENANT, card_of, catalogue_of, price_row, provider, request
from tests.support.builders import with_keys as keys_of
from tests.support.memory_studio import MemoryStudio
from tests.template import documents


@pytest.fixture
def table() -> Iterator[QuoteTable]:
    with account():
        yield QuoteTable(client("dynamodb"), studio_table())


def some_quote() -> Quote:
    studio = MemoryStudio()
    studio.settings[TENANT] = keys_of("lumen", "other")
    return estimate(
        request(cost_limit=50_000), tenant=TENANT, studio=studio, quotes=studio, now=NOW,
        catalogue=catalogue_of(provider("lumen"), provider("other", priority=2)),
        card=card_of(price_row("lumen", "0.0200"), price_row("other", "0.0300")),
    ).quote  # fmt: skip


def test_a_quote_comes_back_as_it_was_kept(table: QuoteTable) -> None:
    quote = some_quote()

    table.put_quote(TENANT, quote)
    table.put_quote(TENANT, quote)

    assert table.find_quote(TENANT, quote.id) == quote


def test_nobody_elses_quote_is_found(table: QuoteTable) -> None:
    quote = some_quote()
    table.put_quote(TENANT, quote)

    assert table.find_quote("rival", quote.id) is None
    assert table.find_quote(TENANT, some_quote().id + "x") is None


def test_the_table_may_forget_it_a_day_after_it_expired(table: QuoteTable) -> None:
    """By the attribute that the template names; until then who comes late hears that it expired."""
    spec = documents.resources("AWS::DynamoDB::Table")["StudioTable"]["TimeToLiveSpecification"]
    table.put_quote(TENANT, some_quote())

    (item,) = client("dynamodb").scan(TableName=STUDIO_TABLE)["Items"]

    assert spec["Enabled"] is True
    forgotten = NOW + QUOTE_LIFE + timedelta(days=1)
    assert item[spec["AttributeName"]] == {"N": str(int(forgotten.timestamp()))}


def test_a_table_that_is_away_is_told(table: QuoteTable) -> None:
    client("dynamodb").delete_table(TableName=STUDIO_TABLE)

    with pytest.raises(StoreUnavailable):
        table.put_quote(TENANT, some_quote())
