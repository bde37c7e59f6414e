"""A generation: one request for one image or clip, its chain, its attempts and its takes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from filmgate.domain.attempts import DOUBTFUL, Attempt, AttemptState, Kind
from filmgate.domain.catalogue import Sound
from filmgate.domain.chain import OnRefusal, OnUnknown
from filmgate.domain.errors import ErrorClass
from filmgate.domain.money import Micros
from filmgate.domain.pricing import Unit
from filmgate.domain.strategies import Strategy
from filmgate.domain.webhooks import Delivery
from filmgate.domain.wishes import Wish


class GenerationState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    STORING = "storing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL: Final = frozenset(
    {GenerationState.SUCCEEDED, GenerationState.FAILED, GenerationState.CANCELLED}
)


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of a generation's chain, with the price and settings it started with.

    A later change of settings or prices does not touch a generation that runs. `on_refusal` and
    `on_unknown` say whether the chain goes on behind this entry: what the request said, else what
    the owner had set for the provider.
    """

    provider: str
    model: str
    cost_micros: Micros
    unit: Unit
    unit_micros: Micros
    resolution: str
    aspect_ratio: str
    width: int
    height: int
    expected_s: int
    deadline_s: int
    api_url: str | None
    micros_per_million_tokens: Micros | None
    on_refusal: OnRefusal = OnRefusal.NEXT
    on_unknown: OnUnknown = OnUnknown.STOP
    price: str = ""  # the name of the price it was sold at
    sound: Sound | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """The money of one run of a storyboard, held at once before anything is made.

    `scope` names its budget, on which the run's generations draw; `outer` are the budgets that it
    holds its money in, and so their generations draw on those through it alone.
    """

    scope: str
    outer: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a generation ended without a take: a stable code and a public sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Generation:
    """What was asked and what came of it. `request_hash` recognises a repeat of the request.

    `on_refusal` and `on_unknown` are what the request said, None where it left them to the
    settings; what holds is in the links of the chain.
    `provider` and `actual_micros` are written at the end: who made the take, and what was paid; a
    late payment is added. `recoveries` counts how often its workflow had to be started again.
    `requested_model` is None where any model of the provider would do.
    `quote_id` names the quote whose `max` is the cost limit, where it was started with one;
    `own_limit` is the limit that the request itself said. `retry_of` is whom it repeats.
    `unlisted_at` is when somebody deleted it from the list of videos; it and its cost stay.
    """

    id: str
    tenant: str
    user: str
    wish: Wish
    requested_provider: str
    strategy: Strategy
    on_refusal: OnRefusal | None
    on_unknown: OnUnknown | None
    chain: tuple[Link, ...]
    rate_card: str
    rate_card_version: str
    cost_limit: Micros
    expected: Micros
    max: Micros
    request_hash: str
    created_at: datetime
    state: GenerationState = GenerationState.QUEUED
    version: int = 1
    project: str | None = None
    script_id: str | None = None
    shot_number: int | None = None
    tags: tuple[str, ...] = ()
    webhook_url: str | None = None
    warnings: tuple[str, ...] = ()
    failure: Problem | None = None
    provider: str | None = None
    actual_micros: Micros | None = None
    cancel_requested_at: datetime | None = None
    completed_at: datetime | None = None
    recoveries: int = 0
    storyboard_id: str | None = None
    envelope: Envelope | None = None
    requested_model: str | None = None
    quote_id: str | None = None
    own_limit: Micros | None = None
    retry_of: str | None = None
    unlisted_at: datetime | None = None

    @property
    def is_terminal(self) -> bool:
        return self.state in TERMINAL

    def now(self, **changes: Any) -> "Generation":
        """The generation with these changes, one version later."""
        return replace(self, version=self.version + 1, **changes)


