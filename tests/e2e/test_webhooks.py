"""The end of a generation is told: on the event bus, and by signed webhooks over real sockets.

The receivers listen on loopback. That is possible on the local stack only: its bootstrap replaces
the address policy inside each function's process before the function is loaded. Deployed code has
no such switch; that it refuses loopback and private addresses, when asked and when it sends, is
shown where the functions run with the policy as it is deployed (tests/functions/test_deliver.py
and test_webhook_requests.py). What leads elsewhere than to this machine is refused here too.
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from local.clients import client_for
from tests.e2e.gateway import Gateway, Studio, prompt
from tests.e2e.receivers import listening

ROTATE = "/v1/settings/webhook-secret/rotate"
PATIENCE_S = 60


def new_secret(studio: Studio) -> str:
    secret: str = studio.api.post(ROTATE, {})["secret"]
    return secret


def settled_webhook(studio: Studio, generation_id: str) -> dict[str, Any]:
    """The webhook of a generation once its delivery is over."""
    give_up_at = time.monotonic() + PATIENCE_S
    while True:
        webhook = studio.api.get(f"/v1/generations/{generation_id}")["webhook"]
        if webhook["state"] != "pending":
            return dict(webhook)
        assert time.monotonic() < give_up_at, webhook
        time.sleep(0.1)


def test_a_receiver_that_fails_five_times_gets_it_the_sixth_with_the_same_id_and_body(
    studio: Studio, figure: Callable[[str], None]
) -> None:
    secret = new_secret(studio)
    with listening(500, 503, 302, 404, 429) as receiver:
        made = studio.make(type="image", prompt=prompt(), webhook_url=f"{receiver.url}/hook?a=b")
        webhook = settled_webhook(studio, made["id"])

    figure(f"delivered at try {len(receiver.received)}, ids {len(ids_of(receiver.received))}")
    assert (webhook["state"], webhook["tries"], webhook["last_status"]) == ("delivered", 6, 204)
    assert [one.path for one in receiver.received] == ["/hook?a=b"] * 6
    assert len(ids_of(receiver.received)) == 1
    assert len({one.body for one in receiver.received}) == 1
    for one in receiver.received:
        told = Webhook(secret).verify(one.body, one.headers)
        assert told["type"] == "generation.finished"
        assert told["data"]["generation_id"] == made["id"]
        assert (told["data"]["state"], told["data"]["actual_cost"]) == ("succeeded", "0.0200")


def ids_of(received: list[Any]) -> set[str]:
    return {one.headers["webhook-id"] for one in received}


def test_after_a_rotation_both_the_old_secret_and_the_new_one_verify(studio: Studio) -> None:
    first = new_secret(studio)
    second = new_secret(studio)
    with listening() as receiver:
        made = studio.make(type="image", prompt=prompt(), webhook_url=receiver.url)
        settled_webhook(studio, made["id"])

    (one,) = receiver.received
    for secret in (first, second):
        Webhook(secret).verify(one.body, one.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(second).verify(one.body.replace(b"succeeded", b"failed"), one.headers)
    shown = studio.api.get("/v1/settings/webhook-secret")
    assert (shown["current"]["hint"], shown["previous"]["hint"]) == (second[-4:], first[-4:])
    assert first not in str(shown)
    assert second not in str(shown)


def test_a_receiver_that_is_gone_for_good_is_asked_once(studio: Studio) -> None:
    new_secret(studio)
    with listening(410) as receiver:
        made = studio.make(type="image", prompt=prompt(), webhook_url=receiver.url)
        webhook = settled_webhook(studio, made["id"])

    assert (webhook["state"], webhook["tries"], webhook["last_status"]) == ("failed", 1, 410)
    assert len(receiver.received) == 1


def test_without_a_secret_nothing_is_sent_until_there_is_one(studio: Studio) -> None:
    with listening() as receiver:
        made = studio.make(type="image", prompt=prompt(), webhook_url=receiver.url)
        give_up_at = time.monotonic() + PATIENCE_S
        while studio.api.get(f"/v1/generations/{made['id']}")["webhook"]["tries"] == 0:
            assert time.monotonic() < give_up_at
            time.sleep(0.1)
        assert receiver.received == []
        secret = new_secret(studio)
        webhook = settled_webhook(studio, made["id"])

    assert webhook["state"] == "delivered"
    (one,) = receiver.received
    Webhook(secret).verify(one.body, one.headers)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/hook",
        "https://[fd00::1]/hook",
        "http://hooks.example/plain",
        "https://hooks.example:8443/hook",
        "https://2852039166/hook",
    ],
)
def test_a_webhook_to_the_inside_is_refused(studio: Studio, url: str) -> None:
    body = {"type": "image", "prompt": prompt(), "webhook_url": url}

    answer = studio.api.call("POST", "/v1/generations", body)

    assert (answer.status, answer.body["code"]) == (422, "validation-failed")
    assert [fault["pointer"] for fault in answer.body["errors"]] == ["/webhook_url"]
    assert studio.budget()["held"] == "0.0000"


@pytest.fixture
def overheard(gateway: Gateway) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What a consumer with a rule of its own hears on the bus."""
    endpoint = gateway.stack.aws_endpoint
    events, sqs = client_for("events", endpoint), client_for("sqs", endpoint)
    bus = gateway.stack.outputs["EventBusName"]
    queue = sqs.create_queue(QueueName="overheard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    pattern = {"source": ["filmgate"], "detail-type": ["Generation finished"]}
    events.put_rule(Name="overheard", EventBusName=bus, EventPattern=json.dumps(pattern))
    target = {"Id": "overheard", "Arn": arn["QueueArn"]}
    events.put_targets(Rule="overheard", EventBusName=bus, Targets=[target])
    heard: list[dict[str, Any]] = []

    def listen() -> list[dict[str, Any]]:
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            heard.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return heard

    yield listen
    events.remove_targets(Rule="overheard", EventBusName=bus, Ids=["overheard"])
    events.delete_rule(Name="overheard", EventBusName=bus)
    sqs.delete_queue(QueueUrl=queue)


def test_every_end_is_one_event_on_the_bus(
    gateway: Gateway, studio: Studio, overheard: Callable[[], list[dict[str, Any]]]
) -> None:
    wish = prompt()
    made = studio.make(type="image", prompt=wish, project="snow", script_id="s1", shot_number=3)
    for provider in ("dalle", "nanobanana", "midjourney"):
        gateway.script(provider, "refuse")
    refused = studio.make(type="image", prompt=prompt())
    wanted = {made["id"], refused["id"]}

    give_up_at = time.monotonic() + PATIENCE_S
    while {one["detail"]["generation_id"] for one in own(overheard(), studio)} != wanted:
        assert time.monotonic() < give_up_at
        time.sleep(0.1)

    heard = own(overheard(), studio)
    assert len(heard) == 2
    told = {one["detail"]["generation_id"]: one["detail"] for one in heard}
    assert told[made["id"]] | {"user": ""} == {
        "version": "1",
        "event_id": made["id"].replace("gen_", "evt_"),
        "generation_id": made["id"],
        "tenant": studio.tenant,
        "user": "",
        "state": "succeeded",
        "type": "image",
        "provider": made["provider"],
        "actual_cost": made["actual_cost"],
        "project": "snow",
        "script_id": "s1",
        "shot_number": 3,
        "failure": None,
        "created_at": made["created_at"],
        "completed_at": made["completed_at"],
    }
    assert told[refused["id"]]["failure"] == {"code": "content-refused"}
    assert wish not in json.dumps(heard)


def own(heard: list[dict[str, Any]], studio: Studio) -> list[dict[str, Any]]:
    return [one for one in heard if one["detail"]["tenant"] == studio.tenant]
