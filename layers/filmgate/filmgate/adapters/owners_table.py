"""The table behind the port OwnersDesk: tokens, and the trail of what was changed."""

from collections.abc import Iterable

from filmgate.adapters import items
from filmgate.adapters.cursors import LIST_KEY, TABLE_KEY
from filmgate.adapters.items import Item, dump, load, to_wire
from filmgate.adapters.one_table import filtered, newest_first, newest_in
from filmgate.adapters.table import StudioTable
from filmgate.adapters.transactions import Action as Write
from filmgate.adapters.transactions import Check, Put, Update, audited
from filmgate.domain.audit import Action, AuditRecord
from filmgate.domain.errors import AlreadyExists, Stale, StoreUnavailable
from filmgate.domain.ids import token_id
from filmgate.usecases.ports import AuditPage, Claim, Token, TokenPage


class OwnersTable(StudioTable):
    """The table, and in it what only an owner's tools ask for."""

    # --- tokens ----------------------------------------------------------------------------

    def find_token(self, tenant: str, token_id: str) -> Token | None:
        item = self._get(items.token_key(tenant, token_id))
        return None if item is None else load(Token, item)

    def claim(self, tenant: str, claim_id: str) -> Claim | None:
        item = self._get(items.claim_key(tenant, claim_id))
        return None if item is None else load(Claim, item)

    def add_token(
        self, token_hash: str, token: Token, *, record: AuditRecord, claim: Claim | None = None
    ) -> None:
        tenant = token.principal.tenant
        actions = [
            Put(_token_item(token_hash, token), None),
            *audited(tenant, record),
            *([_claim_put(tenant, claim)] if claim else []),
        ]
        if self._transact(actions) is None:
            return
        if self.token(tenant, token_hash) is not None:
            return  # 256 random bits: an earlier sending of this very call went through
        if claim is not None and self.claim(tenant, claim.id) is not None:
            raise AlreadyExists(claim.id)
        raise StoreUnavailable("the table was in conflict or throttled")

    def revoke_token(
        self, before: Token, after: Token, *, witness: Token | None, record: AuditRecord
    ) -> None:
        tenant = after.principal.tenant
        changed = dump(after)
        update = Update(
            items.token_key(tenant, after.principal.token_id),
            "SET #revoked_at = :revoked_at, #revoked_by = :revoked_by, #version = :version",
            "#version = :known",
            {name: changed[name] for name in ("revoked_at", "revoked_by", "version")}
            | {"known": before.version},
            ("revoked_at", "revoked_by", "version"),
        )
        actions: list[Write] = [update, *audited(tenant, record)]
        if witness is not None:
            key = items.token_key(tenant, witness.principal.token_id)
            guard = {"#version = :version": {"version": witness.version}}
            actions.append(Check(key, guard))
        if self._transact(actions) is not None:
            raise Stale("a token was changed by another")

    def admin_tokens(self, tenant: str) -> Iterable[Token]:
        query = newest_first(f"{tenant}#tokens") | {
            "FilterExpression": "#principal.#role = :admin AND #revoked_at = :none",
            "ExpressionAttributeNames": {
                "#principal": "principal",
                "#role": "role",
                "#revoked_at": "revoked_at",
            },
        }
        query["ExpressionAttributeValues"] |= to_wire({":admin": "admin", ":none": None})
        return (load(Token, item) for item in self._walk(query, None))

    def token_page(self, tenant: str, *, limit: int, cursor: str | None) -> TokenPage:
        partition = f"{tenant}#tokens"
        found, following = self._listed_page(
            newest_first(partition), partition, LIST_KEY, cursor=cursor, limit=limit
        )
        return TokenPage([load(Token, item) for item in found], following)

    # --- the trail -------------------------------------------------------------------------

    def audit_page(
        self,
        tenant: str,
        *,
        limit: int,
        cursor: str | None,
        user: str | None,
        action: Action | None,
    ) -> AuditPage:
        partition = items.audit_pk(tenant)
        query = filtered(newest_in(partition), {("user",): user, ("action",): action})
        found, following = self._listed_page(
            query, partition, TABLE_KEY, cursor=cursor, limit=limit
        )
        return AuditPage([load(AuditRecord, item) for item in found], following)


def _token_item(token_hash: str, token: Token) -> Item:
    """A token as it is stored: what is known of it, and its hash beside that."""
    tenant, own = token.principal.tenant, token_id(token_hash)
    made_at = "" if token.created_at is None else token.created_at.isoformat()
    return {
        **items.token_key(tenant, own),
        "list_pk": f"{tenant}#tokens",
        "list_sk": f"{made_at}#{own}",
        "sha256": token_hash,
        **dump(token),
    }


def _claim_put(tenant: str, claim: Claim) -> Put:
    return Put({**items.claim_key(tenant, claim.id), **dump(claim)}, None)
