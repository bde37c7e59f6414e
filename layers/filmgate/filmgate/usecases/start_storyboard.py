"""Start a storyboard: price every part, hold the most that all can cost at once, or refuse it all.

Shots are written first, under a name that follows from what they say; the head, the envelope and
its hold are one transaction that names them; the workflow is started after it. A crash in between
leaves either nothing that counts, or a storyboard that a repeat or the sweeper starts.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import uuid4

from filmgate.domain import ids, ledger
from filmgate.domain.boards import Head, PartRecord, ShotRecord
from filmgate.domain.catalogue import Catalogue
from filmgate.domain.chain import within
from filmgate.domain.continuity import Group, groups_of
from filmgate.domain.errors import (
    AlreadyExists,
    BudgetExceeded,
    CostLimitExceeded,
    DoesNotFit,
    IdempotencyKeyReused,
    StoreUnavailable,
    ValidationFailed,
)
from filmgate.domain.fitting import Priced, fit
from filmgate.domain.generations import Envelope
from filmgate.domain.ledger import QUOTE_SCOPE, STORYBOARD_SCOPE, envelope_scope, outer_scopes
from filmgate.domain.money import Micros, format_usd
from filmgate.domain.pace import Counted, Pace, Start
from filmgate.domain.pricing import RateCard
from filmgate.domain.storyboard import FROM_KEYFRAME, Continuity, Shot, Storyboard
from filmgate.usecases.boards import Boards, StoryboardWorkflow, shooting_of
from filmgate.usecases.budgets import read_budget, with_open_budgets
from filmgate.usecases.cancel_storyboard import call_off
from filmgate.usecases.estimate_storyboard import (
    PricedPart,
    PricedShot,
    StoryboardEstimate,
    estimate_storyboard,
)
from filmgate.usecases.ports import Principal
from filmgate.usecases.quotes import Presented, redeem
from filmgate.usecases.stills import NO_SUCH_STILL, may_use

LARGEST_SHOT_BYTES: Final = 350_000
"""A shot with all its prompts shares one item of at most 400 KB."""

_OWN_LIMITS: Final = {STORYBOARD_SCOPE: "its budget", QUOTE_SCOPE: "its quote"}


@dataclass(frozen=True, slots=True)
class Market:
    """What prices and limits are reckoned by."""

    catalogue: Catalogue
    card: RateCard
    default_limit: Micros
    default_cost_limit: Micros


@dataclass(frozen=True, slots=True)
class Begun:
    """The head of a storyboard as it now is; `replayed` when the key had started it before."""

    head: Head
    replayed: bool


def start_storyboard(
    storyboard: Storyboard,
    *,
    principal: Principal,
    idempotency_key: str | None,
    boards: Boards,
    workflow: StoryboardWorkflow,
    market: Market,
    now: datetime,
    quote: Presented | None = None,
    pace: Pace | None = None,
) -> Begun:
    """Admit a whole storyboard and start its workflow, once for every key.

    Started with a `quote`, all its runs cost the quote's `max` at most; a repeat does not look at
    it again. `pace` bounds what the user may start and have under way; None bounds nothing. Raises
    as `estimate_storyboard` and `redeem` do; BudgetExceeded with what would fit, CostLimitExceeded
    or ValidationFailed; IdempotencyKeyReused; RateLimited or TooManyInFlight. None of these holds
    any money.
    """
    name = ids.storyboard_id(principal.tenant, principal.user, idempotency_key or uuid4().hex)
    said = f"{storyboard!r}{quote.quote_id if quote else ''}"
    request_hash = hashlib.sha256(said.encode()).hexdigest()
    earlier = boards.head(principal.tenant, name) if idempotency_key else None
    if earlier is not None:
        return _replay(earlier, request_hash, workflow)
    _check_shots(storyboard, principal, boards)
    tenant = principal.tenant
    found = price_all(storyboard, tenant, boards, market, now, quoted=quote is not None)
    held = quote and redeem(
        quote, found.quote, found.chains, tenant=tenant, card=market.card, now=now
    )
    shots = _records(found.shots, _groups(storyboard))
    head = Head(
        id=name,
        tenant=principal.tenant,
        user=principal.user,
        asked=replace(storyboard, shots=()),
        total=len(shots),
        shots_key="",
        envelope=new_envelope(name, 0, principal.user, storyboard.project, now),
        expected=sum(one.expected for shot in shots for one in shot.parts),
        max=sum(one.max for shot in shots for one in shot.parts),
        rate_card=found.card.name,
        rate_card_version=found.card.version,
        request_hash=request_hash,
        created_at=now,
        warnings=found.warnings,
        quote_id=held.id if held else None,
        quoted=held.max if held else None,
    )
    try:
        head = open_run(
            None, head, shots, _groups(storyboard),
            priced=found.shots, boards=boards, market=market, now=now, pace=pace,
        )  # fmt: skip
    except AlreadyExists:
        known = boards.head(principal.tenant, name)
        if known is None:
            raise
        return _replay(known, request_hash, workflow)
    try:
        workflow.start(shooting_of(head))
    except StoreUnavailable:
        if idempotency_key is None:  # nobody can repeat it, so its money goes back
            call_off(head, boards=boards, now=now)
        raise
    return Begun(head, replayed=False)


def price_all(
    storyboard: Storyboard,
    tenant: str,
    boards: Boards,
    market: Market,
    now: datetime,
    *,
    quoted: bool = False,
) -> StoryboardEstimate:
    """Every part with the most that it may cost.

    With neither a budget of its own nor a quote a storyboard's parts are bounded as single
    generations are: raises CostLimitExceeded naming the parts that nobody makes for so little.
    """
    found = estimate_storyboard(
        storyboard,
        aim=None,
        tenant=tenant,
        studio=boards,
        catalogue=market.catalogue,
        card=market.card,
        now=now,
    )
    if quoted or storyboard.budget is not None:
        return found
    bounded = [_bounded(shot, market.default_cost_limit) for shot in found.shots]
    dear = [
        f"shot {shot.shot.number} ({part.part.role})"
        for shot in bounded
        for part in shot.parts
        if not part.plan.eligible
    ]
    if dear:
        raise CostLimitExceeded(
            f"Nobody makes these for {format_usd(market.default_cost_limit)} USD, which is what a "
            f"part may cost where the storyboard says no budget: {', '.join(dear[:10])}.",
            scope="generation",
            room=format_usd(market.default_cost_limit),
        )
    return replace(found, shots=tuple(bounded))


def _bounded(shot: PricedShot, limit: Micros) -> PricedShot:
    return replace(shot, parts=tuple(_bounded_part(part, limit) for part in shot.parts))


def _bounded_part(part: PricedPart, limit: Micros) -> PricedPart:
    if part.max <= limit:
        return part
    plan = within(part.plan, limit)
    if not plan.eligible:
        return replace(part, plan=plan)
    return replace(
        part,
        plan=plan,
        first=plan.eligible[0],
        expected=plan.expected or 0,
        max=plan.worst_case(limit) or 0,
    )


# --- a run ---------------------------------------------------------------------------------------


def open_run(
    before: Head | None,
    after: Head,
    shots: Sequence[ShotRecord],
    groups: Sequence[Group],
    *,
    priced: Iterable[PricedShot],
    boards: Boards,
    market: Market,
    now: datetime,
    pace: Pace | None,
) -> Head:
    """Hold the money of a run and write its head, all or nothing, and give the head.

    `priced` are the shots with what the run makes of them. Raises BudgetExceeded with what would
    fit, AlreadyExists, Stale, RateLimited or TooManyInFlight.
    """
    shots_key = hashlib.sha256(repr((after.run, shots, groups)).encode()).hexdigest()[:16]
    after = replace(after, shots_key=shots_key)
    needed = sum(one.max for shot in priced for one in shot.parts)
    spent = 0 if before is None else _spent(before, boards)
    room, scope = _room(after, spent, boards, market, now)
    if needed > room:
        raise _refused(scope, needed, room, priced)
    boards.put_shots(after, shots, groups)
    commit = ledger.with_head(
        ledger.open_envelope(after.envelope, limit=needed, at=now), before, after
    )
    if pace is not None:
        commit = ledger.with_start(commit, Start(pace, now, Counted.STORYBOARDS))
    try:
        with_open_budgets(
            lambda: boards.commit(after.tenant, commit),
            tenant=after.tenant,
            studio=boards,
            default_limit=market.default_limit,
        )
    except DoesNotFit as full:
        raise _refused(full.scope, needed, full.room, priced) from full
    return after


def _room(
    head: Head, spent: Micros, boards: Boards, market: Market, now: datetime
) -> tuple[Micros, str]:
    """How much there is for a run, and which limit says so; `spent` is what earlier runs took of
    the storyboard's own budget and of its quote."""
    own = ((head.asked.budget, STORYBOARD_SCOPE), (head.quoted, QUOTE_SCOPE))
    rooms = [(limit - spent, scope) for limit, scope in own if limit is not None]
    for scope, _ in head.envelope.outer:
        standing = read_budget(
            scope, tenant=head.tenant, studio=boards, default_limit=market.default_limit, now=now
        )
        if standing.is_own:
            rooms.append((standing.room, scope))
    return min(rooms)


