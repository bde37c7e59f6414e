"""Health, providers, notices, tokens and the trail."""

from typing import Final

from filmgate.domain.audit import Action
from filmgate.domain.errors import IdempotencyKeyReused, NotFound, StateConflict
from filmgate.schemas import TokenBody
from openapi.answers.studio import (
    AuditTrail,
    Health,
    Me,
    NewToken,
    Notices,
    Providers,
    Token,
    Tokens,
)
from openapi.operation import JSON, Body, Operation, answer
from openapi.operations.common import (
    A_TOKEN,
    IDEMPOTENCY_KEY,
    PAGING,
    in_path,
    in_query,
    one_of,
)

OPERATIONS: Final = (
    Operation(
        id="get_health",
        method="GET",
        path="/v1/health",
        tag="studio",
        role="open",
        summary="Version and time",
        answers=(answer(200, "It works.", Health),),
    ),
    Operation(
        id="get_me",
        method="GET",
        path="/v1/me",
        tag="access",
        role="viewer",
        summary="Whose token this is",
        answers=(answer(200, "The user and the role.", Me),),
    ),
    Operation(
        id="list_providers",
        method="GET",
        path="/v1/providers",
        tag="studio",
        role="viewer",
        summary="The catalogue with this owner's settings",
        told="Offers, prices, breaker, and what was observed; in the owner's order per medium.",
        answers=(answer(200, "All of them.", Providers),),
    ),
    Operation(
        id="list_notices",
        method="GET",
        path="/v1/notices",
        tag="studio",
        role="viewer",
        summary="What the owner was told",
        told="Newest first. A creator sees those that are about them.",
        parameters=PAGING,
        answers=(answer(200, "A page of notices.", Notices),),
    ),
    Operation(
        id="list_tokens",
        method="GET",
        path="/v1/tokens",
        tag="access",
        role="admin",
        summary="Who may use the API",
        parameters=PAGING,
        answers=(answer(200, "A page of tokens, without their texts.", Tokens),),
    ),
    Operation(
        id="make_token",
        method="POST",
        path="/v1/tokens",
        tag="access",
        role="admin",
        summary="Make a token",
        told="It is told this once. A repeat with its `Idempotency-Key` is 409 and names it.",
        parameters=(IDEMPOTENCY_KEY,),
        body=Body(
            {JSON: TokenBody},
            {JSON: {"creator": {"user": "ben", "role": "creator", "expires_in_days": 90}}},
        ),
        answers=(answer(201, "The token with its text.", NewToken),),
        problems=(IdempotencyKeyReused, StateConflict),
    ),
    Operation(
        id="revoke_token",
        method="DELETE",
        path="/v1/tokens/{id}",
        tag="access",
        role="admin",
        summary="Revoke a token",
        told="For good, within a minute. The last working admin's stays.",
        parameters=(in_path("id", "A token's id.", A_TOKEN),),
        answers=(answer(200, "The token as it is kept.", Token),),
        problems=(NotFound, StateConflict),
    ),
    Operation(
        id="list_audit",
        method="GET",
        path="/v1/audit",
        tag="access",
        role="admin",
        summary="Who changed what",
        told="Before and after, newest first.",
        parameters=(
            in_query("user", "Only by this user."),
            in_query("action", "Only those.", one_of(Action)),
            *PAGING,
        ),
        answers=(answer(200, "A page of the trail.", AuditTrail),),
    ),
)
