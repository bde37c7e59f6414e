"""A storyboard over the fakes: admitted, walked as its state machine walks, ended.

The generations themselves run on the stage of single generations; here their workflow is only
started, and walked between two looks.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from filmgate.domain.boards import Head
from filmgate.domain.catalogue import Catalogue
from filmgate.domain.generations import Generation, GenerationState
from filmgate.domain.ledger import NO_PERIOD, Budget
from filmgate.domain.pace import Pace
from filmgate.domain.pricing import RateCard, Unit
from filmgate.domain.storyboard import Part, Shot, Storyboard
from filmgate.domain.strategies import Role, Strategy
from filmgate.domain.wishes import Media
from filmgate.providers.base import Adapter
from filmgate.usecases.boards import Shooting
from filmgate.usecases.cancel_storyboard import cancel_storyboard
from filmgate.usecases.ports import Execution, ExecutionState, Principal
from filmgate.usecases.reading_storyboards import Standing, read_storyboard
from filmgate.usecases.resume_storyboard import resume_storyboard
from filmgate.usecases.shoot import Shoot, ShotOutcome, ShotResult
from filmgate.usecases.start_storyboard import Market, start_storyboard
from tests.support.builders import (
    TENANT,
    card_of,
    catalogue_of,
    clip_wish,
    image_wish,
    price_row,
    principal,
    provider,
    usd,
    video_offer,
    with_keys,
)
from tests.support.crashes import Fate, Mortal, ProcessDied
from tests.support.memory_boards import MemoryBoards
from tests.support.stage import Stage

MOST_LOOKS = 500

FROM_A_STILL = video_offer(accepts=frozenset({"image"}))
HYBRID = {
    Role.KEYFRAME: Strategy.QUALITY,
    Role.VARIATION: Strategy.CHEAPEST,
    Role.CLIP: Strategy.FASTEST,
}
_SOLD = catalogue_of(
    provider("lumen", priority=1),
    provider("other", priority=2),
    provider("reel", FROM_A_STILL, media=Media.VIDEO, priority=3),
    provider("spool", FROM_A_STILL, media=Media.VIDEO, priority=4),
)
CATALOGUE = replace(_SOLD, hybrid=HYBRID)
CARD = card_of(
    price_row("lumen", "0.0100"),
    price_row("other", "0.0300"),
    price_row("reel", "0.0100", Unit.SECOND),
    price_row("spool", "0.0200", Unit.SECOND),
)  # fmt: skip


def still(prompt: str = "a red fox", role: Role = Role.KEYFRAME, provider: str = "auto") -> Part:
    return Part(role, image_wish(prompt), provider)


def moving(provider: str = "auto") -> Part:
    return Part(Role.CLIP, clip_wish(image="keyframe"), provider)


def shot(number: int, *parts: Part, **others: Any) -> Shot:
    return Shot(number, f"shot {number}", parts or (still(),), **others)


class FakeShooting:
    """The port StoryboardWorkflow, which only remembers."""

    def __init__(self) -> None:
        self.executions: dict[Shooting, ExecutionState] = {}
        self.refusal: Exception | None = None

    def start(self, shooting: Shooting) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.executions.setdefault(shooting, ExecutionState.RUNNING)

    def state(self, shooting: Shooting) -> ExecutionState:
        return self.executions.get(shooting, ExecutionState.ABSENT)


class BoardStage(Stage):
    """The steps of storyboards and of generations over one memory."""

    studio: MemoryBoards

    def __init__(
        self,
        *,
        board_fate: Fate | None = None,
        catalogue: Catalogue = CATALOGUE,
        card: RateCard = CARD,
        room: str = "10.0000",
        **providers: Adapter,
    ) -> None:
        super().__init__(**providers)
        self.studio = MemoryBoards()
        self.studio.settings[TENANT] = dict(with_keys(*providers))
        self.shootings = FakeShooting()
        self.pace: Pace | None = None
        self.market = Market(catalogue, card, usd(room), usd("1.0000"))
        self.board_fate = board_fate
        self.board_deaths = 0
        self.walked: set[Execution] = set()

    # --- what people do --------------------------------------------------------------------

    def start(
        self, *shots: Shot, key: str | None = "key", who: Principal | None = None, **others: Any
    ) -> Head:
        return start_storyboard(
            Storyboard(shots, **others),
            principal=who or principal(),
            idempotency_key=key,
            boards=self._mortal(self.studio),
            workflow=self._mortal(self.shootings),
            market=self.market,
            now=self.clock.now,
            pace=self.pace,
        ).head

    def cancel_board(self, head: Head) -> None:
        cancel_storyboard(
            head.id, principal=principal(), boards=self._mortal(self.studio), now=self.clock.now
        )

    def resume(self, head: Head, *, approve: bool = False) -> Head:
        return resume_storyboard(
            head.id,
            approve=approve,
            principal=principal(),
            boards=self._mortal(self.studio),
            workflow=self._mortal(self.shootings),
            market=self.market,
            now=self.clock.now,
            pace=self.pace,
        )

    def stand(self, head: Head) -> Standing:
        return read_storyboard(head.id, principal=principal(), boards=self.studio)

    # --- what the state machine does -------------------------------------------------------

    def shoot(self) -> Shoot:
        return Shoot(
            boards=self._mortal(self.studio),
            workflow=self._mortal(self.workflow),
            market=self.market,
            clock=self.clock,
        )

    def play(self, head: Head, *, concurrency: int = 20, until: int = MOST_LOOKS) -> Head:
        """Walk a run to its end, shots side by side; `until` looks at most.

        A step whose process dies is repeated a second later, as its Retry says.
        """
        waiting = self._alive(lambda: self.shoot().open(TENANT, head.id))
        looks = 0
        while waiting and looks < until:
            waits = []
            for number in waiting[:concurrency]:
                looks += 1
                result = self.advance(head, number)
                if result.outcome is ShotOutcome.DONE:
                    waiting.remove(number)
                else:
                    waits.append(result.wait_s)
            self.let_generations_run()
            self.clock.advance(min(waits, default=0))
        assert until < MOST_LOOKS or not waiting, f"no end: {waiting}"
        return self._alive(lambda: self.shoot().conclude(TENANT, head.id))

    def advance(self, head: Head, number: int) -> ShotResult:
        result: ShotResult = self._alive(lambda: self.shoot().advance(TENANT, head.id, number))
        return result

    def let_generations_run(self) -> None:
        """Walk every execution that was started and not walked yet."""
        for execution in [one for one in self.workflow.executions if one not in self.walked]:
            self.walked.add(execution)
            self.walk(execution)

    # --- what a test looks at --------------------------------------------------------------

    def generations(self) -> list[Generation]:
        return list(self.studio.generations.values())

    def part(self, head: Head, number: int, role: Role = Role.KEYFRAME) -> Generation:
        board = self.studio.board(TENANT, head.id)
        assert board is not None
        (found,) = [one for one in board.shots if one.number == number]
        return self.studio.generations[TENANT, found.generation_ids(board.head)[role]]

    def envelope(self, head: Head, run: int = 0) -> Budget:
        found = self.studio.budget(TENANT, f"storyboard:{head.id}.{run}", NO_PERIOD)
        assert found is not None
        return found

    def makers(self, head: Head, role: Role = Role.KEYFRAME) -> Mapping[int, str | None]:
        """Who made each shot's part of a role; None where it did not succeed."""
        told = {}
        for one in self.stand(head).shots:
            made = one.made.get(role)
            done = made is not None and made.generation.state is GenerationState.SUCCEEDED
            told[one.record.number] = made.generation.provider if made and done else None
        return told

    def faults(self) -> list[str]:
        """Everything that must never be, once all has ended; empty when all is well."""
        found = self.studio.balances_disagree()
        for head in self.studio.heads.values():
            for run in range(head.run + 1):
                envelope = self.envelope(head, run)
                if not envelope.closed:
                    found.append(f"the envelope of run {run} is open")
        accepted = [one for each in self.adapters.providers.values() for one in _accepted(each)]
        found += [f"{one} was accepted twice" for one in set(accepted) if accepted.count(one) > 1]
        known = {a.id for records in self.studio.attempts.values() for a in records.values()}
        found += [f"{one} belongs to no attempt" for one in accepted if one not in known]
        budget = self.budget()
        held = sum(
            a.held_micros for records in self.studio.attempts.values() for a in records.values()
        )
        if budget.held != held:
            found.append(f"{budget.held} is held for attempts that hold {held}")
        return found

    def _alive(self, step: Any) -> Any:
        while True:
            try:
                return step()
            except ProcessDied:
                self.board_deaths += 1
                self.clock.advance(1)

    def _mortal(self, port: Any) -> Any:
        return port if self.board_fate is None else Mortal(port, self.board_fate)


def _accepted(adapter: Adapter) -> list[str]:
    found: list[str] = getattr(adapter, "accepted", [])
    return found
