"""What callers get: the shapes of the API, amounts as strings, times in UTC."""

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from filmgate.domain.attempts import AttemptState
from filmgate.domain.chain import ProviderSettings
from filmgate.domain.errors import ErrorClass
from filmgate.domain.generations import GenerationState, Problem, Record, Take
from filmgate.domain.health import Health, after_failure, after_success
from filmgate.domain.ledger import Budget
from filmgate.providers.data import catalogue, rate_card
from filmgate.usecases.budgets import Standing
from filmgate.usecases.estimate import compare, estimate
from filmgate.usecases.verify import Drift, Miscount, Verified
from filmgate.views import (
    attempt_view,
    budget_view,
    comparison_view,
    estimate_view,
    generation_view,
    moment,
    providers_view,
    summary_view,
    verified_view,
)
from tests.support.builders import (
    NOW,
    TENANT,
    attempt,
    clip_wish,
    failure,
    generation,
    image_wish,
    link,
    request,
    take,
    usd,
    with_keys,
)
from tests.support.memory_studio import MemoryStudio

AMOUNT = re.compile(r"-?\d+\.\d{4}")
S = AttemptState


def studio() -> MemoryStudio:
    made = MemoryStudio()
    made.settings[TENANT] = with_keys("dalle", "nanobanana", "kling")
    return made


def linked(one: Take) -> tuple[str, datetime]:
    return f"https://takes.example/{one.key}?signature=x", NOW + timedelta(minutes=15)


def amounts(view: Any, names: set[str]) -> list[Any]:
    """The values of these fields, wherever in a view."""
    match view:
        case dict():
            found = [view[name] for name in names & set(view)]
            return found + [one for part in view.values() for one in amounts(part, names)]
        case list():
            return [one for part in view for one in amounts(part, names)]
    return []


# --- prices ------------------------------------------------------------------------------------


def quoted(**asked: Any) -> dict[str, Any]:
    return estimate_view(
        estimate(
            request(clip_wish(resolution="720p", duration_s=5), **asked),
            tenant=TENANT,
            studio=studio(),
            quotes=studio(),
            catalogue=catalogue(),
            card=rate_card("guide"),
            now=NOW,
        )
    )


def test_an_estimate_has_the_shape_of_the_api() -> None:
    view = quoted(provider="kling")

    (entry,) = view.pop("chain")
    assert re.fullmatch(r"quo_[a-z2-7]{26}", view.pop("quote_id"))
    assert view == {
        "type": "video",
        "currency": "USD",
        "expected": "0.0067",
        "max": "0.0067",
        "rate_card": {"name": "guide", "version": rate_card("guide").version},
        "expires_at": "2026-11-22T12:15:00.000Z",
        "warnings": [],
    }
    assert entry == {
        "provider": "kling",
        "model": "kling-3.0-turbo",
        "eligible": True,
        "reason": None,
        "reason_code": None,
        "cost": "0.0067",
        "unit": "minute",
        "unit_price": "0.0800",
        "quality": "high",
        "quality_rank": 70,
        "speed": "fast",
        "expected_s": 120,
        "observed_s": None,
    }


def test_an_entry_that_is_out_says_why_and_shows_its_price_where_it_has_one() -> None:
    entries = {entry["provider"]: entry for entry in quoted()["chain"]}

    assert (entries["whan"]["eligible"], entries["whan"]["reason"], entries["whan"]["cost"]) == (
        False, "has no key yet", "0.0050",
    )  # fmt: skip
    assert entries["flow"]["reason"] == "needs a keyframe: set params.image"
    assert (entries["flow"]["cost"], entries["flow"]["unit"], entries["flow"]["model"]) == (
        None, None, None,
    )  # fmt: skip


def test_a_comparison_has_the_shape_of_the_api() -> None:
    view = comparison_view(
        compare(
            image_wish(),
            tenant=TENANT,
            studio=studio(),
            catalogue=catalogue(),
            card=rate_card("guide"),
            now=NOW,
        )
    )

    assert set(view) == {"type", "currency", "rate_card", "offers"}
    assert [(one["provider"], one["cost"], one["eligible"]) for one in view["offers"]] == [
        ("nanobanana", "0.0100", True),
        ("dalle", "0.0200", True),
        ("midjourney", "0.0150", False),
    ]


