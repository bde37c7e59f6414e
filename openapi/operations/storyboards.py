"""Storyboards: start, list, watch, cancel, resume."""

from typing import Final

from filmgate.domain.errors import (
    BudgetExceeded,
    CostLimitExceeded,
    IdempotencyKeyReused,
    NoCapableProvider,
    NotFound,
    QuoteChanged,
    RateLimited,
    Retired,
    StateConflict,
    TooManyInFlight,
)
from filmgate.domain.storyboard import StoryboardState
from filmgate.schemas import ResumeBody, StoryboardStartBody
from openapi.answers.storyboards import Storyboard, Storyboards, StoryboardSummary
from openapi.operation import JSON, Body, Operation, answer
from openapi.operations import shot_lists
from openapi.operations.common import (
    A_STORYBOARD,
    IDEMPOTENCY_KEY,
    LOCATION,
    PAGING,
    REPLAYED,
    in_path,
    in_query,
    one_of,
)

ID: Final = in_path("id", "A storyboard's id.", A_STORYBOARD)

OPERATIONS: Final = (
    Operation(
        id="start_storyboard",
        method="POST",
        path="/v1/storyboards",
        tag="storyboards",
        role="creator",
        summary="Start a storyboard as a whole",
        told="The most that all parts can cost is held at once; if it does not fit, all of it is "
        "refused, and `fits` says what would. What JSON Lines and CSV cannot say themselves stands "
        "in the query, which JSON must not have.",
        parameters=(
            *shot_lists.QUERY,
            in_query("quote_id", shot_lists.TOLD),
            IDEMPOTENCY_KEY,
        ),
        body=Body(
            {JSON: StoryboardStartBody, **shot_lists.SHAPES},
            {
                JSON: {
                    "two-shots": {
                        "title": "The lamplighter",
                        "budget": "1.0000",
                        "defaults": {"clip": {"params": {"duration_s": 5, "motion": "push_in"}}},
                        "shots": [
                            {"prompt": "A harbour at dawn", "scene": "harbour"},
                            {"prompt": "A lamplighter on the quay", "clip": None},
                        ],
                    }
                },
                **shot_lists.EXAMPLES,
            },
        ),
        answers=(
            answer(202, "Accepted as a whole.", StoryboardSummary, {"Location": LOCATION}),
            answer(
                200,
                "The key was used before: that storyboard as it now is.",
                StoryboardSummary,
                {"Location": LOCATION, "Idempotency-Replayed": REPLAYED},
            ),
        ),
        problems=(
            BudgetExceeded,
            CostLimitExceeded,
            QuoteChanged,
            Retired,
            IdempotencyKeyReused,
            NoCapableProvider,
            RateLimited,
            TooManyInFlight,
        ),
    ),
    Operation(
        id="list_storyboards",
        method="GET",
        path="/v1/storyboards",
        tag="storyboards",
        role="viewer",
        summary="Storyboards, newest first",
        told="A creator sees their own.",
        parameters=(
            in_query("state", "Only those.", one_of(StoryboardState)),
            in_query("project", "Only that project's."),
            *PAGING,
        ),
        answers=(answer(200, "A page of them.", Storyboards),),
    ),
    Operation(
        id="get_storyboard",
        method="GET",
        path="/v1/storyboards/{id}",
        tag="storyboards",
        role="viewer",
        summary="One storyboard",
        told="Every shot and part as they now stand, with links made for this answer.",
        parameters=(ID,),
        answers=(answer(200, "The storyboard.", Storyboard),),
        problems=(NotFound,),
    ),
    Operation(
        id="cancel_storyboard",
        method="DELETE",
        path="/v1/storyboards/{id}",
        tag="storyboards",
        role="creator",
        summary="Cancel a storyboard",
        told="Nothing new starts, and the rest of the money is free at once.",
        parameters=(ID,),
        answers=(answer(202, "Marked as cancelled.", StoryboardSummary),),
        problems=(NotFound, StateConflict),
    ),
    Operation(
        id="resume_storyboard",
        method="POST",
        path="/v1/storyboards/{id}/resume",
        tag="storyboards",
        role="creator",
        summary="Make again what failed or was skipped",
        told="A new run with a hold of its own; what may still be billed is left alone.",
        parameters=(ID,),
        body=Body({JSON: ResumeBody}, {JSON: {"plain": {}, "approved": {"approve": True}}}),
        answers=(answer(202, "It goes on.", StoryboardSummary, {"Location": LOCATION}),),
        problems=(
            BudgetExceeded,
            CostLimitExceeded,
            NotFound,
            StateConflict,
            Retired,
            NoCapableProvider,
            RateLimited,
            TooManyInFlight,
        ),
    ),
)
