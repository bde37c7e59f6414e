"""State Submit: begin the current attempt of a generation, or reserve its next provider.

Event   StepInput: {"tenant", "generation_id"}
Answer  StepOutput: the same with "outcome" (stored, again, running, render, ready, next, stopped)
        and "wait_s"
Raises  StoreUnavailable: nothing was bought, the state machine tries again
"""

from typing import Any

from filmgate import wiring
from filmgate.adapters.media import inspect_bytes
from filmgate.observability import logger
from filmgate.settings import settings
from filmgate.steps import run_step
from filmgate.usecases.submit import Submit


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    step = Submit(
        studio=wiring.studio(),
        takes=wiring.takes(),
        adapters=wiring.adapter,
        inspect=inspect_bytes,
        clock=wiring.now,
        default_limit=int(settings().need("default_monthly_limit_micros")),
        patience=wiring.patience(),
        key_was_changed=wiring.key_was_changed,
    )
    return run_step(step, event, context)