# --- generations -------------------------------------------------------------------------------

DONE = attempt(
    S.STORED, index=1, provider="nanobanana", actual_micros=usd("0.0100"), ended_at=NOW, tries=1
)
REFUSED = attempt(
    S.RELEASED,
    provider="dalle",
    failure=failure(ErrorClass.REJECT, "content-refused", "refused by its content policy"),
    ended_at=NOW,
)
ENDED = generation(
    link("dalle", "0.0200"),
    link("nanobanana", "0.0100"),
    state=GenerationState.SUCCEEDED,
    provider="nanobanana",
    actual_micros=usd("0.0100"),
    completed_at=NOW + timedelta(seconds=30),
    project="snow",
    tags=("a",),
    warnings=("a warning",),
)


def test_a_generation_has_the_shape_of_the_api() -> None:
    view = generation_view(Record(ENDED, (REFUSED, DONE), (take(DONE),)), linked)

    assert set(view) >= {
        "id", "state", "type", "prompt", "requested_provider", "provider", "strategy", "params",
        "cost_limit", "project", "script_id", "shot_number", "estimated_cost", "actual_cost",
        "attempts", "takes", "failure", "warnings", "created_at", "completed_at", "estimate",
    }  # fmt: skip
    assert (view["state"], view["provider"], view["failure"]) == ("succeeded", "nanobanana", None)
    assert (view["estimated_cost"], view["actual_cost"]) == ("0.0200", "0.0100")
    assert view["estimate"] == {"expected": "0.0200", "max": "0.0200"}
    assert (view["cost_limit"], view["params"]) == ("1.0000", {"quality": "standard"})
    assert (view["created_at"], view["completed_at"]) == (
        "2026-11-22T12:00:00.000Z",
        "2026-11-22T12:00:30.000Z",
    )


def test_every_attempt_tells_its_money_and_its_reason() -> None:
    first, second = generation_view(Record(ENDED, (REFUSED, DONE)), linked)["attempts"]

    assert first["error"] == {
        "class": "reject",
        "code": "content-refused",
        "message": "refused by its content policy",
    }
    assert (first["estimated_cost"], first["actual_cost"]) == ("0.0200", None)
    assert second == {
        "id": DONE.id,
        "provider": "nanobanana",
        "model": "picture-1",
        "state": "stored",
        "error": None,
        "estimated_cost": "0.0200",
        "actual_cost": "0.0100",
        "tries": 1,
        "started_at": "2026-11-22T12:00:00.000Z",
        "ended_at": "2026-11-22T12:00:00.000Z",
    }


@pytest.mark.parametrize(("duration_ms", "seconds"), [(None, None), (5041, 5.041)])
def test_a_take_has_a_link_made_on_read(duration_ms: int | None, seconds: float | None) -> None:
    made = take(DONE, duration_ms=duration_ms)

    (view,) = generation_view(Record(ENDED, (DONE,), (made,)), linked)["takes"]

    assert view == {
        "id": made.id,
        "media_type": "image/png",
        "width": 1024,
        "height": 1024,
        "duration_s": seconds,
        "size_bytes": 12,
        "sha256": "0" * 64,
        "provider": "nanobanana",
        "late": False,
        "url": f"https://takes.example/{made.key}?signature=x",
        "url_expires_at": "2026-11-22T12:15:00.000Z",
    }


def test_where_a_result_lies_is_no_business_of_callers() -> None:
    view = generation_view(Record(ENDED, (DONE,), (take(DONE),)), linked)

    assert "key" not in view["takes"][0]
    assert "tenant" not in view
    assert "request_hash" not in view


def test_what_was_paid_is_shown_before_the_end() -> None:
    running = replace(ENDED, state=GenerationState.STORING, actual_micros=None, completed_at=None)

    view = generation_view(Record(running, (replace(DONE, state=S.PAID),)), linked)

    assert (view["actual_cost"], view["completed_at"]) == ("0.0100", None)


