"""OpenAI's routes: every field of theirs is mapped or refused, and no repeat is paid twice."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from filmgate import wiring
from filmgate.domain.errors import StoreUnavailable
from filmgate.domain.health import Health
from filmgate.http import ROUTES
from filmgate.openai_errors import speaks_openai
from filmgate.providers.data import catalogue
from tests.functions.support import (
    Answer,
    Clock,
    Deployment,
    altered,
    asked_by,
    request,
    sample,
)
from tests.functions.vendors import (
    CLIP_URL,
    DALLE,
    KLING,
    NANOBANANA,
    ScriptedEgress,
    clip,
    dalle_error,
    dalle_picture,
    kling_created,
    kling_task,
    nanobanana_picture,
    picture,
)

OWN_ROUTES: Final = [
    (method, path.replace("{id}", "gen_" + "a" * 26))
    for path, methods in ROUTES.items()
    if speaks_openai(path)
    for method in methods
]


@pytest.fixture
def studio(studio: Deployment) -> Deployment:
    """The deployment with a key for two providers of images and two of clips."""
    for provider in ("dalle", "nanobanana", "kling", "whan"):
        studio.give_key(provider)
    return studio


@pytest.fixture
def worked(
    studio: Deployment, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Callable[[float], None]:
    """Lets the workflow of whatever was started go on while a call waits."""

    def pause(seconds: float) -> None:
        clock.pass_s(seconds)
        for one in studio.executions():
            if studio.table.find("studio", one["name"]).generation.state == "queued":
                studio.run(one["name"])
        studio._forget()  # the call that waits is a process of its own

    monkeypatch.setattr(wiring, "pause", pause)
    return pause


def imaged(studio: Deployment, *, key: str | None = None, **body: Any) -> Answer:
    event = request("POST", "/v1/images/generations", body={"prompt": "a fox", **body})
    return studio.route(asked_by(altered(event, headers={"idempotency-key": key}), role="creator"))


def filmed(studio: Deployment, *, key: str | None = None, **body: Any) -> Answer:
    event = request("POST", "/v1/videos", body={"prompt": "a fox", **body})
    return studio.route(asked_by(altered(event, headers={"idempotency-key": key}), role="creator"))


def formed(
    studio: Deployment, *fields: tuple[str, str], file: bytes | None = None, name: str = "fox.png"
) -> Answer:
    """A form as it arrives from the API: whole, in base64."""
    rows = [f'form-data; name="{field}"\r\n\r\n{value}'.encode() for field, value in fields]
    if file is not None:
        head = f'form-data; name="input_reference"; filename="{name}"\r\nContent-Type: image/png'
        rows.append(head.encode() + b"\r\n\r\n" + file)
    body = b"".join(b"--lamp\r\nContent-Disposition: " + row + b"\r\n" for row in rows)
    event = request(
        "POST", "/v1/videos", headers={"content-type": 'multipart/form-data; boundary="lamp"'}
    )
    text = base64.b64encode(body + b"--lamp--\r\n").decode()
    return studio.route(asked_by(event | {"body": text, "isBase64Encoded": True}, role="creator"))


def asked(studio: Deployment, path: str, *, method: str = "GET", role="creator", **query: str):
    return studio.route(asked_by(request(method, path, query=query), role=role))


def generation(studio: Deployment, identifier: str) -> dict[str, Any]:
    shown: dict[str, Any] = asked(studio, f"/v1/generations/{identifier}").json
    return shown


def assert_error(
    answer: Answer, status: int, code: str, *, param: str | None = None, again: bool = False
) -> str:
    """OpenAI's envelope; gives its message."""
    assert answer.status == status, answer.text
    assert set(answer.json) == {"error"}
    error = answer.json["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["code"], error["param"]) == (code, param)
    assert error["type"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-should-retry"] == ("true" if again else "false")
    assert ("retry-after" in answer.headers) is again
    message: str = error["message"]
    return message


# --- pictures ----------------------------------------------------------------------------------


def test_a_picture_is_waited_for_and_comes_as_base64_with_what_it_cost(
    studio: Deployment, vendors: ScriptedEgress, worked: object
) -> None:
    vendors.will(DALLE, dalle_picture(picture(1536, 864)))

    answer = imaged(studio, model="dalle", size="1536x864", quality="high")

    body = answer.json
    assert answer.status == 200
    assert base64.b64decode(body["data"][0]["b64_json"]) == picture(1536, 864)
    assert (body["size"], body["quality"], body["output_format"]) == ("1536x864", "high", "png")
    assert body["created"] == 1795348800  # the clock stood but for the wait
    assert answer.headers["x-filmgate-cost"] == "0.0200"
    assert answer.headers["x-filmgate-provider"] == "dalle"
    made = generation(studio, answer.headers["x-filmgate-generation-id"])
    assert (made["state"], made["actual_cost"]) == ("succeeded", "0.0200")
    assert body["filmgate"]["cost"] == "0.0200"


def test_a_picture_may_come_as_a_link_of_ours(
    studio: Deployment, vendors: ScriptedEgress, worked: object
) -> None:
    vendors.will(DALLE, dalle_picture())

    (shown,) = imaged(studio, model="dalle", response_format="url").json["data"]

    assert set(shown) == {"url"}
    assert "takes-bucket" in shown["url"]


def test_their_words_reach_the_provider_in_its_own(
    studio: Deployment, vendors: ScriptedEgress, worked: object
) -> None:
    vendors.will(DALLE, dalle_picture(picture(1024, 1536)))

    imaged(studio, model="gpt-image-2.6-sunburst", size="1024x1536", quality="hd")

    (call,) = vendors.calls_to(DALLE)
    assert call.json == {
        "model": "gpt-image-2.6-sunburst", "prompt": "a fox", "n": 1, "size": "1024x1536",
        "quality": "high", "output_format": "png", "moderation": "auto",
    }  # fmt: skip


def test_a_strategy_and_a_provider_may_be_asked_for_as_the_model(
    studio: Deployment, vendors: ScriptedEgress, worked: object
) -> None:
    vendors.will(NANOBANANA, nanobanana_picture(), nanobanana_picture())

    cheapest = imaged(studio, model="cheapest")
    named = imaged(studio, model="nanobanana")

    assert [one.headers["x-filmgate-provider"] for one in (cheapest, named)] == ["nanobanana"] * 2
    own = cheapest.headers["x-filmgate-generation-id"]
    assert generation(studio, own)["strategy"] == "cheapest"


def test_ours_in_their_body_reaches_the_generation(studio: Deployment) -> None:
    answer = imaged(
        studio, model="dalle", cost_limit="0.5000", project="fox", script_id="s1", shot_number=3,
        tags=["a"], user="end-user-7", on_refusal="stop", on_unknown="next", style="vivid",
    )  # fmt: skip

    made = generation(studio, answer.headers["x-filmgate-generation-id"])
    assert (made["cost_limit"], made["project"], made["script_id"]) == ("0.5000", "fox", "s1")
    assert (made["shot_number"], made["tags"]) == (3, ["a", "user:end-user-7"])
    assert (made["on_refusal"], made["on_unknown"]) == ("stop", "next")
    assert made["warnings"] == ["dalle has no field for style: it would be left out there"]


NO_SUCH_PICTURE: Final = [
    ({"n": 2}, "invalid_value", "n"),
    ({"size": "256x256"}, "invalid_value", "size"),
    ({"size": "1792x1024"}, "invalid_value", "size"),
    ({"size": "large"}, "invalid_value", "size"),
    ({"quality": "max"}, "invalid_value", "quality"),
    ({"response_format": "png"}, "invalid_value", "response_format"),
    ({"output_format": "webp"}, "invalid_value", "output_format"),
    ({"output_compression": 50}, "invalid_value", "output_compression"),
    ({"background": "transparent"}, "invalid_value", "background"),
    ({"moderation": "low"}, "invalid_value", "moderation"),
    ({"stream": True}, "invalid_value", "stream"),
    ({"partial_images": 2}, "invalid_value", "partial_images"),
    ({"complexity": "high"}, "unknown_parameter", "complexity"),
    ({"prompt": None}, "missing_required_parameter", "prompt"),
    ({"prompt": " "}, "invalid_value", "prompt"),
    ({"cost_limit": 0.5}, "invalid_value", "cost_limit"),
    ({"shot_number": -1}, "invalid_value", "shot_number"),
    ({"tags": ["x"] * 20}, "invalid_value", "tags"),
    ({"strategy": "dearest"}, "invalid_value", "strategy"),
    ({"model": "cheapest", "strategy": "fastest"}, "invalid_value", "strategy"),
    ({"model": "kling"}, "invalid_value", "model"),
    ({"model": "kling-3.0"}, "invalid_value", "model"),
    ({"webhook_url": "http://a.example"}, "invalid_value", "webhook_url"),
    ({"model": "nanobanana", "quality": "high"}, "no_capable_provider", None),
    ({"model": "midjourney"}, "no_capable_provider", None),
    ({"cost_limit": "0.0001"}, "cost_limit_exceeded", "cost_limit"),
]


def test_what_cannot_be_had_is_refused_by_its_field_and_starts_nothing(studio: Deployment) -> None:
    event = asked_by(request("POST", "/v1/images/generations", body={"prompt": "a"}), role="admin")

    for body, code, param in NO_SUCH_PICTURE:
        message = assert_error(studio.route(altered(event, body=body)), 400, code, param=param)
        assert message.endswith(".")
    assert studio.executions() == []


def test_a_size_that_is_refused_tells_which_there_are(studio: Deployment) -> None:
    told = assert_error(
        imaged(studio, model="dalle", size="512x512"), 400, "invalid_value", param="size"
    )

    assert told == "size is none of 864x1536, 1024x1024, 1024x1536, 1536x864, 1536x1024."


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("gpt-9", "does not exist here"),
        ("dall-e-3", "retired by its vendor on 2026-05-12. Use gpt-image-2.6-flare instead."),
        ("gpt-image-1", "retired by its vendor on 2026-10-23. Use gpt-image-2.6-flare instead."),
    ],
)
def test_a_model_that_is_not_there_is_404_and_a_retired_one_names_what_to_use(
    studio: Deployment, model: str, told: str
) -> None:
    for answer in (imaged(studio, model=model), asked(studio, f"/v1/models/{model}")):
        assert told in assert_error(answer, 404, "model_not_found", param="model")


