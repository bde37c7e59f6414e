"""Quotes: what a request was told it costs at most, and for how long that word holds.

A quote keeps of the request only digests, field by field: enough to recognise it and to say what
differs in another one, and no prompt. Of the prices it keeps the terms: every unit price at which
a provider of its chains would have sold. A part of a storyboard costs what its wish and its term
make of it, so terms are kept once for all shots, and their number is bounded by the rate card.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from filmgate.domain import ids
from filmgate.domain.chain import Candidate, Plan
from filmgate.domain.money import Micros
from filmgate.domain.pricing import RateCard, Unit
from filmgate.domain.wishes import Wish

QUOTE_LIFE: Final = timedelta(minutes=15)

Chain = tuple[Wish, Plan]
"""A wish and the plan that makes it."""


class Subject(StrEnum):
    """What a quote is for."""

    GENERATION = "generation"
    STORYBOARD = "storyboard"


@dataclass(frozen=True, slots=True)
class Term:
    """The unit price at which a provider would have sold one size of a model."""

    provider: str
    model: str
    resolution: str
    quality: str
    unit: Unit
    unit_micros: Micros


@dataclass(frozen=True, slots=True)
class Quote:
    """A price that binds: what is started with it costs `max` at most.

    `asked` has a digest for every field that was said and moves the price. A quote binds a price,
    not a piece: it may be redeemed any number of times until it expires, by anybody of its tenant.
    """

    id: str
    subject: Subject
    asked: Mapping[str, str]
    expected: Micros
    max: Micros
    rate_card: str
    rate_card_version: str
    terms: tuple[Term, ...]
    expires_at: datetime

    @property
    def providers(self) -> tuple[str, ...]:
        """Who would have been asked, in the order in which the chains name them."""
        return tuple(dict.fromkeys(term.provider for term in self.terms))

    def has_expired(self, now: datetime) -> bool:
        return now >= self.expires_at


def make_quote(
    subject: Subject,
    asked: Mapping[str, object],
    chains: Iterable[Chain],
    *,
    tenant: str,
    expected: Micros,
    worst: Micros,
    card: RateCard,
    now: datetime,
) -> Quote:
    """The quote for what these chains were planned for; the same question has the same quote.

    `asked` has what was said by the names of the fields; None is what was not said.
    """
    digests = {name: ids.digest(repr(said)) for name, said in asked.items() if said is not None}
    terms = tuple(dict.fromkeys(term for chain in chains for term in _terms(chain)))
    expires_at = now + QUOTE_LIFE
    facts = (subject, digests, terms, expected, worst, card.name, card.version, expires_at)
    name = ids.quote_id(tenant, repr(facts))
    return Quote(
        name, subject, digests, expected, worst, card.name, card.version, terms, expires_at
    )


def differing(quote: Quote, other: Quote) -> tuple[str, ...]:
    """The fields in which two requests differ; what only one of them says is among them."""
    names = dict.fromkeys([*quote.asked, *other.asked])
    return tuple(name for name in names if quote.asked.get(name) != other.asked.get(name))


def price_now(term: Term, card: RateCard) -> Micros | None:
    """The unit price of the same on a card; None when it has none."""
    row = card.row_of(term.provider, term.model, term.resolution, term.quality)
    return None if row is None else row.micros


def why_gone(
    term: Term, candidates: Iterable[Candidate], card: RateCard, today: date
) -> str | None:
    """Why a model that was quoted is not sold any more; None while it is.

    `candidates` are those of today's plans. What an owner has switched off, or what is suspended,
    is still sold: it may be another provider's turn, and the price decides about that.
    """
    known = [one for one in candidates if one.provider.id == term.provider]
    if not known:
        return "is not in the catalogue any more"
    exclusion = known[0].exclusion
    if exclusion is not None and exclusion.code == "retired":
        return exclusion.message
    if not any(_sells(one, term.model, today) for one in known):
        return "its model is not sold any more"
    return "has no price any more" if price_now(term, card) is None else None


def _sells(candidate: Candidate, model: str, today: date) -> bool:
    """By the catalogue; or by the owner, who may name a host where a retired model lives on."""
    if candidate.match is not None and candidate.match.offer.model == model:
        return True
    return any(
        offer.model == model and (offer.retires_on is None or offer.retires_on > today)
        for offer in candidate.provider.offers
    )


def _terms(chain: Chain) -> Iterable[Term]:
    wish, plan = chain
    for entry in plan.eligible:
        if entry.match is not None and entry.row is not None:
            yield Term(
                provider=entry.provider.id,
                model=entry.match.offer.model,
                resolution=entry.match.frame.resolution,
                quality=wish.quality,
                unit=entry.row.unit,
                unit_micros=entry.row.micros,
            )
