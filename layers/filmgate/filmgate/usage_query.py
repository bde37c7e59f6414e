"""The query parameters of usage reports, as the filter that they mean."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from filmgate.domain.errors import ValidationFailed
from filmgate.domain.usage import Status
from filmgate.domain.wishes import Media
from filmgate.usecases.ports import RowFilter

FILTERS: Final = ("user", "provider", "type", "status", "project", "script_id", "from", "to")
USUAL_MONTHS: Final = 12
MOST_MONTHS: Final = 36

E = TypeVar("E", bound=StrEnum)


def row_filter(given: Mapping[str, str]) -> RowFilter:
    """The filter; raises ValidationFailed for words and times that are none."""
    return RowFilter(
        user=given.get("user"),
        provider=given.get("provider"),
        type=_word(given, "type", Media),
        status=_word(given, "status", Status),
        project=given.get("project"),
        script_id=given.get("script_id"),
        since=_moment(given, "from", timedelta(0)),
        until=_moment(given, "to", timedelta(days=1)),
    )


def months_of(given: Mapping[str, str]) -> int:
    """How many months are asked for; raises ValidationFailed."""
    text = given.get("months", str(USUAL_MONTHS))
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(MOST_MONTHS))
    if not digits or not 1 <= int(text) <= MOST_MONTHS:
        raise ValidationFailed([("?months", f"must be a number from 1 to {MOST_MONTHS}")])
    return int(text)


def _word(given: Mapping[str, str], name: str, kind: type[E]) -> E | None:
    text = given.get(name)
    if text is None:
        return None
    if text not in set(kind):
        raise ValidationFailed([(f"?{name}", f"must be one of {', '.join(kind)}")])
    return kind(text)


def _moment(given: Mapping[str, str], name: str, of_a_day: timedelta) -> datetime | None:
    """A time in UTC; a date is its beginning, `of_a_day` later where its end is meant."""
    text = given.get(name)
    if text is None:
        return None
    try:
        if len(text) == len("2026-11-22"):
            return datetime.combine(date.fromisoformat(text), time(), UTC) + of_a_day
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    told = "must be a date, or a time with its offset such as 2026-11-22T12:00:00Z"
    raise ValidationFailed([(f"?{name}", told)])
