"""Keep images that callers bring, so that a clip may start from them.

An image is inspected first and then lies in the take bucket under its hash: what was inspected is
what is used, whatever is done to the file that was brought.
"""

from collections.abc import Callable
from datetime import datetime

from filmgate.domain import ids
from filmgate.domain.errors import AlreadyExists, ImageUnusable, ResultUnusable
from filmgate.domain.uploads import STILL_TYPES, Still, Upload
from filmgate.usecases.ports import Principal, Takes, UploadBook
from filmgate.usecases.steps import Inspection


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
    )
    kept = waiting.kept(still)
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
