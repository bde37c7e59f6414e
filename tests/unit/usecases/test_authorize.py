"""Who is behind a bearer token: told by its hash alone."""

import hashlib
from datetime import timedelta

import pytest

from filmgate.domain.errors import Unauthenticated
from filmgate.usecases.authorize import authorize, token_hash
from filmgate.usecases.ports import Principal, Token
from tests.support.builders import NOW, TENANT, principal
from tests.support.memory_studio import MemoryStudio

TOKEN = f"fg_{TENANT}_{'A1b2-_' * 7}x"
ADA = principal(role="admin")


def ask(header: str | None, token: Token | None = None) -> Principal:
    studio = MemoryStudio()
    if token is not None:
        studio.tokens[TENANT, token_hash(TOKEN)] = token
    return authorize(header, studio=studio, now=NOW)


def test_a_known_token_stands_for_its_principal() -> None:
    assert ask(f"Bearer {TOKEN}", Token(ADA)) == ADA


@pytest.mark.parametrize("header", [f"bearer {TOKEN}", f"BEARER {TOKEN}", f"Bearer   {TOKEN} "])
def test_the_scheme_has_no_case_and_spaces_around_a_token_do_not_count(header: str) -> None:
    assert ask(header, Token(ADA)) == ADA


def test_a_token_is_kept_as_its_sha_256_alone() -> None:
    assert token_hash(TOKEN) == hashlib.sha256(TOKEN.encode()).hexdigest()


@pytest.mark.parametrize("header", [None, ""])
def test_a_request_without_a_token_is_told_to_send_one(header: str | None) -> None:
    with pytest.raises(Unauthenticated, match="Send the header Authorization"):
        ask(header, Token(ADA))


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        TOKEN,
        f"Basic {TOKEN}",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN} {TOKEN}",
        f"Bearer fg__{'a' * 43}",
        f"Bearer fg_ACME_{'a' * 43}",
        f"Bearer fg_acme#other_{'a' * 43}",
        f"Bearer fg_{'a' * 33}_{'a' * 43}",
        f"Bearer fg_acme_{'a' * 42}é",
        f"Bearer fg_acme_{'a' * 43}\nX: y",
    ],
)
def test_a_header_that_holds_no_token_is_refused_before_any_look_up(header: str) -> None:
    with pytest.raises(Unauthenticated, match="holds no token of this gateway"):
        ask(header, Token(ADA))


def test_an_unknown_token_is_refused() -> None:
    with pytest.raises(Unauthenticated, match="not known or was revoked"):
        ask(f"Bearer {TOKEN}")


def test_a_token_counts_in_its_own_tenant_only() -> None:
    studio = MemoryStudio()
    studio.tokens["rival", token_hash(TOKEN)] = Token(ADA)

    with pytest.raises(Unauthenticated, match="not known"):
        authorize(f"Bearer {TOKEN}", studio=studio, now=NOW)


def test_a_revoked_token_is_refused() -> None:
    with pytest.raises(Unauthenticated, match="not known or was revoked"):
        ask(f"Bearer {TOKEN}", Token(ADA, revoked_at=NOW - timedelta(days=1)))


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_token_is_refused_from_its_end_on(seconds: int) -> None:
    with pytest.raises(Unauthenticated, match="has expired"):
        ask(f"Bearer {TOKEN}", Token(ADA, expires_at=NOW + timedelta(seconds=seconds)))


def test_a_token_counts_until_its_end() -> None:
    assert ask(f"Bearer {TOKEN}", Token(ADA, expires_at=NOW + timedelta(seconds=1))) == ADA


def test_no_refusal_repeats_the_token() -> None:
    with pytest.raises(Unauthenticated) as refused:
        ask(f"Bearer {TOKEN}")

    assert TOKEN not in str(refused.value)
