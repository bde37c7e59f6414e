"""One try of a generation with one provider, and the states its hold on money goes through.

            reserve            begin                 accept
 (none) ──────────▶ RESERVED ─────────▶ SUBMITTING ─────────▶ ACCEPTED ─────▶ PAID ─────▶ STORED
                       │ ▲                 │  │  │              ▲  │ └─▶ OVERDUE ──▲ │
                       │ └── give_back ────┘  │  └─▶ IN_DOUBT ──┘  │        │      │ │
                       ▼                      ▼         │  │       ▼        ▼      │ ▼
                    RELEASED ◀────────────────┴─────────┘  └──────────▶ PRESUMED ──┘ corrected

Held is the money of RESERVED, SUBMITTING, IN_DOUBT, ACCEPTED and OVERDUE; PAID, STORED and
PRESUMED count as spent. A person's correction alone makes PAID of what was sent and RELEASED.
A function here returns the next attempt and raises IllegalTransition or LeaseLost; it never
writes. The store compares state and version, so a stale worker loses.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from filmgate.domain.errors import ErrorClass, GatewayError, ProviderError
from filmgate.domain.facts import Delivered, Ordered, Reported
from filmgate.domain.money import Micros


class Kind(StrEnum):
    """What can be learned from a provider after an answer was lost."""

    KEYED = "keyed"  # the same reference gives the same job
    FINDABLE = "findable"  # the job can be searched by its reference
    BLIND = "blind"  # neither


class AttemptState(StrEnum):
    RESERVED = "reserved"
    SUBMITTING = "submitting"
    IN_DOUBT = "in_doubt"
    ACCEPTED = "accepted"
    OVERDUE = "overdue"
    PAID = "paid"
    STORED = "stored"
    PRESUMED = "presumed"
    RELEASED = "released"


S = AttemptState
HELD: Final = frozenset({S.RESERVED, S.SUBMITTING, S.IN_DOUBT, S.ACCEPTED, S.OVERDUE})
SETTLED: Final = frozenset({S.PAID, S.STORED, S.PRESUMED})
DOUBTFUL: Final = frozenset({S.IN_DOUBT, S.OVERDUE, S.PRESUMED})

# Who answers at once goes from SUBMITTING to STORED in one write: its bytes are in our bucket
# before the ledger says so, and the same write settles. The renderer does so from ACCEPTED.
ALLOWED: Final[Mapping[AttemptState, frozenset[AttemptState]]] = {
    S.RESERVED: frozenset({S.SUBMITTING, S.RELEASED}),
    S.SUBMITTING: frozenset({S.RESERVED, S.RELEASED, S.ACCEPTED, S.IN_DOUBT, S.PAID, S.STORED}),
    S.IN_DOUBT: frozenset({S.ACCEPTED, S.RELEASED, S.PAID, S.STORED, S.PRESUMED}),
    S.ACCEPTED: frozenset({S.PAID, S.STORED, S.RELEASED, S.OVERDUE}),
    S.OVERDUE: frozenset({S.PAID, S.RELEASED, S.PRESUMED}),
    S.PAID: frozenset({S.STORED}),
    S.PRESUMED: frozenset({S.PAID, S.STORED, S.RELEASED}),
    S.STORED: frozenset(),
    S.RELEASED: frozenset({S.PRESUMED}),
}


class IllegalTransition(GatewayError):
    """The attempt cannot go from where it is to where it was sent."""


class LeaseLost(GatewayError):
    """The worker's lease on this attempt is over, or it never had one."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt gave no result: its class, a stable code, a public sentence."""

    error_class: ErrorClass
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """`id` is also the reference that a provider is given. `index` is its place in the chain.

    `scopes` are the budgets it draws on, as (scope, period) pairs, fixed when it reserves. Where
    one of them is a storyboard's envelope, `outer` are the budgets that the envelope itself holds.
    `kind` and `proves_absence` are what the provider's adapter declared when the call began.
    `unseen_since` and `unseen_looks` tell since when and how often in a row a search or a look
    showed no such job; `empty_since`, since when the provider says success and shows no result.
    `double_spend` marks one that was paid beside another of its generation.
    `ordered`, `delivered` and `reported` are for the reports; no step depends on them.
    """

    id: str
    generation_id: str
    index: int
    provider: str
    model: str
    state: AttemptState
    reserved_micros: Micros
    scopes: tuple[tuple[str, str], ...]
    started_at: datetime
    version: int = 1
    tries: int = 0
    owner: str | None = None
    lease_until: datetime | None = None
    retry_at: datetime | None = None
    operation: Mapping[str, Any] | None = None
    deadline_at: datetime | None = None
    actual_micros: Micros | None = None
    failure: Failure | None = None
    ended_at: datetime | None = None
    kind: Kind = Kind.BLIND
    proves_absence: bool = False
    doubted_at: datetime | None = None
    unseen_since: datetime | None = None
    unseen_looks: int = 0
    empty_since: datetime | None = None
    looked_at: datetime | None = None
    double_spend: bool = False
    outer: tuple[tuple[str, str], ...] = ()
    ordered: Ordered | None = None
    delivered: Delivered | None = None
    reported: Reported | None = None

    @property
    def is_held(self) -> bool:
        return self.state in HELD

    @property
    def is_settled(self) -> bool:
        return self.state in SETTLED

    @property
    def held_micros(self) -> Micros:
        return self.reserved_micros if self.is_held else 0

    @property
    def settled_micros(self) -> Micros:
        """What counts as spent; an attempt presumed paid counts in full."""
        if not self.is_settled:
            return 0
        return self.reserved_micros if self.actual_micros is None else self.actual_micros

    @property
    def is_open(self) -> bool:
        """Whether something may still have to happen to it; nobody looks at the others again."""
        if self.state is S.PAID:
            return self.failure is None
        return self.is_held or (self.state is S.PRESUMED and self.ended_at is None)


