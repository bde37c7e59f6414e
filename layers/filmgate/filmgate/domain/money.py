"""Exact money: integers of micro-dollars inside, decimal strings with four places outside.

No float ever stands between a price table and the ledger. A price is rounded once, where its
formula ends, up to CHARGE_QUANTUM.
"""

import re
from typing import Final

Micros = int
"""An amount of micro-dollars: 1 USD = 1,000,000."""

MICROS_PER_USD: Final = 1_000_000
CHARGE_QUANTUM: Final = 100
"""Every charge is a multiple of 0.0001 USD, so that four places show it exactly."""

_USD = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,6}))?")


def parse_rate(text: str) -> Micros:
    """Read a price of a rate card, such as "0.0336": at most six places, read exactly.

    Raises ValueError for anything else, a sign or an exponent included.
    """
    match = _USD.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an amount of US dollars such as 0.0200")
    whole, fraction = match[1], match[2] or ""
    return int(whole) * MICROS_PER_USD + int(fraction.ljust(6, "0"))


def parse_usd(text: str) -> Micros:
    """Read an amount that a caller wrote, such as "10" or "0.0200": at most four places.

    Raises ValueError for anything else, so nothing is ever rounded behind a caller's back.
    """
    micros = parse_rate(text)
    if micros % CHARGE_QUANTUM:
        raise ValueError(f"{text!r} has more than four decimal places")
    return micros


def format_usd(micros: Micros) -> str:
    """Write a charge as a decimal string with four places; a debt has a leading minus.

    Raises ValueError when the amount is no multiple of CHARGE_QUANTUM: it was never rounded.
    """
    if micros % CHARGE_QUANTUM:
        raise ValueError(f"{micros} micro-dollars were not rounded to a charge")
    sign = "-" if micros < 0 else ""
    whole, rest = divmod(abs(micros), MICROS_PER_USD)
    return f"{sign}{whole}.{rest // CHARGE_QUANTUM:04d}"


def round_up_charge(numerator: int, denominator: int = 1) -> Micros:
    """Turn the exact fraction numerator / denominator of micro-dollars into a charge.

    The only rounding of a price: up, to a multiple of CHARGE_QUANTUM.
    """
    quanta = -(-numerator // (denominator * CHARGE_QUANTUM))
    return quanta * CHARGE_QUANTUM
