"""Fakes with a memory that fulfil the ports: clock, take bucket, workflow, providers, downloads.

Media in these tests are short texts such as b"image/png 1024 1024 -": `measured` reads them as the
media layer reads real files, and refuses anything else.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from filmgate.domain.attempts import Kind
from filmgate.domain.errors import (
    ProviderKeyRefused,
    ProviderOutcomeUnknown,
    ResultUnusable,
)
from filmgate.domain.generations import Link
from filmgate.providers.base import Adapter, Finished, Order, Pending, Rendering
from filmgate.usecases.ports import Execution, ExecutionState
from tests.support.builders import NOW

Answer = Pending | Rendering | Finished | Exception


class FakeClock:
    """Time stands still until the test moves it."""

    def __init__(self, start: datetime = NOW) -> None:
        self.now = start

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


# --- media as short texts ----------------------------------------------------------------------


def picture(width: int = 1024, height: int = 1024) -> bytes:
    return f"image/png {width} {height} -".encode()


def clip(width: int = 1280, height: int = 720, milliseconds: int = 5000) -> bytes:
    return f"video/mp4 {width} {height} {milliseconds}".encode()


@dataclass(frozen=True, slots=True)
class Measured:
    """What an inspection tells of a file."""

    media_type: str
    extension: str
    width: int
    height: int
    duration_ms: int | None
    size_bytes: int
    sha256: str
    has_audio: bool | None = None


def measured(media: bytes | Path) -> Measured:
    """Measure a text made by `picture` or `clip`; raises ResultUnusable for anything else."""
    data = media.read_bytes() if isinstance(media, Path) else media
    match data.split():
        case [b"image/png" | b"video/mp4" as kind, width, height, length]:
            duration_ms = None if length == b"-" else int(length)
        case _:
            raise ResultUnusable("result", "is no image or video")
    return Measured(
        media_type=kind.decode(),
        extension=".png" if kind == b"image/png" else ".mp4",
        width=int(width),
        height=int(height),
        duration_ms=duration_ms,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


# --- stores ------------------------------------------------------------------------------------


class OverwrittenTake(Exception):
    """Other bytes were put under a key that holds a result."""


class FakeTakes:
    """The take bucket as a dict of key to (bytes, media type)."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, str]] = {}

    def put(self, key: str, data: bytes, media_type: str) -> None:
        if self.objects.get(key, (data,))[0] != data:
            raise OverwrittenTake(key)
        self.objects[key] = (data, media_type)

    def put_file(self, key: str, path: Path, media_type: str) -> None:
        self.put(key, path.read_bytes(), media_type)

    def get(self, key: str) -> bytes:
        return self.objects[key][0]

    def find(self, prefix: str) -> str | None:
        return next((key for key in sorted(self.objects) if key.startswith(prefix)), None)

    def link(self, key: str, *, filename: str, expires_s: int) -> str:
        return f"https://takes.example/{key}?name={filename}&expires={expires_s}"


