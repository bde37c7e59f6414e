"""Uploads before anything is made of them: asked for, and images that are only kept.

An image is inspected first and then lies in the take bucket under its hash: what was inspected is
what is used, whatever is done to the file that was brought.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from filmgate.domain import ids
from filmgate.domain.errors import (
    AlreadyExists,
    IdempotencyKeyReused,
    ImageUnusable,
    NotFound,
    ResultUnusable,
)
from filmgate.domain.uploads import STILL_TYPES, Still, Upload
from filmgate.usecases.ports import Inbox, Principal, Studio, Takes, UploadBook
from filmgate.usecases.reading import SEES_ONLY_OWN
from filmgate.usecases.steps import Inspection

FORM_LIFE: Final = timedelta(minutes=15)
INBOX: Final = "uploads/"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that a caller wants to bring, already checked; `wishes` is JSON."""

    filename: str
    content_type: str
    size_bytes: int
    wishes: str


@dataclass(frozen=True, slots=True)
class Form:
    """Where to post a file, with which fields, and until when."""

    upload: Upload
    url: str
    fields: Mapping[str, str]
    expires_at: datetime


def ask_upload(
    wanted: Wanted,
    *,
    principal: Principal,
    idempotency_key: str | None,
    book: UploadBook,
    inbox: Inbox,
    now: datetime,
) -> Form:
    """Record an upload to come and sign a form for its file: one key, one type, one size.

    The same key with the same file is the same upload, with a form that lives anew. The file's
    name in the bucket is ours. Raises IdempotencyKeyReused or StoreUnavailable.
    """
    name = ids.upload_id(principal.tenant, principal.user, "asked", idempotency_key or uuid4().hex)
    extension = wanted.filename.rpartition(".")[2].lower()
    asked = Upload(
        id=name,
        tenant=principal.tenant,
        user=principal.user,
        role=principal.role,
        filename=wanted.filename,
        created_at=now,
        key=f"{INBOX}{name}/file.{extension}",
        content_type=wanted.content_type,
        size_bytes=wanted.size_bytes,
        wishes=wanted.wishes,
    )
    try:
        book.add_upload(asked)
    except AlreadyExists:
        known = book.upload(asked.tenant, asked.id) or asked
        if _wanted_in(known) != wanted:
            raise IdempotencyKeyReused(
                "This Idempotency-Key has asked for another upload; use a fresh key.",
                uploadId=name,
            ) from None
        asked = known
    url, fields = inbox.form(
        asked.key,
        content_type=asked.content_type,
        size_bytes=asked.size_bytes,
        tenant=asked.tenant,
        expires_s=int(FORM_LIFE.total_seconds()),
    )
    return Form(asked, url, fields, now + FORM_LIFE)


def read_upload(upload_id: str, *, principal: Principal, studio: Studio) -> Upload:
    """An upload that the principal may see; raises NotFound, also for another's."""
    known = ids.is_upload_id(upload_id)
    found = studio.upload(principal.tenant, upload_id) if known else None
    own_only = principal.role in SEES_ONLY_OWN
    if found is None or (own_only and found.user != principal.user):
        raise NotFound("There is no upload with this id.")
    return found


def keep_image(
    data: bytes,
    *,
    filename: str,
    principal: Principal,
    book: UploadBook,
    takes: Takes,
    inspect: Callable[[bytes], Inspection],
    now: datetime,
) -> Upload:
    """Keep an image as an upload of the principal's; its id is what `params.image` takes.

    The same bytes are the same upload, however often they are brought. Raises ImageUnusable with
    the public reason, or StoreUnavailable.
    """
    still = keep_still(data, tenant=principal.tenant, takes=takes, inspect=inspect)
    waiting = Upload(
        id=ids.upload_id(principal.tenant, principal.user, "image", still.sha256),
        tenant=principal.tenant,
        user=principal.user,
        role=principal.role,
        filename=filename,
        created_at=now,
        content_type=still.media_type,
        size_bytes=still.size_bytes,
    )
    kept = replace(waiting.kept(still), version=1)
    try:
        book.add_upload(kept)
    except AlreadyExists:
        return book.upload(kept.tenant, kept.id) or kept
    return kept


def keep_still(
    data: bytes, *, tenant: str, takes: Takes, inspect: Callable[[bytes], Inspection]
) -> Still:
    """Inspect an image and keep it in the take bucket; raises as `keep_image` does."""
    try:
        seen = inspect(data)
    except ResultUnusable as error:
        raise ImageUnusable(error.message) from error
    if seen.media_type not in STILL_TYPES:
        raise ImageUnusable("The file is a clip; a keyframe is a PNG, a JPEG or a WebP.")
    still = Still(
        key=f"{tenant}/stills/{seen.sha256}{seen.extension}",
        media_type=seen.media_type,
        width=seen.width,
        height=seen.height,
        size_bytes=seen.size_bytes,
        sha256=seen.sha256,
    )
    takes.put(still.key, data, still.media_type)
    return still


def _wanted_in(upload: Upload) -> Wanted:
    return Wanted(upload.filename, upload.content_type, upload.size_bytes, upload.wishes)
