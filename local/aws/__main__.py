"""`python -m local.aws`: serve the AWS on this machine until SIGTERM or SIGINT.

Two ports of 127.0.0.1: the AWS endpoint ($FILMGATE_AWS_PORT) and the product's API at its
root ($FILMGATE_PORT). State is read from the data directory at start and written there before
each answer, so that a SIGKILL loses nothing that was acknowledged; executions that were running
end as failed.
"""

import argparse
import importlib
from pathlib import Path

from local.aws.settings import ServerSettings, isolate_environment
from local.ports import Ports, require_free


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.aws", description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(".local"))
    arguments = parser.parse_args()
    settings = ServerSettings.of(arguments.data_dir, Ports.from_environment())
    require_free(settings.ports.by_variable()[:2])
    settings.layout.create()
    isolate_environment(settings)
    # Only now: ministack reads its environment when it is imported.
    importlib.import_module("local.aws.server").run(settings)


if __name__ == "__main__":
    main()
