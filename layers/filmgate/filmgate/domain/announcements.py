"""What is told to the outside when something has ended: events on the bus, bodies of webhooks.

The detail is a public contract. Fields may be added to a version, never changed or taken away.
It holds no prompt and no link: whoever may see those asks the API for the generation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from filmgate.domain.boards import Head
from filmgate.domain.generations import Generation
from filmgate.domain.ids import event_id, storyboard_event_id
from filmgate.domain.moments import moment
from filmgate.domain.money import format_usd

VERSION: Final = "1"


@dataclass(frozen=True, slots=True)
class Announcement:
    """One thing to tell. `id` is the same however often it is told, so that repeats can be
    dropped; `name` is its type in a webhook, `title` the one on the bus."""

    id: str
    name: str
    title: str
    at: datetime
    detail: Mapping[str, Any]

    def webhook_body(self) -> dict[str, Any]:
        """The body of a webhook, by the form that Standard Webhooks proposes."""
        return {"type": self.name, "timestamp": moment(self.at), "data": dict(self.detail)}


def generation_finished(generation: Generation) -> Announcement:
    """What there is to tell of a generation that has ended; raises ValueError for one that has
    not. Its actual cost is what was settled by then: a late result is not announced again."""
    ended_at = generation.completed_at
    if ended_at is None or not generation.is_terminal:
        raise ValueError(f"{generation.id} has not ended")
    identifier, failure = event_id(generation.id), generation.failure
    return Announcement(
        id=identifier,
        name="generation.finished",
        title="Generation finished",
        at=ended_at,
        detail={
            "version": VERSION,
            "event_id": identifier,
            "generation_id": generation.id,
            "tenant": generation.tenant,
            "user": generation.user,
            "state": generation.state.value,
            "type": generation.wish.type.value,
            "provider": generation.provider,
            "actual_cost": format_usd(generation.actual_micros or 0),
            "project": generation.project,
            "script_id": generation.script_id,
            "shot_number": generation.shot_number,
            "failure": {"code": failure.code} if failure else None,
            "created_at": moment(generation.created_at),
            "completed_at": moment(ended_at),
        },
    )


def storyboard_finished(head: Head) -> Announcement:
    """What there is to tell of a storyboard that has ended; raises ValueError for one that has
    not. A resumed one is told of again at its next end, under another id. Its title is a text of
    the user's, and so left out."""
    ended_at, progress = head.completed_at, head.progress
    if ended_at is None or progress is None or not head.has_ended:
        raise ValueError(f"{head.id} has not ended")
    identifier = storyboard_event_id(head.id, head.run)
    return Announcement(
        id=identifier,
        name="storyboard.finished",
        title="Storyboard finished",
        at=ended_at,
        detail={
            "version": VERSION,
            "event_id": identifier,
            "storyboard_id": head.id,
            "tenant": head.tenant,
            "user": head.user,
            "state": head.state.value,
            "actual_cost": format_usd(head.actual_micros or 0),
            "project": head.asked.project,
            "run": head.run,
            "shots": {
                "total": progress.total,
                "done": progress.done,
                "failed": progress.failed,
                "skipped": progress.skipped,
                "cancelled": progress.cancelled,
            },
            "created_at": moment(head.created_at),
            "completed_at": moment(ended_at),
        },
    )
