"""API tokens: making one, which is told once, and revoking one, but never the last that may."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from filmgate.domain.audit import Action, Author, recorded
from filmgate.domain.errors import (
    AlreadyExists,
    IdempotencyKeyReused,
    NotFound,
    Stale,
    StateConflict,
    StoreUnavailable,
    ValidationFailed,
)
from filmgate.domain.ids import claim_id, token_id
from filmgate.usecases.authorize import token_hash
from filmgate.usecases.ports import Claim, OwnersDesk, Principal, Token

ADMIN: Final = "admin"
_RANDOM_BYTES: Final = 32
_HINT_LENGTH: Final = 4
_TRIES: Final = 8


@dataclass(frozen=True, slots=True)
class Grant:
    """What a new token is to allow, to whom, and until when (None: until it is revoked)."""

    user: str
    role: str
    expires_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """A new token: its text, which exists nowhere else, and what is kept of it."""

    text: str
    token: Token


@dataclass(frozen=True, slots=True)
class Once:
    """A caller's Idempotency-Key, and the hash of the request that it stands for."""

    key: str
    request_hash: str


def make_token(
    grant: Grant, *, tenant: str, by: Author, desk: OwnersDesk, once: Once | None = None
) -> Made:
    """Make a token of 256 random bits and keep its hash.

    The text cannot be told again, so a repeat of a key is refused and names the token that it has
    made: who has not got the answer revokes that one and asks with a fresh key. Raises
    ValidationFailed for an end that has passed, StateConflict or IdempotencyKeyReused for a key
    that was used.
    """
    if grant.expires_at is not None and grant.expires_at <= by.at:
        raise ValidationFailed([("/expires_at", "must be in the future")])
    claim_name = claim_id(tenant, by.user, once.key) if once else ""
    if once is not None:
        _check_claim(desk.claim(tenant, claim_name), once)
    text = f"fg_{tenant}_{secrets.token_urlsafe(_RANDOM_BYTES)}"
    digest = token_hash(text)
    made = Token(
        Principal(tenant, grant.user, grant.role, token_id(digest)),
        expires_at=grant.expires_at,
        created_at=by.at,
        created_by=by.user,
        note=grant.note,
        hint=text[-_HINT_LENGTH:],
    )
    own = made.principal.token_id
    claim = Claim(claim_name, own, once.request_hash) if once else None
    record = recorded(by, Action.TOKEN_MADE, own, after=_shown(made))
    try:
        desk.add_token(digest, made, record=record, claim=claim)
    except AlreadyExists:
        if once is not None:
            _check_claim(desk.claim(tenant, claim_name), once)
        raise
    return Made(text, made)


def revoke_token(own_id: str, *, tenant: str, by: Author, desk: OwnersDesk) -> Token:
    """Revoke a token and give it as it then is; one that was revoked stays as it was.

    Of the admins' tokens one that works always remains: the transaction holds on to one of the
    others, so two that revoke each other's at the same time cannot both go through. Raises
    NotFound, and StateConflict for the last one.
    """
    for _ in range(_TRIES):
        before = desk.find_token(tenant, own_id)
        if before is None:
            raise NotFound("There is no token with this id.")
        if before.revoked_at is not None:
            return before
        after = replace(before, revoked_at=by.at, revoked_by=by.user, version=before.version + 1)
        last_guard = before.principal.role == ADMIN and before.works(by.at)
        witness = _another_admin(before, by.at, desk) if last_guard else None
        record = recorded(by, Action.TOKEN_REVOKED, own_id, _shown(before), _shown(after))
        try:
            desk.revoke_token(before, after, witness=witness, record=record)
        except Stale:
            continue
        return after
    raise StoreUnavailable("the tokens are being changed by others; try again")


def _another_admin(token: Token, now: datetime, desk: OwnersDesk) -> Token:
    """Another token of an admin that works; the one that works longest of a few is not looked
    for. Raises StateConflict when there is none."""
    tenant, own = token.principal.tenant, token.principal.token_id
    for listed in desk.admin_tokens(tenant):
        if listed.principal.token_id == own or not listed.works(now):
            continue
        other = desk.find_token(tenant, listed.principal.token_id)  # a list may be a moment old
        if other is not None and other.works(now):
            return other
    raise StateConflict(
        "This is the last working token of an admin; make another one before it is revoked."
    )


def _check_claim(earlier: Claim | None, once: Once) -> None:
    if earlier is None:
        return
    if earlier.request_hash != once.request_hash:
        raise IdempotencyKeyReused(
            "This Idempotency-Key has made a token for another request; use a fresh key.",
            tokenId=earlier.token_id,
        )
    raise StateConflict(
        "This Idempotency-Key has made a token already, and a token is shown once. If its text is "
        "lost, revoke it and use a fresh key.",
        tokenId=earlier.token_id,
    )


def _shown(token: Token) -> dict[str, str | None]:
    """What the trail keeps of a token."""
    return {
        "user": token.principal.user,
        "role": token.principal.role,
        "expires_at": _moment(token.expires_at),
        "note": token.note or None,
        "revoked_at": _moment(token.revoked_at),
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
