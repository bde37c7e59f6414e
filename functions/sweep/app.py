"""Every few minutes: bring to an end what no workflow is at any more.

Event   of the schedule; nothing in it is read
Answer  {"open": {state: count}, "done": {state: count}, "failed": count, "left": count,
        "storyboards": {what was done: count}}
Raises  StoreUnavailable when not even the list of what is open can be read
"""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from filmgate import wiring
from filmgate.domain.signals import Signal
from filmgate.observability import log_failure, logger, measure
from filmgate.steps import own_errors_only
from filmgate.usecases.finish import Finish
from filmgate.usecases.poll import Poll
from filmgate.usecases.search import Search
from filmgate.usecases.steps import Worker
from filmgate.usecases.sweep import Sweep, Swept
from filmgate.usecases.sweep_storyboards import SweepStoryboards


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    left = timedelta(milliseconds=context.get_remaining_time_in_millis())
    worker = Worker(name=uuid4().hex, ends_at=wiring.now() + left)
    with own_errors_only():
        swept = _sweep()(worker)
        boards = _sweep_storyboards()(worker)
    measure(_signals(swept))
    told = {
        "open": dict(swept.open),
        "done": dict(swept.done),
        "failed": swept.failed,
        "left": swept.left,
        "storyboards": dict(boards),
    }
    logger.info("swept", **told)
    return told


def _sweep() -> Sweep:
    studio, patience = wiring.studio(), wiring.patience()
    return Sweep(
        studio=studio,
        takes=wiring.takes(),
        workflow=wiring.workflow(),
        poll=Poll(
            studio=studio,
            adapters=wiring.adapter,
            clock=wiring.now,
            patience=patience,
            key_was_changed=wiring.key_was_changed,
        ),
        search=Search(studio, wiring.adapter, wiring.now, patience),
        finish=Finish(studio, wiring.now, patience),
        clock=wiring.now,
        patience=patience,
        on_failure=log_failure,
    )


def _sweep_storyboards() -> SweepStoryboards:
    return SweepStoryboards(
        boards=wiring.boards(),
        workflow=wiring.shooting(),
        clock=wiring.now,
        patience=wiring.patience(),
        on_failure=log_failure,
    )


def _signals(swept: Swept) -> list[Signal]:
    return [
        Signal("Sweeps", 1),
        Signal("OpenAttempts", sum(swept.open.values())),
        Signal("DoubtfulAttempts", swept.open["in_doubt"] + swept.open["overdue"]),
        Signal("SweepFailures", swept.failed + swept.left),
    ]
