"""What can be asked for by the name of a model, from the real catalogue."""

from datetime import date
from typing import Final

import pytest

from filmgate.domain.chain import ProviderSettings
from filmgate.domain.errors import GatewayError, ModelNotFound, Retired, ValidationFailed
from filmgate.domain.strategies import Strategy
from filmgate.domain.wishes import Media, Wish
from filmgate.providers.data import catalogue, rate_card
from filmgate.usecases.models import Choice, choose, find_model, list_models
from filmgate.usecases.request import Request, priced
from tests.support.builders import NOW, TENANT
from tests.support.memory_studio import MemoryStudio

HOST: Final = "https://lumen.example"
TRIES: Final = [
    Wish(Media.IMAGE, "a fox"),
    *(
        Wish(Media.VIDEO, "a fox", resolution=size, duration_s=seconds, image=image)
        for size in ("720p", "1080p")
        for seconds in (4, 5, 8)
        for image in (None, "upl_a")
    ),
]


def studio_of(**settings: ProviderSettings) -> MemoryStudio:
    """Every provider has a key; what is said of one holds instead."""
    studio = MemoryStudio()
    every = {name: ProviderSettings(key_set=True) for name in catalogue().providers}
    studio.settings[TENANT] = {**every, **settings}
    return studio


def names(studio: MemoryStudio, card: str = "guide") -> list[str]:
    shelf = {"catalogue": catalogue(), "card": rate_card(card), "now": NOW}
    return [model.id for model in list_models(tenant=TENANT, studio=studio, **shelf)]


def chosen(name: str | None, media: Media, studio: MemoryStudio | None = None) -> Choice:
    return choose(
        name,
        media,
        tenant=TENANT,
        studio=studio or studio_of(),
        catalogue=catalogue(),
        today=NOW.date(),
    )


def can_be_bought(name: str, wish: Wish, studio: MemoryStudio, card: str) -> bool:
    """Whether somebody of the chain that the name stands for makes this, and with that model."""
    try:
        choice = chosen(name, wish.type, studio)
        found = priced(
            Request(wish=wish, provider=choice.provider, model=choice.model),
            tenant=TENANT,
            cost_limit=None,
            studio=studio,
            catalogue=catalogue(),
            card=rate_card(card),
            now=NOW,
        )
    except GatewayError:
        return False
    models = {one.match.offer.model for one in found.plan.eligible if one.match}
    return choice.model is None or models == {choice.model}


@pytest.mark.parametrize("card", ["guide", "vendor"])
@pytest.mark.parametrize(
    "own",
    [
        {},
        {"sora": ProviderSettings(key_set=True, api_url=HOST)},
        {"veo": ProviderSettings(key_set=True, api_url=HOST, model="veo-3.1-generate-preview")},
        {"midjourney": ProviderSettings(key_set=True, api_url=HOST)},
    ],
)
def test_what_is_listed_can_be_bought_and_of_the_vendors_models_nothing_else(
    card: str, own: dict[str, ProviderSettings]
) -> None:
    studio = studio_of(**own)
    listed = set(names(studio, card))
    vendors = {o.model for p in catalogue().providers.values() for o in p.offers}

    bought = {
        name
        for name in listed | vendors | set(catalogue().providers)
        if any(can_be_bought(name, wish, studio, card) for wish in TRIES)
    }

    assert bought == listed


def test_names_of_ours_come_first_and_nothing_comes_twice() -> None:
    listed = names(studio_of())

    assert listed[: 1 + len(Strategy)] == ["auto", *Strategy]
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize(
    ("name", "media", "choice"),
    [
        (None, Media.IMAGE, Choice()),
        ("auto", Media.VIDEO, Choice()),
        ("cheapest", Media.VIDEO, Choice(strategy=Strategy.CHEAPEST)),
        ("whan", Media.VIDEO, Choice("whan")),
        ("wan", Media.VIDEO, Choice("whan")),
        ("wan2.7-t2v", Media.VIDEO, Choice("whan", "wan2.7-t2v")),
        ("gpt-image-2.6-sunburst", Media.IMAGE, Choice("dalle", "gpt-image-2.6-sunburst")),
    ],
)
def test_a_name_stands_for_a_provider_a_model_or_a_strategy(
    name: str | None, media: Media, choice: Choice
) -> None:
    assert chosen(name, media) == choice


@pytest.mark.parametrize("name", ["", "dall-e", "GPT-IMAGE-2.6-FLARE", "gpt-9"])
def test_any_other_name_is_not_found(name: str) -> None:
    with pytest.raises(ModelNotFound):
        chosen(name, Media.IMAGE)


def test_a_model_of_another_medium_is_pointed_at() -> None:
    with pytest.raises(ValidationFailed) as refused:
        chosen("kling-3.0", Media.IMAGE)

    assert refused.value.faults == (("/model", "kling-3.0 makes video only"),)


@pytest.mark.parametrize(
    ("name", "media", "replacement"),
    [
        ("dall-e-2", Media.IMAGE, "gpt-image-2.6-flare"),
        ("sora-2-pro", Media.VIDEO, "kling"),
        ("veo-3.1-fast-generate-preview", Media.VIDEO, "gemini-omni-1.1-flash"),
    ],
)
def test_what_its_vendor_has_ended_names_its_replacement(
    name: str, media: Media, replacement: str
) -> None:
    with pytest.raises(Retired) as refused:
        chosen(name, media)

    assert refused.value.facts == {"replacement": replacement}


def test_what_its_vendor_has_ended_lives_on_at_a_host_of_the_owner_s() -> None:
    model = "veo-3.1-generate-preview"
    studio = studio_of(
        sora=ProviderSettings(key_set=True, api_url=HOST),
        veo=ProviderSettings(key_set=True, api_url=HOST, model=model),
    )

    assert chosen("sora-2", Media.VIDEO, studio) == Choice("sora", "sora-2")
    assert chosen(model, Media.VIDEO, studio) == Choice("veo", model)


def test_a_model_is_found_by_its_name_with_the_day_of_its_end() -> None:
    found = find_model(
        "gpt-image-1-mini",
        tenant=TENANT,
        studio=studio_of(),
        catalogue=catalogue(),
        card=rate_card("guide"),
        now=NOW,
    )

    assert (found.owner, found.ends_on) == ("dalle", date(2026, 12, 1))
