"""Histories in which nothing fails but the processes: they die at chosen moments.

A moment is right before a call of a port, or right after its effect. A scenario is played once to
count its moments and then again for each of them, under all the rules of the simulation. Deaths of
the sweeper are among them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from random import Random

from filmgate.domain.attempts import Kind
from filmgate.domain.chain import OnRefusal, OnUnknown, ProviderSettings
from filmgate.domain.generations import GenerationState, Link
from filmgate.usecases.cancel import cancel
from filmgate.usecases.generate import generate
from tests.simulation.vendors import NEVER, Job, Vendor
from tests.simulation.world import (
    CARDS,
    CATALOGUE,
    RENDERER,
    STILL,
    World,
)
from tests.support.builders import (
    TENANT,
    clip_wish,
    image_wish,
    principal,
    request,
    usd,
)
from tests.support.builders import generation as a_generation
from tests.support.fakes import clip, picture

MOST_MOMENTS = 54
"""A doubt is swept for a day; what its later sweeps do, its first ones did."""

KINDS = ((Kind.KEYED, False), (Kind.FINDABLE, False), (Kind.FINDABLE, True), (Kind.BLIND, False))
AT_ONCE = ("taken", "answer lost", "never arrives", "no", "broken", "another price")
POLLED = (*AT_ONCE, "fails", "fails and is billed", "refused while running", "too late", "empty")
FIRST, SECOND = {False: "ember", True: "reel"}, {False: "kite", True: "vista"}


@dataclass(frozen=True, slots=True)
class Scenario:
    """One generation: what its first vendor is and does; a second one, where there is one, does
    its work. `cancelled` is after how many seconds the user cancels, if ever."""

    style: str
    kind: Kind
    proves_absence: bool
    fate: str
    second: bool
    on_unknown: OnUnknown
    cancelled: float | None = None

    @property
    def is_clip(self) -> bool:
        return self.style in ("poll", "render")


def scenarios() -> Iterator[Scenario]:
    """All kinds, ways of delivery, fates and policies that make a difference together."""
    for style, (kind, proves) in product(("bytes", "link", "poll"), KINDS):
        for fate in POLLED if style == "poll" else AT_ONCE:
            yield Scenario(style, kind, proves, fate, False, OnUnknown.STOP)
            yield Scenario(style, kind, proves, fate, True, OnUnknown.NEXT)
            if fate in ("answer lost", "never arrives", "no"):
                yield Scenario(style, kind, proves, fate, True, OnUnknown.STOP)
            if fate in ("taken", "answer lost"):
                yield Scenario(style, kind, proves, fate, True, OnUnknown.NEXT, cancelled=2.0)
    for second, cancelled in product((False, True), (None, 2.0)):
        yield Scenario("render", Kind.KEYED, False, "taken", second, OnUnknown.STOP, cancelled)


class CrashWorld(World):
    """A calm world with one generation. `deaths` are the moments, counted from 1."""

    def __init__(
        self, scenario: Scenario, deaths: frozenset[int] = frozenset(), *, trace: bool = False
    ) -> None:
        self.scenario = scenario
        self.fatal = deaths
        self.moments = 0
        super().__init__(0, trace=trace)

    def _strikes(self) -> bool:
        self.moments += 1
        return self.moments in self.fatal

    def _draw_weather(self) -> None:
        self.storm_ends = 0.0
        self.deadly = self.lossy = self.slow = self.lying_low = 0.0
        self.store_down = self.store_lost = self.bucket_down = 0.0
        self.secrets_away = self.download_trouble = 0.0
        self.echoes = 0

    def _vendor(self, name: str) -> Vendor:
        told = self.scenario
        plain = Vendor(name, Kind.BLIND, False, "poll" if told.is_clip else "bytes",
                       False, False, False, 0.0, False)  # fmt: skip
        if name == RENDERER:
            return replace(plain, kind=Kind.KEYED, style="render")
        if name != FIRST[told.is_clip]:
            return plain
        return replace(
            plain,
            kind=told.kind,
            proves_absence=told.proves_absence,
            style=told.style,
            bills_failed_jobs=told.fate == "fails and is billed",
            says_cost=told.fate == "another price",
            script=[told.fate] if told.fate in ("answer lost", "never arrives", "no") else [],
        )

    def make_job(self, vendor: Vendor, link: Link, reference: str, delay: float) -> Job:
        fate = self.scenario.fate if vendor.name == FIRST[self.scenario.is_clip] else "taken"
        now = self.seconds
        done_at = now + (NEVER if fate == "too late" else 20.0)
        end = {"fails": "failed", "fails and is billed": "failed",
               "refused while running": "refused", "empty": "empty"}.get(fate, "ok")  # fmt: skip
        broken = fate == "broken"
        media = clip() if self.scenario.is_clip else picture()
        return Job(
            reference=reference,
            cost=link.cost_micros,
            bill=link.cost_micros // 2 if fate == "another price" else link.cost_micros,
            accepted_at=now,
            done_at=done_at,
            end=end,
            data=b"<html/>" if broken else media,
            billed_if_failed=vendor.bills_failed_jobs,
            seen_from=now,
            found_from=now,
            shown_from=NEVER if end == "empty" else done_at,
            at_once=vendor.style != "poll",
            findable=vendor.kind is Kind.FINDABLE,
            broken=broken,
            must_be_stored=not broken and end == "ok" and vendor.kind is not Kind.BLIND,
        )

    def _prepare(self) -> None:
        self.default_limit = usd("5.0000")
        told = self.scenario
        still = a_generation()
        self.table.generations[TENANT, still.id] = still.now(state=GenerationState.SUCCEEDED)
        self.table.takes[TENANT, still.id][STILL.id] = STILL
        self.bucket.objects[STILL.key] = (picture(), "image/png")
        first = RENDERER if told.style == "render" else FIRST[told.is_clip]
        chosen = {first: 1, **({SECOND[told.is_clip]: 2} if told.second else {})}
        for name in CATALOGUE.providers:
            self.table.settings[TENANT][name] = ProviderSettings(
                enabled=name in chosen,
                priority=chosen.get(name),
                key_set=True,
                on_refusal=OnRefusal.NEXT,
                on_unknown=told.on_unknown,
                version=1,
            )
        self.scheduler.after(0.0, self._ask)
        self.scheduler.after(30.0, self._sweeps)

    def _ask(self) -> None:
        """The user asks with a key, until there is an answer."""
        told = self.scenario
        wish = image_wish()
        if told.is_clip:
            renders = told.style == "render"
            wish = clip_wish(image=STILL.id, motion="push_in") if renders else clip_wish()
        who = principal(role="admin")
        for _ in range(4):
            admitted = self._api("generate", lambda: generate(
                request(wish), principal=who, idempotency_key="the key", request_hash="hash",
                studio=self.studio, workflow=self.workflow, catalogue=CATALOGUE, card=CARDS[0],
                default_limit=self.default_limit, default_cost_limit=usd("1.0000"),
                pace=None, now=self.now()))  # fmt: skip
            if admitted is not None:
                break
        if told.cancelled is None or admitted is None:
            return
        self.scheduler.pause(told.cancelled)
        name = admitted.record.generation.id
        self._api("cancel", lambda: cancel(name, principal=who, studio=self.studio,
                                           now=self.now()))  # fmt: skip


def moments_of(scenario: Scenario) -> int:
    """How many moments a scenario has when nobody dies; raises Violation."""
    world = CrashWorld(scenario)
    world.play()
    return min(MOST_MOMENTS, world.moments)


def single_deaths(scenario: Scenario) -> Iterator[frozenset[int]]:
    for moment in range(1, moments_of(scenario) + 1):
        yield frozenset({moment})


def double_deaths(scenario: Scenario, count: int) -> Iterator[frozenset[int]]:
    """Pairs of moments, always the same; the second is counted in what the first has led to."""
    moments, random = moments_of(scenario), Random(repr(scenario))
    for _ in range(count):
        first = 1 + int(random.random() * moments)
        yield frozenset({first, first + 1 + int(random.random() * 30)})


def play(scenario: Scenario, deaths: frozenset[int]) -> str | None:
    """The rule that a history broke; None when it broke none."""
    world = CrashWorld(scenario, deaths)
    try:
        world.play()
    except Exception as error:
        return f"{scenario} with deaths {sorted(deaths)}: {error!r}"
    return None
