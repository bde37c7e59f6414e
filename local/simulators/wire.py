"""What the providers share in answering: JSON replies, refusals, scripted damage, downloads."""

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from local.simulators.connection import Cut, Dropped, Held
from local.simulators.faults import (
    DEFAULT_SLOW_S,
    HANG_S,
    HUGE_JSON_BYTES,
    Fault,
    damage_file,
    damage_json,
)
from local.simulators.world import World

JSON_TYPE = "application/json"
GATEWAY_PAGE = (
    "<html>\r\n<head><title>{status} Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>{status} Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n"
    "</body>\r\n</html>\r\n"
)
HUGE_PART_BYTES = 1_000_000
FILE_HEADERS = {"accept-ranges": "bytes", "cache-control": "private, max-age=0"}
RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class Refused(Exception):
    """Ends a request with the vendor's own refusal."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


async def answer_refused(request: Request, error: Exception) -> Response:
    """The exception handler of `Refused`."""
    if not isinstance(error, Refused):
        raise error
    return error.response


def dumps(value: Any) -> bytes:
    """Compact JSON in ASCII, so that any text, a lone surrogate included, can be sent."""
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def json_reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(dumps(value), status, headers, JSON_TYPE)


def gateway_page(fault: Fault) -> Response:
    """The page of a gateway in front of the vendor: HTTP 502 unless ordered otherwise."""
    status = fault.order.status or 502
    return Response(GATEWAY_PAGE.format(status=status), status, media_type="text/html")


def before_the_vendor(fault: Fault) -> Response | None:
    """What happens to a call on its way, so that the vendor never sees it: a gateway's page, or a
    connection that is closed unread. None for the faults that let it through."""
    match fault.name:
        case "html":
            return gateway_page(fault)
        case "drop_request":
            return Dropped()
    return None


async def json_object(request: Request, refuse: Callable[[str], Response]) -> dict[str, Any]:
    """The request's body as a JSON object; otherwise Refused with `refuse(reason)`."""
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise Refused(refuse("the body is not valid JSON")) from error
    if not isinstance(body, dict):
        raise Refused(refuse("the body is not a JSON object"))
    return body


async def deliver(world: World, reply: Response, fault: Fault | None) -> Response:
    """The reply as the client gets to see it: silent, dropped, damaged, late, or as it is."""
    if fault is None:
        return reply
    match fault.name:
        case "hang":
            return Held(fault.order.seconds or HANG_S, world.release)
        case "drop_reply":
            return Dropped()
        case "malformed":
            content = damage_json(bytes(reply.body), fault.code, fault.order.size_bytes)
            headers = {
                name: value
                for name, value in reply.headers.items()
                if name not in ("content-length", "content-type")
            }
            return Response(content, reply.status_code, headers, JSON_TYPE)
        case "slow":
            seconds = fault.order.seconds
            await world.pause(DEFAULT_SLOW_S if seconds is None else seconds)
    return reply


async def deliver_file(
    world: World, request: Request, content: bytes, media_type: str, fault: Fault | None
) -> Response:
    """A result file as the client gets to see it; understands one `Range: bytes=a-b`."""
    whole = Response(content, 200, FILE_HEADERS, media_type)
    match fault.name if fault else None:
        case "truncated":
            return Cut(content, status_code=200, media_type=media_type, headers=FILE_HEADERS)
        case "malformed" if fault is not None:
            if fault.code == "huge":
                size_bytes = fault.order.size_bytes or 3 * HUGE_JSON_BYTES
                return _oversized(content, media_type, size_bytes)
            return Response(damage_file(content, fault.code), 200, FILE_HEADERS, media_type)
        case "hang" | "drop_reply" | "slow":
            return await deliver(world, whole, fault)
    return _part(request, content, media_type) or whole


def _part(request: Request, content: bytes, media_type: str) -> Response | None:
    """The asked range of a file; None when no range is asked."""
    wanted = RANGE.fullmatch(request.headers.get("range", ""))
    if wanted is None:
        return None
    start = int(wanted[1])
    end = min(int(wanted[2] or len(content)), len(content) - 1)
    if start >= len(content) or end < start:
        return Response(b"", 416, {"content-range": f"bytes */{len(content)}"})
    headers = FILE_HEADERS | {"content-range": f"bytes {start}-{end}/{len(content)}"}
    return Response(content[start : end + 1], 206, headers, media_type)


def _oversized(content: bytes, media_type: str, size_bytes: int) -> Response:
    """The file followed by zeros up to `size_bytes`, made while it is sent."""

    async def parts() -> AsyncIterator[bytes]:
        yield content[:size_bytes]
        left = size_bytes - len(content)
        padding = b"\x00" * HUGE_PART_BYTES
        while left > 0:
            yield padding[:left]
            left -= HUGE_PART_BYTES

    return StreamingResponse(
        parts(), media_type=media_type, headers={"content-length": str(size_bytes)}
    )
