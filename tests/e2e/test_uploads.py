"""Files that start work, on the local stack: by a form, and put straight into the bucket."""

import csv
import io
import json
import random
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

import pytest
from PIL import Image

from local.clients import client_for
from local.film.making import post_file
from local.owner import TENANT
from local.stack import STACK_NAME
from tests.e2e.gateway import Gateway, Studio, prompt
from tests.e2e.test_storyboards import end_of, send

SHOTS, CLIPS = 40, 2
PRICE = "0.4100"  # 40 × 0.010 for the stills and 2 × 5/60 × 0.06 for the clips
Json = dict[str, Any]


def shot_list() -> bytes:
    """Forty shots as CSV, with prompts of their own."""
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["prompt", "keyframe_provider", "clip_provider", "duration_s", "resolution"])
    for number in range(SHOTS):
        clip = ["whan", 5, "720p"] if number < CLIPS else ["none", "", ""]
        writer.writerow([prompt(), "nanobanana", *clip])
    return table.getvalue().encode()


def s3(gateway: Gateway) -> Any:
    return client_for("s3", gateway.stack.aws_endpoint)


def bucket(gateway: Gateway) -> str:
    return gateway.stack.outputs["UploadsBucketName"]


def upload(studio: Studio, filename: str, kind: str, data: bytes, **more: Any) -> Json:
    """Ask for an upload, bring the file, and give the upload once it is accepted."""
    wanted = {"filename": filename, "content_type": kind, "size_bytes": len(data), **more}
    form = studio.api.post("/v1/uploads", wanted)
    post_file(form, filename, data)
    path = f"/v1/uploads/{form['upload_id']}"
    found: Json = eventually(
        lambda: studio.api.get(path), lambda seen: seen["state"] not in ("waiting", "taken")
    )
    return found | {"key": form["key"]}


def eventually(look: Callable[[], Any], enough: Callable[[Any], bool]) -> Any:
    give_up_at = time.monotonic() + 90
    while True:
        seen = look()
        if enough(seen):
            return seen
        assert time.monotonic() < give_up_at, seen
        time.sleep(0.3)


def deliver_again(gateway: Gateway, keys: list[str], times: int) -> list[Json]:
    """Let S3's events of these files come again and again, in no order; what each made."""
    events = []
    for key in keys:
        (version,) = s3(gateway).list_object_versions(Bucket=bucket(gateway), Prefix=key)[
            "Versions"
        ]
        told = {"key": quote_plus(key, safe="/"), "versionId": version["VersionId"]}
        record = {"s3": {"bucket": {"name": bucket(gateway)}, "object": told}}
        events += [{"Records": [record]}] * times
    random.Random(3).shuffle(events)
    resource = client_for("cloudformation", gateway.stack.aws_endpoint).describe_stack_resource(
        StackName=STACK_NAME, LogicalResourceId="AcceptUploadFunction"
    )
    name = resource["StackResourceDetail"]["PhysicalResourceId"]
    function = client_for("lambda", gateway.stack.aws_endpoint)
    answers = [
        json.loads(function.invoke(FunctionName=name, Payload=json.dumps(one))["Payload"].read())
        for one in events
    ]
    return [one for answer in answers for one in answer["accepted"]]


@pytest.mark.timeout(400)
def test_forty_shots_by_upload_and_by_http_are_the_same_film_at_the_price_estimated(
    gateway: Gateway, studio: Studio, figure: Callable[[str], None]
) -> None:
    data = shot_list()
    began = time.monotonic()

    file = upload(studio, "shots.csv", "text/csv", data, storyboard={"budget": "2.0000"})
    status, sent = send(studio, "text/csv", data, "?budget=2.0000")
    boards = [
        end_of(studio, {"id": one}, within_s=300) for one in (file["storyboard_id"], sent["id"])
    ]
    before = [studio.api.get("/v1/budgets/owner"), gateway.ledger()]
    again = deliver_again(gateway, [file["key"]], times=3)

    assert (status, file["state"]) == (202, "started")
    assert again == [{"upload_id": file["id"], "state": "started"}] * 3
    assert [studio.api.get("/v1/budgets/owner"), gateway.ledger()] == before
    by_upload, by_http = boards
    assert pictures(by_upload) == pictures(by_http)
    for board in boards:
        assert (board["state"], board["progress"]["done"]) == ("succeeded", SHOTS)
        assert board["estimated_cost"] == board["actual_cost"] == PRICE
    assert len(studio.api.get("/v1/storyboards")["items"]) == 2
    figure(
        f"{SHOTS} shots by upload and by HTTP: {PRICE} USD each, {time.monotonic() - began:.0f} s"
    )
    studio.check_books()


