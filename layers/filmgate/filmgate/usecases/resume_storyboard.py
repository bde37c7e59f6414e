"""Resume a storyboard: make again what failed or was skipped, and nothing else, in a new run."""

from dataclasses import replace
from datetime import datetime

from filmgate.domain.boards import Head, PartRecord, ShotRecord
from filmgate.domain.errors import Stale, StateConflict
from filmgate.domain.pace import Pace
from filmgate.domain.storyboard import PartState, StoryboardState, resumed
from filmgate.domain.strategies import Role
from filmgate.usecases.boards import Boards, StoryboardWorkflow, shooting_of
from filmgate.usecases.estimate_storyboard import PricedShot
from filmgate.usecases.ports import Principal
from filmgate.usecases.reading_storyboards import ShotStanding, Standing, read_board, stand
from filmgate.usecases.start_storyboard import Market, new_envelope, open_run, price_all


def resume_storyboard(
    storyboard_id: str,
    *,
    approve: bool,
    principal: Principal,
    boards: Boards,
    workflow: StoryboardWorkflow,
    market: Market,
    now: datetime,
    pace: Pace | None = None,
) -> Head:
    """Admit a new run, priced now and held as a whole, and start it.

    `approve` lets groups go on that stopped because they would have changed their provider. A quote
    bounds what all runs cost, however long ago it expired. Raises NotFound; StateConflict for one
    that runs, was cancelled, or has nothing to repeat; and all that an admission raises. A part
    whose money is in doubt is left alone.
    """
    standing = stand(read_board(storyboard_id, principal=principal, boards=boards), boards)
    before = standing.board.head
    if before.state not in (StoryboardState.PARTIAL, StoryboardState.FAILED):
        raise StateConflict(f"The storyboard is {before.state}; nothing of it can be resumed.")
    groups = tuple(one.approved() if approve else one for one in standing.board.groups)
    waiting = {one.name for one in groups if one.stop is not None}
    shots = [_resumed(one, waiting) for one in standing.shots]
    again = [(shot, roles) for shot, roles in shots if roles]
    if not again:
        raise StateConflict(_why_nothing(standing, waiting))
    asked = [_only(shot, roles) for shot, roles in again]
    wanted = replace(before.asked, shots=tuple(one.shot for one in asked))
    quoted = before.quoted is not None
    priced = price_all(wanted, before.tenant, boards, market, now, quoted=quoted)
    costs = {one.shot.number: one for one in priced.shots}
    run = before.run + 1
    after = before.now(
        run=run,
        recoveries=0,
        envelope=new_envelope(before.id, run, before.user, before.asked.project, now),
        state=StoryboardState.QUEUED,
        progress=None,
        completed_at=None,
        actual_micros=None,
        warnings=priced.warnings,
    )
    try:
        head = open_run(
            before, after, [_priced(shot, roles, costs) for shot, roles in shots], groups,
            priced=priced.shots, boards=boards, market=market, now=now, pace=pace,
        )  # fmt: skip
    except Stale:
        raise StateConflict("Another resume of this storyboard was faster.") from None
    workflow.start(shooting_of(head))
    return head


def _resumed(shot: ShotStanding, waiting: set[str]) -> tuple[ShotRecord, frozenset[Role]]:
    """A shot as it goes into the new run, with the parts that this one makes again."""
    record = shot.record
    if record.group in waiting:
        return record, frozenset()
    after = resumed(record.shot, shot.parts)
    again = frozenset(role for role in after if after[role].revision > shot.parts[role].revision)
    for role in again:
        part = replace(record.part(role), revision=after[role].revision, problem=None)
        record = record.with_part(part)
    return record, again


def _only(record: ShotRecord, roles: frozenset[Role]) -> ShotRecord:
    """The shot with nothing but the parts that are made again."""
    shot = record.shot
    parts = tuple(part for part in shot.parts if part.role in roles)
    return replace(record, shot=replace(shot, parts=parts))


def _priced(shot: ShotRecord, roles: frozenset[Role], costs: dict[int, PricedShot]) -> ShotRecord:
    """The shot with the prices of now for what is made again."""
    for priced in costs[shot.number].parts if roles else ():
        part: PartRecord = shot.part(priced.part.role)
        shot = shot.with_part(replace(part, expected=priced.expected, max=priced.max))
    return shot


def _why_nothing(standing: Standing, waiting: set[str]) -> str:
    if waiting:
        return "What is left waits for approval of another provider: resume with approve."
    states = {part.state for shot in standing.shots for part in shot.parts.values()}
    if states & {PartState.FAILED, PartState.SKIPPED}:
        return "What is left may still be billed, or needs a keyframe that may; try again later."
    return "Nothing failed and nothing was skipped."
