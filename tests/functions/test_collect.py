"""State Collect: fetch what is paid for."""

import pytest

from filmgate.adapters.egress import TooLarge, TransferCut, UnexpectedStatus
from filmgate.domain.errors import DownloadFailed, StoreUnavailable
from tests.functions.support import Deployment, sample
from tests.functions.vendors import (
    CLIP_URL,
    KLING,
    ScriptedEgress,
    clip,
    kling_created,
    kling_task,
)
from tests.support.aws import client

FRESH_URL = CLIP_URL.replace("link-canary", "fresh")


@pytest.fixture
def paid(studio: Deployment, vendors: ScriptedEgress) -> str:
    """The id of a clip that Kling has made and that is settled."""
    studio.give_key("kling")
    vendors.will(KLING, kling_created(), kling_task("succeeded", CLIP_URL))
    made = str(studio.call("generate", sample("generate", "clip")).json["id"])
    studio.step("submit", made)
    assert studio.step("poll", made)["outcome"] == "ready"
    return made


def test_a_clip_is_fetched_measured_and_kept(
    studio: Deployment, vendors: ScriptedEgress, paid: str
) -> None:
    vendors.serves(CLIP_URL, clip(seconds=5))

    said = studio.step("collect", paid)

    record = studio.table.find("studio", paid)
    (take,) = record.takes
    assert said["outcome"] == "stored"
    assert (record.current.state, record.current.actual_micros) == ("stored", 6_700)
    assert (take.media_type, take.width, take.height, take.duration_ms) == (
        "video/mp4", 1280, 720, 5000,
    )  # fmt: skip
    kept = client("s3").get_object(Bucket="takes-bucket", Key=take.key)
    assert kept["Body"].read() == clip(seconds=5)
    assert record.generation.warnings == ()


def test_a_clip_of_another_length_is_kept_with_a_warning(
    studio: Deployment, vendors: ScriptedEgress, paid: str
) -> None:
    vendors.serves(CLIP_URL, clip(seconds=3))

    assert studio.step("collect", paid)["outcome"] == "stored"

    generation = studio.table.find("studio", paid).generation
    assert generation.warnings == ("kling delivered 3.0 s, ordered were 5 s",)


@pytest.mark.parametrize(
    "error", [UnexpectedStatus("cdn.klingai.com", 403), TransferCut("cdn", "cut")]
)
def test_a_link_that_does_not_work_is_asked_for_anew_once(
    studio: Deployment, vendors: ScriptedEgress, paid: str, error: Exception
) -> None:
    vendors.serves(CLIP_URL, error)
    vendors.will(KLING, kling_task("succeeded", FRESH_URL))
    vendors.serves(FRESH_URL, clip(seconds=5))

    said = studio.step("collect", paid)

    assert said["outcome"] == "stored"
    assert vendors.downloads == [CLIP_URL, FRESH_URL]
    assert [call.method for call in vendors.calls] == ["POST", "GET", "GET"]


def test_a_result_that_cannot_be_fetched_now_fails_the_step_under_a_name_that_is_retried(
    studio: Deployment, vendors: ScriptedEgress, paid: str
) -> None:
    gone = UnexpectedStatus("cdn.klingai.com", 403)
    vendors.serves(CLIP_URL, gone, gone)
    vendors.will(KLING, kling_task("succeeded", CLIP_URL))

    with pytest.raises(DownloadFailed) as failed:
        studio.step("collect", paid)

    assert type(failed.value).__name__ == "DownloadFailed"
    assert "link-canary" not in str(failed.value)
    assert studio.table.find("studio", paid).current.state == "paid"


@pytest.mark.parametrize("content", [b"", b"<html>expired</html>", clip(seconds=5)[:400]])
def test_a_file_that_is_no_clip_stays_paid_and_is_kept_for_a_claim(
    studio: Deployment, vendors: ScriptedEgress, paid: str, content: bytes
) -> None:
    vendors.serves(CLIP_URL, content)

    said = studio.step("collect", paid)

    attempt = studio.table.find("studio", paid).current
    kept = client("s3").list_objects_v2(Bucket="takes-bucket").get("Contents", [])
    assert said["outcome"] == "stopped"
    assert (attempt.state, attempt.failure.code) == ("paid", "result-unusable")
    assert attempt.actual_micros == 6_700
    assert [one["Size"] for one in kept] == ([len(content)] if content else [])


def test_a_file_above_the_cap_is_unusable_and_not_fetched_again(
    studio: Deployment, vendors: ScriptedEgress, paid: str
) -> None:
    vendors.serves(CLIP_URL, TooLarge("cdn.klingai.com", "more than 1000000000 bytes"))

    said = studio.step("collect", paid)

    attempt = studio.table.find("studio", paid).current
    assert said["outcome"] == "stopped"
    assert attempt.failure.message == "its result is larger than 1 GB"
    assert vendors.downloads == [CLIP_URL]


def test_a_bucket_that_is_away_fails_the_step_under_a_name_that_is_retried(
    studio: Deployment, vendors: ScriptedEgress, paid: str
) -> None:
    vendors.serves(CLIP_URL, clip(seconds=5), clip(seconds=5))
    client("s3").delete_bucket(Bucket="takes-bucket")

    with pytest.raises(StoreUnavailable):
        studio.step("collect", paid)
    client("s3").create_bucket(Bucket="takes-bucket")

    assert studio.step("collect", paid)["outcome"] == "stored"


def test_a_collect_that_is_repeated_fetches_nothing(
    studio: Deployment, vendors: ScriptedEgress, paid: str
) -> None:
    vendors.serves(CLIP_URL, clip(seconds=5))

    first, second = studio.step("collect", paid), studio.step("collect", paid)

    assert first == second
    assert vendors.downloads == [CLIP_URL]
