"""Storyboards as HTTP brings them: JSON, JSON Lines and CSV, told apart by the Content-Type.

What JSON Lines and CSV cannot say themselves (title, project, strategy, budget, continuity,
webhook_url) stands in the query, such as `?budget=5.0000&project=lamplighter`.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from filmgate.batch_files import Kind, Limits, read_batch
from filmgate.domain.errors import TooLarge, ValidationFailed
from filmgate.domain.storyboard import Storyboard
from filmgate.schemas import StoryboardHeadBody, faults_of

KINDS: Final[Mapping[str, Kind]] = {
    "application/x-ndjson": Kind.JSON_LINES,
    "application/jsonl": Kind.JSON_LINES,
    "text/csv": Kind.CSV,
}
LARGEST_BODY: Final = 4_000_000  # the API's functions take 6 MB, and a body may come as base64
HEAD_FIELDS: Final = frozenset(
    {"title", "project", "strategy", "budget", "continuity", "webhook_url"}
)


def storyboard_of(data: bytes, kind: Kind, query: Mapping[str, str]) -> Storyboard:
    """The storyboard in a body of JSON Lines or CSV.

    Raises BatchRefused, with lines and columns, or ValidationFailed for the query.
    """
    if len(data) > LARGEST_BODY:
        raise TooLarge(f"A body may have {LARGEST_BODY} bytes.")
    unknown = sorted(query.keys() - HEAD_FIELDS)
    if unknown:
        raise ValidationFailed([(f"?{name}", "is not a known parameter") for name in unknown])
    try:
        head = StoryboardHeadBody.model_validate(dict(query))
    except ValidationError as error:
        faults = faults_of(list(error.errors(include_url=False, include_input=False)))
        raise ValidationFailed([(f"?{p.strip('/')}", why) for p, why in faults]) from None
    return read_batch([data], kind=kind, head=head, limits=Limits(size_bytes=LARGEST_BODY))
