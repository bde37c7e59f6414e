"""Kling: what is sent, its code table row by row, and looking at a task."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import pytest

from filmgate.domain.attempts import Kind
from filmgate.domain.catalogue import Exclusion, match
from filmgate.domain.errors import (
    ContentRefused,
    ProviderError,
    ProviderJobFailed,
    ProviderKeyRefused,
    ProviderOutcomeUnknown,
    ProviderProtocolError,
    ProviderQuotaExhausted,
    ProviderRequestInvalid,
    ProviderRetired,
    ProviderThrottled,
    ProviderUnavailable,
    ProviderUnsupported,
)
from filmgate.providers import _kling_legacy as legacy
from filmgate.providers.base import Account, Finished, Keyframe, Pending
from filmgate.providers.data import catalogue, rate_card
from filmgate.providers.kling import ADAPTER, DEFAULT_URL, Kling, cost_of, video_body
from tests.support.builders import clip_order, clip_wish
from tests.support.fake_http import FakeHttp, reply, stored_reply

HOST = "api-singapore.klingai.com"
ORDER = clip_order(model="kling-3.0-turbo", resolution="1080p")
TASK = "893605946402811985"

API_KEY = {"api_key": "kling-test"}
PAIR = {"access_key": "AK-canary", "secret_key": "SK-canary"}
OLD = clip_order(model="kling-v2-6", negative_prompt="text")
OLD_TASK = {"task": TASK, "product": "text2video"}
NOW_S = 1_795_340_520  # Sun, 22 Nov 2026 09:42:00 GMT


def kling(*script: Any) -> tuple[Kling, FakeHttp]:
    http = FakeHttp(*script)
    account = Account("kling", DEFAULT_URL, frozenset({HOST}), {"api_key": "kling-test"})
    return ADAPTER(http, account), http


def submit(*script: Any) -> Pending:
    return kling(*script)[0].submit(ORDER, reference="att_1", deadline_s=30.0)


def refusal(*script: Any) -> ProviderError:
    with pytest.raises(ProviderError) as refused:
        submit(*script)
    return refused.value


# --- what is sent ------------------------------------------------------------------------------


def test_a_clip_from_words_is_sent_with_everything_that_moves_its_price() -> None:
    assert video_body(ORDER, reference="att_1") == {
        "prompt": "a red fox walks over snow",
        "settings": {"resolution": "1080p", "duration": 5, "aspect_ratio": "16:9"},
        "options": {"external_task_id": "att_1", "watermark_info": {"enabled": False}},
    }


def test_a_duration_is_an_integer() -> None:
    assert type(video_body(ORDER, reference="att_1")["settings"]["duration"]) is int


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("kling-3.0-turbo", {}),
        ("kling-2.5-turbo", {}),
        ("kling-2.6", {"audio": "off"}),
        ("kling-3.0", {"audio": "off", "multi_shot": False}),
        ("kling-3.0-omni", {"audio": "off", "multi_shot": False}),
    ],
)
def test_defaults_that_cost_more_or_make_something_else_are_switched_off(
    model: str, more: dict[str, Any]
) -> None:
    sent = video_body(clip_order(model=model), reference="att_1")["settings"]

    assert sent == {"resolution": "720p", "duration": 5, "aspect_ratio": "16:9", **more}


def test_a_clip_from_a_still_is_sent_as_its_first_frame() -> None:
    order = clip_order(model="kling-3.0-turbo", keyframe=Keyframe(b"the still", "image/png"))

    body = video_body(order, reference="att_1")

    assert body["contents"] == [
        {"type": "prompt", "text": "a red fox walks over snow"},
        {"type": "first_frame", "url": base64.b64encode(b"the still").decode()},
    ]
    assert "prompt" not in body
    assert "aspect_ratio" not in body["settings"]


@pytest.mark.parametrize(
    ("keyframe", "path"),
    [(None, "/text-to-video"), (Keyframe(b"still", "image/png"), "/image-to-video")],
)
def test_the_product_and_the_model_are_in_the_path(keyframe: Keyframe | None, path: str) -> None:
    adapter, http = kling(stored_reply("kling", "done"))

    adapter.submit(
        clip_order(model="kling-3.0-turbo", keyframe=keyframe), reference="att_1", deadline_s=30.0
    )

    (sent,) = http.sent
    assert sent.url == f"https://{HOST}{path}/kling-3.0-turbo"
    assert sent.headers["Authorization"] == "Bearer kling-test"
    assert sent.json["options"]["external_task_id"] == "att_1"


def test_an_accepted_task_is_remembered_by_its_id() -> None:
    assert submit(stored_reply("kling", "done")) == Pending({"task": TASK})


# --- the code table ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "leaf"),
    [
        ("bad_key", ProviderKeyRefused),
        ("code_1001", ProviderKeyRefused),
        ("code_1002", ProviderKeyRefused),
        ("code_1003", ProviderKeyRefused),
        ("code_1004", ProviderKeyRefused),
        ("code_1100", ProviderKeyRefused),
        ("quota", ProviderQuotaExhausted),
        ("code_1102", ProviderQuotaExhausted),
        ("code_1103", ProviderKeyRefused),
        ("invalid", ProviderRequestInvalid),
        ("code_1201", ProviderRequestInvalid),
        ("code_1202", ProviderRequestInvalid),
        ("retired", ProviderRetired),
        ("code_1300", ContentRefused),
        ("refused", ContentRefused),
        ("refused_with_200", ContentRefused),
        ("throttled", ProviderThrottled),
        ("code_1303", ProviderThrottled),
        ("code_1304", ProviderKeyRefused),
        ("unavailable", ProviderUnavailable),
        ("code_5000", ProviderOutcomeUnknown),
        ("code_5002", ProviderOutcomeUnknown),
        ("unknown_code", ProviderOutcomeUnknown),
        ("empty_success", ProviderOutcomeUnknown),
    ],
)
def test_every_code_of_the_vendors_table_has_its_class(
    case: str, leaf: type[ProviderError]
) -> None:
    error = refusal(stored_reply("kling", case))

    assert type(error) is leaf
    assert error.status == stored_reply("kling", case).status


def test_the_code_decides_and_not_the_status() -> None:
    """HTTP 429 stands for rate, concurrency and an empty account alike."""
    leaves = {type(refusal(stored_reply("kling", case))) for case in ("throttled", "quota")}

    assert leaves == {ProviderThrottled, ProviderQuotaExhausted}


def test_an_error_carries_the_vendors_request_id() -> None:
    assert refusal(stored_reply("kling", "refused")).request_id == "5f0c"


@pytest.mark.parametrize("data", [{}, {"id": ""}, {"id": 7}, None, [], "893"])
def test_a_success_without_a_task_proves_nothing(data: Any) -> None:
    assert type(refusal(reply(200, {"code": 0, "data": data}))) is ProviderOutcomeUnknown


# --- looking -----------------------------------------------------------------------------------


def look(case: str) -> Pending | Finished:
    return kling(stored_reply("kling", case))[0].poll({"task": TASK}, deadline_s=10.0)


def test_a_look_asks_for_the_task_by_its_id() -> None:
    adapter, http = kling(stored_reply("kling", "poll_running"))

    adapter.poll({"task": TASK}, deadline_s=10.0)

    (sent,) = http.sent
    assert (sent.method, sent.url) == ("GET", f"https://{HOST}/tasks?task_ids={TASK}")
    assert sent.body is None


def test_a_clip_that_is_done_gives_its_link() -> None:
    done = Finished(url="https://cdn.klingai.com/v.mp4", cost_micros=700_000)

    assert look("poll_done") == done


def test_a_job_that_failed_on_policy_was_refused() -> None:
    with pytest.raises(ContentRefused):
        look("poll_failed_policy")


def test_a_job_that_failed_otherwise_failed() -> None:
    with pytest.raises(ProviderJobFailed):
        look("poll_failed")


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("poll_done_without_clip", "succeeded without a clip"),
        ("poll_none", "does not list the task"),
        ("poll_throttled", "answered a look with code 1302"),
    ],
)
def test_a_look_that_saw_no_end_says_what_it_saw(case: str, said: str) -> None:
    with pytest.raises(ProviderProtocolError, match=said):
        look(case)


# --- searching ---------------------------------------------------------------------------------


def test_a_lost_job_is_found_by_our_reference() -> None:
    adapter, http = kling(stored_reply("kling", "poll_running"))

    found = adapter.find("att_1", deadline_s=5.0)

    assert found == Pending({"task": TASK})
    assert http.sent[0].url == f"https://{HOST}/tasks?external_task_ids=att_1"


def test_a_job_that_is_not_listed_is_not_found() -> None:
    assert kling(stored_reply("kling", "poll_none"))[0].find("att_1", deadline_s=5.0) is None


@pytest.mark.parametrize(
    ("case", "leaf"),
    [
        ("poll_throttled", ProviderProtocolError),
        ("code_5000", ProviderProtocolError),
        ("bad_key", ProviderKeyRefused),
    ],
)
def test_a_search_that_failed_says_nothing(case: str, leaf: type[ProviderError]) -> None:
    with pytest.raises(ProviderError) as raised:
        kling(stored_reply("kling", case))[0].find("att_1", deadline_s=5.0)

    assert type(raised.value) is leaf


def test_a_search_of_this_vendor_proves_that_a_job_is_not_there() -> None:
    assert kling(reply(200))[0].proves_absence


def test_a_lost_answer_can_be_found_again() -> None:
    assert kling(reply(200))[0].kind is Kind.FINDABLE


# --- the legacy protocol -----------------------------------------------------------------------


def old_kling(
    *script: Any, at_s: float = NOW_S, key: Mapping[str, str] = PAIR
) -> tuple[Kling, FakeHttp]:
    """The adapter with a pair of keys, unless another key is given."""
    http = FakeHttp(*script)
    account = Account("kling", DEFAULT_URL, frozenset({HOST}), key)
    return Kling(http, account, clock=lambda: at_s), http


def created(**others: Any) -> Any:
    data = {"task_id": TASK, "task_status": "submitted", "created_at": 1, "updated_at": 1}
    return reply(200, {"code": 0, "message": "SUCCEED", "request_id": "r", "data": data | others})


def old_task(status: str, **others: Any) -> Any:
    return created(task_status=status, **others)


def refused(code: int, status: int = 401, **headers: str) -> Any:
    return reply(status, {"code": code, "message": "no", "request_id": "r-1"}, **headers)


def parts_of(header: str) -> tuple[bytes, dict[str, Any], str, bytes]:
    """A bearer token's header and claims, what was signed, and the signature."""
    head, claims, signature = header.removeprefix("Bearer ").split(".")
    read = [base64.urlsafe_b64decode(one + "=" * (-len(one) % 4)) for one in (head, claims)]
    sign = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    return read[0], json.loads(read[1]), f"{head}.{claims}", sign


