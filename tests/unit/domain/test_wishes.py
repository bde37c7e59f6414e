"""A wish says what was said, and nothing else."""

from filmgate.domain.wishes import Media, Wish
from tests.support.builders import clip_wish, image_wish


def test_an_image_has_no_length() -> None:
    assert image_wish().seconds == 0


def test_a_clip_without_a_length_means_five_seconds_at_24_frames() -> None:
    wish = clip_wish()

    assert (wish.seconds, wish.frame_rate) == (5, 24)


def test_what_was_said_about_a_clip_counts() -> None:
    wish = clip_wish(duration_s=8, fps=60)

    assert (wish.seconds, wish.frame_rate) == (8, 60)


def test_params_hold_only_what_was_said() -> None:
    assert image_wish().as_params() == {"quality": "standard"}
    assert clip_wish(duration_s=5, motion="push_in").as_params() == {
        "quality": "standard",
        "duration_s": 5,
        "motion": "push_in",
    }


def test_a_seed_of_zero_was_said() -> None:
    assert image_wish(seed=0).as_params()["seed"] == 0


def test_params_and_wish_are_two_spellings_of_one_thing() -> None:
    wish = clip_wish(duration_s=5, resolution="1080p", negative_prompt="no rain", image="take_x")

    again = Wish(Media.VIDEO, wish.prompt, negative_prompt="no rain", **wish.as_params())

    assert again == wish
