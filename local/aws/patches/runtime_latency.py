"""A warm call costs milliseconds, not fifty.

Trap: the server behind the runtime API writes a reply's header and body apart, with Nagle's
algorithm on; the client's delayed acknowledgement then adds 40 ms to every call. And after a
call that printed nothing the server waits 50 ms for log lines.
Workaround: TCP_NODELAY on that server, and 2 ms for log lines: the pipe is drained all the
time by a thread, so a line written before the answer is there by then; a later one is
reported with the next call.
Upstream: no report known.
"""

from typing import Any

from ministack.core.lambda_runtime import ProvidedWorker

from local.aws.patches.hooks import wrap
from local.aws.settings import ServerSettings

FIRST_LINE_WAIT_S = 0.002
IDLE_CONFIRM_S = 0.001


def without_nagle(build: Any) -> Any:
    def build_handler_class(self: Any, *arguments: Any) -> type:
        handler: type = build(self, *arguments)
        handler.disable_nagle_algorithm = True  # type: ignore[attr-defined]
        return handler

    return build_handler_class


def with_short_drain(drain: Any) -> Any:
    def drain_briefly(self: Any, first_line_wait: float = FIRST_LINE_WAIT_S) -> str:
        return str(drain(self, first_line_wait=first_line_wait, idle_confirm=IDLE_CONFIRM_S))

    return drain_briefly


def apply(settings: ServerSettings) -> None:
    wrap(ProvidedWorker, "_build_handler_class", without_nagle)
    wrap(ProvidedWorker, "_drain_stderr_bounded", with_short_drain)
