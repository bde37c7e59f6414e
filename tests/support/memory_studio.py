"""The port Studio in memory, linearizable: one lock around every call.

A commit is refused for exactly the reasons for which the table refuses it, and in the same order:
guards first (state and version of an attempt, version of a generation, everything else new), then
budgets (open, with room).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from filmgate.domain.attempts import Attempt
from filmgate.domain.audit import AuditRecord
from filmgate.domain.boards import Head
from filmgate.domain.chain import ProviderSettings
from filmgate.domain.errors import AlreadyExists, BudgetMissing, DoesNotFit, Stale
from filmgate.domain.generations import Generation, GenerationState, Record, Take
from filmgate.domain.health import Health
from filmgate.domain.ledger import (
    Budget,
    Commit,
    Entry,
    Posting,
    PriceDoubt,
    flight_change,
    fold,
    fold_outside,
    is_envelope,
    is_new,
    next_period,
    outside,
)
from filmgate.domain.pace import Flight, started
from filmgate.domain.quotes import Quote
from filmgate.domain.totals import added
from filmgate.usecases.ports import BudgetLimit, Ledger, Opened, Page, Paid
from tests.support.memory_desk import Key, MemoryDesk
from tests.support.memory_uploads import MemoryUploads


class MemoryStudio(MemoryUploads, MemoryDesk):
    """A table that forgets when the test ends. What a test may look at is public."""

    def __init__(self) -> None:
        super().__init__()
        self.generations: dict[Key, Generation] = {}
        self.attempts: dict[Key, dict[int, Attempt]] = defaultdict(dict)
        self.takes: dict[Key, dict[str, Take]] = defaultdict(dict)
        self.entries: dict[Key, Entry] = {}
        self.budgets: dict[Key, Budget] = {}
        self.limits: dict[Key, BudgetLimit] = {}
        self.settings: dict[str, dict[str, ProviderSettings]] = defaultdict(dict)
        self.flights: dict[Key, Flight] = defaultdict(Flight)
        self.figures: dict[str, dict[str, Health]] = defaultdict(dict)
        self.price_doubts: dict[Key, PriceDoubt] = {}
        self.heads: dict[Key, Head] = {}
        self.quotes: dict[Key, Quote] = {}

    # --- reading -------------------------------------------------------------------------------

    def find(self, tenant: str, generation_id: str) -> Record | None:
        with self.lock:
            key = (tenant, generation_id)
            if key not in self.generations:
                return None
            attempts = self.attempts.get(key, {})
            takes = self.takes.get(key, {})
            return Record(
                self.generations[key],
                tuple(attempts[index] for index in sorted(attempts)),
                tuple(takes[identifier] for identifier in sorted(takes)),
            )

    def page(
        self,
        tenant: str,
        *,
        limit: int,
        cursor: str | None,
        state: GenerationState | None,
        project: str | None,
        script_id: str | None,
        provider: str | None,
        user: str | None,
    ) -> Page:
        """The cursor is the place of the next item, as a number."""
        wanted = {
            "state": state,
            "project": project,
            "script_id": script_id,
            "provider": provider,
            "user": user,
        }
        start = 0 if cursor is None else int(cursor)
        with self.lock:
            found = [
                generation
                for (owner, _), generation in self.generations.items()
                if owner == tenant
                and all(getattr(generation, n) == w for n, w in wanted.items() if w is not None)
            ]
        found.sort(key=lambda one: (one.created_at, one.id), reverse=True)
        more = len(found) > start + limit
        return Page(found[start : start + limit], str(start + limit) if more else None)

    def budget(self, tenant: str, scope: str, period: str) -> Budget | None:
        with self.lock:
            return self.budgets.get((tenant, scope, period))

    def limit_of(self, tenant: str, scope: str) -> BudgetLimit | None:
        with self.lock:
            return self.limits.get((tenant, scope))

    def provider_settings(self, tenant: str) -> Mapping[str, ProviderSettings]:
        with self.lock:
            found = dict(self.settings[tenant])
            for (owner, provider, price), doubt in self.price_doubts.items():
                if owner == tenant and doubt.confirmed_by is None:
                    known = found.get(provider, ProviderSettings())
                    prices = known.doubted_prices | {price}
                    found[provider] = replace(known, doubted_prices=prices)
            return found

    def opened(self, *, before: datetime) -> Sequence[Opened]:
        with self.lock:
            found = {}
            for (tenant, name), generation in self.generations.items():
                begun = [] if generation.is_terminal else [generation.created_at]
                attempts = self.attempts.get((tenant, name), {}).values()
                begun += [one.started_at for one in attempts if one.is_open]
                if begun and min(begun) < before:
                    found[tenant, name] = Opened(tenant, name, min(begun))
            return sorted(found.values(), key=lambda one: one.since)

    def ledger(self, tenant: str) -> Ledger:
        with self.lock:
            return Ledger(
                [one for (owner, *_), one in self.budgets.items() if owner == tenant],
                [one for (owner, *_), one in self.entries.items() if owner == tenant],
                [
                    attempt
                    for (owner, _), attempts in self.attempts.items()
                    if owner == tenant
                    for attempt in attempts.values()
                ],
                [
                    Paid(one.id, one.actual_micros or 0, one.version)
                    for (owner, _), one in self.generations.items()
                    if owner == tenant and one.is_terminal
                ],
            )

    def tenants(self) -> Sequence[str]:
        with self.lock:
            return sorted({tenant for tenant, *_ in self.budgets})

    def health(self, tenant: str) -> Mapping[str, Health]:
        with self.lock:
            return dict(self.figures[tenant])

    def put_health(self, tenant: str, provider: str, before: Health | None, after: Health) -> None:
        with self.lock:
            known = self.figures[tenant].get(provider)
            if (known and known.version) != (before and before.version):
                raise Stale(provider)
            self.figures[tenant][provider] = after

    # --- quotes --------------------------------------------------------------------------------

    def put_quote(self, tenant: str, quote: Quote) -> None:
        with self.lock:
            self.quotes[tenant, quote.id] = quote

    def find_quote(self, tenant: str, quote_id: str) -> Quote | None:
        with self.lock:
            return self.quotes.get((tenant, quote_id))

    # --- writing -------------------------------------------------------------------------------

    def commit(self, tenant: str, commit: Commit) -> None:
        with self.lock:
            self._check_guards(tenant, commit)
            if commit.otherwise is not None and self._wants_the_other_form(tenant, commit):
                self.commit(tenant, commit.otherwise)
                return
            for posting in commit.postings:
                self._check_budget(tenant, posting)
            self._write_flight(tenant, commit)
            self._write(tenant, commit)

    def open_budget(self, tenant: str, budget: Budget, *, seen: BudgetLimit | None = None) -> None:
        with self.lock:
            if (tenant, budget.scope, budget.period) in self.budgets:
                return
            known = self.limits.get((tenant, budget.scope))
            if (known and known.version) != (seen and seen.version):
                raise Stale(f"the limit of {budget.scope} was changed by another")
            self.budgets.setdefault((tenant, budget.scope, budget.period), budget)

    def set_limit(
        self,
        tenant: str,
        *,
        scope: str,
        before: BudgetLimit | None,
        after: BudgetLimit,
        budget: Budget,
        at: datetime,
        record: AuditRecord | None = None,
    ) -> None:
        with self.lock:
            known = self.limits.get((tenant, scope))
            stored = self.budgets.get((tenant, scope, budget.period))
            same = (known and known.version) == (before and before.version)
            begun = (tenant, scope, next_period(budget.period)) in self.budgets
            if begun or not same or stored is None or stored.limit != budget.limit:
                raise Stale(f"the limit of {scope} was changed by another")
            self.limits[tenant, scope] = after
            self.budgets[tenant, scope, budget.period] = replace(
                stored, limit=after.limit, alert_at=after.alert_at, version=stored.version + 1
            )
            self._keep(tenant, record)

    def change_settings(
        self,
        tenant: str,
        *,
        seen: Mapping[str, ProviderSettings],
        new: Mapping[str, ProviderSettings],
        record: AuditRecord | None = None,
    ) -> None:
        with self.lock:
            known = self.settings[tenant]
            for provider, before in seen.items():
                if known.get(provider, ProviderSettings()).version != before.version:
                    raise Stale("the settings were changed by another")
            self.settings[tenant] = {**known, **{name: new[name] for name in seen if name in new}}
            self._keep(tenant, record)

    def confirm_prices(self, tenant: str, provider: str, *, by: str) -> Sequence[PriceDoubt]:
        with self.lock:
            own = [
                key
                for key, doubt in self.price_doubts.items()
                if key[:2] == (tenant, provider) and doubt.confirmed_by is None
            ]
            confirmed = [self.price_doubts[key] for key in own]
            for key in own:
                self.price_doubts[key] = replace(self.price_doubts[key], confirmed_by=by)
            return confirmed

    # --- what tests ask ------------------------------------------------------------------------

    def balances_disagree(self) -> list[str]:
        """Every budget whose balances are not the fold of its entries, and every user whose number
        in flight is not that of the generations that have not ended; empty when all agree."""
        with self.lock:
            wrong = []
            for (tenant, scope, period), budget in self.budgets.items():
                own = [entry for (owner, _), entry in self.entries.items() if owner == tenant]
                told = fold(own, scope, period)
                if told != (budget.held, budget.settled):
                    wrong.append(f"{scope} {period}: {budget} against {told}")
                if is_envelope(scope) and fold_outside(own, scope) != outside(budget):
                    wrong.append(f"{scope} outside: {budget} against {fold_outside(own, scope)}")
            for (tenant, user), flight in self.flights.items():
                alive = sum(
                    not one.is_terminal
                    for (owner, _), one in self.generations.items()
                    if (owner, one.user) == (tenant, user)
                )
                boards = sum(
                    not one.has_ended
                    for (owner, _), one in self.heads.items()
                    if (owner, one.user) == (tenant, user)
                )
                if (alive, boards) != (flight.in_flight, flight.storyboards):
                    wrong.append(f"{user} has {alive} and {boards} in flight: {flight}")
            return wrong

    # --- inside --------------------------------------------------------------------------------

    def _check_guards(self, tenant: str, commit: Commit) -> None:
        refusal = AlreadyExists if is_new(commit) else Stale
        if not self._generation_fits(tenant, commit) or not self._attempt_fits(tenant, commit):
            raise refusal("another writer was faster")
        if not self._head_fits(tenant, commit) or not self._envelope_fits(tenant, commit):
            raise refusal("another writer was faster")
        new: list[tuple[Key, Mapping[Key, object]]] = [
            *(((tenant, entry.id), self.entries) for entry in commit.entries),
            *(((tenant, one.scope, one.period), self.budgets) for one in commit.opened),
        ]
        if any(key in known for key, known in new):
            raise refusal("an entry or a budget is there already")
        take = commit.take
        if take is not None and take.id in self.takes.get((tenant, take.generation_id), {}):
            raise refusal("the take is there already")

    def _generation_fits(self, tenant: str, commit: Commit) -> bool:
        if commit.generation is None:
            return True
        before, after = commit.generation.before, commit.generation.after
        known = self.generations.get((tenant, after.id))
        if before is None:
            return known is None
        return known is not None and known.version == before.version

    def _attempt_fits(self, tenant: str, commit: Commit) -> bool:
        if commit.attempt is None:
            return True
        before, after = commit.attempt.before, commit.attempt.after
        known = self.attempts.get((tenant, after.generation_id), {}).get(after.index)
        if before is None:
            return known is None
        return known is not None and (known.state, known.version) == (before.state, before.version)

    def _head_fits(self, tenant: str, commit: Commit) -> bool:
        if commit.head is None:
            return True
        before, after = commit.head.before, commit.head.after
        known = self.heads.get((tenant, after.id))
        if before is None:
            return known is None
        return known is not None and known.version == before.version

    def _envelope_fits(self, tenant: str, commit: Commit) -> bool:
        if commit.envelope is None:
            return True
        before = commit.envelope.before
        return self.budgets[tenant, before.scope, before.period].version == before.version

    def _wants_the_other_form(self, tenant: str, commit: Commit) -> bool:
        return any(
            self.budgets[tenant, one.scope, one.period].closed is not one.closed
            for one in commit.postings
            if one.closed is not None
        )

    def _check_budget(self, tenant: str, posting: Posting) -> None:
        budget = self.budgets.get((tenant, posting.scope, posting.period))
        if budget is None:
            raise BudgetMissing(posting.scope, posting.period)
        needed = -posting.room
        if posting.closed is not None and budget.closed is not posting.closed:
            raise DoesNotFit(posting.scope, needed=needed, room=0)
        if posting.needs_room and budget.lacks_room_for(needed):
            raise DoesNotFit(posting.scope, needed=needed, room=budget.room)

    def _write_flight(self, tenant: str, commit: Commit) -> None:
        """Count what begins or ends; raises as the table does."""
        change = flight_change(commit)
        if change is None:
            return
        user, counted, step = change
        flight = self.flights[tenant, user]
        if commit.start is not None:
            self.flights[tenant, user] = started(flight, commit.start)
        else:
            self.flights[tenant, user] = flight.stepped(counted, step)

    def _write(self, tenant: str, commit: Commit) -> None:
        if commit.generation is not None:
            after = commit.generation.after
            self.generations[tenant, after.id] = after
        if commit.head is not None:
            self.heads[tenant, commit.head.after.id] = commit.head.after
        if commit.envelope is not None:
            closed = commit.envelope.after
            self.budgets[tenant, closed.scope, closed.period] = closed
        if commit.attempt is not None:
            moved = commit.attempt.after
            self.attempts[tenant, moved.generation_id][moved.index] = moved
        for entry in commit.entries:
            self.entries[tenant, entry.id] = entry
        for budget in commit.opened:
            self.budgets[tenant, budget.scope, budget.period] = budget
        if commit.take is not None:
            self.takes[tenant, commit.take.generation_id][commit.take.id] = commit.take
        if commit.price_doubt is not None:
            doubt = commit.price_doubt
            self.price_doubts[tenant, doubt.provider, doubt.price] = doubt
        for posting in commit.postings:
            key = (tenant, posting.scope, posting.period)
            budget = self.budgets[key]
            self.budgets[key] = replace(
                budget,
                held=budget.held + posting.held,
                settled=budget.settled + posting.settled,
                tally=added(budget.tally, posting.tally),
                version=budget.version + 1,
            )
