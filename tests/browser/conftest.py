"""Chromium on the local stack: one of each for all browser tests.

Debian's own Chromium does the work (CHROMIUM names another one); Playwright only drives it. Where
there is none the tests are skipped. Every page watches itself: whatever it says on its console,
asks of another host or breaks of its policy fails the test. Pictures lie in tests/artifacts/.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.support import Desk, Sight
from tests.conftest import ROOT
from tests.e2e.gateway import Gateway

ARTIFACTS = ROOT / "tests" / "artifacts"


@pytest.fixture(scope="package")
def chromium() -> Path:
    found = shutil.which(os.environ.get("CHROMIUM", "chromium")) or shutil.which("chrome")
    if found is None:
        pytest.skip("there is no Chromium here; on Debian: apt-get install chromium")
    return Path(found)


@pytest.fixture(scope="package")
def sight(chromium: Path) -> Iterator[Sight]:
    """The browser. Its driver runs an event loop in this thread, so it ends with these tests."""
    with Sight.opened(chromium, ARTIFACTS) as sight:
        yield sight


@pytest.fixture
def desk(sight: Sight, gateway: Gateway) -> Iterator[Callable[..., Desk]]:
    """Opens signed-in pages: `desk(studio, role="admin")`; each must have stayed clean."""
    opened: list[Desk] = []

    def open_desk(*given: object, **chosen: object) -> Desk:
        opened.append(sight.desk(gateway, *given, **chosen))  # type: ignore[arg-type]
        return opened[-1]

    yield open_desk
    gateway.control("reset", {"only": ["faults"]})
    for one in opened:
        one.close()
