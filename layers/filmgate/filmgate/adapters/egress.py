"""The only module that opens network connections to providers and to addresses found in replies.

What the rest of the product builds on:

- `Egress.call` sends one request once. No redirect is followed and nothing is repeated. One
  deadline covers resolving, connecting, sending and the whole reply.
- `Egress.notify` posts to an owner's own receiver and gives the status; it reads no reply's body.
- `Egress.download` fetches a result or a user's image into a file. Fetching is safe to repeat, so
  it follows up to 3 redirects, goes on after a cut, and checks every new address from the start.
- Every failure is a leaf class of `EgressError`, and its `proves_not_sent` says what it means for
  money. Messages are public: they name the host, never path, query, headers or body.

Decisions:

- **Where doubt begins.** Before the first byte of a request is handed to the socket, a failure is
  `NotSent`; a TCP or TLS handshake carries nothing of the request. From then on every failure,
  of whatever class, is `OutcomeUnknown`, even when the first write itself fails.
- **A connection of its own for each request, closed afterwards.** When a kept connection fails
  before any reply byte, nobody can tell whether the other side had read the request. A new
  connection costs one or two round trips and cannot be ambiguous. A frozen function's idle
  connections are dead on waking anyway.
- **The standard library's reply parser under a socket with a deadline**, rather than urllib3:
  a time-out per read lets a dripping server hold a function for ever; urllib3 writes whole URLs,
  with their signatures, to the log when a reply's headers are defective
  (`connection.py`, `getresponse`, 2.8.0, read 2026-11-22); and it adds to a cold start.
- **The name is resolved once.** All its addresses must pass, and the connection goes to one of
  those, as a number, so that a second answer of the name server is never asked for. The name stays
  in SNI, in the certificate check (by OpenSSL, within the handshake) and in `Host`.
- Proxy variables and SSLKEYLOGFILE in the environment are not read.
- socket, ssl and http.client are imported by the first request, not with this module: a function
  that only answers from the table does not pay for them.
"""

from __future__ import annotations

import io
import re
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO, cast

from filmgate.adapters import addresses
from filmgate.adapters.targets import (
    AddressRefused,
    EgressError,
    Target,
    checked_target,
    is_address,
    redirected,
)

if TYPE_CHECKING:
    import socket
    import ssl
    from http.client import HTTPResponse

    from typing_extensions import Buffer

MAX_REPLY_BYTES = 32 * 1024 * 1024
MAX_REDIRECTS = 3
MAX_ADDRESSES_TRIED = 4
# A host that does not even complete a handshake in this time is better left for the next provider.
CONNECT_TIMEOUT_S = 10.0
CHUNK_BYTES = 64 * 1024
# Between the tries of a download, which makes five of them.
PAUSES_S = (0.0, 0.2, 0.4, 0.8)

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# A file server may be busy or restarting; any other refusal stays what it is.
_WORTH_ANOTHER_TRY = frozenset({408, 429, 500, 502, 503, 504})

_GZIP = zlib.MAX_WBITS | 16  # zlib's way of asking for gzip frames only

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")
# Framing and connection are ours alone: a caller that sets them could desynchronise a reply.
_OWN_HEADERS = frozenset(
    {"accept-encoding", "connection", "content-length", "expect", "host", "if-range", "range"}
    | {"te", "trailer", "transfer-encoding", "upgrade"}
)


class RequestRefused(EgressError):
    """A method or header that cannot go on the wire, such as a key pasted with a line break."""

    proves_not_sent = True


class NotSent(EgressError):
    """No byte of the request left: not resolved, not connected, TLS failed, or out of time."""

    proves_not_sent = True


class OutcomeUnknown(EgressError):
    """Sending may have begun and no whole, readable reply came back: this proves nothing."""


class TooLarge(EgressError):
    """A download is larger than its cap; the sink holds a part of it."""


class TransferCut(EgressError):
    """A download did not arrive whole in all its tries; the sink may hold a part of it."""


class UnexpectedStatus(EgressError):
    """A download was answered with something else than the file; `status` is the HTTP status."""

    def __init__(self, host: str | None, status: int) -> None:
        super().__init__(host, f"answered with status {status}")
        self.status = status


class Headers(Mapping[str, str]):
    """Reply headers by name in any case; several of one name are joined by a comma."""

    __slots__ = ("_values",)

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        values: dict[str, str] = {}
        for name, value in pairs:
            key = name.lower()
            values[key] = f"{values[key]}, {value}" if key in values else value
        self._values = values

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply. body is decoded (gzip), and holds at most the cap of the call."""

    status: int
    headers: Headers
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A whole file in the sink. sha256 is in hex; content_type is what the server claims."""

    size_bytes: int
    sha256: str
    content_type: str


