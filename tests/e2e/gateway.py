"""One running local stack for the end-to-end tests, and studios of their own on it.

Every test gets a tenant of its own: its budget, tokens and keys are nobody else's.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import urllib3

from filmgate.adapters import items
from local.__main__ import PARAMETERS, SIMULATED, connect
from local.api import Answer, Api
from local.clients import client_for
from local.owner import Installation, make_token, point_at, store_key
from local.stack import LocalStack
from tests.support import described

TERMINAL = {"succeeded", "failed", "cancelled"}


@dataclass
class Gateway:
    """The stack with its owner's tools and the simulators' controls."""

    stack: LocalStack
    installation: Installation

    @classmethod
    def of(cls, stack: LocalStack, parameters: Mapping[str, str] = PARAMETERS) -> "Gateway":
        stack.deploy(parameters)
        return cls(stack, connect(stack))

    def empty_studio(self) -> "Studio":
        """A new tenant without a key."""
        return Studio(self, f"t{uuid4().hex[:12]}")

    def studio(self) -> "Studio":
        """A new tenant with keys for all simulated providers."""
        tenant = f"t{uuid4().hex[:12]}"
        for provider in SIMULATED:
            store_key(self.installation, provider, f"sim-canary-{tenant}", tenant=tenant)
            url = f"{self.stack.simulators_url}/{provider}"
            point_at(self.installation, provider, url, tenant=tenant)
        return Studio(self, tenant)

    def control(self, route: str, body: Any) -> None:
        reply = urllib3.request("POST", f"{self.stack.simulators_url}/__sim/{route}", json=body)
        assert reply.status < 300, reply.data

    def script(self, provider: str, fault: str, **more: Any) -> None:
        self.control("faults", {"provider": provider, "fault": fault, "times": 1, **more})

    def paid_jobs(self, prompt: str) -> list[tuple[str, str]]:
        """(provider, cost) of every job that any provider accepted for this prompt."""
        wanted = hashlib.sha256(prompt.encode()).hexdigest()
        return [
            (provider, row["cost"])
            for provider, rows in self.ledger().items()
            for row in rows
            if row["prompt_sha256"] == wanted and row["billed"]
        ]

    def ledger(self) -> dict[str, list[dict[str, Any]]]:
        """What the simulated vendors were asked to make, by provider."""
        found: dict[str, list[dict[str, Any]]] = urllib3.request(
            "GET", f"{self.stack.simulators_url}/__sim/ledger"
        ).json()
        return found

    def history(self, generation_id: str) -> list[dict[str, Any]]:
        """The execution history of a generation's workflow."""
        client = client_for("stepfunctions", self.stack.aws_endpoint)
        machine = self.stack.outputs["StateMachineArn"]
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{generation_id}"
        pages = client.get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]

    def transitions(self, generation_id: str) -> list[str]:
        """The states that a generation's workflow entered, in order."""
        return [
            event["stateEnteredEventDetails"]["name"]
            for event in self.history(generation_id)
            if "stateEnteredEventDetails" in event
        ]


class DescribedApi(Api):
    """Holds every answer against the description of the API."""

    def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        found = super().call(method, path, body, headers)
        told = {name.lower(): value for name, value in found.headers.items()}
        text = "" if found.body is None else json.dumps(found.body)
        described.check_answer(method, urlsplit(path).path, found.status, told, text)
        return found


class Studio:
    """One tenant: an admin's API, and what the tests ask again and again."""

    def __init__(self, gateway: Gateway, tenant: str) -> None:
        self.gateway = gateway
        self.tenant = tenant
        self.api = self.login("owner", "admin")

    def login(self, user: str, role: str) -> Api:
        return DescribedApi(self.gateway.stack.url, self.token(user, role))

    def token(self, user: str, role: str) -> str:
        return make_token(self.gateway.installation, user=user, role=role, tenant=self.tenant)

    def make(self, **body: Any) -> dict[str, Any]:
        """Start a generation and wait for its end."""
        return self.end_of(self.api.post("/v1/generations", body))

    def end_of(self, generation: dict[str, Any]) -> dict[str, Any]:
        give_up_at = time.monotonic() + 90
        pause = pauses(most=0.5)
        while generation["state"] not in TERMINAL:
            assert time.monotonic() < give_up_at, f"still {generation['state']}: {generation}"
            time.sleep(next(pause))
            generation = self.api.get(f"/v1/generations/{generation['id']}")
        return generation

    def keyframe(self) -> str:
        """The take id of a fresh 16:9 still."""
        made = self.make(type="image", prompt=prompt(), params={"aspect_ratio": "16:9"})
        take: str = made["takes"][0]["id"]
        return take

    def budget(self) -> dict[str, str]:
        found: dict[str, str] = self.api.get("/v1/budgets/owner")
        return found

    def check_books(self) -> None:
        """Every balance of this tenant equals the fold of its entries, and every user's number in
        flight that of their generations that have not ended."""
        found = self.api.get("/v1/verify")
        assert found["agrees"], found["drift"]
        rows = self.rows()
        for row in rows:
            if row["sk"] == "pace":
                user = row["pk"].removeprefix(f"{self.tenant}#user#")
                own = [r for r in rows if r["sk"] == "generation" and r["user"] == user]
                assert row["in_flight"] == sum(r["state"] not in TERMINAL for r in own)
            if row["sk"] in ("budget", "shard#0"):
                assert row["room"] == (row["limit"] or 0) - row["held"] - row["settled"]
                assert row["bounded"] is (row["limit"] is not None)

    def rows(self) -> list[dict[str, Any]]:
        """Every item of this tenant in the table."""
        return [row for row in self._items() if row["pk"].startswith(f"{self.tenant}#")]

    def _items(self) -> list[dict[str, Any]]:
        client = client_for("dynamodb", self.gateway.stack.aws_endpoint)
        table = self.gateway.stack.outputs["TableName"]
        pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return [items.from_wire(item) for page in pages for item in page["Items"]]


def pauses(*, most: float) -> Iterator[float]:
    """Seconds between two looks: ever longer, since each look takes its time from the work."""
    pause = 0.1
    while True:
        yield pause
        pause = min(most, pause * 1.3)


def prompt() -> str:
    """A prompt of its own, so that the simulators' ledger can tell the tests apart."""
    return f"a lamp in the fog, take {uuid4().hex}"


def fetch(take: dict[str, Any], folder: Path) -> Path:
    target = folder / take["id"]
    Api("", None).download(take["url"], target)
    assert hashlib.sha256(target.read_bytes()).hexdigest() == take["sha256"]
    assert target.stat().st_size == take["size_bytes"]
    return target
