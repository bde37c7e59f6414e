"""Double bookkeeping in miniature: budgets, entries, and the commits that change both at once.

Per budget and at every instant: room = limit - held - settled. Entries are only ever added, one
per (attempt, kind), and balances equal their fold. A commit is all or nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from filmgate.domain.attempts import HELD, SETTLED, Attempt, AttemptState
from filmgate.domain.errors import DoesNotFit
from filmgate.domain.generations import Generation, Take
from filmgate.domain.money import Micros
from filmgate.domain.pace import Start

OWNER_SCOPE: Final = "owner"
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
    """One line of the book. `held` and `settled` are what it adds to its scopes (may be < 0)."""

    id: str
    generation_id: str
    kind: EntryKind
    held: Micros
    settled: Micros
    scopes: tuple[tuple[str, str], ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Posting:
    """A change of one budget. A reservation needs `room` to be there first."""

    scope: str
    period: str
    held: Micros
    settled: Micros
    needs_room: bool

    @property
    def room(self) -> Micros:
        return -self.held - self.settled


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit for one scope and period, and how much of it is taken."""

    scope: str
    period: str
    limit: Micros
    held: Micros = 0
    settled: Micros = 0
    alert_at: tuple[int, ...] = (80, 100)
    version: int = 1

    @property
    def room(self) -> Micros:
        return self.limit - self.held - self.settled


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
    start: Start | None = None


def change(before: Attempt | None, after: Attempt, *, at: datetime) -> Commit:
    """The commit of an attempt's step: its entries and postings follow from the two states."""
    entries = tuple(_entries(before, after, at))
    postings = tuple(
        Posting(scope, period, entry.held, entry.settled, entry.kind is EntryKind.RESERVE)
        for entry in _summed(entries)
        for scope, period in entry.scopes
    )
    return Commit(AttemptChange(before, after), entries=entries, postings=postings)


def with_generation(commit: Commit, before: Generation | None, after: Generation) -> Commit:
    """The same commit, which also writes the generation."""
    return replace(commit, generation=GenerationChange(before, after))


def with_start(commit: Commit, start: Start) -> Commit:
    """The same commit, which is refused if the user goes too fast or has too much in flight."""
    return replace(commit, start=start)


def with_take(commit: Commit, take: Take) -> Commit:
    """The same commit, which also records a stored result."""
    return replace(commit, take=take)


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
    if posting.needs_room and budget.room < needed:
        raise DoesNotFit(budget.scope, needed=needed, room=budget.room)
    return replace(
        budget,
        held=budget.held + posting.held,
        settled=budget.settled + posting.settled,
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


def _entries(before: Attempt | None, after: Attempt, at: datetime) -> Iterable[Entry]:
    held = after.reserved_micros if after.state in HELD else 0
    held -= before.reserved_micros if before is not None and before.state in HELD else 0
    settled = _settled(after) - (_settled(before) if before is not None else 0)
    if not held and not settled:
        return
    excess = max(0, _settled(after) - after.reserved_micros) if settled > 0 else 0
    yield _entry(after, _kind(before, after), held, settled - excess, at)
    if excess:
        yield _entry(after, EntryKind.OVERRUN, 0, excess, at)


def _entry(after: Attempt, kind: EntryKind, held: Micros, settled: Micros, at: datetime) -> Entry:
    return Entry(
        id=f"{after.id}.{kind}",
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
    if after.state is AttemptState.RELEASED:
        return EntryKind.RELEASE
    return EntryKind.PRESUME if after.state is AttemptState.PRESUMED else EntryKind.SETTLE


def _settled(attempt: Attempt) -> Micros:
    """What counts as spent; an attempt presumed paid counts in full."""
    if attempt.state not in SETTLED:
        return 0
    return attempt.reserved_micros if attempt.actual_micros is None else attempt.actual_micros


def _summed(entries: tuple[Entry, ...]) -> list[Entry]:
    """Entries of one step as one movement, since a budget item is written once in a commit."""
    if len(entries) < 2:
        return list(entries)
    first, *rest = entries
    held = first.held + sum(entry.held for entry in rest)
    settled = first.settled + sum(entry.settled for entry in rest)
    return [replace(first, held=held, settled=settled)]
