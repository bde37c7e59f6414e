"""The state that all providers share, and the shape of a provider."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.simulators.faults import Faults, FaultTable
from local.simulators.jobs import JobStore
from local.simulators.journal import Journal
from local.simulators.ledger import Ledger
from local.simulators.recorder import Recorder
from local.simulators.studio import Studio


@dataclass(frozen=True)
class Pace:
    """How long an image call takes, and a clip from its submit to its end."""

    image_s: float = 0.2
    video_s: float = 2.0


@dataclass(frozen=True)
class Provider:
    """One simulated vendor: its name, its faults, and its routes below `/name`."""

    name: str
    faults: FaultTable
    routes: Callable[["World"], Sequence[Route]]
    not_found: Callable[[Request], Response]


class World:
    """Everything that the simulated vendors remember."""

    def __init__(
        self, providers: Sequence[Provider], *, pace: Pace, state_path: Path | None = None
    ) -> None:
        names = tuple(provider.name for provider in providers)
        self.providers = tuple(providers)
        self.default_pace = pace
        self.pace = pace
        self.journal = Journal(state_path)
        self.ledger = Ledger(names, self.journal)
        self.jobs = JobStore(self.journal)
        self.faults = Faults({provider.name: provider.faults for provider in providers})
        self.recorder = Recorder(names)
        self.studio = Studio()
        self.release = asyncio.Event()
        self._restore()

    def _restore(self) -> None:
        for kind, data in self.journal.entries():
            if kind == "row":
                self.ledger.restore(data)
            elif kind == "job":
                self.jobs.restore(data)

    async def pause(self, seconds: float) -> None:
        """Wait as a vendor works; a reset or a stop of the server ends the wait early."""
        if seconds <= 0:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self.release.wait(), seconds)

    def reset(self, parts: frozenset[str]) -> None:
        """Forget the named parts; forgetting faults lets go of every call that is held."""
        if "ledger" in parts:
            self.ledger.clear()
        if "jobs" in parts:
            self.jobs.clear()
        if "faults" in parts:
            self.faults.clear()
            self.release.set()
            self.release = asyncio.Event()
        if "requests" in parts:
            self.recorder.clear()
        if "pace" in parts:
            self.pace = self.default_pace
        if parts & {"ledger", "jobs"}:
            self._rewrite_journal()

    def _rewrite_journal(self) -> None:
        self.journal.clear()
        for entry in self.ledger.journal_entries():
            self.journal.append("row", entry)
        for job in self.jobs.all():
            self.jobs.save(job)

    def stop(self) -> None:
        """Let go of every held call and end the drawing threads."""
        self.release.set()
        self.studio.stop()
