"""What is there: health, providers, generations, storyboards, notices; and every address that
is not there.

GET /v1/health             open; version and time
GET /v1/me                 for whom the token stands, and what it may do
GET /v1/providers          the catalogue joined with the owner's settings
GET /v1/generations        newest first; ?state= ?project= ?script_id= ?provider= ?limit= ?cursor=
GET /v1/generations/{id}   one, with attempts, takes and links made for this answer
GET /v1/storyboards        newest first; ?state= ?project= ?limit= ?cursor=
GET /v1/storyboards/{id}   one, with every shot and part as they now stand
GET /v1/notices            what the owner was told, newest first; ?limit= ?cursor=
$default                   405 with Allow where the address exists, else 404
"""

from enum import StrEnum
from typing import Any, Final, TypeVar

from aws_lambda_powertools.event_handler import Response

from filmgate import __version__, wiring
from filmgate.board_views import heads_view, storyboard_view
from filmgate.domain.errors import ValidationFailed
from filmgate.domain.generations import GenerationState
from filmgate.domain.storyboard import StoryboardState
from filmgate.http import answer, http_app, page_size, principal, query
from filmgate.observability import logger
from filmgate.providers.data import catalogue
from filmgate.usecases.reading import list_generations, list_notices, read_generation
from filmgate.usecases.reading_storyboards import list_storyboards, read_storyboard
from filmgate.views import (
    generation_view,
    item_view,
    me_view,
    moment,
    notice_view,
    providers_view,
)
from filmgate.wiring import take_link

FILTERS: Final = ("state", "project", "script_id", "provider")

S = TypeVar("S", bound=StrEnum)

app = http_app()


@app.get("/v1/health")
def get_health() -> Response[str]:
    return answer(200, {"status": "ok", "version": __version__, "time": moment(wiring.now())})


@app.get("/v1/me")
def get_me() -> Response[str]:
    return answer(200, me_view(principal(app)))


@app.get("/v1/providers")
def get_providers() -> Response[str]:
    who = principal(app)
    studio = wiring.studio()
    shown = providers_view(
        catalogue(),
        studio.provider_settings(who.tenant),
        studio.health(who.tenant),
        wiring.card(),
        wiring.now(),
    )
    return answer(200, shown)


@app.get("/v1/generations")
def get_generations() -> Response[str]:
    who = principal(app)
    given = query(app, {*FILTERS, "limit", "cursor"})
    try:
        page = list_generations(
            principal=who,
            studio=wiring.studio(),
            limit=page_size(given),
            cursor=given.get("cursor"),
            state=_known(GenerationState, given.get("state")),
            project=given.get("project"),
            script_id=given.get("script_id"),
            provider=given.get("provider"),
        )
    except ValueError as error:
        raise ValidationFailed([("?cursor", str(error))]) from error
    return answer(200, {"items": [item_view(one) for one in page.items], "next": page.next})


@app.get("/v1/generations/<generation_id>")
def get_generation(generation_id: str) -> Response[str]:
    who = principal(app)
    record = read_generation(generation_id, principal=who, studio=wiring.studio())
    return answer(200, generation_view(record, take_link))


@app.get("/v1/storyboards")
def get_storyboards() -> Response[str]:
    who = principal(app)
    given = query(app, {"state", "project", "limit", "cursor"})
    try:
        page = list_storyboards(
            principal=who,
            boards=wiring.boards(),
            limit=page_size(given),
            cursor=given.get("cursor"),
            state=_known(StoryboardState, given.get("state")),
            project=given.get("project"),
        )
    except ValueError as error:
        raise ValidationFailed([("?cursor", str(error))]) from error
    return answer(200, heads_view(page))


@app.get("/v1/storyboards/<storyboard_id>")
def get_storyboard(storyboard_id: str) -> Response[str]:
    who = principal(app)
    found = read_storyboard(storyboard_id, principal=who, boards=wiring.boards())
    return answer(200, storyboard_view(found, take_link))


@app.get("/v1/notices")
def get_notices() -> Response[str]:
    who = principal(app)
    given = query(app, {"limit", "cursor"})
    try:
        page = list_notices(
            principal=who,
            log=wiring.notices(),
            limit=page_size(given),
            cursor=given.get("cursor"),
        )
    except ValueError as error:
        raise ValidationFailed([("?cursor", str(error))]) from error
    return answer(200, {"items": [notice_view(one) for one in page.items], "next": page.next})


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return app.resolve(event, context)


def _known(states: type[S], text: str | None) -> S | None:
    if text is None:
        return None
    if text not in set(states):
        raise ValidationFailed([("?state", f"must be one of {', '.join(states)}")])
    return states(text)
