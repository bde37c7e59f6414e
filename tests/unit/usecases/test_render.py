"""The step Render: our own camera move; no vendor, no doubt, and no money for a failure."""

from dataclasses import replace

import pytest

from filmgate.domain.attempts import AttemptState
from filmgate.domain.errors import ResultUnusable
from filmgate.domain.generations import Generation, GenerationState
from filmgate.domain.uploads import Still, Upload
from filmgate.providers.base import Finished, Rendering
from filmgate.usecases.steps import Outcome, StepResult
from tests.support.builders import (
    GENERATION_ID,
    NOW,
    TENANT,
    clip_link,
    clip_wish,
    generation,
    take,
    usd,
)
from tests.support.fakes import FakeCamera, ScriptedProvider, clip, picture
from tests.support.stage import Stage, ending, states

S = AttemptState
G = GenerationState
STILL = take()


def accepted(
    camera: FakeCamera | None = None, *, motion: str | None = None, other: bool = False
) -> tuple[Stage, Generation]:
    """A stage with a still, and a generation whose render is due."""
    stage = Stage(
        camera=camera,
        flow=ScriptedProvider([Rendering()]),
        other=ScriptedProvider([Finished(data=clip())]),
    )
    stage.studio.generations[TENANT, GENERATION_ID] = generation()
    stage.studio.takes[TENANT, GENERATION_ID][STILL.id] = STILL
    stage.takes.objects[STILL.key] = (picture(), "image/png")
    chain = [clip_link("flow", "0.0042"), clip_link("other", "0.0100")]
    asked = generation(
        *chain[: 2 if other else 1],
        id=f"gen_{'a' * 26}",
        wish=clip_wish(image=STILL.id, motion=motion, duration_s=5),
    )
    stage.admit(asked)
    stage.submit(asked)
    return stage, asked


def test_a_clip_is_rendered_stored_and_settled_in_one_step() -> None:
    stage, asked = accepted()

    result = stage.render(asked)

    record = stage.record(asked)
    (made,) = record.takes
    assert result == StepResult(Outcome.STORED)
    assert states(record) == [S.STORED]
    assert (made.media_type, made.width, made.height, made.duration_ms) == (
        "video/mp4", 1280, 720, 5000,
    )  # fmt: skip
    assert stage.takes.objects[made.key] == (clip(), "video/mp4")
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0042"))


def test_a_clip_is_rendered_from_an_uploaded_image() -> None:
    stage, asked = accepted()
    wish = clip_wish(image=f"upl_{'b' * 26}", duration_s=5)
    stage.studio.generations[TENANT, asked.id] = replace(stage.record(asked).generation, wish=wish)
    still = Still("stills/rooftop.png", "image/png", 64, 64, 1, "a" * 64)
    upload = Upload(wish.image or "", TENANT, "ada", "creator", "rooftop.png", NOW)
    stage.studio.add_upload(upload.kept(still))
    stage.takes.objects[still.key] = (picture(64, 64), "image/png")

    stage.render(asked)

    assert states(stage.record(asked)) == [S.STORED]
    assert stage.camera.stills == [picture(64, 64)]


@pytest.mark.parametrize(("motion", "used"), [(None, "push_in"), ("pan_left", "pan_left")])
def test_the_camera_pushes_in_unless_told_otherwise(motion: str | None, used: str) -> None:
    stage, asked = accepted(motion=motion)

    stage.render(asked)

    assert stage.camera.moves == [used]


def test_a_render_that_fails_costs_nothing_and_the_next_is_asked() -> None:
    camera = FakeCamera(ResultUnusable("flow", "the still cannot be read"))
    stage, asked = accepted(camera, other=True)

    result = stage.render(asked)

    record = stage.record(asked)
    assert result == StepResult(Outcome.NEXT)
    assert states(record) == [S.RELEASED]
    assert record.current.failure is not None
    assert (record.current.failure.code, record.current.failure.message) == (
        "render-failed",
        "the still cannot be read",
    )
    assert (stage.budget().held, stage.budget().settled) == (0, 0)
    assert states(stage.run(asked)) == [S.RELEASED, S.STORED]


def test_a_still_that_is_gone_ends_the_render_without_a_cost() -> None:
    stage, asked = accepted()
    del stage.studio.takes[TENANT, GENERATION_ID][STILL.id]

    record = stage.run(asked)

    assert ending(record) == (G.FAILED, "all-providers-failed")
    assert record.current.failure is not None
    assert record.current.failure.message == "the keyframe is gone"
    assert (stage.budget().held, stage.budget().settled) == (0, 0)


def test_rendering_again_changes_nothing() -> None:
    stage, asked = accepted()
    stage.render(asked)
    before = stage.record(asked)

    result = stage.render(asked)

    assert result == StepResult(Outcome.STORED)
    assert stage.record(asked) == before
    assert len(stage.camera.moves) == 1


def test_of_two_renders_at_once_one_settles() -> None:
    stage, asked = accepted()
    move = stage.camera.__call__
    said: list[StepResult] = []

    class RendersBeside:
        def __call__(self, *arguments: object, **named: object) -> None:
            if not said:
                said.append(StepResult(Outcome.STOPPED))
                said[0] = stage.render(asked)
            move(*arguments, **named)  # type: ignore[arg-type]

    stage.camera = RendersBeside()  # type: ignore[assignment]

    slower = stage.render(asked)

    assert [said[0], slower] == [StepResult(Outcome.STORED)] * 2
    assert len(stage.record(asked).takes) == 1
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0042"))


def test_a_render_before_its_submit_does_nothing() -> None:
    stage = Stage(flow=ScriptedProvider([Rendering()]))
    asked = generation(clip_link("flow"), wish=clip_wish())
    stage.admit(asked)

    result = stage.render(asked)

    assert result == StepResult(Outcome.AGAIN)
    assert states(stage.record(asked)) == [S.RESERVED]
