"""False vendors that tell the truth about what they accepted, made and will bill."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, BinaryIO

from filmgate.domain.attempts import Attempt, Kind
from filmgate.domain.errors import (
    ContentRefused,
    DownloadFailed,
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
    ProviderRetired,
    ProviderThrottled,
    ProviderUnavailable,
    ProviderUnsupported,
    ResultUnusable,
)
from filmgate.domain.generations import Link
from filmgate.providers.base import Finished, Order, Pending, Rendering
from tests.simulation.book import check_send
from tests.support.fakes import clip, picture

NEVER = 1e12
SLOWEST_ARRIVAL_S = 45.0
"""How long after a caller has hung up a request may still arrive: less than a lease lasts."""
KEY_REMEMBERED_S = 300.0
REPLAY_ENDS = timedelta(seconds=3600 + 240)
"""A step that began within the first hour of a doubt sends at the latest so long after it."""


@dataclass
class Job:
    """What a vendor took, and what becomes of it. All times are virtual seconds."""

    reference: str
    cost: int
    bill: int
    accepted_at: float
    done_at: float
    end: str  # ok, failed, refused, empty
    data: bytes
    billed_if_failed: bool
    seen_from: float  # by looks
    found_from: float  # by searches
    shown_from: float  # the result of a success
    at_once: bool
    findable: bool
    broken: bool = False
    cancelled_at: float = NEVER
    must_be_stored: bool = False

    def charge(self, now: float) -> int:
        """What its vendor may bill, as far as that is decided; the most until it is."""
        over = now >= self.cancelled_at or (
            self.end in ("failed", "refused") and now >= self.done_at
        )
        if over:
            return self.cost if self.billed_if_failed else 0
        return self.bill

    @property
    def delivers(self) -> bool:
        return self.end == "ok" and self.cancelled_at == NEVER and self.done_at < NEVER


@dataclass
class Vendor:
    """One vendor in one history: what kind it is, and how often what happens."""

    name: str
    kind: Kind
    proves_absence: bool
    style: str  # bytes, link, poll, render
    bills_failed_jobs: bool
    can_cancel: bool
    says_cost: bool
    trouble: float  # how likely a call goes wrong
    slow: bool
    jobs: dict[str, Job] = field(default_factory=dict)
    maybe_sent: dict[str, float] = field(default_factory=dict)
    searched: dict[str, float] = field(default_factory=dict)
    script: list[str] = field(default_factory=list)  # what befalls the next submits
    key: int = 1
    revoked: bool = False


class SimulatedAdapter:
    """A vendor as one process sees it, with the key that the process has read."""

    def __init__(self, world: Any, vendor: Vendor, key: int, link: Link) -> None:
        self._world = world
        self._vendor = vendor
        self._link = link
        self.key = key
        self.kind = vendor.kind
        self.proves_absence = vendor.proves_absence
        self.bills_failed_jobs = vendor.bills_failed_jobs
        self.can_cancel = vendor.can_cancel

    def download_headers(self, url: str) -> Mapping[str, str]:
        return {}

    # --- the paid call -------------------------------------------------------------------------

    def submit(
        self, order: Order, *, reference: str, deadline_s: float
    ) -> Pending | Rendering | Finished:
        world, vendor = self._world, self._vendor
        world.before("submit", reference)
        if vendor.style == "render":
            return Rendering()
        random: Random = world.random
        first = vendor.maybe_sent.get(reference)
        attempt = world.attempt(reference)
        check_send(
            attempt,
            worker=world.process.name,
            kind=vendor.kind,
            sent_before=first is not None,
            late=attempt is not None and _is_late(attempt, world.now()),
        )
        fate = vendor.script.pop(0) if vendor.script else self._fate(random)
        if fate == "no":
            self._refuse(random, deadline_s)
        if self.key != vendor.key or vendor.revoked:
            world.sleep(random.random())
            raise ProviderKeyRefused(vendor.name, "refused the key")
        if fate == "never arrives":
            vendor.maybe_sent.setdefault(reference, world.seconds)
            world.note(f"submit {reference}: lost before it arrived")
            world.sleep(random.random() * deadline_s)
            raise ProviderOutcomeUnknown(vendor.name, "the connection ended")
        return self._accept(reference, deadline_s, lost=fate == "answer lost")

    def _fate(self, random: Random) -> str:
        if random.random() < self._trouble():
            return "no"
        drawn, lossy = random.random(), self._world.lossy
        if drawn < lossy:
            return "never arrives"
        return "answer lost" if drawn < 3 * lossy else "taken"

    def _accept(self, reference: str, deadline_s: float, *, lost: bool) -> Pending | Finished:
        world, vendor = self._world, self._vendor
        random: Random = world.random
        vendor.maybe_sent.setdefault(reference, world.seconds)
        job = vendor.jobs.get(reference)
        if job is None:
            slowest = deadline_s + SLOWEST_ARRIVAL_S if lost else min(3.0, deadline_s)
            delay = random.random() * slowest if random.random() < 0.6 else 0.0
            delay = min(delay, max(0.0, world.process_ends + SLOWEST_ARRIVAL_S - world.seconds))
            job = world.make_job(vendor, self._link, reference, delay)
            vendor.jobs[reference] = job
            world.check_charge(reference)
        world.note(f"submit {reference}: accepted at {job.accepted_at:.1f}{' and lost' * lost}")
        busy = job.done_at - world.seconds if vendor.style != "poll" else 0.0
        answer_in = max(job.accepted_at - world.seconds, busy, 0.0) + random.random()
        if lost or answer_in > deadline_s:
            cut = random.random()  # a connection may also end long before its request arrives
            world.sleep(deadline_s if cut < 0.4 else deadline_s * (cut - 0.4) ** 2)
            raise ProviderOutcomeUnknown(vendor.name, "no answer in time")
        world.sleep(answer_in)
        world.after("submit", reference)
        return self._answer(job)

    def _answer(self, job: Job) -> Pending | Finished:
        if self._vendor.style == "poll":
            return Pending({"task": job.reference})
        return self._finished(job, data=self._vendor.style == "bytes")

    def _finished(self, job: Job, *, data: bool) -> Finished:
        cost = job.bill if self._vendor.says_cost else None
        if data:
            return Finished(data=job.data, cost_micros=cost)
        url = f"{job.reference}?{self._world.seconds:.0f}"
        return Finished(url=url, cost_micros=cost)

    def _refuse(self, random: Random, deadline_s: float) -> None:
        """One of the answers that prove that nothing was accepted."""
        name = self._vendor.name
        told = random.choice((None, None, 1.0, 4.0, 60.0, 500.0, -3.0))
        error: ProviderError = random.choice(
            (
                ProviderThrottled(name, "busy", retry_after_s=told),
                ProviderThrottled(name, "busy", retry_after_s=told),
                ProviderUnavailable(name, "down", retry_after_s=told),
                ProviderNotReached(name, "no connection"),
                ProviderNotReached(name, "no connection"),
                ContentRefused(name, "no"),
                ContentRefused(name, "no"),
                ProviderQuotaExhausted(name, "no credit"),
                ProviderUnsupported(name, "cannot"),
                ProviderRetired(name, "gone"),
                ProviderRequestInvalid(name, "wrong"),
            )
        )
        self._world.note(f"submit: {type(error).__name__}")
        self._world.sleep(min(deadline_s, random.random() * 5))
        raise error

    def _trouble(self) -> float:
        return self._vendor.trouble if self._world.stormy else 0.0

    # --- free calls ----------------------------------------------------------------------------

    def poll(self, operation: Mapping[str, Any], *, deadline_s: float) -> Pending | Finished:
        world, vendor = self._world, self._vendor
        reference = str(operation.get("task") or str(operation.get("url", "")).partition("?")[0])
        world.before("poll", reference)
        if world.random.random() < self._trouble():
            raise ProviderProtocolError(vendor.name, "answered with an error page")
        if self.key != vendor.key or vendor.revoked:
            raise ProviderKeyRefused(vendor.name, "refused the key")
        job, now = vendor.jobs[reference], world.seconds
        if now < job.seen_from:
            raise ProviderJobUnknown(vendor.name, "no such job")
        if now >= job.cancelled_at:
            raise ProviderJobFailed(vendor.name, "cancelled")
        if now < job.done_at:
            return Pending(operation)
        if job.end == "failed":
            raise ProviderJobFailed(vendor.name, "failed")
        if job.end == "refused":
            raise ContentRefused(vendor.name, "refused while running")
        if now < job.shown_from:
            raise ProviderResultMissing(vendor.name, "nothing in it")
        return self._finished(job, data=vendor.style == "bytes")

    def cancel(self, operation: Mapping[str, Any], *, deadline_s: float) -> None:
        world, vendor = self._world, self._vendor
        reference = str(operation.get("task"))
        world.before("cancel at vendor", reference)
        job = vendor.jobs[reference]
        if job.accepted_at <= world.seconds < job.done_at and world.random.random() < 0.6:
            job.cancelled_at = world.seconds
            return
        if world.random.random() < 0.5:
            raise ProviderUnsupported(vendor.name, "cannot be cancelled any more")

    def find(self, reference: str, *, deadline_s: float) -> Pending | None:
        world, vendor = self._world, self._vendor
        world.before("find", reference)
        vendor.searched[reference] = world.seconds
        if world.random.random() < self._trouble():
            raise ProviderProtocolError(vendor.name, "answered with an error page")
        if self.key != vendor.key or vendor.revoked:
            raise ProviderKeyRefused(vendor.name, "refused the key")
        job = vendor.jobs.get(reference)
        return (
            None if job is None or world.seconds < job.found_from else Pending({"task": reference})
        )


def _is_late(attempt: Attempt, now: datetime) -> bool:
    """Whether a replay may start a job long after the doubt began."""
    since = attempt.doubted_at
    return since is not None and now - since > REPLAY_ENDS


class SimulatedAdapters:
    """Hands out adapters with the key that a process remembers."""

    def __init__(self, world: Any) -> None:
        self._world = world

    def __call__(self, tenant: str, link: Link) -> SimulatedAdapter:
        world = self._world
        world.before("read key", link.provider)
        vendor = world.vendors[link.provider]
        if world.stormy and world.random.random() < world.secrets_away:
            raise ProviderUnavailable(vendor.name, "its key cannot be read now")
        known, read_at = world.known_keys.get(vendor.name, (vendor.key, -KEY_REMEMBERED_S))
        if world.seconds - read_at >= KEY_REMEMBERED_S:
            known = vendor.key
            world.known_keys[vendor.name] = known, world.seconds
        return SimulatedAdapter(world, vendor, known, link)

    def was_changed(self, tenant: str, link: Link, used: SimulatedAdapter) -> bool:
        """Whether the key that was refused is not the one that is stored now."""
        world = self._world
        world.before("read key anew", link.provider)
        now_stored = world.vendors[link.provider].key
        world.known_keys[link.provider] = now_stored, world.seconds
        return bool(now_stored != used.key)


class SimulatedDownloads:
    """The port Fetch: what lies under a link that a vendor gave."""

    def __init__(self, world: Any) -> None:
        self._world = world

    def __call__(
        self, link: Link, url: str, sink: BinaryIO, *, headers: Mapping[str, str], deadline_s: float
    ) -> None:
        world = self._world
        world.before("download", url)
        reference, _, given_at = url.partition("?")
        job = world.vendors[link.provider].jobs[reference]
        world.sleep(min(deadline_s, world.random.random() * 4))
        if world.stormy and world.random.random() < world.download_trouble:
            raise DownloadFailed("cut")
        if world.seconds - float(given_at or 0) > 3600:
            raise DownloadFailed("the link has expired")
        if job.broken and len(job.data) % 2:
            raise ResultUnusable(link.provider, "larger than may be")
        sink.write(job.data)


def make_media(random: Random, link: Link, *, video: bool) -> tuple[bytes, bool]:
    """Bytes as a vendor delivers them, and whether they are no use."""
    fate = random.random()
    if fate < 0.06:
        return (b"<html>" if random.random() < 0.5 else b"<html/>"), True
    width = 512 if fate < 0.12 else link.width
    return (clip(width, link.height) if video else picture(width, link.height)), False
