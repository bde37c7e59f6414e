"""The bodies that callers send, checked once, here. Unknown fields are refused.

An amount is a decimal string such as "0.0400": JSON numbers are floats in too many clients.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from filmgate.domain.chain import OnRefusal, OnUnknown
from filmgate.domain.errors import ValidationFailed
from filmgate.domain.money import Micros, parse_usd
from filmgate.domain.optimise import Goal
from filmgate.domain.storyboard import FROM_KEYFRAME, Continuity, Part, Shot, Storyboard
from filmgate.domain.strategies import Role, Strategy
from filmgate.domain.wishes import AUTO, Media, Wish, is_link
from filmgate.usecases.estimate_storyboard import Aim
from filmgate.usecases.provider_keys import Key
from filmgate.usecases.request import Request
from filmgate.usecases.tokens import Grant

LARGEST_PROMPT = 100_000
LARGEST_STORYBOARD = 1_000  # shots
LARGEST_SHOT_NUMBER = 1_000_000
LARGEST_PROMPT_BYTES = 150_000  # a generation and its prompts share one item of at most 400 KB

Motion = Literal["push_in", "pull_out", "pan_left", "pan_right", "tilt_up", "tilt_down"]


def _amount(text: str) -> str:
    try:
        parse_usd(text)
    except ValueError:
        raise PydanticCustomError(
            "amount", 'must be a decimal string with at most four places, such as "0.0400"'
        ) from None
    return text


def _prompt_text(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "must not be blank")
    if len(text.encode()) > LARGEST_PROMPT_BYTES:
        raise PydanticCustomError("too_long", f"must have at most {LARGEST_PROMPT_BYTES} bytes")
    return text


STILL_ID = r"^(take_[a-z2-7]{26}[0-9]{2}|upl_[a-z2-7]{26})$"
STILL = rf"{STILL_ID}|^https?://[!-~]+$"


def _still_id(text: str) -> str:
    if re.fullmatch(STILL_ID, text) is None:
        raise PydanticCustomError(
            "still_id", "must be the id of a take or of an uploaded image (POST /v1/uploads)"
        )
    return text


def _still(text: str) -> str:
    if re.fullmatch(STILL, text) is None:
        raise PydanticCustomError(
            "still",
            "must be the id of a take or of an uploaded image (POST /v1/uploads), "
            "or an https link to an image",
        )
    return text


Usd = Annotated[
    str,
    StringConstraints(max_length=16),
    AfterValidator(_amount),
    Field(json_schema_extra={"pattern": r"^[0-9]{1,9}(\.[0-9]{1,6})?$", "examples": ["0.0400"]}),
]
Prompt = Annotated[
    str, StringConstraints(min_length=1, max_length=LARGEST_PROMPT), AfterValidator(_prompt_text)
]
Label = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Address = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Resolution = Annotated[
    str, StringConstraints(pattern=r"^([0-9]{2,4}x[0-9]{2,4}|[0-9]{3,4}[pP]|4[kK])$")
]
StillId = Annotated[
    str,
    StringConstraints(max_length=2048),
    AfterValidator(_still_id),
    WithJsonSchema({"type": "string", "pattern": STILL_ID}),
]
Still = Annotated[
    str,
    StringConstraints(max_length=2048),
    AfterValidator(_still),
    WithJsonSchema({"type": "string", "pattern": STILL, "maxLength": 2048}),
]
Ratio = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,2}:[0-9]{1,2}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Params(_Body):
    """What the picture or clip should be like; what is not said is the provider's to choose."""

    resolution: Resolution | None = None
    aspect_ratio: Ratio | None = None
    quality: Literal["low", "standard", "high"] = "standard"
    style: Label | None = None
    duration_s: Annotated[int, Field(ge=1, le=60)] | None = None
    fps: Literal[24, 25, 30, 60] | None = None
    seed: Annotated[int, Field(ge=0, le=2_147_483_647)] | None = None
    count: Annotated[int, Field(ge=1, le=1)] = 1
    image: Still | None = None
    motion: Motion | None = None


class WishBody(_Body):
    """The part that says what to make; estimates/compare takes just this."""

    type: Media = Field(strict=False)
    prompt: Prompt
    negative_prompt: Prompt | None = None
    params: Params = Params()

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        if self.type is Media.IMAGE:
            _refuse_for_images(self.params)
        return self

    def wish(self) -> Wish:
        return _wish(self.type, self.prompt, self.negative_prompt, self.params)


