"""The whan simulator, by plain calls, by the vendor's own library and by our own adapter."""

import base64
import copy
import hashlib
import io
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import urllib3
from PIL import Image, ImageChops, ImageStat
from simulator_client import KEY, Simulators, frames_of, has_sound, png_base64

from filmgate.adapters import addresses
from filmgate.adapters.addresses import AddressPolicy
from filmgate.adapters.egress import Egress
from filmgate.domain.errors import (
    ContentRefused,
    ProviderError,
    ProviderJobFailed,
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
from filmgate.providers.base import Account, Finished, Keyframe, Order, Pending
from filmgate.providers.whan import MODELS, Whan
from local.simulators import whan_rules
from local.simulators.whan import FAULTS

CREATE = "/whan/api/v1/services/aigc/video-generation/video-synthesis"
ASYNC = {"authorization": f"Bearer {KEY}", "x-dashscope-async": "enable"}
PROMPT = "A red fox walks over fresh snow at dawn"
BODY = {
    "model": "wan2.7-t2v",
    "input": {"prompt": PROMPT, "negative_prompt": "text, watermark"},
    "parameters": {"resolution": "720P", "ratio": "16:9", "duration": 2, "seed": 12345},
}
STILL = base64.b64decode(png_base64(640, 480))
STILL_URL = f"data:image/png;base64,{base64.b64encode(STILL).decode()}"
covered: set[str] = set()


def create(sim: Simulators, body: dict[str, Any] = BODY) -> urllib3.BaseHTTPResponse:
    return sim.call("POST", CREATE, body, headers=ASYNC)


def changed(**changes: Any) -> dict[str, Any]:
    """The body with other parameters; None takes one away."""
    body = copy.deepcopy(BODY)
    body["parameters"] = {
        name: value
        for name, value in {**body["parameters"], **changes}.items()
        if value is not None
    }
    return body


def task_id(sim: Simulators, body: dict[str, Any] = BODY) -> str:
    reply = create(sim, body)
    assert reply.status == 200, reply.data
    return reply.json()["output"]["task_id"]


def task(sim: Simulators, id: str) -> dict[str, Any]:
    return sim.call("GET", f"/whan/api/v1/tasks/{id}").json()


def link(sim: Simulators, id: str) -> str:
    return task(sim, id)["output"]["video_url"]


def script(sim: Simulators, fault: str, **extras: Any) -> None:
    covered.add(fault)
    sim.fault("whan", fault, **extras)


# --- the protocol ------------------------------------------------------------------------------


def test_the_pages_example_runs_from_create_to_a_file(sim: Simulators) -> None:
    created = create(sim).json()

    assert created["output"]["task_status"] == "PENDING"
    seen = task(sim, created["output"]["task_id"])
    assert seen["output"]["task_status"] == "SUCCEEDED"
    assert seen["output"]["orig_prompt"] == PROMPT
    assert (seen["usage"]["duration"], seen["usage"]["SR"]) == (2, 720)
    assert seen["usage"]["ratio"] == "16:9"
    file = sim.http.request("GET", seen["output"]["video_url"])
    assert (file.status, file.headers["content-type"]) == (200, "video/mp4")
    frames = frames_of(file.data)
    assert (len(frames), frames[0].width, frames[0].height) == (48, 1280, 720)
    (row,) = sim.rows("whan")
    assert (row["reference"], row["cost"], row["billed"]) == (None, "0.0020", True)
    assert row["prompt_sha256"] == hashlib.sha256(PROMPT.encode()).hexdigest()


@pytest.mark.parametrize(
    ("resolution", "seconds", "cost"), [("720P", 5, "0.0050"), ("1080P", 5, "0.0092")]
)
def test_a_clip_costs_its_part_of_the_guides_minute(
    sim: Simulators, resolution: str, seconds: int, cost: str
) -> None:
    create(sim, changed(resolution=resolution, duration=seconds))

    assert [row["cost"] for row in sim.rows("whan")] == [cost]


def test_an_older_generation_takes_an_asterisk_and_tells_its_size(sim: Simulators) -> None:
    body = {
        "model": "wan2.6-t2v",
        "input": {"prompt": PROMPT},
        "parameters": {"size": "720*1280", "duration": 2},
    }

    seen = task(sim, task_id(sim, body))

    assert seen["usage"]["size"] == "720*1280"
    frames = frames_of(sim.http.request("GET", seen["output"]["video_url"]).data)
    assert (frames[0].width, frames[0].height) == (720, 1280)


@pytest.mark.parametrize(
    "body",
    [
        changed(resolution="720p"),
        changed(resolution="4K"),
        changed(resolution=None, size="1280*720"),
        changed(ratio="21:9"),
        changed(duration="5"),
        changed(duration=16),
        changed(duration=True),
        changed(seed=2**31),
        changed(audio=False),
        changed(watermark="no"),
        {"model": "wan2.6-t2v", "input": {"prompt": "x"}, "parameters": {"size": "1280x720"}},
        {"model": "wan2.7-t2v", "input": {"prompt": "x" * 1501}},
        {"model": "wan2.7-t2v", "input": {"prompt": "x", "img_url": STILL_URL}},
        {"model": "wan3.0-video", "input": {"prompt": "x", "negative_prompt": "y"}},
        {"model": "wan2.7-t2v", "input": {}},
        {"model": "wan2.7-t2v"},
    ],
)
def test_a_wrong_order_is_an_invalid_parameter_and_costs_nothing(
    sim: Simulators, body: dict[str, Any]
) -> None:
    reply = create(sim, body)

    assert (reply.status, reply.json()["code"]) == (400, "InvalidParameter")
    assert sim.rows("whan") == []


def test_an_unknown_model_and_a_synchronous_call_are_refused(sim: Simulators) -> None:
    unknown = create(sim, BODY | {"model": "wan9-t2v"})
    synchronous = sim.call("POST", CREATE, BODY)

    assert (unknown.status, unknown.json()["code"]) == (404, "ModelNotFound")
    assert (synchronous.status, synchronous.json()["code"]) == (403, "AccessDenied")
    assert "synchronous" in synchronous.json()["message"]


@pytest.mark.parametrize("header", ["", "Bearer nobody", KEY, "Bearer sim-cn-key"])
def test_a_wrong_key_or_one_of_another_region_is_refused(sim: Simulators, header: str) -> None:
    reply = sim.call("POST", CREATE, BODY, headers=ASYNC | {"authorization": header})

    assert (reply.status, reply.json()["code"]) == (401, "InvalidApiKey")
    assert "output" not in reply.json()


@pytest.mark.parametrize(
    ("edges", "wanted"),
    [((600, 800), (832, 1088)), ((1000, 500), (1360, 672))],
)
def test_a_clip_from_a_still_starts_with_it_in_its_shape(
    sim: Simulators, edges: tuple[int, int], wanted: tuple[int, int]
) -> None:
    still = png_base64(*edges)
    media = [{"type": "first_frame", "url": f"data:image/png;base64,{still}"}]
    body = {
        "model": "wan2.7-i2v",
        "input": {"prompt": "pan", "media": media},
        "parameters": {"resolution": "720P", "duration": 2},
    }

    file = sim.http.request("GET", link(sim, task_id(sim, body)))

    frames = [frame.to_image() for frame in frames_of(file.data)]
    assert (len(frames), frames[0].size) == (48, wanted)
    first = Image.open(io.BytesIO(base64.b64decode(still))).resize(wanted)
    assert max(ImageStat.Stat(ImageChops.difference(frames[0], first)).mean) < 6


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (f"data:image/png;base64,{png_base64(2048, 2048)}", "InvalidParameter"),
        (f"data:image/png;base64,{png_base64(300, 400)}", "InvalidParameter"),
        ("data:image/png;base64,bm8gaW1hZ2U=", "InvalidParameter"),
        ("data:image/png;base64,*", "InvalidURL"),
        ("https://example.org/fox.png", "InvalidURL"),
    ],
)
def test_a_still_must_be_usable(sim: Simulators, url: str, code: str) -> None:
    body = {"model": "wan2.6-i2v", "input": {"prompt": "x", "img_url": url}}

    reply = create(sim, body)

    assert (reply.status, reply.json()["code"]) == (400, code)


