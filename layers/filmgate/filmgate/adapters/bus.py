"""The event bus: EventBridge."""

import json
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from filmgate.domain.announcements import Announcement
from filmgate.domain.errors import NotAnnounced

SOURCE: Final = "filmgate"


class EventBus:
    """The port Bus. `name` is the bus's name."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def tell(self, announcement: Announcement) -> None:
        """Put it on the bus; an entry that is refused within a good answer is a failure too."""
        entry = {
            "EventBusName": self._name,
            "Source": SOURCE,
            "DetailType": announcement.title,
            "Detail": json.dumps(announcement.detail, ensure_ascii=False),
            "Time": announcement.at,
        }
        try:
            answer = self._client.put_events(Entries=[entry])
        except ClientError as error:
            raise NotAnnounced(error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise NotAnnounced(type(error).__name__) from error
        if answer["FailedEntryCount"]:
            raise NotAnnounced(str(answer["Entries"][0].get("ErrorCode")))
