"""Shot lists as files: their media types, what they look like, and what stands in the query."""

from collections.abc import Mapping
from typing import Any, Final

from filmgate.domain.storyboard import Continuity
from filmgate.domain.strategies import Strategy
from openapi.operation import TEXT, Parameter, Shape
from openapi.operations.common import in_query, one_of

TOLD: Final = "For JSON Lines and CSV."
SHAPES: Final[Mapping[str, Shape]] = {
    "application/x-ndjson": TEXT,
    "application/jsonl": TEXT,
    "text/csv": TEXT,
}
EXAMPLES: Final[Mapping[str, Mapping[str, Any]]] = {
    "application/x-ndjson": {
        "two-shots": '{"prompt": "A harbour at dawn"}\n{"prompt": "A lamplighter"}\n'
    },
    "application/jsonl": {"one-shot": '{"prompt": "A harbour at dawn"}\n'},
    "text/csv": {
        "two-shots": "number,prompt,clip_provider,duration_s\n"
        "1,A harbour at dawn,flow,5\n2,A lamplighter,none,\n"
    },
}
QUERY: Final[tuple[Parameter, ...]] = (
    in_query("title", TOLD),
    in_query("project", TOLD),
    in_query("strategy", TOLD, one_of(Strategy)),
    in_query("budget", TOLD),
    in_query("continuity", TOLD, one_of(Continuity)),
    in_query("webhook_url", TOLD),
)
"""What such a file cannot say itself."""
