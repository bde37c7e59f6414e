"""A terminal that a program runs in: what it shows, what is typed, and a recording of it all.

The program gets a real pseudo-terminal of its own, so that Ctrl-C is a signal and a prompt can
hide what is typed. What it writes is drawn by an emulator, and kept with its times: the recording
is a file that `asciinema play` shows.
"""

import fcntl
import json
import os
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import pyte

# Popen gives the program a session; only the program itself can make the terminal its own.
OWN_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """One program in a terminal of `columns` by `lines`."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        columns: int = 110,
        lines: int = 36,
    ) -> None:
        self.frames: list[str] = []
        self._size = (columns, lines)
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self._written: list[tuple[float, bytes]] = []
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._main, program_end = os.openpty()
        fcntl.ioctl(program_end, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._process = subprocess.Popen(
            [sys.executable, "-c", OWN_TERMINAL, *command],
            stdin=program_end, stdout=program_end, stderr=program_end,
            env={**environment, "TERM": "xterm-256color"}, cwd=folder, start_new_session=True,
        )  # fmt: skip
        os.close(program_end)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._reader.join()
        os.close(self._main)

    @property
    def shown(self) -> str:
        """What stands on the screen now."""
        with self._lock:
            return self._text()

    @property
    def everything(self) -> str:
        """Every byte that was ever written to it."""
        with self._lock:
            return b"".join(data for _, data in self._written).decode(errors="replace")

    def type(self, text: str) -> None:
        os.write(self._main, text.encode())

    def press_ctrl_c(self) -> None:
        self.type("\x03")

    def wait_for(self, text: str, *, within_s: float = 60) -> None:
        """Until the screen shows this; the program must not have ended without it."""

        def enough() -> bool:
            has_ended = self._process.poll() is not None
            assert text in self.shown or not has_ended, f"ended without {text!r}:\n{self.shown}"
            return text in self.shown

        self._until(enough, f"{text!r} was never shown", within_s)

    def ended(self, *, within_s: float = 90) -> int:
        """The exit code, once the program has ended."""
        self._until(lambda: self._process.poll() is not None, "it never ended", within_s)
        self._reader.join()
        return self._process.wait()

    def save_recording(self, file: Path, title: str) -> None:
        """As an asciicast, version 2."""
        columns, lines = self._size
        head = {"version": 2, "width": columns, "height": lines, "title": title}
        events = [[round(at, 3), "o", data.decode(errors="replace")] for at, data in self._written]
        file.write_text("\n".join(json.dumps(one) for one in (head, *events)) + "\n")

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._main, 1 << 16)
            except OSError:  # Linux says so when the last program has gone
                return
            if not data:
                return
            with self._lock:
                self._written.append((time.monotonic() - self._began, data))
                self._stream.feed(data)
                self.frames.append(self._text())

    def _text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    def _until(self, enough: Callable[[], bool], otherwise: str, within_s: float) -> None:
        give_up_at = time.monotonic() + within_s
        while not enough():
            assert time.monotonic() < give_up_at, f"{otherwise}:\n{self.shown}"
            time.sleep(0.05)
