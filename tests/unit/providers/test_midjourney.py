"""The midjourney-proxy protocol in both dialects: what is sent, and what every answer means."""

import re
from typing import Any

import pytest

from filmgate.domain.attempts import Kind
from filmgate.domain.errors import (
    ContentRefused,
    ErrorClass,
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
    ProviderThrottled,
    ProviderUnavailable,
    ProviderUnsupported,
)
from filmgate.providers.base import Account, Finished, Order, Pending
from filmgate.providers.data import catalogue, rate_card
from filmgate.providers.midjourney import ADAPTER, DEFAULT_URL, SPEEDS, Midjourney, imagine_body
from tests.support.builders import image_order
from tests.support.scripted_http import (
    ScriptedHttp,
    ScriptedReply,
    TransportFailed,
    kept_reply,
    reply,
)

KEY = "canary-secret"
TASK = "1768896000123456"
URL = "https://proxy.example"


def account(url: str = URL, key: str = KEY) -> Account:
    return Account("midjourney", url, frozenset({"proxy.example"}), {"api_key": key})


def order(**others: Any) -> Order:
    return image_order(**{"model": "midjourney-fast", **others})


def adapter(*script: ScriptedReply | Exception) -> tuple[Midjourney, ScriptedHttp]:
    http = ScriptedHttp.of(*script)
    return Midjourney(http, account()), http


def submit(*script: ScriptedReply | Exception, **others: Any) -> Pending:
    made, _ = adapter(*script)
    return made.submit(order(**others), reference="att_1", deadline_s=30)


def poll(*script: ScriptedReply | Exception) -> Pending | Finished:
    made, _ = adapter(*script)
    return made.poll({"task": TASK}, deadline_s=30)


# --- what is sent ------------------------------------------------------------------------------


def test_a_task_is_text_then_flags_with_our_reference_as_its_state() -> None:
    made, http = adapter(kept_reply("midjourney", "accepted"))

    pending = made.submit(order(aspect_ratio="16:9"), reference="att_1", deadline_s=30)

    assert pending == Pending({"task": TASK})
    (asked,) = http.asked
    assert (asked.method, asked.url) == ("POST", f"{URL}/mj/submit/imagine")
    assert asked.headers == {"mj-api-secret": KEY, "Content-Type": "application/json"}
    assert asked.json == {
        "prompt": "a red fox in fresh snow --ar 16:9 --fast",
        "state": "att_1",
    }
    assert (asked.hosts, asked.deadline_s) == (frozenset({"proxy.example"}), 30)


@pytest.mark.parametrize(
    ("wishes", "prompt"),
    [
        ({"negative_prompt": "text, blur"}, "x --ar 1:1 --no text, blur --fast"),
        ({"seed": 7}, "x --ar 1:1 --seed 7 --fast"),
        ({"seed": 0}, "x --ar 1:1 --seed 0 --fast"),
        ({"style": "raw"}, "x --ar 1:1 --style raw --fast"),
        ({"style": "250"}, "x --ar 1:1 --stylize 250 --fast"),
        ({"style": "1001"}, "x, 1001 --ar 1:1 --fast"),
        ({"style": "film noir"}, "x, film noir --ar 1:1 --fast"),
        ({"model": "midjourney-relax"}, "x --ar 1:1 --relax"),
        ({"model": "midjourney-turbo"}, "x --ar 1:1 --turbo"),
    ],
)
def test_every_wish_becomes_a_flag_or_a_word(wishes: dict[str, Any], prompt: str) -> None:
    body = imagine_body(order(prompt="x", **wishes), reference="att_1")

    assert body["prompt"] == prompt


@pytest.mark.parametrize(
    "wishes",
    [
        {"prompt": "a fox --turbo"},
        {"prompt": "a fox\n--repeat 10"},
        {"prompt": "a fox —turbo"},
        {"prompt": "a {red, green} fox"},
        {"negative_prompt": "text --turbo"},
        {"style": "raw --turbo"},
        {"negative_prompt": "n" * 6000},
    ],
)
def test_a_text_that_could_order_something_else_is_not_sent(wishes: dict[str, Any]) -> None:
    made, http = adapter()

    with pytest.raises(ProviderUnsupported):
        made.submit(order(**wishes), reference="att_1", deadline_s=30)

    assert http.asked == []


def test_dashes_between_words_are_only_dashes() -> None:
    assert submit(kept_reply("midjourney", "accepted"), prompt="dusk — a well-known fox, 2–3 m")


def test_without_an_address_nothing_is_sent() -> None:
    http = ScriptedHttp.of()

    with pytest.raises(ProviderUnsupported, match="api_url"):
        ADAPTER(http, account(url=DEFAULT_URL))

    assert http.asked == []


def test_an_unusable_key_is_not_sent() -> None:
    http = ScriptedHttp.of()

    with pytest.raises(ProviderKeyRefused):
        Midjourney(http, account(key="two words")).submit(order(), reference="att_1", deadline_s=30)

    assert http.asked == []


# --- what the answer to a submit means ---------------------------------------------------------


