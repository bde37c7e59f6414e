"""Start a generation: price the whole chain, hold the money, record it, start the workflow."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from filmgate.domain import ids, ledger
from filmgate.domain.attempts import Attempt, AttemptState
from filmgate.domain.catalogue import Catalogue
from filmgate.domain.chain import ANYBODY, Candidate, Preference
from filmgate.domain.errors import (
    AlreadyExists,
    BudgetExceeded,
    DoesNotFit,
    IdempotencyKeyReused,
    StoreUnavailable,
    ValidationFailed,
)
from filmgate.domain.generations import Envelope, Generation, Link, Record
from filmgate.domain.money import Micros, format_usd
from filmgate.domain.pace import Pace, Start
from filmgate.domain.pricing import RateCard
from filmgate.domain.usage import ordered_of
from filmgate.domain.wishes import is_link
from filmgate.usecases.budgets import with_open_budgets
from filmgate.usecases.cancel import cancel
from filmgate.usecases.ports import Execution, Principal, Studio, Workflow
from filmgate.usecases.quotes import Presented, quote_of_request, redeem
from filmgate.usecases.request import Priced, Request, priced
from filmgate.usecases.stills import NO_SUCH_STILL, KeepLinked, may_use


@dataclass(frozen=True, slots=True)
class Admitted:
    """The generation as it now is; `replayed` when the key had started it before."""

    record: Record
    replayed: bool


@dataclass(frozen=True, slots=True)
class Commission:
    """What a generation is made under that is a part of a storyboard: the envelope that it draws
    on, and who shall make it."""

    storyboard_id: str
    envelope: Envelope
    preference: Preference = ANYBODY


def generate(
    request: Request,
    *,
    principal: Principal,
    idempotency_key: str | None,
    request_hash: str,
    studio: Studio,
    workflow: Workflow,
    catalogue: Catalogue,
    card: RateCard,
    default_limit: Micros,
    default_cost_limit: Micros,
    pace: Pace | None,
    now: datetime,
    keep_linked: KeepLinked | None = None,
    commission: Commission | None = None,
    quote: Presented | None = None,
    retry_of: str | None = None,
) -> Admitted:
    """Admit a request and start its workflow, once for every key.

    The generation, the hold for its first attempt and the entry are one transaction; the
    workflow is started after it, under the generation's own name. A crash between the two leaves
    a queued generation, which a repeat with the same key starts. No key means a fresh one, so
    only callers who send one are protected against their own repeats. `pace` bounds the user's
    rate and number in flight, where only what is admitted counts; None counts without a bound.
    Started with a `quote`, it costs the quote's `max` at most; a repeat does not look at it again.
    An image that is linked to is kept last of all, and by the first of all repeats; without
    `keep_linked` no link is taken.
    Raises as `priced` and `redeem` do, and BudgetExceeded, IdempotencyKeyReused, or, when nothing
    else stands against it, TooManyInFlight or RateLimited; none of these stores anything but the
    fresh quote of QuoteChanged.
    """
    generation_id = ids.generation_id(
        principal.tenant, principal.user, idempotency_key or uuid4().hex
    )
    earlier = studio.find(principal.tenant, generation_id) if idempotency_key else None
    if earlier is not None:
        return _replay(earlier, request_hash, workflow)
    _check_keyframe(request, principal, studio, links=keep_linked is not None)
    limit = default_cost_limit if request.cost_limit is None else request.cost_limit
    found = priced(
        request,
        tenant=principal.tenant,
        cost_limit=limit if quote is None else request.cost_limit,
        studio=studio,
        catalogue=catalogue,
        card=card,
        now=now,
        preference=commission.preference if commission else ANYBODY,
    )
    if quote is not None:
        limit = _quoted(quote, request, found, principal.tenant, card, now)
    request = _with_kept_image(request, principal, keep_linked)
    generation = _generation(
        generation_id, request, found, principal, card, limit, request_hash, now
    )
    generation = replace(generation, quote_id=quote.quote_id if quote else None, retry_of=retry_of)
    if commission is not None:
        generation = replace(
            generation, storyboard_id=commission.storyboard_id, envelope=commission.envelope
        )
    first = reserve_link(generation, 0, now=now)
    commit = _admission(generation, first, pace, now)
    try:
        with_open_budgets(
            lambda: studio.commit(principal.tenant, commit),
            tenant=principal.tenant,
            studio=studio,
            default_limit=default_limit,
        )
    except AlreadyExists:
        return _replay(_must_find(studio, principal.tenant, generation_id), request_hash, workflow)
    except DoesNotFit as full:
        raise no_room(full) from full
    try:
        workflow.start(Execution(principal.tenant, generation_id))
    except StoreUnavailable:
        if idempotency_key is not None:
            raise  # a repeat with the key will start it
        return _undo(generation_id, principal, studio, now)
    return Admitted(Record(generation, (first,)), replayed=False)


def _quoted(
    quote: Presented, request: Request, found: Priced, tenant: str, card: RateCard, now: datetime
) -> Micros:
    """The most that the generation may cost, by the quote; raises as `redeem` does.

    It is at most the request's own limit, since it was quoted under that.
    """
    fresh = quote_of_request(request, found, tenant=tenant, card=card, now=now)
    chain = (request.wish, found.plan)
    return redeem(quote, fresh, [chain], tenant=tenant, card=card, now=now).max


def _undo(generation_id: str, principal: Principal, studio: Studio, now: datetime) -> Admitted:
    """Nobody can repeat a request without a key, so what surely did not start gives its money
    back; raises StoreUnavailable then. What did start after all is admitted."""
    record = cancel(generation_id, principal=principal, studio=studio, now=now)
    if record.generation.is_terminal:
        raise StoreUnavailable("the workflow did not start")
    return Admitted(record, replayed=False)


def reserve_link(generation: Generation, index: int, *, now: datetime) -> Attempt:
    """A new attempt at place `index` of the chain, holding its whole price in every scope."""
    link = generation.chain[index]
    return Attempt(
        id=ids.attempt_id(generation.id, index),
        generation_id=generation.id,
        index=index,
        provider=link.provider,
        model=link.model,
        state=AttemptState.RESERVED,
        reserved_micros=link.cost_micros,
        scopes=ledger.scopes_of(generation, link.provider, now=now),
        started_at=now,
        outer=generation.envelope.outer if generation.envelope else (),
        ordered=ordered_of(generation, link),
    )


def _admission(
    generation: Generation, first: Attempt, pace: Pace | None, now: datetime
) -> ledger.Commit:
    own = ledger.Budget(
        ledger.generation_scope(generation.id), ledger.NO_PERIOD, generation.cost_limit
    )
    commit = ledger.opening(ledger.change(None, first, at=now), own)
    commit = ledger.with_generation(commit, None, generation)
    return commit if pace is None else ledger.with_start(commit, Start(pace, now))


def _replay(record: Record, request_hash: str, workflow: Workflow) -> Admitted:
    if record.generation.request_hash != request_hash:
        raise IdempotencyKeyReused(
            "This Idempotency-Key has started another request; use a fresh key.",
            generationId=record.generation.id,
        )
    if not record.generation.is_terminal:
        # The first call may have died before it started the workflow.
        workflow.start(Execution(record.generation.tenant, record.generation.id))
    return Admitted(record, replayed=True)


def _check_keyframe(request: Request, principal: Principal, studio: Studio, *, links: bool) -> None:
    image = request.wish.image
    if image is None or (links and is_link(image)):
        return
    if not may_use(image, principal, studio):
        raise ValidationFailed([("/params/image", NO_SUCH_STILL)])


def _with_kept_image(
    request: Request, principal: Principal, keep_linked: KeepLinked | None
) -> Request:
    """The request with a still of ours in the place of a link."""
    link = request.wish.image
    if keep_linked is None or link is None or not is_link(link):
        return request
    return replace(request, wish=replace(request.wish, image=keep_linked(link, principal)))


def _generation(
    generation_id: str,
    request: Request,
    found: Priced,
    principal: Principal,
    card: RateCard,
    cost_limit: Micros,
    request_hash: str,
    now: datetime,
) -> Generation:
    return Generation(
        id=generation_id,
        tenant=principal.tenant,
        user=principal.user,
        wish=request.wish,
        requested_provider=request.provider,
        requested_model=request.model,
        strategy=request.strategy,
        on_refusal=request.on_refusal,
        on_unknown=request.on_unknown,
        chain=tuple(_link(candidate, card) for candidate in found.plan.eligible),
        rate_card=card.name,
        rate_card_version=card.version,
        cost_limit=cost_limit,
        own_limit=request.cost_limit,
        expected=found.expected,
        max=found.max,
        request_hash=request_hash,
        created_at=now,
        project=request.project,
        script_id=request.script_id,
        shot_number=request.shot_number,
        tags=request.tags,
        webhook_url=request.webhook_url,
        warnings=found.warnings,
    )


def _link(candidate: Candidate, card: RateCard) -> Link:
    match, row, cost = candidate.match, candidate.row, candidate.cost
    if match is None or row is None or cost is None:
        raise ValueError(f"{candidate.provider.id} is eligible without an offer")
    return Link(
        provider=candidate.provider.id,
        model=match.offer.model,
        cost_micros=cost,
        unit=row.unit,
        unit_micros=row.micros,
        resolution=match.frame.resolution,
        aspect_ratio=match.frame.aspect_ratio,
        width=match.frame.width,
        height=match.frame.height,
        expected_s=match.offer.expected_s,
        deadline_s=match.offer.deadline_s,
        api_url=candidate.api_url,
        micros_per_million_tokens=row.micros_per_million_tokens,
        on_refusal=candidate.on_refusal,
        on_unknown=candidate.on_unknown,
        price=card.name_of(row),
        sound=match.offer.sound,
    )


def no_room(full: DoesNotFit) -> BudgetExceeded:
    return BudgetExceeded(
        f"This needs {format_usd(full.needed)} USD and the budget of {full.scope} "
        f"has {format_usd(full.room)} left this month.",
        scope=full.scope,
        needed=format_usd(full.needed),
        room=format_usd(full.room),
    )


def _must_find(studio: Studio, tenant: str, generation_id: str) -> Record:
    record = studio.find(tenant, generation_id)
    if record is None:
        raise ValueError(f"{generation_id} exists and cannot be read")
    return record
