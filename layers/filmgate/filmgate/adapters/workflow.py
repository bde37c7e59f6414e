"""The state machine behind the port Workflow: an execution's name says what it works on."""

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from filmgate.domain.errors import StoreUnavailable
from filmgate.usecases.ports import Execution, ExecutionState


class GenerationWorkflow:
    """Starts executions and asks for them; the name makes a second start harmless."""

    def __init__(self, client: Any, state_machine_arn: str) -> None:
        self._client = client
        self._arn = state_machine_arn

    def start(self, execution: Execution) -> None:
        """Start an execution unless there is one of its name.

        Raises StoreUnavailable when that is unknown: whoever asks again starts it then.
        """
        body: dict[str, str | int] = {
            "tenant": execution.tenant,
            "generation_id": execution.generation_id,
        }
        if execution.attempt is not None:
            body["attempt"] = execution.attempt
        try:
            self._client.start_execution(
                stateMachineArn=self._arn, name=name_of(execution), input=json.dumps(body)
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise StoreUnavailable(error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise StoreUnavailable(type(error).__name__) from error

    def state(self, execution: Execution) -> ExecutionState:
        """Whether an execution is there and runs; see the port."""
        arn = f"{self._arn.replace(':stateMachine:', ':execution:')}:{name_of(execution)}"
        try:
            found = self._client.describe_execution(executionArn=arn)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
                return ExecutionState.ABSENT
            raise StoreUnavailable(error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise StoreUnavailable(type(error).__name__) from error
        running = found["status"] in ("RUNNING", "PENDING_REDRIVE")
        return ExecutionState.RUNNING if running else ExecutionState.ENDED


def name_of(execution: Execution) -> str:
    """A generation's first execution has its id; later ones and those of an attempt add to it."""
    parts = [execution.generation_id]
    if execution.attempt is not None:
        parts.append(f"a{execution.attempt}")
    if execution.run:
        parts.append(f"r{execution.run}")
    return "-".join(parts)
