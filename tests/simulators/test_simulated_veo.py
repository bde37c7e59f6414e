"""The veo simulator: Omni by Google's own client, Veo by plain HTTP, both by our adapter."""

import base64
import hashlib
import io
import time
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3
from google import genai
from google.genai import types
from simulator_client import KEY, Simulators, frames_of, png_base64

from filmgate.adapters import addresses
from filmgate.adapters.addresses import AddressPolicy
from filmgate.adapters.egress import Egress, UnexpectedStatus
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
from filmgate.providers.base import Account, Finished, Keyframe, Order, Pending
from filmgate.providers.veo import Veo

PROMPT = "A red fox walks over fresh snow at dawn"
OMNI, OLD = "gemini-omni-1.1-flash", "veo-3.1-fast-generate-preview"
MODELS = (OMNI, OLD)
FORMAT = {
    "type": "video",
    "aspect_ratio": "16:9",
    "resolution": "720p",
    "duration": "4s",
    "delivery": "uri",
}
INTERACTION: dict[str, Any] = {
    "model": OMNI,
    "input": PROMPT,
    "background": True,
    "store": True,
    "response_format": FORMAT,
    "generation_config": {"video_config": {"task": "text_to_video"}},
    "labels": {"job": "job-000187"},
}
OPERATION: dict[str, Any] = {
    "instances": [{"prompt": PROMPT}],
    "parameters": {
        "aspectRatio": "16:9",
        "durationSeconds": 4,
        "resolution": "720p",
        "sampleCount": 1,
    },
}
INTERACTIONS = "/veo/v1beta/interactions"
LONG_RUNNING = f"/veo/v1beta/models/{OLD}:predictLongRunning"
HOSTS = frozenset({"127.0.0.1"})
REFERENCE = "att_abcdefghijklmnopqrstuvwxyz00"


@pytest.fixture
def client(sim: Simulators) -> Iterator[genai.Client]:
    options = types.HttpOptions(
        base_url=f"{sim.url}/veo",
        api_version="v1beta",
        retry_options=types.HttpRetryOptions(attempts=1),
    )
    with genai.Client(api_key=KEY, http_options=options) as client:
        yield client


@pytest.fixture
def egress(monkeypatch: pytest.MonkeyPatch) -> Egress:
    monkeypatch.setattr(addresses, "policy", AddressPolicy(loopback=True))
    return Egress()


@pytest.fixture
def veo(sim: Simulators, egress: Egress) -> Veo:
    return adapter(sim, egress)


def adapter(sim: Simulators, egress: Egress, key: str = KEY) -> Veo:
    return Veo(egress, Account("veo", f"{sim.url}/veo", HOSTS, {"api_key": key}))


def order(**changes: Any) -> Order:
    usual: dict[str, Any] = {
        "model": OMNI,
        "prompt": PROMPT,
        "resolution": "720p",
        "aspect_ratio": "16:9",
        "width": 1280,
        "height": 720,
        "quality": "standard",
        "duration_s": 4,
        "fps": 24,
    }
    return Order(**usual | changes)


def submit(veo: Veo, **changes: Any) -> Pending:
    return veo.submit(order(**changes), reference=REFERENCE, deadline_s=10)


def poll(veo: Veo, job: Pending) -> Pending | Finished:
    return veo.poll(job.operation, deadline_s=10)


def download(egress: Egress, veo: Veo, done: Pending | Finished) -> bytes:
    assert isinstance(done, Finished)
    url, target = done.url or "", io.BytesIO()
    egress.download(
        url,
        target,
        hosts=HOSTS,
        deadline_s=20,
        max_bytes=50_000_000,
        headers=veo.download_headers(url),
    )
    return target.getvalue()


def fetch(
    sim: Simulators, link: str, headers: dict[str, str] | None = None
) -> urllib3.BaseHTTPResponse:
    """The answer behind the redirect, or the one that came instead of it."""
    reply = sim.call("GET", link.removeprefix(sim.url), headers=headers)
    if reply.status == 302:
        reply = sim.call("GET", reply.headers["location"], headers=headers)
    return reply


