"""Reports: totals against the fold of the rows, who sees what, budgets by month."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import timedelta

import pytest

from filmgate.domain.attempts import Attempt
from filmgate.domain.errors import Forbidden, NotFound, ValidationFailed
from filmgate.domain.ledger import NO_PERIOD, Budget, fold, period_of
from filmgate.domain.usage import Status, status_of, was_skipped
from filmgate.usage_views import row_view, totals_view
from filmgate.usecases import usage
from filmgate.usecases.ports import BudgetLimit, RowFilter
from tests.support.builders import NOW, PERIOD, TENANT, principal, usd
from tests.support.histories import LIMIT, live
from tests.support.memory_studio import MemoryStudio
from tests.support.memory_usage import MemoryUsage

ADMIN = principal(role="admin", user="boss")
ROWS = 10_000


@pytest.fixture(scope="module")
def lived() -> MemoryStudio:
    """A studio with a long history over four months; for reading only."""
    studio = MemoryStudio()
    live(studio, seed=7, count=ROWS)
    return studio


@pytest.fixture
def book(lived: MemoryStudio) -> MemoryUsage:
    return MemoryUsage(lived)


def cents(text: str | None) -> int:
    return 0 if text is None else usd(text)


def folded(rows: Iterable[Attempt], period: str) -> dict:
    """A month's totals, counted from nothing but its rows as a caller gets them."""
    found: dict = defaultdict(Counter)
    for attempt in rows:
        row = row_view(attempt)
        if row["created_at"][:7] != period or row["skipped"]:
            continue
        spent = cents(row["actual_cost"])
        for name in ("provider", "type", "user", "project"):
            if row[name] is not None:
                found[f"by_{name}"][row[name]] += spent
        found["by_day"][row["created_at"][:10]] += spent
        found["status"][row["status"]] += 1
        found["sum"]["total_spent"] += spent
        found["sum"]["estimated"] += cents(row["estimated_cost"])
        found["sum"]["held"] += attempt.held_micros
    return {name: {key: n for key, n in part.items() if n} for name, part in found.items()}


def shown(found: usage.Summary) -> dict:
    """The summary as a caller gets it, in the shape of `folded`."""
    view = totals_view(found)
    told = {
        name: {key: usd(text) for key, text in (view[name] or {}).items()}
        for name in ("by_provider", "by_type", "by_user", "by_project")
    }
    told["by_day"] = {one["date"]: usd(one["spent"]) for one in view["by_day"]}
    pending = view["count"] - view["succeeded"] - view["failed"]
    counts = {"success": view["succeeded"], "failed": view["failed"], "pending": pending}
    told["status"] = {name: count for name, count in counts.items() if count}
    sums = {name: usd(view[name]) for name in ("total_spent", "estimated", "held")}
    told["sum"] = {name: amount for name, amount in sums.items() if amount}
    return told


def test_the_history_has_every_fate_and_several_months(lived: MemoryStudio) -> None:
    rows = lived.ledger(TENANT).attempts

    assert len(rows) == ROWS
    assert {status_of(one) for one in rows} == set(Status)
    assert any(was_skipped(one) for one in rows)
    assert len({period_of(one.started_at) for one in rows}) > 2


def test_a_summary_is_the_fold_of_its_rows_to_the_cent(
    lived: MemoryStudio, book: MemoryUsage
) -> None:
    rows = lived.ledger(TENANT).attempts

    for period in {period_of(one.started_at) for one in rows}:
        found = usage.summary(period=period, principal=ADMIN, book=book)
        assert shown(found) == folded(rows, period)


def test_a_summary_is_the_fold_of_the_entries(lived: MemoryStudio, book: MemoryUsage) -> None:
    entries = list(lived.entries.values())

    found = usage.summary(period=PERIOD, principal=ADMIN, book=book)

    assert fold(entries, "owner", PERIOD) == (found.budget.held, found.budget.settled)
    assert found.budget.settled > 0


@pytest.mark.parametrize(
    ("asked", "own"),
    [
        ({"user": "ada"}, {"user": "ada"}),
        ({"project": "fox"}, {"project": "fox"}),
        ({"provider": "kling"}, {"provider": "kling"}),
    ],
)
def test_a_summary_of_one_scope_is_the_fold_of_its_rows(
    book: MemoryUsage, asked: dict, own: dict
) -> None:
    rows = usage.all_rows(RowFilter(**own), principal=ADMIN, book=book)

    found = usage.summary(period=PERIOD, principal=ADMIN, book=book, **asked)

    counted = folded(rows, PERIOD)
    told = shown(found)
    assert {name: part for name, part in told.items() if name not in ("by_user", "by_project")} == {
        name: part for name, part in counted.items() if name not in ("by_user", "by_project")
    }
    assert (found.by_user, found.by_project) == (None, None)


def test_estimate_and_actual_are_compared_for_what_is_spent(
    lived: MemoryStudio, book: MemoryUsage
) -> None:
    rows = [one for one in lived.ledger(TENANT).attempts if period_of(one.started_at) == PERIOD]
    estimated = sum(one.reserved_micros for one in rows if one.is_settled)

    view = totals_view(usage.summary(period=PERIOD, principal=ADMIN, book=book))

    against = view["estimate_against_actual"]
    assert usd(against["estimated"]) == estimated
    assert against["actual"] == view["total_spent"]


