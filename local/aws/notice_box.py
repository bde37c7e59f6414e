"""The owner's mailbox on this machine: an HTTP subscription of the topic, kept as files.

SNS posts to an address of the front door. A subscription is confirmed as SNS asks for it; a
notice becomes a file named after its id, so that one which comes twice is one file.
(Messages: docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html, from memory.)
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

PATH = "/_local/notices"
LARGEST_MESSAGE = 300_000  # SNS carries 256 KB
_SAFE_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")

Json = dict[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class NoticeBox:
    """Takes what SNS posts. `confirm` is given topic and token of a new subscription."""

    def __init__(self, folder: Path, *, confirm: Callable[[str, str], None]) -> None:
        self._folder = folder
        self._confirm = confirm

    async def take(self, receive: Receive) -> int:
        """Read one request and give the status to answer with."""
        match _parsed(await _body(receive)):
            case {
                "Type": "SubscriptionConfirmation",
                "TopicArn": str(topic),
                "Token": str(token),
            }:
                await asyncio.to_thread(self._confirm, topic, token)
                return 200
            case {"Type": "Notification", "MessageId": str(message_id)} as message:
                await asyncio.to_thread(self._keep, message_id, message)
                return 200
        return 400

    def _keep(self, message_id: str, message: Json) -> None:
        """Write a message's file, whole or not at all; what CloudWatch says has no id of ours."""
        facts = {name: fact["Value"] for name, fact in message.get("MessageAttributes", {}).items()}
        name = facts.get("id", message_id)
        if not _SAFE_NAME.fullmatch(name):
            return
        notice = {
            "id": name,
            "title": message.get("Subject", ""),
            "text": message.get("Message", ""),
            "at": message.get("Timestamp", ""),
            "attributes": facts,
        }
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished = self._folder / f".{name}.{message_id}"
        unfinished.write_text(json.dumps(notice, indent=1, ensure_ascii=False) + "\n")
        unfinished.replace(self._folder / f"{name}.json")


async def _body(receive: Receive) -> bytes:
    """A request's body; nothing when it is too large."""
    parts, size = [], 0
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > LARGEST_MESSAGE or message["type"] == "http.disconnect":
            return b""
        if not message.get("more_body"):
            return b"".join(parts)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