def started(sim: Simulators, **changes: Any) -> str:
    """The name of a fresh Veo operation."""
    reply = sim.call("POST", LONG_RUNNING, OPERATION | changes)
    assert reply.status == 200, reply.data
    return reply.json()["name"]


def operation(sim: Simulators, name: str) -> dict[str, Any]:
    return sim.call("GET", f"/veo/v1beta/{name}").json()


# --- Omni, by Google's own client ---------------------------------------------------------------


def test_the_official_client_makes_a_clip_of_the_ordered_size_and_length(
    client: genai.Client, sim: Simulators
) -> None:
    created = client.interactions.create(**INTERACTION)
    done = client.interactions.get(created.id)

    assert (created.id[:3], done.status, done.model) == ("v1_", "completed", OMNI)
    assert done.usage.total_output_tokens == 4 * 5792
    video = done.steps[-1].content[0]
    assert (video.type, video.mime_type, video.data) == ("video", "video/mp4", None)
    frames = frames_of(fetch(sim, video.uri).data)
    assert (len(frames), frames[0].width, frames[0].height) == (96, 1280, 720)
    (row,) = sim.rows("veo")
    assert (row["id"], row["reference"]) == (created.id, "job-000187")
    assert (row["billed"], row["cost"]) == (True, "0.4055")
    assert row["prompt_sha256"] == hashlib.sha256(PROMPT.encode()).hexdigest()


def test_a_clip_can_come_inline_and_start_from_a_picture(client: genai.Client) -> None:
    still = {"type": "image", "mime_type": "image/png", "data": png_base64(1280, 720)}
    wish = INTERACTION | {
        "input": [{"type": "text", "text": PROMPT}, still],
        "response_format": FORMAT | {"delivery": "inline", "aspect_ratio": "9:16"},
        "generation_config": {"video_config": {"task": "image_to_video"}},
    }

    done = client.interactions.get(client.interactions.create(**wish).id)

    frames = frames_of(base64.b64decode(done.steps[-1].content[0].data))
    assert (len(frames), frames[0].width, frames[0].height) == (96, 720, 1280)


@pytest.mark.parametrize("fault", ["", "charge_after_cancel"])
def test_a_running_interaction_can_be_cancelled(
    client: genai.Client, sim: Simulators, fault: str
) -> None:
    sim.call("POST", "/__sim/pace", {"video_s": 30})
    if fault:
        sim.fault("veo", fault)
    created = client.interactions.create(**INTERACTION)

    cancelled = client.interactions.cancel(created.id)

    assert (created.status, cancelled.status) == ("queued", "cancelled")
    assert [row["billed"] for row in sim.rows("veo")] == [bool(fault)]


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({"model": "gemini-omni-flash-preview"}, 404, "NOT_FOUND"),
        ({"input": ""}, 400, "INVALID_ARGUMENT"),
        ({"response_format": FORMAT | {"duration": "11s"}}, 400, "INVALID_ARGUMENT"),
        ({"response_format": FORMAT | {"duration": 8}}, 400, "INVALID_ARGUMENT"),
        ({"response_format": FORMAT | {"aspect_ratio": "1:1"}}, 400, "INVALID_ARGUMENT"),
        ({"response_format": FORMAT | {"resolution": "4K"}}, 400, "INVALID_ARGUMENT"),
        ({"response_format": FORMAT | {"fps": 24}}, 400, "INVALID_ARGUMENT"),
        ({"labels": {"job": "Upper"}}, 400, "INVALID_ARGUMENT"),
        ({"labels": {"job": "x" * 64}}, 400, "INVALID_ARGUMENT"),
        ({"service_tier": "cheap"}, 400, "INVALID_ARGUMENT"),
        ({"store": False}, 400, "INVALID_ARGUMENT"),
        ({"negative_prompt": "rain"}, 400, "INVALID_ARGUMENT"),
        (
            {"generation_config": {"video_config": {"task": "image_to_video"}}},
            400,
            "INVALID_ARGUMENT",
        ),
    ],
)
def test_a_wrong_interaction_is_refused_and_costs_nothing(
    sim: Simulators, changes: dict[str, Any], status: int, word: str
) -> None:
    reply = sim.call("POST", INTERACTIONS, INTERACTION | changes)

    assert (reply.status, reply.json()["error"]["status"]) == (status, word)
    assert sim.rows("veo") == []


