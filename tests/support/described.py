"""Whether answers are what the description says: every one that a test sees is held against it.

The description is closed here: a field, header or problem that it does not name is a fault. So are
a request that was served and that it would not allow, and an address that it does not have.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from jsonschema import Draft202012Validator

from filmgate.domain.errors import (
    LedgerUnavailable,
    MethodNotAllowed,
    NotFound,
    Unauthenticated,
)
from filmgate.http import ROUTES, address
from openapi.document import document
from openapi.operation import JSON, Answer, Operation, Shape
from openapi.operations import OPERATIONS
from openapi.refusals import Refusal, refusals_at, refusals_of
from openapi.schemas import schema_of

COMMON_FIELDS = {"type", "title", "status", "detail", "instance", "code", "retryable"}
API = "/v1/"
UNDESCRIBED = {"content-type", "cache-control", "content-length"} | {
    "apigw-requestid",
    "connection",
    "date",
    "server",  # what the way adds
}

Headers = Mapping[str, str]


def operation_at(method: str, path: str) -> Operation | None:
    """The operation behind an address; words of a path go before its parameters."""
    found = [one for one in _at(path) if one.method == method]
    return min(found, key=lambda one: one.path.count("{"), default=None)


def check_request(operation: Operation, kind: str, body: str) -> None:
    """A body that was served is one that the description allows."""
    if operation.body is None:
        return
    shape = operation.body.content.get(kind)
    assert shape is not None, f"{operation.id} takes no {kind}"
    if kind == JSON:
        _check(shape, json.loads(body), f"the request of {operation.id}")


def check_answer(method: str, path: str, status: int, headers: Headers, body: str) -> None:
    """An answer is one that the description has; header names in lower case."""
    operation = operation_at(method, path)
    if operation is None and status < HTTPStatus.BAD_REQUEST and not path.startswith(API):
        return  # a page or a part of one
    if operation is None:
        routes = [methods for route, methods in ROUTES.items() if address(route).fullmatch(path)]
        other = any(method not in methods for methods in routes)
        kinds = (MethodNotAllowed if other else NotFound, Unauthenticated, LedgerUnavailable)
        _check_refusal(
            refusals_at(path, kinds), status, headers, json.loads(body), f"{method} {path}"
        )
        return
    answers = {one.status: one for one in operation.answers}
    where = f"{operation.id} {status}"
    if status in answers:
        _check_answer(answers[status], headers, body, where)
    else:
        _check_refusal(refusals_of(operation), status, headers, json.loads(body), where)


def check_example(answer: Answer, body: Any, where: str) -> None:
    """A body in JSON is one that this answer may have."""
    _check(answer.content[JSON], body, where)


@cache
def _at(path: str) -> list[Operation]:
    """Every operation whose address this is."""
    return [one for one in OPERATIONS if address(one.path).fullmatch(path)]


def _check_answer(answer: Answer, headers: Headers, body: str, where: str) -> None:
    needed = {name.lower() for name, one in answer.headers.items() if one.required}
    _check_headers(headers, needed, {name.lower() for name in answer.headers}, where)
    if not answer.content:
        assert body == "", f"{where} has a body"
        return
    kind = headers["content-type"].partition(";")[0]
    assert kind in answer.content, f"{where} is {kind}"
    if kind == JSON:
        _check(answer.content[kind], json.loads(body), where)


def _check_refusal(
    refusals: Iterable[Refusal], status: int, headers: Headers, body: Any, where: str
) -> None:
    codes = {one.code: one for one in refusals if one.status == status}
    code = body.get("error", body).get("code")
    assert code in codes, f"{where} is not described to be {code}: {body}"
    told = codes[code]
    assert headers["content-type"] == told.media_type, where
    _check(told.model, body, where)
    own = set(body) - set(COMMON_FIELDS)
    assert told.facts <= own <= told.facts | set(told.more), f"{where} {code}: {own}"
    needed = {name.lower() for name, one in told.headers.items() if one.required}
    _check_headers(headers, needed, {name.lower() for name in told.headers}, where)


def _check_headers(headers: Headers, needed: set[str], allowed: set[str], where: str) -> None:
    own = set(headers) - UNDESCRIBED
    assert needed <= own <= allowed, f"{where} has the headers {sorted(own)}"
    assert headers["cache-control"] == "no-store", where


def _check(shape: Shape, value: Any, where: str) -> None:
    fault = next(iter(_validator(json.dumps(schema_of(shape))).iter_errors(value)), None)
    assert fault is None, f"{where}: {fault.json_path} {fault.message}"


@cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator({**json.loads(schema), "components": _closed()["components"]})


@cache
def _closed() -> dict[str, Any]:
    return document(closed=True)
