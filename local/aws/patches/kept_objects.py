"""An object is on the disk with what is known about it, or not at all.

Trap: with S3_PERSIST ministack writes an object's bytes to the disk before it answers, and
after them its type, metadata and checksums into a second file. Killed in between, it comes
back with an object that has none of those.
Workaround: both files are written beside their places first and then renamed, the second one
first: alone it counts for nothing. An object that is being replaced can still have its old
bytes under new metadata when the kill falls between two renames; the put was not answered then.
Upstream: no report known.
"""

import os
from typing import Any

from ministack.services import s3

from local.aws.late_renames import LateRenames
from local.aws.patches.hooks import original, replace, wrap
from local.aws.settings import ServerSettings


def apply(settings: ServerSettings) -> None:
    renames = LateRenames()  # All calls of S3 run on one event loop.

    def write(path: str, data: bytes | str, *, text: bool = False) -> None:
        unfinished = f"{path}.tmp"  # By that name it is no object to ministack's own loader.
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
        renames.rename(unfinished, path)

    def persist_together(persist: Any) -> Any:
        def persist_object(bucket: str, key: str, content: Any) -> None:
            with renames.last_first():
                persist(bucket, key, content)

        return persist_object

    original(s3, "_load_persisted_bucket")
    replace(s3, "_atomic_write", write)
    wrap(s3, "_persist_object", persist_together)
