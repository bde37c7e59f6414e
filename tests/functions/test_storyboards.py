"""POST, GET, DELETE /v1/storyboards and its resume, at the handlers, over the table on moto."""

from typing import Any

import pytest

from filmgate.domain import ids
from filmgate.schemas import StoryboardBody
from tests.functions.support import Deployment, asked_by, request, sample

Json = dict[str, Any]
TWO = [{"prompt": f"a lamp, take {number}", "keyframe": {"provider": "dalle"}} for number in (1, 2)]


@pytest.fixture
def keyed(studio: Deployment) -> Deployment:
    studio.give_key("dalle")
    return studio


def post(
    studio: Deployment,
    body: Any,
    *,
    role: str = "creator",
    kind: str = "application/json",
    query: dict[str, str] | None = None,
    key: str = "key",
    user: str = "ann",
) -> Any:
    headers = {"content-type": kind, "idempotency-key": key}
    event = request("POST", "/v1/storyboards", body=body, headers=headers, query=query)
    return studio.route(asked_by(event, role=role, user=user))


def get(
    studio: Deployment, path: str, *, role: str = "creator", user: str = "ann", **query: str
) -> Any:
    return studio.route(asked_by(request("GET", path, query=query or None), role=role, user=user))


def test_a_storyboard_is_accepted_with_its_price_and_its_address(keyed: Deployment) -> None:
    answer = post(keyed, {"title": "lamps", "budget": "0.0400", "shots": TWO})

    assert answer.status == 202, answer.text
    told = answer.json
    assert answer.headers["location"] == f"/v1/storyboards/{told['id']}"
    assert (told["state"], told["shot_count"], told["progress"]) == ("queued", 2, None)
    assert told["estimate"] == {"expected": "0.0400", "max": "0.0400"}
    seen = get(keyed, f"/v1/storyboards/{told['id']}").json
    assert seen["progress"] == {"total": 2, "done": 0, "failed": 0, "skipped": 0, "cancelled": 0}
    assert [shot["number"] for shot in seen["shots"]] == [1, 2]
    assert seen["shots"][0]["clip"] is None


def test_the_same_key_gives_the_same_storyboard_again(keyed: Deployment) -> None:
    first = post(keyed, {"shots": TWO})

    again = post(keyed, {"shots": TWO})
    other = post(keyed, {"shots": TWO[:1]})

    assert (again.status, again.json["id"]) == (200, first.json["id"])
    assert again.headers["idempotency-replayed"] == "true"
    assert (other.status, other.json["code"]) == (422, "idempotency-key-reused")


def test_json_lines_and_csv_are_the_same_as_json(keyed: Deployment) -> None:
    lines = '{"prompt": "a lamp", "keyframe": {"provider": "dalle"}}\n'
    table = "prompt,keyframe_provider,clip_provider\na lamp,dalle,none\n"
    query = {"budget": "0.0200", "title": "lamps", "continuity": "off"}

    told = [
        post(keyed, lines, kind="application/x-ndjson", query=query, key="a"),
        post(keyed, table, kind="text/csv; charset=utf-8", query=query, key="b"),
    ]

    for answer in told:
        assert answer.status == 202, answer.text
        assert answer.json["title"] == "lamps"
        assert answer.json["continuity"] == "off"
        assert answer.json["estimate"]["max"] == answer.json["budget"] == "0.0200"


@pytest.mark.parametrize(
    ("body", "kind", "query", "status", "where"),
    [
        ({"shots": TWO, "surprise": 1}, "application/json", None, 422, "/surprise"),
        ({"shots": []}, "application/json", None, 422, "/shots"),
        ({"shots": TWO}, "application/json", {"budget": "1"}, 422, "?budget"),
        ("prompt\na\n", "text/csv", {"surprise": "1"}, 422, "?surprise"),
        ("prompt\na\n", "text/csv", {"budget": "much"}, 422, "?budget"),
    ],
)
def test_what_is_wrong_is_pointed_at(
    keyed: Deployment, body: Any, kind: str, query: dict[str, str] | None, status: int, where: str
) -> None:
    answer = post(keyed, body, kind=kind, query=query)

    assert answer.status == status
    assert answer.json["errors"][0]["pointer"] == where


def test_a_fault_in_a_csv_is_told_by_line_and_column(keyed: Deployment) -> None:
    answer = post(keyed, "number,prompt,duration_s\n1,a,5\n2,b,long\n", kind="text/csv")

    assert answer.status == 422
    (fault,) = answer.json["errors"]
    assert (fault["line"], fault["column"]) == (3, "duration_s")


def test_what_nobody_reads_as_a_storyboard_is_415(keyed: Deployment) -> None:
    assert post(keyed, "<shots/>", kind="text/xml").status == 415


def test_a_refusal_says_what_would_fit_and_holds_nothing(keyed: Deployment) -> None:
    answer = post(keyed, {"budget": "0.0300", "shots": TWO})

    assert answer.status == 402
    assert answer.json["fits"] == {"max": "0.0200", "drop": [2], "downgrade": []}
    assert get(keyed, "/v1/storyboards").json == {"items": [], "next": None}


