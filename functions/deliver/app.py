"""From the queue of webhooks: one try to deliver each.

A queue rather than a workflow that waits: the pause before the next try is the message's own
visibility time-out, at most the 12 hours that SQS allows, and the number of the try is what the
queue itself counts, so that nothing has to be kept for it. A function that dies in the middle
leaves its message to come back by itself. After the last try SQS moves it to the dead letters,
from where it can be sent again.

Event   SQS messages {"tenant", "ended"}: the id of a generation, or the name of a storyboard's run
Answer  {"batchItemFailures": [{"itemIdentifier": message id}]}: those that shall come back
Raises  nothing
"""

from typing import Any

from pydantic import BaseModel

from filmgate import wiring
from filmgate.domain.webhooks import MOST_TRIES, DeliveryState
from filmgate.observability import log_failure, logger
from filmgate.settings import settings
from filmgate.usecases.deliver import Deliver


class Message(BaseModel):
    tenant: str
    ended: str


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    unfinished = [record["messageId"] for record in event["Records"] if not _is_done(record)]
    return {"batchItemFailures": [{"itemIdentifier": one} for one in unfinished]}


def _is_done(record: dict[str, Any]) -> bool:
    """Make the try; whatever breaks leaves the message to come back after the queue's time-out."""
    tries = int(record["attributes"]["ApproximateReceiveCount"])
    last = tries >= MOST_TRIES
    try:
        asked = Message.model_validate_json(record["body"])
        deliver = Deliver(
            deliveries=wiring.deliveries(),
            secrets=wiring.webhook_secrets(),
            post=wiring.webhook_post(),
            clock=wiring.now,
            scale_percent=settings().webhook_backoff_percent,
        )
        found = deliver(asked.tenant, asked.ended, last=last)
        logger.info("webhook tried", ended=asked.ended, state=found, tries=tries)
        if found is DeliveryState.PENDING:
            pause_s = deliver.pause_s(tries)
            wiring.webhook_queue().postpone(record["receiptHandle"], seconds=pause_s)
    except Exception as error:
        log_failure(error)
        return False
    return found is DeliveryState.DELIVERED or (found is DeliveryState.FAILED and not last)
