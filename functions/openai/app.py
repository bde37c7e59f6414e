"""The routes of OpenAI's client libraries: only the base URL and the key change.

POST   /v1/images/generations   ImageBody; holds the line until the picture is there
POST   /v1/images/edits         refused: no provider of images takes one
POST   /v1/videos               VideoBody, as JSON or as a form with the file input_reference
GET    /v1/videos               newest first; ?after= ?limit= ?order=asc
GET    /v1/videos/{id}          one; /content sends on to its file, for fifteen minutes
DELETE /v1/videos/{id}          cancels it, and takes it from this list; what was paid is kept
GET    /v1/models, /{id}        what can be asked for now

Errors are OpenAI's envelope, see openai_errors. A request without an Idempotency-Key is the same
generation as the same request of the same user within the repeat window, so no library's own
retry is paid twice. Who waits longer than an answer may take gets 504, and waits on by repeating.
"""

from base64 import b64encode
from datetime import timedelta
from functools import partial
from typing import Any, Final

from aws_lambda_powertools.event_handler import Response

from filmgate import wiring
from filmgate.adapters.media import inspect_bytes
from filmgate.domain.errors import (
    NoCapableProvider,
    ResultTooLarge,
    StateConflict,
    ValidationFailed,
)
from filmgate.domain.generations import Record, Take
from filmgate.domain.wishes import Media
from filmgate.http import (
    answer,
    body_of,
    checked,
    content_type,
    http_app,
    idempotency_key,
    page_size,
    principal,
    query,
    raw_body,
)
from filmgate.multipart import fields_of, read_form
from filmgate.observability import logger
from filmgate.openai_bodies import LARGEST_BODY, ImageBody, VideoBody
from filmgate.openai_views import (
    deleted_view,
    images_view,
    model_view,
    models_view,
    told_headers,
    video_view,
    videos_view,
)
from filmgate.providers.data import catalogue
from filmgate.schemas import hash_of
from filmgate.usecases.generate import generate
from filmgate.usecases.models import Choice, choose, find_model, list_models
from filmgate.usecases.ports import Principal
from filmgate.usecases.repeats import repeat_key
from filmgate.usecases.request import Request
from filmgate.usecases.videos import delete_video, list_videos, read_video
from filmgate.usecases.wait import made, wait_for_end
from filmgate.usecases.webhooks import with_checked_webhook

PATIENCE: Final = timedelta(seconds=22)
"""The API waits 30 s, of which a cold start may take several and reading the picture one."""
LARGEST_ANSWER: Final = 6_200_000  # bytes; Lambda's limit is 6 MB with all around it

app = http_app()


@app.post("/v1/images/generations")
def post_image() -> Response[str]:
    who = principal(app, role="creator")
    query(app, set())
    body = body_of(app, ImageBody)
    record = wait_for_end(
        _admitted(body.request(_choice(body.model, Media.IMAGE, who), catalogue()), who),
        principal=who,
        studio=wiring.studio(),
        patience=PATIENCE,
        clock=wiring.now,
        pause=wiring.pause,
    )
    take = made(record)
    picture = {"url": wiring.take_link(take)[0]}
    if body.response_format != "url":
        picture = {"b64_json": _base64(take)}
    return answer(200, images_view(record, take, picture), told_headers(record))


@app.post("/v1/images/edits")
def post_edit() -> Response[str]:
    principal(app, role="creator")
    raise NoCapableProvider("No provider here makes a picture out of another one.")


@app.post("/v1/videos")
def post_video() -> Response[str]:
    who = principal(app, role="creator")
    query(app, set())
    body, file = _video_asked()
    image = _still(body, file, who)
    choice = _choice(body.model, Media.VIDEO, who)
    record = _admitted(body.request(choice, catalogue(), image), who)
    shown = video_view(record.generation, wiring.now(), record.link)
    return answer(200, shown, told_headers(record))


@app.get("/v1/videos")
def get_videos() -> Response[str]:
    who = principal(app)
    given = query(app, {"after", "limit", "order"})
    order = given.get("order", "desc")
    if order not in ("asc", "desc"):
        raise ValidationFailed([("?order", "must be asc or desc")])
    found, has_more = list_videos(
        principal=who,
        videos=wiring.client_desk(),
        limit=page_size(given),
        after=given.get("after"),
        oldest_first=order == "asc",
    )
    return answer(200, videos_view(found, has_more=has_more, now=wiring.now()))


