"""POST and GET /v1/uploads at the handlers, over the table and the buckets on moto."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from filmgate.domain.moments import moment
from tests.functions.support import (
    NOW,
    TENANT,
    Answer,
    Deployment,
    asked_by,
    assert_problem,
    request,
)
from tests.functions.uploads import BUCKET, Put, accept, reason, rejected
from tests.functions.vendors import picture

IMAGE = {"filename": "Rooftop at dusk.PNG", "content_type": "image/png"}
SHOTS = b"prompt,keyframe_provider,clip_provider\na lamp,dalle,none\n"


def ask(studio: Deployment, body: dict[str, Any], *, key: str = "k1", **by: str) -> Answer:
    event = request("POST", "/v1/uploads", body=body, headers={"idempotency-key": key})
    return studio.route(asked_by(event, **({"role": "creator"} | by)))


def seen(studio: Deployment, upload_id: str, **by: str) -> Answer:
    event = request("GET", f"/v1/uploads/{upload_id}")
    return studio.route(asked_by(event, **({"role": "creator"} | by)))


def post_file(studio: Deployment, form: dict[str, Any], data: bytes) -> Put:
    """Bring the file, as S3 does what the form says: its fields become the object's own."""
    fields = form["fields"]
    metadata = {
        name.removeprefix("x-amz-meta-"): text
        for name, text in fields.items()
        if name.startswith("x-amz-meta-")
    }
    answer = studio.s3.put_object(
        Bucket=BUCKET,
        Key=fields["key"],
        Body=data,
        ContentType=fields["Content-Type"],
        Metadata=metadata,
    )
    return Put(fields["key"], answer["VersionId"], len(data))


def test_a_form_takes_one_key_one_type_and_one_size_for_a_quarter_of_an_hour(
    studio: Deployment,
) -> None:
    answer = ask(studio, {**IMAGE, "size_bytes": 1234})

    form = answer.json
    policy = json.loads(base64.b64decode(form["fields"]["policy"]))
    upload = form["upload_id"]
    assert answer.status == 201
    assert answer.headers["location"] == f"/v1/uploads/{upload}"
    assert set(form) == {"upload_id", "url", "fields", "key", "expires_at"}
    assert form["key"] == f"uploads/{upload}/file.png"
    assert form["expires_at"] == moment(NOW + timedelta(minutes=15))
    for condition in (
        {"bucket": BUCKET},
        {"key": form["key"]},
        {"Content-Type": "image/png"},
        {"x-amz-meta-filmgate-tenant": TENANT},
        ["content-length-range", 1234, 1234],
    ):
        assert condition in policy["conditions"]


def test_an_upload_waits_for_its_file_and_then_tells_what_became_of_it(
    studio: Deployment,
) -> None:
    data = picture(640, 360)
    wishes = {"motion": "pan_left", "duration_s": 4}
    form = ask(studio, {**IMAGE, "size_bytes": len(data), "clip": wishes}).json
    before = seen(studio, form["upload_id"]).json

    accept(studio, post_file(studio, form, data))

    after = seen(studio, form["upload_id"]).json
    made = studio.route(
        asked_by(request("GET", f"/v1/generations/{after['generation_id']}"), role="creator")
    ).json
    assert (before["state"], before["image"], before["generation_id"]) == ("waiting", None, None)
    assert (after["state"], after["image"]["width"], after["rejection"]) == ("started", 640, None)
    assert made["params"] | wishes == made["params"]
    assert made["prompt"] == "Rooftop at dusk"
    assert made["params"]["image"] == form["upload_id"]


def test_an_image_that_is_only_kept_is_good_for_a_clip_of_its_user(studio: Deployment) -> None:
    data = picture(640, 360)
    form = ask(studio, {**IMAGE, "size_bytes": len(data), "clip": None}).json
    accept(studio, post_file(studio, form, data))
    clip = {
        "type": "video",
        "prompt": "closer",
        "provider": "flow",
        "params": {"image": form["upload_id"], "duration_s": 1},
    }

    kept = seen(studio, form["upload_id"]).json
    ours = studio.route(asked_by(request("POST", "/v1/generations", body=clip), role="creator"))
    foreign = asked_by(request("POST", "/v1/generations", body=clip), role="admin", tenant="other")

    assert (kept["state"], kept["generation_id"]) == ("stored", None)
    assert ours.status == 202
    assert studio.run(ours.json["id"])[-1] == ("finish", "succeeded")
    problem = assert_problem(studio.route(foreign), 422, "validation-failed")
    assert [one["pointer"] for one in problem["errors"]] == ["/params/image"]


