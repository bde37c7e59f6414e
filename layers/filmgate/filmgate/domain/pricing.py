"""Price formulas over rate cards. A card is data; a missing row means "not offered", never 0."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from filmgate.domain.catalogue import Match
from filmgate.domain.money import Micros, round_up_charge
from filmgate.domain.wishes import Wish

SECONDS_PER_MINUTE: Final = 60
TOKENS_PER_RATE: Final = 1_000_000
VENDOR_CARD: Final = "vendor"
"""The card with the prices that vendors really bill."""


class Unit(StrEnum):
    IMAGE = "image"
    SECOND = "second"
    MINUTE = "minute"


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One price. A field that is None fits every offer of the provider.

    `micros` is the price of one unit and an upper bound of what the vendor can bill.
    `micros_per_million_tokens`, where set, is how the vendor counts in the end.
    """

    provider: str
    unit: Unit
    micros: Micros
    model: str | None = None
    resolution: str | None = None
    quality: str | None = None
    micros_per_million_tokens: Micros | None = None
    source: str = ""
    as_of: date | None = None

    def fits(self, model: str, resolution: str, quality: str) -> bool:
        asked = (model, resolution, quality)
        own = (self.model, self.resolution, self.quality)
        return all(mine in (None, theirs) for mine, theirs in zip(own, asked, strict=True))

    @property
    def precision(self) -> int:
        """How many fields the row names; the row that names most wins."""
        return sum(name is not None for name in (self.model, self.resolution, self.quality))


@dataclass(frozen=True, slots=True)
class RateCard:
    """A named, versioned table of prices."""

    name: str
    version: str
    rows: tuple[PriceRow, ...]

    def name_of(self, row: PriceRow) -> str:
        """What a price is called when it is in doubt, such as "guide/*/720p/*"."""
        fields = (row.model, row.resolution, row.quality)
        return "/".join([self.name, *(field or "*" for field in fields)])

    def rows_of(self, provider: str) -> list[PriceRow]:
        return [row for row in self.rows if row.provider == provider]

    def row_for(self, provider: str, match: Match, quality: str) -> PriceRow | None:
        """The most precise row for this size and quality; None means it is not offered.

        Raises ValueError when two rows are equally precise: the card is ambiguous.
        """
        return self.row_of(provider, match.offer.model, match.frame.resolution, quality)

    def row_of(self, provider: str, model: str, resolution: str, quality: str) -> PriceRow | None:
        """The same for a model and size that are named."""
        return _most_precise(
            row for row in self.rows_of(provider) if row.fits(model, resolution, quality)
        )


def price(row: PriceRow, wish: Wish) -> Micros:
    """The most that this wish can cost at this row's price, rounded up once, here."""
    return price_of_units(row.unit, row.micros, seconds=wish.seconds)


def price_of_units(unit: Unit, micros: Micros, *, seconds: int) -> Micros:
    """What one image, or a clip of whole `seconds`, costs at `micros` per unit."""
    match unit:
        case Unit.IMAGE:
            return round_up_charge(micros)
        case Unit.SECOND:
            return round_up_charge(micros * seconds)
        case Unit.MINUTE:  # pragma: no branch - there is no other unit
            return round_up_charge(micros * seconds, SECONDS_PER_MINUTE)


def price_of_tokens(micros_per_million: Micros, tokens: int) -> Micros:
    """What a vendor that counts output tokens bills for `tokens` of them."""
    return round_up_charge(micros_per_million * tokens, TOKENS_PER_RATE)


def _most_precise(rows: Iterable[PriceRow]) -> PriceRow | None:
    match sorted(rows, key=lambda row: row.precision, reverse=True):
        case [best, second, *_] if best.precision == second.precision:
            raise ValueError(f"two prices fit {best.provider} equally well")
        case [best, *_]:
            return best
    return None