@dataclass(frozen=True, slots=True)
class Take:
    """A stored result. `key` is its place in the take bucket."""

    id: str
    generation_id: str
    attempt_id: str
    provider: str
    key: str
    media_type: str
    width: int
    height: int
    duration_ms: int | None
    size_bytes: int
    sha256: str
    created_at: datetime
    late: bool = False
    has_audio: bool | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """Everything the table knows of one generation; attempts in the order of the chain.

    `followed` is the place of the one attempt that is looked after, whatever became of its
    generation; None means the generation itself, at its latest attempt.
    `webhook` is there from the moment that a generation which asked for one has ended.
    """

    generation: Generation
    attempts: tuple[Attempt, ...]
    takes: tuple[Take, ...] = ()
    followed: int | None = None
    webhook: Delivery | None = None

    @property
    def current(self) -> Attempt:
        return self.attempts[-1 if self.followed is None else self.followed]

    @property
    def link(self) -> Link:
        return self.generation.chain[self.current.index]

    @property
    def others_wait(self) -> bool:
        """Whether the chain has a provider behind the current one."""
        return self.current.index + 1 < len(self.generation.chain)

    @property
    def is_abandoned(self) -> bool:
        """Whether what the current attempt brings comes late: its generation went on or ended."""
        return self.generation.is_terminal or self.current is not self.attempts[-1]

    @property
    def awaits_a_result(self) -> bool:
        """Whether an attempt that was given up is paid after all and its result on the way."""
        given_up = self.attempts[:-1]
        return any(one.state is AttemptState.PAID and one.is_open for one in given_up)

    @property
    def settled_micros(self) -> Micros:
        """What all attempts cost together, so far."""
        return sum(one.settled_micros for one in self.attempts)

    @property
    def counted(self) -> Generation:
        """The generation after what its attempts cost has changed: always one version later, so
        that whoever ends it at this very moment has to add up again."""
        if self.generation.is_terminal:
            return self.generation.now(actual_micros=self.settled_micros)
        return self.generation.now()

    def following(self, index: int | None) -> "Record":
        return replace(self, followed=index)

    def with_attempt(self, attempt: Attempt) -> "Record":
        others = [one for one in self.attempts if one.index != attempt.index]
        attempts = sorted((*others, attempt), key=lambda one: one.index)
        return replace(self, attempts=tuple(attempts))


class Step(StrEnum):
    """What the generation needs next."""

    BEGIN = "begin"  # the current attempt holds its money and may be sent
    RESERVE = "reserve"  # the next provider of the chain
    WAIT = "wait"  # another worker has the lease, or fetches what came after all
    DOUBT = "doubt"  # its lease is over and nobody recorded an outcome
    SEARCH = "search"  # the answer was lost, and the provider may show the job
    POLL = "poll"
    RENDER = "render"
    COLLECT = "collect"
    STORED = "stored"
    STOP = "stop"


SEARCH_IN_WORKFLOW: Final = timedelta(minutes=10)
"""How long a generation waits for a lost answer to be found, where its provider can be searched.
It is longer than any lease, so that a proof of absence falls within."""

REPLAY_FOR: Final = timedelta(hours=1)

RENDER_OPERATION: Final[Mapping[str, Any]] = {"render": True}
"""The operation of an attempt that our own renderer will carry out."""


def next_step(record: Record, now: datetime) -> Step:
    """The one place that decides how a generation, or a followed attempt, goes on."""
    if record.followed is not None:
        return _step_of(record.current, now) or Step.STOP
    if record.generation.is_terminal:
        return Step.STOP
    step = _own_step(record, now)
    waits = step in (Step.BEGIN, Step.RESERVE, Step.STOP) and record.awaits_a_result
    return Step.WAIT if waits else step


def _own_step(record: Record, now: datetime) -> Step:
    """What the latest attempt asks for, as if no other were on its way."""
    generation, attempt = record.generation, record.current
    if attempt.state is AttemptState.RESERVED:
        has_take = any(one.state is AttemptState.STORED for one in record.attempts)
        unwanted = has_take or generation.cancel_requested_at is not None
        return Step.STOP if unwanted else Step.BEGIN
    if attempt.state is AttemptState.IN_DOUBT and attempt.kind is Kind.FINDABLE:
        searched_for = now - (attempt.doubted_at or now)
        if searched_for < SEARCH_IN_WORKFLOW and generation.cancel_requested_at is None:
            return Step.SEARCH
    return _step_of(attempt, now) or (Step.RESERVE if _goes_on(record) else Step.STOP)


