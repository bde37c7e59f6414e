"""Uploaded files as requests: what is wished of an image, and the shot list in a batch file.

Wishes are one flat JSON object: ClipWishes of an image, HeadWishes of a batch file. They come from
the request that asked for the upload; of a file that was put straight into the bucket, from its
metadata (`x-amz-meta-duration-s: 4`), and of an image also from the sidecar beside it
(`rooftop.png.json`). Where both say the same thing the metadata hold. Metadata with other names
than these fields belong to the tool that put the file, and are passed over.
"""

import re
from collections.abc import Iterable, Mapping
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import BaseModel, Field, StringConstraints, ValidationError, model_validator

from filmgate import batch_files
from filmgate.adapters.strict_json import UnreadableJson, loads
from filmgate.domain.errors import CallerError, ValidationFailed
from filmgate.domain.storyboard import Continuity, Storyboard
from filmgate.domain.strategies import Strategy
from filmgate.domain.uploads import (
    LARGEST_BATCH,
    LARGEST_IMAGE,
    LARGEST_SIDECAR,
    NOTHING,
    FileKind,
    kind_of,
)
from filmgate.schemas import (
    GenerationBody,
    Label,
    Motion,
    Prompt,
    Ratio,
    Resolution,
    StoryboardHeadBody,
    Title,
    Usd,
    _Body,
    at_field,
    faults_of,
)
from filmgate.usecases.request import Request
from filmgate.usecases.uploads import Wanted

DEFAULT_PROVIDER: Final = "flow"
DEFAULT_PROMPT: Final = "A shot that begins with this picture"
_WHOLE: Final = re.compile(r"[0-9]{1,9}")
_WORDS: Final = re.compile(r"[^\W_]+")
_PARAMS: Final = ("resolution", "aspect_ratio", "duration_s", "fps", "motion")
W = TypeVar("W", bound=BaseModel)

ContentType = Literal[
    "image/png", "image/jpeg", "image/webp", "application/json", "application/x-ndjson",
    "application/jsonl", "text/csv",
]  # fmt: skip
_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "png": ("image/png",),
    "jpg": ("image/jpeg",),
    "jpeg": ("image/jpeg",),
    "webp": ("image/webp",),
    "json": ("application/json",),
    "jsonl": ("application/x-ndjson", "application/jsonl"),
    "csv": ("text/csv",),
}


class ClipWishes(_Body):
    """What clip an image shall become; nothing said is a camera move of ours, five seconds long."""

    provider: Label = DEFAULT_PROVIDER
    prompt: Prompt | None = None
    negative_prompt: Prompt | None = None
    motion: Motion | None = None
    duration_s: Annotated[int, Field(ge=1, le=60)] | None = None
    resolution: Resolution | None = None
    aspect_ratio: Ratio | None = None
    fps: Literal[24, 25, 30, 60] | None = None
    strategy: Strategy = Field(default=Strategy.PRIORITY, strict=False)
    cost_limit: Usd | None = None
    project: Label | None = None

    def request(self, image: str, *, filename: str) -> Request:
        """The clip that starts from this image. Without a prompt it is what its file is called."""
        said: dict[str, Any] = {"prompt": prompt_of(filename)}
        said.update(self.model_dump(exclude_none=True))
        params = {name: said.pop(name) for name in _PARAMS if name in said}
        clip: dict[str, Any] = {**said, "type": "video", "params": {**params, "image": image}}
        return GenerationBody.model_validate(clip).request()


class HeadWishes(_Body):
    """What a batch file cannot say itself: a CSV nothing of it, JSON Lines in a first line."""

    title: Title | None = None
    project: Label | None = None
    strategy: Strategy = Field(default=Strategy.PRIORITY, strict=False)
    budget: Usd | None = None
    continuity: Continuity = Field(default=Continuity.FOLLOW, strict=False)

    def head(self) -> StoryboardHeadBody:
        said = {name: getattr(self, name) for name in self.model_fields_set}
        return StoryboardHeadBody.model_validate(said)


