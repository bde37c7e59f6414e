"""Reading storyboards: who may see what is as with generations."""

from collections.abc import Mapping
from dataclasses import dataclass

from filmgate.domain.boards import ENDED, Made, ShotRecord, made_of, progress_of, standing
from filmgate.domain.errors import NotFound
from filmgate.domain.ids import is_storyboard_id
from filmgate.domain.storyboard import Parts, Progress, StoryboardState
from filmgate.domain.strategies import Role
from filmgate.usecases.boards import Board, Boards, HeadPage
from filmgate.usecases.ports import Principal
from filmgate.usecases.reading import SEES_ONLY_OWN


@dataclass(frozen=True, slots=True)
class ShotStanding:
    """A shot with where each part stands and what was made."""

    record: ShotRecord
    parts: Parts
    made: Mapping[Role, Made]


@dataclass(frozen=True, slots=True)
class Standing:
    """A storyboard as it now stands, told from its parts."""

    board: Board
    shots: tuple[ShotStanding, ...]
    state: StoryboardState
    progress: Progress


def read_board(storyboard_id: str, *, principal: Principal, boards: Boards) -> Board:
    """What is kept of a storyboard; raises NotFound, also for another's."""
    known = is_storyboard_id(storyboard_id)
    board = boards.board(principal.tenant, storyboard_id) if known else None
    if board is None or (principal.role in SEES_ONLY_OWN and board.head.user != principal.user):
        raise NotFound("There is no storyboard with this id.")
    return board


def read_storyboard(storyboard_id: str, *, principal: Principal, boards: Boards) -> Standing:
    """A storyboard with every part; raises NotFound, also for another's."""
    return stand(read_board(storyboard_id, principal=principal, boards=boards), boards)


def stand(board: Board, boards: Boards) -> Standing:
    """How a storyboard stands now. Generations are read many at a time; attempts only where the
    money of a failure may be in doubt, or its take may have come late."""
    head = board.head
    made = dict(boards.made(head.tenant, board.generation_ids()))
    for name, one in made.items():
        if one.may_be_in_doubt:
            record = boards.find(head.tenant, name)
            made[name] = made_of(record) if record else one
    shots = []
    for shot in board.shots:
        names = shot.generation_ids(head)
        own = {role: made[name] for role, name in names.items() if name in made}
        shots.append(ShotStanding(shot, progress_of(head, shot, own), own))
    state, progress = standing(head, [one.parts for one in shots])
    if head.has_ended:
        state = head.state
    elif state in ENDED or head.state is StoryboardState.RUNNING:
        state = StoryboardState.RUNNING  # it ends when that is written down, with its money
    return Standing(board, tuple(shots), state, progress)


def list_storyboards(
    *,
    principal: Principal,
    boards: Boards,
    limit: int,
    cursor: str | None = None,
    state: StoryboardState | None = None,
    project: str | None = None,
) -> HeadPage:
    """A page of what the principal may see, newest first; raises ValueError for a bad cursor."""
    return boards.page_of_heads(
        principal.tenant,
        limit=limit,
        cursor=cursor,
        state=state,
        project=project,
        user=principal.user if principal.role in SEES_ONLY_OWN else None,
    )
