"""The step Collect: fetch a paid result, look at its bytes, keep it.

The provider is never asked to make it again: a result that cannot be fetched or used leaves the
attempt paid, with the reason and whatever came kept for a claim.
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from filmgate.domain.attempts import failure_of, spoil, store
from filmgate.domain.errors import DownloadFailed, ProviderError, ResultUnusable, Stale
from filmgate.domain.generations import Link, Record, Step, next_step
from filmgate.providers.base import Adapter, Finished, Pending
from filmgate.usecases.ports import Adapters, Clock, Studio, Takes
from filmgate.usecases.steps import (
    SHORTEST_CALL_S,
    Inspection,
    StepResult,
    Worker,
    outcome_of,
    read,
    take_of,
    unusable_key,
    warnings_for,
    write,
)


class Fetch(Protocol):
    """Downloads a result of a provider into a file, sending `headers` to its own host alone.

    Raises DownloadFailed, or ResultUnusable for one above the size cap.
    """

    def __call__(
        self, link: Link, url: str, sink: BinaryIO, *, headers: Mapping[str, str], deadline_s: float
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Collect:
    """The step with its ports."""

    studio: Studio
    takes: Takes
    adapters: Adapters
    fetch: Fetch
    inspect: Callable[[Path], Inspection]
    clock: Clock

    def __call__(
        self, tenant: str, generation_id: str, worker: Worker, attempt: int | None = None
    ) -> StepResult:
        """Store the result of the current attempt and say what is next.

        Raises DownloadFailed when it could not be fetched this time, StoreUnavailable when the
        table is away; both may be repeated.
        """
        record = read(self.studio, tenant, generation_id, attempt)
        if next_step(record, self.clock()) is Step.COLLECT:
            try:
                record = self._collect(record, worker)
            except Stale:
                record = read(self.studio, tenant, generation_id, attempt)
        return outcome_of(record, now=self.clock())

    def _collect(self, record: Record, worker: Worker) -> Record:
        with tempfile.TemporaryDirectory(prefix="filmgate-") as folder:
            path = Path(folder) / "result"
            try:
                self._download(record, path, worker)
                seen = self.inspect(path)
            except ResultUnusable as error:
                return self._spoil(record, path, error)
            return self._keep(record, path, seen)

    def _download(self, record: Record, path: Path, worker: Worker) -> None:
        """Fetch by the link that the poll gave; when that fails, by a fresh one."""
        deadline_s = max(SHORTEST_CALL_S, worker.remaining_s(self.clock()) / 3)
        operation = record.current.operation or {}
        try:
            adapter = self.adapters(record.generation.tenant, record.link)
            try:
                self._fetch(record, adapter, str(operation.get("url", "")), path, deadline_s)
            except DownloadFailed:
                seen = adapter.poll(operation, deadline_s=SHORTEST_CALL_S * 2)
                self._fetch_anew(record, adapter, seen, path, deadline_s)
        except ResultUnusable:
            raise
        except ProviderError as error:
            raise DownloadFailed(f"{record.link.provider} gave no fresh link") from error

    def _fetch_anew(
        self,
        record: Record,
        adapter: Adapter,
        seen: Pending | Finished,
        path: Path,
        deadline_s: float,
    ) -> None:
        """Fetch what a second look shows: a fresh link, or the bytes themselves."""
        match seen:
            case Finished(data=bytes(data)):
                path.write_bytes(data)
            case Finished(url=str(url)):
                self._fetch(record, adapter, url, path, deadline_s)
            case _:
                raise DownloadFailed(f"{record.link.provider} gave no fresh link")

    def _fetch(
        self, record: Record, adapter: Adapter, url: str, path: Path, deadline_s: float
    ) -> None:
        if not url:
            raise DownloadFailed(f"{record.link.provider} gave no link")
        with path.open("wb") as sink:
            headers = adapter.download_headers(url)
            self.fetch(record.link, url, sink, headers=headers, deadline_s=deadline_s)

    def _keep(self, record: Record, path: Path, seen: Inspection) -> Record:
        now = self.clock()
        take = take_of(record, seen, now=now)
        self.takes.put_file(take.key, path, take.media_type)
        return write(self.studio, record, store(record.current, now=now), now=now, take=take,
                     warnings=warnings_for(record, seen))  # fmt: skip

    def _spoil(self, record: Record, path: Path, error: ResultUnusable) -> Record:
        if path.exists() and path.stat().st_size:
            key = unusable_key(record.generation, record.current)
            self.takes.put_file(key, path, "application/octet-stream")
        spoiled = spoil(record.current, failure=failure_of(error))
        return write(self.studio, record, spoiled, now=self.clock())