class _Deadline:
    """The moment by which everything must be over, on the egress object's clock."""

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._end = clock() + seconds

    def left_s(self) -> float:
        """Give the seconds left; zero or less when it is over."""
        return self._end - self._clock()

    def wait_s(self) -> float:
        """Give the seconds left as a socket's time-out. Raises TimeoutError when it is over."""
        left = self.left_s()
        if not left > 0:
            raise TimeoutError("deadline")
        return left


class _Wire(io.RawIOBase):
    """A connected socket whose every read and write ends by one deadline.

    It is what http.client needs of a socket and no more. Closing it leaves the socket open:
    whoever opened that closes it.
    """

    def __init__(self, connection: socket.socket, deadline: _Deadline) -> None:
        self._connection = connection
        self._deadline = deadline

    def makefile(self, _mode: str) -> BinaryIO:
        return io.BufferedReader(self, CHUNK_BYTES)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        self._connection.settimeout(self._deadline.wait_s())
        return self._connection.recv_into(buffer)

    def send_all(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._connection.settimeout(self._deadline.wait_s())
            view = view[self._connection.send(view[:CHUNK_BYTES]) :]


def resolve(host: str, port: int) -> list[str]:
    """Give all addresses of a name, in the system's order. Raises OSError when there are none."""
    import socket

    # As bytes, since text would load the IDNA tables; the name is ASCII by now.
    found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def connect(address: str, port: int, timeout_s: float) -> socket.socket:
    """Give a TCP connection to a numeric address. Raises OSError (TimeoutError in time)."""
    import socket

    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_s)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect((address, port))
    except BaseException:
        connection.close()
        raise
    return connection


def _tls_context() -> ssl.SSLContext:
    """Give a client context that verifies chain and name against the system's authorities.

    Not `create_default_context`: that one writes session keys where SSLKEYLOGFILE says.
    """
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_default_certs()
    return context


