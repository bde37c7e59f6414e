"""What a quote keeps, how two requests are told apart, and what is not sold any more."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from filmgate.domain.catalogue import Catalogue
from filmgate.domain.chain import Plan, ProviderSettings, Strategy, make_plan
from filmgate.domain.pricing import RateCard
from filmgate.domain.quotes import QUOTE_LIFE, Quote, Subject, differing, make_quote, why_gone
from filmgate.domain.wishes import AUTO
from tests.support.builders import (
    NOW,
    TENANT,
    card_of,
    catalogue_of,
    image_offer,
    image_wish,
    price_row,
    provider,
    retirement,
    usd,
)

TODAY = NOW.date()
SHOP = catalogue_of(provider("lumen", priority=1), provider("other", priority=2))
PRICES = card_of(price_row("lumen", "0.0200"), price_row("other", "0.0300"))
KEY = ProviderSettings(key_set=True)


def plan(shop: Catalogue = SHOP, card: RateCard = PRICES, **settings: ProviderSettings) -> Plan:
    return make_plan(
        image_wish(), provider=AUTO, strategy=Strategy.PRIORITY, catalogue=shop, card=card,
        settings={"lumen": KEY, "other": KEY, **settings}, health={}, now=NOW,
    )  # fmt: skip


def quote(**asked: Any) -> Quote:
    return make_quote(
        Subject.GENERATION, asked or {"prompt": "a fox"}, [(image_wish(), plan())] * 3,
        tenant=TENANT, expected=usd("0.0200"), worst=usd("0.0300"), card=PRICES, now=NOW,
    )  # fmt: skip


def test_terms_are_kept_once_for_all_chains_and_in_their_order() -> None:
    terms = quote().terms

    assert [(one.provider, one.unit_micros) for one in terms] == [
        ("lumen", usd("0.0200")), ("other", usd("0.0300")),
    ]  # fmt: skip
    assert quote().providers == ("lumen", "other")


def test_nothing_of_what_was_asked_can_be_read_in_a_quote() -> None:
    assert "secret scene" not in repr(quote(prompt="secret scene"))


def test_two_requests_differ_in_what_either_says() -> None:
    one = quote(prompt="a fox", style="ink", seed=None)
    other = quote(prompt="a hare", seed=7)

    assert differing(one, other) == ("prompt", "style", "seed")
    assert differing(one, one) == ()


def test_it_holds_up_to_its_end_and_not_at_it() -> None:
    made = quote()

    assert not made.has_expired(NOW + QUOTE_LIFE - timedelta(microseconds=1))
    assert made.has_expired(NOW + QUOTE_LIFE)


def gone(shop: Catalogue = SHOP, card: RateCard = PRICES, today: date = TODAY,
         **settings: ProviderSettings) -> list[str | None]:  # fmt: skip
    entries = plan(shop, card, **settings).entries
    return [why_gone(term, entries, card, today) for term in quote().terms]


@pytest.mark.parametrize(
    "settings",
    [KEY, ProviderSettings(), replace(KEY, enabled=False), replace(KEY, model="another")],
    ids=["as it was", "without a key", "switched off", "another model chosen"],
)
def test_what_an_owner_changes_takes_nothing_off_the_market(settings: ProviderSettings) -> None:
    assert gone(lumen=settings) == [None, None]


def test_a_provider_that_its_vendor_has_ended_is_gone_unless_it_lives_at_the_owner_s_host() -> None:
    ended = provider("lumen", retired=retirement(replacement="other"))
    shop = catalogue_of(ended, SHOP.providers["other"])

    assert gone(shop) == ["retired by its vendor on 2026-11-22; use other", None]
    assert gone(shop, lumen=replace(KEY, api_url="https://own.example")) == [None, None]


def test_a_model_is_gone_on_the_day_of_its_retirement_or_out_of_the_catalogue() -> None:
    def shop(*models: Any) -> Catalogue:
        return catalogue_of(provider("lumen", *models), SHOP.providers["other"])

    soon = image_offer(retires_on=TODAY + timedelta(days=1))
    ended = image_offer(retires_on=TODAY)

    assert gone(shop(soon)) == [None, None]
    assert gone(shop(ended)) == ["its model is not sold any more", None]
    assert gone(shop(image_offer("picture-2"))) == ["its model is not sold any more", None]
    assert gone(shop(image_offer("picture-2"), soon)) == [None, None]
    lives_on = replace(KEY, api_url="https://own.example", model="picture-1")
    assert gone(shop(ended), lumen=lives_on) == [None, None]


def test_what_has_no_price_or_is_in_no_catalogue_is_gone() -> None:
    assert gone(card=card_of(PRICES.rows[1])) == ["has no price any more", None]
    assert gone(catalogue_of(SHOP.providers["other"])) == [
        "is not in the catalogue any more", None,
    ]  # fmt: skip
