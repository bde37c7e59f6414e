"""The document: every operation and every model, as OpenAPI 3.1."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from pydantic import BaseModel

from filmgate import __version__
from openapi.answers.openai import OpenAIError
from openapi.examples import all_examples
from openapi.operation import JSON, Answer, Body, Header, Operation, Parameter
from openapi.operations import OPERATIONS, TAGS
from openapi.refusals import Refusal, refusals_of
from openapi.schemas import models_in, schema_of, schemas_of

Json = dict[str, Any]
EXAMPLES: Final = "#/components/examples/"
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
`Allow`.

Clients of OpenAI keep their own objects and errors: `/v1/images`, `/v1/videos`, `/v1/models`."""


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
            "responses": _refusal_responses(operations),
            "schemas": schemas,
            "examples": _examples(operations),
        },
    }


def by_status(refusals: Iterable[Refusal]) -> dict[int, list[Refusal]]:
    found: defaultdict[int, list[Refusal]] = defaultdict(list)
    for one in refusals:
        found[one.status].append(one)
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
    refused = [one.model for operation in operations for one in refusals_of(operation)]
    return list(dict.fromkeys([*models, *refused]))


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
    answers = {
        str(one.status): _answer(one, _example_name(operation.id, one.status))
        for one in operation.answers
    }
    refusals = {
        str(status): {"$ref": f"#/components/responses/{_response_name(refusals)}"}
        for status, refusals in by_status(refusals_of(operation)).items()
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


def _example_name(operation: str, status: int) -> str:
    """Such as generate.202."""
    return f"{operation}.{status}"


def _examples(operations: Iterable[Operation]) -> Json:
    return {
        _example_name(one.id, answer.status): {"value": all_examples()[one.id, answer.status]}
        for one in operations
        for answer in one.answers
        if JSON in answer.content
    }


def _answer(answer: Answer, example: str) -> Json:
    made: Json = {"description": answer.told}
    if answer.headers:
        made["headers"] = _headers(answer.headers.items())
    if answer.content:
        made["content"] = {
            kind: {"schema": schema_of(shape)}
            | ({"examples": {"example": {"$ref": f"{EXAMPLES}{example}"}}} if kind == JSON else {})
            for kind, shape in answer.content.items()
        }
    return made


def _headers(headers: Iterable[tuple[str, Header]]) -> Json:
    return {
        name: {"description": one.told, "required": one.required, "schema": one.schema}
        for name, one in headers
    }


def _refusal_responses(operations: Iterable[Operation]) -> Json:
    """One response for every set of codes that share a status somewhere."""
    sets = {
        _response_name(refusals): refusals
        for operation in operations
        for refusals in by_status(refusals_of(operation)).values()
    }
    return {name: _refusal(refusals) for name, refusals in sorted(sets.items())}


def _response_name(refusals: Sequence[Refusal]) -> str:
    """Such as BudgetExceededOrCostLimitExceeded, or OpenAI409StateConflict."""
    first = refusals[0]
    kinds = dict.fromkeys(one.kind for one in refusals)
    name = "Or".join(re.sub(r"(?:^|-)(.)", lambda m: m[1].upper(), kind) for kind in kinds)
    return f"OpenAI{first.status}{name}" if first.model is OpenAIError else name


def _refusal(refusals: Sequence[Refusal]) -> Json:
    first = refusals[0]
    made: Json = {
        "description": _refusals_told(refusals),
        "content": {
            first.media_type: {
                "schema": schema_of(first.model),
                "examples": {
                    one.code: {"summary": one.title, "value": one.example} for one in refusals
                },
            }
        },
    }
    headers = _shared_headers(refusals)
    return made | ({"headers": _headers(headers.items())} if headers else {})


def _shared_headers(refusals: Sequence[Refusal]) -> dict[str, Header]:
    """The headers of them all; one that some lack is not required."""
    found = {name: header for one in refusals for name, header in one.headers.items()}
    return {
        name: replace(
            header,
            required=all(name in one.headers and one.headers[name].required for one in refusals),
        )
        for name, header in found.items()
    }


def _refusals_told(refusals: Sequence[Refusal]) -> str:
    """Each code with its title; those of one title together."""
    codes: defaultdict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for one in refusals:
        codes[one.title, one.more].append(one.code)
    return " ".join(
        f"{_quoted(own)}: {title}." + (f" At times with {_quoted(more)}." if more else "")
        for (title, more), own in codes.items()
    )


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
