"""POST /v1/uploads asks for a place for a file; GET /v1/uploads/{id} tells what became of it.

Body     UploadBody; header Idempotency-Key (optional): the same key is the same upload
201      {"upload_id", "url", "fields", "key", "expires_at"}: post the fields and then the file, as
         multipart/form-data, to the url; the form takes this key, type and size and nothing else
200      the upload; state is waiting, taken, stored, started or rejected
422      validation-failed, idempotency-key-reused
"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from filmgate import wiring
from filmgate.http import answer, body_of, http_app, idempotency_key, principal
from filmgate.observability import logger
from filmgate.upload_files import UploadBody
from filmgate.upload_views import form_view, upload_view
from filmgate.usecases.uploads import ask_upload, read_upload

app = http_app()


@app.post("/v1/uploads")
def post_upload() -> Response[str]:
    who = principal(app, role="creator")
    form = ask_upload(
        body_of(app, UploadBody).wanted(),
        principal=who,
        idempotency_key=idempotency_key(app),
        book=wiring.upload_book(),
        inbox=wiring.uploads_bucket(),
        now=wiring.now(),
    )
    return answer(201, form_view(form), {"Location": f"/v1/uploads/{form.upload.id}"})


@app.get("/v1/uploads/<upload_id>")
def get_upload(upload_id: str) -> Response[str]:
    upload = read_upload(upload_id, principal=principal(app), studio=wiring.upload_book())
    return answer(200, upload_view(upload))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return app.resolve(event, context)