@pytest.mark.parametrize(
    ("resolution", "seconds", "more"),
    [("720p", 5, {"mode": "std"}), ("1080p", 10, {"mode": "pro", "sound": "off"})],
)
def test_an_old_model_is_asked_for_in_the_legacy_words(
    resolution: str, seconds: int, more: dict[str, Any]
) -> None:
    order = clip_order(model="kling-v2-6", resolution=resolution, duration_s=seconds)

    assert legacy.video_body(order, reference="att_1") == {
        "model_name": "kling-v2-6",
        "prompt": "a red fox walks over snow",
        "duration": str(seconds),
        "aspect_ratio": "16:9",
        "external_task_id": "att_1",
        "watermark_info": {"enabled": False},
        **more,
    }


@pytest.mark.parametrize(
    ("still", "product"),
    [(None, "text2video"), (Keyframe(b"the still", "image/png"), "image2video")],
)
def test_an_old_model_has_its_own_paths_and_operation(still: Keyframe | None, product: str) -> None:
    adapter, http = old_kling(created(), key=API_KEY)
    order = clip_order(model="kling-v2-6", keyframe=still, negative_prompt="text")

    pending = adapter.submit(order, reference="att_1", deadline_s=30.0)

    assert pending == Pending({"task": TASK, "product": product})
    (sent,) = http.sent
    assert (sent.method, sent.url) == ("POST", f"https://{HOST}/v1/videos/{product}")
    assert sent.headers["Authorization"] == "Bearer kling-test"
    assert sent.json["negative_prompt"] == "text"
    assert ("aspect_ratio" in sent.json) == (still is None)
    assert sent.json.get("image") == (still and base64.b64encode(still.data).decode())


