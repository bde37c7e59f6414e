"""What an owner mends by hand: the cost of an attempt, and prices that a vendor overstepped."""

from typing import Any

import pytest

from filmgate.adapters.egress import OutcomeUnknown
from filmgate.domain import ledger
from filmgate.domain.ledger import Commit, PriceDoubt
from filmgate.providers.data import catalogue, rate_card
from tests.functions.support import (
    NOW,
    TENANT,
    Answer,
    Deployment,
    altered,
    asked_by,
    assert_problem,
    request,
    sample,
)
from tests.functions.vendors import DALLE, ScriptedEgress, dalle_picture

CORRECT = sample("settings", "correct-attempt")
CONFIRM = sample("settings", "confirm-prices")


@pytest.fixture
def made(studio: Deployment, vendors: ScriptedEgress) -> str:
    """The id of an image that was paid for with two cents."""
    studio.give_key("dalle")
    vendors.will(DALLE, dalle_picture())
    created = str(studio.call("generate", sample("generate", "image")).json["id"])
    studio.run(created)
    return created


def correct(studio: Deployment, **body: Any) -> Answer:
    return studio.call("settings", altered(CORRECT, body=body))


def spent(studio: Deployment, scope: str) -> str:
    event = asked_by(request("GET", f"/v1/budgets/{scope}"), role="viewer")
    return str(studio.route(event).json["spent"])


@pytest.mark.parametrize("cost", ["0.0150", "0.4000", "0"])
def test_a_correction_is_what_the_attempt_the_generation_and_every_budget_then_say(
    studio: Deployment, made: str, cost: str
) -> None:
    answer = correct(studio, actual_cost=cost)

    expected = f"{float(cost):.4f}"
    assert answer.status == 200
    assert (answer.json["id"], answer.json["actual_cost"]) == (made, expected)
    assert answer.json["attempts"][0]["actual_cost"] == expected
    shown = studio.call("read", sample("read", "generation")).json
    assert shown["actual_cost"] == expected
    for scope in ("owner", "user:ann", "provider:dalle"):
        assert spent(studio, scope) == expected
    assert studio.call("verify", sample("verify", "verify")).json["agrees"] is True


def test_who_corrected_and_why_stand_in_the_books(studio: Deployment, made: str) -> None:
    correct(studio, reason="the invoice")

    (entry,) = [one for one in studio.table.ledger(TENANT).entries if one.kind == "correct"]
    assert (entry.by, entry.reason, entry.settled) == ("ann", "the invoice", -5_000)


def test_what_is_in_doubt_is_corrected_by_its_own_end(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    studio.give_key("dalle")
    vendors.will(DALLE, OutcomeUnknown(DALLE, "cut"))
    created = str(studio.call("generate", sample("generate", "image")).json["id"])
    studio.step("submit", created)

    assert_problem(correct(studio), 409, "state-conflict")


def test_what_nobody_has_is_404(studio: Deployment, made: str) -> None:
    foreign = asked_by(CORRECT, role="admin", tenant="rival")
    other = request(
        "POST", f"/v1/generations/{made}/attempts/att_x/correction",
        body={"actual_cost": "0.0100", "reason": "a bill"},
    )  # fmt: skip

    assert_problem(studio.call("settings", foreign), 404, "not-found")
    assert_problem(studio.route(asked_by(other, role="admin")), 404, "not-found")
    assert spent(studio, "owner") == "0.0200"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"actual_cost": None}, "/actual_cost"),
        ({"actual_cost": "-0.0100"}, "/actual_cost"),
        ({"actual_cost": 1}, "/actual_cost"),
        ({"actual_cost": "0.00001"}, "/actual_cost"),
        ({"reason": None}, "/reason"),
        ({"reason": "no"}, "/reason"),
        ({"reason": "x" * 501}, "/reason"),
        ({"by": "somebody else"}, "/by"),
    ],
)
def test_a_correction_says_how_much_and_why(
    studio: Deployment, made: str, body: dict[str, Any], pointer: str
) -> None:
    problem = assert_problem(correct(studio, **body), 422, "validation-failed")

    assert [error["pointer"] for error in problem["errors"]] == [pointer]


# --- prices ------------------------------------------------------------------------------------


