"""What would this cost? No provider is called, and nothing but the quote is written."""

from dataclasses import dataclass
from datetime import datetime

from filmgate.domain.catalogue import Catalogue
from filmgate.domain.chain import Candidate, make_plan
from filmgate.domain.pricing import RateCard
from filmgate.domain.quotes import Quote
from filmgate.domain.strategies import Strategy
from filmgate.domain.wishes import AUTO, Wish
from filmgate.usecases.ports import Studio
from filmgate.usecases.quotes import Quotes, quote_of_request
from filmgate.usecases.request import Priced, Request, priced


@dataclass(frozen=True, slots=True)
class Estimate:
    """A priced chain with the card it was priced by, and the quote that binds the price."""

    quote: Quote
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
    quotes: Quotes,
    catalogue: Catalogue,
    card: RateCard,
    now: datetime,
) -> Estimate:
    """Price a request: the chosen provider, or the whole chain.

    Raises as `priced` does, and StoreUnavailable: no quote is told that was not kept.
    """
    found = priced(
        request,
        tenant=tenant,
        cost_limit=request.cost_limit,
        studio=studio,
        catalogue=catalogue,
        card=card,
        now=now,
    )
    quote = quote_of_request(request, found, tenant=tenant, card=card, now=now)
    quotes.put_quote(tenant, quote)
    return Estimate(quote, request, found, card)


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
