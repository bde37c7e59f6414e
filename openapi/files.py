"""Where the document lies, and how it is written: the same text for the same document."""

import json
from pathlib import Path
from typing import Any, Final

DOCUMENT: Final = Path(__file__).resolve().parents[1] / "functions/studio/static/openapi.json"


def as_text(document: dict[str, Any]) -> str:
    """JSON that a person can read and a diff can show."""
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
