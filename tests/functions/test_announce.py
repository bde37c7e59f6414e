"""The end of a generation, from the table's stream to the bus and the queue of webhooks."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.functions.support import Deployment, altered, asked_by, request, sample
from tests.functions.vendors import DALLE, ScriptedEgress, dalle_error, dalle_picture, picture
from tests.support.aws import client
from tests.template import documents

HOOK = "https://hooks.studio.example/finished"
PROMPT = "prompt-canary-77"
BUS = documents.physical_name("StudioEventBus")


@pytest.fixture
def studio(studio: Deployment) -> Deployment:
    studio.give_key("dalle")
    return studio


@pytest.fixture
def heard(studio: Deployment) -> Callable[[], list[dict[str, Any]]]:
    """What a consumer of the bus has heard so far."""
    events = client("events")
    queue = studio.sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = studio.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    pattern = {"source": ["filmgate"]}
    events.put_rule(Name="all", EventBusName=BUS, EventPattern=json.dumps(pattern))
    target = {"Id": "heard", "Arn": arn["Attributes"]["QueueArn"]}
    events.put_targets(Rule="all", EventBusName=BUS, Targets=[target])
    found: list[dict[str, Any]] = []

    def listen() -> list[dict[str, Any]]:
        answer = studio.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        found.extend(json.loads(message["Body"]) for message in answer.get("Messages", []))
        return found

    return listen


def image_of(studio: Deployment, generation_id: str) -> dict[str, Any]:
    """The generation's item as the stream shows it."""
    key = {"pk": {"S": f"studio#generation#{generation_id}"}, "sk": {"S": "generation"}}
    found: dict[str, Any] = studio.dynamodb.get_item(TableName="studio-table", Key=key)["Item"]
    return found


def change(new: dict[str, Any], old: dict[str, Any], number: str = "1") -> dict[str, Any]:
    """One record of the stream."""
    return {
        "eventName": "MODIFY",
        "eventSource": "aws:dynamodb",
        "dynamodb": {"NewImage": new, "OldImage": old, "SequenceNumber": number},
    }


def ended(studio: Deployment, number: str = "1", **body: object) -> tuple[str, dict[str, Any]]:
    """(id, the stream's record) of a generation that is run to its end."""
    event = altered(
        sample("generate", "image"),
        body={"prompt": f"a fox {PROMPT}", "provider": "dalle", **body},
        headers={"idempotency-key": f"key-{number}"},
    )
    generation_id = str(studio.call("generate", event).json["id"])
    before = image_of(studio, generation_id)
    studio.run(generation_id)
    return generation_id, change(image_of(studio, generation_id), before, number)


def announce(studio: Deployment, *records: dict[str, Any]) -> list[str]:
    """Hand records over; gives those that shall come again."""
    answer = studio.invoke("announce", {"Records": list(records)})
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def webhook(studio: Deployment, generation_id: str) -> Any:
    event = sample("read", "generation")
    event["rawPath"] = event["requestContext"]["http"]["path"] = f"/v1/generations/{generation_id}"
    event["pathParameters"] = {"id": generation_id}
    return studio.call("read", event).json["webhook"]


def test_a_success_is_told_with_its_price_and_without_its_prompt(
    studio: Deployment, vendors: ScriptedEgress, heard: Callable[[], list[dict[str, Any]]]
) -> None:
    vendors.will(DALLE, dalle_picture(picture(1536, 864)))
    made, record = ended(studio, project="snow", script_id="s1", shot_number=3)

    again = announce(studio, record)

    (event,) = heard()
    assert again == []
    assert (event["source"], event["detail-type"]) == ("filmgate", "Generation finished")
    assert event["detail"] == {
        "version": "1",
        "event_id": made.replace("gen_", "evt_"),
        "generation_id": made,
        "tenant": "studio",
        "user": "ann",
        "state": "succeeded",
        "type": "image",
        "provider": "dalle",
        "actual_cost": "0.0200",
        "project": "snow",
        "script_id": "s1",
        "shot_number": 3,
        "failure": None,
        "created_at": "2026-11-22T12:00:00.000Z",
        "completed_at": "2026-11-22T12:00:00.000Z",
    }
    assert PROMPT in str(record)  # the canary was there to be told
    assert webhook(studio, made) is None
    assert studio.waiting_webhooks() == []


def test_a_failure_is_told_by_its_code_alone(
    studio: Deployment, vendors: ScriptedEgress, heard: Callable[[], list[dict[str, Any]]]
) -> None:
    vendors.will(DALLE, dalle_error(400, "moderation_blocked"))
    _, record = ended(studio)

    announce(studio, record)

    (event,) = heard()
    detail = event["detail"]
    assert (detail["state"], detail["failure"]) == ("failed", {"code": "content-refused"})
    assert (detail["provider"], detail["actual_cost"]) == (None, "0.0000")


def test_the_end_of_a_storyboard_is_told_once_it_is_written_down(
    studio: Deployment, heard: Callable[[], list[dict[str, Any]]]
) -> None:
    started = studio.call("storyboards", sample("storyboards", "two-shots")).json
    place = f"/v1/storyboards/{started['id']}"
    studio.route(asked_by(request("DELETE", place), role="creator"))
    running = storyboard_image(studio, started["id"])
    step = {"task": "conclude", "tenant": "studio", "storyboard_id": started["id"]}
    studio.invoke("shoot", step)

    again = announce(studio, change(storyboard_image(studio, started["id"]), running))

    (event,) = heard()
    assert again == []
    assert event["detail-type"] == "Storyboard finished"
    detail = event["detail"]
    assert detail["event_id"] == started["id"].replace("sb_", "evt_") + "n0"
    assert (detail["storyboard_id"], detail["state"]) == (started["id"], "cancelled")
    assert detail["shots"] == {"total": 2, "done": 0, "failed": 0, "skipped": 0, "cancelled": 2}
    assert (detail["version"], detail["actual_cost"]) == ("1", "0.0000")
    assert "title" not in detail


