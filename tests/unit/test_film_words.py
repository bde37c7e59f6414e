"""What the terminal says of a piece of the film while it is made."""

from typing import Any

import pytest

from local.film.making import Piece
from local.film.report import describe
from local.film.shots import Shot

SHOT = Shot(1, "quay", "a lamplighter", None)


def tried(provider: str, state: str, error: str | None = None) -> dict[str, Any]:
    told = None if error is None else {"message": error}
    return {"provider": provider, "state": state, "error": told}


@pytest.mark.parametrize(
    ("attempts", "said"),
    [
        ([tried("dalle", "submitting")], "asking dalle"),
        (
            [tried("dalle", "released", "over its quota"), tried("nanobanana", "submitting")],
            "dalle: over its quota, trying nanobanana",
        ),
        ([tried("dalle", "reserved", "too many requests")],
         "dalle: too many requests, trying dalle again"),
        ([tried("dalle", "released", "over its quota")], "dalle: over its quota"),
        ([tried("kling", "in_doubt", "no answer")], "kling: no answer, looking for its job"),
    ],
)  # fmt: skip
def test_what_is_said_to_be_tried_is_what_is_tried(
    attempts: list[dict[str, Any]], said: str
) -> None:
    generation = {"state": "running", "attempts": attempts, "failure": None}

    assert describe(Piece(SHOT, "keyframe", generation)) == said