@pytest.mark.parametrize(
    ("order", "told"),
    [
        (
            clip_order(model="kling-v2-6", keyframe=Keyframe(b"x" * 10_000_001, "image/png")),
            "10 MB",
        ),
        (clip_order(model="kling-v2-6", negative_prompt="x" * 2501), "shorter negative prompts"),
    ],
)
def test_what_the_legacy_protocol_cannot_take_is_not_sent(order: Any, told: str) -> None:
    adapter, http = old_kling(created())

    with pytest.raises(ProviderUnsupported, match=told):
        adapter.submit(order, reference="att_1", deadline_s=30.0)

    assert http.sent == []


@pytest.mark.parametrize(
    ("code", "status", "leaf"),
    [
        (1000, 401, ProviderKeyRefused), (1102, 429, ProviderQuotaExhausted),
        (1103, 403, ProviderKeyRefused), (1200, 400, ProviderRequestInvalid),
        (1203, 404, ProviderRetired), (1301, 400, ContentRefused), (1302, 429, ProviderThrottled),
        (5000, 500, ProviderOutcomeUnknown), (5001, 503, ProviderUnavailable),
        (5002, 504, ProviderOutcomeUnknown),
    ],
)  # fmt: skip
def test_both_protocols_have_one_table_of_codes(
    code: int, status: int, leaf: type[ProviderError]
) -> None:
    with pytest.raises(ProviderError) as raised:
        old_kling(refused(code, status))[0].submit(OLD, reference="att_1", deadline_s=30.0)

    assert type(raised.value) is leaf


