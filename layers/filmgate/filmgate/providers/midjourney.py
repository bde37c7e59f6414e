"""Midjourney through the midjourney-proxy protocol: submit a prompt, then look at its task.

Facts read 2026-11 in novicezk/midjourney-proxy 2.6.3 and trueai-org/midjourney-proxy 11.10.3:
- There is no official API and so no vendor's host: the proxy stands at the owner's own `api_url`
  (everything before `/mj/…`, without a path for the speed).
- Nearly every business outcome is HTTP 200 and `code` decides. Both dialects share the codes; what
  differs (24, 23 and 21 at submit, an unknown task as empty 200 or 204) is told by the answer.
- Midjourney's parameters ride in the prompt as `--flags`; the speed is one and moves the price, so
  it is always sent and is the model's name here. A prompt with flags or {permutations} of its own
  could order another speed or several jobs: it is not sent.
- The result is the grid of four as one picture. Cutting one out (U1 to U4) is not used.
- `imageUrl` is set while the picture is still being made: only the status says that it is done.
- `state` is echoed and not unique. A task found in the list with our state is our job; a task not
  found proves nothing, for lists are cut (latest 100) and forgotten on a restart.
- A gateway's 5xx and anything unreadable prove nothing; codes 3, 4, 9, 23, 24 come without a task.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final
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
    ProviderThrottled,
    ProviderUnavailable,
    ProviderUnsupported,
)
from filmgate.providers.base import (
    Account,
    Adapter,
    Answer,
    Finished,
    Http,
    Order,
    Pending,
    ask,
    delay_of,
    look,
    no_check,
    unclear,
    unseeing,
)

DEFAULT_URL: Final = ""
SPEEDS: Final = {
    "midjourney-fast": "--fast",
    "midjourney-relax": "--relax",
    "midjourney-turbo": "--turbo",
}
LONGEST_PROMPT: Final = 6000  # of a Discord slash command, parameters included
HIGHEST_STYLIZE: Final = 1000

_Leaf = tuple[type[ProviderError], str]
_CODES: Final[Mapping[int, _Leaf]] = {
    3: (ProviderKeyRefused, "has no Midjourney account that works"),
    4: (ProviderRequestInvalid, "found the request invalid"),
    9: (ProviderUnavailable, "an error of its own, without a task"),
    23: (ProviderThrottled, "its queue is full"),
    24: (ContentRefused, "refused a word of the prompt"),
}
_STATUSES: Final[Mapping[int, _Leaf]] = {
    401: (ProviderKeyRefused, "refused the key"),
    403: (ProviderKeyRefused, "refused the key or this address"),
    429: (ProviderThrottled, "too many requests"),
}
_QUEUE_FULL: Final = "队列已满"
_LIMIT_REACHED: Final = "上限"
# Words of `failReason`, in the order in which they count. All of them end the job, so all but a
# refusal are ProviderJobFailed: another class would mean that this look saw nothing.
_FAILURES: Final = (
    (("banned prompt", "image denied", "敏感词"), ContentRefused, "refused by its content policy"),
    (("invalid parameter", "invalid link"), ProviderJobFailed, "found a parameter or link invalid"),
    (
        ("任务超时", "执行超时"),
        ProviderJobFailed,
        "the proxy gave up waiting; Midjourney may have spent the minutes all the same",
    ),
    (
        ("subscription", "credit", "blocked"),
        ProviderJobFailed,
        "the Midjourney account has no plan or no hours left, or is blocked",
    ),
)
# A dash of a phone's keyboard is a parameter to Midjourney as well.
_OWN_PARAMETERS: Final = re.compile(r"--+[A-Za-z]|(?:^|\s)—[A-Za-z]|[{}]")


def imagine_body(order: Order, *, reference: str) -> dict[str, Any]:
    """The task in the proxy's words: text first, then every parameter as a flag."""
    text, style = _styled(order)
    flags = [f"--ar {order.aspect_ratio}"]
    if order.negative_prompt is not None:
        flags.append(f"--no {order.negative_prompt}")
    if order.seed is not None:
        flags.append(f"--seed {order.seed}")
    return {"prompt": " ".join([text, *flags, *style, SPEEDS[order.model]]), "state": reference}


