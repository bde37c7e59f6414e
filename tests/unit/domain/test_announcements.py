"""What is told of an end: a public contract, field by field."""

import pytest

from filmgate.domain.announcements import generation_finished
from filmgate.domain.generations import GenerationState, Problem
from tests.support.builders import GENERATION_ID, NOW, generation, image_wish, usd

FIELDS = {
    "version", "event_id", "generation_id", "tenant", "user", "state", "type", "provider",
    "actual_cost", "project", "script_id", "shot_number", "failure", "created_at", "completed_at",
}  # fmt: skip


def test_an_end_is_told_under_an_id_that_follows_from_the_generation_s() -> None:
    ended = generation(
        state=GenerationState.SUCCEEDED, completed_at=NOW, actual_micros=usd("0.0100")
    )

    told = [generation_finished(ended) for _ in range(2)]

    assert told[0] == told[1]
    assert told[0].id == GENERATION_ID.replace("gen_", "evt_")
    assert set(told[0].detail) == FIELDS
    assert told[0].detail["actual_cost"] == "0.0100"
    assert told[0].webhook_body() == {
        "type": "generation.finished",
        "timestamp": "2026-11-22T12:00:00.000Z",
        "data": told[0].detail,
    }


def test_prompt_address_and_words_of_a_failure_are_not_told() -> None:
    ended = generation(
        state=GenerationState.FAILED,
        completed_at=NOW,
        wish=image_wish("canary prompt", negative_prompt="canary too"),
        webhook_url="https://hooks.example/canary",
        failure=Problem("content-refused", "canary words"),
    )

    told = generation_finished(ended)

    assert "canary" not in str(told)
    assert told.detail["failure"] == {"code": "content-refused"}
    assert told.detail["actual_cost"] == "0.0000"


@pytest.mark.parametrize("state", [GenerationState.QUEUED, GenerationState.STORING])
def test_what_has_not_ended_is_not_told(state: GenerationState) -> None:
    with pytest.raises(ValueError, match="has not ended"):
        generation_finished(generation(state=state))
