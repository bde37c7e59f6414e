"""Who makes which part, so that a budget buys the most: an exact choice, one provider per part.

This is the multiple-choice knapsack problem: of every slot one option, the sum of costs within the
budget, the sum of worths as high as can be. Costs and worths are integers, so the answer is exact:

1. Within a slot, options that cost no less and are worth no more than another are dropped.
2. The upper hulls of the slots, climbed by the steepest step first, solve the problem but for the
   last step (Sinha and Zoltners, 1979). The slope of that step prices the budget: no choice can be
   worth more than a bound in which every option pays for what it costs at this slope.
3. An option, or a beginning of a choice, that loses more against the bound than lies between the
   bound and a target is in no choice worth the target. What is left is few, and a list of
   undominated beginnings finds the best, slots with the same options taken together; among equals
   the cheapest. The first target is the bound itself; where nothing reaches it, it is lowered by
   ever more.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import gcd
from operator import attrgetter
from typing import Any, Final, TypeAlias

from filmgate.domain.money import Micros, format_usd


class Goal(StrEnum):
    QUALITY = "quality"  # as good as the budget allows
    COST = "cost"  # as cheap as the floor allows
    TIME = "time"  # as quick as the budget allows


@dataclass(frozen=True, slots=True)
class Option:
    """One way to make a part. Ranks of quality add up to points; seconds add up too."""

    provider: str
    cost: Micros
    quality: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Choice:
    """The option taken for a slot, and why, in words."""

    option: Option
    reason: str


@dataclass(frozen=True, slots=True)
class Optimum:
    """The best choice, one per slot in their order.

    `frontier` lists what other budgets buy, as (cost, points), the cheapest first: every entry is a
    choice that cannot be bettered for its price. It has the corners and edges of that curve's upper
    hull, not every choice beneath it.
    """

    choices: tuple[Choice, ...]
    frontier: tuple[tuple[Micros, int], ...]

    @property
    def cost(self) -> Micros:
        return sum(choice.option.cost for choice in self.choices)

    @property
    def quality(self) -> int:
        return sum(choice.option.quality for choice in self.choices)

    @property
    def seconds(self) -> int:
        return sum(choice.option.seconds for choice in self.choices)


@dataclass(frozen=True, slots=True)
class Infeasible:
    """No choice fits. `least` is the smallest budget that would do; None where a floor is the
    obstacle, and then `below_floor` has the slots, by index, that nobody makes so well."""

    least: Micros | None
    below_floor: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Item:
    """An option as the search sees it: what it costs and what it is worth for the goal."""

    cost: Micros
    worth: int
    option: Option


@dataclass(frozen=True, slots=True)
class _Step:
    """From one corner of a slot's hull to the next: `slot`, and the corners by index."""

    slot: int
    start: int
    end: int
    cost: Micros
    worth: int

    @property
    def slope(self) -> Fraction:
        return Fraction(self.worth, self.cost)


_Trail: TypeAlias = "tuple[_Trail, Any] | None"
"""What was chosen so far, the last one first."""
_Beginning: TypeAlias = tuple[Micros, int, _Trail]
"""A choice for the first slots: its cost, its worth, how it came about."""
NO_FLOOR: Final = 0


def optimise(
    slots: Sequence[Sequence[Option]],
    *,
    goal: Goal,
    budget: Micros | None = None,
    floor: int = NO_FLOOR,
) -> Optimum | Infeasible:
    """Choose one option for every slot; without a budget, as if money were no object.

    `floor` is the lowest rank of quality that an option may have. Every slot has an option. Ties
    are broken by the cost, then, within a slot, by the quality, the seconds and the order given.
    """
    good = [[one for one in options if one.quality >= floor] for options in slots]
    hopeless = tuple(index for index, options in enumerate(good) if not options)
    if hopeless:
        return Infeasible(None, hopeless)
    items = [_undominated(options, goal) for options in good]
    least = sum(one[0].cost for one in items)
    if budget is not None and least > budget:
        return Infeasible(least)
    chosen = _best(items, budget)
    return Optimum(
        tuple(
            Choice(option, _reason(option, options, floored, goal))
            for option, options, floored in zip(chosen, slots, good, strict=True)
        ),
        _frontier([_undominated(options, Goal.QUALITY) for options in good]),
    )


