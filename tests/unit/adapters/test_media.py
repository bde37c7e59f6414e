"""The media layer behind its ports: measures, moves, and our own error for what is unusable."""

from hashlib import sha256
from pathlib import Path

import pytest

from filmgate.adapters.media import camera_move, inspect_bytes, inspect_file
from filmgate.domain.errors import ResultUnusable
from tests.functions.vendors import clip, picture


def test_a_still_is_measured_in_memory() -> None:
    data = picture(64, 32)

    seen = inspect_bytes(data)

    assert (seen.media_type, seen.extension) == ("image/png", ".png")
    assert (seen.width, seen.height, seen.duration_ms) == (64, 32, None)
    assert (seen.size_bytes, seen.sha256) == (len(data), sha256(data).hexdigest())


def test_a_clip_is_measured_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "result"
    path.write_bytes(clip(320, 180, 3))

    seen = inspect_file(path)

    assert (seen.media_type, seen.extension) == ("video/mp4", ".mp4")
    assert (seen.width, seen.height, seen.duration_ms) == (320, 180, 3000)


@pytest.mark.parametrize("data", [b"", b"<html>no</html>", picture(64, 32)[:50]])
def test_bytes_that_are_no_media_are_unusable_with_a_public_reason(
    data: bytes, tmp_path: Path
) -> None:
    (tmp_path / "result").write_bytes(data)

    with pytest.raises(ResultUnusable) as in_memory:
        inspect_bytes(data)
    with pytest.raises(ResultUnusable) as on_disk:
        inspect_file(tmp_path / "result")

    assert in_memory.value.message == on_disk.value.message
    assert in_memory.value.message.endswith(".")
    assert str(tmp_path) not in on_disk.value.message


def test_a_camera_move_makes_a_clip_of_the_size_and_length_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "clip.mp4"

    camera_move(picture(160, 90), out, motion="push_in", width=160, height=90, duration_s=1, fps=24)

    seen = inspect_file(out)
    assert (seen.width, seen.height, seen.duration_ms) == (160, 90, 1000)


def test_a_camera_move_over_what_is_no_still_is_unusable(tmp_path: Path) -> None:
    with pytest.raises(ResultUnusable) as unusable:
        camera_move(
            b"no still", tmp_path / "c.mp4", motion="push_in", width=160, height=90,
            duration_s=1, fps=24,
        )  # fmt: skip

    assert unusable.value.provider == "flow"
