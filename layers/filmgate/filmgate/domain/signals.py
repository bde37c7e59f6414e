"""What a commit says to those who watch: how providers do, and what should not have happened."""

from collections.abc import Iterator
from dataclasses import dataclass

from filmgate.domain.attempts import Attempt, AttemptState
from filmgate.domain.ledger import Commit, EntryKind


@dataclass(frozen=True, slots=True)
class Signal:
    """A figure by its name; by provider and by how the attempt stood, where it is one's."""

    name: str
    value: int
    provider: str | None = None
    outcome: str | None = None


def signals_of(commit: Commit) -> Iterator[Signal]:
    """The figures of a commit that went through; none for one that moves no attempt.

    Micros: HeldMicros and SettledMicros are what it adds to them. Counts: Attempts that came to
    an end or to a doubt, by provider and outcome (stored, or the class of the failure); InDoubt,
    Presumed, DoubleSpend, Overrun, Corrected, each of which an owner should hear of.
    """
    if commit.attempt is None:
        return
    before, after = commit.attempt.before, commit.attempt.after
    yield from _money(commit, after.provider)
    if after.double_spend and not (before and before.double_spend):
        yield Signal("DoubleSpend", 1)
    if before is None or after.state is not before.state:
        yield from _step(after)
    elif before.failure is None and after.failure is not None:
        yield _ended(after, after.failure.error_class.value)


def _money(commit: Commit, provider: str) -> Iterator[Signal]:
    for name, value in (
        ("HeldMicros", sum(entry.held for entry in commit.entries)),
        ("SettledMicros", sum(entry.settled for entry in commit.entries)),
    ):
        if value:
            yield Signal(name, value, provider)
    kinds = {entry.kind for entry in commit.entries}
    if EntryKind.OVERRUN in kinds:
        yield Signal("Overrun", 1)
    if EntryKind.CORRECT in kinds:
        yield Signal("Corrected", 1)


def _step(after: Attempt) -> Iterator[Signal]:
    match after.state:
        case AttemptState.IN_DOUBT | AttemptState.OVERDUE:
            yield Signal("InDoubt", 1)
        case AttemptState.PRESUMED:
            yield Signal("Presumed", 1)
    if after.failure is not None:
        yield _ended(after, after.failure.error_class.value)
    elif after.state is AttemptState.STORED:
        yield _ended(after, "stored")


def _ended(after: Attempt, outcome: str) -> Signal:
    return Signal("Attempts", 1, after.provider, outcome)
