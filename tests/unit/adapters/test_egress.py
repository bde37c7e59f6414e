"""The way out, over real sockets, against servers that misbehave in every way we know.

These tests are the exception to "below e2e, sockets are shut": what is tested here is what the
sockets do. Every server listens on loopback in a thread of the test. The name server and the
function that connects are handed in, so that `https://provider.test` on port 443 passes the real,
strict policy with a public address and still ends at the test's server.
"""

import contextlib
import datetime
import gzip
import hashlib
import io
import ipaddress
import itertools
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from filmgate.adapters import addresses, egress
from filmgate.adapters.addresses import AddressPolicy
from filmgate.adapters.egress import (
    AddressRefused,
    Downloaded,
    Egress,
    EgressError,
    NotSent,
    OutcomeUnknown,
    Reply,
    RequestRefused,
    TooLarge,
    TransferCut,
    UnexpectedStatus,
)
from filmgate.adapters.targets import checked_webhook

NAME = "provider.test"
PUBLIC = "8.8.8.8"
HOSTS = frozenset({NAME})
URL = f"https://{NAME}/v1/images"
# Far above what any test needs; no test waits for it to pass.
AMPLE_S = 10.0


# --- Servers ----------------------------------------------------------------------------------


def make_context(folder: Path, name: str, names: list[x509.GeneralName]) -> ssl.SSLContext:
    """Give a server's TLS context with a fresh self-signed certificate, kept as `name`.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ssl.SSLContext]:
    """Server contexts by kind, and the client's, which trusts all but `untrusted`."""
    folder = tmp_path_factory.mktemp("tls")
    provider = [x509.DNSName(NAME), x509.DNSName("other.test"), x509.DNSName("xn--bcher-kva.test")]
    client = ssl.create_default_context()
    contexts = {
        "good": make_context(folder, "good", list(provider)),
        "wrong-name": make_context(folder, "wrong-name", [x509.DNSName("else.test")]),
        "untrusted": make_context(folder, "untrusted", list(provider)),
        "address": make_context(
            folder, "address", [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        ),
    }
    for trusted in ("good", "wrong-name", "address"):
        client.load_verify_locations(folder / f"{trusted}.pem")
    return {**contexts, "client": client}


def zipped(data: bytes) -> bytes:
    """Give data as gzip, the same bytes at any time of day: they name tests."""
    return gzip.compress(data, 1, mtime=0)


Script = Callable[[socket.socket, bytes], None]


class Server:
    """A TCP or TLS server whose every connection is played by the next script, the last for all.

    requests holds what each connection sent up to where its script took over; connections counts
    the accepted ones, and opened the TLS handshakes that came to an end.
    """

    def __init__(self, *scripts: Script, context: ssl.SSLContext | None = None) -> None:
        self.scripts = list(scripts)
        self.requests: list[bytes] = []
        self.names: list[str | None] = []
        self.connections = 0
        self.raw_bytes = 0
        self._context = context
        if context is not None:
            context.sni_callback = lambda _sock, name, _context: self.names.append(name)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in [self._accepting, *self._threads]:
            thread.join(5)

    def hold(self, seconds: float = AMPLE_S) -> None:
        """Wait until the test is over; how a script hangs."""
        self._stopping.wait(seconds)

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            script = self.scripts[min(self.connections, len(self.scripts) - 1)]
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection, script), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, script: Script) -> None:
        connection.settimeout(AMPLE_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(connection.close)
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
                stack.callback(connection.close)
            if getattr(script, "at_once", False):
                script(connection, b"")
                return
            request = self._read(connection)
            self.requests.append(request)
            if request:
                script(connection, request)
            # A clean end, so that only scripts that ask for a cut make one.
            if isinstance(connection, ssl.SSLSocket) and not getattr(script, "ragged", False):
                with contextlib.suppress(OSError, ValueError):
                    connection.settimeout(0.2)
                    connection.unwrap()

    def _read(self, connection: socket.socket) -> bytes:
        request = b""
        while b"\r\n\r\n" not in request:
            more = connection.recv(65536)
            if not more:
                return request
            self.raw_bytes += len(more)
            request += more
        head, _, body = request.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n")[1:]:
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(body) < length:
            more = connection.recv(65536)
            if not more:
                break
            self.raw_bytes += len(more)
            body += more
        return head + b"\r\n\r\n" + body


def sends(*parts: bytes) -> Script:
    """A script that sends these bytes and closes."""

    def script(connection: socket.socket, _request: bytes) -> None:
        for part in parts:
            connection.sendall(part)

    return script


def ragged(script: Script) -> Script:
    """The same script, ended without the close of TLS."""

    def same(connection: socket.socket, request: bytes) -> None:
        script(connection, request)

    same.ragged = True  # type: ignore[attr-defined]
    return same


def at_once(script: Script) -> Script:
    """The same script, played before any request is read."""

    def same(connection: socket.socket, request: bytes) -> None:
        script(connection, request)

    same.at_once = True  # type: ignore[attr-defined]
    return same


def reset(connection: socket.socket, _request: bytes = b"") -> None:
    """Close with a reset instead of a proper end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def answer(body: bytes = b"", status: int = 200, *headers: str, length: int | None = None) -> bytes:
    """Give a reply with an announced length, the true one unless told otherwise."""
    announced = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {announced}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def redirects(location: str, status: int = 302) -> Script:
    return sends(answer(b"", status, f"Location: {location}"))


def to_server(server: Server) -> Callable[[str, int, float], socket.socket]:
    """A connect function that ends at the test's server whatever the address."""

    def connect(_address: str, _port: int, timeout_s: float) -> socket.socket:
        return socket.create_connection(("127.0.0.1", server.port), min(timeout_s, AMPLE_S))

    return connect


def way_out(server: Server, tls: dict[str, ssl.SSLContext], **changes: Any) -> Egress:
    """An Egress under the strict policy for which every name is public and is this server."""
    parts: dict[str, Any] = {
        "resolve": lambda _host, _port: [PUBLIC],
        "connect": to_server(server),
        "sleep": lambda _seconds: None,
        "context": tls["client"],
    }
    return Egress(**{**parts, **changes})


def post(out: Egress, url: str = URL, **changes: Any) -> Reply:
    arguments: dict[str, Any] = {
        "headers": {"Authorization": "Bearer k"},
        "body": b'{"prompt": "a hat"}',
        "hosts": HOSTS,
        "deadline_s": AMPLE_S,
    }
    return out.call("POST", url, **{**arguments, **changes})


def fetch(out: Egress, url: str = URL, **changes: Any) -> tuple[Downloaded, bytes]:
    sink = io.BytesIO()
    arguments: dict[str, Any] = {"hosts": None, "deadline_s": AMPLE_S, "max_bytes": 1_000_000}
    got = out.download(url, sink, **{**arguments, **changes})
    return got, sink.getvalue()


def notify(out: Egress, url: str = URL, **changes: Any) -> int:
    arguments: dict[str, Any] = {
        "headers": {"webhook-id": "evt_1"},
        "body": b'{"type": "x"}',
        "deadline_s": AMPLE_S,
    }
    return out.notify(url, **{**arguments, **changes})


@pytest.fixture
def local_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "policy", AddressPolicy(loopback=True))


