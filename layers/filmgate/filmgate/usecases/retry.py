"""Ask for the same again: a new generation with new money, for one that has come to its end."""

import hashlib
from dataclasses import dataclass

from filmgate.domain.errors import StateConflict
from filmgate.domain.generations import Generation
from filmgate.usecases.ports import Principal, Studio
from filmgate.usecases.reading import read_generation
from filmgate.usecases.request import Request


@dataclass(frozen=True, slots=True)
class Again:
    """What `generate` is asked for by a retry of `retry_of`.

    The hash is the same for every retry of it and no other request's, so that an Idempotency-Key
    means one retry.
    """

    request: Request
    request_hash: str
    retry_of: str


def ask_again(generation_id: str, *, principal: Principal, studio: Studio) -> Again:
    """The request of a generation that has ended, for whoever may see it.

    How it ended does not matter; a vendor may still send the bill of an attempt that is in doubt,
    and that stays the first one's. Raises NotFound; StateConflict for one that runs, or is a part
    of a storyboard, which is resumed with its storyboard.
    """
    first = read_generation(generation_id, principal=principal, studio=studio).generation
    if not first.is_terminal:
        raise StateConflict(f"The generation is {first.state}; retry it when it has ended.")
    if first.storyboard_id is not None:
        raise StateConflict(f"It is a part of {first.storyboard_id}: resume that.")
    request_hash = hashlib.sha256(f"retry of {first.id}".encode()).hexdigest()
    return Again(_request_of(first), request_hash, first.id)


def _request_of(generation: Generation) -> Request:
    """What was asked for, under the same cost limit. A quote is not asked with again: what it bound
    was the first price, and in its place stands the limit that the request itself said."""
    quoted = generation.quote_id is not None
    return Request(
        wish=generation.wish,
        provider=generation.requested_provider,
        model=generation.requested_model,
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
