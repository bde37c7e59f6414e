"""OpenAI Videos protocol (Sora): create a job, look at it, fetch its content with the key.

Facts read 2026-11 in the `openai` package 3.54.0 and on developers.openai.com:
- OpenAI ended this API and all Sora models on 2026-09-24, with no replacement. The protocol lives
  on at compatible hosts, so the adapter works where an owner has set an `apiUrl`.
- `seconds` is a string. The first frame is a file of exactly the ordered pixel size, which needs
  multipart; without a file JSON is taken.
- A job has no link: its content is fetched below the job's own path, with the key.
- There is no idempotency key and no field for a reference of ours. The list of jobs shows prompt,
  seconds, size and time only, and a project's key is shared: of two equal orders nobody can say
  which is whose, and a wrong match would hand a user another one's clip. So the kind is blind.
- Failed jobs are not charged, by what users report. An error in OpenAI's own envelope with one of
  its own codes comes instead of a job and is counted as not accepted; a 5xx with any other code,
  a 502 and a 504 come from something in front of the vendor and prove nothing.
"""

import hashlib
import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any, Final
from urllib.parse import quote

from filmgate.domain.attempts import Kind
from filmgate.domain.errors import (
    ContentRefused,
    ProviderError,
    ProviderJobFailed,
    ProviderKeyRefused,
    ProviderQuotaExhausted,
    ProviderRequestInvalid,
    ProviderRetired,
    ProviderThrottled,
    ProviderUnavailable,
    ProviderUnsupported,
)
from filmgate.providers import _openai_errors as openai
from filmgate.providers.base import (
    Adapter,
    Answer,
    Finished,
    Keyframe,
    Order,
    Pending,
    ask,
    look,
    no_check,
    unclear,
    unseeing,
)

DEFAULT_URL: Final = "https://api.openai.com"

_REFUSALS: Final = openai.REFUSALS | {"input_moderation", "output_moderation", "sentinel_block"}
_SERVER: Final = frozenset({"server_error", "server_is_overloaded", "slow_down"})
# Values of ours, not of the caller: a host that refuses one cannot make this, another may.
_CHOSEN_HERE: Final = frozenset({"model", "seconds", "size"})
_STILL_TYPES: Final = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
_LARGEST_CROP: Final = 0.1


def video_body(order: Order) -> dict[str, str]:
    """The job's text fields in OpenAI's words, the same as JSON and as multipart."""
    return {
        "model": order.model,
        "prompt": order.prompt,
        "seconds": str(order.duration_s),
        "size": f"{order.width}x{order.height}",
    }


def multipart(fields: Mapping[str, str], still: Keyframe) -> tuple[str, bytes]:
    """The fields and the first frame as multipart/form-data: its content type and its bytes."""
    suffix = _STILL_TYPES[still.media_type]
    parts = [
        (f'form-data; name="{name}"', text.encode()) for name, text in fields.items()
    ]  # The names are ours, so nothing in them needs escaping.
    head = f'form-data; name="input_reference"; filename="keyframe.{suffix}"'
    parts.append((f"{head}\r\nContent-Type: {still.media_type}", still.data))
    # A boundary that depends on all the content cannot have been written into it.
    digest = hashlib.sha256(b"\x00".join(content for _, content in parts)).hexdigest()
    boundary = f"filmgate-{digest[:40]}"
    body = b"".join(
        f"--{boundary}\r\nContent-Disposition: {head}\r\n\r\n".encode() + content + b"\r\n"
        for head, content in parts
    )
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()


