"""Every fault planted into the money core is found: else the simulation would prove nothing."""

from collections.abc import Callable

import pytest

from tests.simulation.planted import FAULTS, Planted, found_at

MOST = 10_000


@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_found(fault: Planted, figure: Callable[[str], None]) -> None:
    told = found_at(fault, histories=MOST)

    assert told is not None
    assert told.wrong is not None
    rule = told.wrong.partition(":")[0]
    figure(f"planted: {fault.__name__} found in history {told.seed + 1} ({rule})")
