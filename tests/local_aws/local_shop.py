"""The sample application on a local stack, and what tests do to it."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from local.clients import client_for
from local.ports import HOST
from local.stack import LocalStack

ROOT = Path(__file__).parents[2]
SAMPLE = Path(__file__).parent / "sample" / "template.yaml"
# What the machine of a developer may have set, and what must reach neither server nor function.
OF_THE_HOST = {
    "KEY_OF_THE_HOST": "host-secret",
    "AWS_PROFILE": "profile-that-is-not-there",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "host-key",
    "HTTP_PROXY": "http://127.0.0.1:10",
}
PARAMETERS = {"Stage": "test"}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Shop:
    """The sample, deployed: what tests do to it."""

    stack: LocalStack
    outputs: dict[str, str] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        return client_for(service, self.stack.aws_endpoint)

    def changed_at(self) -> datetime:
        """When CloudFormation last changed the stack."""
        stack = self.client("cloudformation").describe_stacks(StackName="shop")["Stacks"][0]
        return stack.get("LastUpdatedTime") or stack["CreationTime"]

    def request(
        self, method: str, path: str, *, user: str | None = "ann", body: str | None = None
    ) -> Reply:
        connection = http.client.HTTPConnection(HOST, self.stack.ports.front_door, timeout=60)
        headers = {"content-type": "application/json"}
        if user is not None:
            headers["Authorization"] = f"Bearer {user}"
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return Reply(response.status, response.msg, response.read())
        finally:
            connection.close()

    def invoke(self, function: str, event: dict[str, Any]) -> tuple[str | None, Any]:
        """(kind of error, payload) of a call to the function with that output name."""
        reply = self.client("lambda").invoke(
            FunctionName=self.outputs[function], Payload=json.dumps(event)
        )
        return reply.get("FunctionError"), json.load(reply["Payload"])

    def start(
        self, event: dict[str, Any], *, name: str | None = None, machine: str = "OrderMachineArn"
    ) -> str:
        named = {"name": name} if name else {}
        return str(
            self.client("stepfunctions").start_execution(
                stateMachineArn=self.outputs[machine], input=json.dumps(event), **named
            )["executionArn"]
        )

    def order(self, event: dict[str, Any], *, machine: str = "OrderMachineArn") -> dict[str, Any]:
        """Run a machine to its end and describe the execution."""
        return self.finished(self.start(event, machine=machine))

    def finished(self, execution: str) -> dict[str, Any]:
        describe = self.client("stepfunctions").describe_execution
        return until(  # type: ignore[no-any-return]
            lambda: (found := describe(executionArn=execution))["status"] != "RUNNING" and found
        )


def until(found: Callable[[], Any], *, within_s: float = 20) -> Any:
    """The first true answer. Fails when there is none in time."""
    give_up_at = time.monotonic() + within_s
    while time.monotonic() < give_up_at:
        if answer := found():
            return answer
        time.sleep(0.02)
    pytest.fail(f"nothing came of it within {within_s} s")


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long the block took; times are told, never asserted."""
    started = time.perf_counter()
    yield
    print(f"{what}: {time.perf_counter() - started:.2f} s")
