"""Watching work to its end, and telling what happens to it."""

from collections.abc import Iterable
from typing import Any

import pytest

from filmgate_cli.problems import ExitCode, Problem, Unreachable
from filmgate_cli.progress import happened
from filmgate_cli.watching import Looks, follow

AWAY = Unreachable("away", sent=False)


class Time:
    """A clock that goes on only while somebody pauses."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.now_s += seconds
        self.pauses.append(seconds)


def watched(shows: Iterable[Any], time: Time, **more: Any) -> list[Any]:
    looks = iter(shows)

    def look() -> Any:
        seen = next(looks)
        if isinstance(seen, Exception):
            raise seen
        return seen

    found = follow(
        look, lambda seen: seen == "end", pause=time.pause, now=lambda: time.now_s, **more
    )
    return list(found)


def test_the_last_look_is_the_end() -> None:
    assert watched(["queued", "running", "end"], Time()) == ["queued", "running", "end"]


def test_pauses_grow_while_nothing_changes_and_start_anew_when_something_does() -> None:
    time = Time()
    looks = Looks(first_s=1, growth=2, longest_s=4)

    watched(["a", "a", "a", "a", "b", "end"], time, looks=looks)

    assert time.pauses == [1, 2, 4, 4, 1]


def test_a_short_outage_is_waited_for() -> None:
    assert watched(["a", AWAY, AWAY, "end"], Time()) == ["a", "end"]


def test_a_long_outage_is_told() -> None:
    def never() -> Iterable[Any]:
        while True:
            yield AWAY

    time = Time()
    with pytest.raises(Unreachable):
        watched(never(), time)

    assert 300 < time.now_s < 310


def test_patience_ends_with_its_own_code() -> None:
    with pytest.raises(Problem) as over:
        watched(["a"] * 100, Time(), timeout_s=2)

    assert over.value.exit_code is ExitCode.UNFINISHED


def generation(state: str, *attempts: tuple[str, str | None]) -> Any:
    return {
        "state": state,
        "attempts": [
            {"provider": name, "error": error and {"code": "x", "message": error}}
            for name, error in attempts
        ],
    }


def test_a_fallback_is_told_with_its_reason_and_who_is_tried_next() -> None:
    looks = [
        generation("queued", ("dalle", None)),
        generation("running", ("dalle", "over its quota")),
        generation("running", ("dalle", "over its quota"), ("nanobanana", None)),
        generation("failed", ("dalle", "over its quota"), ("nanobanana", "refused")),
    ]

    assert [happened(one) for one in looks] == [
        ["asking dalle"],
        ["asking dalle"],
        ["asking dalle", "dalle: over its quota, trying nanobanana"],
        ["asking dalle", "dalle: over its quota, trying nanobanana", "nanobanana: refused"],
    ]
