"""Template against code: variables, layers, and what a deployed function can import."""

import json
import re
import subprocess
import sys
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.template import documents, sources
from tests.template.documents import ROOT, functions

VERBS = sorted(functions())
API_VERBS = sorted({*documents.routes().values(), "authorize"})
# Read by Powertools itself, in every function.
OF_POWERTOOLS = {"POWERTOOLS_SERVICE_NAME"}
# What the Lambda runtime brings.
OF_THE_RUNTIME = (
    "boto3",
    "botocore",
    "s3transfer",
    "jmespath",
    "python-dateutil",
    "six",
    "urllib3",
)
TOO_HEAVY = ("aws_xray_sdk", "requests", "httpx", "aiohttp", "PIL", "av", "numpy", "openai")


@pytest.mark.parametrize("verb", VERBS)
def test_a_function_has_exactly_the_variables_that_its_code_reads(verb: str) -> None:
    given = set(functions()[verb]["Environment"]["Variables"])
    of_all = set(documents.template()["Globals"]["Function"]["Environment"]["Variables"])

    needed = sources.variables_needed_by(verb)
    assert given - of_all <= needed <= given - OF_POWERTOOLS


@pytest.mark.parametrize("verb", VERBS)
def test_a_function_has_the_media_layer_exactly_if_it_measures_or_renders(verb: str) -> None:
    layers = [layer["Ref"] for layer in functions()[verb]["Layers"]]

    expected = ["FilmgateLayer", "MediaLayer"] if sources.uses_media(verb) else ["FilmgateLayer"]
    assert layers == expected


@pytest.mark.parametrize("layer", ["filmgate", "media"])
def test_a_layer_pins_what_the_lock_pins(layer: str) -> None:
    locked = _pins(ROOT / "requirements-run.lock")

    pinned = _pins(ROOT / "layers" / layer / "requirements.txt")
    assert pinned
    assert {name: locked.get(name) for name in pinned} == pinned


def test_the_lock_for_running_is_part_of_the_lock_for_testing() -> None:
    tested = _pins(ROOT / "requirements-test.lock")

    assert _pins(ROOT / "requirements-run.lock").items() <= tested.items()


def test_the_layer_brings_everything_that_its_packages_need() -> None:
    pinned = set(_pins(ROOT / "layers" / "filmgate" / "requirements.txt"))

    for name in pinned:
        for needed in _always_required(name):
            assert needed in pinned or needed in OF_THE_RUNTIME, f"{name} needs {needed}"


@pytest.mark.parametrize("verb", VERBS)
def test_a_deployed_function_imports_with_nothing_but_its_runtime_and_its_layer(
    verb: str, deployed: Path
) -> None:
    loaded = _imported(verb, deployed)

    assert "filmgate.wiring" in loaded


@pytest.mark.parametrize("verb", API_VERBS)
def test_a_function_of_the_api_starts_without_anything_heavy(verb: str, deployed: Path) -> None:
    loaded = _imported(verb, deployed)

    assert [name for name in TOO_HEAVY if name in loaded] == []


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the packages of the runtime and of the filmgate layer, and no others."""
    place = tmp_path_factory.mktemp("deployed")
    for name in {*OF_THE_RUNTIME, *_pins(ROOT / "layers" / "filmgate" / "requirements.txt")}:
        found = distribution(name)
        for top in {path.parts[0] for path in found.files or ()}:
            source = Path(str(found.locate_file(top)))
            if top != ".." and not (place / top).exists() and source.exists():
                (place / top).symlink_to(source)
    (place / "__pycache__").unlink(missing_ok=True)
    return place


@cache
def _imported(verb: str, deployed: Path) -> frozenset[str]:
    """The modules in a fresh process that has imported a handler, as Lambda lays it out."""
    path = [ROOT / "functions" / verb, ROOT / "layers" / "filmgate", deployed]
    if sources.uses_media(verb):
        path.append(ROOT / "layers" / "media")
    code = (
        "import sys, json\n"
        f"sys.path[:0] = {[str(one) for one in path]!r}\n"
        "import app\n"
        "assert callable(app.handler)\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"AWS_DEFAULT_REGION": documents.REGION, **documents.environment(verb)},
    )
    assert ran.returncode == 0, ran.stderr
    return frozenset(json.loads(ran.stdout))


def _pins(path: Path) -> dict[str, str]:
    """Name to version of a requirements file; hashes and markers are passed over."""
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", path.read_text(), re.M)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


def _always_required(name: str) -> list[str]:
    """The packages that a distribution needs whatever is installed beside it."""
    needed = [one for one in distribution(name).requires or () if "extra ==" not in one]
    return [re.split(r"[^A-Za-z0-9._-]", one, maxsplit=1)[0].lower() for one in needed]
