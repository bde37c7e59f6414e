"""Webhooks: signed, tried until they are taken, never to an address of the inside."""

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from standardwebhooks import Webhook

from filmgate import wiring
from filmgate.adapters.egress import AddressRefused, Egress, NotSent
from filmgate.adapters.webhook_queue import MessageQueue
from filmgate.domain.webhooks import MOST_TRIES
from tests.functions.support import Clock, Deployment, sample
from tests.functions.test_announce import (
    HOOK,
    announce,
    ended,
    ended_storyboard,
    storyboard_webhook,
    webhook,
)
from tests.functions.vendors import DALLE, ScriptedEgress, dalle_picture, reply

HOST = "hooks.studio.example"


@pytest.fixture
def clock(clock: Clock) -> Clock:
    """A receiver's library looks at the real clock, and so does this one clock of ours."""
    from datetime import UTC, datetime

    clock.now = datetime.now(UTC)
    return clock


@pytest.fixture
def studio(studio: Deployment) -> Deployment:
    studio.give_key("dalle")
    return studio


@pytest.fixture
def secret(studio: Deployment) -> str:
    made: str = studio.call("settings", sample("settings", "rotate-webhook-secret")).json["secret"]
    return made


@pytest.fixture
def made(studio: Deployment, vendors: ScriptedEgress) -> str:
    """A generation that has ended, its webhook in the queue."""
    vendors.will(DALLE, dalle_picture())
    generation_id, record = ended(studio, webhook_url=HOOK)
    assert announce(studio, record) == []
    return generation_id


def message(generation_id: str, number: int = 1) -> dict[str, Any]:
    """A message that is received for the `number`th time."""
    return {
        "messageId": "message-1",
        "receiptHandle": "receipt-1",
        "body": json.dumps({"tenant": "studio", "ended": generation_id}),
        "attributes": {"ApproximateReceiveCount": str(number)},
    }


