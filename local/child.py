"""`python -m local.child MODULE [ARGUMENT...]`: run a module that ends with its parent.

The parent holds the other end of standard input. When that end closes, because the parent
closed it or was killed, this process gets SIGTERM from itself, so that it stops as cleanly as
if it had been told to, and SIGKILL when it has not ended after GRACE_S.
"""

import os
import runpy
import signal
import sys
import threading
import time

GRACE_S = 10.0


def end_with_parent() -> None:
    """Wait for the end of standard input, then end this process."""
    while os.read(sys.stdin.fileno(), 1024):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    threading.Thread(target=end_with_parent, name="parent-watch", daemon=True).start()
    module = sys.argv[1]
    sys.argv = sys.argv[1:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
