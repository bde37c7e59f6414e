"""An Http port that gives scripted replies and remembers what it was asked."""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filmgate.adapters.egress import Headers

REPLIES = Path(__file__).resolve().parents[1] / "unit/providers/replies"


@dataclass(frozen=True, slots=True)
class ScriptedReply:
    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """One call as it reached the port."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    hosts: frozenset[str]
    deadline_s: float

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"null")


class TransportFailed(Exception):
    """A failure of the way, as the egress module raises them."""

    def __init__(self, *, proves_not_sent: bool) -> None:
        super().__init__("host: no whole reply in time")
        self.proves_not_sent = proves_not_sent


def reply(body: Any, status: int = 200, **headers: str) -> ScriptedReply:
    """A reply with a body of JSON, or of these very bytes; `_` in a header's name means `-`."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return ScriptedReply(status, Headers(named), content)


def kept_reply(provider: str, name: str, status: int = 200) -> ScriptedReply:
    """A reply whose body lies in tests/unit/providers/replies."""
    return reply((REPLIES / provider / f"{name}.json").read_bytes(), status)


@dataclass
class ScriptedHttp:
    """Gives one reply of its script after the other; an exception is raised."""

    script: deque[ScriptedReply | Exception] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)

    @classmethod
    def of(cls, *script: ScriptedReply | Exception) -> "ScriptedHttp":
        return cls(deque(script))

    def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        hosts: frozenset[str],
        deadline_s: float,
    ) -> ScriptedReply:
        self.asked.append(Asked(method, url, dict(headers), body, hosts, deadline_s))
        answer = self.script.popleft()
        if isinstance(answer, Exception):
            raise answer
        return answer
