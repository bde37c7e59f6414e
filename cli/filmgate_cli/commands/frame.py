"""What all commands have in common, so that each says only its own part.

A command is a function that may take a `Screen`, a `Gateway`, dataclasses of options, and options
of its own. The frame opens the first two, spreads the dataclasses into options, adds --json, and
turns whatever goes wrong into a sentence and an exit code.
"""

import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import fields, is_dataclass
from functools import wraps
from inspect import Parameter
from typing import Annotated, Any, Final

import typer

from filmgate_cli.account import find_account
from filmgate_cli.client import Gateway
from filmgate_cli.problems import ExitCode, Problem, Unreachable
from filmgate_cli.screen import Screen
from filmgate_cli.wire import fresh_key

DEBUG_VARIABLE: Final = "FILMGATE_DEBUG"
AsJson = Annotated[bool, typer.Option("--json", help="Answer with JSON, for programs.")]
Key = Annotated[
    str | None,
    typer.Option("--key", help="The Idempotency-Key: the same key is the same work, never new.",
                 metavar="KEY"),
]  # fmt: skip


class Interrupted(Problem):
    """Ctrl-C, and what becomes of the work."""

    def __init__(self, message: str = "Interrupted.", todo: str | None = None) -> None:
        super().__init__(message, code="interrupted", exit_code=ExitCode.INTERRUPTED, todo=todo)


def command(function: Callable[..., None]) -> Callable[..., None]:
    """The function as Typer takes it."""
    wanted = inspect.signature(function, eval_str=True).parameters.values()

    @wraps(function)
    def run(as_json: bool = False, **given: Any) -> None:
        screen = Screen(as_json=as_json)
        with reported(screen), ExitStack() as opened:
            function(**{one.name: _argument(one, given, screen, opened) for one in wanted})

    shown = [option for one in wanted for option in _options(one)]
    shown.append(Parameter("as_json", Parameter.KEYWORD_ONLY, default=False, annotation=AsJson))
    run.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in shown}
    return run


@contextmanager
def reported(screen: Screen) -> Iterator[None]:
    """Whatever goes wrong within is told on the screen, and ends the program with its code."""
    try:
        yield
    except Problem as problem:
        screen.fail(problem)
        raise typer.Exit(problem.exit_code) from None
    except (KeyboardInterrupt, typer.Abort):
        screen.fail(Interrupted())
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(ExitCode.DONE) from None
    except typer.Exit:
        raise
    except Exception as error:
        screen.fail(_bug(error))
        raise typer.Exit(ExitCode.BUG) from None


@contextmanager
def keyed(key: str | None) -> Iterator[str]:
    """The key for a request that starts work. Who loses its answer is told how to find the work."""
    own = key or fresh_key()
    todo = f"To find it, and to make nothing twice, repeat the command with --key {own}"
    try:
        yield own
    except KeyboardInterrupt:
        raise Interrupted("Interrupted; it may have been started.", todo) from None
    except Unreachable as problem:
        if problem.sent:
            problem.message += " The work may have been started."
            problem.todo = todo
        raise


@contextmanager
def goes_on(what: str) -> Iterator[None]:
    """Ctrl-C within ends the watching, not the work."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(
            f"Stopped watching; {what} goes on.",
            f"Come back: filmgate status {what} --wait    Stop it: filmgate cancel {what}",
        ) from None


def _options(one: Parameter) -> list[Parameter]:
    """The options that a parameter becomes; all are keywords, so that required ones may follow."""
    if one.annotation in (Screen, Gateway):
        return []
    if is_dataclass(one.annotation):
        return [
            Parameter(each.name, Parameter.KEYWORD_ONLY, default=each.default, annotation=each.type)
            for each in fields(one.annotation)
        ]
    return [one.replace(kind=Parameter.KEYWORD_ONLY)]


def _argument(one: Parameter, given: dict[str, Any], screen: Screen, opened: ExitStack) -> Any:
    if one.annotation is Screen:
        return screen
    if one.annotation is Gateway:
        return opened.enter_context(closing(Gateway.of(find_account())))
    if is_dataclass(one.annotation) and isinstance(one.annotation, type):
        return one.annotation(**{each.name: given[each.name] for each in fields(one.annotation)})
    return given[one.name]


def _bug(error: Exception) -> Problem:
    """A fault of ours: its kind, and where it is if that is asked for; never what it held."""
    todo = f"Please report it. {DEBUG_VARIABLE}=1 shows where it happened."
    if os.environ.get(DEBUG_VARIABLE):
        places = traceback.extract_tb(error.__traceback__)
        todo = "; ".join(f"{one.filename}:{one.lineno} {one.name}" for one in places)
    return Problem(
        f"This program has a fault: {type(error).__name__}.",
        code="bug",
        exit_code=ExitCode.BUG,
        todo=todo,
    )
