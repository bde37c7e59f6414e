"""What is said of an operation: who may call it, what it takes, answers and refuses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from filmgate.domain.errors import (
    CallerError,
    Forbidden,
    InvalidHeader,
    LedgerUnavailable,
    MalformedJson,
    TooLarge,
    Unauthenticated,
    UnsupportedMediaType,
    ValidationFailed,
)

Json = dict[str, Any]
Shape = type | tuple[type, ...] | Json
"""A model, any of several models, or a schema as it is."""
Role = Literal["open", "viewer", "creator", "admin"]
JSON = "application/json"
MULTIPART = "multipart/form-data"
TEXT: Json = {"type": "string"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the path, the query or the headers, with its schema."""

    name: str
    place: Literal["path", "query", "header"]
    told: str
    schema: Json
    example: Any = None


@dataclass(frozen=True, slots=True)
class Body:
    """A body: its shape by media type, and examples by media type and name."""

    content: Mapping[str, Shape]
    examples: Mapping[str, Mapping[str, Any]]
    required: bool = True


@dataclass(frozen=True, slots=True)
class Header:
    """A header of an answer; one that is not always there is not required."""

    told: str
    schema: Json
    required: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no problem; `content` is its shape by media type."""

    status: int
    told: str
    content: Mapping[str, Shape]
    headers: Mapping[str, Header]


def answer(
    status: int, told: str, shown: type | None = None, headers: Mapping[str, Header] | None = None
) -> Answer:
    """An answer in JSON, or one without a body."""
    return Answer(status, told, {} if shown is None else {JSON: shown}, headers or {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one route. `problems` has what it refuses beside what follows from the rest:
    see `all_problems`."""

    id: str
    method: str
    path: str
    tag: str
    role: Role
    summary: str
    answers: tuple[Answer, ...]
    told: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    problems: tuple[type[CallerError], ...] = ()

    @property
    def all_problems(self) -> tuple[type[CallerError], ...]:
        """Every problem that this operation can answer with, in the order of their statuses."""
        found: list[type[CallerError]] = [CallerError, *self.problems]
        if self.role != "open":
            found += [Unauthenticated, LedgerUnavailable]
        if self.role in ("creator", "admin"):
            found.append(Forbidden)
        if self.body is not None:
            found += [MalformedJson, UnsupportedMediaType, TooLarge, ValidationFailed]
        places = {one.place for one in self.parameters}
        if "query" in places:
            found.append(ValidationFailed)
        if "header" in places:
            found.append(InvalidHeader)
        return tuple(sorted(dict.fromkeys(found), key=lambda one: (one.status, one.code)))
