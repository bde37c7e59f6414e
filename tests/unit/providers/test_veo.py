"""Google's video models on both protocols: what is sent, and what every answer means."""

import base64
from typing import Any

import pytest

from filmgate.domain.attempts import Kind
from filmgate.domain.errors import (
    ContentRefused,
    ProviderError,
    ProviderJobFailed,
    ProviderJobUnknown,
    ProviderKeyRefused,
    ProviderNotReached,
    ProviderOutcomeUnknown,
    ProviderProtocolError,
    ProviderQuotaExhausted,
    ProviderRequestInvalid,
    ProviderResultMissing,
    ProviderRetired,
    ProviderThrottled,
    ProviderUnavailable,
    ProviderUnsupported,
)
from filmgate.domain.pricing import price_of_tokens
from filmgate.providers.base import Account, Finished, Keyframe, Order, Pending
from filmgate.providers.data import catalogue, rate_card
from filmgate.providers.veo import DEFAULT_URL, Veo, interaction_body, label, operation_body
from tests.support.builders import clip_order
from tests.support.scripted_http import (
    ScriptedHttp,
    ScriptedReply,
    TransportFailed,
    kept_reply,
    reply,
)

KEY = "AIza-canary-secret"
OMNI, OLD = "gemini-omni-1.1-flash", "veo-3.1-generate-preview"
MODELS = (OMNI, OLD)
INTERACTION = {"interaction": "v1_ChdyZWQtZm94"}
OPERATION = {"operation": "models/veo-3.1-generate-preview/operations/vz341u0pmdlc"}
OPERATIONS = (INTERACTION, OPERATION)
FILE = "https://generativelanguage.googleapis.com/v1beta/files/abc123:download?alt=media"
STILL = Keyframe(b"not really a png", "image/png")
STILL_TEXT = base64.b64encode(STILL.data).decode()
PROMPT = "a red fox walks over snow"


def order(**others: Any) -> Order:
    return clip_order(**{"model": OMNI, "duration_s": 8, **others})


def adapter(
    *script: ScriptedReply | Exception, base_url: str = DEFAULT_URL
) -> tuple[Veo, ScriptedHttp]:
    http = ScriptedHttp.of(*script)
    hosts = frozenset({"generativelanguage.googleapis.com"})
    return Veo(http, Account("veo", base_url, hosts, {"api_key": KEY})), http


def submit(*script: ScriptedReply | Exception, **others: Any) -> Pending:
    made, _ = adapter(*script)
    return made.submit(order(**others), reference="att_1", deadline_s=30)


def poll(operation: dict[str, Any], *script: ScriptedReply | Exception) -> Pending | Finished:
    made, _ = adapter(*script)
    return made.poll(operation, deadline_s=30)


def refusal(status: int, word: str, message: str = "Told.", **others: Any) -> ScriptedReply:
    error = {"code": status, "message": message, "status": word} | others
    return reply({"error": error}, status)


def ended(status: str, **others: Any) -> ScriptedReply:
    return reply({"id": "v1_ChdyZWQtZm94", "status": status} | others)


def done(**others: Any) -> ScriptedReply:
    return reply({"name": OPERATION["operation"], "done": True} | others)


# --- what is sent ------------------------------------------------------------------------------


def test_an_interaction_says_everything_that_moves_its_price() -> None:
    made, http = adapter(kept_reply("veo", "interaction_created"))

    pending = made.submit(order(), reference="att_1", deadline_s=30)

    assert pending == Pending(INTERACTION)
    (asked,) = http.asked
    assert (asked.method, asked.url) == ("POST", f"{DEFAULT_URL}/v1beta/interactions")
    assert asked.headers == {"x-goog-api-key": KEY, "Content-Type": "application/json"}
    assert asked.json == {
        "model": OMNI,
        "input": PROMPT,
        "background": True,
        "store": True,
        "response_format": {
            "type": "video",
            "aspect_ratio": "16:9",
            "resolution": "720p",
            "duration": "8s",
            "delivery": "uri",
        },
        "generation_config": {"video_config": {"task": "text_to_video"}},
        "service_tier": "standard",
        "labels": {"job": "att_1"},
    }


