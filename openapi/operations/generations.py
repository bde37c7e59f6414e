"""Generations: start, list, watch, cancel, correct."""

from typing import Final

from filmgate.domain.errors import (
    BudgetExceeded,
    CostLimitExceeded,
    IdempotencyKeyReused,
    ImageUnusable,
    NoCapableProvider,
    NotFound,
    QuoteChanged,
    RateLimited,
    Retired,
    StateConflict,
    TooManyInFlight,
)
from filmgate.domain.generations import GenerationState
from filmgate.schemas import CorrectionBody, GenerationBody, RetryBody
from openapi.answers.generations import CorrectedGeneration, Generation, Generations
from openapi.operation import JSON, Body, Operation, answer
from openapi.operations.common import (
    A_GENERATION,
    A_TAKE,
    AN_ATTEMPT,
    IDEMPOTENCY_KEY,
    LOCATION,
    PAGING,
    REPLAYED,
    in_path,
    in_query,
    one_of,
)

ID: Final = in_path("id", "A generation's id.", A_GENERATION)
ADMITTED: Final = (
    answer(202, "It was accepted.", Generation, {"Location": LOCATION}),
    answer(
        200,
        "The key was used before: that generation as it now is.",
        Generation,
        {"Location": LOCATION, "Idempotency-Replayed": REPLAYED},
    ),
)

OPERATIONS: Final = (
    Operation(
        id="generate",
        method="POST",
        path="/v1/generations",
        tag="generations",
        role="creator",
        summary="Make one image or clip",
        told="The price of the chain is held, the work starts, and `Location` says where to watch "
        "it. A repeat with its `Idempotency-Key` starts nothing.",
        parameters=(IDEMPOTENCY_KEY,),
        body=Body(
            {JSON: GenerationBody},
            {
                JSON: {
                    "image": {
                        "type": "image",
                        "prompt": "A lamplighter on the quay, fog, wide shot",
                        "params": {"aspect_ratio": "16:9", "quality": "high"},
                        "cost_limit": "0.0500",
                        "project": "lamplighter",
                    },
                    "clip": {
                        "type": "video",
                        "prompt": "The lamp is lit",
                        "provider": "flow",
                        "params": {"image": A_TAKE, "motion": "push_in", "duration_s": 5},
                    },
                }
            },
        ),
        answers=ADMITTED,
        problems=(
            BudgetExceeded,
            CostLimitExceeded,
            QuoteChanged,
            Retired,
            IdempotencyKeyReused,
            ImageUnusable,
            NoCapableProvider,
            RateLimited,
            TooManyInFlight,
        ),
    ),
    Operation(
        id="retry_generation",
        method="POST",
        path="/v1/generations/{id}/retry",
        tag="generations",
        role="creator",
        summary="Ask for a generation again",
        told="The same request, priced now, with new money; the first must have ended.",
        parameters=(ID, IDEMPOTENCY_KEY),
        body=Body({JSON: RetryBody}, {JSON: {"nothing": {}}}, required=False),
        answers=ADMITTED,
        problems=(
            BudgetExceeded,
            CostLimitExceeded,
            NotFound,
            StateConflict,
            Retired,
            IdempotencyKeyReused,
            NoCapableProvider,
            RateLimited,
            TooManyInFlight,
        ),
    ),
    Operation(
        id="list_generations",
        method="GET",
        path="/v1/generations",
        tag="generations",
        role="viewer",
        summary="Generations, newest first",
        told="A creator sees their own.",
        parameters=(
            in_query("state", "Only those.", one_of(GenerationState)),
            in_query("project", "Only that project's."),
            in_query("script_id", "Only that script's."),
            in_query("provider", "Only those that this provider made."),
            *PAGING,
        ),
        answers=(answer(200, "A page of them.", Generations),),
    ),
    Operation(
        id="get_generation",
        method="GET",
        path="/v1/generations/{id}",
        tag="generations",
        role="viewer",
        summary="One generation",
        told="With attempts, their reasons, and links to the takes that are made for this answer.",
        parameters=(ID,),
        answers=(answer(200, "The generation.", Generation),),
        problems=(NotFound,),
    ),
    Operation(
        id="cancel_generation",
        method="DELETE",
        path="/v1/generations/{id}",
        tag="generations",
        role="creator",
        summary="Cancel a generation",
        told="Free before it was sent; after that it is followed to its end.",
        parameters=(ID,),
        answers=(
            answer(200, "Cancelled before anything was sent.", Generation),
            answer(202, "Marked, and followed to its end.", Generation),
        ),
        problems=(NotFound, StateConflict),
    ),
    Operation(
        id="correct_attempt",
        method="POST",
        path="/v1/generations/{id}/attempts/{attempt}/correction",
        tag="generations",
        role="admin",
        summary="Set what an attempt really cost",
        told="For who has the vendor's bill. Both amounts stay in the books.",
        parameters=(ID, in_path("attempt", "The attempt's id.", AN_ATTEMPT)),
        body=Body(
            {JSON: CorrectionBody},
            {JSON: {"as-billed": {"actual_cost": "0.0180", "reason": "the vendor's bill 2026-11"}}},
        ),
        answers=(answer(200, "The generation after it.", CorrectedGeneration),),
        problems=(NotFound, StateConflict),
    ),
)
