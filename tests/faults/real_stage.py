"""A stage whose adapters, downloads and inspection are the real ones, over real sockets.

Only the table, the bucket, the workflow and the clock are those of the fakes, so that a day of
doubt passes at once while every call to a provider is one.
"""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from filmgate import wiring
from filmgate.adapters import addresses, egress
from filmgate.adapters.addresses import AddressPolicy
from filmgate.adapters.media import inspect_bytes, inspect_file
from filmgate.domain import ids
from filmgate.domain.chain import OnUnknown, ProviderSettings
from filmgate.domain.errors import DownloadFailed, ProviderError, StoreUnavailable
from filmgate.domain.generations import Generation, Link
from filmgate.domain.ledger import Commit
from filmgate.domain.money import parse_usd
from filmgate.domain.wishes import AUTO, Media, Wish
from filmgate.providers.base import Adapter
from filmgate.providers.data import catalogue, rate_card
from filmgate.usecases.collect import Collect
from filmgate.usecases.generate import generate
from filmgate.usecases.poll import Poll
from filmgate.usecases.request import Request
from filmgate.usecases.steps import Outcome, StepResult, Worker
from filmgate.usecases.submit import Submit
from tests.support.builders import TENANT, principal
from tests.support.memory_studio import MemoryStudio
from tests.support.stage import Stage

CANARY_PROMPT = "canaryprompt7f3a"
CANARY_KEY = "canarykey91bc"
KEY = {"api_key": f"sim-{CANARY_KEY}"}
REVOKED_KEY = {"api_key": f"old-{CANARY_KEY}"}
KEY_PAIR = {"access_key": f"sim-{CANARY_KEY}", "secret_key": "sim-secret"}
PROMPT = f"A red fox in fresh snow, {CANARY_PROMPT}"
LIMIT = parse_usd("50")
LARGEST_RESULT_BYTES = 16_000_000
HOUR_S, DAY_H = 3600, 24
# As the state machine's Retry says, for a download and for a table that is away.
DOWNLOADS = (2, 6, 18, 54)
STORE_TRIES = (1, 2, 4, 8, 16, 30)
NO_PATIENCE_S = 1.5

_this_thread = threading.local()


class HastySocket(socket.socket):
    """A socket that waits for a silent other side no longer than this thread's test wants to."""

    def settimeout(self, value: float | None, /) -> None:
        most = getattr(_this_thread, "patience_s", None)
        super().settimeout(value if value is None or most is None else min(value, most))


def connect(address: str, port: int, timeout_s: float) -> socket.socket:
    """The real connection, as a HastySocket."""
    return HastySocket(fileno=egress.connect(address, port, timeout_s).detach())


@contextmanager
def hurried(seconds: float | None) -> Iterator[None]:
    """A call's deadline comes after this many real seconds of silence, in this thread."""
    _this_thread.patience_s = seconds
    try:
        yield
    finally:
        _this_thread.patience_s = None


class OwnersKeys:
    """The keys of all providers; `read` gives `known` until it is told to forget it."""

    def __init__(self) -> None:
        self._local = threading.local()

    def use(self, known: Mapping[str, str], *, now: Mapping[str, str] | None = None) -> None:
        """What this thread's process remembers, and what the store now has."""
        self._local.known, self._local.now = known, now or known

    def read(self, tenant: str, provider: str) -> Mapping[str, str]:
        known: Mapping[str, str] = self._local.known
        return known

    def forget(self, tenant: str, provider: str) -> None:
        self._local.known = self._local.now


keys = OwnersKeys()


def wire(patch: pytest.MonkeyPatch) -> None:
    """Let wiring make the real adapters and downloads, with loopback open and keys of ours."""
    way_out = egress.Egress(connect=connect, sleep=lambda seconds: None)
    patch.setattr(addresses, "policy", AddressPolicy(loopback=True))
    patch.setattr(wiring, "egress", lambda: way_out)
    patch.setattr(wiring, "provider_keys", lambda: keys)
    patch.setattr(wiring, "LARGEST_RESULT_BYTES", LARGEST_RESULT_BYTES)


class Heard:
    """A real adapter whose every failure is written down, those too that no step keeps."""

    def __init__(self, adapter: Adapter, told: list[str]) -> None:
        self._adapter = adapter
        self._told = told

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._adapter, name)
        return partial(self._listen, found) if callable(found) else found

    def _listen(self, call: Callable[..., Any], *given: Any, **named: Any) -> Any:
        try:
            return call(*given, **named)
        except ProviderError as error:
            self._told.append(f"{error} {error.message} {error.request_id}")
            raise


class ShakyStudio(MemoryStudio):
    """A table that is away for some of the commits: `away` says how many that lead to a state."""

    def __init__(self, away: Mapping[str, int]) -> None:
        super().__init__()
        self._away = dict(away)

    def commit(self, tenant: str, commit: Commit) -> None:
        state = commit.attempt.after.state.value if commit.attempt else ""
        if self._away.get(state, 0):
            self._away[state] -= 1
            raise StoreUnavailable("the table is throttled")
        super().commit(tenant, commit)


@dataclass(frozen=True)
class Desk:
    """A provider with the model that its owner has chosen, as a customer sees it."""

    provider: str
    model: str | None = None
    seconds: int = 0
    card: str = "guide"
    spare: str = ""

    @property
    def wish(self) -> Wish:
        media = Media.VIDEO if self.seconds else Media.IMAGE
        return Wish(type=media, prompt=PROMPT, duration_s=self.seconds or None)


