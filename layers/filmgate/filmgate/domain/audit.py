"""The trail of who changed what: one record for every change of settings, budgets, keys, tokens.

A record has the changed fields in the form in which the API shows them, and never a secret: of a
provider's key it says no more than that one was set or removed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from filmgate.domain.ids import audit_id


class Action(StrEnum):
    """What was done; the object says to what: a scope, a provider, a medium, a token's id."""

    BUDGET_SET = "budget.set"
    SETTINGS_CHANGED = "settings.changed"
    ORDER_SET = "order.set"
    KEY_SET = "key.set"
    KEY_REMOVED = "key.removed"
    PRICES_CONFIRMED = "prices.confirmed"
    WEBHOOK_SECRET_ROTATED = "webhook-secret.rotated"  # noqa: S105
    TOKEN_MADE = "token.made"  # noqa: S105
    TOKEN_REVOKED = "token.revoked"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Author:
    """Who asks for a change: with which token, in which request, and when."""

    user: str
    token_id: str
    request_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Changed:
    """One field before and after, in JSON types; None where there was nothing."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One change. Its id follows from request, action and object: a repeat is the same record."""

    id: str
    at: datetime
    user: str
    token_id: str
    request_id: str
    action: Action
    object: str
    changes: tuple[Changed, ...] = ()


def recorded(
    by: Author,
    action: Action,
    thing: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> AuditRecord:
    """The record of a change of `thing`; it has the fields in which `before` and `after` differ."""
    old, new = before or {}, after or {}
    names = dict.fromkeys((*old, *new))
    return AuditRecord(
        id=audit_id(by.request_id, action, thing),
        at=by.at,
        user=by.user,
        token_id=by.token_id,
        request_id=by.request_id,
        action=action,
        object=thing,
        changes=tuple(
            Changed(name, old.get(name), new.get(name))
            for name in names
            if old.get(name) != new.get(name)
        ),
    )
