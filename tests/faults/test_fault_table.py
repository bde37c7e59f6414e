"""Every fault of the table at every provider, over real sockets against the simulators.

The cases run in threads, those of a desk one after another at a simulators process of their own;
each test waits for its case and compares it with what the table expects. After every case the books
must agree, with themselves and with the vendors' bills, and no key and no prompt may be found.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any

import pytest

from filmgate.domain.attempts import Attempt, AttemptState
from filmgate.domain.chain import OnUnknown
from filmgate.domain.generations import Record
from filmgate.domain.health import FAILURES_TO_OPEN
from filmgate.domain.ledger import EntryKind
from filmgate.domain.money import format_usd, parse_usd
from filmgate.providers.data import catalogue, rate_card
from filmgate.usecases.estimate import compare
from filmgate.usecases.verify import verify
from tests.faults.fault_table import CASES, KLINGS, ROWS, Case, End
from tests.faults.real_stage import (
    CANARY_KEY,
    CANARY_PROMPT,
    DAY_H,
    DESKS,
    KEY,
    KEY_PAIR,
    NO_PATIENCE_S,
    PROMPT,
    REVOKED_KEY,
    RealStage,
    hurried,
    keys,
    wire,
)
from tests.simulators.simulator_client import Simulators
from tests.support.builders import TENANT

S = AttemptState
# From the state of an attempt: what its whole price is. Said here once more, on purpose.
HELD = {S.RESERVED, S.SUBMITTING, S.IN_DOUBT, S.ACCEPTED, S.OVERDUE}
SETTLED = {S.PAID, S.STORED, S.PRESUMED}
# Which desks share a process of simulators, so that each draws its clips once.
GROUPS = (
    ("dalle", "nanobanana", "midjourney"),
    ("kling", "sora"),
    ("kling-legacy", "whan"),
    ("veo", "veo-operations"),
)
STORMY = 12
FEWEST = 800
KEYS: dict[str, tuple[dict[str, str], dict[str, str] | None]] = {
    "good": (KEY, None),
    "pair": (KEY_PAIR, None),
    "rotated before": (REVOKED_KEY, KEY),
    "rotated midway": (KEY, {"api_key": f"{KEY['api_key']}2"}),
}


@dataclass(frozen=True)
class Happened:
    """What a case came to, in the words of the table, and what does not add up."""

    end: End
    money: str
    wrong: tuple[str, ...]


# --- one case ----------------------------------------------------------------------------------


def run(case: Case, sim: Simulators) -> Happened:
    """Order, walk to the end, let a day of sweeps pass, and tell what there is."""
    known, now = KEYS[case.key]
    keys.use(known, now=now)
    desk = DESKS[case.desk]
    sim.call("POST", "/__sim/reset")
    if case.video_s is not None:
        sim.call("POST", "/__sim/pace", {"video_s": case.video_s})
    for fault in case.faults:
        sim.fault(desk.provider, **_dated(fault))
    looks = {} if case.at_look is None else {case.at_look[0]: _act(case.at_look[1], sim)}
    stage = RealStage(
        desk,
        sim.url,
        with_spare=case.spare,
        on_unknown=OnUnknown.NEXT if case.goes_on else OnUnknown.STOP,
        card=case.card,
        closed_port=case.closed_port,
        away=case.away,
        before_look=looks,
    )
    generation = stage.order()
    with hurried(NO_PATIENCE_S if case.hurried else None):
        before = stage.run(generation)
        wrong = _wrong(stage, before, sim, case)
        if case.afterwards is not None:
            _act(case.afterwards, sim)()
        stage.sweep_for(DAY_H + 1)
    after = stage.record(generation)
    wrong += _wrong(stage, after, sim, case)
    wrong += [f"still open: {one.id}" for one in after.attempts if one.is_held]
    wrong += _still_sold(stage, after)
    return Happened(_end(case, stage, before, after, sim), _money(before, after), tuple(wrong))


def _dated(fault: dict[str, Any]) -> dict[str, Any]:
    """A Retry-After that is a date is one from now on."""
    if fault.get("retry_after") != "in 30 s":
        return fault
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    return fault | {"retry_after": date}


def _act(name: str, sim: Simulators) -> Callable[[], object]:
    match name:
        case "mend":
            return partial(sim.call, "POST", "/__sim/mend")
        case "reset faults":
            return partial(sim.call, "POST", "/__sim/reset", {"only": ["faults"]})
        case "let it begin":
            return partial(time.sleep, 0.3)
    raise ValueError(name)


def _end(case: Case, stage: RealStage, before: Record, after: Record, sim: Simulators) -> End:
    first = before.attempts[0]
    failure = before.generation.failure
    health = stage.studio.figures[TENANT].get(first.provider)
    asked = [
        one
        for one in sim.call("GET", "/__sim/requests").json()["requests"]
        if one["method"] == "POST" and one["provider"] == first.provider
    ]
    times = stage.submits_at
    return End(
        generation=failure.code if failure else before.generation.state.value,
        attempts=_states(before),
        jobs=" ".join(str(len(_billed(sim, one))) for one in before.attempts),
        next_day=_states(after),
        code=first.failure.code if first.failure else None,
        code_later=None if first.failure else _code(after.attempts[0]),
        tries=first.tries,
        asked=len(asked),
        waited=(round((times[1] - times[0]).total_seconds()),) * 2 if len(times) > 1 else None,
        takes=len(after.takes),
        double_spend=any(one.double_spend for one in after.attempts),
        overrun=any(one.kind is EntryKind.OVERRUN for one in stage.studio.entries.values()),
        warned=before.generation.warnings != stage.told_before,
        suspended=health.reason if health and health.open_until else None,
    )


def _code(attempt: Attempt) -> str | None:
    return attempt.failure.code if attempt.failure else None


def _states(record: Record) -> str:
    return " ".join(one.state.value for one in record.attempts)


def _billed(sim: Simulators, attempt: Attempt) -> list[dict[str, Any]]:
    """The jobs that the vendor of an attempt bills."""
    return [row for row in sim.rows(attempt.provider) if row["billed"]]


def _money(before: Record, after: Record) -> str:
    def told(record: Record) -> str:
        held = sum(one.held_micros for one in record.attempts)
        return f"held {format_usd(held)} settled {format_usd(record.settled_micros)}"

    return told(before) if told(before) == told(after) else f"{told(before)}, then {told(after)}"


# --- what must hold, whatever happens ------------------------------------------------------------


def _wrong(stage: RealStage, record: Record, sim: Simulators, case: Case) -> list[str]:
    """Every rule that is broken, in a sentence."""
    wrong = [f"books: {one}" for one in stage.studio.balances_disagree()]
    verified = verify(stage.studio, TENANT)
    wrong += [f"drift: {one}" for one in verified.drift]
    wrong += _against_the_states(stage, record)
    for attempt in record.attempts:
        wrong += _against_the_bill(attempt, sim, case, stage)
    wrong += _told_too_much(stage, record)
    late = {take.attempt_id for take in record.takes if take.late}
    given_up = {one.attempt_id for one in record.takes} - {
        one.id for one in record.attempts if one.state is S.STORED
    }
    wrong += [f"a take of an attempt that is not stored: {one}" for one in given_up]
    if late and record.generation.provider in {
        one.provider for one in record.attempts if one.id in late
    }:
        wrong.append("a late take is told as the result")
    return wrong


def _against_the_states(stage: RealStage, record: Record) -> list[str]:
    """The owner's budget against what the states say, by prices alone."""
    chain = record.generation.chain
    held = sum(chain[one.index].cost_micros for one in record.attempts if one.state in HELD)
    settled = sum(
        chain[one.index].cost_micros if one.actual_micros is None else one.actual_micros
        for one in record.attempts
        if one.state in SETTLED
    )
    budget = stage.budget()
    if (budget.held, budget.settled) == (held, settled):
        return []
    return [f"budget {budget.held}/{budget.settled}, by the states {held}/{settled}"]


