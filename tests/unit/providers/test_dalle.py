"""OpenAI images: what is sent, and the vendor's error table row by row."""

from typing import Any

import pytest

from filmgate.domain.attempts import Kind
from filmgate.domain.errors import (
    ContentRefused,
    ProviderError,
    ProviderKeyRefused,
    ProviderOutcomeUnknown,
    ProviderQuotaExhausted,
    ProviderRequestInvalid,
    ProviderRetired,
    ProviderThrottled,
    ProviderUnavailable,
)
from filmgate.providers.base import Account, Finished, Order
from filmgate.providers.dalle import ADAPTER, DEFAULT_URL, Dalle, image_body
from tests.support.builders import image_order
from tests.support.fake_http import FakeHttp, reply, stored_reply

ORDER = image_order(
    model="gpt-image-2.6-flare", width=1536, height=1024, resolution="1536x1024",
    aspect_ratio="3:2",
)  # fmt: skip


def dalle(*script: Any) -> tuple[Dalle, FakeHttp]:
    http = FakeHttp(*script)
    account = Account("dalle", DEFAULT_URL, frozenset({"api.openai.com"}), {"api_key": "sk-test"})
    return ADAPTER(http, account), http


def submit(*script: Any, order: Order = ORDER) -> Finished:
    return dalle(*script)[0].submit(order, reference="att_1", deadline_s=30.0)


def refusal(*script: Any) -> ProviderError:
    with pytest.raises(ProviderError) as refused:
        submit(*script)
    return refused.value


def test_everything_that_moves_the_price_is_sent() -> None:
    assert image_body(ORDER) == {
        "model": "gpt-image-2.6-flare",
        "prompt": "a red fox in fresh snow",
        "n": 1,
        "size": "1536x1024",
        "quality": "medium",
        "output_format": "png",
        "moderation": "auto",
    }


@pytest.mark.parametrize(
    ("quality", "sent"), [("low", "low"), ("standard", "medium"), ("high", "high")]
)
def test_our_qualities_are_the_vendors(quality: str, sent: str) -> None:
    assert image_body(image_order(quality=quality))["quality"] == sent


def test_a_submit_is_one_authorized_post_with_our_reference() -> None:
    adapter, http = dalle(stored_reply("dalle", "done"))

    adapter.submit(ORDER, reference="att_1", deadline_s=30.0)

    (sent,) = http.sent
    assert sent.url == "https://api.openai.com/v1/images/generations"
    assert sent.json == image_body(ORDER)
    assert sent.headers["Authorization"] == "Bearer sk-test"
    assert sent.headers["X-Client-Request-Id"] == "att_1"


def test_the_picture_comes_with_the_answer_and_the_tokens_that_it_cost() -> None:
    made = submit(stored_reply("dalle", "done"))

    assert made == Finished(data=b"\x89PNG\r\n\x1a\n the picture", tokens=1584)


@pytest.mark.parametrize("usage", [None, {}, {"output_tokens": 0}, {"output_tokens": "1584"}])
def test_without_a_readable_count_the_price_held_is_the_price(usage: Any) -> None:
    body = {"data": [{"b64_json": "aGk="}], "usage": usage}

    assert submit(reply(200, body)) == Finished(data=b"hi", tokens=None)


def test_more_pictures_than_were_ordered_are_counted_and_the_first_is_taken() -> None:
    body = {"data": [{"b64_json": "aGk="}, {"b64_json": "aG8="}]}

    assert submit(reply(200, body)) == Finished(data=b"hi", results=2)


def test_a_picture_that_is_no_base64_is_kept_as_it_came() -> None:
    """It is paid for: the bytes decide later that it is unusable."""
    assert submit(reply(200, {"data": [{"b64_json": "%%%"}]})).data == b"%%%"


def test_a_lost_answer_cannot_be_found_again() -> None:
    assert dalle(reply(200))[0].kind is Kind.BLIND