def test_what_was_asked_can_be_asked_again_from_the_answer(keyed: Deployment) -> None:
    keyed.give_key("whan")
    shots = [
        {
            "number": 3, "prompt": "a lamp", "negative_prompt": "blur", "scene": "quay",
            "characters": ["Reynard"], "strategy": "cheapest",
            "keyframe": {"provider": "dalle", "params": {"aspect_ratio": "16:9", "style": "ink"}},
            "clip": {"provider": "whan", "prompt": "it sways", "params": {"duration_s": 3}},
        },
        {"number": 7, "prompt": "a fox", "keyframe": {"provider": "dalle"}},
    ]  # fmt: skip
    asked = post(keyed, {"shots": shots})
    seen = get(keyed, f"/v1/storyboards/{asked.json['id']}").json["shots"]

    again = [
        {name: shot[name] for name in shots[0] if name not in ("keyframe", "clip")}
        | {role: shot[role] and shot[role]["asked"] for role in ("keyframe", "variation", "clip")}
        for shot in seen
    ]

    body = {"shots": shots, "continuity": "follow"}
    assert StoryboardBody.model_validate(body | {"shots": again}).storyboard() == (
        StoryboardBody.model_validate(body).storyboard()
    )
    assert seen[0]["clip"]["asked"]["params"] == {"quality": "standard", "duration_s": 3}


def test_viewers_look_and_creators_see_their_own(keyed: Deployment) -> None:
    started = post(keyed, {"shots": TWO}).json
    path = f"/v1/storyboards/{started['id']}"

    assert post(keyed, {"shots": TWO}, role="viewer").status == 403
    for method, where in (("DELETE", path), ("POST", f"{path}/resume")):
        event = request(method, where, body={} if method == "POST" else None)
        assert keyed.route(asked_by(event, role="viewer")).status == 403
        assert keyed.route(asked_by(event, role="creator", user="eve")).status == 404
    assert get(keyed, path, user="eve").status == 404
    assert get(keyed, path, role="viewer", user="eve").status == 200
    assert get(keyed, "/v1/storyboards", user="eve").json["items"] == []
    assert len(get(keyed, "/v1/storyboards", role="viewer", user="eve").json["items"]) == 1


def test_storyboards_are_listed_newest_first_page_by_page(keyed: Deployment) -> None:
    names = []
    for number in range(3):
        body = {"shots": TWO[:1], "project": "odd" if number % 2 else "even"}
        names.append(post(keyed, body, key=f"k{number}").json["id"])
        keyed.clock.pass_s(1)

    first = get(keyed, "/v1/storyboards", limit="2").json
    second = get(keyed, "/v1/storyboards", limit="2", cursor=first["next"]).json

    assert [one["id"] for one in first["items"] + second["items"]] == names[::-1]
    assert second["next"] is None
    odd = get(keyed, "/v1/storyboards", project="odd", state="queued").json["items"]
    assert [one["id"] for one in odd] == [names[1]]
    assert get(keyed, "/v1/storyboards", cursor="nonsense").status == 422
    assert get(keyed, "/v1/storyboards", state="odd").status == 422


def test_a_cancelled_storyboard_has_its_money_back_and_cannot_be_resumed(
    keyed: Deployment,
) -> None:
    started = post(keyed, {"shots": TWO}).json
    path = f"/v1/storyboards/{started['id']}"

    cancelled = keyed.route(asked_by(request("DELETE", path), role="creator"))

    assert (cancelled.status, bool(cancelled.json["cancel_requested_at"])) == (202, True)
    shown = get(keyed, path).json
    assert [shot["state"] for shot in shown["shots"]] == ["cancelled", "cancelled"]
    event = {"task": "conclude", "tenant": "studio", "storyboard_id": started["id"]}
    assert keyed.invoke("shoot", event)["state"] == "cancelled"
    resumed = keyed.route(asked_by(request("POST", f"{path}/resume", body={}), role="creator"))
    assert (resumed.status, resumed.json["code"]) == (409, "state-conflict")


def test_a_resume_says_no_more_than_whether_it_approves(keyed: Deployment) -> None:
    started = post(keyed, {"shots": TWO}).json
    path = f"/v1/storyboards/{started['id']}/resume"

    running = request("POST", path, body={})
    assert keyed.route(asked_by(running, role="creator")).status == 409
    unknown = request("POST", path, body={"agree": True})
    assert keyed.route(asked_by(unknown, role="creator")).status == 422


@pytest.mark.parametrize("name", ["sb_", "gen_abc", "sb_" + "a" * 26])
def test_what_is_no_storyboard_is_not_found(keyed: Deployment, name: str) -> None:
    assert get(keyed, f"/v1/storyboards/{name}").status == 404


def test_the_workflow_opens_a_run_and_takes_a_shot_further(keyed: Deployment) -> None:
    name = post(keyed, {"shots": TWO}).json["id"]
    asked = {"tenant": "studio", "storyboard_id": name}

    opened = keyed.invoke("shoot", {"task": "open", **asked})
    first = keyed.invoke("shoot", {"task": "advance", "number": 1, **asked})

    assert opened == {**asked, "shots": [1, 2], "shots_at_once": 20, "inline": True}
    assert (first["outcome"], first["number"]) == ("running", 1)
    assert first["wait_s"] >= 1
    shown = get(keyed, f"/v1/storyboards/{name}").json
    assert shown["state"] == "running"
    assert shown["shots"][0]["keyframe"]["generation_id"].startswith("gen_")
    assert shown["shots"][1]["keyframe"]["generation_id"] is None


def test_the_samples_speak_of_one_storyboard() -> None:
    name = ids.storyboard_id("studio", "ann", "sample-storyboard")

    assert sample("shoot", "advance")["storyboard_id"] == name
    assert sample("read", "storyboard")["rawPath"].endswith(name)
