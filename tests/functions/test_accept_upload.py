"""Files that start work, at the handler, over the table and the buckets on moto."""

import json
from typing import Any

import pytest

from filmgate.domain.errors import StoreUnavailable, TooManyInFlight
from tests.functions.support import Deployment, asked_by, request
from tests.functions.uploads import BUCKET, accept, put, reason, rejected, upload_of
from tests.functions.vendors import picture

SHOTS = "number,prompt,keyframe_provider,clip_provider\n1,a lamp,dalle,none\n2,the fog,dalle,none\n"


@pytest.fixture
def keyed(studio: Deployment) -> Deployment:
    studio.give_key("dalle")
    studio.give_key("kling")
    return studio


def generation(studio: Deployment, told: dict[str, Any]) -> dict[str, Any]:
    """The generation that a file has become, as an admin sees it."""
    found = upload_of(studio, told).generation_id
    event = asked_by(request("GET", f"/v1/generations/{found}"), role="admin")
    seen: dict[str, Any] = studio.route(event).json
    return seen


def generations(studio: Deployment) -> list[dict[str, Any]]:
    event = asked_by(request("GET", "/v1/generations"), role="admin")
    found: list[dict[str, Any]] = studio.route(event).json["items"]
    return found


# --- images --------------------------------------------------------------------------------------


def test_an_image_becomes_a_camera_move_of_five_seconds_in_its_own_shape(
    studio: Deployment,
) -> None:
    (told,) = accept(studio, put(studio, "set/harbour at-night.png", picture(900, 1600)))

    made = generation(studio, told)
    assert told["state"] == "started"
    assert (made["type"], made["requested_provider"]) == ("video", "flow")
    assert made["prompt"] == "harbour at night"
    assert made["params"]["aspect_ratio"] == "9:16"
    assert made["params"]["image"] == told["upload_id"]
    assert made["estimated_cost"] == "0.0042"
    assert rejected(studio) == []


def test_metadata_say_what_is_wished_of_an_image(keyed: Deployment) -> None:
    file = put(
        keyed,
        "rooftop.png",
        picture(1280, 720),
        provider="kling",
        prompt="=?UTF-8?Q?K=C3=BCste_im_Nebel?=",
        **{"duration-s": "5", "resolution": "1080p", "project": "fox", "mtime": "1795348800.5"},
    )

    made = generation(keyed, accept(keyed, file)[0])

    assert (made["requested_provider"], made["project"]) == ("kling", "fox")
    assert made["prompt"] == "Küste im Nebel"
    assert (made["params"]["duration_s"], made["params"]["resolution"]) == (5, "1080p")
    assert "aspect_ratio" not in made["params"]


def test_a_sidecar_that_lies_beside_an_image_is_read_and_metadata_go_first(
    studio: Deployment,
) -> None:
    wishes = {"motion": "pan_left", "duration_s": 4, "prompt": "from the sidecar"}
    sidecar = put(studio, "rooftop.png.json", json.dumps(wishes).encode())
    image = put(studio, "rooftop.png", picture(640, 360), prompt="from the metadata")

    (told,) = accept(studio, image, sidecar)

    made = generation(studio, told)
    assert (made["params"]["motion"], made["params"]["duration_s"]) == ("pan_left", 4)
    assert made["prompt"] == "from the metadata"
    assert upload_of(studio, told).sidecar == sidecar.version_id
    assert rejected(studio) == []


def test_a_sidecar_that_comes_after_its_image_was_taken_is_told_so(studio: Deployment) -> None:
    image = put(studio, "rooftop.png", picture(640, 360))
    (told,) = accept(studio, image)
    sidecar = put(studio, "rooftop.png.json", b'{"duration_s": 9}')

    assert accept(studio, sidecar, sidecar) == []

    why = reason(studio, "rooftop.png.json")
    assert "was taken before this file came" in why["message"]
    assert generation(studio, told)["params"].get("duration_s") is None


def test_a_sidecar_without_an_image_waits_for_it(studio: Deployment) -> None:
    assert accept(studio, put(studio, "rooftop.png.json", b"not even json")) == []
    assert rejected(studio) == []


@pytest.mark.parametrize(
    ("sidecar", "told"),
    [
        (b"{", "The sidecar rooftop.png.json cannot be read as JSON"),
        (b"[]", "must be one JSON object"),
        (b'{"motoin": "push_in"}', "/motoin: is not a known field"),
        (b'{"duration_s": 61}', "/duration_s: input should be less than or equal to 60"),
        (b'{"provider": "nobody"}', "/provider: unknown provider"),
        (b" " * 70_000, "longer than 64000 bytes"),
        (b'{"provider": "sora"}', "sora"),
        (b'{"cost_limit": "0.0001"}', "cost limit is 0.0001"),
    ],
    ids=["torn", "a list", "misspelt", "too long a clip", "unknown provider", "huge", "no key",
         "too dear"],
)  # fmt: skip
def test_wishes_that_cannot_be_met_are_rejected_with_the_field(
    studio: Deployment, sidecar: bytes, told: str
) -> None:
    put(studio, "rooftop.png.json", sidecar)

    (said,) = accept(studio, put(studio, "rooftop.png", picture(640, 360)))

    assert said["state"] == "rejected"
    assert told in reason(studio, "rooftop.png")["message"]
    assert generations(studio) == []


