"""Usage, budgets, and the check of the books."""

from typing import Final

from filmgate.domain.errors import Forbidden, NotFound
from filmgate.domain.usage import Status
from filmgate.domain.wishes import Media
from filmgate.schemas import BudgetBody
from filmgate.usage_query import MOST_MONTHS, USUAL_MONTHS
from openapi.answers.usage import (
    Budget,
    BudgetHistory,
    Budgets,
    Discrepancies,
    UsageFile,
    UsageRows,
    UsageSummary,
    Verification,
)
from openapi.operation import JSON, TEXT, Answer, Body, Header, Operation, answer
from openapi.operations.common import PAGING, PERIOD, in_path, in_query, one_of

SCOPE: Final = in_path("scope", "`owner`, `user:<id>`, `project:<id>` or `provider:<id>`.", "owner")
TIME: Final = "A time with its offset; a date stands for its whole day, UTC."
FILTERS: Final = (
    in_query("user", "Only what this user ordered."),
    in_query("provider", "Only at this provider."),
    in_query("type", "Only this medium.", one_of(Media)),
    in_query("status", "Only those.", one_of(Status)),
    in_query("project", "Only that project's."),
    in_query("script_id", "Only that script's."),
    in_query("from", f"From then on. {TIME}", example="2026-11-01"),
    in_query("to", f"Until then. {TIME}", example="2026-11-30"),
)

OPERATIONS: Final = (
    Operation(
        id="list_usage",
        method="GET",
        path="/v1/usage",
        tag="usage",
        role="viewer",
        summary="Every attempt as a row, newest first",
        told="A creator sees their own. `format=csv` gives all rows as a file: at once, or by 303 "
        "where it is large; `format=link` always says where the file lies.",
        parameters=(
            *FILTERS,
            in_query(
                "format",
                "Rows, a file with all rows, or a link to one.",
                {"type": "string", "enum": ["json", "csv", "link"], "default": "json"},
            ),
            *PAGING,
        ),
        answers=(
            Answer(
                200,
                "A page of rows; with `format=link` where the file lies; with `format=csv` the "
                "file, by RFC 4180.",
                {JSON: (UsageRows, UsageFile), "text/csv": TEXT},
                {"Content-Disposition": Header("The name of the file.", TEXT, required=False)},
            ),
            answer(
                303,
                "The file is large: it lies there.",
                UsageFile,
                {"Location": Header("The link to the file.", TEXT)},
            ),
        ),
    ),
    Operation(
        id="get_usage_summary",
        method="GET",
        path="/v1/usage/summary",
        tag="usage",
        role="viewer",
        summary="A month in figures",
        told="Of the studio, or of one user, project or provider. A creator gets their own.",
        parameters=(
            PERIOD,
            in_query("user", "Only of this user."),
            in_query("project", "Only of this project."),
            in_query("provider", "Only of this provider."),
        ),
        answers=(answer(200, "The figures.", UsageSummary),),
        problems=(Forbidden,),
    ),
    Operation(
        id="list_discrepancies",
        method="GET",
        path="/v1/usage/discrepancies",
        tag="usage",
        role="viewer",
        summary="What came otherwise than ordered",
        told="Estimate, ledger and the vendor's own word side by side.",
        parameters=(*FILTERS, *PAGING),
        answers=(answer(200, "A page of rows.", Discrepancies),),
    ),
    Operation(
        id="list_budgets",
        method="GET",
        path="/v1/budgets",
        tag="budgets",
        role="viewer",
        summary="Every scope with a budget or a limit",
        parameters=(PERIOD,),
        answers=(answer(200, "All of them.", Budgets),),
    ),
    Operation(
        id="get_budget",
        method="GET",
        path="/v1/budgets/{scope}",
        tag="budgets",
        role="viewer",
        summary="One budget",
        told="Limit, spent, held and room of a month.",
        parameters=(SCOPE, PERIOD),
        answers=(answer(200, "The budget.", Budget),),
        problems=(NotFound,),
    ),
    Operation(
        id="set_budget",
        method="PUT",
        path="/v1/budgets/{scope}",
        tag="budgets",
        role="admin",
        summary="Set a monthly limit",
        parameters=(SCOPE,),
        body=Body(
            {JSON: BudgetBody},
            {
                JSON: {
                    "ten-dollars": {"limit": "10.0000", "alert_at": [80, 100]},
                    "none-of-its-own": {"limit": None},
                }
            },
        ),
        answers=(answer(200, "The budget.", Budget),),
        problems=(NotFound,),
    ),
    Operation(
        id="get_budget_history",
        method="GET",
        path="/v1/budgets/{scope}/history",
        tag="budgets",
        role="viewer",
        summary="A scope month by month",
        parameters=(
            SCOPE,
            in_query(
                "months",
                "How many, this one among them.",
                {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MOST_MONTHS,
                    "default": USUAL_MONTHS,
                },
            ),
        ),
        answers=(answer(200, "Newest first.", BudgetHistory),),
        problems=(NotFound,),
    ),
    Operation(
        id="verify",
        method="GET",
        path="/v1/verify",
        tag="usage",
        role="admin",
        summary="Recompute every balance from the entries",
        answers=(answer(200, "What was compared, and what does not agree.", Verification),),
    ),
)
