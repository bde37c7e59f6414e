"""An execution that was started is known after a kill, as it is after a stop.

Trap: ministack keeps executions in memory and writes them when it stops. After a kill, one that
was started would never have been; on AWS it goes on.
Workaround: an execution is written to the state file when it starts, before that is answered,
and when it ends. One that was running is FAILED with States.ServiceRestart after the next
start, which is ministack's own word for it: what it was doing is lost with the process.
Upstream: "service state is saved to STATE_DIR on shutdown", by design.
"""

import json
from typing import Any

from ministack.core.persistence import _json_default
from ministack.services import stepfunctions

from local.aws.patches.hooks import original, replace, wrap
from local.aws.settings import ServerSettings
from local.aws.state_file import open_state_file

# What get_state gives besides the executions, by its name there.
OTHER_STORES = (
    "state_machines",
    "tags",
    "activities",
    "state_machine_versions",
    "state_machine_aliases",
    "map_runs",
)


def apply(settings: ServerSettings) -> None:
    file = open_state_file(settings.layout.state_file)
    executions = original(stepfunctions, "_executions")
    stores = {name: original(stepfunctions, f"_{name}") for name in OTHER_STORES}

    def keep(execution: dict[str, Any]) -> None:
        file.put_execution(execution["executionArn"], json.dumps(execution, default=_json_default))

    def keeping(tell: Any) -> Any:
        def emit_status_event(execution: dict[str, Any]) -> None:
            keep(execution)
            tell(execution)

        return emit_status_event

    def with_executions(restore: Any) -> Any:
        def restore_state(data: dict[str, Any]) -> None:
            kept = {arn: json.loads(body) for arn, body in file.executions()}
            running = {arn for arn, execution in kept.items() if execution["status"] == "RUNNING"}
            for arn, execution in kept.items():
                _, _, _, region, account, *_ = arn.split(":")
                executions.set_scoped(account, region, arn, execution)
            restore(data)
            for (_, _, arn), execution in executions.all_items():
                if arn in running or arn not in kept:
                    keep(execution)

        return restore_state

    wrap(stepfunctions, "_emit_execution_status_event", keeping)
    replace(stepfunctions, "get_state", lambda: stores)
    wrap(stepfunctions, "_restore_state", with_executions)
