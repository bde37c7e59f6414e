"""Storyboards: many shots under one budget."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from filmgate_cli import render
from filmgate_cli.client import Gateway
from filmgate_cli.commands.frame import Key, command, goes_on, keyed
from filmgate_cli.commands.options import STRATEGIES, dollars
from filmgate_cli.money import wire
from filmgate_cli.problems import ExitCode, WrongUsage
from filmgate_cli.progress import StoryboardProgress
from filmgate_cli.screen import Screen
from filmgate_cli.shapes import Storyboard, StoryboardEstimate
from filmgate_cli.shot_lists import ShotList, read_shot_list
from filmgate_cli.takes import File, check_target, save_storyboard
from filmgate_cli.watching import STORYBOARD_ENDS, Looks, follow

app: Final = typer.Typer(help="Make a list of shots under one budget.", no_args_is_help=True)

ShotFile = Annotated[Path, typer.Argument(help="A shot list: .csv, .jsonl or .json.")]
StoryboardId = Annotated[str, typer.Argument(metavar="ID", help="sb_…")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Watch it to its end.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Save the takes in this folder.")]
Timeout = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="Stop watching after this; exit code 7."),
]


@dataclass(frozen=True, slots=True)
class HeadOptions:
    """What is said of a storyboard as a whole; it wins over what the file says."""

    title: Annotated[str | None, typer.Option(help="Its name.")] = None
    project: Annotated[str | None, typer.Option(help="The project it is booked to.")] = None
    strategy: Annotated[
        str | None,
        typer.Option(help=", ".join(STRATEGIES) + ".", autocompletion=lambda: list(STRATEGIES)),
    ] = None
    continuity: Annotated[
        str | None,
        typer.Option(help="When shots of one scene fall back: follow, stop or off."),
    ] = None
    budget: Annotated[
        Decimal | None,
        typer.Option(
            "--budget", "--max-cost", parser=dollars, metavar="USD",
            help="The most that all of it may cost; given, nothing is asked.",
        ),
    ] = None  # fmt: skip

    def said(self) -> dict[str, str]:
        named = {
            "title": self.title,
            "project": self.project,
            "strategy": self.strategy,
            "continuity": self.continuity,
            "budget": None if self.budget is None else wire(self.budget),
        }
        return {name: value for name, value in named.items() if value is not None}


@app.command()
@command
def estimate(screen: Screen, gateway: Gateway, shots: ShotFile, head: HeadOptions) -> None:
    """Show what a shot list would cost, shot by shot, and with every strategy."""
    found = _priced(gateway, read_shot_list(shots).with_head(head.said()))
    screen.show(found, render.storyboard_estimate_view(found))


@app.command()
@command
def run(
    screen: Screen,
    gateway: Gateway,
    shots: ShotFile,
    head: HeadOptions,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    wait: Wait = True,
    out: Out = None,
    timeout: Timeout = None,
    key: Key = None,
) -> None:
    """Make a shot list: shows its price, asks, starts it, and shows every shot until its end.

    Without a budget, the most that the estimate says becomes the budget: what was agreed to is
    all that can be spent.
    """
    _check_folder(out)
    given = read_shot_list(shots).with_head(head.said())
    agreed = _agreed(screen, _priced(gateway, given), yes=yes, given=head.budget)
    with keyed(key) as own:
        begun = _start(gateway, given, agreed, own)
    if not wait:
        _show(screen, gateway, gateway.storyboard(begun), out=None)
        screen.note(f"It goes on by itself. Watch it: filmgate storyboard status {begun} --wait")
        return
    screen.note(f"started {begun}")
    _finish(screen, gateway, begun, out=out, timeout_s=timeout)


@app.command()
@command
def status(
    screen: Screen,
    gateway: Gateway,
    id: StoryboardId,
    wait: Annotated[bool, typer.Option("--wait", help="Watch it to its end.")] = False,
    out: Out = None,
    timeout: Timeout = None,
) -> None:
    """Show how every shot stands."""
    show_storyboard(screen, gateway, id, wait=wait, out=out, timeout_s=timeout)


@app.command()
@command
def resume(
    screen: Screen,
    gateway: Gateway,
    id: StoryboardId,
    approve: Annotated[
        bool, typer.Option("--approve", help="A stopped scene may go on with another provider.")
    ] = False,
    wait: Wait = True,
    out: Out = None,
    timeout: Timeout = None,
) -> None:
    """Make again what failed or was skipped, and nothing else."""
    _check_folder(out)
    gateway.resume_storyboard(id, approve=approve)
    show_storyboard(screen, gateway, id, wait=wait, out=out, timeout_s=timeout)


@app.command()
@command
def cancel(screen: Screen, gateway: Gateway, id: StoryboardId) -> None:
    """Start nothing more of it. What runs is followed to its end."""
    end_storyboard(screen, gateway, id)


@app.command()
def schema() -> None:
    """Write the JSON Schema of what run, status, resume and cancel write with --json."""
    place = files("filmgate_cli") / "schemas" / "storyboard-run.schema.json"
    typer.echo(place.read_text(), nl=False)


def show_storyboard(
    screen: Screen,
    gateway: Gateway,
    storyboard_id: str,
    *,
    wait: bool,
    out: Path | None,
    timeout_s: float | None,
) -> None:
    """Show it once, or until its end."""
    _check_folder(out)
    if wait:
        _finish(screen, gateway, storyboard_id, out=out, timeout_s=timeout_s)
    else:
        _show(screen, gateway, gateway.storyboard(storyboard_id), out=out)


def end_storyboard(screen: Screen, gateway: Gateway, storyboard_id: str) -> None:
    """Cancel it and show what there is."""
    gateway.cancel_storyboard(storyboard_id)
    _show(screen, gateway, gateway.storyboard(storyboard_id), out=None)


def _priced(gateway: Gateway, given: ShotList) -> StoryboardEstimate:
    return gateway.estimate_storyboard(given.body, given.query)


def _agreed(
    screen: Screen, priced: StoryboardEstimate, *, yes: bool, given: Decimal | None
) -> Mapping[str, str]:
    """The budget to be added, once somebody has agreed to it; nothing if it is said already."""
    if given is not None:
        return {}
    if not screen.as_json:
        screen.err.print(render.storyboard_estimate_view(priced))
    if not yes:
        if screen.as_json or not sys.stdin.isatty():
            raise WrongUsage(
                f"It may cost {priced['max']} USD, and nobody can be asked.",
                f"Agree to it with --yes, or bound it: --budget {priced['max']}",
            )
        most = priced["budget"] or priced["max"]
        typer.confirm(f"Spend at most {most} USD?", abort=True, err=True)
    return {} if priced["budget"] is not None else {"budget": priced["max"]}


def _start(gateway: Gateway, given: ShotList, agreed: Mapping[str, str], key: str) -> str:
    shots = given.with_head(agreed)
    return gateway.start_storyboard(shots.body, shots.query, key=key)["id"]


def _finish(
    screen: Screen, gateway: Gateway, storyboard_id: str, *, out: Path | None,
    timeout_s: float | None,
) -> None:  # fmt: skip
    with goes_on(storyboard_id):
        looks = follow(
            lambda: gateway.storyboard(storyboard_id),
            lambda seen: seen["state"] in STORYBOARD_ENDS,
            timeout_s=timeout_s,
            looks=Looks(first_s=0.8),
        )
        with StoryboardProgress(screen) as progress:
            for storyboard in looks:
                progress(storyboard)
        _show(screen, gateway, storyboard, out=out)
    if storyboard["state"] != "succeeded":
        if storyboard["state"] in ("partial", "failed"):
            screen.note(f"Make again what failed: filmgate storyboard resume {storyboard_id}")
        raise typer.Exit(ExitCode.FAILED)


def _show(screen: Screen, gateway: Gateway, storyboard: Storyboard, *, out: Path | None) -> None:
    saved: list[File] = [] if out is None else save_storyboard(gateway, storyboard, out)
    answer: dict[str, Any] = {**storyboard, "files": [file.as_json() for file in saved]}
    screen.show(answer, render.storyboard_view(storyboard, saved))


def _check_folder(out: Path | None) -> None:
    """Raises WrongUsage for an --out that cannot be a folder."""
    if out is None:
        return
    if out.exists() and not out.is_dir():
        raise WrongUsage(f"{out} is a file; the takes of a storyboard need a folder.")
    check_target(out)
