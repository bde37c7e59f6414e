"""All steps of a generation over the fakes, and a walk through them as the state machine walks."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from filmgate.domain import ledger
from filmgate.domain.attempts import AttemptState
from filmgate.domain.generations import Generation, GenerationState, Record
from filmgate.domain.ledger import (
    NO_PERIOD,
    OWNER_SCOPE,
    Budget,
    generation_scope,
    period_of,
)
from filmgate.domain.money import Micros
from filmgate.domain.patience import Patience
from filmgate.providers.base import Adapter
from filmgate.usecases.budgets import with_open_budgets
from filmgate.usecases.collect import Collect
from filmgate.usecases.finish import Finish
from filmgate.usecases.generate import reserve_link
from filmgate.usecases.poll import Poll
from filmgate.usecases.ports import Execution
from filmgate.usecases.render import Render
from filmgate.usecases.search import Search
from filmgate.usecases.steps import USUAL, Outcome, StepResult, Worker
from filmgate.usecases.submit import Submit
from filmgate.usecases.sweep import Sweep, Swept
from tests.support.builders import TENANT, usd
from tests.support.crashes import Fate, Mortal, ProcessDied
from tests.support.fakes import (
    FakeAdapters,
    FakeCamera,
    FakeClock,
    FakeDownloads,
    FakeTakes,
    FakeWorkflow,
    measured,
)
from tests.support.memory_studio import MemoryStudio

MOST_STEPS = 200
DEFAULT_LIMIT = usd("10")
FUNCTION_LIFE = timedelta(seconds=240)


class Stage:
    """The steps with their fakes. `fate` lets its processes die at a call of a port."""

    def __init__(
        self,
        *,
        fate: Fate | None = None,
        camera: FakeCamera | None = None,
        default_limit: Micros = DEFAULT_LIMIT,
        jitter: float = 1.0,
        patience: Patience = USUAL,
        **providers: Adapter,
    ) -> None:
        self.studio = MemoryStudio()
        self.takes = FakeTakes()
        self.clock = FakeClock()
        self.adapters = FakeAdapters(**providers)
        self.downloads = FakeDownloads()
        self.camera = camera or FakeCamera()
        self.workflow = FakeWorkflow()
        self.patience = patience
        self.words: list[str] = []
        self.deaths = 0
        self.failures: list[Exception] = []
        self.key_was_changed = False
        self._default_limit = default_limit
        self._jitter = jitter
        self._fate = fate
        self._workers = (f"worker {number}" for number in count(1))

    # --- where a generation begins ---------------------------------------------------------

    def admit(self, generation: Generation) -> Record:
        """Record a generation with its first attempt held, as `generate` does."""
        studio = self.studio
        first = reserve_link(generation, 0, now=self.clock.now)
        own = Budget(generation_scope(generation.id), NO_PERIOD, generation.cost_limit)
        commit = ledger.opening(ledger.change(None, first, at=self.clock.now), own)
        with_open_budgets(
            lambda: studio.commit(TENANT, ledger.with_generation(commit, None, generation)),
            tenant=TENANT,
            studio=studio,
            default_limit=self._default_limit,
        )
        return Record(generation, (first,))

    # --- the steps, each by a fresh worker ---------------------------------------------------

    def submit(
        self,
        generation: Generation,
        worker: Worker | None = None,
        attempt: int | None = None,
    ) -> StepResult:
        step = Submit(
            studio=self._port(self.studio),
            takes=self._port(self.takes),
            adapters=self._port(self.adapters),
            inspect=measured,
            clock=self.clock,
            default_limit=self._default_limit,
            jitter=lambda: self._jitter,
            patience=self.patience,
            key_was_changed=lambda tenant, link, used: self.key_was_changed,
        )
        return step(TENANT, generation.id, worker or self.worker(), attempt)

    def poll(self, generation: Generation, attempt: int | None = None) -> StepResult:
        return self._poll()(TENANT, generation.id, self.worker(), attempt)

    def _poll(self) -> Poll:
        return Poll(
            studio=self._port(self.studio),
            adapters=self._port(self.adapters),
            clock=self.clock,
            patience=self.patience,
            key_was_changed=lambda tenant, link, used: self.key_was_changed,
        )

    def collect(self, generation: Generation, attempt: int | None = None) -> StepResult:
        step = Collect(
            studio=self._port(self.studio),
            takes=self._port(self.takes),
            adapters=self._port(self.adapters),
            fetch=self._port(self.downloads),
            inspect=measured,
            clock=self.clock,
        )
        return step(TENANT, generation.id, self.worker(), attempt)

    def render(self, generation: Generation, attempt: int | None = None) -> StepResult:
        step = Render(
            studio=self._port(self.studio),
            takes=self._port(self.takes),
            move=self._port(self.camera),
            inspect=measured,
            clock=self.clock,
        )
        return step(TENANT, generation.id, self.worker(), attempt)

    def finish(self, generation: Generation, attempt: int | None = None) -> Generation:
        finish = Finish(self._port(self.studio), self.clock, self.patience)
        return finish(TENANT, generation.id, attempt)

    def sweep(self) -> Swept:
        """One sweep, and every execution that it started walked to its end.

        An execution outlives the sweep that started it.
        """
        before = set(self.workflow.executions)
        try:
            return self.sweeper()(self.worker())
        finally:
            for execution in [one for one in self.workflow.executions if one not in before]:
                self.walk(execution)

    def sweeper(self) -> Sweep:
        studio, adapters = self._port(self.studio), self._port(self.adapters)
        return Sweep(
            studio=studio,
            takes=self._port(self.takes),
            workflow=self._port(self.workflow),
            poll=self._poll(),
            search=Search(studio, adapters, self.clock, self.patience),
            finish=Finish(studio, self.clock, self.patience),
            clock=self.clock,
            patience=self.patience,
            on_failure=self.failures.append,
        )

    def worker(self) -> Worker:
        return Worker(next(self._workers), ends_at=self.clock.now + FUNCTION_LIFE)

    # --- the walk ------------------------------------------------------------------------------

    def run(self, generation: Generation) -> Record:
        """Walk from Submit to the end as the state machine does, and give the record.

        A step whose process dies is repeated a second later, as its Retry says. `words` has the
        outcome of every step that came to its end.
        """
        self.walk(Execution(TENANT, generation.id))
        return self.record(generation)

    def walk(self, execution: Execution) -> None:
        """Walk one execution to its end."""
        generation, step = self.studio.generations[TENANT, execution.generation_id], self.submit
        for _ in range(MOST_STEPS):
            result = self._until_alive(step, generation, execution.attempt)
            self.words.append(result.outcome)
            if result.outcome in (Outcome.STORED, Outcome.STOPPED):
                self._until_alive(self.finish, generation, execution.attempt)
                self.workflow.end(execution)
                return
            self.clock.advance(result.wait_s)
            step = self._steps()[result.outcome]
        raise AssertionError(f"no end after {MOST_STEPS} steps: {self.words[-10:]}")

    def record(self, generation: Generation) -> Record:
        found = self.studio.find(TENANT, generation.id)
        assert found is not None
        return found

    def budget(self, at: datetime | None = None) -> Budget:
        """The owner's budget of this month."""
        found = self.studio.budget(TENANT, OWNER_SCOPE, period_of(at or self.clock.now))
        assert found is not None
        return found

    def _steps(self) -> Mapping[Outcome, Any]:
        return {
            Outcome.AGAIN: self.submit,
            Outcome.NEXT: self.submit,
            Outcome.RUNNING: self.poll,
            Outcome.RENDER: self.render,
            Outcome.READY: self.collect,
        }

    def _until_alive(self, step: Any, generation: Generation, attempt: int | None) -> Any:
        while True:
            try:
                return step(generation, attempt=attempt)
            except ProcessDied:
                self.deaths += 1
                self.clock.advance(1)

    def _port(self, port: Any) -> Any:
        return port if self._fate is None else Mortal(port, self._fate)


def states(record: Record) -> list[AttemptState]:
    return [attempt.state for attempt in record.attempts]


def ending(record: Record) -> tuple[GenerationState, str | None]:
    """How a generation ended, with the code of its failure."""
    failure = record.generation.failure
    return record.generation.state, failure.code if failure else None


def just_before_commits(stage: Stage, act: Callable[[], Any], *, times: int) -> None:
    """Let another writer be faster: `act` comes between the reading and each of so many commits."""
    write, left = stage.studio.commit, [times]

    def contested(tenant: str, commit: ledger.Commit) -> None:
        if left[0]:
            left[0] -= 1
            act()
        write(tenant, commit)

    stage.studio.commit = contested  # type: ignore[method-assign]
