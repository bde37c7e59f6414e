"""The step Submit: begin the current attempt, or reserve the next provider of the chain first.

What happens when the process dies: before the intent is written, nothing was sent and the next
run begins again; after it, the lease runs out and the attempt is in doubt, never sent again;
after an answer with bytes, those lie in the take bucket under the attempt's own name. A lost answer
is searched for where its provider can be searched; only a proof of absence frees the money.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import random
from typing import Final

from filmgate.domain.attempts import (
    Attempt,
    AttemptState,
    Kind,
    adopt,
    begin,
    doubt,
    failure_of,
    give_back,
    pay,
    store,
)
from filmgate.domain.chain import suspension
from filmgate.domain.errors import (
    DoesNotFit,
    ProviderError,
    ProviderKeyRefused,
    ProviderNotReached,
    ProviderOutcomeUnknown,
    ProviderSuspended,
    ProviderUnsupported,
    ResultUnusable,
    Stale,
)
from filmgate.domain.facts import Reported
from filmgate.domain.generations import (
    GenerationState,
    Link,
    Record,
    Step,
    next_step,
)
from filmgate.domain.health import BreakerState, Health, claim_probe
from filmgate.domain.ledger import change
from filmgate.domain.money import Micros, format_usd
from filmgate.domain.patience import Patience, retry_delay
from filmgate.providers.base import (
    Adapter,
    Finished,
    Keyframe,
    Order,
    Pending,
    Rendering,
)
from filmgate.usecases.budgets import with_open_budgets
from filmgate.usecases.generate import reserve_link
from filmgate.usecases.ports import Adapters, Clock, Studio, Takes
from filmgate.usecases.search import Search, job_of, taken
from filmgate.usecases.steps import (
    SHORTEST_CALL_S,
    USUAL,
    Inspection,
    StepResult,
    Worker,
    bill_of,
    drop,
    failed,
    outcome_of,
    read,
    reported_by,
    take_of,
    take_place,
    unusable_key,
    warnings_for,
    write,
)
from filmgate.usecases.stills import find_still_key


@dataclass(frozen=True, slots=True)
class Submit:
    """The step with its ports; call it with a generation and the worker that runs it."""

    studio: Studio
    takes: Takes
    adapters: Adapters
    inspect: Callable[[bytes], Inspection]
    clock: Clock
    default_limit: Micros
    patience: Patience = USUAL
    jitter: Callable[[], float] = random
    key_was_changed: Callable[[str, Link, Adapter], bool] = lambda tenant, link, used: False

    def __call__(
        self, tenant: str, generation_id: str, worker: Worker, attempt: int | None = None
    ) -> StepResult:
        """Take the generation one provider further and say what is next.

        With the place of an `attempt` only that one is looked after: nothing is sent anew, but for
        a replay that its provider knows again. Raises StoreUnavailable when the table is away:
        nothing was bought then.
        """
        record = read(self.studio, tenant, generation_id, attempt)
        try:
            record = self._go_on(record, worker)
        except Stale:  # another worker was faster: what it wrote is the truth
            record = read(self.studio, tenant, generation_id, attempt)
        return outcome_of(record, now=self.clock(), patience=self.patience)

    def _go_on(self, record: Record, worker: Worker) -> Record:
        now = self.clock()
        step = next_step(record, now)
        if step is Step.DOUBT or _may_lie_in_our_bucket(record):
            record = self._recover(record)
            step = next_step(record, now)
        if step is Step.SEARCH:
            record = self._search(record, worker)
            step = next_step(record, now)
        while step is Step.RESERVE:
            record = self._reserve_next(record, now)
            step = next_step(record, now)
        waits = record.current.retry_at is not None and now < record.current.retry_at
        if step is Step.BEGIN and not waits:
            record = self._try(record, worker)
        return record

    def _reserve_next(self, record: Record, now: datetime) -> Record:
        """Hold the money for the next provider; one that is suspended or does not fit is passed
        over without a hold."""
        generation, index = record.generation, record.current.index + 1
        attempt = reserve_link(generation, index, now=now)
        try:
            self._check_breaker(generation.tenant, attempt.provider, now)
            with_open_budgets(
                lambda: self.studio.commit(generation.tenant, change(None, attempt, at=now)),
                tenant=generation.tenant,
                studio=self.studio,
                default_limit=self.default_limit,
            )
        except (DoesNotFit, ProviderSuspended) as reason:
            attempt = _passed_over(attempt, reason, now)
            self.studio.commit(generation.tenant, change(None, attempt, at=now))
        return record.with_attempt(attempt)

    def _try(self, record: Record, worker: Worker) -> Record:
        """Send one submit. Everything that can fail without being sent comes first."""
        now = self.clock()
        try:
            self._claim_probe(record.generation.tenant, record.link.provider, now)
            adapter = self.adapters(record.generation.tenant, record.link)
            order = self._order(record)
        except ProviderError as error:
            return drop(self.studio, record, error, now=now)
        begun = begin(
            record.current,
            worker=worker.name,
            lease_until=worker.ends_at + self.patience.lease_margin,
            kind=adapter.kind,
            proves_absence=adapter.proves_absence,
        )
        record = write(self.studio, record, begun, now=now, state=GenerationState.RUNNING)
        try:
            result = self._call(adapter, order, record, worker)
        except ProviderOutcomeUnknown as error:
            return self._lost(record, error, worker=worker)
        except ProviderError as error:
            return self._refused(record, error, worker, adapter)
        return self._taken(record, result)

    def _check_breaker(self, tenant: str, provider: str, now: datetime) -> Health:
        """The provider's figures; raises ProviderSuspended while its breaker is open."""
        health = self.studio.health(tenant).get(provider, Health())
        reason = suspension(health, now)
        if reason is not None:
            raise ProviderSuspended(provider, reason.message)
        return health

    def _claim_probe(self, tenant: str, provider: str, now: datetime) -> None:
        """Behind a breaker whose time is over one attempt may try; raises ProviderSuspended for
        all others."""
        health = self._check_breaker(tenant, provider, now)
        if health.breaker(now) is not BreakerState.HALF_OPEN:
            return
        try:
            self.studio.put_health(tenant, provider, health, claim_probe(health, now))
        except Stale:
            raise ProviderSuspended(provider, "another attempt is probing it") from None

    def _call(
        self, adapter: Adapter, order: Order, record: Record, worker: Worker
    ) -> Pending | Rendering | Finished:
        """The paid call. Its deadline ends before this process must."""
        left_s = worker.remaining_s(self.clock()) - SHORTEST_CALL_S
        deadline_s = min(float(record.link.deadline_s), left_s)
        if deadline_s < SHORTEST_CALL_S:
            raise ProviderNotReached(record.link.provider, "no time was left to call it")
        return adapter.submit(order, reference=record.current.id, deadline_s=deadline_s)

    def _taken(self, record: Record, result: Pending | Rendering | Finished) -> Record:
        """Write down what the provider answered, even if the attempt was given up meanwhile: who
        holds a job id or a result keeps it."""
        try:
            return self._write_down(record, result)
        except Stale:
            generation, index = record.generation, record.current.index
            fresh = read(self.studio, generation.tenant, generation.id, index)
            if fresh.current.state not in _GIVEN_UP:
                raise
            self._write_down_late(fresh, result)
            return read(self.studio, generation.tenant, generation.id, record.followed)

    def _write_down_late(self, record: Record, result: Pending | Rendering | Finished) -> None:
        """What was released counts as paid again before its result is kept."""
        if record.current.state is AttemptState.RELEASED and isinstance(result, Finished):
            adopted = adopt(record.current, operation={"url": result.url})
            record = write(self.studio, record, adopted, now=self.clock())
        self._write_down(record, result)

    def _write_down(self, record: Record, result: Pending | Rendering | Finished) -> Record:
        now = self.clock()
        if isinstance(result, Finished) and result.data is not None:
            return self._keep(record, result.data, bill_of(record, result), reported_by(result))
        if isinstance(result, Finished):
            paid = pay(
                record.current,
                actual=bill_of(record, result),
                operation={"url": result.url},
                reported=reported_by(result),
                now=now,
            )
            return write(self.studio, record, paid, now=now, state=GenerationState.STORING)
        return write(self.studio, record, taken(record, result, now), now=now)

    def _keep(
        self, record: Record, data: bytes, actual: Micros, reported: Reported | None = None
    ) -> Record:
        """Bytes first into the bucket, then one transaction that settles and says STORED."""
        try:
            seen = self.inspect(data)
        except ResultUnusable as error:
            paid = pay(
                record.current,
                actual=actual,
                failure=failure_of(error),
                reported=reported,
                now=self.clock(),
            )
            return self._quarantine(record, data, paid)
        now = self.clock()
        take = take_of(record, seen, now=now)
        self.takes.put(take.key, data, take.media_type)
        return write(
            self.studio,
            record,
            store(record.current, now=now, actual=actual, reported=reported),
            now=now,
            take=take,
            warnings=warnings_for(record, seen, reported),
        )

    def _quarantine(self, record: Record, data: bytes, paid: Attempt) -> Record:
        key = unusable_key(record.generation, record.current)
        self.takes.put(key, data, "application/octet-stream")
        return write(self.studio, record, paid, now=self.clock())

    def _refused(
        self, record: Record, error: ProviderError, worker: Worker, adapter: Adapter
    ) -> Record:
        """A definite no, or surely nothing sent: ask again soon, or let the attempt go.

        A key that was replaced since this process read it is worth one more try at once.
        """
        attempt, now = record.current, self.clock()
        delay = retry_delay(
            error, tries=attempt.tries, others_wait=record.others_wait, jitter=self.jitter
        )
        if isinstance(error, ProviderKeyRefused) and attempt.tries == 1:
            changed = self.key_was_changed(record.generation.tenant, record.link, adapter)
            delay = timedelta(0) if changed else None
        if delay is None or record.generation.cancel_requested_at is not None:
            return drop(self.studio, record, error, now=now, worker=worker.name)
        back = give_back(attempt, worker=worker.name, now=now, retry_at=now + delay)
        return write(self.studio, record, back, now=now)

    def _recover(self, record: Record) -> Record:
        """The lease is over and no outcome was written. Bytes in the bucket prove an answer."""
        key = self.takes.find(f"{take_place(record)}.")
        if key is not None:
            return self._keep(record, self.takes.get(key), record.link.cost_micros)
        if record.current.state is AttemptState.IN_DOUBT:
            return record
        return self._lost(record, _no_word(record.current.provider), worker=None)

    def _lost(self, record: Record, error: ProviderError, worker: Worker | None) -> Record:
        """No answer and no proof: a findable provider may show the job, else it is in doubt."""
        found = self._find(record)
        if found is not None:
            return self._taken(record, found)
        now = self.clock()
        name = worker.name if worker else None
        unsure = doubt(record.current, failure=failure_of(error), now=now, worker=name)
        return write(self.studio, record, unsure, now=now)

    def _find(self, record: Record) -> Pending | None:
        """The job of the current attempt; not seen is not absent."""
        try:
            return job_of(self.adapters(record.generation.tenant, record.link), record.current.id)
        except ProviderError:
            return None

    def _search(self, record: Record, worker: Worker) -> Record:
        """Look for a lost answer: by a search, or by the same call where it gives the same job."""
        if record.current.kind is Kind.KEYED:
            return self._replay(record, worker)
        search = Search(self.studio, self.adapters, self.clock, self.patience)
        return search(record)

    def _replay(self, record: Record, worker: Worker) -> Record:
        """Whatever refuses a replay proves nothing about the first call."""
        try:
            adapter = self.adapters(record.generation.tenant, record.link)
            result = self._call(adapter, self._order(record), record, worker)
        except ProviderError:
            return record
        return self._taken(record, result)

    def _order(self, record: Record) -> Order:
        wish, link = record.generation.wish, record.link
        return Order(
            model=link.model,
            prompt=wish.prompt,
            resolution=link.resolution,
            aspect_ratio=link.aspect_ratio,
            width=link.width,
            height=link.height,
            quality=wish.quality,
            duration_s=wish.seconds,
            fps=wish.frame_rate,
            negative_prompt=wish.negative_prompt,
            style=wish.style,
            seed=wish.seed,
            motion=wish.motion,
            keyframe=self._keyframe(record),
        )

    def _keyframe(self, record: Record) -> Keyframe | None:
        image = record.generation.wish.image
        if image is None:
            return None
        key = find_still_key(self.studio, record.generation.tenant, image)
        if key is None:
            raise ProviderUnsupported(record.link.provider, "the keyframe is gone")
        data = self.takes.get(key)
        return Keyframe(data, self.inspect(data).media_type)


_GIVEN_UP: Final = (AttemptState.IN_DOUBT, AttemptState.PRESUMED, AttemptState.RELEASED)


def _may_lie_in_our_bucket(record: Record) -> bool:
    """Whether a result may have come after its attempt was put in doubt: asked by the sweeper."""
    return record.followed is not None and record.current.state is AttemptState.IN_DOUBT


def _no_word(provider: str) -> ProviderOutcomeUnknown:
    return ProviderOutcomeUnknown(
        provider, "the process that asked it ended before it could write down an answer"
    )


def _passed_over(attempt: Attempt, why: DoesNotFit | ProviderSuspended, now: datetime) -> Attempt:
    """An attempt that never held any money, with the reason."""
    if isinstance(why, ProviderSuspended):
        failure = failure_of(why)
    else:
        failure = failed(
            "budget-exceeded",
            f"needs {format_usd(why.needed)} USD; {why.scope.partition(':')[0]} budget "
            f"has {format_usd(why.room)} left",
        )
    return replace(attempt, state=AttemptState.RELEASED, failure=failure, ended_at=now)
