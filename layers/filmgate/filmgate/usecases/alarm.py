"""Tell the owner what a change of the table means, every notice once.

Telling is two writes around a send: claim (the notice and its mark, in one transaction, if there
is no mark yet), publish, mark as told. What a crash means:

- before the claim: nothing has happened; the stream brings the record again.
- after the claim, before the send: the notice is in the table, and the claim runs out; `replay`
  then claims and sends it. It is sent once.
- after the send, before the mark: it is sent again, the only way in which a subscriber can see a
  notice twice. Both have the same attribute `id`, and the list of notices has it once.

A topic that takes no notice is not a fault of the record: the claim is left to run out and
`replay` sends it, so a topic that is away holds up no stream.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from filmgate.domain.alarms import (
    Notice,
    attempt_notice,
    budget_notices,
    entry_notice,
    forecast_notice,
    may_be_forecast,
    provider_notice,
)
from filmgate.domain.changes import (
    AttemptMoved,
    BudgetChanged,
    Change,
    EntryWritten,
    HealthChanged,
)
from filmgate.domain.errors import TopicUnavailable
from filmgate.domain.ledger import Budget
from filmgate.usecases.ports import Clock, NoticeLog, Studio, Topic

CLAIM: Final = timedelta(minutes=2)
"""Longer than a run of any function that tells, so that nobody tells beside a living one."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """The use case with its ports."""

    studio: Studio
    notices: NoticeLog
    topic: Topic
    clock: Clock

    def __call__(self, change: Change) -> list[Notice]:
        """Tell what this change asks for, and give what was told now.

        Raises StoreUnavailable; the record is to be brought again then.
        """
        return [notice for notice in self._asked_for(change) if self.tell(notice)]

    def tell(self, notice: Notice) -> bool:
        """Tell a notice unless it was told; False also when it will be told later.

        Its time is that of the first telling, so that notices of one change are listed in order.
        """
        now = self.clock()
        notice = replace(notice, at=now)
        claim = self.notices.claim(notice, now=now, until=now + CLAIM)
        if claim is None:
            return False
        try:
            self.topic.publish(notice)
        except TopicUnavailable:
            return False
        self.notices.told(notice, claim=claim)
        return True

    def _asked_for(self, change: Change) -> Iterable[Notice]:
        now = self.clock()
        match change:
            case BudgetChanged():
                yield from budget_notices(change.tenant, change.budget, at=now)
                yield from self._forecast(change.tenant, change.budget, change.at)
            case HealthChanged():
                yield from _if_any(
                    provider_notice(change.tenant, change.provider, change.health, at=now)
                )
            case AttemptMoved():
                record = self.studio.find(change.tenant, change.attempt.generation_id)
                yield from _if_any(attempt_notice(change.tenant, change.attempt, record, at=now))
            case EntryWritten():
                record = self.studio.find(change.tenant, change.entry.generation_id)
                yield from _if_any(entry_notice(change.tenant, change.entry, record, at=now))

    def _forecast(self, tenant: str, budget: Budget, at: datetime) -> Iterable[Notice]:
        if not may_be_forecast(budget):
            return ()
        since = self.notices.watched_since(tenant, budget.scope, budget.period, at)
        return _if_any(forecast_notice(tenant, budget, watched_since=since, at=at))


def _if_any(notice: Notice | None) -> tuple[Notice, ...]:
    return () if notice is None else (notice,)
