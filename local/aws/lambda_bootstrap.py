"""The first thing a function's process runs: it prepares this machine's worker, then hands over.

Started by path, never imported. It does three things that AWS's own sandbox does there:
the process ends with the server that owns it, the search path is that of a function, and the
real runtime client of AWS (awslambdaric) takes over. And one that is only for this machine:
the simulators live on loopback, so the address policy of the egress module lets loopback in.
Deployed code has no such switch; it is set here, from outside.
"""

import ctypes
import importlib
import os
import signal
import sys
from typing import Any

PR_SET_PDEATHSIG = 1  # prctl(2)
OF_THE_SHELL = ("PWD", "OLDPWD", "SHLVL", "_")  # What /bin/sh adds on the way here.


def die_with_parent() -> None:
    """Have the kernel end this process when the server that started it ends, however it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def widen_address_policy(directories: list[str]) -> None:
    """Let the egress module reach loopback; for functions whose layer holds that module only."""
    module = os.path.join("filmgate", "adapters", "addresses.py")
    if not any(os.path.exists(os.path.join(directory, module)) for directory in directories):
        return
    addresses: Any = importlib.import_module("filmgate.adapters.addresses")
    addresses.policy = addresses.AddressPolicy(loopback=True)


def main() -> None:
    die_with_parent()
    # Only the interpreter reads it; a function on Lambda sees no path of this machine.
    directories = os.environ.pop("PYTHONPATH", "").split(os.pathsep)
    for name in OF_THE_SHELL:
        os.environ.pop(name, None)
    widen_address_policy(directories)

    importlib.import_module("awslambdaric.__main__").main(["awslambdaric", os.environ["_HANDLER"]])


if __name__ == "__main__":
    main()