def begin(
    attempt: Attempt,
    *,
    worker: str,
    lease_until: datetime,
    kind: Kind = Kind.BLIND,
    proves_absence: bool = False,
) -> Attempt:
    """The worker takes the attempt and may send, until its lease ends. One worker wins.

    `kind` and `proves_absence` say what could be learned if its answer were lost.
    """
    return _move(
        attempt,
        S.SUBMITTING,
        owner=worker,
        lease_until=lease_until,
        tries=attempt.tries + 1,
        retry_at=None,
        kind=kind,
        proves_absence=proves_absence,
    )


def give_back(attempt: Attempt, *, worker: str, now: datetime, retry_at: datetime) -> Attempt:
    """Surely nothing was accepted, and the same provider may be asked again at `retry_at`."""
    _require_lease(attempt, worker, now)
    return _move(attempt, S.RESERVED, owner=None, lease_until=None, retry_at=retry_at)


def release(
    attempt: Attempt, *, failure: Failure, now: datetime, worker: str | None = None
) -> Attempt:
    """Nothing was accepted and nothing more will be tried: the hold goes back.

    From SUBMITTING only its owner may say so, before the lease ends. A doubt ends so by a proof
    alone, see `prove_absent`.
    """
    if attempt.state is S.SUBMITTING:
        _require_lease(attempt, worker, now)
    if attempt.state is S.IN_DOUBT:
        raise IllegalTransition("a refusal proves nothing about a call whose answer was lost")
    return _move(attempt, S.RELEASED, failure=failure, ended_at=now, owner=None, lease_until=None)


def accept(attempt: Attempt, *, operation: Mapping[str, Any], deadline_at: datetime) -> Attempt:
    """The provider has the job. Whoever holds a job id records it, lease or no lease."""
    return _move(
        attempt,
        S.ACCEPTED,
        operation=operation,
        deadline_at=deadline_at,
        owner=None,
        lease_until=None,
        failure=None,
        unseen_since=None,
        unseen_looks=0,
    )


def adopt(attempt: Attempt, *, operation: Mapping[str, Any]) -> Attempt:
    """A job turned up for an attempt that was given up: it counts as paid until it is known.

    One that was PRESUMED keeps its money; one that was RELEASED is settled in full again.
    """
    known = replace(attempt, operation=operation, ended_at=None)
    if attempt.state is S.PRESUMED:
        return replace(known, version=attempt.version + 1)
    if attempt.state is not S.RELEASED:
        raise IllegalTransition(f"{attempt.state} was not given up")
    return _move(known, S.PRESUMED)


def doubt(
    attempt: Attempt, *, failure: Failure, now: datetime, worker: str | None = None
) -> Attempt:
    """Nobody knows whether the provider has the job.

    Its owner says so, or anyone after the lease.
    """
    if attempt.lease_until is not None and now < attempt.lease_until:
        _require_lease(attempt, worker, now)
    return _move(attempt, S.IN_DOUBT, failure=failure, doubted_at=now)


def unseen(attempt: Attempt, *, now: datetime) -> Attempt:
    """One more search or look in a row that showed no such job. That alone proves nothing.

    A search counts from the end of the lease on: before it, the call may still be on its way.
    """
    if attempt.lease_until is not None and now < attempt.lease_until:
        return attempt
    return replace(
        attempt,
        version=attempt.version + 1,
        unseen_since=attempt.unseen_since or now,
        unseen_looks=attempt.unseen_looks + 1,
    )


def visible(attempt: Attempt) -> Attempt:
    """A look showed the job at work: what was not seen before is no row of looks any more."""
    if attempt.unseen_since is None and attempt.empty_since is None:
        return attempt
    return replace(
        attempt,
        version=attempt.version + 1,
        unseen_since=None,
        unseen_looks=0,
        empty_since=None,
    )


