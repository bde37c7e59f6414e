"""What the answers are made of: amounts, times, ids, and fields that may be left out."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class Shown(BaseModel):
    """Part of an answer. Callers must bear fields that come later; the tests bear none."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


def left_out() -> Any:
    """The default of a field that an answer may lack, and that is never null."""
    return Field(default_factory=str)


Amount = Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]{4}$", examples=["0.0400"])]
SignedAmount = Annotated[str, Field(pattern=r"^-?[0-9]+\.[0-9]{4}$", examples=["-0.0040"])]
Moment = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
        examples=["2026-11-22T12:00:00.000Z"],
        json_schema_extra={"format": "date-time"},
    ),
]
Day = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        examples=["2026-11-22"],
        json_schema_extra={"format": "date"},
    ),
]
Month = Annotated[str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", examples=["2026-11"])]
Percent = Annotated[int, Field(ge=0, le=100)]
Count = Annotated[int, Field(ge=0)]
Currency = Literal["USD"]
Link = Annotated[str, Field(pattern=r"^https?://")]


def id_of(prefix: str) -> Any:
    """The schema of ids that begin so."""
    return Field(pattern=f"^{prefix}_[a-z0-9]+$")


GenerationId = Annotated[str, id_of("gen")]
AttemptId = Annotated[str, id_of("att")]
TakeId = Annotated[str, id_of("take")]
StoryboardId = Annotated[str, id_of("sb")]
QuoteId = Annotated[str, id_of("quo")]
UploadId = Annotated[str, id_of("upl")]
TokenId = Annotated[str, id_of("tok")]


class RateCard(Shown):
    """The table of prices that was used."""

    name: str
    version: str


class Failure(Shown):
    """Why something ended without a result: a stable code, and a sentence for people."""

    code: str
    message: str


class Page(Shown, Generic[T]):
    """A page of a list. It may be short; only a `next` of null ends the list."""

    items: list[T]
    next: str | None
    """The `cursor` of the next page; null behind the last one."""
