"""What clients of OpenAI get: its objects, each with what only we know, and its envelope of errors.

Their names are theirs; times are seconds since 1970.
"""

from typing import Literal

from openapi.answers.base import (
    Amount,
    Count,
    Day,
    GenerationId,
    Link,
    Percent,
    Shown,
    left_out,
)


class OpenAIFault(Shown):
    """`type` and `code` are stable; `param` names the field that is wrong."""

    message: str
    type: str
    param: str | None
    code: str


class OpenAIError(Shown):
    """The envelope that OpenAI's libraries read."""

    error: OpenAIFault


class Filmgate(Shown):
    """What only this gateway knows of it; `cost` is null until something was settled."""

    generation_id: GenerationId
    provider: str
    model: str
    estimated_cost: Amount
    cost: Amount | None
    warnings: list[str]


class Picture(Shown):
    """One of both, by `response_format`."""

    b64_json: str = left_out()
    url: Link = left_out()


class Pictures(Shown):
    """The one picture that was made."""

    created: Count
    data: list[Picture]
    size: str
    quality: Literal["low", "medium", "high"]
    output_format: str
    filmgate: Filmgate


class VideoFailure(Shown):
    code: str
    message: str


class Video(Shown):
    """A clip as it now is; `progress` is a guess until it is 100."""

    id: GenerationId
    object: Literal["video"]
    model: str
    status: Literal["queued", "in_progress", "completed", "failed"]
    progress: Percent
    created_at: Count
    completed_at: Count | None
    expires_at: None
    prompt: str
    seconds: str
    size: str
    remixed_from_video_id: None
    error: VideoFailure | None
    filmgate: Filmgate


class Videos(Shown):
    """A page of clips; `last_id` is the `after` of the next one."""

    object: Literal["list"]
    data: list[Video]
    first_id: GenerationId | None
    last_id: GenerationId | None
    has_more: bool


class DeletedVideo(Shown):
    id: GenerationId
    object: Literal["video.deleted"]
    deleted: Literal[True]


class Model(Shown):
    """What can be asked for by this name; nobody knows when it was made."""

    id: str
    object: Literal["model"]
    created: Literal[0]
    owned_by: str
    shutdown_date: Day = left_out()
    """When its vendor ends it."""


class Models(Shown):
    object: Literal["list"]
    data: list[Model]