def test_the_model_for_two_frames_has_its_own_path_and_puts_its_link_elsewhere(
    sim: Simulators,
) -> None:
    body = {"model": "wan2.2-kf2v-flash", "input": {"prompt": "x", "first_frame_url": STILL_URL}}
    path = CREATE.replace("video-generation", "image2video")

    created = sim.call("POST", path, body, headers=ASYNC).json()
    seen = task(sim, created["output"]["task_id"])

    assert create(sim, body).json()["code"] == "ModelNotFound"
    assert "video_url" not in seen["output"]
    assert seen["output"]["results"]["video_url"].startswith("http")
    assert seen["usage"]["video_duration"] == 5


def test_a_job_passes_through_its_states(sim: Simulators) -> None:
    sim.call("POST", "/__sim/pace", {"video_s": 0.6})
    id = task_id(sim)
    seen = [task(sim, id)["output"]["task_status"]]

    while seen[-1] != "SUCCEEDED":
        time.sleep(0.05)
        word = task(sim, id)["output"]["task_status"]
        seen += [word] if word != seen[-1] else []

    assert seen == ["PENDING", "RUNNING", "SUCCEEDED"]


def test_an_unknown_task_is_unknown_and_http_200(sim: Simulators) -> None:
    reply = sim.call("GET", "/whan/api/v1/tasks/nobody")

    assert (reply.status, reply.json()["output"]["task_status"]) == (200, "UNKNOWN")


