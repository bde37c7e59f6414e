"""The deployed application behind a real socket, on a line that breaks when a test says so."""

import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from tests.functions.support import Answer, Deployment, request

# cut: the line breaks before the gateway has read anything; lost: after it has done everything
Fault = Literal["cut", "lost", "busy", "proxy"]


@dataclass(frozen=True)
class Seen:
    """A request that came to the door."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Door:
    """Where the gateway listens, what came, and what shall go wrong with the next requests."""

    deployment: Deployment
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def keys(self, path: str) -> list[str | None]:
        """The Idempotency-Key of every POST to this address."""
        return [
            one.headers.get("idempotency-key")
            for one in self.seen
            if one.method == "POST" and one.path == path
        ]

    def answer(self, came: Seen) -> Answer | None:
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

    def _ask(self, came: Seen) -> Answer:
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

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            came = Seen(self.command, self.path, headers, self.rfile.read(length))
            with turn, redirect_stdout(io.StringIO()):  # the functions write metrics there
                reply = door.answer(came)
            if reply is None:
                self.close_connection = True
                return
            data = reply.text.encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = handle_any

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: what came is in `seen`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    door.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield door
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def body_of(seen: Seen) -> Any:
    return json.loads(seen.body)
