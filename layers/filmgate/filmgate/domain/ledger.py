"""Double bookkeeping in miniature: budgets, entries, and the commits that change both at once.

Per budget and at every instant: room = limit - held - settled. Entries are only ever added, one
per (attempt, kind) but for corrections, and balances equal their fold. A commit is all or nothing.

An attempt draws on the owner's budget, its user's, its project's and its provider's, each of one
month, and on its generation's. Only the owner's always has a limit: a scope without one of its own
is a part of the owner's spending and so bounded by that, and its balances are kept all the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from filmgate.domain.attempts import Attempt, AttemptState
from filmgate.domain.errors import DoesNotFit
from filmgate.domain.generations import Generation, Take
from filmgate.domain.money import Micros
from filmgate.domain.pace import Start
from filmgate.domain.totals import Tally, added, movement

OWNER_SCOPE: Final = "owner"
USER_SCOPE: Final = "user"
PROJECT_SCOPE: Final = "project"
PROVIDER_SCOPE: Final = "provider"
NO_PERIOD: Final = "whole"
"""The period of a generation's own budget: it has no month."""


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

    `by` and `reason` are a person's and stand in corrections.
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


@dataclass(frozen=True, slots=True)
class Posting:
    """A change of one budget and of its totals. A reservation needs `room` to be there first."""

    scope: str
    period: str
    held: Micros
    settled: Micros
    needs_room: bool
    tally: Tally = field(default_factory=dict)

    @property
    def room(self) -> Micros:
        return -self.held - self.settled


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of one scope and period is taken, and its limit: None where it has none of its own.

    Such a one is bounded by the owner's, and its `room` is what is taken, below zero. `tally` has
    the month's totals, see domain/totals.py; a generation's own budget has none.
    """

    scope: str
    period: str
    limit: Micros | None
    held: Micros = 0
    settled: Micros = 0
    alert_at: tuple[int, ...] = (80, 100)
    version: int = 1
    tally: Tally = field(default_factory=dict)

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
class Commit:
    """What one guarded transaction writes: everything, or nothing at all.

    How many generations of a user are in flight follows from `generation`; a `start` also bounds
    it, and the user's rate.
    """

    attempt: AttemptChange | None = None
    generation: GenerationChange | None = None
    entries: tuple[Entry, ...] = ()
    postings: tuple[Posting, ...] = ()
    opened: tuple[Budget, ...] = ()
    take: Take | None = None
    price_doubt: PriceDoubt | None = None
    start: Start | None = None


def change(before: Attempt | None, after: Attempt, *, at: datetime) -> Commit:
    """The commit of an attempt's step: its entries and postings follow from the two states."""
    return _commit(before, after, tuple(_entries(before, after, at)))


def correction(before: Attempt, after: Attempt, *, by: str, reason: str, at: datetime) -> Commit:
    """The commit of a correction by a person, with who and why in its entry."""
    entries = [replace(entry, by=by, reason=reason) for entry in _entries(before, after, at)]
    return _commit(before, after, tuple(entries))


def with_generation(commit: Commit, before: Generation | None, after: Generation) -> Commit:
    """The same commit, which also writes the generation."""
    return replace(commit, generation=GenerationChange(before, after))


def with_start(commit: Commit, start: Start) -> Commit:
    """The same commit, which is refused if the user goes too fast or has too much in flight."""
    return replace(commit, start=start)


def with_take(commit: Commit, take: Take) -> Commit:
    """The same commit, which also records a stored result."""
    return replace(commit, take=take)


def with_price_doubt(commit: Commit, doubt: PriceDoubt) -> Commit:
    """The same commit, which also stops the sale at a price."""
    return replace(commit, price_doubt=doubt)


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


def fold(entries: Iterable[Entry], scope: str, period: str) -> tuple[Micros, Micros]:
    """(held, settled) of a scope and period, recomputed from nothing but the entries."""
    own = [entry for entry in entries if (scope, period) in entry.scopes]
    return sum(entry.held for entry in own), sum(entry.settled for entry in own)


def period_of(moment: datetime) -> str:
    """The calendar month of a moment in UTC, such as "2026-11"."""
    return f"{moment.astimezone(UTC):%Y-%m}"


def generation_scope(generation_id: str) -> str:
    return f"generation:{generation_id}"


def provider_scope(provider: str) -> str:
    return f"{PROVIDER_SCOPE}:{provider}"


def scopes_of(
    generation: Generation, provider: str, *, now: datetime
) -> tuple[tuple[str, str], ...]:
    """Every budget that an attempt of this generation with this provider draws on.

    The owner's comes first, so that a lack of room is told of the widest scope.
    """
    period = period_of(now)
    scopes = [OWNER_SCOPE, f"{USER_SCOPE}:{generation.user}"]
    if generation.project is not None:
        scopes.append(f"{PROJECT_SCOPE}:{generation.project}")
    scopes.append(provider_scope(provider))
    monthly = [(scope, period) for scope in scopes]
    return (*monthly, (generation_scope(generation.id), NO_PERIOD))


def _commit(before: Attempt | None, after: Attempt, entries: tuple[Entry, ...]) -> Commit:
    postings = _postings(after, _summed(entries), movement(before, after))
    return Commit(AttemptChange(before, after), entries=entries, postings=tuple(postings))


def _postings(after: Attempt, summed: list[Entry], tally: Tally) -> Iterable[Posting]:
    """One change of every budget whose money or totals move; a generation's has no totals."""
    held = sum(entry.held for entry in summed)
    settled = sum(entry.settled for entry in summed)
    needs_room = any(entry.kind is EntryKind.RESERVE for entry in summed)
    for scope, period in after.scopes:
        own = {} if period == NO_PERIOD else tally
        if summed or own:
            yield Posting(scope, period, held, settled, needs_room, own)


def _entries(before: Attempt | None, after: Attempt, at: datetime) -> Iterable[Entry]:
    held = after.held_micros - (before.held_micros if before is not None else 0)
    settled = after.settled_micros - (before.settled_micros if before is not None else 0)
    if not held and not settled:
        return
    kind = _kind(before, after)
    excess = 0
    if kind is EntryKind.SETTLE and settled > 0:
        excess = min(settled, max(0, after.settled_micros - after.reserved_micros))
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


def _summed(entries: tuple[Entry, ...]) -> list[Entry]:
    """Entries of one step as one movement, since a budget item is written once in a commit."""
    if len(entries) < 2:
        return list(entries)
    first, *rest = entries
    held = first.held + sum(entry.held for entry in rest)
    settled = first.settled + sum(entry.settled for entry in rest)
    return [replace(first, held=held, settled=settled)]
