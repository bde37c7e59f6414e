"""`filmgate`: the commands put together."""

from typing import Annotated

import typer

from filmgate_cli import __version__
from filmgate_cli.commands import making, money, signing_in, storyboards, studio
from filmgate_cli.commands.agents import mcp

EXIT_CODES = """
Exit codes: 0 done · 1 the answer is no (verify, providers test) · 2 wrong command or request ·
3 not signed in or not allowed · 4 refused by a budget, a limit or a rate · 5 not made, or not all
of it · 6 no answer from the gateway · 7 not ended within --timeout · 70 a fault of this program ·
130 interrupted: the work goes on.
"""

app = typer.Typer(
    name="filmgate",
    help="Pictures and clips from many providers: the price first, nothing paid twice.",
    epilog=" ".join(EXIT_CODES.split()),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"filmgate {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Pictures and clips from many providers: the price first, nothing paid twice."""


for function in (
    signing_in.login,
    signing_in.logout,
    making.estimate,
    making.compare,
    making.generate,
    making.status,
    making.cancel,
    money.usage,
    money.verify,
    studio.notices,
    mcp,
):
    app.command()(function)
app.add_typer(storyboards.app, name="storyboard")
app.add_typer(money.budget, name="budget")
app.add_typer(studio.providers, name="providers")


def main() -> None:
    """The program."""
    app()
