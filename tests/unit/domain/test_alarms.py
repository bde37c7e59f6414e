"""Which notices a budget asks for, and in which words; the other kinds are told by the function."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmgate.domain.alarms import (
    budget_notices,
    forecast_notice,
    may_be_forecast,
    provider_notice,
)
from filmgate.domain.errors import ErrorClass
from filmgate.domain.health import SUSPENDING, Health, after_failure, claim_probe, closed
from filmgate.domain.ledger import NO_PERIOD, Budget
from tests.support.builders import NOW, PERIOD, TENANT, usd

TENTH = datetime(2026, 11, 11, tzinfo=UTC)  # ten days of November are over


def budget(spent: str, limit: str = "1.0000", **others: Any) -> Budget:
    return Budget(
        **{"scope": "owner", "period": PERIOD, "limit": usd(limit), "settled": usd(spent), **others}
    )


def thresholds(of: Budget) -> list[str]:
    return [one.attributes["threshold"] for one in budget_notices(TENANT, of, at=NOW)]


@pytest.mark.parametrize(
    ("spent", "reached"),
    [
        ("0.7999", []),
        ("0.8000", ["80"]),
        ("0.9999", ["80"]),
        ("1.0000", ["80", "100"]),
        ("3.0000", ["80", "100"]),
    ],
)
def test_a_threshold_counts_from_the_very_amount_that_reaches_it(
    spent: str, reached: list[str]
) -> None:
    assert thresholds(budget(spent)) == reached


@pytest.mark.parametrize(
    ("spent", "limit", "text"),
    [
        ("0.8340", "1.0000", "Used 83.4% of budget"),
        ("0.8000", "1.0000", "Used 80.0% of budget"),
        ("0.9999", "1.0000", "Used 99.9% of budget"),
        ("2.0000", "3.0000", "Used 66.6% of budget"),
        ("3.0000", "1.0000", "Used 300.0% of budget"),
        ("0.0200", "0.0000", "Used 0.0200 USD of a budget of 0.0000 USD"),
    ],
)
def test_the_share_is_told_with_one_decimal_and_never_rounded_up(
    spent: str, limit: str, text: str
) -> None:
    (notice,) = budget_notices(TENANT, budget(spent, limit, alert_at=(50,)), at=NOW)

    assert (notice.title, notice.text) == ("Approaching Budget Limit", text)


def test_thresholds_are_those_of_the_budget_told_lowest_first() -> None:
    assert thresholds(budget("0.9000", alert_at=(90, 50, 95))) == ["50", "90"]
    assert thresholds(budget("0.9000", alert_at=())) == []


@pytest.mark.parametrize(
    "silent",
    [
        budget("0.0000"),
        budget("0.0000", limit="0.0000"),
        budget("0.0000", held=usd("1.0000")),
        budget("1.0000", scope="generation:gen_x", period=NO_PERIOD),
        replace(budget("1.0000"), limit=None),  # type: ignore[arg-type]
    ],
    ids=["nothing spent", "a limit of nothing", "only held", "no month", "no limit of its own"],
)
def test_a_budget_without_spending_month_or_limit_tells_nothing(silent: Budget) -> None:
    assert budget_notices(TENANT, silent, at=NOW) == []
    assert not may_be_forecast(silent)


def test_a_notice_s_id_follows_from_tenant_scope_month_and_threshold_alone() -> None:
    (first,) = budget_notices(TENANT, budget("0.8000"), at=NOW)
    (same,) = budget_notices(TENANT, budget("0.9900", "1.2000"), at=NOW + timedelta(days=1))
    others = [
        budget_notices("other", budget("0.8000"), at=NOW),
        budget_notices(TENANT, budget("0.8000", scope="user:ann"), at=NOW),
        budget_notices(TENANT, budget("0.8000", period="2026-12"), at=NOW),
        budget_notices(TENANT, budget("0.8000", alert_at=(79,)), at=NOW),
    ]

    assert same.id == first.id
    assert len({first.id, *(one.id for (one,) in others)}) == 5


def test_a_user_s_budget_concerns_that_user() -> None:
    scopes = ("owner", "user:ann", "project:ann", "provider:kling")

    told = [budget_notices(TENANT, budget("0.8000", scope=scope), at=NOW)[0] for scope in scopes]

    assert [one.user for one in told] == [None, "ann", None, None]


@given(settled=st.integers(1, 10**9), limit=st.integers(1, 10**9), percent=st.integers(1, 1000))
def test_what_is_told_as_used_never_exceeds_what_is_used(
    settled: int, limit: int, percent: int
) -> None:
    of = Budget("owner", PERIOD, limit * 100, settled=settled * 100, alert_at=(percent,))

    for notice in budget_notices(TENANT, of, at=NOW):
        whole, _, tenth = notice.text.removeprefix("Used ").partition("%")[0].partition(".")
        told = int(whole) * 10 + int(tenth)
        assert told * of.limit <= of.settled * 1000 < (told + 1) * of.limit
        assert of.settled * 100 >= percent * of.limit


# --- forecast ----------------------------------------------------------------------------------


def forecast(spent: str, at: datetime = TENTH, *, watched_days: int = 1) -> str | None:
    notice = forecast_notice(
        TENANT, budget(spent), watched_since=at - timedelta(days=watched_days), at=at
    )
    return notice.text if notice else None


@pytest.mark.parametrize(
    ("spent", "day"), [("0.5000", "2026-11-21"), ("0.9000", "2026-11-12"), ("0.3850", "2026-11-26")]
)
def test_the_day_of_the_limit_follows_from_the_pace_of_the_month(spent: str, day: str) -> None:
    assert forecast(spent) == f"At this pace the limit is reached on {day}"


@pytest.mark.parametrize(
    ("spent", "at"),
    [
        ("0.2999", TENTH),  # too little is spent to speak of a pace
        ("0.3400", TENTH),  # reached within the last three days of the month, or later
        ("1.0000", TENTH),  # it is reached
        ("0.5000", TENTH - timedelta(days=30)),  # the clock is not in the budget's month
        ("0.5000", TENTH + timedelta(days=30)),
    ],
)
def test_without_a_limit_in_sight_there_is_no_forecast(spent: str, at: datetime) -> None:
    assert forecast(spent, at) is None


def test_one_busy_hour_is_no_pace() -> None:
    assert forecast("0.5000", watched_days=0) is None


def test_december_ends_with_the_year() -> None:
    at = datetime(2026, 12, 11, tzinfo=UTC)

    notice = forecast_notice(
        TENANT,
        budget("0.5000", period="2026-12"),
        watched_since=at - timedelta(days=2),
        at=at,
    )

    assert notice is not None
    assert notice.attributes["reached_on"] == "2026-12-21"


# --- providers ---------------------------------------------------------------------------------


def refused(health: Health, code: str = "key-refused", *, after_s: int = 0) -> Health:
    now = NOW + timedelta(seconds=after_s)
    return after_failure(health, error_class=ErrorClass.FALLBACK, code=code, now=now)


@pytest.mark.parametrize("code", sorted(SUSPENDING))
def test_every_failure_that_suspends_a_provider_has_its_words(code: str) -> None:
    notice = provider_notice(TENANT, "kling", refused(Health(), code), at=NOW)

    assert notice is not None
    assert notice.text.startswith("kling ")
    assert notice.attributes == {"provider": "kling", "reason": code}


def test_a_probe_that_fails_tells_nothing_new_and_a_new_suspension_does() -> None:
    first = refused(Health())
    probe = refused(claim_probe(first, NOW + timedelta(seconds=900)), after_s=901)
    again = refused(closed(probe), after_s=1000)

    ids = [
        notice.id
        for health in (first, probe, again)
        if (notice := provider_notice(TENANT, "kling", health, at=NOW))
    ]

    assert (ids[0] == ids[1], ids[1] == ids[2]) == (True, False)