# --- A call that works ------------------------------------------------------------------------


def test_a_call_sends_one_request_to_the_checked_address_and_keeps_the_name(
    tls: dict[str, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    dialled = []

    with Server(
        sends(answer(b'{"id": 1}', 202, "X-Request-Id: r1")), context=tls["good"]
    ) as server:

        def connect(address: str, port: int, timeout_s: float) -> socket.socket:
            dialled.append((address, port))
            return to_server(server)(address, port, timeout_s)

        reply = post(way_out(server, tls, connect=connect), url="https://PROVIDER.test?a=b%20c")

    assert (reply.status, reply.body, reply.headers["x-REQUEST-id"]) == (202, b'{"id": 1}', "r1")
    assert dict(reply.headers) == {"content-length": "9", "x-request-id": "r1"}
    assert len(reply.headers) == 2
    assert dialled == [(PUBLIC, 443)]
    assert server.names == [NAME]
    [request] = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"POST /?a=b%20c HTTP/1.1"
    assert body == b'{"prompt": "a hat"}'
    assert {b"Host: provider.test", b"Connection: close", b"Accept-Encoding: gzip"} <= set(
        head.split(b"\r\n")
    )


@pytest.mark.parametrize(
    ("wire", "body"),
    [
        (answer(b"plain"), b"plain"),
        (answer(zipped(b"small"), 200, "Content-Encoding: gzip"), b"small"),
        (
            answer(zipped(b"two ") + zipped(b"parts"), 200, "Content-Encoding: gzip"),
            b"two parts",
        ),
        (
            answer(zipped(b"") * 4000 + zipped(b"x"), 200, "Content-Encoding: gzip"),
            b"x",
        ),
        (answer(b"", 200, "Content-Encoding: gzip"), b""),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n",
            b"abcd",
        ),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"after"), b"after"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ],
)
def test_honest_framing_is_read_whole(
    tls: dict[str, ssl.SSLContext], wire: bytes, body: bytes
) -> None:
    with Server(sends(wire), context=tls["good"]) as server:
        assert post(way_out(server, tls)).body == body


def test_headers_of_one_name_are_joined_and_the_agent_can_be_named(
    tls: dict[str, ssl.SSLContext],
) -> None:
    wire = answer(b"", 200, "X-Note: a", "x-note: b")
    with Server(sends(wire), context=tls["good"]) as server:
        reply = post(way_out(server, tls), headers={"user-agent": "studio/1"})

    assert reply.headers["X-Note"] == "a, b"
    assert b"user-agent: studio/1" in server.requests[0]
    assert b"filmgate" not in server.requests[0]


def test_a_large_request_goes_out_whole(tls: dict[str, ssl.SSLContext]) -> None:
    body = os.urandom(3_000_000)

    with Server(sends(answer(b"ok")), context=tls["good"]) as server:
        post(way_out(server, tls), body=body)

    assert server.requests[0].endswith(b"\r\n\r\n" + body)


def test_a_post_without_body_announces_none_and_a_get_says_nothing(
    tls: dict[str, ssl.SSLContext],
) -> None:
    with Server(sends(answer(b"ok")), context=tls["good"]) as server:
        post(way_out(server, tls), body=None)
        way_out(server, tls).call("GET", URL, headers={}, hosts=HOSTS, deadline_s=AMPLE_S)

    assert b"\r\nContent-Length: 0\r\n" in server.requests[0]
    assert b"Content-Length" not in server.requests[1]


# --- What happened on submit-----------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (429, ["Retry-After: 7"], b'{"error": {"code": "rate_limit"}}'),
        (503, [], b'{"error": {"code": "overloaded"}}'),
        (500, [], b'{"error": {"type": "server_error"}}'),
        (502, ["Content-Type: text/html"], b"<html>Bad gateway</html>"),
        (504, [], b""),
        (400, [], b'{"error": {"code": "invalid_size"}}'),
        (401, [], b"{}"),
        (402, [], b"{}"),
        (302, ["Location: https://provider.test/elsewhere"], b""),
        (200, ["Content-Type: text/html"], b"<html>hello</html>"),
        (200, [], b"not json"),
    ],
)
def test_every_whole_reply_is_handed_over_once_for_the_adapter_to_judge(
    tls: dict[str, ssl.SSLContext], status: int, headers: list[str], body: bytes
) -> None:
    with Server(sends(answer(body, status, *headers)), context=tls["good"]) as server:
        reply = post(way_out(server, tls))

    assert (reply.status, reply.body) == (status, body)
    assert all(reply.headers[h.split(": ")[0]] == h.split(": ")[1] for h in headers)
    assert len(server.requests) == server.connections == 1


