"""State Render: our own camera move over a still."""

import pytest

from filmgate.domain.errors import StoreUnavailable
from tests.functions.support import Deployment, altered, sample
from tests.functions.vendors import DALLE, ScriptedEgress, dalle_picture, picture
from tests.support.aws import client


@pytest.fixture
def still(studio: Deployment, vendors: ScriptedEgress) -> str:
    """The id of a generation whose take is the samples' keyframe."""
    studio.give_key("dalle")
    vendors.will(DALLE, dalle_picture(picture(1536, 864)))
    made = str(studio.call("generate", sample("generate", "image")).json["id"])
    studio.run(made)
    return made


@pytest.fixture
def waiting(studio: Deployment, still: str) -> str:
    """The id of a clip that waits for the renderer."""
    made = str(studio.call("generate", sample("generate", "flow-clip")).json["id"])
    assert studio.step("submit", made)["outcome"] == "render"
    return made


def budget(studio: Deployment) -> tuple[int, int]:
    found = studio.table.budget("studio", "owner", "2026-11")
    return found.held, found.settled


def test_a_clip_is_rendered_kept_and_settled_without_a_provider(
    studio: Deployment, vendors: ScriptedEgress, waiting: str
) -> None:
    held = budget(studio)
    asked = len(vendors.calls)

    said = studio.step("render", waiting)

    (take,) = studio.table.find("studio", waiting).takes
    assert said["outcome"] == "stored"
    assert (take.provider, take.media_type) == ("flow", "video/mp4")
    assert (take.width, take.height, take.duration_ms) == (720, 720, 1000)
    assert (held, budget(studio)) == ((900, 20_000), (0, 20_900))
    assert len(vendors.calls) == asked


def test_a_render_that_is_repeated_after_a_crash_gives_the_same_bytes_under_the_same_key(
    studio: Deployment, waiting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(studio.table.__class__, "commit", crash)
        with pytest.raises(StoreUnavailable):
            studio.step("render", waiting)
    orphans = {one["Key"]: one["ETag"] for one in _objects(waiting)}

    said = studio.step("render", waiting)

    assert said["outcome"] == "stored"
    assert {one["Key"]: one["ETag"] for one in _objects(waiting)} == orphans
    assert len(orphans) == 1


def test_a_keyframe_that_cannot_be_read_any_more_costs_nothing(
    studio: Deployment, still: str, waiting: str
) -> None:
    (take,) = studio.table.find("studio", still).takes
    client("s3").put_object(Bucket="takes-bucket", Key=take.key, Body=b"no still")

    said = studio.step("render", waiting)

    attempt = studio.table.find("studio", waiting).current
    assert said["outcome"] == "stopped"
    assert (attempt.state, attempt.failure.code) == ("released", "render-failed")
    assert budget(studio) == (0, 20_000)


def test_a_render_that_comes_late_does_nothing(studio: Deployment, waiting: str) -> None:
    first = studio.step("render", waiting)
    before = _objects(waiting)

    second = studio.step("render", waiting)

    assert first == second
    assert _objects(waiting) == before


def test_a_clip_without_a_keyframe_is_refused_before_anything_is_held(
    studio: Deployment, still: str
) -> None:
    event = altered(
        sample("generate", "flow-clip"),
        body={"params": {"duration_s": 1}},
        headers={"idempotency-key": "without a keyframe".replace(" ", "-")},
    )

    answer = studio.call("generate", event)

    assert (answer.status, answer.json["code"]) == (422, "no-capable-provider")
    assert budget(studio) == (0, 20_000)


def _objects(generation_id: str) -> list[dict]:
    listed = client("s3").list_objects_v2(Bucket="takes-bucket", Prefix=f"studio/{generation_id}/")
    return [{name: one[name] for name in ("Key", "ETag")} for one in listed.get("Contents", [])]
