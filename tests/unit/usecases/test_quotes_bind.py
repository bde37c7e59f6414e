"""Whatever is on sale, whatever is asked and whatever happens: it costs its quote's max at most, or
it is refused before a vendor is called.

Every offer of both cards is quoted for wishes that it can make; then the world may change, the
quote is redeemed, and the real steps run against vendors that fail in every way. A vendor that
bills above its price is looked at by itself: that bill has come and is booked, and nothing is
quoted or bought at that price again.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as some

from filmgate.domain import ids
from filmgate.domain.attempts import Kind
from filmgate.domain.catalogue import Frame, Offer, Provider
from filmgate.domain.chain import OnRefusal, OnUnknown, ProviderSettings
from filmgate.domain.errors import (
    ContentRefused,
    CostLimitExceeded,
    NoCapableProvider,
    ProviderJobFailed,
    ProviderQuotaExhausted,
    ProviderThrottled,
    QuoteChanged,
)
from filmgate.domain.generations import Generation, GenerationState, Link
from filmgate.domain.money import CHARGE_QUANTUM, Micros
from filmgate.domain.pricing import RateCard
from filmgate.domain.quotes import QUOTE_LIFE, Quote
from filmgate.domain.strategies import Strategy
from filmgate.domain.wishes import AUTO, Media, Wish
from filmgate.providers.base import Finished, Pending, Rendering
from filmgate.providers.data import catalogue, rate_card
from filmgate.usecases.estimate import estimate
from filmgate.usecases.generate import generate
from filmgate.usecases.quotes import Presented
from filmgate.usecases.request import Request
from tests.support.builders import GENERATION_ID, TENANT, generation, principal, take, usd
from tests.support.fakes import ScriptedProvider, clip, lost_answer, picture
from tests.support.stage import Stage

STILL = take()
RENDERER = "flow"


@dataclass(frozen=True)
class Sale:
    """An offer with the sizes and qualities that a card has a price for."""

    card: str
    provider: Provider
    offer: Offer
    priced: tuple[tuple[Frame, str], ...]

    def __str__(self) -> str:
        span = f"-{max(self.offer.duration_s)}s" if self.offer.duration_s else ""
        return f"{self.card}-{self.offer.model}{span}-{len(self.offer.frames)}"

    @property
    def settings(self) -> ProviderSettings:
        """With these it is this offer's turn, though its vendor may have ended it."""
        host = "https://studio.example" if self.provider.id != RENDERER else None
        return ProviderSettings(key_set=True, api_url=host, model=self.offer.model, priority=1)


def on_sale() -> Iterator[Sale]:
    for card in ("guide", "vendor"):
        for provider in catalogue().providers.values():
            for offer in provider.offers:
                priced = tuple(
                    (frame, quality)
                    for frame in offer.frames
                    for quality in offer.qualities
                    if rate_card(card).row_of(provider.id, offer.model, frame.resolution, quality)
                )
                if priced:
                    yield Sale(card, provider, offer, priced)


SALES = list(on_sale())


@some.composite
def wishes(draw: some.DrawFn, sale: Sale) -> Wish:
    """A wish that the offer can make."""
    offer = sale.offer
    frame, quality = draw(some.sampled_from(sale.priced))
    is_clip = sale.provider.media is Media.VIDEO
    still = offer.needs_keyframe or ("image" in offer.accepts and draw(some.booleans()))
    said = draw(some.sampled_from(["size and ratio", "size"]))
    return Wish(
        type=sale.provider.media,
        prompt=draw(some.text("a quay", min_size=1, max_size=20)),
        resolution=frame.resolution,
        aspect_ratio=frame.aspect_ratio if said == "size and ratio" else None,
        quality=quality,
        duration_s=draw(some.sampled_from(offer.duration_s)) if is_clip else None,
        seed=draw(some.sampled_from([None, 7])),
        image=STILL.id if still else None,
    )


@some.composite
def requests(draw: some.DrawFn, sale: Sale) -> Request:
    return Request(
        wish=draw(wishes(sale)),
        provider=draw(some.sampled_from([AUTO, sale.provider.id])),
        strategy=draw(some.sampled_from(Strategy)),
        cost_limit=draw(some.sampled_from([None, usd("30"), usd("0.1000")])),
        on_refusal=draw(some.sampled_from([None, *OnRefusal])),
        on_unknown=draw(some.sampled_from([None, *OnUnknown])),
    )


# --- the world ---------------------------------------------------------------------------------


