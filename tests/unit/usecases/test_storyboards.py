"""Storyboards over the fakes: admitted as a whole, made shot by shot, ended, resumed, cancelled."""

from dataclasses import replace

import pytest

from filmgate.board_views import storyboard_view
from filmgate.domain.attempts import Kind
from filmgate.domain.boards import Head
from filmgate.domain.errors import (
    BudgetExceeded,
    ContentRefused,
    CostLimitExceeded,
    IdempotencyKeyReused,
    NotFound,
    ProviderJobFailed,
    StateConflict,
    StoreUnavailable,
    ValidationFailed,
)
from filmgate.domain.generations import GenerationState
from filmgate.domain.ledger import NO_PERIOD, Budget
from filmgate.domain.storyboard import PartState, StoryboardState
from filmgate.domain.strategies import Role, Strategy
from filmgate.providers.base import Finished
from filmgate.usecases.boards import Shooting
from filmgate.usecases.conclude_storyboard import conclude_storyboard
from filmgate.usecases.reading_storyboards import list_storyboards, read_storyboard
from filmgate.usecases.shoot import ShotOutcome
from tests.support.board_stage import HYBRID, BoardStage, moving, shot, still
from tests.support.builders import NOW, PERIOD, TENANT, clip_wish, image_wish, principal, usd
from tests.support.fakes import ScriptedProvider, clip, lost_answer, picture

S = StoryboardState
P = PartState
BROKEN = ProviderJobFailed("lumen", "the job failed")


def painter(*answers: object) -> ScriptedProvider:
    return ScriptedProvider(answers or [Finished(data=picture())])  # type: ignore[arg-type]


def filmer(*answers: object) -> ScriptedProvider:
    return ScriptedProvider(answers or [Finished(data=clip())])  # type: ignore[arg-type]


def whole(**options: object) -> BoardStage:
    return BoardStage(lumen=painter(), reel=filmer(), **options)  # type: ignore[arg-type]


def forced(stage: BoardStage, head: Head) -> Head:
    return conclude_storyboard(TENANT, head.id, boards=stage.studio, clock=stage.clock, force=True)


# --- admission -----------------------------------------------------------------------------------


def test_the_most_that_all_parts_can_cost_is_held_at_once() -> None:
    stage = BoardStage(lumen=painter(), other=painter(), reel=filmer())

    head = stage.start(shot(1, still(), moving()), shot(2), project="film")

    assert head.max == usd("0.0300") + usd("0.0500") + usd("0.0300")
    assert head.expected == usd("0.0100") + usd("0.0500") + usd("0.0100")
    for scope in ("owner", "user:ada", "project:film"):
        found = stage.studio.budget(TENANT, scope, PERIOD)
        assert found is not None
        assert found.held == head.max
    assert stage.envelope(head).limit == head.max
    assert list(stage.shootings.executions) == [Shooting(TENANT, head.id)]


def test_a_storyboard_above_its_own_budget_is_refused_with_what_would_fit() -> None:
    stage = BoardStage(lumen=painter(), other=painter())

    with pytest.raises(BudgetExceeded) as refused:
        stage.start(shot(1), shot(2), shot(3), budget=usd("0.0500"))

    assert refused.value.facts == {
        "scope": "storyboard",
        "needed": "0.0900",
        "room": "0.0500",
        "fits": {
            "max": "0.0500",
            "drop": [],
            "downgrade": [
                {"number": 2, "keyframe": {"provider": "lumen"}},
                {"number": 3, "keyframe": {"provider": "lumen"}},
            ],
        },
    }
    assert stage.studio.heads == {}
    assert stage.studio.entries == {}
    assert stage.shootings.executions == {}


def test_what_would_fit_leaves_shots_out_where_not_even_the_cheapest_do() -> None:
    stage = BoardStage(lumen=painter())

    with pytest.raises(BudgetExceeded) as refused:
        stage.start(shot(1), shot(2), shot(3), budget=usd("0.0200"))

    assert refused.value.facts["fits"] == {"max": "0.0200", "drop": [3], "downgrade": []}


