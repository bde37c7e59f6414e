"""What operations refuse with: one entry for every code that a caller can see at a status."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from filmgate.domain.errors import CallerError, MethodNotAllowed, Unauthenticated
from filmgate.http import RETRYABLE
from openapi.answers.base import Shown
from openapi.operation import TEXT, Header, Operation
from openapi.problems import KINDS, Problem, example_of

Json = dict[str, Any]
PROBLEM: Final = "application/problem+json"


@dataclass(frozen=True)
class Refusal:
    """A status with a code: how it is told, in which model, and with which headers.

    `facts` are its own fields that are always there, `more` those that are there at times.
    """

    status: int
    code: str
    title: str
    media_type: str
    model: type[Shown]
    example: Json
    headers: Mapping[str, Header]
    facts: frozenset[str] = field(default_factory=frozenset)
    more: tuple[str, ...] = ()


def refusals_of(operation: Operation) -> list[Refusal]:
    """Everything that an operation refuses with, by status and code."""
    return _sorted(problem_of(kind) for kind in operation.all_problems)


def problem_of(kind: type[CallerError]) -> Refusal:
    """An error as problem+json."""
    told = KINDS[kind]
    return Refusal(
        status=int(kind.status),
        code=kind.code,
        title=kind.title,
        media_type=PROBLEM,
        model=Problem,
        example=example_of(kind),
        headers=dict(_headers(kind)),
        facts=frozenset(told.facts),
        more=tuple(told.more),
    )


def _sorted(refusals: Iterable[Refusal]) -> list[Refusal]:
    found = {(one.status, one.code): one for one in refusals}
    return [found[key] for key in sorted(found)]


def _headers(kind: type[CallerError]) -> Iterator[tuple[str, Header]]:
    """The headers of an error; all of one status have the same."""
    if kind.status in RETRYABLE:
        yield "Retry-After", Header("Whole seconds until it may work.", TEXT)
    if kind is Unauthenticated:
        yield "WWW-Authenticate", Header("The kind of token that is needed.", TEXT)
    if kind is MethodNotAllowed:
        yield "Allow", Header("The methods that the address takes.", TEXT)
