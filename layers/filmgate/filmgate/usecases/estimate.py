"""What would this cost? Prices only: nothing is written, no provider is called."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from filmgate.domain.catalogue import Catalogue
from filmgate.domain.chain import Candidate, make_plan
from filmgate.domain.ids import quote_id
from filmgate.domain.pricing import RateCard
from filmgate.domain.strategies import Strategy
from filmgate.domain.wishes import AUTO, Wish
from filmgate.usecases.ports import Studio
from filmgate.usecases.request import Priced, Request, priced

QUOTE_LIFE: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A priced chain with the card it was priced by."""

    quote_id: str
    expires_at: datetime
    request: Request
    priced: Priced
    card: RateCard


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every provider of a medium, the eligible ones cheapest first."""

    wish: Wish
    offers: tuple[Candidate, ...]
    card: RateCard


def estimate(
    request: Request,
    *,
    tenant: str,
    studio: Studio,
    catalogue: Catalogue,
    card: RateCard,
    now: datetime,
) -> Estimate:
    """Price a request: the chosen provider, or the whole chain. Raises as `priced` does."""
    found = priced(
        request,
        tenant=tenant,
        cost_limit=request.cost_limit,
        studio=studio,
        catalogue=catalogue,
        card=card,
        now=now,
    )
    expires_at = now + QUOTE_LIFE
    costs = ",".join(f"{entry.provider.id}={entry.cost}" for entry in found.plan.eligible)
    name = quote_id(tenant, repr(request), card.name, card.version, costs, expires_at.isoformat())
    return Estimate(name, expires_at, request, found, card)


def compare(
    wish: Wish,
    *,
    tenant: str,
    studio: Studio,
    catalogue: Catalogue,
    card: RateCard,
    now: datetime,
) -> Comparison:
    """Every provider of the wish's medium side by side, ineligible ones with their reason."""
    plan = make_plan(
        wish,
        provider=AUTO,
        strategy=Strategy.CHEAPEST,
        catalogue=catalogue,
        card=card,
        settings=studio.provider_settings(tenant),
        health=studio.health(tenant),
        now=now,
    )
    return Comparison(wish, plan.entries, card)
