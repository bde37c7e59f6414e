"""One history: a false world around the real use cases, everything in it drawn from one seed."""

import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch
from uuid import UUID

import filmgate.usecases.generate as generate_module
from filmgate.domain.attempts import Attempt, Kind
from filmgate.domain.catalogue import Provider
from filmgate.domain.chain import OnRefusal, OnUnknown, ProviderSettings
from filmgate.domain.errors import (
    CallerError,
    DownloadFailed,
    GatewayError,
    Stale,
    StoreUnavailable,
)
from filmgate.domain.generations import GenerationState, Link
from filmgate.domain.ledger import Commit
from filmgate.domain.pricing import VENDOR_CARD, Unit
from filmgate.domain.wishes import Media
from filmgate.usecases.budgets import set_budget
from filmgate.usecases.cancel import cancel
from filmgate.usecases.collect import Collect
from filmgate.usecases.correct import correct
from filmgate.usecases.finish import Finish
from filmgate.usecases.generate import generate
from filmgate.usecases.poll import Poll
from filmgate.usecases.ports import Execution, ExecutionState
from filmgate.usecases.render import Render
from filmgate.usecases.search import Search
from filmgate.usecases.steps import Outcome, StepResult, Worker
from filmgate.usecases.submit import Submit
from filmgate.usecases.sweep import Sweep
from filmgate.usecases.verify import verify
from tests.simulation.book import Book, Violation
from tests.simulation.scheduler import Scheduler
from tests.simulation.vendors import (
    NEVER,
    Job,
    SimulatedAdapters,
    SimulatedDownloads,
    Vendor,
    make_media,
)
from tests.support.builders import (
    TENANT,
    author,
    card_of,
    catalogue_of,
    clip_wish,
    image_offer,
    image_wish,
    price_row,
    principal,
    provider,
    request,
    take,
    usd,
    video_offer,
)
from tests.support.builders import generation as a_generation
from tests.support.crashes import ProcessDied
from tests.support.fakes import FakeCamera, FakeTakes, measured, picture
from tests.support.memory_studio import MemoryStudio

DAY_S = 86400.0
LIVES = {"submit": 240, "poll": 60, "render": 600, "collect": 300, "finish": 30, "sweep": 280}
API_LIFE_S = 25
RETRIES = {"collect": (4, 2, 3, 60), "finish": (10, 1, 2, 60)}
USUAL_RETRY = (6, 1, 2, 30)
EXECUTION_LIFE_S = 43200
STILL = take()

IMAGES = ("ember", "kite", "flint", "onyx")
CLIPS = ("reel", "vista", "orbit", "prism")
RENDERER = "flow"


def _sold(name: str, place: int) -> Provider:
    video = name not in IMAGES
    offers = [image_offer()]
    if video:
        offers = [video_offer(accepts=frozenset({"image", "motion"}),
                              needs_keyframe=name == RENDERER, deadline_s=900)]  # fmt: skip
    media = Media.VIDEO if video else Media.IMAGE
    return provider(name, *offers, media=media, priority=place, needs_key=name != RENDERER)


CATALOGUE = catalogue_of(*(_sold(n, p) for p, n in enumerate((*IMAGES, *CLIPS, RENDERER))))
_PRICES = ("0.0200", "0.0300", "0.0100", "0.0500", "0.0080", "0.0060", "0.0100", "0.0040")
_ROWS = [
    price_row(name, price, Unit.IMAGE if name in IMAGES else Unit.SECOND)
    for name, price in zip((*IMAGES, *CLIPS), _PRICES, strict=True)
]
CARDS = (
    card_of(*_ROWS, price_row(RENDERER, "0.0000", Unit.SECOND), name=VENDOR_CARD),
    card_of(*_ROWS, price_row(RENDERER, "0.0020", Unit.SECOND), name="guide"),
)
STARTS = (
    datetime.fromisoformat("2026-11-22T12:00:00+00:00"),
    datetime.fromisoformat("2026-11-30T23:40:00+00:00"),
)


class Process:
    """A running function: it dies at `ends_at` at the latest, wherever it is."""

    def __init__(self, name: str, ends_at: float) -> None:
        self.name = name
        self.ends_at = ends_at


