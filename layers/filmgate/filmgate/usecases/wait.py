"""Wait for a generation to end, for callers who hold the line."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from filmgate.domain.errors import GenerationFailed, StillRunning
from filmgate.domain.generations import Record, Take
from filmgate.usecases.ports import Clock, Principal, Studio
from filmgate.usecases.reading import read_generation

FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 1.5
GROWTH: Final = 1.3


def wait_for_end(
    record: Record,
    *,
    principal: Principal,
    studio: Studio,
    patience: timedelta,
    clock: Clock,
    pause: Callable[[float], None],
) -> Record:
    """The record once its generation has ended; looks at it with growing pauses.

    Raises StillRunning when it has not ended in time. Nothing is stopped by that.
    """
    give_up_at = clock() + patience
    pause_s = FIRST_PAUSE_S
    while not record.generation.is_terminal:
        if clock() + timedelta(seconds=pause_s) > give_up_at:
            raise _still_running(record)
        pause(pause_s)
        pause_s = min(pause_s * GROWTH, LONGEST_PAUSE_S)
        record = read_generation(record.generation.id, principal=principal, studio=studio)
    return record


def made(record: Record) -> Take:
    """The take of a generation that has ended; raises GenerationFailed where there is none."""
    generation = record.generation
    in_time = sorted(record.takes, key=lambda take: take.late)
    if generation.failure is not None or not in_time:
        why = generation.failure
        raise GenerationFailed(
            f"{why.message if why else 'It has no result.'} Its attempts are at "
            f"GET /v1/generations/{generation.id}.",
            failure=why.code if why else "no-result",
            generationId=generation.id,
        )
    return in_time[0]


def _still_running(record: Record) -> StillRunning:
    own = record.generation.id
    return StillRunning(
        f"The generation {own} still runs and goes on. Send the same request again to wait for it, "
        f"which is never paid twice, or fetch it at GET /v1/generations/{own}.",
        generationId=own,
    )