def test_a_generation_s_own_budget_has_no_totals(lived: MemoryStudio) -> None:
    own = [one for one in lived.budgets.values() if one.period == NO_PERIOD]

    assert own
    assert not any(one.tally for one in own)


def test_a_month_without_anything_is_nothing() -> None:
    view = totals_view(
        usage.summary(period="2031-01", principal=ADMIN, book=MemoryUsage(MemoryStudio()))
    )

    assert (view["total_spent"], view["count"], view["success_rate"]) == ("0.0000", 0, None)
    assert (view["by_day"], view["by_provider"], view["by_user"]) == ([], {}, {})
    assert view["average_cost_per_storyboard"] is None


def test_two_filters_of_totals_are_refused(book: MemoryUsage) -> None:
    with pytest.raises(ValidationFailed):
        usage.summary(period=PERIOD, principal=ADMIN, book=book, user="ada", project="fox")


# --- who sees what -----------------------------------------------------------------------------


def test_a_creator_sees_their_own_rows_alone(book: MemoryUsage) -> None:
    ada = principal(user="ada")

    rows = usage.all_rows(RowFilter(), principal=ada, book=book)

    assert rows
    assert {one.ordered.user for one in rows if one.ordered} == {"ada"}
    assert usage.all_rows(RowFilter(user="ben"), principal=ada, book=book) == []


def test_a_creator_s_discrepancies_are_their_own(book: MemoryUsage) -> None:
    ada = principal(user="ada")

    page = usage.list_discrepancies(RowFilter(), principal=ada, book=book, limit=100, cursor=None)

    assert page.items
    assert {one.ordered.user for one in page.items if one.ordered} == {"ada"}
    others = usage.list_discrepancies(
        RowFilter(user="ben"), principal=ada, book=book, limit=100, cursor=None
    )
    assert others.items == ()


def test_a_creator_s_totals_are_their_own(book: MemoryUsage) -> None:
    ada = principal(user="ada")

    assert usage.summary(period=PERIOD, principal=ada, book=book).budget.scope == "user:ada"
    for asked in ({"user": "ben"}, {"project": "fox"}, {"provider": "kling"}):
        with pytest.raises(Forbidden):
            usage.summary(period=PERIOD, principal=ada, book=book, **asked)


def test_a_creator_sees_no_other_user_s_budget(book: MemoryUsage) -> None:
    ada = principal(user="ada")

    found = usage.list_budgets(
        period=PERIOD, principal=ada, book=book, default_limit=LIMIT, now=NOW
    )

    scopes = [one.budget.scope for one in found]
    assert [one for one in scopes if one.startswith("user:")] == ["user:ada"]
    with pytest.raises(NotFound):
        usage.history("user:ben", months=3, principal=ada, book=book, now=NOW)


def test_too_many_rows_for_one_file_are_refused(
    book: MemoryUsage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "MOST_ROWS", 1500)

    with pytest.raises(ValidationFailed):
        usage.all_rows(RowFilter(), principal=ADMIN, book=book)


# --- budgets -----------------------------------------------------------------------------------


def test_the_list_of_budgets_has_the_owner_first_and_limits_that_nothing_was_spent_of(
    book: MemoryUsage,
) -> None:
    studio = MemoryStudio()
    studio.limits[TENANT, "project:new"] = BudgetLimit(usd("3"), (80,), 1)
    studio.open_budget(TENANT, Budget("user:ada", PERIOD, None, settled=usd("1")))
    studio.open_budget(TENANT, Budget("owner", PERIOD, usd("10"), settled=usd("1")))

    found = usage.list_budgets(
        period=PERIOD, principal=ADMIN, book=MemoryUsage(studio), default_limit=0, now=NOW
    )

    assert [(one.budget.scope, one.limit, one.room) for one in found] == [
        ("owner", usd("10"), usd("9")),
        ("project:new", usd("3"), usd("3")),
        ("user:ada", usd("10"), usd("9")),
    ]


def test_a_month_that_is_over_lists_what_was_opened_in_it() -> None:
    studio = MemoryStudio()
    studio.limits[TENANT, "project:new"] = BudgetLimit(usd("3"), (80,), 1)
    studio.open_budget(TENANT, Budget("owner", "2026-10", usd("10")))

    found = usage.list_budgets(
        period="2026-10", principal=ADMIN, book=MemoryUsage(studio), default_limit=0, now=NOW
    )

    assert [one.budget.scope for one in found] == ["owner"]


def test_a_history_goes_back_over_the_turn_of_the_year() -> None:
    studio = MemoryStudio()
    for period in ("2025-12", "2026-02", "2026-03"):
        studio.open_budget(TENANT, Budget("owner", period, usd("10")))

    def told(months: int) -> list[str]:
        now = NOW.replace(month=3)
        found = usage.history(
            "owner", months=months, principal=ADMIN, book=MemoryUsage(studio), now=now
        )
        return [one.period for one in found]

    assert told(3) == ["2026-03", "2026-02"]
    assert told(4) == ["2026-03", "2026-02", "2025-12"]


def test_rows_between_two_moments(book: MemoryUsage) -> None:
    since, until = NOW + timedelta(days=3), NOW + timedelta(days=4)

    rows = usage.all_rows(RowFilter(since=since, until=until), principal=ADMIN, book=book)

    assert rows
    assert all(since <= one.started_at < until for one in rows)
