"""Answers of the API as tables and lines for people. Nothing is asked here."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from filmgate_cli.money import total
from filmgate_cli.screen import line
from filmgate_cli.shapes import (
    Budget,
    Candidate,
    Comparison,
    Estimate,
    Generation,
    GenerationItem,
    Notice,
    Part,
    PricedPart,
    Provider,
    RateCard,
    Shot,
    Storyboard,
    StoryboardEstimate,
    StoryboardHead,
    Summary,
    UsageRow,
    Verified,
)
from filmgate_cli.takes import File
from filmgate_cli.text import clean, cut

STYLES: Final = {
    "succeeded": "green", "success": "green", "failed": "red", "cancelled": "red",
    "partial": "yellow", "skipped": "yellow", "queued": "dim", "waiting": "dim",
}  # fmt: skip
PROMPT_WIDTH: Final = 40
NOTHING: Final = "–"


def state(word: str) -> Text:
    return Text(clean(word), style=STYLES.get(word, "cyan"))


def table(*columns: str, right: Sequence[str] = (), title: str | None = None) -> Table:
    """An empty table; columns that are named in `right` hold figures."""
    made = Table(
        title=None if title is None else clean(title), title_justify="left", box=box.SIMPLE_HEAD
    )
    for name in columns:
        justify = "right" if name in right else "left"
        made.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    return made


def _row(made: Table, *cells: str | Text | None, style: str = "") -> None:
    shown = [cell if isinstance(cell, Text) else Text(clean(cell or NOTHING)) for cell in cells]
    made.add_row(*shown, style=style)


def _priced_with(card: RateCard) -> str:
    return f"US dollars; prices of the card {card['name']}, version {card['version']}"


def _warnings(warnings: Iterable[str]) -> list[Text]:
    return [line(f"Note: {one}", "yellow") for one in warnings]


# --- prices


def estimate_view(estimate: Estimate) -> Group:
    """The chain as it would be tried, and what it comes to."""
    made = table("", "Provider", "Model", "Cost", "Quality", "Speed", "Why not", right=["Cost"])
    tried = 0
    for entry in estimate["chain"]:
        tried += entry["eligible"]
        _candidate(made, entry, str(tried) if entry["eligible"] else "")
    sums = f"expected {estimate['expected']}, at most {estimate['max']} USD"
    return Group(
        made,
        line(sums, "bold"),
        line(_priced_with(estimate["rate_card"]), "dim"),
        line(f"quote {estimate['quote_id']}, until {estimate['expires_at'][11:16]} UTC", "dim"),
        *_warnings(estimate["warnings"]),
    )


def comparison_view(comparison: Comparison) -> Group:
    """Every provider of the medium, the cheapest first."""
    made = table("", "Provider", "Model", "Cost", "Quality", "Speed", "Why not", right=["Cost"])
    for entry in comparison["offers"]:
        _candidate(made, entry, "")
    return Group(made, line(_priced_with(comparison["rate_card"]), "dim"))


def _candidate(made: Table, entry: Candidate, place: str) -> None:
    _row(
        made,
        Text(place),
        entry["provider"],
        entry["model"],
        entry["cost"],
        entry["quality"],
        _speed(entry),
        Text(clean(entry["reason"] or "")),
        style="" if entry["eligible"] else "dim",
    )


def _speed(entry: Candidate) -> str:
    seconds = entry["observed_s"] or entry["expected_s"]
    if seconds is None:
        return entry["speed"]
    seen = "seen" if entry["observed_s"] else "about"
    return f"{entry['speed']}, {seen} {max(seconds, 1):.0f} s"


def storyboard_estimate_view(estimate: StoryboardEstimate) -> Group:
    """A shot list priced: shot by shot, the sum, and what other strategies would come to."""
    made = table(
        "Shot", "Keyframe", "Variation", "Clip", "Cost", "At most", right=["Cost", "At most"]
    )
    for shot in estimate["shots"]:
        parts = (shot["keyframe"], shot["variation"], shot["clip"])
        _row(made, str(shot["number"]), *map(_priced, parts), shot["total"], shot["max"])
    own = estimate["strategy"]
    others = ", ".join(
        f"{name} {sums['total']}" for name, sums in estimate["strategies"].items() if name != own
    )
    return Group(
        made,
        line(f"expected {estimate['total']}, at most {estimate['max']} USD ({own})", "bold"),
        line(f"other strategies: {others}", "dim"),
        line(_priced_with(estimate["rate_card"]), "dim"),
        *_warnings(estimate["warnings"]),
    )


def _priced(part: PricedPart | None) -> str | None:
    return None if part is None else f"{part['provider']} {part['cost']}"


# --- generations


def generation_view(generation: Generation, files: Sequence[File] = ()) -> Group:
    """How a generation stands: its attempts with reasons, its takes, its cost."""
    cost = generation["actual_cost"]
    lines: list[RenderableType] = [
        Text.assemble(clean(generation["id"]), " ", state(generation["state"])),
        *(line(f"  {told}") for told in attempts_told(generation)),
    ]
    failure = generation["failure"]
    if failure is not None:
        lines.append(line(f"  {failure['code']}: {failure['message']}", "red"))
    paid = f"paid {cost} USD" if cost else "nothing paid"
    lines.append(line(f"  {paid}, estimated {generation['estimate']['expected']}"))
    lines += [line(f"  saved {file.path}") for file in files]
    return Group(*lines, *_warnings(generation["warnings"]))


def attempts_told(generation: Generation) -> list[str]:
    """A line per attempt: "dalle: over its quota", "nanobanana: made it for 0.0100"."""
    told = []
    for attempt in generation["attempts"]:
        error, cost = attempt["error"], attempt["actual_cost"]
        if error is not None:
            told.append(f"{attempt['provider']}: {error['message']}")
        elif attempt["provider"] == generation["provider"]:
            told.append(f"{attempt['provider']}: made it" + (f" for {cost}" if cost else ""))
        else:
            told.append(f"{attempt['provider']}: {attempt['state']}")
    return told


def generations_view(items: Sequence[GenerationItem]) -> Table:
    made = table("Generation", "State", "What", "Provider", "Cost", "Prompt", right=["Cost"])
    for item in items:
        cost = item["actual_cost"] or item["estimated_cost"]
        prompt = cut(item["prompt"], PROMPT_WIDTH)
        _row(made, item["id"], state(item["state"]), item["type"], item["provider"], cost, prompt)
    return made


# --- storyboards


def storyboard_view(
    storyboard: Storyboard, files: Sequence[File] = (), *, height: int | None = None
) -> Group:
    """Every shot as it stands. With `height`, at most so many shots: those that move first."""
    shown, hidden = _shown(storyboard["shots"], height)
    made = table("Shot", "Prompt", "Keyframe", "Variation", "Clip", "Cost", right=["Shot", "Cost"])
    made.title = clean(storyboard["title"] or storyboard["id"])
    for shot in shown:
        parts = [shot["keyframe"], shot["variation"], shot["clip"]]
        prompt = cut(shot["prompt"], PROMPT_WIDTH)
        _row(made, str(shot["number"]), prompt, *map(_part, parts), _cost(parts))
    more = [line(f"… and {hidden} shots more", "dim")] if hidden else []
    waiting = [group["waits_for_approval"] for group in storyboard["groups"]]
    return Group(
        made,
        *more,
        *(line(f"  {told}", "red") for told in _faults(storyboard["shots"])),
        *(
            line(f"  shot {one['shot']} waits for approval: {one['why']}", "yellow")
            for one in waiting
            if one is not None
        ),
        progress_line(storyboard),
        *(line(f"  saved {file.path}") for file in files),
        *_warnings(storyboard["warnings"]),
    )


def progress_line(storyboard: Storyboard) -> Text:
    """ "running: 7 of 12 done, 1 failed; spent 0.0900, held 0.0300 of at most 0.1500 USD" """
    so_far = storyboard["progress"]
    counts = [f"{so_far['done']} of {so_far['total']} done"]
    counts += [
        f"{count} {name}"
        for name, count in (
            ("failed", so_far["failed"]),
            ("skipped", so_far["skipped"]),
            ("cancelled", so_far["cancelled"]),
        )
        if count
    ]
    money = (
        f"spent {storyboard['actual_cost']}, held {storyboard['held']}"
        f" of at most {storyboard['estimate']['max']} USD"
    )
    return Text.assemble(state(storyboard["state"]), f": {', '.join(counts)}; {money}")


def part_told(part: Part) -> str:
    """A part in words: "nanobanana", "running", "failed: content-refused"."""
    if part["state"] == "succeeded":
        return part["provider"] or part["state"]
    told = part["state"] if part["error"] is None else f"{part['state']}: {part['error']['code']}"
    return f"{told} (in doubt)" if part["in_doubt"] else told


def _part(part: Part | None) -> Text:
    if part is None:
        return Text(NOTHING, style="dim")
    return Text(clean(part_told(part)), style=STYLES.get(part["state"], "cyan"))


def _cost(parts: Iterable[Part | None]) -> str | None:
    costs = [part["cost"] for part in parts if part is not None]
    return total(costs) if any(costs) else None


def _faults(shots: Iterable[Shot]) -> list[str]:
    return [
        f"shot {shot['number']} {role}: {part['error']['message']}"
        for shot in shots
        for role, part in (
            ("keyframe", shot["keyframe"]),
            ("variation", shot["variation"]),
            ("clip", shot["clip"]),
        )
        if part is not None and part["error"] is not None
    ]


def _shown(shots: Sequence[Shot], height: int | None) -> tuple[Sequence[Shot], int]:
    """As many shots as there is room for, in their order: those at work, then those to come."""
    if height is None or len(shots) <= height:
        return shots, 0
    rank = {"running": 0, "failed": 1, "queued": 2}
    first = sorted(range(len(shots)), key=lambda at: (rank.get(shots[at]["state"], 3), at))
    kept = sorted(first[: max(height, 1)])
    return [shots[at] for at in kept], len(shots) - len(kept)


def storyboards_view(items: Sequence[StoryboardHead]) -> Table:
    made = table("Storyboard", "State", "Shots", "At most", "Title", right=["Shots", "At most"])
    for one in items:
        title = cut(one["title"] or "", PROMPT_WIDTH)
        shots = str(one["shot_count"])
        _row(made, one["id"], state(one["state"]), shots, one["estimate"]["max"], title)
    return made


# --- money


def budgets_view(budgets: Sequence[Budget]) -> Table:
    figures = ["Limit", "Spent", "Held", "Room"]
    made = table("Scope", *figures, "Alerts at", right=figures)
    for one in budgets:
        own = one["limit"] if one["limit_of"] == one["scope"] else f"({one['limit']})"
        alerts = ", ".join(f"{percent} %" for percent in one["alert_at"])
        _row(made, one["scope"], own, one["spent"], one["held"], one["room"], alerts)
    if any(one["limit_of"] != one["scope"] for one in budgets):
        made.caption = "A limit in brackets is the owner's; that scope has none of its own."
        made.caption_justify = "left"
    return made


def summary_view(summary: Summary) -> Group:
    """A month in figures."""
    spent = f"{summary['period']}: spent {summary['total_spent']}, held {summary['held']} USD"
    ended = f"{summary['count']} attempts: {summary['succeeded']} good, {summary['failed']} failed"
    rate = summary["success_rate"]
    average = summary["average_cost_per_storyboard"]
    return Group(
        line(spent, "bold"),
        line(ended if rate is None else f"{ended}; {rate} % of those that ended"),
        *([line(f"a storyboard costs {average} USD on average")] if average else []),
        _amounts("Provider", summary["by_provider"]),
        _amounts("Type", summary["by_type"]),
        _amounts("Day", {day["date"]: day["spent"] for day in summary["by_day"]}),
    )


def _amounts(name: str, amounts: dict[str, str]) -> RenderableType:
    made = table(name, "Spent", right=["Spent"])
    for key, spent in amounts.items():
        _row(made, key, spent)
    return made if amounts else Text()


def usage_view(rows: Sequence[UsageRow]) -> Table:
    made = table(
        "When", "User", "Provider", "Type", "Status", "Estimate", "Actual", "Error",
        right=["Estimate", "Actual"],
    )  # fmt: skip
    for row in rows:
        _row(
            made, row["created_at"][:16].replace("T", " "), row["user"], row["provider"],
            row["type"], state(row["status"]), row["estimated_cost"], row["actual_cost"],
            Text(clean(row["error"] or "")),
        )  # fmt: skip
    return made


def verified_view(found: Verified) -> Group:
    checked = ", ".join(f"{count} {what}" for what, count in found["checked"].items())
    if found["agrees"]:
        return Group(line(f"The books agree: {checked} checked.", "green"))
    made = table("What", "Entries: held", "spent", "Stored: held", "spent ")
    for one in found["drift"]:
        entered, stored = one["entries_say"], one["stored"]
        _row(made, one["what"], entered["held"], entered["spent"], stored["held"], stored["spent"])
    return Group(line(f"The books do not agree ({checked} checked):", "bold red"), made)


# --- the studio


def providers_view(providers: Sequence[Provider]) -> Table:
    """Who makes what, in the order in which they are tried."""
    made = table(
        "Type", "", "Provider", "State", "Key", "Quality", "Speed", "Good", "Median",
        right=["Good", "Median"],
    )  # fmt: skip
    for one in providers:
        seen = one["observed"]
        rate, median = seen["success_rate"], seen["p50_s"]
        _row(
            made, one["type"], str(one["priority"]), one["id"], _provider_state(one), _key(one),
            one["quality"], one["speed"],
            None if rate is None else f"{rate} %", None if median is None else f"{median:.1f} s",
        )  # fmt: skip
    return made


def _provider_state(one: Provider) -> Text:
    if one["retired"] is not None:
        return Text(clean(f"retired {one['retired']['since']}"), style="dim")
    if not one["enabled"]:
        return Text("off", style="dim")
    breaker = one["breaker"]
    if breaker["state"] != "closed":
        return Text(clean(f"left alone: {breaker['reason'] or breaker['state']}"), style="yellow")
    return Text("on", style="green")


def _key(one: Provider) -> str:
    if not one["needs_key"]:
        return "not needed"
    return "set" if one["key_set"] else "missing"


def notices_view(notices: Sequence[Notice]) -> Table:
    made = table("When", "Kind", "Title", "Text")
    for one in notices:
        _row(made, one["at"][:16].replace("T", " "), one["kind"], one["title"], one["text"])
    return made
