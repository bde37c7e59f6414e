"""Double bookkeeping in miniature: budgets, entries, and the commits that change both at once.

Per budget and at every instant: room = limit - held - settled. Entries are only ever added, one
per (attempt, kind) but for corrections, and balances equal their fold. A commit is all or nothing.

An attempt draws on the owner's budget, its user's, its project's and its provider's, each of one
month, and on its generation's. Only the owner's always has a limit: a scope without one of its own
is a part of the owner's spending and so bounded by that, and its balances are kept all the same.

A storyboard holds the most that it can cost at once, in an envelope: a budget of its own, whose
limit is held in the outer scopes (owner, user, project). Its attempts draw on the envelope, their
provider and their generation. While the envelope is open, what they hold moves nothing outside and
what they settle moves there from held to settled, so that outside

    held = limit of the envelope - settled in it.

Closing gives the rest back: the limit becomes what is held or settled, and from then on what an
attempt moves inside it moves outside too. So a commit of such an attempt has two forms, each with a
guard on the envelope, and the store takes the one that fits.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from filmgate.domain.attempts import Attempt, AttemptState
from filmgate.domain.boards import Head
from filmgate.domain.errors import DoesNotFit
from filmgate.domain.generations import Envelope, Generation, Take
from filmgate.domain.money import Micros
from filmgate.domain.pace import Counted, Start, board_step, flight_step
from filmgate.domain.totals import STORYBOARDS, Tally, added, movement

OWNER_SCOPE: Final = "owner"
USER_SCOPE: Final = "user"
PROJECT_SCOPE: Final = "project"
PROVIDER_SCOPE: Final = "provider"
STORYBOARD_SCOPE: Final = "storyboard"
QUOTE_SCOPE: Final = "quote"  # no budget: the word that bounds what a storyboard may cost
NO_PERIOD: Final = "whole"
"""The period of a generation's own budget, and of an envelope: they have no month."""


class EntryKind(StrEnum):
    RESERVE = "reserve"
    SETTLE = "settle"
    RELEASE = "release"
    PRESUME = "presume"
    CORRECT = "correct"
    OVERRUN = "overrun"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the book. `held` and `settled` are what it adds to its scopes (may be < 0).

    `by` and `reason` are a person's and stand in corrections. `generation_id` is the storyboard's
    id where an envelope is opened or closed. `envelope` marks what stands in the outer scopes of
    an envelope, and names its scope: no attempt's own money.
    """

    id: str
    generation_id: str
    kind: EntryKind
    held: Micros
    settled: Micros
    scopes: tuple[tuple[str, str], ...]
    at: datetime
    by: str | None = None
    reason: str | None = None
    envelope: str | None = None


@dataclass(frozen=True, slots=True)
class Posting:
    """A change of one budget and of its totals. A reservation needs `room` to be there first.

    `closed` is what the envelope must be, where the budget is one; None for all others.
    """

    scope: str
    period: str
    held: Micros
    settled: Micros
    needs_room: bool
    tally: Tally = field(default_factory=dict)
    closed: bool | None = None

    @property
    def room(self) -> Micros:
        return -self.held - self.settled


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of one scope and period is taken, and its limit: None where it has none of its own.

    Such a one is bounded by the owner's, and its `room` is what is taken, below zero. `tally` has
    the month's totals, see domain/totals.py; a generation's own budget has none. An envelope that
    is `closed` takes no reservation any more.
    """

    scope: str
    period: str
    limit: Micros | None
    held: Micros = 0
    settled: Micros = 0
    alert_at: tuple[int, ...] = (80, 100)
    version: int = 1
    tally: Tally = field(default_factory=dict)
    closed: bool = False

    @property
    def room(self) -> Micros:
        return (self.limit or 0) - self.held - self.settled

    def lacks_room_for(self, needed: Micros) -> bool:
        return self.limit is not None and self.room < needed


@dataclass(frozen=True, slots=True)
class PriceDoubt:
    """A price that a vendor has overstepped: nothing is sold at it until somebody confirms it.

    `price` names it as the rate card does; `held` was expected, `billed` came.
    """

    provider: str
    price: str
    held: Micros
    billed: Micros
    attempt_id: str
    at: datetime
    confirmed_by: str | None = None


@dataclass(frozen=True, slots=True)
class AttemptChange:
    """An attempt before (None: it is new) and after."""

    before: Attempt | None
    after: Attempt


@dataclass(frozen=True, slots=True)
class GenerationChange:
    """A generation before (None: it is new) and after."""

    before: Generation | None
    after: Generation