@pytest.mark.parametrize(
    ("model", "replacement"),
    [("sora", "kling"), ("sora-2", "kling"), ("veo-3.1-generate-preview", "gemini-omni-1.1-flash")],
)
def test_a_retired_clip_model_names_what_to_use(
    studio: Deployment, model: str, replacement: str
) -> None:
    for answer in (filmed(studio, model=model), asked(studio, f"/v1/models/{model}")):
        message = assert_error(answer, 404, "model_not_found", param="model")
        assert f"Use {replacement} instead." in message


def test_a_picture_that_fits_into_no_answer_is_kept_and_comes_by_link_for_nothing(
    studio: Deployment, vendors: ScriptedEgress, worked: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendors.will(DALLE, dalle_picture())
    monkeypatch.setattr(studio.module("openai"), "LARGEST_ANSWER", 1000)

    refused = imaged(studio)
    linked = imaged(studio, response_format="url")

    assert_error(refused, 502, "result_too_large", param="response_format")
    assert linked.status == 200
    own = "x-filmgate-generation-id"
    assert refused.headers[own] == linked.headers[own]
    assert len(studio.executions()) == 1


def test_no_provider_of_images_takes_one_and_so_an_edit_is_refused(studio: Deployment) -> None:
    answer = asked(studio, "/v1/images/edits", method="POST")

    assert_error(answer, 400, "no_capable_provider")
    offers = [o for p in catalogue().providers.values() if p.media == "image" for o in p.offers]
    assert not [offer for offer in offers if "image" in offer.accepts]


# --- how a picture fails -----------------------------------------------------------------------


def test_a_refused_prompt_is_400_content_policy_violation(
    studio: Deployment, vendors: ScriptedEgress, worked: object
) -> None:
    vendors.will(DALLE, dalle_error(400, "moderation_blocked"))

    answer = imaged(studio, model="dalle")

    assert_error(answer, 400, "content_policy_violation")
    failed = generation(studio, answer.headers["x-filmgate-generation-id"])
    assert failed["failure"]["code"] == "content-refused"


def test_an_exhausted_budget_is_429_insufficient_quota_and_not_to_be_tried_again(
    studio: Deployment,
) -> None:
    studio.chosen["DefaultMonthlyLimitMicros"] = "100"

    answer = imaged(studio)

    message = assert_error(answer, 429, "insufficient_quota")
    assert answer.json["error"]["type"] == "insufficient_quota"
    assert "owner" in message


def test_too_many_at_once_may_be_tried_again(studio: Deployment) -> None:
    studio.chosen["UserInFlight"] = "1"
    filmed(studio, model="kling")

    assert_error(filmed(studio, prompt="another"), 429, "rate_limit_exceeded", again=True)


def test_when_everybody_fails_it_is_502_and_not_tried_again(
    studio: Deployment, vendors: ScriptedEgress, worked: object
) -> None:
    vendors.will(DALLE, dalle_error(401, "invalid_api_key"))

    answer = imaged(studio, model="dalle")

    assert_error(answer, 502, "all_providers_failed")


def test_an_unclear_answer_keeps_the_money_and_its_repeat_gets_the_same_word(
    studio: Deployment, vendors: ScriptedEgress, worked: object
) -> None:
    vendors.will(DALLE, dalle_error(502))

    answers = [imaged(studio, model="dalle") for _ in range(2)]

    for answer in answers:
        assert_error(answer, 502, "outcome_unknown")
    assert len(vendors.calls_to(DALLE)) == 1
    assert len(studio.executions()) == 1


def test_a_table_that_is_away_is_503_and_may_be_tried_again(
    studio: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr("filmgate.adapters.client_table.ClientTable.first_asked", away)

    assert_error(imaged(studio), 503, "ledger_unavailable", again=True)


# --- repeats -----------------------------------------------------------------------------------


def test_who_waits_too_long_is_told_and_by_repeating_waits_on_for_the_same_picture(
    studio: Deployment, vendors: ScriptedEgress, clock: Clock
) -> None:
    vendors.will(DALLE, dalle_picture())
    begun = clock.now

    first = imaged(studio)
    waited_s = (clock.now - begun).total_seconds()
    own = first.headers["x-filmgate-generation-id"]
    studio.run(own)
    second = imaged(studio)

    told = assert_error(first, 504, "still_running", again=True)
    assert f"/v1/generations/{own}" in told
    assert 20 < waited_s <= 22
    assert second.status == 200
    assert second.headers["x-filmgate-generation-id"] == own
    assert len(vendors.calls_to(DALLE)) == 1


@pytest.mark.parametrize(("later_s", "generations"), [(0, 1), (599, 1), (601, 2)])
def test_the_same_request_within_the_window_is_the_same_generation(
    studio: Deployment, clock: Clock, later_s: int, generations: int
) -> None:
    filmed(studio, model="kling")
    clock.pass_s(later_s)

    filmed(studio, model="kling", seconds="4")  # OpenAI's default, said aloud

    assert len(studio.executions()) == generations


def test_a_window_of_nothing_makes_every_request_its_own(studio: Deployment, clock: Clock) -> None:
    studio.chosen["RepeatWindowSeconds"] = "0"
    filmed(studio)
    clock.pass_s(1)

    filmed(studio)

    assert len(studio.executions()) == 2


def test_another_body_another_user_and_another_key_are_other_generations(
    studio: Deployment,
) -> None:
    event = request("POST", "/v1/videos", body={"prompt": "a fox"})

    for user in ("ann", "ben"):
        studio.route(asked_by(event, role="creator", user=user))
    filmed(studio, prompt="a hare")
    filmed(studio, key="k1")
    filmed(studio, key="k2")

    assert len(studio.executions()) == 5


def test_a_key_of_the_caller_s_own_counts_whatever_time_has_passed(
    studio: Deployment, clock: Clock
) -> None:
    first = filmed(studio, key="k1").json["id"]
    clock.pass_s(3600)

    assert filmed(studio, key="k1").json["id"] == first
    assert_error(filmed(studio, key="k1", seconds="8"), 422, "idempotency_key_reused")


def test_what_failed_and_cost_nothing_is_made_anew_when_asked_again(
    studio: Deployment, vendors: ScriptedEgress, worked: object
) -> None:
    vendors.will(DALLE, dalle_error(401, "invalid_api_key"), dalle_picture())
    failed = imaged(studio, model="dalle")
    studio.table.put_health(
        "studio", "dalle", studio.table.health("studio")["dalle"], _well(studio)
    )

    again = imaged(studio, model="dalle")
    third = imaged(studio, model="dalle")

    assert (failed.status, again.status, third.status) == (502, 200, 200)
    own = "x-filmgate-generation-id"
    assert failed.headers[own] != again.headers[own] == third.headers[own]


def _well(studio: Deployment) -> Health:
    return replace(Health(), version=studio.table.health("studio")["dalle"].version + 1)


# --- clips -------------------------------------------------------------------------------------


def test_a_clip_is_started_watched_and_sent_on_to_its_file(
    studio: Deployment, vendors: ScriptedEgress, clock: Clock
) -> None:
    vendors.will(KLING, kling_created(), kling_task("succeeded", CLIP_URL))
    vendors.serves(CLIP_URL, clip(seconds=4))

    begun = filmed(studio, model="kling-3.0-turbo", size="1280x720", seconds="4", project="fox")
    own = begun.json["id"]
    studio.step("submit", own)
    clock.pass_s(60)
    halfway = asked(studio, f"/v1/videos/{own}").json
    for step in ("poll", "collect", "finish"):
        studio.step(step, own)
    done = asked(studio, f"/v1/videos/{own}", role="viewer")
    sent_on = asked(studio, f"/v1/videos/{own}/content", role="viewer")

    assert begun.status == 200
    assert {**begun.json, "filmgate": None} == {
        "id": own, "object": "video", "model": "kling-3.0-turbo", "status": "queued",
        "progress": 0, "created_at": 1795348800, "completed_at": None, "expires_at": None,
        "prompt": "a fox", "seconds": "4", "size": "1280x720", "remixed_from_video_id": None,
        "error": None, "filmgate": None,
    }  # fmt: skip
    assert begun.headers["x-filmgate-estimated-cost"] == "0.0054"
    assert (halfway["status"], halfway["progress"]) == ("in_progress", 50)
    assert (done.json["status"], done.json["progress"]) == ("completed", 100)
    assert done.json["completed_at"] == 1795348860
    assert done.headers["x-filmgate-cost"] == "0.0054"
    assert sent_on.status == 302
    assert "takes-bucket" in sent_on.headers["location"]
    assert sent_on.headers["cache-control"] == "no-store"


def test_what_is_not_said_of_a_clip_is_as_openai_has_it(studio: Deployment) -> None:
    begun = filmed(studio).json

    assert (begun["seconds"], begun["size"]) == ("4", "720x1280")
    assert generation(studio, begun["id"])["requested_provider"] == "auto"


NO_SUCH_CLIP: Final = [
    ({"seconds": "0"}, "invalid_value", "seconds"),
    ({"seconds": "four"}, "invalid_value", "seconds"),
    ({"seconds": "61"}, "invalid_value", "seconds"),
    ({"size": "1024x1792"}, "invalid_value", "size"),
    ({"size": "720x720"}, "invalid_value", "size"),  # whan's square is larger
    ({"model": "dalle"}, "invalid_value", "model"),
    ({"n": 1}, "unknown_parameter", "n"),
    ({"input_reference": {"file_id": "take_x"}}, "invalid_value", "input_reference.file_id"),
    ({"input_reference": {}}, "invalid_value", "input_reference"),
    (
        {"input_reference": {"image_url": "fox.png"}},
        "invalid_value",
        "input_reference.image_url",
    ),
    (
        {"input_reference": {"image_url": "data:image/png;base64,~~~~"}},
        "invalid_value",
        "input_reference.image_url",
    ),
    ({"input_reference": {"file_id": "upl_" + "a" * 26}}, "invalid_value", "input_reference"),
    (
        {"input_reference": {"image_url": "data:image/png;base64,aGVsbG8="}},
        "invalid_image",
        "input_reference",
    ),
    ({"model": "kling", "seconds": "60"}, "no_capable_provider", None),
]


def test_a_clip_that_cannot_be_had_is_refused_by_its_field(studio: Deployment) -> None:
    for body, code, param in NO_SUCH_CLIP:
        assert_error(filmed(studio, **body), 400, code, param=param)
    assert studio.executions() == []


def test_a_size_is_exact_where_the_provider_is_named(studio: Deployment) -> None:
    sizes = [
        filmed(studio, model="kling", size="720x720").json["size"],
        filmed(studio, model="wan", size="960x960").json["size"],
    ]

    assert sizes == ["720x720", "960x960"]


def test_a_form_with_a_picture_starts_from_it_and_keeps_it_as_an_upload(
    studio: Deployment,
) -> None:
    still = picture(1280, 720)

    begun = formed(
        studio, ("prompt", "a fox — à l'aube"), ("model", "kling"), ("seconds", "5"),
        ("size", "1280x720"), ("shot_number", "3"), ("tags[]", "a"), ("tags[]", "b"), file=still,
    )  # fmt: skip

    made = generation(studio, begun.json["id"])
    assert begun.status == 200, begun.text
    assert made["prompt"] == "a fox — à l'aube"
    assert (made["shot_number"], made["tags"]) == (3, ["a", "b"])
    image = made["params"]["image"]
    assert image.startswith("upl_")
    key = studio.table.upload("studio", image).still.key
    assert studio.s3.get_object(Bucket="takes-bucket", Key=key)["Body"].read() == still
    url = f"data:image/png;base64,{base64.b64encode(still).decode()}"
    by_url = filmed(studio, prompt="a hare", input_reference={"image_url": url}).json["id"]
    by_id = filmed(studio, prompt="a hare", input_reference={"file_id": image}).json["id"]
    assert by_url == by_id
    assert generation(studio, by_url)["params"]["image"] == image


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ([("model", "kling")], "missing_required_parameter", "prompt"),
        ([("prompt", "a"), ("prompt", "b")], "invalid_value", "prompt"),
        ([("prompt", "a"), ("loop", "yes")], "unknown_parameter", "loop"),
        ([("prompt", "a"), ("input_reference[file_id]", "x")], "invalid_value", "input_reference"),
    ],
)
def test_a_form_is_checked_like_a_body(
    studio: Deployment, fields: list[tuple[str, str]], code: str, param: str
) -> None:
    answer = formed(studio, *fields, file=picture())

    error = answer.json["error"]
    assert (answer.status, error["code"]) == (400, code)
    assert error["param"].startswith(param)


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=other"])
def test_a_form_that_is_none_is_400(studio: Deployment, kind: str) -> None:
    event = sample("openai", "video-form")

    answer = studio.route(altered(event, headers={"content-type": kind}))

    assert_error(answer, 400, "invalid_value")


