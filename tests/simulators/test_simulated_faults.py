"""Every scripted fault, once for each provider that it applies to, seen from the client's side."""

import base64
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import urllib3
from simulator_client import Simulators, frames_of, has_sound, picture_of
from urllib3.exceptions import HTTPError, IncompleteRead, ProtocolError, ReadTimeoutError

ALL = ("dalle", "nanobanana", "kling")
PICTURES = ("dalle", "nanobanana")
covered: set[tuple[str, str]] = set()


def order(sim: Simulators, provider: str, fault: str, **extras: Any) -> None:
    covered.add((provider, fault))
    sim.fault(provider, fault, **extras)


def accepted(sim: Simulators, provider: str) -> int:
    return len(sim.rows(provider))


def error_code(provider: str, reply: urllib3.BaseHTTPResponse) -> Any:
    """What the vendor's error body says the reason is."""
    body = reply.json()
    if provider == "kling":
        return body["code"]
    return body["error"]["code" if provider == "dalle" else "status"]


@pytest.mark.parametrize(
    ("provider", "fault", "extras", "status", "code"),
    [
        ("dalle", "http_500", {}, 500, "server_error"),
        ("dalle", "http_500", {"code": "server_is_overloaded"}, 503, "server_is_overloaded"),
        ("nanobanana", "http_500", {}, 500, "INTERNAL"),
        ("nanobanana", "http_500", {"code": "UNAVAILABLE"}, 503, "UNAVAILABLE"),
        ("kling", "http_500", {}, 500, 5000),
        ("kling", "http_500", {"status": 200}, 200, 5000),
        ("dalle", "http_429", {}, 429, "rate_limit_exceeded"),
        ("nanobanana", "http_429", {}, 429, "RESOURCE_EXHAUSTED"),
        ("kling", "http_429", {}, 429, 1302),
        ("kling", "http_429", {"code": "1303"}, 429, 1303),
        ("dalle", "quota", {}, 429, "insufficient_quota"),
        (
            "dalle",
            "quota",
            {"code": "billing_hard_limit_reached"},
            400,
            "billing_hard_limit_reached",
        ),
        ("nanobanana", "quota", {}, 429, "RESOURCE_EXHAUSTED"),
        ("kling", "quota", {}, 429, 1102),
        ("dalle", "bad_key", {}, 401, "invalid_api_key"),
        ("nanobanana", "bad_key", {}, 400, "INVALID_ARGUMENT"),
        ("kling", "bad_key", {}, 401, 1002),
        ("dalle", "refuse", {}, 400, "moderation_blocked"),
        ("kling", "refuse", {}, 400, 1301),
        ("dalle", "retired", {}, 404, "model_not_found"),
        ("nanobanana", "retired", {}, 404, "NOT_FOUND"),
        ("kling", "retired", {}, 404, 1203),
    ],
)
def test_a_refusal_is_the_vendors_own_and_nothing_is_accepted(
    sim: Simulators, provider: str, fault: str, extras: dict[str, Any], status: int, code: Any
) -> None:
    order(sim, provider, fault, **extras)

    refused = sim.submit(provider)

    assert (refused.status, error_code(provider, refused)) == (status, code)
    assert accepted(sim, provider) == 0
    assert sim.submit(provider).status == 200
    assert accepted(sim, provider) == 1


@pytest.mark.parametrize("provider", ALL)
def test_a_fault_for_one_prompt_leaves_every_other_call_alone(
    sim: Simulators, provider: str
) -> None:
    order(sim, provider, "http_500", prompt="no such words", times=0)
    order(sim, provider, "http_500", prompt="A red")

    assert [sim.submit(provider).status for _ in range(2)] == [500, 200]


def test_a_refused_prompt_at_nanobanana_is_a_200_without_candidates(sim: Simulators) -> None:
    order(sim, "nanobanana", "refuse", code="BLOCKLIST")

    reply = sim.submit("nanobanana")

    assert reply.status == 200
    assert reply.json()["promptFeedback"]["blockReason"] == "BLOCKLIST"
    assert "candidates" not in reply.json()
    assert accepted(sim, "nanobanana") == 0


