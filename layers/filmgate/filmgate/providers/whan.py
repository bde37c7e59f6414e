"""Wan through Alibaba's DashScope (Model Studio): create an asynchronous task, then look at it.

Facts read 2026-11 in the `dashscope` package 2.0.2 and on copies of help.aliyun.com:
- Model, host and key belong to one region; Singapore is the default, another one is an `api_url`.
- The size is words of the model's generation: `size` as "1280*720" with an asterisk up to 2.6,
  later `resolution` as "720P" with a capital P and `ratio`; from a still there is no ratio.
- A failed task is HTTP 200 with its code in `output`. UNKNOWN means lost, of another region, or
  older than 24 h, and says nothing about whether it was charged.
- HTTP 429 stands for a rate and for money, so `code` decides before the status does.
- Only successful seconds are charged: "failed calls cost nothing". An error in the vendor's own
  envelope comes instead of a task and is counted as not accepted; InternalError.Timeout is not, for
  a time-out within the vendor may hide a task that goes on.
- There is no client id. The task list has time, model and status of every task of the account, but
  neither the prompt nor anything of ours, so a lost answer cannot be told from another shot's job
  of the same minute: the kind is blind.
"""

import base64
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal
from urllib.parse import quote

from filmgate.domain.attempts import Kind
from filmgate.domain.errors import (
    ContentRefused,
    ProviderError,
    ProviderJobFailed,
    ProviderJobUnknown,
    ProviderKeyRefused,
    ProviderQuotaExhausted,
    ProviderRequestInvalid,
    ProviderResultMissing,
    ProviderRetired,
    ProviderThrottled,
    ProviderUnavailable,
    ProviderUnsupported,
)
from filmgate.providers.base import (
    Adapter,
    Answer,
    Finished,
    Keyframe,
    Order,
    Pending,
    ask,
    delay_of,
    look,
    no_check,
    unclear,
    unseeing,
)

DEFAULT_URL: Final = "https://dashscope-intl.aliyuncs.com"
LARGEST_STILL_BYTES: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Words:
    """How a model's generation says size and still, and what else must not be left to a default."""

    size: Literal["size", "ratio"] | None = None
    still: Literal["img_url", "media"] | None = None
    also: Mapping[str, Any] = field(default_factory=dict)


MODELS: Final[Mapping[str, Words]] = {
    "wan3.0-video": Words("ratio", "media", {"audio": False}),
    "wan3.0-video-prime": Words("ratio", "media", {"audio": False}),
    "wan2.7-t2v": Words("ratio"),
    "wan2.7-i2v": Words(still="media"),
    "wan2.6-t2v": Words("size", also={"shot_type": "single"}),
    "wan2.6-i2v": Words(still="img_url", also={"shot_type": "single", "audio": False}),
    "wan2.5-t2v-preview": Words("size"),
    "wan2.5-i2v-preview": Words(still="img_url"),
}