class World:
    """The ports, the processes and the weather of one history.

    After `storm_ends` nothing of ours fails any more; what vendors took goes on as it was drawn.
    """

    def __init__(self, seed: int, *, trace: bool = False) -> None:
        self.seed = seed
        self.random = random = Random(seed)
        self.start = STARTS[random.random() < 0.25]
        self.scheduler = Scheduler(random, self.start)
        self.trace: list[str] | None = [] if trace else None
        self.calls = 0
        self.deaths = 0
        self._processes: dict[Any, Process] = {}
        self._names = 0
        self._draw_weather()
        self.default_limit = usd(random.choice(("0.0400", "0.1000", "0.3000", "5.0000")))
        self.card = random.choice(CARDS)
        self.table = MemoryStudio()
        self.book = Book(self.table, self, self.default_limit)
        self.bucket = FakeTakes()
        self.vendors = {name: self._vendor(name) for name in CATALOGUE.providers}
        self.known_keys: dict[str, tuple[int, float]] = {}
        self.executions: dict[Execution, ExecutionState] = {}
        self.generation_ids: list[str] = []
        self.last_change = 0.0
        self.over = False
        self.gap = 0.0
        self._make_ports()
        self._prepare()

    # --- what is drawn -------------------------------------------------------------------------

    def _draw_weather(self) -> None:
        random = self.random
        self.storm_ends = random.choice((600.0, 2400.0, 7200.0))

        def sometimes(*levels: float) -> float:
            return levels[int(random.random() * len(levels))]

        self.deadly = sometimes(0, 0, 0.004, 0.015, 0.05)
        self.lossy = sometimes(0, 0.05, 0.15, 0.3)
        self.slow = sometimes(0, 0.01, 0.03)
        self.store_down = sometimes(0, 0, 0.01, 0.04)
        self.store_lost = sometimes(0, 0, 0.01, 0.05)
        self.bucket_down = sometimes(0, 0, 0.05)
        self.secrets_away = sometimes(0, 0, 0, 0.1)
        self.download_trouble = sometimes(0, 0, 0.2, 0.5)
        self.lying_low = sometimes(0, 0.2)  # jobs that looks and searches do not show at first
        self.echoes = 1 + int(random.random() * 4)

    def _vendor(self, name: str) -> Vendor:
        random = self.random
        if name == RENDERER:
            return Vendor(name, Kind.KEYED, False, "render", False, False, False, 0.0, False)
        kind = random.choice(tuple(Kind))
        styles = ("poll", "poll", "link") if name in CLIPS else ("bytes", "bytes", "link", "poll")
        return Vendor(
            name,
            kind,
            proves_absence=kind is Kind.FINDABLE and random.random() < 0.6,
            style=random.choice(styles),
            bills_failed_jobs=random.random() < 0.2,
            can_cancel=random.random() < 0.4,
            says_cost=self.card.name == VENDOR_CARD,
            trouble=random.choice((0.0, 0.1, 0.4, 0.8)),
            slow=random.random() < 0.2,
        )

    def make_job(self, vendor: Vendor, link: Link, reference: str, delay: float) -> Job:
        """Draw what becomes of a job that a vendor takes in `delay` seconds."""
        random, now = self.random, self.seconds
        accepted_at = now + delay
        at_once = vendor.style != "poll"
        fate = random.random()
        works_for = random.random() * (60 if at_once else 300)
        end = "ok"
        if not at_once:
            end = "failed" if fate < 0.12 else "refused" if fate < 0.17 else "ok"
            if 0.17 <= fate < 0.24:
                end = "empty"
            if vendor.slow or fate > 0.9:
                works_for = random.choice((1000.0, 5000.0, 30000.0, 100000.0, NEVER))
        hidden = random.random() < self.lying_low
        seen_from = accepted_at
        found_from = accepted_at
        if hidden and not vendor.proves_absence:
            found_from = accepted_at + random.choice((60.0, 900.0, 7200.0, 90000.0, NEVER))
        if hidden:
            seen_from = accepted_at + random.choice((10.0, 130.0, 900.0))
        data, broken = make_media(random, link, video=vendor.name in CLIPS)
        bill = link.cost_micros
        if vendor.says_cost and end == "ok":
            drawn = random.random()
            bill = bill // 200 * 100 if drawn < 0.2 else bill * 2 if drawn > 0.95 else bill
        done_at = accepted_at + works_for
        shown_from = done_at
        if end == "empty":
            shown_from = done_at + random.choice((30.0, 200.0, NEVER))
            end = "ok" if shown_from < NEVER else "empty"
        return Job(
            reference=reference,
            cost=link.cost_micros,
            bill=bill,
            accepted_at=accepted_at,
            done_at=done_at,
            end=end,
            data=data,
            billed_if_failed=vendor.bills_failed_jobs,
            seen_from=seen_from,
            found_from=found_from,
            shown_from=shown_from,
            at_once=at_once,
            findable=vendor.kind is Kind.FINDABLE,
            broken=broken,
            must_be_stored=(
                vendor.kind is Kind.FINDABLE
                and max(done_at, found_from) < 3 * DAY_S
                and end == "ok"
                and not broken
            ),
        )

    # --- what the code under test and its ports ask --------------------------------------------

    @property
    def seconds(self) -> float:
        return self.scheduler.seconds

    @property
    def stormy(self) -> bool:
        return self.scheduler.seconds < self.storm_ends

    @property
    def process(self) -> Process:
        return self._process

    @property
    def process_ends(self) -> float:
        return self._process.ends_at

    def now(self) -> datetime:
        return self.scheduler.now()

    def before(self, what: str, which: str = "") -> None:
        """Every call of a port comes through here first: others may go on, and processes die."""
        self.calls += 1
        process = self._process
        drawn = self.random.random()
        pause = 0.0
        if self.stormy:
            if drawn < self.slow:
                pause = self.random.random() * 400
            elif drawn > 0.8:
                pause = 1.0
        self._switch(pause, process)
        if self.trace is not None:
            self.trace.append(f"{self.seconds:10.1f} {process.name:14} {what} {which}")
        if self._strikes():
            self._die(f"before {what}")

    def after(self, what: str, which: str = "") -> None:
        """A process may also die right after an effect."""
        if self._strikes():
            self._die(f"after {what}")

    def _strikes(self) -> bool:
        """Whether the process dies here; asked before every call and after every effect."""
        return self.stormy and self.random.random() < self.deadly

    def sleep(self, seconds: float) -> None:
        self._switch(seconds, self._process)

    def note(self, text: str) -> None:
        if self.trace is not None:
            name = self._process.name if self._process else "-"
            self.trace.append(f"{self.seconds:10.1f} {name:14}   {text}")

    def searched_at(self, attempt: Attempt) -> float:
        """When somebody last searched for the job of an attempt."""
        return self.vendors[attempt.provider].searched.get(attempt.id, -1.0)

    def attempt(self, reference: str) -> Attempt | None:
        for attempts in self.table.attempts.values():
            for one in attempts.values():
                if one.id == reference:
                    return one
        return None

    def job(self, reference: str) -> Job | None:
        attempt = self.attempt(reference)
        return self.vendors[attempt.provider].jobs.get(reference) if attempt else None

    def charge(self, reference: str) -> int:
        job = self.job(reference)
        return 0 if job is None else job.charge(self.seconds)

    def check_charge(self, reference: str) -> None:
        attempt = self.attempt(reference)
        assert attempt is not None
        self.book.check_charge(attempt)

    # --- processes -----------------------------------------------------------------------------

    def _switch(self, seconds: float, process: Process) -> None:
        end = process.ends_at
        if self.seconds + seconds >= end:
            self.scheduler.pause(max(0.0, end - self.seconds))
            self._process = process
            self._die("its time was over")
        self.scheduler.pause(seconds)
        self._process = process
        if self.seconds >= end:
            self._die("its time was over")

    def _die(self, how: str) -> None:
        self.deaths += 1
        self.note(f"DIED {how}")
        raise ProcessDied(how)

    def run_as(self, kind: str, life_s: float, work: Callable[[Worker], Any]) -> Any:
        """Run `work` as a fresh process of this task; raises ProcessDied when it dies."""
        self._names += 1
        process = Process(f"{kind}-{self._names}", self.seconds + life_s)
        self._process = process
        return work(Worker(process.name, self.start + timedelta(seconds=process.ends_at)))

    # --- ports ---------------------------------------------------------------------------------

    def _make_ports(self) -> None:
        self.studio = StudioPort(self)
        self.takes = TakesPort(self)
        self.workflow = WorkflowPort(self)
        self.adapters = SimulatedAdapters(self)
        studio: Any = self.studio
        takes: Any = self.takes
        adapters: Any = self.adapters
        clock = self.scheduler.now
        changed: Any = self.adapters.was_changed
        self.submit = Submit(studio, takes, adapters, measured, clock, self.default_limit,
                             jitter=self.random.random, key_was_changed=changed)  # fmt: skip
        self.poll = Poll(studio, adapters, clock, key_was_changed=changed)
        self.collect = Collect(studio, takes, adapters, SimulatedDownloads(self), measured, clock)
        self.render = Render(studio, takes, self._camera, measured, clock)
        self.finish = Finish(studio, clock)
        search = Search(studio, adapters, clock, self.submit.patience)
        self.sweeper = Sweep(studio, takes, self.workflow, self.poll, search, self.finish, clock,
                             on_failure=self._sweep_failed)  # fmt: skip
        self.steps: dict[str, Any] = {
            "submit": self.submit, "poll": self.poll, "collect": self.collect,
            "render": self.render, "finish": self._finish,
        }  # fmt: skip

    def _camera(self, *arguments: Any, **named: Any) -> None:
        self.before("camera")
        FakeCamera()(*arguments, **named)

    def _finish(self, tenant: str, generation_id: str, worker: Worker, attempt: int | None) -> Any:
        return self.finish(tenant, generation_id, attempt)

    def _sweep_failed(self, error: Exception) -> None:
        if not isinstance(error, StoreUnavailable | DownloadFailed):
            raise Violation(f"the sweeper met {error!r}") from error
        self.note(f"sweep: {error!r}")

    # --- the story -----------------------------------------------------------------------------

    def _prepare(self) -> None:
        random, table = self.random, self.table
        still = a_generation()
        table.generations[TENANT, still.id] = still.now(state=GenerationState.SUCCEEDED)
        table.takes[TENANT, still.id][STILL.id] = STILL
        self.bucket.objects[STILL.key] = (picture(), "image/png")
        chosen = {*random.sample(IMAGES, 1 + int(random.random() * 3)),
                  *random.sample(CLIPS, 1 + int(random.random() * 3))}  # fmt: skip
        if random.random() < 0.4:
            chosen.add(RENDERER)
        for name in CATALOGUE.providers:
            table.settings[TENANT][name] = ProviderSettings(
                enabled=name in chosen,
                key_set=True,
                on_refusal=random.choice(tuple(OnRefusal)),
                on_unknown=random.choice(tuple(OnUnknown)),
                version=1,
            )
        later = self.scheduler.after
        for number in range(1 + int(random.random() * 4)):
            begins = random.choice((0.0, 0.0, random.random() * 120, random.random() * 1500))
            later(begins, lambda number=number: self._user(number))
        for _ in range(self.echoes):
            later(random.random() * 900, self._echo)
        if random.random() < 0.6:
            later(random.random() * 1500, self._owner)
        if random.random() < 0.3:
            later(random.random() * 1500, self._turn_keys)
        later(30.0, self._sweeps)
        if random.random() < 0.3:
            later(30.0, self._sweeps)

    def _api(self, name: str, work: Callable[[], Any]) -> Any:
        """One request to the API; what its caller is told is the caller's business."""
        try:
            return self.run_as(name, API_LIFE_S, lambda worker: work())
        except (CallerError, StoreUnavailable, Stale) as error:
            self.note(f"answered {error!r}")
        except ProcessDied:
            pass
        return None

    def _user(self, number: int) -> None:
        """Asks for a generation, sometimes again with the same key, and sometimes cancels it."""
        random = self.random
        user = random.choice(("ada", "ben"))
        keyed = random.random() < 0.9
        key = f"key {number}" if keyed else None
        video = random.random() < 0.5
        renders = video and random.random() < 0.5
        wish = image_wish()
        if video:
            wish = clip_wish(image=STILL.id, motion="push_in") if renders else clip_wish()
        asked = request(
            wish,
            on_refusal=random.choice((None, *OnRefusal)),
            on_unknown=random.choice((None, *OnUnknown)),
            cost_limit=usd(random.choice(("0.0500", "0.1000", "1.0000"))),
            project=random.choice((None, "fox")),
        )
        who = principal(user=user, role="admin")

        def ask() -> Any:
            return generate(
                asked,
                principal=who,
                idempotency_key=key,
                request_hash=str(number),
                studio=self.studio,
                workflow=self.workflow,
                catalogue=CATALOGUE,
                card=self.card,
                default_limit=self.default_limit,
                default_cost_limit=usd("1.0000"),
                pace=None,
                now=self.now(),
            )

        for _ in range(1 + (keyed and random.random() < 0.3)):
            admitted = self._api("generate", ask)
            if admitted is not None:
                self.generation_ids.append(admitted.record.generation.id)
            self.scheduler.pause(random.random() * 20)
        if admitted is not None and random.random() < 0.25:
            self.scheduler.pause(random.random() * 200)
            name = admitted.record.generation.id
            self._api("cancel", lambda: cancel(name, principal=who, studio=self.studio,
                                               now=self.now()))  # fmt: skip

    def _owner(self) -> None:
        """Sets limits, mends what attempts cost, and has the books verified."""
        random = self.random
        for _ in range(1 + int(random.random() * 3)):
            scope = random.choice(("owner", "owner", "user:ada", "project:fox", "provider:ember",
                                   "provider:reel"))  # fmt: skip
            limit = random.choice((usd("0.0200"), usd("0.0500"), usd("1.0000"), None))
            self._api("set limit", lambda scope=scope, limit=limit: set_budget(
                scope, tenant=TENANT, limit=limit, alert_at=None, studio=self.studio,
                default_limit=self.default_limit, by=author(), now=self.now()))  # fmt: skip
            self.scheduler.pause(random.random() * 600)
            if random.random() < 0.3:
                found = self._api("verify", lambda: verify(self.studio, TENANT))
                if found is not None and found.drift:
                    raise Violation(f"I7: verify reports {found.drift}")
            if random.random() < 0.3 and self.generation_ids:
                self._api("correct", self._correction)
            self.scheduler.pause(random.random() * 600)

    def _correction(self) -> Any:
        name = self.random.choice(self.generation_ids)
        attempts = list(self.table.attempts[TENANT, name].values())
        chosen = self.random.choice(attempts)
        return correct(
            name,
            chosen.id,
            actual=self.random.choice((0, 10_000, chosen.reserved_micros * 2)),
            reason="the vendor's bill",
            principal=principal(role="admin"),
            studio=self.studio,
            now=self.now(),
        )

    def _turn_keys(self) -> None:
        """The owner replaces a key, or a vendor revokes one for a while."""
        vendor = self.vendors[self.random.choice((*IMAGES, *CLIPS))]
        if self.random.random() < 0.5:
            vendor.key += 1
            return
        vendor.revoked = True
        self.scheduler.pause(self.random.random() * 2000)
        vendor.revoked = False

    def _echo(self) -> None:
        """A step that is delivered again: late, twice, after the end, or of one attempt alone."""
        for _ in range(1 + int(self.random.random() * 4)):
            if self.generation_ids:
                name = self.random.choice(self.generation_ids)
                step = self.random.choice(("submit", "submit", "submit", "poll", "collect",
                                           "render"))  # fmt: skip
                known = list(self.table.attempts.get((TENANT, name), ()))
                attempt = None if self.random.random() < 0.7 else self.random.choice(known)
                self._step(f"echo {step}", step, name, attempt)
            self.scheduler.pause(self.random.random() * self.random.choice((5, 120, 1200)))

    def _step(self, called: str, step: str, name: str, attempt: int | None) -> Any:
        """One run of a step by a fresh process; None when it failed as the engine may see it."""
        work = self.steps[step]
        try:
            return self.run_as(called, LIVES[step], lambda w: work(TENANT, name, w, attempt))
        except (ProcessDied, StoreUnavailable, DownloadFailed) as error:
            self.note(f"step failed: {error!r}")
        except Stale:
            if step != "finish":
                raise Violation(f"Stale left the step {step}") from None
        return None

    def walk(self, execution: Execution, delay: float) -> None:
        """One execution of the state machine; steps that fail are repeated as it says."""
        name, attempt, began = execution.generation_id, execution.attempt, self.seconds
        step = "submit"
        while self.seconds - began < EXECUTION_LIFE_S:
            result = self._with_retries(step, name, attempt)
            if not isinstance(result, StepResult):
                step = "finish"
                if self._with_retries(step, name, attempt) is None:
                    self.note("EXECUTION FAILED")
                break
            if self.random.random() < 0.05 and self.stormy:
                again = step
                self.scheduler.after(
                    0.0, lambda again=again: self._step("twin", again, name, attempt)
                )
            self.scheduler.pause(result.wait_s)
            step = _NEXT.get(result.outcome, "finish")
            if step == "finish":
                self._with_retries(step, name, attempt)
                break
        self.executions[execution] = ExecutionState.ENDED
        if self.stormy and self.random.random() < 0.05:
            self.note("REDRIVE")
            self.executions[execution] = ExecutionState.RUNNING
            self.scheduler.after(5.0, lambda: self.walk(execution, 0.0))

    def _with_retries(self, step: str, name: str, attempt: int | None) -> Any:
        tries, wait, rate, longest = RETRIES.get(step, USUAL_RETRY)
        for number in range(tries + 1):
            result = self._step(step, step, name, attempt)
            if result is not None:
                return result
            if number < tries:
                self.scheduler.pause(min(longest, wait * rate**number) * self.random.random())
        return None

    def _sweeps(self) -> None:
        while not self.over:
            try:
                self.run_as("sweep", LIVES["sweep"], self.sweeper)
            except (ProcessDied, StoreUnavailable) as error:
                self.note(f"sweep failed: {error!r}")
            calm = self.seconds > max(self.storm_ends, self.last_change) + 3600
            self.scheduler.pause(self.gap or (1800.0 if calm else 300.0))

    # --- from the beginning to the end ---------------------------------------------------------

    def play(self) -> None:
        """Let it all happen; raises Violation."""
        drawn = lambda: UUID(int=self.random.getrandbits(128))  # noqa: E731
        memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # a real disk is slow
        with (
            patch.object(generate_module, "uuid4", drawn),
            patch.object(tempfile, "tempdir", memory or tempfile.gettempdir()),
        ):
            self._play()

    def _play(self) -> None:
        run = self.scheduler.run
        run(self.storm_ends)
        self._calm_down()
        end = self.storm_ends + 3600.0
        run(end)
        while self._is_busy():
            end += 1800.0
            run(end)
            self.book.check_holds(self.seconds, self._age)
            if end > 4 * DAY_S:
                raise Violation(f"no end after four days: {self._what_is_open()}")
        self._look_after_presumed(end)
        self.over = True
        self.book.check_end()

    def _look_after_presumed(self, end: float) -> None:
        """What was presumed paid is looked after for a week, and then closed."""
        if not self._has_open():
            return
        self.gap = DAY_S / 2
        self.scheduler.run(end + 9 * DAY_S)

    def _calm_down(self) -> None:
        for vendor in self.vendors.values():
            vendor.revoked = False
        self.known_keys.clear()

    def _age(self, attempt: Attempt) -> float:
        return (attempt.started_at - self.start).total_seconds()

    def _has_open(self) -> bool:
        return any(one.is_open for several in self.table.attempts.values()
                   for one in several.values())  # fmt: skip

    def _is_busy(self) -> bool:
        if any(not one.is_terminal for one in self.table.generations.values()):
            return True
        if any(one is ExecutionState.RUNNING for one in self.executions.values()):
            return True
        return any(
            one.is_open and one.state.value != "presumed"
            for several in self.table.attempts.values()
            for one in several.values()
        )

    def _what_is_open(self) -> str:
        states = [g.state.value for g in self.table.generations.values() if not g.is_terminal]
        attempts = [f"{one.id} {one.state}" for several in self.table.attempts.values()
                    for one in several.values() if one.is_open]  # fmt: skip
        running = [e for e, s in self.executions.items() if s is ExecutionState.RUNNING]
        return f"{states} {attempts} {running}"