def test_before_anything_is_paid_there_is_no_actual_cost() -> None:
    view = generation_view(Record(generation(), (attempt(S.ACCEPTED),)), linked)

    assert view["actual_cost"] is None


def test_a_failure_has_a_code_and_a_sentence() -> None:
    failed = replace(ENDED, failure=Problem("outcome-unknown", "Nobody knows."))

    assert summary_view(failed)["failure"] == {
        "code": "outcome-unknown",
        "message": "Nobody knows.",
    }


def test_a_view_is_plain_json() -> None:
    view = generation_view(Record(ENDED, (REFUSED, DONE), (take(DONE),)), linked)

    assert json.loads(json.dumps(view)) == view


def test_every_amount_is_a_string_with_four_places() -> None:
    view = generation_view(Record(ENDED, (REFUSED, DONE)), linked)

    told = amounts(view, {"estimated_cost", "actual_cost", "expected", "max", "cost_limit"})
    assert len(told) >= 8
    assert all(one is None or AMOUNT.fullmatch(one) for one in told)


# --- budgets and providers ---------------------------------------------------------------------


def test_a_budget_has_the_shape_of_the_api() -> None:
    budget = Budget("owner", "2026-11", usd("10"), held=usd("0.5"), settled=usd("1.25"))

    assert budget_view(Standing(budget, usd("10"), budget.room)) == {
        "scope": "owner",
        "period": "2026-11",
        "currency": "USD",
        "limit": "10.0000",
        "limit_of": "owner",
        "spent": "1.2500",
        "held": "0.5000",
        "room": "8.2500",
        "alert_at": [80, 100],
    }


def test_a_budget_that_was_lowered_below_its_use_shows_what_is_missing() -> None:
    lowered = Budget("owner", "2026-11", usd("1"), settled=usd("1.5"))

    assert budget_view(Standing(lowered, usd("1"), lowered.room))["room"] == "-0.5000"


def test_a_budget_without_a_limit_of_its_own_shows_whose_limit_bounds_it() -> None:
    fox = Budget("project:fox", "2026-11", None, held=usd("0.5"), settled=usd("1.25"))

    told = budget_view(Standing(fox, usd("10"), usd("3")))

    assert (told["limit"], told["limit_of"], told["room"]) == ("10.0000", "owner", "3.0000")
    assert (told["spent"], told["held"]) == ("1.2500", "0.5000")


def test_what_was_verified_is_told_with_every_difference() -> None:
    drift = Drift("owner 2026-11", entered=(usd("0.02"), usd("1")), stored=(0, usd("1.02")))
    miscounts = (
        Miscount("owner 2026-11", "count", 3, 4),
        Miscount("gen_a", "actual_cost", usd("0.03"), usd("0.02")),
    )
    found = Verified(3, 8, 2, (drift,), miscounts, busy=1, double_spends=("gen_a",))

    assert verified_view(found) == {
        "agrees": False,
        "checked": {"budgets": 3, "entries": 8, "attempts": 2},
        "drift": [
            {
                "what": "owner 2026-11",
                "entries_say": {"held": "0.0200", "spent": "1.0000"},
                "stored": {"held": "0.0000", "spent": "1.0200"},
            }
        ],
        "miscounts": [
            {"what": "owner 2026-11", "total": "count", "attempts_say": 3, "stored": 4},
            {
                "what": "gen_a",
                "total": "actual_cost",
                "attempts_say": "0.0300",
                "stored": "0.0200",
            },
        ],
        "busy": 1,
        "double_spends": ["gen_a"],
    }


def test_a_presumed_attempt_shows_what_it_counts_as() -> None:
    presumed = attempt(S.PRESUMED, reserved="0.0500")

    assert attempt_view(presumed)["actual_cost"] == "0.0500"
    assert attempt_view(attempt(S.OVERDUE))["actual_cost"] is None


def listed(card: str = "guide", **settings: ProviderSettings) -> dict[str, Any]:
    view = providers_view(catalogue(), settings, {}, rate_card(card), NOW)
    return {one["id"]: one for one in view["items"]}


