"""Mending what an attempt cost, by a person who knows: an entry more, with who and why."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from filmgate.domain import ledger
from filmgate.domain.attempts import Attempt, AttemptState, IllegalTransition
from filmgate.domain.attempts import correct as corrected
from filmgate.domain.errors import NotFound, Stale, StateConflict, StoreUnavailable
from filmgate.domain.generations import Generation, Record
from filmgate.domain.money import Micros, format_usd
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
    """Set what an attempt really cost, and give the record as it then is.

    The difference moves every budget that the attempt drew on, in the month it was bought in. One
    that its provider refused may be on the bill all the same, once its generation has ended. Raises
    NotFound, and StateConflict while the attempt's own end is still to come, for one that was never
    sent, and for one that costs just that already.
    """
    for _ in range(_TRIES):
        record = read_generation(generation_id, principal=principal, studio=studio)
        before = next((one for one in record.attempts if one.id == attempt_id), None)
        if before is None:
            raise NotFound("The generation has no attempt with this id.")
        _check(before, actual, record.generation)
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


def _check(attempt: Attempt, actual: Micros, generation: Generation) -> None:
    """Raises StateConflict for what cannot be corrected, or need not be."""
    if not attempt.reserved_micros:
        raise StateConflict("Nothing was held for the attempt: its provider bills nothing.")
    if attempt.state is AttemptState.RELEASED:
        if not attempt.tries:
            raise StateConflict("The attempt was never sent, so nobody can have billed it.")
        if not generation.is_terminal:
            raise StateConflict("The generation still runs; correct this once it has ended.")
    told = attempt.settled_micros == actual and not attempt.is_held
    if told and not attempt.is_open:  # one that is open is closed by a word about it
        raise StateConflict(
            f"The attempt has cost {format_usd(actual)} USD already: there is nothing to correct."
        )
