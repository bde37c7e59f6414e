"""What all tests share: the local stack, for those that want it, and the figures of a run.

Figures that a test has measured are shown at the end of the run, above pytest's own summary. A
figure travels as a property of its test's report, so it arrives from another process too.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.e2e.gateway import Gateway

ROOT = Path(__file__).resolve().parents[1]
FIGURE = "figure"

# How long a draw or an example takes says more of the machine than of the strategy.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record-examples",
        action="store_true",
        help="let the answers to the sample inputs be the examples of the API's description",
    )


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Gateway"]:
    """The local stack, once for a process, on ports and in a folder of its own."""
    from local.ports import Ports
    from local.stack import LocalStack
    from tests.e2e.gateway import Gateway

    with LocalStack(ROOT, Ports.unused(), tmp_path_factory.mktemp("stack")) as stack:
        gateway = Gateway.of(stack)
        gateway.control("pace", {"image_s": 0.05, "video_s": 0.5})
        yield gateway


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Says something that belongs into the report of the run."""

    def say(text: str) -> None:
        request.node.user_properties.append((FIGURE, text))

    return say


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [
        report
        for kind in ("passed", "failed")
        for report in terminalreporter.stats.get(kind, [])
        if getattr(report, "when", None) == "call"
    ]
    lines = [text for one in reports for name, text in one.user_properties if name == FIGURE]
    if lines:
        terminalreporter.section("figures")
    for line in lines:
        terminalreporter.write_line(str(line))
