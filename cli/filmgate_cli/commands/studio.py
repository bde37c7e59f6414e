"""The studio: its providers and what its owner was told."""

import json
import sys
from typing import Annotated, Any, Final, Literal

import typer

from filmgate_cli import render
from filmgate_cli.client import Gateway
from filmgate_cli.commands.frame import AsJson, command
from filmgate_cli.commands.options import PROVIDERS
from filmgate_cli.problems import ExitCode, WrongUsage
from filmgate_cli.screen import Screen
from filmgate_cli.shapes import Json

providers: Final = typer.Typer(help="Who makes things: order, keys, health.")

Name = Annotated[str, typer.Argument(autocompletion=lambda: list(PROVIDERS[1:]))]
Names = Annotated[list[str], typer.Argument(autocompletion=lambda: list(PROVIDERS[1:]))]


@command
def notices(
    screen: Screen,
    gateway: Gateway,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
) -> None:
    """Show what the owner was told, newest first."""
    items = gateway.notices(limit)
    screen.show({"items": items}, render.notices_view(items))


@providers.callback(invoke_without_command=True)
def all_providers(context: typer.Context, as_json: AsJson = False) -> None:
    """Show every provider, or change one."""
    if context.invoked_subcommand is None:
        list_providers(as_json=as_json)


@providers.command("list")
@command
def list_providers(screen: Screen, gateway: Gateway) -> None:
    """Show every provider: order, key, health."""
    found = gateway.providers()
    screen.show(found, render.providers_view(found["items"]))


@providers.command()
@command
def enable(screen: Screen, gateway: Gateway, provider: Name) -> None:
    """Let a provider be tried."""
    _changed(screen, gateway, provider, {"enabled": True})


@providers.command()
@command
def disable(screen: Screen, gateway: Gateway, provider: Name) -> None:
    """Let a provider not be tried."""
    _changed(screen, gateway, provider, {"enabled": False})


@providers.command()
@command
def order(
    screen: Screen,
    gateway: Gateway,
    type: Annotated[Literal["image", "video"], typer.Argument()],
    names: Names,
) -> None:
    """Say who is tried first; those that are not named follow in their old order."""
    items = gateway.providers()["items"]
    others = [one["id"] for one in items if one["type"] == type and one["id"] not in names]
    found = gateway.order(type, [*names, *others])
    screen.show(found)
    screen.note(f"{type}: {', '.join(found['order'])}", "green")


@providers.command("set-key")
@command
def set_key(
    screen: Screen,
    gateway: Gateway,
    provider: Name,
    part: Annotated[
        list[str] | None,
        typer.Option(help="For keys of several parts: access_key, secret_key …; repeat it."),
    ] = None,
) -> None:
    """Store a provider's key. It is asked for without being shown, or read from standard input.

    A key of several parts comes from standard input as a JSON object of texts.
    """
    gateway.set_key(provider, _secret(part or []))
    screen.show({"id": provider, "key_set": True})
    screen.note(f"The key of {provider} is stored. Check it: filmgate providers test {provider}")


@providers.command("remove-key")
@command
def remove_key(screen: Screen, gateway: Gateway, provider: Name) -> None:
    """Forget a provider's key."""
    gateway.remove_key(provider)
    screen.show({"id": provider, "key_set": False})
    screen.note(f"The key of {provider} is removed.")


@providers.command()
@command
def test(screen: Screen, gateway: Gateway, provider: Name) -> None:
    """Check a provider's key by a call that costs nothing; exit code 1 when it is not good."""
    found = gateway.test_key(provider)
    screen.show(found)
    if found["ok"]:
        screen.note(f"{provider}: the key is good", "green")
    else:
        screen.note(f"{provider}: {found['message'] or found['detail']}", "red")
        raise typer.Exit(ExitCode.NO)


def _changed(screen: Screen, gateway: Gateway, provider: str, changes: Json) -> None:
    found = gateway.change_provider(provider, changes)
    screen.show(found)
    screen.note(f"{found['id']} is {'on' if found['enabled'] else 'off'}", "green")


def _secret(parts: list[str]) -> Any:
    """The key as the API takes it: a text, or an object of texts."""
    if sys.stdin.isatty():
        if not parts:
            return _asked("Key")
        return {name: _asked(name) for name in parts}
    text = sys.stdin.read().strip()
    if not text:
        raise WrongUsage("Standard input was empty: there is no key in it.")
    return _object(text) if text.startswith("{") else text


def _asked(what: str) -> str:
    answer: str = typer.prompt(what, hide_input=True, err=True)
    return answer.strip()


def _object(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise WrongUsage("A key that begins with { must be a JSON object of texts.") from None