@app.get("/v1/videos/<video_id>")
def get_video(video_id: str) -> Response[str]:
    record = read_video(video_id, principal=principal(app), studio=wiring.studio())
    shown = video_view(record.generation, wiring.now(), record.link)
    return answer(200, shown, told_headers(record))


@app.get("/v1/videos/<video_id>/content")
def get_content(video_id: str) -> Response[str]:
    record = read_video(video_id, principal=principal(app), studio=wiring.studio())
    if query(app, {"variant"}).get("variant", "video") != "video":
        raise ValidationFailed([("?variant", "must be video: there is nothing else of it")])
    if not record.generation.is_terminal:
        raise StateConflict("The video is not finished yet; ask when its status is completed.")
    url, _ = wiring.take_link(made(record))
    headers = {"Location": url, "Cache-Control": "no-store", **told_headers(record)}
    return Response(status_code=302, body="", headers=headers)


@app.delete("/v1/videos/<video_id>")
def remove_video(video_id: str) -> Response[str]:
    who = principal(app, role="creator")
    delete_video(video_id, principal=who, studio=wiring.studio(), now=wiring.now())
    return answer(200, deleted_view(video_id))


@app.get("/v1/models")
def get_models() -> Response[str]:
    return answer(200, models_view(list_models(**_shelf(principal(app)))))


@app.get("/v1/models/<model_id>")
def get_model(model_id: str) -> Response[str]:
    return answer(200, model_view(find_model(model_id, **_shelf(principal(app)))))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return app.resolve(event, context)


def _admitted(asked: Request, who: Principal) -> Record:
    """The generation of this request, as it now is; one that runs or is made already is joined."""
    studio, market, name = wiring.studio(), wiring.market(), hash_of(asked)
    key = idempotency_key(app) or repeat_key(
        name,
        principal=who,
        repeats=wiring.client_desk(),
        studio=studio,
        window=wiring.repeat_window(),
        now=wiring.now(),
    )
    return generate(
        with_checked_webhook(asked, check_url=wiring.checked_webhook_url),
        principal=who,
        idempotency_key=key,
        request_hash=name,
        studio=studio,
        workflow=wiring.workflow(),
        catalogue=market.catalogue,
        card=market.card,
        default_limit=market.default_limit,
        default_cost_limit=market.default_cost_limit,
        pace=wiring.pace(),
        now=wiring.now(),
        keep_linked=partial(wiring.keep_linked, inspect_bytes),
    ).record


def _choice(model: str | None, media: Media, who: Principal) -> Choice:
    return choose(
        model,
        media,
        tenant=who.tenant,
        studio=wiring.studio(),
        catalogue=catalogue(),
        today=wiring.now().date(),
    )


def _shelf(who: Principal) -> dict[str, Any]:
    """What the models that can be asked for depend on."""
    return {
        "tenant": who.tenant,
        "studio": wiring.studio(),
        "catalogue": catalogue(),
        "card": wiring.card(),
        "now": wiring.now(),
    }


def _video_asked() -> tuple[VideoBody, bytes | None]:
    """The body, and the file that came with it if there is one."""
    if content_type(app) != "multipart/form-data":
        return body_of(app, VideoBody, max_bytes=LARGEST_BODY), None
    parts = read_form(app.current_event.headers["content-type"], raw_body(app))
    files = [part for part in parts if part.filename is not None]
    if [part.name for part in files] not in ([], ["input_reference"]):
        raise ValidationFailed([(f"/{part.name}", "is not a file that is taken") for part in files])
    body = checked(fields_of(part for part in parts if part.filename is None), VideoBody)
    if files and body.input_reference is not None:
        raise ValidationFailed([("/input_reference", "comes twice")])
    return body, files[0].data if files else None


def _still(body: VideoBody, file: bytes | None, who: Principal) -> str | None:
    """The id of the still to start from, or a link; a picture that came along is kept first."""
    reference = body.input_reference
    data = reference.data() if reference is not None else file
    if data is None:
        return reference.named if reference else None
    return wiring.keep_image(inspect_bytes, data, who, filename="input_reference")


def _base64(take: Take) -> str:
    """The picture as text; raises ResultTooLarge when no answer could hold it."""
    if take.size_bytes * 4 // 3 > LARGEST_ANSWER:
        raise ResultTooLarge(
            "The picture is made and too large for an answer. Send the same request with "
            "response_format url to get a link to it, which is not paid again.",
            generationId=take.generation_id,
        )
    return b64encode(wiring.takes().get(take.key)).decode()
