"""The midjourney simulator in both dialects, by plain calls and by our own adapter."""

import hashlib
import io
import time
from collections.abc import Callable
from typing import Any

import pytest
import urllib3
from PIL import Image, ImageChops, ImageStat
from simulator_client import KEY, Simulators

from filmgate.adapters import addresses
from filmgate.adapters.addresses import AddressPolicy
from filmgate.adapters.egress import Egress
from filmgate.domain.errors import (
    ContentRefused,
    ProviderError,
    ProviderJobFailed,
    ProviderKeyRefused,
    ProviderOutcomeUnknown,
    ProviderProtocolError,
    ProviderQuotaExhausted,
    ProviderThrottled,
    ProviderUnavailable,
)
from filmgate.providers.base import Account, Finished, Order, Pending
from filmgate.providers.midjourney import Midjourney
from local.simulators.midjourney import FAULTS

PATHS = {"novicezk": "/midjourney", "trueai": "/midjourney/trueai"}
DIALECTS = tuple(PATHS)
SECRET = {"mj-api-secret": KEY}
PROMPT = "a red fox in fresh snow"
covered: set[str] = set()


def submit(sim: Simulators, dialect: str = "novicezk", **body: Any) -> urllib3.BaseHTTPResponse:
    path = f"{PATHS[dialect]}/mj/submit/imagine"
    return sim.call("POST", path, {"prompt": PROMPT} | body, headers=SECRET)


def task_id(sim: Simulators, dialect: str = "novicezk", **body: Any) -> str:
    return submit(sim, dialect, **body).json()["result"]


def fetch(sim: Simulators, id: str, dialect: str = "novicezk") -> urllib3.BaseHTTPResponse:
    return sim.call("GET", f"{PATHS[dialect]}/mj/task/{id}/fetch", headers=SECRET)


def script(sim: Simulators, fault: str, **extras: Any) -> None:
    covered.add(fault)
    sim.fault("midjourney", fault, **extras)


