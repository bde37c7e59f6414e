"""One simulator process on a free port for the whole session, emptied before each test."""

from collections.abc import Iterator

import pytest
from simulator_client import Simulators


@pytest.fixture(scope="session")
def server() -> Iterator[Simulators]:
    simulators = Simulators()
    yield simulators
    assert simulators.stop() == 0


@pytest.fixture
def sim(server: Simulators) -> Simulators:
    """The shared server with nothing in it and no pace."""
    server.call("POST", "/__sim/reset")
    return server
