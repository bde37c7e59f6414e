"""What the owner is told, and when: notices made from a budget, a provider, an attempt, an entry.

A notice's id is derived from what it is about, so however often and in whatever order the same
fact is seen, it is the same notice. Percentages are computed with integers and never rounded up:
99.96 % is "99.9%", and nobody reads "100.0%" before the limit is reached.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from filmgate.domain.attempts import Attempt, AttemptState
from filmgate.domain.generations import Record
from filmgate.domain.health import SUSPENDING, Health
from filmgate.domain.ids import notice_id
from filmgate.domain.ledger import NO_PERIOD, Budget, Entry, EntryKind
from filmgate.domain.money import Micros, format_usd

FORECAST_FROM_PERCENT: Final = 30
"""Below this share of a limit, a pace says nothing yet."""
FORECAST_AFTER: Final = timedelta(days=1)
"""How long spending must have gone on above that share: one busy hour is no pace."""
FORECAST_AHEAD: Final = timedelta(days=3)
"""How long before the month's end the limit must be reached to be worth a notice."""

USER_SCOPE: Final = "user:"
PAID: Final = frozenset({AttemptState.PAID, AttemptState.STORED})


class NoticeKind(StrEnum):
    BUDGET = "budget"
    FORECAST = "forecast"
    PROVIDER_SUSPENDED = "provider-suspended"
    IN_DOUBT = "in-doubt"
    PRESUMED = "presumed"
    DOUBLE_SPEND = "double-spend"
    OVERRUN = "overrun"
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that the owner is told once.

    `attributes` are facts for filters and programs, all texts. `user` is whom it concerns, None
    when it is the whole studio; `at` is when it was first told.
    """

    id: str
    tenant: str
    kind: NoticeKind
    title: str
    text: str
    at: datetime
    attributes: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None


# --- budgets -----------------------------------------------------------------------------------


def budget_notices(tenant: str, budget: Budget, *, at: datetime) -> list[Notice]:
    """A notice for every threshold that settled money has reached or passed, lowest first.

    Told from the state and not from the step that led there: a threshold that was jumped over, a
    limit that was lowered and a step that nobody saw all give the same notices.
    """
    limit = _watched_limit(budget)
    if limit is None:
        return []
    reached = sorted(
        percent for percent in set(budget.alert_at) if _reaches(budget.settled, limit, percent)
    )
    return [
        Notice(
            id=notice_id(tenant, NoticeKind.BUDGET, budget.scope, budget.period, str(percent)),
            tenant=tenant,
            kind=NoticeKind.BUDGET,
            title="Approaching Budget Limit",
            text=_used(budget.settled, limit),
            at=at,
            attributes={**_facts(budget, limit), "threshold": str(percent)},
            user=_user_of(budget.scope),
        )
        for percent in reached
    ]


def may_be_forecast(budget: Budget) -> bool:
    """Whether enough of a limit is spent, and enough left, to ask when it will be reached."""
    limit = _watched_limit(budget)
    return (
        limit is not None
        and _reaches(budget.settled, limit, FORECAST_FROM_PERCENT)
        and budget.settled < limit
    )


def forecast_notice(
    tenant: str, budget: Budget, *, watched_since: datetime, at: datetime
) -> Notice | None:
    """The notice of when the limit will be reached, if that is FORECAST_AHEAD of the month's end.

    The pace is linear from the month's first second to `at`. `watched_since` is when
    `may_be_forecast` was first seen to be true in this month.
    """
    limit = _watched_limit(budget)
    if limit is None or not may_be_forecast(budget) or at - watched_since < FORECAST_AFTER:
        return None
    begin, end = _month(budget.period)
    if not begin < at < end:
        return None
    elapsed_s = (at - begin) // timedelta(seconds=1)
    reached_at = begin + timedelta(seconds=elapsed_s * limit // budget.settled)
    if reached_at > end - FORECAST_AHEAD:
        return None
    day = f"{reached_at:%Y-%m-%d}"
    return Notice(
        id=notice_id(tenant, NoticeKind.FORECAST, budget.scope, budget.period),
        tenant=tenant,
        kind=NoticeKind.FORECAST,
        title="Budget Forecast",
        text=f"At this pace the limit is reached on {day}",
        at=at,
        attributes={**_facts(budget, limit), "reached_on": day},
        user=_user_of(budget.scope),
    )


def _watched_limit(budget: Budget) -> Micros | None:
    """The limit that notices are about; None where there is nothing to tell.

    That is a generation's own budget, one of which nothing is spent, one whose owner wants no
    alerts, and a scope without a limit of its own, which its owner's budget bounds.
    """
    silent = budget.period == NO_PERIOD or budget.settled <= 0 or not budget.alert_at
    return None if silent else budget.limit


def _reaches(settled: Micros, limit: Micros, percent: int) -> bool:
    return settled * 100 >= limit * percent


def _used(settled: Micros, limit: Micros) -> str:
    if limit == 0:  # lowered to nothing: no percentage says how much of it is used
        return f"Used {format_usd(settled)} USD of a budget of 0.0000 USD"
    tenths = settled * 1000 // limit
    return f"Used {tenths // 10}.{tenths % 10}% of budget"


def _facts(budget: Budget, limit: Micros) -> dict[str, str]:
    return {
        "scope": budget.scope,
        "period": budget.period,
        "spent": format_usd(budget.settled),
        "limit": format_usd(limit),
    }


def _user_of(scope: str) -> str | None:
    return scope.removeprefix(USER_SCOPE) if scope.startswith(USER_SCOPE) else None


def _month(period: str) -> tuple[datetime, datetime]:
    """The first second of a month such as "2026-11", and that of the next one."""
    year, month = int(period[:4]), int(period[5:])
    begin = datetime(year, month, 1, tzinfo=UTC)
    return begin, begin.replace(year=year + month // 12, month=month % 12 + 1)


# --- providers ---------------------------------------------------------------------------------

_SUSPENDED: Final[Mapping[str, tuple[str, str]]] = {
    "key-refused": ("Provider Key Refused", "refuses its key"),
    "quota-exhausted": ("Provider Suspended", "says that its account is empty"),
    "retired": ("Provider Suspended", "has retired its model"),
}


def provider_notice(tenant: str, provider: str, health: Health, *, at: datetime) -> Notice | None:
    """The notice of a provider that will fail until somebody does something.

    Once for a reason and a time out of service: probes that fail again in between tell nothing
    new. A breaker that opened for failures that may pass by themselves is no notice.
    """
    since, reason = health.open_since, health.reason
    if since is None or reason not in SUSPENDING:
        return None
    title, what = _SUSPENDED[reason]
    return Notice(
        id=notice_id(tenant, NoticeKind.PROVIDER_SUSPENDED, provider, reason, since.isoformat()),
        tenant=tenant,
        kind=NoticeKind.PROVIDER_SUSPENDED,
        title=title,
        text=f"{provider} {what}; it is left out until its settings change or a try succeeds",
        at=at,
        attributes={"provider": provider, "reason": reason},
    )


# --- attempts and entries ----------------------------------------------------------------------

_DOUBTS: Final[Mapping[AttemptState, tuple[NoticeKind, str, str]]] = {
    AttemptState.IN_DOUBT: (
        NoticeKind.IN_DOUBT,
        "Outcome Unknown",
        "{provider} may have accepted a job and gave no readable answer; {amount} USD stay held",
    ),
    AttemptState.PRESUMED: (
        NoticeKind.PRESUMED,
        "Presumed Paid",
        "{provider} never said what became of a job; {amount} USD are counted as spent",
    ),
}


def attempt_notice(
    tenant: str, attempt: Attempt, record: Record | None, *, at: datetime
) -> Notice | None:
    """The notice that belongs to the state an attempt has reached, if one does.

    `record` is the generation as it now is: one that was paid at two providers is told once.
    """
    if attempt.state in _DOUBTS:
        kind, title, text = _DOUBTS[attempt.state]
        amount = format_usd(attempt.reserved_micros)
        return Notice(
            id=notice_id(tenant, kind, attempt.id),
            tenant=tenant,
            kind=kind,
            title=title,
            text=text.format(provider=attempt.provider, amount=amount),
            at=at,
            attributes={**_whose(attempt), "amount": amount},
            user=_asked_by(record),
        )
    if attempt.state in PAID and record is not None:
        return _double_spend(tenant, record, at)
    return None


def entry_notice(
    tenant: str, entry: Entry, record: Record | None, *, at: datetime
) -> Notice | None:
    """The notice of money beyond what was held, or of a booking that was mended."""
    attempts = record.attempts if record else ()
    attempt = next((one for one in attempts if entry.id.startswith(f"{one.id}.")), None)
    who = attempt.provider if attempt else "a provider"
    match entry.kind:
        case EntryKind.OVERRUN:
            kind, title = NoticeKind.OVERRUN, "Cost Over-run"
            amount = format_usd(entry.settled)
            text = f"{who} charged {amount} USD more than its price allowed"
        case EntryKind.CORRECT:
            kind, title = NoticeKind.CORRECTION, "Booking Corrected"
            amount = format_usd(entry.settled)
            text = f"Money of {who} was corrected by {amount} USD"
        case _:
            return None
    facts = _whose(attempt) if attempt else {"generation_id": entry.generation_id}
    return Notice(
        id=notice_id(tenant, kind, entry.generation_id, entry.id),
        tenant=tenant,
        kind=kind,
        title=title,
        text=text,
        at=at,
        attributes={**facts, "amount": amount},
        user=_asked_by(record),
    )


def _double_spend(tenant: str, record: Record, at: datetime) -> Notice | None:
    paid = [attempt for attempt in record.attempts if attempt.state in PAID]
    if len(paid) < 2:
        return None
    providers = ", ".join(attempt.provider for attempt in paid)
    spent = format_usd(sum(attempt.actual_micros or 0 for attempt in paid))
    return Notice(
        id=notice_id(tenant, NoticeKind.DOUBLE_SPEND, record.generation.id),
        tenant=tenant,
        kind=NoticeKind.DOUBLE_SPEND,
        title="Paid Twice",
        text=f"One generation was paid at {providers}: {spent} USD in all; every take is kept",
        at=at,
        attributes={
            "generation_id": record.generation.id,
            "providers": providers,
            "amount": spent,
        },
        user=record.generation.user,
    )


def _whose(attempt: Attempt) -> dict[str, str]:
    return {
        "generation_id": attempt.generation_id,
        "attempt_id": attempt.id,
        "provider": attempt.provider,
    }


def _asked_by(record: Record | None) -> str | None:
    return record.generation.user if record else None
