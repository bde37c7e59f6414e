"""Videos as OpenAI's clients see them: a list to page through, and a delete that loses nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from filmgate.domain import ledger
from filmgate.domain.errors import NotFound, Stale, StateConflict, StoreUnavailable
from filmgate.domain.generations import Generation, Record
from filmgate.domain.wishes import Media
from filmgate.usecases.cancel import cancel
from filmgate.usecases.ports import Principal, Studio, Videos
from filmgate.usecases.reading import SEES_ONLY_OWN, read_generation

_TRIES: Final = 8


def read_video(video_id: str, *, principal: Principal, studio: Studio) -> Record:
    """A video that was not deleted; raises NotFound, also for another's and for an image."""
    record = read_generation(video_id, principal=principal, studio=studio)
    generation = record.generation
    if generation.wish.type is not Media.VIDEO or generation.unlisted_at is not None:
        raise NotFound("There is no video with this id.")
    return record


def list_videos(
    *, principal: Principal, videos: Videos, limit: int, after: str | None, oldest_first: bool
) -> tuple[Sequence[Generation], bool]:
    """Videos that the principal may see, behind the one named by `after`, and whether there are
    more. Raises NotFound for an `after` that is no video of theirs."""
    last = None
    if after is not None:
        last = read_generation(after, principal=principal, studio=videos).generation
    return videos.videos(
        principal.tenant,
        limit=limit,
        after=last,
        oldest_first=oldest_first,
        user=principal.user if principal.role in SEES_ONLY_OWN else None,
    )


def delete_video(video_id: str, *, principal: Principal, studio: Studio, now: datetime) -> None:
    """Cancel a video if it still runs, and take it from the list of videos.

    What was paid for is kept: the generation with its cost and its take is still read as such.
    Raises NotFound.
    """
    for _ in range(_TRIES):
        record = read_video(video_id, principal=principal, studio=studio)
        try:
            if not record.generation.is_terminal:
                record = cancel(video_id, principal=principal, studio=studio, now=now)
            generation = record.generation
            unlisted = ledger.with_generation(
                ledger.Commit(), generation, generation.now(unlisted_at=now)
            )
            studio.commit(principal.tenant, unlisted)
        except (Stale, StateConflict):  # another writer was faster, or it has just ended
            continue
        return
    raise StoreUnavailable("the video is being changed by others; try again")
