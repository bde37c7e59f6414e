"""Ask for the same again: a new generation with new money, for one that has come to its end."""

import hashlib
from datetime import datetime

from filmgate.domain.catalogue import Catalogue
from filmgate.domain.errors import StateConflict
from filmgate.domain.generations import Generation
from filmgate.domain.money import Micros
from filmgate.domain.pace import Pace
from filmgate.domain.pricing import RateCard
from filmgate.usecases.generate import Admitted, generate
from filmgate.usecases.notices import WebhookUrls
from filmgate.usecases.ports import Principal, Studio, Workflow
from filmgate.usecases.reading import read_generation
from filmgate.usecases.request import Request
from filmgate.usecases.webhooks import with_checked_webhook


def retry(
    generation_id: str,
    *,
    principal: Principal,
    idempotency_key: str | None,
    studio: Studio,
    workflow: Workflow,
    catalogue: Catalogue,
    card: RateCard,
    default_limit: Micros,
    default_cost_limit: Micros,
    pace: Pace | None,
    check_url: WebhookUrls,
    now: datetime,
) -> Admitted:
    """Admit the request of a generation anew, priced and planned now, for whoever asks.

    How the first one ended does not matter, only that it has; a vendor may still send the bill of
    an attempt that is in doubt, and that stays the first one's. The same key is the same retry.
    Raises NotFound; StateConflict for one that runs or is a part of a storyboard, which is resumed
    as a whole; and all that `generate` raises.
    """
    first = read_generation(generation_id, principal=principal, studio=studio).generation
    if not first.is_terminal:
        raise StateConflict(
            f"The generation is {first.state}; it can be retried when it has ended."
        )
    if first.storyboard_id is not None:
        raise StateConflict(f"It is a part of {first.storyboard_id}: resume that.")
    return generate(
        with_checked_webhook(request_of(first), check_url=check_url),
        principal=principal,
        idempotency_key=idempotency_key,
        request_hash=hashlib.sha256(f"retry of {first.id}".encode()).hexdigest(),
        studio=studio,
        workflow=workflow,
        catalogue=catalogue,
        card=card,
        default_limit=default_limit,
        default_cost_limit=default_cost_limit,
        pace=pace,
        now=now,
        retry_of=first.id,
    )


def request_of(generation: Generation) -> Request:
    """What was asked for, under the same cost limit. A quote is not asked with again: what it bound
    was the first price, and in its place stands the limit that the request itself said."""
    quoted = generation.quote_id is not None
    return Request(
        wish=generation.wish,
        provider=generation.requested_provider,
        strategy=generation.strategy,
        cost_limit=generation.own_limit if quoted else generation.cost_limit,
        on_refusal=generation.on_refusal,
        on_unknown=generation.on_unknown,
        project=generation.project,
        script_id=generation.script_id,
        shot_number=generation.shot_number,
        tags=generation.tags,
        webhook_url=generation.webhook_url,
    )
