"""SIGKILL of function workers and of the whole local AWS, at random moments, under work.

A stack of its own, where a doubt ends after seconds. Clients repeat with their key what was not
answered, as clients do. What a provider that cannot be searched billed or not is told by its bill
at last: an admin corrects what was presumed, and then both sides agree to the cent.
"""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import urllib3

from local.__main__ import PARAMETERS
from local.api import Answer
from local.ports import Ports
from local.stack import LocalStack
from tests.conftest import ROOT
from tests.e2e.gateway import TERMINAL, Gateway, Studio, prompt

SHOTS = 20
WORKERS = ("SubmitFunction", "PollFunction", "CollectFunction")
WHOLE_AWS = "the whole AWS"
SEED = 20261122
QUIET_S = 240.0


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A stack whose leases and doubts are short."""
    folder = tmp_path_factory.mktemp("fragile")
    with LocalStack(ROOT, Ports.unused(), folder) as stack:
        gateway = Gateway.of(
            stack,
            {**PARAMETERS, "SubmitTimeoutSeconds": "30", "PresumeAfterSeconds": "60"},
        )
        gateway.control("pace", {"image_s": 0.3, "video_s": 1.0})
        yield gateway


class Killer(threading.Thread):
    """Kills what its list says, in random order and at random moments, until all is done."""

    def __init__(self, stack: LocalStack) -> None:
        super().__init__(daemon=True)
        self.killed: Counter[str] = Counter()
        self.failure: Exception | None = None
        self._stack = stack
        self._random = random.Random(SEED)

    def run(self) -> None:
        targets = [*WORKERS * 8, *[WHOLE_AWS] * 6]
        self._random.shuffle(targets)
        try:
            for target in targets:
                self._kill(target)
                self.killed[target] += 1
        except Exception as error:
            self.failure = error

    def _kill(self, target: str) -> None:
        if target == WHOLE_AWS:
            self._stack.kill("aws")
            self._stack.resume("aws")
            time.sleep(self._random.uniform(1, 3))  # as people do: they start it to work with it
            return
        give_up_at = time.monotonic() + QUIET_S
        while not self._kill_worker(target):
            assert time.monotonic() < give_up_at, f"no worker of {target} has shown up"
            time.sleep(0.1)
        time.sleep(self._random.uniform(0.1, 1))

    def _kill_worker(self, function: str) -> bool:
        processes = self._stack.workers(function)
        try:
            os.kill(self._random.choice(processes), signal.SIGKILL)
        except (IndexError, ProcessLookupError):
            return False
        return True


def insist(call: Callable[[], Answer]) -> Answer:
    """Repeat a call until it is answered by more than a fault of ours."""
    give_up_at = time.monotonic() + QUIET_S
    while True:
        try:
            answer = call()
        except urllib3.exceptions.HTTPError:
            answer = None
        if answer is not None and answer.status < 500:
            return answer
        assert time.monotonic() < give_up_at, answer
        time.sleep(0.3)


def start(studio: Studio, number: int) -> dict[str, Any]:
    """One of the film's shots: every second one a clip, by all kinds of providers."""
    providers = ("dalle", "kling", "nanobanana", "whan", "midjourney", "sora")
    provider = providers[number % len(providers)]
    kind = "video" if provider in ("kling", "whan", "sora") else "image"
    body: dict[str, Any] = {"type": kind, "prompt": prompt(), "provider": provider}
    if kind == "video":
        body["params"] = {"duration_s": 4 if provider == "sora" else 5}
    key = {"Idempotency-Key": f"shot-{number}"}
    answer = insist(lambda: studio.api.call("POST", "/v1/generations", body, key))
    assert answer.status in (200, 202), answer.body
    return dict(answer.body)