def test_what_is_said_to_fit_is_admitted() -> None:
    stage = BoardStage(lumen=painter(), other=painter())
    with pytest.raises(BudgetExceeded):
        stage.start(shot(1), shot(2), shot(3), budget=usd("0.0500"))

    head = stage.start(
        shot(1), *(shot(n, still(provider="lumen")) for n in (2, 3)), budget=usd("0.0500")
    )

    assert head.max == usd("0.0500")


def test_a_storyboard_that_the_owner_has_no_room_for_is_refused_whole() -> None:
    stage = BoardStage(lumen=painter(), room="0.0150")

    with pytest.raises(BudgetExceeded) as refused:
        stage.start(shot(1), shot(2))

    assert (refused.value.facts["scope"], refused.value.facts["room"]) == ("owner", "0.0150")
    assert refused.value.facts["fits"]["drop"] == [2]  # type: ignore[index]
    assert stage.studio.heads == {}


def test_without_a_budget_a_part_may_cost_no_more_than_a_single_generation() -> None:
    stage = BoardStage(lumen=painter(), spool=filmer())
    long = replace(moving(), wish=clip_wish(image="keyframe", duration_s=10))
    stage.market = replace(stage.market, default_cost_limit=usd("0.1500"))

    with pytest.raises(CostLimitExceeded, match=r"shot 1 \(clip\)"):
        stage.start(shot(1, still(), long))

    assert stage.start(shot(1, still(), long), budget=usd("1")).max == usd("0.2100")


def test_the_same_key_is_the_same_storyboard_and_another_body_under_it_is_refused() -> None:
    stage = whole()
    head = stage.start(shot(1))
    held = stage.budget().held

    assert stage.start(shot(1)) == head
    with pytest.raises(IdempotencyKeyReused):
        stage.start(shot(2))

    assert stage.budget().held == held
    assert len(stage.studio.heads) == 1


def test_a_still_of_somebody_else_is_refused_at_its_place() -> None:
    stage = whole()
    foreign = replace(moving(), wish=clip_wish(image=f"take_{'a' * 28}"))

    with pytest.raises(ValidationFailed) as refused:
        stage.start(shot(1), shot(2, foreign))

    assert refused.value.faults == (
        ("/shots/1/clip/params/image", "there is no still with this take or upload id"),
    )


def test_shots_whose_prompts_are_too_long_together_are_refused() -> None:
    stage = whole()
    long = "x" * 90_000
    parts = [still(long), still(long, Role.VARIATION), still(long)]

    with pytest.raises(ValidationFailed, match="too long together"):
        stage.start(replace(shot(1), prompt=long, parts=tuple(parts)))


def test_a_storyboard_that_did_not_start_and_cannot_be_repeated_gives_its_money_back() -> None:
    stage = whole()
    stage.shootings.refusal = StoreUnavailable("away")

    with pytest.raises(StoreUnavailable):
        stage.start(shot(1), key=None)

    assert stage.budget().held == 0


# --- making it -----------------------------------------------------------------------------------


def test_a_clip_and_a_variation_are_made_once_their_keyframe_is_there() -> None:
    stage = whole()
    head = stage.start(shot(1, still(), still("again", Role.VARIATION), moving()))

    stage.shoot().advance(TENANT, head.id, 1)
    assert [one.wish.type for one in stage.generations()] == ["image"]
    ended = stage.play(head)

    assert ended.state is S.SUCCEEDED
    keyframe = stage.part(head, 1)
    made = stage.part(head, 1, Role.CLIP)
    assert made.wish.image == f"take_{keyframe.id[4:]}00"
    assert stage.part(head, 1, Role.VARIATION).state is GenerationState.SUCCEEDED


def test_parts_are_ordinary_generations_of_the_storyboard_and_its_project() -> None:
    stage = whole()
    head = stage.start(shot(7, still()), project="film")

    stage.play(head)

    made = stage.part(head, 7)
    assert (made.storyboard_id, made.project, made.shot_number) == (head.id, "film", 7)
    assert made.cost_limit == usd("0.0100")


def test_what_was_not_needed_goes_back_when_it_ends() -> None:
    stage = BoardStage(lumen=painter(), other=painter())
    head = stage.start(shot(1), shot(2))

    ended = stage.play(head)

    assert ended.state is S.SUCCEEDED
    owner = stage.budget()
    assert (owner.held, owner.settled) == (0, usd("0.0200"))
    assert stage.envelope(head).closed
    assert stage.faults() == []