def test_an_interaction_from_a_keyframe_has_text_and_picture() -> None:
    body = interaction_body(order(keyframe=STILL), reference="att_1")

    assert body["generation_config"]["video_config"]["task"] == "image_to_video"
    assert body["input"] == [
        {
            "type": "user_input",
            "content": [
                {"type": "text", "text": PROMPT},
                {"type": "image", "mime_type": "image/png", "data": STILL_TEXT},
            ],
        }
    ]


def test_an_operation_says_everything_that_moves_its_price() -> None:
    made, http = adapter(kept_reply("veo", "operation_created"))
    wish = order(model=OLD, negative_prompt="rain", seed=4, aspect_ratio="9:16")

    pending = made.submit(wish, reference="att_1", deadline_s=30)

    assert pending == Pending(OPERATION)
    (asked,) = http.asked
    assert asked.url == f"{DEFAULT_URL}/v1beta/models/{OLD}:predictLongRunning"
    assert asked.json == {
        "instances": [{"prompt": PROMPT}],
        "parameters": {
            "aspectRatio": "9:16",
            "durationSeconds": 8,
            "resolution": "720p",
            "sampleCount": 1,
            "negativePrompt": "rain",
        },
    }


def test_an_operation_from_a_keyframe_has_its_bytes_in_its_own_words() -> None:
    (instance,) = operation_body(order(model=OLD, keyframe=STILL))["instances"]

    assert instance["image"] == {"bytesBase64Encoded": STILL_TEXT, "mimeType": "image/png"}


@pytest.mark.parametrize(
    ("reference", "value"),
    [("att_abc01", "att_abc01"), ("Att/Ä 1", "att---1"), ("x" * 70, "x" * 63)],
)
def test_a_label_keeps_googles_rules(reference: str, value: str) -> None:
    assert label(reference) == value


@pytest.mark.parametrize("model", MODELS)
def test_a_keyframe_above_googles_limit_is_not_sent(model: str) -> None:
    made, http = adapter()
    large = Keyframe(bytes(20_000_001), "image/png")

    with pytest.raises(ProviderUnsupported):
        made.submit(order(model=model, keyframe=large), reference="att_1", deadline_s=30)

    assert http.asked == []


# --- what an answer to a submit means ----------------------------------------------------------

SUBMIT_TABLE = [
    (400, "INVALID_ARGUMENT", ProviderRequestInvalid),
    (400, "FAILED_PRECONDITION", ProviderQuotaExhausted),
    (401, "UNAUTHENTICATED", ProviderKeyRefused),
    (402, "", ProviderQuotaExhausted),
    (403, "PERMISSION_DENIED", ProviderKeyRefused),
    (404, "NOT_FOUND", ProviderRetired),
    (408, "", ProviderOutcomeUnknown),
    (409, "ABORTED", ProviderUnavailable),
    (409, "ALREADY_EXISTS", ProviderUnavailable),
    (410, "", ProviderRetired),
    (429, "RESOURCE_EXHAUSTED", ProviderThrottled),
    (499, "CANCELLED", ProviderOutcomeUnknown),
    (500, "INTERNAL", ProviderUnavailable),
    (502, "", ProviderOutcomeUnknown),
    (503, "UNAVAILABLE", ProviderUnavailable),
    (504, "DEADLINE_EXCEEDED", ProviderOutcomeUnknown),
]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("status", "word", "leaf"), SUBMIT_TABLE)
def test_every_error_of_the_table_has_its_class(
    model: str, status: int, word: str, leaf: type[ProviderError]
) -> None:
    with pytest.raises(leaf) as raised:
        submit(refusal(status, word, f"{KEY} {PROMPT}"), model=model)

    assert type(raised.value) is leaf
    assert raised.value.status == status
    assert KEY not in str(raised.value)
    assert "fox" not in str(raised.value)


@pytest.mark.parametrize("model", MODELS)
def test_a_wrong_key_is_a_400_with_its_reason(model: str) -> None:
    with pytest.raises(ProviderKeyRefused):
        submit(kept_reply("veo", "wrong_key", 400), model=model)


