"""Who may use the API, and who changed what in it. Everything here needs the role admin.

GET    /v1/tokens        newest first, without the tokens themselves; ?limit= ?cursor=
POST   /v1/tokens        TokenBody; header Idempotency-Key (optional); 201 with the token, this once
DELETE /v1/tokens/{id}   revokes it, for good; 200 with the token as it is kept. Ends within 60 s
GET    /v1/audit         the trail, newest first; ?user= ?action= ?limit= ?cursor=
404   no such token    409 state-conflict: the last admin's, or a key that has made a token
422   validation-failed, idempotency-key-reused
"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from filmgate import wiring
from filmgate.domain.audit import Action
from filmgate.domain.errors import ValidationFailed
from filmgate.http import (
    answer,
    author,
    body_of,
    http_app,
    idempotency_key,
    page_size,
    principal,
    query,
)
from filmgate.observability import logger
from filmgate.schemas import TokenBody
from filmgate.usecases.tokens import Once, make_token, revoke_token
from filmgate.views import audit_view, token_view

app = http_app()


@app.get("/v1/tokens")
def get_tokens() -> Response[str]:
    who = principal(app, role="admin")
    given = query(app, {"limit", "cursor"})
    size, now = page_size(given), wiring.now()
    try:
        page = wiring.owners_desk().token_page(who.tenant, limit=size, cursor=given.get("cursor"))
    except ValueError as error:
        raise ValidationFailed([("?cursor", str(error))]) from error
    return answer(200, {"items": [token_view(one, now) for one in page.items], "next": page.next})


@app.post("/v1/tokens")
def post_token() -> Response[str]:
    who, now = principal(app, role="admin"), wiring.now()
    body, key = body_of(app, TokenBody), idempotency_key(app)
    made = make_token(
        body.grant(now),
        tenant=who.tenant,
        by=author(app, who, now),
        desk=wiring.owners_desk(),
        once=None if key is None else Once(key, body.canonical_hash()),
    )
    return answer(201, {**token_view(made.token, now), "token": made.text})


@app.delete("/v1/tokens/<token_id>")
def delete_token(token_id: str) -> Response[str]:
    who, now = principal(app, role="admin"), wiring.now()
    revoked = revoke_token(
        token_id, tenant=who.tenant, by=author(app, who, now), desk=wiring.owners_desk()
    )
    return answer(200, token_view(revoked, now))


@app.get("/v1/audit")
def get_audit() -> Response[str]:
    who = principal(app, role="admin")
    given = query(app, {"user", "action", "limit", "cursor"})
    size, action = page_size(given), _action(given.get("action"))
    try:
        page = wiring.owners_desk().audit_page(
            who.tenant,
            limit=size,
            cursor=given.get("cursor"),
            user=given.get("user"),
            action=action,
        )
    except ValueError as error:
        raise ValidationFailed([("?cursor", str(error))]) from error
    return answer(200, {"items": [audit_view(one) for one in page.items], "next": page.next})


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return app.resolve(event, context)


def _action(text: str | None) -> Action | None:
    if text is None:
        return None
    if text not in set(Action):
        raise ValidationFailed([("?action", f"must be one of {', '.join(Action)}")])
    return Action(text)
