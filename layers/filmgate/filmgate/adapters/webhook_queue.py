"""Where webhooks wait for their next try: SQS. A message carries ids, no address and no body."""

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from filmgate.domain.errors import NotAnnounced


class MessageQueue:
    """The port WebhookQueue, and the pause before a message comes back."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, tenant: str, ended: str) -> None:
        message = json.dumps({"tenant": tenant, "ended": ended})
        self._call("send_message", MessageBody=message)

    def postpone(self, receipt: str, *, seconds: int) -> None:
        """Hide a received message for that long; raises NotAnnounced."""
        self._call("change_message_visibility", ReceiptHandle=receipt, VisibilityTimeout=seconds)

    def _call(self, operation: str, **arguments: Any) -> None:
        try:
            getattr(self._client, operation)(QueueUrl=self._url, **arguments)
        except ClientError as error:
            raise NotAnnounced(error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise NotAnnounced(type(error).__name__) from error
