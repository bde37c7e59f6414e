"""Reports of the table, on moto, against the same reports of the studio in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from filmgate.adapters import items
from filmgate.adapters.table import attempt_puts
from filmgate.adapters.usage_table import UsageTable
from filmgate.domain import ledger
from filmgate.domain.attempts import AttemptState, correct
from filmgate.domain.ledger import NO_PERIOD, Budget
from filmgate.domain.usage import Status, differences, ordered_of
from filmgate.domain.wishes import Media
from filmgate.usecases import usage
from filmgate.usecases.ports import BudgetLimit, RowFilter, RowPage
from filmgate.usecases.verify import verify
from tests.support.aws import STUDIO_TABLE, account, client, studio_table
from tests.support.builders import NOW, PERIOD, TENANT, attempt, generation, principal, usd
from tests.support.histories import live
from tests.support.memory_studio import MemoryStudio
from tests.support.memory_usage import MemoryUsage

EMPTY = "empty-table"
SEED = 3
COUNT = 120
FEW = 8
ADMIN = principal(role="admin")
S = AttemptState


@contextmanager
def deployed(name: str) -> Iterator[UsageTable]:
    """A table of its own: moto has one account for all that are open at once."""
    with account():
        studio_table(name)
        yield UsageTable(client("dynamodb"), name, sleep=lambda _: None)
        client("dynamodb").delete_table(TableName=name)


@pytest.fixture
def empty() -> Iterator[UsageTable]:
    with deployed(EMPTY) as table:
        yield table


@pytest.fixture(scope="module")
def memory() -> MemoryUsage:
    """A history in memory."""
    studio = MemoryStudio()
    live(studio, SEED, COUNT)
    return MemoryUsage(studio)


@pytest.fixture(scope="module")
def table(memory: MemoryUsage) -> Iterator[UsageTable]:
    """A table with the rows of the same history, for reading only.

    They are put one by one: moto copies a table whole for every transaction.
    """
    with deployed(STUDIO_TABLE) as table:
        for one in memory.rows(TENANT, RowFilter(), limit=COUNT, cursor=None).items:
            for put in attempt_puts(TENANT, ledger.AttemptChange(None, one), {}):
                client("dynamodb").put_item(TableName=STUDIO_TABLE, Item=items.to_wire(put.item))
        yield table


def test_the_table_keeps_the_totals_that_the_memory_keeps(empty: UsageTable) -> None:
    studio = MemoryStudio()
    live(studio, SEED, FEW)
    live(empty, SEED, FEW)

    months = {period for _, _, period in studio.budgets} - {NO_PERIOD}
    assert len(months) > 1
    for period in months:
        told = usage.summary(period=period, principal=ADMIN, book=empty)
        assert told == usage.summary(period=period, principal=ADMIN, book=MemoryUsage(studio))
    assert verify(empty, TENANT).drift == ()


@pytest.mark.parametrize(
    "wanted",
    [
        RowFilter(),
        RowFilter(user="ada"),
        RowFilter(type=Media.VIDEO, status=Status.SUCCESS),
        RowFilter(project="fox", provider="kling", script_id="=1+1"),
        RowFilter(status=Status.PENDING),
        RowFilter(since=NOW + timedelta(days=10)),
        RowFilter(until=NOW + timedelta(days=10)),
        RowFilter(since=NOW + timedelta(days=10), until=NOW + timedelta(days=20), user="ben"),
    ],
)
def test_every_filter_gives_the_rows_that_the_memory_gives(
    table: UsageTable, memory: MemoryUsage, wanted: RowFilter
) -> None:
    for listing in ("rows", "discrepancies"):
        expected = getattr(memory, listing)(TENANT, wanted, limit=1000, cursor=None)

        found = walked(table, listing, wanted, limit=7)

        assert found == list(expected.items)
        if listing == "rows":
            assert found


def walked(table: UsageTable, listing: str, wanted: RowFilter, *, limit: int) -> list:
    """Every row, page by page."""
    found, cursor = [], None
    while True:
        page: RowPage = getattr(table, listing)(TENANT, wanted, limit=limit, cursor=cursor)
        assert len(page.items) <= limit
        found += page.items
        cursor = page.next
        if cursor is None:
            return found


def test_bounds_take_in_the_first_moment_and_leave_out_the_last(table: UsageTable) -> None:
    rows = walked(table, "rows", RowFilter(), limit=50)
    first, last = rows[5].started_at, rows[2].started_at

    found = walked(table, "rows", RowFilter(since=first, until=last), limit=50)

    assert found == rows[3:6]


def test_a_cursor_belongs_to_its_list_and_tenant(table: UsageTable) -> None:
    cursor = table.rows(TENANT, RowFilter(), limit=1, cursor=None).next

    for other in (
        lambda: table.rows("other", RowFilter(), limit=1, cursor=cursor),
        lambda: table.discrepancies(TENANT, RowFilter(), limit=1, cursor=cursor),
        lambda: table.rows(TENANT, RowFilter(), limit=1, cursor="e30"),
    ):
        with pytest.raises(ValueError, match="cursor"):
            other()


def test_a_filter_that_fits_nothing_ends_its_page_early_and_can_go_on(
    table: UsageTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("filmgate.adapters.usage_table.MOST_INDEX_PAGES", 2)
    monkeypatch.setattr("filmgate.adapters.usage_table.MOST_READ_AT_ONCE", 10)

    page = table.rows(TENANT, RowFilter(user="nobody"), limit=5, cursor=None)

    assert page.items == []
    assert page.next is not None
    assert walked(table, "rows", RowFilter(user="nobody"), limit=5) == []


def test_nothing_of_a_tenant_is_shown_to_another(table: UsageTable) -> None:
    assert table.rows("other", RowFilter(), limit=10, cursor=None).items == []
    assert table.budgets("other", PERIOD) == []
    assert table.months("other", "owner", [PERIOD]) == []


def test_a_difference_that_a_correction_takes_away_leaves_the_list(empty: UsageTable) -> None:
    asked = generation()
    paid = attempt(
        S.STORED,
        scopes=ledger.scopes_of(asked, "lumen", now=NOW),
        actual_micros=usd("0.0300"),
        ordered=ordered_of(asked, asked.chain[0]),
    )
    for scope, period in paid.scopes:
        empty.open_budget(TENANT, Budget(scope, period, usd("10")))
    empty.commit(TENANT, ledger.change(None, paid, at=NOW))
    assert walked(empty, "discrepancies", RowFilter(), limit=5) == [paid]

    mended = correct(paid, actual=paid.reserved_micros, now=NOW)
    empty.commit(TENANT, ledger.change(paid, mended, at=NOW))

    assert differences(mended) == ()
    assert walked(empty, "discrepancies", RowFilter(), limit=5) == []
    assert walked(empty, "rows", RowFilter(), limit=5) == [mended]


def test_a_budget_that_was_registered_and_never_opened_is_passed_over(empty: UsageTable) -> None:
    empty.open_budget(TENANT, Budget("user:ada", PERIOD, None))
    registered = {"pk": items.scopes_pk(TENANT, PERIOD), "sk": "user:ben"}
    client("dynamodb").put_item(TableName=EMPTY, Item=items.to_wire(registered))

    assert [one.scope for one in empty.budgets(TENANT, PERIOD)] == ["user:ada"]


def test_more_budgets_than_one_batch_takes_are_all_read(empty: UsageTable) -> None:
    for number in range(101):
        empty.open_budget(TENANT, Budget(f"user:{number}", PERIOD, None))

    assert {one.scope for one in empty.budgets(TENANT, PERIOD)} == {
        f"user:{number}" for number in range(101)
    }


def test_limits_are_read_by_scope(empty: UsageTable) -> None:
    budget = Budget("project:fox", PERIOD, None)
    empty.open_budget(TENANT, budget)
    limit = BudgetLimit(usd("3"), (80,), 1)
    empty.set_limit(
        TENANT, scope="project:fox", before=None, after=limit, budget=budget, at=NOW
    )  # fmt: skip

    assert empty.limits(TENANT) == {"project:fox": limit}


def test_an_owner_s_budget_stays_about_a_kilobyte_at_the_end_of_a_month(
    empty: UsageTable,
) -> None:
    tally = {f"day_{day:02d}": usd("123.4567") for day in range(1, 32)}
    names = ("dalle", "midjourney", "nanobanana", "flow", "sora", "kling", "whan", "veo")
    tally |= {f"provider_{name}": usd("1234.5678") for name in names}
    tally |= {"type_image": 10**9, "type_video": 10**9, "count": 10**6, "succeeded": 10**6}
    tally |= {"failed": 10**5, "estimated": 10**10, "estimated_settled": 10**10}
    budget = replace(Budget("owner", PERIOD, usd("10000")), tally=tally)

    empty.open_budget(TENANT, budget)

    assert empty.budget(TENANT, "owner", PERIOD) == budget
    stored = {**items.budget_key(TENANT, "owner", PERIOD), **items.dump_budget(budget)}
    assert item_bytes(stored) < 2 * 1024


def item_bytes(item: dict) -> int:
    """The size that DynamoDB reckons: names, texts, and a byte for every two digits and one."""

    def size(part: object) -> int:
        match part:
            case bool() | None:
                return 1
            case int():
                return 1 + (len(str(part)) + 1) // 2
            case str():
                return len(part.encode())
            case list():
                return 3 + sum(1 + size(one) for one in part)
        raise TypeError(part)

    return sum(len(name) + size(part) for name, part in item.items())
