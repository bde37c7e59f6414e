"""Jobs of the providers that are asked and then polled; their state follows from the clock."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from local.simulators.journal import Journal

MENDABLE = ("malformed", "no_result", "stuck")
Phase = Literal["submitted", "processing", "done", "failed"]
QUEUED_SHARE = 0.25  # This share of the time a job waits in the queue before it shows as running.


@dataclass
class Job:
    """One accepted job. `order` is what the provider needs to answer and draw, as plain JSON.

    `ready_at_s` is None for a job that never ends. `flaws` are the scripted faults that this job
    carries to its end, `odd_polls` how many more polls show an unknown status word, `dead_links`
    how many of the result links given out so far no longer work.
    """

    id: str
    provider: str
    kind: str
    prompt: str
    order: dict[str, Any]
    accepted_at_s: float
    ready_at_s: float | None
    reference: str | None = None
    failure: str | None = None
    flaws: list[str] = field(default_factory=list)
    odd_polls: int = 0
    dead_links: int = 0

    def phase(self, now_s: float) -> Phase:
        if self.ready_at_s is None:
            return "submitted" if now_s - self.accepted_at_s < QUEUED_SHARE else "processing"
        if now_s >= self.ready_at_s:
            return "failed" if self.failure is not None else "done"
        running_at_s = self.accepted_at_s + (self.ready_at_s - self.accepted_at_s) * QUEUED_SHARE
        return "submitted" if now_s < running_at_s else "processing"

    def updated_at_s(self, now_s: float) -> float:
        """When the job last changed its phase, as far as a client can see."""
        if self.phase(now_s) in ("done", "failed") and self.ready_at_s is not None:
            return self.ready_at_s
        return self.accepted_at_s


class JobStore:
    """All jobs by provider and id, findable by the client's own reference."""

    def __init__(self, journal: Journal) -> None:
        self._jobs: dict[tuple[str, str], Job] = {}
        self._by_reference: dict[tuple[str, str], Job] = {}
        self._journal = journal

    def save(self, job: Job) -> None:
        """Add the job, or keep what changed in it."""
        self._index(job)
        self._journal.append("job", asdict(job))

    def restore(self, data: dict[str, Any]) -> None:
        """Put back one job that the journal kept; the last line about a job counts."""
        self._index(Job(**data))

    def get(self, provider: str, id: str) -> Job | None:
        return self._jobs.get((provider, id))

    def by_reference(self, provider: str, reference: str) -> Job | None:
        return self._by_reference.get((provider, reference))

    def of(self, provider: str) -> Iterator[Job]:
        """The provider's jobs, oldest first."""
        return (job for (owner, _), job in self._jobs.items() if owner == provider)

    def all(self) -> Iterator[Job]:
        return iter(self._jobs.values())

    def mend(self, now_s: float) -> list[str]:
        """End every job that would never end, and give every missing result; their ids."""
        mended = [job for job in self.all() if job.ready_at_s is None or "malformed" in job.flaws]
        for job in mended:
            job.ready_at_s = now_s if job.ready_at_s is None else job.ready_at_s
            job.flaws = [flaw for flaw in job.flaws if flaw not in MENDABLE]
            self.save(job)
        return [job.id for job in mended]

    def clear(self) -> None:
        self._jobs.clear()
        self._by_reference.clear()

    def _index(self, job: Job) -> None:
        self._jobs[job.provider, job.id] = job
        if job.reference is not None:
            self._by_reference[job.provider, job.reference] = job


def now_s() -> float:
    return time.time()
