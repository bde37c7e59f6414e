"""State machines run in moto's interpreter of the Amazon States Language.

Trap: ministack's own interpreter yields null for a path that is missing, where AWS fails with
States.Runtime; it has no JSONPath filters, no 256 KB limit, no heartbeat, no timeout of the
machine, ignores MaxDelaySeconds and JitterStrategy, sleeps 0.15 s before each execution, and
takes any definition, right or wrong. A workflow that moves money needs the strict one.
Workaround: ministack keeps the records and the API, moto (whose interpreter is LocalStack's)
runs the definition; local/aws/interpreter.py is the bridge. It is imported in a thread, since
that takes longer than the start of the server, and whoever needs it first waits.
Left as it is: NoChoiceMatched surfaces as States.Runtime; JSONata is not connected (the
product's machines are JSONPath); task tokens and activities are not connected either.
Upstream: ministack documents its interpreter as its own; no report known.
"""

import importlib
import logging
import threading
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import stepfunctions
from ministack.services.cloudformation import provisioners

from local.aws.patches.hooks import PatchTargetMissing, original, replace, wrap
from local.aws.settings import ServerSettings
from local.aws.state_clients import StateClients

logger = logging.getLogger("state-machines")

BRIDGE = "local.aws.interpreter"
CLIENT_MODULE = "moto.stepfunctions.parser.asl.utils.boto_client"


class DefinitionRefused(ValueError):
    """The interpreter's parser does not take the definition."""


class Engine:
    """The interpreter, once it is there."""

    def __init__(self, clients: StateClients) -> None:
        self._clients = clients
        self._failure: BaseException | None = None
        self._interpreter: Any = None
        self._loading = threading.Thread(target=self._load, name="asl-import", daemon=True)
        self._loading.start()

    @property
    def interpreter(self) -> Any:
        """Raises PatchTargetMissing when it could not be loaded."""
        self._loading.join()
        if self._failure is not None:
            raise PatchTargetMissing("the state machine interpreter") from self._failure
        return self._interpreter

    def check(self, definition: str) -> None:
        """Parse a definition and keep the result. Raises DefinitionRefused with the reason."""
        try:
            self.interpreter.parse(definition)
        except Exception as refusal:
            raise DefinitionRefused(f"SCHEMA_VALIDATION_FAILED: {refusal}") from refusal

    def _load(self) -> None:
        try:
            # Every task module takes the function by name, so it is replaced before they load.
            replace(
                importlib.import_module(CLIENT_MODULE), "boto_client_for", self._clients.client_for
            )
            bridge = importlib.import_module(BRIDGE)
            self._interpreter = bridge.Interpreter(self._clients)
            self._parse_ahead()
        except BaseException as failure:
            self._failure = failure
            logger.exception("The state machine interpreter cannot be used")

    def _parse_ahead(self) -> None:
        """Parse what was restored from the last run, so that no execution waits for it."""
        for machine in list(original(stepfunctions, "_state_machines").all_values()):
            try:
                self._interpreter.parse(machine["definition"])
            except Exception as refusal:
                logger.warning("%s does not parse any more: %s", machine["name"], refusal)


def apply(settings: ServerSettings) -> None:
    machines = original(stepfunctions, "_state_machines")
    executions = original(stepfunctions, "_executions")
    fail = original(stepfunctions, "_fail_execution")
    engine = Engine(StateClients(settings.endpoint_url))

    def run_execution(execution_arn: str) -> None:
        execution = executions.get(execution_arn)
        try:
            engine.interpreter.run(execution, machines.get(execution["stateMachineArn"]))
        except Exception as failure:
            logger.exception("Execution %s ended in the interpreter", execution_arn)
            fail(execution, "States.Runtime", str(failure))

    def stopping(stop: Any) -> Any:
        def stop_execution(data: dict[str, Any]) -> Any:
            execution = executions.get(data.get("executionArn"))
            if execution and execution["status"] == "RUNNING":
                execution["events"] = list(execution["events"])  # No longer the interpreter's.
            reply = stop(data)
            engine.interpreter.stop(
                data.get("executionArn", ""), error=data.get("error"), cause=data.get("cause")
            )
            return reply

        return stop_execution

    replace(stepfunctions, "_run_execution", run_execution)
    wrap(stepfunctions, "_stop_execution", stopping)
    _check_definitions(engine)


def _check_definitions(engine: Engine) -> None:
    """Refuse a definition at create and update, from CloudFormation and from the API."""

    def checked_template(read: Any) -> Any:
        def definition_of(props: dict[str, Any]) -> str:
            definition: str = read(props)
            engine.check(definition)
            return definition

        return definition_of

    def checked_call(call: Any) -> Any:
        def checked(data: dict[str, Any]) -> Any:
            if data.get("definition"):
                try:
                    engine.check(data["definition"])
                except DefinitionRefused as refusal:
                    return error_response_json("InvalidDefinition", str(refusal), 400)
            return call(data)

        return checked

    wrap(provisioners, "_sfn_definition", checked_template)
    wrap(stepfunctions, "_create_state_machine", checked_call)
    wrap(stepfunctions, "_update_state_machine", checked_call)
