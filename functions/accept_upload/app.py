"""The uploads bucket: a file that has come starts a clip or a storyboard, or is put aside.

Event   S3's own notification of created objects, keys URL-encoded; repeated, late, in any order
Answer  {"accepted": [{"upload_id", "state"}]}, without files that make nothing
Raises  StoreUnavailable, Stale, RateLimited, TooManyInFlight: S3 brings the event again, and at
        last it lies in the queue of what failed

A file that fails does not stop the others of its event, nor is it worked off twice with them.
"""

from typing import Any
from urllib.parse import unquote_plus

from filmgate import upload_files, wiring
from filmgate.adapters.media import inspect_bytes
from filmgate.observability import log_failure, logger
from filmgate.settings import settings
from filmgate.steps import own_errors_only
from filmgate.usecases.accept_upload import AcceptUpload, Arrived


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    accepted: list[dict[str, str]] = []
    failures: list[Exception] = []
    for record in event.get("Records", []):  # S3's test event has none
        try:
            accepted += _accepted(record["s3"])
        except Exception as error:  # whatever one file does, the others are worked off
            log_failure(error)
            failures.append(error)
    with own_errors_only():
        for error in failures:
            raise error
    return {"accepted": accepted}


def _accepted(told: dict[str, Any]) -> list[dict[str, str]]:
    bucket = told["bucket"]["name"]
    accept = AcceptUpload(
        tenant=settings().need("owner_tenant"),
        inbox=wiring.uploads_bucket_named(bucket),
        book=wiring.upload_book(),
        boards=wiring.boards(),
        takes=wiring.takes(),
        inspect=inspect_bytes,
        generations=wiring.workflow(),
        storyboards=wiring.shooting(),
        market=wiring.market(),
        pace=wiring.pace(),
        storyboard_pace=wiring.storyboard_pace(),
        clock=wiring.now,
        read_clip=upload_files.clip_request,
        read_batch=upload_files.storyboard,
    )
    upload = accept(
        Arrived(bucket, unquote_plus(told["object"]["key"]), told["object"].get("versionId"))
    )
    if upload is None:
        return []
    logger.info("upload accepted", upload_id=upload.id, state=upload.state)
    return [{"upload_id": upload.id, "state": upload.state.value}]
