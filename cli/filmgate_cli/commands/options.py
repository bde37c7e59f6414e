"""Options that several commands share, and the bodies that the API makes of them."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import typer

from filmgate_cli.money import amount, wire
from filmgate_cli.shapes import Json

OF_CLIPS: Final = ("duration_s", "fps", "motion", "image")
PROVIDERS: Final = (
    "auto", "dalle", "midjourney", "nanobanana", "flow", "kling", "whan", "veo", "sora",
)  # fmt: skip
STRATEGIES: Final = ("priority", "cheapest", "fastest", "quality", "hybrid")
MOTIONS: Final = ("push_in", "pull_out", "pan_left", "pan_right", "tilt_up", "tilt_down")


def dollars(text: str) -> Decimal:
    """An amount out of an option."""
    try:
        return amount(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _names(names: tuple[str, ...]) -> Callable[[], list[str]]:
    """What a shell completes. The gateway decides what is valid, so nothing is refused by it."""
    return lambda: list(names)


Usd = Annotated[Decimal | None, typer.Option(parser=dollars, metavar="USD")]
Prompt = Annotated[str, typer.Argument(help="What it shall show; - reads it from standard input.")]


@dataclass(frozen=True, slots=True)
class WishOptions:
    """What the picture or clip should be like."""

    type: Annotated[
        Literal["image", "video"] | None,
        typer.Option("--type", "-t", help="image, unless an option for clips is given."),
    ] = None
    negative_prompt: Annotated[
        str | None, typer.Option("--negative", help="What it shall not show.")
    ] = None
    resolution: Annotated[str | None, typer.Option(help="1024x1024, 720p, 1080p, 4k …")] = None
    aspect_ratio: Annotated[str | None, typer.Option("--aspect", help="16:9, 1:1 …")] = None
    quality: Annotated[str | None, typer.Option(help="low, standard or high.")] = None
    style: Annotated[str | None, typer.Option(help="A style in the provider's words.")] = None
    seed: Annotated[int | None, typer.Option(help="The same seed, the same take, if it can.")] = (
        None
    )
    duration_s: Annotated[int | None, typer.Option("--duration", help="Clips: seconds.")] = None
    fps: Annotated[int | None, typer.Option(help="Clips: 24, 25, 30 or 60.")] = None
    image: Annotated[
        str | None, typer.Option(help="Clips: the keyframe, by its take's id.", metavar="TAKE")
    ] = None
    motion: Annotated[
        str | None,
        typer.Option(help="Clips of flow: a camera move.", autocompletion=_names(MOTIONS)),
    ] = None

    def body(self, prompt: str) -> Json:
        """The wish as the API takes it."""
        params = _said(self, ("resolution", "aspect_ratio", "quality", "style", "seed", *OF_CLIPS))
        is_clip = any(name in params for name in OF_CLIPS)
        return {
            "type": self.type or ("video" if is_clip else "image"),
            "prompt": prompt,
            **_said(self, ("negative_prompt",)),
            **({"params": params} if params else {}),
        }


@dataclass(frozen=True, slots=True)
class ChoiceOptions:
    """Who may make it, and for how much."""

    provider: Annotated[
        str | None,
        typer.Option("--provider", "-p", help="auto, or one.", autocompletion=_names(PROVIDERS)),
    ] = None
    strategy: Annotated[
        str | None,
        typer.Option(
            help="priority, cheapest, fastest, quality, hybrid.", autocompletion=_names(STRATEGIES)
        ),
    ] = None
    max_cost: Annotated[
        Decimal | None,
        typer.Option(parser=dollars, metavar="USD", help="The most it may cost, with fallbacks."),
    ] = None
    on_refusal: Annotated[
        Literal["next", "stop"] | None,
        typer.Option(help="When one refuses the content: ask the next one, or stop."),
    ] = None
    on_unknown: Annotated[
        Literal["stop", "next"] | None,
        typer.Option(help="When nobody knows whether one has it: stop, or ask the next one too."),
    ] = None

    def body(self) -> Json:
        limit = {} if self.max_cost is None else {"cost_limit": wire(self.max_cost)}
        return _said(self, ("provider", "strategy", "on_refusal", "on_unknown")) | limit


@dataclass(frozen=True, slots=True)
class BelongingOptions:
    """What it belongs to, at what price it was offered, and who is told of its end."""

    quote_id: Annotated[
        str | None, typer.Option("--quote", metavar="ID", help="Of an estimate: its price holds.")
    ] = None
    project: Annotated[str | None, typer.Option(help="The project it is booked to.")] = None
    script_id: Annotated[str | None, typer.Option("--script", metavar="ID")] = None
    shot_number: Annotated[int | None, typer.Option("--shot", metavar="NUMBER")] = None
    tags: Annotated[list[str] | None, typer.Option("--tag", help="May be repeated.")] = None
    webhook_url: Annotated[
        str | None, typer.Option("--webhook", metavar="URL", help="Told when it has ended.")
    ] = None

    def body(self) -> Json:
        return _said(
            self, ("quote_id", "project", "script_id", "shot_number", "tags", "webhook_url")
        )


def prompt_of(given: str) -> str:
    """The prompt, from standard input where it is "-"."""
    return typer.get_text_stream("stdin").read().strip() if given == "-" else given


def _said(options: Any, names: tuple[str, ...]) -> Json:
    """What was said, by the API's names."""
    values = {name: getattr(options, name) for name in names}
    return {name: value for name, value in values.items() if value not in (None, [])}
