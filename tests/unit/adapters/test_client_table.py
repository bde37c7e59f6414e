"""When requests were first made, and the list of videos, in the table on moto."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from filmgate.adapters.client_table import ClientTable
from filmgate.domain.errors import StoreUnavailable
from filmgate.domain.generations import Generation
from filmgate.domain.ledger import Commit, with_generation
from tests.support.aws import account, client, studio_table
from tests.support.builders import NOW, TENANT, clip_wish, generation, image_wish

WINDOW = timedelta(minutes=10)


@pytest.fixture
def table() -> Iterator[ClientTable]:
    with account():
        yield ClientTable(client("dynamodb"), studio_table())


def ask(table: ClientTable, later_s: int, tenant: str = TENANT) -> int:
    """After how many seconds that what is asked now was first asked."""
    now = NOW + timedelta(seconds=later_s)
    first = table.first_asked(tenant, "clm_1", now=now, since=now - WINDOW)
    return int((first - NOW).total_seconds())


def test_what_is_asked_within_the_window_was_asked_by_the_first(table: ClientTable) -> None:
    assert [ask(table, at) for at in (0, 1, 600, 601, 1200, 1202)] == [0, 0, 0, 601, 601, 1202]


def test_other_requests_and_other_tenants_have_their_own(table: ClientTable) -> None:
    ask(table, 0)

    assert ask(table, 5, tenant="other") == 5
    assert table.first_asked(TENANT, "clm_2", now=NOW + WINDOW, since=NOW) == NOW + WINDOW


def test_whoever_is_slower_gets_the_moment_of_the_faster(
    table: ClientTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the slower one's look and its write, another has asked."""
    look = table._asked
    monkeypatch.setattr(
        table, "_asked", lambda *given: (monkeypatch.undo(), look(*given), ask(table, 0))[1]
    )

    assert ask(table, 3) == 0


def test_who_asks_anew_is_the_first_of_a_new_window_once(table: ClientTable) -> None:
    ask(table, 0)
    later, last = NOW + timedelta(seconds=30), NOW + timedelta(seconds=31)

    first = table.ask_anew(TENANT, "clm_1", seen=NOW, now=later)
    second = table.ask_anew(TENANT, "clm_1", seen=NOW, now=last)

    assert (first, second, ask(table, 40)) == (later, later, 30)


def test_a_table_that_only_refuses_is_unavailable(
    table: ClientTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "_put", lambda put: False)

    with pytest.raises(StoreUnavailable):
        ask(table, 0)


def test_a_crowd_at_one_moment_is_one(table: ClientTable) -> None:
    with ThreadPoolExecutor(8) as crowd:
        assert len(set(crowd.map(lambda at: ask(table, at), range(8)))) == 1


# --- videos ------------------------------------------------------------------------------------


def kept(table: ClientTable, number: int, **facts: object) -> Generation:
    made = generation(
        id=f"gen_{number:026d}", wish=clip_wish(), created_at=NOW + timedelta(seconds=number)
    ).now(**facts)
    table.commit(TENANT, with_generation(Commit(), None, made))
    return made


def listed(table: ClientTable, limit: int = 10, **wanted: object) -> tuple[list[str], bool]:
    query = {"after": None, "oldest_first": False, "user": None, **wanted}
    found, more = table.videos(TENANT, limit=limit, **query)
    return [one.id[-2:] for one in found], more


def test_videos_are_listed_in_both_orders_and_only_those_that_are_wanted(
    table: ClientTable,
) -> None:
    made = [kept(table, number) for number in range(4)]
    kept(table, 4, unlisted_at=NOW)
    kept(table, 5, wish=image_wish())
    kept(table, 6, user="ben")

    assert listed(table) == (["06", "03", "02", "01", "00"], False)
    assert listed(table, user="ben") == (["06"], False)
    assert listed(table, 2, oldest_first=True) == (["00", "01"], True)
    assert listed(table, 2, oldest_first=True, after=made[1]) == (["02", "03"], True)
    assert listed(table, 2, after=made[2]) == (["01", "00"], False)
    assert listed(table, after=made[0]) == ([], False)
