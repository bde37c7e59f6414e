"""Six megabytes in and six out, as on Lambda.

Trap: ministack has no limit, so a handler that returns a picture in its body works here and
fails on AWS. Limit: 6 MB for synchronous calls each way
(docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, read 2026-11-22).
Workaround: the call's event and result are measured around the executor.
Upstream: no report known.
"""

import json
from typing import Any

from ministack.services import lambda_svc

from local.aws.patches.hooks import wrap
from local.aws.settings import ServerSettings

LIMIT_BYTES = 6_291_456
RESPONSE_LIMIT_BYTES = LIMIT_BYTES + 100
TOO_LARGE_REQUEST = "RequestEntityTooLargeException"
TOO_LARGE_RESPONSE = "Function.ResponseSizeTooLarge"


def failure(error_type: str, message: str) -> dict[str, Any]:
    return {"body": {"errorType": error_type, "errorMessage": message}, "error": True, "log": ""}


def size_bytes(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def limited(dispatch: Any) -> Any:
    def dispatch_within_limit(
        func: dict[str, Any], config: dict[str, Any], event: Any, request_id: str, started: float
    ) -> dict[str, Any]:
        size = size_bytes(event)
        if size > LIMIT_BYTES:
            return failure(
                TOO_LARGE_REQUEST,
                f"{size} byte payload is too large for the RequestResponse invocation type "
                f"(limit {LIMIT_BYTES} bytes)",
            )
        result: dict[str, Any] = dispatch(func, config, event, request_id, started)
        if not result.get("error") and size_bytes(result.get("body")) > RESPONSE_LIMIT_BYTES:
            return failure(
                TOO_LARGE_RESPONSE,
                "Response payload size exceeded maximum allowed payload size "
                f"({RESPONSE_LIMIT_BYTES} bytes).",
            )
        return result

    return dispatch_within_limit


def apply(settings: ServerSettings) -> None:
    wrap(lambda_svc, "_execute_function_dispatch", limited)
