"""What an owner sets: budgets, and every provider's settings, order and key.

GET, PUT  /v1/budgets/owner                 what may be spent in a month, and what is spent
GET, PUT  /v1/settings/providers/{id}       SettingsBody, any part of it; ETag, and If-Match with it
PUT       /v1/settings/order                OrderBody: a medium's providers, first to be tried first
PUT, DELETE /v1/settings/providers/{id}/key KeyBody; 204, and the key never comes back
POST      /v1/settings/providers/{id}/test  a free call with the stored key: ok or not, and why
Changing and testing need the role admin; every change leaves a record in the trail.
404   a scope without a budget of its own, an unknown provider    409 state-conflict
412   version-conflict    422 validation-failed    503 key-store-unavailable
"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from filmgate import wiring
from filmgate.domain.errors import NotFound
from filmgate.domain.ledger import OWNER_SCOPE
from filmgate.http import answer, author, body_of, http_app, if_match, no_content, principal
from filmgate.observability import logger
from filmgate.providers.data import catalogue
from filmgate.schemas import BudgetBody, KeyBody, OrderBody, SettingsBody
from filmgate.settings import settings
from filmgate.usecases.budgets import read_budget, set_budget
from filmgate.usecases.provider_keys import check_key, remove_key, set_key
from filmgate.usecases.provider_settings import Owned, change_settings, read_settings, reorder
from filmgate.views import budget_view, check_view, order_view, settings_view

app = http_app()


@app.get("/v1/budgets/<scope>")
def get_budget(scope: str) -> Response[str]:
    who = principal(app)
    _check(scope)
    budget = read_budget(
        tenant=who.tenant,
        studio=wiring.studio(),
        default_limit=int(settings().need("default_monthly_limit_micros")),
        now=wiring.now(),
    )
    return answer(200, budget_view(budget))


@app.put("/v1/budgets/<scope>")
def put_budget(scope: str) -> Response[str]:
    who = principal(app, role="admin")
    _check(scope)
    body = body_of(app, BudgetBody)
    budget = set_budget(
        tenant=who.tenant,
        limit=body.limit_micros(),
        alert_at=body.alerts(),
        studio=wiring.studio(),
        default_limit=int(settings().need("default_monthly_limit_micros")),
        by=author(app, who, wiring.now()),
        now=wiring.now(),
    )
    return answer(200, budget_view(budget))


@app.get("/v1/settings/providers/<provider_id>")
def get_provider_settings(provider_id: str) -> Response[str]:
    who = principal(app)
    return _tagged(
        read_settings(provider_id, tenant=who.tenant, studio=wiring.studio(), catalogue=catalogue())
    )


@app.put("/v1/settings/providers/<provider_id>")
def put_provider_settings(provider_id: str) -> Response[str]:
    who = principal(app, role="admin")
    return _tagged(
        change_settings(
            provider_id,
            body_of(app, SettingsBody).changes(),
            tenant=who.tenant,
            studio=wiring.studio(),
            catalogue=catalogue(),
            check_url=wiring.checked_api_url,
            by=author(app, who, wiring.now()),
            if_match=if_match(app),
        )
    )


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


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return app.resolve(event, context)


def _tagged(owned: Owned) -> Response[str]:
    return answer(200, settings_view(owned), {"ETag": f'"{owned.settings.version}"'})


def _check(scope: str) -> None:
    if scope != OWNER_SCOPE:
        raise NotFound(f"There is no budget of that scope; there is {OWNER_SCOPE}.")
