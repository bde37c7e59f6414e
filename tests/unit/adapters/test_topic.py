"""What a notice looks like on the topic, and what a topic that fails becomes."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from filmgate.adapters.topic import OwnerTopic
from filmgate.domain.alarms import Notice, budget_notices
from filmgate.domain.errors import TopicUnavailable
from filmgate.domain.ledger import Budget
from tests.support.builders import NOW, PERIOD, TENANT, usd


class Recorder:
    """A client that keeps what it is told to publish, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.published: list[dict[str, Any]] = []
        self._error = error

    def publish(self, **message: Any) -> None:
        if self._error:
            raise self._error
        self.published.append(message)


def a_notice() -> Notice:
    budget = Budget("owner", PERIOD, usd("1.0000"), settled=usd("0.8340"))
    return budget_notices(TENANT, budget, at=NOW)[0]


def test_programs_get_the_sentence_and_mail_gets_the_facts_too() -> None:
    recorder = Recorder()

    OwnerTopic(recorder, "arn:topic").publish(a_notice())

    (message,) = recorder.published
    bodies = json.loads(message["Message"])
    assert (message["Subject"], message["MessageStructure"]) == ("Approaching Budget Limit", "json")
    assert bodies["default"] == "Used 83.4% of budget"
    assert bodies["email"].splitlines()[0] == "Used 83.4% of budget"
    assert "spent: 0.8340" in bodies["email"].splitlines()
    assert {fact["DataType"] for fact in message["MessageAttributes"].values()} == {"String"}


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "Throttled", "Message": "slow down"}}, "Publish"),
        EndpointConnectionError(endpoint_url="https://sns.example"),
    ],
)
def test_a_topic_that_fails_is_unavailable(error: Exception) -> None:
    with pytest.raises(TopicUnavailable):
        OwnerTopic(Recorder(error), "arn:topic").publish(a_notice())
