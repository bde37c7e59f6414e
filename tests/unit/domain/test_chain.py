"""The chain: who will be tried, in which order, why the others not, and what it can cost."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from filmgate.domain.catalogue import Catalogue
from filmgate.domain.chain import (
    OnRefusal,
    OnUnknown,
    Plan,
    ProviderSettings,
    make_plan,
    retirements_of,
    warnings_of,
    within,
)
from filmgate.domain.health import Health, after_success
from filmgate.domain.pricing import RateCard, Unit
from filmgate.domain.strategies import Role, Strategy
from filmgate.domain.wishes import Wish
from filmgate.providers.data import catalogue, rate_card
from tests.support.builders import (
    NOW,
    TODAY,
    card_of,
    catalogue_of,
    clip_wish,
    image_offer,
    image_wish,
    price_row,
    provider,
    retirement,
    usd,
    with_keys,
)

THREE = catalogue_of(
    provider("amber", priority=1), provider("birch", priority=2), provider("cedar", priority=3)
)
PRICES = card_of(
    price_row("amber", "0.0300"), price_row("birch", "0.0100"), price_row("cedar", "0.0200")
)
KEYS = with_keys("amber", "birch", "cedar")


def plan(wish: Wish | None = None, **others: Any) -> Plan:
    facts: dict[str, Any] = {
        "provider": "auto",
        "strategy": Strategy.PRIORITY,
        "catalogue": THREE,
        "card": PRICES,
        "settings": KEYS,
        "health": {},
        "now": NOW,
    }
    return make_plan(wish or image_wish(), **{**facts, **others})


def order(made: Plan) -> list[str]:
    return [entry.provider.id for entry in made.entries]


def policies(made: Plan) -> dict[str, tuple[str, str]]:
    return {one.provider.id: (one.on_refusal, one.on_unknown) for one in made.entries}


def reason(made: Plan, name: str) -> tuple[str, str] | None:
    entry = next(one for one in made.entries if one.provider.id == name)
    return (entry.exclusion.code, entry.exclusion.message) if entry.exclusion else None


# --- order -------------------------------------------------------------------------------------


def test_without_a_word_the_owners_order_is_followed() -> None:
    assert order(plan()) == ["amber", "birch", "cedar"]


def test_the_cheapest_strategy_puts_the_lowest_price_first() -> None:
    made = plan(strategy=Strategy.CHEAPEST)

    assert order(made) == ["birch", "cedar", "amber"]
    assert made.expected == usd("0.0100")


def test_equal_prices_keep_the_owners_order() -> None:
    card = card_of(*(price_row(name, "0.0200") for name in ("cedar", "birch", "amber")))

    assert order(plan(strategy=Strategy.CHEAPEST, card=card)) == ["amber", "birch", "cedar"]


def test_the_owners_own_priority_overrides_the_catalogues() -> None:
    settings = {**KEYS, "cedar": ProviderSettings(key_set=True, priority=0)}

    assert order(plan(settings=settings)) == ["cedar", "amber", "birch"]


def test_asking_for_one_provider_gives_a_chain_of_one() -> None:
    assert order(plan(provider="birch")) == ["birch"]


def test_an_alias_is_as_good_as_the_id() -> None:
    wide = catalogue_of(provider("amber", aliases=("electron",)))

    assert order(plan(provider="electron", catalogue=wide)) == ["amber"]


def test_an_unknown_provider_gives_an_empty_chain_without_a_price() -> None:
    made = plan(provider="nobody")

    assert made.entries == ()
    assert made.expected is None
    assert made.worst_case() is None


def test_those_that_cannot_stand_behind_those_that_can() -> None:
    settings = {**KEYS, "amber": ProviderSettings(key_set=True, enabled=False)}

    made = plan(settings=settings)

    assert order(made) == ["birch", "cedar", "amber"]
    assert [entry.provider.id for entry in made.eligible] == ["birch", "cedar"]


def test_the_cheapest_order_puts_those_without_a_price_last() -> None:
    card = card_of(price_row("cedar", "0.0200"), price_row("birch", "0.0100"))

    assert order(plan(strategy=Strategy.CHEAPEST, card=card)) == ["birch", "cedar", "amber"]


# --- settings and standing ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            ProviderSettings(key_set=True, enabled=False),
            ("disabled", "switched off in the settings"),
        ),
        (ProviderSettings(key_set=False), ("no-key", "has no key yet")),
        (
            ProviderSettings(key_set=True, model="picture-9"),
            ("no-offer", "has no model on sale"),
        ),
    ],
)
def test_the_owners_settings_can_take_a_provider_out(
    settings: ProviderSettings, expected: tuple[str, str]
) -> None:
    assert reason(plan(settings={**KEYS, "birch": settings}), "birch") == expected


def in_doubt(price: str) -> dict[str, ProviderSettings]:
    doubted = ProviderSettings(key_set=True, doubted_prices=frozenset({price}))
    return {**KEYS, "birch": doubted}


def test_a_price_that_its_vendor_overstepped_is_not_sold() -> None:
    made = plan(settings=in_doubt("own/*/*/*"))

    told = reason(made, "birch")
    assert told is not None
    assert told[0] == "price-in-doubt"
    assert order(made) == ["amber", "cedar", "birch"]


def test_other_prices_of_that_provider_are_sold_as_before() -> None:
    assert reason(plan(settings=in_doubt("own/*/1080p/*")), "birch") is None
    assert reason(plan(settings=in_doubt("guide/*/*/*")), "birch") is None


def test_what_was_wrong_before_is_told_before_a_price_in_doubt() -> None:
    settings = in_doubt("own/*/*/*")
    off = replace(settings["birch"], enabled=False)

    told = reason(plan(settings={**settings, "birch": off}), "birch")

    assert told is not None
    assert told[0] == "disabled"


def test_a_provider_without_settings_is_enabled_and_without_a_key() -> None:
    assert reason(plan(settings={}), "amber") == ("no-key", "has no key yet")


def test_a_provider_that_needs_no_key_needs_no_settings() -> None:
    ours = catalogue_of(provider("amber", needs_key=False))

    assert reason(plan(catalogue=ours, settings={}), "amber") is None


def test_an_adapter_that_is_not_built_is_said_to_be_so() -> None:
    unbuilt = catalogue_of(provider("amber", built=False))

    assert reason(plan(catalogue=unbuilt), "amber") == ("not-built", "adapter not built yet")


def test_a_price_is_shown_even_for_a_provider_that_is_out() -> None:
    entry = plan(settings={}, provider="birch").entries[0]

    assert not entry.eligible
    assert entry.cost == usd("0.0100")


def test_the_owners_choice_of_model_is_the_only_one_offered() -> None:
    two = catalogue_of(provider("amber", image_offer("picture-1"), image_offer("picture-2")))
    card = card_of(price_row("amber", "0.0300"))

    first = plan(catalogue=two, card=card).entries[0]
    choice = {"amber": ProviderSettings(key_set=True, model="picture-2")}
    chosen = plan(catalogue=two, card=card, settings=choice).entries[0]

    assert first.match is not None
    assert chosen.match is not None
    assert (first.match.offer.model, chosen.match.offer.model) == ("picture-1", "picture-2")


def test_the_first_model_that_fits_and_has_a_price_is_taken() -> None:
    two = catalogue_of(
        provider("amber", image_offer("small", prompt_max_chars=1), image_offer("large"))
    )
    card = card_of(price_row("amber", "0.0500", model="large"))

    entry = plan(catalogue=two, card=card).entries[0]

    assert entry.match is not None
    assert entry.match.offer.model == "large"
    assert entry.cost == usd("0.0500")


def test_an_owners_own_host_travels_with_the_chain() -> None:
    settings = {**KEYS, "amber": ProviderSettings(key_set=True, api_url="https://amber.example")}

    assert plan(settings=settings).entries[0].api_url == "https://amber.example"


# --- retirement --------------------------------------------------------------------------------


def test_a_retired_provider_is_out_from_its_day_on_and_names_its_replacement() -> None:
    gone = catalogue_of(provider("amber", retired=retirement(NOW, "birch")))

    assert reason(plan(catalogue=gone), "amber") == (
        "retired",
        "retired by its vendor on 2026-11-22; use birch",
    )


def test_a_provider_answers_until_the_day_before_its_retirement() -> None:
    leaving = catalogue_of(provider("amber", retired=retirement(NOW + timedelta(days=1))))

    assert reason(plan(catalogue=leaving), "amber") is None


def test_without_a_replacement_none_is_named() -> None:
    gone = catalogue_of(provider("amber", retired=retirement(NOW)))

    assert reason(plan(catalogue=gone), "amber") == (
        "retired",
        "retired by its vendor on 2026-11-22",
    )


def test_a_retired_protocol_lives_on_at_a_host_of_the_owners() -> None:
    gone = catalogue_of(provider("amber", retired=retirement(NOW)))
    settings = {"amber": ProviderSettings(key_set=True, api_url="https://amber.example")}

    assert reason(plan(catalogue=gone, settings=settings), "amber") is None


@pytest.mark.parametrize(("days", "out"), [(0, True), (-1, True), (1, False)])
def test_a_retired_model_is_not_on_sale(days: int, out: bool) -> None:
    model = image_offer(retires_on=TODAY + timedelta(days=days))
    shop = catalogue_of(provider("amber", model))

    told = reason(plan(catalogue=shop), "amber")

    assert told == (("no-offer", "has no model on sale") if out else None)


# --- price -------------------------------------------------------------------------------------


def test_what_the_card_has_no_price_for_is_not_offered() -> None:
    card = card_of(price_row("birch"), price_row("cedar"), name="own")

    assert reason(plan(card=card), "amber") == (
        "not-offered",
        "the own card has no price for 1024x1024",
    )


def test_what_an_offer_cannot_make_is_told_in_its_own_words() -> None:
    assert reason(plan(image_wish(quality="high")), "amber") == (
        "quality-not-offered",
        "quality high is not offered (offered: standard)",
    )


def test_the_standing_of_a_provider_is_told_before_what_it_cannot_make() -> None:
    made = plan(image_wish(quality="high"), settings={})

    assert reason(made, "amber") == ("no-key", "has no key yet")


def test_one_attempt_of_a_chain_is_paid_so_its_worst_case_is_the_dearest() -> None:
    assert plan().expected == usd("0.0300")
    assert plan(strategy=Strategy.CHEAPEST).worst_case() == usd("0.0300")


def test_going_on_after_an_unknown_outcome_can_leave_every_attempt_paid() -> None:
    assert plan(on_unknown=OnUnknown.NEXT).worst_case() == usd("0.0600")


def test_only_what_may_be_left_in_doubt_is_counted_besides_the_one_that_is_paid() -> None:
    """amber 0.03, birch 0.01, cedar 0.02, tried in this order."""
    only_amber = {**KEYS, "amber": ProviderSettings(key_set=True, on_unknown=OnUnknown.NEXT)}
    only_cedar = {**KEYS, "cedar": ProviderSettings(key_set=True, on_unknown=OnUnknown.NEXT)}

    assert plan(settings=only_amber).worst_case() == usd("0.0500")
    assert plan(settings=only_cedar).worst_case() == usd("0.0300")


def test_what_the_request_says_stands_above_the_owners_settings() -> None:
    settings = {
        **KEYS,
        "birch": ProviderSettings(
            key_set=True, on_refusal=OnRefusal.STOP, on_unknown=OnUnknown.NEXT
        ),
    }

    said = plan(settings=settings, on_refusal=OnRefusal.NEXT, on_unknown=OnUnknown.STOP)

    assert policies(plan(settings=settings)) == {
        "amber": ("next", "stop"),
        "birch": ("stop", "next"),
        "cedar": ("next", "stop"),
    }
    assert policies(said) == dict.fromkeys(("amber", "birch", "cedar"), ("next", "stop"))


def test_the_cost_limit_bounds_the_worst_case() -> None:
    made = plan(on_unknown=OnUnknown.NEXT)

    assert made.worst_case(usd("0.0450")) == usd("0.0450")
    assert made.worst_case(usd("0.0600")) == usd("0.0600")
    assert made.worst_case(usd("0.0700")) == usd("0.0600")


def test_providers_above_the_cost_limit_are_not_tried() -> None:
    made = within(plan(), usd("0.0200"))

    assert order(made) == ["birch", "cedar", "amber"]
    assert reason(made, "amber") == ("over-cost-limit", "its price is above the cost limit")
    assert reason(made, "cedar") is None
    assert made.expected == usd("0.0100")


def test_a_limit_that_nobody_meets_leaves_nobody() -> None:
    made = within(plan(), usd("0.0050"))

    assert made.eligible == ()
    assert made.expected is None


def test_the_limit_does_not_hide_an_earlier_reason() -> None:
    settings = {**KEYS, "amber": ProviderSettings(key_set=True, enabled=False)}

    made = within(plan(settings=settings), usd("0.0050"))

    assert reason(made, "amber") == ("disabled", "switched off in the settings")


def test_a_limit_keeps_what_was_said_about_unknown_outcomes() -> None:
    made = within(plan(on_unknown=OnUnknown.NEXT), usd("0.0200"))

    assert made.worst_case() == usd("0.0300")


# --- warnings ----------------------------------------------------------------------------------


def test_a_wish_without_a_field_is_a_warning_for_every_provider_that_may_be_tried() -> None:
    wish = image_wish(seed=7)
    some = catalogue_of(
        provider("amber", image_offer(accepts=frozenset({"seed"}))), provider("birch", priority=2)
    )

    told = warnings_of(plan(wish, catalogue=some), wish)

    assert told == ["birch has no field for seed: it would be left out there"]


def test_nobody_is_warned_of_a_provider_that_will_not_be_tried() -> None:
    wish = image_wish(seed=7)

    assert warnings_of(plan(wish, settings=with_keys("cedar")), wish) == [
        "cedar has no field for seed: it would be left out there"
    ]


# --- the catalogue and the cards that ship -----------------------------------------------------


def at_home(name: str) -> ProviderSettings:
    return ProviderSettings(key_set=True, api_url=f"https://{name}.example")


def shipped(wish: Wish, card: str = "guide", **others: Any) -> Plan:
    whole: Catalogue = catalogue()
    prices: RateCard = rate_card(card)
    keys = with_keys(*whole.providers)
    return plan(wish, **{"catalogue": whole, "card": prices, "settings": keys, **others})


def test_an_image_is_tried_at_dalle_then_nanobanana() -> None:
    made = shipped(image_wish())

    assert [entry.provider.id for entry in made.eligible] == ["dalle", "nanobanana"]
    assert [entry.cost for entry in made.eligible] == [usd("0.0200"), usd("0.0100")]


def test_where_the_owner_has_a_proxy_midjourney_is_the_third() -> None:
    own = {**with_keys("dalle", "nanobanana"), "midjourney": at_home("midjourney")}

    made = shipped(image_wish(), settings=own)

    assert [entry.provider.id for entry in made.eligible] == ["dalle", "nanobanana", "midjourney"]
    assert [entry.cost for entry in made.eligible][2:] == [usd("0.0150")]


def test_a_clip_from_words_is_tried_at_kling_then_at_whan() -> None:
    made = shipped(clip_wish())

    assert [entry.provider.id for entry in made.eligible] == ["kling", "whan"]
    assert reason(made, "flow") == ("keyframe-needed", "needs a keyframe: set params.image")
    assert reason(made, "veo") == ("not-offered", "the guide card has no price for 720p")


def test_a_clip_from_a_keyframe_can_be_flow() -> None:
    made = shipped(clip_wish(image="take_x"), strategy=Strategy.CHEAPEST)

    assert [entry.provider.id for entry in made.eligible] == ["flow", "whan", "kling"]
    assert made.expected == usd("0.0042")


def test_all_five_make_a_clip_where_the_vendor_card_counts_and_the_owner_has_a_host_for_sora() -> (
    None
):
    own = {**with_keys("kling", "whan", "veo", "flow"), "sora": at_home("sora")}
    wish = clip_wish(image="take_x", duration_s=8)

    made = shipped(wish, card="vendor", settings=own)

    assert [entry.provider.id for entry in made.eligible] == [
        "kling",
        "whan",
        "veo",
        "sora",
        "flow",
    ]


@pytest.mark.parametrize("name", ["flow", "kling"])
def test_flow_and_kling_do_not_make_4k(name: str) -> None:
    made = shipped(clip_wish(resolution="4k", image="take_x"), provider=name)

    told = reason(made, name)
    assert told is not None
    assert told[0] == "resolution-not-offered"


def test_sora_is_retired_and_points_at_kling() -> None:
    assert reason(shipped(clip_wish(duration_s=8)), "sora") == (
        "retired",
        "retired by its vendor on 2026-09-24; use kling",
    )


def test_every_provider_of_the_catalogue_has_its_adapter() -> None:
    assert {name for name, one in catalogue().providers.items() if not one.built} == set()


def test_the_vendor_card_prices_by_what_vendors_bill() -> None:
    made = shipped(clip_wish(duration_s=5), card="vendor", provider="kling")

    assert made.expected == usd("0.5600")
    assert made.entries[0].row is not None
    assert made.entries[0].row.unit is Unit.SECOND


@pytest.mark.parametrize(("days", "told"), [(1, True), (30, True), (31, False)])
def test_a_model_that_its_vendor_ends_within_a_month_is_a_warning(days: int, told: bool) -> None:
    ending = TODAY + timedelta(days=days)
    some = catalogue_of(provider("amber", image_offer(retires_on=ending)))

    warnings = retirements_of(plan(catalogue=some, provider="amber"), TODAY)

    expected = [f"amber: its model picture-1 is retired on {ending}"] if told else []
    assert warnings == expected


def test_a_provider_without_any_address_asks_for_one() -> None:
    homeless = catalogue_of(provider("amber", hosts=frozenset()))

    assert reason(plan(catalogue=homeless), "amber") == (
        "no-address",
        "has no address yet: set its api_url",
    )


def test_an_ended_model_lives_on_where_the_owner_names_it_and_a_host() -> None:
    ended = catalogue_of(provider("amber", image_offer(retires_on=TODAY)))
    own = ProviderSettings(key_set=True, api_url="https://amber.example", model="picture-1")

    assert reason(plan(catalogue=ended, settings={"amber": own}), "amber") is None


def test_the_fastest_strategy_goes_by_what_was_observed_else_by_what_is_expected() -> None:
    shop = catalogue_of(
        provider("amber", image_offer(expected_s=30), priority=1),
        provider("birch", image_offer(expected_s=20), priority=2),
        provider("cedar", image_offer(expected_s=60), priority=3),
    )
    quick = after_success(Health(), duration=timedelta(seconds=5), cost=0)

    unseen = plan(strategy=Strategy.FASTEST, catalogue=shop)
    seen = plan(strategy=Strategy.FASTEST, catalogue=shop, health={"cedar": quick})

    assert order(unseen) == ["birch", "amber", "cedar"]
    assert order(seen) == ["cedar", "birch", "amber"]


def test_the_models_that_openai_ends_within_a_month_are_told_in_the_estimate() -> None:
    own = {"dalle": ProviderSettings(key_set=True, model="gpt-image-1.5")}
    facts = {"catalogue": catalogue(), "card": rate_card("vendor"), "settings": own}

    made = plan(provider="dalle", **facts)

    assert made.expected == usd("0.0340")
    assert retirements_of(made, TODAY) == [
        "dalle: its model gpt-image-1.5 is retired on 2026-12-01"
    ]


# --- quality and hybrid ------------------------------------------------------------------------

RANKED = replace(
    catalogue_of(
        provider("amber", image_offer(quality_rank=60, expected_s=30), priority=1),
        provider("birch", image_offer(quality_rank=40, expected_s=20), priority=2),
        provider("cedar", image_offer(quality_rank=80, expected_s=10), priority=3),
    ),
    hybrid={
        Role.KEYFRAME: Strategy.QUALITY,
        Role.VARIATION: Strategy.CHEAPEST,
        Role.CLIP: Strategy.FASTEST,
    },
)


def test_the_quality_strategy_follows_the_ranks_of_the_catalogue() -> None:
    assert order(plan(strategy=Strategy.QUALITY, catalogue=RANKED)) == ["cedar", "amber", "birch"]


def test_equal_ranks_keep_the_owners_order_whatever_they_cost() -> None:
    assert order(plan(strategy=Strategy.QUALITY)) == ["amber", "birch", "cedar"]


def test_the_rank_that_counts_is_that_of_the_offer_that_would_be_asked() -> None:
    shop = catalogue_of(
        provider("amber", image_offer("old", quality_rank=10), image_offer(quality_rank=99)),
        provider("birch", image_offer(quality_rank=20), priority=2),
    )
    named = {**KEYS, "amber": ProviderSettings(key_set=True, model="picture-1")}

    assert order(plan(strategy=Strategy.QUALITY, catalogue=shop)) == ["birch", "amber"]
    assert order(plan(strategy=Strategy.QUALITY, catalogue=shop, settings=named)) == [
        "amber", "birch",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("role", "same_as"),
    [
        (None, Strategy.QUALITY),
        (Role.KEYFRAME, Strategy.QUALITY),
        (Role.VARIATION, Strategy.CHEAPEST),
        (Role.CLIP, Strategy.FASTEST),
    ],
)
def test_hybrid_is_another_strategy_for_every_role(role: Role | None, same_as: Strategy) -> None:
    health = {"cedar": after_success(Health(), duration=timedelta(seconds=90), cost=usd("0.0200"))}
    facts = {"catalogue": RANKED, "health": health}

    made = plan(strategy=Strategy.HYBRID, role=role, **facts)

    assert made == plan(strategy=same_as, **facts)
    assert len({plan(strategy=one, **facts) for one in RANKED.hybrid.values()}) == 3


def test_a_lone_clip_is_a_clip_to_the_hybrid_strategy_that_ships() -> None:
    wish = clip_wish(image="take_x")

    assert shipped(wish, strategy=Strategy.HYBRID) == shipped(wish, strategy=Strategy.FASTEST)
    assert shipped(image_wish(), strategy=Strategy.HYBRID) == shipped(
        image_wish(), strategy=Strategy.QUALITY
    )


def test_by_quality_the_shipped_images_come_from_dalle_then_midjourney_then_nanobanana() -> None:
    keys = with_keys(*catalogue().providers)
    keys["midjourney"] = replace(keys["midjourney"], api_url="https://proxy.example")

    made = shipped(image_wish(), strategy=Strategy.QUALITY, settings=keys)

    assert len(made.eligible) == 3
    assert order(made) == ["dalle", "midjourney", "nanobanana"]


# --- keys of another kind ----------------------------------------------------------------------

PAIR = ("access_key", "secret_key")
SPLIT = catalogue_of(
    provider(
        "amber",
        image_offer("new", key_fields=(("api_key",),)),
        image_offer("old"),
    )
)


@pytest.mark.parametrize(("shape", "model"), [((), "new"), (("api_key",), "new"), (PAIR, "old")])
def test_a_model_is_chosen_that_the_stored_key_opens(shape: tuple[str, ...], model: str) -> None:
    settings = {"amber": ProviderSettings(key_set=True, key_shape=shape)}

    (entry,) = plan(settings=settings, catalogue=SPLIT).eligible

    assert entry.match is not None
    assert entry.match.offer.model == model


def test_a_model_that_the_owner_chose_and_the_key_does_not_open_says_so() -> None:
    settings = {"amber": ProviderSettings(key_set=True, key_shape=PAIR, model="new")}

    assert reason(plan(settings=settings, catalogue=SPLIT), "amber") == (
        "key-unfit",
        "new takes api_key; the stored key has access_key and secret_key",
    )