class Egress:
    """The way out. One object serves a whole process; it holds nothing but its TLS context.

    clock gives monotonic seconds, resolve and connect are the functions above, sleep pauses between
    the tries of a download; tests pass their own. context must verify certificates and names; by
    default one with the system's authorities is made for the first https request and kept.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        resolve: Callable[[str, int], list[str]] = resolve,
        connect: Callable[[str, int, float], socket.socket] = connect,
        sleep: Callable[[float], None] = time.sleep,
        context: ssl.SSLContext | None = None,
    ) -> None:
        if context is not None and not (context.check_hostname and context.verify_mode):
            raise ValueError("a TLS context that does not verify certificate and name")
        self._clock = clock
        self._resolve = resolve
        self._connect = connect
        self._sleep = sleep
        self._context = context

    def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        hosts: frozenset[str],
        deadline_s: float,
        max_bytes: int = MAX_REPLY_BYTES,
    ) -> Reply:
        """Send one request once and give its whole reply, whatever its status.

        hosts are exact names, or suffixes that begin with a dot. deadline_s covers everything;
        max_bytes caps the reply both as sent and as decoded.
        Raises AddressRefused, RequestRefused, NotSent or OutcomeUnknown, and nothing else.
        """
        deadline = _Deadline(self._clock, deadline_s)
        target = checked_target(url, hosts)
        head = _request_head(method, target, headers, _length_of(method, body), encoding="gzip")
        request = head + (body or b"")
        try:
            with self._exchange(method, target, request, deadline) as response, _doubt(target.host):
                content = b"".join(_pieces(response, target.host, max_bytes))
                return Reply(response.status, Headers(response.getheaders()), content)
        except TooLarge as over:
            raise OutcomeUnknown(target.host, over.reason) from None

    def notify(
        self, url: str, *, headers: Mapping[str, str], body: bytes, deadline_s: float
    ) -> int:
        """Send one POST once to any public host and give the status of the reply alone.

        The reply's body is never read, so that no receiver can hold or fill this process; a
        redirect is a status like any other. Never for requests that carry a credential of ours.
        Raises AddressRefused, RequestRefused, NotSent or OutcomeUnknown, and nothing else.
        """
        deadline = _Deadline(self._clock, deadline_s)
        target = checked_target(url, None)
        head = _request_head("POST", target, headers, len(body), encoding="identity")
        with self._exchange("POST", target, head + body, deadline) as response:
            return response.status

    def download(
        self,
        url: str,
        sink: BinaryIO,
        *,
        hosts: frozenset[str] | None,
        deadline_s: float,
        max_bytes: int,
        headers: Mapping[str, str] | None = None,
    ) -> Downloaded:
        """Fetch a file into `sink`, from where it stands, and give its size, hash and claimed type.

        hosts None means any public host. headers go to the URL's own origin only. After a cut it
        goes on where it stopped if the server can prove that it is the same file, else from the
        start; 5 tries in all, within deadline_s. sink must be seekable; what it raises passes.
        Raises AddressRefused, RequestRefused, NotSent, TooLarge, TransferCut, UnexpectedStatus.
        """
        deadline = _Deadline(self._clock, deadline_s)
        transfer = _Transfer(sink, max_bytes)
        pauses = iter(PAUSES_S)
        failure: EgressError
        while True:
            try:
                return self._fetch(url, transfer, hosts, headers or {}, deadline)
            except UnexpectedStatus as refusal:
                if refusal.status not in _WORTH_ANOTHER_TRY:
                    raise
                failure = refusal
            except (NotSent, OutcomeUnknown) as problem:
                failure = problem
            pause = next(pauses, None)
            if pause is None or deadline.left_s() <= pause:
                break
            self._sleep(pause)
        if isinstance(failure, OutcomeUnknown):
            raise TransferCut(failure.host, failure.reason)
        raise failure

    def _fetch(
        self,
        url: str,
        transfer: _Transfer,
        hosts: frozenset[str] | None,
        headers: Mapping[str, str],
        deadline: _Deadline,
    ) -> Downloaded:
        """Make one try of a download, redirects included."""
        target = checked_target(url, hosts)
        wanted = transfer.range_headers()
        for _hop in range(MAX_REDIRECTS + 1):
            head = _request_head("GET", target, headers, None, encoding="identity", more=wanted)
            with self._exchange("GET", target, head, deadline) as response:
                if response.status not in _REDIRECTS:
                    return transfer.receive(response, target.host)
                location = response.getheader("Location", "")
            following = checked_target(redirected(target, location), hosts)
            if following.origin != target.origin:
                headers = {}  # And they stay away, should a later hop lead back.
            target = following
        raise AddressRefused(target.host, f"redirects more than {MAX_REDIRECTS} times")

    @contextmanager
    def _exchange(
        self, method: str, target: Target, request: bytes, deadline: _Deadline
    ) -> Iterator[HTTPResponse]:
        """Send a request on a connection of its own and give the reply up to its headers.

        Raises AddressRefused or NotSent while nothing has been handed over; then OutcomeUnknown.
        """
        from http.client import HTTPResponse

        connection = self._open(target, deadline)
        try:
            if deadline.left_s() <= 0:
                raise NotSent(target.host, "out of time before sending")
            wire = _Wire(connection, deadline)
            with closing(HTTPResponse(cast("socket.socket", wire), method=method)) as response:
                # ---- From the next line on the other side may have the request. ----
                with _doubt(target.host):
                    _send_and_listen(wire, request, response)
                yield response
        finally:
            with suppress(OSError):  # A reply already read is not unsaid by a failing close.
                connection.close()

    def _open(self, target: Target, deadline: _Deadline) -> socket.socket:
        """Give a connection to a checked address, with TLS for https; nothing sent on it yet."""
        connection = self._dial(target, self._permitted_addresses(target, deadline), deadline)
        if target.scheme == "http":
            return connection
        import ssl

        try:
            if self._context is None:
                self._context = _tls_context()
            connection.settimeout(min(deadline.wait_s(), CONNECT_TIMEOUT_S))
            # Wrapping a connection that was reset already would leave half an object behind.
            connection.getpeername()
            # A reply that ends without the close of TLS is cut, not complete.
            return self._context.wrap_socket(
                connection, server_hostname=target.host, suppress_ragged_eofs=False
            )
        except TimeoutError:
            problem = "TLS handshake timed out"
        except ssl.SSLCertVerificationError as refusal:
            problem = f"TLS failed: {refusal.verify_message}"
        except (OSError, ValueError):
            problem = "TLS failed"
        except BaseException:
            connection.close()
            raise
        connection.close()
        raise NotSent(target.host, problem)

    def _dial(self, target: Target, found: list[str], deadline: _Deadline) -> socket.socket:
        """Give a TCP connection to the first address that takes one, time shared among them."""
        candidates = found[:MAX_ADDRESSES_TRIED]
        problem = "out of time before connecting"
        for position, address in enumerate(candidates):
            share_s = deadline.left_s() / (len(candidates) - position)
            if not share_s > 0:
                break
            try:
                return self._connect(address, target.port, min(share_s, CONNECT_TIMEOUT_S))
            except TimeoutError:
                problem = "connecting timed out"
            except ConnectionRefusedError:
                problem = "connection refused"
            except OSError as failure:
                problem = f"not connected ({type(failure).__name__})"
        raise NotSent(target.host, problem)

    def _permitted_addresses(self, target: Target, deadline: _Deadline) -> list[str]:
        """Give the addresses of a target's host, every one of them permitted.

        Loopback stays with the names that say so, even where the policy allows it: no other name
        can be pointed at this machine.
        """
        found = [target.host] if is_address(target.host) else self._resolved(target, deadline)
        permits = addresses.policy.permits
        for address in found:
            if not permits(address) or addresses.is_loopback(address) != target.loopback:
                raise AddressRefused(target.host, "leads to an address that is not permitted")
        return found

    def _resolved(self, target: Target, deadline: _Deadline) -> list[str]:
        """Ask the name server, in a thread, since the system's call has no time-out of its own."""
        import threading

        found: list[str] = []

        def ask() -> None:
            try:
                found.extend(self._resolve(target.host, target.port))
            except OSError:
                found.clear()  # An empty answer and no answer are the same to the caller.

        asking = threading.Thread(target=ask, name="resolve", daemon=True)
        asking.start()
        asking.join(max(0.0, deadline.left_s()))
        if asking.is_alive():
            raise NotSent(target.host, "name not resolved in time")
        if not found:
            raise NotSent(target.host, "name not resolved")
        return found