def test_the_official_client_understands_the_errors(client: genai.Client) -> None:
    with pytest.raises(Exception, match="404") as raised:
        client.interactions.create(**INTERACTION | {"model": "gemini-omni-9"})

    assert getattr(raised.value, "status_code", None) == 404


# --- Veo, which Google's client no longer speaks -------------------------------------------------


def test_an_operation_runs_without_done_and_ends_with_a_sample(sim: Simulators) -> None:
    sim.call("POST", "/__sim/pace", {"video_s": 0.3})
    name = started(sim)
    running = operation(sim, name)
    time.sleep(0.35)
    done = operation(sim, name)

    assert running == {"name": name}
    assert name.startswith(f"models/{OLD}/operations/")
    assert done["done"] is True
    (sample,) = done["response"]["generateVideoResponse"]["generatedSamples"]
    frames = frames_of(fetch(sim, sample["video"]["uri"]).data)
    assert (len(frames), frames[0].width, frames[0].height) == (96, 1280, 720)
    assert [row["cost"] for row in sim.rows("veo")] == ["0.4000"]


@pytest.mark.parametrize(
    ("changes", "parameters"),
    [
        ({}, {"seed": 1}),
        ({}, {"generateAudio": False}),
        ({}, {"durationSeconds": "8"}),
        ({}, {"durationSeconds": 5}),
        ({}, {"resolution": "1080p"}),
        ({}, {"sampleCount": 2}),
        ({"labels": {"job": "x"}}, {}),
        ({"instances": []}, {}),
        ({"instances": [{"prompt": "x" * 4097}]}, {}),
        ({"instances": [{"prompt": "x", "image": {"inlineData": "x"}}]}, {}),
    ],
)
def test_a_wrong_operation_is_refused_and_costs_nothing(
    sim: Simulators, changes: dict[str, Any], parameters: dict[str, Any]
) -> None:
    body = OPERATION | {"parameters": OPERATION["parameters"] | parameters} | changes

    reply = sim.call("POST", LONG_RUNNING, body)

    assert (reply.status, reply.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert sim.rows("veo") == []


def test_a_safety_block_is_done_without_samples_and_is_not_billed(sim: Simulators) -> None:
    sim.fault("veo", "refuse", where="result")

    done = operation(sim, started(sim))

    assert done["done"] is True
    made = done["response"]["generateVideoResponse"]
    assert "generatedSamples" not in made
    assert made["raiMediaFilteredCount"] == 1
    assert [row["billed"] for row in sim.rows("veo")] == [False]


def test_the_code_of_a_failed_operation_is_no_http_status(sim: Simulators) -> None:
    sim.fault("veo", "http_500", where="result", code="UNAVAILABLE")

    done = operation(sim, started(sim))

    assert (done["done"], done["error"]["code"]) == (True, 14)
    assert "response" not in done


@pytest.mark.parametrize(("key", "status"), [(None, 403), ("stranger", 400), (KEY, 200)])
def test_a_download_is_redirected_and_needs_the_key(
    sim: Simulators, key: str | None, status: int
) -> None:
    made = operation(sim, started(sim))["response"]["generateVideoResponse"]
    link = made["generatedSamples"][0]["video"]["uri"]
    headers = {} if key is None else {"x-goog-api-key": key}

    direct = sim.call("GET", link.removeprefix(sim.url), headers=headers)

    assert direct.status == (302 if status == 200 else status)
    assert fetch(sim, link, headers).status == status


@pytest.mark.parametrize(
    ("model", "resolution", "seconds", "cost"),
    [
        ("veo-3.1-generate-preview", "720p", 4, "1.6000"),
        ("veo-3.1-generate-preview", "4k", 8, "4.8000"),
        ("veo-3.1-lite-generate-preview", "1080p", 8, "0.6400"),
    ],
)
def test_the_ledger_counts_by_the_vendors_price(
    sim: Simulators, model: str, resolution: str, seconds: int, cost: str
) -> None:
    wanted = {"durationSeconds": seconds, "resolution": resolution}
    body = OPERATION | {"parameters": OPERATION["parameters"] | wanted}

    assert sim.call("POST", LONG_RUNNING.replace(OLD, model), body).status == 200
    assert [row["cost"] for row in sim.rows("veo")] == [cost]


# --- The adapter --------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_the_adapter_goes_from_submit_to_the_file(
    sim: Simulators, veo: Veo, egress: Egress, model: str
) -> None:
    done = poll(veo, submit(veo, model=model))

    frames = frames_of(download(egress, veo, done))
    assert (len(frames), frames[0].width, frames[0].height) == (96, 1280, 720)
    assert isinstance(done, Finished)
    assert done.tokens == (4 * 5792 if model == OMNI else None)
    (row,) = sim.rows("veo")
    assert row["reference"] == (REFERENCE if model == OMNI else None)


