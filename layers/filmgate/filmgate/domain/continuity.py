"""Continuity: shots that share a scene or a character are made by one provider, as far as it can.

In a group every role (keyframe, variation, clip) is pinned by itself. The first shot to want a part
of that role leads: its part is made alone, by whoever its chain finds, and who made it is asked
first for all others. Parts that name their provider keep it and take no part in this.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from filmgate.domain.generations import Generation
from filmgate.domain.money import Micros
from filmgate.domain.storyboard import Shot
from filmgate.domain.strategies import Role

LEAD_LOST_AFTER: Final = timedelta(minutes=10)
"""A leader that has begun nothing after so long is not waited for any more."""


@dataclass(frozen=True, slots=True)
class Lead:
    """The shot whose part is made first, alone."""

    shot: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Switch:
    """A group went from one provider to another. The costs are those of one part at each; None
    where the one that was left could not even be asked."""

    generation_id: str
    shot: int
    role: Role
    left: str
    taken: str
    why: str
    cost_before: Micros | None
    cost_after: Micros
    at: datetime


@dataclass(frozen=True, slots=True)
class Stop:
    """Why nothing more of a group is made until somebody approves of another provider."""

    shot: int
    role: Role
    provider: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Group:
    """Shots that belong together: who leads, who makes each role, and what changed on the way."""

    name: str
    shots: tuple[int, ...]
    leads: Mapping[Role, Lead] = field(default_factory=dict)
    pins: Mapping[Role, str] = field(default_factory=dict)
    switches: tuple[Switch, ...] = ()
    stop: Stop | None = None
    version: int = 1

    def led(self, role: Role, shot: int, now: datetime) -> "Group":
        return self._now(leads={**self.leads, role: Lead(shot, now)})

    def unled(self, role: Role) -> "Group":
        """The one that led has ended in vain: the next may lead."""
        return self._now(leads=self._without_lead(role))

    def pinned(self, role: Role, provider: str) -> "Group":
        pins = {**self.pins, role: provider}
        return self._now(leads=self._without_lead(role), pins=pins)

    def switched(self, switch: Switch) -> "Group":
        pins = {**self.pins, switch.role: switch.taken}
        return self._now(pins=pins, switches=(*self.switches, switch))

    def stopped(self, stop: Stop) -> "Group":
        return self._now(stop=stop)

    def approved(self) -> "Group":
        """As it goes on when somebody has approved: the next part finds a provider anew."""
        return self if self.stop is None else self._now(stop=None, pins={}, leads={})

    def knows(self, generation_id: str) -> bool:
        return any(one.generation_id == generation_id for one in self.switches)

    def _without_lead(self, role: Role) -> Mapping[Role, Lead]:
        return {one: lead for one, lead in self.leads.items() if one is not role}

    def _now(self, **changes: object) -> "Group":
        changed = {"version": self.version + 1, **changes}
        return replace(self, **changed)  # type: ignore[arg-type]


def groups_of(shots: Iterable[Shot]) -> tuple[Group, ...]:
    """The groups of two or more shots that share a scene or a character, also through others.

    A group is called by its first shot.
    """
    shots = tuple(shots)
    parents = {shot.number: shot.number for shot in shots}
    holders: dict[tuple[str, str], int] = {}

    def root(number: int) -> int:
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    for shot in shots:
        for mark in _marks(shot):
            holder = holders.setdefault(mark, shot.number)
            parents[root(shot.number)] = root(holder)
    members: dict[int, list[int]] = {}
    for shot in shots:
        members.setdefault(root(shot.number), []).append(shot.number)
    several = [tuple(numbers) for numbers in members.values() if len(numbers) > 1]
    return tuple(Group(f"{numbers[0]:07d}", numbers) for numbers in several)


def _marks(shot: Shot) -> Iterable[tuple[str, str]]:
    if shot.scene is not None:
        yield "scene", shot.scene
    for character in shot.characters:
        yield "character", character


def switch_by(
    group: Group, generation: Generation, *, role: Role, shot: int, now: datetime
) -> Switch | None:
    """The switch that a part's end means: it was asked of the pinned provider and made by another.

    None for any other end, and for one that is recorded already.
    """
    pin, maker = group.pins.get(role), generation.provider
    asked = generation.chain[0].provider
    if pin is None or maker is None or maker == pin or asked != pin or group.knows(generation.id):
        return None
    return Switch(
        generation.id, shot, role, pin, maker, "fell-back",
        _cost(generation, pin), _cost(generation, maker) or 0, now,
    )  # fmt: skip


def switch_before(
    group: Group, generation: Generation, *, role: Role, shot: int, now: datetime
) -> Switch | None:
    """The switch that a part's beginning means: the pinned provider cannot be asked at all."""
    pin, asked = group.pins.get(role), generation.chain[0].provider
    known = any(link.provider == pin for link in generation.chain)
    if pin is None or asked == pin or known or group.knows(generation.id):
        return None
    return Switch(
        generation.id, shot, role, pin, asked, "not-available",
        None, generation.chain[0].cost_micros, now,
    )  # fmt: skip


def _cost(generation: Generation, provider: str) -> Micros | None:
    return next((one.cost_micros for one in generation.chain if one.provider == provider), None)