def test_a_name_that_does_not_resolve_is_not_sent(tls: dict[str, ssl.SSLContext]) -> None:
    def fails(_host: str, _port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    def empty(_host: str, _port: int) -> list[str]:
        return []

    for resolve in (fails, empty):
        with pytest.raises(NotSent, match=r"^provider\.test: name not resolved$") as failure:
            post(Egress(resolve=resolve, context=tls["client"]))
        assert failure.value.proves_not_sent


def test_a_name_server_that_hangs_is_left_at_the_deadline(tls: dict[str, ssl.SSLContext]) -> None:
    over = threading.Event()

    def hangs(_host: str, _port: int) -> list[str]:
        over.wait(AMPLE_S)
        return [PUBLIC]

    with pytest.raises(NotSent, match="name not resolved in time"):
        post(Egress(resolve=hangs, context=tls["client"]), deadline_s=0.05)
    over.set()


def test_a_refused_connection_is_not_sent(tls: dict[str, ssl.SSLContext]) -> None:
    with Server(sends(b"")) as server:
        pass  # Closed again, so that its port refuses.

    with pytest.raises(NotSent, match="connection refused") as failure:
        post(way_out(server, tls))
    assert failure.value.proves_not_sent


def test_a_connect_time_out_is_not_sent(local_policy: None) -> None:
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # The queue takes one or two; further handshakes get no answer.
            filler = waiting.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/"

        with pytest.raises(NotSent, match="connecting timed out") as failure:
            post(Egress(), url, hosts=frozenset({"127.0.0.1"}), deadline_s=0.2)

    assert failure.value.proves_not_sent


@pytest.mark.parametrize(
    ("kind", "script", "reason"),
    [
        ("untrusted", sends(answer()), "TLS failed: "),
        ("wrong-name", sends(answer()), "TLS failed: Hostname mismatch"),
        (None, at_once(sends(b"HTTP/1.1 400 plain text here\r\n\r\n")), "TLS failed"),
        (None, at_once(sends(b"")), "TLS failed"),
        pytest.param(
            None,
            at_once(reset),
            "TLS failed|not connected",  # as the race ends
            # CPython forgets to close its half-made SSL socket when the reset comes within it.
            marks=pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
        ),
    ],
)
def test_a_failed_handshake_is_not_sent(
    tls: dict[str, ssl.SSLContext], kind: str | None, script: Script, reason: str
) -> None:
    with (
        Server(script, context=tls[kind] if kind else None) as server,
        pytest.raises(NotSent, match=reason) as failure,
    ):
        post(way_out(server, tls))

    assert failure.value.proves_not_sent
    assert not any(server.requests)


def test_a_handshake_that_hangs_is_not_sent(tls: dict[str, ssl.SSLContext]) -> None:
    with (
        Server(at_once(lambda _connection, _request: server.hold())) as server,
        pytest.raises(NotSent, match="TLS handshake timed out"),
    ):
        post(way_out(server, tls), deadline_s=0.1)


def test_the_next_address_is_tried_and_none_is_tried_twice(tls: dict[str, ssl.SSLContext]) -> None:
    tried = []
    with Server(sends(answer(b"ok")), context=tls["good"]) as server:

        def connect(address: str, port: int, timeout_s: float) -> socket.socket:
            tried.append((address, round(timeout_s)))
            if len(tried) < 3:
                raise OSError("no route")
            return to_server(server)(address, port, timeout_s)

        found = ["2606:4700::1", "8.8.4.4", "1.1.1.1", "9.9.9.9", "8.8.8.8"]
        out = way_out(server, tls, connect=connect, resolve=lambda _host, _port: found)
        reply = post(out, deadline_s=12)

    assert reply.body == b"ok"
    assert tried == [("2606:4700::1", 3), ("8.8.4.4", 4), ("1.1.1.1", 6)]


def cut_in_body(connection: socket.socket, _request: bytes) -> None:
    connection.sendall(answer(b"half", length=100))


def drops_mid_line(connection: socket.socket, _request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 2")


def then_reset(first: bytes) -> Script:
    def script(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(first)
        time.sleep(0.02)
        reset(connection)

    return script


GZIPPED = zipped(b"x" * 10_000)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(sends(b""), id="closed without a word"),
        pytest.param(reset, id="reset after the request"),
        pytest.param(then_reset(b"HTTP/1.1 200 OK\r\nContent-"), id="reset within the headers"),
        pytest.param(then_reset(answer(b"half", length=9)), id="reset within the body"),
        pytest.param(drops_mid_line, id="cut within the status line"),
        pytest.param(cut_in_body, id="cut within the body"),
        pytest.param(ragged(cut_in_body), id="cut within the body, no close of TLS"),
        pytest.param(
            ragged(sends(b"HTTP/1.0 200 OK\r\n\r\nhalf")), id="end of body without close of TLS"
        ),
        pytest.param(sends(CHUNKED + b"5\r\nab"), id="cut within a chunk"),
        pytest.param(sends(CHUNKED + b"2\r\nab\r\n"), id="no last chunk"),
        pytest.param(sends(CHUNKED + b"-5\r\nab\r\n0\r\n\r\n"), id="negative chunk"),
        pytest.param(sends(CHUNKED + b"zz\r\nab\r\n0\r\n\r\n"), id="chunk of no size"),
        pytest.param(sends(b"hello\r\n\r\n"), id="not HTTP"),
        pytest.param(sends(b"\x16\x03\x01\x00\xff" * 50), id="binary"),
        pytest.param(sends(b"HTTP/1.1 abc OK\r\n\r\n"), id="no status"),
        pytest.param(sends(b"HTTP/1.1 99999 OK\r\n\r\n"), id="status out of range"),
        pytest.param(sends(b"HTTP/1.1 101 Switching\r\n\r\n"), id="switches protocol"),
        pytest.param(sends(b"HTTP/1.1 103 Early\r\n\r\n" + answer(b"x")), id="early hints"),
        pytest.param(sends(b"HTTP/1.1 100 Continue\r\n\r\n"), id="continues and closes"),
        pytest.param(
            sends(b"HTTP/1.1 200 OK\r\nA: " + b"a" * 70_000 + b"\r\n\r\n"), id="long header"
        ),
        pytest.param(sends(b"HTTP/1.1 200 OK\r\n" + b"A: a\r\n" * 200 + b"\r\n"), id="200 headers"),
        pytest.param(sends(answer(b"ab", 200, "Content-Length: 1")), id="two lengths"),
        pytest.param(
            sends(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}"), id="negative length"
        ),
        pytest.param(sends(b"HTTP/1.1 200 OK\r\nContent-Length: 1e3\r\n\r\n{}"), id="odd length"),
        pytest.param(
            sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
            id="transfer coding",
        ),
        pytest.param(sends(answer(b"x" * 2001)), id="announced over the cap"),
        pytest.param(
            sends(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 2001), id="over the cap unannounced"
        ),
        pytest.param(sends(answer(GZIPPED, 200, "Content-Encoding: gzip")), id="gzip over the cap"),
        pytest.param(
            sends(answer(zipped(b"x")[:-1], 200, "Content-Encoding: gzip")), id="gzip cut"
        ),
        pytest.param(
            sends(answer(b"plain", 200, "Content-Encoding: gzip")), id="gzip that is none"
        ),
        pytest.param(sends(answer(b"x", 200, "Content-Encoding: br")), id="encoding not asked for"),
    ],
)
def test_anything_but_a_whole_reply_after_sending_leaves_the_outcome_unknown(
    tls: dict[str, ssl.SSLContext], script: Script
) -> None:
    with (
        Server(script, context=tls["good"]) as server,
        pytest.raises(OutcomeUnknown, match=f"^{NAME}: ") as failure,
    ):
        post(way_out(server, tls), max_bytes=2000)

    assert not failure.value.proves_not_sent
    assert len(server.requests) == server.connections == 1


def test_a_read_time_out_leaves_the_outcome_unknown(tls: dict[str, ssl.SSLContext]) -> None:
    with Server(lambda _connection, _request: server.hold(), context=tls["good"]) as server:
        started = time.monotonic()
        with pytest.raises(OutcomeUnknown, match="no whole reply in time"):
            post(way_out(server, tls), deadline_s=0.3)
        waited = time.monotonic() - started

    assert waited < 3.0


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", answer(b"", length=10**6)])
def test_a_dripping_reply_is_left_at_the_deadline(
    tls: dict[str, ssl.SSLContext], start: bytes
) -> None:
    # The clock advances a second per look at it, and there is one look per read.
    def drips(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(start)
        for _ in range(500):
            time.sleep(0.001)
            connection.sendall(b"H")

    seconds = itertools.count()
    with (
        Server(drips, context=tls["good"]) as server,
        pytest.raises(OutcomeUnknown, match="no whole reply in time"),
    ):
        post(way_out(server, tls, clock=lambda: float(next(seconds))), deadline_s=40)

    assert next(seconds) < 60


def test_a_server_that_does_not_read_is_left_at_the_deadline(
    tls: dict[str, ssl.SSLContext],
) -> None:
    with (
        Server(at_once(lambda _connection, _request: server.hold()), context=tls["good"]) as server,
        pytest.raises(OutcomeUnknown, match="no whole reply in time"),
    ):
        post(way_out(server, tls), body=bytes(30_000_000), deadline_s=0.5)


def test_a_refusal_that_comes_before_the_body_was_read_is_heard(local_policy: None) -> None:
    def refuses_early(connection: socket.socket, _request: bytes) -> None:
        connection.recv(1000)
        connection.sendall(answer(b"too large", 413))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1_000_000):
            time.sleep(0)

    with Server(at_once(refuses_early)) as server:
        url = f"http://127.0.0.1:{server.port}/"
        reply = post(Egress(), url, body=bytes(3_000_000), hosts=frozenset({"127.0.0.1"}))

    assert reply.status == 413


def test_a_refusal_is_heard_even_if_the_rest_of_the_request_can_no_longer_be_sent(
    local_policy: None,
) -> None:
    class Stopped(socket.socket):
        def send(self, *_: Any) -> int:
            raise BrokenPipeError

    def connect(address: str, port: int, _timeout_s: float) -> socket.socket:
        connection = Stopped(socket.AF_INET, socket.SOCK_STREAM)
        connection.connect((address, port))
        return connection

    with Server(at_once(sends(answer(b"bad key", 401)))) as server:
        url = f"http://127.0.0.1:{server.port}/"
        reply = post(Egress(connect=connect), url, hosts=frozenset({"127.0.0.1"}))

    assert (reply.status, reply.body) == (401, b"bad key")


# --- The boundary: from where on may the provider have the request? -----------------------------


@pytest.mark.parametrize("secure", [True, False])
def test_whenever_the_deadline_strikes_not_sent_means_no_byte_was_sent(
    tls: dict[str, ssl.SSLContext], local_policy: None, secure: bool
) -> None:
    outcomes: list[object] = []
    for strike in itertools.count(1):
        looks = itertools.count()

        def clock(looks: Iterator[int] = looks, strike: int = strike) -> float:
            return 0.0 if next(looks) < strike else 1000.0

        with Server(sends(answer(b"ok")), context=tls["good"] if secure else None) as server:
            url = URL if secure else f"http://127.0.0.1:{server.port}/"
            came = outcome(way_out(server, tls, clock=clock), url, HOSTS | {"127.0.0.1"})
        if isinstance(came, Reply):
            break
        outcomes.append(type(came))
        assert not (came.proves_not_sent and server.raw_bytes)

    # First only NotSent, then only OutcomeUnknown, at last the reply: one boundary.
    assert [kind for kind, _ in itertools.groupby(outcomes)] == [NotSent, OutcomeUnknown]


def test_a_deadline_that_is_over_once_connected_ends_before_any_doubt(local_policy: None) -> None:
    now = [0.0]
    with Server(sends(answer(b"ok"))) as server:

        def connect(address: str, port: int, timeout_s: float) -> socket.socket:
            now[0] = AMPLE_S
            return to_server(server)(address, port, timeout_s)

        url = f"http://127.0.0.1:{server.port}/"
        with pytest.raises(NotSent, match="out of time before sending"):
            post(Egress(connect=connect, clock=lambda: now[0]), url, hosts=frozenset({"127.0.0.1"}))

    assert server.raw_bytes == 0


def outcome(out: Egress, url: str, hosts: frozenset[str]) -> Reply | EgressError:
    """Give what a submit came to, a failure as a value."""
    try:
        return post(out, url, hosts=hosts)
    except EgressError as failure:
        return failure


class Failing(socket.socket):
    """A socket whose n-th operation fails, and which counts the bytes handed over to it."""

    countdown: int
    handed_over: int
    failure: Exception

    def _step(self) -> None:
        self.countdown -= 1
        if self.countdown == 0:
            self.shutdown(socket.SHUT_RDWR)  # As after a real reset, there is nothing to read.
            raise self.failure

    def settimeout(self, value: float | None) -> None:
        self._step()
        super().settimeout(value)

    def send(self, data: Any, *flags: int) -> int:
        self._step()
        self.handed_over += len(data)
        return super().send(data[:30], *flags)  # In small pieces, so that there are many steps.

    def recv_into(self, *arguments: Any, **options: Any) -> int:
        self._step()
        return super().recv_into(*arguments, **options)


@pytest.mark.parametrize(
    "failure", [ConnectionResetError(), BrokenPipeError(), TimeoutError(), ValueError("odd")]
)
def test_whichever_socket_operation_fails_not_sent_means_nothing_was_handed_over(
    local_policy: None, failure: Exception
) -> None:
    kinds = set()
    with Server(sends(answer(b"ok"))) as server:
        for step in itertools.count(1):
            connection = Failing(socket.AF_INET, socket.SOCK_STREAM)
            connection.connect(("127.0.0.1", server.port))
            connection.countdown, connection.handed_over = step, 0
            connection.failure = failure
            out = Egress(connect=lambda *_, made=connection: made)
            url = f"http://127.0.0.1:{server.port}/"
            came = outcome(out, url, frozenset({"127.0.0.1"}))
            assert connection.fileno() == -1
            if isinstance(came, Reply):
                break
            kinds.add(type(came))
            assert not (came.proves_not_sent and connection.handed_over)

    assert kinds == {OutcomeUnknown}
    assert step > 6


def test_a_surprise_of_the_parser_is_doubt_and_never_another_exception(
    tls: dict[str, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    def explodes(*_: object) -> None:
        raise RuntimeError("Bearer canary")

    monkeypatch.setattr("http.client.HTTPResponse.begin", explodes)
    with (
        Server(sends(answer(b"ok")), context=tls["good"]) as server,
        pytest.raises(OutcomeUnknown) as failure,
    ):
        post(way_out(server, tls))

    assert "canary" not in "".join(traceback.format_exception(failure.value))


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", {"Authorization": "Bearer canary\n"}),
        ("POST", {"Authorization": "Bearer canary\r\nX: y"}),
        ("POST", {"Authorization": "Bearer canary\0"}),
        ("POST", {"Authorization": ""}),
        ("POST", {"Authorization": "Bearer canäry"}),
        ("POST", {"X canary": "y"}),
        ("POST", {"": "y"}),
        ("POST", {"Host": "canary.test"}),
        ("POST", {"transfer-ENCODING": "canary"}),
        ("POST", {"Content-Length": "0"}),
        ("TRACE", {}),
        ("GET /canary HTTP/1.1\r\nX:", {}),
    ],
)
def test_a_request_that_cannot_go_on_the_wire_is_refused_before_connecting(
    tls: dict[str, ssl.SSLContext], method: str, headers: dict[str, str]
) -> None:
    with (
        Server(sends(answer(b"ok")), context=tls["good"]) as server,
        pytest.raises(RequestRefused) as failure,
    ):
        way_out(server, tls).call(method, URL, headers=headers, hosts=HOSTS, deadline_s=AMPLE_S)

    assert server.connections == 0
    assert failure.value.proves_not_sent
    assert "canary" not in str(failure.value)


def test_messages_name_the_host_and_nothing_else(tls: dict[str, ssl.SSLContext]) -> None:
    url = f"https://{NAME}/v1/canary?key=canary"
    scripts = [
        reset,
        cut_in_body,
        sends(b"canary"),
        sends(b"HTTP/1.1 canary"),
        sends(CHUNKED + b"canary"),
        sends(answer(b"canary", 404)),
        redirects("https://canary:canary@provider.test/canary"),
    ]
    told = []

    for script in scripts:
        with Server(script, context=tls["good"]) as server:
            out = way_out(server, tls)
            for attempt in (post, fetch):
                try:
                    told.append(repr(attempt(out, url, headers={"X": "canary"})))
                except EgressError as failure:
                    told += [repr(failure), *printed(failure)]

    assert len(told) > 2 * len(scripts)
    assert [line for line in told if "canary" in line] == []


def printed(failure: BaseException) -> list[str]:
    """Give the lines of a printed failure and of its causes, without the places in the code."""
    lines = "".join(traceback.format_exception(failure)).splitlines()
    return [line for line in lines if not line.startswith(" ")]


def test_a_gzip_bomb_is_left_at_the_cap_and_not_unpacked(tls: dict[str, ssl.SSLContext]) -> None:
    bomb = zipped(bytes(300_000_000))
    wire = answer(bomb, 200, "Content-Encoding: gzip")

    with Server(sends(wire), context=tls["good"]) as server:
        import tracemalloc

        tracemalloc.start()
        with pytest.raises(OutcomeUnknown, match="larger than allowed"):
            post(way_out(server, tls), max_bytes=5_000_000)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert peak < 25_000_000


# --- Downloads --------------------------------------------------------------------------------

FILE = bytes(range(256)) * 1000
TAG = 'ETag: "v1"'


def test_a_download_gives_size_hash_and_claimed_type(tls: dict[str, ssl.SSLContext]) -> None:
    with Server(sends(answer(FILE, 200, "Content-Type: image/png")), context=tls["good"]) as server:
        got, content = fetch(way_out(server, tls))

    assert content == FILE
    assert got == Downloaded(len(FILE), hashlib.sha256(FILE).hexdigest(), "image/png")


def half_then_cut(*headers: str) -> Script:
    return sends(answer(FILE[:100_000], 200, *headers, length=len(FILE)))


def rest(*headers: str, shift: int = 0, total: int = len(FILE), short: int = 0) -> Script:
    """A script that gives the rest asked for, or claims to."""
    own = FILE if TAG in headers else bytes(len(FILE))

    def script(connection: socket.socket, request: bytes) -> None:
        start = int(request.split(b"Range: bytes=")[1].split(b"-")[0]) + shift
        claim = f"Content-Range: bytes {start}-{total - 1}/{total}"
        connection.sendall(answer(own[start : len(FILE) - short], 206, claim, *headers))

    return script


def test_a_cut_download_goes_on_where_it_stopped_if_it_is_proved_the_same_file(
    tls: dict[str, ssl.SSLContext],
) -> None:
    with Server(half_then_cut(TAG), rest(TAG), context=tls["good"]) as server:
        got, content = fetch(way_out(server, tls))

    assert content == FILE
    assert got.sha256 == hashlib.sha256(FILE).hexdigest()
    assert b'If-Range: "v1"' in server.requests[1]
    assert b"Range: bytes=0-" not in server.requests[1]


def test_a_rest_that_is_cut_too_is_gone_on_with(tls: dict[str, ssl.SSLContext]) -> None:
    scripts = [half_then_cut(TAG), rest(TAG, short=50_000), rest(TAG)]
    with Server(*scripts, context=tls["good"]) as server:
        assert fetch(way_out(server, tls))[1] == FILE

    assert b"Range: bytes=206000-" in server.requests[2]


@pytest.mark.parametrize(
    ("tags", "second"),
    [
        ([], sends(answer(FILE))),
        (['ETag: W/"v1"'], sends(answer(FILE))),
        ([TAG], sends(answer(FILE, 200, 'ETag: "v2"'))),
        ([TAG], sends(answer(b"", 416))),
        ([TAG], sends(answer(b"rest", 206))),
        ([TAG], rest('ETag: "v2"')),
        ([TAG], rest(TAG, shift=-5)),
        ([TAG], rest(TAG, shift=5)),
        ([TAG], rest(TAG, total=len(FILE) + 1)),
        ([TAG], rest(TAG, "Content-Encoding: gzip")),
    ],
)
def test_what_is_not_proved_to_fit_is_fetched_again_whole(
    tls: dict[str, ssl.SSLContext], tags: list[str], second: Script
) -> None:
    sink = io.BytesIO(b"before")
    sink.seek(6)

    with Server(half_then_cut(*tags), second, sends(answer(FILE)), context=tls["good"]) as server:
        got = way_out(server, tls).download(
            URL, sink, hosts=HOSTS, deadline_s=AMPLE_S, max_bytes=len(FILE)
        )

    assert sink.getvalue() == b"before" + FILE
    assert (got.size_bytes, got.sha256) == (len(FILE), hashlib.sha256(FILE).hexdigest())
    assert (b"Range:" in server.requests[1]) == (TAG in tags)


def test_nothing_of_a_longer_file_stays_behind_a_shorter_one(
    tls: dict[str, ssl.SSLContext],
) -> None:
    with Server(half_then_cut(), sends(answer(b"short")), context=tls["good"]) as server:
        got, content = fetch(way_out(server, tls))

    assert (got.size_bytes, content) == (5, b"short")


@pytest.mark.parametrize(
    "script",
    [half_then_cut(), half_then_cut(TAG), sends(b""), reset, sends(CHUNKED + b"5\r\nab")],
)
def test_five_cuts_are_the_end(tls: dict[str, ssl.SSLContext], script: Script) -> None:
    pauses: list[float] = []

    with (
        Server(script, context=tls["good"]) as server,
        pytest.raises(TransferCut),
    ):
        fetch(way_out(server, tls, sleep=pauses.append))

    assert server.connections == 5
    assert pauses == [0.0, 0.2, 0.4, 0.8]


def test_no_try_begins_after_the_deadline(tls: dict[str, ssl.SSLContext]) -> None:
    now = [0.0]

    def hangs_up(connection: socket.socket, _request: bytes) -> None:
        now[0] += 4.0

    with (
        Server(hangs_up, context=tls["good"]) as server,
        pytest.raises(TransferCut),
    ):
        fetch(way_out(server, tls, clock=lambda: now[0]), deadline_s=10)

    assert server.connections == 3


@pytest.mark.parametrize("status", [403, 404, 410, 400, 401, 300, 304, 206])
def test_a_refused_file_is_told_by_its_status_at_once(
    tls: dict[str, ssl.SSLContext], status: int
) -> None:
    with (
        Server(sends(answer(b"", status)), context=tls["good"]) as server,
        pytest.raises(UnexpectedStatus) as failure,
    ):
        fetch(way_out(server, tls))

    assert (failure.value.status, server.connections) == (status, 1)


def test_a_busy_file_server_is_asked_again(tls: dict[str, ssl.SSLContext]) -> None:
    scripts = [sends(answer(b"", 503)), sends(answer(b"", 429)), sends(answer(FILE))]
    with Server(*scripts, context=tls["good"]) as server:
        assert fetch(way_out(server, tls))[1] == FILE

    with (
        Server(sends(answer(b"", 500)), context=tls["good"]) as server,
        pytest.raises(UnexpectedStatus, match="status 500"),
    ):
        fetch(way_out(server, tls))
    assert server.connections == 5


@pytest.mark.parametrize(
    "wire",
    [
        answer(FILE),
        b"HTTP/1.0 200 OK\r\n\r\n" + FILE,
        answer(zipped(FILE), 200, "Content-Encoding: gzip"),
    ],
)
def test_a_file_over_the_cap_is_left_there(tls: dict[str, ssl.SSLContext], wire: bytes) -> None:
    sink = io.BytesIO()

    with (
        Server(sends(wire), context=tls["good"]) as server,
        pytest.raises(TooLarge),
    ):
        way_out(server, tls).download(
            URL, sink, hosts=None, deadline_s=AMPLE_S, max_bytes=len(FILE) - 1
        )

    assert len(sink.getvalue()) < len(FILE)
    assert server.connections == 1


def test_the_cap_holds_across_tries(tls: dict[str, ssl.SSLContext]) -> None:
    def one_more_than_claimed(connection: socket.socket, request: bytes) -> None:
        start = int(request.split(b"Range: bytes=")[1].split(b"-")[0])
        claim = f"Content-Range: bytes {start}-{len(FILE) - 1}/{len(FILE)}\r\n".encode()
        rest_and_one = bytes(len(FILE) - start + 1)
        connection.sendall(
            b"HTTP/1.1 206 X\r\nTransfer-Encoding: chunked\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n"
            % (claim, len(rest_and_one), rest_and_one)
        )

    with (
        Server(half_then_cut(TAG), one_more_than_claimed, context=tls["good"]) as server,
        pytest.raises(TooLarge),
    ):
        fetch(way_out(server, tls), max_bytes=len(FILE))


def test_what_the_sink_raises_is_not_mistaken_for_the_network(
    tls: dict[str, ssl.SSLContext],
) -> None:
    class Full(io.BytesIO):
        def write(self, _data: Any) -> int:
            raise OSError(28, "no space left on device")

    with (
        Server(sends(answer(FILE)), context=tls["good"]) as server,
        pytest.raises(OSError, match="no space left"),
    ):
        way_out(server, tls).download(
            URL, Full(), hosts=None, deadline_s=AMPLE_S, max_bytes=len(FILE)
        )

    assert server.connections == 1


# --- Redirects --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/b", "b", "//other.test/b", "https://other.test/b?c=d"])
def test_a_download_follows_a_redirect(
    tls: dict[str, ssl.SSLContext], status: int, location: str
) -> None:
    with Server(redirects(location, status), sends(answer(FILE)), context=tls["good"]) as server:
        assert fetch(way_out(server, tls))[1] == FILE

    assert server.names == [NAME, "other.test" if "other" in location else NAME]


def test_the_third_redirect_is_followed_and_the_fourth_is_not(
    tls: dict[str, ssl.SSLContext],
) -> None:
    three = [redirects("/a"), redirects("/b"), redirects("/c")]
    with Server(*three, sends(answer(FILE)), context=tls["good"]) as server:
        assert fetch(way_out(server, tls))[1] == FILE

    with (
        Server(redirects("/again"), context=tls["good"]) as server,
        pytest.raises(AddressRefused, match="redirects more than 3 times"),
    ):
        fetch(way_out(server, tls))
    assert server.connections == 4


def test_credentials_stay_with_the_origin_they_were_meant_for(
    tls: dict[str, ssl.SSLContext],
) -> None:
    there_and_back = [redirects("/same"), redirects("https://other.test/"), redirects(URL)]

    with Server(*there_and_back, sends(answer(FILE)), context=tls["good"]) as server:
        fetch(way_out(server, tls), headers={"Authorization": "Bearer canary"})

    assert [b"canary" in request for request in server.requests] == [True, True, False, False]


def test_a_call_follows_no_redirect(tls: dict[str, ssl.SSLContext]) -> None:
    with Server(redirects("https://other.test/", 307), context=tls["good"]) as server:
        assert post(way_out(server, tls)).status == 307

    assert server.connections == 1


@pytest.mark.parametrize(
    "location",
    [
        "http://provider.test/",
        "http://127.0.0.1/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data/",
        "//169.254.170.2/v2/credentials",
        "https://metadata.test/",
        "file:///etc/passwd",
        "ftp://provider.test/",
        "gopher://provider.test/",
        "data:text/plain,x",
        "javascript:1",
        "https://provider.test:8443/",
        "https://user:secret@provider.test/",
        "https://provider.test\\@evil.test/",
        "https://provider.test/\tx",
        "/\u00e9",
        "https://[",
        "",
    ],
)
def test_a_redirect_to_what_is_not_allowed_is_refused_before_connecting(
    tls: dict[str, ssl.SSLContext], location: str
) -> None:
    def resolve(host: str, _port: int) -> list[str]:
        return ["169.254.169.254"] if host == "metadata.test" else [PUBLIC]

    with (
        Server(redirects(location), sends(answer(FILE)), context=tls["good"]) as server,
        pytest.raises(AddressRefused),
    ):
        fetch(way_out(server, tls, resolve=resolve))

    assert server.connections == 1


def test_a_redirect_away_from_the_listed_hosts_is_refused(tls: dict[str, ssl.SSLContext]) -> None:
    with (
        Server(redirects("https://other.test/"), context=tls["good"]) as server,
        pytest.raises(AddressRefused, match=r"^other\.test: is not on the list"),
    ):
        fetch(way_out(server, tls), hosts=HOSTS)

    assert server.connections == 1


# --- Notices to receivers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "wire",
    [
        answer(b"ok", 200),
        answer(b"", 204),
        answer(b"no", 410),
        answer(b"", 302, "Location: https://other.test/"),
        answer(b"x", 200, length=10**12),  # a body without an end is nobody's business
        answer(b"cut", 200, length=9),
        answer(b"no gzip", 500, "Content-Encoding: gzip"),
    ],
)
def test_a_notice_gives_the_status_alone_whatever_the_body_is(
    tls: dict[str, ssl.SSLContext], wire: bytes
) -> None:
    with Server(sends(wire), context=tls["good"]) as server:
        status = notify(way_out(server, tls))

    assert status == int(wire.split(b" ")[1])
    assert server.connections == 1
    (request,) = server.requests
    assert request.startswith(b"POST /v1/images HTTP/1.1\r\n")
    assert b"webhook-id: evt_1\r\n" in request
    assert request.endswith(b'\r\n\r\n{"type": "x"}')


