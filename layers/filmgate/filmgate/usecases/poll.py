"""The step Poll: look at a running job. Looking is free and may be repeated.

The sweeper looks in the same way at jobs whose generation has gone on or ended.
"""

from collections.abc import Callable
from dataclasses import dataclass

from filmgate.domain.attempts import (
    AttemptState,
    empty,
    failure_of,
    overdue,
    pay,
    unseen,
    visible,
)
from filmgate.domain.errors import (
    ContentRefused,
    ErrorClass,
    ProviderError,
    ProviderJobFailed,
    ProviderJobUnknown,
    ProviderKeyRefused,
    ProviderResultMissing,
    Stale,
)
from filmgate.domain.generations import GenerationState, Link, Record, Step, next_step
from filmgate.domain.patience import LOOKS_UNSEEN, Patience
from filmgate.providers.base import Adapter, Finished, Pending
from filmgate.usecases.ports import Adapters, Clock, Studio
from filmgate.usecases.search import job_of
from filmgate.usecases.steps import (
    USUAL,
    StepResult,
    Worker,
    bill_of,
    drop,
    failed,
    outcome_of,
    read,
    reported_by,
    write,
)

LOOK_DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class Poll:
    """The step with its ports."""

    studio: Studio
    adapters: Adapters
    clock: Clock
    patience: Patience = USUAL
    key_was_changed: Callable[[str, Link, Adapter], bool] = lambda tenant, link, used: False

    def __call__(
        self, tenant: str, generation_id: str, worker: Worker, attempt: int | None = None
    ) -> StepResult:
        """Look once and say what is next. Raises StoreUnavailable when the table is away."""
        record = read(self.studio, tenant, generation_id, attempt)
        if next_step(record, self.clock()) is Step.POLL:
            try:
                record = self.look(record)
            except Stale:
                record = read(self.studio, tenant, generation_id, attempt)
        return outcome_of(record, now=self.clock(), patience=self.patience)

    def look(self, record: Record) -> Record:
        """Look once at the current attempt's job and write down what that shows.

        Raises Stale when another worker moved the attempt.
        """
        try:
            adapter = self.adapters(record.generation.tenant, record.link)
        except ProviderKeyRefused as error:
            return self._overdue(record, error)  # without a key nobody can look
        except ProviderError:
            return self._unless_overdue(None, record)  # the key cannot be read just now
        return self._look_with(adapter, record)

    def _look_with(self, adapter: Adapter, record: Record) -> Record:
        try:
            seen = self._seen(adapter, record)
        except (ContentRefused, ProviderJobFailed) as error:
            return self._job_over(record, error, billed=adapter.bills_failed_jobs)
        except ProviderKeyRefused as error:
            return self._overdue(record, error)
        except ProviderJobUnknown as error:
            return self._unseen(adapter, record, error)
        except ProviderResultMissing as error:
            return self._empty(record, error)
        except ProviderError:
            return self._unless_overdue(adapter, record)  # it saw nothing; the job goes on
        if isinstance(seen, Finished):
            return self._settle(record, seen)
        return self._unless_overdue(adapter, self._visible(record))

    def _seen(self, adapter: Adapter, record: Record) -> Pending | Finished:
        """One look; one more with the key as it now is, where the one we had was refused."""
        tenant, link, operation = record.generation.tenant, record.link, record.current.operation
        try:
            return adapter.poll(operation or {}, deadline_s=LOOK_DEADLINE_S)
        except ProviderKeyRefused:
            if not self.key_was_changed(tenant, link, adapter):
                raise
            fresh = self.adapters(tenant, link)
            return fresh.poll(operation or {}, deadline_s=LOOK_DEADLINE_S)

    def _job_over(self, record: Record, error: ProviderError, *, billed: bool) -> Record:
        """The job ended without a result: its hold goes back, unless the vendor bills it."""
        if not billed:
            return drop(self.studio, record, error, now=self.clock())
        return self._pay_for_nothing(record, error)

    def _settle(self, record: Record, seen: Finished) -> Record:
        """The provider says success: it will bill, so the money is settled before the download."""
        now = self.clock()
        attempt = record.current
        link = {} if seen.url is None else {"url": seen.url}
        paid = pay(
            attempt,
            actual=bill_of(record, seen),
            operation={**(attempt.operation or {}), **link},
            reported=reported_by(seen),
            now=now,
        )
        return write(self.studio, record, paid, now=now, state=GenerationState.STORING)

    def _unseen(self, adapter: Adapter, record: Record, error: ProviderError) -> Record:
        """A job that the vendor does not show has not failed: it is looked for again, then
        searched, and then given up as overdue."""
        if record.current.state is not AttemptState.ACCEPTED:
            return record
        now = self.clock()
        after = unseen(record.current, now=now)
        gone = after.unseen_looks >= LOOKS_UNSEEN and after.unseen_since is not None
        if not gone or now - (after.unseen_since or now) < self.patience.unseen_for:
            return self._unless_overdue(adapter, write(self.studio, record, after, now=now))
        if _is_found(adapter, record):
            return self._unless_overdue(adapter, record)
        return self._overdue(record, error)

    def _visible(self, record: Record) -> Record:
        """A job that is seen to run takes back what earlier looks did not show."""
        after = visible(record.current)
        if after == record.current:
            return record
        return write(self.studio, record, after, now=self.clock())

    def _empty(self, record: Record, error: ProviderError) -> Record:
        """A success without a result is paid; the result may still come, for a while."""
        now = self.clock()
        after = empty(record.current, now=now)
        if now - (after.empty_since or now) >= self.patience.empty_for:
            return self._pay_for_nothing(record, error)
        return record if after == record.current else write(self.studio, record, after, now=now)

    def _pay_for_nothing(self, record: Record, error: ProviderError) -> Record:
        now = self.clock()
        cost = record.link.cost_micros
        paid = pay(record.current, actual=cost, failure=failure_of(error), now=now)
        return write(self.studio, record, paid, now=now)

    def _unless_overdue(self, adapter: Adapter | None, record: Record) -> Record:
        """Past its deadline a job is cancelled where that can be; only a look that says so then
        ends it, since a vendor may have gone on."""
        attempt, now = record.current, self.clock()
        running = attempt.state is AttemptState.ACCEPTED
        if not running or attempt.deadline_at is None or now < attempt.deadline_at:
            return record
        late = ProviderError(
            record.link.provider, f"not done after {record.link.deadline_s} s; its money stays held"
        )
        record = self._overdue(record, late, code="deadline-exceeded")
        if adapter is None or not _takes_a_cancel(adapter, record):
            return record
        return self._look_with(adapter, record)

    def _overdue(self, record: Record, error: ProviderError, code: str | None = None) -> Record:
        """The job is given up for now; its money stays held. One given up before stays as it is."""
        if record.current.state is not AttemptState.ACCEPTED:
            return record
        why = failed(code or error.code, error.message, ErrorClass.IN_DOUBT)
        return write(self.studio, record, overdue(record.current, failure=why), now=self.clock())


def _is_found(adapter: Adapter, record: Record) -> bool:
    """Whether a search shows the job that a look did not."""
    try:
        return job_of(adapter, record.current.id) is not None
    except ProviderError:
        return False


def _takes_a_cancel(adapter: Adapter, record: Record) -> bool:
    if not adapter.can_cancel:
        return False
    try:
        adapter.cancel(record.current.operation or {}, deadline_s=LOOK_DEADLINE_S)
    except ProviderError:
        return False
    return True
