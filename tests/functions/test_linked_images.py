"""A clip from an image that the caller links to: fetched once, inspected, and kept."""

import pytest

from filmgate.adapters.egress import NotSent, TooLarge
from filmgate.adapters.targets import AddressRefused
from tests.functions.support import Answer, Deployment, Json, asked_by, assert_problem, request
from tests.functions.vendors import ScriptedEgress, picture

LINK = "https://images.example/rooftop.png?signature=canary"
CLIP: Json = {
    "type": "video",
    "prompt": "closer",
    "provider": "flow",
    "params": {"image": LINK, "duration_s": 1},
}


def sent(studio: Deployment, path: str, body: Json, key: str | None = None) -> Answer:
    headers = {"content-type": "application/json"} | ({"idempotency-key": key} if key else {})
    event = request("POST", path, body=body, headers=headers)
    return studio.route(asked_by(event, role="creator"))


def started(studio: Deployment, key: str | None = None, **more: str) -> Answer:
    return sent(studio, "/v1/generations", CLIP | more, key)


def test_what_lies_behind_the_link_is_kept_and_the_clip_starts_from_it(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    vendors.serves(LINK, picture(640, 360))

    answer = started(studio)

    image = answer.json["params"]["image"]
    kept = studio.route(asked_by(request("GET", f"/v1/uploads/{image}"), role="creator")).json
    assert answer.status == 202
    assert (kept["state"], kept["image"]["width"]) == ("stored", 640)
    assert studio.run(answer.json["id"])[-1] == ("finish", "succeeded")
    written = studio.dynamodb.scan(TableName="studio-table")["Items"]
    assert "canary" not in f"{written}{answer.text}"


def test_a_repeat_with_the_key_fetches_nothing_again(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    vendors.serves(LINK, picture(640, 360))

    first, again = (started(studio, "key") for _ in range(2))

    assert (first.status, again.status) == (202, 200)
    assert again.json["id"] == first.json["id"]
    assert vendors.downloads == [LINK]


def test_a_quote_of_the_same_link_binds(studio: Deployment, vendors: ScriptedEgress) -> None:
    vendors.serves(LINK, picture(640, 360))
    quote = sent(studio, "/v1/estimates", CLIP).json["quote_id"]
    assert vendors.downloads == []

    answer = started(studio, quote_id=quote)

    assert (answer.status, answer.json["quote_id"]) == (202, quote)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (AddressRefused("images.example", "only https on port 443 is allowed"), "port 443"),
        (NotSent("images.example", "the name is not known"), "images.example"),
        (TooLarge("images.example", "is too large"), "larger than 25 MB"),
        (b"<html>", "page"),
        (b"", "empty"),
    ],
    ids=["refused", "away", "too large", "a page", "nothing"],
)
def test_an_image_that_cannot_be_used_is_told_of_and_nothing_is_held(
    studio: Deployment, vendors: ScriptedEgress, found: bytes | BaseException, told: str
) -> None:
    vendors.serves(LINK, found)

    problem = assert_problem(started(studio), 422, "image-unusable")

    assert told in problem["detail"]
    assert "canary" not in problem["detail"]
    assert studio.executions() == []


def test_a_request_that_nobody_can_make_fetches_nothing(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    params = CLIP["params"] | {"resolution": "4k"}

    answer = sent(studio, "/v1/generations", CLIP | {"params": params})

    assert_problem(answer, 422, "no-capable-provider")
    assert vendors.downloads == []


def test_the_shots_of_a_storyboard_name_their_stills(studio: Deployment) -> None:
    shot = {"prompt": "closer", "keyframe": None, "clip": {"params": {"image": LINK}}}

    answer = sent(studio, "/v1/storyboards", {"shots": [shot]})

    assert_problem(answer, 422, "validation-failed")
    assert answer.pointers == ["/shots/0/clip/params/image"]
    assert "upload the image first" in answer.text


def test_the_library_of_openai_may_link_to_its_reference_too(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    studio.give_key("kling")
    vendors.serves(LINK, picture(1280, 720))
    body = {
        "prompt": "a fox",
        "model": "kling",
        "seconds": "5",
        "input_reference": {"image_url": LINK},
    }

    first, again = (sent(studio, "/v1/videos", body) for _ in range(2))

    assert first.status == 200, first.text
    assert again.json["id"] == first.json["id"]
    assert vendors.downloads == [LINK]
