"""The port Boards in memory, linearizable: storyboards beside what the studio holds."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from filmgate.domain.boards import Head, Made, ShotRecord, made_of
from filmgate.domain.continuity import Group
from filmgate.domain.errors import Stale
from filmgate.domain.generations import GenerationState
from filmgate.domain.storyboard import StoryboardState
from filmgate.usecases.boards import Board, HeadPage, OpenBoard
from tests.support.memory_studio import Key, MemoryStudio


class MemoryBoards(MemoryStudio):
    """A table that forgets when the test ends. What a test may look at is public."""

    def __init__(self) -> None:
        super().__init__()
        self.shots: dict[Key, ShotRecord] = {}
        self.groups: dict[Key, Group] = {}

    def head(self, tenant: str, storyboard_id: str) -> Head | None:
        with self.lock:
            return self.heads.get((tenant, storyboard_id))

    def board(self, tenant: str, storyboard_id: str) -> Board | None:
        with self.lock:
            head = self.heads.get((tenant, storyboard_id))
            if head is None:
                return None
            place = (tenant, storyboard_id, head.shots_key)
            own = f"storyboard:{storyboard_id}."
            return Board(
                head,
                tuple(shot for key, shot in sorted(self.shots.items()) if key[:3] == place),
                tuple(group for key, group in sorted(self.groups.items()) if key[:3] == place),
                tuple(one for key, one in self.budgets.items() if key[1].startswith(own)),
            )

    def shot(self, head: Head, number: int) -> ShotRecord | None:
        with self.lock:
            return self.shots.get(_key(head, f"{number:07d}"))

    def group(self, head: Head, name: str) -> Group | None:
        with self.lock:
            return self.groups.get(_key(head, name))

    def made(self, tenant: str, generation_ids: Iterable[str]) -> Mapping[str, Made]:
        with self.lock:
            found = {}
            for name in generation_ids:
                record = self.find(tenant, name)
                if record is not None:
                    found[name] = _at_first_sight(made_of(record))
            return found

    def put_shots(self, head: Head, shots: Sequence[ShotRecord], groups: Sequence[Group]) -> None:
        with self.lock:
            for shot in shots:
                self.shots.setdefault(_key(head, f"{shot.number:07d}"), shot)
            for group in groups:
                self.groups.setdefault(_key(head, group.name), group)

    def put_shot(self, head: Head, after: ShotRecord) -> None:
        with self.lock:
            key = _key(head, f"{after.number:07d}")
            if self.shots[key].version != after.version - 1:
                raise Stale(key[-1])
            self.shots[key] = after

    def put_group(self, head: Head, after: Group) -> None:
        with self.lock:
            key = _key(head, after.name)
            if self.groups[key].version != after.version - 1:
                raise Stale(key[-1])
            self.groups[key] = after

    def heads_of(self, tenant: str) -> list[Head]:
        with self.lock:
            return [head for (owner, _), head in self.heads.items() if owner == tenant]

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
        start = 0 if cursor is None else int(cursor)
        found = [
            head
            for head in self.heads_of(tenant)
            if state in (None, head.state)
            and project in (None, head.asked.project)
            and user in (None, head.user)
        ]
        found.sort(key=lambda one: (one.created_at, one.id), reverse=True)
        more = len(found) > start + limit
        return HeadPage(found[start : start + limit], str(start + limit) if more else None)

    def open_boards(self, *, before: datetime) -> Sequence[OpenBoard]:
        with self.lock:
            found = [
                OpenBoard(tenant, name, head.created_at)
                for (tenant, name), head in self.heads.items()
                if not head.has_ended and head.created_at < before
            ]
            return sorted(found, key=lambda one: one.since)


def _at_first_sight(made: Made) -> Made:
    """Without what the table reads only where the money of a failure may be in doubt."""
    succeeded = made.generation.state is GenerationState.SUCCEEDED
    return Made(made.generation, made.take if succeeded else None)


def _key(head: Head, name: str) -> Key:
    return (head.tenant, head.id, head.shots_key, name)
