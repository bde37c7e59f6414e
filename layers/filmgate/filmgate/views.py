"""What callers get: the domain's objects as JSON. Amounts are strings, times RFC 3339 UTC."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from filmgate.domain.alarms import Notice
from filmgate.domain.attempts import Attempt
from filmgate.domain.audit import AuditRecord
from filmgate.domain.catalogue import Catalogue, Offer, Provider
from filmgate.domain.chain import Candidate, ProviderSettings
from filmgate.domain.generations import Generation, Record, Take
from filmgate.domain.health import Health
from filmgate.domain.ledger import OWNER_SCOPE, PriceDoubt
from filmgate.domain.moments import moment
from filmgate.domain.money import Micros, format_usd
from filmgate.domain.pricing import PriceRow, RateCard
from filmgate.domain.totals import NUMBERS
from filmgate.domain.webhooks import Delivery, DeliveryState, SigningSecret, SigningSecrets
from filmgate.usecases.budgets import Standing
from filmgate.usecases.estimate import Comparison, Estimate
from filmgate.usecases.ports import Principal, Token
from filmgate.usecases.provider_keys import KeyCheck
from filmgate.usecases.provider_settings import Owned
from filmgate.usecases.verify import Verified

Json = dict[str, Any]
CURRENCY = "USD"
LISTED_PROMPT = 500


def estimate_view(estimate: Estimate) -> Json:
    priced = estimate.priced
    return {
        "quote_id": estimate.quote.id,
        "type": estimate.request.wish.type,
        "currency": CURRENCY,
        "expected": format_usd(priced.expected),
        "max": format_usd(priced.max),
        "rate_card": _card(estimate.card),
        "expires_at": moment(estimate.quote.expires_at),
        "chain": [candidate_view(entry) for entry in priced.plan.entries],
        "warnings": list(priced.warnings),
    }


def comparison_view(comparison: Comparison) -> Json:
    return {
        "type": comparison.wish.type,
        "currency": CURRENCY,
        "rate_card": _card(comparison.card),
        "offers": [candidate_view(entry) for entry in comparison.offers],
    }


def candidate_view(entry: Candidate) -> Json:
    provider, row = entry.provider, entry.row
    return {
        "provider": provider.id,
        "model": entry.match.offer.model if entry.match else None,
        "eligible": entry.eligible,
        "reason": entry.exclusion.message if entry.exclusion else None,
        "reason_code": entry.exclusion.code if entry.exclusion else None,
        "cost": optional_usd(entry.cost),
        "unit": row.unit if row else None,
        "unit_price": _unit_price(row) if row else None,
        "quality": provider.quality,
        "quality_rank": entry.match.offer.quality_rank if entry.match else None,
        "speed": provider.speed,
        "expected_s": entry.match.offer.expected_s if entry.match else None,
        "observed_s": _seconds(entry.observed_ms),
    }


def generation_view(record: Record, link: Callable[[Take], tuple[str, datetime]]) -> Json:
    """A generation with its attempts and takes. `link` presigns a take and says until when."""
    generation = record.generation
    return {
        **summary_view(generation),
        "attempts": [attempt_view(attempt) for attempt in record.attempts],
        "takes": [_take(take, *link(take)) for take in record.takes],
        "actual_cost": optional_usd(_paid(record.attempts)),
        "webhook": webhook_view(record.generation.webhook_url, record.webhook),
    }


def item_view(generation: Generation) -> Json:
    """A generation as a list shows it: long prompts are cut, so that a page stays small."""
    shown = summary_view(generation)
    for name in ("prompt", "negative_prompt"):
        text = shown[name]
        if text is not None and len(text) > LISTED_PROMPT:
            shown[name] = f"{text[:LISTED_PROMPT]}…"
    return shown


def summary_view(generation: Generation) -> Json:
    """A generation without its attempts and takes."""
    failure = generation.failure
    return {
        "id": generation.id,
        "state": generation.state,
        "user": generation.user,
        "type": generation.wish.type,
        "prompt": generation.wish.prompt,
        "negative_prompt": generation.wish.negative_prompt,
        "requested_provider": generation.requested_provider,
        "provider": generation.provider,
        "strategy": generation.strategy,
        "params": generation.wish.as_params(),
        "cost_limit": format_usd(generation.cost_limit),
        "quote_id": generation.quote_id,
        "retry_of": generation.retry_of,
        "on_refusal": generation.on_refusal,
        "on_unknown": generation.on_unknown,
        "project": generation.project,
        "script_id": generation.script_id,
        "shot_number": generation.shot_number,
        "tags": list(generation.tags),
        "estimate": {
            "expected": format_usd(generation.expected),
            "max": format_usd(generation.max),
        },
        "estimated_cost": format_usd(generation.expected),
        "actual_cost": optional_usd(generation.actual_micros),
        "rate_card": {"name": generation.rate_card, "version": generation.rate_card_version},
        "failure": {"code": failure.code, "message": failure.message} if failure else None,
        "warnings": list(generation.warnings),
        "cancel_requested_at": optional_moment(generation.cancel_requested_at),
        "created_at": moment(generation.created_at),
        "completed_at": optional_moment(generation.completed_at),
    }


def attempt_view(attempt: Attempt) -> Json:
    failure = attempt.failure
    return {
        "id": attempt.id,
        "provider": attempt.provider,
        "model": attempt.model,
        "state": attempt.state,
        "error": (
            {"class": failure.error_class, "code": failure.code, "message": failure.message}
            if failure
            else None
        ),
        "estimated_cost": format_usd(attempt.reserved_micros),
        "actual_cost": optional_usd(attempt.settled_micros if attempt.is_settled else None),
        "tries": attempt.tries,
        "started_at": moment(attempt.started_at),
        "ended_at": optional_moment(attempt.ended_at),
    }


def budget_view(standing: Standing) -> Json:
    """A budget; `limit_of` says whose limit bounds it: its own or the owner's."""
    budget = standing.budget
    return {
        "scope": budget.scope,
        "period": budget.period,
        "currency": CURRENCY,
        "limit": format_usd(standing.limit),
        "limit_of": budget.scope if standing.is_own else OWNER_SCOPE,
        "spent": format_usd(budget.settled),
        "held": format_usd(budget.held),
        "room": format_usd(standing.room),
        "alert_at": list(budget.alert_at),
    }