@pytest.mark.parametrize("model", MODELS)
def test_a_clip_can_start_from_a_keyframe(sim: Simulators, veo: Veo, model: str) -> None:
    still = Keyframe(base64.b64decode(png_base64(1280, 720)), "image/png")

    assert isinstance(poll(veo, submit(veo, model=model, keyframe=still)), Finished)


def test_a_negative_prompt_goes_where_the_protocol_has_a_field(sim: Simulators, veo: Veo) -> None:
    for model in MODELS:
        submit(veo, model=model, negative_prompt="rain", seed=4)

    omni, old = sim.call("GET", "/__sim/requests").json()["requests"]
    assert "rain" not in str(omni["body"])
    assert old["body"]["parameters"]["negativePrompt"] == "rain"


def test_without_the_key_a_download_is_refused(veo: Veo, egress: Egress) -> None:
    done = poll(veo, submit(veo))
    assert isinstance(done, Finished)

    with pytest.raises(UnexpectedStatus) as raised:
        egress.download(
            done.url or "", io.BytesIO(), hosts=HOSTS, deadline_s=9, max_bytes=1_000_000
        )

    assert raised.value.status == 403


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("fault", "extras", "leaf"),
    [
        ("refuse", {}, ContentRefused),
        ("http_429", {}, ProviderThrottled),
        ("quota", {}, ProviderQuotaExhausted),
        ("quota", {"code": "FAILED_PRECONDITION"}, ProviderQuotaExhausted),
        ("bad_key", {}, ProviderKeyRefused),
        ("bad_key", {"code": "PERMISSION_DENIED"}, ProviderKeyRefused),
        ("retired", {}, ProviderRetired),
        ("http_500", {}, ProviderUnavailable),
        ("http_500", {"code": "UNAVAILABLE"}, ProviderUnavailable),
        ("http_500", {"code": "DEADLINE_EXCEEDED"}, ProviderOutcomeUnknown),
    ],
)
def test_a_refusal_says_what_it_proves_and_nothing_is_accepted(
    sim: Simulators,
    veo: Veo,
    model: str,
    fault: str,
    extras: dict[str, Any],
    leaf: type[ProviderError],
) -> None:
    sim.fault("veo", fault, **extras)

    with pytest.raises(leaf) as raised:
        submit(veo, model=model)

    assert type(raised.value) is leaf
    assert KEY not in str(raised.value)
    assert sim.rows("veo") == []


