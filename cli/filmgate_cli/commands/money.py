"""Money: what was used, what may be used, and whether the books agree."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

import httpx
import typer

from filmgate_cli import render
from filmgate_cli.client import Gateway
from filmgate_cli.commands.frame import AsJson, command
from filmgate_cli.money import amount, wire
from filmgate_cli.problems import ExitCode, Unreachable, WrongUsage
from filmgate_cli.screen import Screen
from filmgate_cli.shapes import Json
from filmgate_cli.wire import TIMEOUT

budget: Final = typer.Typer(help="What may be spent.", no_args_is_help=False)
NO_LIMIT: Final = "none"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which attempts of the ledger."""

    user: Annotated[str | None, typer.Option(help="Whose.")] = None
    project: Annotated[str | None, typer.Option(help="Of which project.")] = None
    provider: Annotated[str | None, typer.Option("--provider", "-p", help="By whom.")] = None
    type: Annotated[Literal["image", "video"] | None, typer.Option("--type", "-t")] = None
    status: Annotated[Literal["pending", "success", "failed"] | None, typer.Option()] = None
    script_id: Annotated[str | None, typer.Option("--script", metavar="ID")] = None
    since: Annotated[str | None, typer.Option("--from", metavar="DATE")] = None
    until: Annotated[str | None, typer.Option("--to", metavar="DATE")] = None

    def query(self) -> dict[str, str]:
        named = {
            "user": self.user, "project": self.project, "provider": self.provider,
            "type": self.type, "status": self.status, "script_id": self.script_id,
            "from": self.since, "to": self.until,
        }  # fmt: skip
        return {name: value for name, value in named.items() if value is not None}


@command
def usage(
    screen: Screen,
    gateway: Gateway,
    filters: Filters,
    period: Annotated[
        str | None, typer.Option(metavar="MONTH", help="Of the summary: 2026-11.")
    ] = None,
    rows: Annotated[bool, typer.Option("--rows", help="The attempts one by one.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="The attempts as a CSV file.")] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to the CSV file.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=20_000, help="How many rows.")] = 50,
) -> None:
    """Show what was used: a month in figures, or every attempt."""
    if csv:
        _save_csv(screen, gateway, filters, out)
    elif rows:
        items = gateway.usage(filters.query(), limit)
        screen.show({"items": items}, render.usage_view(items))
    else:
        query = {} if period is None else {"period": period}
        found = gateway.summary(filters.query() | query)
        screen.show(found, render.summary_view(found))


@command
def verify(screen: Screen, gateway: Gateway) -> None:
    """Recompute every balance from the entries; exit code 1 when one does not agree."""
    found = gateway.verify()
    screen.show(found, render.verified_view(found))
    if not found["agrees"]:
        raise typer.Exit(ExitCode.NO)


@budget.callback(invoke_without_command=True)
def budgets(context: typer.Context, as_json: AsJson = False) -> None:
    """Show every budget of this month, one of them, or set one."""
    if context.invoked_subcommand is None:
        list_budgets(as_json=as_json)


Scope = Annotated[str, typer.Argument(help="owner, user:<id>, project:<id> or provider:<id>.")]


@budget.command("list")
@command
def list_budgets(screen: Screen, gateway: Gateway) -> None:
    """Show every budget of this month."""
    found = gateway.budgets()
    screen.show(found, render.budgets_view(found["items"]))


@budget.command("show")
@command
def show_budget(screen: Screen, gateway: Gateway, scope: Scope = "owner") -> None:
    """Show one budget: its limit, what is spent, held and left."""
    found = gateway.budget(scope)
    screen.show(found, render.budgets_view([found]))


@budget.command("set")
@command
def set_budget(
    screen: Screen,
    gateway: Gateway,
    scope: Scope,
    limit: Annotated[str, typer.Argument(metavar="USD", help="A month's limit, or none.")],
    alert: Annotated[
        list[int] | None,
        typer.Option(metavar="PERCENT", help="Tell the owner there; may be repeated."),
    ] = None,
) -> None:
    """Set a month's limit; "none" leaves a scope to the owner's."""
    body: Json = {"limit": _limit(limit)}
    if alert:
        body["alert_at"] = alert
    found = gateway.set_budget(scope, body)
    screen.show(found, render.budgets_view([found]))


def _limit(text: str) -> str | None:
    if text == NO_LIMIT:
        return None
    try:
        return wire(amount(text))
    except ValueError as error:
        raise WrongUsage(f"{error}, or none.") from None


def _save_csv(screen: Screen, gateway: Gateway, filters: Filters, out: Path | None) -> None:
    if screen.as_json:
        raise WrongUsage("Say --json or --csv, not both.")
    found = gateway.usage_csv(filters.query())
    data = found if isinstance(found, bytes) else _fetched(found)
    if out is None:
        sys.stdout.buffer.write(data)
        return
    out.write_bytes(data)
    screen.note(f"saved {out}")


def _fetched(link: str) -> bytes:
    """A file that was too large for an answer, by its link; it needs no token."""
    try:
        return httpx.get(link, timeout=TIMEOUT).raise_for_status().content
    except httpx.HTTPError as error:
        told = f"The file could not be fetched ({type(error).__name__})."
        raise Unreachable(told, sent=True) from None
