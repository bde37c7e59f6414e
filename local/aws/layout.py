"""Where the AWS on this machine keeps its files, all below the run's data directory."""

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """Paths below `data`, the directory that a run owns (.local in the repository)."""

    data: Path

    @property
    def aws(self) -> Path:
        return self.data / "aws"

    @property
    def state(self) -> Path:
        """The code of functions; before there was a state file, also one JSON file a service."""
        return self.aws / "state"

    @property
    def state_file(self) -> Path:
        """Tables, secrets, executions and everything that is deployed; always up to date."""
        return self.aws / "state.sqlite"

    @property
    def objects(self) -> Path:
        """The bodies of S3 objects."""
        return self.aws / "objects"

    @property
    def code(self) -> Path:
        """Unpacked functions and layers, one directory a content hash."""
        return self.aws / "code"

    @property
    def temporary(self) -> Path:
        return self.aws / "tmp"

    @property
    def api_id(self) -> Path:
        """Holds the id of the HTTP API that the front door leads to; written by a deploy."""
        return self.aws / "api-id"

    @property
    def notices(self) -> Path:
        """What the owner was told, a file each."""
        return self.data / "notices"

    def create(self) -> None:
        """Make the directories, the temporary one anew.

        Only the owner reads them: secrets are kept in the state.
        """
        self.aws.mkdir(mode=0o700, parents=True, exist_ok=True)
        # What a killed server left there is of no use to the next one.
        if self.temporary.is_dir():
            shutil.rmtree(self.temporary)
        for directory in (self.state, self.objects, self.code, self.temporary):
            directory.mkdir(parents=True, exist_ok=True)
