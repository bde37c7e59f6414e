"""The key of a repeat that nobody names: the same while there is something to come back to."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from filmgate.domain.attempts import AttemptState
from filmgate.domain.generations import GenerationState
from filmgate.domain.ids import generation_id
from filmgate.usecases.ports import Principal
from filmgate.usecases.repeats import repeat_key
from tests.support.builders import NOW, TENANT, attempt, generation, principal
from tests.support.memory_studio import MemoryStudio

WINDOW = timedelta(minutes=10)


class MemoryRepeats:
    """When what was first asked, by its claim."""

    def __init__(self) -> None:
        self.asked: dict[tuple[str, str], datetime] = {}

    def first_asked(
        self, tenant: str, claim_id: str, *, now: datetime, since: datetime
    ) -> datetime:
        known = self.asked.get((tenant, claim_id))
        if known is None or known < since:
            self.asked[tenant, claim_id] = now
        return self.asked[tenant, claim_id]

    def ask_anew(self, tenant: str, claim_id: str, *, seen: datetime, now: datetime) -> datetime:
        if self.asked[tenant, claim_id] == seen:
            self.asked[tenant, claim_id] = now
        return self.asked[tenant, claim_id]


class Asking:
    """One request, asked again and again, and what became of it."""

    def __init__(self) -> None:
        self.studio = MemoryStudio()
        self._repeats = MemoryRepeats()

    def key(self, later_s: int = 0, who: Principal | None = None, request: str = "fox") -> str:
        return repeat_key(
            request,
            principal=who or principal(),
            repeats=self._repeats,
            studio=self.studio,
            window=WINDOW,
            now=NOW + timedelta(seconds=later_s),
        )

    def became(
        self, key: str, state: GenerationState, attempt_state: AttemptState, **facts: object
    ) -> None:
        own = generation_id(TENANT, "ada", key)
        self.studio.generations[TENANT, own] = generation(id=own, state=state, **facts)
        tried = replace(attempt(state=attempt_state), generation_id=own)
        self.studio.attempts[TENANT, own] = {0: tried}


def test_the_window_begins_with_the_first_and_then_with_the_next() -> None:
    asking = Asking()

    first, same, other = asking.key(), asking.key(600), asking.key(601)

    assert first == same != other


def test_another_user_tenant_or_request_has_a_key_of_its_own() -> None:
    asking = Asking()

    # Users and tenants are told apart by the ids that follow from a key, not by the key itself.
    keys = {asking.key(), asking.key(request="hare")}
    later = asking.key(5, principal(user="ben"))

    assert len(keys) == 2
    assert later not in keys


def test_no_caller_can_send_such_a_key() -> None:
    assert " " in Asking().key()


@pytest.mark.parametrize(
    ("state", "attempted", "same"),
    [
        (GenerationState.QUEUED, AttemptState.RESERVED, True),
        (GenerationState.RUNNING, AttemptState.ACCEPTED, True),
        (GenerationState.RUNNING, AttemptState.RELEASED, True),  # the next provider is asked
        (GenerationState.SUCCEEDED, AttemptState.STORED, True),
        (GenerationState.FAILED, AttemptState.IN_DOUBT, True),
        (GenerationState.FAILED, AttemptState.OVERDUE, True),
        (GenerationState.FAILED, AttemptState.PRESUMED, True),
        (GenerationState.FAILED, AttemptState.PAID, True),
        (GenerationState.CANCELLED, AttemptState.ACCEPTED, True),
        (GenerationState.FAILED, AttemptState.RELEASED, False),
        (GenerationState.CANCELLED, AttemptState.RELEASED, False),
    ],
)
def test_only_what_ended_and_cost_nothing_is_made_anew(
    state: GenerationState, attempted: AttemptState, same: bool
) -> None:
    asking = Asking()
    first = asking.key()
    asking.became(first, state, attempted)

    second, third = asking.key(5), asking.key(6)

    assert (second == first) is same
    assert third == second


def test_what_was_deleted_is_made_anew() -> None:
    asking = Asking()
    first = asking.key()
    asking.became(first, GenerationState.SUCCEEDED, AttemptState.STORED, unlisted_at=NOW)

    assert asking.key(5) != first
