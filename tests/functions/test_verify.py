"""GET /v1/verify and its daily run: every balance against its entries."""

import json
from collections.abc import Callable

import pytest

from filmgate.domain.errors import StoreUnavailable
from filmgate.domain.ledger import Budget
from tests.functions.support import Deployment, asked_by, assert_problem, sample
from tests.functions.vendors import DALLE, ScriptedEgress, dalle_picture
from tests.support.aws import client

ASK = sample("verify", "verify")
DAILY = sample("verify", "daily")


def paid(studio: Deployment, vendors: ScriptedEgress) -> None:
    studio.give_key("dalle")
    vendors.will(DALLE, dalle_picture())
    made = str(studio.call("generate", sample("generate", "image")).json["id"])
    studio.run(made)


def forge(studio: Deployment, tenant: str = "studio") -> None:
    """Let a balance say what no entry says."""
    client("dynamodb").update_item(
        TableName="studio-table",
        Key={"pk": {"S": f"{tenant}#budget#owner#2026-11"}, "sk": {"S": "shard#0"}},
        UpdateExpression="SET settled = :more",
        ExpressionAttributeValues={":more": {"N": "123400"}},
    )


def test_books_that_agree_are_said_to_agree(studio: Deployment, vendors: ScriptedEgress) -> None:
    paid(studio, vendors)

    answer = studio.call("verify", ASK)

    assert answer.status == 200
    assert answer.json["agrees"] is True
    assert answer.json["checked"]["attempts"] == 1
    assert answer.json["checked"]["entries"] == 2
    assert (answer.json["drift"], answer.json["busy"]) == ([], 0)


def test_a_difference_is_shown_with_what_the_entries_say(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    paid(studio, vendors)
    forge(studio)

    told = studio.call("verify", ASK).json

    assert told["agrees"] is False
    assert told["drift"] == [
        {
            "what": "owner 2026-11",
            "entries_say": {"held": "0.0000", "spent": "0.0200"},
            "stored": {"held": "0.0000", "spent": "0.1234"},
        }
    ]


def test_totals_that_are_not_those_of_the_attempts_are_shown_and_counted_as_drift(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    paid(studio, vendors)
    client("dynamodb").update_item(
        TableName="studio-table",
        Key={"pk": {"S": "studio#budget#owner#2026-11"}, "sk": {"S": "shard#0"}},
        UpdateExpression="SET tally_count = :two, tally_provider_dalle = :less",
        ExpressionAttributeValues={":two": {"N": "2"}, ":less": {"N": "100"}},
    )

    told = studio.call("verify", ASK).json

    assert (told["agrees"], told["drift"]) == (False, [])
    what = {"what": "owner 2026-11"}
    assert told["miscounts"] == [
        {**what, "total": "count", "attempts_say": 1, "stored": 2},
        {**what, "total": "provider_dalle", "attempts_say": "0.0200", "stored": "0.0001"},
    ]
    assert studio.invoke("verify", DAILY) == {"tenants": 1, "drift": 2}


def test_a_generation_that_says_another_cost_is_shown(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    paid(studio, vendors)
    (made,) = studio.table.page(
        "studio", limit=1, cursor=None, state=None, project=None, script_id=None,
        provider=None, user=None,
    ).items  # fmt: skip
    client("dynamodb").update_item(
        TableName="studio-table",
        Key={"pk": {"S": f"studio#generation#{made.id}"}, "sk": {"S": "generation"}},
        UpdateExpression="SET actual_micros = :more",
        ExpressionAttributeValues={":more": {"N": "30000"}},
    )

    told = studio.call("verify", ASK).json

    assert told["miscounts"] == [
        {
            "what": made.id,
            "total": "actual_cost",
            "attempts_say": "0.0200",
            "stored": "0.0300",
        }
    ]


def test_a_tenant_verifies_its_own_books_alone(studio: Deployment, vendors: ScriptedEgress) -> None:
    paid(studio, vendors)
    forge(studio)

    told = studio.call("verify", asked_by(ASK, role="admin", tenant="rival")).json

    assert (told["agrees"], told["checked"]["budgets"]) == (True, 0)


@pytest.mark.parametrize("role", ["viewer", "creator"])
def test_only_an_admin_may_ask(studio: Deployment, role: str) -> None:
    assert_problem(studio.call("verify", asked_by(ASK, role=role)), 403, "forbidden")


def test_every_day_the_books_of_all_tenants_are_verified_and_the_drift_is_a_figure(
    studio: Deployment, vendors: ScriptedEgress, said: Callable[[], str]
) -> None:
    paid(studio, vendors)
    studio.table.open_budget("rival", Budget("owner", "2026-11", 1_000_000))
    before = studio.invoke("verify", DAILY)
    forge(studio)
    forge(studio, "rival")
    said()

    told = studio.invoke("verify", DAILY)

    assert before == {"tenants": 2, "drift": 0}
    assert told == {"tenants": 2, "drift": 2}
    lines = [json.loads(line) for line in said().splitlines() if line.startswith("{")]
    assert [line["Drift"] for line in lines if "Drift" in line] == [[2.0]]


def test_a_table_that_is_away_is_told_in_both_doors(studio: Deployment) -> None:
    client("dynamodb").delete_table(TableName="studio-table")

    assert_problem(studio.call("verify", ASK), 503, "ledger-unavailable")
    with pytest.raises(StoreUnavailable):
        studio.invoke("verify", DAILY)
