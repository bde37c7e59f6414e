"""Write how a storyboard ended, and give back the money that it does not need any more."""

from dataclasses import replace
from typing import Final

from filmgate.domain.boards import ENDED, Head, progress_of, standing
from filmgate.domain.errors import NotFound, Stale
from filmgate.domain.storyboard import StoryboardState
from filmgate.usecases.boards import Board, Boards
from filmgate.usecases.cancel_storyboard import close_with
from filmgate.usecases.ports import Clock
from filmgate.usecases.reading_storyboards import stand

_TRIES: Final = 12


def conclude_storyboard(
    tenant: str, storyboard_id: str, *, boards: Boards, clock: Clock, force: bool = False
) -> Head:
    """End the storyboard if all its parts have: its state, and the rest of its money back, in one
    transaction. One whose parts still run stays open.

    With `force` what was not begun never will be; what runs is waited for all the same. Raises
    Stale when other writers were faster many times over.
    """
    for _ in range(_TRIES):
        board = board_of(tenant, storyboard_id, boards)
        head = board.head
        if head.has_ended:
            return head
        found = stand(board, boards)
        begun = any(
            not made.generation.is_terminal for one in found.shots for made in one.made.values()
        )
        state, _ = standing(head, [one.parts for one in found.shots])
        if begun or (state not in ENDED and not force):
            return head
        # As those of an ended storyboard, parts that were never begun count as skipped.
        closing = replace(head, state=StoryboardState.FAILED)
        parts = [progress_of(closing, one.record, one.made) for one in found.shots]
        state, progress = standing(head, parts)
        ended = head.now(
            state=state, progress=progress, completed_at=clock(), actual_micros=board.settled
        )
        try:
            close_with(head, ended, boards=boards, now=clock())
        except Stale:
            continue
        return ended
    raise Stale(f"{storyboard_id} is being changed by others")


def board_of(tenant: str, storyboard_id: str, boards: Boards) -> Board:
    """What a step works on; raises NotFound when there is no such storyboard."""
    board = boards.board(tenant, storyboard_id)
    if board is None:
        raise NotFound(f"{storyboard_id} is not in the table")
    return board
