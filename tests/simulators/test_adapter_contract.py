"""One list of cases for every adapter with a key, over real sockets against its simulator.

What an adapter must make of each case stands in one table, EXPECTED. A case that a vendor cannot
have says why. The last test prints what was seen.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from PIL import Image
from simulator_client import KEY, Simulators, frames_of

from filmgate.adapters import addresses
from filmgate.adapters.addresses import AddressPolicy
from filmgate.adapters.egress import Egress, UnexpectedStatus
from filmgate.domain.errors import (
    ContentRefused,
    ErrorClass,
    ProviderError,
    ProviderJobFailed,
    ProviderKeyRefused,
    ProviderOutcomeUnknown,
    ProviderProtocolError,
    ProviderQuotaExhausted,
    ProviderResultMissing,
    ProviderRetired,
    ProviderThrottled,
)
from filmgate.providers.base import Account, Adapter, Finished, Order, Pending
from filmgate.providers.dalle import Dalle
from filmgate.providers.kling import Kling
from filmgate.providers.midjourney import Midjourney
from filmgate.providers.nanobanana import Nanobanana
from filmgate.providers.sora import Sora
from filmgate.providers.veo import Veo
from filmgate.providers.whan import Whan

HOSTS = frozenset({"127.0.0.1"})
REFERENCE = "att_abcdefghijklmnopqrstuvwxyz00"
DELAY_S = 7
IMAGE = {"resolution": "1024x1024", "aspect_ratio": "1:1", "width": 1024, "height": 1024}
CLIP = {"resolution": "720p", "aspect_ratio": "16:9", "width": 1280, "height": 720}


@dataclass(frozen=True)
class Vendor:
    """An adapter, an ordinary order for it, and where its faults have names of their own."""

    adapter: type[Adapter]
    order: dict[str, Any]
    extras: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def answers_at_once(self) -> bool:
        return self.adapter.poll is Adapter.poll


@dataclass(frozen=True)
class NotHere:
    """The vendor cannot have this case."""

    reason: str


VENDORS = {
    "dalle": Vendor(Dalle, IMAGE | {"model": "gpt-image-2.6-flare", "duration_s": 0}),
    "nanobanana": Vendor(
        Nanobanana,
        IMAGE | {"model": "gemini-nano-banana-2.1", "duration_s": 0},
        {"empty success": {"fault": "refuse", "code": "STOP"}},
    ),
    "midjourney": Vendor(
        Midjourney,
        IMAGE | {"model": "midjourney-fast", "duration_s": 0, "width": 2048, "height": 2048},
        {"throttled, with a delay": {"code": "429"}},
    ),
    "sora": Vendor(Sora, CLIP | {"model": "sora-2", "duration_s": 4}),
    "whan": Vendor(Whan, CLIP | {"model": "wan2.7-t2v", "duration_s": 2}),
    "veo": Vendor(Veo, CLIP | {"model": "gemini-omni-1.1-flash", "duration_s": 3}),
    "kling": Vendor(Kling, CLIP | {"model": "kling-3.0-turbo", "duration_s": 3}),
}

AT_ONCE = NotHere("the answer to the paid call is the result: nothing is polled")
INLINE = NotHere("the bytes come in the answer: there is no link")
NO_LINK = NotHere("a finished job names no result: its content lies below the job's own path")
NO_MODELS = NotHere("a proxy has no list of models: the model is a flag of the prompt")

# What a case's answer must be, for all vendors; then where one differs, and who cannot have it.
EXPECTED: dict[str, type] = {
    "done": Finished,
    "running": Pending,
    "throttled, with a delay": ProviderThrottled,
    "throttled, without": ProviderThrottled,
    "no credit": ProviderQuotaExhausted,
    "bad key": ProviderKeyRefused,
    "refused at submit": ContentRefused,
    "refused as a result": ContentRefused,
    "retired model": ProviderRetired,
    "malformed submit": ProviderOutcomeUnknown,
    "malformed look": ProviderProtocolError,
    "HTML at submit": ProviderOutcomeUnknown,
    "HTML at a look": ProviderProtocolError,
    "empty success": ProviderResultMissing,
    "odd status word": Pending,
    "expired link": UnexpectedStatus,
}
OTHERWISE: dict[tuple[str, str], type | NotHere] = {
    ("dalle", "running"): AT_ONCE,
    ("dalle", "malformed look"): AT_ONCE,
    ("dalle", "HTML at a look"): AT_ONCE,
    ("dalle", "empty success"): ProviderOutcomeUnknown,
    ("dalle", "odd status word"): AT_ONCE,
    ("dalle", "expired link"): INLINE,
    ("nanobanana", "running"): AT_ONCE,
    ("nanobanana", "malformed look"): AT_ONCE,
    ("nanobanana", "HTML at a look"): AT_ONCE,
    ("nanobanana", "empty success"): ProviderJobFailed,
    ("nanobanana", "odd status word"): AT_ONCE,
    ("nanobanana", "expired link"): INLINE,
    ("midjourney", "retired model"): NO_MODELS,
    ("sora", "empty success"): NO_LINK,
}
FAULTS: dict[str, dict[str, Any]] = {
    "throttled, with a delay": {"fault": "http_429", "retry_after": DELAY_S},
    "throttled, without": {"fault": "http_429"},
    "no credit": {"fault": "quota"},
    "bad key": {"fault": "bad_key"},
    "refused at submit": {"fault": "refuse"},
    "refused as a result": {"fault": "refuse", "where": "result"},
    "retired model": {"fault": "retired"},
    "malformed submit": {"fault": "malformed"},
    "malformed look": {"fault": "malformed", "where": "poll"},
    "HTML at submit": {"fault": "html", "status": 200},
    "HTML at a look": {"fault": "html", "status": 200, "where": "poll"},
    "empty success": {"fault": "malformed", "where": "result"},
    "odd status word": {"fault": "odd_status"},
    "expired link": {"fault": "expired_url"},
}
seen: dict[tuple[str, str], str] = {}


def wanted(provider: str, case: str) -> type | NotHere:
    return OTHERWISE.get((provider, case), EXPECTED[case])


APPLY = [
    (provider, case)
    for provider in VENDORS
    for case in EXPECTED
    if isinstance(wanted(provider, case), type)
]
DO_NOT = [
    (provider, case)
    for provider in VENDORS
    for case in EXPECTED
    if isinstance(wanted(provider, case), NotHere)
]


@pytest.fixture
def egress(monkeypatch: pytest.MonkeyPatch) -> Egress:
    monkeypatch.setattr(addresses, "policy", AddressPolicy(loopback=True))
    return Egress()


class Caller:
    """One vendor's adapter on its simulator."""

    def __init__(self, provider: str, sim: Simulators, egress: Egress) -> None:
        self.vendor = VENDORS[provider]
        account = Account(provider, f"{sim.url}/{provider}", HOSTS, {"api_key": KEY})
        self.adapter = self.vendor.adapter(egress, account)
        self._egress = egress

    def submit(self) -> Any:
        facts = {"prompt": "A red fox in fresh snow", "quality": "standard", "fps": 24}
        order = Order(**{**facts, **self.vendor.order})
        return self.adapter.submit(order, reference=REFERENCE, deadline_s=10)

    def look(self, job: Pending) -> Any:
        return self.adapter.poll(job.operation, deadline_s=10)

    def run(self) -> Any:
        """The first thing that is no job to be looked at, or what one look shows."""
        answer = self.submit()
        return self.look(answer) if isinstance(answer, Pending) else answer

    def see(self, job: Pending) -> Any:
        """The bytes of the job's result, or what one look shows as long as there are none."""
        answer = self.look(job)
        return self.content(answer) if isinstance(answer, Finished) else answer

    @property
    def pixels(self) -> tuple[int, int]:
        return self.vendor.order["width"], self.vendor.order["height"]

    def content(self, done: Finished) -> bytes:
        if done.data is not None:
            return done.data
        url, target = done.url or "", io.BytesIO()
        self._egress.download(
            url,
            target,
            hosts=HOSTS,
            deadline_s=20,
            max_bytes=50_000_000,
            headers=self.adapter.download_headers(url),
        )
        return target.getvalue()


