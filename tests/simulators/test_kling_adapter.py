"""The gateway's kling adapter against the simulator, on both protocols, over real sockets."""

import base64
import io
import time
from collections.abc import Callable
from typing import Any

import av
import pytest
from simulator_client import KEY, Simulators, frames_of, png_base64

from filmgate.adapters import addresses
from filmgate.adapters.addresses import AddressPolicy
from filmgate.adapters.egress import Egress
from filmgate.domain.errors import (
    ContentRefused,
    ProviderError,
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
from filmgate.providers.kling import Kling

HOSTS = frozenset({"127.0.0.1"})
REFERENCE = "att_abcdefghijklmnopqrstuvwxyz00"
PAIR = {"access_key": "sim-access", "secret_key": "sim-secret"}
API_KEY = {"api_key": KEY}
NEW, BETTER, OLD = "kling-3.0-turbo", "kling-3.0", "kling-v2-6"
WAYS = [(NEW, API_KEY), (BETTER, API_KEY), (OLD, API_KEY), (OLD, PAIR)]
WAY_NAMES = ["turbo", "3.0", "legacy", "legacy signed"]


@pytest.fixture
def egress(monkeypatch: pytest.MonkeyPatch) -> Egress:
    monkeypatch.setattr(addresses, "policy", AddressPolicy(loopback=True))
    return Egress()


def kling(
    sim: Simulators,
    egress: Egress,
    key: dict[str, str],
    clock: Callable[[], float] = time.time,
) -> Kling:
    return Kling(egress, Account("kling", f"{sim.url}/kling", HOSTS, key), clock=clock)


def order(model: str, **changes: Any) -> Order:
    usual: dict[str, Any] = {
        "model": model,
        "prompt": "A red fox walks over fresh snow at dawn, ü",
        "resolution": "720p",
        "aspect_ratio": "9:16",
        "width": 720,
        "height": 1280,
        "quality": "standard",
        "duration_s": 5,
        "fps": 24,
    }
    return Order(**usual | changes)


def submit(adapter: Kling, model: str, **changes: Any) -> Pending:
    return adapter.submit(order(model, **changes), reference=REFERENCE, deadline_s=10)


def clip_of(egress: Egress, done: Pending | Finished) -> list[av.VideoFrame]:
    assert isinstance(done, Finished)
    target = io.BytesIO()
    egress.download(done.url or "", target, hosts=HOSTS, deadline_s=20, max_bytes=50_000_000)
    return frames_of(target.getvalue())


@pytest.mark.parametrize(
    ("model", "key", "billed"),
    [
        (NEW, API_KEY, 560_000),
        (BETTER, API_KEY, 420_000),
        (OLD, API_KEY, 210_000),
        (OLD, PAIR, 210_000),
    ],
    ids=WAY_NAMES,
)
def test_a_clip_from_words_is_made_and_its_bill_is_the_list_price(
    sim: Simulators, egress: Egress, model: str, key: dict[str, str], billed: int
) -> None:
    adapter = kling(sim, egress, key)

    pending = submit(adapter, model)
    done = adapter.poll(pending.operation, deadline_s=10)

    assert isinstance(done, Finished)
    assert done.cost_micros == billed
    frames = clip_of(egress, done)
    assert (len(frames), frames[0].width, frames[0].height) == (120, 720, 1280)
    assert [row["reference"] for row in sim.rows("kling")] == [REFERENCE]


@pytest.mark.parametrize(("model", "key"), WAYS, ids=WAY_NAMES)
def test_a_clip_from_a_still_has_its_shape(
    sim: Simulators, egress: Egress, model: str, key: dict[str, str]
) -> None:
    adapter = kling(sim, egress, key)
    still = Keyframe(base64.b64decode(png_base64(640, 360)), "image/png")

    pending = submit(adapter, model, keyframe=still, resolution="1080p")

    frames = clip_of(egress, adapter.poll(pending.operation, deadline_s=10))
    assert (frames[0].width, frames[0].height) == (1920, 1080)


def test_a_legacy_clip_of_ten_seconds_takes_a_negative_prompt(
    sim: Simulators, egress: Egress
) -> None:
    adapter = kling(sim, egress, PAIR)

    pending = submit(adapter, OLD, resolution="1080p", duration_s=10, negative_prompt="text")

    done = adapter.poll(pending.operation, deadline_s=10)
    assert isinstance(done, Finished)
    assert done.cost_micros == 700_000


@pytest.mark.parametrize(("model", "key"), WAYS, ids=WAY_NAMES)
def test_a_lost_answer_is_found_again_and_nothing_is_bought_twice(
    sim: Simulators, egress: Egress, model: str, key: dict[str, str]
) -> None:
    adapter = kling(sim, egress, key)
    assert adapter.find(REFERENCE, deadline_s=10) is None
    sim.fault("kling", "drop_reply")
    with pytest.raises(ProviderOutcomeUnknown):
        submit(adapter, model)

    found = adapter.find(REFERENCE, deadline_s=10)

    assert found is not None
    assert isinstance(adapter.poll(found.operation, deadline_s=10), Finished)
    with pytest.raises(ProviderOutcomeUnknown):
        submit(adapter, model)
    assert len(sim.rows("kling")) == 1


@pytest.mark.parametrize("product", ["text", "image"])
def test_a_lost_legacy_job_is_found_by_a_pair_of_keys(
    sim: Simulators, egress: Egress, product: str
) -> None:
    adapter = kling(sim, egress, PAIR)
    still = Keyframe(base64.b64decode(png_base64(640, 360)), "image/png")
    pending = submit(adapter, OLD, keyframe=still if product == "image" else None)

    assert adapter.find(REFERENCE, deadline_s=10) == pending
    assert pending.operation["product"] == f"{product}2video"


@pytest.mark.parametrize(("model", "key"), WAYS, ids=WAY_NAMES)
@pytest.mark.parametrize(
    ("fault", "code", "leaf"),
    [
        ("refuse", "1301", ContentRefused),
        ("refuse", "1300", ContentRefused),
        ("http_429", "1302", ProviderThrottled),
        ("http_429", "1303", ProviderThrottled),
        ("quota", "1100", ProviderKeyRefused),
        ("quota", "1101", ProviderQuotaExhausted),
        ("quota", "1102", ProviderQuotaExhausted),
        ("bad_key", "1000", ProviderKeyRefused),
        ("bad_key", "1103", ProviderKeyRefused),
        ("bad_key", "1304", ProviderKeyRefused),
        ("retired", "1203", ProviderRetired),
        ("http_500", "5001", ProviderUnavailable),
        ("http_500", "5000", ProviderOutcomeUnknown),
        ("http_500", "5002", ProviderOutcomeUnknown),
    ],
)
def test_a_refusal_says_what_it_proves(
    sim: Simulators,
    egress: Egress,
    model: str,
    key: dict[str, str],
    fault: str,
    code: str,
    leaf: type[ProviderError],
) -> None:
    sim.fault("kling", fault, code=code)

    with pytest.raises(ProviderError) as raised:
        submit(kling(sim, egress, key), model)

    assert type(raised.value) is leaf
    assert sim.rows("kling") == []


@pytest.mark.parametrize(("model", "key"), WAYS, ids=WAY_NAMES)
def test_a_request_that_breaks_a_rule_is_ours_to_mend(
    sim: Simulators, egress: Egress, model: str, key: dict[str, str]
) -> None:
    with pytest.raises(ProviderRequestInvalid):
        submit(kling(sim, egress, key), model, duration_s=16)


@pytest.mark.parametrize(("model", "key"), WAYS, ids=WAY_NAMES)
@pytest.mark.parametrize("fault", ["http_500", "http_429", "bad_key", "html", "malformed"])
def test_a_look_that_fails_sees_nothing_and_the_next_one_works(
    sim: Simulators, egress: Egress, model: str, key: dict[str, str], fault: str
) -> None:
    adapter = kling(sim, egress, key)
    pending = submit(adapter, model)
    sim.fault("kling", fault, where="poll")

    leaf = ProviderKeyRefused if fault == "bad_key" else ProviderProtocolError
    with pytest.raises(leaf):
        adapter.poll(pending.operation, deadline_s=10)

    assert isinstance(adapter.poll(pending.operation, deadline_s=10), Finished)


@pytest.mark.parametrize(("model", "key"), WAYS, ids=WAY_NAMES)
def test_a_stuck_an_odd_a_refused_and_an_empty_task(
    sim: Simulators, egress: Egress, model: str, key: dict[str, str]
) -> None:
    adapter = kling(sim, egress, key)

    def made(fault: str, number: int, **extras: Any) -> Pending:
        if fault != "odd_status":
            sim.fault("kling", fault, **extras)
        return adapter.submit(order(model), reference=f"att_{number}", deadline_s=10)

    stuck = made("stuck", 1)
    assert adapter.poll(stuck.operation, deadline_s=10) == stuck
    odd = made("odd_status", 2)
    sim.fault("kling", "odd_status")
    assert adapter.poll(odd.operation, deadline_s=10) == odd
    refused = made("refuse", 3, where="result")
    with pytest.raises(ContentRefused):
        adapter.poll(refused.operation, deadline_s=10)
    empty = made("malformed", 4, where="result")
    with pytest.raises(ProviderProtocolError, match="without a clip"):
        adapter.poll(empty.operation, deadline_s=10)
    with pytest.raises(ProviderProtocolError, match="does not list"):
        adapter.poll({**empty.operation, "task": "unknown"}, deadline_s=10)


# --- Keys ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong_by_s", [-7200, 7200])
def test_a_clock_that_is_hours_off_is_put_right_by_the_vendors_date(
    sim: Simulators, egress: Egress, wrong_by_s: int
) -> None:
    adapter = kling(sim, egress, PAIR, clock=lambda: time.time() + wrong_by_s)

    pending = submit(adapter, OLD)

    asked = sim.call("GET", "/__sim/requests").json()["requests"]
    assert len(asked) == 2
    assert isinstance(adapter.poll(pending.operation, deadline_s=10), Finished)
    assert len(sim.rows("kling")) == 1
    adapter.check(deadline_s=10)
    assert len(sim.call("GET", "/__sim/requests").json()["requests"]) == 4  # learnt once


@pytest.mark.parametrize("key", [API_KEY, PAIR])
def test_a_good_key_passes_the_free_call(
    sim: Simulators, egress: Egress, key: dict[str, str]
) -> None:
    kling(sim, egress, key).check(deadline_s=10)


@pytest.mark.parametrize(
    "key",
    [{"api_key": "stranger"}, PAIR | {"secret_key": "other"}, PAIR | {"access_key": "stranger"}],
)
def test_a_wrong_key_is_refused(sim: Simulators, egress: Egress, key: dict[str, str]) -> None:
    adapter = kling(sim, egress, key)

    with pytest.raises(ProviderKeyRefused):
        adapter.check(deadline_s=10)
    with pytest.raises(ProviderKeyRefused):
        submit(adapter, OLD)
    assert sim.rows("kling") == []


def test_a_pair_of_keys_with_a_new_model_reaches_nobody(sim: Simulators, egress: Egress) -> None:
    with pytest.raises(ProviderKeyRefused, match="takes an API key here"):
        submit(kling(sim, egress, PAIR), NEW)

    assert sim.call("GET", "/__sim/requests").json()["requests"] == []
