"""Every line and every branch of the modules that reckon with money is run by their own tests."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.money_modules import MODULES, TESTS

ROOT = Path(__file__).parents[2]


def test_the_money_modules_are_covered_to_the_last_branch(
    tmp_path: Path, figure: Callable[[str], None]
) -> None:
    domain = "layers/filmgate/filmgate/domain"
    include = ",".join(f"{domain}/{name}.py" for name in MODULES)

    coverage(tmp_path, "run", "--branch", f"--include={include}", "-m", "pytest", "-p",
             "no:cacheprovider", *TESTS)  # fmt: skip
    coverage(tmp_path, "json", "-o", str(tmp_path / "report.json"))

    report = json.loads((tmp_path / "report.json").read_text())
    missing = {
        path: (one["missing_lines"], one["missing_branches"])
        for path, one in report["files"].items()
        if one["missing_lines"] or one["missing_branches"]
    }
    assert missing == {}
    assert len(report["files"]) == len(MODULES)
    found = report["totals"]
    figure(
        f"money modules ({', '.join(MODULES)}): {found['covered_lines']} of "
        f"{found['num_statements']} statements and {found['covered_branches']} of "
        f"{found['num_branches']} branches covered by their own unit tests"
    )


def coverage(place: Path, *arguments: str) -> None:
    environment = os.environ | {"COVERAGE_FILE": str(place / "data")}
    command = [sys.executable, "-m", "coverage", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
