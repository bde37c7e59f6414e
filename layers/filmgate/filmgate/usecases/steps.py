"""What the steps of the workflow share. The table is the truth; the workflow carries one word.

Every step reads the record, does what `next_step` asks for if that is its own work, and answers
with the outcome that the record then has. So a step may run twice, late, or after the end.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from filmgate.domain import ledger
from filmgate.domain.attempts import DOUBTFUL, Attempt, AttemptState, Failure, failure_of, release
from filmgate.domain.errors import ErrorClass, NotFound, ProviderError, ProviderSuspended, Stale
from filmgate.domain.facts import Delivered, Reported
from filmgate.domain.generations import (
    Generation,
    GenerationState,
    Link,
    Record,
    Step,
    Take,
    next_step,
)
from filmgate.domain.health import Health, after_failure, after_success
from filmgate.domain.ids import take_id
from filmgate.domain.money import Micros
from filmgate.domain.patience import Patience, next_look_s
from filmgate.domain.pricing import VENDOR_CARD, price_of_tokens, price_of_units
from filmgate.domain.usage import What, count_differences, delivery_differences, ordered_of
from filmgate.providers.base import Finished
from filmgate.usecases.ports import Studio

SHORTEST_CALL_S: Final = 5.0
_TRIES: Final = 5
USUAL: Final = Patience()


class Outcome(StrEnum):
    """The word that the state machine branches on."""

    STORED = "stored"
    AGAIN = "again"
    RUNNING = "running"
    RENDER = "render"
    READY = "ready"
    NEXT = "next"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class StepResult:
    """One word, and how many whole seconds to wait where it asks for a wait."""

    outcome: Outcome
    wait_s: int = 0


@dataclass(frozen=True, slots=True)
class Worker:
    """One run of a step: its name, and when its process will be ended at the latest."""

    name: str
    ends_at: datetime

    def remaining_s(self, now: datetime) -> float:
        return (self.ends_at - now).total_seconds()


class Inspection(Protocol):
    """What the media layer measured of a file."""

    @property
    def media_type(self) -> str: ...
    @property
    def extension(self) -> str: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def duration_ms(self) -> int | None: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def has_audio(self) -> bool | None: ...
    @property
    def sha256(self) -> str: ...


_WORDS: Final[Mapping[Step, Outcome]] = {
    Step.BEGIN: Outcome.AGAIN,
    Step.RESERVE: Outcome.NEXT,
    Step.WAIT: Outcome.AGAIN,
    Step.DOUBT: Outcome.AGAIN,
    Step.SEARCH: Outcome.AGAIN,
    Step.POLL: Outcome.RUNNING,
    Step.RENDER: Outcome.RENDER,
    Step.COLLECT: Outcome.READY,
    Step.STORED: Outcome.STORED,
    Step.STOP: Outcome.STOPPED,
}


def read(studio: Studio, tenant: str, generation_id: str, attempt: int | None = None) -> Record:
    """The record that a step works on, following one attempt where its place is given.

    Raises NotFound when there is none.
    """
    record = studio.find(tenant, generation_id)
    if record is None:
        raise NotFound(f"{generation_id} is not in the table")
    return record.following(attempt)


def outcome_of(record: Record, *, now: datetime, patience: Patience = USUAL) -> StepResult:
    """The word for the state that the record is in, with the wait that goes with it."""
    step = next_step(record, now)
    attempt = record.current
    match step:
        case Step.BEGIN:
            wait_s = _until(attempt.retry_at, now)
        case Step.WAIT | Step.DOUBT:
            wait_s = max(1, _until(attempt.lease_until, now))
            if record.awaits_a_result:
                wait_s = _whole(patience.search_spacing)
        case Step.SEARCH:
            spaced = _whole(patience.search_spacing)
            # A search counts as a proof from the lease's end on, so one shall come right then.
            wait_s = min(spaced, _until(attempt.lease_until, now) or spaced)
        case Step.POLL:
            wait_s = next_look_s(
                expected_s=record.link.expected_s,
                elapsed_s=(now - attempt.started_at).total_seconds(),
                scale_percent=patience.scale_percent,
            )
        case _:
            wait_s = 0
    return StepResult(_WORDS[step], wait_s)


def write(
    studio: Studio,
    record: Record,
    after: Attempt,
    *,
    now: datetime,
    state: GenerationState | None = None,
    take: Take | None = None,
    warnings: tuple[str, ...] = (),
) -> Record:
    """Commit one step of the current attempt, with its money, and give the record after it.

    `state` and `warnings` move the generation in the same transaction; a take is stored with it.
    A generation that was changed meanwhile (a cancel) does not hinder its attempt: what a provider
    answered is written all the same. Raises Stale when another worker moved the attempt.
    """
    after = _beside_others(record, after)
    if take is not None:
        after = replace(after, delivered=_delivered(take))
    step = ledger.change(record.current, after, at=now)
    if take is not None:
        step = ledger.with_take(step, take)
    if ledger.overran(step):
        step = ledger.with_price_doubt(step, _price_doubt(record, after, now))
    for _ in range(_TRIES):
        generation, commit = _moved(record, after, state, warnings), step
        if generation != record.generation:
            commit = ledger.with_generation(step, record.generation, generation)
        try:
            studio.commit(generation.tenant, commit)
        except Stale:
            record = _unless_moved(studio, record)
            continue
        if _says_something_new(record.current, after):
            observe(studio, generation.tenant, after, now=now)
        takes = record.takes if take is None else (*record.takes, take)
        return replace(record.with_attempt(after), generation=generation, takes=takes)
    raise Stale(f"{record.generation.id} is being changed by others")


def _delivered(take: Take) -> Delivered:
    return Delivered(take.width, take.height, take.duration_ms, take.has_audio, take.late)


def _beside_others(record: Record, after: Attempt) -> Attempt:
    """The attempt, marked when another of its generation is paid too."""
    paid_now = after.is_settled and not record.current.is_settled
    others = (one for one in record.attempts if one.index != after.index)
    if paid_now and any(one.is_settled for one in others):
        return replace(after, double_spend=True)
    return after


def _says_something_new(before: Attempt, after: Attempt) -> bool:
    """Whether a step tells how a provider behaved: a doubt was told of when it began."""
    if after.state is before.state:
        return before.failure is None and after.failure is not None  # its result is unusable
    return after.state is AttemptState.STORED or before.state not in DOUBTFUL


def _price_doubt(record: Record, after: Attempt, now: datetime) -> ledger.PriceDoubt:
    return ledger.PriceDoubt(
        provider=after.provider,
        price=record.link.price,
        held=after.reserved_micros,
        billed=after.settled_micros,
        attempt_id=after.id,
        at=now,
    )


def _moved(
    before: Record, after: Attempt, state: GenerationState | None, warnings: tuple[str, ...]
) -> Generation:
    """The generation one version later, or as it is when nothing changes.

    An end never changes, but for what was paid in all: a late result costs too.
    """
    record = before.with_attempt(after)
    generation = record.generation
    if not generation.is_terminal:
        generation = replace(
            generation,
            state=generation.state if record.is_abandoned else state or generation.state,
            warnings=(*generation.warnings, *warnings),
        )
    if record.settled_micros != before.settled_micros:
        return replace(record, generation=generation).counted
    return generation if generation == record.generation else generation.now()


def _unless_moved(studio: Studio, record: Record) -> Record:
    """The record as it now is; raises Stale when not only its generation was changed."""
    generation = record.generation
    fresh = read(studio, generation.tenant, generation.id, record.current.index)
    here, there = record.current, fresh.current
    same = (here.id, here.state, here.version) == (there.id, there.state, there.version)
    if not same or fresh.generation.version == generation.version:
        raise Stale(f"{here.id} was moved by another")
    return fresh.following(record.followed)


def observe(studio: Studio, tenant: str, attempt: Attempt, *, now: datetime) -> None:
    """Count an attempt that has come to an end in its provider's figures.

    They are written after the money and guide only who is asked next: when three other writers
    were faster, this one attempt goes uncounted.
    """
    for _ in range(_TRIES):
        before = studio.health(tenant).get(attempt.provider)
        after = _counted(before or Health(), attempt, now)
        if after is None:
            return
        try:
            studio.put_health(tenant, attempt.provider, before, after)
        except Stale:
            continue
        return


def _counted(health: Health, attempt: Attempt, now: datetime) -> Health | None:
    """The figures with this attempt in them; None when it says nothing about its provider."""
    if attempt.state is AttemptState.STORED:
        cost = attempt.actual_micros or 0
        return after_success(health, duration=now - attempt.started_at, cost=cost)
    ended = attempt.state in (AttemptState.RELEASED, AttemptState.PAID, *DOUBTFUL)
    failure = attempt.failure
    if not ended or failure is None or failure.code == ProviderSuspended.code:
        return None
    return after_failure(health, error_class=failure.error_class, code=failure.code, now=now)


def drop(
    studio: Studio,
    record: Record,
    error: ProviderError,
    *,
    now: datetime,
    worker: str | None = None,
) -> Record:
    """Release the current attempt: its provider surely accepted nothing that it bills."""
    released = release(record.current, failure=failure_of(error), now=now, worker=worker)
    return write(studio, record, released, now=now)


def actual_cost(link: Link, result: Finished, *, card: str) -> Micros:
    """What is settled: the vendor's own figure where it gives one, else the price held.

    Money that a vendor names counts on its own card only; the guide card reckons in guide prices.
    """
    if result.cost_micros is not None and card == VENDOR_CARD:
        return result.cost_micros
    if result.tokens is not None and link.micros_per_million_tokens is not None:
        return price_of_tokens(link.micros_per_million_tokens, result.tokens)
    if result.seconds is not None:
        return price_of_units(link.unit, link.unit_micros, seconds=result.seconds)
    return link.cost_micros


def bill_of(record: Record, result: Finished) -> Micros:
    """What the current attempt's result costs."""
    return actual_cost(record.link, result, card=record.generation.rate_card)


