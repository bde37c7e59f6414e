"""What a command says: answers on standard output, everything else on standard error.

With --json, standard output has the answer as one JSON document and nothing besides, and standard
error at most one more with the problem. Without a terminal there is no colour and nothing moves.
"""

import os
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from filmgate_cli.problems import Problem, Refused
from filmgate_cli.shapes import Json
from filmgate_cli.text import clean, to_json

PLAIN_WIDTH = 140  # of a file or a pipe, where nothing says how wide it is


class Screen:
    """The two streams of one command."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.out = _console(stderr=False)
        self.err = _console(stderr=True)

    @property
    def is_live(self) -> bool:
        """Whether progress may be drawn and drawn over."""
        return self.err.is_terminal and not self.as_json

    def show(self, answer: Any, *views: RenderableType) -> None:
        """The answer of the command: as it is for programs, as `views` for people."""
        if self.as_json:
            sys.stdout.write(f"{to_json(answer)}\n")
            sys.stdout.flush()
            return
        for view in views:
            self.out.print(view)

    def note(self, text: str, style: str = "") -> None:
        """A remark beside the answer; programs are spared it."""
        if not self.as_json:
            self.err.print(line(text, style), soft_wrap=True)

    def fail(self, problem: Problem) -> None:
        if self.as_json:
            sys.stderr.write(f"{to_json({'error': problem.as_json()})}\n")
            return
        for text, style in _told(problem):
            self.err.print(line(text, style), soft_wrap=True)


def line(text: str, style: str = "") -> Text:
    """One line of whatever text."""
    return Text(clean(text), style=style)


def _told(problem: Problem) -> list[tuple[str, str]]:
    faults = problem.faults if isinstance(problem, Refused) else []
    first = problem.message
    if faults and isinstance(problem, Refused):
        first = f"{problem.problem.get('title', problem.message)}:"
    lines = [(f"filmgate: {first}", "bold red")]
    lines += [(f"  {place}: {told}" if place else f"  {told}", "") for place, told in faults]
    if isinstance(problem, Refused):
        lines += [(f"  {told}", "") for told in _fitting(problem.problem)]
    if problem.todo:
        lines.append((f"  {problem.todo}", "cyan"))
    return lines


def _fitting(problem: Json) -> list[str]:
    """Of a refused storyboard: which shots the money would do for."""
    fits = problem.get("fits")
    if not isinstance(fits, dict):
        return []
    lines = [f"What would fit costs at most {fits.get('max')} USD."]
    if fits.get("drop"):
        lines.append(f"Leave out the shots {_numbers(fits['drop'])}.")
    if fits.get("downgrade"):
        lines.append(f"Make these at their cheapest: {_numbers(fits['downgrade'])}.")
    return lines


def _numbers(numbers: Sequence[Any]) -> str:
    return ", ".join(str(one) for one in numbers)


def _console(*, stderr: bool) -> Console:
    """A console that takes no text for markup, and no number for something to be coloured."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PLAIN_WIDTH
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, width=width)
