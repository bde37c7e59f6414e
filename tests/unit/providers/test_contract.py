"""Every built provider with a key behaves alike: the same cases, told by the names of its replies.

A new provider is picked up by name. Those of REPLIED have replies/<name>/ with the cases listed
here, plus poll_*.json where their jobs are looked at; the others meet the same cases at their
simulators (tests/simulators/test_adapter_contract.py).
"""

from importlib import import_module
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from filmgate.adapters.egress import NotSent, OutcomeUnknown, Reply
from filmgate.domain.attempts import Kind
from filmgate.domain.errors import (
    ContentRefused,
    ProviderError,
    ProviderKeyRefused,
    ProviderNotReached,
    ProviderOutcomeUnknown,
    ProviderProtocolError,
    ProviderQuotaExhausted,
    ProviderRequestInvalid,
    ProviderRetired,
    ProviderThrottled,
    ProviderUnavailable,
)
from filmgate.domain.wishes import Media
from filmgate.providers.base import Account, Adapter, Finished, Order, Pending
from filmgate.providers.data import catalogue
from tests.support.builders import clip_order, image_order
from tests.support.fake_http import REPLIES, FakeHttp, reply, stored_reply

KEY = "key-canary-5f2a9c"
NAMES = [one.id for one in catalogue().providers.values() if one.built and one.needs_key]
REPLIED = ["dalle", "kling", "nanobanana"]
POLLED = [name for name in NAMES if (REPLIES / name / "poll_done.json").exists()]

REFUSALS = {
    "throttled": ProviderThrottled,
    "quota": ProviderQuotaExhausted,
    "bad_key": ProviderKeyRefused,
    "refused": ContentRefused,
    "invalid": ProviderRequestInvalid,
    "retired": ProviderRetired,
    "unavailable": ProviderUnavailable,
    "empty_success": ProviderOutcomeUnknown,
}

PROVES_NOTHING = {
    "html": Reply(200, {}, b"<html><body>200 but no API</body></html>"),
    "gateway page": Reply(502, {}, b"<html>502 Bad Gateway</html>"),
    "gateway time-out": Reply(504, {}, b"upstream request timeout"),
    "empty": Reply(200, {}, b""),
    "empty failure": Reply(500, {}, b""),
    "cut": Reply(200, {}, b'{"data": [{"b64_json": "iVBORw0K'),
    "no utf-8": Reply(200, {}, b'{"data": "\xff\xfe"}'),
    "key twice": Reply(200, {}, b'{"code": 0, "code": 1301, "data": {"id": "1"}}'),
    "not a number": Reply(200, {}, b'{"code": NaN}'),
    "too deep": Reply(200, {}, b"[" * 100_000),
    "a list": reply(200, []),
    "a text": reply(200, "done"),
    "null": reply(200, None),
    "a number": reply(200, 7),
    "an empty object": reply(200, {}),
    "someone else's failure": reply(500, {"message": "Internal server error"}),
    "a foreign object": reply(200, {"status": "ok", "result": {"accepted": True}}),
}


def address_of(name: str) -> str:
    """Where its vendor is called; an owner's own proxy where there is no vendor's host."""
    address: str = import_module(f"filmgate.providers.{name}").DEFAULT_URL
    return address or "https://proxy.example"


def adapter_of(
    name: str, *script: Any, key: dict[str, str] | None = None
) -> tuple[Adapter, FakeHttp]:
    http = FakeHttp(*script)
    module = import_module(f"filmgate.providers.{name}")
    provider = catalogue().providers[name]
    account = Account(
        name, address_of(name), provider.hosts, {"api_key": KEY} if key is None else key
    )
    return module.ADAPTER(http, account), http


def order_of(name: str) -> Order:
    provider = catalogue().providers[name]
    make = image_order if provider.media is Media.IMAGE else clip_order
    return make(model=provider.offers[0].model)


def submit(name: str, *script: Any, key: dict[str, str] | None = None) -> tuple[Any, FakeHttp]:
    """The result of a submit, or the error that it raised."""
    adapter, http = adapter_of(name, *script, key=key)
    try:
        return adapter.submit(order_of(name), reference="att_1", deadline_s=30.0), http
    except ProviderError as error:
        return error, http


# --- submitting --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REPLIED)
def test_a_job_that_is_taken_gives_a_result_or_an_operation(name: str) -> None:
    result, http = submit(name, stored_reply(name, "done"))

    if name in POLLED:
        assert isinstance(result, Pending)
        assert result.operation
    else:
        assert isinstance(result, Finished)
        assert result.data == b"\x89PNG\r\n\x1a\n the picture"
    assert len(http.sent) == 1