def told(act: Callable[[], Any]) -> Any:
    """What it gives, or the failure that it raises; any other exception is one of the test."""
    try:
        return act()
    except (ProviderError, UnexpectedStatus) as error:
        return error


def size_of(content: bytes, order: dict[str, Any]) -> tuple[int, int, int]:
    """(width, height, whole seconds) of a decoded result."""
    if order["duration_s"] == 0:
        with Image.open(io.BytesIO(content)) as picture:
            picture.load()
            return *picture.size, 0
    frames = frames_of(content)
    return frames[0].width, frames[0].height, len(frames) // 24


@pytest.mark.parametrize(("provider", "case"), APPLY)
def test_every_adapter_makes_the_same_of_the_same_case(
    sim: Simulators, egress: Egress, provider: str, case: str
) -> None:
    caller = Caller(provider, sim, egress)
    if case == "running":
        sim.call("POST", "/__sim/pace", {"image_s": 60, "video_s": 60})
    if case in FAULTS:
        sim.fault(provider, **FAULTS[case] | caller.vendor.extras.get(case, {}))

    answer = told(caller.run)

    if case == "expired link":
        assert isinstance(answer, Finished)
        answer = told(partial(caller.content, answer))
    leaf = wanted(provider, case)
    seen[provider, case] = type(answer).__name__
    assert type(answer) is leaf, answer
    assert KEY not in str(answer)
    billed = [row for row in sim.rows(provider) if row["billed"]]
    if isinstance(answer, ProviderThrottled):
        assert answer.retry_after_s == (DELAY_S if case.endswith("with a delay") else None)
    if isinstance(answer, ProviderError) and not isinstance(answer, ProviderProtocolError):
        assert answer.error_class is ErrorClass.IN_DOUBT or billed == []
    else:
        assert len(billed) == 1


