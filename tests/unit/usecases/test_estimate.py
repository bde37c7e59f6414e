"""Prices before buying: the quote is kept, and nothing else; it says by which card, until when."""

from datetime import timedelta
from typing import Any

import pytest

from filmgate.domain.errors import CostLimitExceeded
from filmgate.usecases.estimate import Estimate, compare, estimate
from filmgate.usecases.request import Request
from tests.support.builders import (
    NOW,
    TENANT,
    card_of,
    catalogue_of,
    image_wish,
    price_row,
    provider,
    request,
    usd,
    with_keys,
)
from tests.support.memory_studio import MemoryStudio

SHOP = catalogue_of(
    provider("dear", priority=1), provider("cheap", priority=2), provider("unbuilt", built=False)
)
PRICES = card_of(
    price_row("dear", "0.0300"), price_row("cheap", "0.0100"), price_row("unbuilt", "0.0001")
)


def quote(asked: Request, tenant: str = TENANT, **others: Any) -> Estimate:
    studio = MemoryStudio()
    studio.settings[tenant] = with_keys("dear", "cheap")
    facts: dict[str, Any] = {"catalogue": SHOP, "card": PRICES, "now": NOW}
    made = estimate(asked, tenant=tenant, studio=studio, quotes=studio, **{**facts, **others})
    assert list(studio.quotes.values()) == [made.quote]
    assert not studio.generations
    assert not studio.budgets
    return made


def test_a_quote_holds_for_a_quarter_of_an_hour() -> None:
    made = quote(request())

    assert made.quote.expires_at == NOW + timedelta(minutes=15)
    assert (made.priced.expected, made.priced.max) == (usd("0.0300"), usd("0.0300"))
    assert made.card is PRICES


def test_the_same_question_has_the_same_quote() -> None:
    assert quote(request()).quote == quote(request()).quote


@pytest.mark.parametrize(
    "others",
    [
        {"asked": request(image_wish("something else"))},
        {"asked": request(), "tenant": "rival"},
        {"asked": request(), "card": card_of(*PRICES.rows, version="2027-01-01")},
        {"asked": request(), "card": card_of(*PRICES.rows[1:], price_row("dear", "0.0400"))},
        {"asked": request(), "now": NOW + timedelta(hours=1)},
    ],
    ids=["wish", "tenant", "version", "price", "hour"],
)
def test_another_question_or_price_has_another_quote(others: dict[str, Any]) -> None:
    assert quote(**others).quote.id != quote(request()).quote.id


def test_without_a_cost_limit_an_estimate_has_none() -> None:
    dear = card_of(price_row("dear", "500"), price_row("cheap", "400"))

    assert quote(request(), card=dear).priced.expected == usd("500")


def test_a_cost_limit_counts_in_an_estimate_as_in_a_purchase() -> None:
    with pytest.raises(CostLimitExceeded):
        quote(request(cost_limit=usd("0.0050")))


def test_a_comparison_lists_the_cheapest_first_and_then_who_cannot() -> None:
    studio = MemoryStudio()
    studio.settings[TENANT] = with_keys("dear", "cheap")

    made = compare(image_wish(), tenant=TENANT, studio=studio, catalogue=SHOP, card=PRICES, now=NOW)

    assert [(entry.provider.id, entry.eligible, entry.cost) for entry in made.offers] == [
        ("cheap", True, usd("0.0100")),
        ("dear", True, usd("0.0300")),
        ("unbuilt", False, usd("0.0001")),
    ]


def test_a_comparison_never_fails_for_lack_of_a_provider() -> None:
    made = compare(
        image_wish(), tenant=TENANT, studio=MemoryStudio(), catalogue=SHOP, card=PRICES, now=NOW
    )

    assert {entry.exclusion.code for entry in made.offers if entry.exclusion} == {
        "no-key", "not-built",
    }  # fmt: skip
