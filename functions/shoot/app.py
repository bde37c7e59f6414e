"""States Open, Advance and Conclude of a storyboard's workflow.

Event   {"task": "open" | "advance" | "conclude", "tenant", "storyboard_id"}; advance: and "number"
Answer  open: {"tenant", "storyboard_id", "shots": [numbers], "shots_at_once", "inline"};
        advance: {"tenant", "storyboard_id", "number", "outcome": "running" | "done", "wait_s"};
        conclude: {"tenant", "storyboard_id", "state"}
Raises  StoreUnavailable, Stale: the state machine tries again
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from filmgate import wiring
from filmgate.observability import logger
from filmgate.settings import settings
from filmgate.steps import own_errors_only
from filmgate.usecases.shoot import Shoot


class ShootInput(BaseModel):
    """What a state gets; `number` is the shot's, where it is about one."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    task: Literal["open", "advance", "conclude"]
    tenant: str
    storyboard_id: str
    number: int = 0


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    asked = ShootInput.model_validate(event)
    with own_errors_only():
        told = _told(asked)
    logger.info("storyboard step done", task=asked.task, storyboard_id=asked.storyboard_id,
                number=asked.number, outcome=told.get("outcome") or told.get("state"))  # fmt: skip
    return {"tenant": asked.tenant, "storyboard_id": asked.storyboard_id, **told}


def _told(asked: ShootInput) -> dict[str, Any]:
    shoot = Shoot(
        boards=wiring.boards(),
        workflow=wiring.workflow(),
        market=wiring.market(),
        clock=wiring.now,
        poll_scale_percent=settings().poll_scale_percent,
    )
    if asked.task == "open":
        shots = shoot.open(asked.tenant, asked.storyboard_id)
        few = len(shots) <= settings().inline_shots
        return {"shots": shots, "shots_at_once": settings().shots_at_once, "inline": few}
    if asked.task == "conclude":
        return {"state": shoot.conclude(asked.tenant, asked.storyboard_id).state.value}
    result = shoot.advance(asked.tenant, asked.storyboard_id, asked.number)
    return {"number": asked.number, "outcome": result.outcome.value, "wait_s": result.wait_s}
