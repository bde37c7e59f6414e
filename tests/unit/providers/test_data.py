"""The catalogue that ships: every offer of every provider is well formed."""

import re
from importlib import import_module
from math import gcd
from typing import Any

import pytest
from pydantic import ValidationError

from filmgate.domain.catalogue import Frame, Offer, Provider
from filmgate.domain.strategies import Role, Strategy
from filmgate.domain.wishes import Media
from filmgate.providers import data
from filmgate.providers.data import catalogue, rate_card

PROVIDERS = list(catalogue().providers.values())
OFFERS = [(one, offer) for one in PROVIDERS for offer in one.offers]
FRAMES = [(offer.model, frame) for _, offer in OFFERS for frame in offer.frames]
BUILT = [one for one in PROVIDERS if one.built]

FIELDS_OF_A_WISH = {"image", "motion", "fps", "negative_prompt", "seed", "style"}
SHORT_SIDE = {"720p": 720, "1080p": 1080, "4k": 2160}


def test_the_catalogue_has_the_seven_providers_of_the_product_and_ours() -> None:
    by_media = {media: {one.id for one in PROVIDERS if one.media is media} for media in Media}

    assert by_media[Media.IMAGE] == {"dalle", "midjourney", "nanobanana"}
    assert by_media[Media.VIDEO] == {"flow", "sora", "kling", "whan", "veo"}


def test_wan_is_another_name_of_whan() -> None:
    assert catalogue().find("wan") is catalogue().providers["whan"]


def test_no_alias_is_a_providers_id_or_belongs_to_two() -> None:
    aliases = [alias for one in PROVIDERS for alias in one.aliases]

    assert len(set(aliases)) == len(aliases)
    assert set(aliases).isdisjoint(catalogue().providers)


def test_sora_was_retired_by_its_vendor_and_names_a_replacement_of_its_medium() -> None:
    gone = catalogue().providers["sora"].retired

    assert gone is not None
    assert gone.since.isoformat() == "2026-09-24"
    assert gone.replacement is not None
    assert catalogue().providers[gone.replacement].media is Media.VIDEO


def test_only_sora_is_retired() -> None:
    assert [one.id for one in PROVIDERS if one.retired] == ["sora"]


def test_only_flow_needs_no_key() -> None:
    assert [one.id for one in PROVIDERS if not one.needs_key] == ["flow"]


@pytest.mark.parametrize("media", Media)
def test_no_two_providers_of_a_medium_have_one_priority(media: Media) -> None:
    priorities = [one.priority for one in PROVIDERS if one.media is media]

    assert sorted(priorities) == list(range(1, len(priorities) + 1))


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda one: one.id)
def test_a_provider_has_a_plain_id_words_and_an_offer(provider: Provider) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*", provider.id)
    assert provider.name
    assert provider.quality
    assert provider.speed
    assert provider.offers


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda one: one.id)
def test_a_host_is_a_plain_name_and_an_api_host_is_exact(provider: Provider) -> None:
    name = r"[a-z0-9-]+(\.[a-z0-9-]+)+"

    assert all(re.fullmatch(name, host) for host in provider.hosts)
    assert all(re.fullmatch(rf"\.?{name}", host) for host in provider.result_hosts)


@pytest.mark.parametrize("provider", BUILT, ids=lambda one: one.id)
def test_a_built_provider_has_an_adapter_and_calls_a_host_of_the_catalogue(
    provider: Provider,
) -> None:
    module = import_module(f"filmgate.providers.{provider.id}")

    host = module.DEFAULT_URL.removeprefix("https://")
    assert {"submit", "poll", "find", "kind"} <= set(dir(module.ADAPTER))
    called = {host} if host else set()  # ours calls nobody, midjourney the owner's own proxy
    assert called <= provider.hosts
    assert bool(called) == bool(provider.hosts)
    assert provider.hosts or provider.id in {"flow", "midjourney"}


def test_every_adapter_module_has_its_catalogue_table() -> None:
    public = {path.stem for path in data._HERE.glob("[!_]*.py")}
    modules = public - {"base", "data"}

    assert modules == {one.id for one in BUILT}


@pytest.mark.parametrize(("provider", "offer"), OFFERS, ids=lambda one: getattr(one, "model", ""))
def test_an_offer_is_well_formed(provider: Provider, offer: Offer) -> None:
    assert len(set(offer.frames)) == len(offer.frames)
    assert len({(f.resolution, f.aspect_ratio) for f in offer.frames}) == len(offer.frames)
    assert len(set(offer.qualities)) == len(offer.qualities)
    assert "standard" in offer.qualities
    assert offer.prompt_max_chars >= 1000
    assert 0 < offer.expected_s < offer.deadline_s
    assert offer.accepts <= FIELDS_OF_A_WISH
    assert not offer.needs_keyframe or "image" in offer.accepts


@pytest.mark.parametrize(("provider", "offer"), OFFERS, ids=lambda one: getattr(one, "model", ""))
def test_clips_have_lengths_and_images_have_none(provider: Provider, offer: Offer) -> None:
    if provider.media is Media.IMAGE:
        assert offer.duration_s == ()
    else:
        assert list(offer.duration_s) == sorted(set(offer.duration_s))
        assert 1 <= min(offer.duration_s) <= max(offer.duration_s) <= 60


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda one: one.id)
def test_the_ordinary_request_fits_the_first_offer(provider: Provider) -> None:
    """An image of 1024x1024, a clip of 720p; five seconds but for sora, which sells 4, 8 and 12."""
    usual = "1024x1024" if provider.media is Media.IMAGE else "720p"
    first = provider.offers[0]

    assert usual in first.resolutions
    assert provider.media is Media.IMAGE or 5 in first.duration_s or provider.id == "sora"


