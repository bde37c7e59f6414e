"""What callers get of usage: rows, totals, budgets by month, discrepancies; as JSON and as CSV."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from filmgate.domain import totals
from filmgate.domain.attempts import Attempt
from filmgate.domain.ledger import Budget
from filmgate.domain.moments import moment
from filmgate.domain.money import Micros, format_usd
from filmgate.domain.usage import differences, status_of, was_skipped
from filmgate.spreadsheet import csv_text
from filmgate.usecases.budgets import Standing
from filmgate.usecases.usage import Summary
from filmgate.views import (
    CURRENCY,
    Json,
    budget_view,
    optional_moment,
    optional_usd,
)

COLUMNS: Final = (
    "id", "created_at", "completed_at", "status", "user", "provider", "model", "type",
    "estimated_cost", "actual_cost", "duration_s", "resolution", "error", "skipped", "late",
    "double_spend", "generation_id", "project", "script_id", "shot_number", "rate_card",
)  # fmt: skip


def row_view(attempt: Attempt) -> Json:
    """An attempt as a row of the report.

    `actual_cost` is null while that is open, and 0 once it is sure that nothing is billed.
    """
    ordered = attempt.ordered
    return {
        "id": attempt.id,
        "user": ordered.user if ordered else None,
        "provider": attempt.provider,
        "model": attempt.model,
        "type": ordered.type if ordered else None,
        "estimated_cost": format_usd(attempt.reserved_micros),
        "actual_cost": None if attempt.is_held else format_usd(attempt.settled_micros),
        "duration_s": ordered.duration_s if ordered else None,
        "resolution": ordered.resolution if ordered else None,
        "status": status_of(attempt),
        "error": attempt.failure.code if attempt.failure else None,
        "skipped": was_skipped(attempt),
        "late": attempt.delivered is not None and attempt.delivered.late,
        "double_spend": attempt.double_spend,
        "created_at": moment(attempt.started_at),
        "completed_at": optional_moment(attempt.ended_at),
        "generation_id": attempt.generation_id,
        "project": ordered.project if ordered else None,
        "script_id": ordered.script_id if ordered else None,
        "shot_number": ordered.shot_number if ordered else None,
        "rate_card": ordered.rate_card if ordered else None,
    }


def rows_csv(attempts: Iterable[Attempt]) -> str:
    """The same rows as a spreadsheet reads them."""
    return csv_text(COLUMNS, map(row_view, attempts))


def discrepancy_view(attempt: Attempt) -> Json:
    """A row with what came otherwise: estimate, ledger and the vendor's own words side by side."""
    ordered, delivered, said = attempt.ordered, attempt.delivered, attempt.reported
    return {
        **row_view(attempt),
        "differences": [
            {
                "what": one.what,
                "ordered": one.ordered,
                "delivered": one.delivered,
                "unit": one.unit,
            }
            for one in differences(attempt)
        ],
        "ordered": (
            {
                "width": ordered.width,
                "height": ordered.height,
                "duration_s": ordered.duration_s,
                "sound": ordered.sound,
                "count": 1,
            }
            if ordered
            else None
        ),
        "delivered": (
            {
                "width": delivered.width,
                "height": delivered.height,
                "duration_s": _seconds(delivered.duration_ms),
                "has_audio": delivered.has_audio,
                "count": (said.results if said else None) or 1,
            }
            if delivered
            else None
        ),
        "costs": {
            "estimate": format_usd(attempt.reserved_micros),
            "ledger": optional_usd(attempt.settled_micros if attempt.is_settled else None),
            "vendor": optional_usd(said.cost_micros if said else None),
        },
        "vendor_reported": (
            {"tokens": said.tokens, "seconds": said.seconds} if said is not None else None
        ),
    }


def totals_view(found: Summary) -> Json:
    """A month in figures; `success_rate` is a whole percentage of what has come to an end."""
    budget = found.budget
    tally = budget.tally
    ended = tally.get(totals.SUCCEEDED, 0) + tally.get(totals.FAILED, 0)
    estimated = tally.get(totals.ESTIMATED_SETTLED, 0)
    return {
        "period": budget.period,
        "scope": budget.scope,
        "currency": CURRENCY,
        "total_spent": format_usd(budget.settled),
        "held": format_usd(budget.held),
        "estimated": format_usd(tally.get(totals.ESTIMATED, 0)),
        "estimate_against_actual": {
            "estimated": format_usd(estimated),
            "actual": format_usd(budget.settled),
            "difference": format_usd(budget.settled - estimated),
        },
        "by_provider": _amounts(totals.parts(tally, totals.PROVIDER)),
        "by_type": _amounts(totals.parts(tally, totals.TYPE)),
        "by_user": None if found.by_user is None else _amounts(found.by_user),
        "by_project": None if found.by_project is None else _amounts(found.by_project),
        "by_day": [
            {"date": f"{budget.period}-{day}", "spent": format_usd(spent)}
            for day, spent in totals.parts(tally, totals.DAY).items()
        ],
        "count": tally.get(totals.COUNT, 0),
        "succeeded": tally.get(totals.SUCCEEDED, 0),
        "failed": tally.get(totals.FAILED, 0),
        "success_rate": round(100 * tally.get(totals.SUCCEEDED, 0) / ended) if ended else None,
        "storyboards": tally.get(totals.STORYBOARDS, 0),
        "average_cost_per_storyboard": optional_usd(totals.average_of_storyboards(tally)),
    }


def budgets_view(period: str, standings: Sequence[Standing]) -> Json:
    return {"period": period, "items": [budget_view(one) for one in standings], "next": None}


def history_view(scope: str, budgets: Sequence[Budget]) -> Json:
    """A scope month by month; `limit` is null where it had none of its own."""
    return {
        "scope": scope,
        "currency": CURRENCY,
        "items": [
            {
                "period": one.period,
                "limit": optional_usd(one.limit),
                "spent": format_usd(one.settled),
                "held": format_usd(one.held),
            }
            for one in budgets
        ],
        "next": None,
    }


def _amounts(parts: Mapping[str, Micros]) -> dict[str, str]:
    return {name: format_usd(spent) for name, spent in parts.items()}


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