def _against_the_bill(attempt: Attempt, sim: Simulators, case: Case, stage: RealStage) -> list[str]:
    """What the vendor bills is one job at most, and no more than is held or settled for it."""
    rows = _billed(sim, attempt)
    billed = sum(parse_usd(row["cost"]) for row in rows)
    counted = attempt.held_micros + attempt.settled_micros
    wrong = []
    if len(rows) > 1:
        wrong.append(f"{attempt.provider} bills {len(rows)} jobs of one attempt")
    overcharged = case.card is not None or case.row == 23
    if billed > counted and not case.billed_all_the_same and not overcharged:
        wrong.append(f"{attempt.provider} bills {billed}, counted is {counted}")
    exact = stage.desk.card == "guide" and not overcharged
    if attempt.state is S.STORED and exact and billed != counted:
        wrong.append(f"{attempt.provider} bills {billed}, settled is {counted}")
    return wrong


def _still_sold(stage: RealStage, record: Record) -> list[str]:
    """A price that was overstepped is not sold at again, and any other is."""
    first = record.attempts[0]
    overstepped = any(one.kind is EntryKind.OVERRUN for one in stage.studio.entries.values())
    offers = compare(
        stage.desk.wish,
        tenant=TENANT,
        studio=stage.studio,
        catalogue=catalogue(),
        card=rate_card(record.generation.rate_card),
        now=stage.clock.now,
    ).offers
    (offer,) = [one for one in offers if one.provider.id == first.provider]
    doubted = offer.exclusion is not None and offer.exclusion.code == "price-in-doubt"
    if doubted is overstepped:
        return []
    return [f"overstepped is {overstepped}, the next estimate says {offer.exclusion}"]


def _told_too_much(stage: RealStage, record: Record) -> list[str]:
    told = stage.everything()
    found = [canary for canary in (CANARY_KEY, CANARY_PROMPT, PROMPT) if canary in told]
    return [f"{canary} was written" for canary in found]