class UploadBody(_Body):
    """An upload to come: its name, its type, its exact size, and what shall be made of it.

    `clip` is for images; null means that the image is only kept, for params.image. `storyboard` is
    for CSV and JSON Lines.
    """

    filename: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    content_type: ContentType
    size_bytes: Annotated[int, Field(ge=1, le=LARGEST_IMAGE)]
    clip: ClipWishes | None = ClipWishes()
    storyboard: HeadWishes | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        extension = self.extension
        if self.kind is None or self.content_type not in _TYPES[extension]:
            told = "must end as the content_type says, such as .png for image/png"
            raise at_field("filename", told)
        if self.kind is FileKind.SIDECAR:
            raise at_field("filename", "is that of a sidecar; say its wishes in clip")
        if self.kind is FileKind.BATCH and self.size_bytes > LARGEST_BATCH:
            raise at_field("size_bytes", f"must be at most {LARGEST_BATCH} for a batch file")
        if "clip" in self.model_fields_set and self.kind is not FileKind.IMAGE:
            raise at_field("clip", "is for images only")
        if self.storyboard is not None and extension not in ("csv", "jsonl"):
            raise at_field("storyboard", "is for CSV and JSON Lines only")
        return self

    @property
    def extension(self) -> str:
        return self.filename.rpartition(".")[2].lower()

    @property
    def kind(self) -> FileKind | None:
        return kind_of(self.filename)

    def wanted(self) -> Wanted:
        said = self.clip if self.kind is FileKind.IMAGE else self.storyboard or HeadWishes()
        return Wanted(
            self.filename,
            self.content_type,
            self.size_bytes,
            NOTHING if said is None else said.model_dump_json(exclude_unset=True),
        )


# --- reading files -----------------------------------------------------------------------------


def clip_request(
    wishes: str, *, metadata: Mapping[str, str], sidecar: bytes | None, image: str, filename: str
) -> Request:
    """The clip that an image shall become; raises WishesUnreadable or
    ValidationFailed for wishes that cannot be read."""
    said: dict[str, Any] = _object(wishes.encode(), "what was asked for")
    if sidecar is not None:
        said |= _object(sidecar, f"the sidecar {filename}.json")
    said |= _said_in(metadata, ClipWishes)
    try:
        return _checked(ClipWishes, said).request(image, filename=filename)
    except ValidationError as error:
        raise ValidationFailed(_faults(error)) from None


def storyboard(
    chunks: Iterable[bytes], *, filename: str, wishes: str, metadata: Mapping[str, str]
) -> Storyboard:
    """The storyboard in a batch file; raises BatchRefused, or ValidationFailed for its head."""
    kind = batch_files.kind_of(filename)
    if kind is None:
        raise ValueError(f"{filename} is no batch file")
    said = _object(wishes.encode(), "what was asked for") | _said_in(metadata, HeadWishes)
    return batch_files.read_batch(chunks, kind=kind, head=_checked(HeadWishes, said).head())


def prompt_of(filename: str) -> str:
    """The words of a file's name: "harbour-at_night.png" is "harbour at night"."""
    words = _WORDS.findall(filename.rpartition(".")[0])
    named = any(len(word) > 2 and not any(sign.isdigit() for sign in word) for word in words)
    return " ".join(words)[:500] if named else DEFAULT_PROMPT


class WishesUnreadable(CallerError):
    """What is wished of an image is no JSON object."""

    code, status, title = "validation-failed", 422, "The wishes cannot be read"


def _object(data: bytes, what: str) -> dict[str, Any]:
    try:
        value = loads(data.removeprefix(b"\xef\xbb\xbf"), max_bytes=LARGEST_SIDECAR, max_depth=4)
    except UnreadableJson as error:
        places = [{"line": error.line, "column": error.column, "message": f"is {error.reason}"}]
        where = f" in line {error.line}, character {error.column}," if error.line else ""
        raise WishesUnreadable(
            f"{what[:1].upper()}{what[1:]} cannot be read as JSON:{where} it is {error.reason}.",
            errors=places,
        ) from None
    if not isinstance(value, dict):
        raise WishesUnreadable(f"{what[:1].upper()}{what[1:]} must be one JSON object.")
    return dict(value)


def _said_in(metadata: Mapping[str, str], model: type[BaseModel]) -> dict[str, Any]:
    """The metadata that name a field of the model, as the JSON would say them."""
    found: dict[str, Any] = {}
    for name, text in metadata.items():
        field = name.replace("-", "_")
        if field in model.model_fields:
            plain = _decoded(text)
            whole = field in ("duration_s", "fps") and _WHOLE.fullmatch(plain)
            found[field] = int(plain) if whole else plain
    return found


def _decoded(text: str) -> str:
    """Metadata are ASCII in a header; S3 gives what is beyond it encoded as mail has it."""
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, LookupError, UnicodeDecodeError, ValueError):
        return text


def _checked(model: type[W], said: Mapping[str, Any]) -> W:
    try:
        return model.model_validate(said)
    except ValidationError as error:
        raise ValidationFailed(_faults(error)) from None


def _faults(error: ValidationError) -> list[tuple[str, str]]:
    return faults_of(list(error.errors(include_url=False, include_input=False)))
