"""Searching for the job of an attempt whose answer was lost. Free, and safe to repeat.

Not seen is not absent: only where a provider's search is a proof, and two searches after the lease
agree, does the money go back.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from filmgate.domain.attempts import (
    Attempt,
    AttemptState,
    Kind,
    accept,
    adopt,
    prove_absent,
    unseen,
)
from filmgate.domain.errors import ProviderError
from filmgate.domain.generations import RENDER_OPERATION, Record
from filmgate.domain.patience import Patience
from filmgate.providers.base import Adapter, Pending, Rendering
from filmgate.usecases.ports import Adapters, Clock, Studio
from filmgate.usecases.steps import SHORTEST_CALL_S, failed, write

_NOT_ACCEPTED: Final = failed("not-accepted", "its provider shows that it never took the job")


@dataclass(frozen=True, slots=True)
class Search:
    """The search with its ports."""

    studio: Studio
    adapters: Adapters
    clock: Clock
    patience: Patience

    def __call__(self, record: Record) -> Record:
        """Search once for the current attempt's job and write down what that shows.

        Raises Stale when another worker moved the attempt.
        """
        began = self.clock()
        try:
            adapter = self.adapters(record.generation.tenant, record.link)
            found = job_of(adapter, record.current.id)
        except ProviderError:
            return record  # this search saw nothing
        if found is not None:
            return write(self.studio, record, taken(record, found, self.clock()), now=self.clock())
        if adapter.kind is not Kind.FINDABLE or record.current.state is not AttemptState.IN_DOUBT:
            return record
        after = self._not_seen(record.current, began)
        return record if after == record.current else write(self.studio, record, after, now=began)

    def _not_seen(self, attempt: Attempt, began: datetime) -> Attempt:
        """The attempt after a search that showed nothing; only a proof needs to be counted."""
        if not attempt.proves_absence:
            return attempt
        since = attempt.unseen_since
        if since is None:
            return unseen(attempt, now=began)
        if began - since < self.patience.search_spacing:
            return attempt
        spacing = self.patience.search_spacing
        return prove_absent(attempt, failure=_NOT_ACCEPTED, now=began, spacing=spacing)


def job_of(adapter: Adapter, reference: str) -> Pending | None:
    """The job that a findable provider shows under a reference; None where nothing can be seen."""
    if adapter.kind is not Kind.FINDABLE:
        return None
    return adapter.find(reference, deadline_s=SHORTEST_CALL_S)


def taken(record: Record, answer: Pending | Rendering, now: datetime) -> Attempt:
    """The current attempt with the job that its provider has, whatever state it was in."""
    operation: Any = RENDER_OPERATION if isinstance(answer, Rendering) else answer.operation
    if record.current.state in (AttemptState.PRESUMED, AttemptState.RELEASED):
        return adopt(record.current, operation=operation)
    deadline_at = now + timedelta(seconds=record.link.deadline_s)
    return accept(record.current, operation=operation, deadline_at=deadline_at)