def test_a_notice_that_gets_no_readable_answer_is_no_success(
    tls: dict[str, ssl.SSLContext],
) -> None:
    with (
        Server(sends(b"SSH-2.0-x\r\n"), context=tls["good"]) as server,
        pytest.raises(OutcomeUnknown),
    ):
        notify(way_out(server, tls))


# --- Names and addresses ------------------------------------------------------------------------


def test_a_name_is_resolved_once_so_that_a_second_answer_cannot_differ(
    tls: dict[str, ssl.SSLContext],
) -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    dialled = []

    with Server(sends(answer(b"ok")), context=tls["good"]) as server:

        def connect(address: str, port: int, timeout_s: float) -> socket.socket:
            dialled.append(address)
            return to_server(server)(address, port, timeout_s)

        post(way_out(server, tls, resolve=lambda _host, _port: next(answers), connect=connect))

    assert dialled == [PUBLIC]
    assert next(answers) == ["127.0.0.1"]


def test_a_name_that_turns_to_loopback_between_hops_or_tries_is_refused(
    tls: dict[str, ssl.SSLContext],
) -> None:
    for first in (redirects("/again"), half_then_cut(TAG)):
        answers = iter([[PUBLIC], ["127.0.0.1"]])
        with Server(first, sends(answer(FILE)), context=tls["good"]) as server:
            out = way_out(server, tls, resolve=lambda _host, _port, left=answers: next(left))
            with pytest.raises(AddressRefused, match="not permitted"):
                fetch(out)
        assert server.connections == 1