def picture(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


# --- the protocol ------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_prompt_becomes_one_picture_of_four_tiles(sim: Simulators, dialect: str) -> None:
    id = task_id(sim, dialect, prompt=f"{PROMPT} --ar 16:9 --no text --fast", state="att_1")

    task = fetch(sim, id, dialect).json()

    assert (task["status"], task["progress"], task["state"]) == ("SUCCESS", "100%", "att_1")
    assert task["prompt"] == f"{PROMPT} --ar 16:9 --no text --fast"
    grid = picture(sim.http.request("GET", task["imageUrl"]).data)
    assert grid.size == (2912, 1632)
    tiles = [
        grid.crop((x, y, x + 1456, y + 816)).resize((91, 51)) for x in (0, 1456) for y in (0, 816)
    ]
    for other in tiles[1:]:
        assert max(ImageStat.Stat(ImageChops.difference(tiles[0], other)).mean) > 1
    (row,) = sim.rows("midjourney")
    assert (row["reference"], row["cost"], row["billed"]) == ("att_1", "0.0150", True)
    assert row["prompt_sha256"] == hashlib.sha256(PROMPT.encode()).hexdigest()


def test_only_trueai_has_buttons(sim: Simulators) -> None:
    old, new = (fetch(sim, task_id(sim, name), name).json() for name in DIALECTS)

    assert "buttons" not in old
    assert [button["label"] for button in new["buttons"]][:4] == ["U1", "U2", "U3", "U4"]
    assert new["mode"] == "FAST"


def test_a_preview_shows_before_the_end_and_is_smaller(sim: Simulators) -> None:
    sim.call("POST", "/__sim/pace", {"image_s": 0.8})
    id = task_id(sim)
    seen = [fetch(sim, id).json()]

    while seen[-1]["status"] != "SUCCESS":
        time.sleep(0.05)
        seen.append(fetch(sim, id).json())

    words = list(dict.fromkeys(task["status"] for task in seen))
    assert words == ["SUBMITTED", "IN_PROGRESS", "SUCCESS"]
    halfway = next(task for task in seen if task["status"] == "IN_PROGRESS")
    assert halfway["progress"].endswith("%")
    assert picture(sim.http.request("GET", halfway["imageUrl"]).data).size == (512, 512)
    assert picture(sim.http.request("GET", seen[-1]["imageUrl"]).data).size == (2048, 2048)


def test_a_second_task_is_queued_behind_the_first(sim: Simulators) -> None:
    sim.call("POST", "/__sim/pace", {"image_s": 600})

    first, second = submit(sim).json(), submit(sim).json()

    assert (first["code"], second["code"]) == (1, 22)
    assert second["properties"]["numberOfQueues"] == 1
    assert fetch(sim, second["result"]).json()["status"] == "NOT_START"


@pytest.mark.parametrize(("dialect", "status"), [("novicezk", 200), ("trueai", 204)])
def test_an_unknown_task_is_an_empty_answer(sim: Simulators, dialect: str, status: int) -> None:
    reply = fetch(sim, "1768896000123456", dialect)

    assert (reply.status, reply.data) == (status, b"")


@pytest.mark.parametrize(
    ("dialect", "headers", "status", "text"),
    [
        ("novicezk", {}, 401, ""),
        ("novicezk", {"mj-api-secret": "stranger"}, 401, ""),
        ("trueai", {}, 401, "Authorization header missing."),
        ("trueai", {"mj-api-secret": "stranger"}, 403, "未登录"),
        ("trueai", {"mj-api-secret": KEY, "authorization": f"Bearer {KEY}"}, 403, "未登录"),
        ("trueai", {"authorization": KEY}, 200, None),
    ],
)
def test_a_wrong_secret_is_refused_in_the_dialects_way(
    sim: Simulators, dialect: str, headers: dict[str, str], status: int, text: str | None
) -> None:
    path = f"{PATHS[dialect]}/mj/submit/imagine"

    reply = sim.call("POST", path, {"prompt": "x"}, headers=headers)

    assert reply.status == status
    assert text is None or reply.data.decode() == text
    assert len(sim.rows("midjourney")) == (status == 200)


@pytest.mark.parametrize(
    ("dialect", "body", "code"),
    [
        ("novicezk", {"prompt": "  "}, 4),
        ("novicezk", {"prompt": 7}, 4),
        ("novicezk", {"base64Array": ["nonsense"]}, 4),
        ("novicezk", {"state": "s" * 256}, 1),
        ("trueai", {"state": "s" * 256}, 4),
        ("trueai", {"unknown": 1}, 1),
    ],
)
def test_a_wrong_task_is_told_in_an_http_200(
    sim: Simulators, dialect: str, body: dict[str, Any], code: int
) -> None:
    reply = submit(sim, dialect, **body)

    assert (reply.status, reply.json()["code"]) == (200, code)
    assert len(sim.rows("midjourney")) == (code == 1)


@pytest.mark.parametrize("flags", ["--foo 1", "--ar wide", "--stylize 1001", "--seed 5000000000"])
def test_a_wrong_flag_is_taken_and_fails_later(sim: Simulators, flags: str) -> None:
    task = fetch(sim, task_id(sim, prompt=f"x {flags}")).json()

    assert (task["status"], task["progress"], task["imageUrl"]) == ("FAILURE", "", None)
    assert task["failReason"].startswith("[Invalid parameter]")
    assert [row["billed"] for row in sim.rows("midjourney")] == [False]


def test_the_lists_show_every_task_and_the_asked_ones(sim: Simulators) -> None:
    ids = [task_id(sim, state=f"s{number}") for number in range(3)]

    old, new = (
        sim.call("GET", f"{path}/mj/task/list", headers=SECRET).json() for path in PATHS.values()
    )
    some = sim.call(
        "POST",
        "/midjourney/mj/task/list-by-condition",
        {"ids": [ids[1], "1"]},
        headers=SECRET,
    )

    assert [task["id"] for task in old] == ids
    assert [task["id"] for task in new] == ids[::-1]
    assert [task["state"] for task in some.json()] == ["s1"]


def test_a_state_is_echoed_and_not_unique(sim: Simulators) -> None:
    first, second = task_id(sim, state="same"), task_id(sim, state="same")

    assert first != second
    assert len(sim.rows("midjourney")) == 2


def test_only_an_administrator_cancels_and_the_grid_is_billed(sim: Simulators) -> None:
    sim.call("POST", "/__sim/pace", {"image_s": 600})
    id = task_id(sim, "trueai")
    path = f"/midjourney/trueai/mj/task/{id}/cancel"

    refused = sim.call("POST", path, headers=SECRET)
    done = sim.call("POST", path, headers={"mj-api-secret": "sim-admin"})

    assert (refused.status, done.json()["code"]) == (400, 1)
    task = fetch(sim, id, "trueai").json()
    assert (task["status"], task["failReason"]) == ("FAILURE", "取消任务")
    assert [row["billed"] for row in sim.rows("midjourney")] == [True]


def test_a_waiting_window_is_confirmed_by_a_person(sim: Simulators) -> None:
    script(sim, "odd_status", where="submit", code="21")
    created = submit(sim, "trueai").json()
    waiting = fetch(sim, created["result"], "trueai").json()

    body = {"taskId": created["result"], "prompt": PROMPT}
    sim.call("POST", "/midjourney/trueai/mj/submit/modal", body, headers=SECRET)

    assert (created["code"], waiting["status"]) == (21, "MODAL")
    assert fetch(sim, created["result"], "trueai").json()["status"] == "SUCCESS"


def test_a_link_needs_its_signature(sim: Simulators) -> None:
    link = fetch(sim, task_id(sim)).json()["imageUrl"]

    forged = sim.http.request("GET", link[:-1] + ("0" if link[-1] != "0" else "1"))
    bare = sim.http.request("GET", link.partition("?")[0])

    assert (forged.status, bare.status) == (404, 404)


@pytest.mark.parametrize(("path", "body"), [("", b"Not Found"), ("/trueai", b"")])
def test_an_unknown_path_gets_the_dialects_own_404(sim: Simulators, path: str, body: bytes) -> None:
    reply = sim.call("POST", f"/midjourney{path}/mj/nothing", {})

    assert reply.status == 404
    assert body in reply.data


# --- our adapter against it --------------------------------------------------------------------


@pytest.fixture
def adapter(sim: Simulators, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Midjourney]:
    """Makes the adapter of a dialect, over real sockets."""
    monkeypatch.setattr(addresses, "policy", AddressPolicy(loopback=True))

    def make(dialect: str = "novicezk", key: str = KEY) -> Midjourney:
        hosts = frozenset({"127.0.0.1"})
        account = Account("midjourney", sim.url + PATHS[dialect], hosts, {"api_key": key})
        return Midjourney(Egress(), account)

    return make


def wish(**others: Any) -> Order:
    facts: dict[str, Any] = {
        "model": "midjourney-fast",
        "prompt": PROMPT,
        "resolution": "1024x1024",
        "aspect_ratio": "1:1",
        "width": 2048,
        "height": 2048,
        "quality": "standard",
        "duration_s": 0,
        "fps": 24,
    }
    return Order(**{**facts, **others})


def create(made: Midjourney, *, deadline_s: float = 20, **others: Any) -> Pending:
    return made.submit(wish(**others), reference="att_1", deadline_s=deadline_s)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_adapter_makes_a_grid(
    sim: Simulators, adapter: Callable[..., Midjourney], dialect: str
) -> None:
    made = adapter(dialect)
    wishes = {"negative_prompt": "text, blur", "seed": 7, "style": "raw"}

    pending = create(made, aspect_ratio="3:2", **wishes)
    seen = made.poll(pending.operation, deadline_s=20)

    assert isinstance(seen, Finished)
    sink = io.BytesIO()
    Egress().download(
        str(seen.url),
        sink,
        hosts=frozenset({"127.0.0.1"}),
        deadline_s=20,
        max_bytes=50_000_000,
    )
    assert picture(sink.getvalue()).size == (2688, 1792)
    (row,) = sim.rows("midjourney")
    assert (row["reference"], row["billed"]) == ("att_1", True)
    assert row["prompt_sha256"] == hashlib.sha256(PROMPT.encode()).hexdigest()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("fault", "extras", "leaf"),
    [
        ("http_429", {}, ProviderThrottled),
        ("http_429", {"code": "429"}, ProviderThrottled),
        ("http_500", {}, ProviderUnavailable),
        ("http_500", {"code": "500"}, ProviderOutcomeUnknown),
        ("quota", {}, ProviderQuotaExhausted),
        ("quota", {"code": "no_account"}, ProviderKeyRefused),
        ("bad_key", {}, ProviderKeyRefused),
        ("bad_key", {"code": "403"}, ProviderKeyRefused),
        ("html", {}, ProviderOutcomeUnknown),
        ("html", {"status": 200}, ProviderOutcomeUnknown),
    ],
)
def test_the_adapter_names_a_refusal(
    sim: Simulators,
    adapter: Callable[..., Midjourney],
    dialect: str,
    fault: str,
    extras: dict[str, Any],
    leaf: type[ProviderError],
) -> None:
    script(sim, fault, **extras)

    with pytest.raises(leaf) as raised:
        create(adapter(dialect))

    assert type(raised.value) is leaf
    assert sim.rows("midjourney") == []
    assert create(adapter(dialect))


