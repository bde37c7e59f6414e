"""The state machine behind the port Workflow: one execution per generation, under its name."""

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from filmgate.domain.errors import StoreUnavailable


class GenerationWorkflow:
    """Starts executions; the name makes a second start harmless."""

    def __init__(self, client: Any, state_machine_arn: str) -> None:
        self._client = client
        self._arn = state_machine_arn

    def start(self, tenant: str, generation_id: str) -> None:
        """Start the execution unless there is one. Raises StoreUnavailable when that is unknown:
        the generation is admitted then, and a repeat with the same key starts it."""
        body = json.dumps({"tenant": tenant, "generation_id": generation_id})
        try:
            self._client.start_execution(stateMachineArn=self._arn, name=generation_id, input=body)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise StoreUnavailable(error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise StoreUnavailable(type(error).__name__) from error