_Leaf = tuple[type[ProviderError], str]
_INVALID: Final[_Leaf] = (ProviderRequestInvalid, "found the request invalid")
_REFUSED: Final[_Leaf] = (ContentRefused, "refused by its content policy")
_KEY: Final[_Leaf] = (ProviderKeyRefused, "refused the key (it is of one region, as the host is)")
_ACCESS: Final[_Leaf] = (ProviderKeyRefused, "does not sell this model to the account")
_MONEY: Final[_Leaf] = (ProviderQuotaExhausted, "over its quota or in arrears")
_RATE: Final[_Leaf] = (ProviderThrottled, "too many requests")
_OWN: Final[_Leaf] = (ProviderUnavailable, "an error of its own")
_LOADED: Final[_Leaf] = (ProviderUnavailable, "overloaded")
_RETIRED: Final[_Leaf] = (ProviderRetired, "does not know this model (any more)")
# Looked up as a whole, then by the part before the first point.
_ERRORS: Final[Mapping[str, _Leaf | None]] = {
    "InvalidParameter": _INVALID,
    "InvalidURL": _INVALID,
    "InvalidImage": _INVALID,
    "InvalidVideo": _INVALID,
    "UnsupportedOperation": _INVALID,
    "DataInspectionFailed": _REFUSED,
    "data_inspection_failed": _REFUSED,
    "IPInfringementSuspect": _REFUSED,
    "Arrearage": _MONEY,
    "InvalidApiKey": _KEY,
    "invalid_api_key": _KEY,
    "AccessDenied": _ACCESS,
    "Model.AccessDenied": _ACCESS,
    "Workspace.AccessDenied": _ACCESS,
    "AllocationQuota.FreeTierOnly": _MONEY,
    "ModelNotFound": _RETIRED,
    "Throttling": _RATE,
    "LimitRequests": _RATE,
    "Throttling.AllocationQuota": _MONEY,
    "insufficient_quota": _MONEY,
    "PrepaidBillOverdue": _MONEY,
    "PostpaidBillOverdue": _MONEY,
    "CommodityNotPurchased": _MONEY,
    "InternalError": _OWN,
    "InternalError.Timeout": None,
    "SystemError": _OWN,
    "ModelUnavailable": _LOADED,
    "ModelServingError": _LOADED,
}
# For codes that are not in the table: an envelope with one of these is a refusal all the same.
_STATUSES: Final[Mapping[int, _Leaf]] = {
    400: _INVALID, 401: _KEY, 403: _ACCESS, 404: _RETIRED, 429: _RATE,
}  # fmt: skip
_RATE_OR_MONEY: Final = frozenset({"Throttling.AllocationQuota", "insufficient_quota"})
_NAMES_A_RATE: Final = re.compile(r"\brate\b", re.IGNORECASE)
_NO_SUCH_MODEL: Final = "model not exist"


def video_body(order: Order) -> dict[str, Any]:
    """The task in DashScope's words: text alone, or text and the first frame."""
    words = MODELS[order.model]
    given: dict[str, Any] = {"prompt": order.prompt}
    if order.negative_prompt is not None:
        given["negative_prompt"] = order.negative_prompt
    if order.keyframe is not None and words.still == "img_url":
        given["img_url"] = _data_url(order.keyframe)
    elif order.keyframe is not None:
        given["media"] = [{"type": "first_frame", "url": _data_url(order.keyframe)}]
    parameters = {
        **_size(order, words),
        "duration": order.duration_s,
        "prompt_extend": True,
        "watermark": False,
        **words.also,
    }
    if order.seed is not None:
        parameters["seed"] = order.seed
    return {"model": order.model, "input": given, "parameters": parameters}


