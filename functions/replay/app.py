"""Every five minutes, and by hand: tell what was left untold, and replay dead letters.

Event   anything: notices whose telling was cut short are told, and some dead letters are replayed
        {"tenant": "studio"}: that tenant's budgets and providers are looked at as they now are
Answer  {"told", "replayed", "left"}: notices told, dead letters dealt with and not
Raises  StoreUnavailable, DeadLettersUnavailable: the next run tries again
"""

from typing import Any

from filmgate import wiring
from filmgate.observability import logger
from filmgate.usecases.alarm import Alarm
from filmgate.usecases.replay import Replay


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    alarm = Alarm(
        studio=wiring.studio(),
        notices=wiring.notices(),
        topic=wiring.owner_topic(),
        clock=wiring.now,
    )
    replay = Replay(alarm=alarm, letters=wiring.dead_letters(), stream=wiring.stream())
    match event:
        case {"tenant": str(tenant)}:
            done = replay.revisit(tenant)
        case _:
            done = replay()
    for reason in done.left:
        logger.error("a dead letter is left", reason=reason)
    return {"told": done.told, "replayed": done.replayed, "left": len(done.left)}
