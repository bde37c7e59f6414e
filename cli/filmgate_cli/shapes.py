"""The API's answers as far as this program reads them. An answer may have more fields.

Amounts are decimal strings in US dollars, times RFC 3339.
"""

from typing import Any, TypeAlias, TypedDict

Json: TypeAlias = dict[str, Any]


class Failure(TypedDict):
    code: str
    message: str


class Amounts(TypedDict):
    expected: str
    max: str


class RateCard(TypedDict):
    name: str
    version: str


class Candidate(TypedDict):
    """A provider of a chain, or why it is not in it."""

    provider: str
    model: str | None
    eligible: bool
    reason: str | None
    cost: str | None
    quality: str
    speed: str
    expected_s: int | None
    observed_s: float | None


class Estimate(TypedDict):
    quote_id: str
    expires_at: str
    type: str
    expected: str
    max: str
    rate_card: RateCard
    chain: list[Candidate]
    warnings: list[str]


class Comparison(TypedDict):
    type: str
    rate_card: RateCard
    offers: list[Candidate]


class Attempt(TypedDict):
    id: str
    provider: str
    state: str
    error: Failure | None
    estimated_cost: str
    actual_cost: str | None


class Take(TypedDict):
    id: str
    media_type: str
    size_bytes: int
    sha256: str
    late: bool
    url: str


class Generation(TypedDict):
    id: str
    state: str
    type: str
    prompt: str
    provider: str | None
    estimate: Amounts
    actual_cost: str | None
    failure: Failure | None
    warnings: list[str]
    created_at: str
    attempts: list[Attempt]
    takes: list[Take]


class GenerationItem(TypedDict):
    """A generation in a list: without attempts and takes."""

    id: str
    state: str
    type: str
    prompt: str
    provider: str | None
    estimated_cost: str
    actual_cost: str | None
    created_at: str


class Part(TypedDict):
    generation_id: str | None
    state: str
    provider: str | None
    cost: str | None
    in_doubt: bool
    error: Failure | None
    take_id: str | None


class Shot(TypedDict):
    number: int
    prompt: str
    state: str
    keyframe: Part | None
    variation: Part | None
    clip: Part | None


class Progress(TypedDict):
    total: int
    done: int
    failed: int
    skipped: int
    cancelled: int


class Stop(TypedDict):
    shot: int
    part: str
    provider: str
    why: str


class Group(TypedDict):
    shots: list[int]
    waits_for_approval: Stop | None


class Storyboard(TypedDict):
    id: str
    state: str
    title: str | None
    progress: Progress
    estimate: Amounts
    actual_cost: str
    held: str
    shots: list[Shot]
    groups: list[Group]
    warnings: list[str]


class StoryboardHead(TypedDict):
    """A storyboard in a list; its progress is told once it has ended."""

    id: str
    state: str
    title: str | None
    shot_count: int
    estimate: Amounts
    created_at: str


class PricedPart(TypedDict):
    provider: str
    cost: str
    max: str
    fallbacks: list[str]


class PricedShot(TypedDict):
    number: int
    keyframe: PricedPart | None
    variation: PricedPart | None
    clip: PricedPart | None
    total: str
    max: str


class Totals(TypedDict):
    total: str
    max: str


class StoryboardEstimate(TypedDict):
    strategy: str
    total: str
    max: str
    budget: str | None
    shots: list[PricedShot]
    strategies: dict[str, Totals]
    rate_card: RateCard
    warnings: list[str]


class Budget(TypedDict):
    scope: str
    period: str
    limit: str
    limit_of: str
    spent: str
    held: str
    room: str
    alert_at: list[int]


class UsageRow(TypedDict):
    id: str
    user: str | None
    provider: str
    type: str | None
    estimated_cost: str
    actual_cost: str | None
    status: str
    error: str | None
    created_at: str


class Summary(TypedDict):
    period: str
    total_spent: str
    held: str
    estimated: str
    by_provider: dict[str, str]
    by_type: dict[str, str]
    by_day: list[dict[str, str]]
    count: int
    succeeded: int
    failed: int
    success_rate: int | None
    average_cost_per_storyboard: str | None


class Breaker(TypedDict):
    state: str
    until: str | None
    reason: str | None


class Observed(TypedDict):
    attempts: int
    success_rate: int | None
    p50_s: float | None
    average_cost: str | None


class Provider(TypedDict):
    id: str
    name: str
    type: str
    enabled: bool
    priority: int
    needs_key: bool
    key_set: bool
    retired: dict[str, str | None] | None
    quality: str
    speed: str
    breaker: Breaker
    observed: Observed


class KeyCheck(TypedDict):
    ok: bool
    detail: str
    message: str | None


class Notice(TypedDict):
    id: str
    kind: str
    title: str
    text: str
    at: str


class Drift(TypedDict):
    what: str
    entries_say: dict[str, str]
    stored: dict[str, str]


class Verified(TypedDict):
    agrees: bool
    checked: dict[str, int]
    drift: list[Drift]
