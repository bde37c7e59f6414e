"""Functions and layers are unpacked once, not once a worker.

Trap: ministack unpacks a layer again for every worker of every function, and keeps the code of
custom runtimes in the machine's temporary directory until the server is reset.
Workaround: both come from a store below the run's data directory, by content hash, compiled
ahead; the layers of a function reach its worker by path (see worker_environment).
Upstream: the shared directory for `provided.*` code is ministack's own idea (its issue 1051);
layers there are not shared.
"""

import shlex
import sys
from typing import Any

from ministack.services import lambda_svc

from local.aws.code_store import WORKER_MAIN, CodeStore
from local.aws.patches.hooks import original, replace
from local.aws.settings import ServerSettings


def bootstrap_script() -> str:
    """The executable that a function's process starts as: this interpreter, our bootstrap.

    -P and -s keep the bootstrap's own directory, and so the repository, and the user's site
    packages out of the search path; -B because the code is compiled already and read-only.
    """
    command = shlex.join([sys.executable, "-B", "-P", "-s", str(WORKER_MAIN)])
    return f"#!/bin/sh\nexec {command}\n"


def layer_directories(store: CodeStore, config: dict[str, Any]) -> list[str]:
    """The `python` directories of a function's layers, in the order they are attached."""
    resolve = original(lambda_svc, "_resolve_layer_zip")
    packages = [resolve(attachment) for attachment in config.get("Layers") or []]
    return [str(store.layer(package) / "python") for package in packages if package]


def apply(settings: ServerSettings) -> None:
    store = CodeStore(settings.layout.code, bootstrap=bootstrap_script())
    replace(lambda_svc, "_provided_runtime_code_dir", lambda package: str(store.function(package)))