class _Transfer:
    """A download across its tries: what the sink holds so far and how to prove that the rest fits.

    Only a strong validator lets a new try go on in the middle; without one the pieces could be of
    two different files (RFC 9110, sections 13.1.5 and 14).
    """

    def __init__(self, sink: BinaryIO, max_bytes: int) -> None:
        self._sink = sink
        self._max_bytes = max_bytes
        self._start = sink.tell()
        self._forget()

    def _forget(self) -> None:
        self._received = 0
        self._total: int | None = None
        self._validator = ""
        self._content_type = ""
        self._digest = sha256()

    def range_headers(self) -> dict[str, str]:
        """Give the headers that ask for the rest, none when the whole is to be asked for."""
        if not self._received or not self._validator:
            return {}
        return {"Range": f"bytes={self._received}-", "If-Range": self._validator}

    def receive(self, response: HTTPResponse, host: str) -> Downloaded:
        """Write a reply's body to the sink and give the finished file.

        Raises OutcomeUnknown (worth another try), UnexpectedStatus, TooLarge.
        """
        match response.status:
            case 200:
                self._begin(response)
            case 206 if self.range_headers() and self._continues(response):
                pass
            case 206 | 416 if self.range_headers():
                self._forget()
                raise OutcomeUnknown(host, "the rest does not fit to what came before")
            case status:
                raise UnexpectedStatus(host, status)
        if self._total is not None and self._total > self._max_bytes:
            raise TooLarge(host, "larger than allowed")
        for piece in _pieces(response, host, self._max_bytes - self._received):
            self._sink.write(piece)
            self._digest.update(piece)
            self._received += len(piece)
        if self._total is not None and self._received != self._total:
            raise OutcomeUnknown(host, "the reply was cut")
        return Downloaded(self._received, self._digest.hexdigest(), self._content_type)

    def _begin(self, response: HTTPResponse) -> None:
        self._forget()
        self._sink.seek(self._start)
        self._sink.truncate()
        self._content_type = response.getheader("Content-Type", "")
        if _encoding_of(response) == "identity":
            self._total = response.length
            self._validator = _strong_validator(response)

    def _continues(self, response: HTTPResponse) -> bool:
        """Tell whether a partial reply is exactly the rest of the file begun."""
        found = _CONTENT_RANGE.fullmatch(response.getheader("Content-Range", ""))
        if found is None or _encoding_of(response) != "identity":
            return False
        first, last, total = map(int, found.groups())
        fits = first == self._received and last == total - 1 and self._total in (None, total)
        self._total = total
        return fits and _strong_validator(response) in ("", self._validator)


def _strong_validator(response: HTTPResponse) -> str:
    """Give the entity tag if it promises equality byte by byte, else nothing."""
    tag = response.getheader("ETag", "")
    return tag if tag.startswith('"') and _HEADER_VALUE.fullmatch(tag) else ""


