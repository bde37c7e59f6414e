"""A table's stream calls its functions after a restart.

Trap: ministack saves how far each event source mapping has read, but not the stream's records.
After a restart the records count from zero again and the saved position lies ahead of them:
the function is not called until as many records as before have passed by. With no position
at all, a mapping that starts at LATEST skips its first batch.
Workaround: every saved position is put back to zero, the start of the new, empty buffer.
What was in the stream and unread at the stop is gone; on AWS it stays for 24 hours.
Upstream: no report known.
"""

from typing import Any

from ministack.services import lambda_svc

from local.aws.patches.hooks import PatchTargetMissing, original, wrap
from local.aws.settings import ServerSettings

POSITIONS = "dynamodb_stream_positions"


def from_the_start(restore: Any) -> Any:
    def restore_state(data: dict[str, Any] | None) -> None:
        positions = (data or {}).get(POSITIONS)
        if positions:
            for key in positions._data:
                positions._data[key] = 0
        restore(data)

    return restore_state


def apply(settings: ServerSettings) -> None:
    if not hasattr(original(lambda_svc, "_dynamodb_stream_positions"), "_data"):
        raise PatchTargetMissing("stream positions are kept in another way")
    wrap(lambda_svc, "_restore_state", from_the_start)
