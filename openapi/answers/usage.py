"""Where the money goes: rows, totals, budgets, discrepancies."""

from filmgate.domain.catalogue import Sound
from filmgate.domain.usage import Status, What
from filmgate.domain.wishes import Media
from openapi.answers.base import (
    Amount,
    AttemptId,
    Count,
    Currency,
    Day,
    GenerationId,
    Link,
    Moment,
    Month,
    Page,
    Percent,
    Shown,
    SignedAmount,
)


class UsageRow(Shown):
    """An attempt as a row of the report."""

    id: AttemptId
    user: str | None
    provider: str
    model: str
    type: Media | None
    estimated_cost: Amount
    actual_cost: Amount | None
    """Null while that is open; 0 once it is sure that nothing is billed."""
    duration_s: int | None
    resolution: str | None
    status: Status
    error: str | None
    skipped: bool
    """Passed over without a hold: in no total."""
    late: bool
    double_spend: bool
    created_at: Moment
    completed_at: Moment | None
    generation_id: GenerationId
    project: str | None
    script_id: str | None
    shot_number: int | None
    rate_card: str | None


class Difference(Shown):
    what: What
    ordered: str
    delivered: str
    unit: str


class OrderedMedia(Shown):
    width: int
    height: int
    duration_s: int | None
    sound: Sound | None
    count: Count


class DeliveredMedia(Shown):
    width: int
    height: int
    duration_s: float | None
    has_audio: bool | None
    count: Count


class Costs(Shown):
    """Three views of one bill; null where there is no word of it."""

    estimate: Amount
    ledger: Amount | None
    vendor: Amount | None


class VendorReported(Shown):
    """What the vendor said about its bill, in whichever of these words it uses."""

    tokens: int | None
    seconds: int | None


class Discrepancy(UsageRow):
    """A row with what came otherwise than ordered."""

    differences: list[Difference]
    ordered: OrderedMedia | None
    delivered: DeliveredMedia | None
    costs: Costs
    vendor_reported: VendorReported | None


class UsageFile(Shown):
    """Where a file with all rows lies; the link ends after minutes, the file after a day."""

    url: Link
    expires_at: Moment
    rows: Count


class EstimateAgainstActual(Shown):
    """Of what is settled: what was held for it, and what it cost."""

    estimated: Amount
    actual: Amount
    difference: SignedAmount


class SpentOnDay(Shown):
    date: Day
    spent: Amount


class UsageSummary(Shown):
    """A month in figures."""

    period: Month
    scope: str
    currency: Currency
    total_spent: Amount
    held: Amount
    estimated: Amount
    estimate_against_actual: EstimateAgainstActual
    by_provider: dict[str, Amount]
    by_type: dict[Media, Amount]
    by_user: dict[str, Amount] | None
    by_project: dict[str, Amount] | None
    by_day: list[SpentOnDay]
    count: Count
    succeeded: Count
    failed: Count
    success_rate: Percent | None
    """Of what has come to an end, in percent; null before anything has."""
    storyboards: Count
    average_cost_per_storyboard: Amount | None


class Budget(Shown):
    """A scope's month. `limit_of` says whose limit bounds it: its own or the owner's."""

    scope: str
    period: Month
    currency: Currency
    limit: Amount
    limit_of: str
    spent: Amount
    held: Amount
    room: SignedAmount
    alert_at: list[int]


class Budgets(Page[Budget]):
    """Every scope with a budget or a limit."""

    period: Month


class PastBudget(Shown):
    period: Month
    limit: Amount | None
    """Null where the scope had none of its own."""
    spent: Amount
    held: Amount


class BudgetHistory(Page[PastBudget]):
    """A scope month by month, newest first."""

    scope: str
    currency: Currency


class Money(Shown):
    held: SignedAmount
    spent: SignedAmount


class Drift(Shown):
    """Something whose money is not what its entries say."""

    what: str
    entries_say: Money
    stored: Money


class Miscount(Shown):
    """A total that is not the sum over its attempts: an amount, or a number of them."""

    what: str
    total: str
    attempts_say: SignedAmount | int
    stored: SignedAmount | int


class Checked(Shown):
    budgets: Count
    entries: Count
    attempts: Count


class Verification(Shown):
    """Every balance recomputed from the entries; `drift` and `miscounts` must be
    empty."""

    agrees: bool
    checked: Checked
    drift: list[Drift]
    miscounts: list[Miscount]
    busy: Count
    """What changed too often to be judged."""
    double_spends: list[GenerationId]


class UsageRows(Page[UsageRow]):
    """Rows of the report, newest first."""


class Discrepancies(Page[Discrepancy]):
    """What came otherwise than ordered, newest first."""
