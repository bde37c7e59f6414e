"""An envelope with attempts that draw on it, over any studio; and what must hold of it always."""

from dataclasses import replace

from filmgate.domain import ids
from filmgate.domain.attempts import Attempt, AttemptState, correct
from filmgate.domain.errors import Stale
from filmgate.domain.generations import Envelope
from filmgate.domain.ledger import (
    NO_PERIOD,
    Budget,
    Commit,
    EnvelopeChange,
    change,
    close_envelope,
    envelope_scope,
    generation_scope,
    open_envelope,
    opening,
    outer_scopes,
    with_generation,
)
from filmgate.domain.money import Micros
from filmgate.usecases.ports import Studio
from filmgate.usecases.verify import verify
from tests.support.builders import NOW, PERIOD, TENANT, generation, link

STORYBOARD = ids.storyboard_id(TENANT, "ada", "the usual key")
ENVELOPE = Envelope(envelope_scope(STORYBOARD, 0), outer_scopes("ada", "film", PERIOD))
PROVIDER = ("provider:lumen", PERIOD)


class Purse:
    """An open envelope of `limit` in a month's budgets of `room`."""

    def __init__(self, studio: Studio, *, limit: Micros, room: Micros) -> None:
        self.studio = studio
        self.attempts: list[Attempt] = []
        for scope, period in (*ENVELOPE.outer, PROVIDER):
            own = room if scope == "owner" else None
            studio.open_budget(TENANT, Budget(scope, period, own))
        studio.commit(TENANT, open_envelope(ENVELOPE, limit=limit, at=NOW))

    def budget(self, scope: str = ENVELOPE.scope, period: str = NO_PERIOD) -> Budget:
        found = self.studio.budget(TENANT, scope, period)
        assert found is not None
        return found

    def reserve(self, price: Micros) -> Attempt:
        """A generation of its own with one attempt; raises DoesNotFit."""
        name = ids.generation_id(TENANT, "ada", f"part {len(self.attempts)}")
        made = replace(
            generation(link()), id=name, envelope=ENVELOPE, cost_limit=price, project="film"
        )
        first = Attempt(
            id=ids.attempt_id(name, 0),
            generation_id=name,
            index=0,
            provider="lumen",
            model="picture-1",
            state=AttemptState.RESERVED,
            reserved_micros=price,
            scopes=((ENVELOPE.scope, NO_PERIOD), PROVIDER, (generation_scope(name), NO_PERIOD)),
            outer=ENVELOPE.outer,
            started_at=NOW,
        )
        own = Budget(generation_scope(name), NO_PERIOD, price)
        commit = with_generation(opening(change(None, first, at=NOW), own), None, made)
        self.studio.commit(TENANT, commit)
        self.attempts.append(first)
        return first

    def move(self, before: Attempt, state: AttemptState, actual: Micros | None = None) -> Attempt:
        after = replace(before, state=state, version=before.version + 1, actual_micros=actual)
        self.studio.commit(TENANT, change(before, after, at=NOW))
        return self._now(after)

    def settle(self, before: Attempt, actual: Micros) -> Attempt:
        return self.move(before, AttemptState.STORED, actual)

    def release(self, before: Attempt) -> Attempt:
        return self.move(before, AttemptState.RELEASED)

    def correct(self, before: Attempt, actual: Micros) -> Attempt:
        after = correct(before, actual=actual, now=NOW)
        self.studio.commit(TENANT, change(before, after, at=NOW))
        return self._now(after)

    def _now(self, after: Attempt) -> Attempt:
        self.attempts = [after if one.id == after.id else one for one in self.attempts]
        return after

    def close(self) -> bool:
        """Close it as somebody does who may be late; whether this was the one that closed it."""
        while True:
            commit = close_envelope(ENVELOPE, self.budget(), at=NOW)
            if commit == Commit():
                return False
            try:
                self.studio.commit(TENANT, commit)
            except Stale:
                continue
            assert isinstance(commit.envelope, EnvelopeChange)
            return True

    def faults(self) -> list[str]:
        """Everything that must never be; empty when all is well."""
        own = self.budget()
        held, settled = (
            sum(one.held_micros for one in self.attempts),
            sum(one.settled_micros for one in self.attempts),
        )
        found = [f"drift: {drift}" for drift in verify(self.studio, TENANT).drift]
        if (own.held, own.settled) != (held, settled):
            found.append(f"inside {own}, attempts {held} and {settled}")
        wanted = held if own.closed else (own.limit or 0) - settled
        for scope, period in ENVELOPE.outer:
            outer = self.budget(scope, period)
            if (outer.held, outer.settled) != (wanted, settled):
                found.append(f"{scope}: {outer}, wanted {wanted} and {settled}")
        provider = self.budget(*PROVIDER)
        if (provider.held, provider.settled) != (held, settled):
            found.append(f"provider: {provider}")
        return found
