"""The step Collect: what was paid for is fetched, measured and kept, and never bought again."""

import pytest

from filmgate.domain.attempts import AttemptState
from filmgate.domain.errors import DownloadFailed, ProviderUnavailable, ResultUnusable
from filmgate.domain.generations import Generation, GenerationState
from filmgate.providers.base import Finished, Pending
from filmgate.usecases.steps import Outcome, StepResult
from tests.support.builders import (
    GENERATION_ID,
    TENANT,
    clip_link,
    clip_wish,
    generation,
    usd,
)
from tests.support.fakes import ScriptedProvider, clip
from tests.support.stage import Stage, ending, states

S = AttemptState
G = GenerationState
OLD_URL = "https://cdn.lumen.example/old.mp4"
FRESH_URL = "https://cdn.lumen.example/fresh.mp4"
CUT = DownloadFailed("the download was cut")


def ready(*later_looks: Pending | Finished | Exception) -> tuple[Stage, Generation]:
    """A stage on which a job is paid and lies under OLD_URL."""
    looks = [Finished(url=OLD_URL), *later_looks]
    stage = Stage(lumen=ScriptedProvider([Pending({"task": "t1"})], looks=looks))
    asked = generation(clip_link(), wish=clip_wish())
    stage.admit(asked)
    stage.submit(asked)
    stage.poll(asked)
    return stage, asked


def test_a_result_is_measured_stored_and_needs_no_more_money() -> None:
    stage, asked = ready()
    stage.downloads.put(OLD_URL, clip())

    result = stage.collect(asked)

    record = stage.record(asked)
    (made,) = record.takes
    assert result == StepResult(Outcome.STORED)
    assert states(record) == [S.STORED]
    assert (made.media_type, made.width, made.height, made.duration_ms) == (
        "video/mp4", 1280, 720, 5000,
    )  # fmt: skip
    assert made.key == f"{TENANT}/{GENERATION_ID}/{made.id}.mp4"
    assert stage.takes.objects[made.key] == (clip(), "video/mp4")
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0200"))


@pytest.mark.parametrize(
    ("delivered", "warning"),
    [
        (clip(640, 360), "lumen delivered 640x360 pixels, ordered were 1280x720"),
        (clip(milliseconds=4000), "lumen delivered 4.0 s, ordered were 5 s"),
        (clip(milliseconds=5501), "lumen delivered 5.5 s, ordered were 5 s"),
    ],
)
def test_something_else_than_ordered_is_kept_with_a_warning(delivered: bytes, warning: str) -> None:
    stage, asked = ready()
    stage.downloads.put(OLD_URL, delivered)

    record = stage.run(asked)

    assert ending(record) == (G.SUCCEEDED, None)
    assert record.generation.warnings == (warning,)


@pytest.mark.parametrize("milliseconds", [4500, 5041, 5500])
def test_half_a_second_more_or_less_is_the_length_that_was_ordered(milliseconds: int) -> None:
    stage, asked = ready()
    stage.downloads.put(OLD_URL, clip(milliseconds=milliseconds))

    assert stage.run(asked).generation.warnings == ()


def test_when_a_link_has_expired_a_fresh_one_is_asked_for() -> None:
    stage, asked = ready(Finished(url=FRESH_URL))
    stage.downloads.put(OLD_URL, CUT)
    stage.downloads.put(FRESH_URL, clip())

    result = stage.collect(asked)

    assert result.outcome is Outcome.STORED
    assert stage.downloads.fetched == [OLD_URL, FRESH_URL]


@pytest.mark.parametrize(
    "look", [Pending({"task": "t1"}), ProviderUnavailable("lumen", "away")], ids=["runs", "away"]
)
def test_a_result_that_cannot_be_fetched_now_is_fetched_later(look: Pending | Exception) -> None:
    stage, asked = ready(look)
    stage.downloads.put(OLD_URL, CUT, clip())

    with pytest.raises(DownloadFailed, match="gave no fresh link"):
        stage.collect(asked)

    assert states(stage.record(asked)) == [S.PAID]
    assert stage.collect(asked).outcome is Outcome.STORED