def reported_by(result: Finished) -> Reported | None:
    """What the vendor says about its bill and its results; None when it says nothing special."""
    results = None if result.results == 1 else result.results
    said = Reported(result.cost_micros, result.tokens, result.seconds, results)
    return None if said == Reported() else said


def take_place(record: Record) -> str:
    """Where the current attempt's result lies in the take bucket, without its extension."""
    generation = record.generation
    return f"{generation.tenant}/{generation.id}/{take_id(record.current.id)}"


def take_of(record: Record, seen: Inspection, *, now: datetime) -> Take:
    """The take that the current attempt's result becomes; its key says whose it is."""
    attempt = record.current
    return Take(
        id=take_id(attempt.id),
        generation_id=record.generation.id,
        attempt_id=attempt.id,
        provider=attempt.provider,
        key=f"{take_place(record)}{seen.extension}",
        media_type=seen.media_type,
        width=seen.width,
        height=seen.height,
        duration_ms=seen.duration_ms,
        size_bytes=seen.size_bytes,
        sha256=seen.sha256,
        created_at=now,
        late=record.is_abandoned,
        has_audio=seen.has_audio,
    )


def unusable_key(generation: Generation, attempt: Attempt) -> str:
    """Where bytes are kept that were paid for and cannot be used, for a claim at the vendor."""
    return f"{generation.tenant}/{generation.id}/unusable/{attempt.id}"


