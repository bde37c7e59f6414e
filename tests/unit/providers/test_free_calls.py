"""The free calls that test a key: what is asked, and what every answer means."""

from typing import Any

import pytest

from filmgate.domain.errors import (
    ProviderError,
    ProviderKeyRefused,
    ProviderNotReached,
    ProviderOutcomeUnknown,
    ProviderProtocolError,
    ProviderQuotaExhausted,
    ProviderThrottled,
    ProviderUnavailable,
    ProviderUnsupported,
)
from filmgate.providers.base import Account, Adapter
from filmgate.providers.dalle import Dalle
from filmgate.providers.flow import Flow
from filmgate.providers.kling import Kling
from filmgate.providers.nanobanana import Nanobanana
from filmgate.providers.sora import Sora
from filmgate.providers.veo import Veo
from tests.support.scripted_http import Asked, ScriptedHttp, ScriptedReply, TransportFailed, reply

KEY = "sk-canary-secret"
WITH_CHECK = {"dalle": Dalle, "nanobanana": Nanobanana, "kling": Kling, "sora": Sora, "veo": Veo}
BASE = "https://api.vendor.example"


def asked_by(name: str, *script: ScriptedReply | Exception, **key: str) -> list[Asked]:
    """Test the key of a provider and give what was sent; raises what the answer means."""
    http = ScriptedHttp.of(*script)
    account = Account(name, BASE, frozenset({"api.vendor.example"}), key or {"api_key": KEY})
    WITH_CHECK[name](http, account).check(deadline_s=10)
    return http.asked


def openai_error(code: str) -> dict[str, Any]:
    return {"error": {"message": "no", "type": "x", "param": None, "code": code}}


def google_error(status: str, *reasons: str) -> dict[str, Any]:
    details = [{"@type": "x", "reason": reason} for reason in reasons]
    return {"error": {"code": 400, "message": "no", "status": status, "details": details}}


@pytest.mark.parametrize(
    ("name", "answer", "place", "header"),
    [
        ("dalle", {"object": "list", "data": []}, "/v1/models", ("Authorization", f"Bearer {KEY}")),
        (
            "nanobanana",
            {"models": []},
            "/v1beta/models?pageSize=1",
            ("x-goog-api-key", KEY),
        ),
        ("sora", {"data": []}, "/v1/videos?limit=1", ("Authorization", f"Bearer {KEY}")),
        ("veo", {"models": []}, "/v1beta/models?pageSize=1", ("x-goog-api-key", KEY)),
        (
            "kling",
            {"code": 0, "message": "SUCCEED", "data": {}},
            "/account/costs?start_time=",
            ("Authorization", f"Bearer {KEY}"),
        ),
    ],
)
def test_a_good_key_is_told_by_one_get(
    name: str, answer: Any, place: str, header: tuple[str, str]
) -> None:
    (asked,) = asked_by(name, reply(answer))

    assert (asked.method, asked.body, asked.deadline_s) == ("GET", None, 10)
    assert asked.url.startswith(f"{BASE}{place}")
    assert header in asked.headers.items()
    assert KEY not in asked.url


@pytest.mark.parametrize(
    ("name", "status", "answer", "meaning"),
    [
        ("dalle", 401, openai_error("invalid_api_key"), ProviderKeyRefused),
        ("dalle", 429, openai_error("insufficient_quota"), ProviderQuotaExhausted),
        ("dalle", 429, openai_error("rate_limit_exceeded"), ProviderThrottled),
        ("dalle", 503, openai_error("server_is_overloaded"), ProviderThrottled),
        ("dalle", 404, openai_error("unknown_url"), ProviderProtocolError),
        ("dalle", 200, {"hello": "world"}, ProviderProtocolError),
        ("dalle", 200, b"<html>", ProviderProtocolError),
        ("nanobanana", 400, google_error("INVALID", "API_KEY_INVALID"), ProviderKeyRefused),
        ("nanobanana", 403, google_error("PERMISSION_DENIED"), ProviderKeyRefused),
        ("nanobanana", 400, google_error("FAILED_PRECONDITION"), ProviderQuotaExhausted),
        ("nanobanana", 500, google_error("INTERNAL"), ProviderUnavailable),
        ("nanobanana", 404, google_error("NOT_FOUND"), ProviderProtocolError),
        ("nanobanana", 502, b"<html>", ProviderProtocolError),
        ("sora", 401, openai_error("invalid_api_key"), ProviderKeyRefused),
        ("sora", 429, openai_error("insufficient_quota"), ProviderQuotaExhausted),
        ("sora", 404, openai_error("unknown_url"), ProviderProtocolError),
        ("sora", 200, b"<html>", ProviderProtocolError),
        ("veo", 400, google_error("INVALID", "API_KEY_INVALID"), ProviderKeyRefused),
        ("veo", 400, google_error("FAILED_PRECONDITION"), ProviderQuotaExhausted),
        ("veo", 404, google_error("NOT_FOUND"), ProviderProtocolError),
        ("veo", 502, b"<html>", ProviderProtocolError),
        ("kling", 401, {"code": 1002, "message": "no"}, ProviderKeyRefused),
        ("kling", 429, {"code": 1102, "message": "no"}, ProviderQuotaExhausted),
        ("kling", 200, {"code": 1302, "message": "no"}, ProviderThrottled),
        ("kling", 200, {"code": 4711, "message": "no"}, ProviderProtocolError),
        ("kling", 502, b"<html>", ProviderProtocolError),
    ],
)  # fmt: skip
def test_every_other_answer_is_a_failure_without_the_key(
    name: str, status: int, answer: Any, meaning: type[ProviderError]
) -> None:
    with pytest.raises(ProviderError) as raised:
        asked_by(name, reply(answer, status))

    assert type(raised.value) is meaning
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("name", WITH_CHECK)
@pytest.mark.parametrize(
    ("not_sent", "meaning"), [(True, ProviderNotReached), (False, ProviderOutcomeUnknown)]
)
def test_a_way_that_fails_says_whether_the_provider_was_reached(
    name: str, not_sent: bool, meaning: type[ProviderError]
) -> None:
    with pytest.raises(meaning):
        asked_by(name, TransportFailed(proves_not_sent=not_sent))


@pytest.mark.parametrize("name", WITH_CHECK)
def test_a_key_that_cannot_be_sent_is_refused_before_anything_is(name: str) -> None:
    with pytest.raises(ProviderKeyRefused):
        asked_by(name, api_key="two words")


def test_a_pair_of_klings_keys_is_tested_by_a_signed_call() -> None:
    (asked,) = asked_by("kling", reply({"code": 0}), access_key="sim-access", secret_key=KEY)

    assert asked.url.startswith(f"{BASE}/account/costs?start_time=")
    assert asked.headers["Authorization"].count(".") == 2
    assert KEY not in str(asked)


def test_flow_has_nothing_to_ask() -> None:
    Flow(ScriptedHttp(), Account("flow", "", frozenset(), {})).check(deadline_s=10)


def test_an_adapter_without_a_free_call_says_so() -> None:
    with pytest.raises(ProviderUnsupported, match="no free call"):
        Adapter(ScriptedHttp(), Account("lumen", "", frozenset(), {})).check(deadline_s=10)
