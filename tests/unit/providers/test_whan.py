"""DashScope's Wan: what is sent for each generation of models, and what every answer means."""

import base64
import re
from typing import Any

import pytest

from filmgate.domain.attempts import Kind
from filmgate.domain.catalogue import Exclusion, match
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
from filmgate.providers.base import Account, Finished, Keyframe, Order, Pending
from filmgate.providers.data import catalogue, rate_card
from filmgate.providers.whan import DEFAULT_URL, MODELS, Whan, video_body
from tests.support.builders import clip_order, clip_wish
from tests.support.scripted_http import (
    ScriptedHttp,
    ScriptedReply,
    TransportFailed,
    kept_reply,
    reply,
)

KEY = "sk-canary-secret"
TASK = "0385dc79-5ff8-4d82-bcb6-7a2f3c1e9d10"
STILL = Keyframe(b"not really a png", "image/png")
STILL_URL = f"data:image/png;base64,{base64.b64encode(STILL.data).decode()}"


def order(**others: Any) -> Order:
    return clip_order(**{"model": "wan2.7-t2v", **others})


def adapter(*script: ScriptedReply | Exception) -> tuple[Whan, ScriptedHttp]:
    http = ScriptedHttp.of(*script)
    hosts = frozenset({"dashscope-intl.aliyuncs.com"})
    return Whan(http, Account("whan", DEFAULT_URL, hosts, {"api_key": KEY})), http


def submit(*script: ScriptedReply | Exception) -> Pending:
    made, _ = adapter(*script)
    return made.submit(order(), reference="att_1", deadline_s=30)


def poll(*script: ScriptedReply | Exception) -> Pending | Finished:
    made, _ = adapter(*script)
    return made.poll({"task": TASK}, deadline_s=30)


def refusal(code: str, status: int, message: str = "Told by the vendor.") -> ScriptedReply:
    return reply({"code": code, "message": message, "request_id": "r-1"}, status)


# --- what is sent ------------------------------------------------------------------------------


def test_a_task_from_text_says_everything_that_moves_its_price() -> None:
    made, http = adapter(kept_reply("whan", "created"))

    pending = made.submit(
        order(negative_prompt="text, watermark", seed=12345), reference="att_1", deadline_s=30
    )

    assert pending == Pending({"task": TASK})
    (asked,) = http.asked
    path = "/api/v1/services/aigc/video-generation/video-synthesis"
    assert (asked.method, asked.url) == ("POST", DEFAULT_URL + path)
    assert asked.headers == {
        "Authorization": f"Bearer {KEY}",
        "Content-Type": "application/json",
        "X-DashScope-Async": "enable",
    }
    assert asked.json == {
        "model": "wan2.7-t2v",
        "input": {"prompt": "a red fox walks over snow", "negative_prompt": "text, watermark"},
        "parameters": {
            "resolution": "720P",
            "ratio": "16:9",
            "duration": 5,
            "prompt_extend": True,
            "watermark": False,
            "seed": 12345,
        },
    }


COMMON = {"duration": 5, "prompt_extend": True, "watermark": False}


@pytest.mark.parametrize(
    ("model", "still", "given", "parameters"),
    [
        ("wan3.0-video", None, {}, {"resolution": "720P", "ratio": "16:9", "audio": False}),
        (
            "wan3.0-video",
            STILL,
            {"media": [{"type": "first_frame", "url": STILL_URL}]},
            {"resolution": "720P", "ratio": "adaptive", "audio": False},
        ),
        (
            "wan2.7-i2v",
            STILL,
            {"media": [{"type": "first_frame", "url": STILL_URL}]},
            {"resolution": "720P"},
        ),
        ("wan2.6-t2v", None, {}, {"size": "1280*720", "shot_type": "single"}),
        (
            "wan2.6-i2v",
            STILL,
            {"img_url": STILL_URL},
            {"resolution": "720P", "shot_type": "single", "audio": False},
        ),
        ("wan2.5-t2v-preview", None, {}, {"size": "1280*720"}),
        ("wan2.5-i2v-preview", STILL, {"img_url": STILL_URL}, {"resolution": "720P"}),
    ],
)
def test_size_and_still_are_said_in_the_words_of_the_models_generation(
    model: str, still: Keyframe | None, given: dict[str, Any], parameters: dict[str, Any]
) -> None:
    body = video_body(order(model=model, keyframe=still))

    assert body == {
        "model": model,
        "input": {"prompt": "a red fox walks over snow", **given},
        "parameters": {**COMMON, **parameters},
    }