@pytest.mark.parametrize("model", MODELS)
def test_the_waiting_time_of_a_rate_limit_is_kept(sim: Simulators, veo: Veo, model: str) -> None:
    sim.fault("veo", "http_429", retry_after=34)

    with pytest.raises(ProviderThrottled) as raised:
        submit(veo, model=model)

    assert raised.value.retry_after_s == 34


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("fault", "extras"),
    [
        ("drop_reply", {}),
        ("html", {"accepted": True}),
        ("malformed", {"code": "truncated"}),
        ("malformed", {"code": "duplicate_key"}),
        ("malformed", {"code": "nan"}),
        ("malformed", {"code": "empty"}),
    ],
)
def test_a_lost_or_unreadable_answer_proves_nothing(
    sim: Simulators, veo: Veo, model: str, fault: str, extras: dict[str, Any]
) -> None:
    sim.fault("veo", fault, **extras)

    with pytest.raises(ProviderOutcomeUnknown):
        submit(veo, model=model)

    assert len(sim.rows("veo")) == 1


def test_an_answer_that_does_not_come_in_time_proves_nothing(sim: Simulators, veo: Veo) -> None:
    sim.fault("veo", "hang")

    with pytest.raises(ProviderOutcomeUnknown):
        veo.submit(order(), reference=REFERENCE, deadline_s=0.5)

    assert len(sim.rows("veo")) == 1


def test_wrong_keys_models_and_values_are_told_apart(
    sim: Simulators, veo: Veo, egress: Egress
) -> None:
    with pytest.raises(ProviderKeyRefused) as raised:
        submit(adapter(sim, egress, key="stranger"))
    assert "stranger" not in str(raised.value)
    with pytest.raises(ProviderRetired):
        submit(veo, model="gemini-omni-flash-preview")
    with pytest.raises(ProviderRetired):
        submit(veo, model="veo-2.0-generate-001")
    with pytest.raises(ProviderRequestInvalid):
        submit(veo, duration_s=11)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("fault", "code", "leaf"),
    [
        ("refuse", "SAFETY", ContentRefused),
        ("refuse", "INVALID_ARGUMENT", ContentRefused),
        ("http_500", "INVALID_ARGUMENT", ProviderJobFailed),
        ("http_500", "DEADLINE_EXCEEDED", ProviderJobFailed),
        ("http_500", "RESOURCE_EXHAUSTED", ProviderJobFailed),
        ("http_500", "INTERNAL", ProviderJobFailed),
        ("http_500", "UNAVAILABLE", ProviderJobFailed),
    ],
)
def test_a_failed_job_is_over_and_not_billed(
    sim: Simulators, veo: Veo, model: str, fault: str, code: str, leaf: type[ProviderError]
) -> None:
    sim.fault("veo", fault, where="result", code=code)
    job = submit(veo, model=model)

    with pytest.raises(leaf):
        poll(veo, job)

    assert [row["billed"] for row in sim.rows("veo")] == [False]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("fault", "extras"),
    [
        ("http_500", {}),
        ("http_500", {"code": "NOT_FOUND"}),
        ("http_429", {}),
        ("bad_key", {}),
        ("html", {}),
        ("html", {"status": 200}),
        ("malformed", {}),
        ("drop_reply", {}),
    ],
)
def test_a_look_that_fails_sees_nothing_and_the_next_one_works(
    sim: Simulators, veo: Veo, model: str, fault: str, extras: dict[str, Any]
) -> None:
    job = submit(veo, model=model)
    sim.fault("veo", fault, where="poll", **extras)

    leaf = ProviderKeyRefused if fault == "bad_key" else ProviderProtocolError
    with pytest.raises(leaf):
        poll(veo, job)

    assert isinstance(poll(veo, job), Finished)


