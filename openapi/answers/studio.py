"""The studio's providers, settings, notices, tokens and trail."""

from typing import Any, Literal

from filmgate.domain.alarms import NoticeKind
from filmgate.domain.audit import Action
from filmgate.domain.chain import OnRefusal, OnUnknown
from filmgate.domain.health import BreakerState
from filmgate.domain.pricing import Unit
from filmgate.domain.wishes import Media
from openapi.answers.base import (
    Amount,
    AttemptId,
    Count,
    Day,
    Moment,
    Page,
    Percent,
    RateCard,
    Shown,
    TokenId,
)

UserRole = Literal["viewer", "creator", "admin"]


class Health(Shown):
    status: Literal["ok"]
    version: str
    time: Moment


class Me(Shown):
    """Who is asking."""

    user: str
    role: UserRole
    token_id: str


class _Settings(Shown):
    enabled: bool
    priority: int
    needs_key: bool
    key_fields: list[list[str]]
    """The shapes that its key may have, each a list of its fields; none for one that needs none."""
    key_set: bool
    key_hint: str | None
    """The last characters of the key."""
    api_url: str | None
    model: str | None
    on_refusal: OnRefusal
    on_unknown: OnUnknown
    doubted_prices: list[str]
    """Prices that the vendor's bill overstepped: not sold until they are confirmed."""


class OwnSettings(_Settings):
    """What an owner has set for a provider, and what holds where nothing was set."""

    id: str
    type: Media
    version: Count


class ProviderSettings(OwnSettings):
    """A provider's settings with its monthly limit; `version` is also the ETag."""

    monthly_limit: Amount | None


class ProviderOrder(Shown):
    """A medium's providers, first to be tried first."""

    type: Media
    order: list[str]
    items: list[OwnSettings]


class Retirement(Shown):
    since: Day
    replacement: str | None


class Seconds(Shown):
    min: int
    max: int


class Price(Shown):
    resolution: str | None
    quality: str | None
    unit: Unit
    usd: Amount


class Offer(Shown):
    """One model that a provider sells."""

    model: str
    resolutions: list[str]
    aspect_ratios: list[str]
    qualities: list[str]
    quality_rank: int
    duration_s: Seconds | None
    needs_keyframe: bool
    accepts: list[str]
    """The optional wishes that the vendor has a field for."""
    retires_on: Day | None
    price: list[Price]


class Breaker(Shown):
    """Open: the provider is left alone until then. Half open: the next attempt tries it."""

    state: BreakerState
    until: Moment | None
    reason: str | None


class Observed(Shown):
    attempts: Count
    success_rate: Percent | None
    p50_s: float | None
    p95_s: float | None
    average_cost: Amount | None


class Provider(_Settings):
    """A provider of the catalogue with the owner's settings, its prices and its health."""

    id: str
    name: str
    type: Media
    built: bool
    retired: Retirement | None
    quality: str
    speed: str
    rate_card: RateCard
    offers: list[Offer]
    breaker: Breaker
    observed: Observed


class Providers(Shown):
    """All providers, in the owner's order per medium."""

    items: list[Provider]


class KeyTest(Shown):
    """Whether a provider takes its key; `detail` is a stable word."""

    ok: bool
    detail: str
    message: str | None
    """What is wrong, in a sentence; null when nothing is."""


class ConfirmedPrice(Shown):
    price: str
    expected: Amount
    billed: Amount
    attempt_id: AttemptId
    at: Moment


class ConfirmedPrices(Shown):
    """The prices that are sold again."""

    confirmed: list[ConfirmedPrice]


class SigningSecret(Shown):
    hint: str
    created_at: Moment
    retires_at: Moment | None


class SigningSecrets(Shown):
    """Which secrets sign webhooks now; the one before works for a day more."""

    current: SigningSecret | None
    previous: SigningSecret | None


class NewSigningSecret(SigningSecrets):
    """The new secret, shown this once."""

    secret: str


class Notice(Shown):
    """What the owner was told once; `attributes` are facts for programs."""

    id: str
    kind: NoticeKind
    title: str
    text: str
    attributes: dict[str, str]
    at: Moment


class Token(Shown):
    """What is known of a token; `hint` is how it ends."""

    id: TokenId
    user: str
    role: UserRole
    state: Literal["active", "expired", "revoked"]
    hint: str
    note: str
    created_at: Moment | None
    created_by: str
    expires_at: Moment | None
    revoked_at: Moment | None
    revoked_by: str | None


class NewToken(Token):
    """A token with its text, told this once."""

    token: str


class Change(Shown):
    field: str
    before: Any
    after: Any


class AuditRecord(Shown):
    """Who changed what."""

    id: str
    at: Moment
    user: str
    token_id: str
    request_id: str
    action: Action
    object: str
    changes: list[Change]


class Notices(Page[Notice]):
    """What the owner was told, newest first."""


class Tokens(Page[Token]):
    """Tokens without their texts, newest first."""


class AuditTrail(Page[AuditRecord]):
    """The trail, newest first."""