class Midjourney(Adapter):
    """Makes one grid of four pictures per task."""

    kind = Kind.FINDABLE
    result_life_s = 86_400  # links of its CDN are said to end after about a day

    def __init__(self, http: Http, account: Account) -> None:
        """Raises ProviderUnsupported when the owner has not said where the proxy stands."""
        super().__init__(http, account)
        if not account.base_url:
            raise ProviderUnsupported(
                account.provider, "has no address: set api_url to the owner's proxy"
            )

    def submit(self, order: Order, *, reference: str, deadline_s: float) -> Pending:
        body = imagine_body(order, reference=reference)
        self._check(order, body["prompt"])
        answer = ask(
            self._http,
            self._account,
            "POST",
            "/mj/submit/imagine",
            headers={**self._headers(), "Content-Type": "application/json"},
            body=json.dumps(body).encode(),
            deadline_s=deadline_s,
        )
        match answer.json:
            case {"code": 1 | 21 | 22, "result": str(task)} if task and answer.status == 200:
                return Pending({"task": task})
        raise self._refusal(answer) or unclear(self._account, answer)

    def poll(self, operation: Mapping[str, Any], *, deadline_s: float) -> Pending | Finished:
        path = f"/mj/task/{quote(operation['task'], safe='')}/fetch"
        answer = self._look(path, deadline_s, shape=object)
        match task := answer.json:
            case {"status": "SUCCESS", "imageUrl": str(url)} if url:
                return Finished(url=url)
            case {"status": "SUCCESS"}:
                raise ProviderResultMissing(self._account.provider, "succeeded without a picture")
            case {"status": "FAILURE"}:
                raise self._job_failure(str(task.get("failReason")))
            case {"status": "CANCEL"}:
                raise ProviderJobFailed(self._account.provider, "the job was cancelled there")
            case {"status": str()}:
                # Not begun, being made, a word we do not know yet; or MODAL: a window at the proxy
                # waits for a person, and while it may still be confirmed the job is not over.
                return Pending(operation)
        if answer.status in (200, 204) and answer.is_empty:
            raise ProviderJobUnknown(self._account.provider, "does not know the task")
        raise unseeing(self._account, answer)

    def find(self, reference: str, *, deadline_s: float) -> Pending | None:
        """The task with exactly this reference as `state`. None never proves that there is none."""
        for task in self._look("/mj/task/list", deadline_s, shape=list).json:
            match task:
                case {"id": str(identifier), "state": str(state)} if state == reference:
                    return Pending({"task": identifier})
        return None

    def check(self, *, deadline_s: float) -> None:
        """Ask for the tasks of an empty list of ids. A proxy may have been set up without a key;
        and whether a Midjourney account stands behind it, only a paid call shows."""
        answer = ask(
            self._http,
            self._account,
            "POST",
            "/mj/task/list-by-condition",
            headers={**self._headers(), "Content-Type": "application/json"},
            body=b'{"ids": []}',
            deadline_s=deadline_s,
        )
        if answer.status != 200 or not isinstance(answer.json, list):
            raise self._refusal(answer) or no_check(self._account, answer)

    def _look(self, path: str, deadline_s: float, *, shape: type[Any] = dict) -> Answer:
        return look(self._http, self._account, path, headers=self._headers(),
                    deadline_s=deadline_s, shape=shape)  # fmt: skip

    def _check(self, order: Order, prompt: str) -> None:
        """Raises ProviderUnsupported for a text that would order more than was priced."""
        texts = (order.prompt, order.negative_prompt or "", order.style or "")
        if any(_OWN_PARAMETERS.search(text) for text in texts):
            raise ProviderUnsupported(
                self._account.provider,
                "the prompt holds parameters of its own (--… or {…}), which could move its price",
            )
        if len(prompt) > LONGEST_PROMPT:
            raise ProviderUnsupported(
                self._account.provider,
                f"takes at most {LONGEST_PROMPT} characters with all parameters",
            )

    def _job_failure(self, reason: str) -> ProviderError:
        for words, leaf, message in _FAILURES:
            if any(word in reason.lower() for word in words):
                return leaf(self._account.provider, message)
        return ProviderJobFailed(self._account.provider, "the job failed")

    def _refusal(self, answer: Answer) -> ProviderError | None:
        found = _leaf(answer)
        if found is None:
            return None
        leaf, message = found
        return leaf(
            self._account.provider,
            message,
            retry_after_s=delay_of(answer),
            status=answer.status,
        )

    def _headers(self) -> dict[str, str]:
        return {"mj-api-secret": self._account.secret("api_key")}


def _styled(order: Order) -> tuple[str, list[str]]:
    """The prompt and the flags of a style: Midjourney has no field for other words, its text is."""
    style = order.style
    if style is None:
        return order.prompt, []
    if style.lower() == "raw":
        return order.prompt, ["--style raw"]
    if style.isascii() and style.isdigit() and int(style) <= HIGHEST_STYLIZE:
        return order.prompt, [f"--stylize {int(style)}"]
    return f"{order.prompt}, {style}", []


def _leaf(answer: Answer) -> _Leaf | None:
    """Why surely no task was made; None where the answer does not prove that."""
    match answer.json:
        case {"code": int(code)} if code in _CODES and answer.status < 500:
            said = str(answer.json.get("description"))
            if code == 9 and _QUEUE_FULL in said:
                return _CODES[23]
            if code == 4 and _LIMIT_REACHED in said:
                return ProviderQuotaExhausted, "over its limit for today"
            return _CODES[code]
    return _STATUSES.get(answer.status)


ADAPTER = Midjourney
