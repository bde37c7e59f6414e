"""What something would cost: one request, all providers, a whole storyboard."""

from typing import Literal

from filmgate.domain.optimise import Goal
from filmgate.domain.pricing import Unit
from filmgate.domain.strategies import Role, Strategy
from filmgate.domain.wishes import Media
from openapi.answers.base import (
    Amount,
    Count,
    Currency,
    Moment,
    QuoteId,
    RateCard,
    Shown,
    left_out,
)


class Candidate(Shown):
    """One provider of a chain, at its price or with the reason why it will not be asked."""

    provider: str
    model: str | None
    eligible: bool
    reason: str | None
    reason_code: str | None
    cost: Amount | None
    unit: Unit | None
    unit_price: Amount | None
    quality: str
    quality_rank: int | None
    speed: str
    expected_s: float | None
    """How long the vendor usually takes."""
    observed_s: float | None
    """How long it took of late, the median."""


class Estimate(Shown):
    """What one request would cost."""

    quote_id: QuoteId
    type: Media
    currency: Currency
    expected: Amount
    """What the first eligible provider costs."""
    max: Amount
    """The most that the chain can cost under its policies, fallbacks included."""
    rate_card: RateCard
    expires_at: Moment
    chain: list[Candidate]
    warnings: list[str]


class Comparison(Shown):
    """Every provider of a medium: the eligible ones first, cheapest first, then the others."""

    type: Media
    currency: Currency
    rate_card: RateCard
    offers: list[Candidate]


class Totals(Shown):
    """Sums over all parts. Points of quality and seconds compare; nobody waits that long."""

    total: Amount
    max: Amount
    by_type: dict[Media, Amount]
    by_provider: dict[str, Amount]
    quality: int
    seconds: int


class PricedPart(Shown):
    """One part of a shot, and who would make it."""

    provider: str
    model: str | None
    cost: Amount
    max: Amount
    fallbacks: list[str]


class PricedShot(Shown):
    """A shot; a part that is not wanted is null."""

    number: Count
    keyframe: PricedPart | None
    variation: PricedPart | None
    clip: PricedPart | None
    total: Amount
    max: Amount


class Choice(Shown):
    """Who shall make a part so that the whole is the best for its budget, and why."""

    provider: str
    cost: Amount
    quality: int
    seconds: int
    reason: str


class ChosenShot(Shown):
    number: Count
    keyframe: Choice | None
    variation: Choice | None
    clip: Choice | None


class FrontierPoint(Shown):
    """What another budget would buy."""

    cost: Amount
    quality: int


class Optimised(Shown):
    """The best providers for the goal within the budget."""

    goal: Goal
    budget: Amount | None
    quality_floor: str | None
    feasible: Literal[True]
    total: Amount
    quality: int
    seconds: int
    shots: list[ChosenShot]
    frontier: list[FrontierPoint]


class PartBelowFloor(Shown):
    number: Count
    part: Role


class NotOptimised(Shown):
    """Nothing fits: what would do, or which parts nobody makes so well."""

    goal: Goal
    budget: Amount | None
    quality_floor: str | None
    feasible: Literal[False]
    reason: str
    least_budget: Amount | None
    below_floor: list[PartBelowFloor]


class StoryboardEstimate(Totals):
    """What a storyboard would cost, shot by shot, and under every strategy."""

    quote_id: QuoteId
    title: str | None
    currency: Currency
    strategy: Strategy
    budget: Amount | None
    within_budget: bool | None
    shots: list[PricedShot]
    strategies: dict[Strategy, Totals]
    rate_card: RateCard
    expires_at: Moment
    warnings: list[str]
    optimised: Optimised | NotOptimised = left_out()
    """There when `optimise` was asked for."""
