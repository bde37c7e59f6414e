"""Every provider makes something through the whole product, and what it made is opened."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from filmgate.providers.data import catalogue
from local.__main__ import PARAMETERS
from local.ports import Ports
from local.stack import LocalStack
from tests.conftest import ROOT
from tests.e2e.gateway import Gateway, Studio, fetch, prompt
from tests.e2e.test_clips import measure

IMAGES = {
    "dalle": ((1024, 1024), "0.0200"),
    "nanobanana": ((1024, 1024), "0.0100"),
    "midjourney": ((2048, 2048), "0.0150"),
}
CLIPS_FROM_TEXT = {"kling": (3, "0.0040"), "whan": (2, "0.0020"), "sora": (4, "0.0067")}
CLIPS_FROM_A_STILL = CLIPS_FROM_TEXT | {"flow": (2, "0.0017")}
OWN = "flow"  # its clips are nobody's bill
VENDOR_PRICED = "veo"  # the guide card has no price for it
VEO_COST = "0.3085"  # 3 s of 5,792 tokens at a rate that covers the prompt's tokens too


def test_nobody_of_the_catalogue_is_left_out_here() -> None:
    assert set(catalogue().providers) == {*IMAGES, *CLIPS_FROM_A_STILL, VENDOR_PRICED}


@pytest.mark.parametrize("provider", IMAGES)
def test_an_image_of_every_provider_opens_and_is_paid_once(
    gateway: Gateway, studio: Studio, tmp_path: Path, provider: str
) -> None:
    wish, (size, cost) = prompt(), IMAGES[provider]

    made = studio.make(type="image", prompt=wish, provider=provider)

    assert (made["state"], made["provider"], made["actual_cost"]) == ("succeeded", provider, cost)
    assert made["warnings"] == []
    with Image.open(fetch(made["takes"][0], tmp_path)) as picture:
        picture.load()
        assert picture.size == size
    assert gateway.paid_jobs(wish) == [(provider, cost)]
    assert (studio.budget()["spent"], studio.budget()["held"]) == (cost, "0.0000")


@pytest.mark.parametrize("provider", CLIPS_FROM_TEXT)
def test_a_clip_of_every_provider_opens_and_is_paid_once(
    gateway: Gateway, studio: Studio, tmp_path: Path, provider: str
) -> None:
    wish, (seconds, cost) = prompt(), CLIPS_FROM_TEXT[provider]

    made = studio.make(type="video", prompt=wish, provider=provider, params={"duration_s": seconds})

    check_clip(made, tmp_path, provider, seconds)
    assert made["actual_cost"] == cost
    assert gateway.paid_jobs(wish) == [(provider, cost)]
    assert (studio.budget()["spent"], studio.budget()["held"]) == (cost, "0.0000")


@pytest.mark.parametrize("provider", CLIPS_FROM_A_STILL)
def test_a_clip_from_a_still_of_every_provider_opens_and_is_paid_once(
    gateway: Gateway, studio: Studio, tmp_path: Path, provider: str
) -> None:
    wish, (seconds, cost) = prompt(), CLIPS_FROM_A_STILL[provider]
    params = {"image": studio.keyframe(), "duration_s": seconds}

    made = studio.make(type="video", prompt=wish, provider=provider, params=params)

    check_clip(made, tmp_path, provider, seconds)
    assert made["actual_cost"] == cost
    assert gateway.paid_jobs(wish) == ([] if provider == OWN else [(provider, cost)])


def test_when_all_image_providers_but_the_last_fail_the_last_one_answers_and_is_paid(
    gateway: Gateway, studio: Studio
) -> None:
    wish = prompt()
    gateway.script("dalle", "refuse")
    gateway.script("nanobanana", "quota")

    made = studio.make(type="image", prompt=wish)

    assert (made["state"], made["provider"]) == ("succeeded", "midjourney")
    assert reasons(made) == [
        ("dalle", "reject", "content-refused"),
        ("nanobanana", "fallback", "quota-exhausted"),
    ]
    assert gateway.paid_jobs(wish) == [("midjourney", "0.0150")]
    assert (studio.budget()["spent"], studio.budget()["held"]) == ("0.0150", "0.0000")


def test_when_all_clip_providers_but_the_last_fail_the_last_one_answers_and_is_paid(
    gateway: Gateway, studio: Studio, tmp_path: Path
) -> None:
    wish, still = prompt(), studio.keyframe()
    before = studio.budget()["spent"]
    gateway.script("kling", "refuse", where="result")
    gateway.script("whan", "http_500", times=2)
    gateway.script("sora", "bad_key")

    made = studio.make(type="video", prompt=wish, params={"image": still, "duration_s": 4})

    check_clip(made, tmp_path, OWN, 4)
    assert reasons(made) == [
        ("kling", "reject", "content-refused"),
        ("whan", "retry", "unavailable"),
        ("sora", "fallback", "key-refused"),
    ]
    assert gateway.paid_jobs(wish) == []
    assert (before, made["actual_cost"]) == ("0.0200", "0.0034")
    assert (studio.budget()["spent"], studio.budget()["held"]) == ("0.0234", "0.0000")


# --- veo, which the vendor card prices ----------------------------------------------------------


@pytest.fixture(scope="module")
def vendor_priced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A second stack, which counts as a deployed one does: by the vendors' own lists."""
    folder = tmp_path_factory.mktemp("vendor")
    with LocalStack(ROOT, Ports.unused(), folder) as stack:
        gateway = Gateway.of(stack, {**PARAMETERS, "RateCard": "vendor"})
        gateway.control("pace", {"image_s": 0.05, "video_s": 0.5})
        yield gateway


@pytest.mark.parametrize("from_a_still", [False, True])
def test_a_clip_of_veo_opens_and_costs_what_its_tokens_do(
    vendor_priced: Gateway, tmp_path: Path, from_a_still: bool
) -> None:
    studio, wish = vendor_priced.studio(), prompt()
    params: dict[str, Any] = {"duration_s": 3}
    if from_a_still:
        params["image"] = studio.keyframe()

    made = studio.make(type="video", prompt=wish, provider=VENDOR_PRICED, params=params)

    check_clip(made, tmp_path, VENDOR_PRICED, 3)
    ((billed_by, bill),) = vendor_priced.paid_jobs(wish)
    assert (billed_by, made["actual_cost"]) == (VENDOR_PRICED, VEO_COST)
    assert 0.98 * float(VEO_COST) < float(bill) <= float(VEO_COST)
    assert studio.budget()["held"] == "0.0000"
    studio.check_books()


def check_clip(made: dict[str, Any], folder: Path, provider: str, seconds: int) -> None:
    """A clip of 720p, 16:9 that this provider made, of this length, decoded frame by frame."""
    assert (made["state"], made["provider"]) == ("succeeded", provider)
    seen = measure(fetch(made["takes"][0], folder))
    assert seen == (1280, 720, Fraction(seconds), "h264")


def reasons(made: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Who failed and why, in the order in which they were tried."""
    return [
        (one["provider"], one["error"]["class"], one["error"]["code"])
        for one in made["attempts"]
        if one["error"]
    ]