def test_a_still_above_the_vendors_limit_is_not_sent() -> None:
    made, http = adapter()
    still = Keyframe(b"x" * 10_000_001, "image/png")

    with pytest.raises(ProviderUnsupported):
        made.submit(order(model="wan2.7-i2v", keyframe=still), reference="att_1", deadline_s=30)

    assert http.asked == []


# --- what the answer to a create means ---------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "leaf"),
    [
        (400, "InvalidParameter", ProviderRequestInvalid),
        (400, "InvalidParameter.DataInspection", ProviderRequestInvalid),
        (400, "InvalidURL", ProviderRequestInvalid),
        (400, "InvalidImage.FileFormat", ProviderRequestInvalid),
        (400, "InvalidVideo.Duration", ProviderRequestInvalid),
        (400, "DataInspectionFailed", ContentRefused),
        (400, "data_inspection_failed", ContentRefused),
        (400, "IPInfringementSuspect", ContentRefused),
        (400, "Arrearage", ProviderQuotaExhausted),
        (400, "UnsupportedOperation", ProviderRequestInvalid),
        (400, "SomethingNew", ProviderRequestInvalid),
        (401, "InvalidApiKey", ProviderKeyRefused),
        (401, "invalid_api_key", ProviderKeyRefused),
        (403, "AccessDenied", ProviderKeyRefused),
        (403, "AccessDenied.Unpurchased", ProviderKeyRefused),
        (403, "Model.AccessDenied", ProviderKeyRefused),
        (403, "Workspace.AccessDenied", ProviderKeyRefused),
        (403, "AllocationQuota.FreeTierOnly", ProviderQuotaExhausted),
        (404, "ModelNotFound", ProviderRetired),
        (404, "Model not exist", ProviderRetired),
        (429, "Throttling", ProviderThrottled),
        (429, "Throttling.RateQuota", ProviderThrottled),
        (429, "Throttling.BurstRate", ProviderThrottled),
        (429, "LimitRequests", ProviderThrottled),
        (429, "Throttling.AllocationQuota", ProviderQuotaExhausted),
        (429, "insufficient_quota", ProviderQuotaExhausted),
        (429, "PrepaidBillOverdue", ProviderQuotaExhausted),
        (429, "PostpaidBillOverdue", ProviderQuotaExhausted),
        (429, "CommodityNotPurchased", ProviderQuotaExhausted),
        (500, "InternalError", ProviderUnavailable),
        (500, "InternalError.Algo", ProviderUnavailable),
        (500, "InternalError.Timeout", ProviderOutcomeUnknown),
        (500, "SystemError", ProviderUnavailable),
        (503, "ModelUnavailable", ProviderUnavailable),
        (504, "ModelServingError", ProviderUnavailable),
        (500, "SomethingNew", ProviderOutcomeUnknown),
        (200, "SomethingNew", ProviderOutcomeUnknown),
    ],
)
def test_the_code_decides_before_the_status_does(
    status: int, code: str, leaf: type[ProviderError]
) -> None:
    with pytest.raises(leaf) as raised:
        submit(refusal(code, status))

    assert type(raised.value) is leaf
    assert raised.value.status == status


@pytest.mark.parametrize("code", ["Throttling.AllocationQuota", "insufficient_quota"])
def test_a_quota_that_names_a_rate_is_a_rate(code: str) -> None:
    with pytest.raises(ProviderThrottled):
        submit(refusal(code, 429, "Allocated rate quota exceeded."))
    with pytest.raises(ProviderQuotaExhausted):
        submit(refusal(code, 429, "Too many were generated for the corporate quota."))


def test_a_model_that_is_gone_may_come_as_an_invalid_parameter() -> None:
    with pytest.raises(ProviderRetired):
        submit(refusal("InvalidParameter", 400, "Model not exist."))


def test_a_refusal_keeps_the_vendors_request_id_and_delay() -> None:
    body = {"code": "Throttling", "message": "m", "request_id": "r-1"}

    with pytest.raises(ProviderThrottled) as raised:
        submit(reply(body, 429, Retry_After="3"))

    assert (raised.value.request_id, raised.value.retry_after_s) == ("r-1", 3)


@pytest.mark.parametrize(
    "answer",
    [
        reply(b""),
        reply(b"<html>502 Bad Gateway</html>", 502),
        reply(b"<html>welcome</html>"),
        reply({"message": "no code"}, 500),
        reply({"output": {}, "request_id": "r"}),
        reply({"output": {"task_id": "", "task_status": "PENDING"}}),
        reply({"output": {"task_id": TASK}}, 502),
        reply(b'{"output": {"task_id": "1"'),
        TransportFailed(proves_not_sent=False),
    ],
)
def test_anything_else_proves_nothing(answer: ScriptedReply | Exception) -> None:
    with pytest.raises(ProviderOutcomeUnknown):
        submit(answer)


