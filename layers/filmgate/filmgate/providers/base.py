"""What an adapter is, and the few things that all of them share.

An adapter translates an order into its vendor's words, sends it through the Http port, and reads
the answer. It gives Pending, Rendering or Finished; every failure is raised as a leaf of
ProviderError, whose class says what the failure proves (see domain/errors.py).
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Protocol

from filmgate.adapters.strict_json import UnreadableJson, loads
from filmgate.domain.attempts import Kind
from filmgate.domain.errors import (
    ProviderError,
    ProviderJobUnknown,
    ProviderKeyRefused,
    ProviderNotReached,
    ProviderOutcomeUnknown,
    ProviderProtocolError,
    ProviderUnsupported,
)

Json = Any  # whatever json.loads gives


@dataclass(frozen=True, slots=True)
class Keyframe:
    """The still that a clip starts from."""

    data: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Order:
    """One attempt in provider-neutral words; everything that moves the price is explicit."""

    model: str
    prompt: str
    resolution: str
    aspect_ratio: str
    width: int
    height: int
    quality: str
    duration_s: int
    fps: int
    negative_prompt: str | None = None
    style: str | None = None
    seed: int | None = None
    motion: str | None = None
    keyframe: Keyframe | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """The vendor works on it. `operation` is small, JSON, and private to its adapter."""

    operation: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rendering:
    """Our own renderer makes it."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The result: its bytes, or the vendor's link to them.

    What the vendor says about its bill, where it does: output tokens, seconds of clip, or money.
    `results` is how many its answer holds; one is ordered, one is kept, and others are told of.
    """

    data: bytes | None = None
    url: str | None = None
    tokens: int | None = None
    seconds: int | None = None
    cost_micros: int | None = None
    results: int = 1


class Reply(Protocol):
    """What Http gives back; header names are matched without case."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...


class Http(Protocol):
    """The egress port. Its errors carry `proves_not_sent`."""

    def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        hosts: frozenset[str],
        deadline_s: float,
    ) -> Reply: ...


@dataclass(frozen=True, slots=True)
class Account:
    """Where and as whom a provider is called. `key` is the secret's JSON object."""

    provider: str
    base_url: str
    hosts: frozenset[str]
    key: Mapping[str, str]

    def secret(self, field: str) -> str:
        """One field of the key; raises ProviderKeyRefused when it is missing or unusable."""
        value = self.key.get(field, "")
        if not value or not value.isascii() or not value.isprintable() or " " in value:
            raise ProviderKeyRefused(self.provider, f"the stored key has no usable {field}")
        return value


class Adapter:
    """One provider's protocol. An adapter says its kind and overrides what its vendor offers."""

    kind: Kind = Kind.BLIND
    proves_absence: bool = False  # whether a job that a search does not show does not exist
    bills_failed_jobs: bool = False
    can_cancel: bool = False  # whether the vendor has a call for it
    result_life_s: int | None = None  # None: the answer is the result

    def __init__(self, http: Http, account: Account) -> None:
        self._http = http
        self._account = account

    def has_key_of(self, other: "Adapter") -> bool:
        """Whether both call their vendor as the same account."""
        return self._account.key == other._account.key

    def submit(
        self, order: Order, *, reference: str, deadline_s: float
    ) -> Pending | Rendering | Finished:
        """Ask for the work, once. This is the call that costs money."""
        raise NotImplementedError

    def poll(self, operation: Mapping[str, Any], *, deadline_s: float) -> Pending | Finished:
        """Look at a job; free, and safe to repeat. Never asked of who answers at once.

        ContentRefused and ProviderJobFailed mean the job is over; ProviderJobUnknown that the
        vendor shows no such job, ProviderResultMissing a success without a result,
        ProviderKeyRefused a key that opens no look; any other ProviderError means that this look
        saw nothing.
        """
        raise NotImplementedError

    def cancel(self, operation: Mapping[str, Any], *, deadline_s: float) -> None:
        """Ask the vendor to give a job up; asked where `can_cancel` says so.

        Comes back when the vendor took the wish. That proves nothing: only a look that says
        cancelled does. Raises ProviderUnsupported for a job that cannot be cancelled, and any
        other ProviderError when the wish was not taken.
        """
        raise NotImplementedError

    def find(self, reference: str, *, deadline_s: float) -> Pending | None:
        """Search a job by the reference it was submitted under; asked of findable ones only."""
        raise NotImplementedError

    def check(self, *, deadline_s: float) -> None:
        """Ask for something that costs nothing and needs a good key.

        Comes back when the key was taken; every other answer is raised as a leaf of ProviderError.
        """
        raise ProviderUnsupported(self._account.provider, "has no free call to test a key with")

    def download_headers(self, url: str) -> Mapping[str, str]:
        """What a download of a result needs besides its link; nothing, for most."""
        return {}