@pytest.mark.parametrize(
    ("case", "leaf"),
    [
        ("refused", ContentRefused),
        ("refused_dalle_era", ContentRefused),
        ("spend_limit", ProviderQuotaExhausted),
        ("quota", ProviderQuotaExhausted),
        ("credit_balance_exhausted", ProviderQuotaExhausted),
        ("organization_spend_limit_exceeded", ProviderQuotaExhausted),
        ("project_spend_limit_exceeded", ProviderQuotaExhausted),
        ("organization_usage_limit_exceeded", ProviderQuotaExhausted),
        ("billing_not_active", ProviderQuotaExhausted),
        ("invalid", ProviderRequestInvalid),
        ("unknown_parameter", ProviderRequestInvalid),
        ("invalid_size", ProviderRequestInvalid),
        ("bad_field", ProviderRequestInvalid),
        ("prompt_too_long", ProviderRequestInvalid),
        ("body_too_large", ProviderRequestInvalid),
        ("bad_key", ProviderKeyRefused),
        ("invalid_organization", ProviderKeyRefused),
        ("account_deactivated", ProviderKeyRefused),
        ("address_not_listed", ProviderKeyRefused),
        ("country", ProviderKeyRefused),
        ("not_verified", ProviderKeyRefused),
        ("insufficient_permissions", ProviderKeyRefused),
        ("retired", ProviderRetired),
        ("retired_as_400", ProviderRetired),
        ("throttled", ProviderThrottled),
        ("slow_down", ProviderThrottled),
        ("overloaded", ProviderThrottled),
        ("overloaded_429", ProviderThrottled),
        ("lock_timeout", ProviderUnavailable),
        ("unavailable", ProviderUnavailable),
        ("bad_gateway", ProviderOutcomeUnknown),
        ("service_unavailable", ProviderUnavailable),
        ("gateway_timeout", ProviderOutcomeUnknown),
        ("empty_success", ProviderOutcomeUnknown),
        ("old_link", ProviderOutcomeUnknown),
        ("error_in_success", ProviderOutcomeUnknown),
    ],
)
def test_every_row_of_the_vendors_error_table_has_its_class(
    case: str, leaf: type[ProviderError]
) -> None:
    error = refusal(stored_reply("dalle", case))

    assert type(error) is leaf
    assert error.status == stored_reply("dalle", case).status


def test_an_error_carries_the_vendors_request_id() -> None:
    assert refusal(stored_reply("dalle", "refused")).request_id == "req_8c1f"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry_after": "3"}, 3.0),
        ({"retry_after": "0.5"}, 0.5),
        ({"retry_after": "99999999"}, 99_999_999.0),
        ({"retry_after": "-5"}, None),
        ({"retry_after": "0"}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "soon"}, None),
        ({}, None),
        (
            {
                "date": "Sun, 22 Nov 2026 12:00:00 GMT",
                "retry_after": "Sun, 22 Nov 2026 12:00:07 GMT",
            },
            7.0,
        ),
        (
            {
                "date": "Sun, 22 Nov 2026 12:00:00 GMT",
                "retry_after": "Sun, 22 Nov 2026 11:59:00 GMT",
            },
            None,
        ),
        ({"retry_after": "Sun, 22 Nov 2026 12:00:07 GMT"}, None),
    ],
)
def test_a_delay_is_read_in_seconds_or_as_a_date(
    headers: dict[str, str], expected: float | None
) -> None:
    body = {"error": {"message": "Rate limit reached.", "code": "rate_limit_exceeded"}}

    assert refusal(reply(429, body, **headers)).retry_after_s == expected


def test_a_count_of_money_decides_before_the_status() -> None:
    """Both are 429: one is over in seconds, the other is not."""
    empty = refusal(stored_reply("dalle", "quota"))
    busy = refusal(stored_reply("dalle", "throttled"))

    assert (empty.status, busy.status) == (429, 429)
    assert (empty.error_class.value, busy.error_class.value) == ("fallback", "retry")


@pytest.mark.parametrize("code", [["a"], {"a": 1}, 7, True, "", None])
def test_a_code_of_another_shape_is_still_the_vendors_no(code: Any) -> None:
    error = refusal(reply(400, {"error": {"message": "no", "code": code}}))

    assert type(error) is ProviderRequestInvalid