@contextmanager
def _doubt(host: str) -> Iterator[None]:
    """Turn whatever fails inside into OutcomeUnknown: the other side may have the request.

    Deliberately every Exception: a parser's surprise proves as little as a reset does.
    """
    try:
        yield
    except EgressError:
        raise
    except TimeoutError:
        raise OutcomeUnknown(host, "no whole reply in time") from None
    except Exception as problem:
        # The name of the class only: messages of the parser quote what came over the wire.
        raise OutcomeUnknown(host, f"no readable reply ({type(problem).__name__})") from None


def _send_and_listen(wire: _Wire, request: bytes, response: HTTPResponse) -> None:
    """Send a request and read the reply up to its headers, which must frame it honestly."""
    from http.client import HTTPException

    # A server may refuse early (401, 413) and stop reading; its word counts if it is there.
    with suppress(BrokenPipeError, ConnectionResetError):
        wire.send_all(request)
    response.begin()
    lengths = set(response.headers.get_all("Content-Length", []))
    plain = all(length.isascii() and length.isdigit() for length in lengths)
    coding = response.getheader("Transfer-Encoding", "chunked").lower()
    if response.status < 200 or len(lengths) > 1 or not plain or coding != "chunked":
        raise HTTPException("framing")


def _pieces(response: HTTPResponse, host: str, max_bytes: int) -> Iterator[bytes]:
    """Give the decoded body piece by piece.

    Raises TooLarge past max_bytes, counted as sent and as decoded; OutcomeUnknown when the body
    is cut, cannot be decoded or does not come in time.
    """
    too_large = TooLarge(host, "larger than allowed")
    announced = response.length
    if announced is not None and announced > max_bytes:
        raise too_large
    encoding = _encoding_of(response)
    if encoding not in ("identity", "gzip"):
        raise OutcomeUnknown(host, "an encoding that was not asked for")
    unpacker = _Unpacker() if encoding == "gzip" else None
    arrived = size = 0
    while True:
        with _doubt(host):
            piece = response.read(CHUNK_BYTES)
            arrived += len(piece)
            if not piece:
                break
            if unpacker is not None:
                piece = unpacker.feed(piece, max_bytes - size + 1)
        size += len(piece)
        if max(arrived, size) > max_bytes:
            raise too_large
        if piece:
            yield piece
    if (announced is not None and arrived < announced) or (unpacker and not unpacker.whole):
        raise OutcomeUnknown(host, "the reply was cut")


class _Unpacker:
    """A gzip stream taken apart under a cap; several members in a row are one stream (RFC 1952)."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self.whole = True  # An empty body needs no gzip frame.

    def feed(self, data: bytes, limit: int) -> bytes:
        """Give what `data` unpacks to, at most `limit` bytes. Raises zlib.error."""
        unpacked = b""
        while data and len(unpacked) < limit:
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP)
            unpacked += self._member.decompress(data, limit - len(unpacked))
            data = self._member.unused_data
        self.whole = self._member.eof
        return unpacked


def _encoding_of(response: HTTPResponse) -> str:
    named = response.getheader("Content-Encoding", "").strip().lower()
    return {"": "identity", "x-gzip": "gzip"}.get(named, named)


def _length_of(method: str, body: bytes | None) -> int | None:
    """Give the length to announce; a POST without a body says 0, as servers expect."""
    if body is None:
        return 0 if method in ("POST", "PUT", "PATCH") else None
    return len(body)


def _request_head(
    method: str,
    target: Target,
    headers: Mapping[str, str],
    length: int | None,
    *,
    encoding: str,
    more: Mapping[str, str] | None = None,
) -> bytes:
    """Give the request line and headers as sent. Raises RequestRefused, quoting no value."""
    if method not in _METHODS:
        raise RequestRefused(target.host, "a method that is not used here")
    lines = {
        "Host": target.host_header,
        "Connection": "close",
        "Accept-Encoding": encoding,
        "User-Agent": "filmgate",
        **(more or {}),
    }
    if length is not None:
        lines["Content-Length"] = str(length)
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS:
            raise RequestRefused(target.host, "a header name that cannot be sent")
        if not _HEADER_VALUE.fullmatch(value):
            raise RequestRefused(target.host, f"a value of {name} that cannot be sent")
        if name.lower() == "user-agent":
            lines.pop("User-Agent", None)
        lines[name] = value
    head = [f"{method} {target.resource} HTTP/1.1"]
    head += [f"{name}: {value}" for name, value in lines.items()]
    return "\r\n".join([*head, "", ""]).encode("ascii")
