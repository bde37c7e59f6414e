"""A tenant on the local stack for every end-to-end test."""

from collections.abc import Iterator

import pytest

from tests.e2e.gateway import Gateway, Studio


@pytest.fixture
def studio(gateway: Gateway) -> Iterator[Studio]:
    """A tenant of the test's own; at the end its books must balance."""
    studio = gateway.studio()
    yield studio
    gateway.control("reset", {"only": ["faults"]})
    studio.check_books()
