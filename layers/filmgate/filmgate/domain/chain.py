"""The chain: which providers will be tried for a wish, in which order, and what it can cost."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from filmgate.domain.catalogue import (
    Catalogue,
    Exclusion,
    Match,
    Offer,
    Provider,
    match,
    wishes_not_taken,
)
from filmgate.domain.health import BreakerState, Health
from filmgate.domain.money import Micros
from filmgate.domain.pricing import PriceRow, RateCard, price
from filmgate.domain.strategies import Role, Strategy, strategy_for, usual_role
from filmgate.domain.wishes import AUTO, Wish

RETIREMENT_NOTICE: Final = timedelta(days=30)


class OnRefusal(StrEnum):
    NEXT = "next"
    STOP = "stop"


class OnUnknown(StrEnum):
    STOP = "stop"
    NEXT = "next"


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """What an owner has set for one provider; a fresh one is what holds before anything is set.

    `key_set` says whether its secret is there, `key_hint` how it ends, `key_shape` which fields it
    has; none where nobody noted them. `version` counts the
    changes; 0 means that nothing was ever set. `doubted_prices` names the prices that the vendor
    has overstepped and nobody has confirmed since; they are kept beside the settings.
    """

    enabled: bool = True
    priority: int | None = None
    key_set: bool = False
    api_url: str | None = None
    model: str | None = None
    on_refusal: OnRefusal = OnRefusal.NEXT
    on_unknown: OnUnknown = OnUnknown.STOP
    key_hint: str | None = None
    key_shape: tuple[str, ...] = ()
    version: int = 0
    doubted_prices: frozenset[str] = frozenset()

    def priority_of(self, provider: Provider) -> int:
        """The owner's place for the provider, or the catalogue's where the owner gave none."""
        return provider.priority if self.priority is None else self.priority


@dataclass(frozen=True, slots=True)
class Candidate:
    """One provider held against one wish: eligible, or excluded with the reason.

    `cost` is known whenever there is an offer with a price, even if something else excludes it.
    `on_refusal` and `on_unknown` are resolved: what the request said, else the owner's setting.
    `observed_ms` is how long its takes usually took here; None before the first.
    """

    provider: Provider
    priority: int
    api_url: str | None
    on_refusal: OnRefusal
    on_unknown: OnUnknown
    match: Match | None
    row: PriceRow | None
    cost: Micros | None
    exclusion: Exclusion | None
    observed_ms: int | None = None

    @property
    def eligible(self) -> bool:
        return self.exclusion is None

    @property
    def usual_ms(self) -> int:
        """How long a take usually takes: by what was observed, else by what is expected."""
        expected_s = self.match.offer.expected_s if self.match else 0
        return expected_s * 1000 if self.observed_ms is None else self.observed_ms


@dataclass(frozen=True, slots=True)
class Plan:
    """The chain for one wish. `entries` has every provider asked about, eligible ones first."""

    entries: tuple[Candidate, ...]

    @property
    def eligible(self) -> tuple[Candidate, ...]:
        return tuple(entry for entry in self.entries if entry.eligible)

    @property
    def expected(self) -> Micros | None:
        """What the first provider costs; None when no provider is eligible."""
        return self.eligible[0].cost if self.eligible else None

    def worst_case(self, cost_limit: Micros | None = None) -> Micros | None:
        """The most this chain can cost, fallbacks included.

        A failed attempt is free when it is proved that nothing was accepted, so one attempt is
        paid. Only providers with `on_unknown: next` can be left in doubt, their money held, while
        a later one is paid; the limit bounds the sum.
        """
        if not self.eligible:
            return None
        in_doubt = worst = 0
        for entry in self.eligible:
            cost = entry.cost or 0
            worst = max(worst, in_doubt + cost)
            if entry.on_unknown is OnUnknown.NEXT:
                in_doubt += cost
        return worst if cost_limit is None else min(worst, cost_limit)


def make_plan(
    wish: Wish,
    *,
    provider: str,
    strategy: Strategy,
    catalogue: Catalogue,
    card: RateCard,
    settings: Mapping[str, ProviderSettings],
    health: Mapping[str, Health],
    now: datetime,
    on_refusal: OnRefusal | None = None,
    on_unknown: OnUnknown | None = None,
    role: Role | None = None,
    model: str | None = None,
) -> Plan:
    """Hold every provider asked about against the wish and put them in the strategy's order.

    `provider` is an id or alias of the catalogue, or AUTO for all providers of the medium.
    `role` matters for the strategy HYBRID only; None is the usual one of the medium.
    `on_refusal` and `on_unknown` are what the request says; None leaves it to each provider's
    settings. `model` names the one model that shall do; None is any that the provider sells.
    """
    asked = catalogue.of(wish.type) if provider == AUTO else [catalogue.find(provider)]
    candidates = []
    for one in asked:
        if one is not None:
            owned = settings.get(one.id, ProviderSettings())
            policies = (on_refusal or owned.on_refusal, on_unknown or owned.on_unknown)
            known = health.get(one.id, Health())
            candidates.append(_candidate(one, wish, card, owned, policies, known, now, model))
    own = strategy_for(role or usual_role(wish.type), strategy, catalogue.hybrid)
    return in_order(candidates, own)


def in_order(candidates: Iterable[Candidate], strategy: Strategy) -> Plan:
    """The same candidates as a plan in the strategy's order, those that cannot at the end.

    Raises KeyError for HYBRID, which is an order for no single chain: see `strategy_for`.
    """
    order = _ORDERS[strategy]
    return Plan(tuple(sorted(candidates, key=lambda c: (not c.eligible, *order(c)))))


@dataclass(frozen=True, slots=True)
class Preference:
    """Who of a chain is asked first, and who not at all; `alone` means nobody but the first."""

    first: str | None = None
    alone: bool = False
    without: frozenset[str] = frozenset()


ANYBODY: Final = Preference()


def preferring(plan: Plan, preference: Preference) -> Plan:
    """The same plan with the preferred provider first and the unwanted ones out of it."""

    def preferred(entry: Candidate) -> Candidate:
        first = preference.first in (None, entry.provider.id)
        unwanted = entry.provider.id in preference.without or (preference.alone and not first)
        if not entry.eligible or not unwanted:
            return entry
        return replace(entry, exclusion=Exclusion("passed-over", "another provider is to make it"))

    entries = [preferred(entry) for entry in plan.entries]
    return Plan(
        tuple(sorted(entries, key=lambda c: (not c.eligible, c.provider.id != preference.first)))
    )


def within(plan: Plan, cost_limit: Micros) -> Plan:
    """The same plan without the providers whose price passes the limit."""

    def limited(entry: Candidate) -> Candidate:
        if entry.cost is None or entry.cost <= cost_limit or not entry.eligible:
            return entry
        reason = Exclusion("over-cost-limit", "its price is above the cost limit")
        return replace(entry, exclusion=reason)

    entries = [limited(entry) for entry in plan.entries]
    return Plan(tuple(sorted(entries, key=lambda c: not c.eligible)))


def warnings_of(plan: Plan, wish: Wish) -> list[str]:
    """Every wish that an eligible provider has no field for, in sentences."""
    return [
        f"{entry.provider.id} has no field for {name}: it would be left out there"
        for entry in plan.eligible
        if entry.match is not None
        for name in wishes_not_taken(entry.match.offer, wish)
    ]


def retirements_of(plan: Plan, today: date) -> list[str]:
    """Every model of the chain that its vendor will soon end, in sentences."""
    soon = today + RETIREMENT_NOTICE
    return [
        f"{entry.provider.id}: its model {offer.model} is retired on {offer.retires_on}"
        for entry in plan.eligible
        if entry.match is not None
        for offer in [entry.match.offer]
        if offer.retires_on is not None and offer.retires_on <= soon
    ]


def _candidate(
    provider: Provider,
    wish: Wish,
    card: RateCard,
    settings: ProviderSettings,
    policies: tuple[OnRefusal, OnUnknown],
    health: Health,
    now: datetime,
    model: str | None,
) -> Candidate:
    today = now.date()
    found = _choose_offer(provider, wish, card, settings, today, model)
    standing = _standing(provider, settings, today) or suspension(health, now)
    known = (provider, settings.priority_of(provider), settings.api_url, *policies)
    if isinstance(found, Exclusion):
        return Candidate(*known, None, None, None, standing or found)
    matched, row = found
    if card.name_of(row) in settings.doubted_prices:
        standing = standing or Exclusion(
            "price-in-doubt", "its vendor billed more than this price; an admin has to confirm it"
        )
    return Candidate(*known, matched, row, price(row, wish), standing, health.percentile_ms(50))


def _standing(provider: Provider, settings: ProviderSettings, today: date) -> Exclusion | None:
    """Why the provider is out whatever is asked of it; None when it is in."""
    gone = provider.retired
    if gone is not None and gone.since <= today and settings.api_url is None:
        instead = f"; use {gone.replacement}" if gone.replacement else ""
        return Exclusion("retired", f"retired by its vendor on {gone.since}{instead}")
    if not provider.built:
        return Exclusion("not-built", "adapter not built yet")
    if not provider.hosts and provider.needs_key and settings.api_url is None:
        return Exclusion("no-address", "has no address yet: set its api_url")
    if not settings.enabled:
        return Exclusion("disabled", "switched off in the settings")
    if provider.needs_key and not settings.key_set:
        return Exclusion("no-key", "has no key yet")
    return None


def on_sale(
    provider: Provider, settings: ProviderSettings, card: RateCard, today: date
) -> tuple[str, ...]:
    """The models that a request may name now, in the catalogue's order: of a provider that is in,
    not ended by their vendor, and with a price for at least one size."""
    if _standing(provider, settings, today) is not None:
        return ()
    rows = card.rows_of(provider.id)
    priced = (
        offer.model
        for offer in _offers(provider, settings, today)
        if any(
            row.model in (None, offer.model) and row.resolution in (None, *offer.resolutions)
            for row in rows
        )
    )
    return tuple(dict.fromkeys(priced))


def suspension(health: Health, now: datetime) -> Exclusion | None:
    """Why an open breaker keeps a provider out; None when it may be asked (or probed)."""
    if health.breaker(now) is not BreakerState.OPEN or health.open_until is None:
        return None
    until = f"{health.open_until:%H:%M:%S} UTC"
    return Exclusion("suspended", f"suspended until {until} ({health.reason})")


def _choose_offer(
    provider: Provider,
    wish: Wish,
    card: RateCard,
    settings: ProviderSettings,
    today: date,
    model: str | None,
) -> tuple[Match, PriceRow] | Exclusion:
    """The first offer that can make the wish and has a price, or the last reason why none can."""
    reason = Exclusion("no-offer", "has no model on sale")
    if model is not None:
        reason = Exclusion("model-not-offered", f"does not sell the model {model} now")
    for offer in _offers(provider, settings, today):
        if model not in (None, offer.model):
            continue
        if not offer.takes_key(settings.key_shape):
            reason = _key_unfit(offer, settings.key_shape)
            continue
        found = match(offer, wish)
        if isinstance(found, Exclusion):
            reason = found
            continue
        row = card.row_for(provider.id, found, wish.quality)
        if row is not None:
            return found, row
        reason = Exclusion(
            "not-offered", f"the {card.name} card has no price for {found.frame.resolution}"
        )
    return reason


def _key_unfit(offer: Offer, shape: tuple[str, ...]) -> Exclusion:
    takes = " or ".join(" and ".join(one) for one in offer.key_fields)
    told = f"{offer.model} takes {takes}; the stored key has {' and '.join(shape)}"
    return Exclusion("key-unfit", told)


def _offers(provider: Provider, settings: ProviderSettings, today: date) -> list[Offer]:
    """The models still on sale; only the owner's choice where one is set.

    A model that its vendor has ended lives on where the owner names it and a host of theirs.
    """
    lives_elsewhere = settings.api_url is not None and settings.model is not None
    return [
        offer
        for offer in provider.offers
        if settings.model in (None, offer.model)
        and (offer.retires_on is None or offer.retires_on > today or lives_elsewhere)
    ]


def _by_priority(entry: Candidate) -> tuple[int, ...]:
    return (entry.priority,)


def _by_cost(entry: Candidate) -> tuple[int, ...]:
    """Cheapest first; a provider without a price stands behind all others."""
    return (entry.cost is None, entry.cost or 0, entry.priority)


def _by_latency(entry: Candidate) -> tuple[int, ...]:
    """Fastest first, in milliseconds; a provider that has no offer stands behind all others."""
    return (entry.match is None, entry.usual_ms, entry.priority)


def _by_quality(entry: Candidate) -> tuple[int, ...]:
    """Best first; among equals the owner's order, not the price: that is another strategy."""
    rank = entry.match.offer.quality_rank if entry.match else 0
    return (entry.match is None, -rank, entry.priority)


_ORDERS: Mapping[Strategy, Callable[[Candidate], Sequence[int]]] = {
    Strategy.PRIORITY: _by_priority,
    Strategy.CHEAPEST: _by_cost,
    Strategy.FASTEST: _by_latency,
    Strategy.QUALITY: _by_quality,
}
