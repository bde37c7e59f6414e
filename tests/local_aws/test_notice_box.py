"""The owner's mailbox on this machine: what SNS posts to it, and what is then in its folder."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from local.aws.notice_box import LARGEST_MESSAGE, NoticeBox

NOTICE = {
    "Type": "Notification",
    "MessageId": "message-1",
    "Subject": "Approaching Budget Limit",
    "Message": "Used 83.4% of budget",
    "Timestamp": "2026-11-22T12:00:00.000Z",
    "MessageAttributes": {"id": {"Type": "String", "Value": "ntc_a"}},
}


class Post:
    """A box, what it confirmed, and a way to post to it in two pieces."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.confirmed: list[tuple[str, str]] = []
        self._box = NoticeBox(folder, confirm=lambda *asked: self.confirmed.append(asked))

    def __call__(self, message: Any) -> int:
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        parts = iter([body[:10], body[10:]])

        async def receive() -> dict[str, Any]:
            part = next(parts)
            return {"type": "http.request", "body": part, "more_body": part == body[:10]}

        return asyncio.run(self._box.take(receive))

    def files(self) -> dict[str, Any]:
        return {path.name: json.loads(path.read_text()) for path in self.folder.iterdir()}


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path)


def test_a_subscription_is_confirmed_with_its_topic_and_token(post: Post) -> None:
    asked = {"Type": "SubscriptionConfirmation", "TopicArn": "arn:topic", "Token": "t"}

    assert post(asked) == 200
    assert post.confirmed == [("arn:topic", "t")]


def test_a_notice_is_a_file_named_after_its_id(post: Post) -> None:
    assert post(NOTICE) == 200

    assert post.files() == {
        "ntc_a.json": {
            "id": "ntc_a",
            "title": "Approaching Budget Limit",
            "text": "Used 83.4% of budget",
            "at": "2026-11-22T12:00:00.000Z",
            "attributes": {"id": "ntc_a"},
        }
    }


def test_a_notice_that_comes_twice_is_one_file(post: Post) -> None:
    post(NOTICE)
    post({**NOTICE, "MessageId": "message-2"})

    assert list(post.files()) == ["ntc_a.json"]


def test_what_has_no_id_of_ours_is_named_after_the_message(post: Post) -> None:
    alarm = {"Type": "Notification", "MessageId": "message-1", "Message": "ALARM"}

    assert post(alarm) == 200
    assert list(post.files()) == ["message-1.json"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "", "x" * 81])
def test_a_name_that_is_no_file_name_is_not_written(post: Post, name: str) -> None:
    post({**NOTICE, "MessageAttributes": {"id": {"Type": "String", "Value": name}}})

    assert post.files() == {}


@pytest.mark.parametrize(
    "body", [b"not json at all", b"[1, 2, 3, 4, 5]", b'{"Type": "Notification"}']
)
def test_anything_else_is_refused(post: Post, body: bytes) -> None:
    assert post(body) == 400
    assert post.files() == {}


def test_a_body_too_large_for_sns_is_refused(post: Post) -> None:
    assert post({**NOTICE, "Message": "x" * LARGEST_MESSAGE}) == 400
