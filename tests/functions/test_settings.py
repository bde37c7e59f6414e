"""GET and PUT /v1/budgets/{scope}."""

import pytest

from tests.functions.support import (
    Clock,
    Deployment,
    altered,
    asked_by,
    assert_problem,
    request,
    sample,
)


def test_an_owner_who_set_nothing_has_the_installation_s_limit(studio: Deployment) -> None:
    answer = studio.call("settings", sample("settings", "read-budget"))

    assert (answer.status, answer.json) == (
        200,
        {
            "scope": "owner",
            "period": "2026-11",
            "currency": "USD",
            "limit": "10.0000",
            "limit_of": "owner",
            "spent": "0.0000",
            "held": "0.0000",
            "room": "10.0000",
            "alert_at": [80, 100],
        },
    )


def test_reading_a_budget_writes_nothing(studio: Deployment) -> None:
    studio.call("settings", sample("settings", "read-budget"))

    assert studio.dynamodb.scan(TableName="studio-table")["Items"] == []


def test_a_limit_that_was_set_is_the_budget_s_limit_at_once(studio: Deployment) -> None:
    answer = studio.call("settings", sample("settings", "set-budget"))
    read = studio.call("settings", sample("settings", "read-budget"))

    assert answer.status == 200
    assert (answer.json["limit"], answer.json["room"]) == ("25.0000", "25.0000")
    assert answer.json["alert_at"] == [50, 80, 100]
    assert read.json == answer.json


def test_a_limit_holds_in_the_months_to_come(studio: Deployment, clock: Clock) -> None:
    studio.call("settings", sample("settings", "set-budget"))

    clock.pass_s(31 * 24 * 3600)
    answer = studio.call("settings", sample("settings", "read-budget"))

    assert (answer.json["period"], answer.json["limit"]) == ("2026-12", "25.0000")


def test_setting_the_same_limit_again_changes_nothing(studio: Deployment) -> None:
    first = studio.call("settings", sample("settings", "set-budget"))

    again = studio.call("settings", sample("settings", "set-budget"))

    assert again.json == first.json


def test_a_limit_below_what_is_used_is_taken_and_nothing_new_is_admitted(
    studio: Deployment,
) -> None:
    studio.give_key("dalle")
    studio.call("generate", sample("generate", "image"))
    event = altered(sample("settings", "set-budget"), body={"limit": "0.0100"})

    answer = studio.call("settings", event)
    refused = studio.call(
        "generate",
        altered(sample("generate", "image"), headers={"idempotency-key": "another"}),
    )

    assert answer.status == 200
    assert (answer.json["held"], answer.json["room"]) == ("0.0200", "-0.0100")
    problem = assert_problem(refused, 402, "budget-exceeded")
    assert (problem["scope"], problem["needed"], problem["room"]) == ("owner", "0.0200", "-0.0100")


def test_a_limit_of_nothing_stops_all_spending(studio: Deployment) -> None:
    studio.give_key("dalle")
    studio.call("settings", altered(sample("settings", "set-budget"), body={"limit": "0"}))

    answer = studio.call("generate", sample("generate", "image"))

    problem = assert_problem(answer, 402, "budget-exceeded")
    assert (problem["needed"], problem["room"]) == ("0.0200", "0.0000")


def test_alerts_come_back_sorted_and_once_each(studio: Deployment) -> None:
    event = altered(sample("settings", "set-budget"), body={"alert_at": [100, 50, 100, 80]})

    answer = studio.call("settings", event)

    assert answer.json["alert_at"] == [50, 80, 100]


