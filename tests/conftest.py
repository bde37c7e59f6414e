"""Figures that a test has measured are shown at the end of the run, above pytest's own summary.

A figure travels as a property of its test's report, so it arrives from another process too.
"""

from collections.abc import Callable

import pytest

FIGURE = "figure"


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