@pytest.mark.parametrize("model", MODELS)
def test_a_rate_limit_has_its_delay_and_a_daily_quota_is_none(model: str) -> None:
    with pytest.raises(ProviderThrottled) as throttled:
        submit(kept_reply("veo", "throttled", 429), model=model)
    with pytest.raises(ProviderQuotaExhausted):
        submit(kept_reply("veo", "no_quota", 429), model=model)
    with pytest.raises(ProviderQuotaExhausted):
        submit(refusal(429, "RESOURCE_EXHAUSTED", "Quota exceeded, limit: 0"), model=model)

    assert throttled.value.retry_after_s == 34


@pytest.mark.parametrize(
    ("delay", "header", "kept"),
    [("0.5s", "9", 0.5), ("soon", "9", 9.0), (34, "", None), ("-1s", "", None)],
)
def test_a_waiting_time_is_kept_where_it_makes_sense(
    delay: Any, header: str, kept: float | None
) -> None:
    error = {"message": "slow", "details": ["odd", {"retryDelay": delay}]}

    with pytest.raises(ProviderThrottled) as raised:
        submit(reply({"error": error}, 429, retry_after=header))

    assert raised.value.retry_after_s == kept


def test_a_400_that_speaks_of_policy_is_a_refusal() -> None:
    with pytest.raises(ContentRefused):
        submit(refusal(400, "INVALID_ARGUMENT", "The prompt violates our usage guidelines."))


def test_an_error_with_words_instead_of_numbers_is_read_by_its_status() -> None:
    with pytest.raises(ProviderRetired):
        submit(reply({"error": {"code": "not_found", "message": "no model"}}, 404))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "answer",
    [
        reply(b"<html>502 Bad Gateway</html>", 502),
        reply(b"<html>fine</html>"),
        reply(b""),
        reply(b'{"id": "v1_1", "name": "models/x"'),
        reply(b'{"id": "1", "id": "2", "name": "1", "name": "2"}'),
        reply([]),
        reply({}),
        reply({"id": "", "name": ""}),
        reply({"id": 7, "name": 7}),
        reply({"id": "v1_1", "name": "models/x"}, 302),
        reply({"error": {"message": "in a 200"}}),
        reply({"error": "text"}, 500),
    ],
)
def test_an_answer_that_cannot_be_read_proves_nothing(model: str, answer: ScriptedReply) -> None:
    with pytest.raises(ProviderOutcomeUnknown):
        submit(answer, model=model)


@pytest.mark.parametrize(
    ("proves_not_sent", "leaf"), [(False, ProviderOutcomeUnknown), (True, ProviderNotReached)]
)
def test_a_failure_of_the_way_says_whether_anything_was_sent(
    proves_not_sent: bool, leaf: type[ProviderError]
) -> None:
    with pytest.raises(leaf):
        submit(TransportFailed(proves_not_sent=proves_not_sent))


# --- what a look at an interaction means -------------------------------------------------------


def test_a_finished_interaction_gives_its_link_and_counts_its_tokens() -> None:
    made, http = adapter(kept_reply("veo", "interaction_done"))

    assert made.poll(INTERACTION, deadline_s=30) == Finished(url=FILE, tokens=46336 + 120)
    (asked,) = http.asked
    assert (asked.method, asked.body) == ("GET", None)
    assert asked.url == f"{DEFAULT_URL}/v1beta/interactions/v1_ChdyZWQtZm94"


def test_a_clip_may_come_inline_and_without_a_count() -> None:
    seen = poll(INTERACTION, kept_reply("veo", "interaction_inline"))

    assert seen == Finished(data=b"\x00\x00\x00\x18ftyp")


@pytest.mark.parametrize(
    "status",
    ["queued", "in_progress", "requires_action", "requires_continuation", "awaiting_x", None],
)
def test_an_interaction_that_has_not_ended_is_pending(status: str | None) -> None:
    answer = reply({"id": "v1_1", "status": status})

    assert poll(INTERACTION, answer) == Pending(INTERACTION)


@pytest.mark.parametrize("status", ["failed", "cancelled", "incomplete", "budget_exceeded"])
def test_an_interaction_that_ended_without_a_clip_is_over(status: str) -> None:
    with pytest.raises(ProviderJobFailed):
        poll(INTERACTION, ended(status))