def test_a_wrong_key_is_refused(adapter: Callable[..., Midjourney]) -> None:
    for dialect in DIALECTS:
        with pytest.raises(ProviderKeyRefused):
            create(adapter(dialect, key="stranger"))
        with pytest.raises(ProviderKeyRefused):
            adapter(dialect, key="stranger").check(deadline_s=20)
        adapter(dialect).check(deadline_s=20)


def test_a_banned_word_is_told_at_once_or_fails_the_job(
    sim: Simulators, adapter: Callable[..., Midjourney]
) -> None:
    script(sim, "refuse", times=2)

    with pytest.raises(ContentRefused):
        create(adapter("novicezk"))
    pending = create(adapter("trueai"))

    with pytest.raises(ContentRefused):
        adapter("trueai").poll(pending.operation, deadline_s=20)
    assert [row["billed"] for row in sim.rows("midjourney")] == [False]


@pytest.mark.parametrize(
    ("fault", "code", "leaf"),
    [
        ("refuse", "banned", ContentRefused),
        ("refuse", "denied", ContentRefused),
        ("refuse", "sensitive", ContentRefused),
        ("http_500", "timeout", ProviderJobFailed),
        ("quota", "subscription", ProviderJobFailed),
        ("malformed", "no_result", ProviderProtocolError),
    ],
)
def test_the_adapter_names_the_end_of_a_job(
    sim: Simulators,
    adapter: Callable[..., Midjourney],
    fault: str,
    code: str,
    leaf: type[ProviderError],
) -> None:
    script(sim, fault, where="result", code=code)
    made = adapter()
    pending = create(made)

    with pytest.raises(leaf):
        made.poll(pending.operation, deadline_s=20)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_call_dropped_unread_is_no_task(
    sim: Simulators, adapter: Callable[..., Midjourney], dialect: str
) -> None:
    made = adapter(dialect)
    script(sim, "drop_request")

    with pytest.raises(ProviderOutcomeUnknown):
        create(made)

    assert made.find("att_1", deadline_s=20) is None
    assert sim.rows("midjourney") == []


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("fault", "extras"),
    [
        ("drop_reply", {}),
        ("hang", {}),
        ("malformed", {}),
        ("malformed", {"code": "duplicate_key"}),
        ("malformed", {"code": "deep"}),
        ("html", {"accepted": True}),
        ("http_500", {"code": "500", "accepted": True}),
    ],
)
def test_a_lost_answer_is_found_again_by_its_state(
    sim: Simulators,
    adapter: Callable[..., Midjourney],
    dialect: str,
    fault: str,
    extras: dict[str, Any],
) -> None:
    made = adapter(dialect)
    script(sim, fault, **extras)

    with pytest.raises(ProviderOutcomeUnknown):
        create(made, deadline_s=0.5 if fault == "hang" else 20)
    found = made.find("att_1", deadline_s=20)

    (row,) = sim.rows("midjourney")
    assert found == Pending({"task": row["id"]})
    assert made.find("att_", deadline_s=20) is None


