"""A batch of a table's stream that fails in part is repeated in part, and given up in the end.

Trap: for a table's stream ministack reads no `batchItemFailures`, so that a record which a
function names as failed counts as done and is lost; and it repeats a batch that fails as a whole
for ever, without bisecting, since it counts no retries.
Workaround: a call with records of a stream is worked off by local/aws/stream_batches.py with the
settings of its mapping, and what is given up goes to the mapping's failure destination.
A mapping without MaximumRetryAttempts is left as it is: on AWS it too retries until records expire.
Upstream: no report known.
"""

from contextvars import ContextVar
from typing import Any

from ministack.services import lambda_svc

from local.aws.patches.hooks import original, wrap
from local.aws.settings import ServerSettings
from local.aws.stream_batches import Answer, Record, failures_in, work_off

RETRIES_EXHAUSTED = "RetryAttemptsExhausted"
_polling: ContextVar[bool] = ContextVar("polling", default=False)
"""Whether the poller of streams is calling; all others get the function's own answer."""


def mapping_of(func: dict[str, Any], event: Any) -> dict[str, Any] | None:
    """The mapping that brought this event, if it is a batch of a table's stream with a limit of
    retries."""
    if not _polling.get():
        return None
    match event:
        case {"Records": [{"eventSource": "aws:dynamodb", "eventSourceARN": str(arn)}, *_]}:
            name = (func.get("config") or func).get("FunctionName")
            for _, _, mapping in original(lambda_svc, "_iter_all_esms")():
                same = mapping["EventSourceArn"] == arn and mapping["FunctionName"] == name
                if same and int(mapping.get("MaximumRetryAttempts", -1)) >= 0:
                    return dict(mapping)
    return None


def apply(settings: ServerSettings) -> None:
    def marked(poll: Any) -> Any:
        def poll_streams() -> Any:
            token = _polling.set(True)
            try:
                return poll()
            finally:
                _polling.reset(token)

        return poll_streams

    give_up = original(lambda_svc, "_send_ddb_stream_failure_record")

    def in_parts(execute: Any) -> Any:
        def execute_function(func: dict[str, Any], event: Any) -> Any:
            mapping = mapping_of(func, event)
            if mapping is None:
                return execute(func, event)
            partial = "ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", [])
            result: dict[str, Any] = {}

            def call(batch: list[Record]) -> Answer:
                nonlocal result
                result = execute(func, {"Records": batch})
                if result.get("error"):
                    return None
                return failures_in(result.get("body")) if partial else frozenset()

            for batch in work_off(
                event["Records"],
                call=call,
                retries=int(mapping["MaximumRetryAttempts"]),
                bisect=str(mapping.get("BisectBatchOnFunctionError")).lower() == "true",
            ):
                arn = mapping["EventSourceArn"]
                give_up(mapping, func, batch, arn, result, RETRIES_EXHAUSTED)
            return {**result, "error": False, "body": {"batchItemFailures": []}}

        return execute_function

    wrap(lambda_svc, "_poll_dynamodb_streams", marked)
    wrap(lambda_svc, "_execute_function", in_parts)
