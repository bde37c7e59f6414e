"""The step Render: our own renderer makes a clip from a keyframe. No vendor, no doubt.

A render that dies is made again: the same attempt gives the same clip under the same key.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from filmgate.domain.attempts import release, store
from filmgate.domain.errors import ResultUnusable, Stale
from filmgate.domain.generations import Record, Step, next_step
from filmgate.usecases.ports import Clock, Studio, Takes
from filmgate.usecases.steps import (
    Inspection,
    StepResult,
    Worker,
    failed,
    outcome_of,
    read,
    take_of,
    warnings_for,
    write,
)
from filmgate.usecases.stills import find_still_key

DEFAULT_MOTION: Final = "push_in"


class CameraMove(Protocol):
    """Renders a still into a clip; raises ResultUnusable when the still cannot be read."""

    def __call__(
        self, still: bytes, out: Path, *, motion: str, width: int, height: int,
        duration_s: int, fps: int,
    ) -> None: ...  # fmt: skip


@dataclass(frozen=True, slots=True)
class Render:
    """The step with its ports."""

    studio: Studio
    takes: Takes
    move: CameraMove
    inspect: Callable[[Path], Inspection]
    clock: Clock

    def __call__(
        self, tenant: str, generation_id: str, worker: Worker, attempt: int | None = None
    ) -> StepResult:
        """Render, store and settle the current attempt, and say what is next."""
        record = read(self.studio, tenant, generation_id, attempt)
        if next_step(record, self.clock()) is Step.RENDER:
            try:
                record = self._render(record)
            except Stale:
                record = read(self.studio, tenant, generation_id, attempt)
        return outcome_of(record, now=self.clock())

    def _render(self, record: Record) -> Record:
        wish, link = record.generation.wish, record.link
        key = find_still_key(self.studio, record.generation.tenant, wish.image or "")
        with tempfile.TemporaryDirectory(prefix="filmgate-") as folder:
            clip = Path(folder) / "clip.mp4"
            try:
                if key is None:
                    raise ResultUnusable(link.provider, "the keyframe is gone")
                self.move(
                    self.takes.get(key),
                    clip,
                    motion=wish.motion or DEFAULT_MOTION,
                    width=link.width,
                    height=link.height,
                    duration_s=wish.seconds,
                    fps=wish.frame_rate,
                )
                seen = self.inspect(clip)
            except ResultUnusable as error:
                return self._give_up(record, error)
            now = self.clock()
            take = take_of(record, seen, now=now)
            self.takes.put_file(take.key, clip, take.media_type)
            stored = store(record.current, now=now, actual=link.cost_micros)
            return write(self.studio, record, stored, now=now, take=take,
                         warnings=warnings_for(record, seen))  # fmt: skip

    def _give_up(self, record: Record, error: ResultUnusable) -> Record:
        """Nobody bills a render that failed, so its hold goes back."""
        now = self.clock()
        reason = failed("render-failed", error.message)
        return write(self.studio, record, release(record.current, failure=reason, now=now), now=now)