class EstimateBody(WishBody):
    """A wish with how its chain is chosen."""

    provider: Label = AUTO
    strategy: Strategy = Field(default=Strategy.PRIORITY, strict=False)
    cost_limit: Usd | None = None
    on_refusal: OnRefusal | None = Field(default=None, strict=False)
    on_unknown: OnUnknown | None = Field(default=None, strict=False)

    def request(self) -> Request:
        return Request(
            wish=self.wish(),
            provider=self.provider,
            strategy=self.strategy,
            cost_limit=None if self.cost_limit is None else parse_usd(self.cost_limit),
            on_refusal=self.on_refusal,
            on_unknown=self.on_unknown,
        )


class GenerationBody(EstimateBody):
    """A request to make one image or clip, with what it belongs to.

    With the `quote_id` of an estimate of the same request it costs that quote's `max` at most.
    """

    project: Label | None = None
    script_id: Label | None = None
    shot_number: Annotated[int, Field(ge=0, le=LARGEST_SHOT_NUMBER)] | None = None
    tags: Annotated[list[Label], Field(max_length=20)] = []
    webhook_url: Address | None = None
    quote_id: Label | None = None

    def request(self) -> Request:
        return replace(
            super().request(),
            project=self.project,
            script_id=self.script_id,
            shot_number=self.shot_number,
            tags=tuple(self.tags),
            webhook_url=self.webhook_url,
        )

    def canonical_hash(self) -> str:
        """The same for every spelling of the same request: it is the request that is hashed."""
        return hash_of(self.request(), self.quote_id)


def hash_of(request: Request, quote_id: str | None = None) -> str:
    """By what a repeat of a request is known."""
    return hashlib.sha256(f"{request!r}{quote_id or ''}".encode()).hexdigest()


def at_field(field: str, message: str) -> PydanticCustomError:
    """A fault that is found at the whole object and told of one field of it."""
    return PydanticCustomError("at_field", "{message}", {"field": field, "message": message})


def _refuse_for_images(params: Params) -> None:
    for name in ("duration_s", "fps", "image", "motion"):
        if getattr(params, name) is not None:
            raise PydanticCustomError(
                "only_for_clips", "{field} is for clips only", {"field": f"params.{name}"}
            )


class PartBody(_Body):
    """One part of a shot: who makes it, and where it differs from the shot's own words."""

    provider: Label = AUTO
    prompt: Prompt | None = None
    negative_prompt: Prompt | None = None
    params: Params = Params()

    @model_validator(mode="after")
    def _links_to_nothing(self) -> Self:
        if self.params.image is not None and is_link(self.params.image):
            told = "must be an id here: upload the image first (POST /v1/uploads)"
            raise at_field("params.image", told)
        return self

    def over(self, defaults: Self) -> Self:
        """This part with the defaults where it says nothing, field by field and param by param."""
        said = {name: getattr(self, name) for name in self.model_fields_set}
        params = self.params.model_dump(exclude_unset=True)
        return defaults.model_copy(
            update=said | {"params": defaults.params.model_copy(update=params)}
        )


class StillBody(PartBody):
    """A keyframe or a variation of it."""

    @model_validator(mode="after")
    def _is_a_still(self) -> Self:
        _refuse_for_images(self.params)
        return self


class DefaultsBody(_Body):
    """What holds for every shot that does not say otherwise."""

    keyframe: StillBody = StillBody()
    variation: StillBody | None = None
    clip: PartBody | None = None


class ShotBody(_Body):
    """A shot. A part that is not said is the defaults'; null means that it is not wanted.

    Without a word of it there is a keyframe, and neither variation nor clip. A clip starts from the
    keyframe, unless it names a still of its own or there is no keyframe.
    """

    prompt: Prompt
    number: Annotated[int, Field(ge=0, le=LARGEST_SHOT_NUMBER)] | None = None
    negative_prompt: Prompt | None = None
    scene: Label | None = None
    characters: Annotated[list[Label], Field(max_length=20)] = []
    strategy: Strategy | None = Field(default=None, strict=False)
    keyframe: StillBody | None = StillBody()
    variation: StillBody | None = None
    clip: PartBody | None = None

    def shot(self, defaults: DefaultsBody, place: int) -> Shot:
        """The shot under these defaults; `place` counts from 1 and numbers it if nothing else does.

        Raises ValidationFailed, pointing from the shot, for one that would make nothing.
        """
        said = {role: self._part(role, defaults) for role in Role}
        parts = tuple(
            self._made(role, body, from_keyframe=said[Role.KEYFRAME] is not None)
            for role, body in said.items()
            if body is not None
        )
        if not parts:
            raise ValidationFailed(
                [("/keyframe", "a shot without keyframe and clip makes nothing")]
            )
        if said[Role.VARIATION] is not None and said[Role.KEYFRAME] is None:
            raise ValidationFailed([("/variation", "there is no keyframe to vary")])
        return Shot(
            number=place if self.number is None else self.number,
            prompt=self.prompt,
            parts=parts,
            negative_prompt=self.negative_prompt,
            scene=self.scene,
            characters=tuple(self.characters),
            strategy=self.strategy,
        )

    def _part(self, role: Role, defaults: DefaultsBody) -> PartBody | None:
        own: PartBody | None = getattr(self, role)
        default: PartBody | None = getattr(defaults, role)
        if role not in self.model_fields_set:
            return default
        return own if own is None or default is None else own.over(default)

    def _made(self, role: Role, body: PartBody, *, from_keyframe: bool) -> Part:
        wish = _wish(
            role.media,
            body.prompt or self.prompt,
            body.negative_prompt or self.negative_prompt,
            body.params,
        )
        if role is Role.CLIP and from_keyframe and wish.image is None:
            wish = replace(wish, image=FROM_KEYFRAME)
        return Part(role, wish, body.provider)


