"""What one user may start of storyboards, and have under way: each is one start."""

import pytest

from filmgate.domain.errors import BudgetExceeded, ContentRefused, RateLimited, TooManyInFlight
from filmgate.domain.pace import Pace
from filmgate.domain.storyboard import StoryboardState
from filmgate.providers.base import Finished
from tests.support.board_stage import BoardStage, shot
from tests.support.builders import TENANT, principal, usd
from tests.support.fakes import ScriptedProvider, picture

ONE = Pace(per_minute=600, burst=600, in_flight=1)
SLOW = Pace(per_minute=1, burst=2, in_flight=100)
MADE = Finished(data=picture())


def stage(*script: object, pace: Pace | None, room: str = "10.0000") -> BoardStage:
    made = BoardStage(lumen=ScriptedProvider(list(script) or [MADE] * 9), room=room)
    made.pace = pace
    return made


def under_way(of: BoardStage, user: str = "ada") -> int:
    return of.studio.flights[TENANT, user].storyboards


def test_a_storyboard_is_one_start_and_makes_room_when_it_ends() -> None:
    one = stage(pace=ONE)
    head = one.start(shot(1), shot(2), shot(3))

    with pytest.raises(TooManyInFlight) as refused:
        one.start(shot(1), key="another")
    before = under_way(one)
    ended = one.play(head)
    one.start(shot(1), key="another")

    assert refused.value.facts == {"retryAfter": 60}
    assert (before, ended.state, under_way(one)) == (1, StoryboardState.SUCCEEDED, 1)
    assert one.studio.balances_disagree() == []


def test_a_refused_storyboard_holds_nothing_and_is_not_counted() -> None:
    one = stage(pace=ONE)
    one.start(shot(1))
    held = one.budget().held

    with pytest.raises(TooManyInFlight):
        one.start(shot(1), key="another")

    assert (one.budget().held, under_way(one), len(one.studio.heads)) == (held, 1, 1)


def test_the_rate_counts_storyboards_and_not_their_shots() -> None:
    one = stage(pace=SLOW)
    for number in range(2):
        one.start(*(shot(n) for n in range(1, 6)), key=f"key {number}")

    with pytest.raises(RateLimited):
        one.start(shot(1), key="too fast")
    one.clock.advance(60)
    one.start(shot(1), key="too fast")

    assert under_way(one) == 3


def test_a_replay_is_neither_counted_nor_refused() -> None:
    one = stage(pace=ONE)

    heads = {one.start(shot(1)).id for _ in range(3)}

    assert (len(heads), under_way(one)) == (1, 1)


def test_another_user_has_limits_of_their_own() -> None:
    one = stage(pace=ONE)
    one.start(shot(1))

    one.start(shot(1), who=principal(user="ben"))

    assert (under_way(one), under_way(one, "ben")) == (1, 1)


def test_the_budget_speaks_before_the_limits_of_a_user() -> None:
    one = stage(pace=ONE, room="0.0100")
    one.start(shot(1))

    with pytest.raises(BudgetExceeded):
        one.start(shot(1), shot(2), key="another")


def test_a_resume_counts_again_and_is_refused_while_another_is_under_way() -> None:
    one = stage(ContentRefused("lumen", "refused"), *[MADE] * 4, pace=ONE)
    head = one.start(shot(1))
    failed = one.play(head)
    other = one.start(shot(1), key="another")

    with pytest.raises(TooManyInFlight):
        one.resume(failed)
    one.play(other)
    again = one.resume(failed)

    assert (failed.state, again.run, under_way(one)) == (StoryboardState.FAILED, 1, 1)
    assert one.play(again).state is StoryboardState.SUCCEEDED
    assert (under_way(one), one.budget().settled) == (0, usd("0.0200"))


def test_a_cancelled_storyboard_makes_room_once_it_has_ended() -> None:
    one = stage(pace=ONE)
    head = one.start(shot(1))

    one.cancel_board(head)
    one.play(head)

    one.start(shot(1), key="another")
    assert under_way(one) == 1