@dataclass(frozen=True, slots=True)
class HeadChange:
    """A storyboard's head before (None: it is new) and after."""

    before: Head | None
    after: Head


@dataclass(frozen=True, slots=True)
class EnvelopeChange:
    """An envelope before and after its closing."""

    before: Budget
    after: Budget


@dataclass(frozen=True, slots=True)
class Commit:
    """What one guarded transaction writes: everything, or nothing at all.

    How many generations of a user are in flight follows from `generation`, how many storyboards
    from `head`; a `start` also bounds them, and the user's rate. `otherwise` is written instead
    where the envelope that this one wants open is closed.
    """

    attempt: AttemptChange | None = None
    generation: GenerationChange | None = None
    entries: tuple[Entry, ...] = ()
    postings: tuple[Posting, ...] = ()
    opened: tuple[Budget, ...] = ()
    take: Take | None = None
    price_doubt: PriceDoubt | None = None
    start: Start | None = None
    head: HeadChange | None = None
    envelope: EnvelopeChange | None = None
    otherwise: "Commit | None" = None


def change(before: Attempt | None, after: Attempt, *, at: datetime) -> Commit:
    """The commit of an attempt's step: its entries and postings follow from the two states."""
    return _commit(before, after, tuple(_entries(before, after, at)))


def correction(before: Attempt, after: Attempt, *, by: str, reason: str, at: datetime) -> Commit:
    """The commit of a correction by a person, with who and why in its entry.

    There is one even where no money moves: somebody has said what is true.
    """
    moved = tuple(_entries(before, after, at)) or (_entry(after, EntryKind.CORRECT, 0, 0, at),)
    entries = tuple(replace(entry, by=by, reason=reason) for entry in moved)
    return _commit(before, after, entries)


def with_generation(commit: Commit, before: Generation | None, after: Generation) -> Commit:
    """The same commit, which also writes the generation."""
    return _with(commit, generation=GenerationChange(before, after))


def with_start(commit: Commit, start: Start) -> Commit:
    """The same commit, which is refused if the user goes too fast or has too much in flight."""
    return replace(commit, start=start)


def with_take(commit: Commit, take: Take) -> Commit:
    """The same commit, which also records a stored result."""
    return _with(commit, take=take)


def with_price_doubt(commit: Commit, doubt: PriceDoubt) -> Commit:
    """The same commit, which also stops the sale at a price."""
    return _with(commit, price_doubt=doubt)


def with_head(commit: Commit, before: Head | None, after: Head) -> Commit:
    """The same commit, which also writes the head of a storyboard."""
    return _with(commit, head=HeadChange(before, after))


def flight_change(commit: Commit) -> tuple[str, Counted, int] | None:
    """(user, what, how many more) where a commit changes what a user has in flight.

    No commit begins or ends both a generation and a storyboard.
    """
    if commit.generation is not None:
        before, after = commit.generation.before, commit.generation.after
        change = (after.user, Counted.GENERATIONS, flight_step(before, after))
    elif commit.head is not None:
        known, head = commit.head.before, commit.head.after
        change = (head.user, Counted.STORYBOARDS, board_step(known, head))
    else:
        return None
    return change if change[-1] else None


def is_new(commit: Commit) -> bool:
    """Whether a commit admits something that must not be there yet."""
    generation, head = commit.generation, commit.head
    return (generation is not None and generation.before is None) or (
        head is not None and head.before is None
    )


def overran(commit: Commit) -> bool:
    """Whether a vendor billed more than was held."""
    return any(entry.kind is EntryKind.OVERRUN for entry in commit.entries)


def opening(commit: Commit, budget: Budget) -> Commit:
    """The same commit, which opens `budget` with its own posting already taken from it.

    Raises DoesNotFit when the new budget has no room for it.
    """
    own = [p for p in commit.postings if (p.scope, p.period) == (budget.scope, budget.period)]
    others = tuple(posting for posting in commit.postings if posting not in own)
    for posting in own:
        budget = post(budget, posting)
    return replace(commit, postings=others, opened=(*commit.opened, budget))


def post(budget: Budget, posting: Posting) -> Budget:
    """The budget after a posting; raises DoesNotFit when a reservation lacks room."""
    needed = -posting.room
    if posting.needs_room and budget.lacks_room_for(needed):
        raise DoesNotFit(budget.scope, needed=needed, room=budget.room)
    return replace(
        budget,
        held=budget.held + posting.held,
        settled=budget.settled + posting.settled,
        tally=added(budget.tally, posting.tally),
        version=budget.version + 1,
    )


# --- envelopes ---------------------------------------------------------------------------------