def verified_view(found: Verified) -> Json:
    """What was compared, and every difference between the entries and what is stored."""
    return {
        "agrees": found.agrees,
        "checked": {
            "budgets": found.budgets,
            "entries": found.entries,
            "attempts": found.attempts,
        },
        "drift": [
            {"what": one.what, "entries_say": _money(one.entered), "stored": _money(one.stored)}
            for one in found.drift
        ],
        "miscounts": [
            {
                "what": one.what,
                "total": one.total,
                "attempts_say": _figure(one.total, one.summed),
                "stored": _figure(one.total, one.stored),
            }
            for one in found.miscounts
        ],
        "busy": found.busy,
        "double_spends": list(found.double_spends),
    }


def _figure(total: str, value: int) -> str | int:
    return value if total in NUMBERS else format_usd(value)


def _money(money: tuple[Micros, Micros]) -> Json:
    held, spent = money
    return {"held": format_usd(held), "spent": format_usd(spent)}


def correction_view(record: Record) -> Json:
    """A generation after a correction, without links to its takes."""
    return {
        **summary_view(record.generation),
        "attempts": [attempt_view(attempt) for attempt in record.attempts],
        "actual_cost": optional_usd(_paid(record.attempts)),
    }


def doubts_view(confirmed: Sequence[PriceDoubt]) -> Json:
    return {
        "confirmed": [
            {
                "price": one.price,
                "expected": format_usd(one.held),
                "billed": format_usd(one.billed),
                "attempt_id": one.attempt_id,
                "at": moment(one.at),
            }
            for one in confirmed
        ]
    }


