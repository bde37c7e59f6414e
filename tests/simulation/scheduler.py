"""Many processes, one at a time: who goes on at each call of a port is drawn from the seed.

Each process is a greenlet, so the synchronous code under test can be left in the middle of any
call and continued later. Time is virtual: it moves only when nobody has anything to do now.
"""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from greenlet import getcurrent, greenlet


class Scheduler:
    """Runs tasks in an order that depends on nothing but the random numbers."""

    def __init__(self, random: Random, start: datetime) -> None:
        self.random = random
        self.seconds = 0.0
        self._start = start
        self._now = start
        self._hub: Any = None
        self._ready: list[Any] = []
        self._later: list[tuple[float, int, Any]] = []
        self._order = count()
        self.switches = 0

    def now(self) -> datetime:
        return self._now

    def after(self, seconds: float, work: Callable[[], object]) -> None:
        """Do `work` as a task of its own, `seconds` from now."""
        self._push(seconds, greenlet(work))

    def at_once(self, seconds: float, event: Callable[[], object]) -> None:
        """Let something happen `seconds` from now that calls no port: no task is needed."""
        self._push(seconds, event)

    def pause(self, seconds: float = 0.0) -> None:
        """Called by a task: let others go first, and come back `seconds` later at the earliest."""
        task = getcurrent()
        if seconds > 0:
            self._push(seconds, task)
        elif not self._ready and not self._is_due():
            return
        else:
            self._ready.append(task)
        self.switches += 1
        self._hub.switch()

    def run(self, until: float) -> None:
        """Go on until nothing is left to do before `until`, and set the clock to it."""
        self._hub = getcurrent()
        while True:
            while self._is_due():
                due = heapq.heappop(self._later)[2]
                if isinstance(due, greenlet):
                    self._ready.append(due)
                else:
                    due()
            if self._ready:
                chosen = int(self.random.random() * len(self._ready))
                self._ready[chosen], self._ready[-1] = self._ready[-1], self._ready[chosen]
                task = self._ready.pop()
                task.parent = self._hub
                task.switch()
            elif self._later and self._later[0][0] <= until:
                self._set(self._later[0][0])
            else:
                break
        self._set(until)

    def _is_due(self) -> bool:
        return bool(self._later) and self._later[0][0] <= self.seconds

    def _push(self, seconds: float, what: Any) -> None:
        heapq.heappush(self._later, (self.seconds + seconds, next(self._order), what))

    def _set(self, seconds: float) -> None:
        if seconds > self.seconds:
            self.seconds = seconds
            self._now = self._start + timedelta(seconds=seconds)
