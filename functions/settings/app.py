"""What an owner sets: budgets, every provider's settings, order, key and prices in doubt, and the
secret of the webhooks.

GET, PUT  /v1/budgets/{scope}               what may be spent in a month, and what is spent; a scope
          is owner, user:<id>, project:<id> or provider:<id>; ?period= for another month
POST      /v1/generations/{id}/attempts/{attempt}/correction   CorrectionBody: what it really cost
GET, PUT  /v1/settings/providers/{id}       SettingsBody, any part of it; ETag, and If-Match with it
PUT       /v1/settings/order                OrderBody: a medium's providers, first to be tried first
PUT, DELETE /v1/settings/providers/{id}/key KeyBody; 204, and the key never comes back
POST      /v1/settings/providers/{id}/test  a free call with the stored key: ok or not, and why
POST      /v1/settings/providers/{id}/prices/confirm   sell again at prices that were overstepped
GET       /v1/settings/webhook-secret       how the secrets that sign webhooks end, and their dates
POST      /v1/settings/webhook-secret/rotate  a new one, shown this once; the old one works for 24 h
Changing and testing need the role admin; every change leaves a record in the trail.
404   an unknown scope, provider or attempt    409 state-conflict
412   version-conflict    422 validation-failed    503 key-store-unavailable
"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from filmgate import wiring
from filmgate.domain.audit import Action, recorded
from filmgate.domain.ledger import provider_scope
from filmgate.domain.money import Micros, parse_usd
from filmgate.http import (
    answer,
    author,
    body_of,
    http_app,
    if_match,
    month,
    no_content,
    principal,
    query,
)
from filmgate.observability import logger
from filmgate.providers.data import catalogue
from filmgate.schemas import BudgetBody, CorrectionBody, KeyBody, OrderBody, SettingsBody
from filmgate.settings import settings
from filmgate.usecases.budgets import Standing, known_scope, read_budget, set_budget
from filmgate.usecases.correct import correct
from filmgate.usecases.ports import Principal
from filmgate.usecases.provider_keys import check_key, remove_key, set_key
from filmgate.usecases.provider_settings import (
    Owned,
    change_settings,
    find_provider,
    read_settings,
    reorder,
)
from filmgate.usecases.usage import check_scope
from filmgate.usecases.webhooks import rotate_secret
from filmgate.views import (
    budget_view,
    check_view,
    correction_view,
    doubts_view,
    new_secret_view,
    order_view,
    settings_view,
    signing_view,
)

app = http_app()


@app.get("/v1/budgets/<scope>")
def get_budget(scope: str) -> Response[str]:
    who = principal(app)
    known = known_scope(scope, catalogue())
    check_scope(who, known)
    standing = read_budget(
        known,
        period=month(query(app, {"period"})),
        tenant=who.tenant,
        studio=wiring.studio(),
        default_limit=int(settings().need("default_monthly_limit_micros")),
        now=wiring.now(),
    )
    return answer(200, budget_view(standing))


@app.put("/v1/budgets/<scope>")
def put_budget(scope: str) -> Response[str]:
    who = principal(app, role="admin")
    known, body = known_scope(scope, catalogue()), body_of(app, BudgetBody)
    return answer(200, budget_view(_set_limit(who, known, body.limit_micros(), body.alerts())))


@app.post("/v1/generations/<generation_id>/attempts/<attempt_id>/correction")
def post_correction(generation_id: str, attempt_id: str) -> Response[str]:
    who = principal(app, role="admin")
    body = body_of(app, CorrectionBody)
    record = correct(
        generation_id,
        attempt_id,
        actual=parse_usd(body.actual_cost),
        reason=body.reason,
        principal=who,
        studio=wiring.studio(),
        now=wiring.now(),
    )
    return answer(200, correction_view(record))


@app.get("/v1/settings/providers/<provider_id>")
def get_provider_settings(provider_id: str) -> Response[str]:
    who = principal(app)
    owned = read_settings(
        provider_id, tenant=who.tenant, studio=wiring.studio(), catalogue=catalogue()
    )
    return _tagged(who, owned)


@app.put("/v1/settings/providers/<provider_id>")
def put_provider_settings(provider_id: str) -> Response[str]:
    who = principal(app, role="admin")
    body = body_of(app, SettingsBody)
    owned = change_settings(
        provider_id,
        body.changes(),
        tenant=who.tenant,
        studio=wiring.studio(),
        catalogue=catalogue(),
        check_url=wiring.checked_api_url,
        by=author(app, who, wiring.now()),
        if_match=if_match(app),
    )
    if body.sets_limit:
        _set_limit(who, provider_scope(owned.provider.id), body.limit_micros(), None)
    return _tagged(who, owned)


@app.post("/v1/settings/providers/<provider_id>/prices/confirm")
def post_price_confirmation(provider_id: str) -> Response[str]:
    who = principal(app, role="admin")
    provider = find_provider(provider_id, catalogue())
    confirmed = wiring.studio().confirm_prices(who.tenant, provider.id, by=who.user)
    prices = {"prices": sorted(one.price for one in confirmed)}
    told = recorded(
        author(app, who, wiring.now()), Action.PRICES_CONFIRMED, provider.id, prices, {}
    )
    wiring.studio().keep_record(who.tenant, told)
    return answer(200, doubts_view(confirmed))


@app.put("/v1/settings/order")
def put_order() -> Response[str]:
    who = principal(app, role="admin")
    body = body_of(app, OrderBody)
    ordered = reorder(
        body.type,
        body.order,
        tenant=who.tenant,
        studio=wiring.studio(),
        catalogue=catalogue(),
        by=author(app, who, wiring.now()),
    )
    return answer(200, order_view(ordered))


@app.put("/v1/settings/providers/<provider_id>/key")
def put_key(provider_id: str) -> Response[str]:
    who = principal(app, role="admin")
    set_key(
        provider_id,
        body_of(app, KeyBody).key,
        tenant=who.tenant,
        studio=wiring.studio(),
        catalogue=catalogue(),
        keys=wiring.key_store(),
        by=author(app, who, wiring.now()),
    )
    return no_content()


@app.delete("/v1/settings/providers/<provider_id>/key")
def delete_key(provider_id: str) -> Response[str]:
    who = principal(app, role="admin")
    remove_key(
        provider_id,
        tenant=who.tenant,
        studio=wiring.studio(),
        catalogue=catalogue(),
        keys=wiring.key_store(),
        by=author(app, who, wiring.now()),
    )
    return no_content()


@app.post("/v1/settings/providers/<provider_id>/test")
def post_test(provider_id: str) -> Response[str]:
    who = principal(app, role="admin")
    found = check_key(
        provider_id,
        tenant=who.tenant,
        studio=wiring.studio(),
        catalogue=catalogue(),
        adapters=wiring.fresh_adapter,
    )
    return answer(200, check_view(found))


@app.get("/v1/settings/webhook-secret")
def get_webhook_secret() -> Response[str]:
    who = principal(app)
    return answer(200, signing_view(wiring.webhook_secrets().read(who.tenant), wiring.now()))


@app.post("/v1/settings/webhook-secret/rotate")
def post_webhook_secret_rotation() -> Response[str]:
    who = principal(app, role="admin")
    now = wiring.now()
    made = rotate_secret(tenant=who.tenant, store=wiring.webhook_secrets(), now=now)
    told = recorded(author(app, who, now), Action.WEBHOOK_SECRET_ROTATED, "webhook-secret")
    wiring.studio().keep_record(who.tenant, told)
    return answer(200, new_secret_view(made, now))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return app.resolve(event, context)


def _tagged(who: Principal, owned: Owned) -> Response[str]:
    limit = wiring.studio().limit_of(who.tenant, provider_scope(owned.provider.id))
    shown = settings_view(owned, limit.limit if limit else None)
    return answer(200, shown, {"ETag": f'"{owned.settings.version}"'})


def _set_limit(
    who: Principal, scope: str, limit: Micros | None, alert_at: tuple[int, ...] | None
) -> Standing:
    return set_budget(
        scope,
        tenant=who.tenant,
        limit=limit,
        alert_at=alert_at,
        studio=wiring.studio(),
        default_limit=int(settings().need("default_monthly_limit_micros")),
        by=author(app, who, wiring.now()),
        now=wiring.now(),
    )
