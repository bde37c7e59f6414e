"""Which processes a part of the local stack consists of, read from /proc."""

from collections.abc import Iterator
from pathlib import Path

FUNCTION_VARIABLE = b"AWS_LAMBDA_FUNCTION_NAME="
# What has gone between two looks at it, or belongs to somebody else.
GONE = (FileNotFoundError, ProcessLookupError, PermissionError)


def members_of(group: int) -> list[int]:
    """The living processes of a process group, zombies left out."""
    return [process for process, of_group, state in _processes() if of_group == group and state]


def workers_of(group: int, function_name: str) -> list[int]:
    """The processes of a process group that run a function, warm and idle ones too."""
    wanted = FUNCTION_VARIABLE + function_name.encode()
    return [process for process in members_of(group) if wanted in _environment(process)]


def _processes() -> Iterator[tuple[int, int, bool]]:
    """(process, its group, whether it lives) of every process."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                state, _, group, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
            except GONE:
                continue
            yield int(entry.name), int(group), state != "Z"


def _environment(process: int) -> list[bytes]:
    try:
        return Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    except GONE:
        return []
