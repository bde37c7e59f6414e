"""Uploads: the form to send a file with, and what became of the file."""

from pydantic import ConfigDict

from filmgate.domain.uploads import UploadState
from openapi.answers.base import GenerationId, Link, Moment, Shown, StoryboardId, UploadId


class UploadForm(Shown):
    """Where to post the file: the fields first, then the file, as multipart/form-data."""

    upload_id: UploadId
    url: Link
    fields: dict[str, str]
    key: str
    expires_at: Moment


class UploadedImage(Shown):
    media_type: str
    width: int
    height: int
    size_bytes: int
    sha256: str


class Rejection(Shown):
    """Why a file cannot be used, with the facts that the API's own refusal would have."""

    code: str
    message: str

    model_config = ConfigDict(extra="allow")


class Upload(Shown):
    """An upload as it now is."""

    id: UploadId
    state: UploadState
    filename: str
    content_type: str | None
    size_bytes: int | None
    image: UploadedImage | None
    generation_id: GenerationId | None
    """The clip that the image became."""
    storyboard_id: StoryboardId | None
    """The storyboard that the file became."""
    rejection: Rejection | None
    created_at: Moment
