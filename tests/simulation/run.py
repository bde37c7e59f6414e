"""Playing histories: one, or many over several processes."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context

from tests.simulation.book import Violation
from tests.simulation.world import World

CHUNKS_A_PROCESS = 10


@dataclass(frozen=True, slots=True)
class Told:
    """What a history was: its size, and the rule that it broke, if any."""

    seed: int
    calls: int
    deaths: int
    wrong: str | None = None


def play(seed: int) -> Told:
    world = World(seed)
    try:
        world.play()
    except Violation as violation:
        return Told(seed, world.calls, world.deaths, str(violation))
    except Exception as error:
        return Told(seed, world.calls, world.deaths, f"unexpected {error!r}")
    return Told(seed, world.calls, world.deaths)


def traced(seed: int) -> tuple[list[str], str | None]:
    """The calls of a history in their order, and the rule that it broke."""
    world = World(seed, trace=True)
    wrong = None
    try:
        world.play()
    except Exception as error:
        wrong = repr(error)
    return world.trace or [], wrong


def _play_all(seeds: range) -> list[Told]:
    return [play(seed) for seed in seeds]


def play_many(seeds: range, *, processes: int, chunk: int = 100) -> Iterator[Told]:
    """Play all seeds; the order of the answers is not theirs."""
    chunks = [seeds[at : at + chunk] for at in range(0, len(seeds), chunk)]
    # A process that is fresh now and then keeps the memory of thousands of histories small.
    with get_context("spawn").Pool(processes, maxtasksperchild=CHUNKS_A_PROCESS) as pool:
        for told in pool.imap_unordered(_play_all, chunks):
            yield from told


def explained(told: Told) -> str:
    """A violation with how to see it again."""
    return (
        f"seed {told.seed}: {told.wrong}\n"
        f"  replay: python -m tests.simulation --seed {told.seed} --trace"
    )


def measure(answers: Iterable[Told]) -> tuple[list[Told], str]:
    """The histories that broke a rule, and a sentence with the figures of all."""
    began = time.perf_counter()
    count = calls = deaths = 0
    wrong = []
    for told in answers:
        count, calls, deaths = count + 1, calls + told.calls, deaths + told.deaths
        if told.wrong is not None:
            wrong.append(told)
    took = time.perf_counter() - began
    figure = (
        f"simulation: {count:,} histories, {calls:,} calls of ports, {deaths:,} deaths, "
        f"{len(wrong)} violations; {count / took:,.0f} histories/s"
    )
    return wrong, figure