class FakeKeys:
    """The store of keys as a dict of (tenant, provider) to the key's fields."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], dict[str, str]] = {}

    def put(self, tenant: str, provider: str, key: Mapping[str, str]) -> None:
        self.stored[tenant, provider] = dict(key)

    def delete(self, tenant: str, provider: str) -> None:
        self.stored.pop((tenant, provider), None)


class FakeWorkflow:
    """Remembers what was started, by execution; `refusals` are raised by the next starts.

    What was started runs until the test says that it ended.
    """

    def __init__(self, *refusals: Exception) -> None:
        self.executions: dict[Execution, ExecutionState] = {}
        self._refusals = deque(refusals)

    @property
    def started(self) -> list[tuple[str, str]]:
        return [(one.tenant, one.generation_id) for one in self.executions]

    def start(self, execution: Execution) -> None:
        if self._refusals:
            raise self._refusals.popleft()
        self.executions.setdefault(execution, ExecutionState.RUNNING)

    def state(self, execution: Execution) -> ExecutionState:
        return self.executions.get(execution, ExecutionState.ABSENT)

    def end(self, execution: Execution) -> None:
        self.executions[execution] = ExecutionState.ENDED


# --- providers ---------------------------------------------------------------------------------


@dataclass
class ScriptedProvider:
    """An adapter that answers from a script; the last answer of a script stays.

    `meanwhile` happens during a submit, between the request and its answer.
    `references` has the reference of every submit. `accepted` has those that this provider took
    and will bill: every answer that is a result, and every lost answer whose error was scripted by
    `lost_answer`.
    """

    answers: Iterable[Answer] = ()
    looks: Iterable[Pending | Finished | Exception] = ()
    finds: Iterable[Pending | Exception | None] = ()
    kind: Kind = Kind.BLIND
    proves_absence: bool = False
    bills_failed_jobs: bool = False
    can_cancel: bool = False
    cancels: Iterable[Exception | None] = (None,)
    meanwhile: Callable[[], object] = lambda: None
    references: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    deadlines: list[float] = field(default_factory=list)
    polled: list[Mapping[str, Any]] = field(default_factory=list)
    searched: list[str] = field(default_factory=list)
    cancelled: list[Mapping[str, Any]] = field(default_factory=list)

    def download_headers(self, url: str) -> Mapping[str, str]:
        return {}

    def __post_init__(self) -> None:
        self._answers = deque(self.answers)
        self._looks = deque(self.looks)
        self._finds = deque(self.finds)
        self._cancels = deque(self.cancels)

    def cancel(self, operation: Mapping[str, Any], *, deadline_s: float) -> None:
        self.cancelled.append(operation)
        _told(_next(self._cancels))

    def submit(
        self, order: Order, *, reference: str, deadline_s: float
    ) -> Pending | Rendering | Finished:
        self.references.append(reference)
        self.orders.append(order)
        self.deadlines.append(deadline_s)
        self.meanwhile()
        answer = _next(self._answers)
        if not isinstance(answer, Exception) or isinstance(answer, _TookTheJob):
            self.accepted.append(reference)
        return _told(answer)

    def poll(self, operation: Mapping[str, Any], *, deadline_s: float) -> Pending | Finished:
        self.polled.append(operation)
        return _told(_next(self._looks))

    def find(self, reference: str, *, deadline_s: float) -> Pending | None:
        """By the script; without one the truth: the job is there if it was taken."""
        self.searched.append(reference)
        if not self._finds:
            return Pending({"task": reference}) if reference in self.accepted else None
        return _told(_next(self._finds))


class _TookTheJob(ProviderOutcomeUnknown):
    """To the gateway an unknown outcome; the scripted provider knows that it took the job."""


def lost_answer(provider: str = "lumen") -> ProviderOutcomeUnknown:
    """The provider takes the job and bills it, and its answer never arrives."""
    return _TookTheJob(provider, "the connection ended before an answer came")


class FakeAdapters:
    """Hands out the scripted providers by id; one without a script has no key."""

    def __init__(self, **providers: Adapter) -> None:
        self.providers: dict[str, Adapter] = dict(providers)

    def __call__(self, tenant: str, link: Link) -> Adapter:
        if link.provider not in self.providers:
            raise ProviderKeyRefused(link.provider, "has no key stored")
        return self.providers[link.provider]


class FakeDownloads:
    """The port Fetch: what lies under a URL, or the errors that come before it."""

    def __init__(self) -> None:
        self.contents: dict[str, deque[bytes | Exception]] = {}
        self.fetched: list[str] = []

    def put(self, url: str, *contents: bytes | Exception) -> None:
        self.contents[url] = deque(contents)

    def __call__(
        self, link: Link, url: str, sink: BinaryIO, *, headers: Mapping[str, str], deadline_s: float
    ) -> None:
        self.fetched.append(url)
        sink.write(_told(_next(self.contents[url])))


class FakeCamera:
    """The port CameraMove: writes a clip of the size and length that were asked for."""

    def __init__(self, refusal: ResultUnusable | None = None) -> None:
        self.refusal = refusal
        self.moves: list[str] = []
        self.stills: list[bytes] = []

    def __call__(
        self, still: bytes, out: Path, *, motion: str, width: int, height: int,
        duration_s: int, fps: int,
    ) -> None:  # fmt: skip
        self.moves.append(motion)
        self.stills.append(still)
        if self.refusal is not None:
            raise self.refusal
        out.write_bytes(clip(width, height, duration_s * 1000))


def _next(script: deque[Any]) -> Any:
    """The next line of a script; the last one stays."""
    return script.popleft() if len(script) > 1 else script[0]


def _told(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer
