"""What would a storyboard cost, part by part, by every strategy, and within a budget at its best?

No provider is called, and nothing but the quote is written. Settings and health are read once, and
every distinct wish is held against the providers once, however many shots and strategies ask for
it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from filmgate.domain.catalogue import Catalogue, Offer
from filmgate.domain.chain import (
    Candidate,
    Plan,
    ProviderSettings,
    in_order,
    make_plan,
    retirements_of,
    warnings_of,
)
from filmgate.domain.errors import NoCapableProvider, ValidationFailed
from filmgate.domain.health import Health
from filmgate.domain.money import Micros
from filmgate.domain.optimise import Goal, Infeasible, Optimum, Option, optimise
from filmgate.domain.pricing import RateCard
from filmgate.domain.quotes import Chain, Quote, Subject, make_quote
from filmgate.domain.storyboard import Part, Shot, Storyboard
from filmgate.domain.strategies import Strategy, strategy_for
from filmgate.domain.wishes import AUTO, Media, Wish
from filmgate.usecases.ports import Studio
from filmgate.usecases.quotes import Quotes, asked_of_storyboard

SHOTS_NAMED: Final = 5
"""A warning names that many shots and counts the others."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What `optimise` shall choose for. `quality_floor` is a word of the catalogue."""

    goal: Goal
    budget: Micros | None = None
    quality_floor: str | None = None


@dataclass(frozen=True, slots=True)
class PricedPart:
    """A part with its chain in the strategy's order; `first` is who is asked first."""

    part: Part
    plan: Plan
    first: Candidate
    expected: Micros
    max: Micros

    @property
    def seconds(self) -> int:
        return _seconds(self.first)


@dataclass(frozen=True, slots=True)
class PricedShot:
    shot: Shot
    parts: tuple[PricedPart, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all parts. `seconds` adds up parts that run side by side: it compares, it does
    not tell how long one waits."""

    expected: Micros
    max: Micros
    by_type: Mapping[Media, Micros]
    by_provider: Mapping[str, Micros]
    quality: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Optimised:
    """What `optimise` found for all parts, in the order of the shots."""

    aim: Aim
    slots: tuple[tuple[Shot, Part], ...]
    found: Optimum | Infeasible


@dataclass(frozen=True, slots=True)
class StoryboardEstimate:
    """A priced storyboard. `strategies` has what each would cost if all shots followed it."""

    quote: Quote
    storyboard: Storyboard
    shots: tuple[PricedShot, ...]
    totals: Totals
    strategies: Mapping[Strategy, Totals]
    warnings: tuple[str, ...]
    optimised: Optimised | None
    card: RateCard

    @property
    def chains(self) -> list[Chain]:
        """What it was reckoned from."""
        return _chains(self.shots)


def estimate_storyboard(
    storyboard: Storyboard,
    *,
    aim: Aim | None,
    tenant: str,
    studio: Studio,
    catalogue: Catalogue,
    card: RateCard,
    now: datetime,
    quotes: Quotes | None = None,
) -> StoryboardEstimate:
    """Price every part of every shot, and keep the quote where `quotes` are given.

    Raises ValidationFailed for a provider or floor that does not exist, NoCapableProvider naming
    every part that nobody can make and why; StoreUnavailable, since no quote is told that was not
    kept.
    """
    floor = _floor(aim, catalogue)
    _check_providers(storyboard, catalogue)
    prices = _Prices(
        storyboard, catalogue, card, studio.provider_settings(tenant), studio.health(tenant), now
    )
    _check_eligible(storyboard, prices)
    shots = prices.of_all(None)
    totals = _totals(shots)
    quote = make_quote(
        Subject.STORYBOARD, asked_of_storyboard(storyboard), _chains(shots),
        tenant=tenant, expected=totals.expected, worst=totals.max, card=card, now=now,
    )  # fmt: skip
    if quotes is not None:
        quotes.put_quote(tenant, quote)
    return StoryboardEstimate(
        quote=quote,
        storyboard=storyboard,
        shots=shots,
        totals=totals,
        strategies={strategy: _totals(prices.of_all(strategy)) for strategy in Strategy},
        warnings=_warnings(shots, now),
        optimised=None if aim is None else _optimised(aim, floor, storyboard, shots),
        card=card,
    )


@dataclass(frozen=True, slots=True)
class _Prices:
    """Chains of parts, made once for wishes that no provider can tell apart."""

    storyboard: Storyboard
    catalogue: Catalogue
    card: RateCard
    settings: Mapping[str, ProviderSettings]
    health: Mapping[str, Health]
    now: datetime
    _limits: Sequence[int] = field(init=False)
    _known: dict[tuple[Wish, int, str], Plan] = field(init=False, default_factory=dict)
    _unordered: dict[Part, Plan] = field(init=False, default_factory=dict)
    _priced: dict[tuple[int, Strategy], PricedPart] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        offers = (offer for one in self.catalogue.providers.values() for offer in one.offers)
        object.__setattr__(self, "_limits", sorted({offer.prompt_max_chars for offer in offers}))

    def of_all(self, strategy: Strategy | None) -> tuple[PricedShot, ...]:
        """All shots by one strategy; None is the one that each has."""
        return tuple(self._of(shot, strategy) for shot in self.storyboard.shots)

    def plan(self, part: Part) -> Plan:
        """The part's chain, in the owner's order."""
        if part not in self._unordered:
            key = self._key(part)
            if key not in self._known:
                self._known[key] = self._made(part)
            self._unordered[part] = self._known[key]
        return self._unordered[part]

    def _of(self, shot: Shot, strategy: Strategy | None) -> PricedShot:
        chosen = strategy or self.storyboard.strategy_of(shot)
        return PricedShot(shot, tuple(self._part(part, chosen) for part in shot.parts))

    def _part(self, part: Part, strategy: Strategy) -> PricedPart:
        """The part with its chain as a single estimate would have it."""
        unordered = self.plan(part)
        own = strategy_for(part.role, strategy, self.catalogue.hybrid)
        key = (id(unordered), own)
        if key not in self._priced:
            plan = in_order(unordered.entries, own)
            self._priced[key] = PricedPart(
                part, plan, plan.eligible[0], plan.expected or 0, plan.worst_case() or 0
            )
        return replace(self._priced[key], part=part)

    def _made(self, part: Part) -> Plan:
        return make_plan(
            part.wish,
            provider=part.provider,
            strategy=Strategy.PRIORITY,
            on_refusal=self.storyboard.on_refusal,
            on_unknown=self.storyboard.on_unknown,
            catalogue=self.catalogue,
            card=self.card,
            settings=self.settings,
            health=self.health,
            now=self.now,
        )

    def _key(self, part: Part) -> tuple[Wish, int, str]:
        """All that can move a price: of the words only whether they are too long for somebody."""
        wish = part.wish
        alike = replace(wish, prompt="", negative_prompt=None, seed=None, style=None)
        too_short = sum(limit < len(wish.prompt) for limit in self._limits)
        return alike, too_short, part.provider


# --- what cannot be priced ---------------------------------------------------------------------


def _floor(aim: Aim | None, catalogue: Catalogue) -> int:
    if aim is None or aim.quality_floor is None:
        return 0
    floors = catalogue.quality_floors
    if aim.quality_floor not in floors:
        known = ", ".join(sorted(floors, key=floors.__getitem__))
        raise ValidationFailed([("/optimise/quality_floor", f"unknown floor; known are {known}")])
    return floors[aim.quality_floor]


def _check_providers(storyboard: Storyboard, catalogue: Catalogue) -> None:
    known = ", ".join(sorted(catalogue.providers))
    faults = [
        (f"{where}/provider", f"unknown provider; known are {known}, auto")
        for where, _, part in _places(storyboard)
        if part.provider != AUTO and catalogue.find(part.provider) is None
    ]
    if faults:
        raise ValidationFailed(faults)


def _check_eligible(storyboard: Storyboard, prices: _Prices) -> None:
    """Raise NoCapableProvider unless every part has somebody; no strategy changes who can."""
    hopeless = [
        (where, shot, part, _why_nobody(part, prices))
        for where, shot, part in _places(storyboard)
        if not _can(part, prices)
    ]
    if hopeless:
        numbers = list(dict.fromkeys(shot.number for _, shot, _, _ in hopeless))
        raise NoCapableProvider(
            f"Nobody can make all of {_shots(numbers)}; see errors.",
            errors=[{"pointer": where, "message": why} for where, _, _, why in hopeless],
            shots=numbers,
        )


def _can(part: Part, prices: _Prices) -> bool:
    provider = prices.catalogue.find(part.provider)
    if provider is not None and provider.media is not part.wish.type:
        return False
    return bool(prices.plan(part).eligible)


def _why_nobody(part: Part, prices: _Prices) -> str:
    provider = prices.catalogue.find(part.provider)
    if provider is not None and provider.media is not part.wish.type:
        return f"{provider.id} makes {provider.media} only"
    entries = prices.plan(part).entries
    return "; ".join(f"{e.provider.id}: {e.exclusion.message}" for e in entries if e.exclusion)


def _places(storyboard: Storyboard) -> Iterable[tuple[str, Shot, Part]]:
    """Every part with its place in the body."""
    for index, shot in enumerate(storyboard.shots):
        for part in shot.parts:
            yield f"/shots/{index}/{part.role}", shot, part


# --- sums and warnings -------------------------------------------------------------------------


def _parts(shots: Iterable[PricedShot]) -> list[PricedPart]:
    return [part for shot in shots for part in shot.parts]


def _chains(shots: Iterable[PricedShot]) -> list[Chain]:
    return [(one.part.wish, one.plan) for one in _parts(shots)]


def _totals(shots: Iterable[PricedShot]) -> Totals:
    by_type: defaultdict[Media, Micros] = defaultdict(int)
    by_provider: defaultdict[str, Micros] = defaultdict(int)
    parts = _parts(shots)
    for one in parts:
        by_type[one.part.wish.type] += one.expected
        by_provider[one.first.provider.id] += one.expected
    return Totals(
        expected=sum(one.expected for one in parts),
        max=sum(one.max for one in parts),
        by_type=by_type,
        by_provider=by_provider,
        quality=sum(_offer(one.first).quality_rank for one in parts),
        seconds=sum(one.seconds for one in parts),
    )


def _warnings(shots: Iterable[PricedShot], now: datetime) -> tuple[str, ...]:
    """The warnings of all parts, each once, with the shots that it is about."""
    told: defaultdict[str, list[int]] = defaultdict(list)
    for shot in shots:
        for one in shot.parts:
            for warning in warnings_of(one.plan, one.part.wish):
                told[f"{one.part.role}: {warning}"].append(shot.shot.number)
            for warning in retirements_of(one.plan, now.date()):
                told[f"{one.part.role}: {warning}"].append(shot.shot.number)
    return tuple(f"{warning} ({_shots(numbers)})" for warning, numbers in told.items())


def _shots(numbers: Sequence[int]) -> str:
    """Write [3] as "shot 3", and many as the first few and how many others."""
    named = ", ".join(str(number) for number in numbers[:SHOTS_NAMED])
    more = len(numbers) - SHOTS_NAMED
    others = f" and {more} more" if more > 0 else ""
    return f"shot{'s' if len(numbers) > 1 else ''} {named}{others}"


# --- the best within a budget ------------------------------------------------------------------


def _optimised(
    aim: Aim, floor: int, storyboard: Storyboard, shots: Iterable[PricedShot]
) -> Optimised:
    """Choose for every part among the providers that could make it: one each, no fallback."""
    slots = tuple((shot.shot, one.part) for shot in shots for one in shot.parts)
    options = [[_option(e) for e in one.plan.eligible] for shot in shots for one in shot.parts]
    budget = storyboard.budget if aim.budget is None else aim.budget
    found = optimise(options, goal=aim.goal, budget=budget, floor=floor)
    return Optimised(replace(aim, budget=budget), slots, found)


def _option(entry: Candidate) -> Option:
    return Option(entry.provider.id, entry.cost or 0, _offer(entry).quality_rank, _seconds(entry))


def _seconds(entry: Candidate) -> int:
    return -(-entry.usual_ms // 1000)


def _offer(entry: Candidate) -> Offer:
    if entry.match is None:
        raise ValueError(f"{entry.provider.id} is eligible without an offer")
    return entry.match.offer
