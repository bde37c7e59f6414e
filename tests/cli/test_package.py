"""The package as it is built and installed by itself."""

import ast
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from filmgate_cli import __version__

ROOT = Path(__file__).resolve().parents[2]
BUILD = "import sys; from flit_core import buildapi; buildapi.build_wheel(sys.argv[1])"
SOURCE = ROOT / "cli" / "filmgate_cli"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-c", BUILD, folder],
        cwd=ROOT / "cli",
        check=True,
    )  # fmt: skip
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_has_the_program_its_schema_and_its_command(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    info = f"filmgate_cli-{__version__}.dist-info"

    assert {"filmgate_cli/app.py", "filmgate_cli/py.typed"} <= names
    assert "filmgate_cli/schemas/storyboard-run.schema.json" in names
    assert not [name for name in names if "test" in name or "__pycache__" in name]
    commands = wheel.read(f"{info}/entry_points.txt").decode()
    assert "filmgate=filmgate_cli.app:main" in commands.replace(" ", "")
    assert 'mcp>=2.3,<3 ; extra == "mcp"' in wheel.read(f"{info}/METADATA").decode()


def test_it_imports_nothing_of_the_gateway_and_nothing_undeclared() -> None:
    declared = tomllib.loads((ROOT / "cli" / "pyproject.toml").read_text())["project"]
    texts = declared["dependencies"] + declared["optional-dependencies"]["mcp"]
    known = {text.split(">")[0] for text in texts} | {"filmgate_cli", "pydantic"}  # mcp's own

    imported = set()
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split(".")[0])
            elif isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}

    assert imported - set(sys.stdlib_module_names) <= known


def test_only_the_agents_tools_import_the_package_for_them() -> None:
    code = "import sys, filmgate_cli.app; assert 'mcp' not in sys.modules"

    subprocess.run([sys.executable, "-c", code], check=True, env=_environment())


def test_the_schema_is_a_schema_and_the_program_tells_it() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "filmgate_cli", "storyboard", "schema"],
        env=_environment(), check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip

    Draft202012Validator.check_schema(json.loads(told))
    assert told == (SOURCE / "schemas" / "storyboard-run.schema.json").read_text()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete(shell: str) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "filmgate_cli", "--show-completion", shell],
        env=_environment() | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip

    assert "complete" in told.lower()


def test_a_reader_of_a_pipe_may_leave_early() -> None:
    program = f"{sys.executable} -m filmgate_cli storyboard schema | head -c 5"

    done = subprocess.run(
        ["bash", "-c", program], env=_environment(), capture_output=True, text=True, check=True
    )

    assert (done.stdout, done.stderr) == ('{\n  "', "")


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "cli")}
