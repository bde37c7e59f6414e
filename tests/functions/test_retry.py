"""POST /v1/generations/{id}/retry: the same request once more, priced now, with new money."""

from typing import Any

import pytest

from tests.functions.support import Answer, Deployment, asked_by, assert_problem, request
from tests.functions.vendors import DALLE, ScriptedEgress, dalle_picture, picture

Json = dict[str, Any]
ASKED: Json = {
    "type": "image",
    "prompt": "a lamplighter on the quay",
    "negative_prompt": "rain",
    "provider": "dalle",
    "strategy": "cheapest",
    "params": {"aspect_ratio": "16:9", "quality": "high"},
    "cost_limit": "0.0300",
    "on_refusal": "stop",
    "on_unknown": "next",
    "project": "lamps",
    "script_id": "scene-1",
    "shot_number": 4,
    "tags": ["night"],
    "webhook_url": "https://hooks.studio.example/done",
}


@pytest.fixture
def studio(studio: Deployment) -> Deployment:
    studio.give_key("dalle")
    return studio


def post(
    studio: Deployment, path: str, body: Any = None, *, key: str | None = "key", user: str = "ann",
    role: str = "creator", tenant: str = "studio",
) -> Answer:  # fmt: skip
    event = request("POST", path, body=body, headers={"idempotency-key": key} if key else None)
    return studio.route(asked_by(event, role=role, user=user, tenant=tenant))


def cancelled(studio: Deployment, body: Json = ASKED, key: str = "first") -> Json:
    """A generation that has ended, for nothing."""
    made: Json = post(studio, "/v1/generations", body, key=key).json
    event = request("DELETE", f"/v1/generations/{made['id']}")
    assert studio.route(asked_by(event, role="creator")).json["state"] == "cancelled"
    return made


def retried(studio: Deployment, made: Json, body: Any = None, **others: Any) -> Answer:
    return post(studio, f"/v1/generations/{made['id']}/retry", body, **others)


def test_the_same_is_asked_for_again_with_new_money(studio: Deployment) -> None:
    first = cancelled(studio)

    answer = retried(studio, first)

    again = answer.json
    assert answer.status == 202, answer.text
    assert answer.headers["location"] == f"/v1/generations/{again['id']}"
    assert (again["state"], again["retry_of"], first["retry_of"]) == ("queued", first["id"], None)
    own = {"id", "state", "attempts", "created_at", "retry_of"}
    assert {n: v for n, v in again.items() if n not in own} == {
        n: v for n, v in first.items() if n not in own
    }
    assert [one["name"] for one in studio.executions()].count(again["id"]) == 1
    held = studio.table.budget("studio", "owner", "2026-11")
    assert held is not None
    assert held.held == 20_000


def test_what_succeeded_may_be_made_once_more(studio: Deployment, vendors: ScriptedEgress) -> None:
    vendors.will(DALLE, dalle_picture(picture(1536, 864)), dalle_picture(picture(1536, 864)))
    first = post(studio, "/v1/generations", ASKED, key="first").json
    studio.run(first["id"])

    again = retried(studio, first).json
    studio.run(again["id"])

    shown = studio.route(asked_by(request("GET", f"/v1/generations/{again['id']}"), role="viewer"))
    assert (shown.json["state"], shown.json["actual_cost"]) == ("succeeded", "0.0200")
    assert len(vendors.calls) == 2


def test_the_same_key_is_the_same_retry_and_another_key_another(studio: Deployment) -> None:
    first, other = cancelled(studio), cancelled(studio, key="other")

    one = retried(studio, first, key="a")
    same = retried(studio, first, key="a")
    second = retried(studio, first, key="b")

    assert (same.status, same.json["id"]) == (200, one.json["id"])
    assert same.headers["idempotency-replayed"] == "true"
    assert second.json["id"] != one.json["id"]
    assert retried(studio, first, key=None).status == 202
    for reused in (retried(studio, other, key="a"), retried(studio, first, key="first")):
        assert_problem(reused, 422, "idempotency-key-reused")


