"""Recompute every balance from the entries and every total from the attempts: once a day for all
tenants, and when an admin asks.

GET /v1/verify   200 {"agrees", "checked", "drift", "miscounts", "busy", "double_spends"}; needs the
                 role admin
Schedule         {"task": "verify"}; prints the metric Drift, which must stay 0
"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from filmgate import wiring
from filmgate.domain.signals import Signal
from filmgate.http import answer, http_app, principal
from filmgate.observability import logger, measure
from filmgate.steps import own_errors_only
from filmgate.usecases.verify import verify
from filmgate.views import verified_view

app = http_app()


@app.get("/v1/verify")
def get_verify() -> Response[str]:
    who = principal(app, role="admin")
    return answer(200, verified_view(verify(wiring.studio(), who.tenant)))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return _verify_all() if event.get("task") == "verify" else app.resolve(event, context)


def _verify_all() -> dict[str, Any]:
    with own_errors_only():
        studio = wiring.studio()
        found = {tenant: verify(studio, tenant) for tenant in studio.tenants()}
    drift = sum(len(one.drift) + len(one.miscounts) for one in found.values())
    measure([Signal("Drift", drift)])
    logger.info("verified", tenants=len(found), drift=drift)
    return {"tenants": len(found), "drift": drift}
