"""The owner's topic behind the port Topic: SNS.

Programs get the sentence, people who read mail get the facts below it; both have the facts as
message attributes, for filter policies.
"""

import json
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from filmgate.domain.alarms import Notice
from filmgate.domain.errors import TopicUnavailable

LONGEST_SUBJECT: Final = 100  # "up to 100 characters long" (SNS API, Publish, from memory)


class OwnerTopic:
    """Publishes notices to one topic."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn

    def publish(self, notice: Notice) -> None:
        facts = {"id": notice.id, "kind": notice.kind.value, **notice.attributes}
        mail = "\n".join([notice.text, "", *(f"{name}: {fact}" for name, fact in facts.items())])
        try:
            self._client.publish(
                TopicArn=self._arn,
                Subject=notice.title[:LONGEST_SUBJECT],
                MessageStructure="json",
                Message=json.dumps({"default": notice.text, "email": mail}),
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": fact}
                    for name, fact in {"tenant": notice.tenant, **facts}.items()
                },
            )
        except ClientError as error:
            raise TopicUnavailable(error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise TopicUnavailable(type(error).__name__) from error