@pytest.mark.parametrize("code", ["21", "22"])
def test_other_accepting_codes_carry_a_task(
    sim: Simulators, adapter: Callable[..., Midjourney], code: str
) -> None:
    script(sim, "odd_status", where="submit", code=code)

    pending = create(adapter())

    assert [row["id"] for row in sim.rows("midjourney")] == [pending.operation["task"]]


@pytest.mark.parametrize(
    ("fault", "extras"),
    [
        ("http_500", {}),
        ("http_429", {}),
        ("bad_key", {}),
        ("html", {"status": 200}),
        ("malformed", {"code": "truncated"}),
        ("malformed", {"code": "empty"}),
        ("drop_reply", {}),
        ("hang", {}),
        ("odd_status", {"code": "lost"}),
    ],
)
def test_a_look_may_see_nothing_and_the_job_goes_on(
    sim: Simulators, adapter: Callable[..., Midjourney], fault: str, extras: dict[str, Any]
) -> None:
    made = adapter()
    pending = create(made)
    script(sim, fault, where="poll", **extras)

    leaf = ProviderKeyRefused if fault == "bad_key" else ProviderProtocolError
    with pytest.raises(leaf):
        made.poll(pending.operation, deadline_s=0.5)
    if fault == "odd_status":
        with pytest.raises(ProviderProtocolError):
            made.poll(pending.operation, deadline_s=20)

    assert isinstance(made.poll(pending.operation, deadline_s=20), Finished)


