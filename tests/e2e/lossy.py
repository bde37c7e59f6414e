"""A way to a server on which the first answer is lost: it was given, and never arrives."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Way:
    """Bytes go to and fro untouched, but for the first ones that come back: then both ends are cut.

    `url` leads to the server; `lost` counts the answers that were thrown away.
    """

    def __init__(self, server_url: str) -> None:
        target = urlsplit(server_url)
        self._target = (target.hostname, target.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.lost = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for end in (self._listener, *self._ends):
            _cut(end)
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):  # until the listener is closed
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                self._ends += [near, far]
                for ends in ((near, far, False), (far, near, True)):
                    threading.Thread(target=self._pump, args=ends, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with suppress(OSError):  # the other half was cut
            while data := source.recv(1 << 16):
                if answers and not self.lost:
                    self.lost += 1
                    break
                sink.sendall(data)
        _cut(source)
        _cut(sink)


@contextmanager
def losing_the_first_answer(server_url: str) -> Iterator[Way]:
    way = Way(server_url)
    try:
        yield way
    finally:
        way.close()


def _cut(end: socket.socket) -> None:
    """Wake whoever reads from this end; closing alone would not."""
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
