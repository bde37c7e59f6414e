"""How long to wait: for a busy provider before asking it again, and between two looks at a job."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from filmgate.domain.errors import ErrorClass, ProviderError

TRIES_WHILE_OTHERS_WAIT: Final = 2
TRIES_OF_THE_LAST: Final = 3
LONGEST_WAIT_WHILE_OTHERS_WAIT: Final = 5.0
LONGEST_WAIT_OF_THE_LAST: Final = 120.0
BASE_DELAY_S: Final = 2.0

SHORTEST_LOOK_S: Final = 3
LONGEST_LOOK_S: Final = 60


@dataclass(frozen=True, slots=True)
class Patience:
    """How long doubts are looked into before the next step is taken.

    `scale_percent` shortens every wait (100 on AWS, less beside a simulator); not the limit of
    doubt, which is said as it is.
    """

    scale_percent: int = 100
    presume_after: timedelta = timedelta(hours=24)

    @property
    def lease_margin(self) -> timedelta:
        """How long after its worker's end a call is left alone."""
        return self._scaled(timedelta(seconds=60))

    @property
    def search_spacing(self) -> timedelta:
        """Between two searches that shall prove together that there is no job."""
        return self._scaled(timedelta(seconds=60))

    @property
    def unseen_for(self) -> timedelta:
        """How long a job may be invisible to looks before it is given up."""
        return self._scaled(timedelta(minutes=2))

    @property
    def empty_for(self) -> timedelta:
        """How long a success may come without a result."""
        return self._scaled(timedelta(minutes=5))

    @property
    def fetch_for(self) -> timedelta:
        """How long a paid result that could not be fetched is tried again before it is lost.

        As it is, whatever the scale: outages and restarts take as long beside a simulator.
        """
        return timedelta(hours=1)

    @property
    def recover_after(self) -> timedelta:
        """How old a generation must be before the sweeper asks whether its workflow runs."""
        return self._scaled(timedelta(minutes=5))

    @property
    def presumed_look_every(self) -> timedelta:
        return self._scaled(timedelta(hours=1))

    @property
    def presumed_look_for(self) -> timedelta:
        """How long after its start an attempt that was presumed paid is still looked after."""
        return self.presume_after + self._scaled(timedelta(days=7))

    def _scaled(self, wait: timedelta) -> timedelta:
        return wait * self.scale_percent / 100


LOOKS_UNSEEN: Final = 3
"""How many looks in a row must show no such job before it is given up."""


def retry_delay(
    error: ProviderError, *, tries: int, others_wait: bool, jitter: Callable[[], float]
) -> timedelta | None:
    """How long to wait before the same provider is asked again; None means: no more.

    A film maker does not sit through a vendor's outage while another provider stands ready: one
    more try within 2 s then, and three tries in all where it is the last. A vendor's own delay is
    kept to up to 5 s in the first case and 120 s in the second. `jitter` gives 0 to 1.
    """
    if error.error_class is not ErrorClass.RETRY:
        return None
    if tries >= (TRIES_WHILE_OTHERS_WAIT if others_wait else TRIES_OF_THE_LAST):
        return None
    told = error.retry_after_s
    if told is not None and told > 0:
        longest = LONGEST_WAIT_WHILE_OTHERS_WAIT if others_wait else LONGEST_WAIT_OF_THE_LAST
        return timedelta(seconds=told) if told <= longest else None
    ceiling = BASE_DELAY_S if others_wait else BASE_DELAY_S * 2 ** (tries - 1)
    return timedelta(seconds=ceiling * jitter())


def next_look_s(*, expected_s: int, elapsed_s: float, scale_percent: int) -> int:
    """Whole seconds until the next look at a running job, at least 1.

    The first look comes when the job should be done, later ones after a fifth of the time that
    has passed. `scale_percent` shortens all of them (100 on AWS, less beside a simulator).
    """
    wait = min(LONGEST_LOOK_S, elapsed_s / 5)
    if elapsed_s < expected_s:
        wait = expected_s - elapsed_s
    return max(1, round(max(SHORTEST_LOOK_S, wait) * scale_percent / 100))
