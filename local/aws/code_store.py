"""Unpacked deployment packages: one read-only directory a content hash, shared by all workers.

Python byte code is compiled once, when a package is unpacked, and is trusted without looking
at the source again (PEP 552, unchecked hash): nothing below the store ever changes.
"""

import compileall
import hashlib
import io
import os
import shutil
import sys
import tempfile
import threading
import zipfile
from pathlib import Path
from py_compile import PycInvalidationMode

# The byte code is this interpreter's.
INTERPRETER = str(sys.implementation.cache_tag)
WORKER_MAIN = Path(__file__).with_name("lambda_bootstrap.py")


class CodeStore:
    """Directories for zip files, kept below `root` between runs.

    `bootstrap` is the text of an executable named `bootstrap`, put into every function's
    directory: it is what ministack starts for a custom runtime.
    """

    def __init__(self, root: Path, *, bootstrap: str) -> None:
        self._root = root
        self._bootstrap = bootstrap
        self._lock = threading.Lock()
        self._known: dict[bytes, Path] = {}

    def function(self, package: bytes) -> Path:
        """The directory of a function's code, with the executable `bootstrap` in it."""
        return self._directory(package, bootstrap=self._bootstrap)

    def layer(self, package: bytes) -> Path:
        """The directory of a layer; its importable part is `python/` below it."""
        return self._directory(package, bootstrap=None)

    def _directory(self, package: bytes, *, bootstrap: str | None) -> Path:
        digest = hashlib.sha256(package)
        digest.update((bootstrap or "layer").encode() + INTERPRETER.encode())
        key = digest.digest()
        with self._lock:
            if key not in self._known:
                directory = self._root / digest.hexdigest()[:32]
                if not directory.is_dir():
                    self._unpack(package, directory, bootstrap)
                self._known[key] = directory
            return self._known[key]

    def _unpack(self, package: bytes, directory: Path, bootstrap: str | None) -> None:
        """Unpack beside `directory` and rename, so that a half of it is never seen."""
        self._root.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix="unpacking-", dir=self._root))
        try:
            with zipfile.ZipFile(io.BytesIO(package)) as archive:
                archive.extractall(unfinished)
            if bootstrap is not None:
                executable = unfinished / "bootstrap"
                executable.write_text(bootstrap)
                executable.chmod(0o755)
            compileall.compile_dir(
                unfinished,
                quiet=2,
                invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
                stripdir=str(unfinished),
                prependdir=str(directory),
            )
            unfinished.chmod(0o755)
            os.replace(unfinished, directory)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
