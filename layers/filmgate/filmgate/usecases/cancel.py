"""Cancel a generation: free before it was sent, followed to its truthful end after."""

from datetime import datetime
from typing import Final

from filmgate.domain import ledger
from filmgate.domain.attempts import AttemptState, release
from filmgate.domain.errors import Stale, StateConflict, StoreUnavailable
from filmgate.domain.generations import GenerationState, Problem, Record
from filmgate.usecases.ports import Principal, Studio
from filmgate.usecases.reading import read_generation
from filmgate.usecases.steps import failed

_TRIES: Final = 8


def cancel(generation_id: str, *, principal: Principal, studio: Studio, now: datetime) -> Record:
    """Cancel, and give the record as it then is.

    A generation that was not sent yet is cancelled and its money free at once. One that a
    provider may have is marked: no other provider is tried, and what it delivers is kept and
    paid. Raises NotFound, and StateConflict for one that has ended.
    """
    for _ in range(_TRIES):
        record = read_generation(generation_id, principal=principal, studio=studio)
        if record.generation.is_terminal:
            raise StateConflict(f"The generation is {record.generation.state} already.")
        if record.generation.cancel_requested_at is not None:
            return record
        try:
            return _cancel(record, studio, now)
        except Stale:
            continue
    raise StoreUnavailable("the generation is being changed by others; try again")


def _cancel(record: Record, studio: Studio, now: datetime) -> Record:
    generation, attempt = record.generation, record.current
    if attempt.state is not AttemptState.RESERVED:
        marked = generation.now(cancel_requested_at=now)
        studio.commit(
            generation.tenant, ledger.with_generation(ledger.Commit(), generation, marked)
        )
        return Record(marked, record.attempts, record.takes)
    released = release(
        attempt, failure=failed("cancelled", "cancelled before it was sent"), now=now
    )
    ended = generation.now(
        state=GenerationState.CANCELLED,
        failure=Problem("cancelled", "Cancelled before anything was sent."),
        cancel_requested_at=now,
        completed_at=now,
    )
    commit = ledger.change(attempt, released, at=now)
    studio.commit(generation.tenant, ledger.with_generation(commit, generation, ended))
    return Record(ended, record.with_attempt(released).attempts, record.takes)
