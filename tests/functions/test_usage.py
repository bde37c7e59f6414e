"""GET /v1/usage, its summary and discrepancies, and budgets by month, through the handlers."""

import base64
import csv
import io
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.functions.support import (
    Clock,
    Deployment,
    Json,
    altered,
    asked_by,
    assert_problem,
    request,
    sample,
)
from tests.functions.vendors import (
    CLIP_URL,
    DALLE,
    KLING,
    NANOBANANA,
    ScriptedEgress,
    clip,
    dalle_error,
    dalle_picture,
    kling_created,
    kling_task,
    nanobanana_picture,
    picture,
    reply,
)


def asked(path: str, *, role: str = "viewer", user: str = "vic", **query: str) -> Json:
    given = {name.rstrip("_"): value for name, value in query.items()}
    return asked_by(request("GET", path, query=given), role=role, user=user)


def rows(studio: Deployment, **query: str) -> list[Json]:
    answer = studio.call("usage", asked("/v1/usage", **query))
    assert answer.status == 200, answer.text
    items: list[Json] = answer.json["items"]
    return items


@pytest.fixture
def fallback(studio: Deployment, vendors: ScriptedEgress) -> str:
    """A still that one provider could not make and the next one could."""
    studio.give_key("dalle")
    studio.give_key("nanobanana")
    vendors.will(DALLE, dalle_error(400, "moderation_blocked"))
    vendors.will(NANOBANANA, nanobanana_picture())
    body = {"provider": None, "params": None, "project": "fox", "script_id": "=1+1"}
    answer = studio.call("generate", altered(sample("generate", "image"), body=body))
    assert answer.status == 202, answer.text
    assert studio.run(answer.json["id"])[-1] == ("finish", "succeeded")
    return str(answer.json["id"])


@pytest.fixture
def short_clip(studio: Deployment, vendors: ScriptedEgress) -> str:
    """A clip of five seconds was ordered, one of three was delivered."""
    studio.give_key("kling")
    vendors.will(KLING, kling_created(), kling_task("succeeded", CLIP_URL))
    vendors.serves(CLIP_URL, clip(seconds=3))
    made = studio.call("generate", sample("generate", "clip")).json["id"]
    assert studio.run(made)[-1] == ("finish", "succeeded")
    return str(made)


def test_every_attempt_is_a_row_failed_ones_too(studio: Deployment, fallback: str) -> None:
    second, first = sorted(rows(studio), key=lambda row: row["provider"], reverse=True)

    assert {row["generation_id"] for row in (first, second)} == {fallback}
    assert (first["provider"], first["status"], first["actual_cost"]) == (
        "dalle", "failed", "0.0000",
    )  # fmt: skip
    assert first["error"]
    assert {name: second[name] for name in (
        "user", "provider", "type", "estimated_cost", "actual_cost", "duration_s", "resolution",
        "status", "error", "project", "script_id", "skipped", "late",
    )} == {
        "user": "ann", "provider": "nanobanana", "type": "image", "estimated_cost": "0.0100",
        "actual_cost": "0.0100", "duration_s": None, "resolution": "1024x1024",
        "status": "success", "error": None, "project": "fox", "script_id": "=1+1",
        "skipped": False, "late": False,
    }  # fmt: skip


def test_rows_are_filtered_and_paged(studio: Deployment, fallback: str) -> None:
    assert [row["provider"] for row in rows(studio, status="success")] == ["nanobanana"]
    assert [row["provider"] for row in rows(studio, provider="dalle")] == ["dalle"]
    assert len(rows(studio, project="fox", type="image", user="ann")) == 2
    assert rows(studio, project="owl") == []
    assert len(rows(studio, from_="2026-11-22", to="2026-11-22")) == 2
    assert rows(studio, to="2026-11-21") == []
    assert rows(studio, from_="2026-11-22T14:00:00%2B01:00".replace("%2B", "+")) == []

    first = studio.call("usage", asked("/v1/usage", limit="1")).json
    second = studio.call("usage", asked("/v1/usage", limit="1", cursor=first["next"])).json
    assert {one["provider"] for one in first["items"] + second["items"]} == {
        "dalle", "nanobanana",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"status": "done"}, "?status"),
        ({"type": "sound"}, "?type"),
        ({"from_": "yesterday"}, "?from"),
        ({"from_": "2026-11-22T12:00:00"}, "?from"),
        ({"to": "2026-02-30"}, "?to"),
        ({"to": "9999-12-31"}, "?to"),
        ({"limit": "0"}, "?limit"),
        ({"cursor": "x"}, "?cursor"),
        ({"format": "xml"}, "?format"),
        ({"format": "csv", "limit": "5"}, "?limit"),
        ({"color": "red"}, "?color"),
    ],
)
def test_a_question_that_is_none_is_422(studio: Deployment, query: dict, pointer: str) -> None:
    answer = studio.call("usage", asked("/v1/usage", **query))

    problem = assert_problem(answer, 422, "validation-failed")
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


