"""What OpenAI's clients ask for, in our words. Each of their fields is mapped or refused, none is
dropped; beside them a body may have our own: `cost_limit`, `project`, `strategy` and so on.

Their fields and defaults were read 2026-11 in the `openai` package 3.54.0.
"""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from filmgate.domain.catalogue import Catalogue, Frame
from filmgate.domain.chain import OnRefusal, OnUnknown
from filmgate.domain.errors import ValidationFailed
from filmgate.domain.money import parse_usd
from filmgate.domain.strategies import Strategy
from filmgate.domain.wishes import DEFAULT_QUALITY, Media, Wish, is_link
from filmgate.schemas import (
    LARGEST_SHOT_NUMBER,
    Address,
    Label,
    Motion,
    Prompt,
    StillId,
    Usd,
    _Body,
)
from filmgate.usecases.models import Choice
from filmgate.usecases.request import Request

LARGEST_BODY: Final = 6_000_000
"""What Lambda takes; a picture in a form is a quarter smaller, since forms arrive as base64."""

QUALITIES: Final = {
    "auto": DEFAULT_QUALITY, "standard": "standard", "medium": "standard", "low": "low",
    "high": "high", "hd": "high",
}  # fmt: skip
OPENAI_SIZE: Final = "720x1280"
OPENAI_SECONDS: Final = 4
_DATA_URL: Final = re.compile(r"data:image/[a-z+.-]+;base64,")


def _number(value: Any) -> Any:
    """A whole number that came as text, which is all that a form has."""
    short = isinstance(value, str) and len(value) < 12
    return int(value) if short and value.isascii() and value.isdigit() else value


def _only(*allowed: Any, why: str) -> AfterValidator:
    """Lets these values through, and none at all; the others are refused with the reason."""

    def check(value: Any) -> Any:
        if value is not None and value not in allowed:
            raise PydanticCustomError("not_possible", "cannot be this: {why}", {"why": why})
        return value

    return AfterValidator(check)


Size = Annotated[str, Field(pattern=r"^(auto|[0-9]{2,5}x[0-9]{2,5})$")]
Whole = BeforeValidator(_number, json_schema_input_type=int | str)


class _Extras(_Body):
    """What is ours in a body of theirs."""

    prompt: Prompt
    model: Label | None = None
    user: Annotated[str, Field(min_length=1, max_length=120)] | None = None
    negative_prompt: Prompt | None = None
    strategy: Strategy | None = Field(default=None, strict=False)
    cost_limit: Usd | None = None
    project: Label | None = None
    script_id: Label | None = None
    shot_number: Annotated[int, Field(ge=0, le=LARGEST_SHOT_NUMBER), Whole] | None = None
    tags: list[Label] = Field(default=[], max_length=19)  # and one for `user`
    seed: Annotated[int, Field(ge=0, le=2_147_483_647), Whole] | None = None
    on_refusal: OnRefusal | None = Field(default=None, strict=False)
    on_unknown: OnUnknown | None = Field(default=None, strict=False)
    webhook_url: Address | None = None

    def _request(self, wish: Wish, choice: Choice, end_user: str | None) -> Request:
        """Raises ValidationFailed where the model is one strategy and `strategy` another."""
        if choice.strategy not in (None, self.strategy) and self.strategy is not None:
            raise ValidationFailed([("/strategy", "is another than the model asks for")])
        return Request(
            wish=wish,
            provider=choice.provider,
            model=choice.model,
            strategy=choice.strategy or self.strategy or Strategy.PRIORITY,
            cost_limit=None if self.cost_limit is None else parse_usd(self.cost_limit),
            on_refusal=self.on_refusal,
            on_unknown=self.on_unknown,
            project=self.project,
            script_id=self.script_id,
            shot_number=self.shot_number,
            # Whom their field names has no place of its own with us or with a provider.
            tags=(*self.tags, *([f"user:{end_user}"] if end_user else ())),
            webhook_url=self.webhook_url,
        )


