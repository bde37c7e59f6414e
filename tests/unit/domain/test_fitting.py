"""What of a storyboard would fit: as many shots as possible, as much as asked as possible."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from filmgate.domain.fitting import Fit, Priced, fit

SHOTS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 40)), max_size=6).map(
    lambda rows: [Priced(n, cheap + more, cheap) for n, (cheap, more) in enumerate(rows, 1)]
)


def test_everything_fits_where_there_is_room_for_it() -> None:
    assert fit([Priced(1, 30, 10), Priced(2, 30, 10)], 60) == Fit((), (), 60)


def test_shots_are_made_cheaper_before_one_is_left_out() -> None:
    assert fit([Priced(1, 30, 10), Priced(2, 30, 10)], 45) == Fit((2,), (), 40)


def test_the_dearest_shots_are_left_out_first() -> None:
    assert fit([Priced(1, 50, 50), Priced(2, 10, 10), Priced(3, 10, 10)], 25) == Fit((), (1,), 20)


def test_nothing_fits_into_nothing() -> None:
    assert fit([Priced(1, 50, 50)], -5) == Fit((), (1,), 0)


@given(shots=SHOTS, limit=st.integers(0, 300))
def test_what_fits_is_within_the_limit_and_no_larger_number_of_shots_is(
    shots: list[Priced], limit: int
) -> None:
    found = fit(shots, limit)

    kept = [one for one in shots if one.number not in found.drop]
    cost = sum(one.cheapest if one.number in found.downgrade else one.asked for one in kept)
    assert cost == found.max <= limit
    assert not set(found.drop) & set(found.downgrade)
    for larger in combinations(shots, len(kept) + 1):
        assert sum(one.cheapest for one in larger) > limit
    for back in range(len(found.downgrade)):
        fewer = combinations(kept, len(kept) - back)
        for as_asked in fewer:
            rest = [one for one in kept if one not in as_asked]
            price = sum(one.asked for one in as_asked) + sum(one.cheapest for one in rest)
            assert price > limit or back >= len(found.downgrade)