class StoryboardHeadBody(_Body):
    """What is said once, of the storyboard as a whole."""

    title: Title | None = None
    project: Label | None = None
    strategy: Strategy = Field(default=Strategy.PRIORITY, strict=False)
    budget: Usd | None = None
    on_refusal: OnRefusal | None = Field(default=None, strict=False)
    on_unknown: OnUnknown | None = Field(default=None, strict=False)
    continuity: Continuity = Field(default=Continuity.FOLLOW, strict=False)
    webhook_url: Address | None = None
    defaults: DefaultsBody = DefaultsBody()

    def headed(self, shots: Iterable[Shot]) -> Storyboard:
        """These shots as a storyboard under this head."""
        return Storyboard(
            shots=tuple(shots),
            title=self.title,
            project=self.project,
            strategy=self.strategy,
            budget=None if self.budget is None else parse_usd(self.budget),
            on_refusal=self.on_refusal,
            on_unknown=self.on_unknown,
            continuity=self.continuity,
            webhook_url=self.webhook_url,
        )


class StoryboardBody(StoryboardHeadBody):
    """A whole storyboard; shots without a number are numbered by their place."""

    shots: Annotated[list[ShotBody], Field(min_length=1, max_length=LARGEST_STORYBOARD)]

    def storyboard(self) -> Storyboard:
        """The storyboard with its defaults merged into every shot.

        Raises ValidationFailed for shots that make nothing and numbers that come twice.
        """
        shots: list[Shot] = []
        faults: list[tuple[str, str]] = []
        places: dict[int, int] = {}
        for index, body in enumerate(self.shots):
            try:
                shot = body.shot(self.defaults, index + 1)
            except ValidationFailed as refused:
                faults += [(f"/shots/{index}{where}", why) for where, why in refused.faults]
                continue
            first = places.setdefault(shot.number, index + 1)
            if first != index + 1:
                told = f"the number {shot.number} is that of the shot in place {first} already"
                faults.append((f"/shots/{index}/number", told))
            shots.append(shot)
        if faults:
            raise ValidationFailed(faults)
        return self.headed(shots)


class StoryboardStartBody(StoryboardBody):
    """A storyboard to be made; with the `quote_id` of an estimate of the same storyboard it costs
    that quote's `max` at most, its resumes included."""

    quote_id: Label | None = None


class RetryBody(_Body):
    """A retry says nothing: the request is the one that was made before."""


class ResumeBody(_Body):
    """A resume; `approve` lets shots that belong together go on with another provider."""

    approve: bool = False


class OptimiseBody(_Body):
    """What to choose providers for; without a budget the storyboard's own holds, if it has one."""

    goal: Goal = Field(default=Goal.QUALITY, strict=False)
    budget: Usd | None = None
    quality_floor: Label | None = None

    def aim(self) -> Aim:
        budget = None if self.budget is None else parse_usd(self.budget)
        return Aim(self.goal, budget, self.quality_floor)


class StoryboardEstimateBody(StoryboardBody):
    """A storyboard to be priced, and perhaps to be optimised."""

    optimise: OptimiseBody | None = None

    def aim(self) -> Aim | None:
        return None if self.optimise is None else self.optimise.aim()


class BudgetBody(_Body):
    """A monthly limit and the percentages of it at which the owner is told."""

    limit: Usd | None
    alert_at: Annotated[list[Annotated[int, Field(ge=1, le=1000)]], Field(max_length=10)] = [
        80,
        100,
    ]

    def limit_micros(self) -> Micros | None:
        """None where a scope shall have no limit of its own any more."""
        return None if self.limit is None else parse_usd(self.limit)

    def alerts(self) -> tuple[int, ...]:
        return tuple(sorted(set(self.alert_at)))