def _spent(head: Head, boards: Boards) -> Micros:
    """What earlier runs have settled or may still be billed for."""
    board = boards.board(head.tenant, head.id)
    return sum(one.settled + one.held for one in board.envelopes) if board else 0


def _refused(
    scope: str, needed: Micros, room: Micros, priced: Iterable[PricedShot]
) -> BudgetExceeded:
    """The whole storyboard is refused, with what of it would fit."""
    shots = {shot.shot.number: shot for shot in priced}
    fits = fit([_for_fitting(shot) for shot in shots.values()], room)
    whose = _OWN_LIMITS.get(scope, f"the budget of {scope}")
    return BudgetExceeded(
        f"The storyboard may cost {format_usd(needed)} USD and {whose} has "
        f"{format_usd(room)} left. Nothing was started; see fits for what would fit.",
        scope=scope,
        needed=format_usd(needed),
        room=format_usd(room),
        fits={
            "max": format_usd(fits.max),
            "drop": list(fits.drop),
            "downgrade": [_downgrade(shots[number]) for number in fits.downgrade],
        },
    )


def _for_fitting(shot: PricedShot) -> Priced:
    asked = sum(part.max for part in shot.parts)
    return Priced(shot.shot.number, asked, sum(_cheapest(part)[0] for part in shot.parts))


