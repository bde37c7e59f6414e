"""The sample inputs under events/: complete, in the order in which a person would send them."""

from typing import Any

import pytest

from openapi.examples import record, recorded, written
from tests.functions.support import ROOT, Deployment, Json, events, sample
from tests.functions.uploads import put
from tests.functions.vendors import (
    CLIP_URL,
    DALLE,
    KLING,
    ScriptedEgress,
    clip,
    dalle_picture,
    kling_created,
    kling_task,
    picture,
    reply,
)
from tests.support.examples import examples_of

# (sample, what comes back): an HTTP status, the word of a step, the state at the end, the records
# that shall come again, what a sweep did, how many balances do not agree, or how many notices were
# told late.
WALK = [
    ("authorize/no-token", True),
    ("authorize/known-token", True),
    ("studio/page", 200),
    ("studio/docs", 200),
    ("studio/description", 200),
    ("studio/asset", 200),
    ("read/health", 200),
    ("read/me", 200),
    ("read/providers", 200),
    ("read/no-such-address", 404),
    ("estimate/image", 200),
    ("estimate/clip", 200),
    ("estimate/compare-clips", 200),
    ("estimate/storyboard", 200),
    ("estimate/shot-list-csv", 200),
    ("settings/set-budget", 200),
    ("settings/read-budget", 200),
    ("generate/image", 202),
    ("generate/quoted-image", 422),  # to be tried with the quote_id of an estimate
    ("submit/image", "stored"),
    ("finish/image", "succeeded"),
    ("generate/image", 200),  # the same key again: nothing is made
    ("generate/retry", 202),
    ("generate/retry", 200),
    ("settings/correct-attempt", 200),
    ("settings/set-project-budget", 200),
    ("settings/set-provider-limit", 200),
    ("settings/read-provider", 200),
    ("settings/test-provider", 200),
    ("settings/confirm-prices", 200),
    ("generate/clip", 202),
    ("submit/clip", "running"),
    ("generate/cancel", 202),
    ("generate/cancel-queued", 200),  # the one that was asked for again
    ("poll/clip", "ready"),
    ("collect/clip", "stored"),
    ("generate/flow-clip", 202),
    ("submit/flow-clip", "render"),
    ("render/flow-clip", "stored"),
    ("settings/rotate-webhook-secret", 200),
    ("settings/read-webhook-secret", 200),
    ("announce/finished", []),
    ("deliver/first-try", []),
    ("read/generation", 200),
    ("read/generations", 200),
    ("storyboards/two-shots", 202),
    ("storyboards/two-shots", 200),
    ("shoot/open", True),
    ("shoot/advance", "running"),
    ("shoot/conclude", "running"),
    ("storyboards/resume", 409),
    ("storyboards/shot-list-csv", 202),
    ("storyboards/cancel", 202),
    ("read/storyboard", 200),
    ("read/storyboards", 200),
    ("uploads/ask", 201),
    ("uploads/read", 200),
    ("accept_upload/keyframe", ["started"]),
    ("accept_upload/shot-list", ["started"]),
    ("usage/rows", 200),
    ("usage/rows-as-csv", 200),
    ("usage/summary", 200),
    ("usage/discrepancies", 200),
    ("usage/budgets", 200),
    ("usage/history", 200),
    ("openai/image", 504),
    ("submit/openai-image", "stored"),
    ("finish/openai-image", "succeeded"),
    ("openai/image", 200),
    ("openai/edit", 400),
    ("openai/video", 200),
    ("openai/video-form", 200),
    ("openai/videos", 200),
    ("openai/read-video", 200),
    ("openai/content", 409),
    ("openai/delete-video", 200),
    ("openai/models", 200),
    ("openai/model", 200),
    ("sweep/every-five-minutes", {}),
    ("verify/daily", 0),
    ("verify/verify", 200),
    ("settings/set-order", 200),
    ("tokens/make", 201),
    ("tokens/list", 200),
    ("tokens/revoke", 200),
    ("tokens/audit", 200),
    ("alarm/budget", []),
    ("read/notices", 200),
    ("replay/scheduled", 0),
    ("replay/tenant", 0),
]
KNOWN_TOKEN = "fg_studio_" + "sample" * 7 + "x"  # the one of authorize/known-token, tokens/revoke


def test_every_sample_input_works_in_the_order_of_a_walk_through_the_product(
    studio: Deployment, vendors: ScriptedEgress, request: pytest.FixtureRequest
) -> None:
    studio.give_token(KNOWN_TOKEN)
    studio.give_key("dalle")
    studio.give_key("kling")
    made = dalle_picture(picture(1536, 864))
    vendors.will(DALLE, made, reply(200, {"object": "list", "data": []}), made)
    vendors.will(KLING, kling_created(), kling_task("succeeded", CLIP_URL))
    vendors.serves(CLIP_URL, clip(seconds=5, sound=False))  # which makes a discrepancy
    vendors.will("hooks.studio.example", reply(204, b""))
    put(studio, "harbour/rooftop at dusk.png", picture(640, 360))
    put(studio, "harbour/shots.csv", b"prompt,keyframe_provider,clip_provider\na lamp,dalle,none\n")

    served = [_served(studio, name) for name, _ in WALK]

    assert [said(answer) for _, answer in served] == [expected for _, expected in WALK]
    found = examples_of(served, without=written())
    if request.config.getoption("--record-examples"):
        record(found)
    assert found == recorded(), "the description has other examples: run `make examples`"


def test_every_file_under_events_has_its_place_in_the_walk() -> None:
    found = {f"{path.parent.name}/{path.stem}" for path in events()}

    assert found == {name for name, _ in WALK}


@pytest.mark.parametrize(
    "verb", sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))
)
def test_every_function_has_a_sample_input(verb: str) -> None:
    assert list((ROOT / "events" / verb).glob("*.json"))


def said(answer: dict[str, object]) -> object:
    """The field by which an answer is known."""
    match answer:
        case {"accepted": list(accepted)}:
            return [one["state"] for one in accepted]
    known = ("statusCode", "outcome", "state", "done", "drift", "batchItemFailures", "told")
    return next((answer[name] for name in known if name in answer), True)


def _served(studio: Deployment, name: str) -> tuple[Json, Any]:
    """A sample and what came of it. Time goes on, so that lists have an order."""
    verb, _, own = name.partition("/")
    event = sample(verb, own)
    answer = studio.invoke(verb, event)
    studio.clock.pass_s(1)
    return event, answer
