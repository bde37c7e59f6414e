"""The words of OpenAI's clients in ours."""

from contextlib import suppress
from typing import Any

import pytest

from filmgate.domain.errors import ValidationFailed
from filmgate.domain.strategies import Strategy
from filmgate.domain.wishes import Media, Wish
from filmgate.openai_bodies import ImageBody, VideoBody
from filmgate.providers.data import catalogue
from filmgate.usecases.models import Choice
from filmgate.usecases.request import Request
from tests.support.builders import usd

FOX = {"prompt": "a fox"}
UPLOAD = "upl_" + "a" * 26


def pictured(choice: Choice = Choice(), **said: Any) -> Request:  # noqa: B008
    return ImageBody.model_validate(FOX | said).request(choice, catalogue())


def filmed(choice: Choice = Choice(), image: str | None = None, **said: Any) -> Request:  # noqa: B008
    return VideoBody.model_validate(FOX | said).request(choice, catalogue(), image)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({}, {}),
        ({"quality": "low"}, {"quality": "low"}),
        ({"quality": "standard"}, {"quality": "standard"}),
        ({"quality": "medium"}, {"quality": "standard"}),
        ({"quality": "auto"}, {"quality": "standard"}),
        ({"quality": "high"}, {"quality": "high"}),
        ({"quality": "hd"}, {"quality": "high"}),
        ({"size": "auto"}, {}),
        ({"size": "1024x1536"}, {"resolution": "1024x1536"}),
        ({"style": "vivid"}, {"style": "vivid"}),
        ({"seed": 7, "negative_prompt": "rain"}, {"seed": 7, "negative_prompt": "rain"}),
        ({"n": 1, "stream": False, "background": "auto", "moderation": "auto"}, {}),
        ({"output_format": "png", "output_compression": 100, "partial_images": 0}, {}),
        ({"n": None, "size": None, "quality": None, "model": None, "user": None}, {}),
    ],
)
def test_what_a_picture_shall_be_like(said: dict[str, Any], meant: dict[str, Any]) -> None:
    assert pictured(**said) == Request(wish=Wish(Media.IMAGE, "a fox", **meant))


@pytest.mark.parametrize(
    ("said", "resolution", "aspect_ratio", "seconds"),
    [
        ({}, "720p", "9:16", 4),
        ({"size": "1280x720", "seconds": "8"}, "720p", "16:9", 8),
        ({"size": "1920x1080", "seconds": 12}, "1080p", "16:9", 12),
        ({"size": "2160x3840"}, "4k", "9:16", 4),
    ],
)
def test_the_size_of_a_clip_is_one_of_our_frames(
    said: dict[str, Any], resolution: str, aspect_ratio: str, seconds: int
) -> None:
    wish = filmed(**said, motion="push_in", image=UPLOAD).wish

    assert (wish.resolution, wish.aspect_ratio, wish.seconds) == (resolution, aspect_ratio, seconds)
    assert (wish.motion, wish.image) == ("push_in", UPLOAD)


def test_every_size_that_is_taken_is_made_to_the_pixel_by_whoever_is_asked() -> None:
    shop = catalogue()
    every = {
        f"{f.width}x{f.height}" for p in shop.of(Media.VIDEO) for o in p.offers for f in o.frames
    }

    taken = {}
    for size in every:
        with suppress(ValidationFailed):
            taken[size] = filmed(size=size).wish

    assert taken
    for size, wish in taken.items():
        made = {
            f"{f.width}x{f.height}"
            for p in shop.of(Media.VIDEO)
            for o in p.offers
            for f in o.frames
            if (f.resolution, f.aspect_ratio) == (wish.resolution, wish.aspect_ratio)
        }
        assert made == {size}


def test_ours_beside_theirs_reaches_the_request() -> None:
    asked = pictured(
        Choice("dalle", "gpt-image-1-mini"),
        cost_limit="0.0400", project="fox", script_id="s1", shot_number="3", tags=["a"],
        user="end-user-7", on_refusal="stop", on_unknown="next", webhook_url="https://a.example",
    )  # fmt: skip

    assert (asked.provider, asked.model) == ("dalle", "gpt-image-1-mini")
    assert (asked.cost_limit, asked.project, asked.script_id) == (usd("0.04"), "fox", "s1")
    assert (asked.shot_number, asked.tags) == (3, ("a", "user:end-user-7"))
    assert (asked.on_refusal, asked.on_unknown) == ("stop", "next")
    assert asked.webhook_url == "https://a.example"


@pytest.mark.parametrize(
    ("choice", "said", "meant"),
    [
        (Choice(), None, Strategy.PRIORITY),
        (Choice(), "fastest", Strategy.FASTEST),
        (Choice(strategy=Strategy.CHEAPEST), None, Strategy.CHEAPEST),
        (Choice(strategy=Strategy.CHEAPEST), "cheapest", Strategy.CHEAPEST),
    ],
)
def test_a_strategy_may_be_the_model_or_said_beside_it(
    choice: Choice, said: str | None, meant: Strategy
) -> None:
    assert pictured(choice, strategy=said).strategy is meant
