"""The sweeper on its schedule: what was left behind, over the table and the state machine."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from filmgate.adapters.egress import OutcomeUnknown
from filmgate.domain.errors import StoreUnavailable
from tests.functions.support import TENANT, Clock, Deployment, sample
from tests.functions.vendors import (
    CLIP_URL,
    DALLE,
    KLING,
    ScriptedEgress,
    clip,
    kling_created,
    kling_task,
    reply,
)
from tests.support.aws import client
from tests.template import documents

EVERY_FIVE_MINUTES = sample("sweep", "every-five-minutes")
HOUR = 3600
DAY = 24 * HOUR
NOT_LISTED = reply(200, {"code": 0, "data": []})


def sweep(studio: Deployment, clock: Clock, after_s: float = 300) -> dict[str, Any]:
    clock.pass_s(after_s)
    told: dict[str, Any] = studio.invoke("sweep", EVERY_FIVE_MINUTES)
    assert (told["failed"], told["left"]) == (0, 0)
    return told


def admitted(studio: Deployment, name: str) -> str:
    return str(studio.call("generate", sample("generate", name)).json["id"])


def step(studio: Deployment, verb: str, made: str, attempt: int) -> dict[str, Any]:
    event = {"tenant": TENANT, "generation_id": made, "attempt": attempt}
    answer: dict[str, Any] = studio.invoke(verb, event)
    return answer


def budget(studio: Deployment) -> tuple[int, int]:
    found = studio.table.budget(TENANT, "owner", "2026-11")
    assert found is not None
    return found.held, found.settled


def state(studio: Deployment, made: str) -> str:
    record = studio.table.find(TENANT, made)
    assert record is not None
    return str(record.attempts[0].state)


def stop(name: str) -> None:
    """Let an execution end as a person or a time limit ends it."""
    arn = documents.arn("GenerationStateMachine").replace(":stateMachine:", ":execution:")
    client("stepfunctions").stop_execution(executionArn=f"{arn}:{name}")


def test_where_nothing_is_open_there_is_nothing_to_do(studio: Deployment, clock: Clock) -> None:
    assert sweep(studio, clock) == {
        "open": {}, "done": {}, "failed": 0, "left": 0, "storyboards": {},
    }  # fmt: skip


def test_a_generation_whose_execution_runs_is_left_to_it(studio: Deployment, clock: Clock) -> None:
    studio.give_key("dalle")
    admitted(studio, "image")

    told = sweep(studio, clock)

    assert (told["open"], told["done"]) == ({"reserved": 1}, {})
    assert len(studio.executions()) == 1


def test_a_generation_whose_execution_ended_in_vain_gets_another_one(
    studio: Deployment, clock: Clock
) -> None:
    studio.give_key("dalle")
    made = admitted(studio, "image")
    stop(made)

    first, second = sweep(studio, clock), sweep(studio, clock)

    assert (first["done"], second["done"]) == ({"recovered": 1}, {})
    assert sorted(one["name"] for one in studio.executions()) == [made, f"{made}-r1"]


def test_a_doubt_whose_absence_two_sweeps_prove_gives_its_money_back(
    studio: Deployment, clock: Clock, vendors: ScriptedEgress
) -> None:
    studio.give_key("kling")
    vendors.will(KLING, OutcomeUnknown(KLING, "cut"), *[NOT_LISTED] * 20)  # on every protocol
    made = admitted(studio, "clip")
    studio.step("submit", made)
    studio.step("finish", made)
    held = budget(studio)

    first = sweep(studio, clock)
    second = sweep(studio, clock)

    assert held == (6_700, 0)
    assert (first["done"], second["done"]) == ({}, {"released": 1})
    assert budget(studio) == (0, 0)
    assert sweep(studio, clock)["open"] == {}


def test_a_doubt_that_nobody_can_end_counts_as_paid_after_a_day(
    studio: Deployment, clock: Clock, vendors: ScriptedEgress
) -> None:
    studio.give_key("dalle")
    vendors.will(DALLE, OutcomeUnknown(DALLE, "cut"))
    made = admitted(studio, "image")
    studio.step("submit", made)
    studio.step("finish", made)

    early = sweep(studio, clock, DAY - 1)
    late = sweep(studio, clock, 1)

    assert (early["open"], early["done"]) == ({"in_doubt": 1}, {})
    assert late["done"] == {"presumed": 1}
    assert budget(studio) == (0, 20_000)
    shown = studio.call("read", sample("read", "generation")).json
    assert (shown["attempts"][0]["state"], shown["actual_cost"]) == ("presumed", "0.0200")


def test_a_late_clip_is_settled_and_kept_by_an_execution_of_its_own(
    studio: Deployment, clock: Clock, vendors: ScriptedEgress
) -> None:
    studio.give_key("kling")
    vendors.will(KLING, kling_created(), kling_task("processing"))
    made = admitted(studio, "clip")
    studio.step("submit", made)
    clock.pass_s(DAY / 2)
    assert studio.step("poll", made)["outcome"] == "stopped"
    assert studio.step("finish", made)["state"] == "failed"

    vendors.will(KLING, kling_task("succeeded", CLIP_URL))
    vendors.serves(CLIP_URL, clip(seconds=5))
    told = sweep(studio, clock)
    (following,) = [one for one in studio.executions() if "attempt" in one["input"]]
    collected = step(studio, "collect", made, following["input"]["attempt"])
    ended = step(studio, "finish", made, 0)

    assert told["done"] == {"paid": 1}
    assert following["name"].startswith(f"{made}-a0-r")
    assert (collected["outcome"], collected["attempt"]) == ("stored", 0)
    assert ended["state"] == "failed"
    record = studio.table.find(TENANT, made)
    assert record is not None
    assert [(take.late, take.provider) for take in record.takes] == [(True, "kling")]
    assert record.generation.actual_micros == 6_700
    assert sweep(studio, clock)["open"] == {}


def test_a_sweep_prints_what_it_found_as_figures_and_nothing_of_a_request(
    studio: Deployment, clock: Clock, vendors: ScriptedEgress, said: Callable[[], str]
) -> None:
    studio.give_key("dalle")
    vendors.will(DALLE, OutcomeUnknown(DALLE, "cut"))
    made = admitted(studio, "image")
    studio.step("submit", made)
    studio.step("finish", made)
    said()

    sweep(studio, clock)
    lines = [json.loads(line) for line in said().splitlines() if line.startswith("{")]

    figures = {name: line[name] for line in lines if "_aws" in line for name in line}
    assert figures["Sweeps"] == [1.0]
    assert figures["OpenAttempts"] == [1.0]
    assert figures["DoubtfulAttempts"] == [1.0]
    assert figures["SweepFailures"] == [0.0]
    assert sample("generate", "image")["body"] not in str(lines)


def test_one_item_of_a_foreign_shape_does_not_hinder_the_others(
    studio: Deployment, clock: Clock, vendors: ScriptedEgress
) -> None:
    studio.give_key("dalle")
    made = admitted(studio, "image")
    stop(made)
    broken = {"pk": "rival#generation#gen_x", "sk": "generation", "open_pk": "open"}
    client("dynamodb").put_item(
        TableName="studio-table",
        Item={
            **{name: {"S": text} for name, text in broken.items()},
            "open_sk": {"S": "2026-01-01T00:00:00+00:00#gen_x"},
        },
    )
    clock.pass_s(300)

    told = studio.invoke("sweep", EVERY_FIVE_MINUTES)

    assert (told["failed"], told["done"]) == (1, {"recovered": 1})


def test_a_table_that_is_away_fails_the_sweep(studio: Deployment) -> None:
    client("dynamodb").delete_table(TableName="studio-table")

    with pytest.raises(StoreUnavailable):
        studio.invoke("sweep", EVERY_FIVE_MINUTES)
