"""An image through the whole product: real sockets, real functions, real state machine."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from local.api import ApiRefused
from tests.e2e.gateway import Gateway, Studio, fetch, prompt

REASONS = {
    "http_500": ("retry", "unavailable"),
    "http_429": ("retry", "throttled"),
    "quota": ("fallback", "quota-exhausted"),
    "refuse": ("reject", "content-refused"),
    "bad_key": ("fallback", "key-refused"),
}


def test_an_image_is_made_stored_and_paid_in_at_most_four_transitions(
    gateway: Gateway, studio: Studio, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    wish = prompt()

    made = studio.make(type="image", prompt=wish, params={"aspect_ratio": "16:9"})

    take = made["takes"][0]
    transitions = gateway.transitions(made["id"])
    figure(f"transitions of a synchronous image: {transitions}")
    assert (made["state"], made["provider"], made["actual_cost"]) == (
        "succeeded",
        "dalle",
        "0.0200",
    )
    assert (take["media_type"], take["width"], take["height"]) == ("image/png", 1536, 864)
    with Image.open(fetch(take, tmp_path)) as picture:
        picture.load()
        assert picture.size == (1536, 864)
    assert len(transitions) <= 4
    assert gateway.paid_jobs(wish) == [("dalle", "0.0200")]
    assert (studio.budget()["spent"], studio.budget()["held"]) == ("0.0200", "0.0000")


def test_what_was_quoted_is_charged_and_a_quote_for_something_else_is_refused(
    gateway: Gateway, studio: Studio
) -> None:
    asked = {"type": "image", "prompt": prompt()}
    quote = studio.api.post("/v1/estimates", asked)

    made = studio.make(**asked, quote_id=quote["quote_id"])

    assert (made["state"], made["quote_id"]) == ("succeeded", quote["quote_id"])
    assert made["actual_cost"] == made["cost_limit"] == quote["max"]
    with pytest.raises(ApiRefused, match="another request, which differs in prompt"):
        studio.make(type="image", prompt=prompt(), quote_id=quote["quote_id"])


@pytest.mark.parametrize("fault", REASONS)
def test_when_dalle_fails_the_next_provider_answers_and_one_job_is_paid(
    gateway: Gateway, studio: Studio, fault: str
) -> None:
    wish = prompt()
    gateway.script("dalle", fault, times=2 if REASONS[fault][0] == "retry" else 1)

    made = studio.make(type="image", prompt=wish)

    first, second = made["attempts"]
    assert (made["state"], made["provider"]) == ("succeeded", "nanobanana")
    assert (first["error"]["class"], first["error"]["code"]) == REASONS[fault]
    assert (first["state"], first["actual_cost"]) == ("released", None)
    assert (second["state"], second["actual_cost"]) == ("stored", "0.0100")
    assert gateway.paid_jobs(wish) == [("nanobanana", "0.0100")]
    assert (studio.budget()["spent"], studio.budget()["held"]) == ("0.0100", "0.0000")


def test_a_short_throttle_is_waited_for_and_the_same_provider_answers(
    gateway: Gateway, studio: Studio
) -> None:
    wish = prompt()
    gateway.script("dalle", "http_429", retry_after=1)

    made = studio.make(type="image", prompt=wish)

    assert (made["provider"], made["attempts"][0]["tries"]) == ("dalle", 2)
    assert gateway.paid_jobs(wish) == [("dalle", "0.0200")]


def test_a_failed_provider_costs_two_transitions_more(gateway: Gateway, studio: Studio) -> None:
    gateway.script("dalle", "quota")

    made = studio.make(type="image", prompt=prompt())

    assert len(gateway.transitions(made["id"])) <= 6


@pytest.mark.parametrize("fault", ["drop_reply", "malformed"])
def test_a_lost_answer_holds_the_money_and_asks_nobody_else(
    gateway: Gateway, studio: Studio, fault: str
) -> None:
    wish = prompt()
    gateway.script("dalle", fault)

    made = studio.make(type="image", prompt=wish)

    assert (made["state"], made["failure"]["code"]) == ("failed", "outcome-unknown")
    assert [a["state"] for a in made["attempts"]] == ["in_doubt"]
    assert gateway.paid_jobs(wish) == [("dalle", "0.0200")]
    assert (studio.budget()["spent"], studio.budget()["held"]) == ("0.0000", "0.0200")


def test_on_unknown_next_lets_the_next_provider_answer_and_counts_both(
    gateway: Gateway, studio: Studio
) -> None:
    gateway.script("dalle", "drop_reply")

    made = studio.make(type="image", prompt=prompt(), on_unknown="next")

    assert (made["state"], made["provider"]) == ("succeeded", "nanobanana")
    assert made["estimate"]["max"] == "0.0450"
    assert (studio.budget()["spent"], studio.budget()["held"]) == ("0.0100", "0.0200")


def test_on_refusal_stop_asks_nobody_else(gateway: Gateway, studio: Studio) -> None:
    wish = prompt()
    gateway.script("dalle", "refuse")

    made = studio.make(type="image", prompt=wish, on_refusal="stop")

    assert (made["state"], made["failure"]["code"]) == ("failed", "content-refused")
    assert len(made["attempts"]) == 1
    assert gateway.paid_jobs(wish) == []
    assert studio.budget()["held"] == "0.0000"


def test_a_truncated_picture_is_paid_kept_and_called_unusable(
    gateway: Gateway, studio: Studio
) -> None:
    gateway.script("dalle", "truncated")

    made = studio.make(type="image", prompt=prompt())

    assert (made["state"], made["failure"]["code"]) == ("failed", "result-unusable")
    assert made["actual_cost"] == "0.0200"
    assert made["takes"] == []


def test_a_picture_of_another_size_is_kept_with_a_warning(gateway: Gateway, studio: Studio) -> None:
    gateway.script("dalle", "wrong_size")

    made = studio.make(type="image", prompt=prompt())

    assert made["state"] == "succeeded"
    assert "ordered were 1024x1024" in made["warnings"][0]
