"""Several files that appear together: all are written first, then renamed into place."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


class LateRenames:
    """Renames that wait for the end of a block; used by one thread."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, str]] | None = None

    def rename(self, source: str, target: str) -> None:
        """Rename at the end of the block around the call, or now when there is none."""
        if self._waiting is None:
            os.replace(source, target)
        else:
            self._waiting.append((source, target))

    @contextmanager
    def last_first(self) -> Iterator[None]:
        """A block after which its renames are done, the last one first; none if it raises."""
        self._waiting = []
        try:
            yield
            for source, target in reversed(self._waiting):
                os.replace(source, target)
        finally:
            self._waiting = None
