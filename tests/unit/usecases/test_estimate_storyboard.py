"""A storyboard costs what its parts cost one by one, and each distinct wish is priced once."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from filmgate.domain.chain import OnUnknown, make_plan
from filmgate.domain.errors import NoCapableProvider, ValidationFailed
from filmgate.domain.optimise import Goal, Infeasible, Optimum
from filmgate.domain.storyboard import FROM_KEYFRAME, Part, Shot, Storyboard
from filmgate.domain.strategies import Role, Strategy
from filmgate.domain.wishes import AUTO
from filmgate.providers.data import catalogue, rate_card
from filmgate.usecases import estimate_storyboard as module
from filmgate.usecases.estimate_storyboard import Aim, StoryboardEstimate, estimate_storyboard
from tests.support.builders import NOW, TENANT, clip_wish, image_wish, usd, with_keys
from tests.support.memory_studio import MemoryStudio

KEYS = with_keys(*catalogue().providers)


def priced(
    *shots: Shot, aim: Aim | None = None, card: str = "guide", **others: Any
) -> StoryboardEstimate:
    studio = MemoryStudio()
    studio.settings[TENANT] = KEYS
    return estimate_storyboard(
        Storyboard(shots, **others), aim=aim, tenant=TENANT, studio=studio, catalogue=catalogue(),
        card=rate_card(card), now=NOW,
    )  # fmt: skip


def keyframe(provider: str = AUTO, **wish: Any) -> Part:
    return Part(Role.KEYFRAME, image_wish(**wish), provider)


def clip(provider: str = AUTO, **wish: Any) -> Part:
    return Part(Role.CLIP, clip_wish(image=FROM_KEYFRAME, **wish), provider)


def shot(number: int, *parts: Part, **others: Any) -> Shot:
    return Shot(number, "a fox", parts, **others)


STILLS = some.builds(
    keyframe,
    provider=some.sampled_from([AUTO, "dalle", "nanobanana"]),
    prompt=some.sampled_from(["a fox", "a hare", "x" * 70_000]),
    aspect_ratio=some.sampled_from([None, "1:1", "16:9"]),
)
CLIPS = some.builds(
    clip,
    provider=some.sampled_from([AUTO, "wan", "kling", "flow"]),
    prompt=some.sampled_from(["it runs", "it sleeps"]),
    resolution=some.sampled_from([None, "720p", "1080p"]),
    duration_s=some.sampled_from([None, 5, 10]),
    seed=some.sampled_from([None, 1, 2]),
)


@settings(max_examples=60, deadline=None)
@given(
    parts=some.lists(some.one_of(STILLS, CLIPS), min_size=1, max_size=8),
    strategy=some.sampled_from(Strategy),
    card=some.sampled_from(["guide", "vendor"]),
    on_unknown=some.sampled_from([None, OnUnknown.NEXT]),
)
def test_the_sum_is_that_of_single_estimates(
    parts: list[Part], strategy: Strategy, card: str, on_unknown: OnUnknown | None
) -> None:
    single = [
        make_plan(
            part.wish, provider=part.provider, strategy=strategy, catalogue=catalogue(),
            card=rate_card(card), settings=KEYS, health={}, now=NOW, on_unknown=on_unknown,
        )
        for part in parts
    ]  # fmt: skip
    shots = [shot(number, part) for number, part in enumerate(parts)]
    if not all(plan.eligible for plan in single):
        with pytest.raises(NoCapableProvider) as refused:
            priced(*shots, card=card)
        assert len(refused.value.facts["errors"]) == sum(not plan.eligible for plan in single)
        return

    found = priced(*shots, strategy=strategy, card=card, on_unknown=on_unknown)

    assert [one.plan for each in found.shots for one in each.parts] == single
    assert found.totals.expected == sum(plan.expected for plan in single)
    assert found.totals.max == sum(plan.worst_case() for plan in single)
    assert found.strategies[strategy] == found.totals
    assert sum(found.totals.by_type.values()) == found.totals.expected
    assert sum(found.totals.by_provider.values()) == found.totals.expected


def test_two_hundred_shots_are_priced_as_often_as_their_wishes_differ(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def counting(*args: Any, **facts: Any) -> Any:
        asked.append(facts)
        return make_plan(*args, **facts)

    monkeypatch.setattr(module, "make_plan", counting)
    shots = [
        shot(
            n, keyframe(prompt=f"shot {n}", seed=n), clip(prompt=f"clip {n}", duration_s=5 + n % 2)
        )
        for n in range(200)
    ]

    found = priced(*shots)

    assert len(asked) == 3
    assert len(found.shots) == 200


def test_a_prompt_that_is_too_long_for_somebody_is_another_wish() -> None:
    short, long = clip("whan", prompt="x" * 1500), clip(prompt="x" * 2000)

    found = priced(shot(1, short), shot(2, long))

    models = [each.parts[0].first.match.offer.model for each in found.shots]
    assert models == ["wan2.7-i2v", "kling-3.0-turbo"]


def test_a_shot_may_have_a_strategy_of_its_own_but_not_side_by_side() -> None:
    found = priced(
        shot(1, keyframe()), shot(2, keyframe(), strategy=Strategy.CHEAPEST),
    )  # fmt: skip

    assert [each.parts[0].first.provider.id for each in found.shots] == ["dalle", "nanobanana"]
    assert found.strategies[Strategy.PRIORITY].expected == usd("0.0400")


def test_hybrid_prices_each_role_by_its_own_strategy() -> None:
    found = priced(
        shot(1, keyframe(), Part(Role.VARIATION, image_wish()), clip()), strategy=Strategy.HYBRID
    )

    assert [one.first.provider.id for one in found.shots[0].parts] == [
        "dalle", "nanobanana", "flow",
    ]  # fmt: skip


def test_a_warning_is_told_once_with_its_shots() -> None:
    found = priced(*(shot(n, keyframe("dalle", seed=n)) for n in range(1, 9)))

    assert found.warnings == (
        "keyframe: dalle has no field for seed: it would be left out there "
        "(shots 1, 2, 3, 4, 5 and 3 more)",
    )


def test_a_provider_that_does_not_exist_is_pointed_at() -> None:
    with pytest.raises(ValidationFailed) as refused:
        priced(shot(1, keyframe()), shot(2, keyframe(), clip("lumen")))

    assert refused.value.faults[0][0] == "/shots/1/clip/provider"


def test_the_same_storyboard_has_the_same_quote_and_another_another() -> None:
    one, same, other = (priced(shot(n, keyframe())) for n in (1, 1, 2))

    assert one.quote.id == same.quote.id != other.quote.id


# --- optimise ----------------------------------------------------------------------------------


def test_without_a_budget_of_its_own_the_storyboards_holds() -> None:
    shots = [shot(n, keyframe()) for n in range(2)]

    found = priced(*shots, aim=Aim(Goal.QUALITY), budget=usd("0.0300")).optimised

    assert found is not None
    assert isinstance(found.found, Optimum)
    assert found.aim.budget == usd("0.0300")
    assert sorted(c.option.provider for c in found.found.choices) == ["dalle", "nanobanana"]


def test_what_is_chosen_costs_what_asking_for_it_costs() -> None:
    shots = [shot(n, keyframe(), clip(duration_s=5 + n)) for n in range(4)]
    aim = Aim(Goal.QUALITY, usd("0.1000"), "good")
    chosen = priced(*shots, aim=aim).optimised
    assert chosen is not None
    assert isinstance(chosen.found, Optimum)

    again = priced(
        *(
            Shot(owner.number, "a fox", (Part(part.role, part.wish, choice.option.provider),))
            for (owner, part), choice in zip(chosen.slots, chosen.found.choices, strict=True)
        )
    )

    assert again.totals.expected == again.totals.max == chosen.found.cost <= usd("0.1000")
    assert (again.totals.quality, again.totals.seconds) == (
        chosen.found.quality, chosen.found.seconds,
    )  # fmt: skip


def test_a_floor_leaves_out_who_is_below_it() -> None:
    found = priced(shot(1, clip("flow")), aim=Aim(Goal.COST, None, "good")).optimised

    assert found is not None
    assert found.found == Infeasible(None, below_floor=(0,))