@pytest.mark.parametrize(
    "found", [[PUBLIC, "10.0.0.1"], ["127.0.0.1", PUBLIC], [PUBLIC] * 9 + ["::1"]]
)
def test_one_bad_address_among_good_ones_refuses_the_name(
    tls: dict[str, ssl.SSLContext], found: list[str]
) -> None:
    with (
        Server(sends(answer(b"ok")), context=tls["good"]) as server,
        pytest.raises(AddressRefused) as failure,
    ):
        post(way_out(server, tls, resolve=lambda _host, _port: found))

    assert failure.value.proves_not_sent
    assert server.connections == 0


@pytest.mark.parametrize(
    ("host", "hosts", "allowed"),
    [
        ("provider.test", {"provider.test"}, True),
        ("provider.test", {"PROVIDER.test"}, True),
        ("bucket.oss.test", {".oss.test"}, True),
        ("a.b.oss.test", {".oss.test"}, True),
        ("oss.test", {".oss.test"}, False),
        ("evil-oss.test", {".oss.test"}, False),
        ("oss.test.evil.test", {".oss.test"}, False),
        ("sub.provider.test", {"provider.test"}, False),
        ("provider.test.evil.test", {"provider.test"}, False),
        ("xprovider.test", {"provider.test"}, False),
        ("prоvider.test", {"provider.test"}, False),  # with a Cyrillic letter
        ("8.8.8.8", {".8.8"}, False),
        ("provider.test", set(), False),
    ],
)
def test_hosts_are_listed_by_name_or_by_suffix(
    tls: dict[str, ssl.SSLContext], host: str, hosts: set[str], allowed: bool
) -> None:
    with (
        Server(at_once(sends(b"HTTP/1.1 400 no TLS here\r\n\r\n"))) as server,
        pytest.raises(NotSent if allowed else AddressRefused),
    ):
        post(way_out(server, tls), f"https://{host}/", hosts=frozenset(hosts))

    assert server.connections == (1 if allowed else 0)