class Whan(Adapter):
    """Makes one clip per task, from text or from a first frame."""

    kind = Kind.BLIND
    can_cancel = True  # while it is PENDING
    result_life_s = 86_400

    def submit(self, order: Order, *, reference: str, deadline_s: float) -> Pending:
        if order.keyframe is not None and len(order.keyframe.data) > LARGEST_STILL_BYTES:
            raise ProviderUnsupported(self._account.provider, "takes stills of at most 10 MB")
        answer = ask(
            self._http,
            self._account,
            "POST",
            "/api/v1/services/aigc/video-generation/video-synthesis",
            headers={
                **self._headers(),
                "Content-Type": "application/json",
                "X-DashScope-Async": "enable",
            },
            body=json.dumps(video_body(order)).encode(),
            deadline_s=deadline_s,
        )
        match answer.json:
            case {"output": {"task_id": str(task)}} if task and answer.status == 200:
                return Pending({"task": task})
        raise self._refusal(answer) or unclear(self._account, answer)

    def poll(self, operation: Mapping[str, Any], *, deadline_s: float) -> Pending | Finished:
        provider = self._account.provider
        answer = look(
            self._http,
            self._account,
            f"/api/v1/tasks/{quote(operation['task'], safe='')}",
            headers=self._headers(),
            deadline_s=deadline_s,
        )
        match answer.json:
            case {"output": {"task_status": "SUCCEEDED", "video_url": str(url)}} | {
                "output": {"task_status": "SUCCEEDED", "results": {"video_url": str(url)}}
            } if url:
                return Finished(url=url, seconds=_billed_seconds(answer.json))
            case {"output": {"task_status": "SUCCEEDED"}}:
                raise ProviderResultMissing(provider, "succeeded without a clip")
            case {"output": {"task_status": "FAILED"} as output}:
                raise self._job_failure(str(output.get("code")), str(output.get("message")))
            case {"output": {"task_status": "CANCELED"}}:
                raise ProviderJobFailed(provider, "the job was cancelled there; it is not billed")
            case {"output": {"task_status": "UNKNOWN"}}:
                raise ProviderJobUnknown(provider, "does not know the task")
            case {"output": {"task_status": str()}}:
                return Pending(operation)  # waiting, working, or a word we do not know yet
        raise unseeing(self._account, answer)

    def cancel(self, operation: Mapping[str, Any], *, deadline_s: float) -> None:
        """Give up a task that still waits; one that is being made runs to its end."""
        answer = ask(
            self._http,
            self._account,
            "POST",
            f"/api/v1/tasks/{quote(operation['task'], safe='')}/cancel",
            headers=self._headers(),
            deadline_s=deadline_s,
        )
        if answer.status == 400:
            raise ProviderUnsupported(self._account.provider, "cancels waiting tasks only")
        if answer.status != 200:
            raise unseeing(self._account, answer)

    def check(self, *, deadline_s: float) -> None:
        """List one task. Says nothing about the right to a model, nor about the account's money."""
        answer = ask(
            self._http,
            self._account,
            "GET",
            "/api/v1/tasks/?page_no=1&page_size=1",
            headers=self._headers(),
            deadline_s=deadline_s,
        )
        match answer.json:
            case {"total": int()} if answer.status == 200:
                return
        raise self._refusal(answer) or no_check(self._account, answer)

    def _refusal(self, answer: Answer) -> ProviderError | None:
        """The refusal in the vendor's own envelope; None where there is none that proves one."""
        match answer.json:
            case {"code": str(code), "message": str(message)}:
                found = _leaf(answer.status, code, message)
            case _:
                found = None
        if found is None:
            return None
        leaf, sentence = found
        return leaf(
            self._account.provider,
            sentence,
            retry_after_s=delay_of(answer),
            status=answer.status,
            request_id=str(answer.json.get("request_id", "")) or None,
        )

    def _job_failure(self, code: str, message: str) -> ProviderError:
        """Every failure but a refusal is ProviderJobFailed: the job is over and free."""
        provider = self._account.provider
        found = _leaf(200, code, message)
        if found == _REFUSED:
            return ContentRefused(provider, "refused by its content policy while making it")
        if found == _INVALID:
            return ProviderJobFailed(provider, "found its input invalid; it does not bill that")
        return ProviderJobFailed(provider, "the job failed; the vendor does not bill it")

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._account.secret('api_key')}"}


def _size(order: Order, words: Words) -> dict[str, Any]:
    if words.size == "size":
        return {"size": f"{order.width}*{order.height}"}
    resolution = {"resolution": order.resolution.upper()}
    if words.size is None:
        return resolution
    return {**resolution, "ratio": order.aspect_ratio if order.keyframe is None else "adaptive"}


def _data_url(still: Keyframe) -> str:
    return f"data:{still.media_type};base64,{base64.b64encode(still.data).decode()}"


def _leaf(status: int, code: str, message: str) -> _Leaf | None:
    """DashScope's error table as classes; None where the answer does not prove a refusal."""
    if code.lower() == _NO_SUCH_MODEL or _NO_SUCH_MODEL in message.lower():
        return _RETIRED  # also comes as InvalidParameter
    if code in _RATE_OR_MONEY and _NAMES_A_RATE.search(message):
        return _RATE
    if code in _ERRORS:
        return _ERRORS[code]
    family = code.partition(".")[0]
    return _ERRORS[family] if family in _ERRORS else _STATUSES.get(status)


def _billed_seconds(answer: Mapping[str, Any]) -> int | None:
    """What the vendor counts, where it says so; 2.1 and 2.2 call it video_duration."""
    match answer:
        case {"usage": {"duration": seconds}} | {"usage": {"video_duration": seconds}}:
            if isinstance(seconds, int | Decimal) and seconds > 0:
                return math.ceil(seconds)
    return None


ADAPTER = Whan
