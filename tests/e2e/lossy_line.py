"""A line to the gateway on which answers are lost after the gateway has given them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import urllib3

OWN = ("host", "connection")  # of each of the two lines


@dataclass
class LossyLine:
    url: str = ""
    lost: int = 0


@contextmanager
def losing(gateway_url: str, path: str, *, times: int) -> Iterator[LossyLine]:
    """A way to the gateway that drops the first `times` answers to a POST to this path."""
    line = LossyLine()
    pool = urllib3.PoolManager(retries=False, timeout=40)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kept = {name: self.headers[name] for name in self.headers if name.lower() not in OWN}
            reply = pool.request(
                self.command, f"{gateway_url}{self.path}", body=body or None, headers=kept
            )
            if self.command == "POST" and self.path == path and line.lost < times:
                line.lost += 1
                self.close_connection = True
                return
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.headers["Content-Type"])
            self.send_header("Content-Length", str(len(reply.data)))
            self.end_headers()
            self.wfile.write(reply.data)

        do_GET = do_POST = handle_any

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    line.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield line
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