def test_a_batch_file_is_a_storyboard_of_who_asked_under_what_they_said(
    studio: Deployment,
) -> None:
    studio.give_key("dalle")
    body = {"filename": "shots.csv", "content_type": "text/csv", "size_bytes": len(SHOTS)}
    form = ask(studio, body | {"storyboard": {"title": "Lamps", "budget": "1.0000"}}).json
    accept(studio, post_file(studio, form, SHOTS))

    board = seen(studio, form["upload_id"]).json["storyboard_id"]
    told = studio.route(asked_by(request("GET", f"/v1/storyboards/{board}"), role="creator")).json

    assert (told["title"], told["estimated_cost"]) == ("Lamps", "0.0200")


def test_a_rejected_upload_says_why_and_takes_a_better_file(studio: Deployment) -> None:
    data = picture(640, 360)
    form = ask(studio, {**IMAGE, "size_bytes": len(data), "clip": None}).json
    accept(studio, post_file(studio, form, data[:-40]))
    first = seen(studio, form["upload_id"]).json

    accept(studio, post_file(studio, form, data))

    assert first["state"] == "rejected"
    assert first["rejection"] == {"code": "image-unusable", "message": "The PNG is cut short."}
    again = seen(studio, form["upload_id"]).json
    assert (again["state"], again["rejection"]) == ("stored", None)


def test_an_upload_takes_one_file_and_a_second_is_put_aside(studio: Deployment) -> None:
    data = picture(640, 360)
    form = ask(studio, {**IMAGE, "size_bytes": len(data)}).json
    first = post_file(studio, form, data)
    accept(studio, first)
    before = seen(studio, form["upload_id"]).json

    second = post_file(studio, form, picture(64, 64))

    assert accept(studio, second, second) == []
    assert seen(studio, form["upload_id"]).json == before
    assert len(rejected(studio)) == 2
    why = reason(studio, f"{form['upload_id']}/file.png")
    assert (why["code"], why["version_id"]) == ("state-conflict", second.version_id)


def test_a_key_that_somebody_else_s_upload_has_is_not_theirs_without_the_form(
    studio: Deployment,
) -> None:
    data = picture(640, 360)
    form = ask(studio, {**IMAGE, "size_bytes": len(data)}, tenant="other").json
    answer = studio.s3.put_object(Bucket=BUCKET, Key=form["key"], Body=data)

    (told,) = accept(studio, Put(form["key"], answer["VersionId"], len(data)))

    assert told["upload_id"] != form["upload_id"]
    theirs = seen(studio, form["upload_id"], tenant="other").json
    assert theirs["state"] == "waiting"


def test_the_same_key_is_the_same_upload_with_a_form_that_lives_anew(studio: Deployment) -> None:
    body = {**IMAGE, "size_bytes": 9}
    first = ask(studio, body).json
    studio.clock.pass_s(600)

    again, other = ask(studio, body).json, ask(studio, body, key="k2").json

    assert (again["upload_id"], again["key"]) == (first["upload_id"], first["key"])
    assert again["expires_at"] > first["expires_at"]
    assert other["upload_id"] != first["upload_id"]
    assert_problem(ask(studio, {**IMAGE, "size_bytes": 8}), 422, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"filename": "a.gif"}, "/filename"),
        ({"filename": "a.jpg"}, "/filename"),
        ({"filename": "png"}, "/filename"),
        ({"filename": "a.png.json", "content_type": "application/json"}, "/filename"),
        ({"content_type": "image/gif"}, "/content_type"),
        ({"size_bytes": 0}, "/size_bytes"),
        ({"size_bytes": 25_000_001}, "/size_bytes"),
        ({"filename": "a.csv", "content_type": "text/csv", "size_bytes": 10_000_001},
         "/size_bytes"),
        ({"filename": "a.csv", "content_type": "text/csv", "clip": {}}, "/clip"),
        ({"storyboard": {}}, "/storyboard"),
        ({"filename": "a.json", "content_type": "application/json", "storyboard": {}},
         "/storyboard"),
        ({"clip": {"duration_s": 61}}, "/clip/duration_s"),
        ({"clip": {"image": "take"}}, "/clip/image"),
        ({"start": True}, "/start"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_uploaded_is_refused_at_its_field(
    studio: Deployment, body: dict[str, Any], pointer: str
) -> None:
    problem = assert_problem(
        ask(studio, {**IMAGE, "size_bytes": 9, **body}), 422, "validation-failed"
    )

    assert [one["pointer"] for one in problem["errors"]] == [pointer]


def test_an_upload_is_seen_by_its_user_and_by_who_sees_the_whole_studio(
    studio: Deployment,
) -> None:
    upload = ask(studio, {**IMAGE, "size_bytes": 9}).json["upload_id"]

    assert seen(studio, upload, role="viewer", user="vic").status == 200
    assert_problem(seen(studio, upload, user="bob"), 404, "not-found")
    assert_problem(seen(studio, upload, role="admin", tenant="other"), 404, "not-found")
    assert_problem(seen(studio, "upl_none"), 404, "not-found")
