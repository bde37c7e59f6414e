"""What is never written down: keys, prompts, links. Canaries go in, and nothing sings."""

from collections.abc import Callable

import pytest

from filmgate.adapters.egress import OutcomeUnknown
from tests.functions.support import Deployment, altered, asked_by, request, sample
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
    reply,
)

PROMPT = "prompt-canary-77"
KEY = "key-canary-31"
LINK = "link-canary"  # the query of CLIP_URL


@pytest.fixture
def studio(studio: Deployment) -> Deployment:
    for provider in ("dalle", "nanobanana", "kling"):
        studio.give_key(provider, {"api_key": KEY})
    return studio


def admitted(studio: Deployment, name: str = "image", **body: object) -> str:
    event = altered(sample("generate", name), body={"prompt": f"a fox {PROMPT}", **body})
    return str(studio.call("generate", event).json["id"])


def assert_silent(said: Callable[[], str]) -> str:
    written = said()
    for canary in (PROMPT, KEY, LINK, "X-Amz-", "Bearer"):
        assert canary not in written
    return written


def test_an_image_that_succeeds_leaves_no_key_prompt_or_link_in_the_log(
    studio: Deployment, vendors: ScriptedEgress, said: Callable[[], str]
) -> None:
    vendors.will(DALLE, dalle_error(429, retry_after="1"), dalle_error(500))
    vendors.will(NANOBANANA, nanobanana_picture())
    made = admitted(studio, params={"aspect_ratio": "1:1"})
    assert studio.run(made)[-1] == ("finish", "succeeded")
    answer = studio.call("read", sample("read", "generation"))

    written = assert_silent(said)

    assert PROMPT in answer.text  # the canary was there to be heard
    assert "X-Amz-" in answer.text
    assert written.count('"message": "step done"') == 3
    assert made in written


def test_a_clip_that_is_fetched_leaves_no_link_in_the_log(
    studio: Deployment, vendors: ScriptedEgress, said: Callable[[], str]
) -> None:
    vendors.will(KLING, kling_created(), kling_task("succeeded", CLIP_URL))
    vendors.serves(CLIP_URL, clip(seconds=5))

    walked = studio.run(admitted(studio, "clip"))

    assert walked[-1] == ("finish", "succeeded")
    assert LINK in vendors.downloads[0]
    assert_silent(said)


@pytest.mark.parametrize(
    "answer",
    [
        dalle_error(400, f"strange {PROMPT}"),
        reply(400, {"error": {"message": f"no {PROMPT} with {KEY}", "code": "x"}}),
        reply(500, f"<html>{PROMPT} {KEY}</html>".encode()),
        reply(200, {"data": [{"b64_json": PROMPT}]}),
        OutcomeUnknown(DALLE, "the answer was cut"),
        RuntimeError(f"{PROMPT} {KEY}"),
    ],
    ids=["code", "message", "page", "no picture", "cut", "bug"],
)
def test_a_failure_is_told_without_the_words_of_the_vendor_or_the_prompt(
    studio: Deployment, vendors: ScriptedEgress, said: Callable[[], str], answer
) -> None:
    vendors.will(DALLE, answer)
    made = admitted(studio, provider="dalle")
    raised = ""

    try:
        studio.run(made)
    except Exception as error:  # what the state machine would write into its history
        raised = repr(error)
    shown = studio.call("read", sample("read", "generation")).json

    assert_silent(said)
    assert PROMPT not in raised
    assert PROMPT not in str(shown["attempts"]) + str(shown["failure"])
    assert KEY not in str(shown)


def test_refused_requests_leave_nothing_of_themselves_in_the_log(
    studio: Deployment, said: Callable[[], str]
) -> None:
    bodies = [
        {"type": "image", "prompt": PROMPT, "surprise": KEY},
        {"type": PROMPT, "prompt": PROMPT},
        f'{{"prompt": "{PROMPT}"',
    ]
    for body in bodies:
        event = request("POST", "/v1/generations", body=body, headers={"authorization": KEY})
        assert studio.route(asked_by(event, role="creator")).status in (400, 422)

    assert_silent(said)


def test_the_table_holds_no_key_and_the_workflow_neither_key_nor_prompt(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    vendors.will(DALLE, dalle_picture(picture(1536, 864)))
    studio.run(admitted(studio))

    kept = str(studio.dynamodb.scan(TableName="studio-table")["Items"])
    carried = str(studio.executions())

    assert KEY not in kept
    assert PROMPT in kept
    assert PROMPT not in carried
