"""A handler that raises gives 500 {"message":"Internal Server Error"} and no stack trace.

Trap: ministack answers 502 with the exception's message and its stack trace, so a page that
works with that here shows something else on AWS, and a test for leaks tests the wrong thing.
Workaround: what an HTTP API says (from memory of AWS; REST APIs differ, and none is used).
An event over Lambda's limit is 413, as a body over the gateway's own is.
Upstream: no report known.
"""

import json
from typing import Any

from ministack.services import lambda_svc

from local.aws.patches.hooks import wrap
from local.aws.patches.payload_limit import TOO_LARGE_REQUEST
from local.aws.settings import ServerSettings


def answer(status: int, message: str) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps({"message": message}),
    }


def without_details(convert: Any) -> Any:
    def convert_result(exec_result: dict[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
        if not exec_result.get("error") or exec_result.get("throttle"):
            return convert(exec_result)  # type: ignore[no-any-return]
        body = exec_result.get("body")
        if isinstance(body, dict) and body.get("errorType") == TOO_LARGE_REQUEST:
            return answer(413, "Request Entity Too Large"), None
        return answer(500, "Internal Server Error"), None

    return convert_result


def apply(settings: ServerSettings) -> None:
    wrap(lambda_svc, "lambda_execute_result_to_api_proxy_response", without_details)
