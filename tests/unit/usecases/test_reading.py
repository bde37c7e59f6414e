"""Reading: a creator sees what is theirs, viewers and admins see their whole tenant."""

import pytest

from filmgate.domain.errors import NotFound
from filmgate.domain.generations import GenerationState
from filmgate.usecases.ports import Page, Principal
from filmgate.usecases.reading import list_generations, read_generation
from tests.support.builders import GENERATION_ID, TENANT, generation, principal
from tests.support.memory_studio import MemoryStudio
from tests.support.stage import Stage


def studio_with_three() -> MemoryStudio:
    studio = MemoryStudio()
    for number, user in enumerate(["ada", "bob", "ada"]):
        made = generation(id=f"gen_{number}", user=user, project=f"p{number}")
        studio.generations[TENANT, made.id] = made
    stranger = generation(id="gen_9", tenant="rival")
    studio.generations["rival", stranger.id] = stranger
    return studio


@pytest.mark.parametrize(
    "reader",
    [principal(), principal(user="eve", role="viewer"), principal(user="root", role="admin")],
    ids=["its maker", "a viewer", "an admin"],
)
def test_whoever_may_see_a_generation_reads_it(reader: Principal) -> None:
    stage = Stage()
    stage.admit(generation())

    record = read_generation(GENERATION_ID, principal=reader, studio=stage.studio)

    assert record.generation.id == GENERATION_ID


@pytest.mark.parametrize(
    "stranger",
    [principal(user="bob"), principal(tenant="rival"), principal(tenant="rival", role="admin")],
    ids=["another creator", "another tenant", "another tenant's admin"],
)
def test_for_anybody_else_it_does_not_exist(stranger: Principal) -> None:
    stage = Stage()
    stage.admit(generation())

    with pytest.raises(NotFound):
        read_generation(GENERATION_ID, principal=stranger, studio=stage.studio)


def listed(reader: Principal, **wanted: object) -> Page:
    return list_generations(
        principal=reader, studio=studio_with_three(), limit=50, **wanted  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("reader", "seen"),
    [
        (principal(), {"gen_0", "gen_2"}),
        (principal(user="bob"), {"gen_1"}),
        (principal(user="eve"), set()),
        (principal(user="eve", role="viewer"), {"gen_0", "gen_1", "gen_2"}),
        (principal(user="root", role="admin"), {"gen_0", "gen_1", "gen_2"}),
        (principal(tenant="rival", role="admin"), {"gen_9"}),
    ],
)
def test_a_list_has_what_the_reader_may_see(reader: Principal, seen: set[str]) -> None:
    assert {one.id for one in listed(reader).items} == seen


def test_filters_narrow_what_may_be_seen() -> None:
    assert [one.id for one in listed(principal(), project="p2").items] == ["gen_2"]
    assert list(listed(principal(), project="p1").items) == []
    assert list(listed(principal(), state=GenerationState.FAILED).items) == []