class Sora(Adapter):
    """Makes one clip per job, from text or from a first frame."""

    kind = Kind.BLIND
    result_life_s = 3_600

    def submit(self, order: Order, *, reference: str, deadline_s: float) -> Pending:
        content_type, body = self._encoded(order)
        answer = ask(
            self._http,
            self._account,
            "POST",
            "/v1/videos",
            headers={
                **self._headers(),
                "Content-Type": content_type,
                "X-Client-Request-Id": reference,  # for support; it does not deduplicate
            },
            body=body,
            deadline_s=deadline_s,
        )
        match answer.json:
            case {"id": str(job)} if answer.status in (200, 201, 202) and job:
                return Pending({"video": job})
            case {"error": {"message": str()} as error} if answer.status >= 400:
                raise self._refusal(answer, error)
        raise unclear(self._account, answer)

    def poll(self, operation: Mapping[str, Any], *, deadline_s: float) -> Pending | Finished:
        path = f"/v1/videos/{quote(str(operation['video']), safe='')}"
        answer = look(
            self._http, self._account, path, headers=self._headers(), deadline_s=deadline_s
        )
        if answer.status != 200:
            raise unseeing(self._account, answer)
        match answer.json:
            case {"status": "completed"}:
                made = _seconds(answer.json.get("seconds"))
                return Finished(url=f"{self._account.base_url}{path}/content", seconds=made)
            case {"status": "failed"}:
                raise self._job_failure(answer.json.get("error"))
        return Pending(operation)  # queued, in_progress, or a word we do not know yet

    def check(self, *, deadline_s: float) -> None:
        """List one job; shows whether the key is taken, not whether there is money behind it."""
        answer = ask(
            self._http,
            self._account,
            "GET",
            "/v1/videos?limit=1",
            headers=self._headers(),
            deadline_s=deadline_s,
        )
        match answer.json:
            case {"data": [*_]} if answer.status == 200:
                return
            case {"error": {"message": str()} as error} if answer.status not in (200, 404):
                raise self._refusal(answer, error)
        raise no_check(self._account, answer)

    def download_headers(self, url: str) -> Mapping[str, str]:
        own = url.startswith(f"{self._account.base_url}/v1/videos/")
        return self._headers() if own else {}

    def _encoded(self, order: Order) -> tuple[str, bytes]:
        """The body and its type; raises ProviderUnsupported for a still that cannot be sent."""
        fields = video_body(order)
        if order.keyframe is None:
            return "application/json", json.dumps(fields).encode()
        still = _fitted(order.keyframe, order.width, order.height)
        if still is None:
            raise ProviderUnsupported(
                self._account.provider,
                f"needs a keyframe in the clip's own shape ({order.aspect_ratio})",
            )
        return multipart(fields, still)

    def _refusal(self, answer: Answer, error: Mapping[str, Any]) -> ProviderError:
        leaf = _leaf(answer.status, error)
        if leaf is None:
            return unclear(self._account, answer)
        return openai.refusal(self._account.provider, answer, leaf)

    def _job_failure(self, error: object) -> ProviderError:
        provider = self._account.provider
        match error:
            case {"code": str(code)} if code in _REFUSALS:
                return ContentRefused(provider, "refused by its content policy while making it")
        return ProviderJobFailed(provider, "the job failed; the vendor does not bill it")

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._account.secret('api_key')}"}


def _seconds(text: object) -> int | None:
    """The clip's length as the vendor counts it; None where it says none."""
    return int(text) if isinstance(text, str) and text.isdecimal() and len(text) < 5 else None


def _leaf(status: int, error: Mapping[str, Any]) -> openai.Leaf | None:
    """The error table as classes; the words decide before the status does, None is no proof."""
    words = {str(error.get("code")), str(error.get("type"))}
    told = openai.leaf_of_words(words, refusals=_REFUSALS)
    if told is not None:
        return told
    if status == 402:
        return ProviderQuotaExhausted, "over its quota or spending limit"
    if "model_not_found" in words or status in (404, 410):
        return ProviderRetired, "does not know this model or this call (any more)"
    if status in (401, 403):
        return ProviderKeyRefused, "refused the key"
    if status == 429:
        return ProviderThrottled, "too many requests"
    if status == 409 or (status in (500, 503) and words & _SERVER):
        return ProviderUnavailable, "an error of its own"
    if status == 408 or status >= 500:
        return None
    if error.get("param") in _CHOSEN_HERE:
        return ProviderUnsupported, f"does not take this {error['param']}"
    return ProviderRequestInvalid, "found the request invalid"


def _fitted(still: Keyframe, width: int, height: int) -> Keyframe | None:
    """The still at exactly this size, which the protocol demands: scaled, and cropped a little.

    None when it is no readable picture, or of another shape, so that much of it would be lost.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(BytesIO(still.data)) as opened:
            if opened.size == (width, height) and still.media_type in _STILL_TYPES:
                return still
            upright = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    if abs(upright.width * height / (upright.height * width) - 1) > _LARGEST_CROP:
        return None
    target = BytesIO()
    ImageOps.fit(upright, (width, height), Image.Resampling.LANCZOS).save(target, "PNG")
    return Keyframe(target.getvalue(), "image/png")


ADAPTER = Sora
