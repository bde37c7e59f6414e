"""Errors as OpenAI's client libraries read them: {"error": {"message", "type", "param", "code"}}.

The libraries (openai 3.54 for Python, 6.49 for Node, read 2026-11) raise an error of its own class
for each status, and by themselves send again what ended with 408, 409, 429 or 500 and above, twice.
They obey the header `x-should-retry`, so every error says by it whether that is of any use: true
only where nothing was bought and waiting helps, or where a repeat joins a generation that runs.
What they send again all the same is never paid twice: see `usecases.repeats`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from filmgate.domain import errors
from filmgate.domain.errors import CallerError, GenerationFailed, ValidationFailed
from filmgate.schemas import MISSING_FIELD, UNKNOWN_FIELD

ROOTS: Final = ("images", "videos", "models", "chat", "completions", "embeddings", "responses")
"""First parts of addresses below /v1 that only clients of OpenAI ask for."""


@dataclass(frozen=True, slots=True)
class Told:
    """How an error is told: status, type and code, and whether to send the request again."""

    status: int
    type: str
    code: str
    again: bool = False
    param: str | None = None


_INVALID: Final = "invalid_request_error"
_SERVER: Final = "server_error"

_TOLD: Final[Mapping[type[CallerError], Told]] = {
    errors.Unauthenticated: Told(401, _INVALID, "invalid_api_key"),
    errors.Forbidden: Told(403, _INVALID, "insufficient_permissions"),
    errors.ModelNotFound: Told(404, _INVALID, "model_not_found", param="model"),
    errors.Retired: Told(404, _INVALID, "model_not_found", param="model"),
    errors.NoCapableProvider: Told(400, _INVALID, "no_capable_provider"),
    errors.CostLimitExceeded: Told(400, _INVALID, "cost_limit_exceeded", param="cost_limit"),
    errors.BudgetExceeded: Told(429, "insufficient_quota", "insufficient_quota"),
    errors.RateLimited: Told(429, "requests", "rate_limit_exceeded", again=True),
    errors.TooManyInFlight: Told(429, "requests", "rate_limit_exceeded", again=True),
    errors.ImageUnusable: Told(400, _INVALID, "invalid_image", param="input_reference"),
    errors.StillRunning: Told(504, _SERVER, "still_running", again=True),
    errors.ResultTooLarge: Told(502, _SERVER, "result_too_large", param="response_format"),
    errors.LedgerUnavailable: Told(503, _SERVER, "ledger_unavailable", again=True),
}
_FAILURES: Final[Mapping[str, Told]] = {
    "content-refused": Told(400, "image_generation_user_error", "content_policy_violation"),
    "invalid-request": Told(400, _INVALID, "invalid_request"),
    "cancelled": Told(409, _INVALID, "cancelled"),
}


def speaks_openai(path: str) -> bool:
    """Whether who asks for this address is a client of OpenAI."""
    parts = path.split("/")
    return len(parts) > 2 and parts[1] == "v1" and parts[2] in ROOTS


def error_body(error: CallerError) -> tuple[Told, dict[str, Any]]:
    """How an error is told, and its envelope."""
    told = _told(error)
    param = told.param
    if isinstance(error, ValidationFailed):
        param = _param(error.faults[0][0]) or None
    shown = {"message": _message(error), "type": told.type, "param": param, "code": told.code}
    return told, {"error": shown}


def _told(error: CallerError) -> Told:
    match error:
        case GenerationFailed():
            code = str(error.facts["failure"])
            return _FAILURES.get(code, Told(error.status, _SERVER, _snake(code)))
        case ValidationFailed():
            codes = {
                UNKNOWN_FIELD: "unknown_parameter",
                MISSING_FIELD: "missing_required_parameter",
            }
            return Told(400, _INVALID, codes.get(error.faults[0][1], "invalid_value"))
    server = error.status >= 500
    usual = Told(error.status, _SERVER if server else _INVALID, _snake(error.code), again=server)
    return _TOLD.get(type(error), usual)


def _message(error: CallerError) -> str:
    if isinstance(error, ValidationFailed):
        faults = ((_param(pointer), why) for pointer, why in error.faults)
        return "; ".join(f"{param or 'the body'} {why}" for param, why in faults) + "."
    return error.detail


def _param(pointer: str) -> str:
    """A field by the name that such a client gave it."""
    name = pointer.lstrip("/?").replace("/", ".")
    return {"params.image": "input_reference"}.get(name, name)


def _snake(code: str) -> str:
    return code.replace("-", "_")