@pytest.mark.parametrize("name", REPLIED)
@pytest.mark.parametrize(("case", "leaf"), REFUSALS.items())
def test_every_common_failure_has_its_class(
    name: str, case: str, leaf: type[ProviderError]
) -> None:
    error, http = submit(name, stored_reply(name, case))

    assert type(error) is leaf
    assert error.provider == name
    assert len(http.sent) == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", PROVES_NOTHING)
def test_an_answer_that_cannot_be_read_proves_nothing(name: str, case: str) -> None:
    error, http = submit(name, PROVES_NOTHING[case])

    assert type(error) is ProviderOutcomeUnknown
    assert len(http.sent) == 1


@pytest.mark.parametrize("name", NAMES)
def test_what_was_surely_not_sent_may_be_sent_again(name: str) -> None:
    error, _ = submit(name, NotSent("api.example", "the name was not resolved"))

    assert type(error) is ProviderNotReached


@pytest.mark.parametrize("name", NAMES)
def test_what_may_have_been_sent_is_in_doubt(name: str) -> None:
    error, _ = submit(name, OutcomeUnknown("api.example", "the reply was cut"))

    assert type(error) is ProviderOutcomeUnknown


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_of_ours_is_no_providers_failure(name: str) -> None:
    adapter, _ = adapter_of(name, ZeroDivisionError("a bug"))

    with pytest.raises(ZeroDivisionError):
        adapter.submit(order_of(name), reference="att_1", deadline_s=30.0)


@pytest.mark.parametrize("name", REPLIED)
def test_a_vendors_own_delay_travels_with_its_error(name: str) -> None:
    error, _ = submit(name, stored_reply(name, "throttled"))

    assert error.retry_after_s == 3.0


@pytest.mark.parametrize("name", NAMES)
def test_a_submit_goes_to_the_vendors_hosts_with_the_callers_deadline(name: str) -> None:
    _, http = submit(name, reply(200))

    (sent,) = http.sent
    assert sent.method == "POST"
    assert sent.hosts == catalogue().providers[name].hosts
    assert sent.deadline_s == 30.0
    assert sent.headers["Content-Type"] == "application/json"
    assert sent.url.startswith(f"{address_of(name)}/")


# --- keys --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "key",
    [
        {},
        {"api_key": ""},
        {"apikey": KEY},
        {"api_key": f"{KEY}\n"},
        {"api_key": f" {KEY}"},
        {"api_key": f"{KEY}\r\nX-Injected: 1"},
        {"api_key": "schlüssel"},
        {"api_key": "a\x00b"},
    ],
    ids=["none", "empty", "other field", "line break", "space", "header", "umlaut", "nul"],
)
def test_an_unusable_key_is_refused_before_anything_is_sent(name: str, key: dict[str, str]) -> None:
    error, http = submit(name, reply(200), key=key)

    assert type(error) is ProviderKeyRefused
    assert http.sent == []
    assert KEY not in str(error)


@pytest.mark.parametrize("name", NAMES)
def test_the_key_travels_in_a_header_only(name: str) -> None:
    _, http = submit(name, reply(200))

    (sent,) = http.sent
    assert any(KEY in value for value in sent.headers.values())
    assert KEY not in sent.url
    assert KEY.encode() not in (sent.body or b"")


@pytest.mark.parametrize("name", REPLIED)
def test_no_message_holds_the_key_or_the_prompt_even_when_the_vendor_repeats_them(
    name: str,
) -> None:
    prompt = order_of(name).prompt
    for case in sorted(path.stem for path in (REPLIES / name).glob("*.json")):
        told = stored_reply(name, case)
        spoken = told.body.replace(b'"message": "', f'"message": "{KEY} {prompt} '.encode())

        result, _ = submit(name, Reply(told.status, told.headers, spoken))

        said = f"{result} {result!r} {getattr(result, 'message', '')}"
        assert KEY not in said, case
        assert prompt not in said, case


# --- polling -----------------------------------------------------------------------------------


def look(name: str, *script: Any) -> tuple[Any, FakeHttp]:
    adapter, http = adapter_of(name, *script)
    try:
        return adapter.poll({"task": "t1"}, deadline_s=10.0), http
    except ProviderError as error:
        return error, http


@pytest.mark.parametrize("name", POLLED)
@pytest.mark.parametrize("case", ["poll_submitted", "poll_running", "poll_unknown_word"])
def test_a_job_that_runs_stays_pending_with_its_operation(name: str, case: str) -> None:
    result, http = look(name, stored_reply(name, case))

    assert result == Pending({"task": "t1"})
    assert [sent.method for sent in http.sent] == ["GET"]


