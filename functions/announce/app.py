"""From the table's stream: tells on the event bus, and by a webhook, that a generation or the run
of a storyboard has ended.

Event   records of the stream, new and old image; the mapping lets only ended ones through
Answer  {"batchItemFailures": [{"itemIdentifier": sequence number}]}: the first record that failed;
        the stream comes back with it and with all after it
Raises  nothing. Telling twice is harmless: event and webhook have an id that follows from the
        generation's own
"""

from typing import Any

from filmgate import wiring
from filmgate.observability import log_failure, logger
from filmgate.usecases.announce import Announce


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    announce = Announce(
        bus=wiring.bus(), deliveries=wiring.deliveries(), queue=wiring.webhook_queue()
    )
    for record in event["Records"]:
        try:
            ended = wiring.ended_generation(record)
            if ended is not None:
                announce(ended)
                logger.info("end announced", generation_id=ended.id, state=ended.state)
            whole = wiring.ended_storyboard(record)
            if whole is not None:
                announce.storyboard(whole)
                logger.info("end announced", storyboard_id=whole.id, state=whole.state)
        except Exception as error:
            log_failure(error)
            return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
    return {"batchItemFailures": []}