def pictures(board: Json) -> list[tuple[Any, ...]]:
    """What a storyboard is, shot by shot, without the names of what was made."""
    return [
        (
            shot["number"],
            shot["prompt"],
            shot["state"],
            *map(part, (shot["keyframe"], shot["clip"])),
        )
        for shot in board["shots"]
    ]


def part(made: Json | None) -> tuple[Any, ...] | None:
    return made and (made["state"], made["provider"], made["cost"])


@pytest.fixture(scope="module")
def owner(gateway: Gateway) -> Studio:
    """The installation's own tenant, whose the files are that nobody asked for."""
    return Studio(gateway, TENANT)


def test_a_picture_that_is_put_into_the_bucket_becomes_a_clip_once(
    gateway: Gateway, owner: Studio
) -> None:
    made = io.BytesIO()
    Image.radial_gradient("L").resize((640, 360)).save(made, "PNG")
    key = "uploads/set one/harbour+night.png"

    s3(gateway).put_object(
        Bucket=bucket(gateway), Key=key, Body=made.getvalue(),
        Metadata={"motion": "pan_left", "duration_s": "1"},
    )  # fmt: skip

    (clip,) = eventually(lambda: owner.api.get("/v1/generations")["items"], bool)
    ended = owner.end_of(owner.api.get(f"/v1/generations/{clip['id']}"))
    assert (ended["state"], ended["provider"]) == ("succeeded", "flow")
    assert (ended["prompt"], ended["params"]["motion"]) == ("harbour night", "pan_left")
    assert ended["takes"][0]["duration_s"] == 1
    assert [one["state"] for one in deliver_again(gateway, [key], times=3)] == ["started"] * 3
    assert len(owner.api.get("/v1/generations")["items"]) == 1


def test_a_file_that_cannot_be_used_lies_under_rejected_with_its_reason(
    gateway: Gateway, owner: Studio
) -> None:
    data = b"prompt,duration_s\na lamp,five\n"
    place = {"Bucket": bucket(gateway), "Prefix": "rejected/"}

    s3(gateway).put_object(Bucket=bucket(gateway), Key="uploads/monday/shots.csv", Body=data)

    eventually(lambda: s3(gateway).list_objects_v2(**place).get("KeyCount", 0), lambda n: n == 2)
    told = s3(gateway).get_object(
        Bucket=bucket(gateway), Key="rejected/monday/shots.csv.reason.json"
    )
    why = json.loads(told["Body"].read())
    assert why["errors"][0] | {"message": ""} == {"line": 2, "column": "duration_s", "message": ""}


def test_a_form_takes_no_other_file_than_it_was_signed_for(studio: Studio) -> None:
    form = studio.api.post(
        "/v1/uploads", {"filename": "a.csv", "content_type": "text/csv", "size_bytes": 7}
    )

    for change in ({"key": "uploads/other.csv"}, {"Content-Type": "text/html"},
                   {"x-amz-meta-filmgate-tenant": "other"}):  # fmt: skip
        with pytest.raises(ValueError, match="403"):
            post_file({**form, "fields": {**form["fields"], **change}}, "a.csv", b"prompt\n")
    with pytest.raises(ValueError, match="EntityTooLarge"):
        post_file(form, "a.csv", b"prompt\n\n")
    assert studio.api.get(f"/v1/uploads/{form['upload_id']}")["state"] == "waiting"
