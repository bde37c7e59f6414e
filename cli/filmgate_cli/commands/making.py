"""One picture or clip: what it would cost, making it, watching it, stopping it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from filmgate_cli import render
from filmgate_cli.client import Gateway
from filmgate_cli.commands.frame import Key, command, goes_on, keyed
from filmgate_cli.commands.options import (
    BelongingOptions,
    ChoiceOptions,
    Prompt,
    WishOptions,
    prompt_of,
)
from filmgate_cli.commands.storyboards import end_storyboard, show_storyboard
from filmgate_cli.problems import ExitCode, Problem
from filmgate_cli.progress import GenerationProgress
from filmgate_cli.screen import Screen
from filmgate_cli.shapes import Generation, Json
from filmgate_cli.takes import File, check_target, save_takes
from filmgate_cli.watching import GENERATION_ENDS, follow

STORYBOARD: Final = "sb_"
Timeout = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="Stop watching after this; exit code 7."),
]  # fmt: skip
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Watch it to its end.")]


@command
def estimate(
    screen: Screen, gateway: Gateway, prompt: Prompt, wish: WishOptions, choice: ChoiceOptions
) -> None:
    """Show what one picture or clip would cost: who would be tried, and the most it can come to."""
    found = gateway.estimate(wish.body(prompt_of(prompt)) | choice.body())
    screen.show(found, render.estimate_view(found))


@command
def compare(screen: Screen, gateway: Gateway, prompt: Prompt, wish: WishOptions) -> None:
    """Put every provider side by side, the cheapest first, and say why one cannot."""
    found = gateway.compare(wish.body(prompt_of(prompt)))
    screen.show(found, render.comparison_view(found))


@command
def generate(
    screen: Screen,
    gateway: Gateway,
    prompt: Prompt,
    wish: WishOptions,
    choice: ChoiceOptions,
    belonging: BelongingOptions,
    wait: Wait = True,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="A folder or a file for the take.")
    ] = Path(),
    timeout: Timeout = None,
    key: Key = None,
) -> None:
    """Make one picture or clip, and save it."""
    check_target(out)
    request = wish.body(prompt_of(prompt)) | choice.body() | belonging.body()
    with keyed(key) as own:
        generation = gateway.generate(request, key=own)
    if wait:
        screen.note(f"{generation['id']}: at most {generation['estimate']['max']} USD")
        _finish(screen, gateway, generation, out=out, timeout_s=timeout, wish=request)
        return
    screen.show(generation, render.generation_view(generation))
    screen.note(f"It goes on by itself. Watch it: filmgate status {generation['id']} --wait")


@command
def status(
    screen: Screen,
    gateway: Gateway,
    id: Annotated[
        str | None, typer.Argument(help="gen_… or sb_…; without one: the latest.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Watch it to its end.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Save its takes in this folder.")
    ] = None,
    timeout: Timeout = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many of the latest.")] = 10,
) -> None:
    """Show how a generation or storyboard stands, or the latest ones."""
    if id is None:
        _latest(screen, gateway, limit)
    elif id.startswith(STORYBOARD):
        show_storyboard(screen, gateway, id, wait=wait, out=out, timeout_s=timeout)
    else:
        generation = gateway.generation(id)
        if wait:
            _finish(screen, gateway, generation, out=out, timeout_s=timeout)
        else:
            _show(screen, generation, out)


@command
def cancel(
    screen: Screen, gateway: Gateway, id: Annotated[str, typer.Argument(help="gen_… or sb_…")]
) -> None:
    """Cancel a generation or a storyboard: what was not sent costs nothing."""
    if id.startswith(STORYBOARD):
        end_storyboard(screen, gateway, id)
        return
    generation = gateway.cancel_generation(id)
    screen.show(generation, render.generation_view(generation))
    if generation["state"] not in GENERATION_ENDS:
        screen.note(f"It was sent already and is followed to its end: filmgate status {id} --wait")


def _finish(
    screen: Screen,
    gateway: Gateway,
    generation: Generation,
    *,
    out: Path | None,
    timeout_s: float | None,
    wish: Json | None = None,
) -> None:
    """Watch a generation to its end, save what it made, and exit by how it ended."""
    usual_s = _usual_s(screen, gateway, wish)
    with goes_on(generation["id"]):
        looks = follow(
            lambda: gateway.generation(generation["id"]),
            lambda seen: seen["state"] in GENERATION_ENDS,
            timeout_s=timeout_s,
        )
        with GenerationProgress(screen, usual_s) as progress:
            for seen in looks:
                progress(seen)
        _show(screen, seen, out)
    if seen["state"] != "succeeded":
        raise typer.Exit(ExitCode.FAILED)


def _show(screen: Screen, generation: Generation, out: Path | None) -> None:
    files: list[File] = [] if out is None else save_takes(generation["takes"], out)
    answer: dict[str, Any] = {**generation, "files": [file.as_json() for file in files]}
    screen.show(answer, render.generation_view(generation, files))


def _usual_s(screen: Screen, gateway: Gateway, wish: Json | None) -> Mapping[str, float]:
    """How long each provider usually takes; only a bar on a terminal wants to know."""
    if not screen.is_live or wish is None:
        return {}
    asked: Json = {name: wish[name] for name in ("type", "prompt", "params") if name in wish}
    try:
        offers = gateway.compare(asked)["offers"]
    except Problem:
        return {}
    usual = {offer["provider"]: offer["observed_s"] or offer["expected_s"] for offer in offers}
    return {provider: seconds for provider, seconds in usual.items() if seconds}


def _latest(screen: Screen, gateway: Gateway, limit: int) -> None:
    generations, storyboards = gateway.generations(limit), gateway.storyboards(limit)
    screen.show(
        {"generations": generations, "storyboards": storyboards},
        render.generations_view(generations),
        *([render.storyboards_view(storyboards)] if storyboards else []),
    )