class World:
    """A studio with keys for everybody, in which this offer is the provider's own."""

    def __init__(self, sale: Sale) -> None:
        self.stage = Stage(default_limit=usd("1000"))
        self.card = rate_card(sale.card)
        self.studio = self.stage.studio
        known = {name: ProviderSettings(key_set=True) for name in catalogue().providers}
        self.studio.settings[TENANT] = {**known, sale.provider.id: sale.settings}
        still = generation(id=GENERATION_ID, state=GenerationState.SUCCEEDED)
        self.studio.generations[TENANT, still.id] = still
        self.studio.takes[TENANT, still.id][STILL.id] = STILL
        self.stage.takes.put(STILL.key, picture(), "image/png")
        self.called: list[ScriptedProvider] = []

    def quote(self, asked: Request) -> Quote:
        return estimate(
            asked, tenant=TENANT, studio=self.studio, quotes=self.studio, catalogue=catalogue(),
            card=self.card, now=self.stage.clock.now,
        ).quote  # fmt: skip

    def start(self, asked: Request, quote: Quote, key: str = "key") -> Generation:
        return generate(
            asked,
            principal=principal(),
            idempotency_key=key,
            request_hash=key,
            studio=self.studio,
            workflow=self.stage.workflow,
            catalogue=catalogue(),
            card=self.card,
            default_limit=usd("1000"),
            default_cost_limit=usd("1"),
            pace=None,
            now=self.stage.clock.now,
            quote=Presented(quote.id, self.studio),
        ).record.generation

    def play(self, link: Link, vendor: ScriptedProvider) -> None:
        self.stage.adapters.providers[link.provider] = vendor
        self.called.append(vendor)

    def cost(self, made: Generation) -> Micros:
        """What it has cost, with whatever may still be billed."""
        attempts = self.stage.record(made).attempts
        return sum(one.settled_micros + one.held_micros for one in attempts)

    def wait_for_every_bill(self) -> None:
        for _ in range(4):
            self.stage.clock.advance(timedelta(hours=25).total_seconds())
            self.stage.sweep()

    def set_own(self, provider: str, **changes: Any) -> None:
        known = self.studio.settings[TENANT]
        known[provider] = replace(known[provider], **changes)