@pytest.mark.parametrize("model", MODELS)
def test_a_stuck_and_an_oddly_named_job_are_pending(sim: Simulators, veo: Veo, model: str) -> None:
    sim.fault("veo", "stuck")
    stuck = submit(veo, model=model)
    assert poll(veo, stuck) == stuck

    odd = submit(veo, model=model)
    sim.fault("veo", "odd_status")
    assert [poll(veo, odd), poll(veo, odd)] == [odd, odd]
    assert isinstance(poll(veo, odd), Finished)


@pytest.mark.parametrize("model", MODELS)
def test_a_success_without_a_clip_is_looked_at_again(sim: Simulators, veo: Veo, model: str) -> None:
    sim.fault("veo", "malformed", where="result")
    job = submit(veo, model=model)

    with pytest.raises(ProviderProtocolError):
        poll(veo, job)


def test_a_clip_that_comes_inline_all_the_same_is_taken(sim: Simulators, veo: Veo) -> None:
    sim.fault("veo", "malformed", where="result", code="inline")

    done = poll(veo, submit(veo))

    assert isinstance(done, Finished)
    assert done.url is None
    assert len(frames_of(done.data or b"")) == 96


@pytest.mark.parametrize("fault", ["expired_url", "http_500", "bad_key", "html"])
def test_a_download_that_fails_works_the_next_time(sim: Simulators, veo: Veo, fault: str) -> None:
    done = poll(veo, submit(veo))
    assert isinstance(done, Finished)
    sim.fault("veo", fault, where="download")

    assert fetch(sim, done.url or "").status in (403, 404, 500, 502)
    assert fetch(sim, done.url or "").status == 200


def test_a_truncated_download_goes_on_to_its_end(sim: Simulators, veo: Veo, egress: Egress) -> None:
    sim.fault("veo", "truncated")

    content = download(egress, veo, poll(veo, submit(veo)))

    assert len(frames_of(content)) == 96


def test_an_overcharge_shows_in_the_tokens_and_in_the_ledger(sim: Simulators, veo: Veo) -> None:
    sim.fault("veo", "overcharge")

    done = poll(veo, submit(veo))

    assert isinstance(done, Finished)
    assert done.tokens == 40 * 5792
    assert float(sim.rows("veo")[0]["cost"]) > 4


@pytest.mark.parametrize(
    ("code", "length", "width"),
    [("size_and_duration", 2, 854), ("size", 4, 854), ("duration", 2, 1280)],
)
def test_a_clip_of_a_wrong_size_is_smaller_or_shorter(
    sim: Simulators, veo: Veo, egress: Egress, code: str, length: int, width: int
) -> None:
    sim.fault("veo", "wrong_size", code=code)

    frames = frames_of(download(egress, veo, poll(veo, submit(veo))))

    assert (len(frames), frames[0].width) == (length * 24, width)


# --- What is sent -------------------------------------------------------------------------------


@pytest.mark.parametrize("with_still", [False, True])
def test_the_adapter_sends_what_the_vendors_own_library_sends(
    client: genai.Client, sim: Simulators, veo: Veo, with_still: bool
) -> None:
    """One difference by intent: the service tier, which moves the price, is never left out."""
    still = base64.b64decode(png_base64(1280, 720))
    wish = INTERACTION | {"labels": {"job": REFERENCE}}
    if with_still:
        image = {"type": "image", "mime_type": "image/png", "data": png_base64(1280, 720)}
        wish |= {
            "input": [{"type": "text", "text": PROMPT}, image],
            "generation_config": {"video_config": {"task": "image_to_video"}},
        }
    client.interactions.create(**wish)
    submit(veo, keyframe=Keyframe(still, "image/png") if with_still else None)

    theirs, ours = sim.call("GET", "/__sim/requests").json()["requests"]

    assert (ours["method"], ours["path"]) == (theirs["method"], theirs["path"])
    assert ours["body"].pop("service_tier") == "standard"
    assert ours["body"] == theirs["body"]
