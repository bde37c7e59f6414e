"""The sweeper: brings to an end what no workflow is at any more.

It is the only other writer beside the steps, and takes exactly their transitions: a generation
whose workflow is gone gets another one; an attempt that was left behind is searched, looked at,
collected by a workflow of its own, and after the limit of doubt presumed paid, never before a
search.
Two sweeps at once are harmless: versions and execution names let one of them win.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from filmgate.domain import ledger
from filmgate.domain.attempts import (
    Attempt,
    AttemptState,
    Kind,
    close,
    looked,
    presume,
)
from filmgate.domain.errors import ConfigurationError, GatewayError, Stale
from filmgate.domain.generations import RENDER_OPERATION, Record, Step, next_step
from filmgate.domain.patience import Patience
from filmgate.usecases.finish import Finish
from filmgate.usecases.poll import Poll
from filmgate.usecases.ports import (
    Clock,
    Execution,
    ExecutionState,
    Opened,
    Studio,
    Takes,
    Workflow,
)
from filmgate.usecases.search import Search
from filmgate.usecases.steps import USUAL, Worker, read, take_place, write

MOST_RECOVERIES: Final = 10
TIME_TO_SPARE_S: Final = 60.0
S = AttemptState


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found: open attempts by state, what it did, and how many it could not tend."""

    open: Counter[str]
    done: Counter[str]
    failed: int
    left: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """The sweeper with its ports; `poll` and `search` look at providers as the steps do."""

    studio: Studio
    takes: Takes
    workflow: Workflow
    poll: Poll
    search: Search
    finish: Finish
    clock: Clock
    patience: Patience = USUAL
    on_failure: Callable[[Exception], None] = lambda error: None

    def __call__(self, worker: Worker) -> Swept:
        """Tend everything that is open, oldest first, as long as the worker has time.

        One that cannot be tended now does not hinder the others. Raises StoreUnavailable when not
        even the list can be read.
        """
        swept = Swept(Counter(), Counter(), failed=0, left=0)
        for opened in self.studio.opened(before=self.clock()):
            if worker.remaining_s(self.clock()) < TIME_TO_SPARE_S:
                swept = replace(swept, left=swept.left + 1)
                continue
            try:
                self._tend(opened, swept)
            except Stale:
                continue  # another worker is at it
            except (GatewayError, ConfigurationError) as error:
                self.on_failure(error)
                swept = replace(swept, failed=swept.failed + 1)
        return swept

    def _tend(self, opened: Opened, swept: Swept) -> None:
        record = read(self.studio, opened.tenant, opened.generation_id)
        swept.open.update(one.state.value for one in record.attempts if one.is_open)
        for attempt in record.attempts:
            left_behind = record.generation.is_terminal or attempt is not record.attempts[-1]
            if attempt.is_open and left_behind:
                after = self._tend_attempt(record.following(attempt.index))
                if after.state is not attempt.state:
                    swept.done[after.state.value] += 1
        old = self.clock() - record.generation.created_at >= self.patience.recover_after
        if old and not record.generation.is_terminal and self._recover(record):
            swept.done["recovered"] += 1

    def _recover(self, record: Record) -> bool:
        """Start a generation's workflow again where none runs; whether that was needed."""
        generation = record.generation
        execution = Execution(generation.tenant, generation.id, run=generation.recoveries)
        state = self.workflow.state(execution)
        if state is ExecutionState.RUNNING:
            return False
        if state is ExecutionState.ENDED:
            if generation.recoveries >= MOST_RECOVERIES:
                self.finish(generation.tenant, generation.id)
                return True
            again = generation.now(recoveries=generation.recoveries + 1)
            commit = ledger.with_generation(ledger.Commit(), generation, again)
            self.studio.commit(generation.tenant, commit)
            execution = replace(execution, run=again.recoveries)
        self.workflow.start(execution)
        return True

    def _tend_attempt(self, record: Record) -> Attempt:
        """Take an attempt that was left behind one step further, and give it as it then is."""
        attempt, now = record.current, self.clock()
        match attempt.state:
            case S.RESERVED:
                generation = record.generation
                self.finish(generation.tenant, generation.id, attempt.index)
                return read(self.studio, generation.tenant, generation.id, attempt.index).current
            case S.ACCEPTED if attempt.operation == RENDER_OPERATION:
                return self._follow(record)
            case S.SUBMITTING if next_step(record, now) is Step.WAIT:
                return attempt
            case S.SUBMITTING | S.PAID:
                return self._follow(record)
            case S.IN_DOUBT if self._is_left_to_a_step(record):
                return self._follow(record)
            case S.IN_DOUBT:
                record = self.search(record)
            case S.PRESUMED:
                record = self._look_after_presumed(record, now)
            case S.ACCEPTED | S.OVERDUE:
                record = self.poll.look(record)
        return self._go_on(record, now)

    def _go_on(self, record: Record, now: datetime) -> Attempt:
        """What a search or a look has made possible, or what the limit of doubt asks for."""
        attempt = record.current
        if attempt.state is S.PAID and attempt.is_open:
            return self._follow(record)
        doubtful = attempt.state in (S.IN_DOUBT, S.OVERDUE)
        if doubtful and now - attempt.started_at >= self.patience.presume_after:
            presumed = presume(attempt, now=now)
            return write(self.studio, record, presumed, now=now).current
        return attempt

    def _look_after_presumed(self, record: Record, now: datetime) -> Record:
        """Now and then a look, and one day the last."""
        attempt = record.current
        if now - (attempt.looked_at or attempt.started_at) < self.patience.presumed_look_every:
            return record
        after = self.poll.look(record) if attempt.operation else self.search(record)
        if after.current != attempt:
            return after
        old = now - attempt.started_at >= self.patience.presumed_look_for
        seen = close(attempt, now=now) if old else looked(attempt, now=now)
        return write(self.studio, record, seen, now=now)

    def _is_left_to_a_step(self, record: Record) -> bool:
        """Whether only a step can end this doubt: the result lies in our own bucket, or the same
        call gives the same job."""
        if next_step(record, self.clock()) is Step.SEARCH:
            return record.current.kind is Kind.KEYED
        return self.takes.find(f"{take_place(record)}.") is not None

    def _follow(self, record: Record) -> Attempt:
        """Let a workflow of its own look after the attempt; one that ended in vain is repeated."""
        generation, attempt = record.generation, record.current
        execution = Execution(
            generation.tenant, generation.id, run=attempt.version, attempt=attempt.index
        )
        state = self.workflow.state(execution)
        if state is ExecutionState.ENDED:
            attempt = write(
                self.studio, record, looked(attempt, now=self.clock()), now=self.clock()
            ).current
            execution = replace(execution, run=attempt.version)
        if state is not ExecutionState.RUNNING:
            self.workflow.start(execution)
        return attempt