def _cheapest(part: PricedPart) -> tuple[Micros, str]:
    return min((entry.cost or 0, entry.provider.id) for entry in part.plan.eligible)


def _downgrade(shot: PricedShot) -> dict[str, object]:
    return {
        "number": shot.shot.number,
        **{part.part.role.value: {"provider": _cheapest(part)[1]} for part in shot.parts},
    }


# --- the parts of it -----------------------------------------------------------------------------


def _replay(head: Head, request_hash: str, workflow: StoryboardWorkflow) -> Begun:
    if head.request_hash != request_hash:
        raise IdempotencyKeyReused(
            "This Idempotency-Key has started another request; use a fresh key.",
            storyboardId=head.id,
        )
    if not head.has_ended:
        workflow.start(shooting_of(head))  # the first call may have died before it did so
    return Begun(head, replayed=True)


def _check_shots(storyboard: Storyboard, principal: Principal, boards: Boards) -> None:
    """Raise ValidationFailed for stills that are not the principal's, and for shots too long."""
    known: dict[str, bool] = {}
    faults = []
    for index, shot in enumerate(storyboard.shots):
        for part in shot.parts:
            image = part.wish.image
            if image is None or image == FROM_KEYFRAME:
                continue
            if image not in known:
                known[image] = may_use(image, principal, boards)
            if not known[image]:
                where = f"/shots/{index}/{part.role}/params/image"
                faults.append((where, NO_SUCH_STILL))
        if _size(shot) > LARGEST_SHOT_BYTES:
            faults.append((f"/shots/{index}", "its prompts are too long together"))
    if faults:
        raise ValidationFailed(faults)


def _size(shot: Shot) -> int:
    texts = [shot.prompt, shot.negative_prompt or ""]
    for part in shot.parts:
        texts += [part.wish.prompt, part.wish.negative_prompt or ""]
    return sum(len(text.encode()) for text in texts)


def _groups(storyboard: Storyboard) -> tuple[Group, ...]:
    return () if storyboard.continuity is Continuity.OFF else groups_of(storyboard.shots)


def _records(shots: Iterable[PricedShot], groups: Iterable[Group]) -> tuple[ShotRecord, ...]:
    names: Mapping[int, str] = {number: one.name for one in groups for number in one.shots}
    return tuple(
        ShotRecord(
            shot.shot,
            tuple(PartRecord(one.part.role, one.expected, one.max) for one in shot.parts),
            names.get(shot.shot.number),
        )
        for shot in shots
    )


def new_envelope(name: str, run: int, user: str, project: str | None, now: datetime) -> Envelope:
    return Envelope(envelope_scope(name, run), outer_scopes(user, project, ledger.period_of(now)))
