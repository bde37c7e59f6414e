"""Strategies: by what a chain is put in order; and the roles that a picture or clip can play."""

from collections.abc import Mapping
from enum import StrEnum

from filmgate.domain.wishes import Media


class Strategy(StrEnum):
    PRIORITY = "priority"  # the owner's order
    CHEAPEST = "cheapest"
    FASTEST = "fastest"  # by what was observed, else by what the catalogue expects
    QUALITY = "quality"  # by the catalogue's ranks
    HYBRID = "hybrid"  # another strategy for every role, by a table of the catalogue


class Role(StrEnum):
    """What a generation is to its shot."""

    KEYFRAME = "keyframe"
    VARIATION = "variation"
    CLIP = "clip"

    @property
    def media(self) -> Media:
        return Media.VIDEO if self is Role.CLIP else Media.IMAGE


def usual_role(media: Media) -> Role:
    """The role of what belongs to no shot: an image is a keyframe, a video a clip."""
    return Role.CLIP if media is Media.VIDEO else Role.KEYFRAME


def strategy_for(role: Role, strategy: Strategy, hybrid: Mapping[Role, Strategy]) -> Strategy:
    """The strategy that really orders a chain: `hybrid` says what HYBRID means for a role."""
    return hybrid[role] if strategy is Strategy.HYBRID else strategy