class CorrectionBody(_Body):
    """What an attempt really cost, and how that is known."""

    actual_cost: Usd
    reason: Annotated[str, StringConstraints(min_length=3, max_length=500)]


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise PydanticCustomError(
            "moment", 'must be a time with its offset, such as "2027-01-31T12:00:00Z"'
        )
    return text


class TokenBody(_Body):
    """Whom a new token stands for, what it may do, and until when; no end means until revoked."""

    user: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$")]
    role: Literal["viewer", "creator", "admin"]
    expires_at: Annotated[str, StringConstraints(max_length=40), AfterValidator(_moment)] | None = (
        None
    )
    expires_in_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    note: Annotated[str, StringConstraints(max_length=200)] = ""

    def grant(self, now: datetime) -> Grant:
        """Raises ValidationFailed when an end is said twice."""
        ends = None if self.expires_at is None else datetime.fromisoformat(self.expires_at)
        if self.expires_in_days is not None:
            if ends is not None:
                raise ValidationFailed([("/expires_in_days", "say this or expires_at, not both")])
            ends = now + timedelta(days=self.expires_in_days)
        return Grant(self.user, self.role, ends and ends.astimezone(UTC), self.note)

    def canonical_hash(self) -> str:
        """The same for every spelling of the same request."""
        return hashlib.sha256(repr(self).encode()).hexdigest()


class SettingsBody(_Body):
    """Any part of a provider's settings; what is not said stays as it is."""

    enabled: bool = True
    priority: Annotated[int, Field(ge=1, le=1000)] = 1
    api_url: Address | None = None
    model: Label | None = None
    on_refusal: OnRefusal = Field(default=OnRefusal.NEXT, strict=False)
    on_unknown: OnUnknown = Field(default=OnUnknown.STOP, strict=False)
    monthly_limit: Usd | None = None

    def changes(self) -> dict[str, Any]:
        """The fields that were sent; null among them means "no longer set".

        The monthly limit is not among them: it is the limit of the provider's budget.
        """
        return self.model_dump(exclude_unset=True, exclude={"monthly_limit"})

    @property
    def sets_limit(self) -> bool:
        return "monthly_limit" in self.model_fields_set

    def limit_micros(self) -> Micros | None:
        return None if self.monthly_limit is None else parse_usd(self.monthly_limit)


class OrderBody(_Body):
    """The providers of a medium in the order in which they shall be tried."""

    type: Media = Field(strict=False)
    order: Annotated[list[Label], Field(max_length=100)]


def _key(value: Any) -> Key:
    """Told apart by hand: an error of a union would point into the key itself."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and all(isinstance(part, str) for part in value.values()):
        return value
    raise PydanticCustomError("key", "must be a text or an object of texts")


class KeyBody(_Body):
    """A provider's key. It is in no repr, so that no error of ours can show it."""

    key: Annotated[Any, PlainValidator(_key)] = Field(
        repr=False,
        json_schema_extra={
            "anyOf": [
                {"type": "string"},
                {"type": "object", "additionalProperties": {"type": "string"}},
            ]
        },
    )


def _wish(media: Media, prompt: str, negative_prompt: str | None, params: Params) -> Wish:
    said = params.model_dump(exclude={"count"}, exclude_none=True)
    if "resolution" in said:
        said["resolution"] = said["resolution"].lower()
    return Wish(type=media, prompt=prompt, negative_prompt=negative_prompt, **said)


UNKNOWN_FIELD = "is not a known field"
MISSING_FIELD = "is required"


def faults_of(errors: list[Any]) -> list[tuple[str, str]]:
    """Pydantic's errors as (JSON pointer, message); nothing of the input is repeated."""
    return [(_pointer(error), _message(error)) for error in errors]


def _pointer(error: Any) -> str:
    parts = error["loc"]
    if error["type"] in ("only_for_clips", "at_field"):  # raised for the object around the field
        parts = (*parts, *error["ctx"]["field"].split("."))
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in parts)
    return "".join(f"/{part}" for part in parts)


def _message(error: Any) -> str:
    match error["type"]:
        case "extra_forbidden":
            return UNKNOWN_FIELD
        case "missing":
            return MISSING_FIELD
        case "string_pattern_mismatch":
            return f"must match {error['ctx']['pattern']}"
    message: str = error["msg"]
    return message[:1].lower() + message[1:]