def _undominated(options: Iterable[Option], goal: Goal) -> list[_Item]:
    """The options that are worth more than every cheaper one, the cheapest first."""
    items = [_Item(one.cost, _worth(one, goal), one) for one in options]
    items.sort(key=lambda i: (i.cost, -i.worth, -i.option.quality, i.option.seconds))
    kept: list[_Item] = []
    for item in items:
        if not kept or item.worth > kept[-1].worth:
            kept.append(item)
    return kept


def _worth(option: Option, goal: Goal) -> int:
    match goal:
        case Goal.QUALITY:
            return option.quality
        case Goal.TIME:
            return -option.seconds
        case Goal.COST:
            return -option.cost


def _best(slots: Sequence[Sequence[_Item]], budget: Micros | None) -> list[Option]:
    """The optimum of slots whose cheapest items fit together."""
    if budget is None or sum(items[-1].cost for items in slots) <= budget:
        return [items[-1].option for items in slots]
    slope = _breaking_step(_steps(slots), budget - sum(items[0].cost for items in slots))
    # Worths come in steps: where all ranks are multiples of five, nothing lies between two fives.
    least = sum(items[0].worth for items in slots)
    unit = gcd(*(item.worth - items[0].worth for items in slots for item in items)) or 1
    most = (_bound(slots, slope, budget) // slope.cost - least) // unit
    lower = 0
    while True:  # ends at the latest with the cheapest choice, which fits
        found = _search(slots, budget, slope, least + (most - lower) * unit)
        if found is not None:
            return found
        lower = 2 * lower + 1


def _steps(slots: Sequence[Sequence[_Item]]) -> list[_Step]:
    """All steps of all hulls, the steepest first; those of one slot stay in their order."""
    steps = [step for index, items in enumerate(slots) for step in _hull(index, items)]
    return sorted(steps, key=attrgetter("slope"), reverse=True)


def _hull(slot: int, items: Sequence[_Item]) -> list[_Step]:
    """The steps along the upper hull of a slot's items, each less steep than the one before."""
    steps: list[_Step] = []
    for end in range(1, len(items)):
        step = _step(slot, items, end - 1, end)
        while steps and steps[-1].slope <= step.slope:
            step = _step(slot, items, steps.pop().start, end)
        steps.append(step)
    return steps


def _step(slot: int, items: Sequence[_Item], start: int, end: int) -> _Step:
    one, other = items[start], items[end]
    return _Step(slot, start, end, other.cost - one.cost, other.worth - one.worth)


def _breaking_step(steps: Iterable[_Step], room: Micros) -> _Step:
    """The first step that no longer fits; raises ValueError when all do."""
    for step in steps:
        room -= step.cost
        if room < 0:
            return step
    raise ValueError("every step fits: there was nothing to choose")


def _bound(slots: Sequence[Sequence[_Item]], slope: _Step, budget: Micros) -> int:
    """No choice is worth more than this, in units of 1 / slope.cost."""
    return sum(max(_net(i, slope) for i in items) for items in slots) + budget * slope.worth


def _net(item: _Item, slope: _Step) -> int:
    """An item's worth less its cost at the price of room, in the same units."""
    return item.worth * slope.cost - item.cost * slope.worth


def _search(
    slots: Sequence[Sequence[_Item]], budget: Micros, slope: _Step, target: int
) -> list[Option] | None:
    """The best choice, the cheapest of its worth; None when all are worth less than `target`."""
    slack = _bound(slots, slope, budget) - target * slope.cost
    alike: defaultdict[tuple[_Item, ...], list[int]] = defaultdict(list)
    for slot, items in enumerate(slots):
        alike[tuple(items)].append(slot)
    ways = [(_ways(items, len(own), slope, slack), own) for items, own in alike.items()]
    ways.sort(key=lambda one: len(one[0]))  # many ways multiply what comes after them
    rest = sum(items[0].cost for items in slots)
    lowest = -slack
    beginnings: list[_Beginning] = [(0, 0, None)]
    for several, own in ways:
        rest -= sum(slots[slot][0].cost for slot in own)
        lowest += sum(max(_net(item, slope) for item in slots[slot]) for slot in own)
        beginnings = _undominated_beginnings(
            [
                (cost + more, worth + gain, (trail, way))
                for more, gain, way in several
                for cost, worth, trail in beginnings
                if cost + more <= budget - rest
                and (worth + gain) * slope.cost - (cost + more) * slope.worth >= lowest
            ]
        )
    if not beginnings or beginnings[-1][1] < target:
        return None
    return _laid_out(beginnings[-1][2], [own for _, own in ways], len(slots))


def _ways(items: Sequence[_Item], count: int, slope: _Step, slack: int) -> list[_Beginning]:
    """What `count` slots with the same items can come to, as long as it loses no more than slack.

    Only how often each item is taken matters, not where. The trail has (item, times).
    """
    best = max(_net(item, slope) for item in items)
    *others, last = sorted(items, key=lambda item: _net(item, slope))
    beginnings: dict[int, list[_Beginning]] = {0: [(0, 0, None)]}  # by how many slots are filled
    for item in (*others, last):
        longer: defaultdict[int, list[_Beginning]] = defaultdict(list)
        for filled, several in beginnings.items():
            for cost, worth, trail in several:
                room = slack - filled * best + worth * slope.cost - cost * slope.worth
                loss = best - _net(item, slope)
                most = min(count - filled, room // loss) if loss else count - filled
                for times in range(count - filled if item is last else 0, most + 1):
                    longer[filled + times].append(
                        (
                            cost + times * item.cost,
                            worth + times * item.worth,
                            (trail, (item, times)),
                        )
                    )
        beginnings = {filled: _undominated_beginnings(ways) for filled, ways in longer.items()}
    return beginnings.get(count, [])


def _laid_out(trail: _Trail, groups: Sequence[Sequence[int]], slots: int) -> list[Option]:
    """Give every slot its option; among slots alike the first get what is worth most."""
    options: dict[int, Option] = {}
    for own, way in zip(reversed(groups), _followed(trail), strict=True):
        taken = sorted(_followed(way), key=lambda one: one[0].worth, reverse=True)
        spread = (item.option for item, times in taken for _ in range(times))
        options |= zip(own, spread, strict=True)
    return [options[slot] for slot in range(slots)]


def _followed(trail: _Trail) -> Iterator[Any]:
    """What a trail has, the last one first."""
    while trail is not None:
        trail, found = trail
        yield found


def _undominated_beginnings(beginnings: list[_Beginning]) -> list[_Beginning]:
    beginnings.sort(key=lambda one: (one[0], -one[1]))
    kept: list[_Beginning] = []
    for one in beginnings:
        if not kept or one[1] > kept[-1][1]:
            kept.append(one)
    return kept


def _frontier(slots: Sequence[Sequence[_Item]]) -> tuple[tuple[Micros, int], ...]:
    """What money buys, step by step from the cheapest choice to the best one."""
    cost = sum(items[0].cost for items in slots)
    quality = sum(items[0].worth for items in slots)
    points = [(cost, quality)]
    for step in _steps(slots):
        cost, quality = cost + step.cost, quality + step.worth
        points.append((cost, quality))
    return tuple(points)


# --- reasons -----------------------------------------------------------------------------------


def _reason(option: Option, options: Sequence[Option], good: Sequence[Option], goal: Goal) -> str:
    if len(options) == 1:
        return "the only provider that can make it"
    if len(good) == 1:
        return "the only provider that reaches the quality floor"
    among = "" if len(good) == len(options) else " of those that reach the quality floor"
    match goal:
        case Goal.COST:
            return f"the cheapest{among}"
        case Goal.QUALITY:
            best = max(good, key=lambda one: (one.quality, -one.cost))
            if option.quality == best.quality:
                return f"the best quality{among}"
            gain = f"ranks {best.quality} against {option.quality}"
        case Goal.TIME:
            best = min(good, key=lambda one: (one.seconds, one.cost))
            if option.seconds == best.seconds:
                return f"the quickest{among}"
            gain = f"takes {best.seconds} s against {option.seconds} s"
    more = format_usd(best.cost - option.cost)
    return f"{best.provider} {gain} but costs {more} more, which the budget lacks or spends better"
