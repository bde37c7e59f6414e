"""Ids are derived: the same request gives the same generation, however often it comes."""

import re

import pytest

from filmgate.domain import ids


def test_the_same_key_of_the_same_user_is_the_same_generation() -> None:
    assert ids.generation_id("acme", "ada", "k1") == ids.generation_id("acme", "ada", "k1")


def test_another_tenant_user_or_key_is_another_generation() -> None:
    asked = [("acme", "ada", "k1"), ("other", "ada", "k1"), ("acme", "bob", "k1"),
             ("acme", "ada", "k2")]  # fmt: skip

    made = {ids.generation_id(*one) for one in asked}

    assert len(made) == 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "b\x001:c", "d"), ("a", "b", "c\x001:d")),
        (("ab", "c", "d"), ("a", "bc", "d")),
        (("", "ab", "c"), ("ab", "", "c")),
    ],
)
def test_parts_that_only_look_alike_when_joined_stay_apart(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    assert ids.generation_id(*one) != ids.generation_id(*other)


def test_a_generations_id_fits_an_execution_name_and_tells_nothing_of_its_key() -> None:
    made = ids.generation_id("acme", "ada", "secret key")

    assert re.fullmatch(r"gen_[a-z2-7]{26}", made)
    assert "secret" not in made


def test_attempts_and_takes_are_named_after_their_generation() -> None:
    generation = ids.generation_id("acme", "ada", "k1")

    attempt = ids.attempt_id(generation, 3)
    take = ids.take_id(attempt)

    assert attempt == f"att_{generation.removeprefix('gen_')}03"
    assert take == f"take_{generation.removeprefix('gen_')}03"
    assert ids.generation_of_take(take) == generation


@pytest.mark.parametrize(
    "text",
    ["", "take_", "take_short", "gen_" + "a" * 28, "take_" + "a" * 27, "take_" + "a" * 29,
     "take_../" + "a" * 25, "take_" + "a" * 27 + "#", "att_" + "a" * 28],
)  # fmt: skip
def test_what_is_no_takes_id_belongs_to_no_generation(text: str) -> None:
    assert ids.generation_of_take(text) is None


def test_a_quote_is_named_after_what_was_priced() -> None:
    assert ids.quote_id("a", "b") == ids.quote_id("a", "b")
    assert ids.quote_id("a", "b") != ids.quote_id("b", "a")
    assert re.fullmatch(r"quo_[a-z2-7]{26}", ids.quote_id("a"))


def test_a_storyboard_is_named_after_tenant_user_and_key_and_is_no_generation() -> None:
    made = ids.storyboard_id("acme", "ada", "k1")

    assert re.fullmatch(r"sb_[a-z2-7]{26}", made)
    assert made == ids.storyboard_id("acme", "ada", "k1")
    assert made not in {
        ids.storyboard_id("other", "ada", "k1"), ids.storyboard_id("acme", "bob", "k1"),
        ids.storyboard_id("acme", "ada", "k2"),
        ids.generation_id("acme", "ada", "k1").replace("gen_", "sb_"),
    }  # fmt: skip


def test_every_part_of_every_shot_in_every_revision_has_a_key_of_its_own() -> None:
    parts = [
        (board, number, role, revision)
        for board in ("sb_a", "sb_b")
        for number in (1, 11, 111)
        for role in ("keyframe", "variation", "clip")
        for revision in (0, 1, 11)
    ]

    keys = {ids.part_key(*part) for part in parts}

    assert len(keys) == len(parts)
    assert keys == {ids.part_key(*part) for part in parts}


def test_no_caller_can_send_the_key_of_a_part() -> None:
    assert not re.fullmatch(r"[\x21-\x7e]{1,255}", ids.part_key("sb_a", 1, "clip", 0))
