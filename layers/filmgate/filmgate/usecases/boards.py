"""What the use cases of storyboards need from outside, as protocols."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from filmgate.domain.boards import Head, Made, ShotRecord
from filmgate.domain.continuity import Group
from filmgate.domain.ledger import Budget
from filmgate.domain.storyboard import StoryboardState
from filmgate.domain.webhooks import Delivery
from filmgate.usecases.ports import ExecutionState, Studio


@dataclass(frozen=True, slots=True)
class Board:
    """All that is kept of a storyboard: its present shots and groups, the envelopes of all runs.

    `webhook` is that of the present run, there once it has ended.
    """

    head: Head
    shots: tuple[ShotRecord, ...]
    groups: tuple[Group, ...]
    envelopes: tuple[Budget, ...]
    webhook: Delivery | None = None

    @property
    def settled(self) -> int:
        return sum(one.settled for one in self.envelopes)

    @property
    def held(self) -> int:
        """What its attempts hold; the pool of an open envelope is not among it."""
        return sum(one.held for one in self.envelopes)

    def generation_ids(self) -> list[str]:
        return [name for shot in self.shots for name in shot.generation_ids(self.head).values()]


@dataclass(frozen=True, slots=True)
class HeadPage:
    """Some storyboards, newest first, and the cursor of the next page (None at the end)."""

    items: Sequence[Head]
    next: str | None


@dataclass(frozen=True, slots=True)
class OpenBoard:
    """A storyboard that has not come to its end, and since when."""

    tenant: str
    storyboard_id: str
    since: datetime


class Boards(Studio, Protocol):
    """The table as far as storyboards lie in it. Heads are written by `commit`."""

    def head(self, tenant: str, storyboard_id: str) -> Head | None:
        """The head of a storyboard; None when there is no such storyboard."""

    def board(self, tenant: str, storyboard_id: str) -> Board | None:
        """All of a storyboard, read consistently."""

    def shot(self, head: Head, number: int) -> ShotRecord | None:
        """One of a storyboard's present shots."""

    def group(self, head: Head, name: str) -> Group | None:
        """One of a storyboard's present groups."""

    def made(self, tenant: str, generation_ids: Iterable[str]) -> Mapping[str, Made]:
        """Many generations at once, those that there are, each with the take of its success."""

    def put_shots(self, head: Head, shots: Sequence[ShotRecord], groups: Sequence[Group]) -> None:
        """Keep shots and groups under the head's `shots_key`; they count once the head says so.

        Again is a success, since the key follows from what is kept.
        """

    def put_shot(self, head: Head, after: ShotRecord) -> None:
        """Write a shot one version on; raises Stale when it was changed by another."""

    def put_group(self, head: Head, after: Group) -> None:
        """Write a group one version on; raises Stale when it was changed by another."""

    def page_of_heads(
        self,
        tenant: str,
        *,
        limit: int,
        cursor: str | None,
        state: StoryboardState | None,
        project: str | None,
        user: str | None,
    ) -> HeadPage:
        """A page of a tenant's storyboards; raises ValueError for a cursor that is none."""

    def open_boards(self, *, before: datetime) -> Sequence[OpenBoard]:
        """Storyboards that have not ended, begun before a time, of all tenants, oldest first."""


@dataclass(frozen=True, slots=True)
class Shooting:
    """One execution of the storyboard's workflow: its run, and how often it was begun again."""

    tenant: str
    storyboard_id: str
    run: int = 0
    recovery: int = 0


class StoryboardWorkflow(Protocol):
    """The state machine that walks over the shots."""

    def start(self, shooting: Shooting) -> None:
        """Start an execution; one of this name that there is already is a success."""

    def state(self, shooting: Shooting) -> ExecutionState:
        """Whether it is there and runs; raises StoreUnavailable when nobody can tell."""


def shooting_of(head: Head) -> Shooting:
    """The execution that is at a storyboard now, if any is."""
    return Shooting(head.tenant, head.id, head.run, head.recoveries)
