"""Work in progress: lines that change in place on a terminal, one line per change elsewhere."""

import time
from collections.abc import Callable, Mapping
from typing import Final, Self

from rich.live import Live
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from filmgate_cli import render
from filmgate_cli.screen import Screen
from filmgate_cli.shapes import Generation, Storyboard
from filmgate_cli.text import clean
from filmgate_cli.watching import GENERATION_ENDS

LINES_AROUND: Final = 9  # what the storyboard's table needs beside its shots
NEARLY: Final = 0.95  # a bar is full when the take is there, not when its usual time is over


class _Drawn:
    """Something that is drawn from entry to exit, where there is a terminal to draw on."""

    def __init__(self, screen: Screen, display: Live | Progress) -> None:
        self._screen = screen
        self._display = display

    def __enter__(self) -> Self:
        if self._screen.is_live:
            self._display.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._screen.is_live:
            self._display.stop()


class GenerationProgress(_Drawn):
    """A bar that goes by the provider's usual time, and a line for every attempt that failed.

    `usual_s` says how long each provider usually takes; one that is not in it has a bar that only
    moves.
    """

    def __init__(self, screen: Screen, usual_s: Mapping[str, float]) -> None:
        self._usual_s = usual_s
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            console=screen.err,
            transient=True,
        )
        super().__init__(screen, self._bar)
        self._task: TaskID | None = None
        if screen.is_live:
            self._task = self._bar.add_task("starting", total=None)
        self._told: list[str] = []
        self._asked = ("", 0.0)

    def __call__(self, generation: Generation) -> None:
        for told in happened(generation)[len(self._told) :]:
            self._told.append(told)
            self._screen.note(told)
        if self._task is not None:
            self._move(self._task, generation)

    def _move(self, task: TaskID, generation: Generation) -> None:
        attempts = generation["attempts"]
        provider = attempts[-1]["provider"] if attempts else ""
        if provider != self._asked[0]:
            self._asked = (provider, time.monotonic())
        usual = self._usual_s.get(provider)
        done = None if not usual else (time.monotonic() - self._asked[1]) / usual
        self._bar.update(
            task,
            description=clean(f"{generation['state']} {provider}".strip()),
            total=None if done is None else 1.0,
            completed=0 if done is None else min(done, NEARLY),
        )


def happened(generation: Generation) -> list[str]:
    """What a watcher is told, in order; it only ever grows.

    "asking dalle", "dalle: over quota, trying nanobanana", "nanobanana made it".
    """
    told = []
    failed = ""
    for attempt in generation["attempts"]:
        provider, error = attempt["provider"], attempt["error"]
        told.append(f"{failed}, trying {provider}" if failed else f"asking {provider}")
        failed = "" if error is None else f"{provider}: {error['message']}"
    if generation["state"] in GENERATION_ENDS and failed:
        told.append(failed)
    return told


class StoryboardProgress(_Drawn):
    """A row per shot that changes in place; elsewhere a line whenever a part changes."""

    def __init__(self, screen: Screen) -> None:
        self._live = Live(console=screen.err, transient=True, auto_refresh=False)
        super().__init__(screen, self._live)
        self._said: dict[tuple[int, str], str] = {}

    def __call__(self, storyboard: Storyboard) -> None:
        if self._screen.is_live:
            height = max(self._screen.err.height - LINES_AROUND, 3)
            self._live.update(render.storyboard_view(storyboard, height=height), refresh=True)
        else:
            self._tell(storyboard, self._screen.note)

    def _tell(self, storyboard: Storyboard, say: Callable[[str], None]) -> None:
        for shot in storyboard["shots"]:
            for role, part in (
                ("keyframe", shot["keyframe"]),
                ("variation", shot["variation"]),
                ("clip", shot["clip"]),
            ):
                if part is None:
                    continue
                told = render.part_told(part)
                if self._said.get((shot["number"], role), "queued") != told:
                    say(f"shot {shot['number']} {role}: {told}")
                self._said[(shot["number"], role)] = told
