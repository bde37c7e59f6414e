"""The HTTP API's authorizer: whose token is this?

Event   HTTP API authorizer request, payload 2.0; called for every route but health
Answer  {"isAuthorized": true, "context": {"tenant", "user", "role", "token_id"}}, or a context
        with "refusal", or with "unavailable" when the table cannot be asked

It never refuses by itself: an HTTP API words its own refusals and they are not problem+json. The
handlers refuse whoever comes without a principal (filmgate/http.py). A token that was found is
remembered for REMEMBERED_S, so a revoked one ends within a minute.
"""

import time
from typing import Any, Final

from filmgate import wiring
from filmgate.domain.errors import StoreUnavailable, Unauthenticated
from filmgate.usecases.authorize import authorize, token_hash
from filmgate.usecases.ports import Principal

REMEMBERED_S: Final = 45.0
_MOST_REMEMBERED: Final = 10_000
_known: dict[str, tuple[float, Principal]] = {}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    header = (event.get("headers") or {}).get("authorization")
    try:
        found = _remembered(header)
    except Unauthenticated as error:
        return _allow(refusal=error.detail)
    except StoreUnavailable:
        return _allow(unavailable="true")
    return _allow(tenant=found.tenant, user=found.user, role=found.role, token_id=found.token_id)


def _remembered(header: str | None) -> Principal:
    name = token_hash(header or "")
    at, found = _known.get(name, (0.0, None))
    if found is None or time.monotonic() - at > REMEMBERED_S:
        found = authorize(header, studio=wiring.studio(), now=wiring.now())
        if len(_known) >= _MOST_REMEMBERED:
            _known.clear()
        _known[name] = (time.monotonic(), found)
    return found


def _allow(**context: str) -> dict[str, Any]:
    return {"isAuthorized": True, "context": context}
