"""Make good what the stream's function could not do, so that no notice is missed.

A dead letter of a stream has no records in it, only where they lie; they are read again from the
stream, which keeps them for 24 hours, and told anew: what was told stays told. Later than that,
and for whoever wants to be sure, `revisit` looks at a tenant's budgets and providers as they now
are, since notices follow from the state and not from the step that led there.
"""

from dataclasses import dataclass

from filmgate.domain.changes import BudgetChanged, HealthChanged
from filmgate.domain.errors import RecordsGone, StoreUnavailable
from filmgate.domain.ledger import period_of
from filmgate.usecases.alarm import Alarm
from filmgate.usecases.ports import DeadLetter, DeadLetters, Stream


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many notices were told late, how many dead letters were dealt with, and why each other
    one was left in the queue."""

    told: int = 0
    replayed: int = 0
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Replay:
    """The use case with its ports."""

    alarm: Alarm
    letters: DeadLetters
    stream: Stream

    def __call__(self) -> Replayed:
        """Tell what a crash or the topic left untold, then go through some dead letters.

        A letter that fails again stays in the queue. Raises StoreUnavailable or
        DeadLettersUnavailable.
        """
        late = self.alarm.notices.untold(self.alarm.clock())
        told = sum(self.alarm.tell(notice) for notice in late)
        outcomes = [self._again(letter) for letter in self.letters.receive()]
        left = tuple(reason for reason in outcomes if reason is not None)
        return Replayed(told, replayed=len(outcomes) - len(left), left=left)

    def revisit(self, tenant: str) -> Replayed:
        """Tell whatever follows from a tenant's budgets of this month and from its providers."""
        now = self.alarm.clock()
        told = 0
        for budget in self.alarm.notices.open_budgets(tenant, period_of(now)):
            told += len(self.alarm(BudgetChanged(tenant, budget, now)))
        for provider, health in self.alarm.studio.health(tenant).items():
            told += len(self.alarm(HealthChanged(tenant, provider, health)))
        return Replayed(told)

    def _again(self, letter: DeadLetter) -> str | None:
        """Work off a letter; why it is left, or None when it is dealt with."""
        try:
            found = self.stream.read(letter)
            for change in found.changes:
                self.alarm(change)
        except (RecordsGone, StoreUnavailable) as error:
            return f"{type(error).__name__}: {error}"
        if found.unreadable:
            return f"{found.unreadable} of its records cannot be read"
        self.letters.throw_away(letter)
        return None
