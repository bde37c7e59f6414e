"""Kling AI on both of its protocols: create a task, then look at it. The model decides which.

Facts read 2026-11 in `@ai-sdk/klingai` 4.0.31 and on copies of kling.ai/document-api:
- New: the model in the path, an API key only. Legacy, of models written `kling-v…`: the model in
  the body, an API key or a JWT signed with a pair of keys (_kling_legacy.py has its words).
- `code` in the body decides, not the HTTP status: 429 stands for rate, concurrency and an empty
  account alike, and a business error can come with HTTP 200.
- `external_task_id` is unique per account and can be searched, so a lost answer is findable. The
  error for a second use is not documented; one that names the field is taken for that.
- `multi_shot` defaults to true on 3.0 and omni and changes what is made; `audio` moves the price.
- Stills: at most 50 MB on the new protocol and 10 MB on the legacy one, base64 without a prefix.
- What a task was billed stands in `billing` (units or money), legacy `final_unit_deduction`.
- Failed tasks are not charged, by what aggregators say; the vendor does not state it.
- Internal errors (5000, 5002) may hide a task that exists: they prove nothing.
"""

import base64
import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Final
from urllib.parse import quote

from filmgate.domain.attempts import Kind
from filmgate.domain.errors import (
    ContentRefused,
    ProviderError,
    ProviderJobFailed,
    ProviderJobUnknown,
    ProviderKeyRefused,
    ProviderProtocolError,
    ProviderQuotaExhausted,
    ProviderRequestInvalid,
    ProviderResultMissing,
    ProviderRetired,
    ProviderThrottled,
    ProviderUnavailable,
    ProviderUnsupported,
)
from filmgate.domain.money import MICROS_PER_USD, Micros, round_up_charge
from filmgate.providers import _kling_legacy as legacy
from filmgate.providers.base import (
    Account,
    Adapter,
    Answer,
    Finished,
    Http,
    Json,
    Order,
    Pending,
    ask,
    delay_of,
    look,
    no_check,
    unclear,
)

DEFAULT_URL: Final = "https://api-singapore.klingai.com"
LARGEST_STILL_BYTES: Final = 50_000_000
MICROS_PER_UNIT: Final = 140_000  # pricing/base/video, read 2026-07-24: 1 unit is 0.14 USD

