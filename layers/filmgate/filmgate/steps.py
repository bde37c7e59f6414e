"""The way from a state of the workflow to a step and back: ids in, one word out."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, ConfigDict

from filmgate import wiring
from filmgate.observability import logger
from filmgate.usecases.steps import Outcome, StepResult, Worker


class StepInput(BaseModel):
    """What a state gets; whatever else the state machine carries is not ours to read."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    tenant: str
    generation_id: str


class StepOutput(StepInput):
    """What a state gives: a word, and the seconds to wait where the word asks for it."""

    outcome: Outcome
    wait_s: int


def run_step(
    step: Callable[[str, str, Worker], StepResult], event: dict[str, Any], context: Any
) -> dict[str, Any]:
    """Run a step as one worker that ends when its function must."""
    asked = StepInput.model_validate(event)
    left = timedelta(milliseconds=context.get_remaining_time_in_millis())
    worker = Worker(name=uuid4().hex, ends_at=wiring.now() + left)
    result = step(asked.tenant, asked.generation_id, worker)
    logger.info(
        "step done",
        generation_id=asked.generation_id,
        outcome=result.outcome,
        wait_s=result.wait_s,
    )
    output = StepOutput(
        tenant=asked.tenant,
        generation_id=asked.generation_id,
        outcome=result.outcome,
        wait_s=result.wait_s,
    )
    return output.model_dump(mode="json")