def deliver(studio: Deployment, *messages: dict[str, Any]) -> list[str]:
    """Hand messages over; gives those that shall come back."""
    answer = studio.invoke("deliver", {"Records": list(messages)})
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The pauses that were asked of the queue."""
    asked: list[int] = []

    def postpone(_: MessageQueue, receipt: str, *, seconds: int) -> None:
        assert receipt == "receipt-1"
        asked.append(seconds)

    monkeypatch.setattr(MessageQueue, "postpone", postpone)
    return asked


def test_the_official_library_verifies_what_is_sent(
    studio: Deployment, vendors: ScriptedEgress, secret: str, made: str
) -> None:
    vendors.will(HOST, reply(200, b"thanks"))

    back = deliver(studio, *studio.waiting_webhooks())

    (call,) = vendors.calls_to(HOST)
    assert back == []
    assert (call.method, call.url) == ("POST", HOOK)
    assert call.headers["Content-Type"] == "application/json"
    told = Webhook(secret).verify(call.body or b"", dict(call.headers))
    assert told["type"] == "generation.finished"
    assert told["timestamp"] == told["data"]["completed_at"]
    assert told["data"]["generation_id"] == made
    assert call.headers["webhook-id"] == told["data"]["event_id"]
    shown = webhook(studio, made)
    assert (shown["state"], shown["tries"], shown["last_status"]) == ("delivered", 1, 200)
    assert shown["problem"] is None


def test_the_end_of_a_storyboard_is_signed_and_sent_as_that_of_a_generation_is(
    studio: Deployment, vendors: ScriptedEgress, secret: str
) -> None:
    board, record = ended_storyboard(studio, webhook_url=HOOK)
    announce(studio, record)
    vendors.will(HOST, reply(500, b""), reply(200, b""))

    backs = [deliver(studio, message(f"{board}.0", number)) for number in (1, 2, 3)]

    first, second = vendors.calls_to(HOST)  # the third finds it delivered
    told = Webhook(secret).verify(second.body or b"", dict(second.headers))
    assert backs == [["message-1"], [], []]
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert (told["type"], told["data"]["storyboard_id"]) == ("storyboard.finished", board)
    assert (told["data"]["state"], told["data"]["actual_cost"]) == ("cancelled", "0.0000")
    shown = storyboard_webhook(studio, board)
    assert (shown["state"], shown["tries"], shown["last_status"]) == ("delivered", 2, 200)


def test_five_failures_and_a_success_are_six_tries_of_one_message(
    studio: Deployment, vendors: ScriptedEgress, clock: Clock, secret: str, made: str,
    pauses: list[int],
) -> None:  # fmt: skip
    cut = NotSent(HOST, "connection refused")
    vendors.will(HOST, reply(500, b""), cut, reply(301, b""), reply(429, b""), reply(400, b""))
    vendors.will(HOST, reply(202, b""))

    backs = []
    for number in range(1, 7):
        backs.append(deliver(studio, message(made, number)))
        clock.pass_s(30)

    calls = vendors.calls_to(HOST)
    assert backs == [["message-1"]] * 5 + [[]]
    assert len({call.headers["webhook-id"] for call in calls}) == 1
    assert len({call.body for call in calls}) == 1
    assert len({call.headers["webhook-timestamp"] for call in calls}) == 6
    assert [0.9 * s <= pause <= s for s, pause in zip((5, 30, 120, 600, 3600), pauses, strict=True)]
    shown = webhook(studio, made)
    assert (shown["state"], shown["tries"], shown["last_status"]) == ("delivered", 6, 202)


def test_what_went_wrong_is_told_in_public_words(
    studio: Deployment, vendors: ScriptedEgress, secret: str, made: str, pauses: list[int]
) -> None:
    vendors.will(HOST, reply(302, b""), NotSent(HOST, "name not resolved"))

    told = []
    for number in (1, 2):
        deliver(studio, message(made, number))
        shown = webhook(studio, made)
        told.append((shown["state"], shown["last_status"], shown["problem"]))

    assert told == [
        ("pending", 302, "answered with status 302"),
        ("pending", None, "name not resolved"),
    ]


def test_after_the_last_try_it_failed_and_its_message_is_left_to_the_dead_letters(
    studio: Deployment, vendors: ScriptedEgress, secret: str, made: str, pauses: list[int]
) -> None:
    vendors.will(HOST, *[reply(500, b"")] * MOST_TRIES)

    backs = [deliver(studio, message(made, number)) for number in range(1, MOST_TRIES + 1)]

    assert backs == [["message-1"]] * MOST_TRIES
    assert len(pauses) == MOST_TRIES - 1
    shown = webhook(studio, made)
    assert (shown["state"], shown["tries"], shown["last_status"]) == ("failed", MOST_TRIES, 500)


def test_a_dead_letter_that_is_sent_again_is_tried_again(
    studio: Deployment, vendors: ScriptedEgress, secret: str, made: str
) -> None:
    vendors.will(HOST, reply(500, b""), reply(204, b""))
    deliver(studio, message(made, MOST_TRIES))

    assert deliver(studio, message(made, 1)) == []
    assert webhook(studio, made)["state"] == "delivered"


def test_gone_is_the_end_and_a_message_too_many_changes_nothing(
    studio: Deployment, vendors: ScriptedEgress, secret: str, made: str, pauses: list[int]
) -> None:
    vendors.will(HOST, reply(410, b""))

    assert deliver(studio, message(made, 1)) == []
    assert deliver(studio, message(made, 1)) == []

    shown = webhook(studio, made)
    assert (shown["state"], shown["tries"], shown["last_status"]) == ("failed", 1, 410)
    assert (len(vendors.calls_to(HOST)), pauses) == (1, [])


def test_what_was_delivered_is_not_sent_again(
    studio: Deployment, vendors: ScriptedEgress, secret: str, made: str
) -> None:
    vendors.will(HOST, reply(204, b""))
    deliver(studio, message(made))

    assert deliver(studio, message(made)) == []
    assert len(vendors.calls_to(HOST)) == 1


def test_without_a_secret_nothing_is_sent_and_a_later_try_finds_the_new_one(
    studio: Deployment, vendors: ScriptedEgress, made: str, pauses: list[int]
) -> None:
    vendors.will(HOST, reply(204, b""))

    first = deliver(studio, message(made, 1))
    problem = webhook(studio, made)["problem"]
    rotated = studio.call("settings", sample("settings", "rotate-webhook-secret")).json
    second = deliver(studio, message(made, 2))

    (call,) = vendors.calls_to(HOST)
    assert (first, second) == (["message-1"], [])
    assert "no signing secret" in problem
    Webhook(rotated["secret"]).verify(call.body or b"", dict(call.headers))


def test_both_secrets_sign_for_a_day_and_then_the_new_one_alone(
    studio: Deployment, vendors: ScriptedEgress, clock: Clock, secret: str, made: str,
    pauses: list[int],
) -> None:  # fmt: skip
    vendors.will(HOST, *[reply(500, b"")] * 2)
    studio.call("settings", sample("settings", "rotate-webhook-secret"))
    clock.pass_s(24 * 3600 - 1)
    deliver(studio, message(made, 1))
    clock.pass_s(1)
    deliver(studio, message(made, 2))

    signatures = [call.headers["webhook-signature"] for call in vendors.calls_to(HOST)]
    assert [len(one.split(" ")) for one in signatures] == [2, 1]


@pytest.mark.parametrize(
    ("addresses_of_name", "state"),
    [
        (["169.254.169.254"], "failed"),
        (["127.0.0.1"], "failed"),
        (["10.1.2.3"], "failed"),
        (["192.0.2.1", "::ffff:10.0.0.1"], "failed"),
        (["fd00::1"], "failed"),
        ([], "pending"),  # a name that is not there may be there again
    ],
)
def test_a_name_that_leads_inside_is_refused_when_it_is_sent_as_deployed(
    studio: Deployment, secret: str, made: str, pauses: list[int],
    monkeypatch: pytest.MonkeyPatch, addresses_of_name: list[str], state: str,
) -> None:  # fmt: skip
    """The real egress module under the policy as it is deployed; only the name server is ours."""
    connected: list[object] = []
    real = Egress(resolve=lambda *_: addresses_of_name, connect=lambda *to: connected.append(to))
    monkeypatch.setattr(wiring, "egress", lambda: real)

    deliver(studio, message(made, 1))

    shown = webhook(studio, made)
    assert (shown["state"], shown["tries"], shown["last_status"]) == (state, 1, None)
    assert shown["problem"]
    assert connected == []


def test_an_address_that_must_not_be_asked_is_not_asked_twice(
    studio: Deployment, vendors: ScriptedEgress, secret: str, made: str, pauses: list[int]
) -> None:
    vendors.will(HOST, AddressRefused(HOST, "leads to an address that is not permitted"))

    assert deliver(studio, message(made, 1)) == []
    assert webhook(studio, made)["state"] == "failed"
    assert pauses == []


@pytest.mark.parametrize("body", ["no json", "{}"])
def test_a_message_that_cannot_be_read_comes_back_and_in_the_end_dies(
    studio: Deployment, body: str
) -> None:
    assert deliver(studio, {**message("gen_x"), "body": body}) == ["message-1"]


def test_a_message_of_a_generation_that_asked_for_none_is_dropped(studio: Deployment) -> None:
    assert deliver(studio, message(f"gen_{'a' * 26}")) == []


def test_a_table_that_is_away_after_the_answer_means_one_repeat_under_the_same_id(
    studio: Deployment, vendors: ScriptedEgress, secret: str, made: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    vendors.will(HOST, reply(204, b""), reply(204, b""))

    def away(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://table.example")

    with monkeypatch.context() as broken:
        broken.setattr(studio.dynamodb, "update_item", away)
        first = deliver(studio, message(made, 1))
    second = deliver(studio, message(made, 2))

    calls = vendors.calls_to(HOST)
    assert (first, second) == (["message-1"], [])
    assert len({(call.headers["webhook-id"], call.body) for call in calls}) == 1
    assert webhook(studio, made)["state"] == "delivered"


def test_neither_secret_nor_address_nor_body_gets_into_the_log(
    studio: Deployment, vendors: ScriptedEgress, secret: str, made: str, pauses: list[int], said
) -> None:
    vendors.will(HOST, reply(500, b""), RuntimeError(f"{secret} {HOOK}"))
    deliver(studio, message(made, 1))
    deliver(studio, message(made, 2))

    written = said()
    assert made in written
    for canary in (secret, secret[6:], HOOK, HOST, "webhook-signature"):
        assert canary not in written
    kept = str(studio.dynamodb.scan(TableName="studio-table")["Items"])
    assert secret[6:] not in kept
