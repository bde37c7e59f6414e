"""The last requests that the simulated vendors received, without any credential."""

import hashlib
import json
import re
from collections import deque
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.simulators.jobs import now_s
from local.simulators.ledger import timestamp
from local.simulators.multipart import UnreadableForm, is_form, read_form

KEPT_REQUESTS = 200
MAX_BODY_BYTES = 110_000_000
SECRET_HEADERS = frozenset(
    {
        "authorization",
        "cookie",
        "mj-api-secret",
        "proxy-authorization",
        "x-api-key",
        "x-goog-api-key",
    }
)
SECRET_PARAMETERS = frozenset({"key", "signature"})
LONG_BASE64 = re.compile(r"[A-Za-z0-9+/_=-]{257,}")


def shorten(value: Any) -> Any:
    """The JSON value with every long base64 text replaced by its length and hash."""
    match value:
        case str() if LONG_BASE64.fullmatch(value):
            digest = hashlib.sha256(value.encode()).hexdigest()[:16]
            return f"{value[:16]}… ({len(value)} characters, sha256 {digest})"
        case dict():
            return {name: shorten(item) for name, item in value.items()}
        case list():
            return [shorten(item) for item in value]
    return value


def _json_body(body: bytes) -> Any:
    if not body:
        return None
    try:
        return shorten(json.loads(body))
    except (ValueError, RecursionError):
        return f"not JSON ({len(body)} bytes)"


def _form_body(content_type: str, body: bytes) -> Any:
    """The fields of a form by name; a file as its name, type, size and hash."""
    try:
        parts = read_form(content_type, body)
    except UnreadableForm:
        return f"not a form ({len(body)} bytes)"
    return {
        part.name: part.content.decode("utf-8", "replace")
        if part.file_name is None
        else {
            "file_name": part.file_name,
            "media_type": part.media_type,
            "size_bytes": len(part.content),
            "sha256": hashlib.sha256(part.content).hexdigest(),
        }
        for part in parts
    }


class Recorder:
    """A ring of the last requests, newest last."""

    def __init__(self, providers: tuple[str, ...]) -> None:
        self._providers = providers
        self._requests: deque[dict[str, Any]] = deque(maxlen=KEPT_REQUESTS)

    def record(self, scope: Scope, body: bytes) -> None:
        provider, _, rest = scope["path"].lstrip("/").partition("/")
        if provider not in self._providers:
            return
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        shown = urlencode([pair for pair in query if pair[0].lower() not in SECRET_PARAMETERS])
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        content_type = headers.get("content-type", "")
        shown_body = _form_body(content_type, body) if is_form(content_type) else _json_body(body)
        self._requests.append(
            {
                "at": timestamp(now_s()),
                "provider": provider,
                "method": scope["method"],
                "path": f"/{rest}" + (f"?{shown}" if shown else ""),
                "headers": {
                    name: value for name, value in headers.items() if name not in SECRET_HEADERS
                },
                "body": shown_body,
            }
        )

    def clear(self) -> None:
        self._requests.clear()

    def as_json(self) -> list[dict[str, Any]]:
        return list(self._requests)


class RecordRequests:
    """Middleware that reads the whole body first, records the request, and hands both on."""

    def __init__(self, app: ASGIApp, recorder: Recorder) -> None:
        self._app = app
        self._recorder = recorder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await _read_body(receive)
        if body is None:
            return
        self._recorder.record(scope, body)
        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)


async def _read_body(receive: Receive) -> bytes | None:
    """The request's body, cut at MAX_BODY_BYTES; None when the client left before its end."""
    parts: list[bytes] = []
    size_bytes = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part = message.get("body", b"")
        size_bytes += len(part)
        if size_bytes <= MAX_BODY_BYTES:
            parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)