@pytest.mark.parametrize("name", POLLED)
def test_a_job_that_is_done_gives_the_link_to_its_result(name: str) -> None:
    result, _ = look(name, stored_reply(name, "poll_done"))

    assert isinstance(result, Finished)
    assert result.url is not None
    assert result.url.startswith("https://")


@pytest.mark.parametrize("name", POLLED)
@pytest.mark.parametrize("case", [*PROVES_NOTHING, "not sent", "lost", "throttled"])
def test_a_look_that_saw_nothing_says_look_again(name: str, case: str) -> None:
    """It never ends a job: only the vendor's word does."""
    others = {
        "not sent": NotSent("api.example", "the name was not resolved"),
        "lost": OutcomeUnknown("api.example", "the reply was cut"),
        "throttled": stored_reply(name, "throttled"),
    }

    error, _ = look(name, {**PROVES_NOTHING, **others}[case])

    assert type(error) is ProviderProtocolError
    assert KEY not in str(error)


@pytest.mark.parametrize("name", POLLED)
def test_a_key_that_opens_no_look_is_told_from_a_look_that_saw_nothing(name: str) -> None:
    error, _ = look(name, stored_reply(name, "bad_key"))

    assert type(error) is ProviderKeyRefused
    assert KEY not in str(error)


def test_only_a_provider_that_can_be_searched_may_say_that_no_job_is_there() -> None:
    for name in NAMES:
        adapter, _ = adapter_of(name, reply(200))
        assert adapter.kind is Kind.FINDABLE or not adapter.proves_absence


@pytest.mark.parametrize("name", NAMES)
def test_a_provider_says_what_can_be_learned_after_a_lost_answer(name: str) -> None:
    adapter, _ = adapter_of(name, reply(200))

    assert adapter.kind in (Kind.BLIND, Kind.FINDABLE, Kind.KEYED)
    assert (adapter.kind is Kind.FINDABLE) == ("find" in vars(type(adapter)))


# --- anything at all ---------------------------------------------------------------------------

WORDS = [
    "error", "code", "message", "status", "details", "reason", "violations", "quotaId",
    "retryDelay", "data", "b64_json", "usage", "output_tokens", "candidates", "content", "parts",
    "inlineData", "thought", "finishReason", "promptFeedback", "blockReason", "usageMetadata",
    "candidatesTokenCount", "id", "outputs", "type", "url", "request_id",
]  # fmt: skip
VALUES = (
    st.none()
    | st.booleans()
    | st.sampled_from([0, 1, -1, 1200, 1301, 10**30, "", "succeeded", "failed", "video", "SAFETY"])
    | st.sampled_from(["STOP", "RESOURCE_EXHAUSTED", "INVALID_ARGUMENT", "3s", "iVBORw0KGgo=", "é"])
)
JSON = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5)
    ),
    max_leaves=25,
)
DETAILS = st.lists(st.fixed_dictionaries({}, optional={"violations": JSON, "reason": JSON}))
ENVELOPES = st.one_of(
    JSON,
    st.fixed_dictionaries(
        {
            "error": st.fixed_dictionaries(
                {"message": st.just("no"), "status": st.just("INTERNAL")},
                optional={"code": JSON, "details": JSON | DETAILS},
            )
        }
    ),
    st.fixed_dictionaries({"code": VALUES, "data": JSON, "request_id": JSON}),
    st.fixed_dictionaries({"candidates": st.lists(JSON, max_size=2), "usageMetadata": JSON}),
    st.fixed_dictionaries({"data": st.lists(JSON, max_size=2), "usage": JSON}),
)
STATUSES = st.sampled_from([200, 201, 204, 301, 400, 401, 403, 404, 409, 418, 429, 500, 503, 599])


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(status=STATUSES, body=ENVELOPES)
def test_whatever_a_vendor_answers_only_results_and_provider_errors_come_out(
    name: str, status: int, body: Any
) -> None:
    result, _ = submit(name, reply(status, body))

    assert isinstance(result, Finished | Pending | ProviderError)
    if isinstance(result, Finished | Pending):
        assert status == 200 or name in POLLED


@pytest.mark.parametrize("name", POLLED)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(status=STATUSES, body=ENVELOPES)
def test_whatever_a_look_sees_only_results_and_provider_errors_come_out(
    name: str, status: int, body: Any
) -> None:
    result, _ = look(name, reply(status, body))

    assert isinstance(result, Finished | Pending | ProviderError)
