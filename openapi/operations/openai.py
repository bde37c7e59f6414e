"""The routes of OpenAI's client libraries: pictures, videos, models."""

from dataclasses import replace
from typing import Final

from filmgate.domain.errors import (
    BudgetExceeded,
    CostLimitExceeded,
    GenerationFailed,
    IdempotencyKeyReused,
    ImageUnusable,
    ModelNotFound,
    NoCapableProvider,
    NotFound,
    RateLimited,
    ResultTooLarge,
    Retired,
    StateConflict,
    StillRunning,
    TooManyInFlight,
)
from filmgate.openai_bodies import ImageBody, VideoBody
from openapi.answers.openai import DeletedVideo, Model, Models, Pictures, Video, Videos
from openapi.forms import VideoForm
from openapi.operation import JSON, MULTIPART, TEXT, Answer, Body, Header, Operation, answer
from openapi.operations import common
from openapi.operations.common import A_GENERATION, A_TAKE, PAGING, in_path, in_query

KEY: Final = replace(
    common.IDEMPOTENCY_KEY,
    told="1 to 255 visible ASCII characters of the caller's own. The same key is the same thing; "
    "without one, the same request of the same user is, for a while (ten minutes as a rule).",
)
LIMIT: Final = PAGING[0]
VIDEO: Final = in_path("id", "A video's id.", A_GENERATION)
ABOUT_IT: Final = {
    "x-filmgate-generation-id": Header("What `GET /v1/generations/{id}` shows.", TEXT),
    "x-filmgate-provider": Header("Who makes it.", TEXT),
    "x-filmgate-estimated-cost": Header("What was expected of it, US dollars.", TEXT),
    "x-filmgate-cost": Header("What was settled of it, US dollars.", TEXT, required=False),
}
ADMISSION: Final = (
    BudgetExceeded,
    CostLimitExceeded,
    ModelNotFound,
    Retired,
    NoCapableProvider,
    IdempotencyKeyReused,
    RateLimited,
    TooManyInFlight,
)

OPERATIONS: Final = (
    Operation(
        id="make_picture",
        method="POST",
        path="/v1/images/generations",
        tag="openai",
        role="creator",
        summary="Make a picture and wait for it",
        told="Who waits longer than an answer may take gets 504 and waits on by sending the same "
        "again, which is never paid twice.",
        parameters=(KEY,),
        body=Body(
            {JSON: ImageBody},
            {
                JSON: {
                    "plain": {"prompt": "A harbour at dawn"},
                    "named": {
                        "model": "dalle",
                        "prompt": "A lamplighter on the quay",
                        "size": "1536x864",
                        "quality": "high",
                        "response_format": "url",
                        "cost_limit": "0.0500",
                    },
                }
            },
        ),
        answers=(answer(200, "The picture.", Pictures, ABOUT_IT),),
        problems=(*ADMISSION, GenerationFailed, ResultTooLarge, StillRunning),
    ),
    Operation(
        id="edit_picture",
        method="POST",
        path="/v1/images/edits",
        tag="openai",
        role="creator",
        summary="Refused: nobody here makes a picture out of another one",
        told="Whatever is sent, nothing is bought.",
        answers=(),
        problems=(NoCapableProvider,),
    ),
    Operation(
        id="make_video",
        method="POST",
        path="/v1/videos",
        tag="openai",
        role="creator",
        summary="Start a clip",
        told="In JSON, or as a form with the picture that it starts from.",
        parameters=(KEY,),
        body=Body(
            {JSON: VideoBody, MULTIPART: VideoForm},
            {
                JSON: {
                    "plain": {"prompt": "The lamp is lit", "seconds": "4", "size": "1280x720"},
                    "from-a-take": {
                        "model": "kling",
                        "prompt": "The lamp is lit",
                        "seconds": 5,
                        "size": "1280x720",
                        "input_reference": {"file_id": A_TAKE},
                    },
                },
                MULTIPART: {
                    "plain": {"prompt": "The lamp is lit", "seconds": "4", "size": "1280x720"}
                },
            },
        ),
        answers=(answer(200, "The clip as it now is.", Video, ABOUT_IT),),
        problems=(*ADMISSION, ImageUnusable),
    ),
    Operation(
        id="list_videos",
        method="GET",
        path="/v1/videos",
        tag="openai",
        role="viewer",
        summary="Clips, newest first",
        told="A creator sees their own.",
        parameters=(
            in_query("after", "The `last_id` of the page before."),
            LIMIT,
            in_query(
                "order",
                "By when they were ordered.",
                {"type": "string", "enum": ["desc", "asc"], "default": "desc"},
            ),
        ),
        answers=(answer(200, "A page of them.", Videos),),
        problems=(NotFound,),
    ),
    Operation(
        id="get_video",
        method="GET",
        path="/v1/videos/{id}",
        tag="openai",
        role="viewer",
        summary="One clip",
        parameters=(VIDEO,),
        answers=(answer(200, "The clip.", Video, ABOUT_IT),),
        problems=(NotFound,),
    ),
    Operation(
        id="get_video_content",
        method="GET",
        path="/v1/videos/{id}/content",
        tag="openai",
        role="viewer",
        summary="The file of a clip",
        parameters=(
            VIDEO,
            in_query(
                "variant",
                "There is nothing else of it.",
                {"type": "string", "enum": ["video"], "default": "video"},
            ),
        ),
        answers=(
            Answer(
                302,
                "It lies there, for fifteen minutes.",
                {},
                {"Location": Header("The link to the file.", TEXT), **ABOUT_IT},
            ),
        ),
        problems=(NotFound, StateConflict, GenerationFailed),
    ),
    Operation(
        id="delete_video",
        method="DELETE",
        path="/v1/videos/{id}",
        tag="openai",
        role="creator",
        summary="Cancel a clip and take it from this list",
        told="What was paid for is kept: the generation with its cost and its take.",
        parameters=(VIDEO,),
        answers=(answer(200, "It is gone from here.", DeletedVideo),),
        problems=(NotFound,),
    ),
    Operation(
        id="list_models",
        method="GET",
        path="/v1/models",
        tag="openai",
        role="viewer",
        summary="What can be asked for now",
        told="`auto`, the strategies, and every provider with its vendor's models.",
        answers=(answer(200, "All of them.", Models),),
    ),
    Operation(
        id="get_model",
        method="GET",
        path="/v1/models/{id}",
        tag="openai",
        role="viewer",
        summary="One model",
        parameters=(in_path("id", "A model's name.", "auto"),),
        answers=(answer(200, "The model.", Model),),
        problems=(ModelNotFound, Retired),
    ),
)