def test_what_was_surely_not_sent_may_be_sent_again() -> None:
    with pytest.raises(ProviderNotReached):
        submit(TransportFailed(proves_not_sent=True))


# --- what a look sees --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["done", "done_in_results"])
def test_a_finished_clip_is_its_link_and_the_seconds_that_are_billed(name: str) -> None:
    made, http = adapter(kept_reply("whan", name))

    seen = made.poll({"task": TASK}, deadline_s=30)

    assert isinstance(seen, Finished)
    assert str(seen.url).startswith("https://dashscope-result-sh.oss-accelerate.aliyuncs.com/")
    assert seen.seconds == 5
    (asked,) = http.asked
    assert (asked.method, asked.url) == ("GET", f"{DEFAULT_URL}/api/v1/tasks/{TASK}")
    assert asked.headers == {"Authorization": f"Bearer {KEY}"}


@pytest.mark.parametrize(("usage", "seconds"), [({"duration": 4.2}, 5), ({"duration": "5"}, None)])
def test_the_billed_seconds_are_whole_or_not_told(usage: Any, seconds: int | None) -> None:
    output = {"task_id": TASK, "task_status": "SUCCEEDED", "video_url": "https://x.aliyuncs.com/"}

    seen = poll(reply({"output": output, "usage": usage}))

    assert isinstance(seen, Finished)
    assert seen.seconds == seconds


def test_a_running_job_is_pending() -> None:
    assert poll(kept_reply("whan", "running")) == Pending({"task": TASK})


@pytest.mark.parametrize("word", ["PENDING", "SUSPENDED", "RUNNING", "BREWING"])
def test_a_job_that_is_not_over_is_pending(word: str) -> None:
    answer = reply({"output": {"task_id": TASK, "task_status": word}})

    assert poll(answer) == Pending({"task": TASK})


@pytest.mark.parametrize(
    ("code", "leaf"),
    [
        ("DataInspectionFailed", ContentRefused),
        ("IPInfringementSuspect", ContentRefused),
        ("InternalError.Algo", ProviderJobFailed),
        ("InternalError.Timeout", ProviderJobFailed),
        ("InvalidParameter.DataFormat", ProviderJobFailed),
        (None, ProviderJobFailed),
    ],
)
def test_a_failed_job_is_over_and_free(code: str | None, leaf: type[ProviderError]) -> None:
    output = {"task_id": TASK, "task_status": "FAILED", "code": code, "message": "m"}

    with pytest.raises(leaf):
        poll(reply({"output": output}))


def test_a_refusal_while_making_is_a_failed_task_of_http_200() -> None:
    with pytest.raises(ContentRefused):
        poll(kept_reply("whan", "failed"))


def test_a_cancelled_job_is_over() -> None:
    with pytest.raises(ProviderJobFailed):
        poll(reply({"output": {"task_id": TASK, "task_status": "CANCELED"}}))


@pytest.mark.parametrize(
    "answer",
    [
        refusal("Throttling", 429),
        refusal("InternalError", 500),
        reply({"output": None}),
        reply(b""),
        reply(b"<html></html>", 502),
        TransportFailed(proves_not_sent=False),
    ],
)
def test_a_look_that_saw_nothing_is_repeated(answer: ScriptedReply | Exception) -> None:
    with pytest.raises(ProviderProtocolError) as raised:
        poll(answer)

    assert type(raised.value) is ProviderProtocolError


NO_CLIP = {"task_id": TASK, "task_status": "SUCCEEDED"}


@pytest.mark.parametrize(
    ("answer", "leaf"),
    [
        (kept_reply("whan", "unknown"), ProviderJobUnknown),
        (reply(b"", 404), ProviderJobUnknown),
        (refusal("InvalidApiKey", 401), ProviderKeyRefused),
        (reply({"output": NO_CLIP}), ProviderResultMissing),
        (reply({"output": {**NO_CLIP, "video_url": ""}}), ProviderResultMissing),
    ],
)
def test_a_look_tells_an_unknown_task_a_refused_key_and_a_missing_clip_apart(
    answer: ScriptedReply, leaf: type[ProviderError]
) -> None:
    with pytest.raises(ProviderError) as raised:
        poll(answer)

    assert type(raised.value) is leaf