def prove_absent(
    attempt: Attempt, *, failure: Failure, now: datetime, spacing: timedelta
) -> Attempt:
    """Two searches after the lease, at least `spacing` apart, showed no job: the hold goes back.

    Only where the provider's search is a proof.
    """
    since = attempt.unseen_since
    proved = attempt.proves_absence and since is not None and now - since >= spacing
    if attempt.state is not S.IN_DOUBT or not proved:
        raise IllegalTransition(f"nothing proves that {attempt.id} was not accepted")
    return _move(attempt, S.RELEASED, failure=failure, ended_at=now, owner=None, lease_until=None)


def presume(attempt: Attempt, *, now: datetime) -> Attempt:
    """The limit of doubt is over: counted as paid in full until something proves otherwise."""
    return _move(attempt, S.PRESUMED, owner=None, lease_until=None, looked_at=now)


def looked(attempt: Attempt, *, now: datetime) -> Attempt:
    """Somebody looked into an attempt that is given up, and nothing was new."""
    return replace(attempt, version=attempt.version + 1, looked_at=now)


def close(attempt: Attempt, *, now: datetime) -> Attempt:
    """Nobody will look at a presumed attempt any more; its money stays spent."""
    if attempt.state is not S.PRESUMED:
        raise IllegalTransition(f"{attempt.state} is not presumed")
    return replace(attempt, version=attempt.version + 1, ended_at=now)


def correct(attempt: Attempt, *, actual: Micros, now: datetime) -> Attempt:
    """A person knows what an attempt really cost, for instance from the vendor's bill.

    What was sent and refused may be on that bill all the same: then it is paid, with the refusal as
    the reason why there is no result. What is held or in doubt must first come to its own end, and
    what was never sent is on no bill: raises IllegalTransition.
    """
    billed_though_refused = attempt.state is S.RELEASED and attempt.tries > 0
    if not attempt.is_settled and not billed_though_refused:
        raise IllegalTransition(f"{attempt.state} is not settled")
    return replace(
        attempt,
        state=S.PAID if billed_though_refused else attempt.state,
        version=attempt.version + 1,
        actual_micros=actual,
        ended_at=attempt.ended_at or now,
    )


def empty(attempt: Attempt, *, now: datetime) -> Attempt:
    """The provider says success and shows no result; it may still come."""
    if attempt.empty_since is not None:
        return attempt
    return replace(attempt, version=attempt.version + 1, empty_since=now)


def overdue(attempt: Attempt, *, failure: Failure) -> Attempt:
    """The job is older than its deadline, or cannot be seen any more. The money stays held."""
    return _move(attempt, S.OVERDUE, failure=failure)


def pay(
    attempt: Attempt,
    *,
    actual: Micros,
    operation: Mapping[str, Any] | None = None,
    failure: Failure | None = None,
    reported: Reported | None = None,
    now: datetime,
) -> Attempt:
    """The provider says success. `failure` tells why its result cannot be used, if so."""
    return _move(
        attempt,
        S.PAID,
        actual_micros=actual,
        operation=operation or attempt.operation,
        failure=failure,
        reported=reported or attempt.reported,
        ended_at=now,
        owner=None,
        lease_until=None,
    )


def store(
    attempt: Attempt,
    *,
    now: datetime,
    actual: Micros | None = None,
    reported: Reported | None = None,
) -> Attempt:
    """The result is in our bucket. `actual` settles in the same step where nothing has yet."""
    settled = attempt.actual_micros if actual is None else actual
    return _move(
        attempt,
        S.STORED,
        actual_micros=settled,
        failure=None,
        reported=reported or attempt.reported,
        ended_at=now,
        owner=None,
        lease_until=None,
    )


def spoil(attempt: Attempt, *, failure: Failure) -> Attempt:
    """A paid attempt whose result turned out unusable: it stays paid and says why."""
    if attempt.state is not S.PAID:
        raise IllegalTransition(f"{attempt.state} holds no result")
    return replace(attempt, version=attempt.version + 1, failure=failure)


def failure_of(error: ProviderError) -> Failure:
    return Failure(error.error_class, error.code, error.message)


def _move(attempt: Attempt, to: AttemptState, **changes: Any) -> Attempt:
    if to not in ALLOWED[attempt.state]:
        raise IllegalTransition(f"{attempt.state} does not lead to {to}")
    return replace(attempt, state=to, version=attempt.version + 1, **changes)


def _require_lease(attempt: Attempt, worker: str | None, now: datetime) -> None:
    """Only the owner, and only before the lease ends; raises LeaseLost otherwise."""
    lease = attempt.lease_until
    if worker is None or attempt.owner != worker or lease is None or now >= lease:
        raise LeaseLost(f"the lease on {attempt.id} is not {worker or 'anyone'}'s any more")
