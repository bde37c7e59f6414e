"""The step Finish: write how a generation ended, told from its attempts alone."""

from dataclasses import dataclass
from datetime import datetime

from filmgate.domain import ledger
from filmgate.domain.attempts import Attempt, AttemptState, release, spoil
from filmgate.domain.errors import Stale
from filmgate.domain.generations import Generation, Record, conclude
from filmgate.usecases.ports import Clock, Studio
from filmgate.usecases.steps import failed, read

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Finish:
    """The step with its ports."""

    studio: Studio
    clock: Clock

    def __call__(self, tenant: str, generation_id: str) -> Generation:
        """End the generation; one that has ended stays as it is.

        A hold of which surely nothing was sent goes back in the same transaction. Raises Stale
        when other writers were faster many times over.
        """
        for _ in range(_TRIES):
            record = read(self.studio, tenant, generation_id)
            if record.generation.is_terminal:
                return record.generation
            try:
                return self._end(record)
            except Stale:
                continue
        raise Stale(f"{generation_id} is being changed by others")

    def _end(self, record: Record) -> Generation:
        now = self.clock()
        generation, attempt = record.generation, record.current
        state, failure = conclude(record)
        stored = [one for one in record.attempts if one.state is AttemptState.STORED]
        ended = generation.now(
            state=state,
            failure=failure,
            provider=stored[0].provider if stored else None,
            actual_micros=sum(one.actual_micros or 0 for one in record.attempts),
            completed_at=now,
        )
        closed = _closed(attempt, now)
        commit = ledger.Commit() if closed is None else ledger.change(attempt, closed, at=now)
        self.studio.commit(generation.tenant, ledger.with_generation(commit, generation, ended))
        return ended


def _closed(attempt: Attempt, now: datetime) -> Attempt | None:
    """The attempt as the end of its generation leaves it; None when that changes nothing."""
    if attempt.state is AttemptState.RESERVED:
        unsent = attempt.failure or failed("not-sent", "was not asked any more")
        return release(attempt, failure=unsent, now=now)
    if attempt.state is AttemptState.PAID and attempt.failure is None:
        lost = failed("download-failed", "its result could not be fetched; it is paid")
        return spoil(attempt, failure=lost)
    return None