def bill(link: Link, percent: int) -> dict[str, Any]:
    """What a vendor says that it bills: a part of its price, in money."""
    return {"cost_micros": link.cost_micros * percent // 100 // CHARGE_QUANTUM * CHARGE_QUANTUM}


def vendor(world: World, link: Link, word: str, percent: int, kind: Kind) -> ScriptedProvider:
    """A provider that answers so, whenever it is asked."""
    said = bill(link, percent)
    facts = {"kind": kind, "proves_absence": kind is Kind.FINDABLE}
    mishaps = {
        "refuses": ContentRefused(link.provider, "not this"),
        "has no quota": ProviderQuotaExhausted(link.provider, "no quota"),
        "throttles": ProviderThrottled(link.provider, "later"),
        "loses its answer": lost_answer(link.provider),
    }
    if word in mishaps:
        return ScriptedProvider([mishaps[word]], [Pending({"task": "t"})], **facts)  # type: ignore[arg-type]
    if link.provider == RENDERER:
        return ScriptedProvider([Rendering()])
    if link.deadline_s < 300 and link.resolution.count("x"):  # it answers at once, with a picture
        data = b"no picture" if word == "delivers rubbish" else picture(link.width, link.height)
        return ScriptedProvider([Finished(data=data, **said)], **facts)  # type: ignore[arg-type]
    url = f"https://cdn.example/{link.provider}"
    data = picture(link.width, link.height) if "x" in link.resolution else clip(
        link.width, link.height
    )  # fmt: skip
    world.stage.downloads.put(url, b"no clip" if word == "delivers rubbish" else data)
    look = {
        "fails the job": ProviderJobFailed(link.provider, "it failed"),
        "bills a failed job": ProviderJobFailed(link.provider, "it failed"),
        "never ends": Pending({"task": "t"}),
    }.get(word, Finished(url=url, **said))
    return ScriptedProvider(
        [Pending({"task": "t"})], [look],
        bills_failed_jobs=word == "bills a failed job", **facts,  # type: ignore[arg-type]
    )  # fmt: skip


BILLS = [0, 40, 100]  # percent of the price
WORDS = [
    "delivers", "delivers", "delivers rubbish", "refuses", "has no quota", "throttles",
    "loses its answer", "fails the job", "bills a failed job", "never ends",
]  # fmt: skip


def repriced(card: RateCard, provider: str, percent: int) -> RateCard:
    def moved(micros: Micros) -> Micros:
        return max(1, micros * percent // 100 // CHARGE_QUANTUM) * CHARGE_QUANTUM

    rows = [
        replace(row, micros=moved(row.micros)) if row.provider == provider else row
        for row in card.rows
    ]
    return RateCard(card.name, "later", tuple(rows))


def change(world: World, draw: some.DrawFn, sale: Sale) -> None:
    """What may happen between a quote and its redemption."""
    what = draw(some.sampled_from(["nothing", "price", "switched off", "no price", "late"]))
    name = draw(some.sampled_from([sale.provider.id, *catalogue().providers]))
    if what == "price":
        world.card = repriced(world.card, name, draw(some.sampled_from([30, 90, 120, 400])))
    elif what == "switched off":
        world.set_own(name, enabled=False)
    elif what == "no price":
        rows = tuple(row for row in world.card.rows if row.provider != name)
        world.card = RateCard(world.card.name, "later", rows)
    elif what == "late":
        world.stage.clock.advance(QUOTE_LIFE.total_seconds())


# --- what holds --------------------------------------------------------------------------------


def test_it_costs_the_quote_s_max_at_most_or_is_refused_before_any_vendor_is_called(
    figure: Callable[[str], None],
) -> None:
    ended: Counter[str] = Counter()
    for sale in SALES:
        for_every(sale, 25, lambda sale, data: ended.update([redeemed(sale, data)]))

    assert set(ended) > {"succeeded", "failed", "QuoteChanged", "NoCapableProvider"}
    told = ", ".join(f"{count} {end}" for end, count in sorted(ended.items()))
    figure(f"quotes of {len(SALES)} offers on two cards: {told}; none above its max")


def test_a_fresh_quote_works_at_once() -> None:
    fresh = []
    for sale in SALES:
        for_every(sale, 8, lambda sale, data: fresh.append(freshly_quoted(sale, data)))

    assert fresh.count(True) > len(SALES)


def for_every(sale: Sale, examples: int, check: Callable[[Sale, some.DataObject], object]) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(data=some.data())
    def one(data: some.DataObject) -> None:
        note(str(sale))
        check(sale, data)

    one()


def redeemed(sale: Sale, data: some.DataObject) -> str:
    """How a generation with a quote ended, or why it did not begin."""
    world, asked = World(sale), data.draw(requests(sale))
    try:
        quote = world.quote(asked)
    except CostLimitExceeded:
        assert asked.cost_limit is not None
        return "too dear to be quoted"
    assert sale.provider.id in quote.providers or asked.cost_limit is not None
    change(world, data.draw, sale)

    try:
        made = world.start(asked, quote)
    except (QuoteChanged, NoCapableProvider, CostLimitExceeded) as refused:
        assert not world.studio.entries
        assert not world.stage.workflow.executions
        return type(refused).__name__

    assert made.cost_limit == quote.max >= made.max
    for link in made.chain:
        word, percent = data.draw(some.sampled_from(WORDS)), data.draw(some.sampled_from(BILLS))
        world.play(link, vendor(world, link, word, percent, data.draw(some.sampled_from(Kind))))
    world.stage.run(made)
    assert world.cost(made) <= quote.max
    world.wait_for_every_bill()
    assert world.cost(made) <= quote.max
    assert world.studio.balances_disagree() == []
    return world.stage.record(made).generation.state


def freshly_quoted(sale: Sale, data: some.DataObject) -> bool:
    """Whether a fresh quote was given; if so, it has started the generation."""
    world, asked = World(sale), replace(data.draw(requests(sale)), cost_limit=None)
    quote = world.quote(asked)
    change(world, data.draw, sale)
    try:
        world.start(asked, quote)
    except NoCapableProvider:
        return False
    except QuoteChanged as changed:
        told: Any = changed.facts["quote"]
        fresh = world.studio.find_quote(TENANT, told["quote_id"])
        assert fresh is not None
        assert world.start(asked, fresh).cost_limit == fresh.max
        return True
    return False


BILLED = [sale for sale in SALES if sale.card == "vendor" and sale.provider.id != RENDERER]


@pytest.mark.parametrize("sale", BILLED, ids=str)
def test_a_bill_above_the_price_is_booked_and_nothing_is_bought_at_that_price_again(
    sale: Sale,
) -> None:
    """Nobody can refuse a bill that has come. What is promised is that it is the last one."""
    world = World(sale)
    frame, quality = sale.priced[0]
    seconds = min(sale.offer.duration_s) if sale.offer.duration_s else None
    wish = Wish(
        sale.provider.media, "a quay", resolution=frame.resolution, quality=quality,
        aspect_ratio=frame.aspect_ratio, duration_s=seconds,
        image=STILL.id if sale.offer.needs_keyframe else None,
    )  # fmt: skip
    asked = Request(wish, provider=sale.provider.id)
    quote = world.quote(asked)
    made = world.start(asked, quote)
    (link,) = made.chain
    world.play(link, vendor(world, link, "delivers", 300, Kind.BLIND))

    world.stage.run(made)

    assert world.cost(made) == 3 * quote.max
    calls = [len(one.references) for one in world.called]
    with pytest.raises(NoCapableProvider, match="billed more than this price"):
        world.start(asked, quote, key="again")
    with pytest.raises(NoCapableProvider, match="billed more than this price"):
        world.quote(asked)
    assert [len(one.references) for one in world.called] == calls


def test_every_offer_of_both_cards_is_among_them() -> None:
    sold = {(sale.card, sale.provider.id, sale.offer.model) for sale in SALES}
    every = {(p.id, offer.model) for p in catalogue().providers.values() for offer in p.offers}

    assert {provider for _, provider, _ in sold} == set(catalogue().providers)
    for card in ("guide", "vendor"):
        priced = {
            (provider, model)
            for provider, model in every
            if any(row.model in (None, model) for row in rate_card(card).rows_of(provider))
        }
        assert {(p, m) for one, p, m in sold if one == card} == priced
    assert ids.generation_of_take(STILL.id) == GENERATION_ID
