"""Redeem a quote: what is started with it costs its `max` at most, or is refused with a fresh one.

What is quoted and what is bought are planned by the same code, and compared here. A quote stands
against changes of prices, not of mind: whatever is cheaper now is accepted, so is another chain
(a provider switched off or suspended) that stays within `max`, and the generation says who is in
it. What a vendor bills above its price is another matter: nobody can refuse a bill that has come.
It is booked, that price is sold at no more until an admin confirms it, and the next quote is made
without it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from filmgate.domain.chain import Candidate
from filmgate.domain.errors import QuoteChanged, ValidationFailed
from filmgate.domain.ids import is_quote_id
from filmgate.domain.moments import moment
from filmgate.domain.money import format_usd
from filmgate.domain.pricing import RateCard
from filmgate.domain.quotes import (
    Chain,
    Quote,
    Subject,
    differing,
    make_quote,
    price_now,
    why_gone,
)
from filmgate.domain.storyboard import Storyboard
from filmgate.usecases.request import Priced, Request

FIELDS_NAMED: Final = 5
"""So many differences are named, and the others counted."""

Changed = dict[str, object]


class Quotes(Protocol):
    """The table as far as it keeps quotes."""

    def put_quote(self, tenant: str, quote: Quote) -> None:
        """Keep a quote until some time after it expired; the same again is a success.

        Raises StoreUnavailable.
        """

    def find_quote(self, tenant: str, quote_id: str) -> Quote | None:
        """The quote of this name; None when this tenant has none."""


@dataclass(frozen=True, slots=True)
class Presented:
    """A quote that somebody wants to start something with, and where they said so."""

    quote_id: str
    quotes: Quotes
    pointer: str = "/quote_id"


def presented(
    quote_id: str | None, quotes: Quotes, *, pointer: str = "/quote_id"
) -> Presented | None:
    """The quote that a request names; None when it names none."""
    return None if quote_id is None else Presented(quote_id, quotes, pointer)


def quote_of_request(
    request: Request, found: Priced, *, tenant: str, card: RateCard, now: datetime
) -> Quote:
    """The quote for one generation: its wish, who makes it, its policies and its cost limit."""
    wish = request.wish
    asked: dict[str, object] = {
        "type": wish.type,
        "prompt": wish.prompt,
        "negative_prompt": wish.negative_prompt,
        **{f"params.{name}": said for name, said in wish.as_params().items()},
        "provider": request.provider,
        "strategy": request.strategy,
        "cost_limit": request.cost_limit,
        "on_refusal": request.on_refusal,
        "on_unknown": request.on_unknown,
    }
    return make_quote(
        Subject.GENERATION, asked, [(wish, found.plan)],
        tenant=tenant, expected=found.expected, worst=found.max, card=card, now=now,
    )  # fmt: skip


def asked_of_storyboard(storyboard: Storyboard) -> Mapping[str, object]:
    """All of a storyboard that moves its price; what it is called and belongs to does not."""
    return {
        "strategy": storyboard.strategy,
        "budget": storyboard.budget,
        "on_refusal": storyboard.on_refusal,
        "on_unknown": storyboard.on_unknown,
        "continuity": storyboard.continuity,
        **{f"shot {shot.number}": shot for shot in storyboard.shots},
    }


def redeem(
    shown: Presented,
    fresh: Quote,
    chains: Sequence[Chain],
    *,
    tenant: str,
    card: RateCard,
    now: datetime,
) -> Quote:
    """The quote that was shown, if it holds for what is asked now.

    `fresh` is what the same request would be quoted now, `chains` what that was reckoned from.
    Raises ValidationFailed for a quote that the tenant does not have or that is for another
    request; QuoteChanged, with `fresh` kept as a quote to go on with, when it has expired, when
    it would cost more now, or when one of its models is not sold any more.
    """
    known = shown.quotes.find_quote(tenant, shown.quote_id) if is_quote_id(shown.quote_id) else None
    if known is None:
        raise ValidationFailed([(shown.pointer, "unknown quote")])
    if known.subject is not fresh.subject:
        raise ValidationFailed([(shown.pointer, f"it is a quote for a {known.subject}")])
    others = differing(known, fresh)
    if others:
        told = f"it is a quote for another request, which differs in {_listed(others)}"
        raise ValidationFailed([(shown.pointer, told)])
    gone = _gone(known, chains, card, now)
    expired = known.has_expired(now)
    if not gone and not expired and fresh.max <= known.max:
        return known
    shown.quotes.put_quote(tenant, fresh)
    raise QuoteChanged(
        " ".join([*_reasons(known, fresh, gone, expired), "See quote for one that holds now."]),
        quote={
            "quote_id": fresh.id,
            "expected": format_usd(fresh.expected),
            "max": format_usd(fresh.max),
            "rate_card": {"name": fresh.rate_card, "version": fresh.rate_card_version},
            "expires_at": moment(fresh.expires_at),
            "changed": [*gone, *_changes(known, fresh, card, expired)],
        },
    )


def _gone(quote: Quote, chains: Iterable[Chain], card: RateCard, now: datetime) -> list[Changed]:
    """Every model of the quote that is not sold any more."""
    candidates: defaultdict[str, dict[int, Candidate]] = defaultdict(dict)
    for plan in {id(plan): plan for _, plan in chains}.values():
        for entry in plan.entries:
            candidates[entry.provider.id][id(entry)] = entry
    found: dict[tuple[str, str], Changed] = {}
    for term in quote.terms:
        why = why_gone(term, candidates[term.provider].values(), card, now.date())
        if why is not None:
            found[term.provider, term.model] = {
                "what": "model", "provider": term.provider, "from": term.model, "to": None,
                "reason": why,
            }  # fmt: skip
    return list(found.values())


def _changes(quote: Quote, fresh: Quote, card: RateCard, expired: bool) -> list[Changed]:
    """What else is not as it was quoted, each from what to what."""
    found: list[Changed] = []
    if expired:
        moved = (moment(quote.expires_at), moment(fresh.expires_at))
        found.append(_changed("expires_at", *moved))
    for name in ("expected", "max"):
        was, now = getattr(quote, name), getattr(fresh, name)
        if was != now:
            found.append(_changed(name, format_usd(was), format_usd(now)))
    if quote.providers != fresh.providers:
        found.append(_changed("providers", list(quote.providers), list(fresh.providers)))
    for term in quote.terms:
        price = price_now(term, card)
        if price is not None and price != term.unit_micros:
            about = {"provider": term.provider, "model": term.model, "resolution": term.resolution}
            moved = (format_usd(term.unit_micros), format_usd(price))
            found.append({**_changed("unit_price", *moved), **about, "unit": term.unit})
    return found


def _changed(what: str, was: object, now: object) -> Changed:
    return {"what": what, "from": was, "to": now}


def _reasons(quote: Quote, fresh: Quote, gone: Iterable[Changed], expired: bool) -> Iterable[str]:
    for one in gone:
        yield f"{one['provider']} {one['from']}: {one['reason']}."
    if fresh.max > quote.max:
        yield (
            f"It may cost {format_usd(fresh.max)} USD now; "
            f"the quote was for {format_usd(quote.max)} USD at most."
        )
    if expired:
        yield f"The quote expired at {moment(quote.expires_at)}."


def _listed(names: Sequence[str]) -> str:
    """Name the first few and count the others."""
    more = len(names) - FIELDS_NAMED
    named = ", ".join(names[:FIELDS_NAMED])
    return f"{named} and {more} more" if more > 0 else named
