"""From a request to a priced chain, or to the one reason why there is none."""

from typing import Any

import pytest

from filmgate.domain.chain import OnUnknown, ProviderSettings
from filmgate.domain.errors import (
    CostLimitExceeded,
    NoCapableProvider,
    Retired,
    ValidationFailed,
)
from filmgate.domain.wishes import Media
from filmgate.usecases.request import Priced, Request, priced
from tests.support.builders import (
    NOW,
    TENANT,
    card_of,
    catalogue_of,
    clip_wish,
    image_wish,
    price_row,
    provider,
    request,
    retirement,
    usd,
    with_keys,
)
from tests.support.memory_studio import MemoryStudio

SHOP = catalogue_of(
    provider("lumen", priority=1, aliases=("lamp",)),
    provider("other", priority=2),
    provider("gone", priority=3, retired=retirement(NOW, "lumen")),
    provider("clips", media=Media.VIDEO),
)
PRICES = card_of(
    price_row("lumen", "0.0200"), price_row("other", "0.0300"), price_row("gone", "0.0100")
)


def price_of(asked: Request, cost_limit: str | None = None, **others: Any) -> Priced:
    studio = MemoryStudio()
    studio.settings[TENANT] = others.pop("settings", with_keys("lumen", "other", "gone", "clips"))
    return priced(
        asked,
        tenant=TENANT,
        cost_limit=None if cost_limit is None else usd(cost_limit),
        studio=studio,
        catalogue=SHOP,
        card=PRICES,
        now=NOW,
    )


def test_the_first_provider_is_expected_and_the_dearest_is_the_most() -> None:
    found = price_of(request())

    assert (found.expected, found.max) == (usd("0.0200"), usd("0.0300"))
    assert [entry.provider.id for entry in found.plan.eligible] == ["lumen", "other"]


def test_going_on_after_unknown_outcomes_can_cost_them_all() -> None:
    assert price_of(request(on_unknown=OnUnknown.NEXT)).max == usd("0.0500")


def test_the_limit_takes_out_who_is_too_dear_and_bounds_the_most() -> None:
    found = price_of(request(on_unknown=OnUnknown.NEXT), "0.0250")

    assert [entry.provider.id for entry in found.plan.eligible] == ["lumen"]
    assert found.max == usd("0.0200")


def test_a_limit_below_every_price_names_the_cheapest() -> None:
    with pytest.raises(CostLimitExceeded, match=r"costs 0\.0200 USD; the cost limit is 0\.0100"):
        price_of(request(), "0.0100")


def test_a_limit_of_nothing_buys_nothing() -> None:
    with pytest.raises(CostLimitExceeded):
        price_of(request(), "0")


def test_an_alias_is_as_good_as_the_id() -> None:
    assert price_of(request(provider="lamp")).expected == usd("0.0200")


def test_a_provider_that_does_not_exist_is_a_mistake_of_the_field() -> None:
    with pytest.raises(ValidationFailed) as refused:
        price_of(request(provider="nobody"))

    assert refused.value.facts["errors"] == [
        {
            "pointer": "/provider",
            "message": "unknown provider; known are clips, gone, lumen, other, auto",
        }
    ]


@pytest.mark.parametrize(
    ("name", "wish", "told"),
    [
        ("clips", image_wish(), "clips makes video only."),
        ("lumen", clip_wish(), "lumen makes image only."),
    ],
)
def test_a_provider_of_the_other_medium_cannot_make_it(name: str, wish: Any, told: str) -> None:
    with pytest.raises(NoCapableProvider) as refused:
        price_of(request(wish, provider=name))

    assert (refused.value.detail, refused.value.facts) == (told, {"provider": name})


def test_a_retired_provider_asked_for_by_name_points_at_its_replacement() -> None:
    with pytest.raises(Retired) as refused:
        price_of(request(provider="gone"))

    assert refused.value.detail == "gone: retired by its vendor on 2026-11-22; use lumen."
    assert refused.value.facts == {"replacement": "lumen"}


def test_a_retired_provider_within_auto_is_only_passed_over() -> None:
    reasons = {
        entry.provider.id: entry.exclusion.code
        for entry in price_of(request()).plan.entries
        if entry.exclusion
    }

    assert reasons == {"gone": "retired"}


def test_when_nobody_can_every_reason_is_told() -> None:
    settings = {"lumen": ProviderSettings(key_set=True, enabled=False)}

    with pytest.raises(NoCapableProvider) as refused:
        price_of(request(), settings=settings)

    assert refused.value.facts["reasons"] == {
        "lumen": "switched off in the settings",
        "other": "has no key yet",
        "gone": "retired by its vendor on 2026-11-22; use lumen",
    }
    assert "lumen: switched off in the settings; other: has no key yet" in refused.value.detail


def test_only_one_provider_asked_for_is_told_about() -> None:
    with pytest.raises(NoCapableProvider) as refused:
        price_of(request(provider="other"), settings={})

    assert refused.value.detail == "other: has no key yet."


def test_wishes_that_would_be_left_out_are_warned_of() -> None:
    found = price_of(request(image_wish(seed=7), provider="other"))

    assert found.warnings == ("other has no field for seed: it would be left out there",)
