"""What of a storyboard would fit into less money: which shots to make cheaper, which to leave out.

As many shots as possible first, then as many of them as possible as they were asked for.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from filmgate.domain.money import Micros


@dataclass(frozen=True, slots=True)
class Priced:
    """A shot at the most that it can cost: as it was asked for, and at its cheapest, where every
    part names its cheapest provider and has no fallback."""

    number: int
    asked: Micros
    cheapest: Micros


@dataclass(frozen=True, slots=True)
class Fit:
    """What fits: shots to make at their cheapest, shots to leave out, and the most it costs."""

    downgrade: tuple[int, ...]
    drop: tuple[int, ...]
    max: Micros


def fit(shots: Iterable[Priced], limit: Micros) -> Fit:
    """The largest part of these shots that costs at most `limit`; ties go to earlier shots."""
    shots = tuple(shots)
    left = limit
    kept: list[Priced] = []
    for shot in sorted(shots, key=lambda one: one.cheapest):
        if shot.cheapest <= left:
            kept.append(shot)
            left -= shot.cheapest
    downgraded = set()
    for shot in sorted(kept, key=lambda one: one.asked - one.cheapest):
        extra = shot.asked - shot.cheapest
        if extra <= left:
            left -= extra
        else:
            downgraded.add(shot.number)
    staying = {shot.number for shot in kept}
    return Fit(
        downgrade=tuple(one.number for one in shots if one.number in downgraded),
        drop=tuple(one.number for one in shots if one.number not in staying),
        max=limit - left,
    )
