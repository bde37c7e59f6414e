"""The way from an HTTP API event to a use case and back: bodies, who is asking, problem+json.

The gateway's authorizer tells who is asking, and never refuses by itself, since the refusals of an
HTTP API are not problem+json. The refusal happens here, for every route that is not open: a
request without a principal gets 401.
"""

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, TypeVar
from uuid import uuid4

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from pydantic import BaseModel, ValidationError

from filmgate.adapters.strict_json import UnreadableJson, loads
from filmgate.domain.audit import Author
from filmgate.domain.errors import (
    CallerError,
    Forbidden,
    InvalidHeader,
    LedgerUnavailable,
    MalformedJson,
    MethodNotAllowed,
    NotFound,
    StoreUnavailable,
    TooLarge,
    Unauthenticated,
    UnsupportedMediaType,
    ValidationFailed,
)
from filmgate.observability import log_failure
from filmgate.openai_errors import error_body, speaks_openai
from filmgate.schemas import faults_of
from filmgate.usecases.ports import Principal

LARGEST_BODY: Final = 1_000_000
ROLES: Final = ("viewer", "creator", "admin")
RETRYABLE: Final = frozenset({429, 500, 503})
RETRY_AFTER_S: Final = 2
USUAL_PAGE: Final = 50
LARGEST_PAGE: Final = 100

ROUTES: Final[Mapping[str, tuple[str, ...]]] = {
    "/": ("GET",),
    "/docs": ("GET",),
    "/openapi.json": ("GET",),
    "/static/{proxy+}": ("GET",),
    "/v1/health": ("GET",),
    "/v1/me": ("GET",),
    "/v1/providers": ("GET",),
    "/v1/estimates": ("POST",),
    "/v1/estimates/compare": ("POST",),
    "/v1/estimates/storyboard": ("POST",),
    "/v1/generations": ("GET", "POST"),
    "/v1/generations/{id}": ("GET", "DELETE"),
    "/v1/generations/{id}/retry": ("POST",),
    "/v1/generations/{id}/attempts/{attempt}/correction": ("POST",),
    "/v1/storyboards": ("GET", "POST"),
    "/v1/storyboards/{id}": ("GET", "DELETE"),
    "/v1/storyboards/{id}/resume": ("POST",),
    "/v1/uploads": ("POST",),
    "/v1/uploads/{id}": ("GET",),
    "/v1/usage": ("GET",),
    "/v1/usage/summary": ("GET",),
    "/v1/usage/discrepancies": ("GET",),
    "/v1/budgets": ("GET",),
    "/v1/budgets/{scope}": ("GET", "PUT"),
    "/v1/budgets/{scope}/history": ("GET",),
    "/v1/verify": ("GET",),
    "/v1/notices": ("GET",),
    "/v1/settings/order": ("PUT",),
    "/v1/settings/providers/{id}": ("GET", "PUT"),
    "/v1/settings/providers/{id}/key": ("PUT", "DELETE"),
    "/v1/settings/providers/{id}/test": ("POST",),
    "/v1/settings/providers/{id}/prices/confirm": ("POST",),
    "/v1/settings/webhook-secret": ("GET",),
    "/v1/settings/webhook-secret/rotate": ("POST",),
    "/v1/tokens": ("GET", "POST"),
    "/v1/tokens/{id}": ("DELETE",),
    "/v1/audit": ("GET",),
    "/v1/images/generations": ("POST",),
    "/v1/images/edits": ("POST",),
    "/v1/videos": ("GET", "POST"),
    "/v1/videos/{id}": ("GET", "DELETE"),
    "/v1/videos/{id}/content": ("GET",),
    "/v1/models": ("GET",),
    "/v1/models/{id}": ("GET",),
}
"""Every route of the API, so that a wrong method can be told from a wrong address."""

_IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_ENTITY_TAG: Final = re.compile(r'(?P<weak>W/)?"(?P<version>[\x21\x23-\x7e]*)"')
_MONTH: Final = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")
M = TypeVar("M", bound=BaseModel)


