"""Which shots belong together."""

from hypothesis import given
from hypothesis import strategies as st

from filmgate.domain.continuity import groups_of
from filmgate.domain.storyboard import Shot


def shot(number: int, scene: str | None = None, *characters: str) -> Shot:
    return Shot(number, "a shot", (), scene=scene, characters=characters)


def test_shots_of_one_scene_belong_together_and_are_called_by_the_first() -> None:
    found = groups_of([shot(3, "harbour"), shot(4), shot(7, "harbour"), shot(9, "attic")])

    assert [(one.name, one.shots) for one in found] == [("0000003", (3, 7))]


def test_a_character_joins_scenes_also_through_others() -> None:
    found = groups_of(
        [shot(1, "a"), shot(2, None, "Ida"), shot(3, "b", "Ida", "Tom"), shot(4, "b"),
         shot(5, "a", "Tom")]
    )  # fmt: skip

    assert [one.shots for one in found] == [(1, 2, 3, 4, 5)]


def test_a_scene_is_no_character_of_the_same_name() -> None:
    assert groups_of([shot(1, "Ida"), shot(2, None, "Ida")]) == ()


MARKS = st.lists(
    st.tuples(st.none() | st.sampled_from("abc"), st.sets(st.sampled_from("xyz"), max_size=2)),
    max_size=8,
)


@given(marks=MARKS)
def test_groups_are_the_connected_parts(marks: list[tuple[str | None, set[str]]]) -> None:
    shots = [shot(n, scene, *sorted(names)) for n, (scene, names) in enumerate(marks)]
    near = {
        (a.number, b.number)
        for a in shots
        for b in shots
        if (a.scene is not None and a.scene == b.scene) or set(a.characters) & set(b.characters)
    }

    groups = [set(one.shots) for one in groups_of(shots)]

    for group in groups:
        assert len(group) > 1
        reached = {min(group)}
        while more := {b for a, b in near if a in reached} - reached:
            reached |= more
        assert reached == group
    together = set().union(*groups) if groups else set()
    alone = [one.number for one in shots if one.number not in together]
    assert not [(a, b) for a, b in near if a != b and (a in alone or b in alone)]
