"""Generations with their attempts and takes."""

from typing import Annotated, Literal

from pydantic import Field

from filmgate.domain.attempts import AttemptState
from filmgate.domain.chain import OnRefusal, OnUnknown
from filmgate.domain.errors import ErrorClass
from filmgate.domain.generations import GenerationState
from filmgate.domain.strategies import Strategy
from filmgate.domain.webhooks import DeliveryState
from filmgate.domain.wishes import Media
from filmgate.schemas import Motion
from openapi.answers.base import (
    Amount,
    AttemptId,
    Count,
    Failure,
    GenerationId,
    Link,
    Moment,
    Page,
    QuoteId,
    RateCard,
    Shown,
    TakeId,
    id_of,
    left_out,
)


class AskedParams(Shown):
    """What the request said of its picture or clip, and what a size is where it said none."""

    resolution: str = left_out()
    aspect_ratio: str = left_out()
    quality: Literal["low", "standard", "high"]
    style: str = left_out()
    duration_s: int = left_out()
    fps: int = left_out()
    seed: int = left_out()
    image: Annotated[str, id_of("(take|upl)")] = left_out()
    motion: Motion = left_out()


class Range(Shown):
    """What a generation was admitted with."""

    expected: Amount
    max: Amount


class GenerationSummary(Shown):
    """A generation without its attempts and takes; in lists long prompts are cut."""

    id: GenerationId
    state: GenerationState
    user: str
    type: Media
    prompt: str
    negative_prompt: str | None
    requested_provider: str
    provider: str | None
    """Who made the take; null before."""
    strategy: Strategy
    params: AskedParams
    cost_limit: Amount
    quote_id: QuoteId | None
    retry_of: GenerationId | None
    """The generation that this one asks for again."""
    on_refusal: OnRefusal | None
    on_unknown: OnUnknown | None
    project: str | None
    script_id: str | None
    shot_number: int | None
    tags: list[str]
    estimate: Range
    estimated_cost: Amount
    actual_cost: Amount | None
    """What was settled so far; null while nothing was."""
    rate_card: RateCard
    failure: Failure | None
    warnings: list[str]
    cancel_requested_at: Moment | None
    created_at: Moment
    completed_at: Moment | None


class AttemptError(Shown):
    """A provider's failure; `class` says what it proves."""

    class_: ErrorClass = Field(alias="class")
    code: str
    message: str


class Attempt(Shown):
    """What was tried at one provider."""

    id: AttemptId
    provider: str
    model: str
    state: AttemptState
    error: AttemptError | None
    estimated_cost: Amount
    actual_cost: Amount | None
    tries: Count
    started_at: Moment
    ended_at: Moment | None


class Take(Shown):
    """A stored result."""

    id: TakeId
    media_type: str
    width: int
    height: int
    duration_s: float | None
    size_bytes: int
    sha256: str
    provider: str
    late: bool
    """It came when its generation had gone on or ended."""
    url: Link
    """Made for this answer; it ends after minutes."""
    url_expires_at: Moment


class WebhookDelivery(Shown):
    """How the delivery of the webhook stands."""

    state: DeliveryState
    tries: Count
    last_status: int | None
    last_at: Moment | None
    problem: str | None


class CorrectedGeneration(GenerationSummary):
    """A generation with its attempts."""

    attempts: list[Attempt]


class Generation(CorrectedGeneration):
    """A generation with everything that is known of it."""

    takes: list[Take]
    webhook: WebhookDelivery | None


class Generations(Page[GenerationSummary]):
    """Generations, newest first."""
