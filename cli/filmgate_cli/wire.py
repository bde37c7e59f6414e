"""Requests that survive a bad line: sent, repeated under the same key, and read with care.

Everything that is sent here may be sent again: reading changes nothing, settings and cancels end in
the same state, and whatever starts paid work carries an Idempotency-Key, under which the gateway
starts it once. So every lost answer is asked for again.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import httpx

from filmgate_cli import __version__
from filmgate_cli.account import Account
from filmgate_cli.problems import Refused, Unreachable

TIMEOUT: Final = httpx.Timeout(40, connect=10)  # the API itself gives up after 30 s
REPEATABLE: Final = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is sent, and how long the pauses between grow."""

    tries: int = 5
    tries_without_connection: int = 3
    first_s: float = 0.4
    longest_s: float = 10.0

    def pause_s(self, tried: int, asked_for: str | None) -> float:
        """Before the next try: what the gateway asks for, or twice the last pause, never in step
        with others."""
        if asked_for is not None and asked_for.isdecimal():
            return min(float(asked_for), self.longest_s)
        grown = min(self.first_s * 2.0 ** (tried - 1), self.longest_s)
        return grown * random.uniform(0.7, 1.0)  # noqa: S311 - no secret


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of a request and what they are."""

    data: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway said; `repeated` says that an earlier answer may have been lost."""

    status: int
    headers: httpx.Headers
    data: bytes
    body: Any
    repeated: bool


class Wire:
    """One gateway, one token."""

    def __init__(
        self,
        account: Account,
        *,
        patience: Patience | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._patience = patience or Patience()
        self._pause = pause
        self._http = httpx.Client(
            base_url=account.url,
            headers={
                "Authorization": f"Bearer {account.token}",
                "User-Agent": f"filmgate-cli/{__version__}",
            },
            timeout=TIMEOUT,
        )

    def close(self) -> None:
        self._http.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: Body | None = None,
        query: Mapping[str, str] | None = None,
        key: str | None = None,
        accepts: tuple[int, ...] = (),
    ) -> Answer:
        """Send until there is an answer that counts.

        Raises Refused for a refusal whose status is not among `accepts`, Unreachable for silence.
        """
        headers = {} if body is None else {"Content-Type": body.media_type}
        if key is not None:
            headers["Idempotency-Key"] = key
        request = self._http.build_request(
            method,
            path,
            params=dict(query or {}),
            headers=headers,
            content=None if body is None else body.data,
        )
        answer = self._send(request)
        if answer.status >= 400 and answer.status not in accepts:
            raise Refused(_problem(answer), answer.status)
        return answer

    def _send(self, request: httpx.Request) -> Answer:
        sent = False
        tried = 0
        while True:
            tried += 1
            try:
                reply = self._http.send(request)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                most = self._patience.tries if sent else self._patience.tries_without_connection
                if tried >= most:
                    raise self._unreachable("does not answer", sent=sent) from None
                asked_for = None
            except httpx.TransportError as error:
                sent = True
                if tried >= self._patience.tries:
                    told = f"broke off ({type(error).__name__})"
                    raise self._unreachable(told, sent=True) from None
                asked_for = None
            else:
                if reply.status_code not in REPEATABLE or tried >= self._patience.tries:
                    return _answer(reply, repeated=sent)
                sent = True
                asked_for = reply.headers.get("Retry-After")
            self._pause(self._patience.pause_s(tried, asked_for))

    def _unreachable(self, what: str, *, sent: bool) -> Unreachable:
        return Unreachable(f"The gateway at {self._http.base_url} {what}.", sent=sent)


def fresh_key() -> str:
    """A key for one request and all its repeats."""
    return f"cli-{uuid4().hex}"


def _answer(reply: httpx.Response, *, repeated: bool) -> Answer:
    body = None
    if "json" in reply.headers.get("Content-Type", "") and reply.content:
        try:
            body = reply.json()
        except ValueError:
            body = None
    return Answer(reply.status_code, reply.headers, reply.content, body, repeated)


def _problem(answer: Answer) -> dict[str, Any]:
    """The problem in an answer; of one that is not ours (a proxy's page), what can be said."""
    if isinstance(answer.body, dict) and "code" in answer.body:
        return answer.body
    return {
        "code": f"http-{answer.status}",
        "detail": f"The answer has the status {answer.status} and is not from a Filmgate gateway.",
        "status": answer.status,
    }
