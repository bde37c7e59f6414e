"""What providers sell: a provider has offers, an offer is one model with its limits.

The catalogue is data (providers/catalogue.toml); here are its shapes and the match between an
offer and a wish, which always gives a reason when they do not fit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from filmgate.domain.strategies import Role, Strategy
from filmgate.domain.wishes import (
    DEFAULT_IMAGE_RESOLUTION,
    DEFAULT_VIDEO_RESOLUTION,
    Media,
    Wish,
)

MIDDLE_RANK: Final = 50


class Sound(StrEnum):
    """Whether a clip comes with a sound track, as it is ordered."""

    OFF = "off"
    ON = "on"


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture's size in pixels, with the words that stand for it in a request."""

    resolution: str
    aspect_ratio: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Offer:
    """One model of a provider. `frames` lists every size it makes, cheapest words first.

    `quality_rank` is 1 to 100, higher is better; it compares offers of one medium and only orders
    them: 80 is not twice as good as 40. `sound` is what is ordered of its clips: silence wherever
    the vendor can be asked for it; None where nobody says, and for stills. `key_fields` are the
    shapes of a key that this model takes, where those are not all of its provider's.
    """

    model: str
    frames: tuple[Frame, ...]
    qualities: tuple[str, ...]
    prompt_max_chars: int
    expected_s: int
    deadline_s: int
    duration_s: tuple[int, ...] = ()
    accepts: frozenset[str] = frozenset()
    needs_keyframe: bool = False
    retires_on: date | None = None
    quality_rank: int = MIDDLE_RANK
    sound: Sound | None = None
    key_fields: tuple[tuple[str, ...], ...] = ()

    def takes_key(self, shape: tuple[str, ...]) -> bool:
        """Whether a key with these fields opens this model; one of unknown fields may."""
        return not shape or not self.key_fields or shape in self.key_fields

    @property
    def resolutions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(frame.resolution for frame in self.frames))

    @property
    def aspect_ratios(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(frame.aspect_ratio for frame in self.frames))


@dataclass(frozen=True, slots=True)
class Retirement:
    """Since when the vendor no longer answers, and who can be asked instead."""

    since: date
    replacement: str | None


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider of the catalogue. `built` says whether this version has its adapter.

    `key_fields` lists every shape that its key may have, each as the names of its fields.
    `ended_models` are names that clients still send, and since when nobody answers to them.
    """

    id: str
    name: str
    media: Media
    priority: int
    quality: str
    speed: str
    built: bool
    needs_key: bool
    hosts: frozenset[str]
    result_hosts: frozenset[str]
    offers: tuple[Offer, ...]
    key_fields: tuple[tuple[str, ...], ...] = ()
    aliases: tuple[str, ...] = ()
    retired: Retirement | None = None
    ended_models: tuple[tuple[str, date], ...] = ()

    def ended_on(self, model: str) -> date | None:
        """Since when a model of this provider is no more; None for one that has no such day."""
        days = [offer.retires_on for offer in self.offers if offer.model == model]
        return dict(self.ended_models).get(model, days[0] if days else None)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All providers by id; `find` also knows the aliases.

    `hybrid` says which strategy the strategy HYBRID is for a role. `quality_floors` gives names to
    quality ranks: a floor lets only offers of that rank and above through.
    """

    providers: Mapping[str, Provider]
    hybrid: Mapping[Role, Strategy] = field(default_factory=dict)
    quality_floors: Mapping[str, int] = field(default_factory=dict)
    _aliases: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        names = {alias: p.id for p in self.providers.values() for alias in p.aliases}
        object.__setattr__(self, "_aliases", names)

    def find(self, name: str) -> Provider | None:
        """The provider with this id or alias; None when there is none."""
        return self.providers.get(self._aliases.get(name, name))

    def maker_of(self, model: str) -> Provider | None:
        """The provider whose vendor has, or had, a model of this name; None when there is none."""
        for provider in self.providers.values():
            names = {offer.model for offer in provider.offers} | dict(provider.ended_models).keys()
            if model in names:
                return provider
        return None

    def of(self, media: Media) -> list[Provider]:
        """The providers of a medium, in the catalogue's own order of priority."""
        chosen = (p for p in self.providers.values() if p.media is media)
        return sorted(chosen, key=lambda provider: provider.priority)


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Why a provider is not tried: a stable code and a sentence for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Match:
    """An offer that can make the wish, at this exact size."""

    offer: Offer
    frame: Frame


def match(offer: Offer, wish: Wish) -> Match | Exclusion:
    """Hold an offer against a wish: the size it will make, or the first reason why not."""
    if offer.needs_keyframe and wish.image is None:
        return Exclusion("keyframe-needed", "needs a keyframe: set params.image")
    if wish.image is not None and "image" not in offer.accepts:
        return Exclusion("keyframe-unsupported", "cannot start from a keyframe")
    if wish.quality not in offer.qualities:
        return _not_among("quality", wish.quality, offer.qualities)
    if wish.seconds and wish.seconds not in offer.duration_s:
        return _not_among("duration", f"{wish.seconds} s", _spans(offer.duration_s))
    if len(wish.prompt) > offer.prompt_max_chars:
        return Exclusion("prompt-too-long", f"takes at most {offer.prompt_max_chars} characters")
    return _frame_for(offer, wish)


def wishes_not_taken(offer: Offer, wish: Wish) -> list[str]:
    """Names of the wishes that do not change the price and that this offer has no field for."""
    optional = ("negative_prompt", "style", "seed", "fps", "motion")
    said = [name for name in optional if getattr(wish, name) is not None]
    return [name for name in said if name not in offer.accepts]


def _frame_for(offer: Offer, wish: Wish) -> Match | Exclusion:
    resolution = wish.resolution or _default_resolution(wish)
    frames = [
        frame
        for frame in offer.frames
        if resolution in (None, frame.resolution)
        and wish.aspect_ratio in (None, frame.aspect_ratio)
    ]
    if frames:
        return Match(offer, frames[0])
    if resolution is not None and resolution not in offer.resolutions:
        return _not_among("resolution", resolution, offer.resolutions)
    if wish.aspect_ratio not in offer.aspect_ratios:
        return _not_among("aspect ratio", str(wish.aspect_ratio), offer.aspect_ratios)
    return Exclusion("frame-not-offered", f"does not make {resolution} in {wish.aspect_ratio}")


def _default_resolution(wish: Wish) -> str | None:
    """What is meant when no resolution is said; an image's aspect ratio alone is enough."""
    if wish.type is Media.VIDEO:
        return DEFAULT_VIDEO_RESOLUTION
    return None if wish.aspect_ratio is not None else DEFAULT_IMAGE_RESOLUTION


def _not_among(what: str, asked: str, offered: tuple[str, ...]) -> Exclusion:
    code = f"{what.replace(' ', '-')}-not-offered"
    return Exclusion(code, f"{what} {asked} is not offered (offered: {', '.join(offered)})")


def _spans(seconds: tuple[int, ...]) -> tuple[str, ...]:
    """Write (3, 4, 5) as "3-5 s" and (5, 10) as "5 s", "10 s"."""
    runs: list[list[int]] = []
    for second in sorted(seconds):
        if runs and second == runs[-1][-1] + 1:
            runs[-1].append(second)
        else:
            runs.append([second])
    return tuple(f"{run[0]} s" if len(run) == 1 else f"{run[0]}-{run[-1]} s" for run in runs)
