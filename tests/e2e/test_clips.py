"""Clips through the whole product: a polled provider, our own renderer, and their fallback."""

from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.e2e.gateway import Gateway, Studio, fetch, prompt
from tests.e2e.receivers import offering
from tests.functions.vendors import picture


def measure(path: Path) -> tuple[int, int, Fraction, str]:
    """(width, height, seconds by decoded frames, codec) of a clip that decodes whole."""
    with av.open(str(path)) as clip:
        stream = clip.streams.video[0]
        frames = sum(1 for _ in clip.decode(stream))
        rate = stream.average_rate or Fraction(1)
        return stream.width, stream.height, frames / rate, stream.codec_context.name


def test_a_clip_from_text_is_polled_collected_and_paid(
    gateway: Gateway, studio: Studio, tmp_path: Path
) -> None:
    wish = prompt()

    made = studio.make(
        type="video", prompt=wish, provider="kling", params={"duration_s": 3, "resolution": "720p"}
    )

    assert (made["state"], made["provider"], made["actual_cost"]) == (
        "succeeded",
        "kling",
        "0.0040",
    )
    assert measure(fetch(made["takes"][0], tmp_path)) == (1280, 720, 3, "h264")
    assert gateway.paid_jobs(wish) == [("kling", "0.0040")]


def test_a_clip_from_a_keyframe_begins_at_kling(studio: Studio, tmp_path: Path) -> None:
    still = studio.keyframe()

    made = studio.make(type="video", prompt=prompt(), params={"image": still, "duration_s": 3})

    assert (made["state"], made["provider"]) == ("succeeded", "kling")
    assert measure(fetch(made["takes"][0], tmp_path)) == (1280, 720, 3, "h264")


def test_a_clip_from_a_link_starts_from_what_lay_there_at_first(
    studio: Studio, tmp_path: Path
) -> None:
    with offering(picture(1280, 720)) as link:
        wish = {
            "type": "video",
            "prompt": prompt(),
            "provider": "flow",
            "params": {"image": link, "duration_s": 1},
        }
        begun = studio.api.post("/v1/generations", wish)
    away = studio.api.call("POST", "/v1/generations", wish)

    made = studio.end_of(begun)

    assert (made["state"], made["provider"]) == ("succeeded", "flow")
    assert made["params"]["image"].startswith("upl_")
    assert measure(fetch(made["takes"][0], tmp_path)) == (1280, 720, 1, "h264")
    assert (away.status, away.body["code"]) == (422, "image-unusable")


@pytest.mark.parametrize(
    "motion", ["push_in", "pull_out", "pan_left", "pan_right", "tilt_up", "tilt_down"]
)
def test_flow_renders_every_camera_move_of_the_asked_size_and_length(
    studio: Studio, tmp_path: Path, motion: str
) -> None:
    still = studio.keyframe()
    params = {"image": still, "motion": motion, "duration_s": 2, "aspect_ratio": "9:16"}

    made = studio.make(type="video", prompt=prompt(), provider="flow", params=params)

    assert (made["state"], made["actual_cost"]) == ("succeeded", "0.0017")
    assert measure(fetch(made["takes"][0], tmp_path)) == (720, 1280, 2, "h264")


def test_a_refused_clip_is_made_by_the_next_provider(gateway: Gateway, studio: Studio) -> None:
    wish, still = prompt(), studio.keyframe()
    gateway.script("kling", "refuse")

    made = studio.make(type="video", prompt=wish, params={"image": still, "duration_s": 3})

    assert (made["state"], made["provider"]) == ("succeeded", "whan")
    assert made["attempts"][0]["error"]["code"] == "content-refused"
    assert gateway.paid_jobs(wish) == [("whan", "0.0030")]


def test_a_clip_that_every_vendor_refuses_is_rendered_by_flow(
    gateway: Gateway, studio: Studio
) -> None:
    wish, still = prompt(), studio.keyframe()
    gateway.script("kling", "refuse")
    gateway.script("whan", "refuse")

    made = studio.make(type="video", prompt=wish, params={"image": still, "duration_s": 3})

    assert (made["state"], made["provider"]) == ("succeeded", "flow")
    assert [one["state"] for one in made["attempts"]] == ["released", "released", "stored"]
    assert gateway.paid_jobs(wish) == []


def test_a_lost_answer_of_a_findable_provider_is_found_again(
    gateway: Gateway, studio: Studio
) -> None:
    wish = prompt()
    gateway.script("kling", "drop_reply")

    made = studio.make(type="video", prompt=wish, provider="kling", params={"duration_s": 3})

    assert made["state"] == "succeeded"
    assert gateway.paid_jobs(wish) == [("kling", "0.0040")]


@pytest.mark.parametrize("fault", ["expired_url", "truncated", "odd_status"])
def test_trouble_behind_a_paid_clip_loses_nothing(
    gateway: Gateway, studio: Studio, fault: str
) -> None:
    wish = prompt()
    gateway.script("kling", fault)

    made = studio.make(type="video", prompt=wish, provider="kling", params={"duration_s": 3})

    assert made["state"] == "succeeded"
    assert len(gateway.paid_jobs(wish)) == 1


def test_cancelling_a_running_clip_follows_it_to_its_end(gateway: Gateway, studio: Studio) -> None:
    gateway.control("pace", {"video_s": 3})
    started = studio.api.post(
        "/v1/generations",
        {"type": "video", "prompt": prompt(), "provider": "kling", "params": {"duration_s": 3}},
    )
    while studio.api.get(f"/v1/generations/{started['id']}")["state"] == "queued":
        continue

    answer = studio.api.call("DELETE", f"/v1/generations/{started['id']}")

    gateway.control("pace", {"video_s": 0.5})
    ended = studio.end_of(answer.body)
    assert answer.status == 202
    assert ended["cancel_requested_at"] is not None
    assert (ended["state"], ended["actual_cost"]) == ("succeeded", "0.0040")
