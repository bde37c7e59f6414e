"""States Finish and FinishStopped: how a generation ended."""

import pytest

from filmgate.adapters.egress import OutcomeUnknown
from filmgate.domain.errors import Stale
from tests.functions.support import Deployment, altered, sample
from tests.functions.vendors import (
    DALLE,
    NANOBANANA,
    ScriptedEgress,
    dalle_error,
    dalle_picture,
    picture,
    reply,
)


@pytest.fixture
def studio(studio: Deployment) -> Deployment:
    studio.give_key("dalle")
    return studio


def admitted(studio: Deployment, **body: object) -> str:
    return str(studio.call("generate", altered(sample("generate", "image"), body=body)).json["id"])


def ended(studio: Deployment, generation_id: str) -> tuple[str, str | None, str | None]:
    """(state, code of the failure, actual cost) as a caller reads them."""
    body = studio.call("read", sample("read", "generation")).json
    assert body["id"] == generation_id
    failure = body["failure"]
    return body["state"], failure["code"] if failure else None, body["actual_cost"]


def held(studio: Deployment) -> int:
    return studio.table.budget("studio", "owner", "2026-11").held


def test_a_stored_take_is_a_success(studio: Deployment, vendors: ScriptedEgress) -> None:
    vendors.will(DALLE, dalle_picture(picture(1536, 864)))
    made = admitted(studio)
    studio.step("submit", made)

    said = studio.step("finish", made)

    assert said == {"tenant": "studio", "generation_id": made, "state": "succeeded"}
    assert ended(studio, made) == ("succeeded", None, "0.0200")


@pytest.mark.parametrize(
    ("answer", "code", "still_held"),
    [
        (dalle_error(400, "moderation_blocked"), "content-refused", 0),
        (dalle_error(401), "all-providers-failed", 0),
        (dalle_error(400, "invalid_size"), "invalid-request", 0),
        (OutcomeUnknown(DALLE, "cut"), "outcome-unknown", 20_000),
        (dalle_picture(b"no picture"), "result-unusable", 0),
    ],
    ids=["refused", "key", "invalid", "doubt", "unusable"],
)
def test_a_generation_without_a_take_says_why_and_what_stays_held(
    studio: Deployment, vendors: ScriptedEgress, answer, code: str, still_held: int
) -> None:
    vendors.will(DALLE, answer)
    made = admitted(studio)

    walked = studio.run(made)

    paid = "0.0200" if code == "result-unusable" else None
    assert walked == [("submit", "stopped"), ("finish", "failed")]
    assert ended(studio, made) == ("failed", code, paid)
    assert held(studio) == still_held


def test_every_provider_s_refusal_is_told(studio: Deployment, vendors: ScriptedEgress) -> None:
    studio.give_key("nanobanana")
    vendors.will(DALLE, dalle_error(400, "moderation_blocked"))
    vendors.will(NANOBANANA, reply(200, {"promptFeedback": {"blockReason": "SAFETY"}}))
    made = admitted(studio)

    studio.run(made)

    body = studio.call("read", sample("read", "generation")).json
    assert body["failure"]["code"] == "content-refused"
    assert [one["error"]["code"] for one in body["attempts"]] == ["content-refused"] * 2


def test_a_fault_of_ours_before_anything_was_sent_gives_the_hold_back(studio: Deployment) -> None:
    made = admitted(studio)

    said = studio.step("finish", made)

    assert said["state"] == "failed"
    assert ended(studio, made) == ("failed", "internal", None)
    assert held(studio) == 0


def test_an_end_is_written_once(studio: Deployment, vendors: ScriptedEgress) -> None:
    vendors.will(DALLE, dalle_picture())
    made = admitted(studio)
    studio.run(made)
    before = studio.table.find("studio", made)

    said = studio.step("finish", made)

    assert said["state"] == "succeeded"
    assert studio.table.find("studio", made) == before


def test_finish_gives_up_under_a_name_that_is_retried_when_others_are_always_faster(
    studio: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = admitted(studio)

    def faster(*_: object) -> None:
        raise Stale("another")

    monkeypatch.setattr(studio.table.__class__, "commit", faster)

    with pytest.raises(Stale) as raised:
        studio.step("finish", made)

    assert type(raised.value).__name__ == "Stale"
