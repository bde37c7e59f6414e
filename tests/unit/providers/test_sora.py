"""The OpenAI Videos protocol: what is sent, and what every answer means."""

import io
import json
from typing import Any

import pytest
from PIL import Image

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
    ProviderRetired,
    ProviderThrottled,
    ProviderUnavailable,
    ProviderUnsupported,
)
from filmgate.providers.base import Account, Finished, Keyframe, Order, Pending
from filmgate.providers.sora import DEFAULT_URL, Sora, multipart
from local.simulators.multipart import Part, read_form
from tests.support.builders import clip_order
from tests.support.scripted_http import (
    ScriptedHttp,
    ScriptedReply,
    TransportFailed,
    kept_reply,
    reply,
)

KEY = "sk-canary-secret"
JOB = "video_68d7512d07848190b3e45da0ecbebcde004da08e1e0678d5"


def order(**others: Any) -> Order:
    return clip_order(**{"model": "sora-2", "duration_s": 8, **others})


def adapter(
    *script: ScriptedReply | Exception, base_url: str = DEFAULT_URL
) -> tuple[Sora, ScriptedHttp]:
    http = ScriptedHttp.of(*script)
    account = Account("sora", base_url, frozenset({"api.openai.com"}), {"api_key": KEY})
    return Sora(http, account), http


def submit(*script: ScriptedReply | Exception, **others: Any) -> Pending:
    made, _ = adapter(*script)
    return made.submit(order(**others), reference="att_1", deadline_s=30)


def poll(*script: ScriptedReply | Exception) -> Pending | Finished:
    made, _ = adapter(*script)
    return made.poll({"video": JOB}, deadline_s=30)


def refusal(status: int, code: str | None, **others: Any) -> ScriptedReply:
    error = {"message": "Told by the vendor.", "type": "t", "param": None, "code": code}
    return reply({"error": error | others}, status)


def still(width: int, height: int, format: str = "PNG") -> Keyframe:
    target = io.BytesIO()
    Image.new("RGB", (width, height), "navy").save(target, format)
    return Keyframe(target.getvalue(), f"image/{format.lower()}")


# --- what is sent ------------------------------------------------------------------------------


def test_a_job_from_text_is_json_and_says_everything_that_moves_its_price() -> None:
    made, http = adapter(kept_reply("sora", "created"))

    pending = made.submit(order(), reference="att_1", deadline_s=30)

    assert pending == Pending({"video": JOB})
    (asked,) = http.asked
    assert (asked.method, asked.url) == ("POST", "https://api.openai.com/v1/videos")
    assert asked.headers == {
        "Authorization": f"Bearer {KEY}",
        "Content-Type": "application/json",
        "X-Client-Request-Id": "att_1",
    }
    assert asked.json == {
        "model": "sora-2",
        "prompt": "a red fox walks over snow",
        "seconds": "8",
        "size": "1280x720",
    }


def test_a_job_from_a_keyframe_is_a_form_with_the_same_fields_and_the_file() -> None:
    made, http = adapter(kept_reply("sora", "created"))
    first = still(1280, 720)

    made.submit(order(keyframe=first), reference="att_1", deadline_s=30)

    (asked,) = http.asked
    assert read_form(asked.headers["Content-Type"], asked.body or b"") == [
        Part("model", b"sora-2"),
        Part("prompt", b"a red fox walks over snow"),
        Part("seconds", b"8"),
        Part("size", b"1280x720"),
        Part("input_reference", first.data, "keyframe.png", "image/png"),
    ]


def test_no_content_can_end_a_part_of_the_form_early() -> None:
    hostile = "x\r\n--filmgate-0\r\nContent-Disposition: form-data; name=size\r\n\r\n1x1"

    content_type, body = multipart({"prompt": hostile}, Keyframe(b"--\r\n", "image/webp"))

    assert [(part.name, part.content) for part in read_form(content_type, body)] == [
        ("prompt", hostile.encode()),
        ("input_reference", b"--\r\n"),
    ]


@pytest.mark.parametrize(
    "given", [still(1376, 768), still(640, 360, "JPEG"), still(1280, 720, "GIF")]
)
def test_a_keyframe_of_another_size_or_kind_is_brought_to_the_ordered_one(given: Keyframe) -> None:
    made, http = adapter(kept_reply("sora", "created"))

    made.submit(order(keyframe=given), reference="att_1", deadline_s=30)

    (asked,) = http.asked
    *_, sent = read_form(asked.headers["Content-Type"], asked.body or b"")
    assert (sent.media_type, sent.file_name) == ("image/png", "keyframe.png")
    assert Image.open(io.BytesIO(sent.content)).size == (1280, 720)


@pytest.mark.parametrize("given", [still(720, 1280), Keyframe(b"no picture", "image/png")])
def test_a_keyframe_that_cannot_be_brought_there_is_not_sent(given: Keyframe) -> None:
    made, http = adapter()

    with pytest.raises(ProviderUnsupported):
        made.submit(order(keyframe=given), reference="att_1", deadline_s=30)

    assert http.asked == []


