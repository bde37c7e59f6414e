"""The step Finish: write how a generation ended, told from its attempts alone."""

from dataclasses import dataclass

from filmgate.domain import ledger
from filmgate.domain.attempts import AttemptState, release
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
        commit = ledger.Commit()
        if attempt.state is AttemptState.RESERVED:
            unsent = attempt.failure or failed("not-sent", "was not asked any more")
            released = release(attempt, failure=unsent, now=now)
            commit = ledger.change(attempt, released, at=now)
        self.studio.commit(generation.tenant, ledger.with_generation(commit, generation, ended))
        return ended
