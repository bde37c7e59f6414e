"""Mending what an attempt cost, by a person who knows: an entry more, with who and why."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from filmgate.domain import ledger
from filmgate.domain.attempts import IllegalTransition
from filmgate.domain.attempts import correct as corrected
from filmgate.domain.errors import NotFound, Stale, StateConflict, StoreUnavailable
from filmgate.domain.generations import Record
from filmgate.domain.money import Micros
from filmgate.usecases.ports import Principal, Studio
from filmgate.usecases.reading import read_generation

_TRIES: Final = 8


def correct(
    generation_id: str,
    attempt_id: str,
    *,
    actual: Micros,
    reason: str,
    principal: Principal,
    studio: Studio,
    now: datetime,
) -> Record:
    """Set what a settled attempt really cost, and give the record as it then is.

    The difference moves every budget that the attempt drew on, in the month it was bought in.
    Raises NotFound, and StateConflict while the attempt's own end is still to come.
    """
    for _ in range(_TRIES):
        record = read_generation(generation_id, principal=principal, studio=studio)
        before = next((one for one in record.attempts if one.id == attempt_id), None)
        if before is None:
            raise NotFound("The generation has no attempt with this id.")
        if not before.reserved_micros:
            raise StateConflict("Nothing was held for the attempt: its provider bills nothing.")
        try:
            after = corrected(before, actual=actual, now=now)
        except IllegalTransition:
            raise StateConflict(
                f"The attempt is {before.state}: its own end will say what it cost."
            ) from None
        commit = ledger.correction(before, after, by=principal.user, reason=reason, at=now)
        moved = record.with_attempt(after)
        commit = ledger.with_generation(commit, record.generation, moved.counted)
        try:
            studio.commit(principal.tenant, commit)
        except Stale:
            continue
        return replace(moved, generation=moved.counted)
    raise StoreUnavailable("the attempt is being changed by others; try again")
