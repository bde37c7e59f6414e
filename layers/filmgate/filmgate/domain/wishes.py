"""What a film maker asks for: one image or one clip, in words that belong to no provider."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Media(StrEnum):
    IMAGE = "image"
    VIDEO = "video"


AUTO: Final = "auto"
DEFAULT_IMAGE_RESOLUTION: Final = "1024x1024"
DEFAULT_VIDEO_RESOLUTION: Final = "720p"
DEFAULT_QUALITY: Final = "standard"
DEFAULT_DURATION_S: Final = 5
DEFAULT_FPS: Final = 24


def is_link(image: str) -> bool:
    """Whether this is an address, and not the id of a still of ours."""
    return "://" in image


@dataclass(frozen=True, slots=True)
class Wish:
    """One image or one clip as asked for; None means "not said", never a hidden default.

    `image` is the id of a take, or of an uploaded image, that serves as the keyframe; a wish that
    is not admitted yet may have a link there. `resolution` is "1024x1024" for an image and "720p",
    "1080p" or "4k" for a clip.
    """

    type: Media
    prompt: str
    negative_prompt: str | None = None
    resolution: str | None = None
    aspect_ratio: str | None = None
    quality: str = DEFAULT_QUALITY
    style: str | None = None
    duration_s: int | None = None
    fps: int | None = None
    seed: int | None = None
    image: str | None = None
    motion: str | None = None

    @property
    def seconds(self) -> int:
        """The length of the clip that is meant; 0 for an image."""
        if self.type is Media.IMAGE:
            return 0
        return self.duration_s if self.duration_s is not None else DEFAULT_DURATION_S

    @property
    def frame_rate(self) -> int:
        return self.fps if self.fps is not None else DEFAULT_FPS

    def as_params(self) -> dict[str, Any]:
        """The `params` object of the API: everything that was said, and nothing else."""
        names = (
            "resolution", "aspect_ratio", "quality", "style", "duration_s", "fps", "seed",
            "image", "motion",
        )  # fmt: skip
        said = {name: getattr(self, name) for name in names}
        return {name: value for name, value in said.items() if value is not None}