def test_a_unicode_name_goes_out_in_its_ascii_form(tls: dict[str, ssl.SSLContext]) -> None:
    asked = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return [PUBLIC]

    with Server(sends(answer(b"ok")), context=tls["good"]) as server:
        out = way_out(server, tls, resolve=resolve)
        post(out, "https://Bücher.test/", hosts=frozenset({"xn--bcher-kva.test"}))

    assert asked == server.names == ["xn--bcher-kva.test"]
    assert b"Host: xn--bcher-kva.test\r\n" in server.requests[0]


# Refused by the text alone: for these the name server would give a public address.
HOSTILE_URLS = [
    # other schemes, and none
    *["http://provider.test/", "ftp://provider.test/", "file:///etc/passwd", "gopher://a.test/"],
    *["data:text/plain,x", "javascript:alert(1)", "//provider.test/", "provider.test/x", ""],
    *["https:provider.test", "https:/provider.test", "https:///provider.test", "https://"],
    *["dict://a.test:11211/", "ws://provider.test/", "unix:///run/x", "HTTP://provider.test/"],
    # user-info and what parsers disagree about
    *["https://user@provider.test/", "https://user:pw@provider.test/", "https://@provider.test/"],
    *["https://provider.test@evil.test/", "https://evil.test\\@provider.test/"],
    *["https://evil.test#@provider.test/", "https://provider.test/#fragment"],
    *["https://provider.test\\.evil.test/", "https:\\\\provider.test/", "https://a.test?@b.test#"],
    # ports
    *["https://provider.test:80/", "https://provider.test:22/", "https://provider.test:8443/"],
    *["https://provider.test:0/", "https://provider.test:65536/", "https://provider.test:4430/"],
    *["https://provider.test:/", "https://provider.test:0443/", "https://provider.test:+443/"],
    *[
        "https://provider.test:443:443/",
        "https://provider.test:４４３/",
        "https://provider.test:x/",
    ],
    # white space and control characters
    *[" https://provider.test/", "https://provider.test/ ", "https://provider.test/a b"],
    *["https://provider.test/\r\nHost: evil.test", "https://prov\tider.test/", "https://a\0.test/"],
    *["https://provider.test\n/", "https://provider.test/\x7f", "https://provider.test/é"],
    # this machine by name
    *["https://localhost/", "https://LOCALHOST/", "https://a.localhost/", "https://localhost:443/"],
    *["https://localhost./", "https://a.localhost./", "https://metadata/", "https://intranet/"],
    # trailing and doubled dots, percent signs, odd labels
    *["https://provider.test./", "https://127.0.0.1./", "https://.provider.test/", "https://./"],
    *["https://provider..test/", "https://provider%2etest/", "https://%31%32%37.0.0.1/"],
    *["https://-a.test/", "https://a-.test/", "https://a*.test/", "https://" + "a" * 64 + ".test/"],
    *["https://" + "a." * 130 + "test/", "https://provider.test/" + "a" * 9000],
    # Unicode that turns into something else: dots, digits, letters, invisible signs
    *["https://127。0。0。1/", "https://127．0．0．1/", "https://provider｡test/"],
    *["https://１２７.０.０.１/", "https://①②⑦.0.0.1/", "https://ⓛocalhost/", "https://ﬁle.test/"],
    *["https://straße.test/", "https://pro\u200dvider.test/", "https://pro\u00advider.test/"],
    *["https://prov\u2024test/", "https://a\u2215b.test/", "https://\u212aube.test/"],
    *["https://a\uff0f.test/", "https://\ud800.test/"],
    # loopback and the rest of IPv4 in all its spellings
    *["https://127.0.0.1/", "https://127.1/", "https://127.0.1/", "https://2130706433/"],
    *["https://0x7f000001/", "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://017700000001/"],
    *["https://127.0.0.01/", "https://127.0.0.0x1/", "https://127.0.0.1.1/", "https://0/"],
    *[
        "https://0x/",
        "https://1.1/",
        "https://134744072/",
        "https://0x08080808/",
        "https://a.0x7f/",
    ],
    *["https://a.test.1/", "https://256.256.256.256/", "https://0.0.0.0/", "https://10.0.0.1/"],
    *["https://192.168.1.1/", "https://172.16.0.1/", "https://100.100.100.200/"],
    *["https://169.254.169.254/", "https://0xa9fea9fe/", "https://2852039166/"],
    *["https://169.254.170.2/", "https://168.63.129.16/", "https://192.0.0.192/"],
    *["https://224.0.0.1/", "https://255.255.255.255/", "https://198.18.0.1/"],
    # and of IPv6
    *[
        "https://[::1]/",
        "https://[::]/",
        "https://[0:0:0:0:0:0:0:1]/",
        "https://[::ffff:127.0.0.1]/",
    ],
    *["https://[::ffff:7f00:1]/", "https://[::127.0.0.1]/", "https://[64:ff9b::7f00:1]/"],
    *["https://[64:ff9b::a9fe:a9fe]/", "https://[64:ff9b:1::1]/", "https://[2002:7f00:1::]/"],
    *["https://[2002:a9fe:a9fe::1]/", "https://[2001::1]/", "https://[fe80::1]/"],
    *["https://[fe80::1%25eth0]/", "https://[fe80::1%eth0]/", "https://[fd00:ec2::254]/"],
    *["https://[fec0::1]/", "https://[ff02::1]/", "https://[::ffff:169.254.169.254]/"],
    *["https://[2001:db8::1]/", "https://[v1.a]/", "https://[]/", "https://[::1/", "https://::1/"],
    *["https://[8.8.8.8]/", "https://[2606:4700::1]:80/", "https://[2606:4700::1]x/"],
]
# Names of the attacker's own, which lead to these addresses.
HOSTILE_ANSWERS = [
    *["127.0.0.1", "127.53.0.1", "0.0.0.0", "10.1.2.3", "172.31.0.1", "192.168.0.1", "100.64.0.1"],
    *["169.254.169.254", "169.254.170.2", "168.63.129.16", "192.0.0.8", "192.88.99.1", "224.0.0.1"],
    *["255.255.255.255", "::1", "::", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::10.0.0.1"],
    *["64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:a00:1::1", "2001:0:a00:1::1", "fe80::1"],
    *["fe80::1%eth0", "fd00:ec2::254", "fc00::1", "fec0::1", "ff0e::1", "not an address", ""],
]


@pytest.fixture(scope="module")
def listener() -> Iterator[Server]:
    """One server for the whole corpus: every connection attempt whatever would arrive here."""
    with Server(sends(answer(FILE))) as server:
        yield server


@pytest.mark.parametrize("url", HOSTILE_URLS, ids=lambda url: ascii(url)[1:50])
def test_a_hostile_url_is_refused_before_any_connection(
    tls: dict[str, ssl.SSLContext], listener: Server, url: str
) -> None:
    out = way_out(listener, tls)

    with pytest.raises(AddressRefused) as failure:
        fetch(out, url)
    with pytest.raises(AddressRefused):
        post(out, url, hosts=frozenset({".test", "localhost", "127.0.0.1"}))
    with pytest.raises(AddressRefused):
        notify(out, url)
    with pytest.raises(AddressRefused):
        checked_webhook(url)

    assert failure.value.proves_not_sent
    assert listener.connections == 0


@pytest.mark.parametrize("address", HOSTILE_ANSWERS)
def test_a_name_that_leads_to_a_hostile_address_is_refused_before_any_connection(
    tls: dict[str, ssl.SSLContext], listener: Server, address: str
) -> None:
    out = way_out(listener, tls, resolve=lambda _host, _port: [address])

    for attempt in (fetch, post, notify):
        with pytest.raises(AddressRefused, match="not permitted"):
            attempt(out)

    assert listener.connections == 0


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(set(HOSTILE_URLS)) == len(HOSTILE_URLS)
    assert len(HOSTILE_URLS) + len(HOSTILE_ANSWERS) >= 80


# --- The development server's switch -------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "a.localhost"])
def test_loopback_over_http_on_any_port_needs_the_policy(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    with Server(sends(answer(b"ok"))) as server:
        out = Egress(resolve=lambda _host, _port: ["127.0.0.1"])
        url = f"http://{host}:{server.port}/x"

        with pytest.raises(AddressRefused, match="this machine itself"):
            post(out, url, hosts=frozenset({host}))
        assert server.connections == 0
        monkeypatch.setattr(addresses, "policy", AddressPolicy(loopback=True))
        assert post(out, url, hosts=frozenset({host})).body == b"ok"

    assert f"Host: {host}:{server.port}\r\n".encode() in server.requests[0]


def test_https_to_an_address_is_checked_against_that_address(
    tls: dict[str, ssl.SSLContext], local_policy: None
) -> None:
    for kind, expected in (("address", None), ("good", NotSent)):
        with Server(sends(answer(b"ok")), context=tls[kind]) as server:
            url = f"https://127.0.0.1:{server.port}/"
            with pytest.raises(expected) if expected else contextlib.nullcontext():
                assert post(Egress(context=tls["client"]), url, hosts=frozenset({"127.0.0.1"}))


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://provider.test/", "127.0.0.1"),
        ("https://provider.test/", "127.0.0.1"),
        ("https://provider.test:8443/", "127.0.0.1"),
        ("http://localhost:80/", PUBLIC),
        ("http://localhost:80/", "10.0.0.1"),
        ("http://169.254.169.254/", PUBLIC),
        ("http://192.168.0.1:8080/", PUBLIC),
        ("http://127.0.0.1:65536/", "127.0.0.1"),
        ("http://127.1:80/", "127.0.0.1"),
        ("http://user@127.0.0.1/", "127.0.0.1"),
    ],
)
def test_the_local_policy_opens_loopback_names_to_loopback_and_nothing_more(
    tls: dict[str, ssl.SSLContext], local_policy: None, url: str, found: str
) -> None:
    with (
        Server(sends(answer(b"ok"))) as server,
        pytest.raises(AddressRefused),
    ):
        fetch(way_out(server, tls, resolve=lambda _host, _port: [found]), url)

    assert server.connections == 0


