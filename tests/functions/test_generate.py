"""POST and DELETE /v1/generations: admit, replay, refuse, cancel."""

import json

import pytest

from filmgate.adapters.workflow import GenerationWorkflow
from filmgate.domain.errors import StoreUnavailable
from tests.functions.support import (
    Answer,
    Deployment,
    altered,
    asked_by,
    assert_problem,
    request,
    sample,
)
from tests.functions.vendors import (
    DALLE,
    ScriptedEgress,
    dalle_error,
    dalle_picture,
    kling_created,
    picture,
)


@pytest.fixture
def studio(studio: Deployment) -> Deployment:
    """The deployment with a key for two providers of images and one of clips."""
    for provider in ("dalle", "nanobanana", "kling"):
        studio.give_key(provider)
    return studio


def posted(studio: Deployment, *, key: str | None = "key-1", **body: object) -> Answer:
    event = altered(sample("generate", "image"), body=body, headers={"idempotency-key": key})
    return studio.call("generate", event)


def budget(studio: Deployment) -> tuple[str, str, str]:
    """(spent, held, room) of the month."""
    body = studio.call("settings", sample("settings", "read-budget")).json
    return body["spent"], body["held"], body["room"]


def cancelled(studio: Deployment, generation_id: str, tenant: str = "studio") -> Answer:
    event = request("DELETE", f"/v1/generations/{generation_id}")
    return studio.route(asked_by(event, role="creator", tenant=tenant))


# --- admit -------------------------------------------------------------------------------------


def test_a_generation_is_taken_in_priced_held_and_started(studio: Deployment) -> None:
    answer = studio.call("generate", sample("generate", "image"))

    body = answer.json
    assert answer.status == 202
    assert answer.headers["location"] == f"/v1/generations/{body['id']}"
    assert "idempotency-replayed" not in answer.headers
    assert (body["state"], body["type"]) == ("queued", "image")
    assert body["estimate"] == {"expected": "0.0200", "max": "0.0200"}
    assert (body["cost_limit"], body["actual_cost"]) == ("1.0000", None)
    assert (body["project"], body["script_id"], body["shot_number"]) == ("fox-film", "scene-1", 1)
    assert (body["tags"], body["takes"]) == (["keyframe"], [])
    assert [(a["provider"], a["state"], a["tries"]) for a in body["attempts"]] == [
        ("dalle", "reserved", 0)
    ]
    assert budget(studio) == ("0.0000", "0.0200", "9.9800")


def test_the_workflow_is_started_once_under_the_generation_s_name_and_carries_ids_only(
    studio: Deployment,
) -> None:
    made = posted(studio).json["id"]

    assert studio.executions() == [
        {"name": made, "input": {"tenant": "studio", "generation_id": made}}
    ]


def test_tenant_and_user_come_from_the_token_alone(studio: Deployment) -> None:
    event = altered(sample("generate", "image"), body={"tenant": "other"})

    problem = assert_problem(studio.call("generate", event), 422, "validation-failed")

    assert problem["errors"][0]["pointer"] == "/tenant"


def test_a_price_above_the_default_cost_limit_is_402(studio: Deployment) -> None:
    dear = {"type": "video", "provider": "kling", "params": {"resolution": "1080p"}}
    studio.chosen["DefaultCostLimitMicros"] = "9900"

    problem = assert_problem(posted(studio, **dear), 402, "cost-limit-exceeded")

    assert (problem["scope"], problem["needed"], problem["room"]) == (
        "generation", "0.0100", "0.0099",
    )  # fmt: skip


def test_what_the_month_has_no_room_for_is_402_and_stores_nothing(studio: Deployment) -> None:
    studio.chosen["DefaultMonthlyLimitMicros"] = "19900"

    problem = assert_problem(posted(studio), 402, "budget-exceeded")

    assert (problem["scope"], problem["needed"], problem["room"]) == ("owner", "0.0200", "0.0199")
    assert studio.executions() == []
    assert budget(studio) == ("0.0000", "0.0000", "0.0199")


