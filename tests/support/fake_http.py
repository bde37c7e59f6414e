"""The port Http with a memory: scripted replies, and every request that an adapter sent."""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filmgate.adapters.egress import Headers, Reply

REPLIES = Path(__file__).parents[1] / "unit" / "providers" / "replies"


@dataclass(frozen=True, slots=True)
class Sent:
    """One request as the adapter handed it over."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    hosts: frozenset[str]
    deadline_s: float

    @property
    def json(self) -> Any:
        assert self.body is not None
        return json.loads(self.body)


class FakeHttp:
    """Answers from a script, in order; exceptions in it are raised. The last line stays."""

    def __init__(self, *script: Reply | Exception) -> None:
        self._script = deque(script)
        self.sent: list[Sent] = []

    def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        hosts: frozenset[str],
        deadline_s: float,
    ) -> Reply:
        self.sent.append(Sent(method, url, dict(headers), body, hosts, deadline_s))
        answer = self._script.popleft() if len(self._script) > 1 else self._script[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def reply(status: int, body: Any = None, **headers: str) -> Reply:
    """A reply; bytes stay as they are, anything else becomes JSON. `retry_after` is a header."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Reply(status, Headers(named), data)


def stored_reply(provider: str, name: str) -> Reply:
    """A vendor's answer from replies/<provider>/<name>.json: {"status", "headers", "body"}."""
    told = json.loads((REPLIES / provider / f"{name}.json").read_text(encoding="utf-8"))
    headers = list(told.get("headers", {}).items())
    return Reply(told["status"], Headers(headers), json.dumps(told["body"]).encode())
