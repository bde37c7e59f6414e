"""The front door's own part: the path it rewrites and the time it gives a function."""

import asyncio
import json
from pathlib import Path
from typing import Any

from local.aws.front_door import FrontDoor
from local.aws.notice_box import NoticeBox

PORT = 8787


class Caller:
    """Calls an ASGI application and keeps what it sends."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    def call(self, door: FrontDoor, path: str, *, port: int = PORT) -> None:
        scope = {
            "type": "http",
            "method": "GET",
            "server": ("127.0.0.1", port),
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"a=1",
            "headers": [],
        }
        asyncio.run(door(scope, self.receive, self.send))


class Echo:
    """An application that answers with the path it was called with, after a while."""

    def __init__(self, after_s: float = 0) -> None:
        self._after_s = after_s

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(self._after_s)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["raw_path"]})


def test_a_path_is_put_below_the_deployed_api() -> None:
    caller = Caller()

    caller.call(FrontDoor(Echo(), port=PORT, api_id=lambda: "abc"), "/a%2Fb")

    assert caller.sent[1]["body"] == b"/_aws/execute-api/abc/$default/a%2Fb"


def test_another_port_is_left_alone() -> None:
    caller = Caller()

    caller.call(FrontDoor(Echo(), port=PORT, api_id=lambda: None), "/bucket/key", port=4566)

    assert caller.sent[1]["body"] == b"/bucket/key"


def test_the_address_of_the_owner_s_mailbox_is_not_the_product_s(tmp_path: Path) -> None:
    mailbox = NoticeBox(tmp_path, confirm=lambda *_: None)
    door = FrontDoor(Echo(), port=PORT, api_id=lambda: "abc", notices=mailbox)
    caller = Caller()

    caller.call(door, "/_local/notices")
    caller.call(door, "/_local/notices", port=4566)

    assert caller.sent[0]["status"] == 405  # it takes what SNS posts, and this is a GET
    assert caller.sent[3]["body"] == b"/_local/notices"


def test_before_a_deploy_the_answer_is_a_problem_that_passes() -> None:
    caller = Caller()

    caller.call(FrontDoor(Echo(), port=PORT, api_id=lambda: None), "/v1/generations")

    headers = dict(caller.sent[0]["headers"])
    problem = json.loads(caller.sent[1]["body"])
    assert caller.sent[0]["status"] == problem["status"] == 503
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"retry-after"] == b"2"
    assert (problem["type"], problem["code"]) == ("urn:problem:not-configured", "not-configured")
    assert problem["retryable"] is True


def test_a_function_that_takes_too_long_is_a_503() -> None:
    caller = Caller()

    caller.call(
        FrontDoor(Echo(after_s=0.5), port=PORT, api_id=lambda: "abc", limit_s=0.02), "/slow"
    )

    assert caller.sent[0]["status"] == 503
    assert json.loads(caller.sent[1]["body"]) == {"message": "Service Unavailable"}
    assert len(caller.sent) == 2