def test_a_retry_can_be_retried(studio: Deployment) -> None:
    second = retried(studio, cancelled(studio)).json
    event = request("DELETE", f"/v1/generations/{second['id']}")
    studio.route(asked_by(event, role="creator"))

    third = retried(studio, second, key="again")

    assert (third.status, third.json["retry_of"]) == (202, second["id"])


def test_what_has_not_ended_is_409(studio: Deployment) -> None:
    running = post(studio, "/v1/generations", ASKED).json

    assert_problem(retried(studio, running, key="a"), 409, "state-conflict")


def test_a_part_of_a_storyboard_is_resumed_with_it(studio: Deployment) -> None:
    shots = [{"prompt": "a lamp", "keyframe": {"provider": "dalle"}}]
    board = post(studio, "/v1/storyboards", {"shots": shots}).json["id"]
    asked = {"tenant": "studio", "storyboard_id": board}
    studio.invoke("shoot", {"task": "open", **asked})
    studio.invoke("shoot", {"task": "advance", "number": 1, **asked})
    path = f"/v1/storyboards/{board}"
    shown = studio.route(asked_by(request("GET", path), role="creator")).json
    part = {"id": shown["shots"][0]["keyframe"]["generation_id"]}
    studio.route(asked_by(request("DELETE", f"/v1/generations/{part['id']}"), role="creator"))

    problem = assert_problem(retried(studio, part, key="a"), 409, "state-conflict")

    assert board in problem["detail"]


def test_another_s_generation_is_not_there_but_an_admin_may_retry_it_as_their_own(
    studio: Deployment,
) -> None:
    first = cancelled(studio)

    assert retried(studio, first, user="eve").status == 404
    assert retried(studio, first, tenant="other", role="admin").status == 404
    assert retried(studio, first, role="viewer").status == 403
    by_admin = retried(studio, first, user="ada", role="admin")
    assert (by_admin.status, by_admin.json["user"]) == (202, "ada")


def test_a_quote_is_not_carried_over_but_the_request_s_own_limit_is(studio: Deployment) -> None:
    for limit, bound in (("0.0300", "0.0300"), (None, "1.0000")):
        asked = {**ASKED, "cost_limit": limit} if limit else {"type": "image", "prompt": "a lamp"}
        priced = {n: v for n, v in asked.items() if n not in (
            "project", "script_id", "shot_number", "tags", "webhook_url",
        )}  # fmt: skip
        quote = post(studio, "/v1/estimates", priced).json
        first = cancelled(studio, asked | {"quote_id": quote["quote_id"]}, key=f"{bound}-first")
        studio.clock.pass_s(16 * 60)

        again = retried(studio, first, key=bound).json

        assert (first["cost_limit"], first["quote_id"]) == ("0.0200", quote["quote_id"])
        assert (again["cost_limit"], again["quote_id"]) == (bound, None)


def test_it_is_priced_now_under_the_first_one_s_limit(studio: Deployment) -> None:
    first = cancelled(studio)
    studio.chosen["RateCard"] = "vendor"
    studio.restart("generate")

    assert_problem(retried(studio, first), 402, "cost-limit-exceeded")


@pytest.mark.parametrize(
    ("body", "status"),
    [(None, 202), ({}, 202), ({"prompt": "another"}, 422), ({"quote_id": "quo_x"}, 422)],
)
def test_a_retry_says_nothing(studio: Deployment, body: Json | None, status: int) -> None:
    assert retried(studio, cancelled(studio), body).status == status


@pytest.mark.parametrize("name", ["gen_" + "a" * 26, "sb_x"])
def test_what_is_no_generation_is_not_found(studio: Deployment, name: str) -> None:
    assert_problem(retried(studio, {"id": name}), 404, "not-found")


def test_the_very_model_that_was_asked_for_is_asked_again(studio: Deployment) -> None:
    studio.give_key("kling")
    made = post(
        studio, "/v1/videos", {"prompt": "a fox", "model": "kling-3.0", "seconds": "5"}
    ).json
    event = request("DELETE", f"/v1/generations/{made['id']}")
    assert studio.route(asked_by(event, role="creator", user="ann")).json["state"] == "cancelled"

    again = retried(studio, made, key="again").json

    assert [attempt["model"] for attempt in again["attempts"]] == ["kling-3.0"]