def test_a_key_that_cannot_stand_in_a_header_is_not_sent() -> None:
    http = ScriptedHttp.of()
    account = Account("sora", DEFAULT_URL, frozenset(), {"api_key": f"{KEY}\n"})

    with pytest.raises(ProviderKeyRefused):
        Sora(http, account).submit(order(), reference="att_1", deadline_s=30)

    assert http.asked == []


# --- what an answer to a submit means ----------------------------------------------------------

SUBMIT_TABLE = [
    (400, "invalid_value", ProviderRequestInvalid),
    (400, "invalid_request_error", ProviderRequestInvalid),
    (400, None, ProviderRequestInvalid),
    (400, "moderation_blocked", ContentRefused),
    (400, "content_policy_violation", ContentRefused),
    (400, "sentinel_block", ContentRefused),
    (400, "billing_hard_limit_reached", ProviderQuotaExhausted),
    (400, "model_not_found", ProviderRetired),
    (401, "invalid_api_key", ProviderKeyRefused),
    (402, None, ProviderQuotaExhausted),
    (403, None, ProviderKeyRefused),
    (404, "model_not_found", ProviderRetired),
    (404, None, ProviderRetired),
    (408, None, ProviderOutcomeUnknown),
    (409, None, ProviderUnavailable),
    (410, None, ProviderRetired),
    (429, "rate_limit_exceeded", ProviderThrottled),
    (429, None, ProviderThrottled),
    (429, "insufficient_quota", ProviderQuotaExhausted),
    (429, "billing_not_active", ProviderQuotaExhausted),
    (429, "credit_balance_exhausted", ProviderQuotaExhausted),
    (429, "organization_spend_limit_exceeded", ProviderQuotaExhausted),
    (429, "organization_usage_limit_exceeded", ProviderQuotaExhausted),
    (429, "project_spend_limit_exceeded", ProviderQuotaExhausted),
    (500, "server_error", ProviderUnavailable),
    (502, "server_error", ProviderOutcomeUnknown),
    (503, "server_is_overloaded", ProviderUnavailable),
    (504, "server_error", ProviderOutcomeUnknown),
    (500, "upstream_timeout", ProviderOutcomeUnknown),
    (504, None, ProviderOutcomeUnknown),
]


@pytest.mark.parametrize(("status", "code", "leaf"), SUBMIT_TABLE)
def test_every_error_of_the_table_has_its_class(
    status: int, code: str | None, leaf: type[ProviderError]
) -> None:
    with pytest.raises(leaf) as raised:
        submit(refusal(status, code))

    assert type(raised.value) is leaf
    assert raised.value.status == status
    assert KEY not in str(raised.value)
    assert "fox" not in str(raised.value)


@pytest.mark.parametrize("param", ["model", "seconds", "size"])
def test_a_value_of_ours_that_a_host_refuses_is_left_to_the_next_provider(param: str) -> None:
    with pytest.raises(ProviderUnsupported, match=param):
        submit(refusal(400, "invalid_value", param=param))


@pytest.mark.parametrize(
    ("name", "status", "leaf"),
    [
        ("throttled", 429, ProviderThrottled),
        ("no_quota", 429, ProviderQuotaExhausted),
        ("wrong_still", 400, ProviderRequestInvalid),
    ],
)
def test_whole_answers_of_the_vendor(name: str, status: int, leaf: type[ProviderError]) -> None:
    with pytest.raises(leaf):
        submit(kept_reply("sora", name, status))


def test_the_type_counts_where_the_code_is_missing() -> None:
    with pytest.raises(ProviderUnavailable):
        submit(refusal(500, None, type="server_error"))


@pytest.mark.parametrize(
    ("told", "kept"), [("7", 7.0), ("0.5", 0.5), ("-3", None), ("soon", None), ("1e9", 1e9)]
)
def test_a_waiting_time_is_kept_where_it_makes_sense(told: str, kept: float | None) -> None:
    answer = reply(
        {"error": {"message": "slow", "code": "rate_limit_exceeded"}},
        429,
        retry_after=told,
        x_request_id="req_1",
    )

    with pytest.raises(ProviderThrottled) as raised:
        submit(answer)

    assert (raised.value.retry_after_s, raised.value.request_id) == (kept, "req_1")


@pytest.mark.parametrize(
    "answer",
    [
        reply(b"<html>502 Bad Gateway</html>", 502),
        reply(b"<html>fine</html>"),
        reply(b""),
        reply(b'{"id": "video_1"', 200),
        reply(b'{"id": "video_1", "id": "video_2"}'),
        reply(b'{"id": NaN}'),
        reply([]),
        reply({"object": "video"}),
        reply({"id": ""}),
        reply({"id": 7}),
        reply({"error": {"message": "in a 200", "code": "server_error"}}),
        reply({"error": "text"}, 400),
        reply({"id": "video_1"}, 302),
    ],
)
def test_an_answer_that_cannot_be_read_proves_nothing(answer: ScriptedReply) -> None:
    with pytest.raises(ProviderOutcomeUnknown):
        submit(answer)


