"""The part of the memory studio that holds tokens and the trail; see the port OwnersDesk."""

from collections.abc import Iterable, Sequence
from threading import RLock
from typing import TypeVar

from filmgate.domain.audit import Action, AuditRecord
from filmgate.domain.errors import AlreadyExists, Stale
from filmgate.domain.ids import token_id
from filmgate.usecases.ports import AuditPage, Claim, Token, TokenPage

Key = tuple[str, ...]
T = TypeVar("T")


class MemoryDesk:
    """Tokens by (tenant, hash), records in the order in which they were written."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.tokens: dict[Key, Token] = {}
        self.claims: dict[Key, Claim] = {}
        self.trail: dict[Key, AuditRecord] = {}

    def token(self, tenant: str, token_hash: str) -> Token | None:
        with self.lock:
            return self.tokens.get((tenant, token_hash))

    def find_token(self, tenant: str, token_id: str) -> Token | None:
        with self.lock:
            return self._named(tenant).get(token_id)

    def claim(self, tenant: str, claim_id: str) -> Claim | None:
        with self.lock:
            return self.claims.get((tenant, claim_id))

    def add_token(
        self, token_hash: str, token: Token, *, record: AuditRecord, claim: Claim | None = None
    ) -> None:
        tenant = token.principal.tenant
        with self.lock:
            if claim is not None:
                if (tenant, claim.id) in self.claims:
                    raise AlreadyExists(claim.id)
                self.claims[tenant, claim.id] = claim
            self.tokens[tenant, token_hash] = token
            self._keep(tenant, record)

    def revoke_token(
        self, before: Token, after: Token, *, witness: Token | None, record: AuditRecord
    ) -> None:
        tenant = after.principal.tenant
        with self.lock:
            known = self._named(tenant)
            for seen in (before, witness):
                if seen and known[seen.principal.token_id].version != seen.version:
                    raise Stale(seen.principal.token_id)
            name = next(
                key
                for key, token in self.tokens.items()
                if token.principal.token_id == after.principal.token_id
            )
            self.tokens[name] = after
            self._keep(tenant, record)

    def admin_tokens(self, tenant: str) -> Iterable[Token]:
        with self.lock:
            known = self._newest(tenant)
        return [one for one in known if one.principal.role == "admin" and not one.revoked_at]

    def token_page(self, tenant: str, *, limit: int, cursor: str | None) -> TokenPage:
        with self.lock:
            known = self._newest(tenant)
        return TokenPage(*_page(known, limit, cursor))

    def audit_page(
        self,
        tenant: str,
        *,
        limit: int,
        cursor: str | None,
        user: str | None,
        action: Action | None,
    ) -> AuditPage:
        found = [
            one
            for one in reversed(self.records(tenant))
            if user in (None, one.user) and action in (None, one.action)
        ]
        return AuditPage(*_page(found, limit, cursor))

    def records(self, tenant: str) -> list[AuditRecord]:
        """The whole trail of a tenant, oldest first."""
        with self.lock:
            return [one for (owner, *_), one in self.trail.items() if owner == tenant]

    def _keep(self, tenant: str, record: AuditRecord | None) -> None:
        if record is not None:
            self.trail[tenant, record.at.isoformat(), record.id] = record

    def _named(self, tenant: str) -> dict[str, Token]:
        return {token_id(name): one for (owner, name), one in self.tokens.items()
                if owner == tenant}  # fmt: skip

    def _newest(self, tenant: str) -> list[Token]:
        return list(reversed(self._named(tenant).values()))


def _page(found: Sequence[T], limit: int, cursor: str | None) -> tuple[Sequence[T], str | None]:
    """The cursor is the place of the next item, as a number."""
    start = 0 if cursor is None else int(cursor)
    more = len(found) > start + limit
    return found[start : start + limit], str(start + limit) if more else None
