"""The main job as a newcomer runs it: one command makes a film, and a second run keeps it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.ports import Ports
from tests.conftest import ROOT
from tests.e2e.test_clips import measure

STILLS, CLIPS = 8, 4


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The data folder after two runs, and what each of them printed."""
    folder = tmp_path_factory.mktemp("film")
    command = [sys.executable, "-m", "local", "--once", "--data-dir", str(folder)]
    printed = []
    for _ in range(2):
        environment = {**os.environ, **Ports.unused().environment()}
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        printed.append(done.stdout)
    return folder, printed


def test_the_film_is_made_with_fallbacks_and_its_files_open(
    runs: tuple[Path, list[str]],
) -> None:
    folder, (first, _) = runs
    takes = folder / "takes" / "the-lamplighter"

    print(first)

    assert len(list(takes.glob("*.png"))) == STILLS
    assert [measure(clip)[:2] for clip in sorted(takes.glob("*.mp4"))] == [(1280, 720)] * CLIPS
    assert [measure(clip)[2] for clip in sorted(takes.glob("*.mp4"))] == [4, 3, 5, 5]
    assert "uploading the_lamplighter.csv" in first
    assert "dalle: too many requests" in first
    assert "kling: refused by its content policy" in first
    assert "spent 0.1476, held 0.0000" in first


def test_a_second_run_keeps_the_film_and_pays_nothing(runs: tuple[Path, list[str]]) -> None:
    _, (_, second) = runs

    assert second.count("not paid again") == STILLS + CLIPS
    assert "spent 0.1476, held 0.0000" in second