@pytest.mark.parametrize("model", ["kling-3.0-turbo", "kling-v2-6"])
@pytest.mark.parametrize("code", [1200, 1201])
def test_a_reference_used_before_may_mean_a_job_that_exists(model: str, code: int) -> None:
    answer = reply(400, {"code": code, "message": "external_task_id att_1 already exists"})
    adapter, _ = old_kling(answer, key=API_KEY)

    with pytest.raises(ProviderOutcomeUnknown):
        adapter.submit(clip_order(model=model), reference="att_1", deadline_s=30.0)


@pytest.mark.parametrize("data", [{"id": TASK}, {"task_id": ""}, {"task_id": 7}, None, []])
def test_a_legacy_success_without_a_task_proves_nothing(data: Any) -> None:
    adapter, _ = old_kling(reply(200, {"code": 0, "data": data}))

    with pytest.raises(ProviderOutcomeUnknown):
        adapter.submit(OLD, reference="att_1", deadline_s=30.0)


@pytest.mark.parametrize("word", ["submitted", "processing", "awaiting_recompute"])
def test_a_legacy_task_runs_while_its_word_is_no_end(word: str) -> None:
    adapter, http = old_kling(old_task(word))

    assert adapter.poll(OLD_TASK, deadline_s=10.0) == Pending(OLD_TASK)
    assert http.sent[0].url == f"https://{HOST}/v1/videos/text2video/{TASK}"


def test_a_legacy_task_that_is_done_gives_its_link_and_what_was_billed() -> None:
    result = {"videos": [{"id": "v", "url": "https://cdn.klingai.com/v.mp4", "duration": "5.1"}]}
    adapter, _ = old_kling(old_task("succeed", task_result=result, final_unit_deduction="3.5"))

    assert adapter.poll(OLD_TASK, deadline_s=10.0) == Finished(
        url="https://cdn.klingai.com/v.mp4", cost_micros=490_000
    )


@pytest.mark.parametrize(
    ("reason", "leaf"),
    [("Failure to pass the risk control system", ContentRefused), ("timeout", ProviderJobFailed)],
)
def test_a_legacy_task_that_failed_is_over(reason: str, leaf: type[ProviderError]) -> None:
    with pytest.raises(leaf):
        old_kling(old_task("failed", task_status_msg=reason))[0].poll(OLD_TASK, deadline_s=10.0)