def test_a_clip_that_failed_says_why_and_has_no_content(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    vendors.will(KLING, kling_created(), kling_task("failed", message="risk control"))
    own = filmed(studio, model="kling").json["id"]
    studio.run(own)

    shown = asked(studio, f"/v1/videos/{own}").json
    content = asked(studio, f"/v1/videos/{own}/content")

    assert shown["status"] == "failed"
    assert set(shown["error"]) == {"code", "message"}
    assert content.status in (400, 502)
    assert content.headers["x-should-retry"] == "false"


def test_a_clip_that_runs_has_no_content_yet(studio: Deployment) -> None:
    own = filmed(studio).json["id"]

    assert_error(asked(studio, f"/v1/videos/{own}/content"), 409, "state_conflict")
    assert_error(
        asked(studio, f"/v1/videos/{own}/content", variant="thumbnail"),
        400, "invalid_value", param="variant",
    )  # fmt: skip


def test_the_list_pages_by_the_last_id_in_both_orders_and_shows_no_images(
    studio: Deployment, clock: Clock
) -> None:
    made = []
    imaged(studio)
    for number in range(5):
        made.append(filmed(studio, prompt=f"fox {number}").json["id"])
        clock.pass_s(1)

    def walked(**query: str) -> list[str]:
        found: list[str] = []
        after: dict[str, str] = {}
        while True:
            page = asked(studio, "/v1/videos", limit="2", **query, **after).json
            found += [video["id"] for video in page["data"]]
            assert page["last_id"] == (found[-1] if page["data"] else None)
            if not page["has_more"]:
                return found
            after = {"after": page["last_id"]}

    assert walked() == made[::-1]
    assert walked(order="desc") == made[::-1]
    assert walked(order="asc") == made
    assert asked(studio, "/v1/videos").json["data"][0]["prompt"] == "fox 4"
    foreign = studio.route(
        asked_by(request("GET", "/v1/videos"), role="creator", user="somebody else")
    )
    assert foreign.json == {
        "object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "status", "param"),
    [
        ({"after": "gen_" + "a" * 26}, 404, None),
        ({"limit": "0"}, 400, "limit"),
        ({"order": "up"}, 400, "order"),
        ({"page": "2"}, 400, "page"),
    ],
)
def test_a_list_that_cannot_be_is_refused(
    studio: Deployment, query: dict[str, str], status: int, param: str | None
) -> None:
    answer = asked(studio, "/v1/videos", **query)

    assert (answer.status, answer.json["error"]["param"]) == (status, param)


def test_a_deleted_clip_is_cancelled_and_gone_from_here_and_kept_in_the_books(
    studio: Deployment, clock: Clock
) -> None:
    own = filmed(studio).json["id"]

    deleted = asked(studio, f"/v1/videos/{own}", method="DELETE")

    assert deleted.json == {"id": own, "object": "video.deleted", "deleted": True}
    for path in (f"/v1/videos/{own}", f"/v1/videos/{own}/content"):
        assert_error(asked(studio, path), 404, "not_found")
    assert_error(asked(studio, f"/v1/videos/{own}", method="DELETE"), 404, "not_found")
    assert asked(studio, "/v1/videos").json["data"] == []
    assert generation(studio, own)["state"] == "cancelled"
    clock.pass_s(1)
    assert filmed(studio).json["id"] != own


def test_a_clip_that_is_paid_stays_with_its_take_when_it_is_deleted(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    vendors.will(KLING, kling_created(), kling_task("succeeded", CLIP_URL))
    vendors.serves(CLIP_URL, clip(seconds=4))
    own = filmed(studio, model="kling", size="1280x720").json["id"]
    studio.run(own)

    deleted = asked(studio, f"/v1/videos/{own}", method="DELETE")

    assert deleted.status == 200
    kept = generation(studio, own)
    assert (kept["state"], len(kept["takes"])) == ("succeeded", 1)
    assert filmed(studio, model="kling", size="1280x720").json["id"] != own


def test_an_image_is_no_video(studio: Deployment) -> None:
    own = imaged(studio).headers["x-filmgate-generation-id"]

    assert_error(asked(studio, f"/v1/videos/{own}"), 404, "not_found")
    assert_error(asked(studio, f"/v1/videos/{own}", method="DELETE"), 404, "not_found")


# --- models ------------------------------------------------------------------------------------


def test_the_models_are_what_can_be_asked_for_now(studio: Deployment) -> None:
    studio.own_settings("nanobanana", enabled=False)
    studio.own_settings("kling", model="kling-3.0")

    listed = asked(studio, "/v1/models", role="viewer").json
    by_id = {model["id"]: model for model in listed["data"]}

    assert listed["object"] == "list"
    assert {
        "auto",
        "cheapest",
        "dalle",
        "gpt-image-2.6-flare",
        "kling",
        "kling-3.0",
        "flow",
    } <= set(by_id)
    assert not {"nanobanana", "kling-v2-6", "sora", "sora-2", "midjourney", "dall-e-3"} & set(by_id)
    assert by_id["gpt-image-1.5"]["shutdown_date"] == "2026-12-01"
    assert by_id["auto"] == {
        "id": "auto", "object": "model", "created": 0, "owned_by": "filmgate",
    }  # fmt: skip
    for name, model in by_id.items():
        assert asked(studio, f"/v1/models/{name}").json == model


# --- who may -----------------------------------------------------------------------------------


def test_who_has_no_principal_is_401_in_the_envelope(studio: Deployment) -> None:
    for method, path in OWN_ROUTES:
        answer = studio.route(request(method, path, body={"prompt": "a"}))

        assert_error(answer, 401, "invalid_api_key")
        assert answer.headers["www-authenticate"] == 'Bearer realm="filmgate"'


def test_a_viewer_changes_nothing(studio: Deployment) -> None:
    for method, path in OWN_ROUTES:
        if method != "GET":
            answer = asked(studio, path, method=method, role="viewer")
            assert_error(answer, 403, "insufficient_permissions")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_another_method_is_405_in_the_envelope(studio: Deployment, method: str) -> None:
    for path in {path for _, path in OWN_ROUTES}:
        answer = asked(studio, path, method=method)

        assert_error(answer, 405, "method_not_allowed")
        assert answer.headers["allow"]


def test_an_address_that_only_openai_has_is_404_in_the_envelope(studio: Deployment) -> None:
    assert_error(asked(studio, "/v1/chat/completions", method="POST"), 404, "not_found")


def test_a_body_that_is_no_json_is_refused_in_the_envelope(studio: Deployment) -> None:
    event = asked_by(request("POST", "/v1/images/generations", body="{"), role="creator")

    assert_error(studio.route(event), 400, "malformed_json")
    text = altered(event, headers={"content-type": "text/plain"})
    assert_error(studio.route(text), 415, "unsupported_media_type")


def test_a_fault_of_ours_tells_nothing_of_itself(
    studio: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("canary of the inside")

    monkeypatch.setattr("filmgate.adapters.client_table.ClientTable.first_asked", broken)

    answer = imaged(studio)

    assert_error(answer, 500, "internal", again=True)
    assert "canary" not in json.dumps(answer.json)