def test_exactly_what_fits_into_the_month_is_admitted(studio: Deployment) -> None:
    studio.chosen["DefaultMonthlyLimitMicros"] = "60000"

    statuses = [posted(studio, key=f"key-{number}").status for number in range(4)]

    assert statuses == [202, 202, 202, 402]
    assert budget(studio) == ("0.0000", "0.0600", "0.0000")


def test_a_keyframe_that_is_not_the_tenant_s_is_422(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    vendors.will(DALLE, dalle_picture(picture(1536, 864)))
    image = studio.call("generate", sample("generate", "image")).json["id"]
    studio.run(image)
    own = sample("generate", "flow-clip")

    mine = studio.call("generate", own)
    theirs = studio.call("generate", asked_by(own, role="creator", tenant="other"))

    assert mine.status == 202
    problem = assert_problem(theirs, 422, "validation-failed")
    assert problem["errors"] == [
        {"pointer": "/params/image", "message": "there is no still with this take or upload id"}
    ]


def test_a_table_that_is_away_is_503_and_nothing_is_started(
    studio: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(studio.table.__class__, "commit", away)

    answer = posted(studio)

    assert_problem(answer, 503, "ledger-unavailable")
    assert answer.headers["retry-after"] == "2"
    assert studio.executions() == []


def test_an_unexpected_failure_is_500_and_says_nothing_of_itself(
    studio: Deployment, monkeypatch: pytest.MonkeyPatch, said
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("canary-1 in the words of an exception")

    monkeypatch.setattr(studio.table.__class__, "commit", broken)

    answer = posted(studio, prompt="canary-2")

    assert_problem(answer, 500, "internal")
    assert "canary" not in answer.text
    assert "RuntimeError" in said()
    assert "canary" not in said()


# --- the same key again ------------------------------------------------------------------------


def test_the_same_key_and_request_is_the_same_generation_as_it_now_is(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    vendors.will(DALLE, dalle_picture())
    first = posted(studio, params={"aspect_ratio": "1:1"})
    studio.run(first.json["id"])

    again = posted(studio, params={"aspect_ratio": "1:1"})

    assert again.status == 200
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert (again.json["id"], again.json["state"]) == (first.json["id"], "succeeded")
    assert again.json["takes"][0]["url"].startswith("https://")
    assert budget(studio) == ("0.0200", "0.0000", "9.9800")
    assert len(studio.executions()) == 1


def test_another_spelling_of_the_same_request_is_a_replay(studio: Deployment) -> None:
    first = posted(studio, params={})
    body = json.dumps(
        {"prompt": "A fox at dawn, wide shot", "type": "image", "provider": "auto",
         "params": {"quality": "standard", "count": 1}, "project": "fox-film",
         "script_id": "scene-1", "shot_number": 1, "tags": ["keyframe"]},
        indent=4,
    )  # fmt: skip

    again = studio.call(
        "generate",
        altered(sample("generate", "image"), body=body, headers={"idempotency-key": "key-1"}),
    )

    assert (again.status, again.json["id"]) == (200, first.json["id"])


@pytest.mark.parametrize(
    "change",
    [{"prompt": "another"}, {"cost_limit": "0.5"}, {"tags": []}, {"on_unknown": "next"}],
    ids=lambda change: next(iter(change)),
)
def test_the_same_key_with_another_request_is_422_and_names_the_first(
    studio: Deployment, change: dict
) -> None:
    first = posted(studio).json["id"]

    problem = assert_problem(posted(studio, **change), 422, "idempotency-key-reused")

    assert problem["generationId"] == first
    assert budget(studio) == ("0.0000", "0.0200", "9.9800")


def test_a_key_belongs_to_one_tenant_and_one_user(studio: Deployment) -> None:
    studio.give_key("dalle", tenant="other")
    event = sample("generate", "image")

    ids = {
        studio.call("generate", asked_by(event, role="creator", tenant=tenant, user=user)).json[
            "id"
        ]
        for tenant, user in [("studio", "ann"), ("studio", "ben"), ("other", "ann")]
    }

    assert len(ids) == 3


def test_without_a_key_every_post_is_a_generation_of_its_own(studio: Deployment) -> None:
    first, second = posted(studio, key=None), posted(studio, key=None)

    assert (first.status, second.status) == (202, 202)
    assert first.json["id"] != second.json["id"]
    assert budget(studio)[1] == "0.0400"


@pytest.mark.parametrize("key", ["", " ", "a b", "a" * 256, "ä", "tab\t", "line\n"])
def test_a_key_that_is_not_visible_ascii_is_400(studio: Deployment, key: str) -> None:
    assert_problem(posted(studio, key=key), 400, "invalid-header")


@pytest.mark.parametrize("key", ["a", "~!", "a" * 255, '"quoted"'])
def test_a_key_of_visible_ascii_is_taken(studio: Deployment, key: str) -> None:
    assert posted(studio, key=key).status == 202


def test_a_budget_refusal_leaves_the_key_free(studio: Deployment) -> None:
    studio.chosen["DefaultMonthlyLimitMicros"] = "10000"
    refused = posted(studio)
    event = altered(sample("settings", "set-budget"), body={"limit": "1"})
    studio.call("settings", event)

    admitted = posted(studio, prompt="another request")

    assert (refused.status, admitted.status) == (402, 202)


def test_a_post_that_could_not_start_its_workflow_is_mended_by_its_repeat(
    studio: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(GenerationWorkflow, "start", away)
        failed = posted(studio)

    mended = posted(studio)

    assert failed.status == 503
    assert (mended.status, mended.headers["idempotency-replayed"]) == (200, "true")
    assert [one["name"] for one in studio.executions()] == [mended.json["id"]]
    assert budget(studio) == ("0.0000", "0.0200", "9.9800")


# --- cancel ------------------------------------------------------------------------------------


def test_cancelling_before_anything_was_sent_is_free_and_final(studio: Deployment) -> None:
    made = posted(studio).json["id"]

    answer = cancelled(studio, made)

    assert (answer.status, answer.json["state"]) == (200, "cancelled")
    assert answer.json["failure"]["code"] == "cancelled"
    assert answer.json["attempts"][0]["state"] == "released"
    assert budget(studio) == ("0.0000", "0.0000", "10.0000")


def test_a_cancelled_generation_is_never_sent(studio: Deployment, vendors: ScriptedEgress) -> None:
    made = posted(studio).json["id"]
    cancelled(studio, made)

    walked = studio.run(made)

    assert walked == [("submit", "stopped"), ("finish", "cancelled")]
    assert vendors.calls == []


def test_cancelling_what_a_provider_has_marks_it_and_follows_it(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    vendors.will("api-singapore.klingai.com", kling_created())
    made = studio.call("generate", sample("generate", "clip")).json["id"]
    studio.step("submit", made)

    answer = cancelled(studio, made)
    again = cancelled(studio, made)

    assert (answer.status, again.status) == (202, 202)
    assert answer.json["state"] == "running"
    assert answer.json["cancel_requested_at"] == "2026-11-22T12:00:00.000Z"
    assert budget(studio)[1] == "0.0067"


def test_after_a_cancel_no_other_provider_is_asked(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    vendors.will(DALLE, dalle_error(429))
    made = posted(studio).json["id"]
    assert studio.step("submit", made)["outcome"] == "again"
    answer = cancelled(studio, made)

    walked = studio.run(made)

    assert (answer.status, answer.json["state"]) == (200, "cancelled")
    assert walked[-1] == ("finish", "cancelled")
    assert len(vendors.calls) == 1
    assert budget(studio) == ("0.0000", "0.0000", "10.0000")


def test_what_has_ended_cannot_be_cancelled(studio: Deployment) -> None:
    made = posted(studio).json["id"]
    cancelled(studio, made)

    problem = assert_problem(cancelled(studio, made), 409, "state-conflict")

    assert "cancelled" in problem["detail"]


def test_another_tenant_s_generation_cannot_be_cancelled(studio: Deployment) -> None:
    made = posted(studio).json["id"]

    answer = cancelled(studio, made, tenant="other")

    assert_problem(answer, 404, "not-found")
    assert studio.table.find("studio", made).generation.state == "queued"
