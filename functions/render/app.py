"""State Render: make a clip from a keyframe by our own camera moves.

Event, answer  as in Submit
Raises         StoreUnavailable: render again, the clip comes out the same
"""

from typing import Any

from filmgate import wiring
from filmgate.adapters.media import camera_move, inspect_file
from filmgate.observability import logger
from filmgate.steps import run_step
from filmgate.usecases.render import Render


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    step = Render(
        studio=wiring.studio(),
        takes=wiring.takes(),
        move=camera_move,
        inspect=inspect_file,
        clock=wiring.now,
    )
    return run_step(step, event, context)