def notice_view(notice: Notice) -> Json:
    return {
        "id": notice.id,
        "kind": notice.kind,
        "title": notice.title,
        "text": notice.text,
        "attributes": dict(notice.attributes),
        "at": moment(notice.at),
    }


def settings_view(owned: Owned, monthly_limit: Micros | None) -> Json:
    """What an owner has set for a provider, and what holds where nothing was set."""
    return {**_owned(owned), "monthly_limit": optional_usd(monthly_limit)}


def _owned(owned: Owned) -> Json:
    return {
        "id": owned.provider.id,
        "type": owned.provider.media,
        "version": owned.settings.version,
        **_settings(owned.provider, owned.settings),
    }


def order_view(owned: Sequence[Owned]) -> Json:
    return {
        "type": owned[0].provider.media,
        "order": [one.provider.id for one in owned],
        "items": [_owned(one) for one in owned],
    }


def me_view(principal: Principal) -> Json:
    """For whom a token stands and what it may do."""
    return {
        "user": principal.user,
        "role": principal.role,
        "token_id": principal.token_id,
    }


def token_view(token: Token, now: datetime) -> Json:
    """What is known of a token; the token itself is told once, by who made it."""
    working = "active" if token.works(now) else "expired"
    return {
        "id": token.principal.token_id,
        "user": token.principal.user,
        "role": token.principal.role,
        "state": "revoked" if token.revoked_at else working,
        "hint": token.hint,
        "note": token.note,
        "created_at": optional_moment(token.created_at),
        "created_by": token.created_by,
        "expires_at": optional_moment(token.expires_at),
        "revoked_at": optional_moment(token.revoked_at),
        "revoked_by": token.revoked_by or None,
    }


def audit_view(record: AuditRecord) -> Json:
    return {
        "id": record.id,
        "at": moment(record.at),
        "user": record.user,
        "token_id": record.token_id,
        "request_id": record.request_id,
        "action": record.action,
        "object": record.object,
        "changes": [
            {"field": one.field, "before": one.before, "after": one.after} for one in record.changes
        ],
    }


def check_view(check: KeyCheck) -> Json:
    return {"ok": check.ok, "detail": check.detail, "message": check.message}


def signing_view(secrets: SigningSecrets | None, now: datetime) -> Json:
    """Which secrets sign webhooks now: how each ends and its dates, never the secret."""
    previous = secrets.previous_at(now) if secrets else None
    return {
        "current": _signing(secrets.current) if secrets else None,
        "previous": _signing(previous) if previous else None,
    }


def new_secret_view(secrets: SigningSecrets, now: datetime) -> Json:
    """The answer to a rotation, the one place where a secret is shown."""
    return {"secret": secrets.current.secret, **signing_view(secrets, now)}


def _signing(secret: SigningSecret) -> Json:
    return {
        "hint": secret.hint,
        "created_at": moment(secret.created_at),
        "retires_at": optional_moment(secret.retires_at),
    }


def _settings(provider: Provider, settings: ProviderSettings) -> Json:
    return {
        "enabled": settings.enabled,
        "priority": settings.priority_of(provider),
        "needs_key": provider.needs_key,
        "key_fields": [list(shape) for shape in provider.key_fields],
        "key_set": settings.key_set,
        "key_hint": settings.key_hint,
        "api_url": settings.api_url,
        "model": settings.model,
        "on_refusal": settings.on_refusal,
        "on_unknown": settings.on_unknown,
        "doubted_prices": sorted(settings.doubted_prices),
    }


def providers_view(
    catalogue: Catalogue,
    settings: Mapping[str, ProviderSettings],
    health: Mapping[str, Health],
    card: RateCard,
    now: datetime,
) -> Json:
    """The catalogue joined with the owner's settings, in the owner's order per medium."""
    rows = [
        _provider(provider, settings.get(provider.id, ProviderSettings()), card)
        | _health(health.get(provider.id, Health()), now)
        for provider in catalogue.providers.values()
    ]
    return {"items": sorted(rows, key=lambda row: (row["type"], row["priority"]))}


