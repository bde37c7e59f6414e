"""Kling AI, the protocol with the model in the path: create a task, then look at it.

Facts read 2026-11 in `@ai-sdk/klingai` 4.0.31 and on copies of kling.ai/document-api:
- `code` in the body decides, not the HTTP status: 429 stands for rate, concurrency and an empty
  account alike, and a business error can come with HTTP 200.
- `external_task_id` is unique per account and can be searched, so a lost answer is findable.
- `multi_shot` defaults to true on 3.0 and omni and changes what is made; `audio` moves the price.
- Failed tasks are not charged, by what aggregators say; the vendor does not state it.
- Internal errors (5000, 5002) may hide a task that exists: they prove nothing.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

from filmgate.domain.errors import (
    ContentRefused,
    ProviderError,
    ProviderJobFailed,
    ProviderKeyRefused,
    ProviderProtocolError,
    ProviderQuotaExhausted,
    ProviderRequestInvalid,
    ProviderRetired,
    ProviderThrottled,
    ProviderUnavailable,
)
from filmgate.providers.base import (
    Adapter,
    Finished,
    Kind,
    Order,
    Pending,
    ask,
    delay_of,
    look,
    unclear,
)

DEFAULT_URL: Final = "https://api-singapore.klingai.com"

_ERRORS: Final[Mapping[int, tuple[type[ProviderError], str]]] = {
    1000: (ProviderKeyRefused, "refused the key"),
    1001: (ProviderKeyRefused, "refused the key"),
    1002: (ProviderKeyRefused, "refused the key"),
    1003: (ProviderKeyRefused, "says the key is not valid yet"),
    1004: (ProviderKeyRefused, "says the key has expired"),
    1100: (ProviderKeyRefused, "has suspended the account"),
    1101: (ProviderQuotaExhausted, "says the account is in arrears"),
    1102: (ProviderQuotaExhausted, "says the resource pack is used up"),
    1103: (ProviderKeyRefused, "does not sell this model to the account"),
    1200: (ProviderRequestInvalid, "found the request invalid"),
    1201: (ProviderRequestInvalid, "found the request invalid"),
    1202: (ProviderRequestInvalid, "found the request invalid"),
    1203: (ProviderRetired, "does not know this model (any more)"),
    1300: (ContentRefused, "refused by its content policy"),
    1301: (ContentRefused, "refused by its content policy"),
    1302: (ProviderThrottled, "too many requests"),
    1303: (ProviderThrottled, "too many jobs at once"),
    1304: (ProviderKeyRefused, "does not take this address"),
    5001: (ProviderUnavailable, "is under maintenance"),
}
# Models with these fields; both move what is made or billed, so they are never left to a default.
_SEVERAL_SHOTS: Final = frozenset({"kling-3.0", "kling-3.0-omni"})
_SOUND_IS_FIXED: Final = frozenset({"kling-3.0-turbo", "kling-2.5-turbo"})
_POLICY_WORDS: Final = ("risk control", "content", "policy", "sensitive", "inappropriate")


def video_body(order: Order, *, reference: str) -> dict[str, Any]:
    """The task in Kling's words: text alone, or the prompt and the first frame."""
    settings: dict[str, Any] = {"resolution": order.resolution, "duration": order.duration_s}
    if order.model in _SEVERAL_SHOTS:
        settings["multi_shot"] = False
    if order.model not in _SOUND_IS_FIXED:
        settings["audio"] = "off"
    options = {"external_task_id": reference, "watermark_info": {"enabled": False}}
    if order.keyframe is None:
        settings["aspect_ratio"] = order.aspect_ratio
        return {"prompt": order.prompt, "settings": settings, "options": options}
    still = base64.b64encode(order.keyframe.data).decode()
    contents = [{"type": "prompt", "text": order.prompt}, {"type": "first_frame", "url": still}]
    return {"contents": contents, "settings": settings, "options": options}


class Kling(Adapter):
    """Makes one clip per task, from text or from a first frame."""

    kind = Kind.FINDABLE

    def submit(self, order: Order, *, reference: str, deadline_s: float) -> Pending:
        product = "text-to-video" if order.keyframe is None else "image-to-video"
        answer = ask(
            self._http,
            self._account,
            "POST",
            f"/{product}/{order.model}",
            headers={**self._headers(), "Content-Type": "application/json"},
            body=json.dumps(video_body(order, reference=reference)).encode(),
            deadline_s=deadline_s,
        )
        match answer.json:
            case {"code": 0, "data": {"id": str(task)}} if task:
                return Pending({"task": task})
            case {"code": int(code)} if code in _ERRORS:
                leaf, message = _ERRORS[code]
                raise leaf(
                    self._account.provider,
                    message,
                    retry_after_s=delay_of(answer),
                    status=answer.status,
                    request_id=str(answer.json.get("request_id", "")) or None,
                )
        raise unclear(self._account, answer)

    def poll(self, operation: Mapping[str, Any], *, deadline_s: float) -> Pending | Finished:
        task = self._task(f"task_ids={operation['task']}", deadline_s)
        if task is None:
            raise ProviderProtocolError(self._account.provider, "does not list the task")
        match task:
            case {"status": "succeeded", "outputs": [{"type": "video", "url": str(url)}, *_]}:
                return Finished(url=url)
            case {"status": "succeeded"}:
                raise ProviderProtocolError(self._account.provider, "succeeded without a clip")
            case {"status": "failed"}:
                raise self._job_failure(str(task.get("message", "")))
        return Pending(operation)  # submitted, processing, or a word we do not know yet

    def find(self, reference: str, *, deadline_s: float) -> Pending | None:
        task = self._task(f"external_task_ids={reference}", deadline_s)
        return None if task is None else Pending({"task": str(task["id"])})

    def _task(self, query: str, deadline_s: float) -> Mapping[str, Any] | None:
        answer = look(
            self._http,
            self._account,
            f"/tasks?{query}",
            headers=self._headers(),
            deadline_s=deadline_s,
        )
        match answer.json:
            case {"code": 0, "data": [{"id": str()} as task, *_]}:
                return dict(task)
            case {"code": 0, "data": []}:
                return None
        raise ProviderProtocolError(
            self._account.provider, f"answered a look with code {answer.json.get('code')}"
        )

    def _job_failure(self, message: str) -> ProviderError:
        provider = self._account.provider
        if any(word in message.lower() for word in _POLICY_WORDS):
            return ContentRefused(provider, "refused by its content policy while making it")
        return ProviderJobFailed(provider, "the job failed; the vendor does not bill it")

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._account.secret('api_key')}"}


ADAPTER = Kling