@pytest.mark.parametrize("provider", ["dalle", "kling"])
@pytest.mark.parametrize("value", ["-3", "Sun, 22 Nov 2026 10:00:00 GMT", 1e9, 0.5])
def test_a_rate_limit_may_carry_any_waiting_time(
    sim: Simulators, provider: str, value: Any
) -> None:
    order(sim, provider, "http_429", retry_after=value)

    assert sim.submit(provider).headers["retry-after"] == str(value)


@pytest.mark.parametrize(("value", "delay"), [(34, "34s"), (0.5, "0.5s"), ("soon", "soon")])
def test_nanobananas_waiting_time_is_retry_info(sim: Simulators, value: Any, delay: str) -> None:
    order(sim, "nanobanana", "http_429", retry_after=value)

    reply = sim.submit("nanobanana")

    details = {item["@type"].rpartition(".")[2]: item for item in reply.json()["error"]["details"]}
    assert details["RetryInfo"]["retryDelay"] == delay
    assert "PerMinute" in details["QuotaFailure"]["violations"][0]["quotaId"]
    assert "retry-after" not in reply.headers


@pytest.mark.parametrize("provider", ALL)
def test_a_hanging_call_is_accepted_and_never_answered(sim: Simulators, provider: str) -> None:
    order(sim, provider, "hang")

    with pytest.raises(ReadTimeoutError):
        sim.submit(provider, timeout=0.3)

    assert accepted(sim, provider) == 1


def test_a_reset_lets_go_of_a_hanging_call(sim: Simulators) -> None:
    order(sim, "dalle", "hang")
    ended: list[BaseException] = []

    def wait() -> None:
        try:
            sim.submit("dalle", timeout=10)
        except HTTPError as error:
            ended.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    while accepted(sim, "dalle") == 0:
        time.sleep(0.02)
    sim.call("POST", "/__sim/reset")
    thread.join(5)

    assert [type(error) for error in ended] == [ProtocolError]


@pytest.mark.parametrize("provider", ALL)
def test_a_dropped_reply_is_accepted_and_has_no_byte(sim: Simulators, provider: str) -> None:
    order(sim, provider, "drop_reply")

    with pytest.raises(ProtocolError, match="closed connection without response"):
        sim.submit(provider)

    assert accepted(sim, provider) == 1


@pytest.mark.parametrize("provider", ALL)
def test_a_call_dropped_unread_is_never_accepted(sim: Simulators, provider: str) -> None:
    order(sim, provider, "drop_request")

    with pytest.raises(ProtocolError, match="closed connection without response"):
        sim.submit(provider)

    assert accepted(sim, provider) == 0
    assert sim.submit(provider).status == 200


@pytest.mark.parametrize("provider", ALL)
def test_a_reply_may_be_json_and_say_nothing(sim: Simulators, provider: str) -> None:
    order(sim, provider, "malformed", code="hollow")
    order(sim, provider, "malformed", code="list")

    assert sim.submit(provider).json() == {}
    (listed,) = sim.submit(provider).json()
    assert set(listed) == set(sim.submit(provider).json())
    assert accepted(sim, provider) == 3


@pytest.mark.parametrize("provider", PICTURES)
def test_a_picture_may_come_with_other_bytes_or_with_none(sim: Simulators, provider: str) -> None:
    def picture_of_the_next() -> bytes:
        body = sim.submit(provider).json()
        if provider == "dalle":
            return base64.b64decode(body["data"][0]["b64_json"])
        return base64.b64decode(body["candidates"][0]["content"]["parts"][-1]["inlineData"]["data"])

    order(sim, provider, "malformed", where="result", code="not_media")
    order(sim, provider, "malformed", where="result", code="empty")

    assert picture_of_the_next() == bytes(4096)
    assert picture_of_the_next() == b""
    assert picture_of_the_next().startswith(b"\x89PNG")
    assert [row["billed"] for row in sim.rows(provider)] == [True, True, True]


