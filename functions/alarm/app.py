"""The table's stream: tell the owner what they must know, each thing once.

Event   a batch of DynamoDB stream records with both images, of budgets, providers, attempts and
        entries only (the event source mapping filters); repeated, late, in any order
Answer  {"batchItemFailures": [{"itemIdentifier": sequence number}]}

A record that fails is named and the others are worked off all the same, so that a poison record
holds up nothing but itself; Lambda brings the failed ones again and ends with a dead letter.
"""

from typing import Any

from filmgate import wiring
from filmgate.observability import log_failure, logger
from filmgate.usecases.alarm import Alarm


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    alarm = Alarm(
        studio=wiring.studio(),
        notices=wiring.notices(),
        topic=wiring.owner_topic(),
        clock=wiring.now,
    )
    failed = [record for record in event["Records"] if not _told(alarm, record)]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in failed]
    return {"batchItemFailures": [{"itemIdentifier": number} for number in numbers]}


def _told(alarm: Alarm, record: dict[str, Any]) -> bool:
    """Work off one record; False when it must be brought again."""
    try:
        change = wiring.change_of(record)
        for notice in alarm(change) if change else ():
            logger.info("notice told", notice_id=notice.id, kind=notice.kind)
    except Exception as error:  # whatever one record does, the others are worked off
        log_failure(error)
        return False
    return True