@pytest.mark.parametrize("provider", VENDORS)
def test_a_result_has_the_ordered_size_and_length(
    sim: Simulators, egress: Egress, provider: str
) -> None:
    caller = Caller(provider, sim, egress)
    order = caller.vendor.order

    made = size_of(caller.content(caller.run()), order)

    assert made == (*caller.pixels, order["duration_s"])


@pytest.mark.parametrize(
    ("provider", "case"),
    [
        (provider, case)
        for provider, case in APPLY
        if case in ("malformed look", "HTML at a look", "odd status word", "expired link")
    ],
)
def test_after_a_bad_look_or_link_the_same_job_is_seen_to_its_end_and_paid_once(
    sim: Simulators, egress: Egress, provider: str, case: str
) -> None:
    caller = Caller(provider, sim, egress)
    job = caller.submit()
    sim.fault(provider, **FAULTS[case])

    looks = [told(lambda: caller.see(job))]
    while not isinstance(looks[-1], bytes) and len(looks) < 4:
        looks.append(told(lambda: caller.see(job)))

    assert len(looks) > 1
    assert size_of(looks[-1], caller.vendor.order)[:2] == caller.pixels
    assert len(sim.rows(provider)) == 1


@pytest.mark.parametrize(("provider", "case"), DO_NOT)
def test_a_case_that_does_not_apply_cannot_be_ordered_from_the_simulator(
    sim: Simulators, provider: str, case: str
) -> None:
    reason = wanted(provider, case)
    assert isinstance(reason, NotHere)
    seen[provider, case] = "–"
    if case == "running":
        assert VENDORS[provider].answers_at_once
        return

    reply = sim.call("POST", "/__sim/faults", {"provider": provider, **FAULTS[case]})

    assert reply.status == 400, f"{provider} can have {case}, though: {reason.reason}"


def test_the_table_of_what_was_seen(
    request: pytest.FixtureRequest, figure: Callable[[str], None]
) -> None:
    whole = [item for item in request.session.items if item.path == request.path]
    everything = {(provider, case) for provider in VENDORS for case in EXPECTED}
    if len(whole) < len(everything) or hasattr(request.config, "workerinput"):
        pytest.skip("only a part of this file runs in this process")

    figure(table())
    for reason in sorted({one.reason for one in OTHERWISE.values() if isinstance(one, NotHere)}):
        names = ", ".join(
            f"{provider} ({case})"
            for (provider, case), one in OTHERWISE.items()
            if isinstance(one, NotHere) and one.reason == reason
        )
        figure(f"– {reason}: {names}")

    assert set(seen) == everything


def table() -> str:
    """Cases down, providers across."""
    width = max(map(len, EXPECTED)) + 2
    short = {key: name.removeprefix("Provider") for key, name in seen.items()}
    columns = {
        provider: max(len(provider), *(len(short[provider, case]) for case in EXPECTED)) + 2
        for provider in VENDORS
    }
    lines = ["".ljust(width) + "".join(name.ljust(columns[name]) for name in VENDORS)]
    for case in EXPECTED:
        cells = "".join(short[name, case].ljust(columns[name]) for name in VENDORS)
        lines.append(case.ljust(width) + cells)
    return "\n".join(line.rstrip() for line in lines)
