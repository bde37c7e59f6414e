"""The best choice of providers: equal to trying everything, and explained."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from filmgate.domain.optimise import Goal, Infeasible, Optimum, Option, optimise
from tests.support.builders import usd

CENT = 10_000
MOST_CASES = 4_000


def option(cost: str, quality: int = 50, seconds: int = 10, provider: str = "lumen") -> Option:
    return Option(provider, usd(cost), quality, seconds)


CHEAP = option("0.0100", 40, 60, "cheap")
GOOD = option("0.0200", 60, 30, "good")
BEST = option("0.0500", 90, 90, "best")
QUICK = option("0.0600", 50, 5, "quick")
ALL = (CHEAP, GOOD, BEST, QUICK)


def chosen(found: Optimum | Infeasible) -> list[str]:
    assert isinstance(found, Optimum)
    return [choice.option.provider for choice in found.choices]


# --- against trying everything -----------------------------------------------------------------

OPTIONS = some.builds(
    Option,
    provider=some.sampled_from("abcdef"),
    cost=some.one_of(some.integers(1, 12), some.integers(1, 3_000)).map(lambda n: n * 100),
    quality=some.one_of(some.integers(1, 5), some.integers(1, 100)),
    seconds=some.integers(1, 300),
)
KINDS = some.lists(OPTIONS, min_size=1, max_size=6)
SLOTS = some.one_of(
    some.lists(KINDS, min_size=1, max_size=8),
    some.lists(KINDS, min_size=1, max_size=2).flatmap(  # as in most storyboards: many alike
        lambda kinds: some.lists(some.sampled_from(kinds), min_size=1, max_size=8)
    ),
)


def thinned(slots: list[list[Option]]) -> list[list[Option]]:
    """As much of the slots as can be tried in full."""
    kept: list[list[Option]] = []
    combinations = 1
    for options in slots:
        fits = max(1, MOST_CASES // combinations)
        kept.append(options[:fits])
        combinations *= len(kept[-1])
    return kept


def totals(choice: tuple[Option, ...]) -> tuple[int, int, int]:
    return (
        sum(one.cost for one in choice),
        sum(one.quality for one in choice),
        sum(one.seconds for one in choice),
    )


def rank(goal: Goal, cost: int, quality: int, seconds: int) -> tuple[int, int]:
    """What is minimised: the goal, then the cost."""
    return {Goal.QUALITY: -quality, Goal.COST: cost, Goal.TIME: seconds}[goal], cost


@settings(max_examples=500, deadline=None)
@given(
    slots=SLOTS.map(thinned),
    goal=some.sampled_from(Goal),
    share=some.integers(0, 110),
    floor=some.sampled_from([0, 0, 2, 40]),
)
def test_the_choice_equals_trying_everything(
    slots: list[list[Option]], goal: Goal, share: int, floor: int
) -> None:
    least = sum(min(one.cost for one in options) for options in slots)
    most = sum(max(one.cost for one in options) for options in slots)
    budget = least + (most - least) * share // 100
    reached = [c for c in product(*slots) if all(one.quality >= floor for one in c)]
    fitting = [c for c in reached if totals(c)[0] <= budget]

    found = optimise(slots, goal=goal, budget=budget, floor=floor)

    if not fitting:
        cheapest = min((totals(c)[0] for c in reached), default=None)
        assert isinstance(found, Infeasible)
        assert found.least == cheapest
        assert bool(found.below_floor) == (cheapest is None)
        return
    assert isinstance(found, Optimum)
    assert all(
        choice.option in options for choice, options in zip(found.choices, slots, strict=True)
    )
    assert all(choice.option.quality >= floor for choice in found.choices)
    assert found.cost <= budget
    assert rank(goal, found.cost, found.quality, found.seconds) == min(
        rank(goal, *totals(c)) for c in fitting
    )


@settings(max_examples=200, deadline=None)
@given(slots=SLOTS.map(thinned), share=some.integers(0, 100))
def test_nothing_betters_a_point_of_the_frontier_and_its_ends_are_the_cheapest_and_the_best(
    slots: list[list[Option]], share: int
) -> None:
    every = [totals(c)[:2] for c in product(*slots)]

    found = optimise(slots, goal=Goal.QUALITY)

    assert isinstance(found, Optimum)
    cheapest = min(every, key=lambda one: (one[0], -one[1]))
    best = max(every, key=lambda one: (one[1], -one[0]))
    assert (found.frontier[0], found.frontier[-1]) == (cheapest, best)
    assert list(found.frontier) == sorted(set(found.frontier))
    cost, quality = found.frontier[share * (len(found.frontier) - 1) // 100]
    assert quality == max(points for price, points in every if price <= cost)
    assert (cost, quality) in every


@given(slots=SLOTS.map(thinned), share=some.integers(0, 100))
def test_more_money_never_buys_less(slots: list[list[Option]], share: int) -> None:
    least = sum(min(one.cost for one in options) for options in slots)
    less = optimise(slots, goal=Goal.QUALITY, budget=least + share * CENT)
    more = optimise(slots, goal=Goal.QUALITY, budget=least + (share + 1) * CENT)

    assert isinstance(less, Optimum)
    assert isinstance(more, Optimum)
    assert more.quality >= less.quality


# --- what is chosen ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("goal", "budget", "floor", "expected"),
    [
        (Goal.QUALITY, "1", 0, ["best", "best"]),
        (Goal.QUALITY, "0.0700", 0, ["good", "best"]),
        (Goal.QUALITY, "0.0400", 0, ["good", "good"]),
        (Goal.QUALITY, "0.0200", 0, ["cheap", "cheap"]),
        (Goal.COST, "1", 0, ["cheap", "cheap"]),
        (Goal.COST, "1", 50, ["good", "good"]),
        (Goal.COST, "1", 61, ["best", "best"]),
        (Goal.TIME, "1", 0, ["quick", "quick"]),
        (Goal.TIME, "0.0800", 0, ["good", "quick"]),
        (Goal.TIME, "1", 60, ["good", "good"]),
    ],
)
def test_goal_budget_and_floor_decide(
    goal: Goal, budget: str, floor: int, expected: list[str]
) -> None:
    found = optimise([ALL, ALL], goal=goal, budget=usd(budget), floor=floor)

    assert sorted(chosen(found)) == sorted(expected)


def test_without_a_budget_money_is_no_object() -> None:
    assert chosen(optimise([ALL], goal=Goal.QUALITY)) == ["best"]


def test_among_equals_the_cheapest_is_taken_then_the_better_one_then_the_first() -> None:
    dear = option("0.0300", 60, 10, "dear")
    poor = option("0.0200", 50, 30, "poor")
    twin = option("0.0200", 60, 30, "twin")

    assert chosen(optimise([[dear, GOOD]], goal=Goal.QUALITY)) == ["good"]
    assert chosen(optimise([[poor, GOOD]], goal=Goal.COST)) == ["good"]
    assert chosen(optimise([[twin, GOOD]], goal=Goal.COST)) == ["twin"]


def test_a_budget_that_is_too_small_says_which_would_do() -> None:
    found = optimise([ALL, ALL], goal=Goal.QUALITY, budget=usd("0.0399"), floor=50)

    assert found == Infeasible(usd("0.0400"))
    assert isinstance(optimise([ALL, ALL], goal=Goal.QUALITY, budget=usd("0.0400"), floor=50),
                      Optimum)  # fmt: skip


def test_a_floor_that_nobody_reaches_names_the_slots() -> None:
    found = optimise([ALL, [CHEAP], [GOOD, QUICK]], goal=Goal.COST, floor=61)

    assert found == Infeasible(None, below_floor=(1, 2))


def test_the_frontier_tells_what_the_next_money_buys() -> None:
    found = optimise([ALL, [CHEAP, GOOD]], goal=Goal.COST)

    assert isinstance(found, Optimum)
    assert found.frontier == (
        (usd("0.0200"), 80),
        (usd("0.0300"), 100),
        (usd("0.0400"), 120),
        (usd("0.0700"), 150),
    )


# --- why ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "goal", "budget", "floor", "reason"),
    [
        ([GOOD], Goal.QUALITY, "1", 0, "the only provider that can make it"),
        (ALL, Goal.COST, "1", 61, "the only provider that reaches the quality floor"),
        (ALL, Goal.COST, "1", 0, "the cheapest"),
        (ALL, Goal.COST, "1", 50, "the cheapest of those that reach the quality floor"),
        (ALL, Goal.QUALITY, "1", 0, "the best quality"),
        (ALL, Goal.TIME, "1", 50, "the quickest of those that reach the quality floor"),
        (
            ALL, Goal.QUALITY, "0.0200", 0,
            "best ranks 90 against 60 but costs 0.0300 more, "
            "which the budget lacks or spends better",
        ),
        (
            ALL, Goal.TIME, "0.0200", 0,
            "quick takes 5 s against 30 s but costs 0.0400 more, "
            "which the budget lacks or spends better",
        ),
    ],
)  # fmt: skip
def test_every_choice_says_why(
    options: list[Option], goal: Goal, budget: str, floor: int, reason: str
) -> None:
    found = optimise([options], goal=goal, budget=usd(budget), floor=floor)

    assert isinstance(found, Optimum)
    assert [choice.reason for choice in found.choices] == [reason]
