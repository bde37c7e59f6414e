"""The line to the gateway: what is sent again, how often, and what an answer must be."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from filmgate_cli.account import Account
from filmgate_cli.problems import Refused, Unreachable
from filmgate_cli.wire import Body, Patience, Wire
from tests.support.serving import Came, Reply, serving

JSON = {"Content-Type": "application/json"}
OK: Reply = (200, JSON, b"{}")
BODY = Body(b'{"prompt": "a"}', "application/json")


@dataclass
class Line:
    """A server that gives these replies one after another; None is silence."""

    replies: list[Reply | None]
    url: str = ""
    seen: list[tuple[str, str, str | None, bytes]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    opened: list[Wire] = field(default_factory=list)

    def wire(self, **patience: Any) -> Wire:
        account = Account(self.url, "token")
        made = Wire(account, patience=Patience(**patience), pause=self.pauses.append)
        self.opened.append(made)
        return made


@contextmanager
def answering(*replies: Reply | None) -> Iterator[Line]:
    line = Line(list(replies))

    def answer(came: Came) -> Reply | None:
        key = came.headers.get("idempotency-key")
        line.seen.append((came.method, came.path, key, came.body))
        return line.replies.pop(0)

    with serving(answer) as line.url:
        try:
            yield line
        finally:
            for wire in line.opened:
                wire.close()


@pytest.mark.parametrize(
    "bad", [None, (500, {}, b""), (502, {}, b"<h1>"), (503, JSON, b"{}"), (504, {}, b"")]
)
def test_what_was_lost_is_asked_again_with_the_same_key_and_body(bad: Reply | None) -> None:
    with answering(bad, bad, OK) as line:
        answer = line.wire().ask("POST", "/v1/generations", body=BODY, key="k1")

    assert line.seen == [("POST", "/v1/generations", "k1", BODY.data)] * 3
    assert (answer.status, answer.repeated) == (200, True)


def test_pauses_grow_and_the_gateway_may_ask_for_longer_ones() -> None:
    busy: Reply = (503, {"Retry-After": "3"}, b"")
    late: Reply = (429, {"Retry-After": "3600"}, b"")
    with answering(None, None, busy, late, OK) as line:
        line.wire(first_s=1.0, longest_s=10.0).ask("GET", "/")

    first, second, third, fourth = line.pauses
    assert 0.7 <= first <= 1.0
    assert 1.4 <= second <= 2.0
    assert (third, fourth) == (3.0, 10.0)


def test_it_gives_up_in_the_end_and_says_that_something_was_sent() -> None:
    with answering(None, None) as line, pytest.raises(Unreachable) as lost:
        line.wire(tries=2).ask("POST", "/", body=BODY, key="k")

    assert lost.value.sent is True
    assert "token" not in f"{lost.value} {lost.value.todo}".replace("token ", "")


def test_a_gateway_that_was_never_reached_got_nothing() -> None:
    with answering() as line:
        pass
    with pytest.raises(Unreachable) as lost:
        line.wire().ask("POST", "/", body=BODY, key="k")

    assert lost.value.sent is False
    assert len(line.pauses) == 2


def test_the_last_refusal_of_a_busy_gateway_is_told() -> None:
    problem = b'{"code": "rate-limited", "detail": "Too many.", "retryAfter": 7}'
    busy: Reply = (429, {"Content-Type": "application/problem+json"}, problem)
    with answering(busy, busy) as line, pytest.raises(Refused) as refused:
        line.wire(tries=2).ask("GET", "/")

    assert (refused.value.code, refused.value.todo) == ("rate-limited", "Try again in 7 s.")


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 410, 412, 413, 415, 422])
def test_a_refusal_that_waiting_would_not_mend_is_asked_once(status: int) -> None:
    problem: Reply = (status, JSON, b'{"code": "x", "detail": "No."}')
    with answering(problem) as line, pytest.raises(Refused, match="No"):
        line.wire().ask("GET", "/")

    assert len(line.seen) == 1


def test_a_redirect_is_not_followed_with_the_token() -> None:
    away: Reply = (302, {"Location": "https://evil.example/"}, b"")
    with answering(away) as line:
        answer = line.wire().ask("GET", "/")

    assert answer.status == 302
    assert len(line.seen) == 1