def test_a_budget_without_alerts_gets_the_usual_ones(studio: Deployment) -> None:
    event = altered(sample("settings", "set-budget"), body={"alert_at": None})

    answer = studio.call("settings", event)

    assert answer.json["alert_at"] == [80, 100]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"limit": None}, "/limit"),
        ({"limit": 25}, "/limit"),
        ({"limit": "-1"}, "/limit"),
        ({"limit": "1.00001"}, "/limit"),
        ({"limit": "1e3"}, "/limit"),
        ({"limit": "١٢"}, "/limit"),  # digits, but not ours
        ({"limit": "9" * 17}, "/limit"),
        ({"alert_at": [0]}, "/alert_at/0"),
        ({"alert_at": [80, 1001]}, "/alert_at/1"),
        ({"alert_at": ["80"]}, "/alert_at/0"),
        ({"alert_at": [80] * 11}, "/alert_at"),
        ({"spent": "0"}, "/spent"),
    ],
)
def test_a_budget_that_is_none_is_422(studio: Deployment, body: dict, pointer: str) -> None:
    event = altered(sample("settings", "set-budget"), body=body)

    problem = assert_problem(studio.call("settings", event), 422, "validation-failed")

    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert studio.dynamodb.scan(TableName="studio-table")["Items"] == []


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("scope", ["everything", "project:", "provider:lumen", "generation:gen_a"])
def test_a_scope_that_can_have_no_budget_is_404(
    studio: Deployment, method: str, scope: str
) -> None:
    event = request(method, f"/v1/budgets/{scope}", body={"limit": "1"})

    answer = studio.route(asked_by(event, role="admin"))

    assert_problem(answer, 404, "not-found")
    assert studio.dynamodb.scan(TableName="studio-table")["Items"] == []


@pytest.mark.parametrize("scope", ["user:ann", "project:fox", "provider:dalle"])
def test_a_scope_without_a_limit_of_its_own_is_bounded_by_the_owner_s(
    studio: Deployment, scope: str
) -> None:
    answer = budget_of(studio, scope)

    assert (answer["scope"], answer["limit"], answer["limit_of"]) == (scope, "10.0000", "owner")
    assert (answer["spent"], answer["held"], answer["room"]) == ("0.0000", "0.0000", "10.0000")


def test_an_alias_names_the_budget_of_its_provider(studio: Deployment) -> None:
    assert budget_of(studio, "provider:wan")["scope"] == "provider:whan"


@pytest.mark.parametrize("scope", ["user:ann", "provider:dalle"])
def test_a_limit_set_in_mid_month_counts_what_was_used_before(
    studio: Deployment, scope: str
) -> None:
    studio.give_key("dalle")
    studio.call("generate", sample("generate", "image"))

    set_ = set_budget(studio, scope, {"limit": "0.0300"})
    refused = studio.call(
        "generate",
        altered(sample("generate", "image"), headers={"idempotency-key": "another"}),
    )

    assert (set_["limit"], set_["limit_of"]) == ("0.0300", scope)
    assert (set_["held"], set_["room"]) == ("0.0200", "0.0100")
    problem = assert_problem(refused, 402, "budget-exceeded")
    assert (problem["scope"], problem["needed"], problem["room"]) == (scope, "0.0200", "0.0100")


def test_a_limit_of_null_takes_a_scope_s_own_limit_away(studio: Deployment) -> None:
    studio.give_key("dalle")
    set_budget(studio, "user:ann", {"limit": "0"})
    before = studio.call("generate", sample("generate", "image"))

    freed = set_budget(studio, "user:ann", '{"limit": null}')

    assert_problem(before, 402, "budget-exceeded")
    assert (freed["limit"], freed["limit_of"]) == ("10.0000", "owner")
    assert studio.call("generate", sample("generate", "image")).status == 202


def test_the_owner_is_never_unlimited(studio: Deployment) -> None:
    studio.give_key("dalle")
    set_budget(studio, "owner", {"limit": "99"})

    told = set_budget(studio, "owner", '{"limit": null}')

    assert (told["limit"], told["room"], told["limit_of"]) == ("10.0000", "10.0000", "owner")
    set_budget(studio, "owner", {"limit": "0.0100"})
    set_budget(studio, "owner", '{"limit": null}')
    assert budget_of(studio, "owner")["limit"] == "10.0000"


def budget_of(studio: Deployment, scope: str) -> dict:
    event = request("GET", f"/v1/budgets/{scope}")
    return studio.route(asked_by(event, role="viewer")).json


def set_budget(studio: Deployment, scope: str, body: dict | str) -> dict:
    event = request("PUT", f"/v1/budgets/{scope}", body=body)
    answer = studio.route(asked_by(event, role="admin"))
    assert answer.status == 200, answer.text
    return answer.json


def test_tenants_have_budgets_of_their_own(studio: Deployment) -> None:
    studio.call("settings", sample("settings", "set-budget"))

    answer = studio.call(
        "settings", asked_by(sample("settings", "read-budget"), role="admin", tenant="other")
    )

    assert answer.json["limit"] == "10.0000"
