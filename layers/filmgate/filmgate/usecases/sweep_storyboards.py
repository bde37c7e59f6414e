"""The sweeper's look at storyboards: what no workflow is at any more gets another one, or its end.

Two sweeps at once are harmless: versions and execution names let one of them win.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from filmgate.domain.boards import Head
from filmgate.domain.errors import GatewayError, Stale
from filmgate.domain.ledger import Commit, with_head
from filmgate.domain.patience import Patience
from filmgate.usecases.boards import Boards, OpenBoard, StoryboardWorkflow, shooting_of
from filmgate.usecases.conclude_storyboard import conclude_storyboard
from filmgate.usecases.ports import Clock, ExecutionState
from filmgate.usecases.steps import USUAL, Worker

MOST_RECOVERIES: Final = 10
TIME_TO_SPARE: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class SweepStoryboards:
    """The use case with its ports."""

    boards: Boards
    workflow: StoryboardWorkflow
    clock: Clock
    patience: Patience = USUAL
    on_failure: Callable[[Exception], None] = lambda error: None

    def __call__(self, worker: Worker) -> Counter[str]:
        """Tend every storyboard that is open, oldest first, and count what was done.

        One that cannot be tended now does not hinder the others.
        """
        done: Counter[str] = Counter()
        before = self.clock() - self.patience.recover_after
        for opened in self.boards.open_boards(before=before):
            if worker.ends_at - self.clock() < TIME_TO_SPARE:
                done["left"] += 1
                continue
            try:
                done[self._tend(opened)] += 1
            except Stale:
                continue  # another worker is at it
            except GatewayError as error:
                self.on_failure(error)
                done["failed"] += 1
        return done

    def _tend(self, opened: OpenBoard) -> str:
        head = self.boards.head(opened.tenant, opened.storyboard_id)
        if head is None or head.has_ended:
            return "ended"
        state = self.workflow.state(shooting_of(head))
        if state is ExecutionState.RUNNING:
            return "running"
        if state is ExecutionState.ENDED:
            given_up = head.recoveries >= MOST_RECOVERIES
            head = self._conclude(head, force=given_up)
            if head.has_ended:
                return "concluded"
            if given_up:
                return "waiting"
            again = head.now(recoveries=head.recoveries + 1)
            self.boards.commit(head.tenant, with_head(Commit(), head, again))
            head = again
        self.workflow.start(shooting_of(head))
        return "recovered"

    def _conclude(self, head: Head, *, force: bool) -> Head:
        return conclude_storyboard(
            head.tenant, head.id, boards=self.boards, clock=self.clock, force=force
        )