def unfinished(studio: Studio, generations: list[dict[str, Any]]) -> int:
    """How many of the generations have not ended yet."""
    listed = insist(lambda: studio.api.call("GET", "/v1/generations?limit=100")).body["items"]
    states = {one["id"]: one["state"] for one in listed}
    return sum(states.get(one["id"]) not in TERMINAL for one in generations[-100:])


def settled(studio: Studio, generations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The generations when all have ended and nothing is held any more."""
    give_up_at = time.monotonic() + QUIET_S
    while True:
        now = [
            insist(lambda one=one: studio.api.call("GET", f"/v1/generations/{one['id']}")).body
            for one in generations
        ]
        budget = insist(lambda: studio.api.call("GET", "/v1/budgets/owner")).body
        attempts = [attempt for one in now for attempt in one["attempts"]]
        uncollected = any(a["state"] == "paid" and not a["error"] for a in attempts)
        all_ended = {one["state"] for one in now} <= TERMINAL
        if all_ended and budget["held"] == "0.0000" and not uncollected:
            return now
        assert time.monotonic() < give_up_at, (
            Counter(one["state"] for one in now),
            Counter(attempt["state"] for attempt in attempts),
            budget,
        )
        time.sleep(1)


@pytest.mark.timeout(600)
def test_whatever_is_killed_nothing_is_paid_twice_and_both_books_agree(
    fragile: Gateway, figure: Callable[[str], None]
) -> None:
    studio = fragile.studio()
    killer = Killer(fragile.stack)
    killer.start()

    with ThreadPoolExecutor(4) as clients:
        rounds = 0
        generations: list[dict[str, Any]] = []
        while killer.is_alive():
            numbers = range(rounds * SHOTS, (rounds + 1) * SHOTS)
            generations += clients.map(lambda number: start(studio, number), numbers)
            rounds += 1
            while killer.is_alive() and unfinished(studio, generations) > SHOTS // 4:
                killer.join(1)
    assert killer.failure is None, killer.failure
    assert killer.killed.total() >= 30
    ended = settled(studio, generations)

    states = Counter(one["state"] for one in ended)
    attempts = [(one, attempt) for one in ended for attempt in one["attempts"]]
    corrected = reconcile(fragile, studio, attempts)
    spent, billed = studio.budget()["spent"], bill(fragile, ended)
    figure(
        f"{killer.killed.total()} x SIGKILL ({dict(killer.killed)}) during {len(ended)} "
        f"generations: {dict(states)}; {corrected} presumed ones corrected by the vendor's bill; "
        f"spent {spent}, billed {billed / 10_000:.4f}"
    )
    assert round(float(spent) * 10_000) == billed
    for one in ended:
        jobs = fragile.paid_jobs(one["prompt"])
        assert len(jobs) <= len(one["attempts"]) == 1, one
        succeeded = one["state"] == "succeeded" or bool(one["takes"])
        assert succeeded or not jobs or one["failure"]["code"] == "outcome-unknown", one
    studio.check_books()


def bill(gateway: Gateway, ended: list[dict[str, Any]]) -> int:
    """What the vendors bill for these generations, in ten-thousandths of a dollar."""
    costs = [cost for one in ended for _, cost in gateway.paid_jobs(one["prompt"])]
    return sum(int(cost.replace(".", "")) for cost in costs)


def reconcile(
    gateway: Gateway, studio: Studio, attempts: list[tuple[dict[str, Any], dict[str, Any]]]
) -> int:
    """Correct every presumed attempt to what the vendor's bill says; how many differed."""
    differing = 0
    for generation, attempt in attempts:
        if attempt["state"] != "presumed":
            continue
        jobs = gateway.paid_jobs(generation["prompt"])
        cost = jobs[0][1] if jobs else "0.0000"
        if cost != attempt["actual_cost"]:
            path = f"/v1/generations/{generation['id']}/attempts/{attempt['id']}/correction"
            studio.api.post(path, {"actual_cost": cost, "reason": "as on the vendor's bill"})
            differing += 1
    return differing
