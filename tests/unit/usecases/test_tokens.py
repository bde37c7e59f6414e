"""Tokens: made once for every key, and of the admins' one that works always remains."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from filmgate.domain.audit import Action
from filmgate.domain.errors import (
    IdempotencyKeyReused,
    NotFound,
    Stale,
    StateConflict,
    StoreUnavailable,
    ValidationFailed,
)
from filmgate.usecases.authorize import authorize, token_hash
from filmgate.usecases.ports import Principal, Token
from filmgate.usecases.tokens import Grant, Made, Once, make_token, revoke_token
from tests.support.builders import NOW, TENANT, author
from tests.support.memory_studio import MemoryStudio


def make(
    studio: MemoryStudio, role: str = "admin", *, key: str | None = None, user: str = "ben",
    request_hash: str = "hash", **facts: Any,
) -> Made:  # fmt: skip
    once = None if key is None else Once(key, request_hash)
    return make_token(
        Grant(user, role, **facts), tenant=TENANT, by=author(), desk=studio, once=once
    )


def revoke(studio: MemoryStudio, own: str, at: Any = NOW) -> Token:
    return revoke_token(own, tenant=TENANT, by=author(request_id="r2", at=at), desk=studio)


def own_id(made: Made) -> str:
    return made.token.principal.token_id


def working(studio: MemoryStudio) -> int:
    return sum(one.works(NOW) for one in studio.admin_tokens(TENANT))


def test_a_token_stands_for_whom_it_was_made() -> None:
    studio = MemoryStudio()

    made = make(studio, "creator")

    who = authorize(f"Bearer {made.text}", studio=studio, now=NOW)
    assert who == Principal(TENANT, "ben", "creator", own_id(made))
    assert list(studio.tokens) == [(TENANT, token_hash(made.text))]
    assert made.text not in repr(studio.tokens)


def test_an_end_must_be_in_the_future() -> None:
    with pytest.raises(ValidationFailed):
        make(MemoryStudio(), expires_at=NOW)

    assert make(MemoryStudio(), expires_at=NOW + timedelta(microseconds=1)).token.works(NOW)


def test_a_key_makes_one_token_however_many_send_it_at_once() -> None:
    studio = MemoryStudio()

    def ask(_: int) -> str:
        try:
            return make(studio, key="k").text
        except StateConflict as refused:
            return str(refused.facts["tokenId"])

    with ThreadPoolExecutor(8) as askers:
        answers = list(askers.map(ask, range(64)))

    (text,) = [one for one in answers if one.startswith("fg_")]
    assert len(studio.tokens) == 1
    assert set(answers) == {text, next(iter(studio.tokens.values())).principal.token_id}


def test_a_key_of_another_request_is_told_apart() -> None:
    studio = MemoryStudio()
    made = make(studio, key="k")

    with pytest.raises(IdempotencyKeyReused) as refused:
        make(studio, key="k", request_hash="another")

    assert refused.value.facts == {"tokenId": own_id(made)}


def test_a_revocation_leaves_one_record_however_often_it_is_asked_for() -> None:
    studio = MemoryStudio()
    made = make(studio, "viewer")

    for _ in range(3):
        assert revoke(studio, own_id(made)).revoked_by == "ada"

    assert [one.action for one in studio.records(TENANT)] == [
        Action.TOKEN_MADE, Action.TOKEN_REVOKED,
    ]  # fmt: skip


def test_nobody_s_token_is_not_found() -> None:
    with pytest.raises(NotFound):
        revoke(MemoryStudio(), "tok_none")


def test_the_last_admin_that_works_cannot_be_revoked() -> None:
    studio = MemoryStudio()
    last = make(studio)
    make(studio, expires_at=NOW + timedelta(hours=1))
    make(studio, "creator")

    with pytest.raises(StateConflict):
        revoke(studio, own_id(last), at=NOW + timedelta(hours=1))

    assert revoke(studio, own_id(last)).revoked_at == NOW


@pytest.mark.parametrize("count", [2, 3, 5])
def test_admins_that_revoke_one_another_at_once_leave_one(count: int) -> None:
    for _ in range(20):
        studio = MemoryStudio()
        made = [make(studio) for _ in range(count)]
        together = Barrier(count)

        def ask(one: Made, together: Barrier = together, studio: MemoryStudio = studio) -> bool:
            together.wait()
            try:
                revoke(studio, own_id(one))
            except StateConflict:
                return False
            return True

        with ThreadPoolExecutor(count) as admins:
            went = list(admins.map(ask, made))

        assert went.count(True) == count - 1
        assert working(studio) == 1


def test_a_witness_that_is_revoked_meanwhile_does_not_count() -> None:
    class Crossed(MemoryStudio):
        """Lets the witness be revoked right before the transaction, this once."""

        crossed = False

        def revoke_token(self, before: Token, after: Token, **others: Any) -> None:
            if not self.crossed and others["witness"] is not None:
                self.crossed = True
                revoke(self, others["witness"].principal.token_id)
            super().revoke_token(before, after, **others)

    studio = Crossed()
    one, _ = make(studio), make(studio)

    with pytest.raises(StateConflict):
        revoke(studio, own_id(one))

    assert working(studio) == 1


def test_a_token_that_others_change_all_the_time_is_503() -> None:
    class Busy(MemoryStudio):
        def revoke_token(self, *_: Any, **__: Any) -> None:
            raise Stale("another was faster")

    studio = Busy()
    made = make(studio, "viewer")

    with pytest.raises(StoreUnavailable):
        revoke(studio, own_id(made))
