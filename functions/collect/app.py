"""State Collect: fetch a paid result, look at its bytes, keep it.

Event, answer  as in Submit
Raises         DownloadFailed, StoreUnavailable: the state machine tries again
"""

from typing import Any

from filmgate import wiring
from filmgate.adapters.media import inspect_file
from filmgate.observability import logger
from filmgate.steps import run_step
from filmgate.usecases.collect import Collect


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    step = Collect(
        studio=wiring.studio(),
        takes=wiring.takes(),
        adapters=wiring.adapter,
        fetch=wiring.fetch,
        inspect=inspect_file,
        clock=wiring.now,
    )
    return run_step(step, event, context)
