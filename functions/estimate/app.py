"""POST /v1/estimates, …/compare and …/storyboard: what would this cost, before it is bought?

Bodies  EstimateBody; WishBody (no provider, no strategy); StoryboardEstimateBody, or a shot list as
        JSON Lines or CSV, just as POST /v1/storyboards takes it
200     an estimate with its chain and worst case; all providers of the medium side by side; every
        part of every shot, and each strategy side by side
402     cost-limit-exceeded    410 retired    422 validation-failed, no-capable-provider
503     ledger-unavailable: the quote could not be kept, and so no price is promised

An estimate is a quote: its `quote_id` in a POST of the same request to /v1/generations or
/v1/storyboards binds its `max` until `expires_at`. A comparison promises nothing.
"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from filmgate import wiring
from filmgate.domain.storyboard import Storyboard
from filmgate.http import answer, body_of, content_type, http_app, principal, query, raw_body
from filmgate.observability import logger
from filmgate.providers.data import catalogue
from filmgate.schemas import EstimateBody, StoryboardEstimateBody, WishBody
from filmgate.storyboard_bodies import HEAD_FIELDS, KINDS, storyboard_of
from filmgate.storyboard_views import storyboard_estimate_view
from filmgate.usecases.estimate import compare, estimate
from filmgate.usecases.estimate_storyboard import Aim, estimate_storyboard
from filmgate.views import comparison_view, estimate_view

app = http_app()


@app.post("/v1/estimates")
def post_estimate() -> Response[str]:
    who = principal(app)
    found = estimate(
        body_of(app, EstimateBody).request(),
        tenant=who.tenant,
        studio=wiring.studio(),
        quotes=wiring.quotes(),
        catalogue=catalogue(),
        card=wiring.card(),
        now=wiring.now(),
    )
    return answer(200, estimate_view(found))


@app.post("/v1/estimates/compare")
def post_comparison() -> Response[str]:
    who = principal(app)
    found = compare(
        body_of(app, WishBody).wish(),
        tenant=who.tenant,
        studio=wiring.studio(),
        catalogue=catalogue(),
        card=wiring.card(),
        now=wiring.now(),
    )
    return answer(200, comparison_view(found))


@app.post("/v1/estimates/storyboard")
def post_storyboard() -> Response[str]:
    who = principal(app)
    storyboard, aim = _asked()
    found = estimate_storyboard(
        storyboard,
        aim=aim,
        tenant=who.tenant,
        studio=wiring.studio(),
        catalogue=catalogue(),
        card=wiring.card(),
        now=wiring.now(),
        quotes=wiring.quotes(),
    )
    return answer(200, storyboard_estimate_view(found))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return app.resolve(event, context)


def _asked() -> tuple[Storyboard, Aim | None]:
    """The storyboard to be priced; a file cannot ask for an optimum."""
    kind = KINDS.get(content_type(app))
    if kind is not None:
        return storyboard_of(raw_body(app), kind, query(app, set(HEAD_FIELDS))), None
    query(app, set())
    body = body_of(app, StoryboardEstimateBody)
    return body.storyboard(), body.aim()
