"""The document: every operation and every model, as OpenAPI 3.1."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from pydantic import BaseModel

from filmgate import __version__
from filmgate.domain.errors import CallerError, MethodNotAllowed, Unauthenticated
from filmgate.http import RETRYABLE
from openapi.operation import TEXT, Answer, Body, Header, Operation, Parameter
from openapi.operations import OPERATIONS, TAGS
from openapi.problems import KINDS, Problem, example_of
from openapi.schemas import models_in, schema_of, schemas_of

Json = dict[str, Any]
PROBLEM: Final = "application/problem+json"
ABOUT: Final = """\
One API to make images and clips with many paid providers, where the price is known first, nothing \
is paid twice, no budget is passed and no result is lost.

Amounts are decimal strings of US dollars with four places, times RFC 3339 in UTC, percentages \
whole numbers. Errors are `application/problem+json`: act on `code`, show `detail`, find a wrong \
field in `errors[].pointer`. Unknown fields of requests are refused; answers may get further \
fields. Lists take `limit` and `cursor`; only a `next` of null ends one.

Who calls has a bearer token with a role: a `viewer` sees, a `creator` also makes, an `admin` also \
sets. A repeat of a POST under the same `Idempotency-Key` is harmless. What is not yours is 404, \
and so is every address that is not listed here; a listed one with another method is 405 with \
`Allow`."""


def document(operations: Sequence[Operation] = OPERATIONS, *, closed: bool = False) -> Json:
    """The description of these operations; `closed` refuses what answers do not say of
    themselves, which is how tests want it."""
    schemas = schemas_of(_models(operations), closed=closed)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Filmgate",
            "version": __version__,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "tags": [{"name": name, "description": told} for name, told in TAGS.items()],
        "paths": _paths(operations),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": _problem_responses(operations),
            "schemas": schemas,
        },
    }


def problems_by_status(operation: Operation) -> dict[int, list[type[CallerError]]]:
    """What an operation refuses, by status."""
    found: defaultdict[int, list[type[CallerError]]] = defaultdict(list)
    for kind in operation.all_problems:
        found[kind.status].append(kind)
    return dict(found)


def _models(operations: Iterable[Operation]) -> list[type[BaseModel]]:
    """The models of all bodies and answers, each once."""
    models = [
        model
        for operation in operations
        for part in (operation.body, *operation.answers)
        if part is not None
        for shape in part.content.values()
        for model in models_in(shape)
    ]
    return list(dict.fromkeys([*models, Problem]))


def _paths(operations: Iterable[Operation]) -> Json:
    paths: defaultdict[str, Json] = defaultdict(dict)
    for operation in operations:
        paths[operation.path][operation.method.lower()] = _operation(operation)
    return dict(paths)


def _operation(operation: Operation) -> Json:
    made: Json = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": _told(operation),
        "x-role": operation.role,
    }
    if operation.role == "open":
        made["security"] = []
    if operation.parameters:
        made["parameters"] = [_parameter(one) for one in operation.parameters]
    if operation.body is not None:
        made["requestBody"] = _body(operation.body)
    answers = {str(one.status): _answer(one) for one in operation.answers}
    refusals = {
        str(status): {"$ref": f"#/components/responses/{_response_name(kinds)}"}
        for status, kinds in problems_by_status(operation).items()
    }
    made["responses"] = dict(sorted((answers | refusals).items()))
    return made


def _told(operation: Operation) -> str:
    needs = {"open": "Needs no token.", "viewer": "Needs a token of any role."}
    role = needs.get(operation.role, f"Needs the role `{operation.role}`.")
    return f"{operation.told} {role}".strip()


def _parameter(one: Parameter) -> Json:
    made: Json = {"name": one.name, "in": one.place, "description": one.told, "schema": one.schema}
    if one.place == "path":
        made["required"] = True
    if one.example is not None:
        made["example"] = one.example
    return made


def _body(body: Body) -> Json:
    return {
        "required": body.required,
        "content": {
            kind: {"schema": schema_of(shape)}
            | (
                {"examples": {name: {"value": value} for name, value in examples.items()}}
                if (examples := body.examples.get(kind))
                else {}
            )
            for kind, shape in body.content.items()
        },
    }


def _answer(answer: Answer) -> Json:
    made: Json = {"description": answer.told}
    if answer.headers:
        made["headers"] = _headers(answer.headers.items())
    if answer.content:
        made["content"] = {
            kind: {"schema": schema_of(shape)} for kind, shape in answer.content.items()
        }
    return made


def _headers(headers: Iterable[tuple[str, Header]]) -> Json:
    return {
        name: {"description": one.told, "required": one.required, "schema": one.schema}
        for name, one in headers
    }


def _problem_responses(operations: Iterable[Operation]) -> Json:
    """One response for every set of problems that share a status somewhere."""
    sets = {
        _response_name(kinds): kinds
        for operation in operations
        for kinds in problems_by_status(operation).values()
    }
    return {name: _refusal(kinds) for name, kinds in sorted(sets.items())}


def _response_name(kinds: Iterable[type[CallerError]]) -> str:
    return "Or".join("Internal" if kind is CallerError else kind.__name__ for kind in kinds)


def _refusal(kinds: Sequence[type[CallerError]]) -> Json:
    made: Json = {
        "description": " ".join(_refusal_told(kind) for kind in kinds),
        "content": {
            PROBLEM: {
                "schema": schema_of(Problem),
                "examples": {
                    kind.code: {"summary": kind.title, "value": example_of(kind)} for kind in kinds
                },
            }
        },
    }
    headers = dict(problem_headers(kinds[0]))
    return made | ({"headers": _headers(headers.items())} if headers else {})


def problem_headers(kind: type[CallerError]) -> Iterator[tuple[str, Header]]:
    """The headers of a refusal; all of one status have the same."""
    if kind.status in RETRYABLE:
        yield "Retry-After", Header("Whole seconds until it may work.", TEXT)
    if kind is Unauthenticated:
        yield "WWW-Authenticate", Header("The kind of token that is needed.", TEXT)
    if kind is MethodNotAllowed:
        yield "Allow", Header("The methods that the address takes.", TEXT)


def _refusal_told(kind: type[CallerError]) -> str:
    more = ", ".join(f"`{name}`" for name in KINDS[kind].more)
    return f"`{kind.code}`: {kind.title}." + (f" At times with {more}." if more else "")