HOUR_MS: Final = 3_600_000

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
_OUT_OF_TIME: Final = frozenset({1003, 1004})
# Models with these fields; both move what is made or billed, so they are never left to a default.
_SEVERAL_SHOTS: Final = frozenset({"kling-3.0", "kling-3.0-omni"})
_SOUND_IS_FIXED: Final = frozenset({"kling-3.0-turbo", "kling-2.5-turbo"})
_POLICY_WORDS: Final = ("risk control", "content", "policy", "sensitive", "inappropriate")
_AMOUNT: Final = re.compile(r"\d{1,9}(?:\.\d{1,12})?")


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
    """Makes one clip per task, from text or from a first frame.

    An operation is {"task"}, with the legacy {"product"} whose path the task is looked at below.
    """

    kind = Kind.FINDABLE
    proves_absence = True  # the vendor keeps references unique and lists by them
    result_life_s = 30 * 86_400

    def __init__(
        self, http: Http, account: Account, *, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(http, account)
        self._clock = clock
        self._offset_s = 0.0  # how far the vendor's clock is ahead, once it was learnt

    def submit(self, order: Order, *, reference: str, deadline_s: float) -> Pending:
        self._refuse_unsendable(order)
        operation: dict[str, Any] = {}
        if legacy.speaks(order.model):
            operation = {"product": legacy.product_of(order)}
            path = f"/v1/videos/{operation['product']}"
            body = legacy.video_body(order, reference=reference)
        else:
            made_from = "text" if order.keyframe is None else "image"
            path = f"/{made_from}-to-video/{order.model}"
            body = video_body(order, reference=reference)
        answer = self._call("POST", path, body=json.dumps(body).encode(), deadline_s=deadline_s)
        match answer.json:
            case {"code": 0, "data": {"task_id": str(task)}} if task and operation:
                return Pending({"task": task, **operation})
            case {"code": 0, "data": {"id": str(task)}} if task and not operation:
                return Pending({"task": task})
            case {"code": 1200 | 1201, "message": str(told)} if "external_task_id" in told:
                raise unclear(self._account, answer)  # a task of this reference may exist
            case {"code": int(code)} if code in _ERRORS:
                raise self._refusal(answer, *_ERRORS[code])
        raise unclear(self._account, answer)

    def poll(self, operation: Mapping[str, Any], *, deadline_s: float) -> Pending | Finished:
        task, product = operation["task"], operation.get("product")
        if product is None:
            seen = self._task(f"task_ids={quote(task, safe='')}", deadline_s)
        else:
            seen = self._legacy_task(product, task, deadline_s)
        if seen is None:
            raise ProviderJobUnknown(self._account.provider, "does not list the task")
        match seen:
            case {"status": "succeeded", "outputs": [{"type": "video", "url": str(url)}, *others]}:
                return Finished(
                    url=url, cost_micros=cost_of(seen.get("billing")), results=1 + len(others)
                )
            case {"status": "succeeded"}:
                raise ProviderResultMissing(self._account.provider, "succeeded without a clip")
            case {"status": "failed"}:
                raise self._job_failure(str(seen.get("message", "")))
        return Pending(operation)  # submitted, processing, or a word we do not know yet

    def find(self, reference: str, *, deadline_s: float) -> Pending | None:
        """Search on every protocol that the key opens: a reference does not tell the model."""
        ends_at = time.monotonic() + deadline_s
        if not self._has_pair:
            task = self._task(f"external_task_ids={quote(reference, safe='')}", deadline_s)
            if task is not None:
                return Pending({"task": task["id"]})
        for product in legacy.PRODUCTS:
            task = self._legacy_task(product, reference, max(0.1, ends_at - time.monotonic()))
            if task is not None:
                return Pending({"task": task["id"], "product": product})
        return None

    def check(self, *, deadline_s: float) -> None:
        """Ask for the account's resource packs of the last hour; the paying call is another one.

        It takes a pair of keys too, though that opens the models of the legacy protocol only.
        """
        now_ms = int(self._clock() * 1000)
        answer = self._call(
            "GET",
            f"/account/costs?start_time={now_ms - HOUR_MS}&end_time={now_ms}",
            deadline_s=deadline_s,
        )
        match answer.json:
            case {"code": 0}:
                return
            case {"code": int(code)} if code in _ERRORS:
                raise self._refusal(answer, *_ERRORS[code])
        raise no_check(self._account, answer)

    def _refuse_unsendable(self, order: Order) -> None:
        """Raise for what the order's protocol cannot take, before anything is sent."""
        provider, is_legacy = self._account.provider, legacy.speaks(order.model)
        if self._has_pair and not is_legacy:
            raise ProviderKeyRefused(
                provider,
                f"takes an API key here, and no pair of access and secret key ({order.model})",
            )
        largest = legacy.LARGEST_STILL_BYTES if is_legacy else LARGEST_STILL_BYTES
        if order.keyframe is not None and len(order.keyframe.data) > largest:
            raise ProviderUnsupported(
                provider, f"takes stills of at most {largest // 1_000_000} MB here"
            )
        if is_legacy and len(order.negative_prompt or "") > legacy.PROMPT_MAX_CHARS:
            raise ProviderUnsupported(provider, "takes shorter negative prompts")

    def _task(self, query: str, deadline_s: float) -> Mapping[str, Any] | None:
        """One task of the new protocol; None where the vendor does not list it."""
        answer = self._look(f"/tasks?{query}", deadline_s)
        match answer.json:
            case {"code": 0, "data": [{"id": str()} as task, *_]}:
                return dict(task)
            case {"code": 0, "data": []}:
                return None
        raise self._unreadable(answer)

    def _legacy_task(self, product: str, name: str, deadline_s: float) -> Mapping[str, Any] | None:
        """One legacy task, by its id or reference, in the words of the new protocol.

        1203 is an unknown model where a task is created, and an unknown task here.
        """
        answer = self._look(f"/v1/videos/{product}/{quote(name, safe='')}", deadline_s)
        match answer.json:
            case {"code": 0, "data": {"task_id": str()} as task}:
                return legacy.in_new_words(task)
            case {"code": 0, "data": [] | None} | {"code": 1203}:
                return None
        raise self._unreadable(answer)

    def _look(self, path: str, deadline_s: float) -> Answer:
        return self._signed(
            lambda headers, left_s: look(
                self._http, self._account, path, headers=headers, deadline_s=left_s
            ),
            deadline_s,
        )

    def _call(
        self, method: str, path: str, *, body: bytes | None = None, deadline_s: float
    ) -> Answer:
        typed = {} if body is None else {"Content-Type": "application/json"}
        return self._signed(
            lambda headers, left_s: ask(
                self._http,
                self._account,
                method,
                path,
                headers={**headers, **typed},
                body=body,
                deadline_s=left_s,
            ),
            deadline_s,
        )

    def _signed(
        self, send: Callable[[Mapping[str, str], float], Answer], deadline_s: float
    ) -> Answer:
        """Send a call; once more where the vendor's clock is found to be another than ours.

        A refused signature proves that nothing was accepted, so this is safe for a submit too.
        """
        began_at = time.monotonic()
        answer = send(self._headers(), deadline_s)
        left_s = deadline_s - (time.monotonic() - began_at)
        late = left_s < deadline_s / 2  # too little time would leave a second submit in doubt
        if late or not self._has_pair or not self._learns_the_time(answer):
            return answer
        return send(self._headers(), left_s)

    def _learns_the_time(self, answer: Answer) -> bool:
        """Whether the token's times were refused and the reply's Date says what time it is."""
        match answer.json:
            case {"code": int(code)} if code in _OUT_OF_TIME:
                told = _seconds_of(answer.headers.get("date", ""))
                if told is not None:
                    self._offset_s = told - self._clock()
                    return True
        return False

    @property
    def _has_pair(self) -> bool:
        return "access_key" in self._account.key

    def _headers(self) -> dict[str, str]:
        if not self._has_pair:
            return {"Authorization": f"Bearer {self._account.secret('api_key')}"}
        token = legacy.token(
            self._account.secret("access_key"),
            self._account.secret("secret_key"),
            now_s=int(self._clock() + self._offset_s),
        )
        return {"Authorization": f"Bearer {token}"}

    def _job_failure(self, message: str) -> ProviderError:
        provider = self._account.provider
        if any(word in message.lower() for word in _POLICY_WORDS):
            return ContentRefused(provider, "refused by its content policy while making it")
        return ProviderJobFailed(provider, "the job failed; the vendor does not bill it")

    def _unreadable(self, answer: Answer) -> ProviderError:
        match answer.json:
            case {"code": int(code)} if code in _ERRORS and _ERRORS[code][0] is ProviderKeyRefused:
                return self._refusal(answer, *_ERRORS[code])
        return ProviderProtocolError(
            self._account.provider,
            f"answered a look with code {answer.json.get('code')}",
            retry_after_s=delay_of(answer),
            status=answer.status,
        )

    def _refusal(self, answer: Answer, leaf: type[ProviderError], message: str) -> ProviderError:
        return leaf(
            self._account.provider,
            message,
            retry_after_s=delay_of(answer),
            status=answer.status,
            request_id=str(answer.json.get("request_id", "")) or None,
        )


def cost_of(billing: Json) -> Micros | None:
    """What a finished task was billed, exactly; None where the vendor does not say all of it.

    Nothing billed is None too: an entry may come later, and the price that is held stands.
    """
    if not isinstance(billing, list):
        return None
    total = Fraction(0)
    for entry in billing:
        match entry:
            case {"charge_type": "unit", "amount": amount}:
                rate = MICROS_PER_UNIT
            case {"charge_type": "cash", "currency": "USD", "amount": amount}:
                rate = MICROS_PER_USD
            case _:
                return None
        if isinstance(amount, bool) or not _AMOUNT.fullmatch(str(amount)):
            return None
        total += Fraction(str(amount)) * rate
    return round_up_charge(total.numerator, total.denominator) or None


def _seconds_of(date: str) -> float | None:
    """The moment of a Date header, always GMT (RFC 9110, 5.6.7); None where it is none."""
    try:
        moment = datetime.strptime(date, "%a, %d %b %Y %H:%M:%S GMT")
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC).timestamp()


ADAPTER = Kling
