"""A storyboard: what its parts wait for, how it stands, and what a resume makes again."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from filmgate.domain.generations import GenerationState
from filmgate.domain.storyboard import (
    FROM_KEYFRAME,
    Part,
    PartProgress,
    PartState,
    Progress,
    Shot,
    Storyboard,
    StoryboardState,
    conclude,
    progress,
    resumed,
    state_of_part,
    state_of_shot,
    to_repeat,
    to_skip,
)
from filmgate.domain.strategies import Role, Strategy
from tests.support.builders import clip_wish, image_wish

Q, R, S, F, K, C = (
    PartState.QUEUED, PartState.RUNNING, PartState.SUCCEEDED, PartState.FAILED, PartState.SKIPPED,
    PartState.CANCELLED,
)  # fmt: skip
KEYFRAME = Part(Role.KEYFRAME, image_wish())
VARIATION = Part(Role.VARIATION, image_wish())
CLIP = Part(Role.CLIP, clip_wish(image=FROM_KEYFRAME))
CLIP_OF_WORDS = Part(Role.CLIP, clip_wish())
WHOLE = Shot(1, "a fox", (KEYFRAME, VARIATION, CLIP))
STATES = some.sampled_from(PartState)


def at(keyframe: PartState, variation: PartState, clip: PartState) -> dict[Role, PartProgress]:
    states = zip(Role, (keyframe, variation, clip), strict=True)
    return {role: PartProgress(state) for role, state in states}


# --- shots -------------------------------------------------------------------------------------


def test_a_variation_and_a_clip_of_the_keyframe_wait_for_it_and_a_clip_of_words_does_not() -> None:
    waiting = [part.waits_for_keyframe for part in (KEYFRAME, VARIATION, CLIP, CLIP_OF_WORDS)]

    assert waiting == [False, True, True, False]


def test_a_part_is_found_by_its_role() -> None:
    assert WHOLE.part(Role.CLIP) is CLIP
    assert Shot(1, "a fox", (KEYFRAME,)).part(Role.CLIP) is None


def test_a_shots_own_strategy_goes_before_the_storyboards() -> None:
    own = Shot(2, "a fox", (KEYFRAME,), strategy=Strategy.FASTEST)
    board = Storyboard((WHOLE, own), strategy=Strategy.CHEAPEST)

    assert [board.strategy_of(shot) for shot in board.shots] == [
        Strategy.CHEAPEST, Strategy.FASTEST,
    ]  # fmt: skip


# --- states ------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", GenerationState)
def test_a_part_is_where_its_generation_is(state: GenerationState) -> None:
    assert state_of_part(state) == ("running" if state == "storing" else state.value)


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        ((Q, Q, Q), Q),
        ((R, Q, Q), R),
        ((S, Q, Q), R),
        ((F, Q, Q), R),
        ((S, S, S), S),
        ((S, S, F), F),
        ((F, K, K), F),
        ((S, K, S), K),
        ((S, S, C), C),
        ((C, K, K), C),
        ((F, C, K), F),
        ((S,), S),
    ],
)
def test_a_shot_stands_as_the_gravest_of_its_parts(
    parts: tuple[PartState, ...], state: PartState
) -> None:
    assert state_of_shot(parts) is state


@pytest.mark.parametrize(
    ("shots", "state"),
    [
        ((Q, Q), "queued"),
        ((Q, R), "running"),
        ((S, Q), "running"),
        ((F, R), "running"),
        ((S, S), "succeeded"),
        ((S, F), "partial"),
        ((S, K), "partial"),
        ((S, C), "partial"),
        ((F, K), "failed"),
        ((C, C), "failed"),
    ],
)
def test_a_storyboard_stands_as_its_shots_do(shots: tuple[PartState, ...], state: str) -> None:
    assert conclude(shots) == state


@pytest.mark.parametrize(
    ("shots", "state"),
    [
        ((S, C), "cancelled"),
        ((F, C), "cancelled"),
        ((S, S), "succeeded"),
        ((S, F), "partial"),
        ((S, R), "running"),
    ],
)
def test_a_request_to_cancel_counts_where_it_stopped_a_shot(
    shots: tuple[PartState, ...], state: str
) -> None:
    assert conclude(shots, cancelled=True) == state


@given(some.lists(STATES, min_size=1), some.booleans())
def test_progress_and_state_never_contradict_each_other(
    shots: list[PartState], cancelled: bool
) -> None:
    state, counted = conclude(shots, cancelled=cancelled), progress(shots)

    ended = counted.done + counted.failed + counted.skipped + counted.cancelled
    assert counted.total == len(shots)
    assert (ended == counted.total) == (
        state not in (StoryboardState.QUEUED, StoryboardState.RUNNING)
    )
    assert (state is StoryboardState.SUCCEEDED) == (counted.done == counted.total)


def test_progress_counts_shots() -> None:
    assert progress([S, S, F, K, C, R, Q]) == Progress(7, done=2, failed=1, skipped=1, cancelled=1)


def test_nothing_has_no_state() -> None:
    with pytest.raises(ValueError, match="without parts"):
        state_of_shot(())
    with pytest.raises(ValueError, match="without shots"):
        conclude(())


# --- skipping and repeating --------------------------------------------------------------------


@pytest.mark.parametrize("lost", [F, K, C])
def test_without_a_keyframe_what_waits_for_it_is_skipped(lost: PartState) -> None:
    assert to_skip(WHOLE, at(lost, Q, Q)) == (Role.VARIATION, Role.CLIP)


@pytest.mark.parametrize("keyframe", [Q, R, S])
def test_while_there_may_be_a_keyframe_nothing_is_skipped(keyframe: PartState) -> None:
    assert to_skip(WHOLE, at(keyframe, Q, Q)) == ()


def test_a_clip_of_words_does_not_care_about_the_keyframe() -> None:
    shot = Shot(1, "a fox", (KEYFRAME, CLIP_OF_WORDS))
    parts = {Role.KEYFRAME: PartProgress(F), Role.CLIP: PartProgress(Q)}

    assert to_skip(shot, parts) == ()


@pytest.mark.parametrize(
    ("parts", "again"),
    [
        ((F, K, K), ("keyframe", "variation", "clip")),
        ((S, F, S), ("variation",)),
        ((S, S, K), ("clip",)),
        ((S, S, S), ()),
        ((S, C, F), ("clip",)),
        ((C, K, K), ()),
        ((R, F, Q), ("variation",)),
    ],
)
def test_a_resume_repeats_what_failed_or_was_skipped_and_nothing_else(
    parts: tuple[PartState, PartState, PartState], again: tuple[str, ...]
) -> None:
    assert to_repeat(WHOLE, at(*parts)) == again


def test_a_part_in_doubt_is_not_paid_a_second_time_nor_is_what_waits_for_it() -> None:
    parts = at(F, K, K) | {Role.KEYFRAME: PartProgress(F, in_doubt=True)}

    assert to_repeat(WHOLE, parts) == ()
    assert resumed(WHOLE, parts) == parts


@given(some.tuples(STATES, STATES, STATES))
def test_a_resume_puts_the_repeated_parts_one_revision_on_and_leaves_the_others(
    states: tuple[PartState, PartState, PartState],
) -> None:
    before = at(*states)

    after = resumed(WHOLE, before)

    again = to_repeat(WHOLE, before)
    assert all(after[role] == PartProgress(Q, revision=1) for role in again)
    assert all(after[role] == before[role] for role in Role if role not in again)
    assert to_repeat(WHOLE, after) == ()
