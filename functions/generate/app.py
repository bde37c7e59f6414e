"""POST /v1/generations starts one, POST …/{id}/retry the same again; DELETE …/{id} cancels one.

Body     GenerationBody; RetryBody or none; none
         header Idempotency-Key (optional): the same key is the same generation
202      accepted, with Location; for DELETE: marked, and followed to its end
200      the key was used before: the generation as it now is, Idempotency-Replayed: true;
         for DELETE: cancelled before anything was sent
402      budget-exceeded, cost-limit-exceeded    410 retired
409      quote-changed, with a fresh quote; for DELETE and a retry: state-conflict
422      validation-failed (also for a quote_id that is unknown or of another request),
         idempotency-key-reused, no-capable-provider
429      rate-limited, too-many-in-flight: what a user may start; a budget's 402 goes first
"""

from functools import partial
from typing import Any

from aws_lambda_powertools.event_handler import Response

from filmgate import wiring
from filmgate.adapters.media import inspect_bytes
from filmgate.http import answer, body_of, http_app, idempotency_key, principal, raw_body
from filmgate.observability import logger
from filmgate.providers.data import catalogue
from filmgate.schemas import GenerationBody, RetryBody
from filmgate.settings import settings
from filmgate.usecases.cancel import cancel
from filmgate.usecases.generate import generate
from filmgate.usecases.ports import Principal
from filmgate.usecases.quotes import Presented, presented
from filmgate.usecases.request import Request
from filmgate.usecases.retry import ask_again
from filmgate.usecases.webhooks import with_checked_webhook
from filmgate.views import generation_view
from filmgate.wiring import take_link

app = http_app()


@app.post("/v1/generations")
def post_generation() -> Response[str]:
    who = principal(app, role="creator")
    body = body_of(app, GenerationBody)
    quote = presented(body.quote_id, wiring.quotes())
    return _admitted(who, body.request(), body.canonical_hash(), quote=quote)


@app.post("/v1/generations/<generation_id>/retry")
def post_retry(generation_id: str) -> Response[str]:
    who = principal(app, role="creator")
    if raw_body(app):
        body_of(app, RetryBody)
    again = ask_again(generation_id, principal=who, studio=wiring.studio())
    return _admitted(who, again.request, again.request_hash, retry_of=again.retry_of)


@app.delete("/v1/generations/<generation_id>")
def delete_generation(generation_id: str) -> Response[str]:
    who = principal(app, role="creator")
    record = cancel(generation_id, principal=who, studio=wiring.studio(), now=wiring.now())
    status = 200 if record.generation.is_terminal else 202
    return answer(status, generation_view(record, take_link))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return app.resolve(event, context)


def _admitted(
    who: Principal,
    request: Request,
    request_hash: str,
    *,
    quote: Presented | None = None,
    retry_of: str | None = None,
) -> Response[str]:
    """202 with its place for a new generation, 200 for a repeat with the same key."""
    admitted = generate(
        with_checked_webhook(request, check_url=wiring.checked_webhook_url),
        principal=who,
        idempotency_key=idempotency_key(app),
        request_hash=request_hash,
        studio=wiring.studio(),
        workflow=wiring.workflow(),
        catalogue=catalogue(),
        card=wiring.card(),
        default_limit=int(settings().need("default_monthly_limit_micros")),
        default_cost_limit=int(settings().need("default_cost_limit_micros")),
        pace=wiring.pace(),
        now=wiring.now(),
        keep_linked=partial(wiring.keep_linked, inspect_bytes),
        quote=quote,
        retry_of=retry_of,
    )
    place = {"Location": f"/v1/generations/{admitted.record.generation.id}"}
    replay = {"Idempotency-Replayed": "true"} if admitted.replayed else {}
    view = generation_view(admitted.record, take_link)
    return answer(200 if admitted.replayed else 202, view, place | replay)
