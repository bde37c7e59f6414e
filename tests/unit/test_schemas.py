"""Bodies are checked once: unknown fields, pointers at what is wrong, amounts as strings."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from filmgate.domain.chain import OnRefusal, OnUnknown
from filmgate.domain.errors import ValidationFailed
from filmgate.domain.storyboard import FROM_KEYFRAME, Part, Shot, Storyboard
from filmgate.domain.strategies import Role, Strategy
from filmgate.domain.wishes import Media, Wish
from filmgate.schemas import (
    BudgetBody,
    EstimateBody,
    GenerationBody,
    StoryboardBody,
    WishBody,
    faults_of,
)
from filmgate.usecases.request import Request
from tests.support.builders import usd

IMAGE: dict[str, Any] = {"type": "image", "prompt": "a red fox"}
CLIP: dict[str, Any] = {"type": "video", "prompt": "a red fox"}
TAKE_ID = f"take_{'a' * 26}00"


def faults(body: Any, model: type[BaseModel] = GenerationBody) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(body)
    return faults_of(list(refused.value.errors(include_url=False, include_input=False)))


# --- what is taken -----------------------------------------------------------------------------


def test_the_smallest_request_is_a_type_and_a_prompt() -> None:
    asked = GenerationBody.model_validate(IMAGE).request()

    assert asked == Request(wish=Wish(Media.IMAGE, "a red fox"))
    assert (asked.provider, asked.strategy) == ("auto", Strategy.PRIORITY)
    assert (asked.on_refusal, asked.on_unknown) == (None, None)  # each provider's settings say
    assert asked.cost_limit is None


def test_everything_that_may_be_said_reaches_the_request() -> None:
    asked = GenerationBody.model_validate(
        {
            **CLIP,
            "negative_prompt": "rain",
            "provider": "kling",
            "strategy": "cheapest",
            "cost_limit": "0.0400",
            "on_refusal": "stop",
            "on_unknown": "next",
            "project": "snow",
            "script_id": "s1",
            "shot_number": 0,
            "tags": ["a", "b"],
            "params": {
                "resolution": "1080P",
                "aspect_ratio": "16:9",
                "quality": "high",
                "style": "noir",
                "duration_s": 5,
                "fps": 60,
                "seed": 0,
                "count": 1,
                "image": TAKE_ID,
                "motion": "push_in",
            },
        }
    ).request()

    assert asked == Request(
        wish=Wish(
            Media.VIDEO, "a red fox", "rain", "1080p", "16:9", "high", "noir", 5, 60, 0, TAKE_ID,
            "push_in",
        ),
        provider="kling",
        strategy=Strategy.CHEAPEST,
        cost_limit=usd("0.0400"),
        on_refusal=OnRefusal.STOP,
        on_unknown=OnUnknown.NEXT,
        project="snow",
        script_id="s1",
        shot_number=0,
        tags=("a", "b"),
    )  # fmt: skip


@pytest.mark.parametrize("word", ["4K", "4k", "720P", "1080p", "1024x1024"])
def test_a_resolution_has_no_case(word: str) -> None:
    body = WishBody.model_validate({**CLIP, "params": {"resolution": word}})

    assert body.wish().resolution == word.lower()


# --- what is refused, and where ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "pointer", "message"),
    [
        ({"webhook": "x"}, "/webhook", "is not a known field"),
        ({"params": {"sized": "x"}}, "/params/sized", "is not a known field"),
        ({"a/b~c": 1}, "/a~1b~0c", "is not a known field"),
        ({"params": {"resolution": "big"}}, "/params/resolution", "must match"),
        ({"params": {"resolution": "720p\n"}}, "/params/resolution", "must match"),
        ({"params": {"aspect_ratio": "wide"}}, "/params/aspect_ratio", "must match"),
        ({"params": {"quality": "best"}}, "/params/quality", "input should be 'low'"),
        ({"params": {"duration_s": 0}}, "/params/duration_s", "greater than or equal to 1"),
        ({"params": {"duration_s": 61}}, "/params/duration_s", "less than or equal to 60"),
        ({"params": {"duration_s": 5.5}}, "/params/duration_s", "valid integer"),
        ({"params": {"duration_s": "5"}}, "/params/duration_s", "valid integer"),
        ({"params": {"duration_s": True}}, "/params/duration_s", "valid integer"),
        ({"params": {"fps": 23}}, "/params/fps", "input should be 24"),
        ({"params": {"seed": -1}}, "/params/seed", "greater than or equal to 0"),
        ({"params": {"count": 2}}, "/params/count", "less than or equal to 1"),
        ({"params": {"image": "ftp://a.example/x.png"}}, "/params/image", "or an https link"),
        ({"params": {"image": "https://a.example/a b"}}, "/params/image", "or an https link"),
        ({"params": {"image": f"upl_{'a' * 25}"}}, "/params/image", "must be the id of a take"),
        ({"params": {"image": f"upl_{'a' * 26}\n"}}, "/params/image", "must be the id of a take"),
        ({"params": {"motion": "spin"}}, "/params/motion", "input should be 'push_in'"),
        ({"params": None}, "/params", "valid dictionary"),
        ({"prompt": ""}, "/prompt", "at least 1 character"),
        ({"prompt": " \n\t"}, "/prompt", "must not be blank"),
        ({"prompt": "x" * 100_001}, "/prompt", "at most 100000 characters"),
        ({"prompt": 7}, "/prompt", "valid string"),
        ({"type": "sound"}, "/type", "input should be 'image' or 'video'"),
        ({"provider": ""}, "/provider", "at least 1 character"),
        ({"strategy": "luck"}, "/strategy", "input should be 'priority'"),
        ({"on_refusal": "maybe"}, "/on_refusal", "input should be 'next' or 'stop'"),
        ({"cost_limit": 0.04}, "/cost_limit", "valid string"),
        ({"cost_limit": 1}, "/cost_limit", "valid string"),
        ({"cost_limit": "0.00001"}, "/cost_limit", "decimal string with at most four places"),
        ({"cost_limit": "-1"}, "/cost_limit", "decimal string"),
        ({"cost_limit": "1e3"}, "/cost_limit", "decimal string"),
        ({"tags": ["x"] * 21}, "/tags", "at most 20 items"),
        ({"tags": ["a", ""]}, "/tags/1", "at least 1 character"),
        ({"shot_number": -1}, "/shot_number", "greater than or equal to 0"),
    ],
)
def test_a_wrong_field_is_pointed_at(change: dict[str, Any], pointer: str, message: str) -> None:
    found = faults({**CLIP, **change})

    assert [where for where, _ in found] == [pointer]
    assert message in found[0][1]


def test_every_wrong_field_is_named_at_once() -> None:
    found = faults({"type": "video", "params": {"fps": 1, "seed": -1}, "cost_limit": 1})

    assert {where for where, _ in found} == {
        "/prompt", "/params/fps", "/params/seed", "/cost_limit",
    }  # fmt: skip
    assert ("/prompt", "is required") in found


@pytest.mark.parametrize("body", [[], "text", None, 7])
def test_a_body_that_is_no_object_is_wrong_as_a_whole(body: Any) -> None:
    assert [where for where, _ in faults(body)] == [""]


@pytest.mark.parametrize(
    ("field", "value"),
    [("duration_s", 5), ("fps", 24), ("image", TAKE_ID), ("motion", "push_in")],
)
def test_an_image_refuses_what_only_clips_have(field: str, value: Any) -> None:
    found = faults({**IMAGE, "params": {field: value}})

    assert found == [(f"/params/{field}", f"params.{field} is for clips only")]


def test_no_fault_repeats_what_was_sent() -> None:
    found = faults({**CLIP, "prompt": 7, "provider": "", "params": {"style": ["canary"]},
                    "cost_limit": "canary"})  # fmt: skip

    assert "canary" not in str(found)


def test_a_comparison_takes_no_provider() -> None:
    assert faults({**IMAGE, "provider": "dalle"}, WishBody) == [
        ("/provider", "is not a known field")
    ]


def test_an_estimate_takes_no_project() -> None:
    assert faults({**IMAGE, "project": "snow"}, EstimateBody) == [
        ("/project", "is not a known field")
    ]


# --- the hash of a request ---------------------------------------------------------------------


def hash_of(body: dict[str, Any]) -> str:
    return GenerationBody.model_validate(body).canonical_hash()


@pytest.mark.parametrize(
    "same",
    [
        {"prompt": "a red fox", "type": "image"},
        {**IMAGE, "provider": "auto"},
        {**IMAGE, "params": {}},
        {**IMAGE, "params": {"quality": "standard", "count": 1, "seed": None}},
        {**IMAGE, "tags": [], "cost_limit": None, "on_unknown": None},
    ],
)
def test_saying_a_default_is_the_same_request(same: dict[str, Any]) -> None:
    assert hash_of(same) == hash_of(IMAGE)


@pytest.mark.parametrize(
    "other",
    [
        CLIP,
        {**IMAGE, "prompt": "a red fox."},
        {**IMAGE, "provider": "dalle"},
        {**IMAGE, "params": {"seed": 0}},
        {**IMAGE, "cost_limit": "0.0100"},
        {**IMAGE, "tags": ["a"]},
        {**IMAGE, "project": "snow"},
    ],
)
def test_saying_anything_else_is_another_request(other: dict[str, Any]) -> None:
    assert hash_of(other) != hash_of(IMAGE)


# --- budgets -----------------------------------------------------------------------------------


def test_a_budget_is_a_limit_with_the_usual_alerts() -> None:
    body = BudgetBody.model_validate({"limit": "10"})

    assert (body.limit_micros(), body.alerts()) == (usd("10"), (80, 100))


def test_alerts_are_sorted_and_named_once() -> None:
    assert BudgetBody.model_validate({"limit": "1", "alert_at": [100, 50, 100]}).alerts() == (
        50, 100,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/limit"),
        ({"limit": 10}, "/limit"),
        ({"limit": "ten"}, "/limit"),
        ({"limit": "1", "alert_at": [0]}, "/alert_at/0"),
        ({"limit": "1", "alert_at": [80.5]}, "/alert_at/0"),
        ({"limit": "1", "alert_at": [1] * 11}, "/alert_at"),
        ({"limit": "1", "scope": "owner"}, "/scope"),
    ],
)
def test_a_wrong_budget_is_pointed_at(body: dict[str, Any], pointer: str) -> None:
    assert [where for where, _ in faults(body, BudgetBody)] == [pointer]


# --- storyboards -------------------------------------------------------------------------------


def board(**body: Any) -> Storyboard:
    return StoryboardBody.model_validate({"shots": [{"prompt": "a fox"}], **body}).storyboard()


def board_faults(**body: Any) -> list[tuple[str, str]]:
    try:
        board(**body)
    except ValidationError as refused:
        return faults_of(list(refused.errors(include_url=False, include_input=False)))
    except ValidationFailed as refused:
        return list(refused.faults)
    return []


def test_the_smallest_storyboard_is_one_prompt_and_wants_one_keyframe() -> None:
    made = board()

    assert made == Storyboard(
        (Shot(1, "a fox", (Part(Role.KEYFRAME, Wish(Media.IMAGE, "a fox")),)),)
    )
    assert (made.strategy, made.budget) == (Strategy.PRIORITY, None)


def test_everything_that_may_be_said_reaches_the_storyboard() -> None:
    made = board(
        title="Snow", project="p", strategy="hybrid", budget="5.0000", on_refusal="stop",
        on_unknown="next",
        shots=[
            {
                "number": 7, "prompt": "a fox", "negative_prompt": "rain", "scene": "wood",
                "characters": ["fox"], "strategy": "quality",
                "keyframe": {"provider": "dalle", "params": {"quality": "high"}},
                "variation": {"prompt": "a fox, closer"},
                "clip": {"provider": "whan", "prompt": "it runs", "negative_prompt": "fog",
                         "params": {"resolution": "1080P", "duration_s": 8}},
            }
        ],
    )  # fmt: skip

    keyframe = Part(Role.KEYFRAME, Wish(Media.IMAGE, "a fox", "rain", quality="high"), "dalle")
    variation = Part(Role.VARIATION, Wish(Media.IMAGE, "a fox, closer", "rain"))
    clip = Wish(
        Media.VIDEO, "it runs", "fog", resolution="1080p", duration_s=8, image=FROM_KEYFRAME
    )
    assert made == Storyboard(
        shots=(
            Shot(
                7, "a fox", (keyframe, variation, Part(Role.CLIP, clip, "whan")), "rain", "wood",
                ("fox",), Strategy.QUALITY,
            ),
        ),
        title="Snow", project="p", strategy=Strategy.HYBRID, budget=usd("5"),
        on_refusal=OnRefusal.STOP, on_unknown=OnUnknown.NEXT,
    )  # fmt: skip


DEFAULTS = {
    "keyframe": {"provider": "dalle", "params": {"quality": "high", "aspect_ratio": "16:9"}},
    "clip": {"provider": "whan", "params": {"duration_s": 8, "motion": "push_in"}},
}


@pytest.mark.parametrize(
    ("own", "provider", "seconds", "motion"),
    [
        ({}, "whan", 8, "push_in"),
        ({"clip": {}}, "whan", 8, "push_in"),
        ({"clip": {"provider": "auto"}}, "auto", 8, "push_in"),
        ({"clip": {"params": {"duration_s": 3}}}, "whan", 3, "push_in"),
        ({"clip": {"params": {"motion": None}}}, "whan", 8, None),
    ],
)
def test_defaults_hold_param_by_param_under_what_a_shot_says(
    own: dict[str, Any], provider: str, seconds: int, motion: str | None
) -> None:
    (shot,) = board(defaults=DEFAULTS, shots=[{"prompt": "a fox", **own}]).shots

    keyframe, clip = shot.parts
    assert (keyframe.provider, keyframe.wish.quality) == ("dalle", "high")
    assert (clip.provider, clip.wish.duration_s, clip.wish.motion) == (provider, seconds, motion)


@pytest.mark.parametrize(
    ("own", "roles"),
    [
        ({"clip": None}, ["keyframe"]),
        ({"keyframe": None}, ["clip"]),
        ({"variation": {}}, ["keyframe", "variation", "clip"]),
    ],
)
def test_null_means_that_a_part_is_not_wanted_whatever_the_defaults_say(
    own: dict[str, Any], roles: list[str]
) -> None:
    (shot,) = board(defaults=DEFAULTS, shots=[{"prompt": "a fox", **own}]).shots

    assert [part.role for part in shot.parts] == roles


@pytest.mark.parametrize(
    ("shot", "image"),
    [
        ({"clip": {}}, FROM_KEYFRAME),
        ({"clip": {"params": {"image": TAKE_ID}}}, TAKE_ID),
        ({"clip": {}, "keyframe": None}, None),
    ],
)
def test_a_clip_starts_from_its_keyframe_unless_it_has_a_still_or_there_is_none(
    shot: dict[str, Any], image: str | None
) -> None:
    (made,) = board(shots=[{"prompt": "a fox", **shot}]).shots

    clip = made.part(Role.CLIP)
    assert clip is not None
    assert clip.wish.image == image


@pytest.mark.parametrize(
    ("shot", "pointer"),
    [
        ({"clip": {"params": {"duration_s": 61}}}, "/shots/1/clip/params/duration_s"),
        ({"clip": {"parms": {}}}, "/shots/1/clip/parms"),
        ({"keyframe": {"params": {"duration_s": 5}}}, "/shots/1/keyframe/params/duration_s"),
        ({"variation": {"params": {"motion": "push_in"}}}, "/shots/1/variation/params/motion"),
        ({"prompt": " "}, "/shots/1/prompt"),
        ({"number": -1}, "/shots/1/number"),
        ({"number": 1}, "/shots/1/number"),
        ({"strategy": "luck"}, "/shots/1/strategy"),
        ({"characters": [""]}, "/shots/1/characters/0"),
        ({"keyframe": None}, "/shots/1/keyframe"),
        ({"keyframe": None, "variation": {}}, "/shots/1/variation"),
    ],
)
def test_what_is_wrong_with_a_shot_is_pointed_at(shot: dict[str, Any], pointer: str) -> None:
    found = board_faults(shots=[{"prompt": "one"}, {"prompt": "two", **shot}])

    assert [where for where, _ in found] == [pointer]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"shots": []}, "/shots"),
        ({"shots": [{"prompt": "a"}] * 1001}, "/shots"),
        ({"budget": 5}, "/budget"),
        ({"mood": "sad"}, "/mood"),
        ({"defaults": {"keyframe": {"params": {"fps": 24}}}}, "/defaults/keyframe/params/fps"),
    ],
)
def test_what_is_wrong_with_a_storyboard_is_pointed_at(body: dict[str, Any], pointer: str) -> None:
    assert [where for where, _ in board_faults(**body)] == [pointer]


def test_every_number_that_comes_twice_is_told_at_once() -> None:
    shots = [{"prompt": "a", "number": number} for number in (4, 5, 4, 5)]

    assert [where for where, _ in board_faults(shots=shots)] == [
        "/shots/2/number", "/shots/3/number",
    ]  # fmt: skip


@pytest.mark.parametrize("strategy", Strategy)
def test_every_strategy_can_be_asked_for(strategy: Strategy) -> None:
    body = GenerationBody.model_validate({**IMAGE, "strategy": strategy.value})

    assert body.request().strategy is strategy
