"""Times as text: one form for the API, for events and for webhooks."""

from datetime import UTC, datetime


def moment(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
