"""The bridge from ministack's executions to moto's interpreter.

Imported by the patch `state_machines`, in its thread, after it has replaced moto's client
factory. moto parses a definition for every execution; here the program is parsed once a text
(programs keep no state: what an execution knows lives in its environment).
"""

import json
import threading
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from ministack.core.responses import now_iso
from ministack.services import stepfunctions
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.eval import program_state
from moto.stepfunctions.parser.asl.eval.evaluation_details import (
    AWSExecutionDetails,
    EvaluationDetails,
    ExecutionDetails,
    StateMachineDetails,
)
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.backend.execution_worker_comm import ExecutionWorkerCommunication
from moto.stepfunctions.parser.utils import TMP_THREADS

from local.aws.interpreter_repairs import repair
from local.aws.patches.hooks import PatchTargetMissing, original, wrap
from local.aws.settings import ACCOUNT_ID, REGION
from local.aws.state_clients import StateClients

PARSED_DEFINITIONS = 64


class Interpreter:
    """Parses definitions and runs executions to their end."""

    def __init__(self, clients: StateClients) -> None:
        if original(lambda_eval_utils, "boto_client_for") != clients.client_for:
            raise PatchTargetMissing("the interpreter's tasks were loaded before the patch")
        repair()
        wrap(AmazonStateLanguageParser, "parse", lru_cache(maxsize=PARSED_DEFINITIONS))
        for name in ("_execution_logic", "_get_evaluation_environment", "stop"):
            original(ExecutionWorker, name)
        original(stepfunctions, "_emit_execution_status_event")
        self._clients = clients
        self._running: dict[str, _Worker] = {}
        self._lock = threading.Lock()

    def parse(self, definition: str) -> Any:
        """The program of a definition. Raises what moto's parser raises."""
        return AmazonStateLanguageParser.parse(definition)

    def run(self, execution: dict[str, Any], machine: dict[str, Any]) -> None:
        """Run an execution to its end and write status, output and events into its record."""
        self._clients.admit(machine["roleArn"])
        worker = _Worker(execution, machine)
        with self._lock:
            self._running[execution["executionArn"]] = worker
        try:
            worker._execution_logic()  # type: ignore[no-untyped-call]
        finally:
            with self._lock:
                del self._running[execution["executionArn"]]
            # moto keeps every thread it ever started.
            TMP_THREADS[:] = [thread for thread in TMP_THREADS if thread.is_alive()]

    def stop(self, execution_arn: str, *, error: str | None, cause: str | None) -> None:
        """Stop the execution before its next state, when it is running."""
        with self._lock:
            worker = self._running.get(execution_arn)
        if worker is not None and worker.env is not None:
            worker.stop(stop_date=datetime.now(UTC), error=error, cause=cause)


class _Worker(ExecutionWorker):
    """One execution in the interpreter; `record` is ministack's dictionary of it."""

    def __init__(self, record: dict[str, Any], machine: dict[str, Any]) -> None:
        self._record = record
        super().__init__(
            evaluation_details=EvaluationDetails(
                aws_execution_details=AWSExecutionDetails(
                    account=ACCOUNT_ID, region=REGION, role_arn=machine["roleArn"]
                ),
                execution_details=ExecutionDetails(
                    arn=record["executionArn"],
                    name=record["name"],
                    role_arn=machine["roleArn"],
                    inpt=json.loads(record["input"]),
                    start_time=record["startDate"],
                ),
                state_machine_details=StateMachineDetails(
                    arn=machine["stateMachineArn"],
                    name=machine["name"],
                    typ=machine["type"],
                    definition=machine["definition"],
                ),
            ),
            exec_comm=_AtTheEnd(self),
            cloud_watch_logging_session=None,
            activity_store={},
        )

    def _get_evaluation_environment(self) -> Any:
        environment = super()._get_evaluation_environment()
        # The list that the interpreter appends to, so that history is seen as it grows.
        self._record["events"] = environment.event_manager._history_event_list
        return environment

    def write_outcome(self) -> None:
        """Write how the execution ended into ministack's record, and tell EventBridge."""
        record = self._record
        if record["status"] != "RUNNING":
            return  # StopExecution has written the record already.
        environment: Any = self.env
        record["stopDate"] = now_iso()
        match environment.program_state():
            case program_state.ProgramEnded():
                record["output"] = to_json_str(
                    environment.states.get_input(), separators=(",", ":")
                )
                status = "SUCCEEDED"
            case program_state.ProgramTimedOut():
                status = "TIMED_OUT"
            case program_state.ProgramError() as failed:
                record["error"] = (failed.error or {}).get("error")
                record["cause"] = (failed.error or {}).get("cause")
                status = "FAILED"
            case _:
                status = "ABORTED"
        record["status"] = status  # Last: whoever sees it reads the rest.
        stepfunctions._emit_execution_status_event(record)


class _AtTheEnd(ExecutionWorkerCommunication):
    """moto's callback for an execution that has ended."""

    def __init__(self, worker: _Worker) -> None:
        self._worker = worker

    def terminated(self) -> None:
        self._worker.write_outcome()