def test_only_a_pending_task_can_be_cancelled(sim: Simulators) -> None:
    done = task_id(sim)
    sim.call("POST", "/__sim/pace", {"video_s": 600})
    waiting = task_id(sim)

    late = sim.call("POST", f"/whan/api/v1/tasks/{done}/cancel")
    early = sim.call("POST", f"/whan/api/v1/tasks/{waiting}/cancel")

    assert (late.status, late.json()["code"]) == (400, "UnsupportedOperation")
    assert early.status == 200
    assert task(sim, waiting)["output"]["task_status"] == "CANCELED"
    assert [row["billed"] for row in sim.rows("whan")] == [True, False]


def test_a_cancelled_task_may_be_charged_all_the_same(sim: Simulators) -> None:
    sim.call("POST", "/__sim/pace", {"video_s": 1.2})
    script(sim, "charge_after_cancel")
    id = task_id(sim)

    assert sim.call("POST", f"/whan/api/v1/tasks/{id}/cancel").status == 200

    assert task(sim, id)["output"]["task_status"] in ("PENDING", "RUNNING")
    assert [row["billed"] for row in sim.rows("whan")] == [True]


def test_the_list_shows_time_model_and_status_and_nothing_of_ours(sim: Simulators) -> None:
    ids = [task_id(sim) for _ in range(3)]
    other = {"model": "wan2.6-t2v", "input": {"prompt": "x"}}
    ids.append(task_id(sim, other))

    def listed(query: str) -> dict[str, Any]:
        return sim.call("GET", f"/whan/api/v1/tasks/?{query}").json()

    page = listed("page_no=1&page_size=2")
    assert [entry["task_id"] for entry in page["data"]] == [ids[3], ids[2]]
    assert (page["total"], page["total_page"]) == (4, 2)
    assert listed("model_name=wan2.6-t2v")["total"] == 1
    assert listed("status=FAILED")["total"] == 0
    assert listed("start_time=20200101000000&end_time=20200102000000")["total"] == 0
    assert not any(PROMPT in str(entry) for entry in listed("page_size=100")["data"])
    assert sim.call("GET", "/whan/api/v1/tasks?start_time=soon").status == 400


def test_a_link_needs_its_signature_and_serves_ranges(sim: Simulators) -> None:
    whole = sim.http.request("GET", link(sim, task_id(sim)))
    url = link(sim, task_id(sim))

    part = sim.http.request("GET", url, headers={"range": "bytes=100-199"})
    bare = sim.http.request("GET", url.partition("?")[0])
    forged = sim.http.request("GET", url.replace("number=0", "number=1"))

    assert (part.status, part.data) == (206, whole.data[100:200])
    assert (bare.status, forged.status) == (403, 403)


def test_an_unknown_path_gets_the_vendors_own_404(sim: Simulators) -> None:
    reply = sim.call("POST", "/whan/api/v1/nothing", {})

    assert reply.status == 404
    assert set(reply.json()) == {"code", "message", "request_id"}


