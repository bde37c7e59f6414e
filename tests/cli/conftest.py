"""A gateway behind a socket, somebody who is signed in there, and the program in this process."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from filmgate import wiring
from filmgate.observability import logger
from filmgate_cli.app import app
from tests.cli.door import Door, opened
from tests.functions.support import Clock, Deployment
from tests.support.aws import account, client

TOKEN = "fg_studio_" + "canary" * 7 + "x"


@dataclass(frozen=True)
class Said:
    """What one run of the program has said."""

    exit_code: int
    stdout: str
    stderr: str


Run = Callable[..., Said]


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and a place of the test's own: no account of the developer's is ever used."""
    folder = tmp_path_factory.mktemp("home")
    for name in ("FILMGATE_URL", "FILMGATE_TOKEN", "FILMGATE_DEBUG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    monkeypatch.setenv("COLUMNS", "120")
    here = folder / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """The gateway with ann, an admin, who has keys for the image providers."""
    clock = Clock()
    monkeypatch.setattr(wiring, "now", clock)
    monkeypatch.setattr(wiring, "_client", client)
    monkeypatch.setattr("filmgate_cli.wire.random.uniform", lambda *_: 0.0)  # no pauses
    monkeypatch.setattr(logger.registered_handler, "stream", io.StringIO())
    with account(offline=False):
        deployment = Deployment(clock)
        deployment.make_state_machine()
        deployment.give_token(TOKEN, role="admin")
        for provider in ("dalle", "nanobanana"):
            deployment.give_key(provider)
        with opened(deployment) as door:
            yield door
    deployment.stop()


@pytest.fixture
def signed_in(door: Door, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setenv("FILMGATE_URL", door.url)
    monkeypatch.setenv("FILMGATE_TOKEN", TOKEN)
    return door


@pytest.fixture
def run() -> Run:
    """Runs `filmgate` with these arguments; no run ever says the token."""

    def call(*arguments: str, stdin: str | None = None) -> Said:
        result = CliRunner().invoke(app, _texts(arguments), input=stdin, prog_name="filmgate")
        assert TOKEN not in result.stdout + result.stderr
        return Said(result.exit_code, result.stdout, result.stderr)

    return call


def _texts(arguments: Sequence[Any]) -> list[str]:
    return [str(one) for one in arguments]