def test_a_creator_sees_their_own_and_a_foreign_tenant_nothing(
    studio: Deployment, fallback: str
) -> None:
    assert len(rows(studio, role="creator", user="ann")) == 2
    assert rows(studio, role="creator", user="cat") == []
    foreign = asked_by(request("GET", "/v1/usage"), role="admin", tenant="other")
    assert studio.call("usage", foreign).json == {"items": [], "next": None}


def test_a_file_has_every_row_the_same_sum_and_no_formula(
    studio: Deployment, fallback: str
) -> None:
    answer = studio.call("usage", asked("/v1/usage", format="csv"))

    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="usage.csv"'
    found = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert sorted(row["actual_cost"] for row in found) == ["0.0000", "0.0100"]
    assert {row["script_id"] for row in found} == {"'=1+1"}


def test_a_large_file_is_fetched_by_a_link(
    studio: Deployment, fallback: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = studio.call("usage", asked("/v1/usage", format="csv")).text
    monkeypatch.setattr(studio.module("usage"), "LARGEST_AT_ONCE", 100)

    answer = studio.call("usage", asked("/v1/usage", format="csv"))

    assert answer.status == 303
    assert answer.headers["location"] == answer.json["url"]
    assert (answer.json["rows"], answer.json["expires_at"]) == (2, "2026-11-22T12:15:00.000Z")
    parts = urlsplit(answer.json["url"])
    assert parse_qs(parts.query)["X-Amz-Expires"] == ["900"]
    kept = studio.s3.get_object(Bucket="exports-bucket", Key=parts.path.lstrip("/"))
    assert kept["Body"].read().decode() == at_once


def test_a_page_gets_a_link_however_small_the_file_is(studio: Deployment, fallback: str) -> None:
    answer = studio.call("usage", asked("/v1/usage", format="link"))

    assert (answer.status, answer.json["rows"]) == (200, 2)
    assert "/studio/" in answer.json["url"]


def test_a_month_in_figures(studio: Deployment, fallback: str) -> None:
    answer = studio.call("usage", asked("/v1/usage/summary", period="2026-11"))

    assert answer.json == {
        "period": "2026-11",
        "scope": "owner",
        "currency": "USD",
        "total_spent": "0.0100",
        "held": "0.0000",
        "estimated": "0.0300",
        "estimate_against_actual": {
            "estimated": "0.0100", "actual": "0.0100", "difference": "0.0000",
        },
        "by_provider": {"nanobanana": "0.0100"},
        "by_type": {"image": "0.0100"},
        "by_user": {"ann": "0.0100"},
        "by_project": {"fox": "0.0100"},
        "by_day": [{"date": "2026-11-22", "spent": "0.0100"}],
        "count": 2,
        "succeeded": 1,
        "failed": 1,
        "success_rate": 50,
        "storyboards": 0,
        "average_cost_per_storyboard": None,
    }  # fmt: skip


def test_a_month_of_one_scope(studio: Deployment, fallback: str) -> None:
    answer = studio.call("usage", asked("/v1/usage/summary", provider="dalle"))

    assert (answer.json["scope"], answer.json["total_spent"]) == ("provider:dalle", "0.0000")
    assert (answer.json["count"], answer.json["failed"]) == (1, 1)


@pytest.mark.parametrize("period", ["2026-13", "2026", "november", "1999-01"])
def test_a_month_that_is_none_is_422(studio: Deployment, period: str) -> None:
    for verb, path in (
        ("usage", "/v1/usage/summary"), ("usage", "/v1/budgets"), ("settings", "/v1/budgets/owner"),
    ):  # fmt: skip
        assert_problem(studio.call(verb, asked(path, period=period)), 422, "validation-failed")


def test_every_budget_is_listed_and_has_a_history(
    studio: Deployment, fallback: str, clock: Clock
) -> None:
    studio.call("settings", sample("settings", "set-budget"))

    found = studio.call("usage", asked("/v1/budgets")).json

    assert [(one["scope"], one["spent"]) for one in found["items"]] == [
        ("owner", "0.0100"), ("project:fox", "0.0100"), ("provider:dalle", "0.0000"),
        ("provider:nanobanana", "0.0100"), ("user:ann", "0.0100"),
    ]  # fmt: skip
    clock.pass_s(31 * 86_400)
    next_month = studio.call("usage", asked("/v1/budgets")).json
    assert [(one["scope"], one["limit"]) for one in next_month["items"]] == [("owner", "25.0000")]
    history = studio.call("usage", asked("/v1/budgets/owner/history")).json
    assert history["items"] == [
        {"period": "2026-11", "limit": "25.0000", "spent": "0.0100", "held": "0.0000"}
    ]
    past = studio.call("settings", asked("/v1/budgets/project:fox", period="2026-11")).json
    assert (past["period"], past["spent"], past["limit_of"]) == ("2026-11", "0.0100", "owner")
    before = studio.call("settings", asked("/v1/budgets/project:fox", period="2026-10"))
    assert_problem(before, 404, "not-found")


def test_another_user_s_budget_is_not_there_for_a_creator(studio: Deployment) -> None:
    for verb, path in (
        ("settings", "/v1/budgets/user:ben"), ("usage", "/v1/budgets/user:ben/history"),
    ):  # fmt: skip
        assert_problem(studio.call(verb, asked(path, role="creator", user="ann")), 404, "not-found")
        assert studio.call(verb, asked(path, role="admin")).status == 200


@pytest.mark.parametrize("months", ["0", "37", "x"])
def test_a_history_has_bounds(studio: Deployment, months: str) -> None:
    answer = studio.call("usage", asked("/v1/budgets/owner/history", months=months))

    assert_problem(answer, 422, "validation-failed")


def test_what_came_otherwise_than_ordered_stands_side_by_side(
    studio: Deployment, short_clip: str
) -> None:
    answer = studio.call("usage", asked("/v1/usage/discrepancies"))

    (row,) = answer.json["items"]
    assert (row["generation_id"], row["status"]) == (short_clip, "success")
    assert {"what": "duration", "ordered": "5", "delivered": "3.0", "unit": "s"} in row[
        "differences"
    ]
    assert row["ordered"]["duration_s"] == 5
    assert row["delivered"]["duration_s"] == 3.0
    assert row["costs"]["estimate"] == row["costs"]["ledger"] == "0.0067"


def test_a_clip_without_the_sound_that_its_model_always_adds_is_a_discrepancy(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    studio.give_key("kling")
    vendors.will(KLING, kling_created(), kling_task("succeeded", CLIP_URL))
    vendors.serves(CLIP_URL, clip(seconds=5, sound=False))
    made = studio.call("generate", sample("generate", "clip")).json["id"]
    studio.run(made)

    (row,) = studio.call("usage", asked("/v1/usage/discrepancies")).json["items"]

    assert row["differences"] == [
        {"what": "sound", "ordered": "on", "delivered": "off", "unit": "track"}
    ]
    assert (row["ordered"]["sound"], row["delivered"]["has_audio"]) == ("on", False)
    assert studio.table.find("studio", made).generation.warnings == (
        "kling delivered a clip with its sound off, ordered was on",
    )


def test_two_pictures_for_one_that_was_ordered_are_a_discrepancy_and_one_is_kept(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    studio.give_key("dalle")
    both = [{"b64_json": base64.b64encode(picture()).decode()} for _ in range(2)]
    vendors.will(DALLE, reply(200, {"data": both}))
    wish = altered(sample("generate", "image"), body={"params": None})
    made = studio.call("generate", wish).json["id"]
    studio.run(made)

    (row,) = studio.call("usage", asked("/v1/usage/discrepancies")).json["items"]

    found = studio.table.find("studio", made)
    assert row["differences"] == [
        {"what": "count", "ordered": "1", "delivered": "2", "unit": "results"}
    ]
    assert (row["ordered"]["count"], row["delivered"]["count"]) == (1, 2)
    assert found.generation.warnings == (
        "dalle delivered 2 results, ordered was 1: one of them is kept",
    )
    assert len(found.takes) == 1


def test_what_came_as_ordered_is_no_discrepancy(studio: Deployment, fallback: str) -> None:
    assert studio.call("usage", asked("/v1/usage/discrepancies")).json["items"] == []


def test_a_still_of_another_size_is_a_discrepancy_and_a_warning(
    studio: Deployment, vendors: ScriptedEgress
) -> None:
    studio.give_key("dalle")
    vendors.will(DALLE, dalle_picture(picture(768, 432)))
    made = studio.call("generate", sample("generate", "image")).json["id"]
    studio.run(made)

    (row,) = studio.call("usage", asked("/v1/usage/discrepancies")).json["items"]

    assert [one["what"] for one in row["differences"]] == ["size"]
    assert studio.table.find("studio", made).generation.warnings