def test_a_failed_shot_stops_no_other() -> None:
    refused = ContentRefused("lumen", "no")
    good = Finished(data=picture())
    stage = BoardStage(lumen=painter(good, refused, good), reel=filmer())

    head = stage.start(*(shot(n, still(), moving()) for n in (1, 2, 3)))
    ended = stage.play(head, concurrency=1)

    assert ended.state is S.PARTIAL
    assert ended.progress is not None
    assert (ended.progress.done, ended.progress.failed) == (2, 1)
    middle = stage.stand(head).shots[1]
    assert middle.parts[Role.KEYFRAME].state is P.FAILED
    assert middle.parts[Role.CLIP].state is P.SKIPPED
    assert stage.faults() == []


def test_a_part_falls_back_within_the_envelope() -> None:
    stage = BoardStage(lumen=painter(BROKEN), other=painter())
    head = stage.start(shot(1), shot(2), budget=usd("0.0600"))

    ended = stage.play(head)

    assert ended.state is S.SUCCEEDED
    assert stage.makers(head) == {1: "other", 2: "other"}
    assert stage.budget().settled == usd("0.0600")
    assert stage.faults() == []


def test_a_provider_whose_own_budget_is_full_is_passed_over() -> None:
    stage = BoardStage(lumen=painter(), other=painter())
    head = stage.start(shot(1))
    full = stage.studio
    full.open_budget(TENANT, Budget("provider:lumen", PERIOD, 0))

    stage.play(head)

    assert stage.makers(head) == {1: "other"}


def test_a_part_that_nobody_makes_any_more_is_skipped_with_the_reason() -> None:
    stage = BoardStage(lumen=painter())
    head = stage.start(shot(1), shot(2))
    stage.studio.settings[TENANT] = {}

    ended = stage.play(head)

    assert ended.state is S.FAILED
    (first, _) = stage.stand(head).shots
    problem = first.record.part(Role.KEYFRAME).problem
    assert problem is not None
    assert problem.code == "no-capable-provider"
    assert stage.budget().held == 0


def test_a_hybrid_strategy_is_another_one_for_every_role() -> None:
    stage = whole()

    head = stage.start(
        shot(1, still(), still("again", Role.VARIATION), moving()), strategy=Strategy.HYBRID
    )
    stage.play(head)

    told = {role: stage.part(head, 1, role).strategy for role in Role}
    assert told == HYBRID


def test_what_is_in_doubt_stays_held_after_the_end_and_is_not_resumed() -> None:
    stage = BoardStage(lumen=painter(lost_answer("lumen")))
    head = stage.start(shot(1), shot(2))

    ended = stage.play(head, concurrency=1)

    assert ended.state is S.FAILED
    assert all(one.parts[Role.KEYFRAME].in_doubt for one in stage.stand(head).shots)
    assert stage.budget().held == usd("0.0200")
    assert stage.faults() == []
    with pytest.raises(StateConflict, match="may still be billed"):
        stage.resume(head)


def doubtful() -> ScriptedProvider:
    """One who takes the job and whose answer is lost; no search finds it yet."""
    return ScriptedProvider(
        [lost_answer("lumen")], looks=[Finished(data=picture())], finds=[None], kind=Kind.FINDABLE
    )


def let_it_be_found(stage: BoardStage, vendor: ScriptedProvider) -> None:
    vendor._finds.clear()
    for _ in range(2):
        stage.clock.advance(300)
        stage.sweep()


def overtaken() -> tuple[BoardStage, Head]:
    """A storyboard of a still and its clip that ended in doubt; the still came all the same."""
    vendor = doubtful()
    stage = BoardStage(lumen=vendor, reel=filmer())
    head = stage.play(stage.start(shot(1, still(), moving())))
    assert {part.state for part in stage.stand(head).shots[0].parts.values()} == {
        P.FAILED,
        P.SKIPPED,
    }
    let_it_be_found(stage, vendor)
    return stage, head


def test_a_take_that_arrived_after_the_end_is_the_part_s_own() -> None:
    stage, head = overtaken()

    standing = stage.stand(head)

    take = standing.shots[0].made[Role.KEYFRAME].take
    assert take is not None
    assert take.late
    (shown,) = storyboard_view(standing, lambda take: (f"link to {take.id}", NOW))["shots"]
    told = ("state", "provider", "error", "take_id", "url")
    assert [shown["keyframe"][name] for name in told] == [
        "succeeded", "lumen", None, take.id, f"link to {take.id}",
    ]  # fmt: skip
    assert stage.faults() == []


