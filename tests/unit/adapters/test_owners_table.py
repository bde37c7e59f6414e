"""Tokens and the trail in the table, on moto: what is kept, what guards a revocation."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from filmgate.adapters.owners_table import OwnersTable
from filmgate.domain.audit import Action, AuditRecord, Author, recorded
from filmgate.domain.errors import AlreadyExists, Stale
from filmgate.domain.ids import token_id
from filmgate.usecases.ports import Claim, Principal, Token
from tests.support.aws import account, client, studio_table
from tests.support.builders import NOW, TENANT


@pytest.fixture
def table() -> Iterator[OwnersTable]:
    with account():
        yield OwnersTable(client("dynamodb"), studio_table())


def record(number: int, at: datetime = NOW, action: Action = Action.TOKEN_MADE) -> AuditRecord:
    by = Author("ada", "tok_ada", f"request-{number}", at)
    return recorded(by, action, "thing", {"a": 1}, {"a": [2], "b": None, "c": True})


def token(name: str, role: str = "admin", *, tenant: str = TENANT, at: datetime = NOW) -> Token:
    return Token(Principal(tenant, "ada", role, token_id(name)), created_at=at)


def added(table: OwnersTable, name: str, role: str = "admin", second: int = 0) -> Token:
    made = token(name, role, at=NOW + timedelta(seconds=second))
    table.add_token(name, made, record=record(len(name) + second))
    return made


def revoked(one: Token) -> Token:
    return replace(one, revoked_at=NOW, revoked_by="ada", version=one.version + 1)


@pytest.mark.parametrize("moment", [None, NOW + timedelta(microseconds=3)])
def test_a_token_comes_back_as_it_went(table: OwnersTable, moment: datetime | None) -> None:
    made = replace(token("hash-1"), expires_at=moment, note="n", hint="abcd", created_by="ben")

    table.add_token("hash-1", made, record=record(1))

    assert table.token(TENANT, "hash-1") == table.find_token(TENANT, token_id("hash-1")) == made
    assert table.token(TENANT, "hash-2") is None
    assert table.token("other", "hash-1") is None
    assert table.find_token("other", token_id("hash-1")) is None


def test_an_id_alone_opens_nothing(table: OwnersTable, monkeypatch: pytest.MonkeyPatch) -> None:
    added(table, "hash-1")
    monkeypatch.setattr("filmgate.adapters.table.token_id", lambda _: token_id("hash-1"))

    assert table.token(TENANT, "hash-2") is None


def test_a_claim_is_made_once_and_with_its_token(table: OwnersTable) -> None:
    claim = Claim("clm_1", token_id("hash-1"), "request")
    table.add_token("hash-1", token("hash-1"), record=record(1), claim=claim)

    with pytest.raises(AlreadyExists):
        table.add_token(
            "hash-2", token("hash-2"), record=record(2), claim=replace(claim, token_id="tok_2")
        )

    assert table.claim(TENANT, "clm_1") == claim
    assert table.claim("other", "clm_1") is None
    assert table.token(TENANT, "hash-2") is None
    assert [one.request_id for one in trail(table)] == ["request-1"]


def test_a_token_that_is_sent_twice_is_one(table: OwnersTable) -> None:
    claim = Claim("clm_1", token_id("hash-1"), "request")

    for _ in range(2):
        table.add_token("hash-1", token("hash-1"), record=record(1), claim=claim)

    assert len(table.token_page(TENANT, limit=10, cursor=None).items) == 1


def test_a_revocation_keeps_the_rest_of_a_token(table: OwnersTable) -> None:
    made = added(table, "hash-1", "viewer")

    table.revoke_token(made, revoked(made), witness=None, record=record(2))

    assert table.token(TENANT, "hash-1") == revoked(made)


def test_two_admins_can_not_each_be_the_other_s_witness(table: OwnersTable) -> None:
    one, other = added(table, "hash-1"), added(table, "hash-2")

    table.revoke_token(one, revoked(one), witness=other, record=record(3))
    with pytest.raises(Stale):
        table.revoke_token(other, revoked(other), witness=one, record=record(4))

    assert table.token(TENANT, "hash-2") == other
    assert "request-4" not in {one.request_id for one in trail(table)}


def test_a_revocation_of_what_was_revoked_is_stale(table: OwnersTable) -> None:
    made = added(table, "hash-1", "viewer")
    table.revoke_token(made, revoked(made), witness=None, record=record(2))

    with pytest.raises(Stale):
        table.revoke_token(made, revoked(made), witness=None, record=record(3))


def test_admins_are_found_among_many_others(table: OwnersTable) -> None:
    admins = [added(table, f"admin-{n}", second=n) for n in range(3)]
    for number in range(20):
        added(table, f"viewer-{number}", "viewer", second=number)
    table.revoke_token(admins[1], revoked(admins[1]), witness=None, record=record(9))
    table.add_token("foreign", token("foreign", tenant="other"), record=record(10))

    assert list(table.admin_tokens(TENANT)) == [admins[2], admins[0]]


def test_pages_of_tokens_leave_none_out_and_show_none_twice(table: OwnersTable) -> None:
    made = [added(table, f"hash-{n}", second=n // 2) for n in range(7)]

    seen, cursor = [], None
    for _ in range(9):
        page = table.token_page(TENANT, limit=2, cursor=cursor)
        seen += page.items
        cursor = page.next
        if cursor is None:
            break

    assert len(seen) == 7
    assert {one.principal.token_id for one in seen} == {one.principal.token_id for one in made}


def test_a_record_comes_back_as_it_went(table: OwnersTable) -> None:
    table.add_token("hash-1", token("hash-1"), record=record(1, NOW + timedelta(microseconds=7)))

    assert trail(table) == [record(1, NOW + timedelta(microseconds=7))]


def test_the_trail_is_in_the_order_of_time_also_at_full_seconds(table: OwnersTable) -> None:
    moments = [NOW, NOW + timedelta(microseconds=1), NOW + timedelta(seconds=1)]
    for number, at in enumerate(moments):
        table.add_token(f"hash-{number}", token(f"hash-{number}"), record=record(number, at))

    assert [one.at for one in trail(table)] == list(reversed(moments))


def trail(table: OwnersTable) -> list[AuditRecord]:
    page = table.audit_page(TENANT, limit=50, cursor=None, user=None, action=None)
    return list(page.items)
