"""Ten thousand histories of the money core, each from its own seed, break no rule."""

from collections.abc import Callable

import pytest

from tests.simulation.run import explained, measure, play, play_many

HISTORIES = 10_000


@pytest.mark.timeout(900)
def test_no_history_breaks_a_rule(figure: Callable[[str], None]) -> None:
    wrong, told = measure(play_many(range(HISTORIES), processes=2))

    figure(told)
    assert [explained(one) for one in wrong] == []


@pytest.mark.parametrize("seed", [1, 5301])
def test_a_seed_always_tells_the_same_history(seed: int) -> None:
    assert play(seed) == play(seed)
