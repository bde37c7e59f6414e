"""Cancelling: free before anything was sent, followed to its truthful end after."""

from dataclasses import replace

import pytest

from filmgate.domain.attempts import AttemptState
from filmgate.domain.errors import (
    NotFound,
    ProviderThrottled,
    StateConflict,
    StoreUnavailable,
)
from filmgate.domain.generations import Generation, GenerationState, Record
from filmgate.domain.ledger import Commit
from filmgate.providers.base import Finished, Pending
from filmgate.usecases.cancel import cancel
from filmgate.usecases.ports import Principal
from tests.support.builders import (
    NOW,
    TENANT,
    attempt,
    clip_link,
    clip_wish,
    generation,
    link,
    principal,
    usd,
)
from tests.support.fakes import ScriptedProvider, clip, picture
from tests.support.memory_studio import MemoryStudio
from tests.support.stage import Stage, ending, states

S = AttemptState
G = GenerationState
URL = "https://cdn.lumen.example/clip.mp4"


def cancelled(stage: Stage, asked: Generation, by: Principal | None = None) -> Record:
    return cancel(asked.id, principal=by or principal(), studio=stage.studio, now=stage.clock.now)


def test_what_was_not_sent_is_cancelled_and_free_at_once() -> None:
    lumen = ScriptedProvider([Finished(data=picture())])
    stage = Stage(lumen=lumen)
    asked = generation()
    stage.admit(asked)

    record = cancelled(stage, asked)

    assert ending(record) == (G.CANCELLED, "cancelled")
    assert states(record) == [S.RELEASED]
    assert record.generation.completed_at == NOW
    assert (stage.budget().held, stage.budget().settled) == (0, 0)
    assert record == stage.record(asked)


def test_the_workflow_of_a_cancelled_generation_sends_nothing() -> None:
    lumen = ScriptedProvider([Finished(data=picture())])
    stage = Stage(lumen=lumen)
    asked = generation()
    stage.admit(asked)
    cancelled(stage, asked)

    record = stage.run(asked)

    assert ending(record) == (G.CANCELLED, "cancelled")
    assert lumen.references == []


def test_a_job_that_runs_is_followed_kept_and_paid() -> None:
    lumen = ScriptedProvider([Pending({"task": "t1"})], looks=[Finished(url=URL)])
    stage = Stage(lumen=lumen)
    asked = generation(clip_link(), wish=clip_wish())
    stage.downloads.put(URL, clip())
    stage.admit(asked)
    stage.submit(asked)

    marked = cancelled(stage, asked)
    record = stage.run(asked)

    assert marked.generation.state is G.RUNNING
    assert marked.generation.cancel_requested_at == NOW
    assert ending(record) == (G.SUCCEEDED, None)
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0200"))


def test_while_a_busy_provider_is_waited_for_a_cancel_is_free() -> None:
    stage = Stage(lumen=ScriptedProvider([ProviderThrottled("lumen", "busy")]))
    asked = generation()
    stage.admit(asked)
    stage.submit(asked)

    record = cancelled(stage, asked)

    assert ending(record) == (G.CANCELLED, "cancelled")
    assert (stage.budget().held, stage.budget().settled) == (0, 0)


@pytest.mark.parametrize(
    "state", [S.SUBMITTING, S.ACCEPTED, S.IN_DOUBT, S.OVERDUE, S.PAID, S.STORED, S.RELEASED]
)
def test_whatever_was_sent_is_marked_and_moves_no_money(state: AttemptState) -> None:
    stage = Stage()
    asked = generation(link(), link("other"))
    stage.admit(asked)
    stage.studio.attempts[TENANT, asked.id][0] = attempt(state)
    entries = dict(stage.studio.entries)

    record = cancelled(stage, asked)

    assert record.generation.cancel_requested_at == NOW
    assert not record.generation.is_terminal
    assert record.attempts == (attempt(state),)
    assert stage.studio.entries == entries


@pytest.mark.parametrize("state", [G.SUCCEEDED, G.FAILED, G.CANCELLED])
def test_what_has_ended_cannot_be_cancelled(state: GenerationState) -> None:
    stage = Stage()
    asked = generation()
    stage.admit(asked)
    stage.studio.generations[TENANT, asked.id] = replace(asked, state=state)

    with pytest.raises(StateConflict, match=f"is {state} already"):
        cancelled(stage, asked)


def test_cancelling_twice_is_cancelling_once() -> None:
    stage = Stage(lumen=ScriptedProvider([Pending({"task": "t1"})]))
    asked = generation(clip_link())
    stage.admit(asked)
    stage.submit(asked)
    first = cancelled(stage, asked)
    stage.clock.advance(60)

    assert cancelled(stage, asked) == first


@pytest.mark.parametrize(
    "stranger", [principal(tenant="other"), principal(user="bob")], ids=["tenant", "user"]
)
def test_what_belongs_to_another_is_not_there(stranger: Principal) -> None:
    stage = Stage()
    asked = generation()
    stage.admit(asked)

    with pytest.raises(NotFound):
        cancelled(stage, asked, by=stranger)

    assert stage.record(asked).generation == asked


def test_an_admin_may_cancel_for_the_tenant() -> None:
    stage = Stage()
    asked = generation()
    stage.admit(asked)

    record = cancelled(stage, asked, by=principal(user="root", role="admin"))

    assert record.generation.state is G.CANCELLED


class RacingStudio(MemoryStudio):
    """Another writer is faster this many times."""

    def __init__(self, races: int) -> None:
        super().__init__()
        self.races = races

    def commit(self, tenant: str, commit: Commit) -> None:
        if commit.generation is not None and commit.generation.before is not None and self.races:
            self.races -= 1
            key = (tenant, commit.generation.after.id)
            self.generations[key] = self.generations[key].now()
        super().commit(tenant, commit)


@pytest.mark.parametrize("races", [1, 7])
def test_a_cancel_is_tried_again_when_another_was_faster(races: int) -> None:
    stage = Stage()
    stage.studio = RacingStudio(races)
    asked = generation()
    stage.admit(asked)

    assert cancelled(stage, asked).generation.state is G.CANCELLED


def test_a_cancel_that_never_gets_through_says_so() -> None:
    stage = Stage()
    stage.studio = RacingStudio(8)
    asked = generation()
    stage.admit(asked)

    with pytest.raises(StoreUnavailable):
        cancelled(stage, asked)

    assert stage.budget().held == usd("0.0200")
