"""The deployed application behind a real socket, on a line that breaks when a test says so."""

import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from tests.functions.support import Answer, Deployment, request
from tests.support.serving import Came, Reply, serving

# cut: the line breaks before the gateway has read anything; lost: after it has done everything
Fault = Literal["cut", "lost", "busy", "proxy"]


@dataclass
class Door:
    """Where the gateway listens, what came, and what shall go wrong with the next requests."""

    deployment: Deployment
    url: str = ""
    seen: list[Came] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def keys(self, path: str) -> list[str | None]:
        """The Idempotency-Key of every POST to this address."""
        return [
            one.headers.get("idempotency-key")
            for one in self.seen
            if one.method == "POST" and one.path == path
        ]

    def answer(self, came: Came) -> Answer | None:
        """What the caller gets; None where the line breaks."""
        self.seen.append(came)
        fault = self.faults.pop(0) if self.faults else None
        match fault:
            case "cut":
                return None
            case "busy":
                return Answer(503, {"content-type": "application/json"}, '{"message": "busy"}')
            case "proxy":
                return Answer(200, {"content-type": "text/html"}, "<h1>Welcome</h1>")
        reply = self._ask(came)
        return None if fault == "lost" else reply

    def _ask(self, came: Came) -> Answer:
        """Through the authorizer and the routes of the template, as the API does it."""
        parts = urlsplit(came.path)
        event = request(
            came.method,
            parts.path,
            body=came.body.decode() if came.body else None,
            headers=came.headers,
            query=dict(parse_qsl(parts.query)) or None,
        )
        said = self.deployment.invoke("authorize", {**event, "type": "REQUEST"})
        event["requestContext"]["authorizer"] = {"lambda": said["context"]}
        return self.deployment.route(event)


@contextmanager
def opened(deployment: Deployment) -> Iterator[Door]:
    """The door on a port of its own."""
    door = Door(deployment)
    turn = threading.Lock()  # the functions of a deployment share one process

    def answer(came: Came) -> Reply | None:
        with turn, redirect_stdout(io.StringIO()):  # the functions write metrics there
            reply = door.answer(came)
        return reply and (reply.status, reply.headers, reply.text.encode())

    with serving(answer) as door.url:
        yield door


def body_of(seen: Came) -> Any:
    return json.loads(seen.body)
