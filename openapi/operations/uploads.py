"""Files that are brought: a place for one, and what became of it."""

from typing import Final

from filmgate.domain.errors import IdempotencyKeyReused, NotFound
from filmgate.upload_files import UploadBody
from openapi.answers.uploads import Upload, UploadForm
from openapi.operation import JSON, Body, Operation, answer
from openapi.operations.common import AN_UPLOAD, IDEMPOTENCY_KEY, LOCATION, in_path

OPERATIONS: Final = (
    Operation(
        id="ask_upload",
        method="POST",
        path="/v1/uploads",
        tag="uploads",
        role="creator",
        summary="Ask for a place for a file",
        told="An image becomes a clip, or is kept for `params.image` where `clip` is null; a file "
        "of JSON, JSON Lines or CSV becomes a storyboard. The work starts when the file is there.",
        parameters=(IDEMPOTENCY_KEY,),
        body=Body(
            {JSON: UploadBody},
            {
                JSON: {
                    "keyframe": {
                        "filename": "rooftop.png",
                        "content_type": "image/png",
                        "size_bytes": 348160,
                        "clip": {"motion": "pan_left", "duration_s": 4},
                    },
                    "shot-list": {
                        "filename": "lamplighter.csv",
                        "content_type": "text/csv",
                        "size_bytes": 2048,
                        "storyboard": {"title": "The lamplighter", "budget": "1.0000"},
                    },
                }
            },
        ),
        answers=(answer(201, "The form to send it with.", UploadForm, {"Location": LOCATION}),),
        problems=(IdempotencyKeyReused,),
    ),
    Operation(
        id="get_upload",
        method="GET",
        path="/v1/uploads/{id}",
        tag="uploads",
        role="viewer",
        summary="What became of a file",
        parameters=(in_path("id", "An upload's id.", AN_UPLOAD),),
        answers=(answer(200, "The upload.", Upload),),
        problems=(NotFound,),
    ),
)