def test_a_resume_goes_on_from_a_late_take_and_pays_for_no_other() -> None:
    stage, head = overtaken()

    ended = stage.play(stage.resume(head))

    assert ended.state is S.SUCCEEDED
    (shown,) = stage.stand(head).shots
    assert {role: part.revision for role, part in shown.parts.items()} == {
        Role.KEYFRAME: 0,
        Role.CLIP: 1,
    }
    take = shown.made[Role.KEYFRAME].take
    assert take is not None
    assert stage.part(head, 1, Role.CLIP).wish.image == take.id
    assert stage.faults() == []


def test_a_take_that_arrives_before_the_end_lets_its_clip_be_made_in_the_same_run() -> None:
    vendor = doubtful()
    stage = BoardStage(lumen=vendor, reel=filmer())
    head = stage.start(shot(1, still(), moving()))
    stage.advance(head, 1)
    stage.let_generations_run()
    assert stage.advance(head, 1).outcome is ShotOutcome.DONE
    let_it_be_found(stage, vendor)

    assert not stage.shoot().conclude(TENANT, head.id).has_ended
    ended = stage.play(head)

    assert (ended.state, ended.run) == (S.SUCCEEDED, 0)
    assert stage.faults() == []


def test_a_step_that_comes_after_the_end_changes_nothing() -> None:
    stage = whole()
    head = stage.start(shot(1, still(), moving()))
    ended = stage.play(head)
    before = dict(stage.studio.entries)

    shoot = stage.shoot()
    assert shoot.open(TENANT, head.id) == []
    shoot.advance(TENANT, head.id, 1)

    assert shoot.conclude(TENANT, head.id) == ended
    assert stage.studio.entries == before


def test_a_storyboard_whose_parts_still_run_is_not_concluded_even_by_force() -> None:
    stage = whole()
    head = stage.start(shot(1), shot(2))
    stage.shoot().advance(TENANT, head.id, 1)

    assert not stage.shoot().conclude(TENANT, head.id).has_ended
    assert not forced(stage, head).has_ended
    stage.let_generations_run()
    assert not stage.shoot().conclude(TENANT, head.id).has_ended

    given_up = forced(stage, head)

    assert given_up.state is S.PARTIAL
    assert stage.stand(head).shots[1].parts[Role.KEYFRAME].state is P.SKIPPED
    assert stage.faults() == []


# --- cancel --------------------------------------------------------------------------------------


def test_after_a_cancel_nothing_starts_and_the_rest_is_back_at_once() -> None:
    stage = whole()
    head = stage.start(*(shot(n, still(), moving()) for n in range(1, 5)))
    stage.play(head, concurrency=2, until=4)
    spent = stage.envelope(head)

    stage.cancel_board(head)

    begun = len(stage.generations())
    assert stage.budget().held == spent.held
    ended = stage.play(head)
    assert len(stage.generations()) == begun
    assert ended.state is S.CANCELLED
    assert stage.budget().held == 0
    assert stage.faults() == []


def test_not_even_a_step_under_way_begins_anything_after_a_cancel() -> None:
    stage = whole()
    head = stage.start(shot(1))
    stale = stage.studio.heads[TENANT, head.id]
    stage.cancel_board(head)
    seen = stage.studio.heads[TENANT, head.id]
    heads = iter([stale, seen, seen, seen])
    stage.studio.head = lambda tenant, name: next(heads)  # type: ignore[method-assign]

    stage.shoot().advance(TENANT, head.id, 1)

    assert stage.generations() == []


def test_a_cancel_reaches_generations_that_run() -> None:
    stage = whole()
    head = stage.start(shot(1), shot(2))
    stage.shoot().advance(TENANT, head.id, 1)

    stage.cancel_board(head)

    assert stage.part(head, 1).state is GenerationState.CANCELLED
    assert stage.budget().held == 0
    ended = stage.play(head)
    assert (ended.state, stage.faults()) == (S.CANCELLED, [])


