"""What the owner is told, on this machine: the subscription, and the notices in the terminal."""

import json
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from local.aws.notice_box import PATH
from local.clients import client_for

CONFIRM_LIMIT_S = 10.0
POLL_S = 0.02


def subscribe(topic: str, *, url: str, aws_endpoint: str) -> None:
    """Let the topic deliver to the front door at `url`, and to no other that was there before.

    Comes back when the subscription is confirmed; raises TimeoutError when it is not in time.
    """
    sns = client_for("sns", aws_endpoint)
    own = f"{url}{PATH}"
    for endpoint, subscription in _deliveries(sns, topic).items():
        if endpoint != own and endpoint.endswith(PATH):
            sns.unsubscribe(SubscriptionArn=subscription)
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=own)
    give_up_at = time.monotonic() + CONFIRM_LIMIT_S
    while own not in _deliveries(sns, topic):
        if time.monotonic() > give_up_at:
            raise TimeoutError("the subscription to the owner's topic was not confirmed")
        time.sleep(POLL_S)


def _deliveries(sns: Any, topic: str) -> dict[str, str]:
    """The topic's confirmed subscriptions over HTTP: endpoint to ARN."""
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    return {
        one["Endpoint"]: one["SubscriptionArn"]
        for page in pages
        for one in page["Subscriptions"]
        if one["Protocol"] == "http" and one["SubscriptionArn"].startswith("arn:")
    }


class NoticeBoard:
    """Shows each notice of a folder once in the terminal; those of earlier runs are not new."""

    def __init__(self, folder: Path, console: Console) -> None:
        self._folder = folder
        self._console = console
        self._shown = set(self._files())

    def show_new(self) -> None:
        """Print what has come since the last time, oldest first."""
        new = [path for path in self._files() if path not in self._shown]
        notices = [json.loads(path.read_text()) for path in new]
        for notice in sorted(notices, key=lambda one: str(one["at"])):
            self._console.print(notice_line(notice))
        self._shown.update(new)

    def _files(self) -> list[Path]:
        return list(self._folder.glob("*.json"))


def notice_line(notice: dict[str, Any]) -> Text:
    """A notice in a line: its title, its text, and whom or what it is about."""
    facts = notice["attributes"]
    about = " ".join(facts[name] for name in ("scope", "period", "provider") if name in facts)
    return Text.assemble(
        ("notice ", "bold yellow"),
        (f"{notice['title']}: ", "bold"),
        notice["text"],
        (f" ({about})" if about else "", "dim"),
    )
