"""Storyboards that were started."""

from pydantic import Field

from filmgate.domain.storyboard import Continuity, PartState, StoryboardState
from filmgate.domain.strategies import Role, Strategy
from openapi.answers.base import (
    Amount,
    Count,
    Failure,
    GenerationId,
    Link,
    Moment,
    Page,
    QuoteId,
    RateCard,
    Shown,
    StoryboardId,
    TakeId,
)
from openapi.answers.generations import AskedParams, Range, WebhookDelivery


class Progress(Shown):
    """Shots by how they stand; `done` are those that are whole."""

    total: Count
    done: Count
    failed: Count
    skipped: Count
    cancelled: Count


class StoryboardSummary(Shown):
    """A storyboard as a whole; `progress` is null until it has ended."""

    id: StoryboardId
    state: StoryboardState
    title: str | None
    project: str | None
    strategy: Strategy
    continuity: Continuity
    budget: Amount | None
    quote_id: QuoteId | None
    run: Count
    """1, and one more with every resume."""
    shot_count: Count
    progress: Progress | None
    estimate: Range
    rate_card: RateCard
    warnings: list[str]
    created_at: Moment
    cancel_requested_at: Moment | None
    completed_at: Moment | None


class AskedPart(Shown):
    """What was asked of a part, with the defaults merged in.

    A clip that names no image starts from its shot's keyframe.
    """

    provider: str
    prompt: str
    negative_prompt: str | None
    params: AskedParams


class BoardPart(Shown):
    """A part of a shot as it now stands."""

    asked: AskedPart
    generation_id: GenerationId | None
    state: PartState
    revision: Count
    provider: str | None
    estimated_cost: Amount
    max: Amount
    cost: Amount | None
    in_doubt: bool
    """A provider may still send its bill."""
    error: Failure | None
    take_id: TakeId | None
    url: Link | None
    url_expires_at: Moment | None


class BoardShot(Shown):
    """A shot; a part that is not wanted is null."""

    number: Count
    prompt: str
    negative_prompt: str | None
    scene: str | None
    characters: list[str]
    strategy: Strategy | None
    """The shot's own; null leaves it to the storyboard's."""
    state: PartState
    keyframe: BoardPart | None
    variation: BoardPart | None
    clip: BoardPart | None


class Switch(Shown):
    """A change of provider that a group of shots has gone through."""

    shot: Count
    part: Role
    from_: str = Field(alias="from")
    to: str
    why: str
    cost_before: Amount | None
    cost_after: Amount
    at: Moment


class Stop(Shown):
    """Where a group of shots waits for somebody's approval."""

    shot: Count
    part: Role
    provider: str
    why: str
    at: Moment


class ShotGroup(Shown):
    """Shots that share a scene or a character, and who makes them."""

    shots: list[int]
    providers: dict[Role, str]
    switches: list[Switch]
    waits_for_approval: Stop | None


class Storyboard(StoryboardSummary):
    """A storyboard with every shot and part as they now stand."""

    estimated_cost: Amount
    actual_cost: Amount
    held: Amount
    shots: list[BoardShot]
    groups: list[ShotGroup]
    webhook: WebhookDelivery | None


class Storyboards(Page[StoryboardSummary]):
    """Storyboards, newest first."""
