"""What the terminal shows of the film: progress while it is made, and the table at its end."""

from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from local.film.making import Piece
from local.film.shots import Film

STYLES = {"succeeded": "green", "failed": "red", "cancelled": "red", "waiting": "dim"}


class Progress:
    """A line per piece that changes in place; on a plain output one line per change."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=8, transient=True)
        self._said: dict[tuple[int, str], str] = {}

    def __enter__(self) -> "Progress":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def __call__(self, pieces: list[Piece]) -> None:
        if self._console.is_terminal:
            self._live.update(_progress_table(pieces))
            return
        for piece in pieces:
            key, told = (piece.shot.number, piece.kind), describe(piece)
            if piece.generation is not None and self._said.get(key) != told:
                self._said[key] = told
                self._console.print(f"  shot {piece.shot.number} {piece.kind}: {told}")


def describe(piece: Piece) -> str:
    """Where a piece stands, in words: "dalle: over its quota, trying nanobanana".

    What has failed or is in doubt is not said to be tried: another try at the same provider is
    called that, and until the next provider has its turn, nobody is.
    """
    generation = piece.generation
    if generation is None:
        return "waiting"
    attempts = generation["attempts"]
    told = [f"{a['provider']}: {a['error']['message']}" for a in attempts if a["error"]]
    under_way = generation["state"] in ("queued", "running", "storing")
    if under_way and attempts:
        told += _asking(attempts[-1], is_first=not told)
    if generation["state"] == "succeeded":
        made = f"made by {generation['provider']}"
        told.append(f"{made} before, not paid again" if piece.replayed else made)
    if generation["failure"]:
        told.append(generation["failure"]["code"])
    return ", ".join(told)


def _asking(attempt: dict[str, Any], *, is_first: bool) -> list[str]:
    """Who is asked now, as far as anybody is."""
    if attempt["error"] is None:
        return [f"{'asking' if is_first else 'trying'} {attempt['provider']}"]
    if attempt["state"] == "reserved":
        return [f"trying {attempt['provider']} again"]
    return ["looking for its job"] if attempt["state"] == "in_doubt" else []


def final_table(film: Film, pieces: list[Piece]) -> Table:
    """Shot by shot: who was tried, why the first failed, what it should and did cost, the file."""
    folder = next((_shown(piece.file.parent) for piece in pieces if piece.file), "nowhere")
    caption = f"{_total(pieces)}; files are in {folder}"
    table = Table(title=film.title, title_style="bold", caption=caption, box=box.SIMPLE_HEAD)
    table.add_column("Shot", justify="right")
    table.add_column("What", no_wrap=True)
    table.add_column("Made by", no_wrap=True)
    table.add_column("Tried before, and why it failed")
    table.add_column("Estimate", justify="right")
    table.add_column("Actual", justify="right")
    table.add_column("File", no_wrap=True)
    for piece in pieces:
        table.add_row(*_row(piece))
    return table


def _shown(folder: Path) -> str:
    """A folder as people write it: from where they stand, if it is below."""
    here = Path.cwd()
    return f"{folder.relative_to(here) if folder.is_relative_to(here) else folder}/"


def _row(piece: Piece) -> list[Text | str]:
    generation: dict[str, Any] = piece.generation or {}
    failed = [
        f"{attempt['provider']}: {attempt['error']['message']}"
        for attempt in generation.get("attempts", [])
        if attempt["error"]
    ]
    made_by = generation.get("provider") or piece.state
    what = piece.shot.name if piece.kind == "keyframe" else "  clip"
    return [
        str(piece.shot.number) if piece.kind == "keyframe" else "",
        what,
        Text(made_by, style=STYLES.get(piece.state, "")),
        "\n".join(failed),
        generation.get("estimated_cost") or "",
        generation.get("actual_cost") or "",
        piece.file.name if piece.file else "",
    ]


def _total(pieces: list[Piece]) -> str:
    """The sum of what was paid, exact: in ten-thousandths of a dollar."""
    paid = [p.generation["actual_cost"] for p in pieces if p.generation]
    units = sum(int(cost.replace(".", "")) for cost in paid if cost)
    return f"paid in all: {units // 10_000}.{units % 10_000:04d} USD"


def _progress_table(pieces: list[Piece]) -> Table:
    table = Table.grid(padding=(0, 2))
    for piece in pieces:
        table.add_row(
            f"shot {piece.shot.number}",
            piece.kind,
            Text(piece.state, style=STYLES.get(piece.state, "yellow")),
            describe(piece) if piece.generation else "",
        )
    return table
