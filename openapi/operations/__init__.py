"""Every operation of the API, one module for each of its parts."""

from collections.abc import Mapping
from typing import Final

from openapi.operation import Operation
from openapi.operations import (
    estimates,
    generations,
    openai,
    settings,
    storyboards,
    studio,
    uploads,
    usage,
)

TAGS: Final[Mapping[str, str]] = {
    "estimates": "What it would cost, before it is bought.",
    "generations": "One image or one clip.",
    "storyboards": "Many shots under one budget.",
    "openai": "The routes of OpenAI's client libraries, with its objects and errors.",
    "uploads": "Files that become clips and storyboards.",
    "usage": "Where the money goes.",
    "budgets": "What may be spent in a month.",
    "settings": "Providers, their order and keys; the secret of the webhooks.",
    "access": "Tokens, and the trail of changes.",
    "studio": "Providers, notices, health.",
}
OPERATIONS: Final[tuple[Operation, ...]] = (
    *estimates.OPERATIONS,
    *generations.OPERATIONS,
    *storyboards.OPERATIONS,
    *openai.OPERATIONS,
    *uploads.OPERATIONS,
    *usage.OPERATIONS,
    *settings.OPERATIONS,
    *studio.OPERATIONS,
)