# --- the tests -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest) -> Iterator[dict[str, "Future[Any]"]]:
    """Every case of this session, running: one thread and one process for each group."""
    own = [item for item in request.session.items if item.path == request.path]
    asked = [item.callspec.params for item in own if hasattr(item, "callspec")]
    cases = [CASES[one["name"]] for one in asked if "name" in one]
    storms = [one["stormy"] for one in asked if "stormy" in one]
    patch = pytest.MonkeyPatch()
    wire(patch)
    simulators: dict[int, Simulators] = {}
    pools: dict[int, ThreadPoolExecutor] = {}
    futures: dict[str, Future[Any]] = {}
    for number, desks in enumerate(GROUPS):
        works = [(case.id, partial(run, case)) for case in cases if case.desk in desks]
        works += [(name, partial(weather_a_storm, name)) for name in storms if name in desks]
        if works:
            simulators[number], pools[number] = Simulators(), ThreadPoolExecutor(1)
        for name, work in works:
            futures[name] = pools[number].submit(work, simulators[number])
    yield futures
    for number, pool in pools.items():
        pool.shutdown(cancel_futures=True)
        assert simulators[number].stop() == 0
    patch.undo()


lines: dict[str, str] = {}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.timeout(600)
def test_a_fault_ends_as_the_table_says(name: str, running: dict[str, "Future[Any]"]) -> None:
    case = CASES[name]

    happened: Happened = running[name].result()

    seen = _as_asked(happened.end, case.end)
    lines[name] = _line(case, happened, seen)
    print(lines[name])
    assert not happened.wrong
    assert seen == case.end, happened.end


def _as_asked(seen: End, wanted: End) -> End:
    """What was seen, where the table looks; waits between its bounds are as wanted."""
    fields = {name: getattr(seen, name) for name in End.__slots__}
    for name in ("code", "code_later", "tries", "asked", "takes", "suspended", "waited"):
        if getattr(wanted, name) is None:
            fields[name] = None
    if wanted.waited and seen.waited and wanted.waited[0] <= seen.waited[0] <= wanted.waited[1]:
        fields["waited"] = wanted.waited
    same = wanted.next_day is None and seen.next_day == seen.attempts
    return End(**fields | ({"next_day": None} if same else {}))


def _line(case: Case, happened: Happened, seen: End) -> str:
    as_expected = "so it was" if seen == case.end else f"HAPPENED {seen.says()}"
    broken = "".join(f"; WRONG {one}" for one in happened.wrong)
    return (
        f"{case.row:>2} {case.desk:<15}{case.name:<38}{case.end.says()} | {as_expected}; "
        f"{happened.money}{broken}"
    )


@pytest.mark.parametrize("stormy", DESKS)
@pytest.mark.timeout(600)
def test_a_storm_of_many_generations_costs_a_vendor_few_calls(
    stormy: str, running: dict[str, "Future[Any]"]
) -> None:
    assert running[stormy].result() == []


def weather_a_storm(name: str, sim: Simulators) -> list[str]:
    """Many generations while a vendor answers nothing but 500: what is wrong with that.

    Two calls each until the breaker opens, then none, or one as its probe where so much time has
    passed meanwhile; the next provider makes them all.
    """
    desk = DESKS[name]
    keys.use(KEY)
    sim.call("POST", "/__sim/reset")
    own = {"code": "5001"} if name in KLINGS else {}  # its first one proves nothing
    sim.fault(desk.provider, "http_500", times=0, **own)
    stage = RealStage(desk, sim.url, with_spare=True)
    records = [stage.run(stage.order(f"number {number}")) for number in range(STORMY)]
    requests = sim.call("GET", "/__sim/requests").json()["requests"]
    calls = sum(one["provider"] == desk.provider for one in requests)
    probes = STORMY - FAILURES_TO_OPEN
    ends = {one.generation.state.value for one in records}
    return [
        *([] if 0 <= calls - 2 * FAILURES_TO_OPEN <= probes else [f"{calls} calls"]),
        *([] if ends == {"succeeded"} else [f"they ended {ends}"]),
        *([] if len(sim.rows(desk.spare)) == STORMY else [f"{desk.spare} did not make all"]),
        *([f"it bills {sim.rows(desk.provider)}"] if sim.rows(desk.provider) else []),
        *stage.studio.balances_disagree(),
    ]


def test_the_whole_table_was_walked_through(
    request: pytest.FixtureRequest, figure: Callable[[str], None]
) -> None:
    if len(lines) < len(CASES):
        pytest.skip("only a part of the table runs in this process")

    desks = f"{len(DESKS)} desks ({', '.join(DESKS)})"
    figure(f"fault table: {len(CASES)} cases over real sockets, {len(ROWS)} rows, {desks}")
    for row, about in ROWS.items():
        figure(f"{row:>2} {about}")
        for (name, says), where in _by_ending(row).items():
            figure(f"   {name:<38}{says}  [{', '.join(where)}]")

    assert {case.row for case in CASES.values()} == set(ROWS)
    assert len(CASES) >= FEWEST


def _by_ending(row: int) -> dict[tuple[str, str], list[str]]:
    """The desks at which a fault of this row ends in the same way."""
    found: dict[tuple[str, str], list[str]] = {}
    for case in CASES.values():
        if case.row == row:
            found.setdefault((case.name, case.end.says()), []).append(case.desk)
    return found