@pytest.mark.parametrize("name", ["accepted", "queued", "waiting"])
def test_three_codes_carry_a_task(name: str) -> None:
    assert submit(kept_reply("midjourney", name)) == Pending({"task": TASK})


@pytest.mark.parametrize(
    ("answer", "leaf"),
    [
        (kept_reply("midjourney", "queue_full_novicezk"), ProviderThrottled),
        (kept_reply("midjourney", "queue_full_trueai"), ProviderThrottled),
        (kept_reply("midjourney", "system_error"), ProviderUnavailable),
        (kept_reply("midjourney", "no_account"), ProviderKeyRefused),
        (kept_reply("midjourney", "invalid"), ProviderRequestInvalid),
        (kept_reply("midjourney", "daily_limit"), ProviderQuotaExhausted),
        (kept_reply("midjourney", "banned_word"), ContentRefused),
        (reply(b"", 401), ProviderKeyRefused),
        (reply("未登录".encode(), 403), ProviderKeyRefused),
        (reply(b"", 403), ProviderKeyRefused),
        (reply(b"", 429), ProviderThrottled),
    ],
)
def test_a_refusal_is_named_by_what_it_means(
    answer: ScriptedReply, leaf: type[ProviderError]
) -> None:
    with pytest.raises(leaf) as raised:
        submit(answer)

    assert type(raised.value) is leaf
    assert raised.value.status == answer.status


@pytest.mark.parametrize(
    "answer",
    [
        reply(b""),
        reply(b"<html>502 Bad Gateway</html>", 502),
        reply(b"<html>welcome</html>"),
        reply({"status": 500, "error": "Internal Server Error"}, 500),
        reply({"code": 9, "description": "x"}, 500),
        reply({"code": 1, "description": "x"}),
        reply({"code": 1, "description": "x", "result": ""}),
        reply({"code": 77, "description": "x", "result": TASK}),
        reply({"code": "1", "result": TASK}),
        reply({"code": 1, "result": TASK}, 503),
        reply([1]),
        reply(b'{"code": 1, "code": 1, "result": "1"}'),
        TransportFailed(proves_not_sent=False),
    ],
)
def test_anything_else_proves_nothing(answer: ScriptedReply | Exception) -> None:
    with pytest.raises(ProviderOutcomeUnknown):
        submit(answer)


def test_what_was_surely_not_sent_may_be_sent_again() -> None:
    with pytest.raises(ProviderNotReached):
        submit(TransportFailed(proves_not_sent=True))


def test_a_proxy_may_say_how_long_to_wait() -> None:
    with pytest.raises(ProviderThrottled) as raised:
        submit(reply(b"", 429, retry_after="7"))

    assert raised.value.retry_after_s == 7


# --- what a look sees --------------------------------------------------------------------------


def test_a_finished_grid_is_its_link() -> None:
    made, http = adapter(kept_reply("midjourney", "done"))

    seen = made.poll({"task": TASK}, deadline_s=30)

    assert seen == Finished(
        url="https://cdn.discordapp.com/attachments/1/2/fox.webp?ex=66&is=65&hm=00"
    )
    (asked,) = http.asked
    assert (asked.method, asked.url) == ("GET", f"{URL}/mj/task/{TASK}/fetch")
    assert (asked.headers, asked.body) == ({"mj-api-secret": KEY}, None)


def test_a_preview_is_not_the_end() -> None:
    assert poll(kept_reply("midjourney", "running")) == Pending({"task": TASK})


@pytest.mark.parametrize("status", ["NOT_START", "SUBMITTED", "IN_PROGRESS", "MODAL", "BREWING"])
def test_a_job_that_is_not_over_is_pending(status: str) -> None:
    assert poll(reply({"id": TASK, "status": status})) == Pending({"task": TASK})


@pytest.mark.parametrize(
    ("reason", "leaf"),
    [
        ("[Banned prompt detected] no", ContentRefused),
        ("[Image denied] no", ContentRefused),
        ("可能包含敏感词", ContentRefused),
        ("[Invalid parameter] `--ar`", ProviderJobFailed),
        ("[Invalid link] x", ProviderJobFailed),
        ("任务超时", ProviderJobFailed),
        ("执行超时 5 分钟", ProviderJobFailed),
        ("[Subscription required] no plan", ProviderJobFailed),
        ("no credits left", ProviderJobFailed),
        ("account blocked", ProviderJobFailed),
        ("取消任务", ProviderJobFailed),
        (None, ProviderJobFailed),
    ],
)
def test_a_failed_job_is_over(reason: str | None, leaf: type[ProviderError]) -> None:
    with pytest.raises(leaf):
        poll(reply({"id": TASK, "status": "FAILURE", "failReason": reason}))


def test_a_cancelled_job_is_over() -> None:
    with pytest.raises(ProviderJobFailed):
        poll(reply({"id": TASK, "status": "CANCEL"}))


