"""What an attempt tells besides its state and its money: what was ordered, what came, what the
vendor said about its bill. Each is written once and never changed."""

from dataclasses import dataclass

from filmgate.domain.money import Micros
from filmgate.domain.wishes import Media


@dataclass(frozen=True, slots=True)
class Ordered:
    """Who ordered what, as it stood when the attempt reserved its money.

    `duration_s` is None for a still.
    """

    user: str
    type: Media
    resolution: str
    width: int
    height: int
    duration_s: int | None
    rate_card: str
    project: str | None = None
    script_id: str | None = None
    shot_number: int | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """What the inspection of a take measured; `late` when its generation had gone on or ended.

    `has_audio` is None for a still, and where nobody looked.
    """

    width: int
    height: int
    duration_ms: int | None
    has_audio: bool | None = None
    late: bool = False


@dataclass(frozen=True, slots=True)
class Reported:
    """What the vendor itself said about its bill, in whichever of these words it uses."""

    cost_micros: Micros | None = None
    tokens: int | None = None
    seconds: int | None = None
