"""Bodies that are forms, where they differ from the same in JSON."""

from typing import Annotated

from pydantic import Field, WithJsonSchema

from filmgate.openai_bodies import ReferenceBody, VideoBody
from filmgate.schemas import Label


class VideoForm(VideoBody):
    """A body of POST /v1/videos as a form: numbers are digits, and the picture is a file."""

    tags: list[Label] = Field(default=[], max_length=19, alias="tags[]")
    input_reference: Annotated[
        ReferenceBody | None, WithJsonSchema({"type": "string", "format": "binary"})
    ] = None
