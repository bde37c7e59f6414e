"""Generations, takes and models as OpenAI's clients read them.

Beside their fields every object has `filmgate`, with what only we know; their libraries keep it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from filmgate.domain.generations import Generation, GenerationState, Link, Record, Take
from filmgate.domain.money import format_usd
from filmgate.usecases.models import Model
from filmgate.views import optional_usd

Json = dict[str, Any]

STATUS: Final[Mapping[GenerationState, str]] = {
    GenerationState.QUEUED: "queued",
    GenerationState.RUNNING: "in_progress",
    GenerationState.STORING: "in_progress",
    GenerationState.SUCCEEDED: "completed",
    GenerationState.FAILED: "failed",
    GenerationState.CANCELLED: "failed",
}
QUALITIES: Final = {"low": "low", "standard": "medium", "high": "high"}
NEARLY_DONE: Final = 95  # percent: only the end itself is 100
UNKNOWN_DATE: Final = 0  # vendors do not say when a model was made


def images_view(record: Record, take: Take, picture: Json) -> Json:
    """A picture that was made; `picture` has it as `b64_json` or as `url`."""
    generation = record.generation
    return {
        "created": _seconds(generation.completed_at),
        "data": [picture],
        "size": f"{take.width}x{take.height}",
        "quality": QUALITIES[generation.wish.quality],
        "output_format": take.media_type.removeprefix("image/"),
        "filmgate": _ours(generation, record.link),
    }


def video_view(generation: Generation, now: datetime, link: Link | None = None) -> Json:
    """A clip; `link` is who is at it now, where that is known."""
    used = link or _link_of(generation)
    failure = generation.failure
    return {
        "id": generation.id,
        "object": "video",
        "model": used.model,
        "status": STATUS[generation.state],
        "progress": _progress(generation, used, now),
        "created_at": _seconds(generation.created_at),
        "completed_at": _seconds(generation.completed_at),
        "expires_at": None,
        "prompt": generation.wish.prompt,
        "seconds": str(generation.wish.seconds),
        "size": f"{used.width}x{used.height}",
        "remixed_from_video_id": None,
        "error": None if failure is None else _failure(failure.code, failure.message),
        "filmgate": _ours(generation, used),
    }


def videos_view(found: Sequence[Generation], *, has_more: bool, now: datetime) -> Json:
    return {
        "object": "list",
        "data": [video_view(generation, now) for generation in found],
        "first_id": found[0].id if found else None,
        "last_id": found[-1].id if found else None,
        "has_more": has_more,
    }


def deleted_view(video_id: str) -> Json:
    return {"id": video_id, "object": "video.deleted", "deleted": True}


def model_view(model: Model) -> Json:
    shown: Json = {
        "id": model.id, "object": "model", "created": UNKNOWN_DATE, "owned_by": model.owner,
    }  # fmt: skip
    if model.ends_on is not None:
        shown["shutdown_date"] = model.ends_on.isoformat()
    return shown


def models_view(models: Sequence[Model]) -> Json:
    return {"object": "list", "data": [model_view(model) for model in models]}


def told_headers(record: Record) -> dict[str, str]:
    """What a client learns that looks at no body: the generation, who makes it, what it costs."""
    generation = record.generation
    headers = {
        "x-filmgate-generation-id": generation.id,
        "x-filmgate-provider": generation.provider or record.link.provider,
        "x-filmgate-estimated-cost": format_usd(generation.expected),
    }
    if generation.actual_micros is not None:
        headers["x-filmgate-cost"] = format_usd(generation.actual_micros)
    return headers


def _ours(generation: Generation, link: Link) -> Json:
    return {
        "generation_id": generation.id,
        "provider": generation.provider or link.provider,
        "model": link.model,
        "estimated_cost": format_usd(generation.expected),
        "cost": optional_usd(generation.actual_micros),
        "warnings": list(generation.warnings),
    }


def _link_of(generation: Generation) -> Link:
    """Who made it, or who is asked first."""
    made = (link for link in generation.chain if link.provider == generation.provider)
    return next(made, generation.chain[0])


def _failure(code: str, message: str) -> Json:
    known = {"content-refused": "moderation_blocked"}
    return {"code": known.get(code, code.replace("-", "_")), "message": message}


def _progress(generation: Generation, link: Link, now: datetime) -> int:
    """A guess, by how long it usually takes."""
    if generation.state is GenerationState.SUCCEEDED:
        return 100
    if generation.is_terminal or generation.state is GenerationState.QUEUED:
        return 0
    elapsed_s = int((now - generation.created_at).total_seconds())
    return min(NEARLY_DONE, 100 * elapsed_s // max(1, link.expected_s))


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())