@pytest.mark.parametrize(
    "answer",
    [
        refused(1203, 404),
        refused(1302, 429),
        old_task("succeed"),
        old_task("succeed", task_result={"videos": []}),
        reply(200, {"code": 0, "data": {}}),
        reply(200, {"code": 0, "data": [{"task_id": TASK}]}),
    ],
)
def test_a_legacy_look_without_an_end_sees_nothing(answer: Any) -> None:
    with pytest.raises(ProviderProtocolError):
        old_kling(answer)[0].poll(OLD_TASK, deadline_s=10.0)


# --- searching on both -------------------------------------------------------------------------


def test_an_api_key_searches_every_protocol_for_a_lost_job() -> None:
    nothing = reply(200, {"code": 0, "data": []})
    adapter, http = old_kling(nothing, refused(1203, 404), old_task("processing"), key=API_KEY)

    found = adapter.find("att_1", deadline_s=5.0)

    assert found == Pending({"task": TASK, "product": "image2video"})
    assert [one.url.removeprefix(f"https://{HOST}") for one in http.sent] == [
        "/tasks?external_task_ids=att_1",
        "/v1/videos/text2video/att_1",
        "/v1/videos/image2video/att_1",
    ]


def test_a_pair_of_keys_searches_the_legacy_protocol_only() -> None:
    adapter, http = old_kling(refused(1203, 404))

    assert adapter.find("att_1", deadline_s=5.0) is None
    assert [one.url.rpartition("/v1/videos/")[2] for one in http.sent] == [
        "text2video/att_1",
        "image2video/att_1",
    ]


# --- the signature -----------------------------------------------------------------------------


def test_a_pair_of_keys_signs_a_token_of_half_an_hour_that_began_a_minute_ago() -> None:
    adapter, http = old_kling(created())

    adapter.submit(OLD, reference="att_1", deadline_s=30.0)

    (sent,) = http.sent
    head, claims, signed, signature = parts_of(sent.headers["Authorization"])
    assert head == b'{"alg":"HS256","typ":"JWT"}'
    assert claims == {"iss": "AK-canary", "exp": NOW_S + 1800, "nbf": NOW_S - 60}
    assert hmac.new(b"SK-canary", signed.encode(), hashlib.sha256).digest() == signature
    assert "=" not in sent.headers["Authorization"]
    assert "SK-canary" not in str(sent)


def test_a_pair_of_keys_cannot_make_a_clip_on_the_new_protocol() -> None:
    adapter, http = old_kling(created())

    with pytest.raises(ProviderKeyRefused, match="takes an API key here, and no pair"):
        adapter.submit(ORDER, reference="att_1", deadline_s=30.0)

    assert http.sent == []


@pytest.mark.parametrize("key", [{"access_key": "AK"}, {"access_key": "AK", "secret_key": "b c"}])
def test_half_a_pair_is_refused_before_anything_is_sent(key: dict[str, str]) -> None:
    adapter, http = old_kling(created(), key=key)

    with pytest.raises(ProviderKeyRefused, match="secret_key"):
        adapter.submit(OLD, reference="att_1", deadline_s=30.0)

    assert http.sent == []


@pytest.mark.parametrize("code", [1003, 1004])
@pytest.mark.parametrize("call", ["submit", "poll", "find", "check"])
def test_a_clock_that_differs_is_learnt_from_the_reply_and_the_call_is_signed_again(
    code: int, call: str
) -> None:
    date = "Sun, 22 Nov 2026 09:42:00 GMT"
    adapter, http = old_kling(refused(code, date=date), created(), at_s=NOW_S - 900)

    match call:
        case "submit":
            adapter.submit(OLD, reference="att_1", deadline_s=30.0)
        case "poll":
            adapter.poll(OLD_TASK, deadline_s=30.0)
        case "find":
            adapter.find("att_1", deadline_s=30.0)
        case "check":
            adapter.check(deadline_s=30.0)

    first, second = http.sent
    claims = [parts_of(one.headers["Authorization"])[1] for one in (first, second)]
    assert [one["exp"] for one in claims] == [NOW_S + 900, NOW_S + 1800]
    assert (first.method, first.url, first.body) == (second.method, second.url, second.body)
    assert second.deadline_s <= 30.0


