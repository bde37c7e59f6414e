"""The sora simulator, driven by the official OpenAI client and by the gateway's own adapter."""

import base64
import hashlib
import io
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from PIL import Image, ImageChops, ImageStat
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
    ProviderUnsupported,
)
from filmgate.providers.base import Account, Finished, Keyframe, Order, Pending
from filmgate.providers.sora import Sora

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")

PROMPT = "A red fox walks over fresh snow at dawn, ü"
BODY = {"model": "sora-2", "prompt": PROMPT, "seconds": "4", "size": "1280x720"}
PATH = "/sora/v1/videos"
HOSTS = frozenset({"127.0.0.1"})
REFERENCE = "att_abcdefghijklmnopqrstuvwxyz00"


@pytest.fixture
def client(sim: Simulators) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{sim.url}/sora/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def egress(monkeypatch: pytest.MonkeyPatch) -> Egress:
    monkeypatch.setattr(addresses, "policy", AddressPolicy(loopback=True))
    return Egress()


@pytest.fixture
def sora(sim: Simulators, egress: Egress) -> Sora:
    return adapter(sim, egress)


def adapter(sim: Simulators, egress: Egress, key: str = KEY) -> Sora:
    return Sora(egress, Account("sora", f"{sim.url}/sora", HOSTS, {"api_key": key}))


