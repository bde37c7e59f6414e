"""StartExecution with a running execution's name and input gives that execution back.

Trap: ministack refuses every second StartExecution of a name. On AWS, for standard workflows,
a call with the same name and input as a running execution succeeds and returns what the
first call returned (docs.aws.amazon.com/step-functions/latest/apireference/
API_StartExecution.html, its text read 2026-11-22 in an SDK's copy). The product names
executions by the generation's id and relies on it.
Upstream: no report known.
"""

import json
from typing import Any

from ministack.core.responses import json_response
from ministack.services import stepfunctions

from local.aws.patches.hooks import original, wrap
from local.aws.settings import ServerSettings


def apply(settings: ServerSettings) -> None:
    executions = original(stepfunctions, "_executions")

    def idempotent(start: Any) -> Any:
        def start_execution(data: dict[str, Any]) -> Any:
            status, headers, body = start(data)
            if status == 400 and b"ExecutionAlreadyExists" in body:
                machine = str(data.get("stateMachineArn", ""))
                arn = f"{machine.replace(':stateMachine:', ':execution:')}:{data.get('name')}"
                running = executions.get(arn)
                if running and running["status"] == "RUNNING" and _same(running, data):
                    return json_response({"executionArn": arn, "startDate": running["startDate"]})
            return status, headers, body

        return start_execution

    wrap(stepfunctions, "_start_execution", idempotent)


def _same(running: dict[str, Any], data: dict[str, Any]) -> bool:
    return bool(json.loads(running["input"]) == json.loads(data.get("input") or "{}"))
