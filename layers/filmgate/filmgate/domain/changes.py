"""What has changed in the table, as its stream tells it: the item as it was after the change.

Records may come again, late and in any order, so whoever acts on one looks at the state it tells
of and keeps a mark of what was done.
"""

from dataclasses import dataclass
from datetime import datetime

from filmgate.domain.attempts import Attempt
from filmgate.domain.health import Health
from filmgate.domain.ledger import Budget, Entry


@dataclass(frozen=True, slots=True)
class BudgetChanged:
    """Money moved in a budget, or its limit did. `at` is when."""

    tenant: str
    budget: Budget
    at: datetime


@dataclass(frozen=True, slots=True)
class HealthChanged:
    """A provider's figures were written."""

    tenant: str
    provider: str
    health: Health


@dataclass(frozen=True, slots=True)
class AttemptMoved:
    """An attempt reached a state."""

    tenant: str
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class EntryWritten:
    """A line of the book was written."""

    tenant: str
    entry: Entry


Change = BudgetChanged | HealthChanged | AttemptMoved | EntryWritten
