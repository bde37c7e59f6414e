"""The step Finish: write how a generation ended, told from its attempts alone."""

from dataclasses import dataclass
from datetime import datetime

from filmgate.domain import ledger
from filmgate.domain.attempts import Attempt, AttemptState, release, spoil
from filmgate.domain.errors import Stale
from filmgate.domain.generations import RENDER_OPERATION, Generation, Record, conclude
from filmgate.domain.patience import Patience
from filmgate.usecases.ports import Clock, Studio
from filmgate.usecases.steps import USUAL, failed, read

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Finish:
    """The step with its ports."""

    studio: Studio
    clock: Clock
    patience: Patience = USUAL

    def __call__(self, tenant: str, generation_id: str, attempt: int | None = None) -> Generation:
        """End the generation; one that has ended stays as it is.

        A hold of which surely nothing was sent goes back in the same transaction. A paid result
        that could not be fetched stays open at first: the sweeper has it fetched again. With the
        place of an `attempt` only that one is closed. Raises Stale when other writers were faster
        many times over.
        """
        for _ in range(_TRIES):
            record = read(self.studio, tenant, generation_id, attempt)
            if record.generation.is_terminal and attempt is None:
                return record.generation
            try:
                return self._close(record) if attempt is not None else self._end(record)
            except Stale:
                continue
        raise Stale(f"{generation_id} is being changed by others")

    def _close(self, record: Record) -> Generation:
        now = self.clock()
        closed = _closed(record.current, now, self.patience)
        if closed is not None:
            commit = ledger.change(record.current, closed, at=now)
            self.studio.commit(record.generation.tenant, commit)
        return record.generation

    def _end(self, record: Record) -> Generation:
        now = self.clock()
        generation, attempt = record.generation, record.current
        state, failure = conclude(record)
        closed = _closed(attempt, now, self.patience)
        stored = [one for one in record.attempts if one.state is AttemptState.STORED]
        ended = generation.now(
            state=state,
            failure=failure,
            provider=stored[0].provider if stored else None,
            actual_micros=record.settled_micros,
            completed_at=now,
        )
        commit = ledger.Commit() if closed is None else ledger.change(attempt, closed, at=now)
        self.studio.commit(generation.tenant, ledger.with_generation(commit, generation, ended))
        return ended


def _may_still_come(attempt: Attempt, now: datetime, patience: Patience) -> bool:
    """Whether a result is paid for, not here, and not given up."""
    paid_at = attempt.ended_at if attempt.state is AttemptState.PAID and attempt.is_open else None
    return paid_at is not None and now - paid_at < patience.fetch_for


def _closed(attempt: Attempt, now: datetime, patience: Patience) -> Attempt | None:
    """The attempt as the end of its work leaves it; None when that changes nothing."""
    if attempt.state is AttemptState.RESERVED:
        unsent = attempt.failure or failed("not-sent", "was not asked any more")
        return release(attempt, failure=unsent, now=now)
    if attempt.state is AttemptState.PAID and attempt.failure is None:
        if _may_still_come(attempt, now, patience):
            return None
        lost = failed("download-failed", "its result could not be fetched; it is paid")
        return spoil(attempt, failure=lost)
    if attempt.state is AttemptState.ACCEPTED and attempt.operation == RENDER_OPERATION:
        unmade = failed("render-failed", "our renderer could not make it; nobody bills that")
        return release(attempt, failure=unmade, now=now)
    return None
