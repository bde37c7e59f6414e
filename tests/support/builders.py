"""Builders of the domain's objects: a test says only what it is about, the rest is ordinary.

Amounts are written as decimal strings of US dollars and become micro-dollars here.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from filmgate.domain import ids
from filmgate.domain.attempts import Attempt, AttemptState, Failure
from filmgate.domain.audit import Author
from filmgate.domain.boards import Head
from filmgate.domain.catalogue import Catalogue, Frame, Offer, Provider, Retirement
from filmgate.domain.chain import ProviderSettings, Strategy
from filmgate.domain.errors import ErrorClass
from filmgate.domain.generations import Envelope, Generation, GenerationState, Link, Record, Take
from filmgate.domain.ledger import (
    NO_PERIOD,
    OWNER_SCOPE,
    envelope_scope,
    generation_scope,
    period_of,
)
from filmgate.domain.money import Micros, parse_rate, parse_usd
from filmgate.domain.pricing import PriceRow, RateCard, Unit
from filmgate.domain.storyboard import Storyboard
from filmgate.domain.wishes import Media, Wish
from filmgate.providers.base import Order
from filmgate.usecases.ports import Principal
from filmgate.usecases.request import Request
from filmgate.usecases.steps import Worker

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
TENANT = "acme"
PERIOD = "2026-11"
GENERATION_ID = ids.generation_id(TENANT, "ada", "the usual key")


def usd(text: str) -> Micros:
    return parse_usd(text)


# --- what providers sell -----------------------------------------------------------------------


def image_offer(
    model: str = "picture-1",
    *,
    frames: tuple[Frame, ...] = (
        Frame("1024x1024", "1:1", 1024, 1024),
        Frame("1536x864", "16:9", 1536, 864),
    ),
    qualities: tuple[str, ...] = ("standard",),
    prompt_max_chars: int = 1000,
    **others: Any,
) -> Offer:
    return Offer(
        model=model,
        frames=frames,
        qualities=qualities,
        prompt_max_chars=prompt_max_chars,
        **{"expected_s": 25, "deadline_s": 150, **others},
    )


def video_offer(
    model: str = "clip-1",
    *,
    frames: tuple[Frame, ...] = (
        Frame("720p", "16:9", 1280, 720),
        Frame("720p", "9:16", 720, 1280),
        Frame("1080p", "16:9", 1920, 1080),
    ),
    qualities: tuple[str, ...] = ("standard",),
    prompt_max_chars: int = 1000,
    duration_s: tuple[int, ...] = (3, 4, 5, 6, 7, 8, 9, 10),
    **others: Any,
) -> Offer:
    return Offer(
        model=model,
        frames=frames,
        qualities=qualities,
        prompt_max_chars=prompt_max_chars,
        duration_s=duration_s,
        **{"expected_s": 120, "deadline_s": 1800, **others},
    )


def provider(
    id: str = "lumen", *offers: Offer, media: Media = Media.IMAGE, **others: Any
) -> Provider:
    """A built provider with a key; its one offer is an ordinary one of its medium."""
    usual = image_offer() if media is Media.IMAGE else video_offer()
    facts: dict[str, Any] = {
        "name": id.title(),
        "priority": 1,
        "quality": "good",
        "speed": "fast",
        "built": True,
        "needs_key": True,
        "hosts": frozenset({f"api.{id}.example"}),
        "result_hosts": frozenset({f"cdn.{id}.example"}),
        "key_fields": (("api_key",),),
    }
    return Provider(id=id, media=media, offers=offers or (usual,), **{**facts, **others})


def catalogue_of(*providers: Provider) -> Catalogue:
    return Catalogue({one.id: one for one in providers})


def retirement(since: datetime = NOW, replacement: str | None = None) -> Retirement:
    return Retirement(since.date(), replacement)


def price_row(provider: str = "lumen", price: str = "0.0200", unit: Unit = Unit.IMAGE,
              **others: Any) -> PriceRow:  # fmt: skip
    return PriceRow(provider=provider, unit=unit, micros=parse_rate(price), **others)


def card_of(*rows: PriceRow, name: str = "own", version: str = "2026-11-22") -> RateCard:
    return RateCard(name, version, rows)


def with_keys(*providers: str) -> dict[str, ProviderSettings]:
    """Settings of an owner who has stored a key for each of these providers."""
    return {name: ProviderSettings(key_set=True) for name in providers}


# --- what is asked for -------------------------------------------------------------------------


def image_wish(prompt: str = "a red fox in fresh snow", **others: Any) -> Wish:
    return Wish(type=Media.IMAGE, prompt=prompt, **others)


def clip_wish(prompt: str = "a red fox walks over snow", **others: Any) -> Wish:
    return Wish(type=Media.VIDEO, prompt=prompt, **others)


def request(wish: Wish | None = None, **others: Any) -> Request:
    return Request(wish=wish or image_wish(), **others)


def principal(tenant: str = TENANT, user: str = "ada", role: str = "creator") -> Principal:
    return Principal(tenant, user, role)


def author(user: str = "ada", request_id: str = "request-1", at: datetime = NOW) -> Author:
    """Who changes something: a request of the admin Ada, now."""
    return Author(user, "tok_ada", request_id, at)


def image_order(**others: Any) -> Order:
    facts: dict[str, Any] = {
        "model": "picture-1",
        "prompt": "a red fox in fresh snow",
        "resolution": "1024x1024",
        "aspect_ratio": "1:1",
        "width": 1024,
        "height": 1024,
        "quality": "standard",
        "duration_s": 0,
        "fps": 24,
    }
    return Order(**{**facts, **others})


def clip_order(**others: Any) -> Order:
    facts: dict[str, Any] = {
        "model": "clip-1",
        "prompt": "a red fox walks over snow",
        "resolution": "720p",
        "aspect_ratio": "16:9",
        "width": 1280,
        "height": 720,
        "quality": "standard",
        "duration_s": 5,
        "fps": 24,
    }
    return Order(**{**facts, **others})


# --- what runs ---------------------------------------------------------------------------------


def link(provider: str = "lumen", cost: str = "0.0200", **others: Any) -> Link:
    facts: dict[str, Any] = {
        "model": "picture-1",
        "resolution": "1024x1024",
        "aspect_ratio": "1:1",
        "width": 1024,
        "height": 1024,
        "expected_s": 25,
        "deadline_s": 150,
        "api_url": None,
        "micros_per_million_tokens": None,
    }
    price = {"cost_micros": usd(cost), "unit": Unit.IMAGE, "unit_micros": usd(cost)}
    return Link(provider=provider, **{**price, **facts, **others})


def clip_link(provider: str = "lumen", cost: str = "0.0200", **others: Any) -> Link:
    facts: dict[str, Any] = {
        "model": "clip-1",
        "resolution": "720p",
        "aspect_ratio": "16:9",
        "width": 1280,
        "height": 720,
        "expected_s": 120,
        "deadline_s": 1800,
    }
    return link(provider, cost, **{**facts, **others})


def generation(*chain: Link, cost_limit: str = "1.0000", **others: Any) -> Generation:
    """A queued generation of one image; its chain is one provider unless links are given.

    `on_refusal` and `on_unknown` go into every link, as the words of a request do.
    """
    said = {n: others[n] for n in ("on_refusal", "on_unknown") if others.get(n) is not None}
    links = tuple(replace(one, **said) for one in chain or (link(),))
    facts: dict[str, Any] = {
        "id": GENERATION_ID,
        "tenant": TENANT,
        "user": "ada",
        "wish": image_wish(),
        "requested_provider": "auto",
        "strategy": Strategy.PRIORITY,
        "on_refusal": None,
        "on_unknown": None,
        "rate_card": "own",
        "rate_card_version": "2026-11-22",
        "expected": links[0].cost_micros,
        "max": max(one.cost_micros for one in links),
        "request_hash": "the hash of the request",
        "created_at": NOW,
        "state": GenerationState.QUEUED,
    }
    return Generation(chain=links, cost_limit=usd(cost_limit), **{**facts, **others})


def attempt(
    state: AttemptState = AttemptState.RESERVED,
    *,
    index: int = 0,
    reserved: str = "0.0200",
    generation_id: str = GENERATION_ID,
    **others: Any,
) -> Attempt:
    """An attempt as it is in this state; SUBMITTING has the owner "worker" for four minutes."""
    submitting = state is AttemptState.SUBMITTING
    facts: dict[str, Any] = {
        "provider": "lumen",
        "model": "picture-1",
        "scopes": (
            (OWNER_SCOPE, period_of(NOW)),
            (generation_scope(generation_id), NO_PERIOD),
        ),
        "started_at": NOW,
        "owner": "worker" if submitting else None,
        "lease_until": NOW + timedelta(minutes=4) if submitting else None,
    }
    return Attempt(
        id=ids.attempt_id(generation_id, index),
        generation_id=generation_id,
        index=index,
        state=state,
        reserved_micros=usd(reserved),
        **{**facts, **others},
    )


def failure(
    error_class: ErrorClass = ErrorClass.FALLBACK,
    code: str = "provider-error",
    message: str = "could not",
) -> Failure:
    return Failure(error_class, code, message)


def record(
    *attempts: Attempt, of: Generation | None = None, takes: tuple[Take, ...] = ()
) -> Record:
    """A record whose chain is as long as its attempts, unless a generation is given."""
    several = attempts or (attempt(),)
    links = [link(one.provider) for one in several]
    return Record(of or generation(*links), several, takes)


def take(of: Attempt | None = None, **others: Any) -> Take:
    made_by = of or attempt()
    identifier = ids.take_id(made_by.id)
    facts: dict[str, Any] = {
        "id": identifier,
        "generation_id": made_by.generation_id,
        "attempt_id": made_by.id,
        "provider": made_by.provider,
        "key": f"{TENANT}/{made_by.generation_id}/{identifier}.png",
        "media_type": "image/png",
        "width": 1024,
        "height": 1024,
        "duration_ms": None,
        "size_bytes": 12,
        "sha256": "0" * 64,
        "created_at": NOW,
    }
    return Take(**{**facts, **others})


def worker(name: str = "worker", *, now: datetime = NOW, seconds: int = 240) -> Worker:
    """A run of a step that has `seconds` left."""
    return Worker(name, ends_at=now + timedelta(seconds=seconds))


# --- storyboards -------------------------------------------------------------------------------


def head(**others: Any) -> Head:
    """A storyboard that was just admitted."""
    board_id = ids.storyboard_id(TENANT, "ada", "the usual key")
    facts = {
        "id": board_id,
        "tenant": TENANT,
        "user": "ada",
        "asked": Storyboard(shots=()),
        "total": 1,
        "shots_key": "shots",
        "envelope": Envelope(envelope_scope(board_id, 0), ((OWNER_SCOPE, PERIOD),)),
        "expected": usd("0.0200"),
        "max": usd("0.0200"),
        "rate_card": "own",
        "rate_card_version": "2026-11-22",
        "request_hash": "asked",
        "created_at": NOW,
    }
    return Head(**(facts | others))
