"""What is kept of a storyboard: its head, its shots with what each part may cost, its groups.

The parts themselves are generations, whose ids follow from the storyboard's. How a storyboard
stands is told from them; the head keeps only how it was asked for and how it ended. Every run (the
first, and one for every resume) has an envelope of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from filmgate.domain import ids
from filmgate.domain.attempts import Attempt, AttemptState
from filmgate.domain.generations import (
    Envelope,
    Generation,
    GenerationState,
    Problem,
    Record,
    Take,
)
from filmgate.domain.money import Micros
from filmgate.domain.storyboard import (
    PartProgress,
    Parts,
    PartState,
    Progress,
    Shot,
    Storyboard,
    StoryboardState,
    conclude,
    progress,
    state_of_part,
    state_of_shot,
    to_skip,
)
from filmgate.domain.strategies import Role

ENDED: Final = frozenset(
    {
        StoryboardState.SUCCEEDED,
        StoryboardState.PARTIAL,
        StoryboardState.FAILED,
        StoryboardState.CANCELLED,
    }
)
# Failures after which a provider may still send its bill.
_DOUBTS: Final = frozenset({"outcome-unknown", "deadline-exceeded"})


@dataclass(frozen=True, slots=True)
class Head:
    """What was asked of a storyboard as a whole. `asked` has no shots: they are kept apart.

    `shots_key` is the name under which its shots lie. `expected` and `max` are those of the first
    run. `recoveries` counts how often the workflow of this run had to be started again.
    `quoted` bounds what all runs may cost together, where it was started with a quote.
    `actual_micros` is what all runs have settled by the latest end; a late bill is not added.
    """

    id: str
    tenant: str
    user: str
    asked: Storyboard
    total: int
    shots_key: str
    envelope: Envelope
    expected: Micros
    max: Micros
    rate_card: str
    rate_card_version: str
    request_hash: str
    created_at: datetime
    warnings: tuple[str, ...] = ()
    run: int = 0
    recoveries: int = 0
    state: StoryboardState = StoryboardState.QUEUED
    progress: Progress | None = None
    version: int = 1
    cancel_requested_at: datetime | None = None
    completed_at: datetime | None = None
    quote_id: str | None = None
    quoted: Micros | None = None
    actual_micros: Micros | None = None

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def run_name(self) -> str:
        """The name of the present run, whose end is told by itself."""
        return f"{self.id}.{self.run}"

    def now(self, **changes: Any) -> "Head":
        """The head with these changes, one version later."""
        return replace(self, version=self.version + 1, **changes)


@dataclass(frozen=True, slots=True)
class PartRecord:
    """A part of a shot as it was admitted. `max` bounds what its generation may spend.

    `problem` says why it could not even be begun in this revision.
    """

    role: Role
    expected: Micros
    max: Micros
    revision: int = 0
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class ShotRecord:
    """A shot as it was asked for, and its parts. `group` names the shots it belongs with."""

    shot: Shot
    parts: tuple[PartRecord, ...]
    group: str | None = None
    version: int = 1

    @property
    def number(self) -> int:
        return self.shot.number

    def part(self, role: Role) -> PartRecord:
        return next(part for part in self.parts if part.role is role)

    def with_part(self, changed: PartRecord) -> "ShotRecord":
        parts = tuple(changed if one.role is changed.role else one for one in self.parts)
        return replace(self, parts=parts, version=self.version + 1)

    def generation_ids(self, head: Head) -> Mapping[Role, str]:
        """The generation that makes each part in its present revision."""
        return {
            part.role: ids.generation_id(
                head.tenant,
                head.user,
                ids.part_key(head.id, self.number, part.role, part.revision),
            )
            for part in self.parts
        }


@dataclass(frozen=True, slots=True)
class Made:
    """What the table knows of one part's generation. `attempts` are read only where it matters
    whether money is still in doubt."""

    generation: Generation
    take: Take | None = None
    attempts: tuple[Attempt, ...] = ()

    @property
    def state(self) -> PartState:
        """How the part stands. A take that arrived after its generation had failed is paid, so the
        part has it: no resume pays for another."""
        if self.take is not None and self.generation.state is GenerationState.FAILED:
            return PartState.SUCCEEDED
        return state_of_part(self.generation.state)

    @property
    def in_doubt(self) -> bool:
        return any(attempt.is_held for attempt in self.attempts)

    @property
    def may_be_in_doubt(self) -> bool:
        failure = self.generation.failure
        return failure is not None and failure.code in _DOUBTS


def made_of(record: Record) -> Made:
    """What a generation made: the take of the first attempt that has one stored."""
    stored = {one.id for one in record.attempts if one.state is AttemptState.STORED}
    take = next((one for one in record.takes if one.attempt_id in stored), None)
    return Made(record.generation, take, record.attempts)


def progress_of(head: Head, record: ShotRecord, made: Mapping[Role, Made]) -> Parts:
    """Where every part of a shot stands.

    What was not begun is cancelled once a cancel was asked for, since the envelope was closed with
    that; and skipped once the storyboard has ended.
    """
    told = {part.role: _progress(head, part, made.get(part.role)) for part in record.parts}
    skipped = to_skip(record.shot, told)
    return {
        role: replace(mine, state=PartState.SKIPPED) if role in skipped else mine
        for role, mine in told.items()
    }


def _progress(head: Head, part: PartRecord, made: Made | None) -> PartProgress:
    if made is not None:
        return PartProgress(made.state, part.revision, made.in_doubt)
    if part.problem is not None:
        return PartProgress(PartState.SKIPPED, part.revision)
    if head.cancel_requested_at is not None:
        return PartProgress(PartState.CANCELLED, part.revision)
    return PartProgress(PartState.SKIPPED if head.has_ended else PartState.QUEUED, part.revision)


def standing(head: Head, shots: Iterable[Parts]) -> tuple[StoryboardState, Progress]:
    """How a storyboard stands, told from its parts, and how many of its shots are done."""
    states = [state_of_shot(one.state for one in parts.values()) for parts in shots]
    cancelled = head.cancel_requested_at is not None
    return conclude(states, cancelled=cancelled), progress(states)
