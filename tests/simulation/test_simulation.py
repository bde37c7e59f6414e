"""Ten thousand histories of the money core, each from its own seed, break no rule."""

import os
from collections.abc import Callable

import pytest

from tests.simulation.run import explained, measure, play, play_many

HISTORIES = 10_000


@pytest.mark.timeout(900)
def test_no_history_breaks_a_rule(figure: Callable[[str], None]) -> None:
    shares_the_cores = "PYTEST_XDIST_WORKER" in os.environ
    answers = play_many(range(HISTORIES), processes=1 if shares_the_cores else 2)

    wrong, told = measure(answers)

    figure(told)
    assert [explained(one) for one in wrong] == []


@pytest.mark.parametrize("seed", [1, 5301])
def test_a_seed_always_tells_the_same_history(seed: int) -> None:
    assert play(seed) == play(seed)
