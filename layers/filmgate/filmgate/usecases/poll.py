"""The step Poll: look at a running job. Looking is free and may be repeated."""

from dataclasses import dataclass

from filmgate.domain.attempts import failure_of, overdue, pay
from filmgate.domain.errors import (
    ContentRefused,
    ErrorClass,
    ProviderError,
    ProviderJobFailed,
    Stale,
)
from filmgate.domain.generations import GenerationState, Record, Step, next_step
from filmgate.providers.base import Finished
from filmgate.usecases.ports import Adapters, Clock, Studio
from filmgate.usecases.steps import (
    StepResult,
    Worker,
    bill_of,
    drop,
    failed,
    is_over,
    outcome_of,
    read,
    write,
)

LOOK_DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class Poll:
    """The step with its ports."""

    studio: Studio
    adapters: Adapters
    clock: Clock
    poll_scale_percent: int = 100

    def __call__(self, tenant: str, generation_id: str, worker: Worker) -> StepResult:
        """Look once and say what is next. Raises StoreUnavailable when the table is away."""
        record = read(self.studio, tenant, generation_id)
        if next_step(record, self.clock()) is Step.POLL:
            try:
                record = self._look(record)
            except Stale:
                record = read(self.studio, tenant, generation_id)
        return outcome_of(record, now=self.clock(), poll_scale_percent=self.poll_scale_percent)

    def _look(self, record: Record) -> Record:
        attempt = record.current
        try:
            adapter = self.adapters(record.generation.tenant, record.link)
        except ProviderError:
            return self._unless_overdue(record)  # without a key nobody can look
        try:
            seen = adapter.poll(attempt.operation or {}, deadline_s=LOOK_DEADLINE_S)
        except (ContentRefused, ProviderJobFailed) as error:
            return self._job_over(record, error, billed=adapter.bills_failed_jobs)
        except ProviderError:
            return self._unless_overdue(record)  # this look saw nothing; the job goes on
        if isinstance(seen, Finished) and seen.url is not None:
            return self._settle(record, seen)
        return self._unless_overdue(record)

    def _job_over(self, record: Record, error: ProviderError, *, billed: bool) -> Record:
        """The job ended without a result: its hold goes back, unless the vendor bills it."""
        now = self.clock()
        if not billed:
            return drop(self.studio, record, error, now=now)
        cost = record.link.cost_micros
        paid = pay(record.current, actual=cost, failure=failure_of(error), now=now)
        return write(self.studio, record, paid, now=now)

    def _settle(self, record: Record, seen: Finished) -> Record:
        """The provider says success: it will bill, so the money is settled before the download."""
        now = self.clock()
        attempt = record.current
        paid = pay(
            attempt,
            actual=bill_of(record, seen),
            operation={**(attempt.operation or {}), "url": seen.url},
            now=now,
        )
        return write(self.studio, record, paid, now=now, state=GenerationState.STORING)

    def _unless_overdue(self, record: Record) -> Record:
        now = self.clock()
        if not is_over(record.current, now):
            return record
        late = failed(
            "deadline-exceeded",
            f"not done after {record.link.deadline_s} s; the money stays held",
            ErrorClass.IN_DOUBT,
        )
        return write(self.studio, record, overdue(record.current, failure=late), now=now)
