"""The steps of a storyboard's workflow: open a run, take a shot further, conclude.

Every step reads the table, does what is due and answers with ids and one word; so it may run twice,
late, or after the end. A part is a generation under a key that follows from the shot, admitted as
any other is, within the storyboard's envelope. Nothing is remembered here that the generations
themselves do not tell, but for what a group of shots has agreed on.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from filmgate.domain import continuity, ids
from filmgate.domain.boards import Head, Made, PartRecord, ShotRecord, made_of, progress_of
from filmgate.domain.chain import Preference
from filmgate.domain.continuity import LEAD_LOST_AFTER, Group, Stop
from filmgate.domain.errors import BudgetExceeded, CallerError, NotFound, Stale
from filmgate.domain.generations import Generation, GenerationState, Problem
from filmgate.domain.ledger import PROVIDER_SCOPE, Commit, is_envelope, with_head
from filmgate.domain.patience import next_look_s
from filmgate.domain.storyboard import (
    FROM_KEYFRAME,
    Continuity,
    Part,
    PartState,
    StoryboardState,
)
from filmgate.domain.strategies import Role, strategy_for
from filmgate.domain.wishes import AUTO
from filmgate.usecases.boards import Boards
from filmgate.usecases.cancel_storyboard import cancel_part
from filmgate.usecases.conclude_storyboard import board_of, conclude_storyboard
from filmgate.usecases.generate import Commission, generate
from filmgate.usecases.ports import Clock, Principal, Workflow
from filmgate.usecases.reading_storyboards import stand
from filmgate.usecases.request import Request
from filmgate.usecases.start_storyboard import Market

WAIT_FOR_A_LEADER_S: Final = 10
_TRIES: Final = 8
_RUNNING: Final = frozenset({PartState.QUEUED, PartState.RUNNING})


class ShotOutcome(StrEnum):
    """The word that the state machine branches on."""

    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class ShotResult:
    """One word, and how many whole seconds to wait before the next look."""

    outcome: ShotOutcome
    wait_s: int = 0


@dataclass(frozen=True, slots=True)
class Shoot:
    """The steps with their ports."""

    boards: Boards
    workflow: Workflow
    market: Market
    clock: Clock
    poll_scale_percent: int = 100

    # --- Open --------------------------------------------------------------------------------

    def open(self, tenant: str, storyboard_id: str) -> list[int]:
        """The numbers of the shots that this run has something to make of, in their order."""
        head = self._head(tenant, storyboard_id)
        if head.state is StoryboardState.QUEUED:
            with suppress(Stale):  # another run of this step, or a cancel: both say it themselves
                running = head.now(state=StoryboardState.RUNNING)
                self.boards.commit(tenant, with_head(Commit(), head, running))
        found = stand(board_of(tenant, storyboard_id, self.boards), self.boards)
        return [
            one.record.number
            for one in found.shots
            if any(part.state in _RUNNING for part in one.parts.values())
        ]

    # --- Advance -----------------------------------------------------------------------------

    def advance(self, tenant: str, storyboard_id: str, number: int) -> ShotResult:
        """Begin what can be begun of a shot, and say when to look again, or that it is done."""
        head = self._head(tenant, storyboard_id)
        record = self.boards.shot(head, number)
        if record is None:
            raise NotFound(f"{storyboard_id} has no shot {number}")
        made = self._made(head, record)
        self._tell_group(head, record, made)
        if head.cancel_requested_at is not None:
            self._cancel(head, made)
            made = self._made(head, record)
        waits = False
        for part in record.shot.parts:
            parts = progress_of(head, record, made)
            if parts[part.role].state is not PartState.QUEUED or not _may_begin(part, made):
                continue
            step = self._begin(head, record, part, made)
            if step is None:
                waits = True
            elif isinstance(step, Generation):
                made = {**made, part.role: Made(step)}
            else:
                record = step
        return self._result(head, record, made, waits)

    def _result(
        self, head: Head, record: ShotRecord, made: Mapping[Role, Made], waits: bool
    ) -> ShotResult:
        parts = progress_of(head, record, made)
        if not any(one.state in _RUNNING for one in parts.values()):
            return ShotResult(ShotOutcome.DONE)
        looks = [
            self._look_s(made[role].generation)
            for role, one in parts.items()
            if one.state is PartState.RUNNING or (one.state is PartState.QUEUED and role in made)
        ]
        if waits or not looks:
            looks.append(max(1, WAIT_FOR_A_LEADER_S * self.poll_scale_percent // 100))
        return ShotResult(ShotOutcome.RUNNING, min(looks))

    def _look_s(self, generation: Generation) -> int:
        elapsed = self.clock() - generation.created_at
        return next_look_s(
            expected_s=generation.chain[0].expected_s,
            elapsed_s=elapsed.total_seconds(),
            scale_percent=self.poll_scale_percent,
        )

    def _made(self, head: Head, record: ShotRecord) -> dict[Role, Made]:
        found = {}
        for role, name in record.generation_ids(head).items():
            known = self.boards.find(head.tenant, name)
            if known is not None:
                found[role] = made_of(known)
        return found

    def _cancel(self, head: Head, made: Mapping[Role, Made]) -> None:
        for one in made.values():
            if not one.generation.is_terminal:
                cancel_part(one.generation.id, _owner(head), self.boards, self.clock())

    # --- beginning a part ----------------------------------------------------------------------

    def _begin(
        self, head: Head, record: ShotRecord, part: Part, made: Mapping[Role, Made]
    ) -> Generation | ShotRecord | None:
        """Begin a part: its generation; or the shot with the reason why it cannot be begun; or
        None while it has to wait for others of its group."""
        asked = self._ask(head, record, part.role)
        if asked is None:
            return None
        if isinstance(asked, Problem):
            return self._give_up(head, record, part.role, asked)
        admitted = record.part(part.role)
        try:
            generation = self._generate(head, record, part, admitted, made, asked)
        except CallerError as refused:
            return self._refused(head, record, part.role, asked, refused)
        self._tell_beginning(head, record, part.role, generation)
        return generation

    def _generate(
        self, head: Head, record: ShotRecord, part: Part, admitted: PartRecord,
        made: Mapping[Role, Made], asked: Preference,
    ) -> Generation:  # fmt: skip
        """Admit the part's generation; a provider whose own budget is full is passed over."""
        key = ids.part_key(head.id, record.number, part.role, admitted.revision)
        while True:
            commission = Commission(head.id, head.envelope, asked)
            try:
                return generate(
                    self._request(head, record, part, admitted, made),
                    principal=_owner(head),
                    idempotency_key=key,
                    request_hash=key,
                    studio=self.boards,
                    workflow=self.workflow,
                    catalogue=self.market.catalogue,
                    card=self.market.card,
                    default_limit=self.market.default_limit,
                    default_cost_limit=self.market.default_cost_limit,
                    pace=None,  # the storyboard was admitted as a whole
                    now=self.clock(),
                    commission=commission,
                ).record.generation
            except BudgetExceeded as full:
                kind, _, name = str(full.facts["scope"]).partition(":")
                if kind != PROVIDER_SCOPE or name in asked.without:
                    raise
                asked = replace(asked, without=asked.without | {name})

    def _request(
        self, head: Head, record: ShotRecord, part: Part, admitted: PartRecord,
        made: Mapping[Role, Made],
    ) -> Request:  # fmt: skip
        wish = part.wish
        if wish.image == FROM_KEYFRAME:
            keyframe = made[Role.KEYFRAME].take
            wish = replace(wish, image=keyframe.id if keyframe else None)
        chosen = record.shot.strategy or head.asked.strategy
        return Request(
            wish=wish,
            provider=part.provider,
            strategy=strategy_for(part.role, chosen, self.market.catalogue.hybrid),
            cost_limit=admitted.max,
            on_refusal=head.asked.on_refusal,
            on_unknown=head.asked.on_unknown,
            project=head.asked.project,
            shot_number=record.number,
        )

    def _refused(
        self, head: Head, record: ShotRecord, role: Role, asked: Preference, refused: CallerError
    ) -> ShotRecord | None:
        """Why a part was not admitted: written down, but for a cancel, which says so itself."""
        closed = isinstance(refused, BudgetExceeded) and is_envelope(str(refused.facts["scope"]))
        if closed and self._head(head.tenant, head.id).cancel_requested_at is not None:
            return None
        if asked.alone and asked.first is not None:
            why = f"{asked.first} cannot make it now: {refused.detail}"
            self._stop(head, record, role, asked.first, why)
            return self._give_up(head, record, role, _waits_for_approval(asked.first))
        return self._give_up(head, record, role, Problem(refused.code, refused.detail))

    def _give_up(self, head: Head, record: ShotRecord, role: Role, problem: Problem) -> ShotRecord:
        """The shot with the reason why a part of it was not begun."""
        for _ in range(_TRIES):
            after = record.with_part(replace(record.part(role), problem=problem))
            try:
                self.boards.put_shot(head, after)
            except Stale:
                record = self.boards.shot(head, record.number) or record
                if record.part(role).problem is not None:
                    return record
                continue
            break
        else:
            raise Stale(f"shot {record.number} is being changed by others")
        self._change_group(head, after, lambda group: _unled_by(group, role, after.number))
        return after

    # --- groups --------------------------------------------------------------------------------

    def _ask(self, head: Head, record: ShotRecord, role: Role) -> Preference | Problem | None:
        """Who is to be asked for a part: by what its group agreed on, where it has one.

        None while another shot leads; a problem where the group waits for approval.
        """
        part = record.shot.part(role)
        if record.group is None or part is None or part.provider != AUTO:
            return Preference()
        for _ in range(_TRIES):
            group = self._group(head, record.group)
            group = self._lead_ended(head, group, role)
            if group.stop is not None:
                return _waits_for_approval(group.stop.provider)
            if role in group.pins:
                alone = head.asked.continuity is Continuity.STOP
                return Preference(first=group.pins[role], alone=alone)
            lead = group.leads.get(role)
            if lead is not None:
                return Preference() if lead.shot == record.number else None
            try:
                self.boards.put_group(head, group.led(role, record.number, self.clock()))
            except Stale:
                continue
            return Preference()
        return None

    def _lead_ended(self, head: Head, group: Group, role: Role) -> Group:
        """The group after the end of the part that led it; whoever comes first writes it down."""
        lead = group.leads.get(role)
        if lead is None:
            return group
        leader = self.boards.shot(head, lead.shot)
        name = leader.generation_ids(head)[role] if leader else ""
        known = self.boards.find(head.tenant, name)
        after = group
        if known is None:
            lost = self.clock() - lead.since >= LEAD_LOST_AFTER
            gone = leader is None or leader.part(role).problem is not None
            after = group.unled(role) if lost or gone else group
        elif known.generation.state is GenerationState.SUCCEEDED and known.generation.provider:
            after = group.pinned(role, known.generation.provider)
        elif known.generation.is_terminal:
            after = group.unled(role)
        if after is not group:
            self.boards.put_group(head, after)
        return after

    def _tell_group(self, head: Head, record: ShotRecord, made: Mapping[Role, Made]) -> None:
        """Write down what the ends of a shot's parts mean for its group."""
        for role, one in made.items():
            generation, part = one.generation, record.shot.part(role)
            if record.group is None or part is None or part.provider != AUTO:
                continue
            if generation.is_terminal:
                self._change_group(
                    head, record, lambda group, r=role, g=generation: self._after_end(  # type: ignore[misc]
                        head, group, r, record.number, g
                    )
                )  # fmt: skip

    def _after_end(
        self, head: Head, group: Group, role: Role, shot: int, generation: Generation
    ) -> Group:
        if generation.state is GenerationState.SUCCEEDED and generation.provider:
            if _leads(group, role, shot):
                return group.pinned(role, generation.provider)
            switch = continuity.switch_by(group, generation, role=role, shot=shot, now=self.clock())
            return group if switch is None else group.switched(switch)
        group = _unled_by(group, role, shot)
        stops = head.asked.continuity is Continuity.STOP and group.stop is None
        pinned = group.pins.get(role) == generation.chain[0].provider
        if stops and pinned and generation.state is GenerationState.FAILED:
            code = generation.failure.code if generation.failure else "failed"
            return group.stopped(Stop(shot, role, generation.chain[0].provider, code, self.clock()))
        return group

    def _tell_beginning(
        self, head: Head, record: ShotRecord, role: Role, generation: Generation
    ) -> None:
        if record.group is None:
            return

        def after(group: Group) -> Group:
            switch = continuity.switch_before(
                group, generation, role=role, shot=record.number, now=self.clock()
            )
            return group if switch is None else group.switched(switch)

        self._change_group(head, record, after)

    def _stop(self, head: Head, record: ShotRecord, role: Role, provider: str, why: str) -> None:
        stop = Stop(record.number, role, provider, why, self.clock())
        self._change_group(head, record, lambda group: group if group.stop else group.stopped(stop))

    def _change_group(
        self, head: Head, record: ShotRecord, change: Callable[[Group], Group]
    ) -> None:
        """Change a shot's group, if it has one and the change is one."""
        if record.group is None:
            return
        for _ in range(_TRIES):
            group = self._group(head, record.group)
            after = change(group)
            if after is group:
                return
            try:
                self.boards.put_group(head, after)
            except Stale:
                continue
            return
        raise Stale(f"group {record.group} is being changed by others")

    def _group(self, head: Head, name: str) -> Group:
        group = self.boards.group(head, name)
        if group is None:
            raise NotFound(f"{head.id} has no group {name}")
        return group

    # --- Conclude ------------------------------------------------------------------------------

    def conclude(self, tenant: str, storyboard_id: str) -> Head:
        """End the storyboard if all its parts have ended; see `conclude_storyboard`."""
        return conclude_storyboard(tenant, storyboard_id, boards=self.boards, clock=self.clock)

    def _head(self, tenant: str, storyboard_id: str) -> Head:
        head = self.boards.head(tenant, storyboard_id)
        if head is None:
            raise NotFound(f"{storyboard_id} is not in the table")
        return head


def _may_begin(part: Part, made: Mapping[Role, Made]) -> bool:
    """Whether what a part is made from is there."""
    if not part.waits_for_keyframe:
        return True
    keyframe = made.get(Role.KEYFRAME)
    return keyframe is not None and keyframe.state is PartState.SUCCEEDED


def _owner(head: Head) -> Principal:
    """The one who asked for the storyboard, as far as its own parts go."""
    return Principal(head.tenant, head.user, "creator")


def _leads(group: Group, role: Role, shot: int) -> bool:
    lead = group.leads.get(role)
    return lead is not None and lead.shot == shot


def _unled_by(group: Group, role: Role, shot: int) -> Group:
    return group.unled(role) if _leads(group, role, shot) else group


def _waits_for_approval(provider: str) -> Problem:
    return Problem(
        "continuity",
        f"{provider} cannot go on with the shots that belong together; resume with approve to let "
        "another provider make them.",
    )