def test_a_waiting_task_is_cancelled_by_its_own_call() -> None:
    made, http = adapter(reply({"request_id": "r1"}))

    made.cancel({"task": "a/b"}, deadline_s=30)

    assert made.can_cancel
    assert http.asked[0].method == "POST"
    assert http.asked[0].url.endswith("/api/v1/tasks/a%2Fb/cancel")


@pytest.mark.parametrize(
    ("answer", "leaf"),
    [
        (refusal("UnsupportedOperation", 400), ProviderUnsupported),
        (refusal("InvalidApiKey", 401), ProviderKeyRefused),
        (reply(b"", 404), ProviderJobUnknown),
        (refusal("InternalError", 500), ProviderProtocolError),
    ],
)
def test_a_cancel_that_was_not_taken_is_no_cancel(
    answer: ScriptedReply, leaf: type[ProviderError]
) -> None:
    made, _ = adapter(answer)

    with pytest.raises(ProviderError) as raised:
        made.cancel({"task": TASK}, deadline_s=30)

    assert type(raised.value) is leaf


# --- what must hold everywhere -----------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        refusal("InvalidApiKey", 401, f"{KEY} is no key; a red fox; https://x"),
        refusal("InternalError.Timeout", 500, f"{KEY} a red fox"),
        TransportFailed(proves_not_sent=False),
    ],
)
def test_no_message_holds_the_key_or_the_prompt(answer: ScriptedReply | Exception) -> None:
    made, http = adapter(answer)

    with pytest.raises(ProviderError) as raised:
        made.submit(order(), reference="att_1", deadline_s=30)

    assert not re.search(rf"{KEY}|fox|https?:", str(raised.value))
    assert KEY not in http.asked[0].url


def test_a_lost_answer_cannot_be_found_again() -> None:
    assert Whan.kind is Kind.BLIND


def test_every_offer_has_its_words() -> None:
    offers = catalogue().providers["whan"].offers

    for offer in offers:
        words = MODELS[offer.model]
        assert ("image" in offer.accepts) == (words.still is not None)
        assert offer.needs_keyframe == (words.size is None)
    assert all("4k" not in offer.resolutions for offer in offers)


@pytest.mark.parametrize(
    ("wish", "model"),
    [
        (clip_wish(), "wan2.7-t2v"),
        (clip_wish(image="take_x"), "wan2.7-i2v"),
        (clip_wish(duration_s=20), "wan3.0-video"),
        (clip_wish(duration_s=20, image="take_x"), "wan3.0-video"),
        (clip_wish(resolution="4k"), None),
    ],
)
def test_the_still_and_the_length_choose_the_model(wish: Any, model: str | None) -> None:
    offers = catalogue().providers["whan"].offers

    fitting = [one.model for one in offers if not isinstance(match(one, wish), Exclusion)]

    assert (fitting[0] if fitting else None) == model


def test_every_model_on_the_vendors_card_has_both_prices() -> None:
    rows = rate_card("vendor").rows_of("whan")

    priced = {(row.model, row.resolution): row.micros for row in rows}
    assert priced == {
        ("wan2.7-t2v", "720p"): 100_000,
        ("wan2.7-t2v", "1080p"): 150_000,
        ("wan2.7-i2v", "720p"): 100_000,
        ("wan2.7-i2v", "1080p"): 150_000,
        ("wan3.0-video", "720p"): 100_000,
        ("wan3.0-video", "1080p"): 200_000,
    }


# --- whether the key is good -------------------------------------------------------------------


def test_a_key_is_tested_by_listing_one_task() -> None:
    made, http = adapter(reply({"total": 0, "data": [], "request_id": "r"}))

    made.check(deadline_s=10)

    (asked,) = http.asked
    assert (asked.method, asked.url) == (
        "GET",
        f"{DEFAULT_URL}/api/v1/tasks/?page_no=1&page_size=1",
    )


@pytest.mark.parametrize(
    ("answer", "leaf"),
    [
        (refusal("InvalidApiKey", 401), ProviderKeyRefused),
        (refusal("Arrearage", 400), ProviderQuotaExhausted),
        (refusal("Throttling", 429), ProviderThrottled),
        (refusal("SomethingNew", 500), ProviderProtocolError),
        (reply(b"<html></html>"), ProviderProtocolError),
        (TransportFailed(proves_not_sent=True), ProviderNotReached),
    ],
)
def test_a_key_that_was_not_taken_is_told(
    answer: ScriptedReply | Exception, leaf: type[ProviderError]
) -> None:
    made, _ = adapter(answer)

    with pytest.raises(leaf):
        made.check(deadline_s=10)