DESKS = {
    "dalle": Desk("dalle", spare="nanobanana"),
    "nanobanana": Desk("nanobanana", spare="dalle"),
    "midjourney": Desk("midjourney", spare="nanobanana"),
    "kling": Desk("kling", "kling-3.0-turbo", 4, spare="sora"),
    "kling-legacy": Desk("kling", "kling-v2-6", 5, spare="whan"),
    "whan": Desk("whan", "wan2.7-t2v", 4, spare="sora"),
    "veo": Desk("veo", "gemini-omni-1.1-flash", 4, "vendor", spare="whan"),
    "veo-operations": Desk("veo", "veo-3.1-fast-generate-preview", 4, "vendor", spare="whan"),
    "sora": Desk("sora", "sora-2", 4, spare="whan"),
}


@dataclass
class RealStage(Stage):
    """The steps over the simulators at `address`, for one generation at a desk."""

    desk: Desk
    address: str
    with_spare: bool = False
    on_unknown: OnUnknown = OnUnknown.STOP
    card: str | None = None
    closed_port: bool = False
    away: Mapping[str, int] = field(default_factory=dict)
    before_look: Mapping[int, Callable[[], object]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    submits_at: list[datetime] = field(default_factory=list)
    looks: int = 0
    told_before: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__init__(default_limit=LIMIT)
        self.studio = ShakyStudio(self.away)
        self.adapters = self._adapter  # type: ignore[assignment]
        self.settings()

    def _adapter(self, tenant: str, link: Link) -> Any:
        return Heard(wiring.adapter(tenant, link), self.told)

    def settings(self) -> None:
        """The owner has a key for this provider, and for the next one where there is one."""
        used = [self.desk.provider, *([self.desk.spare] if self.with_spare else [])]
        known = self.studio.settings[TENANT]
        for name in catalogue().providers:
            known[name] = ProviderSettings(
                enabled=name in used,
                priority=used.index(name) + 1 if name in used else None,
                key_set=True,
                api_url=f"{self.address}/{name}",
                version=1,
            )
        first = f"{self.address}/{self.desk.provider}"
        if self.closed_port:
            first = f"http://127.0.0.1:1/{self.desk.provider}"
        known[self.desk.provider] = ProviderSettings(
            priority=1, key_set=True, api_url=first, model=self.desk.model, version=1
        )

    @property
    def request(self) -> Request:
        return Request(wish=self.desk.wish, provider=AUTO, on_unknown=self.on_unknown)

    def order(self, key: str = "the usual key") -> Generation:
        """Admit the request as the gateway does."""
        admitted = generate(
            self.request,
            principal=principal(),
            idempotency_key=key,
            request_hash=ids.quote_id(TENANT, key),
            studio=self.studio,
            workflow=self.workflow,
            catalogue=catalogue(),
            card=rate_card(self.card or self.desk.card),
            default_limit=LIMIT,
            default_cost_limit=LIMIT,
            pace=None,
            now=self.clock.now,
        )
        self.told_before = admitted.record.generation.warnings
        return admitted.record.generation

    # --- the steps with the real ports ---------------------------------------------------------

    def submit(
        self, generation: Generation, worker: Worker | None = None, attempt: int | None = None
    ) -> StepResult:
        step = Submit(
            studio=self.studio,
            takes=self.takes,
            adapters=self.adapters,
            inspect=inspect_bytes,
            clock=self.clock,
            default_limit=LIMIT,
            jitter=lambda: 1.0,
            patience=self.patience,
            key_was_changed=wiring.key_was_changed,
        )
        self.submits_at.append(self.clock.now)
        return step(TENANT, generation.id, worker or self.worker(), attempt)

    def poll(self, generation: Generation, attempt: int | None = None) -> StepResult:
        self.looks += 1
        self.before_look.get(self.looks, lambda: None)()
        return super().poll(generation, attempt)

    def _poll(self) -> Poll:
        return Poll(
            studio=self.studio,
            adapters=self.adapters,
            clock=self.clock,
            patience=self.patience,
            key_was_changed=wiring.key_was_changed,
        )

    def collect(self, generation: Generation, attempt: int | None = None) -> StepResult:
        step = Collect(
            studio=self.studio,
            takes=self.takes,
            adapters=self.adapters,
            fetch=wiring.fetch,
            inspect=inspect_file,
            clock=self.clock,
        )
        return step(TENANT, generation.id, self.worker(), attempt)

    def _until_alive(self, step: Any, generation: Generation, attempt: int | None) -> Any:
        """The state machine's Retry and Catch: what fails too often goes to its end."""
        failures: list[str] = []
        while True:
            try:
                return step(generation, attempt=attempt)
            except (DownloadFailed, StoreUnavailable) as error:
                self.told.append(str(error))
                waits = DOWNLOADS if isinstance(error, DownloadFailed) else STORE_TRIES
                if len(failures) == len(waits):
                    return StepResult(Outcome.STOPPED)
                self.clock.advance(waits[len(failures)])
                failures.append(type(error).__name__)

    # --- time ------------------------------------------------------------------------------------

    def sweep_for(self, hours: int) -> None:
        for _ in range(hours):
            self.clock.advance(HOUR_S)
            self.sweep()

    def everything(self) -> str:
        """All that the gateway has written and raised, but for the prompt in what was asked."""
        studio = self.studio
        parts: list[Any] = [self.told, self.words]
        for (_, _), generation in studio.generations.items():
            parts += [generation.failure, generation.warnings, generation.chain]
        parts += [studio.attempts, studio.takes, studio.entries, studio.price_doubts]
        parts += [studio.figures, studio.budgets, list(self.takes.objects)]
        return repr(parts)
