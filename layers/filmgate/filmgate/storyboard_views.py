"""What callers get of storyboards, as JSON. Amounts are strings with four places.

An estimate has `total` (expected) and `max` (the worst case, fallbacks included) for every part,
shot and strategy; `optimised` is there when it was asked for. Its shots name one provider each and
no fallback, so its `total` is also its most. `quality` is a sum of ranks ("points"): it compares
choices for the same storyboard. `seconds` adds up parts that really run side by side. `frontier`
says what other budgets would buy; a long one is thinned, its ends always stay. Where nothing fits,
`feasible` is false, and `least_budget` says what would do or `reason` who stands in the way.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from filmgate.domain.moments import moment
from filmgate.domain.money import Micros, format_usd
from filmgate.domain.optimise import Choice, Infeasible, Optimum
from filmgate.domain.storyboard import Part, Shot
from filmgate.domain.strategies import Role
from filmgate.usecases.estimate_storyboard import (
    Optimised,
    PricedPart,
    PricedShot,
    StoryboardEstimate,
    Totals,
)
from filmgate.views import CURRENCY, optional_usd

Json = dict[str, Any]
FRONTIER_POINTS: Final = 50


def storyboard_estimate_view(estimate: StoryboardEstimate) -> Json:
    totals, budget = estimate.totals, estimate.storyboard.budget
    return {
        "quote_id": estimate.quote.id,
        "title": estimate.storyboard.title,
        "currency": CURRENCY,
        "strategy": estimate.storyboard.strategy,
        **_totals(totals),
        "budget": optional_usd(budget),
        "within_budget": None if budget is None else totals.max <= budget,
        "shots": [_shot(shot) for shot in estimate.shots],
        "strategies": {name: _totals(own) for name, own in estimate.strategies.items()},
        "rate_card": {"name": estimate.card.name, "version": estimate.card.version},
        "expires_at": moment(estimate.quote.expires_at),
        "warnings": list(estimate.warnings),
        **({} if estimate.optimised is None else {"optimised": _optimised(estimate.optimised)}),
    }


def _totals(totals: Totals) -> Json:
    return {
        "total": format_usd(totals.expected),
        "max": format_usd(totals.max),
        "by_type": _amounts(totals.by_type),
        "by_provider": _amounts(totals.by_provider),
        "quality": totals.quality,
        "seconds": totals.seconds,
    }


def _amounts(sums: Mapping[Any, Micros]) -> Json:
    return {str(name): format_usd(micros) for name, micros in sums.items()}


def _shot(priced: PricedShot) -> Json:
    parts = {one.part.role: _part(one) for one in priced.parts}
    return {
        "number": priced.shot.number,
        **{role.value: parts.get(role) for role in Role},
        "total": format_usd(sum(one.expected for one in priced.parts)),
        "max": format_usd(sum(one.max for one in priced.parts)),
    }


def _part(priced: PricedPart) -> Json:
    first, *others = priced.plan.eligible
    return {
        "provider": first.provider.id,
        "model": first.match.offer.model if first.match else None,
        "cost": format_usd(priced.expected),
        "max": format_usd(priced.max),
        "fallbacks": [entry.provider.id for entry in others],
    }


def _optimised(optimised: Optimised) -> Json:
    aim, found = optimised.aim, optimised.found
    asked = {
        "goal": aim.goal,
        "budget": optional_usd(aim.budget),
        "quality_floor": aim.quality_floor,
    }
    if isinstance(found, Infeasible):
        return {**asked, "feasible": False, **_why_not(optimised, found)}
    return {**asked, "feasible": True, **_optimum(optimised, found)}


def _optimum(optimised: Optimised, found: Optimum) -> Json:
    chosen: defaultdict[int, dict[Role, Json]] = defaultdict(dict)
    for (shot, part), choice in zip(optimised.slots, found.choices, strict=True):
        chosen[shot.number][part.role] = _choice(choice)
    return {
        "total": format_usd(found.cost),
        "quality": found.quality,
        "seconds": found.seconds,
        "shots": [
            {"number": number, **{role.value: parts.get(role) for role in Role}}
            for number, parts in chosen.items()
        ],
        "frontier": [
            {"cost": format_usd(cost), "quality": quality}
            for cost, quality in _thinned(found.frontier)
        ],
    }


def _choice(choice: Choice) -> Json:
    return {
        "provider": choice.option.provider,
        "cost": format_usd(choice.option.cost),
        "quality": choice.option.quality,
        "seconds": choice.option.seconds,
        "reason": choice.reason,
    }


def _why_not(optimised: Optimised, found: Infeasible) -> Json:
    if found.least is not None:
        least = format_usd(found.least)
        told = f"The least budget that would do is {least} USD."
        return {"reason": told, "least_budget": least, "below_floor": []}
    below = [optimised.slots[index] for index in found.below_floor]
    return {
        "reason": "Nobody who can make these parts reaches the quality floor.",
        "least_budget": None,
        "below_floor": [_named(shot, part) for shot, part in below],
    }


def _named(shot: Shot, part: Part) -> Json:
    return {"number": shot.number, "part": part.role}


def _thinned(points: Sequence[tuple[Micros, int]]) -> list[tuple[Micros, int]]:
    """At most FRONTIER_POINTS of the points, evenly picked, the first and the last among them."""
    if len(points) <= FRONTIER_POINTS:
        return list(points)
    last = len(points) - 1
    return [points[n * last // (FRONTIER_POINTS - 1)] for n in range(FRONTIER_POINTS)]