def ended_storyboard(studio: Deployment, **body: object) -> tuple[str, dict[str, Any]]:
    """(id, the stream's record) of a storyboard that was called off before anything was made."""
    event = altered(sample("storyboards", "two-shots"), body=body)
    made = str(studio.call("storyboards", event).json["id"])
    studio.route(asked_by(request("DELETE", f"/v1/storyboards/{made}"), role="creator"))
    running = storyboard_image(studio, made)
    studio.invoke("shoot", {"task": "conclude", "tenant": "studio", "storyboard_id": made})
    return made, change(storyboard_image(studio, made), running)


def storyboard_webhook(studio: Deployment, storyboard_id: str) -> Any:
    event = request("GET", f"/v1/storyboards/{storyboard_id}")
    return studio.route(asked_by(event, role="viewer")).json["webhook"]


def test_a_storyboard_that_asked_for_no_webhook_has_none(studio: Deployment) -> None:
    made, record = ended_storyboard(studio)

    assert announce(studio, record) == []

    assert storyboard_webhook(studio, made) is None
    assert studio.waiting_webhooks() == []


def test_the_end_of_a_storyboard_that_comes_three_times_has_one_record_of_its_webhook(
    studio: Deployment, heard: Callable[[], list[dict[str, Any]]]
) -> None:
    made, record = ended_storyboard(studio, webhook_url=HOOK)
    before = storyboard_webhook(studio, made)

    for _ in range(3):
        assert announce(studio, record) == []

    assert len({event["detail"]["event_id"] for event in heard()}) == 1
    bodies = {message["body"] for message in studio.waiting_webhooks()}
    assert [json.loads(body) for body in bodies] == [{"tenant": "studio", "ended": f"{made}.0"}]
    assert before == storyboard_webhook(studio, made)
    assert before["state"] == "pending"


def storyboard_image(studio: Deployment, storyboard_id: str) -> dict[str, Any]:
    key = {"pk": {"S": f"studio#storyboard#{storyboard_id}"}, "sk": {"S": "storyboard"}}
    found: dict[str, Any] = studio.dynamodb.get_item(
        TableName=documents.physical_name("StudioTable"), Key=key
    )["Item"]
    return found


def test_a_record_that_comes_three_times_has_one_id_and_one_record_of_its_webhook(
    studio: Deployment, vendors: ScriptedEgress, heard: Callable[[], list[dict[str, Any]]]
) -> None:
    vendors.will(DALLE, dalle_picture())
    made, record = ended(studio, webhook_url=HOOK)

    for _ in range(3):
        assert announce(studio, record) == []

    assert len({event["detail"]["event_id"] for event in heard()}) == 1
    bodies = {message["body"] for message in studio.waiting_webhooks()}
    assert [json.loads(body) for body in bodies] == [{"tenant": "studio", "ended": made}]
    assert webhook(studio, made) == {
        "state": "pending",
        "tries": 0,
        "last_status": None,
        "last_at": None,
        "problem": None,
    }


@pytest.mark.parametrize("sk", ["generation", "attempt#00", "webhook", "shot#0000001"])
def test_whatever_is_not_the_end_of_a_generation_is_passed_over(
    studio: Deployment,
    vendors: ScriptedEgress,
    heard: Callable[[], list[dict[str, Any]]],
    sk: str,
) -> None:
    vendors.will(DALLE, dalle_picture())
    _, record = ended(studio, webhook_url=HOOK)
    new, old = record["dynamodb"]["NewImage"], record["dynamodb"]["OldImage"]
    if sk == "generation":  # still running, or ended before
        records = [change(old, old), change(new, new)]
    else:
        records = [change(new | {"sk": {"S": sk}}, old)]

    assert announce(studio, *records) == []
    assert (heard(), studio.waiting_webhooks()) == ([], [])


def test_a_record_that_cannot_be_read_comes_again_with_all_behind_it_and_none_before(
    studio: Deployment,
    vendors: ScriptedEgress,
    heard: Callable[[], list[dict[str, Any]]],
    said: Callable[[], str],
) -> None:
    vendors.will(DALLE, dalle_picture(), dalle_picture())
    first, good = ended(studio, "1")
    _, behind = ended(studio, "3")
    new = good["dynamodb"]["NewImage"]
    broken = {name: part for name, part in new.items() if name != "wish"}
    poison = change(broken, good["dynamodb"]["OldImage"], "2")

    again = announce(studio, good, poison, behind)

    assert again == ["2"]
    assert [event["detail"]["generation_id"] for event in heard()] == [first]
    assert PROMPT not in said()


@pytest.mark.parametrize("gone", ["bus", "queue"])
def test_a_bus_or_a_queue_that_is_away_is_no_loss(
    studio: Deployment,
    vendors: ScriptedEgress,
    heard: Callable[[], list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    gone: str,
) -> None:
    vendors.will(DALLE, dalle_picture())
    made, record = ended(studio, webhook_url=HOOK)
    real = studio.environment
    away = {
        "bus": {"EVENT_BUS_NAME": "no-such-bus"},
        "queue": {"WEBHOOK_QUEUE_URL": f"{studio.webhook_queue}-away"},
    }
    with monkeypatch.context() as broken:
        broken.setattr(studio, "environment", lambda verb: real(verb) | away[gone])
        assert announce(studio, record) == ["1"]
    studio.restart("announce")

    assert announce(studio, record) == []
    assert {event["detail"]["generation_id"] for event in heard()} == {made}
    assert len(studio.waiting_webhooks()) == 1