def test_an_interaction_that_ended_early_with_a_clip_has_that_clip() -> None:
    clip = {"type": "model_output", "content": [{"type": "video", "uri": FILE}]}

    assert poll(INTERACTION, ended("incomplete", steps=[clip])) == Finished(url=FILE)


@pytest.mark.parametrize(
    ("name", "leaf"),
    [("interaction_blocked", ContentRefused), ("interaction_failed", ProviderJobFailed)],
)
def test_an_interaction_that_failed_says_why(name: str, leaf: type[ProviderError]) -> None:
    with pytest.raises(leaf):
        poll(INTERACTION, kept_reply("veo", name))


def test_a_completed_interaction_with_a_fault_and_no_clip_is_over() -> None:
    fault = {"code": "x", "message": f"Prohibited content: {KEY}"}

    with pytest.raises(ContentRefused) as raised:
        poll(INTERACTION, ended("completed", errors=[fault], steps=[]))

    assert KEY not in str(raised.value)


@pytest.mark.parametrize("steps", [[], None, "x", [{"type": "model_output", "content": []}]])
def test_a_completed_interaction_without_anything_is_looked_at_again(steps: Any) -> None:
    with pytest.raises(ProviderProtocolError):
        poll(INTERACTION, ended("completed", steps=steps))


# --- what a look at an operation means ---------------------------------------------------------


def test_a_finished_operation_gives_its_link() -> None:
    made, http = adapter(kept_reply("veo", "operation_done"))

    assert made.poll(OPERATION, deadline_s=30) == Finished(url=FILE)
    assert http.asked[0].url == f"{DEFAULT_URL}/v1beta/{OPERATION['operation']}"


def test_more_samples_than_were_ordered_are_counted_and_the_first_is_taken() -> None:
    samples = [{"video": {"uri": FILE}}, {"video": {"uri": f"{FILE}2"}}]
    seen = {"done": True, "response": {"generateVideoResponse": {"generatedSamples": samples}}}

    assert poll(OPERATION, reply(seen)) == Finished(url=FILE, results=2)


def test_an_operation_without_done_is_pending() -> None:
    assert poll(OPERATION, kept_reply("veo", "operation_created")) == Pending(OPERATION)
    assert poll(OPERATION, reply({"done": False})) == Pending(OPERATION)


def test_a_safety_block_is_done_without_samples() -> None:
    with pytest.raises(ContentRefused):
        poll(OPERATION, kept_reply("veo", "operation_blocked"))


@pytest.mark.parametrize(
    ("code", "message", "leaf"),
    [
        (3, "The request has an invalid argument.", ProviderJobFailed),
        (3, "The prompt violates our content policy.", ContentRefused),
        (4, "Deadline exceeded.", ProviderJobFailed),
        (8, "Out of capacity.", ProviderJobFailed),
        (13, "Internal error.", ProviderJobFailed),
        (14, "Unavailable.", ProviderJobFailed),
    ],
)
def test_the_code_of_a_failed_operation_is_no_http_status(
    code: int, message: str, leaf: type[ProviderError]
) -> None:
    with pytest.raises(leaf) as raised:
        poll(OPERATION, done(error={"code": code, "message": f"{message} {KEY}"}))

    assert KEY not in str(raised.value)


def test_a_failed_operation_as_google_writes_it() -> None:
    with pytest.raises(ProviderJobFailed):
        poll(OPERATION, kept_reply("veo", "operation_failed"))


def test_an_operation_may_hold_its_clip_itself() -> None:
    sample = {"video": {"encodedVideo": "AAAAGGZ0eXA=", "encoding": "video/mp4"}}
    answer = done(response={"generateVideoResponse": {"generatedSamples": [sample]}})

    assert poll(OPERATION, answer) == Finished(data=b"\x00\x00\x00\x18ftyp")


