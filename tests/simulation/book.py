"""What must hold after every write, told by a second bookkeeping that shares no code with the
first.

It sees the table as it is and the truth of the vendors. I1 to I7 name the rules:
I1 balances and room, I2 no hold stays open, I3 one job per attempt, I4 what may be billed is held
or spent, I5 and I6 no paid result is lost, I7 entries stay and add up.
"""

from collections import defaultdict
from typing import Any

from filmgate.domain.attempts import Attempt, AttemptState, Kind
from filmgate.domain.generations import GenerationState
from filmgate.domain.ledger import Commit, Entry, EntryKind
from filmgate.usecases.verify import verify
from tests.support.builders import TENANT
from tests.support.memory_studio import MemoryStudio

S = AttemptState
Place = tuple[str, str]
LONGEST_HOLD_S = 25 * 3600


class Violation(AssertionError):
    """A rule was broken; its text begins with the rule's name."""


class Book:
    """Follows every commit of a table. `world` knows what vendors took and the clock."""

    def __init__(self, studio: MemoryStudio, world: Any, default_limit: int) -> None:
        self.studio = studio
        self.world = world
        self.entries: dict[str, Entry] = {}
        self.sums: dict[Place, list[int]] = defaultdict(lambda: [0, 0])
        self.of_attempt: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        self.over: set[Place] = set()
        self.corrected: set[str] = set()
        self.ended: dict[str, GenerationState] = {}
        self.versions: dict[str, int] = {}
        self._default_limit = default_limit

    # --- after every write ---------------------------------------------------------------------

    def committed(self, commit: Commit) -> None:
        for entry in commit.entries:
            self._enter(entry)
        if len(self.entries) != len(self.studio.entries):
            raise Violation("I7: an entry has disappeared or is not the commit's")
        if commit.attempt is not None:
            self._check_attempt(commit.attempt.after)
            self._check_presumed(commit.attempt.before, commit.attempt.after)
        if commit.generation is not None:
            self._check_generation(commit.generation.after)
        self.check_budgets()

    def check_budgets(self) -> None:
        sums, over = self.sums, self.over
        for (_, scope, period), budget in self.studio.budgets.items():
            held, settled = budget.held, budget.settled
            place = (scope, period)
            if sums[place] != [held, settled]:
                raise Violation(f"I7: {place} is {held}/{settled}, entries say {sums[place]}")
            if held < 0 or settled < 0:
                raise Violation(f"I1: {place} is below zero: {held}/{settled}")
            if budget.limit is None:
                continue
            if budget.room != budget.limit - held - settled:
                raise Violation(f"I1: the room of {place} is wrong")
            if held + settled <= budget.limit:
                over.discard(place)
            elif place not in over:
                raise Violation(f"I1: {place} has {held}+{settled} of {budget.limit}")

    def limit_set(self, scope: str, period: str) -> None:
        """A limit was changed: one below what is used is taken, and nothing new is admitted."""
        self.over.add((scope, period))
        self.check_budgets()

    def _enter(self, entry: Entry) -> None:
        if entry.id in self.entries:
            raise Violation(f"I7: the entry {entry.id} was written twice")
        attempt = entry.id.partition(".")[0]
        repeatable = entry.kind is EntryKind.CORRECT
        if not repeatable and f"{attempt}.{entry.kind}" != entry.id:
            raise Violation(f"I7: {entry.id} is not the one entry of its kind")
        self.entries[entry.id] = entry
        self._check_scopes(entry)
        if entry.kind in (EntryKind.OVERRUN, EntryKind.CORRECT):
            self.over.update(entry.scopes)
        if repeatable:
            self.corrected.add(attempt)
        sums = self.of_attempt[attempt]
        sums[0] += entry.held
        sums[1] += entry.settled
        for place in entry.scopes:
            sums = self.sums[place]
            sums[0] += entry.held
            sums[1] += entry.settled
        if entry.kind is EntryKind.RESERVE:
            self._check_room(entry)

    def _check_scopes(self, entry: Entry) -> None:
        generation = self.studio.generations[TENANT, entry.generation_id]
        provider = generation.chain[int(entry.id.partition(".")[0][-2:])].provider
        wanted = {"owner", f"user:{generation.user}", f"provider:{provider}",
                  f"generation:{generation.id}"}  # fmt: skip
        if generation.project:
            wanted.add(f"project:{generation.project}")
        if {scope for scope, _ in entry.scopes} != wanted or len(entry.scopes) != len(wanted):
            raise Violation(f"I1: {entry.id} draws on {entry.scopes}")

    def _check_room(self, entry: Entry) -> None:
        for scope, period in entry.scopes:
            budget = self.studio.budgets.get((TENANT, scope, period))
            if budget is None:
                raise Violation(f"I1: {entry.id} draws on {scope}, which has no budget")
            if budget.limit is not None and budget.room < 0:
                raise Violation(f"I1: {entry.id} did not fit into {scope}: {budget}")
            if period == "whole":
                continue
            configured = self.studio.limits.get((TENANT, scope))
            limit = configured.limit if configured else None
            if limit is None and scope == "owner":
                limit = self._default_limit
            if limit != budget.limit:
                raise Violation(f"I1: {scope} {period} has the limit {budget.limit}, not {limit}")

    def _check_attempt(self, attempt: Attempt) -> None:
        if attempt.version != self.versions.get(attempt.id, 0) + 1:
            raise Violation(f"I7: another's write to {attempt.id} was lost")
        self.versions[attempt.id] = attempt.version
        if self.of_attempt[attempt.id] != [attempt.held_micros, attempt.settled_micros]:
            raise Violation(
                f"I7: {attempt.id} is {attempt.state} with {attempt.held_micros}/"
                f"{attempt.settled_micros}, its entries say {self.of_attempt[attempt.id]}"
            )
        self.check_charge(attempt)

    def _check_presumed(self, before: Attempt | None, after: Attempt) -> None:
        """Nothing is presumed paid before somebody has just searched for it."""
        if before is None or (before.state, after.state) != (S.IN_DOUBT, S.PRESUMED):
            return
        unsearched = self.world.seconds - self.world.searched_at(after) > 300
        if after.kind is Kind.FINDABLE and unsearched:
            raise Violation(f"I5: {after.id} was presumed without a search")

    def check_charge(self, attempt: Attempt) -> None:
        """What the vendor may bill for this attempt is held or spent; of an overrun nobody can
        know before it is told."""
        charge = min(self.world.charge(attempt.id), attempt.reserved_micros)
        if attempt.id not in self.corrected and charge > (
            attempt.held_micros + attempt.settled_micros
        ):
            raise Violation(f"I4: {attempt.id} is {attempt.state} and may be billed {charge}")

    def _check_generation(self, generation: Any) -> None:
        known = self.ended.get(generation.id)
        if known is not None and known is not generation.state:
            raise Violation(f"an end changed: {generation.id} {known} to {generation.state}")
        if generation.is_terminal:
            self.ended[generation.id] = generation.state

    def check_holds(self, seconds: float, started: Any) -> None:
        """No hold is older than it may be."""
        for attempts in self.studio.attempts.values():
            for one in attempts.values():
                if one.is_held and seconds - started(one) > LONGEST_HOLD_S:
                    raise Violation(f"I2: {one.id} is {one.state} after 25 hours")

    # --- at the end ----------------------------------------------------------------------------

    def check_end(self) -> None:
        for (tenant, key), entry in self.studio.entries.items():
            if tenant != TENANT or self.entries.get(key) is not entry:
                raise Violation(f"I7: the entry {key} was changed")
        found = verify(self.studio, TENANT)
        if not found.agrees or found.busy:
            raise Violation(f"I7: verify reports {found}")
        for generation in self.studio.generations.values():
            if not generation.is_terminal:
                raise Violation(f"the generation {generation.id} has no end: {generation.state}")
        for attempts in self.studio.attempts.values():
            for attempt in attempts.values():
                self._check_ended(attempt)
        self._check_totals()
        self._check_bucket()

    def _check_ended(self, attempt: Attempt) -> None:
        if attempt.is_held:
            raise Violation(f"I2: {attempt.id} is {attempt.state} at the end")
        if attempt.is_open:
            raise Violation(f"I2: {attempt.id} is {attempt.state} and still open")
        if attempt.id in self.corrected:  # a person's word, which no vendor's book need confirm
            return
        job = self.world.job(attempt.id)
        if job is None:
            if attempt.state in (S.PAID, S.STORED) and attempt.operation != {"render": True}:
                raise Violation(f"I4: {attempt.id} is paid and no vendor has such a job")
            return
        self._check_bill(attempt, job)
        if job.delivers and attempt.state is S.RELEASED:
            raise Violation(f"I5: {attempt.id} was released, its vendor made it")
        if job.delivers and attempt.state is S.PAID and attempt.failure is None:
            raise Violation(f"I6: {attempt.id} is paid, has no take and says no reason")
        if job.must_be_stored and job.delivers and attempt.state is not S.STORED:
            raise Violation(f"I6: {attempt.id} could be fetched and is {attempt.state}")

    def _check_bill(self, attempt: Attempt, job: Any) -> None:
        bill, settled = self.world.charge(attempt.id), attempt.settled_micros
        in_full = attempt.reserved_micros
        if attempt.state is S.RELEASED and bill:
            raise Violation(f"I4: {attempt.id} was released and is billed {bill}")
        # Who answers at once tells its price once; where that was lost, the whole hold counts.
        unseen = attempt.state is S.PRESUMED or job.at_once
        if settled != bill and not (unseen and settled == in_full):
            raise Violation(f"I4: {attempt.id} settled {settled} of a bill of {bill}")

    def _check_totals(self) -> None:
        for (tenant, name), generation in self.studio.generations.items():
            attempts = self.studio.attempts.get((tenant, name), {}).values()
            paid = sum(one.settled_micros for one in attempts)
            if attempts and (generation.actual_micros or 0) != paid:
                raise Violation(f"{name} says {generation.actual_micros}, paid were {paid}")
            stored = {one.id for one in attempts if one.state is S.STORED}
            takes = self.studio.takes.get((tenant, name), {}).values()
            if attempts and stored != {one.attempt_id for one in takes}:
                raise Violation(f"I6: takes of {name} are not those of its stored attempts")
            if generation.state is GenerationState.SUCCEEDED and attempts and not takes:
                raise Violation(f"I6: {name} succeeded without a take")

    def _check_bucket(self) -> None:
        takes = {one.key: one for several in self.studio.takes.values() for one in several.values()}
        attempts = {
            one.id: one for several in self.studio.attempts.values() for one in several.values()
        }
        for key, (data, _) in self.world.bucket.objects.items():
            owner = attempts.get(key.rpartition("/")[2])
            if key in takes:
                if takes[key].size_bytes != len(data) and takes[key].sha256.strip("0"):
                    raise Violation(f"I6: the bytes of {key} are not those of its take")
                continue
            if owner is None or owner.state not in (S.PAID, S.PRESUMED):
                raise Violation(f"I5: {key} belongs to nobody")
        missing = takes.keys() - self.world.bucket.objects.keys()
        if missing:
            raise Violation(f"I6: recorded and not there: {sorted(missing)}")


def check_send(
    attempt: Attempt | None, *, worker: str, kind: Kind, sent_before: bool, late: bool
) -> None:
    """What must hold the moment a paid call leaves the process."""
    if attempt is None:
        raise Violation("I3: a call was sent for an attempt that is not recorded")
    # Whoever of two replays is faster: it is the same job.
    replay = kind is Kind.KEYED and (sent_before or attempt.state is S.IN_DOUBT)
    if not replay and (attempt.state is not S.SUBMITTING or attempt.owner != worker):
        raise Violation(f"I3: {attempt.id} is {attempt.state} and was sent by {worker}")
    if sent_before and kind is not Kind.KEYED:
        raise Violation(f"I3: {attempt.id} was sent again, the first call may have arrived")
    if late and kind is Kind.KEYED:
        raise Violation(f"I3: {attempt.id} was replayed after more than an hour")
