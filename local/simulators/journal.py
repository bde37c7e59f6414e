"""An append-only file of JSON lines that lets accepted jobs survive a restart of the simulators."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Journal:
    """Records `(kind, data)` pairs in order. Without a path it records nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def append(self, kind: str, data: dict[str, Any]) -> None:
        """Write one line and hand it to the operating system before returning."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": kind, "data": data}) + "\n")

    def entries(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Everything recorded so far, oldest first; a last line cut by a crash is removed.

        Raises ValueError when a line in the middle is damaged: that file is not ours to guess at.
        """
        if self._path is None or not self._path.exists():
            return
        content = self._path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            self._path.write_bytes(whole)
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                entry = json.loads(line)
                yield entry["kind"], entry["data"]
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{self._path}, line {number}, is not a journal entry") from error

    def clear(self) -> None:
        if self._path is not None and self._path.exists():
            self._path.write_bytes(b"")