@dataclass(frozen=True, slots=True)
class Answer:
    """A vendor's reply with its JSON read; `json` is None when the body is no JSON."""

    status: int
    headers: Mapping[str, str]
    json: Json
    is_empty: bool = False


def ask(
    http: Http,
    account: Account,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    deadline_s: float,
) -> Answer:
    """Send one call. Raises ProviderNotReached when surely nothing was sent, and
    ProviderOutcomeUnknown when sending may have begun and no answer came.
    """
    try:
        reply = http.call(
            method,
            f"{account.base_url}{path}",
            headers=headers,
            body=body,
            hosts=account.hosts,
            deadline_s=deadline_s,
        )
    except Exception as error:
        raise _transport_error(account.provider, error) from error
    try:
        parsed = loads(reply.body) if reply.body else None
    except UnreadableJson:
        parsed = None
    return Answer(reply.status, reply.headers, parsed, is_empty=not reply.body.strip())


def look(http: Http, account: Account, path: str, *, headers: Mapping[str, str],
         deadline_s: float, shape: type[Any] = dict) -> Answer:  # fmt: skip
    """Send one free GET that is answered with an object, or with a list where `shape` says so.

    Raises what `unseeing` gives for an answer without one; whatever else goes wrong is a
    ProviderProtocolError too: look again later.
    """
    try:
        answer = ask(http, account, "GET", path, headers=headers, deadline_s=deadline_s)
    except ProviderError as error:
        raise ProviderProtocolError(account.provider, error.message) from error
    if not isinstance(answer.json, shape):
        raise unseeing(account, answer)
    return answer


def unseeing(account: Account, answer: Answer) -> ProviderError:
    """The error for a reply to a look that shows no job: a refused key, a job that the vendor
    does not know, or nothing that tells anything."""
    name, status = account.provider, answer.status
    if status == HTTPStatus.UNAUTHORIZED:
        return ProviderKeyRefused(name, "refused the key at a look", status=status)
    if status == HTTPStatus.NOT_FOUND:
        return ProviderJobUnknown(name, "shows no such job", status=status)
    return ProviderProtocolError(
        name,
        f"answered a look with HTTP {status}",
        retry_after_s=delay_of(answer),
        status=status,
    )


def unclear(account: Account, answer: Answer) -> ProviderOutcomeUnknown:
    """The error for a reply to a submit that proves nothing."""
    return ProviderOutcomeUnknown(
        account.provider,
        f"its answer (HTTP {answer.status}) does not say whether it took the job",
        status=answer.status,
    )


def no_check(account: Account, answer: Answer) -> ProviderProtocolError:
    """The error for a reply to a free call that says nothing about the key."""
    return ProviderProtocolError(
        account.provider, f"gave no readable answer to a free call (HTTP {answer.status})"
    )


def picture(account: Account, text: Json) -> bytes:
    """Decode a base64 picture. A broken one is kept as it is: the bytes decide later."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        return str(text).encode()[:1_000_000]


def delay_of(answer: Answer) -> float | None:
    """Seconds of a Retry-After header; None when there is none or it tells no time to come.

    A date is measured against the reply's own Date, so no clock can be wrong.
    """
    text = answer.headers.get("retry-after", "")
    try:
        seconds = float(text)
    except ValueError:
        seconds = _seconds_between(answer.headers.get("date", ""), text)
    return seconds if seconds > 0 else None


def _seconds_between(earlier: str, later: str) -> float:
    """Between two dates of HTTP headers; 0 when one of them is none."""
    try:
        return (parsedate_to_datetime(later) - parsedate_to_datetime(earlier)).total_seconds()
    except (TypeError, ValueError):
        return 0.0


def _transport_error(provider: str, error: Exception) -> ProviderError | Exception:
    """What a failure of the Http port proves; anything that is none stays what it is."""
    proves_not_sent = getattr(error, "proves_not_sent", None)
    if proves_not_sent is None:
        return error
    leaf = ProviderNotReached if proves_not_sent else ProviderOutcomeUnknown
    return leaf(provider, str(error))
