"""States Finish and FinishStopped: write how the generation ended.

Event   StepInput: {"tenant", "generation_id"}
Answer  {"tenant", "generation_id", "state"}
Raises  StoreUnavailable, Stale: the state machine tries again
"""

from typing import Any

from filmgate import wiring
from filmgate.observability import logger
from filmgate.steps import StepInput, own_errors_only
from filmgate.usecases.finish import Finish


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    asked = StepInput.model_validate(event)
    finish = Finish(wiring.studio(), wiring.now, wiring.patience())
    with own_errors_only():
        ended = finish(asked.tenant, asked.generation_id, asked.attempt)
    logger.info("generation ended", generation_id=ended.id, state=ended.state,
                code=ended.failure.code if ended.failure else None)  # fmt: skip
    return {
        "tenant": asked.tenant,
        "generation_id": asked.generation_id,
        "state": ended.state.value,
    }
