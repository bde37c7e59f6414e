"""Takes as files: whole, checked, and named so that none overwrites another."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from filmgate_cli.problems import Problem, WrongUsage
from filmgate_cli.takes import check_target, save_takes
from tests.cli.test_wire import answering
from tests.support.serving import Reply

PICTURE = b"\x89PNG picture"
GOOD: Reply = (200, {}, PICTURE)


def take(url: str, number: int = 0, **more: Any) -> Any:
    return {
        "id": f"take_{'a' * 26}0{number}", "media_type": "image/png", "url": f"{url}/{number}?X=1",
        "size_bytes": len(PICTURE), "sha256": hashlib.sha256(PICTURE).hexdigest(), "late": False,
        **more,
    }  # fmt: skip


def test_a_take_lies_in_a_folder_under_its_own_name(tmp_path: Path) -> None:
    with answering(GOOD) as line:
        (saved,) = save_takes([take(line.url)], tmp_path)

    assert saved.path == tmp_path / f"take_{'a' * 26}00.png"
    assert saved.path.read_bytes() == PICTURE
    assert [one.name for one in tmp_path.iterdir()] == [saved.path.name]


def test_several_takes_under_one_name_are_numbered(tmp_path: Path) -> None:
    with answering(GOOD, GOOD) as line:
        saved = save_takes([take(line.url), take(line.url, 1)], tmp_path / "lamp")

    assert [one.path.name for one in saved] == ["lamp.png", "lamp-2.png"]


def test_a_broken_or_damaged_download_is_fetched_again(tmp_path: Path) -> None:
    with answering(None, (200, {}, b"half"), GOOD) as line:
        (saved,) = save_takes([take(line.url)], tmp_path)

    assert saved.path.read_bytes() == PICTURE


def test_what_stays_damaged_leaves_no_file_and_no_link(tmp_path: Path) -> None:
    replies: list[Reply] = [(403, {}, b""), (200, {}, b"half"), (200, {}, b"")]
    with answering(*replies) as line, pytest.raises(Problem) as lost:
        save_takes([take(line.url)], tmp_path)

    assert list(tmp_path.iterdir()) == []
    assert "X=1" not in f"{lost.value} {lost.value.todo}"


def test_what_is_there_already_is_not_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "lamp.png").write_bytes(PICTURE)

    with answering() as line:
        save_takes([take(line.url)], tmp_path / "lamp.png")

    assert line.seen == []


def test_an_id_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    with answering(GOOD) as line:
        (saved,) = save_takes([take(line.url, id="../../evil")], tmp_path)

    assert saved.path == tmp_path / "evil.png"


def test_a_target_without_a_folder_is_refused(tmp_path: Path) -> None:
    check_target(tmp_path)
    check_target(tmp_path / "new.png")
    with pytest.raises(WrongUsage):
        check_target(tmp_path / "no" / "new.png")
