"""US dollars as decimals: a float would make 0.1 + 0.2 a little more than 0.3."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

PLACES = 4


def amount(text: str) -> Decimal:
    """Read what a person writes: 0.5, $0.50 or 1. Raises ValueError for anything else."""
    try:
        value = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        raise ValueError(f"{text!r} is no amount in dollars such as 0.50") from None
    exponent = value.as_tuple().exponent
    if not value.is_finite() or value.is_signed() or value >= 10**9:
        raise ValueError(f"{text!r} is no amount in dollars such as 0.50")
    if isinstance(exponent, int) and -exponent > PLACES:
        raise ValueError(f"{text!r} has more than {PLACES} places")
    return value


def wire(value: Decimal) -> str:
    """As the API writes it: "0.5000"."""
    return f"{value:.{PLACES}f}"


def total(amounts: Iterable[str | None]) -> str:
    """The sum of amounts of the API; None counts as nothing."""
    return wire(sum((Decimal(one) for one in amounts if one is not None), Decimal(0)))
