"""Signing in and out."""

import os
import sys
from contextlib import closing
from typing import Annotated

import typer

from filmgate_cli.account import (
    TOKEN_VARIABLE,
    URL_VARIABLE,
    Account,
    checked_token,
    checked_url,
    config_file,
    store,
)
from filmgate_cli.client import Gateway
from filmgate_cli.commands.frame import command
from filmgate_cli.problems import WrongUsage
from filmgate_cli.screen import Screen


@command
def login(
    screen: Screen,
    url: Annotated[str | None, typer.Argument(help="The gateway's address.")] = None,
) -> None:
    """Sign in: check a token and store it for yourself alone.

    The token is asked for without being shown, or read from standard input:

    filmgate login https://gate.example.com < token.txt
    """
    account = Account(checked_url(url or _asked("Address of the gateway")), _token(url))
    with closing(Gateway.of(account)) as gateway:
        gateway.generations(1)
    file = config_file()
    store(account, file)
    screen.show({"url": account.url, "stored_in": str(file)})
    screen.note(f"Signed in at {account.url}; stored in {file}", "green")
    if os.environ.get(URL_VARIABLE) or os.environ.get(TOKEN_VARIABLE):
        screen.note(f"{URL_VARIABLE} and {TOKEN_VARIABLE} are set here, and they win.", "yellow")


@command
def logout(screen: Screen) -> None:
    """Forget the stored token. It stays valid until an admin revokes it."""
    file = config_file()
    was_there = file.exists()
    file.unlink(missing_ok=True)
    screen.show({"removed": str(file) if was_there else None})
    screen.note(f"Removed {file}" if was_there else "Nobody was signed in.")


def _token(url: str | None) -> str:
    if sys.stdin.isatty():
        return checked_token(_asked("Token", hidden=True))
    if url is None:
        raise WrongUsage("Standard input brings the token, so the address must be an argument.")
    return checked_token(sys.stdin.readline())


def _asked(what: str, *, hidden: bool = False) -> str:
    answer: str = typer.prompt(what, hide_input=hidden, err=True)
    return answer
