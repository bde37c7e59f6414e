"""`python -m openapi` writes the document to where the function `studio` serves it from."""

from openapi.document import document
from openapi.files import DOCUMENT, as_text

DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
DOCUMENT.write_text(as_text(document()), encoding="utf-8")
