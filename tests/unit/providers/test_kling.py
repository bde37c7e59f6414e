"""Kling: what is sent, its code table row by row, and looking at a task."""

import base64
from typing import Any

import pytest

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
)
from filmgate.providers.base import Account, Finished, Keyframe, Kind, Pending
from filmgate.providers.kling import ADAPTER, DEFAULT_URL, Kling, video_body
from tests.support.builders import clip_order
from tests.support.fake_http import FakeHttp, reply, stored_reply

HOST = "api-singapore.klingai.com"
ORDER = clip_order(model="kling-3.0-turbo", resolution="1080p")
TASK = "893605946402811985"


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
    assert look("poll_done") == Finished(url="https://cdn.klingai.com/v.mp4")


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


@pytest.mark.parametrize("case", ["poll_throttled", "code_5000", "bad_key"])
def test_a_search_that_failed_says_nothing(case: str) -> None:
    with pytest.raises(ProviderProtocolError):
        kling(stored_reply("kling", case))[0].find("att_1", deadline_s=5.0)


def test_a_lost_answer_can_be_found_again() -> None:
    assert kling(reply(200))[0].kind is Kind.FINDABLE
