"""Logs hold no credential and no signed link, wherever in a record it stands."""

import io
import json
import logging
from typing import Any

import pytest

from filmgate.domain.errors import StoreUnavailable
from filmgate.observability import REDACTED, RedactingLogger, log_failure, redact
from tests.support.builders import TENANT

TOKEN = f"fg_{TENANT}_{'a' * 43}"
LINK = "https://takes.example/acme/1.png?X-Amz-Signature=abc&X-Amz-Expires=900"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bearer abc.def", REDACTED),
        ("authorization: bearer abc, then more", f"authorization: {REDACTED} then more"),
        (f"token {TOKEN} was sent", f"token {REDACTED} was sent"),
        ("key sk-proj-abc_123-DEF is wrong", f"key {REDACTED} is wrong"),
        ("signed with whsec_aB3/x+Y= today", f"signed with {REDACTED} today"),
        (f"see {LINK} now", f"see {REDACTED} now"),
        ("http://127.0.0.1:9000/a?b=c", REDACTED),
        ("X-Amz-Security-Token=abc%2F&next=1", f"{REDACTED}&next=1"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(
    "harmless",
    ["gen_abc", "https://api.lumen.example/jobs/1", "a bearer", "fg_acme_short", "risk-free", ""],
)
def test_what_is_no_secret_stays(harmless: str) -> None:
    assert redact(harmless) == harmless


def test_secrets_are_found_at_any_depth() -> None:
    record = {"a": [{"b": ("Bearer abc", 7)}, None], "c": {"d": LINK}, "e": True}

    assert redact(record) == {"a": [{"b": [REDACTED, 7]}, None], "c": {"d": REDACTED}, "e": True}


def logged(*arguments: Any, **facts: Any) -> dict[str, Any]:
    """One line as the logger writes it."""
    stream = io.StringIO()
    logger = RedactingLogger(
        service="redaction", level="INFO", logger_handler=logging.StreamHandler(stream)
    )
    logger.info(*arguments, **facts)
    line: dict[str, Any] = json.loads(stream.getvalue())
    return line


def test_a_log_line_is_json_without_secrets() -> None:
    line = logged(f"calling with {TOKEN}", header="Bearer abc", nested={"link": LINK})

    assert line["message"] == f"calling with {REDACTED}"
    assert line["header"] == REDACTED
    assert line["nested"] == {"link": REDACTED}
    assert line["service"] == "redaction"


def test_an_error_in_a_log_line_is_redacted_too() -> None:
    stream = io.StringIO()
    logger = RedactingLogger(
        service="redaction-of-errors", logger_handler=logging.StreamHandler(stream)
    )
    try:
        raise ValueError(f"could not open {LINK}")
    except ValueError:
        logger.exception("failed")

    assert "X-Amz-Signature" not in stream.getvalue()
    assert REDACTED in stream.getvalue()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (StoreUnavailable("the table is away"), "the table is away"),
        (KeyError("a prompt that somebody sent"), None),
    ],
    ids=["ours", "foreign"],
)
def test_only_the_words_of_our_own_errors_are_logged(
    caplog: pytest.LogCaptureFixture, error: Exception, reason: str | None
) -> None:
    try:
        raise error
    except Exception as caught:
        log_failure(caught)

    (record,) = caplog.records
    assert record.error_class == type(error).__name__  # type: ignore[attr-defined]
    assert record.reason == reason  # type: ignore[attr-defined]
    assert "test_observability.py" in record.stack[-1]  # type: ignore[attr-defined]
    assert "somebody sent" not in str(vars(record))