def order(**changes: Any) -> Order:
    usual: dict[str, Any] = {
        "model": "sora-2",
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


def png(width: int, height: int) -> bytes:
    return base64.b64decode(png_base64(width, height))


def submit(sora: Sora, **changes: Any) -> Pending:
    return sora.submit(order(**changes), reference=REFERENCE, deadline_s=10)


def poll(sora: Sora, job: Pending) -> Pending | Finished:
    return sora.poll(job.operation, deadline_s=10)


def download(egress: Egress, sora: Sora, done: Pending | Finished) -> bytes:
    assert isinstance(done, Finished)
    url, target = done.url or "", io.BytesIO()
    egress.download(
        url,
        target,
        hosts=HOSTS,
        deadline_s=20,
        max_bytes=50_000_000,
        headers=sora.download_headers(url),
    )
    return target.getvalue()


def accepted_job(sim: Simulators) -> dict[str, Any]:
    reply = sim.call("POST", PATH, BODY)
    assert reply.status == 200, reply.data
    return reply.json()


# --- The vendor's own client --------------------------------------------------------------------


def test_the_official_client_makes_a_clip_of_the_ordered_size_and_length(
    client: openai.OpenAI, sim: Simulators
) -> None:
    created = client.videos.create(model="sora-2", prompt=PROMPT, seconds="4", size="720x1280")
    done = client.videos.retrieve(created.id)
    content = client.videos.download_content(created.id).content

    assert (created.status, created.progress, created.seconds) == ("queued", 0, "4")
    assert (done.status, done.progress, done.size) == ("completed", 100, "720x1280")
    assert done.expires_at is not None
    assert done.completed_at is not None
    assert done.expires_at - done.completed_at == 3600
    frames = frames_of(content)
    assert (len(frames), frames[0].width, frames[0].height) == (96, 720, 1280)
    (row,) = sim.rows("sora")
    assert (row["id"], row["billed"], row["cost"]) == (created.id, True, "0.0067")
    assert row["prompt_sha256"] == hashlib.sha256(PROMPT.encode()).hexdigest()


def test_the_clip_starts_with_the_given_first_frame(client: openai.OpenAI) -> None:
    still = png(1280, 720)

    created = client.videos.create(
        model="sora-2",
        prompt=PROMPT,
        seconds="4",
        size="1280x720",
        input_reference=("frame.png", still, "image/png"),
    )
    frames = frames_of(client.videos.download_content(created.id).content)

    wanted = Image.open(io.BytesIO(still))
    difference = ImageStat.Stat(ImageChops.difference(frames[0].to_image(), wanted)).mean
    assert max(difference) < 6


def test_jobs_are_listed_newest_first_by_cursor_and_can_be_deleted(
    client: openai.OpenAI, sim: Simulators
) -> None:
    ids = [accepted_job(sim)["id"] for _ in range(3)]

    listed = [video.id for video in client.videos.list(limit=2)]
    deleted = client.videos.delete(ids[1])

    assert listed == ids[::-1]
    assert deleted.deleted
    assert [video.id for video in client.videos.list(order="asc")] == [ids[0], ids[2]]
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve(ids[1])


@pytest.mark.parametrize(("variant", "format"), [("thumbnail", "WEBP"), ("spritesheet", "JPEG")])
def test_a_finished_job_has_pictures_too(
    client: openai.OpenAI, sim: Simulators, variant: Any, format: str
) -> None:
    id = accepted_job(sim)["id"]

    content = client.videos.download_content(id, variant=variant).content

    assert Image.open(io.BytesIO(content)).format == format


@pytest.mark.parametrize(
    ("changes", "error", "code", "param"),
    [
        ({"seconds": 8}, openai.BadRequestError, "invalid_type", "seconds"),
        ({"seconds": "5"}, openai.BadRequestError, "invalid_value", "seconds"),
        ({"size": "1920x1080"}, openai.BadRequestError, "invalid_value", "size"),
        ({"prompt": ""}, openai.BadRequestError, "missing_required_parameter", "prompt"),
        ({"prompt": "x" * 32_001}, openai.BadRequestError, "string_above_max_length", "prompt"),
        ({"n": 2}, openai.BadRequestError, "unknown_parameter", "n"),
        ({"input_reference": {"file_id": "f"}}, openai.BadRequestError, "invalid_value", None),
        ({"model": "sora-9"}, openai.NotFoundError, "model_not_found", None),
    ],
)
def test_a_wrong_request_gets_the_vendors_error_and_costs_nothing(
    client: openai.OpenAI,
    sim: Simulators,
    changes: dict[str, Any],
    error: type[openai.APIStatusError],
    code: str,
    param: str | None,
) -> None:
    with pytest.raises(error) as raised:
        client.post("/videos", body=BODY | changes, cast_to=object)

    assert raised.value.code == code
    assert param is None or raised.value.param == param
    assert sim.rows("sora") == []


def test_a_first_frame_of_another_size_is_refused(client: openai.OpenAI, sim: Simulators) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.videos.create(
            prompt="x", size="1280x720", input_reference=("f.png", png(640, 360), "image/png")
        )

    assert raised.value.param == "input_reference"
    assert sim.rows("sora") == []


@pytest.mark.parametrize(
    ("size", "seconds", "cost"),
    [
        ("1280x720", "8", "0.0134"),
        ("1792x1024", "4", "0.0100"),
        ("1080x1920", "8", "0.0200"),
        ("3840x2160", "12", "0.0600"),
    ],
)
def test_the_ledger_counts_by_the_guide_price(
    sim: Simulators, size: str, seconds: str, cost: str
) -> None:
    wish = BODY | {"model": "sora-2-pro", "size": size, "seconds": seconds}

    assert sim.call("POST", PATH, wish).status == 200
    assert [row["cost"] for row in sim.rows("sora")] == [cost]


# --- Traps and faults ---------------------------------------------------------------------------


def test_there_is_no_link_in_the_object_and_the_content_needs_the_key(sim: Simulators) -> None:
    job = accepted_job(sim)
    done = sim.call("GET", f"{PATH}/{job['id']}").json()

    assert "http" not in str(done)
    assert sim.call("GET", f"{PATH}/{job['id']}/content", headers={}).status == 401
    assert sim.call("GET", f"{PATH}/{job['id']}/content").status == 200


def test_content_before_the_end_is_a_conflict(sim: Simulators) -> None:
    sim.call("POST", "/__sim/pace", {"video_s": 30})
    job = accepted_job(sim)

    assert sim.call("GET", f"{PATH}/{job['id']}/content").status == 409
    assert sim.call("DELETE", f"{PATH}/{job['id']}").status == 409


def test_a_job_passes_through_its_states_at_the_given_pace(sim: Simulators) -> None:
    sim.call("POST", "/__sim/pace", {"video_s": 0.6})
    id = accepted_job(sim)["id"]
    seen = ["queued"]

    while seen[-1] != "completed":
        time.sleep(0.05)
        status = sim.call("GET", f"{PATH}/{id}").json()["status"]
        seen += [status] if status != seen[-1] else []

    assert seen == ["queued", "in_progress", "completed"]


def test_an_overcharge_shows_in_the_seconds_and_in_the_ledger(sim: Simulators) -> None:
    sim.fault("sora", "overcharge")

    assert accepted_job(sim)["seconds"] == "40"
    assert [row["cost"] for row in sim.rows("sora")] == ["0.0670"]


@pytest.mark.parametrize(
    ("code", "length", "width"),
    [("size_and_duration", 2, 854), ("size", 4, 854), ("duration", 2, 1280)],
)
def test_a_clip_of_a_wrong_size_is_smaller_or_shorter(
    sim: Simulators, code: str, length: int, width: int
) -> None:
    sim.fault("sora", "wrong_size", code=code)

    frames = frames_of(sim.call("GET", f"{PATH}/{accepted_job(sim)['id']}/content").data)

    assert (len(frames), frames[0].width) == (length * 24, width)


# --- The adapter --------------------------------------------------------------------------------


def test_the_adapter_goes_from_submit_to_the_file(
    sim: Simulators, sora: Sora, egress: Egress
) -> None:
    job = submit(sora)
    done = poll(sora, job)

    assert isinstance(done, Finished)
    assert done.seconds == 4
    frames = frames_of(download(egress, sora, done))
    assert (len(frames), frames[0].width, frames[0].height) == (96, 1280, 720)
    assert len(sim.rows("sora")) == 1


def test_without_the_key_the_content_is_refused(sora: Sora, egress: Egress) -> None:
    done = poll(sora, submit(sora))
    assert isinstance(done, Finished)

    with pytest.raises(UnexpectedStatus) as raised:
        egress.download(
            done.url or "", io.BytesIO(), hosts=HOSTS, deadline_s=9, max_bytes=1_000_000
        )

    assert raised.value.status == 401


@pytest.mark.parametrize(
    ("size", "media_type"), [((1280, 720), "image/png"), ((1376, 768), "image/jpeg")]
)
def test_a_keyframe_is_sent_at_exactly_the_ordered_size(
    sim: Simulators, sora: Sora, size: tuple[int, int], media_type: str
) -> None:
    target = io.BytesIO()
    format = media_type.removeprefix("image/")
    Image.linear_gradient("L").resize(size).convert("RGB").save(target, format)

    job = submit(sora, keyframe=Keyframe(target.getvalue(), media_type))

    assert isinstance(poll(sora, job), Finished)
    assert len(sim.rows("sora")) == 1


def test_a_keyframe_of_another_shape_is_not_even_sent(sim: Simulators, sora: Sora) -> None:
    with pytest.raises(ProviderUnsupported):
        submit(sora, keyframe=Keyframe(png(720, 720), "image/png"))

    assert sim.call("GET", "/__sim/requests").json()["requests"] == []


@pytest.mark.parametrize(
    ("fault", "extras", "leaf"),
    [
        ("refuse", {}, ContentRefused),
        ("refuse", {"code": "content_policy_violation"}, ContentRefused),
        ("refuse", {"code": "sentinel_block"}, ContentRefused),
        ("http_429", {}, ProviderThrottled),
        ("quota", {}, ProviderQuotaExhausted),
        ("quota", {"code": "billing_hard_limit_reached"}, ProviderQuotaExhausted),
        ("bad_key", {}, ProviderKeyRefused),
        ("bad_key", {"code": "insufficient_permissions"}, ProviderKeyRefused),
        ("retired", {}, ProviderRetired),
        ("http_500", {}, ProviderUnavailable),
        ("http_500", {"code": "server_is_overloaded"}, ProviderUnavailable),
    ],
)
def test_a_refusal_says_what_it_proves_and_nothing_is_accepted(
    sim: Simulators, sora: Sora, fault: str, extras: dict[str, Any], leaf: type[ProviderError]
) -> None:
    sim.fault("sora", fault, **extras)

    with pytest.raises(leaf) as raised:
        submit(sora)

    assert type(raised.value) is leaf
    assert KEY not in str(raised.value)
    assert sim.rows("sora") == []


def test_the_waiting_time_of_a_rate_limit_is_kept(sim: Simulators, sora: Sora) -> None:
    sim.fault("sora", "http_429", retry_after=7)

    with pytest.raises(ProviderThrottled) as raised:
        submit(sora)

    assert raised.value.retry_after_s == 7


@pytest.mark.parametrize(
    ("fault", "extras"),
    [
        ("drop_reply", {}),
        ("hang", {}),
        ("html", {"accepted": True}),
        ("malformed", {"code": "truncated"}),
        ("malformed", {"code": "duplicate_key"}),
        ("malformed", {"code": "nan"}),
        ("malformed", {"code": "deep"}),
        ("malformed", {"code": "empty"}),
    ],
)
def test_a_lost_or_unreadable_answer_proves_nothing(
    sim: Simulators, sora: Sora, fault: str, extras: dict[str, Any]
) -> None:
    sim.fault("sora", fault, **extras)

    with pytest.raises(ProviderOutcomeUnknown):
        sora.submit(order(), reference=REFERENCE, deadline_s=1)

    assert len(sim.rows("sora")) == 1


def test_a_wrong_key_is_refused(sim: Simulators, egress: Egress) -> None:
    with pytest.raises(ProviderKeyRefused) as raised:
        submit(adapter(sim, egress, key="stranger"))

    assert "stranger" not in str(raised.value)


def test_a_size_that_the_host_does_not_make_is_left_to_the_next_provider(sora: Sora) -> None:
    with pytest.raises(ProviderUnsupported, match="size"):
        submit(sora, width=1920, height=1080)
    with pytest.raises(ProviderRequestInvalid):
        submit(sora, prompt="")


@pytest.mark.parametrize(
    ("fault", "code", "leaf"),
    [
        ("refuse", "moderation_blocked", ContentRefused),
        ("refuse", "content_policy_violation", ContentRefused),
        ("refuse", "input_moderation", ContentRefused),
        ("refuse", "output_moderation", ContentRefused),
        ("http_500", "video_generation_failed", ProviderJobFailed),
        ("http_500", "internal_error", ProviderJobFailed),
        ("http_500", "server_error", ProviderJobFailed),
        ("http_500", "rate_limit_exceeded", ProviderJobFailed),
    ],
)
def test_a_failed_job_is_over_and_not_billed(
    sim: Simulators, sora: Sora, fault: str, code: str, leaf: type[ProviderError]
) -> None:
    sim.fault("sora", fault, where="result", code=code)
    job = submit(sora)

    with pytest.raises(leaf):
        poll(sora, job)

    assert [row["billed"] for row in sim.rows("sora")] == [False]


@pytest.mark.parametrize(
    ("fault", "extras"),
    [
        ("http_500", {}),
        ("http_500", {"code": "not_found"}),
        ("http_429", {}),
        ("bad_key", {}),
        ("html", {}),
        ("html", {"status": 200}),
        ("malformed", {}),
        ("drop_reply", {}),
    ],
)
def test_a_look_that_fails_sees_nothing_and_the_next_one_works(
    sim: Simulators, sora: Sora, fault: str, extras: dict[str, Any]
) -> None:
    job = submit(sora)
    sim.fault("sora", fault, where="poll", **extras)

    leaf = ProviderKeyRefused if fault == "bad_key" else ProviderProtocolError
    with pytest.raises(leaf):
        poll(sora, job)

    assert isinstance(poll(sora, job), Finished)


def test_a_running_a_stuck_and_an_oddly_named_job_are_pending(sim: Simulators, sora: Sora) -> None:
    sim.fault("sora", "stuck")
    stuck = submit(sora)
    assert poll(sora, stuck) == stuck

    odd = submit(sora)
    sim.fault("sora", "odd_status")
    assert [poll(sora, odd), poll(sora, odd)] == [odd, odd]
    assert isinstance(poll(sora, odd), Finished)


def test_content_that_expired_is_a_404(sim: Simulators, sora: Sora) -> None:
    job = submit(sora)
    sim.fault("sora", "expired_url")

    assert sim.call("GET", f"{PATH}/{job.operation['video']}/content").status == 404


def test_a_truncated_download_goes_on_to_its_end(
    sim: Simulators, sora: Sora, egress: Egress
) -> None:
    sim.fault("sora", "truncated")

    content = download(egress, sora, poll(sora, submit(sora)))

    assert len(frames_of(content)) == 96


# --- What is sent -------------------------------------------------------------------------------


@pytest.mark.parametrize("with_still", [False, True])
def test_the_adapter_sends_what_the_vendors_own_library_sends(
    client: openai.OpenAI, sim: Simulators, sora: Sora, with_still: bool
) -> None:
    """Differences by intent: JSON instead of a form where there is no file (the same fields), the
    file's name, and a request id for support."""
    still = png(1280, 720)
    given: dict[str, Any] = {"input_reference": ("frame.png", still, "image/png")}
    client.videos.create(
        model="sora-2", prompt=PROMPT, seconds="4", size="1280x720", **given if with_still else {}
    )
    submit(sora, keyframe=Keyframe(still, "image/png") if with_still else None)

    theirs, ours = sim.call("GET", "/__sim/requests").json()["requests"]

    assert (ours["method"], ours["path"]) == (theirs["method"], theirs["path"])
    if with_still:
        assert theirs["body"]["input_reference"].pop("file_name") == "frame.png"
        assert ours["body"]["input_reference"].pop("file_name") == "keyframe.png"
    assert ours["body"] == theirs["body"]
    assert ours["headers"]["x-client-request-id"] == REFERENCE
