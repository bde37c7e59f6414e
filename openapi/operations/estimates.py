"""POST /v1/estimates, …/compare and …/storyboard."""

from typing import Final

from filmgate.domain.errors import CostLimitExceeded, NoCapableProvider, Retired
from filmgate.schemas import EstimateBody, StoryboardEstimateBody, WishBody
from openapi.answers.estimates import Comparison, Estimate, StoryboardEstimate
from openapi.operation import JSON, Body, Operation, answer
from openapi.operations import shot_lists

CLIP: Final = {
    "type": "video",
    "prompt": "A lamplighter walks along the quay",
    "provider": "kling",
    "params": {"resolution": "720p", "duration_s": 5},
}

OPERATIONS: Final = (
    Operation(
        id="estimate",
        method="POST",
        path="/v1/estimates",
        tag="estimates",
        role="viewer",
        summary="What one request would cost",
        told="Its chain in order, what is expected, and the worst case, kept as a quote. "
        "Nothing is held.",
        body=Body(
            {JSON: EstimateBody},
            {
                JSON: {
                    "clip": CLIP,
                    "image": {
                        "type": "image",
                        "prompt": "A harbour at dawn",
                        "cost_limit": "0.0200",
                    },
                }
            },
        ),
        answers=(answer(200, "The estimate.", Estimate),),
        problems=(CostLimitExceeded, Retired, NoCapableProvider),
    ),
    Operation(
        id="compare",
        method="POST",
        path="/v1/estimates/compare",
        tag="estimates",
        role="viewer",
        summary="Every provider of a medium side by side",
        told="Those that can, cheapest first, then the others with the reason.",
        body=Body({JSON: WishBody}, {JSON: {"image": {"type": "image", "prompt": "A harbour"}}}),
        answers=(answer(200, "All providers of that medium.", Comparison),),
    ),
    Operation(
        id="estimate_storyboard",
        method="POST",
        path="/v1/estimates/storyboard",
        tag="estimates",
        role="viewer",
        summary="What a whole storyboard would cost",
        told="Per shot, part, provider and medium, and under every strategy. With `optimise` also "
        "the provider of every part that makes the most of a budget. What JSON Lines and CSV "
        "cannot say themselves stands in the query, which JSON must not have.",
        parameters=shot_lists.QUERY,
        body=Body(
            {JSON: StoryboardEstimateBody, **shot_lists.SHAPES},
            {
                JSON: {
                    "two-shots": {
                        "budget": "1.0000",
                        "shots": [
                            {"prompt": "A harbour at dawn", "clip": {"params": {"duration_s": 5}}},
                            {"prompt": "A lamplighter on the quay", "scene": "quay"},
                        ],
                        "optimise": {"goal": "quality", "quality_floor": "good"},
                    }
                },
                **shot_lists.EXAMPLES,
            },
        ),
        answers=(answer(200, "The estimate.", StoryboardEstimate),),
        problems=(CostLimitExceeded, Retired, NoCapableProvider),
    ),
)
