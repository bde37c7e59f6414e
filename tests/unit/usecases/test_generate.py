"""Starting a generation: price first, hold in one transaction, start once for every key."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from filmgate.domain import ids
from filmgate.domain.attempts import AttemptState
from filmgate.domain.chain import OnRefusal, OnUnknown, ProviderSettings, Strategy
from filmgate.domain.errors import (
    BudgetExceeded,
    CostLimitExceeded,
    IdempotencyKeyReused,
    NoCapableProvider,
    StoreUnavailable,
    ValidationFailed,
)
from filmgate.domain.generations import GenerationState, Record
from filmgate.domain.ledger import NO_PERIOD, Budget, generation_scope
from filmgate.domain.uploads import Still, Upload
from filmgate.usecases.generate import Admitted, generate
from filmgate.usecases.ports import BudgetLimit, Principal
from filmgate.usecases.request import Request
from tests.support.builders import (
    NOW,
    PERIOD,
    TENANT,
    card_of,
    catalogue_of,
    clip_wish,
    image_wish,
    price_row,
    principal,
    provider,
    request,
    take,
    usd,
    video_offer,
    with_keys,
)
from tests.support.fakes import FakeWorkflow
from tests.support.memory_studio import MemoryStudio

SHOP = catalogue_of(provider("lumen", priority=1), provider("other", priority=2))
PRICES = card_of(price_row("lumen", "0.0200"), price_row("other", "0.0300"))


class Gate:
    """The use case over a memory studio in which both providers have a key."""

    def __init__(self, workflow: FakeWorkflow | None = None) -> None:
        self.studio = MemoryStudio()
        self.studio.settings[TENANT] = with_keys("lumen", "other")
        self.workflow = workflow or FakeWorkflow()

    def generate(
        self,
        asked: Request | None = None,
        *,
        key: str | None = "k1",
        request_hash: str = "hash of the request",
        by: Principal | None = None,
        **others: Any,
    ) -> Admitted:
        facts: dict[str, Any] = {
            "catalogue": SHOP,
            "card": PRICES,
            "default_limit": usd("10"),
            "default_cost_limit": usd("1"),
            "pace": None,
            "now": NOW,
        }
        return generate(
            asked or request(),
            principal=by or principal(),
            idempotency_key=key,
            request_hash=request_hash,
            studio=self.studio,
            workflow=self.workflow,
            **{**facts, **others},
        )

    def budget(self) -> Budget:
        found = self.studio.budget(TENANT, "owner", PERIOD)
        assert found is not None
        return found


# --- admission ---------------------------------------------------------------------------------


def test_a_generation_is_recorded_held_and_started() -> None:
    gate = Gate()

    admitted = gate.generate()

    made = admitted.record.generation
    assert not admitted.replayed
    assert made.id == ids.generation_id(TENANT, "ada", "k1")
    assert made.state is GenerationState.QUEUED
    assert gate.studio.find(TENANT, made.id) == admitted.record
    assert gate.workflow.started == [(TENANT, made.id)]
    assert (gate.budget().held, gate.budget().settled) == (usd("0.0200"), 0)


def test_the_first_attempt_holds_its_whole_price_in_every_scope() -> None:
    gate = Gate()

    record = gate.generate().record

    own = gate.studio.budget(TENANT, generation_scope(record.generation.id), NO_PERIOD)
    assert own is not None
    assert (own.limit, own.held, own.room) == (usd("1"), usd("0.0200"), usd("0.9800"))
    assert (record.current.state, record.current.provider) == (AttemptState.RESERVED, "lumen")
    assert [entry.kind.value for entry in gate.studio.entries.values()] == ["reserve"]
    assert gate.studio.balances_disagree() == []


def test_the_whole_chain_is_written_down_with_its_prices() -> None:
    """A later change of settings or prices does not touch a generation that runs."""
    gate = Gate()
    gate.studio.settings[TENANT]["other"] = ProviderSettings(
        key_set=True, api_url="https://other.example"
    )

    made = gate.generate().record.generation

    assert [(one.provider, one.cost_micros, one.api_url) for one in made.chain] == [
        ("lumen", usd("0.0200"), None),
        ("other", usd("0.0300"), "https://other.example"),
    ]
    assert (made.chain[0].width, made.chain[0].height) == (1024, 1024)
    assert (made.expected, made.max) == (usd("0.0200"), usd("0.0300"))
    assert (made.rate_card, made.rate_card_version) == ("own", "2026-11-22")


def test_the_chain_keeps_what_the_owner_had_set_for_each_provider() -> None:
    gate = Gate()
    gate.studio.settings[TENANT]["other"] = ProviderSettings(
        key_set=True, on_refusal=OnRefusal.STOP, on_unknown=OnUnknown.NEXT
    )

    left = gate.generate(key="one").record.generation
    said = gate.generate(request(on_refusal=OnRefusal.NEXT), key="two").record.generation

    assert [(one.on_refusal, one.on_unknown) for one in left.chain] == [
        ("next", "stop"),
        ("stop", "next"),
    ]
    assert [one.on_refusal for one in said.chain] == ["next", "next"]
    assert (left.on_refusal, said.on_refusal, said.on_unknown) == (None, "next", None)


def test_everything_that_was_asked_is_kept() -> None:
    gate = Gate()
    asked = request(
        image_wish(seed=7),
        provider="other",
        strategy=Strategy.CHEAPEST,
        on_refusal=OnRefusal.STOP,
        on_unknown=OnUnknown.NEXT,
        cost_limit=usd("0.0500"),
        project="snow",
        script_id="s1",
        shot_number=3,
        tags=("a", "b"),
    )

    made = gate.generate(asked).record.generation

    assert made.wish == asked.wish
    assert (made.requested_provider, made.strategy) == ("other", Strategy.CHEAPEST)
    assert (made.on_refusal, made.on_unknown) == (OnRefusal.STOP, OnUnknown.NEXT)
    assert [(one.on_refusal, one.on_unknown) for one in made.chain] == [("stop", "next")]
    assert made.cost_limit == usd("0.0500")
    assert (made.project, made.script_id, made.shot_number, made.tags) == (
        "snow", "s1", 3, ("a", "b"),
    )  # fmt: skip
    assert (made.tenant, made.user) == (TENANT, "ada")
    assert made.warnings == ("other has no field for seed: it would be left out there",)


def test_no_cost_limit_means_the_installations() -> None:
    gate = Gate()

    made = gate.generate(default_cost_limit=usd("0.0250")).record.generation

    assert made.cost_limit == usd("0.0250")
    assert [one.provider for one in made.chain] == ["lumen"]


def test_a_month_opens_with_the_owners_limit_or_the_installations() -> None:
    unset, own = Gate(), Gate()
    own.studio.limits[TENANT, "owner"] = BudgetLimit(usd("3"), (50,), version=1)

    unset.generate()
    own.generate()

    assert unset.budget().limit == usd("10")
    assert (own.budget().limit, own.budget().alert_at) == (usd("3"), (50,))


# --- refusals store nothing --------------------------------------------------------------------


def refused_with_nothing_stored(gate: Gate) -> bool:
    return not (
        gate.studio.generations
        or gate.studio.attempts
        or gate.studio.entries
        or gate.workflow.started
    )


def test_what_does_not_fit_the_budget_is_refused_and_the_key_stays_free() -> None:
    gate = Gate()
    gate.studio.open_budget(TENANT, Budget("owner", PERIOD, usd("0.0199")))

    with pytest.raises(BudgetExceeded) as refused:
        gate.generate()

    assert refused.value.facts == {"scope": "owner", "needed": "0.0200", "room": "0.0199"}
    assert refused_with_nothing_stored(gate)
    assert gate.budget().held == 0
    gate.studio.budgets[TENANT, "owner", PERIOD] = Budget("owner", PERIOD, usd("0.0200"))
    assert not gate.generate().replayed


def test_a_fresh_months_budget_is_checked_too() -> None:
    gate = Gate()

    with pytest.raises(BudgetExceeded):
        gate.generate(default_limit=usd("0.0100"))

    assert refused_with_nothing_stored(gate)


def test_a_price_above_the_cost_limit_is_refused() -> None:
    gate = Gate()

    with pytest.raises(CostLimitExceeded) as refused:
        gate.generate(request(cost_limit=usd("0.0100")))

    assert refused.value.facts == {"scope": "generation", "needed": "0.0200", "room": "0.0100"}
    assert refused_with_nothing_stored(gate)


def test_an_unknown_provider_is_refused_by_name() -> None:
    gate = Gate()

    with pytest.raises(ValidationFailed, match="known are lumen, other, auto"):
        gate.generate(request(provider="nobody"))

    assert refused_with_nothing_stored(gate)


def test_what_nobody_can_make_is_refused_with_all_reasons() -> None:
    gate = Gate()

    with pytest.raises(NoCapableProvider) as refused:
        gate.generate(request(image_wish(quality="high")))

    reasons = refused.value.facts["reasons"]
    assert isinstance(reasons, dict)
    assert set(reasons) == {"lumen", "other"}
    assert refused_with_nothing_stored(gate)


# --- repeats -----------------------------------------------------------------------------------


def test_the_same_key_and_request_is_one_generation_for_ever() -> None:
    gate = Gate()
    first = gate.generate()

    repeats = [gate.generate() for _ in range(20)]

    assert all(one.replayed for one in repeats)
    assert {one.record.generation.id for one in repeats} == {first.record.generation.id}
    assert len(gate.studio.generations) == 1
    assert gate.budget().held == usd("0.0200")


def test_a_repeat_gives_the_generation_as_it_now_is() -> None:
    gate = Gate()
    made = gate.generate().record.generation
    ended = replace(made, state=GenerationState.SUCCEEDED, version=5)
    gate.studio.generations[TENANT, made.id] = ended

    again = gate.generate()

    assert again.record.generation == ended
    assert gate.workflow.started == [(TENANT, made.id)]


def test_a_key_that_started_another_request_is_refused() -> None:
    gate = Gate()
    made = gate.generate(request_hash="one").record.generation

    with pytest.raises(IdempotencyKeyReused) as refused:
        gate.generate(request_hash="other")

    assert refused.value.facts == {"generationId": made.id}
    assert len(gate.studio.generations) == 1


def test_a_key_belongs_to_its_user_and_tenant() -> None:
    gate = Gate()
    gate.studio.settings["rival"] = with_keys("lumen")

    made = [
        gate.generate(by=principal()),
        gate.generate(by=principal(user="bob")),
        gate.generate(by=principal(tenant="rival")),
    ]

    assert [one.replayed for one in made] == [False, False, False]
    assert len({one.record.generation.id for one in made}) == 3


def test_without_a_key_every_call_is_a_generation_of_its_own() -> None:
    gate = Gate()

    made = [gate.generate(key=None) for _ in range(3)]

    assert len({one.record.generation.id for one in made}) == 3
    assert gate.budget().held == usd("0.0600")


def test_a_start_that_fails_after_the_commit_is_mended_by_the_repeat() -> None:
    gate = Gate(FakeWorkflow(StoreUnavailable("the state machine is away")))

    with pytest.raises(StoreUnavailable):
        gate.generate()
    assert gate.workflow.started == []
    assert len(gate.studio.generations) == 1
    again = gate.generate()

    assert again.replayed
    assert gate.workflow.started == [(TENANT, again.record.generation.id)]
    assert gate.budget().held == usd("0.0200")


# --- at once -----------------------------------------------------------------------------------


def test_of_thirty_callers_at_once_exactly_what_fits_is_admitted() -> None:
    """0.0200 each against 0.2000: ten."""
    gate = Gate()
    gate.studio.open_budget(TENANT, Budget("owner", PERIOD, usd("0.2000")))

    def ask(number: int) -> bool:
        try:
            gate.generate(request(provider="lumen"), key=f"k{number}")
        except BudgetExceeded:
            return False
        return True

    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(ask, range(30)))

    assert answers.count(True) == 10
    assert (gate.budget().held, gate.budget().room) == (usd("0.2000"), 0)
    assert len(gate.workflow.started) == len(gate.studio.generations) == 10
    assert gate.studio.balances_disagree() == []


def test_who_finds_the_generation_there_at_the_commit_gives_it_back() -> None:
    """Another post with the same key went through between the first look and the commit."""

    class SeenTooLate(MemoryStudio):
        looks = 0

        def find(self, tenant: str, generation_id: str) -> Record | None:
            self.looks += 1
            return None if self.looks == 1 else super().find(tenant, generation_id)

    gate = Gate()
    first = gate.generate()
    late = SeenTooLate()
    vars(late).update(vars(gate.studio))
    gate.studio = late

    again = gate.generate()

    assert again.replayed
    assert again.record.generation == first.record.generation
    assert gate.budget().held == usd("0.0200")


def test_of_thirty_posts_with_one_key_at_once_one_buys() -> None:
    gate = Gate()

    with ThreadPoolExecutor(30) as pool:
        made = list(pool.map(lambda _: gate.generate(), range(30)))

    assert [one.replayed for one in made].count(False) == 1
    assert len({one.record.generation.id for one in made}) == 1
    assert gate.budget().held == usd("0.0200")


# --- keyframes ---------------------------------------------------------------------------------

CLIPS = catalogue_of(
    provider("lumen", video_offer(accepts=frozenset({"image"})), media=clip_wish().type)
)


def clip_from(gate: Gate, take_id: str, by: Principal | None = None) -> Admitted:
    return gate.generate(request(clip_wish(image=take_id)), key="k2", catalogue=CLIPS, by=by)


def test_a_clip_may_start_from_a_still_of_the_tenant() -> None:
    gate = Gate()
    still = gate.generate().record.current
    made = take(still)
    gate.studio.takes[TENANT, still.generation_id][made.id] = made

    admitted = clip_from(gate, made.id)

    assert admitted.record.generation.wish.image == made.id


@pytest.mark.parametrize(
    "take_id",
    [f"take_{'a' * 28}", "take_short", "gen_x", f"upl_{'a' * 26}"],
    ids=["unknown", "short", "foreign", "no upload"],
)
def test_a_still_that_is_not_there_is_refused_at_its_field(take_id: str) -> None:
    gate = Gate()

    with pytest.raises(ValidationFailed) as refused:
        clip_from(gate, take_id)

    assert refused.value.facts["errors"] == [
        {"pointer": "/params/image", "message": "there is no still with this take or upload id"}
    ]
    assert refused_with_nothing_stored(gate)


def test_a_clip_may_start_from_an_uploaded_image() -> None:
    gate = Gate()
    kept = Upload("upl_" + "b" * 26, TENANT, "ada", "creator", "a.png", NOW).kept(
        Still("k", "image/png", 64, 64, 1, "a" * 64)
    )
    gate.studio.add_upload(kept)

    admitted = clip_from(gate, kept.id)

    assert admitted.record.generation.wish.image == kept.id


def test_an_upload_that_is_no_image_is_refused_at_its_field() -> None:
    gate = Gate()
    asked = Upload("upl_" + "b" * 26, TENANT, "ada", "creator", "a.png", NOW)
    gate.studio.add_upload(asked)

    with pytest.raises(ValidationFailed, match="/params/image"):
        clip_from(gate, asked.id)


def test_a_clip_is_no_still() -> None:
    gate = Gate()
    attempt = gate.generate().record.current
    made = take(attempt, media_type="video/mp4")
    gate.studio.takes[TENANT, attempt.generation_id][made.id] = made

    with pytest.raises(ValidationFailed):
        clip_from(gate, made.id)


def test_another_tenants_still_is_not_there() -> None:
    gate = Gate()
    attempt = gate.generate().record.current
    made = take(attempt)
    gate.studio.takes[TENANT, attempt.generation_id][made.id] = made
    gate.studio.settings["rival"] = with_keys("lumen")

    with pytest.raises(ValidationFailed):
        clip_from(gate, made.id, by=principal(tenant="rival"))


def test_a_start_that_fails_without_a_key_gives_the_money_back() -> None:
    gate = Gate(FakeWorkflow(StoreUnavailable("the state machine is away")))

    with pytest.raises(StoreUnavailable):
        gate.generate(key=None)

    assert [one.state for one in gate.studio.generations.values()] == [GenerationState.CANCELLED]
    assert (gate.budget().held, gate.budget().settled) == (0, 0)