def test_cancelling_what_has_ended_is_a_conflict() -> None:
    stage = whole()
    head = stage.start(shot(1))
    stage.play(head)

    with pytest.raises(StateConflict):
        stage.cancel_board(head)


# --- resume --------------------------------------------------------------------------------------


def test_a_resume_makes_only_what_failed_under_an_envelope_of_its_own() -> None:
    good, bad = Finished(data=picture()), BROKEN
    stage = BoardStage(lumen=painter(good, bad, good, good))
    head = stage.start(shot(1), shot(2), shot(3))
    stage.play(head, concurrency=1)
    before = {one.id for one in stage.generations()}

    again = stage.resume(head)
    ended = stage.play(again)

    assert ended.state is S.SUCCEEDED
    assert len({one.id for one in stage.generations()} - before) == 1
    assert stage.envelope(head, run=1).limit == usd("0.0100")
    assert stage.shootings.executions.keys() == {
        Shooting(TENANT, head.id), Shooting(TENANT, head.id, run=1)
    }  # fmt: skip
    assert stage.budget().settled == usd("0.0300")
    assert stage.faults() == []


def test_a_resume_that_does_not_fit_changes_nothing() -> None:
    stage = BoardStage(lumen=painter(BROKEN), room="0.0150")
    head = stage.start(shot(1))
    ended = stage.play(head)
    owner = stage.studio.budgets[TENANT, "owner", PERIOD]
    stage.studio.budgets[TENANT, "owner", PERIOD] = replace(owner, limit=usd("0.0050"))

    with pytest.raises(BudgetExceeded):
        stage.resume(head)

    assert stage.studio.heads[TENANT, head.id] == ended
    assert stage.stand(head).shots[0].parts[Role.KEYFRAME].state is P.FAILED


def test_all_runs_together_stay_within_the_storyboard_s_budget() -> None:
    good = Finished(data=picture())
    stage = BoardStage(lumen=painter(good, BROKEN, good))
    head = stage.start(shot(1), shot(2), budget=usd("0.0200"))
    stage.play(head, concurrency=1)
    tight = stage.studio.heads[TENANT, head.id]
    poorer = replace(tight, asked=replace(tight.asked, budget=usd("0.0150")))
    stage.studio.heads[TENANT, head.id] = poorer

    with pytest.raises(BudgetExceeded) as refused:
        stage.resume(head)

    assert (refused.value.facts["scope"], refused.value.facts["room"]) == ("storyboard", "0.0050")


@pytest.mark.parametrize("cancelled", [True, False])
def test_what_runs_or_was_cancelled_cannot_be_resumed(cancelled: bool) -> None:
    stage = whole()
    head = stage.start(shot(1))
    if cancelled:
        stage.cancel_board(head)
        stage.play(head)

    with pytest.raises(StateConflict):
        stage.resume(head)


# --- reading -------------------------------------------------------------------------------------


def test_a_creator_sees_only_storyboards_of_their_own() -> None:
    stage = whole()
    head = stage.start(shot(1))

    assert read_storyboard(head.id, principal=principal(), boards=stage.studio).board.head == head
    for other in (principal(user="eve"), principal(tenant="rival", role="admin")):
        with pytest.raises(NotFound):
            read_storyboard(head.id, principal=other, boards=stage.studio)
        page = list_storyboards(principal=other, boards=stage.studio, limit=10)
        assert list(page.items) == []
    admin = principal(user="eve", role="admin")
    assert read_storyboard(head.id, principal=admin, boards=stage.studio).board.head == head


def test_the_picture_of_a_running_storyboard_is_live() -> None:
    stage = whole()
    head = stage.start(shot(1), shot(2))
    assert stage.stand(head).state is S.QUEUED

    stage.shoot().open(TENANT, head.id)
    stage.shoot().advance(TENANT, head.id, 1)
    stage.let_generations_run()

    found = stage.stand(head)
    assert found.state is S.RUNNING
    assert (found.progress.total, found.progress.done) == (2, 1)
    assert found.board.settled == usd("0.0100")


def test_the_period_of_an_envelope_is_no_month() -> None:
    stage = whole()

    head = stage.start(shot(1, still(), replace(still(), role=Role.VARIATION, wish=image_wish())))

    assert stage.envelope(head).period == NO_PERIOD
