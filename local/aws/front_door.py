"""The product's API at the root of a port of its own, in the same process as its AWS.

An HTTP API is reached on the AWS port under `/_aws/execute-api/<ApiId>/$default/...`. On the
front door's port the path is rewritten to that and nothing else: no second hop, the same
socket, headers, query and body.

One address is not the product's: there the owner's topic delivers what people get by mail on AWS.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from local.aws import notice_box
from local.aws.notice_box import NoticeBox

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# "Maximum integration timeout: 30 seconds" (docs.aws.amazon.com/apigateway/latest/
# developerguide/http-api-quotas.html, read 2026-11-22). That a client sees 503: from memory.
INTEGRATION_LIMIT_S = 30.0
RETRY_AFTER_S = 2
NOT_CONFIGURED = {
    "type": "urn:problem:not-configured",
    "title": "The API is not deployed yet",
    "status": 503,
    "detail": "The local AWS runs, but the product's API is not deployed to it. Try again soon.",
    "code": "not-configured",
    "retryable": True,
}


class ApiIdFile:
    """The id of the deployed API, read again only when the file has changed."""

    def __init__(self, path: Path, *, exists: Callable[[str], bool]) -> None:
        self._path = path
        self._exists = exists
        self._seen: tuple[int, str] | None = None

    def __call__(self) -> str | None:
        """The id, or None while nothing is deployed or the server has forgotten that API."""
        try:
            changed_at = self._path.stat().st_mtime_ns
            if self._seen is None or self._seen[0] != changed_at:
                self._seen = (changed_at, self._path.read_text().strip())
        except FileNotFoundError:
            return None
        api_id = self._seen[1]
        return api_id if api_id and self._exists(api_id) else None


class FrontDoor:
    """An ASGI application: requests to `port` reach the API, all others `aws` as they are."""

    def __init__(
        self,
        aws: Application,
        *,
        port: int,
        api_id: Callable[[], str | None],
        notices: NoticeBox | None = None,
        limit_s: float = INTEGRATION_LIMIT_S,
    ) -> None:
        self._aws = aws
        self._port = port
        self._api_id = api_id
        self._notices = notices
        self._limit_s = limit_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["server"][1] != self._port:
            await self._aws(scope, receive, send)
            return
        if self._notices is not None and scope["path"] == notice_box.PATH:
            status = await self._notices.take(receive) if scope["method"] == "POST" else 405
            await _answer(send, status, {}, "application/json")
            return
        api_id = self._api_id()
        if api_id is None:
            await _answer(
                send,
                503,
                NOT_CONFIGURED,
                "application/problem+json",
                (b"retry-after", str(RETRY_AFTER_S).encode()),
            )
            return
        prefix = f"/_aws/execute-api/{api_id}/$default"
        inside = dict(scope)
        inside["path"] = prefix + scope["path"]
        inside["raw_path"] = prefix.encode() + (scope.get("raw_path") or scope["path"].encode())
        await self._within_limit(inside, receive, send)

    async def _within_limit(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 503 when the function takes longer than the gateway waits for it.

        The function goes on, as on AWS; what it answers then is thrown away.
        """
        started = expired = False

        async def send_in_time(message: Message) -> None:
            nonlocal started
            if expired:
                return
            started = True
            await send(message)

        call = asyncio.ensure_future(self._aws(scope, receive, send_in_time))
        try:
            await asyncio.wait_for(asyncio.shield(call), self._limit_s)
        except TimeoutError:
            if call.done() or started:
                await call
                return
            expired = True
            call.add_done_callback(_retrieve)
            await _answer(send, 503, {"message": "Service Unavailable"}, "application/json")
        except asyncio.CancelledError:
            call.cancel()
            raise


def _retrieve(call: "asyncio.Future[None]") -> None:
    """Take the outcome of a call nobody waits for, so that asyncio does not report it."""
    if not call.cancelled():
        call.exception()


async def _answer(
    send: Send, status: int, body: dict[str, Any], media_type: str, *headers: tuple[bytes, bytes]
) -> None:
    content = json.dumps(body).encode()
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", media_type.encode()),
                (b"content-length", str(len(content)).encode()),
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": content})