class ImageBody(_Extras):
    """A body of POST /v1/images/generations."""

    n: Annotated[int | None, _only(1, why="one request makes one picture")] = None
    size: Size | None = None
    quality: Literal["auto", "low", "medium", "high", "standard", "hd"] | None = None
    response_format: Literal["b64_json", "url"] | None = None
    style: Label | None = None
    output_format: Annotated[
        str | None, _only("png", why="pictures come as their provider makes them")
    ] = None
    output_compression: Annotated[int | None, _only(100, why="nothing is compressed")] = None
    background: Annotated[str | None, _only("auto", why="no provider is told of it")] = None
    moderation: Annotated[str | None, _only("auto", why="each provider has its own")] = None
    stream: Annotated[bool | None, _only(False, why="pictures come as a whole")] = None
    partial_images: Annotated[int | None, _only(0, why="pictures come as a whole")] = None
    safety_identifier: Annotated[str, Field(min_length=1, max_length=120)] | None = None

    def request(self, choice: Choice, catalogue: Catalogue) -> Request:
        """In our words; raises ValidationFailed for a size that nobody makes."""
        wish = Wish(
            type=Media.IMAGE,
            prompt=self.prompt,
            negative_prompt=self.negative_prompt,
            resolution=self._resolution(choice, catalogue),
            quality=QUALITIES[self.quality or "auto"],
            style=self.style,
            seed=self.seed,
        )
        return self._request(wish, choice, self.safety_identifier or self.user)

    def _resolution(self, choice: Choice, catalogue: Catalogue) -> str | None:
        if self.size in (None, "auto"):
            return None
        known = {frame.resolution for frame in _frames(Media.IMAGE, choice, catalogue)}
        if self.size not in known:
            raise ValidationFailed([("/size", f"is none of {_listed(known)}")])
        return self.size


class ReferenceBody(_Body):
    """A picture that is named instead of sent: a take or an upload of ours, a data: URL, or an
    https link."""

    file_id: StillId | None = None
    image_url: str | None = None

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        if (self.file_id is None) is (self.image_url is None):
            raise PydanticCustomError("one_of", "takes either file_id or image_url")
        return self

    @property
    def named(self) -> str | None:
        """The id of a still of ours, or the link to one of another; None for a data: URL."""
        linked = self.image_url is not None and is_link(self.image_url)
        return self.image_url if linked else self.file_id

    def data(self) -> bytes | None:
        """The bytes of a data: URL; None where a picture is named.

        Raises ValidationFailed for what is neither.
        """
        if self.image_url is None or self.named is not None:
            return None
        head = _DATA_URL.match(self.image_url)
        try:
            if head is not None:
                return b64decode(self.image_url[head.end() :], validate=True)
        except NotBase64:
            pass
        told = (
            "must be a data: URL of a picture in base64 or an https link; "
            "or send the picture as a file"
        )
        raise ValidationFailed([("/input_reference/image_url", told)])


class VideoBody(_Extras):
    """A body of POST /v1/videos. What it does not say is as OpenAI has it: 4 s, upright."""

    seconds: Annotated[int, Field(ge=1, le=60), Whole] = OPENAI_SECONDS
    size: Annotated[str, Field(pattern=r"^[0-9]{2,5}x[0-9]{2,5}$")] = OPENAI_SIZE
    input_reference: ReferenceBody | None = None
    motion: Motion | None = None

    def request(self, choice: Choice, catalogue: Catalogue, image: str | None) -> Request:
        """In our words, from this still; raises ValidationFailed for a size that nobody makes."""
        frame = self._frame(choice, catalogue)
        wish = Wish(
            type=Media.VIDEO,
            prompt=self.prompt,
            negative_prompt=self.negative_prompt,
            resolution=frame.resolution,
            aspect_ratio=frame.aspect_ratio,
            duration_s=self.seconds,
            seed=self.seed,
            image=image,
            motion=self.motion,
        )
        return self._request(wish, choice, self.user)

    def _frame(self, choice: Choice, catalogue: Catalogue) -> Frame:
        """The one frame of this size. Our words for it must mean this size with everybody who may
        be asked: a size that is another's with another provider is none that could be promised."""
        frames = _frames(Media.VIDEO, choice, catalogue)
        sizes: dict[tuple[str, str], set[str]] = {}
        for frame in frames:
            words = (frame.resolution, frame.aspect_ratio)
            sizes.setdefault(words, set()).add(f"{frame.width}x{frame.height}")
        exact = {
            f"{frame.width}x{frame.height}": frame
            for frame in frames
            if len(sizes[frame.resolution, frame.aspect_ratio]) == 1
        }
        if self.size not in exact:
            raise ValidationFailed([("/size", f"is none of {_listed(exact)}")])
        return exact[self.size]


def _frames(media: Media, choice: Choice, catalogue: Catalogue) -> list[Frame]:
    """Every frame of whoever may be asked."""
    named = catalogue.find(choice.provider)
    return [
        frame
        for provider in ([named] if named else catalogue.of(media))
        for offer in provider.offers
        if choice.model in (None, offer.model)
        for frame in offer.frames
    ]


def _listed(sizes: Iterable[str]) -> str:
    """Small ones first."""
    return ", ".join(sorted(sizes, key=lambda size: [int(side) for side in size.split("x")]))