def test_a_call_is_signed_again_only_once() -> None:
    adapter, http = old_kling(refused(1003, date="Sun, 22 Nov 2026 09:42:00 GMT"), at_s=NOW_S - 900)

    with pytest.raises(ProviderKeyRefused, match="not valid yet"):
        adapter.submit(OLD, reference="att_1", deadline_s=30.0)

    assert len(http.sent) == 2


@pytest.mark.parametrize(
    "answer",
    [
        refused(1003),
        refused(1003, date="yesterday"),
        refused(1003, date="Sun, 22 Nov 2026 09:42:00 +0100"),
        refused(1000, date="Sun, 22 Nov 2026 09:42:00 GMT"),
    ],
)
def test_without_a_time_to_learn_a_refused_call_stays_refused(answer: Any) -> None:
    adapter, http = old_kling(answer)

    with pytest.raises(ProviderKeyRefused):
        adapter.submit(OLD, reference="att_1", deadline_s=30.0)

    assert len(http.sent) == 1


def test_an_api_key_has_nothing_to_sign_again() -> None:
    adapter, http = old_kling(refused(1003, date="Sun, 22 Nov 2026 09:42:00 GMT"), key=API_KEY)

    with pytest.raises(ProviderKeyRefused):
        adapter.submit(OLD, reference="att_1", deadline_s=30.0)

    assert len(http.sent) == 1


# --- what was billed ---------------------------------------------------------------------------


def unit(amount: Any) -> dict[str, Any]:
    return {"charge_type": "unit", "amount": amount, "package_type": "video"}


def cash(amount: Any, currency: str = "USD") -> dict[str, Any]:
    return {"charge_type": "cash", "cash_type": "x", "currency": currency, "amount": amount}


@pytest.mark.parametrize(
    ("billing", "micros"),
    [
        ([unit("5.00")], 700_000),
        ([unit("0.8")], 112_000),
        ([unit("0.0007")], 100),  # 98 micro-dollars
        ([unit("0.333")], 46_700),  # 46,620
        ([cash("0.56")], 560_000),
        ([cash("0.56001")], 560_100),
        ([unit("1"), cash("0.10")], 240_000),
        ([unit(4)], 560_000),
        ([unit("0.00")], None),
        ([cash("4.00", "CNY")], None),
        ([unit("5"), {"charge_type": "voucher", "amount": "1"}], None),
        ([unit("-1")], None),
        ([unit("1e3")], None),
        ([unit("1/3")], None),
        ([unit("9" * 40)], None),
        ([unit(True)], None),
        ([unit(None)], None),
        (["5.00"], None),
        ([], None),
        ({}, None),
        (None, None),
    ],
)
def test_what_was_billed_is_counted_exactly_and_rounded_up_once(
    billing: Any, micros: int | None
) -> None:
    assert cost_of(billing) == micros


# --- what is on sale ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "resolution", "seconds", "price"),
    [
        ("kling-3.0-turbo", "720p", 5, 112_000), ("kling-3.0-turbo", "1080p", 5, 140_000),
        ("kling-3.0", "720p", 15, 84_000), ("kling-3.0", "1080p", 3, 112_000),
        ("kling-3.0", "4k", 5, 420_000),
        ("kling-v2-6", "720p", 5, 42_000), ("kling-v2-6", "1080p", 10, 70_000),
    ],
)  # fmt: skip
def test_every_offer_has_the_vendors_price(
    model: str, resolution: str, seconds: int, price: int
) -> None:
    (offer,) = [one for one in catalogue().providers["kling"].offers if one.model == model]
    found = match(offer, clip_wish(resolution=resolution, duration_s=seconds))

    assert not isinstance(found, Exclusion)
    row = rate_card("vendor").row_for("kling", found, "standard")
    assert row is not None
    assert row.micros == price


def test_the_turbo_model_comes_first_and_the_old_one_makes_two_lengths() -> None:
    offers = catalogue().providers["kling"].offers

    assert [one.model for one in offers] == ["kling-3.0-turbo", "kling-3.0", "kling-v2-6"]
    assert isinstance(match(offers[2], clip_wish(duration_s=6)), Exclusion)
    assert "negative_prompt" in offers[2].accepts
