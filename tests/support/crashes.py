"""A process that dies at a chosen call of a port, before or after the call had its effect."""

from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any


class ProcessDied(BaseException):
    """Not an Exception, since no handler of the code under test lives on to see it."""


class Moment(Enum):
    BEFORE = "before the effect"
    AFTER = "after the effect"


@dataclass
class Fate:
    """Counts the calls of all ports together; `calls` tells when each death comes.

    Each pair is (number of the call, counted from 1 over all runs, moment).
    """

    deaths: dict[int, Moment]
    calls: int = 0

    def call(self, effect: Any, *arguments: Any, **named: Any) -> Any:
        self.calls += 1
        moment = self.deaths.get(self.calls)
        if moment is Moment.BEFORE:
            raise ProcessDied(f"before call {self.calls}")
        try:
            return effect(*arguments, **named)
        finally:  # a refusal is an effect too, and a process can die before it reads one
            if moment is Moment.AFTER:
                raise ProcessDied(f"after call {self.calls}")


class Mortal:
    """A port whose every call goes through the fate of its process."""

    def __init__(self, port: Any, fate: Fate) -> None:
        self._port = port
        self._fate = fate

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        made = self._fate.call(self._port, *arguments, **named)
        # What a port makes (an adapter of a provider) is a port too.
        return Mortal(made, self._fate) if hasattr(made, "submit") else made

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return partial(self._fate.call, found) if callable(found) else found
