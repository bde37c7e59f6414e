"""A storyboard: numbered shots, each a keyframe, perhaps a variation, perhaps a clip of it.

Every part of a shot is a generation of its own. How a storyboard stands is told from the
states of its parts alone, by pure functions: a shot that fails never stops the others.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from filmgate.domain.chain import OnRefusal, OnUnknown
from filmgate.domain.generations import GenerationState
from filmgate.domain.money import Micros
from filmgate.domain.strategies import Role, Strategy
from filmgate.domain.wishes import AUTO, Wish

FROM_KEYFRAME: Final = "keyframe"
"""The `image` of a clip that will start from its shot's keyframe, which has no id yet. It prices
like any other still; the id of the take comes in its place once there is one."""


@dataclass(frozen=True, slots=True)
class Part:
    """One picture or clip of a shot. `provider` is an id, an alias or AUTO."""

    role: Role
    wish: Wish
    provider: str = AUTO

    @property
    def waits_for_keyframe(self) -> bool:
        """Whether it is made after the keyframe, and not at all without one.

        A variation is a second try at the same picture, drawn anew from its words, since no
        provider of images takes a still: it waits because there is nothing to vary before.
        """
        return self.role is Role.VARIATION or self.wish.image == FROM_KEYFRAME


@dataclass(frozen=True, slots=True)
class Shot:
    """A shot with what it wants made, in the order of making; `strategy` None is the storyboard's.

    Shots that share a scene or characters belong together.
    """

    number: int
    prompt: str
    parts: tuple[Part, ...]
    negative_prompt: str | None = None
    scene: str | None = None
    characters: tuple[str, ...] = ()
    strategy: Strategy | None = None

    def part(self, role: Role) -> Part | None:
        return next((part for part in self.parts if part.role is role), None)


class Continuity(StrEnum):
    """What happens to shots that belong together when one of them falls back elsewhere."""

    FOLLOW = "follow"  # those that come after it go where it went
    STOP = "stop"  # nothing more of them is made until somebody approves
    OFF = "off"  # every shot for itself


@dataclass(frozen=True, slots=True)
class Storyboard:
    """Shots under one budget. Defaults are already merged into every shot.

    `budget` bounds everything, fallbacks included; None leaves it to the owner's own budgets.
    `on_refusal` and `on_unknown` are None where each provider's settings shall decide.
    """

    shots: tuple[Shot, ...]
    title: str | None = None
    project: str | None = None
    strategy: Strategy = Strategy.PRIORITY
    budget: Micros | None = None
    on_refusal: OnRefusal | None = None
    on_unknown: OnUnknown | None = None
    continuity: Continuity = Continuity.FOLLOW
    webhook_url: str | None = None

    def strategy_of(self, shot: Shot) -> Strategy:
        return shot.strategy or self.strategy


# --- how far it is -----------------------------------------------------------------------------


class PartState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"  # never asked for: no keyframe, or no room
    CANCELLED = "cancelled"


class StoryboardState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"  # some shots are whole, some are not
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class PartProgress:
    """Where one part stands. `revision` counts its repeats: each is another generation.

    `in_doubt` marks a failure whose money is still held, since the job may have been accepted.
    """

    state: PartState = PartState.QUEUED
    revision: int = 0
    in_doubt: bool = False


Parts = Mapping[Role, PartProgress]
"""Where every part stands that a shot wants made."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Shots by how they ended; those that are not among them still run."""

    total: int
    done: int = 0
    failed: int = 0
    skipped: int = 0
    cancelled: int = 0


_UNFINISHED: Final = frozenset({PartState.QUEUED, PartState.RUNNING})
# What a shot is called by when its parts ended differently: the gravest of them.
_GRAVEST_FIRST: Final = (
    PartState.FAILED,
    PartState.CANCELLED,
    PartState.SKIPPED,
    PartState.SUCCEEDED,
)
_REPEATABLE: Final = frozenset({PartState.FAILED, PartState.SKIPPED})


def state_of_part(state: GenerationState) -> PartState:
    """A part's state, told from that of its generation; bytes still on their way are running."""
    if state is GenerationState.STORING:
        return PartState.RUNNING
    return PartState(state.value)


def state_of_shot(parts: Iterable[PartState]) -> PartState:
    """How a shot stands: running while any part is, then as the gravest of its parts.

    Raises ValueError for a shot without parts, which no storyboard has.
    """
    states = set(parts)
    if not states:
        raise ValueError("a shot without parts has no state")
    if states & _UNFINISHED:
        return PartState.QUEUED if states == {PartState.QUEUED} else PartState.RUNNING
    return next(state for state in _GRAVEST_FIRST if state in states)


def progress(shots: Iterable[PartState]) -> Progress:
    """Count shots by how they stand."""
    counted = Counter(shots)
    return Progress(
        total=counted.total(),
        done=counted[PartState.SUCCEEDED],
        failed=counted[PartState.FAILED],
        skipped=counted[PartState.SKIPPED],
        cancelled=counted[PartState.CANCELLED],
    )


def conclude(shots: Iterable[PartState], *, cancelled: bool = False) -> StoryboardState:
    """How a storyboard stands, told from its shots; `cancelled` when somebody asked to cancel it.

    A request to cancel that came too late to stop any shot changes nothing, and one shot cancelled
    by itself counts as one that was not made. Raises ValueError when there are no shots.
    """
    states = set(shots)
    if not states:
        raise ValueError("a storyboard without shots has no state")
    if states & _UNFINISHED:
        started = states != {PartState.QUEUED}
        return StoryboardState.RUNNING if started else StoryboardState.QUEUED
    if states == {PartState.SUCCEEDED}:
        return StoryboardState.SUCCEEDED
    if cancelled and PartState.CANCELLED in states:
        return StoryboardState.CANCELLED
    return StoryboardState.PARTIAL if PartState.SUCCEEDED in states else StoryboardState.FAILED


def to_skip(shot: Shot, parts: Parts) -> tuple[Role, ...]:
    """The parts still queued that will never be made, since their keyframe was not."""
    keyframe = parts.get(Role.KEYFRAME)
    lost = keyframe is not None and keyframe.state not in (*_UNFINISHED, PartState.SUCCEEDED)
    return tuple(
        part.role
        for part in shot.parts
        if lost and part.waits_for_keyframe and parts[part.role].state is PartState.QUEUED
    )


def to_repeat(shot: Shot, parts: Parts) -> tuple[Role, ...]:
    """The parts that a resume makes again: what failed or was skipped, and nothing else.

    A part in doubt may still be billed and is left alone until that is known; so is a part that
    waits for a keyframe which neither exists nor is repeated.
    """
    repeated: list[Role] = []
    for part in shot.parts:
        mine = parts[part.role]
        if mine.state not in _REPEATABLE or mine.in_doubt:
            continue
        if part.waits_for_keyframe and not _has_keyframe(parts, repeated):
            continue
        repeated.append(part.role)
    return tuple(repeated)


def resumed(shot: Shot, parts: Parts) -> Parts:
    """Where the parts stand once a resume has taken those that it repeats: queued, one on."""
    again = to_repeat(shot, parts)
    return {
        role: PartProgress(revision=mine.revision + 1) if role in again else mine
        for role, mine in parts.items()
    }


def _has_keyframe(parts: Parts, repeated: Iterable[Role]) -> bool:
    keyframe = parts.get(Role.KEYFRAME)
    return Role.KEYFRAME in repeated or (
        keyframe is not None and keyframe.state in (*_UNFINISHED, PartState.SUCCEEDED)
    )
