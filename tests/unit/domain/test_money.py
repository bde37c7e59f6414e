"""Money is exact: integers inside, decimal strings outside, one rounding and that one up."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmgate.domain.money import (
    CHARGE_QUANTUM,
    MICROS_PER_USD,
    format_usd,
    parse_rate,
    parse_usd,
    round_up_charge,
)


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("0", 0),
        ("10", 10_000_000),
        ("0.02", 20_000),
        ("0.0200", 20_000),
        ("0.0336", 33_600),
        ("0.000001", 1),
        ("007.5", 7_500_000),
        ("999999999.999999", 999_999_999_999_999),
    ],
)
def test_a_rate_is_read_exactly(text: str, micros: int) -> None:
    assert parse_rate(text) == micros


@pytest.mark.parametrize(
    "text",
    ["", ".", ".5", "5.", "-1", "+1", "1e3", "1,5", "1 ", " 1", "0.0000001", "1_000", "NaN", "inf",
     "1234567890", "0x1", "0.1.2", "1\n"],
)  # fmt: skip
def test_what_is_no_plain_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        parse_rate(text)


@pytest.mark.parametrize("text", ["0.00001", "0.00005", "1.000001"])
def test_a_callers_amount_is_never_rounded_behind_the_callers_back(text: str) -> None:
    with pytest.raises(ValueError, match="more than four decimal places"):
        parse_usd(text)


def test_zeros_behind_the_fourth_place_change_nothing() -> None:
    assert parse_usd("0.020000") == 20_000


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "0.0000"),
        (100, "0.0001"),
        (20_000, "0.0200"),
        (1_000_000, "1.0000"),
        (-5_000, "-0.0050"),
        (-1_230_000, "-1.2300"),
        (123_456_789_000_000, "123456789.0000"),
    ],
)
def test_a_charge_has_four_places(micros: int, text: str) -> None:
    assert format_usd(micros) == text


@pytest.mark.parametrize("micros", [1, 99, 101, -1, 20_050])
def test_an_amount_that_was_never_rounded_is_not_written(micros: int) -> None:
    with pytest.raises(ValueError, match="were not rounded to a charge"):
        format_usd(micros)


@pytest.mark.parametrize(
    ("numerator", "denominator", "charge"),
    [
        (0, 1, 0),
        (1, 1, 100),
        (100, 1, 100),
        (101, 1, 200),
        (400_000, 60, 6_700),  # 5 s of 0.08 a minute: 0.00666… becomes 0.0067
        (300_000, 60, 5_000),
        (1, 60, 100),
    ],
)
def test_a_price_is_rounded_up_to_a_ten_thousandth_of_a_dollar(
    numerator: int, denominator: int, charge: int
) -> None:
    assert round_up_charge(numerator, denominator) == charge


@given(st.integers(-(10**12), 10**12).map(lambda quanta: quanta * CHARGE_QUANTUM))
def test_every_charge_survives_being_written_and_read(micros: int) -> None:
    text = format_usd(micros)

    magnitude = parse_rate(text.removeprefix("-")) if abs(micros) < 10**15 else abs(micros)
    assert magnitude == abs(micros)
    assert text.startswith("-") == (micros < 0)


@given(st.integers(0, 10**9 - 1), st.integers(0, 10**6 - 1))
def test_every_rate_is_the_exact_decimal_it_says(whole: int, fraction: int) -> None:
    micros = parse_rate(f"{whole}.{fraction:06d}")

    assert Fraction(micros, MICROS_PER_USD) == whole + Fraction(fraction, MICROS_PER_USD)
    assert type(micros) is int


@given(st.integers(0, 10**15), st.integers(1, 10**7))
def test_rounding_never_loses_and_adds_less_than_one_quantum(
    numerator: int, denominator: int
) -> None:
    charge = round_up_charge(numerator, denominator)

    assert charge % CHARGE_QUANTUM == 0
    assert 0 <= charge - Fraction(numerator, denominator) < CHARGE_QUANTUM
    assert type(charge) is int
