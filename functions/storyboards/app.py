"""POST /v1/storyboards starts one, DELETE …/{id} cancels it, POST …/{id}/resume goes on with it.

Bodies   StoryboardStartBody as application/json; the same as JSON Lines (application/x-ndjson) or
         CSV (text/csv), with title, project, strategy, budget, continuity, webhook_url and
         quote_id in the query; ResumeBody.
         Header Idempotency-Key (optional): the same key is the same storyboard
202      accepted as a whole, with Location; marked as cancelled; resumed
200      the key was used before, Idempotency-Replayed: true
402      budget-exceeded with what would fit, cost-limit-exceeded
409      quote-changed, with a fresh quote; state-conflict
422      validation-failed (with line and column for files; also for a quote_id that is unknown or
         of another storyboard), idempotency-key-reused,
         no-capable-provider
429      rate-limited, too-many-in-flight, with Retry-After
"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from filmgate import wiring
from filmgate.board_views import head_view
from filmgate.domain.storyboard import Storyboard
from filmgate.http import (
    answer,
    body_of,
    content_type,
    http_app,
    idempotency_key,
    principal,
    query,
    raw_body,
)
from filmgate.observability import logger
from filmgate.schemas import ResumeBody, StoryboardStartBody
from filmgate.storyboard_bodies import HEAD_FIELDS, KINDS, storyboard_of
from filmgate.usecases.cancel_storyboard import cancel_storyboard
from filmgate.usecases.quotes import Presented, presented
from filmgate.usecases.resume_storyboard import resume_storyboard
from filmgate.usecases.start_storyboard import start_storyboard
from filmgate.usecases.webhooks import with_checked_webhook

app = http_app()


@app.post("/v1/storyboards")
def post_storyboard() -> Response[str]:
    who = principal(app, role="creator")
    storyboard, quote = _asked()
    begun = start_storyboard(
        with_checked_webhook(storyboard, check_url=wiring.checked_webhook_url),
        principal=who,
        idempotency_key=idempotency_key(app),
        boards=wiring.boards(),
        workflow=wiring.shooting(),
        market=wiring.market(),
        now=wiring.now(),
        quote=quote,
        pace=wiring.storyboard_pace(),
    )
    place = {"Location": f"/v1/storyboards/{begun.head.id}"}
    replay = {"Idempotency-Replayed": "true"} if begun.replayed else {}
    return answer(200 if begun.replayed else 202, head_view(begun.head), place | replay)


@app.post("/v1/storyboards/<storyboard_id>/resume")
def post_resume(storyboard_id: str) -> Response[str]:
    who = principal(app, role="creator")
    said = body_of(app, ResumeBody)
    head = resume_storyboard(
        storyboard_id,
        approve=said.approve,
        principal=who,
        boards=wiring.boards(),
        workflow=wiring.shooting(),
        market=wiring.market(),
        now=wiring.now(),
        pace=wiring.storyboard_pace(),
    )
    return answer(202, head_view(head), {"Location": f"/v1/storyboards/{head.id}"})


@app.delete("/v1/storyboards/<storyboard_id>")
def delete_storyboard(storyboard_id: str) -> Response[str]:
    who = principal(app, role="creator")
    board = cancel_storyboard(
        storyboard_id, principal=who, boards=wiring.boards(), now=wiring.now()
    )
    return answer(202, head_view(board.head))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return app.resolve(event, context)


def _asked() -> tuple[Storyboard, Presented | None]:
    kind = KINDS.get(content_type(app))
    if kind is None:
        query(app, set())
        body = body_of(app, StoryboardStartBody)
        return body.storyboard(), presented(body.quote_id, wiring.quotes())
    said = query(app, {*HEAD_FIELDS, "quote_id"})
    quote_id = said.pop("quote_id", None)
    return (
        storyboard_of(raw_body(app), kind, said),
        presented(quote_id, wiring.quotes(), pointer="?quote_id"),
    )