@pytest.mark.parametrize(
    "others", [{}, {"response": {}}, {"response": {"generateVideoResponse": {}}}]
)
def test_an_operation_that_is_done_with_nothing_is_looked_at_again(others: Any) -> None:
    with pytest.raises(ProviderResultMissing):
        poll(OPERATION, done(**others))


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "answer",
    [
        *(refusal(s, word) for s, word, _ in SUBMIT_TABLE if s not in (401, 403, 404)),
        reply(b"<html></html>", 502),
        reply(b"<html></html>"),
        reply([]),
        TransportFailed(proves_not_sent=True),
        TransportFailed(proves_not_sent=False),
    ],
)
def test_a_look_that_shows_no_job_has_seen_nothing(
    operation: dict[str, Any], answer: ScriptedReply | Exception
) -> None:
    with pytest.raises(ProviderProtocolError) as raised:
        poll(operation, answer)

    assert type(raised.value) is ProviderProtocolError


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    ("answer", "leaf"),
    [
        (refusal(401, "UNAUTHENTICATED"), ProviderKeyRefused),
        (refusal(403, "PERMISSION_DENIED"), ProviderKeyRefused),
        (refusal(404, "NOT_FOUND"), ProviderJobUnknown),
    ],
)
def test_a_look_tells_a_refused_key_from_an_unknown_job(
    operation: dict[str, Any], answer: ScriptedReply, leaf: type[ProviderError]
) -> None:
    with pytest.raises(ProviderError) as raised:
        poll(operation, answer)

    assert type(raised.value) is leaf


def test_an_interaction_is_cancelled_by_its_own_call() -> None:
    made, http = adapter(reply({"id": "v1_1", "status": "cancelled"}))

    made.cancel({"interaction": "v1/1"}, deadline_s=30)

    assert made.can_cancel
    assert (http.asked[0].method, http.asked[0].url) == (
        "POST", f"{DEFAULT_URL}/v1beta/interactions/v1%2F1/cancel",
    )  # fmt: skip


def test_an_operation_cannot_be_cancelled_and_nobody_is_asked() -> None:
    made, http = adapter()

    with pytest.raises(ProviderUnsupported):
        made.cancel({"operation": "models/x/operations/y"}, deadline_s=30)

    assert http.asked == []


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_cancel_that_was_not_taken_is_no_cancel(status: int) -> None:
    made, _ = adapter(refusal(status, "NO"))

    with pytest.raises(ProviderError):
        made.cancel({"interaction": "v1_1"}, deadline_s=30)


def test_a_foreign_name_stays_below_the_api() -> None:
    made, http = adapter(reply({}), reply({}))

    made.poll({"interaction": "a/b?c#d"}, deadline_s=30)
    made.poll({"operation": "models/x?y#z"}, deadline_s=30)

    assert [asked.url.removeprefix(DEFAULT_URL) for asked in http.asked] == [
        "/v1beta/interactions/a%2Fb%3Fc%23d",
        "/v1beta/models/x%3Fy%23z",
    ]


# --- the download, the kind and the price ------------------------------------------------------


def test_the_key_goes_to_the_providers_own_origin_only() -> None:
    made, _ = adapter()
    gateway, _ = adapter(base_url="https://videos.example/google")

    assert made.download_headers(FILE) == {"x-goog-api-key": KEY}
    assert gateway.download_headers("https://videos.example/files/1") == {"x-goog-api-key": KEY}
    assert gateway.download_headers(FILE) == {}
    for foreign in (
        "https://generativelanguage.googleapis.com.evil.example/files/1",
        "https://generativelanguage.googleapis.com@evil.example/files/1",
        "https://storage.googleapis.com/files/1",
        "http://generativelanguage.googleapis.com/files/1",
    ):
        assert made.download_headers(foreign) == {}


def test_a_lost_answer_cannot_be_found_again() -> None:
    assert Veo.kind is Kind.BLIND


def test_the_hold_covers_the_tokens_of_every_clip_and_what_is_read_for_it() -> None:
    rows = [row for row in rate_card("vendor").rows_of("veo") if row.model == OMNI]
    (offer,) = [one for one in catalogue().providers["veo"].offers if one.model == OMNI]
    tokens_a_second = {"720p": 5792, "1080p": 8688, "4k": 17376}
    read_tokens = 2600

    assert {row.resolution for row in rows} == set(offer.resolutions)
    for row in rows:
        assert row.micros_per_million_tokens is not None
        for seconds in offer.duration_s:
            made = tokens_a_second[row.resolution or ""] * seconds
            settled = price_of_tokens(row.micros_per_million_tokens, made)
            assert made * 17.5 + read_tokens * 1.5 <= settled <= row.micros * seconds
