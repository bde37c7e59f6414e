"""Ways to end a reply that ASGI has no words for: silence, a closed socket, a cut body.

Hypercorn 0.18 (read in its source, 2026-11) runs each connection in a task of its own and starts
the application inside that task, so a context variable set there is visible to the application.
`install` swaps in a TCP server that sets one; nothing else of Hypercorn is touched.
"""

import asyncio
from collections.abc import Mapping
from contextvars import ContextVar

import hypercorn.asyncio.run as hypercorn_run
from hypercorn.asyncio.tcp_server import TCPServer
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

PATCHED_NAME = "TCPServer"
_transport: ContextVar[asyncio.WriteTransport] = ContextVar("transport")


class TransportServer(TCPServer):
    """Hypercorn's connection, which tells the application its transport."""

    async def run(self) -> None:
        _transport.set(self.writer.transport)
        await super().run()


def install() -> None:
    """Make Hypercorn use TransportServer. Raises RuntimeError when it is built differently."""
    if not issubclass(getattr(hypercorn_run, PATCHED_NAME, object), TCPServer):
        raise RuntimeError("this Hypercorn starts its connections in another way than 0.18 does")
    setattr(hypercorn_run, PATCHED_NAME, TransportServer)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


class Dropped(Response):
    """Closes the connection without one byte of reply."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _transport.get().close()
        await _wait_for_disconnect(receive)


class Held(Response):
    """Keeps the connection open and silent until `seconds` pass, the client leaves or `release`."""

    def __init__(self, seconds: float, release: asyncio.Event) -> None:
        super().__init__()
        self._seconds = seconds
        self._release = release

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(_wait_for_disconnect(receive))
        released = asyncio.ensure_future(self._release.wait())
        await asyncio.wait(
            {gone, released}, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED
        )
        released.cancel()
        if not gone.done():
            _transport.get().close()
        await gone


class Cut(Response):
    """Announces the whole body's length, sends the first half and closes the connection."""

    def __init__(
        self, content: bytes, *, status_code: int, media_type: str, headers: Mapping[str, str]
    ) -> None:
        super().__init__(content, status_code, headers, media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        _transport.get().close()
        await _wait_for_disconnect(receive)