def _step_of(attempt: Attempt, now: datetime) -> Step | None:
    """What an attempt by itself needs next; None when it has come to an end or to a doubt.

    A call whose answer was lost may be replayed where the same reference gives the same job, and
    only at first: a doubt must not start a job late.
    """
    match attempt.state:
        case AttemptState.IN_DOUBT if attempt.kind is Kind.KEYED:
            fresh = now - (attempt.doubted_at or now) < REPLAY_FOR
            return Step.SEARCH if fresh else None
        case AttemptState.STORED:
            return Step.STORED
        case AttemptState.PAID:
            return Step.COLLECT if attempt.failure is None else Step.STOP
        case AttemptState.ACCEPTED:
            return Step.RENDER if attempt.operation == RENDER_OPERATION else Step.POLL
        case AttemptState.SUBMITTING:
            alive = attempt.lease_until is not None and now < attempt.lease_until
            return Step.WAIT if alive else Step.DOUBT
    return None


def _goes_on(record: Record) -> bool:
    """Whether the chain goes on behind an attempt that was released or is in doubt."""
    attempt, link = record.current, record.link
    if record.generation.cancel_requested_at is not None or not record.others_wait:
        return False
    if any(one.state is AttemptState.STORED for one in record.attempts):
        return False  # an attempt that was given up brought its result after all
    if attempt.state in DOUBTFUL:
        return link.on_unknown is OnUnknown.NEXT
    error_class = attempt.failure.error_class if attempt.failure else ErrorClass.FALLBACK
    if error_class is ErrorClass.REJECT:
        return link.on_refusal is OnRefusal.NEXT
    return error_class not in (ErrorClass.INVALID, ErrorClass.FATAL)


def conclude(record: Record) -> tuple[GenerationState, Problem | None]:
    """How a generation ends, told from its attempts: a stored take is a success, always."""
    states = {attempt.state for attempt in record.attempts}
    if AttemptState.STORED in states:
        return GenerationState.SUCCEEDED, None
    if AttemptState.PAID in states:
        return _failed("result-unusable", "The provider was paid but its result cannot be used.")
    if states & {AttemptState.IN_DOUBT, AttemptState.SUBMITTING, AttemptState.PRESUMED}:
        return _failed(
            "outcome-unknown",
            "A provider may have accepted the job, but gave no readable answer. "
            "The money stays held until that is known.",
        )
    if any(_is_left_running(one) for one in record.attempts):
        return _failed("deadline-exceeded", "The provider did not finish within its deadline.")
    if record.generation.cancel_requested_at is not None:
        return GenerationState.CANCELLED, Problem("cancelled", "Cancelled on request.")
    return _failed(*_why_all_failed(record))


def _is_left_running(attempt: Attempt) -> bool:
    """Whether a provider may still be at it; our own renderer is not."""
    running = attempt.state in (AttemptState.OVERDUE, AttemptState.ACCEPTED)
    return running and attempt.operation != RENDER_OPERATION


def _why_all_failed(record: Record) -> tuple[str, str]:
    classes = [a.failure.error_class for a in record.attempts if a.failure is not None]
    unfinished = {AttemptState.RESERVED, AttemptState.ACCEPTED}
    if not classes or unfinished & {a.state for a in record.attempts}:
        return "internal", "The work stopped before it was finished; nothing was bought."
    if classes[-1] is ErrorClass.INVALID:
        return "invalid-request", "The provider found the request invalid."
    if all(one is ErrorClass.REJECT for one in classes):
        return "content-refused", "Every provider asked refused this content."
    if classes[-1] is ErrorClass.REJECT and record.link.on_refusal is OnRefusal.STOP:
        return "content-refused", "A provider refused this content; no other was to be asked."
    return "all-providers-failed", "Every provider of the chain failed; see the attempts."


def _failed(code: str, message: str) -> tuple[GenerationState, Problem]:
    return GenerationState.FAILED, Problem(code, message)