def test_a_result_cut_twice_is_fetched_later() -> None:
    stage, asked = ready(Finished(url=FRESH_URL))
    stage.downloads.put(OLD_URL, CUT)
    stage.downloads.put(FRESH_URL, CUT)

    with pytest.raises(DownloadFailed, match="was cut"):
        stage.collect(asked)

    assert stage.takes.objects == {}


def test_what_is_no_clip_stays_paid_with_the_reason_and_the_bytes_for_a_claim() -> None:
    stage, asked = ready()
    stage.downloads.put(OLD_URL, b"<html>gone</html>")

    record = stage.run(asked)

    assert ending(record) == (G.FAILED, "result-unusable")
    assert states(record) == [S.PAID]
    assert record.current.failure is not None
    assert record.current.failure.message == "is no image or video"
    assert stage.takes.objects == {
        f"{TENANT}/{GENERATION_ID}/unusable/{record.current.id}": (
            b"<html>gone</html>",
            "application/octet-stream",
        )
    }
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0200"))


@pytest.mark.parametrize(
    "answer",
    [b"", ResultUnusable("lumen", "its result is larger than 1 GB")],
    ids=["empty", "huge"],
)
def test_a_result_of_nothing_or_too_much_is_unusable_and_leaves_no_object(
    answer: bytes | Exception,
) -> None:
    stage, asked = ready()
    stage.downloads.put(OLD_URL, answer)

    record = stage.run(asked)

    assert ending(record) == (G.FAILED, "result-unusable")
    assert stage.takes.objects == {}


def test_the_provider_is_never_asked_to_make_it_again() -> None:
    stage, asked = ready(Finished(url=FRESH_URL))
    stage.downloads.put(OLD_URL, b"broken")

    stage.run(asked)

    assert len(stage.adapters.providers["lumen"].references) == 1  # type: ignore[attr-defined]


def test_collecting_again_changes_nothing() -> None:
    stage, asked = ready()
    stage.downloads.put(OLD_URL, clip())
    stage.collect(asked)
    before = stage.record(asked)

    result = stage.collect(asked)

    assert result == StepResult(Outcome.STORED)
    assert stage.record(asked) == before
    assert stage.downloads.fetched == [OLD_URL]


def test_of_two_collections_at_once_one_records_the_take() -> None:
    stage, asked = ready()
    stage.downloads.put(OLD_URL, clip())
    fetch = stage.downloads.__call__
    said: list[StepResult] = []

    class CollectsBeside:
        def __call__(self, *arguments: object, **named: object) -> None:
            if not said:
                said.append(StepResult(Outcome.STOPPED))
                said[0] = stage.collect(asked)
            fetch(*arguments, **named)  # type: ignore[arg-type]

    stage.downloads = CollectsBeside()  # type: ignore[assignment]

    slower = stage.collect(asked)

    assert [said[0], slower] == [StepResult(Outcome.STORED)] * 2
    assert len(stage.record(asked).takes) == len(stage.takes.objects) == 1


def test_a_cancel_during_the_download_does_not_lose_the_result() -> None:
    stage, asked = ready()
    stage.downloads.put(OLD_URL, clip(640, 360))
    fetch = stage.downloads.__call__

    class CancelsMeanwhile:
        def __call__(self, *arguments: object, **named: object) -> None:
            fetch(*arguments, **named)  # type: ignore[arg-type]
            before = stage.studio.generations[TENANT, asked.id]
            stage.studio.generations[TENANT, asked.id] = before.now(
                cancel_requested_at=stage.clock.now
            )

    stage.downloads = CancelsMeanwhile()  # type: ignore[assignment]

    result = stage.collect(asked)

    record = stage.record(asked)
    assert result.outcome is Outcome.STORED
    assert len(record.takes) == 1
    assert record.generation.cancel_requested_at == stage.clock.now