@pytest.mark.parametrize("code", ["odd", "modal"])
def test_an_unknown_word_and_a_waiting_window_are_pending(
    sim: Simulators, adapter: Callable[..., Midjourney], code: str
) -> None:
    made = adapter("trueai")
    pending = create(made)
    script(sim, "odd_status", code=code)

    seen = [made.poll(pending.operation, deadline_s=20) for _ in range(3)]

    assert seen[:2] == [pending, pending]
    assert isinstance(seen[2], Finished)


def test_a_preview_is_not_taken_for_the_result(
    sim: Simulators, adapter: Callable[..., Midjourney]
) -> None:
    script(sim, "stuck")
    made = adapter()
    pending = create(made)
    time.sleep(0.3)

    shown = fetch(sim, str(pending.operation["task"])).json()

    assert (shown["status"], bool(shown["imageUrl"])) == ("IN_PROGRESS", True)
    assert made.poll(pending.operation, deadline_s=20) == pending


def test_a_dead_link_is_followed_by_a_fresh_one(
    sim: Simulators, adapter: Callable[..., Midjourney]
) -> None:
    script(sim, "expired_url")
    made = adapter()
    pending = create(made)
    links = []
    for _ in range(2):
        seen = made.poll(pending.operation, deadline_s=20)
        assert isinstance(seen, Finished)
        links.append(str(seen.url))
        if len(links) == 1:
            assert sim.http.request("GET", links[0]).status == 404

    assert [sim.http.request("GET", link).status for link in links] == [404, 200]


def test_a_download_may_be_cut_slow_small_or_something_else(sim: Simulators) -> None:
    script(sim, "wrong_size")
    link = fetch(sim, task_id(sim)).json()["imageUrl"]
    script(sim, "slow", where="download", seconds=0.1)
    assert picture(sim.http.request("GET", link).data).size == (1024, 1024)

    script(sim, "truncated")
    with pytest.raises(urllib3.exceptions.HTTPError):
        sim.http.request("GET", link)
    script(sim, "malformed", where="download")
    assert sim.http.request("GET", link).data == b"\x00" * 4096


def test_every_fault_was_tried_here(request: pytest.FixtureRequest) -> None:
    whole_file = [item for item in request.session.items if item.path == request.path]
    if len(whole_file) < 90 or hasattr(request.config, "workerinput"):
        pytest.skip("only a part of this file runs in this process")

    assert set(FAULTS) == covered
