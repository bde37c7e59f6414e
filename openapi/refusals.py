"""What operations refuse with: one entry for every code that a caller can see at a status."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from filmgate.domain.errors import (
    CallerError,
    GenerationFailed,
    MethodNotAllowed,
    Unauthenticated,
    ValidationFailed,
)
from filmgate.http import RETRYABLE
from filmgate.openai_errors import error_body, speaks_openai
from filmgate.schemas import MISSING_FIELD, UNKNOWN_FIELD
from openapi.answers.base import Shown
from openapi.answers.openai import OpenAIError
from openapi.operation import JSON, TEXT, Header, Operation
from openapi.problems import KINDS, Problem, example_of

Json = dict[str, Any]
PROBLEM: Final = "application/problem+json"
FAULTS: Final = (
    ("/colour", UNKNOWN_FIELD),
    ("/prompt", MISSING_FIELD),
    ("/size", "is none of 1024x1024, 1536x864"),
)
"""Every sort of fault that OpenAI's envelope has a code of its own for."""
FAILURES: Final = {
    "all-providers-failed": "Every provider of the chain failed; see the attempts.",
    "cancelled": "Cancelled on request.",
    "content-refused": "Every provider asked refused this content.",
    "deadline-exceeded": "The provider did not finish within its deadline.",
    "internal": "The work stopped before it was finished; nothing was bought.",
    "invalid-request": "The provider found the request invalid.",
    "no-result": "It has no result.",
    "outcome-unknown": "A provider may have accepted the job, but gave no readable answer.",
    "result-unusable": "The provider was paid but its result cannot be used.",
}
"""How a generation ends that has no result."""


@dataclass(frozen=True)
class Refusal:
    """A status with a code: how it is told, in which model, and with which headers.

    `facts` are its own fields that are always there, `more` those that are there at times. `kind`
    is the code of its class, which has several codes in OpenAI's envelope.
    """

    status: int
    code: str
    kind: str
    title: str
    media_type: str
    model: type[Shown]
    example: Json
    headers: Mapping[str, Header]
    facts: frozenset[str] = field(default_factory=frozenset)
    more: tuple[str, ...] = ()


def refusals_of(operation: Operation) -> list[Refusal]:
    """Everything that an operation refuses with, by status and code."""
    return refusals_at(operation.path, operation.all_problems)


def refusals_at(path: str, kinds: Iterable[type[CallerError]]) -> list[Refusal]:
    """These classes as this address tells them: as problem+json, or in OpenAI's envelope."""
    if speaks_openai(path):
        told = [_envelope_of(error) for kind in kinds for error in _errors(kind)]
    else:
        told = [_problem_of(kind) for kind in kinds]
    found: dict[tuple[int, str], Refusal] = {}
    for one in told:
        known = found.setdefault((one.status, one.code), one)
        if known.title != one.title:  # two classes that the envelope tells alike
            found[one.status, one.code] = replace(known, title=f"{known.title}; {one.title}")
    return [found[key] for key in sorted(found)]


def _problem_of(kind: type[CallerError]) -> Refusal:
    """An error as problem+json."""
    told = KINDS[kind]
    return Refusal(
        status=int(kind.status),
        code=kind.code,
        kind=kind.code,
        title=kind.title,
        media_type=PROBLEM,
        model=Problem,
        example=example_of(kind),
        headers=dict(_headers(kind, again=kind.status in RETRYABLE)),
        facts=frozenset(told.facts),
        more=tuple(told.more),
    )


def _envelope_of(error: CallerError) -> Refusal:
    """An error as OpenAI's libraries read it."""
    kind = type(error)
    told, body = error_body(error)
    return Refusal(
        status=told.status,
        code=told.code,
        kind=kind.code,
        title=kind.title,
        media_type=JSON,
        model=OpenAIError,
        example=body,
        headers=dict([*_headers(kind, again=told.again), *_envelope_headers(kind)]),
        facts=frozenset(body),
    )


def _errors(kind: type[CallerError]) -> list[CallerError]:
    """An error of this class for every code that the envelope has for it."""
    told = KINDS[kind]
    if kind is ValidationFailed:
        return [ValidationFailed([fault]) for fault in FAULTS]
    if kind is GenerationFailed:
        facts = [(message, {**told.facts, "failure": code}) for code, message in FAILURES.items()]
        return [GenerationFailed(message, **own) for message, own in facts]
    return [kind(told.detail, **told.facts)]


def _headers(kind: type[CallerError], *, again: bool) -> Iterator[tuple[str, Header]]:
    """The headers of an error; `again` says that a repeat may work."""
    if again:
        yield "Retry-After", Header("Whole seconds until it may work.", TEXT)
    if kind is Unauthenticated:
        yield "WWW-Authenticate", Header("The kind of token that is needed.", TEXT)
    if kind is MethodNotAllowed:
        yield "Allow", Header("The methods that the address takes.", TEXT)


def _envelope_headers(kind: type[CallerError]) -> Iterator[tuple[str, Header]]:
    """What the envelope says beside the body."""
    told = KINDS[kind]
    yield "x-request-id", Header("The request's id, for whoever runs the studio.", TEXT)
    yield (
        "x-should-retry",
        Header(
            "Whether sending the same again is of any use; OpenAI's libraries obey it.",
            {"type": "string", "enum": ["true", "false"]},
        ),
    )
    if "generationId" in {**told.facts, **told.more}:
        always = "generationId" in told.facts
        yield "x-filmgate-generation-id", Header("Which one it is about.", TEXT, required=always)