def _provider(provider: Provider, settings: ProviderSettings, card: RateCard) -> Json:
    gone = provider.retired
    return {
        "id": provider.id,
        "name": provider.name,
        "type": provider.media,
        "built": provider.built,
        **_settings(provider, settings),
        "retired": (
            {"since": gone.since.isoformat(), "replacement": gone.replacement} if gone else None
        ),
        "quality": provider.quality,
        "speed": provider.speed,
        "rate_card": _card(card),
        "offers": [_offer(provider, offer, card) for offer in provider.offers],
    }


def _health(health: Health, now: datetime) -> Json:
    return {
        "breaker": {
            "state": health.breaker(now),
            "until": optional_moment(health.open_until),
            "reason": health.reason,
        },
        "observed": {
            "attempts": health.attempts,
            "success_rate": health.success_percent,
            "p50_s": _seconds(health.percentile_ms(50)),
            "p95_s": _seconds(health.percentile_ms(95)),
            "average_cost": optional_usd(health.average_cost),
        },
    }


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _offer(provider: Provider, offer: Offer, card: RateCard) -> Json:
    seconds = offer.duration_s
    return {
        "model": offer.model,
        "resolutions": list(offer.resolutions),
        "aspect_ratios": list(offer.aspect_ratios),
        "qualities": list(offer.qualities),
        "quality_rank": offer.quality_rank,
        "duration_s": {"min": min(seconds), "max": max(seconds)} if seconds else None,
        "needs_keyframe": offer.needs_keyframe,
        "accepts": sorted(offer.accepts),
        "retires_on": offer.retires_on.isoformat() if offer.retires_on else None,
        "price": [_price(row) for row in _rows(provider, offer, card)],
    }


def _rows(provider: Provider, offer: Offer, card: RateCard) -> Iterable[PriceRow]:
    """The prices of what this model really makes: a row for another size is not its price."""
    for row in card.rows_of(provider.id):
        sizes = (None, *offer.resolutions)
        if row.model in (None, offer.model) and row.resolution in sizes:
            yield row


def _price(row: PriceRow) -> Json:
    return {
        "resolution": row.resolution,
        "quality": row.quality,
        "unit": row.unit,
        "usd": _unit_price(row),
    }


def _unit_price(row: PriceRow) -> str:
    return format_usd(row.micros)


def _take(take: Take, url: str, expires_at: datetime) -> Json:
    return {
        "id": take.id,
        "media_type": take.media_type,
        "width": take.width,
        "height": take.height,
        "duration_s": _seconds(take.duration_ms),
        "size_bytes": take.size_bytes,
        "sha256": take.sha256,
        "provider": take.provider,
        "late": take.late,
        "url": url,
        "url_expires_at": moment(expires_at),
    }


def webhook_view(url: str | None, made: Delivery | None) -> Json | None:
    """How the delivery of a webhook stands; None when none was asked for."""
    if url is None:
        return None
    return {
        "state": made.state if made else DeliveryState.PENDING,
        "tries": made.tries if made else 0,
        "last_status": made.last_status if made else None,
        "last_at": optional_moment(made.last_at) if made else None,
        "problem": made.problem if made else None,
    }


def _paid(attempts: Iterable[Attempt]) -> Micros | None:
    """What was paid so far; None while nothing was."""
    paid = [attempt.settled_micros for attempt in attempts if attempt.is_settled]
    return sum(paid) if paid else None


def _card(card: RateCard) -> Json:
    return {"name": card.name, "version": card.version}


def optional_usd(micros: Micros | None) -> str | None:
    return None if micros is None else format_usd(micros)


def optional_moment(at: datetime | None) -> str | None:
    return None if at is None else moment(at)
