"""One deployment per test: fresh tables, a clock that stands, providers that follow a script."""

import io
from collections.abc import Callable, Iterator

import pytest

from filmgate import wiring
from filmgate.observability import logger
from tests.functions.support import Clock, Deployment
from tests.functions.vendors import ScriptedEgress
from tests.support.aws import account, client


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(wiring, "now", clock)
    monkeypatch.setattr(wiring, "pause", clock.pass_s)
    return clock


@pytest.fixture
def vendors(monkeypatch: pytest.MonkeyPatch) -> ScriptedEgress:
    scripted = ScriptedEgress()
    monkeypatch.setattr(wiring, "egress", lambda: scripted)
    return scripted


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What our own logger writes; on Lambda it is the standard output."""
    written = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", written)
    return written


@pytest.fixture
def said(
    lines: io.StringIO, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Callable[[], str]:
    """Everything that was written so far: our own lines, both streams, what a library logged."""

    def everything() -> str:
        return lines.getvalue() + "".join(capfd.readouterr()) + caplog.text

    return everything


@pytest.fixture
def studio(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, vendors: ScriptedEgress, lines: io.StringIO
) -> Iterator[Deployment]:
    monkeypatch.setattr(wiring, "_client", client)
    with account():
        deployment = Deployment(clock)
        deployment.make_state_machine()
        yield deployment
    deployment.stop()
