"""An offer held against a wish gives a size, or the reason why not."""

import pytest

from filmgate.domain.catalogue import Exclusion, Frame, Match, match, wishes_not_taken
from filmgate.domain.wishes import Media
from tests.support.builders import (
    catalogue_of,
    clip_wish,
    image_offer,
    image_wish,
    provider,
    video_offer,
)

# --- the match ---------------------------------------------------------------------------------


def test_an_image_without_a_size_is_a_square_of_1024() -> None:
    offer = image_offer()

    assert match(offer, image_wish()) == Match(offer, Frame("1024x1024", "1:1", 1024, 1024))


def test_an_aspect_ratio_alone_is_enough_for_an_image() -> None:
    found = match(image_offer(), image_wish(aspect_ratio="16:9"))

    assert isinstance(found, Match)
    assert found.frame == Frame("1536x864", "16:9", 1536, 864)


def test_a_clip_without_a_size_is_720p_in_the_first_shape_of_the_offer() -> None:
    found = match(video_offer(), clip_wish())

    assert isinstance(found, Match)
    assert found.frame == Frame("720p", "16:9", 1280, 720)


def test_a_clip_is_720p_in_the_shape_that_was_asked_for() -> None:
    found = match(video_offer(), clip_wish(aspect_ratio="9:16"))

    assert isinstance(found, Match)
    assert found.frame == Frame("720p", "9:16", 720, 1280)


@pytest.mark.parametrize(
    ("offer", "wish", "code", "message"),
    [
        (
            video_offer(needs_keyframe=True, accepts=frozenset({"image"})),
            clip_wish(),
            "keyframe-needed",
            "needs a keyframe: set params.image",
        ),
        (
            video_offer(),
            clip_wish(image="take_x"),
            "keyframe-unsupported",
            "cannot start from a keyframe",
        ),
        (
            image_offer(qualities=("low", "standard")),
            image_wish(quality="high"),
            "quality-not-offered",
            "quality high is not offered (offered: low, standard)",
        ),
        (
            video_offer(duration_s=(3, 4, 5, 10)),
            clip_wish(duration_s=7),
            "duration-not-offered",
            "duration 7 s is not offered (offered: 3-5 s, 10 s)",
        ),
        (
            video_offer(duration_s=(8,)),
            clip_wish(),
            "duration-not-offered",
            "duration 5 s is not offered (offered: 8 s)",
        ),
        (
            image_offer(prompt_max_chars=3),
            image_wish("four"),
            "prompt-too-long",
            "takes at most 3 characters",
        ),
        (
            video_offer(),
            clip_wish(resolution="4k"),
            "resolution-not-offered",
            "resolution 4k is not offered (offered: 720p, 1080p)",
        ),
        (
            image_offer(),
            image_wish(aspect_ratio="21:9"),
            "aspect-ratio-not-offered",
            "aspect ratio 21:9 is not offered (offered: 1:1, 16:9)",
        ),
        (
            video_offer(),
            clip_wish(resolution="1080p", aspect_ratio="9:16"),
            "frame-not-offered",
            "does not make 1080p in 9:16",
        ),
        (
            image_offer(frames=(Frame("512x512", "1:1", 512, 512),)),
            image_wish(),
            "resolution-not-offered",
            "resolution 1024x1024 is not offered (offered: 512x512)",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_whatever_does_not_fit_is_excluded_with_its_reason(
    offer: object, wish: object, code: str, message: str
) -> None:
    assert match(offer, wish) == Exclusion(code, message)  # type: ignore[arg-type]


def test_a_prompt_as_long_as_the_limit_fits() -> None:
    assert isinstance(match(image_offer(prompt_max_chars=4), image_wish("four")), Match)


def test_a_keyframe_is_taken_where_the_offer_has_a_field_for_it() -> None:
    offer = video_offer(accepts=frozenset({"image"}))

    assert isinstance(match(offer, clip_wish(image="take_x")), Match)


# --- wishes without a field --------------------------------------------------------------------


def test_every_optional_wish_without_a_field_is_told() -> None:
    wish = clip_wish(negative_prompt="rain", style="noir", seed=0, fps=60, motion="push_in")

    assert wishes_not_taken(video_offer(), wish) == [
        "negative_prompt", "style", "seed", "fps", "motion",
    ]  # fmt: skip


def test_a_wish_with_a_field_or_not_said_at_all_is_not_told() -> None:
    offer = video_offer(accepts=frozenset({"seed"}))

    assert wishes_not_taken(offer, clip_wish(seed=7)) == []
    assert wishes_not_taken(offer, clip_wish()) == []


# --- the catalogue -----------------------------------------------------------------------------


def test_a_provider_is_found_by_id_and_by_alias() -> None:
    whan = provider("whan", media=Media.VIDEO, aliases=("wan",))
    catalogue = catalogue_of(whan, provider("lumen"))

    assert catalogue.find("whan") is whan
    assert catalogue.find("wan") is whan
    assert catalogue.find("nobody") is None


def test_the_providers_of_a_medium_come_in_their_order_of_priority() -> None:
    catalogue = catalogue_of(
        provider("last", priority=9),
        provider("clips", media=Media.VIDEO, priority=1),
        provider("first", priority=2),
    )

    assert [one.id for one in catalogue.of(Media.IMAGE)] == ["first", "last"]
    assert [one.id for one in catalogue.of(Media.VIDEO)] == ["clips"]


def test_an_offer_lists_each_size_and_shape_once() -> None:
    offer = video_offer()

    assert offer.resolutions == ("720p", "1080p")
    assert offer.aspect_ratios == ("16:9", "9:16")