def warnings_for(
    record: Record, seen: Inspection, reported: Reported | None = None
) -> tuple[str, ...]:
    """What was delivered against what was ordered, in sentences; empty when it is the same.

    `reported` is what the answer itself says, where it is not written down yet.
    """
    ordered = ordered_of(record.generation, record.link)
    delivered = Delivered(seen.width, seen.height, seen.duration_ms, seen.has_audio)
    found = (
        *delivery_differences(ordered, delivered),
        *count_differences(reported or record.current.reported),
    )
    return tuple(
        _SENTENCES[one.what].format(record.link.provider, one.delivered, one.ordered)
        for one in found
    )


_SENTENCES: Final[Mapping[What, str]] = {
    What.SIZE: "{} delivered {} pixels, ordered were {}",
    What.DURATION: "{} delivered {} s, ordered were {} s",
    What.SOUND: "{} delivered a clip with its sound {}, ordered was {}",
    What.COUNT: "{} delivered {} results, ordered was {}: one of them is kept",
}


def failed(code: str, message: str, error_class: ErrorClass = ErrorClass.FALLBACK) -> Failure:
    return Failure(error_class, code, message)


def _whole(wait: timedelta) -> int:
    return math.ceil(wait.total_seconds())


def _until(moment: datetime | None, now: datetime) -> int:
    return 0 if moment is None else max(0, math.ceil((moment - now).total_seconds()))
