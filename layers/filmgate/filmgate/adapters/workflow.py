"""The state machines behind their ports: an execution's name says what it works on."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from filmgate.domain.errors import StoreUnavailable
from filmgate.usecases.boards import Shooting
from filmgate.usecases.ports import Execution, ExecutionState


class StateMachine:
    """Starts executions and asks for them; the name makes a second start harmless."""

    def __init__(self, client: Any, state_machine_arn: str) -> None:
        self._client = client
        self._arn = state_machine_arn

    def start_named(self, name: str, body: Mapping[str, str | int]) -> None:
        """Start an execution unless there is one of its name.

        Raises StoreUnavailable when that is unknown: whoever asks again starts it then.
        """
        try:
            self._client.start_execution(
                stateMachineArn=self._arn, name=name, input=json.dumps(body)
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise StoreUnavailable(error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise StoreUnavailable(type(error).__name__) from error

    def state_of(self, name: str) -> ExecutionState:
        """Whether an execution is there and runs; raises StoreUnavailable."""
        arn = f"{self._arn.replace(':stateMachine:', ':execution:')}:{name}"
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


class GenerationWorkflow(StateMachine):
    """The port Workflow."""

    def start(self, execution: Execution) -> None:
        body: dict[str, str | int] = {
            "tenant": execution.tenant,
            "generation_id": execution.generation_id,
        }
        if execution.attempt is not None:
            body["attempt"] = execution.attempt
        self.start_named(name_of(execution), body)

    def state(self, execution: Execution) -> ExecutionState:
        return self.state_of(name_of(execution))


class ShootingWorkflow(StateMachine):
    """The port StoryboardWorkflow."""

    def start(self, shooting: Shooting) -> None:
        body = {"tenant": shooting.tenant, "storyboard_id": shooting.storyboard_id}
        self.start_named(name_of_shooting(shooting), body)

    def state(self, shooting: Shooting) -> ExecutionState:
        return self.state_of(name_of_shooting(shooting))


def name_of_shooting(shooting: Shooting) -> str:
    """A storyboard's first execution has its id; that of a resume adds its run."""
    parts = [shooting.storyboard_id]
    if shooting.run:
        parts.append(f"n{shooting.run}")
    if shooting.recovery:
        parts.append(f"r{shooting.recovery}")
    return "-".join(parts)


def name_of(execution: Execution) -> str:
    """A generation's first execution has its id; later ones and those of an attempt add to it."""
    parts = [execution.generation_id]
    if execution.attempt is not None:
        parts.append(f"a{execution.attempt}")
    if execution.run:
        parts.append(f"r{execution.run}")
    return "-".join(parts)