def test_providers_have_the_shape_of_the_api() -> None:
    dalle = listed(dalle=ProviderSettings(key_set=True, priority=7, enabled=False))["dalle"]

    assert set(dalle) >= {
        "id", "name", "type", "enabled", "priority", "key_set", "retired", "quality", "speed",
        "offers", "breaker", "observed",
    }  # fmt: skip
    assert (dalle["type"], dalle["enabled"], dalle["priority"], dalle["key_set"]) == (
        "image", False, 7, True,
    )  # fmt: skip
    assert dalle["offers"][0]["price"] == [
        {"resolution": None, "quality": None, "unit": "image", "usd": "0.0200"}
    ]
    assert dalle["offers"][0]["duration_s"] is None


def test_providers_come_by_medium_in_the_owners_order() -> None:
    view = providers_view(
        catalogue(), {"nanobanana": ProviderSettings(priority=0)}, {}, rate_card("guide"), NOW
    )

    order = [one["id"] for one in view["items"]]
    assert order == [
        "nanobanana", "dalle", "midjourney", "kling", "whan", "veo", "sora", "flow",
    ]  # fmt: skip


def test_a_price_for_a_size_that_is_not_made_is_not_shown() -> None:
    """The guide card has a 4K cell for whan; its model makes 720p and 1080p."""
    prices = listed()["whan"]["offers"][0]["price"]

    assert [(one["resolution"], one["usd"]) for one in prices] == [
        ("720p", "0.0600"),
        ("1080p", "0.1100"),
    ]


def test_a_retired_provider_names_its_day_and_its_replacement() -> None:
    assert listed()["sora"]["retired"] == {"since": "2026-09-24", "replacement": "kling"}
    assert listed()["kling"]["retired"] is None


def test_a_clip_offer_tells_its_lengths() -> None:
    offer = listed()["kling"]["offers"][0]

    assert offer["duration_s"] == {"min": 3, "max": 15}
    assert (offer["resolutions"], offer["aspect_ratios"]) == (
        ["720p", "1080p"],
        ["16:9", "9:16", "1:1"],
    )


@pytest.mark.parametrize("card", ["guide", "vendor"])
def test_every_price_of_a_card_can_be_shown(card: str) -> None:
    told = amounts(list(listed(card).values()), {"usd"})

    assert len(told) >= 10
    assert all(AMOUNT.fullmatch(one) for one in told)


def test_of_a_key_only_its_last_four_characters_are_shown() -> None:
    settings = {"dalle": ProviderSettings(key_set=True, key_hint="cdef")}

    shown = listed(**settings)["dalle"]

    assert (shown["key_set"], shown["key_hint"]) == (True, "cdef")


# --- times -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOW, "2026-11-22T12:00:00.000Z"),
        (NOW + timedelta(microseconds=1999), "2026-11-22T12:00:00.001Z"),
        (NOW.astimezone(timezone(timedelta(hours=2))), "2026-11-22T12:00:00.000Z"),
    ],
)
def test_a_time_is_utc_with_milliseconds(at: datetime, text: str) -> None:
    assert moment(at) == text


def test_a_providers_breaker_and_figures_are_shown() -> None:
    broken = Health()
    for _ in range(5):
        broken = after_failure(broken, error_class=ErrorClass.RETRY, code="unavailable", now=NOW)
    figures = after_success(Health(), duration=timedelta(seconds=12), cost=20_000)

    view = providers_view(
        catalogue(), {}, {"dalle": broken, "kling": figures}, rate_card("guide"), NOW
    )

    shown = {one["id"]: one for one in view["items"]}
    assert shown["dalle"]["breaker"]["state"] == "open"
    assert shown["dalle"]["breaker"]["reason"] == "unavailable"
    assert shown["kling"]["breaker"] == {"state": "closed", "until": None, "reason": None}
    assert shown["kling"]["observed"] == {
        "attempts": 1,
        "success_rate": 100,
        "p50_s": 12.0,
        "p95_s": 12.0,
        "average_cost": "0.0200",
    }