def test_a_task_that_exists_may_not_be_shown(sim: Simulators) -> None:
    id = sim.kling_job("att_lost")
    order(sim, "kling", "odd_status", code="lost", times=2)

    by_id = sim.call("GET", f"/kling/tasks?task_ids={id}")
    by_reference = sim.call("GET", "/kling/tasks?external_task_ids=att_lost")

    assert (by_id.status, by_id.json()["data"], by_reference.json()["data"]) == (200, [], [])
    assert sim.kling_task(id)["status"] == "succeeded"


@pytest.mark.parametrize("provider", ALL)
@pytest.mark.parametrize("damage", ["truncated", "deep", "empty", "not_json"])
def test_a_malformed_reply_is_accepted_and_does_not_parse(
    sim: Simulators, provider: str, damage: str
) -> None:
    order(sim, provider, "malformed", code=damage)

    reply = sim.submit(provider)

    assert reply.status == 200
    with pytest.raises((json.JSONDecodeError, RecursionError)):
        json.loads(reply.data)
    assert accepted(sim, provider) == 1


def test_other_damages_are_what_they_say(sim: Simulators) -> None:
    seen = {}
    for damage in ("duplicate_key", "nan", "huge"):
        sim.fault("kling", "malformed", code=damage)
        seen[damage] = sim.submit("kling").data

    assert [name for name, _ in json.loads(seen["duplicate_key"], object_pairs_hook=list)][:2] == [
        "code",
        "code",
    ]
    assert b"NaN" in seen["nan"]
    assert len(seen["huge"]) == 20_000_000 + len(', "padding": "') + 1
    assert json.loads(seen["huge"])["code"] == 0


