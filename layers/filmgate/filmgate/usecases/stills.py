"""The stills that a clip may start from: takes of the tenant, and images that were uploaded.

Both lie in the take bucket, inspected, under keys of ours. Whoever asks for a clip, admits it or
makes it finds its still here. What a caller links to is fetched once and is an upload from then on.
"""

from collections.abc import Callable
from typing import Final

from filmgate.domain.errors import NotFound
from filmgate.domain.ids import generation_of_take, is_upload_id
from filmgate.usecases.ports import Principal, Studio
from filmgate.usecases.reading import read_generation
from filmgate.usecases.uploads import read_upload

NO_SUCH_STILL: Final = "there is no still with this take or upload id"

KeepLinked = Callable[[str, Principal], str]
"""Fetches the image behind a link, keeps it as the caller's upload and gives its id.

Raises ImageUnusable with the public reason, or StoreUnavailable.
"""


def may_use(image: str, principal: Principal, studio: Studio) -> bool:
    """Whether this is a still that the principal can see."""
    try:
        if is_upload_id(image):
            read_upload(image, principal=principal, studio=studio)
        else:
            read_generation(generation_of_take(image) or "", principal=principal, studio=studio)
    except NotFound:
        return False
    return find_still_key(studio, principal.tenant, image) is not None


def find_still_key(studio: Studio, tenant: str, image: str) -> str | None:
    """Where a still lies in the take bucket; None when the tenant has no such still."""
    if is_upload_id(image):
        upload = studio.upload(tenant, image)
        return upload.still.key if upload and upload.still else None
    generation_id = generation_of_take(image)
    record = studio.find(tenant, generation_id) if generation_id else None
    for take in record.takes if record else ():
        if take.id == image and take.media_type.startswith("image/"):
            return take.key
    return None
