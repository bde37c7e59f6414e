"""A process may die before or after any effect, the sweeper too: nothing is bought twice, no
result is lost, no hold stays open. All rules of the simulation are checked at every step."""

from collections.abc import Callable
from time import process_time

import pytest

from tests.simulation.crashes import double_deaths, moments_of, play, scenarios, single_deaths

SCENARIOS = list(scenarios())
LEAST = 12_000


def test_without_a_death_no_scenario_breaks_a_rule() -> None:
    assert all(moments_of(scenario) >= 10 for scenario in SCENARIOS)


@pytest.mark.timeout(600)
def test_one_death_at_any_moment_breaks_no_rule(figure: Callable[[str], None]) -> None:
    began = process_time()
    told = [play(scenario, deaths) for scenario in SCENARIOS for deaths in single_deaths(scenario)]

    figure(_figure("single", told, began))
    assert [wrong for wrong in told if wrong] == []
    assert len(told) >= LEAST


@pytest.mark.timeout(600)
def test_two_deaths_break_no_rule(figure: Callable[[str], None]) -> None:
    began = process_time()
    each = -(-LEAST // len(SCENARIOS))
    told = [play(one, deaths) for one in SCENARIOS for deaths in double_deaths(one, each)]

    figure(_figure("double", told, began))
    assert [wrong for wrong in told if wrong] == []
    assert len(told) >= LEAST


def _figure(what: str, told: list[str | None], began: float) -> str:
    wrong = sum(one is not None for one in told)
    return (
        f"crashes: {len(told):,} {what} deaths in {len(SCENARIOS)} scenarios, {wrong} broken rules "
        f"(paid twice, lost, held open); {process_time() - began:.0f} s of CPU"
    )
