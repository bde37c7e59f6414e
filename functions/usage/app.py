"""Where the money goes: rows, totals, budgets by month, and what came otherwise than ordered.

GET /v1/usage                     every attempt, newest first; ?user= ?provider= ?type= ?status=
    ?project= ?script_id= ?from= ?to= ?limit= ?cursor=. A time has an offset; a date stands for its
    whole day, UTC. ?format=csv gives all rows as a file: at once, or by 303 to a link where the
    file is large; ?format=link always {"url", "expires_at", "rows"}, for pages
GET /v1/usage/summary             a month in figures; ?period= and ?user=, ?project= or
    ?provider=
GET /v1/usage/discrepancies       delivered or billed otherwise than ordered; filters as for usage
GET /v1/budgets                   every scope with a budget or a limit; ?period=
GET /v1/budgets/{scope}/history   a scope month by month, newest first; ?months= (1 to 36)
A creator sees what is theirs.    404 an unknown scope    422 validation-failed
"""

from collections.abc import Callable
from typing import Any, Final

from aws_lambda_powertools.event_handler import Response

from filmgate import wiring
from filmgate.domain.attempts import Attempt
from filmgate.domain.errors import ValidationFailed
from filmgate.domain.ledger import period_of
from filmgate.domain.moments import moment
from filmgate.http import answer, http_app, month, page_size, principal, query
from filmgate.observability import logger
from filmgate.providers.data import catalogue
from filmgate.settings import settings
from filmgate.usage_query import FILTERS, months_of, row_filter
from filmgate.usage_views import (
    budgets_view,
    discrepancy_view,
    history_view,
    row_view,
    rows_csv,
    totals_view,
)
from filmgate.usecases import usage
from filmgate.usecases.budgets import known_scope
from filmgate.usecases.ports import Principal, RowPage
from filmgate.views import Json

LARGEST_AT_ONCE: Final = 2_000_000  # a function may answer with 6 MB, and escaping doubles some
FILE_NAME: Final = "usage.csv"

app = http_app()


@app.get("/v1/usage")
def get_usage() -> Response[str]:
    who = principal(app)
    given = query(app, {*FILTERS, "limit", "cursor", "format"})
    kind = given.pop("format", "json")
    if kind == "json":
        return _listed(usage.list_rows, row_view, who, given)
    if kind not in ("csv", "link"):
        raise ValidationFailed([("?format", "must be json, csv or link")])
    paged = [(f"?{name}", "a file has all rows") for name in ("limit", "cursor") if name in given]
    if paged:
        raise ValidationFailed(paged)
    rows = usage.all_rows(row_filter(given), principal=who, book=wiring.usage_book())
    text = rows_csv(rows)
    if kind == "csv" and len(text.encode()) <= LARGEST_AT_ONCE:
        return _file(text)
    return _link(who, text, len(rows), status=303 if kind == "csv" else 200)


@app.get("/v1/usage/summary")
def get_summary() -> Response[str]:
    who = principal(app)
    given = query(app, {"period", "user", "project", "provider"})
    found = usage.summary(
        period=month(given) or period_of(wiring.now()),
        principal=who,
        book=wiring.usage_book(),
        user=given.get("user"),
        project=given.get("project"),
        provider=given.get("provider"),
    )
    return answer(200, totals_view(found))


@app.get("/v1/usage/discrepancies")
def get_discrepancies() -> Response[str]:
    who = principal(app)
    given = query(app, {*FILTERS, "limit", "cursor"})
    return _listed(usage.list_discrepancies, discrepancy_view, who, given)


@app.get("/v1/budgets")
def get_budgets() -> Response[str]:
    who = principal(app)
    period = month(query(app, {"period"})) or period_of(wiring.now())
    found = usage.list_budgets(
        period=period,
        principal=who,
        book=wiring.usage_book(),
        default_limit=int(settings().need("default_monthly_limit_micros")),
        now=wiring.now(),
    )
    return answer(200, budgets_view(period, found))


@app.get("/v1/budgets/<scope>/history")
def get_history(scope: str) -> Response[str]:
    who = principal(app)
    given = query(app, {"months"})
    known = known_scope(scope, catalogue())
    found = usage.history(
        known,
        months=months_of(given),
        principal=who,
        book=wiring.usage_book(),
        now=wiring.now(),
    )
    return answer(200, history_view(known, found))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return app.resolve(event, context)


def _listed(
    listing: Callable[..., RowPage],
    view: Callable[[Attempt], Json],
    who: Principal,
    given: dict[str, str],
) -> Response[str]:
    size, cursor, wanted = page_size(given), given.get("cursor"), row_filter(given)
    book = wiring.usage_book()
    try:
        page = listing(wanted, principal=who, book=book, limit=size, cursor=cursor)
    except ValueError as error:
        raise ValidationFailed([("?cursor", str(error))]) from error
    return answer(200, {"items": [view(one) for one in page.items], "next": page.next})


def _file(text: str) -> Response[str]:
    return Response(
        status_code=200,
        content_type="text/csv; charset=utf-8; header=present",
        body=text,
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{FILE_NAME}"',
        },
    )


def _link(who: Principal, text: str, rows: int, *, status: int) -> Response[str]:
    """Put the file into the bucket for exports, which forgets it in a day, and say where it is."""
    url, expires_at = wiring.export_link(who.tenant, FILE_NAME, text.encode())
    body = {"url": url, "expires_at": moment(expires_at), "rows": rows}
    return answer(status, body, {"Location": url} if status == 303 else None)
