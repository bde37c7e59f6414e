"""Metrics that a function prints become CloudWatch metrics; what it prints is seen in the log.

Trap: Powertools writes metrics as log lines in the embedded metric format, and ministack
leaves them there: no metric, no alarm. And log lines live only in its CloudWatch Logs.
Workaround: each line of a call's output that is such a document goes to put-metric; every line
goes to the server's own log under the function's name.
Format: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/
CloudWatch_Embedded_Metric_Format_Specification.html (from memory).
Upstream: no report known.
"""

import json
import logging
from collections.abc import Iterator
from typing import Any

from ministack.services import cloudwatch, lambda_svc

from local.aws.patches.hooks import original, wrap
from local.aws.settings import ServerSettings

logger = logging.getLogger("function")
Metric = tuple[str, str, float, str, dict[str, str]]


def metrics_of(line: str) -> Iterator[Metric]:
    """Every (namespace, name, value, unit, dimensions) that a log line declares."""
    if '"CloudWatchMetrics"' not in line:
        return
    try:
        document = json.loads(line)
    except ValueError:
        return  # A line of text that mentions the word.
    for directive in document.get("_aws", {}).get("CloudWatchMetrics", []):
        for dimension_set in directive.get("Dimensions") or [[]]:
            dimensions = {name: str(document[name]) for name in dimension_set if name in document}
            for metric in directive.get("Metrics", []):
                values = document.get(metric["Name"], [])
                for value in values if isinstance(values, list) else [values]:
                    yield (
                        directive["Namespace"],
                        metric["Name"],
                        float(value),
                        metric.get("Unit", "None"),
                        dimensions,
                    )


def apply(settings: ServerSettings) -> None:
    record = original(cloudwatch, "record_metric")

    def with_metrics(emit: Any) -> Any:
        def emit_logs(
            func: dict[str, Any], request_id: str, log_text: str, *rest: Any, **named: Any
        ) -> None:
            emit(func, request_id, log_text, *rest, **named)
            name = (func.get("config") or func).get("FunctionName", "unknown")
            for line in (log_text or "").splitlines():
                logger.info("[%s] %s", name, line)
                for metric in metrics_of(line):
                    record(*metric)

        return emit_logs

    wrap(lambda_svc, "_emit_lambda_logs", with_metrics)
