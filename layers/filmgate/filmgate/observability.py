"""Structured logs without secrets: no key, no prompt, no link, no query string.

What is logged is chosen, not filtered; the filter is the second lock.
"""

import json
import re
from collections.abc import Iterable
from traceback import extract_tb
from typing import Any, Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from filmgate.domain.errors import ConfigurationError, GatewayError
from filmgate.domain.ledger import Commit
from filmgate.domain.signals import Signal, signals_of

_SECRETS: Final = re.compile(
    r"(?i)bearer\s+\S+|fg_[a-z0-9]{1,32}_[\w-]{20,}|sk-[\w-]{6,}|whsec_[\w+/=-]+|"
    r"https?://[^\s\"'?]+\?[^\s\"']+|X-Amz-[\w-]+=[^&\s\"']+"
)
REDACTED: Final = "[redacted]"
OURS: Final = (GatewayError, ConfigurationError)


def redact(value: Any) -> Any:
    """The same value with whatever looks like a credential or a signed link taken out."""
    match value:
        case str():
            return _SECRETS.sub(REDACTED, value)
        case dict():
            return {name: redact(part) for name, part in value.items()}
        case list() | tuple():
            return [redact(part) for part in value]
    return value


class RedactingLogger(Logger):
    """Powertools' logger, whose records pass `redact` on their way out."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(json_serializer=_serialize, **arguments)


def _redacted_text(value: object) -> str:
    return str(redact(str(value)))


def _serialize(record: dict[str, Any]) -> str:
    return json.dumps(redact(record), default=_redacted_text, ensure_ascii=False)


logger = RedactingLogger()
NAMESPACE: Final = "Filmgate"


def measure(signals: Iterable[Signal]) -> None:
    """Print figures as CloudWatch reads them out of a log (embedded metric format)."""
    for signal in signals:
        metrics = EphemeralMetrics(namespace=NAMESPACE)
        for name, value in (("provider", signal.provider), ("outcome", signal.outcome)):
            if value is not None:
                metrics.add_dimension(name, value)
        metrics.add_metric(signal.name, MetricUnit.Count, signal.value)
        metrics.flush_metrics()


def measure_commit(commit: Commit) -> None:
    """Print the figures of a commit that went through."""
    measure(signals_of(commit))


def log_failure(error: Exception) -> None:
    """Log what broke and where. A foreign exception may quote what a caller sent, so only the
    words of our own errors get into the log."""
    logger.error(
        "unexpected failure",
        error_class=type(error).__name__,
        reason=str(error) if isinstance(error, OURS) else None,
        stack=[f"{at.filename}:{at.lineno} {at.name}" for at in extract_tb(error.__traceback__)],
    )