def envelope_scope(storyboard_id: str, run: int) -> str:
    return f"{STORYBOARD_SCOPE}:{storyboard_id}.{run}"


def is_envelope(scope: str) -> bool:
    return scope.startswith(f"{STORYBOARD_SCOPE}:")


def open_envelope(envelope: Envelope, *, limit: Micros, at: datetime) -> Commit:
    """The commit that holds `limit` in all outer scopes, and opens the envelope to draw on.

    The first envelope of a storyboard counts it in the totals; those of a resume do not.
    """
    is_first = envelope.scope.endswith(".0")
    counted = {STORYBOARDS: 1} if is_first else {}
    entry = _envelope_entry(envelope, EntryKind.RESERVE, limit, at)
    return Commit(
        entries=(entry,),
        postings=_postings(envelope.outer, (entry,), counted),
        opened=(Budget(envelope.scope, NO_PERIOD, limit, alert_at=()),),
    )


def close_envelope(envelope: Envelope, budget: Budget, *, at: datetime) -> Commit:
    """The commit that gives back what the envelope does not need, and takes nothing new.

    `budget` is the envelope as it is. What is in doubt stays held, inside and outside. Nothing to
    do for one that is closed.
    """
    if budget.closed:
        return Commit()
    taken = budget.held + budget.settled
    closed = replace(budget, limit=taken, closed=True, version=budget.version + 1)
    change = EnvelopeChange(budget, closed)
    if not budget.room:
        return Commit(envelope=change)
    entry = _envelope_entry(envelope, EntryKind.RELEASE, -budget.room, at)
    return Commit(
        entries=(entry,), postings=_postings(envelope.outer, (entry,), {}), envelope=change
    )


def outside(budget: Budget) -> tuple[Micros, Micros]:
    """(held, settled) that an envelope must stand for in each of its outer scopes."""
    held = budget.held if budget.closed else (budget.limit or 0) - budget.settled
    return held, budget.settled


def fold_outside(entries: Iterable[Entry], scope: str) -> tuple[Micros, Micros]:
    """(held, settled) of an envelope in its outer scopes, recomputed from the entries."""
    own = [entry for entry in entries if entry.envelope == scope]
    return sum(entry.held for entry in own), sum(entry.settled for entry in own)


def _envelope_entry(envelope: Envelope, kind: EntryKind, held: Micros, at: datetime) -> Entry:
    name = envelope.scope.partition(":")[2]
    return Entry(
        id=f"{name}.{kind}",
        generation_id=name.partition(".")[0],
        kind=kind,
        held=held,
        settled=0,
        scopes=envelope.outer,
        at=at,
        envelope=envelope.scope,
    )


# --- balances and scopes -----------------------------------------------------------------------


def fold(entries: Iterable[Entry], scope: str, period: str) -> tuple[Micros, Micros]:
    """(held, settled) of a scope and period, recomputed from nothing but the entries."""
    own = [entry for entry in entries if (scope, period) in entry.scopes]
    return sum(entry.held for entry in own), sum(entry.settled for entry in own)


def period_of(moment: datetime) -> str:
    """The calendar month of a moment in UTC, such as "2026-11"."""
    return f"{moment.astimezone(UTC):%Y-%m}"


def next_period(period: str) -> str:
    """The month behind a month."""
    year, month = (int(part) for part in period.split("-"))
    return f"{year + month // 12:04d}-{month % 12 + 1:02d}"


def generation_scope(generation_id: str) -> str:
    return f"generation:{generation_id}"


def provider_scope(provider: str) -> str:
    return f"{PROVIDER_SCOPE}:{provider}"


def scopes_of(
    generation: Generation, provider: str, *, now: datetime
) -> tuple[tuple[str, str], ...]:
    """Every budget that an attempt of this generation with this provider draws on.

    The owner's comes first, so that a lack of room is told of the widest scope; a part of a
    storyboard draws on the envelope in place of the outer ones.
    """
    period = period_of(now)
    own = (generation_scope(generation.id), NO_PERIOD)
    if generation.envelope is not None:
        envelope = (generation.envelope.scope, NO_PERIOD)
        return (envelope, (provider_scope(provider), period), own)
    return (
        *outer_scopes(generation.user, generation.project, period),
        (provider_scope(provider), period),
        own,
    )


def outer_scopes(user: str, project: str | None, period: str) -> tuple[tuple[str, str], ...]:
    """The budgets of a month that do not depend on who makes it, the owner's first."""
    scopes = [OWNER_SCOPE, f"{USER_SCOPE}:{user}"]
    if project is not None:
        scopes.append(f"{PROJECT_SCOPE}:{project}")
    return tuple((scope, period) for scope in scopes)


