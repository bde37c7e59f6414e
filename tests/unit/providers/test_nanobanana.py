"""Gemini images: what is sent, refusals inside HTTP 200, and the error table row by row."""

from typing import Any

import pytest

from filmgate.domain.attempts import Kind
from filmgate.domain.errors import (
    ContentRefused,
    ProviderError,
    ProviderJobFailed,
    ProviderKeyRefused,
    ProviderOutcomeUnknown,
    ProviderQuotaExhausted,
    ProviderRequestInvalid,
    ProviderRetired,
    ProviderThrottled,
    ProviderUnavailable,
)
from filmgate.providers.base import Account, Finished
from filmgate.providers.data import catalogue
from filmgate.providers.nanobanana import ADAPTER, DEFAULT_URL, Nanobanana, image_body
from tests.support.builders import image_order
from tests.support.fake_http import FakeHttp, reply, stored_reply

HOST = "generativelanguage.googleapis.com"
ORDER = image_order(
    model="gemini-nano-banana-2.1", width=1376, height=768, resolution="1376x768",
    aspect_ratio="16:9",
)  # fmt: skip


def nanobanana(*script: Any) -> tuple[Nanobanana, FakeHttp]:
    http = FakeHttp(*script)
    account = Account("nanobanana", DEFAULT_URL, frozenset({HOST}), {"api_key": "AIza-test"})
    return ADAPTER(http, account), http


def submit(*script: Any) -> Finished:
    return nanobanana(*script)[0].submit(ORDER, reference="att_1", deadline_s=30.0)


def refusal(*script: Any) -> ProviderError:
    with pytest.raises(ProviderError) as refused:
        submit(*script)
    return refused.value


def test_the_request_is_in_the_vendors_words() -> None:
    assert image_body(ORDER) == {
        "contents": [{"role": "user", "parts": [{"text": "a red fox in fresh snow"}]}],
        "generationConfig": {
            "responseModalities": ["IMAGE"],
            "imageConfig": {"aspectRatio": "16:9", "imageSize": "1K"},
        },
    }


@pytest.mark.parametrize(
    ("resolution", "size"),
    [("1024x1024", "1K"), ("1376x768", "1K"), ("768x1376", "1K"), ("2048x2048", "2K"),
     ("2752x1536", "2K"), ("4096x4096", "4K"), ("5504x3072", "4K")],
)  # fmt: skip
def test_every_frame_of_the_catalogue_has_its_size_with_a_capital_k(
    resolution: str, size: str
) -> None:
    frames = catalogue().providers["nanobanana"].offers[0].frames
    frame = next(one for one in frames if one.resolution == resolution)

    body = image_body(image_order(width=frame.width, height=frame.height))

    assert body["generationConfig"]["imageConfig"]["imageSize"] == size


def test_a_submit_is_one_post_to_the_model_with_the_key_in_its_header() -> None:
    adapter, http = nanobanana(stored_reply("nanobanana", "done"))

    adapter.submit(ORDER, reference="att_1", deadline_s=30.0)

    (sent,) = http.sent
    assert sent.url == f"https://{HOST}/v1beta/models/gemini-nano-banana-2.1:generateContent"
    assert sent.headers["x-goog-api-key"] == "AIza-test"
    assert sent.json == image_body(ORDER)


@pytest.mark.parametrize("case", ["done", "done_with_thoughts"])
def test_the_last_picture_that_is_no_thought_is_the_result(case: str) -> None:
    made = submit(stored_reply("nanobanana", case))

    assert made == Finished(data=b"\x89PNG\r\n\x1a\n the picture", tokens=1120)


def test_a_lost_answer_cannot_be_found_again() -> None:
    assert nanobanana(reply(200))[0].kind is Kind.BLIND


@pytest.mark.parametrize(
    ("case", "leaf"),
    [
        ("prompt_blocked_safety", ContentRefused),
        ("prompt_blocked_prohibited_content", ContentRefused),
        ("prompt_blocked_blocklist", ContentRefused),
        ("prompt_blocked_image_safety", ContentRefused),
        ("prompt_blocked_other", ContentRefused),
        ("refused", ContentRefused),
        ("ended_image_prohibited_content", ContentRefused),
        ("ended_image_recitation", ContentRefused),
        ("ended_safety", ContentRefused),
        ("ended_prohibited_content", ContentRefused),
        ("ended_recitation", ContentRefused),
        ("ended_blocklist", ContentRefused),
        ("ended_spii", ContentRefused),
        ("ended_escalation", ContentRefused),
        ("ended_no_image", ProviderJobFailed),
        ("ended_image_other", ProviderJobFailed),
        ("ended_other", ProviderJobFailed),
        ("ended_malformed_response", ProviderJobFailed),
        ("stop_without_image", ProviderJobFailed),
        ("max_tokens_without_image", ProviderJobFailed),
        ("ended_language", ProviderRequestInvalid),
        ("ended_pup_limited_disabled", ProviderKeyRefused),
        ("ended_unexpected_tool_call", ProviderOutcomeUnknown),
        ("empty_success", ProviderOutcomeUnknown),
    ],
)
def test_every_ending_inside_a_success_has_its_class(case: str, leaf: type[ProviderError]) -> None:
    error = refusal(stored_reply("nanobanana", case))

    assert type(error) is leaf
    assert error.status == 200


@pytest.mark.parametrize(
    ("case", "leaf"),
    [
        ("invalid", ProviderRequestInvalid),
        ("bad_key", ProviderKeyRefused),
        ("billing_not_enabled", ProviderQuotaExhausted),
        ("permission_denied", ProviderKeyRefused),
        ("retired", ProviderRetired),
        ("body_too_large", ProviderRequestInvalid),
        ("throttled", ProviderThrottled),
        ("quota", ProviderQuotaExhausted),
        ("zero_quota", ProviderQuotaExhausted),
        ("unavailable", ProviderUnavailable),
        ("overloaded", ProviderUnavailable),
        ("deadline_exceeded", ProviderOutcomeUnknown),
    ],
)
def test_every_row_of_the_vendors_error_table_has_its_class(
    case: str, leaf: type[ProviderError]
) -> None:
    error = refusal(stored_reply("nanobanana", case))

    assert type(error) is leaf
    assert error.status == stored_reply("nanobanana", case).status


@pytest.mark.parametrize(
    ("told", "expected"), [("34s", 34.0), ("0.5s", 0.5), ("34", None), ("soon", None), (7, None)]
)
def test_the_delay_is_in_the_details(told: Any, expected: float | None) -> None:
    error = {"status": "RESOURCE_EXHAUSTED", "message": "busy", "details": [{"retryDelay": told}]}

    assert refusal(reply(429, {"error": error})).retry_after_s == expected


@pytest.mark.parametrize("details", [None, "x", 7, {}, [None], [[]], [{"violations": None}]])
def test_details_of_another_shape_are_still_the_vendors_no(details: Any) -> None:
    error = {"status": "RESOURCE_EXHAUSTED", "message": "busy", "details": details}

    assert type(refusal(reply(429, {"error": error}))) is ProviderThrottled


@pytest.mark.parametrize(
    "body", [{"error": {"message": "no"}}, {"error": {"status": "INTERNAL"}}, [{"error": {}}]]
)
def test_an_error_outside_the_vendors_envelope_proves_nothing(body: Any) -> None:
    assert type(refusal(reply(500, body))) is ProviderOutcomeUnknown
