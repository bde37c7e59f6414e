"""The way from a state of the workflow to a step and back: ids in, one word out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, ConfigDict

from filmgate import wiring
from filmgate.domain.errors import StepFailed
from filmgate.observability import OURS, log_failure, logger
from filmgate.usecases.steps import Outcome, StepResult, Worker


class StepInput(BaseModel):
    """What a state gets; whatever else the state machine carries is not ours to read.

    `attempt` is the place of the one attempt that is to be looked after, where it is one.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    tenant: str
    generation_id: str
    attempt: int | None = None


class StepOutput(StepInput):
    """What a state gives: a word, and the seconds to wait where the word asks for it."""

    outcome: Outcome
    wait_s: int


@contextmanager
def own_errors_only() -> Iterator[None]:
    """Let our own errors pass and turn any other into StepFailed: the message of a foreign
    exception may quote a prompt, and the state machine would write it into its history."""
    try:
        yield
    except OURS:
        raise
    except Exception as error:
        log_failure(error)
        raise StepFailed(type(error).__name__) from None


def run_step(
    step: Callable[[str, str, Worker, int | None], StepResult], event: dict[str, Any], context: Any
) -> dict[str, Any]:
    """Run a step as one worker that ends when its function must; raises what it raises."""
    asked = StepInput.model_validate(event)
    left = timedelta(milliseconds=context.get_remaining_time_in_millis())
    worker = Worker(name=uuid4().hex, ends_at=wiring.now() + left)
    with own_errors_only():
        result = step(asked.tenant, asked.generation_id, worker, asked.attempt)
    logger.info(
        "step done",
        generation_id=asked.generation_id,
        outcome=result.outcome,
        wait_s=result.wait_s,
    )
    output = StepOutput(
        tenant=asked.tenant,
        generation_id=asked.generation_id,
        attempt=asked.attempt,
        outcome=result.outcome,
        wait_s=result.wait_s,
    )
    return output.model_dump(mode="json", exclude_none=True)