def _commit(before: Attempt | None, after: Attempt, entries: tuple[Entry, ...]) -> Commit:
    attempt, tally = AttemptChange(before, after), movement(before, after)
    if not after.outer or not entries:
        postings = _postings((*after.scopes, *after.outer), entries, tally)
        return Commit(attempt, entries=entries, postings=postings)
    wanted = _through(attempt, entries, tally, closed=False)
    if before is None:  # a closed envelope takes no reservation
        return wanted
    return replace(wanted, otherwise=_through(attempt, entries, tally, closed=True))


def _through(
    attempt: AttemptChange, entries: tuple[Entry, ...], tally: Tally, *, closed: bool
) -> Commit:
    """The commit of a step whose outer scopes follow an envelope that is open, or closed."""
    after = attempt.after
    inner = tuple(
        replace(one, closed=closed) if is_envelope(one.scope) else one
        for one in _postings(after.scopes, entries, tally)
    )
    beyond = _outer_entries(after, entries, closed)
    outer = _postings(after.outer, beyond, tally)
    return Commit(attempt, entries=(*entries, *beyond), postings=(*inner, *outer))


def _outer_entries(after: Attempt, entries: tuple[Entry, ...], closed: bool) -> tuple[Entry, ...]:
    """What a step moves in the outer scopes, where an open envelope holds its whole limit; nothing
    when it moves no money there."""
    first = entries[0]
    held, settled = _sum(entries)
    if not closed:
        held = -settled
    if not held and not settled:
        return ()
    scope = next(scope for scope, _ in after.scopes if is_envelope(scope))
    entry = replace(
        first,
        id=f"{first.id}.outer",
        held=held,
        settled=settled,
        scopes=after.outer,
        envelope=scope,
    )
    return (entry,)


def _postings(
    scopes: tuple[tuple[str, str], ...], entries: tuple[Entry, ...], tally: Tally
) -> tuple[Posting, ...]:
    """One change of every budget whose money or totals move; what has no month has no totals."""
    held, settled = _sum(entries)
    needs_room = any(entry.kind is EntryKind.RESERVE for entry in entries)
    changes = []
    for scope, period in scopes:
        own = {} if period == NO_PERIOD else tally
        if entries or own:
            changes.append(Posting(scope, period, held, settled, needs_room, own))
    return tuple(changes)


def _sum(entries: tuple[Entry, ...]) -> tuple[Micros, Micros]:
    """What the entries of one step move together: a budget item is written once in a commit."""
    return sum(entry.held for entry in entries), sum(entry.settled for entry in entries)


def _with(commit: Commit, **changes: Any) -> Commit:
    """A commit with the same changes in both of its forms."""
    other = commit.otherwise
    if other is not None:
        other = replace(other, **changes)
    return replace(commit, **changes, otherwise=other)


def _entries(before: Attempt | None, after: Attempt, at: datetime) -> Iterable[Entry]:
    held = after.held_micros - (before.held_micros if before is not None else 0)
    settled = after.settled_micros - (before.settled_micros if before is not None else 0)
    if not held and not settled:
        return
    kind = _kind(before, after)
    excess = 0
    if kind is EntryKind.SETTLE:
        excess = max(0, min(settled, after.settled_micros - after.reserved_micros))
    yield _entry(after, kind, held, settled - excess, at)
    if excess:
        yield _entry(after, EntryKind.OVERRUN, 0, excess, at)


def _entry(after: Attempt, kind: EntryKind, held: Micros, settled: Micros, at: datetime) -> Entry:
    # The attempt's version guards every step; a second correction is one of its own.
    again = f".{after.version}" if kind is EntryKind.CORRECT else ""
    return Entry(
        id=f"{after.id}.{kind}{again}",
        generation_id=after.generation_id,
        kind=kind,
        held=held,
        settled=settled,
        scopes=after.scopes,
        at=at,
    )


def _kind(before: Attempt | None, after: Attempt) -> EntryKind:
    if before is None:
        return EntryKind.RESERVE
    if before.is_held:
        return _KIND_OF_END.get(after.state, EntryKind.SETTLE)
    paid_at_last = before.state is AttemptState.PRESUMED and after.actual_micros is not None
    arrived = after.state in (AttemptState.PAID, AttemptState.STORED)
    return EntryKind.SETTLE if paid_at_last and arrived else EntryKind.CORRECT


_KIND_OF_END: Final = {
    AttemptState.RELEASED: EntryKind.RELEASE,
    AttemptState.PRESUMED: EntryKind.PRESUME,
}
