"""Records of a table's stream that a function reports as failed come back.

Trap: ministack heeds ReportBatchItemFailures for queues only. A stream's function that answers
with batchItemFailures counts as a success, and the records that it could not handle are lost.
Workaround: such an answer is turned into a failure of the whole batch, which comes again until
the oldest record is too old. On AWS only the records from the first failed one on come again
(docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html, read 2026-11-22),
so here a function sees more repeats, never fewer.
Upstream: no report known.
"""

from typing import Any

from ministack.services import lambda_svc

from local.aws.patches.hooks import wrap
from local.aws.patches.payload_limit import failure
from local.aws.settings import ServerSettings

STREAM = "aws:dynamodb"


def heeding_item_failures(execute: Any) -> Any:
    def execute_heeding(func: Any, event: Any, *others: Any, **named: Any) -> Any:
        result = execute(func, event, *others, **named)
        if _is_of_a_stream(event) and not result.get("error"):
            body = result.get("body")
            if isinstance(body, dict) and body.get("batchItemFailures"):
                return failure("BatchItemFailures", "some records of the batch failed")
        return result

    return execute_heeding


def _is_of_a_stream(event: Any) -> bool:
    match event:
        case {"Records": [{"eventSource": source}, *_]}:
            return bool(source == STREAM)
    return False


def apply(settings: ServerSettings) -> None:
    wrap(lambda_svc, "_execute_function", heeding_item_failures)