@pytest.mark.parametrize(
    "answer",
    [
        reply(b"<html></html>"),
        reply(b"", 500),
        reply({"status": 500, "error": "Internal Server Error"}, 500),
        reply({}),
        TransportFailed(proves_not_sent=True),
        TransportFailed(proves_not_sent=False),
    ],
)
def test_a_look_that_saw_nothing_is_repeated(answer: ScriptedReply | Exception) -> None:
    with pytest.raises(ProviderProtocolError) as raised:
        poll(answer)

    assert type(raised.value) is ProviderProtocolError
    assert raised.value.error_class is ErrorClass.RETRY


@pytest.mark.parametrize(
    ("answer", "leaf"),
    [
        (reply(b""), ProviderJobUnknown),
        (reply(b"", 204), ProviderJobUnknown),
        (reply(b"", 404), ProviderJobUnknown),
        (reply(b"", 401), ProviderKeyRefused),
        (reply({"id": TASK, "status": "SUCCESS", "imageUrl": None}), ProviderResultMissing),
        (reply({"id": TASK, "status": "SUCCESS", "imageUrl": ""}), ProviderResultMissing),
    ],
)
def test_a_look_tells_an_unknown_task_a_refused_key_and_a_missing_picture_apart(
    answer: ScriptedReply, leaf: type[ProviderError]
) -> None:
    with pytest.raises(ProviderError) as raised:
        poll(answer)

    assert type(raised.value) is leaf


def test_a_task_id_cannot_lead_elsewhere() -> None:
    made, http = adapter(kept_reply("midjourney", "running"))

    made.poll({"task": "../../x?y"}, deadline_s=30)

    assert http.asked[0].url == f"{URL}/mj/task/..%2F..%2Fx%3Fy/fetch"


# --- after a lost answer -----------------------------------------------------------------------


def test_a_lost_task_is_found_by_its_exact_state() -> None:
    made, http = adapter(kept_reply("midjourney", "list"))

    found = made.find("att_order7f3a", deadline_s=5)

    assert found == Pending({"task": TASK})
    assert (http.asked[0].method, http.asked[0].url) == ("GET", f"{URL}/mj/task/list")
    assert Midjourney.kind is Kind.FINDABLE


def test_a_task_that_is_not_listed_is_only_not_seen() -> None:
    made, _ = adapter(kept_reply("midjourney", "list"), reply([]))

    assert made.find("att_order", deadline_s=5) is None
    assert made.find("att_order7f3a", deadline_s=5) is None


@pytest.mark.parametrize(
    ("answer", "leaf"),
    [
        (reply(b""), ProviderProtocolError),
        (reply({}), ProviderProtocolError),
        (reply(b"", 401), ProviderKeyRefused),
    ],
)
def test_a_search_that_saw_nothing_is_repeated(
    answer: ScriptedReply, leaf: type[ProviderError]
) -> None:
    made, _ = adapter(answer)

    with pytest.raises(ProviderError) as raised:
        made.find("att_1", deadline_s=5)

    assert type(raised.value) is leaf


# --- what must hold everywhere -----------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        kept_reply("midjourney", "banned_word"),
        reply(f"secret {KEY} a red fox".encode(), 401),
        reply({"code": 4, "description": f"{KEY} a red fox in fresh snow"}),
        TransportFailed(proves_not_sent=False),
    ],
)
def test_no_message_holds_the_key_or_the_prompt(answer: ScriptedReply | Exception) -> None:
    made, http = adapter(answer)

    with pytest.raises(ProviderError) as raised:
        made.submit(order(), reference="att_1", deadline_s=30)

    assert not re.search(rf"{KEY}|fox|https?:", str(raised.value))
    assert KEY not in http.asked[0].url


def test_every_offer_has_its_speed_its_price_and_whole_grids() -> None:
    offers = catalogue().providers["midjourney"].offers
    rows = {row.model: row.micros for row in rate_card("vendor").rows_of("midjourney")}

    assert [offer.model for offer in offers] == list(SPEEDS)
    assert rows == {
        "midjourney-fast": 40_000,
        "midjourney-relax": 15_000,
        "midjourney-turbo": 108_000,
    }
    for frame in (frame for offer in offers for frame in offer.frames):
        width, height = (int(edge) for edge in frame.resolution.split("x"))
        assert (frame.width, frame.height) == (width * 2, height * 2)


# --- whether the key is good -------------------------------------------------------------------


def test_a_key_is_tested_by_asking_for_no_task() -> None:
    made, http = adapter(reply([]))

    made.check(deadline_s=10)

    (asked,) = http.asked
    assert (asked.method, asked.url) == ("POST", f"{URL}/mj/task/list-by-condition")
    assert asked.json == {"ids": []}


@pytest.mark.parametrize(
    ("answer", "leaf"),
    [
        (reply(b"", 401), ProviderKeyRefused),
        (reply("未登录".encode(), 403), ProviderKeyRefused),
        (reply(b"", 429), ProviderThrottled),
        (reply(b"<html></html>"), ProviderProtocolError),
        (reply(b"", 502), ProviderProtocolError),
        (TransportFailed(proves_not_sent=True), ProviderNotReached),
    ],
)
def test_a_key_that_was_not_taken_is_told(
    answer: ScriptedReply | Exception, leaf: type[ProviderError]
) -> None:
    made, _ = adapter(answer)

    with pytest.raises(leaf):
        made.check(deadline_s=10)
