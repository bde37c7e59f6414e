"""Uploads as the API shows them."""

from typing import Any

from filmgate.domain.moments import moment
from filmgate.domain.uploads import Still, Upload
from filmgate.usecases.uploads import Form


def form_view(form: Form) -> dict[str, Any]:
    """Where and how to post the file."""
    return {
        "upload_id": form.upload.id,
        "url": form.url,
        "fields": dict(form.fields),
        "key": form.upload.key,
        "expires_at": moment(form.expires_at),
    }


def upload_view(upload: Upload) -> dict[str, Any]:
    """An upload as it now is."""
    why = upload.rejection
    return {
        "id": upload.id,
        "state": upload.state.value,
        "filename": upload.filename,
        "content_type": upload.content_type or None,
        "size_bytes": upload.size_bytes,
        "image": _still_view(upload.still) if upload.still else None,
        "generation_id": upload.generation_id,
        "storyboard_id": upload.storyboard_id,
        "rejection": {"code": why.code, "message": why.message, **why.facts} if why else None,
        "created_at": moment(upload.created_at),
    }


def _still_view(still: Still) -> dict[str, Any]:
    return {
        "media_type": still.media_type,
        "width": still.width,
        "height": still.height,
        "size_bytes": still.size_bytes,
        "sha256": still.sha256,
    }