def test_loopback_hosts_must_be_listed_too(local_policy: None) -> None:
    with (
        Server(sends(answer(b"ok"))) as server,
        pytest.raises(AddressRefused, match="not on the list"),
    ):
        post(Egress(), f"http://127.0.0.1:{server.port}/")

    assert server.connections == 0


# --- The module itself --------------------------------------------------------------------------


def test_a_context_that_verifies_nothing_is_refused() -> None:
    careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    careless.check_hostname = False

    with pytest.raises(ValueError, match="does not verify"):
        Egress(context=careless)


def test_an_interrupted_handshake_leaves_no_connection_behind(
    tls: dict[str, ssl.SSLContext],
) -> None:
    class Interrupted(ssl.SSLContext):
        def wrap_socket(self, *_: Any, **__: Any) -> ssl.SSLSocket:
            raise KeyboardInterrupt

    made = []
    with Server(at_once(sends())) as server:

        def connect(address: str, port: int, timeout_s: float) -> socket.socket:
            made.append(to_server(server)(address, port, timeout_s))
            return made[0]

        context = Interrupted(ssl.PROTOCOL_TLS_CLIENT)
        with pytest.raises(KeyboardInterrupt):
            post(way_out(server, tls, connect=connect, context=context))

    assert made[0].fileno() == -1


def test_without_a_context_only_the_systems_authorities_are_trusted(
    tls: dict[str, ssl.SSLContext],
) -> None:
    with (
        Server(sends(answer(b"ok")), context=tls["good"]) as server,
        pytest.raises(NotSent, match="TLS failed: self-signed certificate"),
    ):
        post(way_out(server, tls, context=None))


def test_the_default_context_verifies_and_the_default_resolver_works() -> None:
    context = egress._tls_context()

    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.keylog_filename is None
    assert egress.resolve("127.0.0.1", 80) == ["127.0.0.1"]


def test_importing_the_module_loads_no_network_library() -> None:
    code = (
        "import sys, filmgate.adapters.egress;"
        "print(sorted({'socket', 'ssl', 'http.client', 'urllib3', 'requests'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    )

    assert done.stdout.strip() == "[]"