def address(template: str) -> re.Pattern[str]:
    """The addresses that a route takes: {name} is one part of a path, {name+} all that is left."""
    parts = re.split(r"(\{\w+\+?\})", template)
    return re.compile(
        "".join(
            (".+" if part.endswith("+}") else "[^/]+") if part.startswith("{") else re.escape(part)
            for part in parts
        )
    )


def http_app() -> APIGatewayHttpResolver:
    """A router whose every answer is JSON and whose every error is problem+json, or OpenAI's
    envelope at the addresses that its clients ask for."""
    app = APIGatewayHttpResolver(serializer=_to_json)
    app.exception_handler(CallerError)(lambda error: _problem(app, error))
    app.exception_handler(StoreUnavailable)(lambda _: _problem(app, _ledger_away()))
    app.exception_handler(Exception)(lambda error: _internal(app, error))
    app.not_found(lambda _: _problem(app, _no_route(app)))
    return app


def answer(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response[str]:
    """A JSON answer that no cache keeps."""
    return Response(
        status_code=status,
        content_type="application/json",
        body=_to_json(body),
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def no_content() -> Response[str]:
    """The answer that says no more than that it is done."""
    return Response(status_code=204, body="", headers={"Cache-Control": "no-store"})


def principal(app: APIGatewayHttpResolver, role: str = "viewer") -> Principal:
    """Who is asking; raises Unauthenticated, LedgerUnavailable when nobody can
    tell now, or Forbidden when the role is below `role`."""
    context = _request_context(app).get("authorizer", {}).get("lambda") or {}
    if context.get("unavailable"):
        raise LedgerUnavailable("The token cannot be checked now. Nothing was bought; try again.")
    if not context.get("tenant"):
        raise Unauthenticated(context.get("refusal") or "Send a bearer token.")
    found = Principal(
        context["tenant"], context["user"], context["role"], context.get("token_id", "")
    )
    if ROLES.index(found.role) < ROLES.index(role):
        raise Forbidden(f"This needs the role {role}; the token has the role {found.role}.")
    return found


def author(app: APIGatewayHttpResolver, who: Principal, now: datetime) -> Author:
    """Who asks for the change that this request makes, for the trail."""
    return Author(who.user, who.token_id, _request_id(app), now)


def body_of(app: APIGatewayHttpResolver, model: type[M], *, max_bytes: int = LARGEST_BODY) -> M:
    """The request's body as a model; raises what is wrong with it, pointing at the fields."""
    if content_type(app) != "application/json":
        raise UnsupportedMediaType("Set the header Content-Type: application/json.")
    data = raw_body(app)
    if len(data) > max_bytes:
        raise TooLarge(f"A body may have {max_bytes} bytes.")
    try:
        parsed = loads(data, max_bytes=max_bytes)
    except UnreadableJson as error:
        raise MalformedJson(f"The body is {error.reason}.") from error
    return checked(parsed, model)


def checked(fields: Any, model: type[M]) -> M:
    """The fields of a body as a model; raises ValidationFailed, pointing at the fields."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise ValidationFailed(faults_of(list(faults))) from None


def content_type(app: APIGatewayHttpResolver) -> str:
    """The media type of the body, without its parameters; empty when none is said."""
    return (_header(app, "content-type") or "").partition(";")[0].strip().lower()


def raw_body(app: APIGatewayHttpResolver) -> bytes:
    """The bytes of the body, whichever way the API hands them on."""
    event = app.current_event
    text = event.body or ""
    return b64decode(text) if event.is_base64_encoded else text.encode(errors="surrogatepass")


def idempotency_key(app: APIGatewayHttpResolver) -> str | None:
    """The Idempotency-Key; None when none was sent. Raises InvalidHeader for an unusable one."""
    key = _header(app, "idempotency-key")
    if key is not None and _IDEMPOTENCY_KEY.fullmatch(key) is None:
        raise InvalidHeader("Idempotency-Key takes 1 to 255 visible ASCII characters.")
    return key


def if_match(app: APIGatewayHttpResolver) -> frozenset[str] | None:
    """The versions that the caller is ready to change; None when any will do.

    A weak tag never matches (RFC 9110, 13.1.1). Raises InvalidHeader for what is no list of tags.
    """
    header = _header(app, "if-match")
    if header is None or header.strip() == "*":
        return None
    tags = [_ENTITY_TAG.fullmatch(part.strip()) for part in header.split(",")]
    if not all(tags):
        raise InvalidHeader('If-Match takes the ETag of an earlier answer, such as "3".')
    return frozenset(tag["version"] for tag in tags if tag and not tag["weak"])


def page_size(given: Mapping[str, str]) -> int:
    """The query parameter `limit` of a list; raises ValidationFailed."""
    text = given.get("limit", str(USUAL_PAGE))
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_PAGE))
    if not digits or not 1 <= int(text) <= LARGEST_PAGE:
        raise ValidationFailed([("?limit", f"must be a number from 1 to {LARGEST_PAGE}")])
    return int(text)


def month(given: Mapping[str, str]) -> str | None:
    """The query parameter `period`, such as "2026-11"; raises ValidationFailed."""
    text = given.get("period")
    if text is not None and _MONTH.fullmatch(text) is None:
        raise ValidationFailed([("?period", "must be a month such as 2026-11")])
    return text


def query(app: APIGatewayHttpResolver, known: set[str]) -> dict[str, str]:
    """The query parameters; raises ValidationFailed for one that is not known."""
    given = dict(app.current_event.query_string_parameters or {})
    unknown = sorted(set(given) - known)
    if unknown:
        raise ValidationFailed([(f"?{name}", "is not a known parameter") for name in unknown])
    return given


def _problem(app: APIGatewayHttpResolver, error: CallerError) -> Response[str]:
    """RFC 9457 in JSON. The detail was written for callers and holds no secret."""
    if speaks_openai(app.current_event.path):
        return _envelope(app, error)
    retryable = error.status in RETRYABLE
    body = {
        "type": f"urn:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": f"urn:request:{_request_id(app)}",
        "code": error.code,
        "retryable": retryable,
        **error.facts,
    }
    return Response(
        status_code=error.status,
        content_type="application/problem+json",
        body=_to_json(body),
        headers=_error_headers(error, retryable=retryable),
    )


def _envelope(app: APIGatewayHttpResolver, error: CallerError) -> Response[str]:
    """The same error for a client of OpenAI."""
    told, body = error_body(error)
    headers = {
        "x-request-id": _request_id(app),
        "x-should-retry": "true" if told.again else "false",
    }
    if "generationId" in error.facts:
        headers["x-filmgate-generation-id"] = str(error.facts["generationId"])
    return answer(told.status, body, _error_headers(error, retryable=told.again) | headers)


def _error_headers(error: CallerError, *, retryable: bool) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if retryable:
        headers["Retry-After"] = str(error.facts.get("retryAfter", RETRY_AFTER_S))
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="filmgate"'
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = str(error.facts["allow"])
    return headers


def _internal(app: APIGatewayHttpResolver, error: Exception) -> Response[str]:
    log_failure(error)
    return _problem(app, CallerError("Something of ours failed; nothing was bought by this call."))


def _ledger_away() -> CallerError:
    return LedgerUnavailable("The ledger cannot be reached, so nothing was bought. Try again.")


def _no_route(app: APIGatewayHttpResolver) -> CallerError:
    """401 for strangers, 405 where the address exists, 404 elsewhere."""
    try:
        principal(app)
    except (Unauthenticated, LedgerUnavailable) as error:
        return error
    event = app.current_event
    for template, methods in ROUTES.items():
        if address(template).fullmatch(event.path) and event.http_method not in methods:
            allow = ", ".join(methods)
            return MethodNotAllowed(f"Use {allow} here.", allow=allow)
    return NotFound("There is no such address in this API.")


def _header(app: APIGatewayHttpResolver, name: str) -> str | None:
    headers = app.current_event.headers or {}
    return next((value for key, value in headers.items() if key.lower() == name), None)


def _request_id(app: APIGatewayHttpResolver) -> str:
    return str(_request_context(app).get("requestId", uuid4()))


def _request_context(app: APIGatewayHttpResolver) -> dict[str, Any]:
    context: dict[str, Any] = app.current_event.raw_event.get("requestContext") or {}
    return context


def _to_json(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
