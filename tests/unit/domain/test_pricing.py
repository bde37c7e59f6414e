"""Prices come from cards, exactly; what has no price is not offered, and is never free."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmgate.domain.catalogue import Frame, Match
from filmgate.domain.pricing import PriceRow, RateCard, Unit, price, price_of_tokens
from filmgate.domain.wishes import Media
from filmgate.providers.data import catalogue, rate_card
from tests.support.builders import (
    card_of,
    clip_wish,
    image_offer,
    image_wish,
    price_row,
    usd,
    video_offer,
)

GUIDE = rate_card("guide")
VENDOR = rate_card("vendor")

IMAGE_CELLS = {"dalle": "0.0200", "midjourney": "0.0150", "nanobanana": "0.0100"}
MINUTE_CELLS = {
    ("flow", "720p"): "0.0500",
    ("flow", "1080p"): "0.1000",
    ("flow", "4k"): None,
    ("sora", "720p"): "0.1000",
    ("sora", "1080p"): "0.1500",
    ("sora", "4k"): "0.3000",
    ("kling", "720p"): "0.0800",
    ("kling", "1080p"): "0.1200",
    ("kling", "4k"): None,
    ("whan", "720p"): "0.0600",
    ("whan", "1080p"): "0.1100",
    ("whan", "4k"): "0.2200",
    ("veo", "720p"): None,
    ("veo", "1080p"): None,
    ("veo", "4k"): None,
}


def image_of(resolution: str = "1024x1024", model: str = "any") -> Match:
    return Match(image_offer(model), Frame(resolution, "1:1", 1024, 1024))


def clip_at(resolution: str, model: str = "any") -> Match:
    return Match(video_offer(model), Frame(resolution, "16:9", 1280, 720))


# --- the published card, cell by cell ----------------------------------------------------------


@pytest.mark.parametrize(("provider", "expected"), IMAGE_CELLS.items())
def test_an_image_costs_what_the_guide_card_says(provider: str, expected: str) -> None:
    row = GUIDE.row_for(provider, image_of(), "standard")

    assert row is not None
    assert price(row, image_wish()) == usd(expected)


@pytest.mark.parametrize(("cell", "expected"), MINUTE_CELLS.items())
def test_a_minute_of_a_clip_costs_what_the_guide_card_says(
    cell: tuple[str, str], expected: str | None
) -> None:
    provider, resolution = cell

    row = GUIDE.row_for(provider, clip_at(resolution), "standard")

    charge = None if row is None else price(row, clip_wish(duration_s=60))
    assert charge == (None if expected is None else usd(expected))


def test_the_guide_card_has_no_cell_beside_these() -> None:
    cells = {(row.provider, row.resolution) for row in GUIDE.rows}

    wanted = {(name, None) for name in IMAGE_CELLS}
    assert cells == wanted | {cell for cell, usd_text in MINUTE_CELLS.items() if usd_text}
    assert len(GUIDE.rows) == len(cells)


@pytest.mark.parametrize("quality", ["low", "standard", "high"])
def test_the_guide_price_is_the_same_for_every_quality_and_model(quality: str) -> None:
    row = GUIDE.row_for("dalle", image_of(model="whatever"), quality)

    assert row is not None
    assert row.micros == 20_000


def test_the_worked_example_costs_fifteen_cents() -> None:
    """10 shots, each one nanobanana image and one 5-second whan clip at 720p."""
    image = GUIDE.row_for("nanobanana", image_of(), "standard")
    clip = GUIDE.row_for("whan", clip_at("720p"), "standard")
    assert image is not None
    assert clip is not None

    per_clip = price(clip, clip_wish(duration_s=5))
    total = 10 * price(image, image_wish()) + 10 * per_clip

    assert per_clip == usd("0.0050")
    assert total == usd("0.1500")


# --- formulas ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("duration_s", "expected"), [(60, "0.0800"), (5, "0.0067"), (1, "0.0014"), (15, "0.0200")]
)
def test_a_clip_costs_its_fraction_of_the_minute_price_rounded_up(
    duration_s: int, expected: str
) -> None:
    row = price_row(price="0.08", unit=Unit.MINUTE)

    assert price(row, clip_wish(duration_s=duration_s)) == usd(expected)


def test_a_clip_by_the_second_costs_every_second() -> None:
    row = price_row(price="0.112", unit=Unit.SECOND)

    assert price(row, clip_wish(duration_s=5)) == usd("0.5600")


def test_a_clip_without_a_length_is_priced_at_five_seconds() -> None:
    row = price_row(price="0.06", unit=Unit.MINUTE)

    assert price(row, clip_wish()) == usd("0.0050")


def test_an_image_price_below_a_charge_is_rounded_up() -> None:
    row = price_row(price="0.000001")

    assert price(row, image_wish()) == usd("0.0001")


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [(1, "0.0001"), (1120, "0.0336"), (1584, "0.0476"), (4160, "0.1248"), (10**7, "300.0000")],
)
def test_counted_tokens_are_billed_by_the_million(tokens: int, expected: str) -> None:
    assert price_of_tokens(30_000_000, tokens) == usd(expected)


@given(rate=st.integers(1, 10**8), seconds=st.integers(1, 3600))
def test_a_clip_never_costs_less_than_its_exact_price(rate: int, seconds: int) -> None:
    row = PriceRow("lumen", Unit.MINUTE, rate)

    charge = price(row, clip_wish(duration_s=seconds))

    exact = Fraction(rate * seconds, 60)
    assert exact <= charge < exact + 100


# --- which row ---------------------------------------------------------------------------------


def test_the_row_that_names_most_wins() -> None:
    broad = price_row(price="0.01")
    narrow = price_row(price="0.02", resolution="1024x1024")
    narrowest = price_row(price="0.03", resolution="1024x1024", quality="high")
    card = card_of(broad, narrowest, narrow)

    assert card.row_for("lumen", image_of(), "high") == narrowest
    assert card.row_for("lumen", image_of(), "low") == narrow
    assert card.row_for("lumen", image_of("512x512"), "high") == broad


def test_a_row_of_another_model_or_provider_is_no_price() -> None:
    card = card_of(price_row("lumen", model="picture-2"), price_row("other"))

    assert card.row_for("lumen", image_of(model="picture-1"), "standard") is None


def test_an_ambiguous_card_is_refused_instead_of_guessed() -> None:
    card = card_of(price_row(price="0.01", quality="high"), price_row(price="0.02", model="any"))

    with pytest.raises(ValueError, match="two prices fit lumen equally well"):
        card.row_for("lumen", image_of(), "high")


def test_two_equal_rows_are_ambiguous_too() -> None:
    card = card_of(price_row(), price_row())

    with pytest.raises(ValueError, match="two prices fit lumen equally well"):
        card.row_for("lumen", image_of(), "standard")


# --- the cards that ship -----------------------------------------------------------------------


@pytest.mark.parametrize("card", [GUIDE, VENDOR], ids=["guide", "vendor"])
def test_no_offer_of_the_catalogue_is_priced_ambiguously(card: RateCard) -> None:
    for provider in catalogue().providers.values():
        for offer in provider.offers:
            for frame in offer.frames:
                for quality in offer.qualities:
                    card.row_for(provider.id, Match(offer, frame), quality)


@pytest.mark.parametrize("card", [GUIDE, VENDOR], ids=["guide", "vendor"])
def test_no_price_of_a_card_is_zero_and_each_can_be_shown(card: RateCard) -> None:
    assert {row.provider for row in card.rows if row.micros <= 0} == set()
    assert {row.provider for row in card.rows if row.micros % 100} == set()


@pytest.mark.parametrize("card", [GUIDE, VENDOR], ids=["guide", "vendor"])
def test_a_row_counts_what_its_medium_is_sold_by(card: RateCard) -> None:
    providers = catalogue().providers
    for row in card.rows:
        images = providers[row.provider].media is Media.IMAGE
        assert (row.unit is Unit.IMAGE) == images, row


@pytest.mark.parametrize("row", VENDOR.rows, ids=lambda row: f"{row.provider}-{row.resolution}")
def test_every_vendor_price_says_where_and_when_it_was_read(row: PriceRow) -> None:
    assert len(row.source) > 10
    assert row.as_of is not None
    assert date(2026, 1, 1) <= row.as_of <= date(2026, 11, 22)


def test_every_vendor_row_prices_something_that_the_catalogue_sells() -> None:
    providers = catalogue().providers
    for row in VENDOR.rows:
        sizes = {
            (offer.model, frame.resolution)
            for offer in providers[row.provider].offers
            for frame in offer.frames
        }
        assert any(
            row.model in (None, model) and row.resolution in (None, resolution)
            for model, resolution in sizes
        ), row


def test_sizes_without_a_published_vendor_price_are_not_offered() -> None:
    offer = catalogue().providers["nanobanana"].offers[0]
    large = Match(offer, Frame("2048x2048", "1:1", 2048, 2048))

    assert VENDOR.row_for("nanobanana", large, "standard") is None


def test_the_held_price_of_a_token_counting_vendor_covers_its_published_count() -> None:
    """1K of Gemini is 1,120 output tokens."""
    offer = catalogue().providers["nanobanana"].offers[0]
    row = VENDOR.row_for("nanobanana", Match(offer, offer.frames[0]), "standard")

    assert row is not None
    assert row.micros_per_million_tokens is not None
    assert price_of_tokens(row.micros_per_million_tokens, 1120) == row.micros


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({}, "own/*/*/*"),
        ({"resolution": "720p"}, "own/*/720p/*"),
        ({"model": "m-1", "resolution": "4k", "quality": "high"}, "own/m-1/4k/high"),
    ],
)
def test_a_price_has_a_name_on_its_card(fields: dict[str, str], name: str) -> None:
    row = price_row("lumen", **fields)

    assert card_of(row).name_of(row) == name
