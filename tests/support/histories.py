"""A random history of a studio: attempts of every fate over some months, by a seed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from filmgate.domain import ledger
from filmgate.domain.attempts import (
    Attempt,
    AttemptState,
    accept,
    adopt,
    begin,
    correct,
    doubt,
    pay,
    presume,
    release,
    spoil,
    store,
)
from filmgate.domain.facts import Delivered, Reported
from filmgate.domain.generations import Generation
from filmgate.domain.ids import generation_id
from filmgate.domain.money import Micros
from filmgate.usecases.budgets import with_open_budgets
from filmgate.usecases.generate import reserve_link
from filmgate.usecases.ports import Studio
from tests.support.builders import (
    NOW,
    TENANT,
    clip_link,
    clip_wish,
    failure,
    generation,
    image_wish,
    link,
    usd,
)

IMAGES = ("dalle", "nanobanana", "midjourney")
CLIPS = ("kling", "whan", "flow")
LIMIT = usd("1000000")

LOST = ("lost", "presumed", "found")
TAKEN = ("paid", "stored", "spoiled", "corrected")

Steps = list[tuple[Attempt | None, Attempt]]


def generations(seed: int, count: int, *, days: int = 70) -> Iterator[Generation]:
    """Stills and clips of four users and three projects, oldest first."""
    random = Random(seed)
    for number in range(count):
        at = NOW + timedelta(seconds=number * days * 86_400 // count)
        price = f"0.{random.randint(1, 9999):04d}"
        is_clip = random.random() < 0.4
        make, wish = (clip_link, clip_wish()) if is_clip else (link, image_wish())
        yield generation(
            make(random.choice(CLIPS if is_clip else IMAGES), price),
            id=generation_id(TENANT, "anybody", f"{seed} {number}"),
            user=random.choice(("ada", "ben", "cat", "dan")),
            project=random.choice((None, "fox", "owl")),
            script_id=random.choice((None, "=1+1")),
            wish=wish,
            created_at=at,
        )


def live(studio: Studio, seed: int, count: int) -> None:
    """Let every generation's attempt go a random way, each step committed as the product does."""
    random = Random(seed + 1)
    for one in generations(seed, count):
        first = reserve_link(one, 0, now=one.created_at)
        own = ledger.Budget(ledger.generation_scope(one.id), ledger.NO_PERIOD, one.cost_limit)
        for before, after in _steps(random, first):
            at = one.created_at + timedelta(days=random.randint(0, 40))
            commit = ledger.change(before, after, at=at)
            if before is None:
                opened = ledger.opening(commit, own) if after.is_held else commit
                commit = ledger.with_generation(opened, None, one)
            with_open_budgets(
                lambda commit=commit: studio.commit(TENANT, commit),
                tenant=TENANT,
                studio=studio,
                default_limit=LIMIT,
            )


def _steps(random: Random, first: Attempt) -> Steps:
    """The states that an attempt passes through, one of all the ways that there are."""
    at, no = first.started_at, failure()
    way = random.choice((*LOST, *TAKEN, "skipped", "open", "sent", "refused"))
    if way == "skipped":
        return [(None, replace(first, state=AttemptState.RELEASED, failure=no, ended_at=at))]
    path = [first]
    if way != "open":
        path.append(begin(first, worker="w", lease_until=at + timedelta(minutes=5)))
    if way == "refused":
        path.append(release(path[-1], failure=no, now=at, worker="w"))
    if way in LOST:
        path += _lost(random, way, path[-1], at)
    if way in TAKEN:
        path += _taken(random, way, path[-1], at)
    return list(zip([None, *path], path, strict=False))


def _lost(random: Random, way: str, sent: Attempt, at: datetime) -> Iterator[Attempt]:
    yield (unsure := doubt(sent, failure=failure(), now=at, worker="w"))
    if way != "lost":
        yield (given_up := presume(unsure, now=at))
        if way == "found":
            yield (job := adopt(given_up, operation={"task": "1"}))
            yield _paid(random, job, at)


def _taken(random: Random, way: str, sent: Attempt, at: datetime) -> Iterator[Attempt]:
    yield (job := accept(sent, operation={"task": "1"}, deadline_at=at))
    yield (paid := _paid(random, job, at))
    if way == "spoiled":
        yield spoil(paid, failure=failure())
    if way in ("stored", "corrected"):
        size = Delivered(random.choice((1280, 640)), 720, None)
        yield (kept := replace(store(paid, now=at), delivered=size))
        if way == "corrected":
            yield correct(kept, actual=_bill(random, kept), now=at)


def _paid(random: Random, attempt: Attempt, at: datetime) -> Attempt:
    bill = _bill(random, attempt)
    return pay(attempt, actual=bill, reported=Reported(cost_micros=bill), now=at)


def _bill(random: Random, attempt: Attempt) -> Micros:
    """Mostly the estimate, sometimes less, sometimes more."""
    other = random.randint(0, 20_000) * 100
    return attempt.reserved_micros if random.random() < 0.7 else other
