"""The studio page: what a browser needs to use the product. Open to all; it holds no secret.

GET /, /docs                    the studio; the API, described and to be tried
GET /openapi.json               the description itself, for programs
GET /static/{version}/{name}    what it consists of: modules, styles; kept for a year
304 where the browser has it already    404 for a file that is not there
"""

from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler import Response

from filmgate import wiring
from filmgate.http import http_app
from filmgate.observability import logger
from filmgate.pages import ALWAYS_ASK, ASSETS, Shelf, content_policy, send

app = http_app()
shelf = Shelf(Path(__file__).parent / "static", policy=content_policy(takes=wiring.take_sources()))

DOCUMENTS = {"/": "index.html", "/docs": "docs.html", "/openapi.json": "openapi.json"}


@app.get("/")
@app.get("/docs")
@app.get("/openapi.json")
def get_document() -> Response[str]:
    return send(app, shelf.file(DOCUMENTS[app.current_event.path]), keeps=ALWAYS_ASK)


@app.get(f"{ASSETS}/.+")
def get_asset() -> Response[str]:
    file, keeps = shelf.asset(app.current_event.path)
    return send(app, file, keeps=keeps)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return app.resolve(event, context)
