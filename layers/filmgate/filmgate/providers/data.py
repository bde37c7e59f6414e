"""Reads catalogue.toml and the rate cards once per process, and refuses a file that is wrong.

Pydantic checks the shapes; what comes out are the frozen classes of the domain.
"""

import tomllib
from datetime import date
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    model_validator,
)

from filmgate.domain.catalogue import Catalogue, Frame, Offer, Provider, Retirement, Sound
from filmgate.domain.money import Micros, parse_rate
from filmgate.domain.pricing import PriceRow, RateCard, Unit
from filmgate.domain.strategies import Role, Strategy
from filmgate.domain.wishes import Media

_HERE = Path(__file__).parent


def _price(text: str) -> str:
    """The text of a price; raises ValueError for one that is none, and for 0: nothing is free."""
    if parse_rate(text) == 0:
        raise ValueError("a price of 0 is no price")
    return text


def _single(word: str) -> Strategy:
    """A strategy that orders one chain; raises ValueError for HYBRID, which would go round."""
    if Strategy(word) is Strategy.HYBRID:
        raise ValueError("hybrid cannot be a part of itself")
    return Strategy(word)


Rate = Annotated[str, AfterValidator(_price)]
_SingleStrategy = Annotated[Strategy, BeforeValidator(_single)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Duration(_Strict):
    """Either every whole second from min to max, or the values listed."""

    min: int = 0
    max: int = -1
    values: tuple[int, ...] = Field(default=(), strict=False)

    def seconds(self) -> tuple[int, ...]:
        return self.values or tuple(range(self.min, self.max + 1))


_Rank = Annotated[int, Field(ge=1, le=100)]


_KeyShape = Annotated[list[Annotated[str, Field(pattern=r"^[a-z_]+$")]], Field(min_length=1)]


class _OfferTable(_Strict):
    model: str
    frames: list[str] = Field(min_length=1)
    qualities: list[Literal["low", "standard", "high"]] = Field(min_length=1)
    prompt_max_chars: int
    expected_s: int
    deadline_s: int
    duration_s: _Duration | None = None
    accepts: list[str] = []
    needs_keyframe: bool = False
    retires_on: date | None = None
    quality_rank: _Rank | None = None
    sound: Literal["off", "on"] | None = None
    key_fields: list[_KeyShape] = []


class _RetiredTable(_Strict):
    since: date
    replacement: str | None = None


class _ProviderTable(_Strict):
    """`quality_rank` holds for every offer that has none of its own; `ranked_because` says why."""

    name: str
    media: Literal["image", "video"]
    priority: int
    quality: str
    quality_rank: _Rank
    ranked_because: str = Field(min_length=1)
    speed: str
    hosts: list[str]
    result_hosts: list[str]
    offers: list[_OfferTable]
    aliases: list[str] = []
    needs_key: bool = True
    key_fields: list[_KeyShape] = [["api_key"]]
    retired: _RetiredTable | None = None
    ended_models: dict[str, date] = {}


class _StrategiesTable(_Strict):
    """Data about strategies: what `hybrid` is for each role, and names for ranks of quality."""

    hybrid: dict[Annotated[Role, Field(strict=False)], _SingleStrategy]
    quality_floors: dict[Annotated[str, Field(pattern=r"^[a-z]+$")], _Rank]

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if set(self.hybrid) != set(Role):
            raise ValueError("hybrid needs a strategy for every role")
        return self


class _RowTable(_Strict):
    provider: str
    unit: Literal["image", "second", "minute"]
    usd: Rate
    model: str | None = None
    resolution: str | None = None
    quality: str | None = None
    usd_per_million_tokens: Rate | None = None
    source: str = ""
    as_of: date | None = None


class _CardFile(_Strict):
    name: str
    version: str
    rows: list[_RowTable]


@cache
def catalogue() -> Catalogue:
    """The catalogue of this version; raises pydantic's ValidationError when the file is wrong."""
    tables = _read("catalogue.toml")
    strategies = _StrategiesTable.model_validate(tables.pop("strategies", {}))
    providers = TypeAdapter(dict[str, _ProviderTable]).validate_python(tables)
    return Catalogue(
        {name: _provider(name, table) for name, table in providers.items()},
        hybrid=strategies.hybrid,
        quality_floors=strategies.quality_floors,
    )


@cache
def rate_card(name: str) -> RateCard:
    """The card "guide" or "vendor"; raises FileNotFoundError for any other name."""
    card = _CardFile.model_validate(_read(f"rates/{name}.toml"))
    return RateCard(card.name, card.version, tuple(_row(row) for row in card.rows))


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((_HERE / name).read_text(encoding="utf-8"))


def _provider(name: str, table: _ProviderTable) -> Provider:
    return Provider(
        id=name,
        name=table.name,
        media=Media(table.media),
        priority=table.priority,
        quality=table.quality,
        speed=table.speed,
        built=find_spec(f"filmgate.providers.{name}") is not None,
        needs_key=table.needs_key,
        hosts=frozenset(table.hosts),
        result_hosts=frozenset(table.result_hosts),
        offers=tuple(_offer(offer, table.quality_rank) for offer in table.offers),
        key_fields=tuple(map(tuple, table.key_fields)) if table.needs_key else (),
        aliases=tuple(table.aliases),
        retired=_retirement(table.retired),
        ended_models=tuple(table.ended_models.items()),
    )


def _retirement(table: _RetiredTable | None) -> Retirement | None:
    return None if table is None else Retirement(table.since, table.replacement)


def _offer(table: _OfferTable, usual_rank: int) -> Offer:
    return Offer(
        model=table.model,
        frames=tuple(_frame(words) for words in table.frames),
        qualities=tuple(table.qualities),
        prompt_max_chars=table.prompt_max_chars,
        expected_s=table.expected_s,
        deadline_s=table.deadline_s,
        duration_s=table.duration_s.seconds() if table.duration_s else (),
        accepts=frozenset(table.accepts),
        needs_keyframe=table.needs_keyframe,
        retires_on=table.retires_on,
        quality_rank=usual_rank if table.quality_rank is None else table.quality_rank,
        sound=None if table.sound is None else Sound(table.sound),
        key_fields=tuple(map(tuple, table.key_fields)),
    )


def _frame(words: str) -> Frame:
    resolution, aspect_ratio, pixels = words.split()
    width, height = (int(number) for number in pixels.split("x"))
    return Frame(resolution, aspect_ratio, width, height)


def _row(table: _RowTable) -> PriceRow:
    return PriceRow(
        provider=table.provider,
        unit=Unit(table.unit),
        micros=parse_rate(table.usd),
        model=table.model,
        resolution=table.resolution,
        quality=table.quality,
        micros_per_million_tokens=_optional_rate(table.usd_per_million_tokens),
        source=table.source,
        as_of=table.as_of,
    )


def _optional_rate(text: str | None) -> Micros | None:
    return None if text is None else parse_rate(text)
