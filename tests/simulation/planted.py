"""Faults planted into the code under test. The simulation is worth what it finds of these."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from filmgate.domain import attempts, generations, ledger
from filmgate.domain.attempts import Attempt, AttemptState, give_back, release
from filmgate.domain.errors import ProviderError
from filmgate.domain.ledger import Budget, Commit, EntryKind
from filmgate.domain.patience import Patience
from filmgate.usecases import budgets, poll, search, submit, sweep
from filmgate.usecases.steps import write
from tests.simulation import run
from tests.support.memory_studio import MemoryStudio

S = AttemptState
Planted = Callable[[], AbstractContextManager[Any]]


def lease_shorter_than_a_workers_life() -> AbstractContextManager[Any]:
    return patch.object(Patience, "lease_margin", timedelta(seconds=-200))


def no_room_check() -> AbstractContextManager[Any]:
    return patch.object(Budget, "lacks_room_for", lambda budget, needed: False)


def resend_after_a_read_timeout() -> AbstractContextManager[Any]:
    real = submit.doubt

    def resent(attempt: Attempt, *, failure: Any, now: Any, worker: str | None = None) -> Attempt:
        if worker is None:
            return real(attempt, failure=failure, now=now)
        return give_back(attempt, worker=worker, now=now, retry_at=now)

    return patch.object(submit, "doubt", resent)


def refund_of_a_lost_answer() -> AbstractContextManager[Any]:
    real = submit.doubt

    def refunded(attempt: Attempt, *, failure: Any, now: Any, worker: str | None = None) -> Attempt:
        if worker is None:
            return real(attempt, failure=failure, now=now)
        return release(attempt, failure=failure, now=now, worker=worker)

    return patch.object(submit, "doubt", refunded)


def refund_after_the_lease() -> AbstractContextManager[Any]:
    real = submit.doubt

    def refunded(attempt: Attempt, *, failure: Any, now: Any, worker: str | None = None) -> Attempt:
        if worker is not None:
            return real(attempt, failure=failure, now=now, worker=worker)
        released = replace(attempt, state=S.RELEASED, version=attempt.version + 1)
        return replace(released, failure=failure, ended_at=now)

    return patch.object(submit, "doubt", refunded)


def refund_at_the_poll_deadline() -> AbstractContextManager[Any]:
    def refunded(attempt: Attempt, *, failure: Any) -> Attempt:
        return release(attempt, failure=failure, now=attempt.started_at)

    return patch.object(poll, "overdue", refunded)


def intent_written_after_sending() -> AbstractContextManager[Any]:
    def tried(self: Any, record: Any, worker: Any) -> Any:
        now = self.clock()
        adapter = self.adapters(record.generation.tenant, record.link)
        result = self._call(adapter, self._order(record), record, worker)
        begun = attempts.begin(record.current, worker=worker.name, lease_until=worker.ends_at)
        record = write(self.studio, record, begun, now=now)
        return self._taken(record, result)

    return patch.object(submit.Submit, "_try", tried)


def search_before_the_lease_ends_counts() -> AbstractContextManager[Any]:
    def seen(attempt: Attempt, *, now: Any) -> Attempt:
        since = attempt.unseen_since or now
        return replace(attempt, version=attempt.version + 1, unseen_since=since)

    return patch.object(search, "unseen", seen)


def in_doubt_back_to_reserved() -> AbstractContextManager[Any]:
    def back(self: Any, attempt: Attempt, began: Any) -> Attempt:
        reserved = replace(attempt, state=S.RESERVED, version=attempt.version + 1)
        return replace(reserved, owner=None, lease_until=None)

    return patch.object(search.Search, "_not_seen", back)


@contextmanager
def _unguarded(is_hit: Callable[[Commit], bool]) -> Iterator[None]:
    real = MemoryStudio._check_guards

    def checked(self: MemoryStudio, tenant: str, commit: Commit) -> None:
        if not is_hit(commit):
            real(self, tenant, commit)

    with patch.object(MemoryStudio, "_check_guards", checked):
        yield


def unguarded_reserve() -> AbstractContextManager[Any]:
    return _unguarded(lambda commit: any(e.kind is EntryKind.RESERVE for e in commit.entries))


def unguarded_settle() -> AbstractContextManager[Any]:
    return _unguarded(lambda commit: any(e.kind is EntryKind.SETTLE for e in commit.entries))


def settle_that_keeps_the_hold() -> AbstractContextManager[Any]:
    real = ledger._entries

    def kept(before: Any, after: Any, at: Any) -> Any:
        for entry in real(before, after, at):
            yield replace(entry, held=0) if entry.kind is EntryKind.SETTLE else entry

    return patch.object(ledger, "_entries", kept)


def one_scope_left_out_of_the_books() -> AbstractContextManager[Any]:
    real = ledger.scopes_of

    def fewer(*arguments: Any, **named: Any) -> Any:
        return tuple(one for one in real(*arguments, **named) if not one[0].startswith("provider"))

    return patch.object(ledger, "scopes_of", fewer)


def one_scope_left_out_of_the_postings() -> AbstractContextManager[Any]:
    real = ledger._commit

    def fewer(*arguments: Any) -> Commit:
        commit = real(*arguments)
        kept = tuple(one for one in commit.postings if not one.scope.startswith("user"))
        return replace(commit, postings=kept)

    return patch.object(ledger, "_commit", fewer)


def versions_not_compared() -> AbstractContextManager[Any]:
    def fits(self: MemoryStudio, tenant: str, commit: Commit) -> bool:
        if commit.attempt is None:
            return True
        before, after = commit.attempt.before, commit.attempt.after
        known = self.attempts.get((tenant, after.generation_id), {}).get(after.index)
        if before is None:
            return known is None
        return known is not None and known.state is before.state

    return patch.object(MemoryStudio, "_attempt_fits", fits)


def replay_without_an_end() -> AbstractContextManager[Any]:
    return patch.object(generations, "REPLAY_FOR", timedelta(hours=30))


def a_refused_replay_refunds() -> AbstractContextManager[Any]:
    def replayed(self: Any, record: Any, worker: Any) -> Any:
        try:
            adapter = self.adapters(record.generation.tenant, record.link)
            result = self._call(adapter, self._order(record), record, worker)
        except ProviderError as error:
            version = record.current.version + 1
            freed = replace(record.current, state=S.RELEASED, version=version)
            freed = replace(freed, failure=attempts.failure_of(error))
            return write(self.studio, record, freed, now=self.clock())
        return self._taken(record, result)

    return patch.object(submit.Submit, "_replay", replayed)


def presumed_without_a_search() -> AbstractContextManager[Any]:
    return patch.object(search.Search, "__call__", lambda self, record: record)


def late_result_dropped() -> AbstractContextManager[Any]:
    return patch.object(sweep.Sweep, "_follow", lambda self, record: record.current)


def no_entry_after_presumed() -> AbstractContextManager[Any]:
    real = ledger._entries

    def silent(before: Any, after: Any, at: Any) -> Any:
        return () if before and before.state is S.PRESUMED else real(before, after, at)

    return patch.object(ledger, "_entries", silent)


def a_paid_result_given_up_at_once() -> AbstractContextManager[Any]:
    return patch.object(Patience, "fetch_for", timedelta(0))


def an_owner_without_a_limit() -> AbstractContextManager[Any]:
    return patch.object(budgets, "OWNER_SCOPE", "nobody")


def no_sweeper() -> AbstractContextManager[Any]:
    return patch.object(sweep.Sweep, "_tend", lambda self, opened, swept: None)


FAULTS: list[Planted] = [
    lease_shorter_than_a_workers_life,
    no_room_check,
    resend_after_a_read_timeout,
    refund_of_a_lost_answer,
    refund_after_the_lease,
    refund_at_the_poll_deadline,
    intent_written_after_sending,
    search_before_the_lease_ends_counts,
    in_doubt_back_to_reserved,
    unguarded_reserve,
    unguarded_settle,
    settle_that_keeps_the_hold,
    one_scope_left_out_of_the_books,
    one_scope_left_out_of_the_postings,
    versions_not_compared,
    replay_without_an_end,
    a_refused_replay_refunds,
    presumed_without_a_search,
    late_result_dropped,
    no_entry_after_presumed,
    a_paid_result_given_up_at_once,
    an_owner_without_a_limit,
    no_sweeper,
]


def found_at(fault: Planted, *, histories: int) -> run.Told | None:
    """The first history that breaks a rule with this fault in; None when none does."""
    with fault():
        for seed in range(histories):
            told = run.play(seed)
            if told.wrong is not None:
                return told
    return None
