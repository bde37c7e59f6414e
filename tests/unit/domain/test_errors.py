"""Every failure is a leaf whose class says what may be done next."""

import inspect

import pytest

from filmgate.domain import attempts, errors
from filmgate.domain.errors import (
    CallerError,
    ConfigurationError,
    ErrorClass,
    GatewayError,
    ProviderError,
    ProviderThrottled,
    ValidationFailed,
)

CLASSES = [one for _, one in inspect.getmembers(errors, inspect.isclass)]
CALLER_LEAVES = [one for one in CLASSES if issubclass(one, CallerError) and one is not CallerError]
PROVIDER_LEAVES = [
    one for one in CLASSES if issubclass(one, ProviderError) and one is not ProviderError
]

# What each failure proves, and so what the steps may do next.
PROVIDER_TABLE = {
    "ProviderNotReached": ("retry", "not-reached"),
    "ProviderThrottled": ("retry", "throttled"),
    "ProviderUnavailable": ("retry", "unavailable"),
    "ProviderProtocolError": ("retry", "unreadable-answer"),
    "ProviderJobUnknown": ("retry", "job-unknown"),
    "ProviderResultMissing": ("retry", "result-missing"),
    "ProviderUnsupported": ("fallback", "unsupported"),
    "ProviderRetired": ("fallback", "retired"),
    "ProviderKeyRefused": ("fallback", "key-refused"),
    "ProviderQuotaExhausted": ("fallback", "quota-exhausted"),
    "ProviderJobFailed": ("fallback", "job-failed"),
    "ProviderSuspended": ("fallback", "suspended"),
    "ResultUnusable": ("fallback", "result-unusable"),
    "ContentRefused": ("reject", "content-refused"),
    "ProviderRequestInvalid": ("invalid", "invalid-request"),
    "ProviderOutcomeUnknown": ("in-doubt", "outcome-unknown"),
}

PROBLEM_TABLE = {
    "malformed-json": 400,
    "invalid-header": 400,
    "unauthenticated": 401,
    "budget-exceeded": 402,
    "cost-limit-exceeded": 402,
    "forbidden": 403,
    "not-found": 404,
    "model-not-found": 404,
    "method-not-allowed": 405,
    "state-conflict": 409,
    "quote-changed": 409,
    "retired": 410,
    "version-conflict": 412,
    "too-large": 413,
    "unsupported-media-type": 415,
    "validation-failed": 422,
    "image-unusable": 422,
    "idempotency-key-reused": 422,
    "no-capable-provider": 422,
    "rate-limited": 429,
    "too-many-in-flight": 429,
    "generation-failed": 502,
    "result-too-large": 502,
    "ledger-unavailable": 503,
    "key-store-unavailable": 503,
    "still-running": 504,
}


def test_every_provider_failure_has_the_class_that_its_proof_allows() -> None:
    told = {leaf.__name__: (leaf.error_class.value, leaf.code) for leaf in PROVIDER_LEAVES}

    assert told == PROVIDER_TABLE


def test_every_callers_mistake_has_its_own_code_and_status() -> None:
    told = {leaf.code: leaf.status for leaf in CALLER_LEAVES}

    assert told == PROBLEM_TABLE
    assert len(told) == len(CALLER_LEAVES)


def test_no_name_stands_for_two_things() -> None:
    """The state machine sees a name without its inheritance."""
    leaves = [*CLASSES, attempts.IllegalTransition, attempts.LeaseLost]

    names = [one.__name__ for one in leaves]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize("leaf", [*PROVIDER_LEAVES, *CALLER_LEAVES])
def test_everything_said_about_a_request_is_a_gateway_error(leaf: type[Exception]) -> None:
    assert issubclass(leaf, GatewayError)


def test_a_missing_configuration_is_eaten_by_no_handler_of_requests() -> None:
    assert not issubclass(ConfigurationError, GatewayError)


def test_a_provider_error_carries_facts_and_names_its_provider() -> None:
    error = ProviderThrottled(
        "lumen", "too many requests", retry_after_s=3, status=429, request_id="req_1"
    )

    assert str(error) == "lumen: too many requests"
    assert (error.provider, error.status, error.request_id) == ("lumen", 429, "req_1")
    assert error.retry_after_s == 3


def test_a_validation_failure_lists_every_field_with_its_pointer() -> None:
    error = ValidationFailed([("/params/fps", "is odd"), ("", "is no object")])

    assert error.facts["errors"] == [
        {"pointer": "/params/fps", "message": "is odd"},
        {"pointer": "", "message": "is no object"},
    ]
    assert error.detail == "/params/fps: is odd; /: is no object"


def test_error_classes_are_the_six_of_the_specification() -> None:
    assert {one.value for one in ErrorClass} == {
        "retry", "fallback", "reject", "invalid", "in-doubt", "fatal",
    }  # fmt: skip
