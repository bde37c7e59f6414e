"""The real state machine in moto's interpreter, with functions that follow a script.

The definition is parsed once. Waits and pauses between tries are recorded, not waited for.
"""

import io
import json
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

from tests.support.aws import account, client
from tests.template import documents

Json = dict[str, Any]
Handler = Callable[[str, Json], Json]

GENERATION = {"tenant": "studio", "generation_id": "gen_" + "a" * 26}
_numbers = count()


def said(outcome: str, wait_s: int = 0) -> Json:
    """What a step answers."""
    return {**GENERATION, "outcome": outcome, "wait_s": wait_s}


class Execution:
    """An execution that has ended: its status, and what its history tells."""

    def __init__(self, described: Json, history: list[Json], calls: list[tuple[str, Json]]) -> None:
        self.status = described["status"]
        self.error = described.get("error")
        self.cause = described.get("cause")
        self.input = json.loads(described["input"])
        self.output = json.loads(described["output"]) if described.get("output") else None
        self.history = history
        self.calls = calls

    @property
    def states(self) -> list[str]:
        """Every state that was entered, in order: what AWS bills as transitions."""
        return [details["name"] for details in self._details("stateEnteredEventDetails")]

    @property
    def inputs(self) -> list[Json]:
        return [json.loads(d["input"]) for d in self._details("stateEnteredEventDetails")]

    @property
    def outputs(self) -> list[Json]:
        return [json.loads(d["output"]) for d in self._details("stateExitedEventDetails")]

    @property
    def verbs(self) -> list[str]:
        """The functions in the order of their calls."""
        return [verb for verb, _ in self.calls]

    def _details(self, name: str) -> list[Json]:
        return [event[name] for event in self.history if name in event]


class Machine:
    """The state machine "generation". Each function answers by its script, or by `handler`."""

    def __init__(self, arn: str) -> None:
        self._arn = arn
        self.waits: list[int] = []
        self.pauses: list[float] = []
        self.calls: list[tuple[str, Json]] = []
        self._script: dict[str, list[Json | Exception]] = {}
        self.handler: Handler = self._scripted
        self.on_wait: Callable[[int], None] = lambda seconds: None

    def will(self, verb: str, *answers: Json | Exception) -> None:
        """What a function answers, call by call; an exception is raised. The last one stays."""
        self._script[verb] = list(answers)

    def run(self, given: Json | None = None) -> Execution:
        """Start an execution and follow it to its end."""
        states = client("stepfunctions")
        started = states.start_execution(
            stateMachineArn=self._arn,
            name=f"execution-{next(_numbers)}",
            input=json.dumps(given or GENERATION),
        )["executionArn"]
        described = states.describe_execution(executionArn=started)
        give_up_at = time.monotonic() + 20
        while described["status"] == "RUNNING":
            assert time.monotonic() < give_up_at, "the execution does not end"
            time.sleep(0.005)
            described = states.describe_execution(executionArn=started)
        history: list[Json] = []
        for page in states.get_paginator("get_execution_history").paginate(executionArn=started):
            history += page["events"]
        return Execution(described, history, self.calls)

    def wait(self, seconds: int) -> None:
        """Note a wait instead of waiting."""
        self.waits.append(seconds)
        self.on_wait(seconds)

    def invoke(self, FunctionName: str, Payload: bytes, **_: Any) -> Json:
        """Lambda's Invoke, as the state machine calls it."""
        verb = self._verbs[FunctionName]
        event = json.loads(Payload)
        self.calls.append((verb, event))
        try:
            answer, failed = self.handler(verb, event), {}
        except Exception as error:
            told = {"errorType": type(error).__name__, "errorMessage": str(error)}
            answer, failed = told, {"FunctionError": "Unhandled"}
        body = io.BytesIO(json.dumps(answer).encode())
        return {"StatusCode": 200, "Payload": body, "ExecutedVersion": "$LATEST", **failed}

    @property
    def _verbs(self) -> dict[str, str]:
        return {documents.arn(documents.logical_id(verb)): verb for verb in documents.functions()}

    def _scripted(self, verb: str, event: Json) -> Json:
        script = self._script[verb]
        answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(scope="session")
def parsed() -> Iterator[None]:
    """Let the interpreter parse one text once; a program keeps no state of an execution."""
    with pytest.MonkeyPatch.context() as patched:
        parse = lru_cache(maxsize=8)(AmazonStateLanguageParser.parse)
        patched.setattr(AmazonStateLanguageParser, "parse", staticmethod(parse))
        yield


@pytest.fixture
def machine(parsed: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    with account(config={"stepfunctions": {"execute_state_machine": True}}):
        machine = Machine(_create())
        monkeypatch.setattr(lambda_eval_utils, "boto_client_for", lambda **_: machine)
        monkeypatch.setattr(retrier_decl, "time", SimpleNamespace(sleep=machine.pauses.append))
        monkeypatch.setattr(
            WaitFunction, "_wait_interval", lambda _, env, wait_seconds: machine.wait(wait_seconds)
        )
        machine.will("finish", {**GENERATION, "state": "succeeded"})
        yield machine


def _create() -> str:
    """Create the state machine as a deployment does: from the file, with the substitutions."""
    properties = documents.resources("AWS::Serverless::StateMachine")["GenerationStateMachine"]
    text = json.dumps(documents.workflow())
    given = documents.parameters()
    for name, value in properties["DefinitionSubstitutions"].items():
        text = text.replace(f"${{{name}}}", documents.resolved(value, given))
    arn: str = client("stepfunctions").create_state_machine(
        name=documents.physical_name("GenerationStateMachine"),
        definition=text,
        roleArn=f"arn:aws:iam::{documents.ACCOUNT}:role/none",
    )["stateMachineArn"]
    return arn