# --- the vendor's own library ------------------------------------------------------------------


@pytest.fixture
def library(sim: Simulators, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    found = pytest.importorskip("dashscope", reason="the vendor's package dashscope is missing")
    monkeypatch.setattr(found, "base_http_api_url", f"{sim.url}/whan/api/v1")
    monkeypatch.setattr(found, "api_key", KEY)
    return found


def test_the_library_creates_waits_lists_and_cancels(sim: Simulators, library: ModuleType) -> None:
    videos = library.VideoSynthesis
    created = videos.async_call(
        model="wan2.7-t2v", prompt=PROMPT, resolution="720P", ratio="1:1", duration=2
    )

    assert (created.status_code, created.output.task_status) == (200, "PENDING")
    done = videos.wait(created)
    assert done.output.task_status == "SUCCEEDED"
    assert done.usage.duration == 2
    frames = frames_of(sim.http.request("GET", done.output.video_url).data)
    assert (len(frames), frames[0].width, frames[0].height) == (48, 960, 960)
    assert videos.list(model_name="wan2.7-t2v").output["total"] == 1
    assert videos.cancel(created).code == "UnsupportedOperation"
    sim.call("POST", "/__sim/pace", {"video_s": 600})
    waiting = videos.async_call(model="wan2.7-t2v", prompt=PROMPT)
    assert videos.cancel(waiting).status_code == 200
    assert videos.fetch(waiting).output.task_status == "CANCELED"


def test_the_library_understands_what_goes_wrong(sim: Simulators, library: ModuleType) -> None:
    videos = library.VideoSynthesis

    wrong = videos.async_call(model="wan2.7-t2v", prompt=PROMPT, resolution="720p")
    stranger = videos.async_call(model="wan2.7-t2v", prompt=PROMPT, api_key="sim-cn-key")
    sim.fault("whan", "refuse", where="result")
    refused = videos.call(model="wan2.7-t2v", prompt=PROMPT)

    assert (wrong.status_code, wrong.code) == (400, "InvalidParameter")
    assert (stranger.status_code, stranger.code) == (401, "InvalidApiKey")
    assert (refused.status_code, refused.output.task_status) == (200, "FAILED")
    assert refused.output.code == "DataInspectionFailed"


@pytest.mark.parametrize("model", ["wan2.7-t2v", "wan3.0-video", "wan2.6-t2v", "wan2.7-i2v"])
def test_our_body_is_the_librarys(
    sim: Simulators, library: ModuleType, adapter: Callable[..., Whan], model: str
) -> None:
    """Deliberately different: the library adds `extend_prompt` and `function` to every input, an
    outdated field and its own function's name, which no page of the vendor has."""
    from_still = MODELS[model].size is None
    words: dict[str, Any] = {"resolution": "720P", "ratio": "16:9"}
    if model == "wan2.6-t2v":
        words = {"size": "1280*720", "shot_type": "single"}
    if from_still:
        words = {"resolution": "720P", "media": [{"type": "first_frame", "url": STILL_URL}]}
    if model == "wan3.0-video":
        words |= {"audio": False}
    negative = None if model == "wan3.0-video" else "text"

    library.VideoSynthesis.async_call(
        model=model,
        prompt=PROMPT,
        negative_prompt=negative,
        duration=2,
        seed=7,
        prompt_extend=True,
        watermark=False,
        **words,
    )
    still = Keyframe(STILL, "image/png") if from_still else None
    submit(adapter(), model=model, negative_prompt=negative, seed=7, keyframe=still)

    theirs, ours = sim.call("GET", "/__sim/requests").json()["requests"]
    assert set(theirs["body"]["input"]) - set(ours["body"]["input"]) == {
        "extend_prompt",
        "function",
    }
    for name in ("extend_prompt", "function"):
        del theirs["body"]["input"][name]
    assert ours["body"] == theirs["body"]
    assert ours["path"] == theirs["path"]
    assert ours["headers"]["x-dashscope-async"] == theirs["headers"]["x-dashscope-async"]


# --- our adapter against it --------------------------------------------------------------------


@pytest.fixture
def adapter(sim: Simulators, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Whan]:
    """Makes the adapter, over real sockets."""
    monkeypatch.setattr(addresses, "policy", AddressPolicy(loopback=True))

    def make(key: str = KEY, url: str | None = None) -> Whan:
        base_url = url or f"{sim.url}/whan"
        account = Account("whan", base_url, frozenset({"127.0.0.1"}), {"api_key": key})
        return Whan(Egress(), account)

    return make


def submit(made: Whan, *, deadline_s: float = 20, **others: Any) -> Pending:
    facts: dict[str, Any] = {
        "model": "wan2.7-t2v",
        "prompt": PROMPT,
        "resolution": "720p",
        "aspect_ratio": "16:9",
        "width": 1280,
        "height": 720,
        "quality": "standard",
        "duration_s": 2,
        "fps": 24,
    }
    return made.submit(Order(**{**facts, **others}), reference="att_1", deadline_s=deadline_s)


@pytest.mark.parametrize("model", sorted(MODELS))
def test_the_adapter_makes_a_clip_with_every_model(
    sim: Simulators, adapter: Callable[..., Whan], model: str
) -> None:
    made, seconds = adapter(), whan_rules.MODELS[model].durations_s[0]
    still = Keyframe(STILL, "image/png") if MODELS[model].still else None

    pending = submit(made, model=model, keyframe=still, duration_s=seconds, seed=7)
    seen = made.poll(pending.operation, deadline_s=20)

    assert isinstance(seen, Finished)
    assert seen.seconds == seconds
    (row,) = sim.rows("whan")
    assert row["prompt_sha256"] == hashlib.sha256(PROMPT.encode()).hexdigest()


def test_the_adapters_clip_can_be_fetched(sim: Simulators, adapter: Callable[..., Whan]) -> None:
    made = adapter()
    pending = submit(made, resolution="1080p", aspect_ratio="9:16", negative_prompt="text")
    seen = made.poll(pending.operation, deadline_s=20)
    assert isinstance(seen, Finished)
    sink = io.BytesIO()

    Egress().download(
        str(seen.url), sink, hosts=frozenset({"127.0.0.1"}), deadline_s=20, max_bytes=10**8
    )

    frames = frames_of(sink.getvalue())
    assert (len(frames), frames[0].width, frames[0].height) == (48, 1080, 1920)


@pytest.mark.parametrize(
    ("fault", "extras", "leaf"),
    [
        ("http_429", {}, ProviderThrottled),
        ("http_429", {"code": "Throttling.AllocationQuota"}, ProviderThrottled),
        ("http_429", {"code": "LimitRequests", "retry_after": 7}, ProviderThrottled),
        ("http_500", {}, ProviderUnavailable),
        ("http_500", {"code": "InternalError.Timeout"}, ProviderOutcomeUnknown),
        ("http_500", {"code": "ModelUnavailable"}, ProviderUnavailable),
        ("http_500", {"code": "ModelServingError"}, ProviderUnavailable),
        ("quota", {}, ProviderQuotaExhausted),
        ("quota", {"code": "Throttling.AllocationQuota"}, ProviderQuotaExhausted),
        ("quota", {"code": "insufficient_quota"}, ProviderQuotaExhausted),
        ("quota", {"code": "AllocationQuota.FreeTierOnly"}, ProviderQuotaExhausted),
        ("bad_key", {}, ProviderKeyRefused),
        ("bad_key", {"code": "Model.AccessDenied"}, ProviderKeyRefused),
        ("refuse", {}, ContentRefused),
        ("refuse", {"code": "IPInfringementSuspect"}, ContentRefused),
        ("retired", {}, ProviderRetired),
        ("retired", {"code": "Model not exist"}, ProviderRetired),
        ("html", {}, ProviderOutcomeUnknown),
        ("html", {"status": 200}, ProviderOutcomeUnknown),
    ],
)
def test_the_adapter_names_a_refusal(
    sim: Simulators,
    adapter: Callable[..., Whan],
    fault: str,
    extras: dict[str, Any],
    leaf: type[ProviderError],
) -> None:
    script(sim, fault, **extras)

    with pytest.raises(leaf) as raised:
        submit(adapter())

    assert type(raised.value) is leaf
    assert raised.value.retry_after_s == extras.get("retry_after")
    assert sim.rows("whan") == []


def test_the_adapter_names_a_wrong_key_a_wrong_order_and_nobody_there(
    sim: Simulators, adapter: Callable[..., Whan]
) -> None:
    with pytest.raises(ProviderKeyRefused):
        submit(adapter(key="sim-cn-key"))
    with pytest.raises(ProviderKeyRefused):
        adapter(key="sim-cn-key").check(deadline_s=20)
    adapter().check(deadline_s=20)
    with pytest.raises(ProviderRequestInvalid):
        submit(adapter(), prompt="x" * 1501)
    with pytest.raises(ProviderNotReached):
        submit(adapter(url="http://127.0.0.1:1/whan"))
    assert sim.rows("whan") == []


def test_a_call_dropped_unread_is_no_task(sim: Simulators, adapter: Callable[..., Whan]) -> None:
    script(sim, "drop_request")

    with pytest.raises(ProviderOutcomeUnknown):
        submit(adapter())

    assert sim.rows("whan") == []


@pytest.mark.parametrize(
    ("fault", "extras"),
    [
        ("drop_reply", {}),
        ("hang", {}),
        ("malformed", {}),
        ("malformed", {"code": "duplicate_key"}),
        ("malformed", {"code": "nan"}),
        ("malformed", {"code": "empty"}),
        ("html", {"accepted": True}),
    ],
)
def test_a_lost_answer_is_a_job_that_nobody_can_tell_from_another(
    sim: Simulators, adapter: Callable[..., Whan], fault: str, extras: dict[str, Any]
) -> None:
    script(sim, fault, **extras)

    with pytest.raises(ProviderOutcomeUnknown):
        submit(adapter(), deadline_s=0.5 if fault == "hang" else 20)

    assert len(sim.rows("whan")) == 1


@pytest.mark.parametrize(
    ("fault", "extras", "leaf"),
    [
        ("refuse", {}, ContentRefused),
        ("refuse", {"code": "IPInfringementSuspect"}, ContentRefused),
        ("http_500", {}, ProviderJobFailed),
        ("http_500", {"code": "InternalError.Timeout"}, ProviderJobFailed),
        ("http_500", {"code": "InvalidParameter"}, ProviderJobFailed),
        ("malformed", {}, ProviderProtocolError),
    ],
)
def test_the_adapter_names_the_end_of_a_job(
    sim: Simulators,
    adapter: Callable[..., Whan],
    fault: str,
    extras: dict[str, Any],
    leaf: type[ProviderError],
) -> None:
    script(sim, fault, where="result", **extras)
    made = adapter()
    pending = submit(made)

    with pytest.raises(leaf):
        made.poll(pending.operation, deadline_s=20)

    assert [row["billed"] for row in sim.rows("whan")] == [leaf is ProviderProtocolError]


def test_a_cancelled_job_is_over(sim: Simulators, adapter: Callable[..., Whan]) -> None:
    sim.call("POST", "/__sim/pace", {"video_s": 600})
    made = adapter()
    pending = submit(made)
    sim.call("POST", f"/whan/api/v1/tasks/{pending.operation['task']}/cancel")

    with pytest.raises(ProviderJobFailed):
        made.poll(pending.operation, deadline_s=20)


@pytest.mark.parametrize(
    ("fault", "extras"),
    [
        ("http_500", {}),
        ("http_500", {"code": "ModelUnavailable"}),
        ("http_429", {}),
        ("bad_key", {}),
        ("html", {"status": 200}),
        ("malformed", {"code": "deep"}),
        ("malformed", {"code": "not_json"}),
        ("drop_reply", {}),
        ("hang", {}),
    ],
)
def test_a_look_may_see_nothing_and_the_job_goes_on(
    sim: Simulators, adapter: Callable[..., Whan], fault: str, extras: dict[str, Any]
) -> None:
    made = adapter()
    pending = submit(made)
    script(sim, fault, where="poll", **extras)

    leaf = ProviderKeyRefused if fault == "bad_key" else ProviderProtocolError
    with pytest.raises(leaf):
        made.poll(pending.operation, deadline_s=0.5)

    assert isinstance(made.poll(pending.operation, deadline_s=20), Finished)


@pytest.mark.parametrize("code", ["AWAITING_REVIEW", "SUSPENDED"])
def test_an_unknown_word_is_pending(
    sim: Simulators, adapter: Callable[..., Whan], code: str
) -> None:
    made = adapter()
    pending = submit(made)
    script(sim, "odd_status", code=code)

    assert [made.poll(pending.operation, deadline_s=20) for _ in range(2)] == [pending, pending]
    assert isinstance(made.poll(pending.operation, deadline_s=20), Finished)


def test_a_forgotten_task_says_nothing(sim: Simulators, adapter: Callable[..., Whan]) -> None:
    made = adapter()
    pending = submit(made)
    script(sim, "odd_status", code="UNKNOWN")

    for _ in range(2):
        with pytest.raises(ProviderProtocolError):
            made.poll(pending.operation, deadline_s=20)

    assert isinstance(made.poll(pending.operation, deadline_s=20), Finished)


def test_a_stuck_job_stays_pending(sim: Simulators, adapter: Callable[..., Whan]) -> None:
    script(sim, "stuck")
    made = adapter()
    pending = submit(made)

    assert made.poll(pending.operation, deadline_s=20) == pending


def test_an_overcharge_shows_in_the_seconds(sim: Simulators, adapter: Callable[..., Whan]) -> None:
    script(sim, "overcharge")
    made = adapter()

    seen = made.poll(submit(made).operation, deadline_s=20)

    assert isinstance(seen, Finished)
    assert seen.seconds == 20
    assert [row["cost"] for row in sim.rows("whan")] == ["0.0200"]


# --- downloads ---------------------------------------------------------------------------------


def test_a_dead_link_is_403_until_the_next_look(sim: Simulators) -> None:
    script(sim, "expired_url")
    id = task_id(sim)
    old = link(sim, id)

    assert [sim.http.request("GET", old).status for _ in range(2)] == [403, 403]
    assert sim.http.request("GET", link(sim, id)).status == 200


def test_a_download_may_be_cut_slow_or_something_else(sim: Simulators) -> None:
    url = link(sim, task_id(sim))
    script(sim, "truncated")
    with pytest.raises(urllib3.exceptions.HTTPError):
        sim.http.request("GET", url)
    script(sim, "slow", where="download", seconds=0.1)
    assert sim.http.request("GET", url).status == 200
    script(sim, "malformed", where="download")
    assert sim.http.request("GET", url).data == b"\x00" * 4096


@pytest.mark.parametrize(
    ("code", "length", "width"),
    [("size_and_duration", 2, 854), ("size", 4, 854), ("duration", 2, 1280)],
)
def test_a_clip_of_a_wrong_size_is_smaller_or_shorter(
    sim: Simulators, code: str, length: int, width: int
) -> None:
    script(sim, "wrong_size", code=code)

    frames = frames_of(sim.http.request("GET", link(sim, task_id(sim, changed(duration=4)))).data)

    assert (len(frames), frames[0].width) == (length * 24, width)


@pytest.mark.parametrize(
    ("model", "also", "wrong", "sounds"),
    [
        ("wan2.7-t2v", {}, False, True),
        ("wan2.7-t2v", {}, True, False),
        ("wan3.0-video", {}, False, True),
        ("wan3.0-video", {"audio": False}, False, False),
        ("wan3.0-video", {"audio": False}, True, True),
    ],
)
def test_a_clip_sounds_unless_its_model_can_be_told_not_to(
    sim: Simulators, model: str, also: dict[str, Any], wrong: bool, sounds: bool
) -> None:
    if wrong:
        script(sim, "wrong_sound")
    body = {**changed(**also), "model": model, "input": {"prompt": PROMPT}}

    content = sim.http.request("GET", link(sim, task_id(sim, body))).data

    assert has_sound(content) is sounds


def test_every_fault_was_tried_here(request: pytest.FixtureRequest) -> None:
    whole_file = [item for item in request.session.items if item.path == request.path]
    if len(whole_file) < 105 or hasattr(request.config, "workerinput"):
        pytest.skip("only a part of this file runs in this process")

    assert set(FAULTS) == covered