_NEXT = {
    Outcome.AGAIN: "submit",
    Outcome.NEXT: "submit",
    Outcome.RUNNING: "poll",
    Outcome.RENDER: "render",
    Outcome.READY: "collect",
}


class StudioPort:
    """The table as a process sees it: slow, sometimes away, and sometimes its answer is lost."""

    def __init__(self, world: World) -> None:
        self._world = world
        for name in ("find", "page", "budget", "limit_of", "provider_settings", "opened", "ledger",
                     "tenants", "health", "token"):  # fmt: skip
            setattr(self, name, self._reading(name))
        for name in ("open_budget", "put_health"):
            setattr(self, name, self._writing(name))

    def commit(self, tenant: str, commit: Commit) -> None:
        world = self._world
        self._enter("commit", _told(commit))
        try:
            world.table.commit(tenant, commit)
        except GatewayError as error:
            world.note(f"commit refused: {error!r}")
            world.after("commit")
            raise
        world.last_change = max(world.last_change, world.seconds)
        world.book.committed(commit)
        self._leave("commit")

    def set_limit(self, tenant: str, **named: Any) -> None:
        self._enter("set limit", f"{named['scope']} {named['after'].limit}")
        self._world.table.set_limit(tenant, **named)
        self._world.book.limit_set(named["scope"], named["budget"].period)
        self._leave("set limit")

    def _reading(self, name: str) -> Callable[..., Any]:
        effect = getattr(self._world.table, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self._enter(name, "")
            return effect(*arguments, **named)

        return call

    def _writing(self, name: str) -> Callable[..., Any]:
        effect = getattr(self._world.table, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self._enter(name, "")
            effect(*arguments, **named)
            self._world.book.check_budgets()
            self._leave(name)

        return call

    def _enter(self, what: str, which: str) -> None:
        world = self._world
        world.before(what, which)
        if world.stormy and world.random.random() < world.store_down:
            world.note("store away")
            raise StoreUnavailable("throttled")

    def _leave(self, what: str) -> None:
        """The write is done; its answer may be lost, and then its own entry is found again."""
        world = self._world
        world.after(what)
        if world.stormy and world.random.random() < world.store_lost:
            world.note("done, and the answer lost")
            if world.random.random() < 0.3 and what == "commit":
                raise Stale("another has written over it before it could be read back")
            raise StoreUnavailable("the answer was lost")


def _told(commit: Commit) -> str:
    """A commit in a line of the trace."""
    parts = []
    if commit.attempt is not None:
        before, after = commit.attempt.before, commit.attempt.after
        parts.append(f"{after.id[-8:]} {before.state if before else None}->{after.state}")
    if commit.generation is not None:
        parts.append(f"generation {commit.generation.after.state}")
    parts += [f"{one.kind} {one.held:+d}/{one.settled:+d}" for one in commit.entries]
    return ", ".join(parts)


class TakesPort:
    """The take bucket as a process sees it."""

    def __init__(self, world: World) -> None:
        self._world = world
        for name in ("put", "put_file", "get", "find"):
            setattr(self, name, self._call(name))

    def _call(self, name: str) -> Callable[..., Any]:
        world, effect = self._world, getattr(self._world.bucket, name)

        def call(*arguments: Any) -> Any:
            world.before(f"bucket {name}", arguments[0])
            if world.stormy and world.random.random() < world.bucket_down:
                raise StoreUnavailable("the bucket is away")
            result = effect(*arguments)
            world.after(f"bucket {name}")
            if world.stormy and world.random.random() < world.bucket_down:
                raise StoreUnavailable("the bucket's answer was lost")
            return result

        return call


class WorkflowPort:
    """The state machine: one execution per name."""

    def __init__(self, world: World) -> None:
        self._world = world

    def start(self, execution: Execution) -> None:
        world = self._world
        world.before("start", f"{execution.generation_id[-6:]} {execution.run} {execution.attempt}")
        if world.stormy and world.random.random() < world.store_down:
            raise StoreUnavailable("the state machine is away")
        if execution not in world.executions:
            world.executions[execution] = ExecutionState.RUNNING
            if execution.generation_id not in world.generation_ids:
                world.generation_ids.append(execution.generation_id)
            delay = world.random.random() * 2
            world.scheduler.after(delay, lambda: world.walk(execution, delay))
        world.after("start")
        if world.stormy and world.random.random() < world.store_lost:
            raise StoreUnavailable("the answer was lost")

    def state(self, execution: Execution) -> ExecutionState:
        self._world.before("state of execution")
        return self._world.executions.get(execution, ExecutionState.ABSENT)
