"""Storyboards on the local stack, over real sockets: made, refused, resumed, cancelled, large."""

import time
from typing import Any

import pytest

from tests.e2e.gateway import Gateway, Studio, prompt

ENDED = {"succeeded", "partial", "failed", "cancelled"}
Json = dict[str, Any]


def end_of(studio: Studio, started: Json, *, within_s: float = 120) -> Json:
    """Wait for a storyboard's end and give its last picture."""
    give_up_at = time.monotonic() + within_s
    while True:
        seen: Json = studio.api.get(f"/v1/storyboards/{started['id']}")
        if seen["state"] in ENDED:
            return seen
        assert time.monotonic() < give_up_at, (seen["state"], seen["progress"])
        time.sleep(0.3)


def test_one_small_storyboard(studio: Studio) -> None:
    shots = [{"prompt": prompt(), "clip": {"provider": "whan"}} for _ in range(2)]

    started = studio.api.post("/v1/storyboards", {"shots": shots, "budget": "1.0000"})
    ended = end_of(studio, started)

    assert ended["state"] == "succeeded", ended