@pytest.mark.parametrize(("model", "frame"), FRAMES, ids=str)
def test_a_frame_has_the_pixels_that_its_words_promise(model: str, frame: Frame) -> None:
    across, down = (int(part) for part in frame.aspect_ratio.split(":"))

    assert gcd(across, down) == 1
    assert frame.width % 2 == frame.height % 2 == 0
    # Within 2 %: vendors round to blocks of pixels (1376x768 is sold as 16:9).
    assert abs(frame.width * down - frame.height * across) * 50 <= frame.height * across
    if "x" in frame.resolution:
        side = 2 if model.startswith("midjourney") else 1  # its picture is a grid of two by two
        assert frame.resolution == f"{frame.width // side}x{frame.height // side}"


@pytest.mark.parametrize(
    ("provider", "offer"),
    [(one, offer) for one, offer in OFFERS if one.media is Media.VIDEO and one.id != "whan"],
    ids=lambda one: getattr(one, "model", ""),
)
def test_a_clips_resolution_is_its_short_side(provider: Provider, offer: Offer) -> None:
    """Wan makes squares of the same area instead (960x960 for 720p)."""
    for frame in offer.frames:
        assert min(frame.width, frame.height) == SHORT_SIDE[frame.resolution]


def test_a_duration_is_a_range_or_a_list_of_seconds() -> None:
    assert data._Duration(min=3, max=5).seconds() == (3, 4, 5)
    assert data._Duration(values=(4, 8, 12)).seconds() == (4, 8, 12)


@pytest.mark.parametrize("usd", ["0", "0.0000", "-1", "free", "1e2", "0.0000001"])
def test_a_card_with_a_price_that_is_none_is_refused(usd: str) -> None:
    row = {"provider": "lumen", "unit": "image", "usd": usd}

    with pytest.raises(ValidationError, match="usd"):
        data._RowTable.model_validate(row)


@pytest.mark.parametrize("usd", [0.02, 2])
def test_a_price_that_is_no_quoted_string_is_refused(usd: object) -> None:
    row = {"provider": "lumen", "unit": "image", "usd": usd}

    with pytest.raises(ValidationError, match="valid string"):
        data._RowTable.model_validate(row)


def test_a_misspelled_field_of_an_offer_is_refused() -> None:
    offer = {
        "model": "m", "frames": ["720p 16:9 1280x720"], "qualities": ["standard"],
        "prompt_max_chars": 1, "expected_s": 1, "deadline_s": 2, "keyfame": True,
    }  # fmt: skip

    with pytest.raises(ValidationError, match="keyfame"):
        data._OfferTable.model_validate(offer)


def test_there_is_no_card_of_another_name() -> None:
    with pytest.raises(FileNotFoundError):
        rate_card("imagined")


@pytest.mark.parametrize("name", ["guide", "vendor"])
def test_a_card_carries_its_own_name_and_a_dated_version(name: str) -> None:
    card = rate_card(name)

    assert card.name == name
    assert re.fullmatch(r"2026-\d\d-\d\d", card.version)


# --- what strategies go by ---------------------------------------------------------------------


def test_hybrid_ships_as_quality_for_keyframes_cheapest_for_tries_and_fastest_for_clips() -> None:
    assert catalogue().hybrid == {
        Role.KEYFRAME: Strategy.QUALITY,
        Role.VARIATION: Strategy.CHEAPEST,
        Role.CLIP: Strategy.FASTEST,
    }


def test_every_floor_of_quality_lets_some_provider_of_each_medium_through() -> None:
    best = {
        media: max(
            offer.quality_rank
            for one, offer in OFFERS
            if one.media is media and one.retired is None and offer.retires_on is None
        )
        for media in Media
    }

    assert all(rank <= min(best.values()) for rank in catalogue().quality_floors.values())


@pytest.mark.parametrize(
    "strategies",
    [
        {"hybrid": {"keyframe": "quality", "clip": "fastest"}},
        {"hybrid": {"keyframe": "hybrid", "variation": "cheapest", "clip": "fastest"}},
        {"hybrid": {"keyframe": "luck", "variation": "cheapest", "clip": "fastest"}},
        {"hybrid": {"keyframe": "quality", "variation": "cheapest", "sound": "fastest"}},
    ],
    ids=["one missing", "round and round", "unknown", "no role"],
)
def test_a_hybrid_that_is_no_table_of_roles_is_refused(
    monkeypatch: pytest.MonkeyPatch, strategies: dict[str, Any]
) -> None:
    tables = data._read("catalogue.toml") | {"strategies": {**strategies, "quality_floors": {}}}
    monkeypatch.setattr(data, "_read", lambda _: tables)

    with pytest.raises(ValidationError):
        data.catalogue.__wrapped__()


@pytest.mark.parametrize("rank", [0, 101, "high", None])
def test_a_provider_without_a_rank_between_1_and_100_is_refused(
    monkeypatch: pytest.MonkeyPatch, rank: Any
) -> None:
    tables = data._read("catalogue.toml")
    tables["dalle"]["quality_rank"] = rank
    monkeypatch.setattr(data, "_read", lambda _: tables)

    with pytest.raises(ValidationError):
        data.catalogue.__wrapped__()
