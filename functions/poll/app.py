"""State Poll: look at the job that a provider accepted.

Event, answer  as in Submit
Raises         StoreUnavailable: look again
"""

from typing import Any

from filmgate import wiring
from filmgate.observability import logger
from filmgate.steps import run_step
from filmgate.usecases.poll import Poll


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    step = Poll(
        studio=wiring.studio(),
        adapters=wiring.adapter,
        clock=wiring.now,
        patience=wiring.patience(),
        key_was_changed=wiring.key_was_changed,
    )
    return run_step(step, event, context)
