"""`python -m local verify`: does every balance equal the fold of its entries?"""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from local.api import Api


def running_api(data_dir: Path) -> Api | None:
    """The API of the run that uses this data directory; None where none does."""
    file = data_dir / "env"
    if not file.exists():
        return None
    told = dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)
    return Api(told["FILMGATE_URL"], told["FILMGATE_TOKEN"])


def report(api: Api, console: Console) -> bool:
    """Ask for the comparison and show it; whether everything agrees."""
    found = api.get("/v1/verify")
    checked = found["checked"]
    console.print(
        f"compared {checked['budgets']} budgets and {checked['attempts']} attempts "
        f"with {checked['entries']} entries"
    )
    if found["busy"]:
        console.print(f"{found['busy']} changed too often to be judged; ask again in a moment")
    for generation in found["double_spends"]:
        console.print(f"[yellow]paid twice[/yellow]: {generation} (see its attempts)")
    if found["agrees"]:
        console.print("[green]every balance agrees: the drift is 0[/green]")
    else:
        console.print(_differences(found["drift"]))
    return bool(found["agrees"])


def _differences(drift: list[dict[str, Any]]) -> Table:
    table = Table("what", "entries: held", "stored: held", "entries: spent", "stored: spent")
    for one in drift:
        entered, stored = one["entries_say"], one["stored"]
        table.add_row(
            one["what"], entered["held"], stored["held"], entered["spent"], stored["spent"]
        )
    return table