@pytest.mark.parametrize("provider", ALL)
def test_a_gateway_page_is_html_and_leaves_no_row(sim: Simulators, provider: str) -> None:
    order(sim, provider, "html")

    reply = sim.submit(provider)

    assert (reply.status, reply.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert accepted(sim, provider) == 0


@pytest.mark.parametrize("provider", ALL)
@pytest.mark.parametrize("fault", ["html", "http_500"])
def test_an_error_may_hide_an_accepted_job(sim: Simulators, provider: str, fault: str) -> None:
    order(sim, provider, fault, accepted=True)

    assert sim.submit(provider).status >= 500
    assert accepted(sim, provider) == 1


@pytest.mark.parametrize("provider", ALL)
def test_a_slow_reply_comes_after_its_time(sim: Simulators, provider: str) -> None:
    order(sim, provider, "slow", seconds=0.3)
    started = time.monotonic()

    reply = sim.submit(provider)

    assert reply.status == 200
    assert time.monotonic() - started >= 0.3
    assert accepted(sim, provider) == 1


@pytest.mark.parametrize("provider", PICTURES)
def test_a_truncated_picture_does_not_decode(sim: Simulators, provider: str) -> None:
    order(sim, provider, "truncated")

    reply = sim.submit(provider)

    with pytest.raises((OSError, SyntaxError)):
        picture_of(provider, reply)
    assert accepted(sim, provider) == 1


@pytest.mark.parametrize("provider", PICTURES)
def test_a_picture_of_a_wrong_size_is_smaller(sim: Simulators, provider: str) -> None:
    usual = picture_of(provider, sim.submit(provider))
    order(sim, provider, "wrong_size")

    odd = picture_of(provider, sim.submit(provider))

    assert odd.size == (usual.width // 2, usual.height // 2)


def test_a_vendor_may_answer_with_one_picture_too_many(sim: Simulators) -> None:
    order(sim, "dalle", "wrong_count")

    assert len(sim.submit("dalle").json()["data"]) == 2


@pytest.mark.parametrize("wrong", [False, True])
def test_a_clip_has_the_sound_that_its_model_always_has_or_the_opposite(
    sim: Simulators, wrong: bool
) -> None:
    if wrong:
        order(sim, "kling", "wrong_sound")

    content = sim.http.request("GET", sim.kling_link(sim.kling_job())).data

    assert has_sound(content) is not wrong


@pytest.mark.parametrize(
    ("provider", "tokens"),
    [
        ("dalle", lambda body: body["usage"]["output_tokens"]),
        ("nanobanana", lambda body: body["usageMetadata"]["candidatesTokenCount"]),
    ],
)
def test_an_overcharge_shows_in_the_usage_and_in_the_ledger(
    sim: Simulators, provider: str, tokens: Callable[[Any], int]
) -> None:
    usual = tokens(sim.submit(provider).json())
    order(sim, provider, "overcharge")

    assert tokens(sim.submit(provider).json()) == usual * 10
    first, second = (row["cost"] for row in sim.rows(provider))
    assert float(second) == pytest.approx(float(first) * 10)


def test_an_overcharge_at_kling_shows_in_the_billing(sim: Simulators) -> None:
    order(sim, "kling", "overcharge")

    task = sim.kling_task(sim.kling_job())

    assert task["billing"][0]["amount"] == "24.00"
    assert [row["cost"] for row in sim.rows("kling")] == ["0.0400"]


def test_a_picture_refused_at_its_output_is_a_row_that_is_not_billed(sim: Simulators) -> None:
    sim.fault("dalle", "refuse", where="result")

    error = sim.submit("dalle").json()["error"]

    assert error["moderation_details"]["moderation_stage"] == "output"
    assert [row["billed"] for row in sim.rows("dalle")] == [False]


def test_a_success_without_a_result_is_empty(sim: Simulators) -> None:
    sim.fault("dalle", "malformed", where="result")
    sim.fault("kling", "malformed", where="result")

    assert sim.submit("dalle").json()["data"] == []
    task = sim.kling_task(sim.kling_job())
    assert (task["status"], task["outputs"]) == ("succeeded", [])


def test_a_clip_refused_at_its_end_is_a_failed_task_that_is_not_billed(sim: Simulators) -> None:
    order(sim, "kling", "refuse", where="result")

    task = sim.kling_task(sim.kling_job())

    assert task["status"] == "failed"
    assert "risk control" in task["message"]
    assert [row["billed"] for row in sim.rows("kling")] == [False]


def test_a_stuck_job_never_ends(sim: Simulators) -> None:
    order(sim, "kling", "stuck")
    stuck, usual = sim.kling_job(), sim.kling_job()

    assert sim.kling_task(stuck)["status"] in ("submitted", "processing")
    assert sim.kling_task(usual)["status"] == "succeeded"


def test_an_unknown_status_word_shows_for_two_polls(sim: Simulators) -> None:
    order(sim, "kling", "odd_status")
    id = sim.kling_job()

    seen = [sim.kling_task(id) for _ in range(3)]

    assert seen[0]["status"] == seen[1]["status"] == "awaiting_recompute"
    assert "outputs" not in seen[0]
    assert seen[2]["status"] == "succeeded"


def test_an_expired_link_is_403_until_the_client_polls_again(sim: Simulators) -> None:
    order(sim, "kling", "expired_url")
    id = sim.kling_job()
    link = sim.kling_link(id)

    assert [sim.http.request("GET", link).status for _ in range(2)] == [403, 403]
    assert sim.http.request("GET", sim.kling_link(id)).status == 200


def test_a_truncated_download_ends_before_its_announced_length(sim: Simulators) -> None:
    order(sim, "kling", "truncated")
    link = sim.kling_link(sim.kling_job())

    with pytest.raises((ProtocolError, IncompleteRead)):
        sim.http.request("GET", link)

    assert sim.http.request("GET", link).status == 200


@pytest.mark.parametrize(
    ("code", "length", "width"),
    [("size_and_duration", 1, 854), ("size", 3, 854), ("duration", 1, 1280)],
)
def test_a_clip_of_a_wrong_size_is_smaller_or_shorter(
    sim: Simulators, code: str, length: int, width: int
) -> None:
    order(sim, "kling", "wrong_size", code=code)

    frames = frames_of(sim.http.request("GET", sim.kling_link(sim.kling_job())).data)

    assert (len(frames), frames[0].width) == (length * 24, width)


@pytest.mark.parametrize(
    ("fault", "extras", "status"),
    [
        ("http_500", {}, 500),
        ("http_500", {"code": "1203"}, 404),
        ("http_429", {}, 429),
        ("bad_key", {}, 401),
        ("html", {}, 502),
        ("html", {"status": 200}, 200),
        ("malformed", {}, 200),
        ("slow", {"seconds": 0.1}, 200),
    ],
)
def test_a_poll_can_fail_too_and_the_next_one_works(
    sim: Simulators, fault: str, extras: dict[str, Any], status: int
) -> None:
    id = sim.kling_job()
    sim.fault("kling", fault, where="poll", **extras)

    assert sim.call("GET", f"/kling/tasks?task_ids={id}").status == status
    assert sim.kling_task(id)["status"] == "succeeded"


@pytest.mark.parametrize("where", ["poll", "download"])
def test_polls_and_downloads_can_hang_or_be_dropped(sim: Simulators, where: str) -> None:
    id = sim.kling_job()
    path = f"/kling/tasks?task_ids={id}"
    if where == "download":
        path = sim.kling_link(id).removeprefix(sim.url)
    sim.fault("kling", "drop_reply", where=where)
    sim.fault("kling", "hang", where=where)

    with pytest.raises(ProtocolError):
        sim.call("GET", path)
    with pytest.raises(ReadTimeoutError):
        sim.call("GET", path, timeout=0.5)
    assert sim.call("GET", path).status == 200


@pytest.mark.parametrize(
    ("fault", "extras", "status", "length"),
    [
        ("html", {"status": 200}, 200, None),
        ("http_500", {}, 500, None),
        ("malformed", {}, 200, 4096),
        ("malformed", {"code": "empty"}, 200, 0),
        ("malformed", {"code": "huge", "size_bytes": 3_500_001}, 200, 3_500_001),
    ],
)
def test_a_download_can_bring_something_else(
    sim: Simulators, fault: str, extras: dict[str, Any], status: int, length: int | None
) -> None:
    link = sim.kling_link(sim.kling_job())
    sim.fault("kling", fault, where="download", **extras)

    reply = sim.http.request("GET", link)

    assert reply.status == status
    assert length is None or len(reply.data) == length


def test_faults_count_their_calls_and_follow_one_another(sim: Simulators) -> None:
    sim.fault("dalle", "http_500", times=2, after=1)
    sim.fault("dalle", "http_429")

    assert [sim.submit("dalle").status for _ in range(5)] == [429, 500, 500, 200, 200]


def test_a_fault_without_a_count_lasts_until_reset(sim: Simulators) -> None:
    sim.fault("nanobanana", "quota", times=0)

    before = [sim.submit("nanobanana").status for _ in range(3)]
    sim.call("POST", "/__sim/reset", {"only": ["faults"]})

    assert before == [429, 429, 429]
    assert sim.submit("nanobanana").status == 200


def test_a_wrong_request_uses_no_fault_up(sim: Simulators) -> None:
    sim.fault("dalle", "http_500")

    assert sim.submit("dalle", size="7x7").status == 400
    assert sim.submit("dalle").status == 500


def test_two_faults_can_meet_in_one_job(sim: Simulators) -> None:
    sim.fault("kling", "drop_reply")
    sim.fault("kling", "stuck")

    with pytest.raises(ProtocolError):
        sim.submit("kling", options={"external_task_id": "lost"})

    (task,) = sim.call("GET", "/kling/tasks?external_task_ids=lost").json()["data"]
    assert task["status"] in ("submitted", "processing")


def test_every_fault_of_these_providers_was_tried_here(
    sim: Simulators, request: pytest.FixtureRequest
) -> None:
    whole_file = [item for item in request.session.items if item.path == request.path]
    if len(whole_file) < 80 or hasattr(request.config, "workerinput"):
        pytest.skip("only a part of this file runs in this process")

    tables = sim.call("GET", "/__sim/health").json()["providers"]

    # The others try theirs in files of their own.
    assert {(name, fault) for name in ALL for fault in tables[name]} == covered
