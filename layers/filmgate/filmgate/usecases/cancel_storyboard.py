"""Cancel a storyboard: nothing new starts from then on, and the rest of its money goes back."""

from datetime import datetime
from typing import Final

from filmgate.domain import ledger
from filmgate.domain.boards import Head
from filmgate.domain.errors import Stale, StateConflict, StoreUnavailable
from filmgate.domain.generations import TERMINAL
from filmgate.usecases.boards import Board, Boards
from filmgate.usecases.cancel import cancel
from filmgate.usecases.ports import Principal
from filmgate.usecases.reading_storyboards import read_board

_TRIES: Final = 12


def cancel_storyboard(
    storyboard_id: str, *, principal: Principal, boards: Boards, now: datetime
) -> Board:
    """Cancel, and give the storyboard as it then is.

    The mark and the closing of the envelope are one transaction, and a closed envelope refuses
    every reservation: so not even a step that is under way begins anything after it. What runs gets
    the ordinary cancel of a generation. Raises NotFound, and StateConflict for one that has ended.
    """
    board = read_board(storyboard_id, principal=principal, boards=boards)
    head = board.head
    if head.has_ended:
        raise StateConflict(f"The storyboard is {head.state} already.")
    head = call_off(head, boards=boards, now=now)
    cancel_running(board, boards=boards, now=now)
    return read_board(storyboard_id, principal=principal, boards=boards)


def call_off(head: Head, *, boards: Boards, now: datetime) -> Head:
    """Mark a storyboard as cancelled and close its envelope, in one transaction."""
    for _ in range(_TRIES):
        if head.cancel_requested_at is not None or head.has_ended:
            return head
        marked = head.now(cancel_requested_at=now)
        try:
            close_with(head, marked, boards=boards, now=now)
        except Stale:
            head = boards.head(head.tenant, head.id) or head
            continue
        return marked
    raise StoreUnavailable("the storyboard is being changed by others; try again")


def close_with(before: Head, after: Head, *, boards: Boards, now: datetime) -> None:
    """Write a head and close its envelope with it; raises Stale when either has changed."""
    budget = boards.budget(before.tenant, before.envelope.scope, ledger.NO_PERIOD)
    if budget is None:
        raise StoreUnavailable("the envelope cannot be read")
    closing = ledger.close_envelope(before.envelope, budget, at=now)
    boards.commit(before.tenant, ledger.with_head(closing, before, after))


def cancel_running(board: Board, *, boards: Boards, now: datetime) -> None:
    """Cancel every generation of a storyboard that runs; one that has ended meanwhile is fine."""
    head = board.head
    owner = Principal(head.tenant, head.user, "creator")
    for name, made in boards.made(head.tenant, board.generation_ids()).items():
        if made.generation.state not in TERMINAL:
            cancel_part(name, owner, boards, now)


def cancel_part(name: str, owner: Principal, boards: Boards, now: datetime) -> None:
    try:
        cancel(name, principal=owner, studio=boards, now=now)
    except StateConflict:
        return