# --- batch files ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("shots.csv", SHOTS.encode()),
        ("shots.CSV", b"\xef\xbb\xbf" + SHOTS.replace(",", ";").encode()),
        ("shots.jsonl", b'{"title": "lamps"}\n{"prompt": "a lamp", "keyframe": {"provider": "dalle"'
         b'}}\n{"prompt": "the fog", "keyframe": {"provider": "dalle"}}\n'),
        ("shots.json", b'{"shots": [{"prompt": "a lamp", "keyframe": {"provider": "dalle"}},'
         b'{"prompt": "the fog", "keyframe": {"provider": "dalle"}}]}'),
    ],
    ids=["csv", "semicolons", "json lines", "json"],
)  # fmt: skip
def test_a_batch_file_becomes_a_storyboard(keyed: Deployment, name: str, data: bytes) -> None:
    (told,) = accept(keyed, put(keyed, f"monday/{name}", data))

    board = upload_of(keyed, told).storyboard_id
    seen = keyed.route(asked_by(request("GET", f"/v1/storyboards/{board}"), role="admin")).json
    assert (seen["state"], seen["progress"]["total"]) == ("queued", 2)
    assert seen["estimated_cost"] == "0.0400"


def test_what_a_csv_cannot_say_stands_in_its_metadata(keyed: Deployment) -> None:
    file = put(keyed, "shots.csv", SHOTS.encode(), title="Lamps", budget="0.0300", project="fox")

    (told,) = accept(keyed, file)

    why = reason(keyed, "shots.csv")
    assert told["state"] == "rejected"
    assert (why["code"], why["needed"], why["room"]) == ("budget-exceeded", "0.0400", "0.0300")
    assert why["fits"]["drop"] == [2]
    assert why["what_to_do"] == "Raise the budget or ask for less, then put the file again."


def test_a_rejected_file_says_line_and_column_and_stays_where_it_is(keyed: Deployment) -> None:
    data = b"number,prompt,duration_s\n1,a lamp,5\n1,the fog,five\n"

    (told,) = accept(keyed, put(keyed, "shots.csv", data))

    why = reason(keyed, "shots.csv")
    assert why["upload_id"] == told["upload_id"]
    assert [(one["line"], one["column"]) for one in why["errors"]] == [(3, "duration_s")]
    kept = keyed.s3.get_object(Bucket=BUCKET, Key="uploads/shots.csv")["Body"].read()
    copy = keyed.s3.get_object(Bucket=BUCKET, Key="rejected/shots.csv")["Body"].read()
    assert kept == copy == data


# --- once, whatever comes ------------------------------------------------------------------------


def test_an_event_that_comes_again_makes_nothing_new(keyed: Deployment) -> None:
    files = [put(keyed, "shots.csv", SHOTS.encode()), put(keyed, "a.png", picture(64, 64))]
    first = accept(keyed, *files)

    again = accept(keyed, *files, *files)

    assert again == first * 2
    assert len(generations(keyed)) == 1
    assert len(keyed.executions()) == 1


def test_a_new_version_under_the_same_name_is_a_new_job(studio: Deployment) -> None:
    first = put(studio, "a.png", picture(64, 64))
    accept(studio, first)

    second = put(studio, "a.png", picture(80, 80))
    accept(studio, second, first)

    assert len(generations(studio)) == 2


def test_a_version_that_comes_behind_a_newer_one_makes_nothing(studio: Deployment) -> None:
    old = put(studio, "a.png", picture(64, 64))
    new = put(studio, "a.png", picture(80, 80))

    said = accept(studio, new, old, new)

    assert len({one["upload_id"] for one in said}) == 1
    assert len(generations(studio)) == 1


def test_an_object_that_was_deleted_makes_nothing(studio: Deployment) -> None:
    hidden, gone = put(studio, "a.png", picture(64, 64)), put(studio, "b.png", picture(64, 64))
    studio.s3.delete_object(Bucket=BUCKET, Key=hidden.key)
    studio.s3.delete_object(Bucket=BUCKET, Key=gone.key, VersionId=gone.version_id)

    assert accept(studio, hidden, gone) == []
    assert generations(studio) == []


def test_folders_and_the_test_event_of_s3_make_nothing(studio: Deployment) -> None:
    assert accept(studio, put(studio, "monday/", b"")) == []
    assert studio.invoke("accept_upload", {"Event": "s3:TestEvent"}) == {"accepted": []}


def test_a_run_that_died_after_the_start_is_finished_by_the_next(
    studio: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = put(studio, "a.png", picture(64, 64))
    module = studio.module("accept_upload")
    with monkeypatch.context() as broken:
        broken.setattr(module.AcceptUpload, "_write", _second_fails(module.AcceptUpload._write))
        with pytest.raises(StoreUnavailable):
            accept(studio, file)
    put(studio, "a.png.json", b'{"provider": "nobody"}')  # it comes too late to change anything

    (told,) = accept(studio, file)

    assert told["state"] == "started"
    assert len(generations(studio)) == 1
    assert rejected(studio) == []


def test_who_starts_too_much_is_not_rejected_but_asked_to_come_again(
    studio: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.chosen["UserInFlight"] = "1"
    accept(studio, put(studio, "a.png", picture(64, 64)))
    second = put(studio, "b.png", picture(64, 64))

    with pytest.raises(TooManyInFlight):
        accept(studio, second)

    assert rejected(studio) == []
    studio.chosen["UserInFlight"] = "2"
    studio.restart("accept_upload")
    assert accept(studio, second)[0]["state"] == "started"


def test_one_file_of_an_event_that_fails_does_not_stop_the_others(
    studio: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = put(studio, "good.png", picture(64, 64))
    event = good.event()
    event["Records"].insert(0, {"s3": {}})

    with pytest.raises(Exception, match="KeyError"):
        studio.invoke("accept_upload", event)

    assert len(generations(studio)) == 1


def _second_fails(write: Any) -> Any:
    calls: list[object] = []

    def once(self: Any, upload: Any) -> Any:
        calls.append(upload)
        if len(calls) == 2:
            raise StoreUnavailable("the table is away")
        return write(self, upload)

    return once
