"""The local stack, once for all end-to-end tests, on ports and a folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.ports import Ports
from local.stack import LocalStack
from tests.e2e.gateway import Gateway, Studio

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("stack")
    with LocalStack(ROOT, Ports.unused(), folder) as stack:
        gateway = Gateway.of(stack)
        gateway.control("pace", {"image_s": 0.05, "video_s": 0.5})
        yield gateway


@pytest.fixture
def studio(gateway: Gateway) -> Iterator[Studio]:
    """A tenant of the test's own; at the end its books must balance."""
    studio = gateway.studio()
    yield studio
    gateway.control("reset", {"only": ["faults"]})
    studio.check_books()