@pytest.mark.parametrize(
    ("proves_not_sent", "leaf"), [(False, ProviderOutcomeUnknown), (True, ProviderNotReached)]
)
def test_a_failure_of_the_way_says_whether_anything_was_sent(
    proves_not_sent: bool, leaf: type[ProviderError]
) -> None:
    with pytest.raises(leaf):
        submit(TransportFailed(proves_not_sent=proves_not_sent))


# --- what a look means -------------------------------------------------------------------------


def test_a_finished_job_is_fetched_below_its_own_path() -> None:
    made, http = adapter(kept_reply("sora", "done"))

    done = made.poll({"video": JOB}, deadline_s=30)

    own = f"https://api.openai.com/v1/videos/{JOB}"
    assert done == Finished(url=f"{own}/content", seconds=8)
    (asked,) = http.asked
    assert (asked.method, asked.url, asked.body) == ("GET", own, None)


def test_a_foreign_id_stays_one_piece_of_the_path() -> None:
    made, http = adapter(kept_reply("sora", "running"))

    made.poll({"video": "../models?x=/#"}, deadline_s=30)

    assert http.asked[0].url == "https://api.openai.com/v1/videos/..%2Fmodels%3Fx%3D%2F%23"


@pytest.mark.parametrize("status", ["queued", "in_progress", "awaiting_recompute", None])
def test_a_job_that_has_not_ended_is_pending(status: str | None) -> None:
    assert poll(reply({"id": JOB, "status": status})) == Pending({"video": JOB})


@pytest.mark.parametrize(
    ("code", "leaf"),
    [
        ("moderation_blocked", ContentRefused),
        ("content_policy_violation", ContentRefused),
        ("input_moderation", ContentRefused),
        ("output_moderation", ContentRefused),
        ("video_generation_failed", ProviderJobFailed),
        ("internal_error", ProviderJobFailed),
        ("server_error", ProviderJobFailed),
        ("rate_limit_exceeded", ProviderJobFailed),
        (None, ProviderJobFailed),
    ],
)
def test_a_failed_job_says_why(code: str | None, leaf: type[ProviderError]) -> None:
    error = None if code is None else {"code": code, "message": f"secret {KEY} a red fox"}

    with pytest.raises(leaf) as raised:
        poll(reply({"id": JOB, "status": "failed", "error": error}))

    assert KEY not in str(raised.value)
    assert "fox" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "leaf"), [("refused", ContentRefused), ("failed", ProviderJobFailed)]
)
def test_whole_jobs_that_failed(name: str, leaf: type[ProviderError]) -> None:
    with pytest.raises(leaf):
        poll(kept_reply("sora", name))


@pytest.mark.parametrize(
    "answer",
    [
        *(refusal(s, code) for s, code, _ in SUBMIT_TABLE if s not in (401, 404)),
        reply(b"<html></html>", 502),
        reply(b"<html></html>"),
        reply([]),
        TransportFailed(proves_not_sent=True),
        TransportFailed(proves_not_sent=False),
    ],
)
def test_a_look_that_shows_no_job_has_seen_nothing(answer: ScriptedReply | Exception) -> None:
    with pytest.raises(ProviderProtocolError) as raised:
        poll(answer)

    assert type(raised.value) is ProviderProtocolError


@pytest.mark.parametrize(("status", "leaf"), [(401, ProviderKeyRefused), (404, ProviderJobUnknown)])
def test_a_look_tells_a_refused_key_from_an_unknown_job(
    status: int, leaf: type[ProviderError]
) -> None:
    with pytest.raises(ProviderError) as raised:
        poll(refusal(status, None))

    assert type(raised.value) is leaf


# --- the download and the kind -----------------------------------------------------------------


@pytest.mark.parametrize("base_url", [DEFAULT_URL, "https://videos.example/openai"])
def test_the_key_goes_to_the_accounts_own_address_only(base_url: str) -> None:
    made, _ = adapter(base_url=base_url)

    own = made.download_headers(f"{base_url}/v1/videos/{JOB}/content")
    foreign = [
        made.download_headers(f"{base_url}.evil.example/v1/videos/{JOB}/content"),
        made.download_headers(f"{base_url}@evil.example/v1/videos/{JOB}/content"),
        made.download_headers("https://cdn.example/clip.mp4"),
        made.download_headers(f"http://api.openai.com/v1/videos/{JOB}/content"),
    ]

    assert own == {"Authorization": f"Bearer {KEY}"}
    assert foreign == [{}, {}, {}, {}]


def test_a_lost_answer_cannot_be_found_again() -> None:
    assert Sora.kind is Kind.BLIND
    assert json.loads(kept_reply("sora", "created").body).get("reference") is None
