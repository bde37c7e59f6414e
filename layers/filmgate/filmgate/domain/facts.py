"""What an attempt tells besides its state and its money: what was ordered, what came, what the
vendor said about its bill. Each is written once and never changed."""

from dataclasses import dataclass

from filmgate.domain.catalogue import Sound
from filmgate.domain.money import Micros
from filmgate.domain.wishes import Media


@dataclass(frozen=True, slots=True)
class Ordered:
    """Who ordered what, as it stood when the attempt reserved its money.

    One take is ordered, always. `duration_s` is None for a still; `sound` is None where nothing is
    known of what the vendor will do.
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
    sound: Sound | None = None


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
    """What the vendor itself said about its bill, in whichever of these words it uses.

    `results` is how many its answer held, where that was not the one that is ordered.
    """

    cost_micros: Micros | None = None
    tokens: int | None = None
    seconds: int | None = None
    results: int | None = None