def doubted(studio: Deployment) -> str:
    """Dalle's price on the card of this deployment was overstepped."""
    card = rate_card("guide")
    (row, *_) = card.rows_of("dalle")
    doubt = PriceDoubt("dalle", card.name_of(row), 20_000, 35_000, "att_1", NOW)
    studio.table.commit(TENANT, ledger.with_price_doubt(Commit(), doubt))
    return doubt.price


def test_a_price_in_doubt_is_shown_is_not_sold_and_is_sold_again_when_it_is_confirmed(
    studio: Deployment,
) -> None:
    studio.give_key("dalle")
    price = doubted(studio)
    only = {"provider": "dalle"}
    refused = studio.call("generate", altered(sample("generate", "image"), body=only))
    shown = studio.route(asked_by(request("GET", "/v1/settings/providers/dalle"), role="viewer"))

    confirmed = studio.call("settings", CONFIRM)
    admitted = studio.call("generate", altered(sample("generate", "image"), body=only))

    assert_problem(refused, 422, "no-capable-provider")
    assert shown.json["doubted_prices"] == [price]
    assert (confirmed.status, confirmed.json) == (
        200,
        {
            "confirmed": [
                {
                    "price": price,
                    "expected": "0.0200",
                    "billed": "0.0350",
                    "attempt_id": "att_1",
                    "at": "2026-11-22T12:00:00.000Z",
                }
            ]
        },
    )
    assert admitted.status == 202


def test_confirming_what_nobody_doubts_confirms_nothing(studio: Deployment) -> None:
    assert studio.call("settings", CONFIRM).json == {"confirmed": []}


def test_another_tenants_doubt_is_its_own(studio: Deployment) -> None:
    studio.give_key("dalle")
    doubted(studio)

    answer = studio.call("settings", asked_by(CONFIRM, role="admin", tenant="rival"))

    assert answer.json == {"confirmed": []}
    assert studio.table.provider_settings(TENANT)["dalle"].doubted_prices


def test_prices_of_a_provider_that_is_none_are_404(studio: Deployment) -> None:
    event = request("POST", "/v1/settings/providers/lumen/prices/confirm")

    assert_problem(studio.route(asked_by(event, role="admin")), 404, "not-found")
    assert "lumen" not in catalogue().providers


# --- a provider's monthly limit ----------------------------------------------------------------


def put(studio: Deployment, body: Any) -> Answer:
    event = request("PUT", "/v1/settings/providers/dalle", body=body)
    return studio.route(asked_by(event, role="admin"))


def test_a_provider_s_monthly_limit_is_the_limit_of_its_budget(studio: Deployment) -> None:
    told = put(studio, {"monthly_limit": "3.0000"})

    event = asked_by(request("GET", "/v1/budgets/provider:dalle"), role="viewer")
    budget = studio.route(event).json
    assert (told.status, told.json["monthly_limit"]) == (200, "3.0000")
    assert (budget["limit"], budget["limit_of"]) == ("3.0000", "provider:dalle")


def test_a_monthly_limit_that_is_not_said_stays_and_null_takes_it_away(
    studio: Deployment,
) -> None:
    put(studio, {"monthly_limit": "3.0000"})

    kept = put(studio, {"priority": 4})
    gone = put(studio, '{"monthly_limit": null}')

    assert (kept.json["monthly_limit"], kept.json["priority"]) == ("3.0000", 4)
    assert (gone.json["monthly_limit"], gone.json["priority"]) == (None, 4)


def test_beyond_its_monthly_limit_a_provider_is_not_asked(studio: Deployment) -> None:
    studio.give_key("dalle")
    put(studio, {"monthly_limit": "0.0199"})

    refused = studio.call("generate", sample("generate", "image"))

    problem = assert_problem(refused, 402, "budget-exceeded")
    assert (problem["scope"], problem["room"]) == ("provider:dalle", "0.0199")


@pytest.mark.parametrize("limit", [3, "-1", "1.00001", "much"])
def test_a_monthly_limit_that_is_no_amount_is_422(studio: Deployment, limit: Any) -> None:
    problem = assert_problem(put(studio, {"monthly_limit": limit}), 422, "validation-failed")

    assert [error["pointer"] for error in problem["errors"]] == ["/monthly_limit"]
