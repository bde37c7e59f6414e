"""GET and PUT /v1/budgets/owner: what may be spent in a month, and what is spent.

Body  BudgetBody (PUT, role admin)
200   the budget of this month: limit, spent, held, room
404   a scope without a budget of its own    422 validation-failed
"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from filmgate import wiring
from filmgate.domain.errors import NotFound
from filmgate.domain.ledger import OWNER_SCOPE
from filmgate.http import answer, body_of, http_app, principal
from filmgate.observability import logger
from filmgate.schemas import BudgetBody
from filmgate.settings import settings
from filmgate.usecases.budgets import read_budget, set_budget
from filmgate.views import budget_view

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
        now=wiring.now(),
    )
    return answer(200, budget_view(budget))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return app.resolve(event, context)


def _check(scope: str) -> None:
    if scope != OWNER_SCOPE:
        raise NotFound(f"There is no budget of that scope; there is {OWNER_SCOPE}.")
