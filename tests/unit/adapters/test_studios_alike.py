"""The table, on moto, and the studio in memory: what one of them does the other does too."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from filmgate.adapters import items
from filmgate.adapters.one_table import OPEN_INDEX
from filmgate.adapters.table import StudioTable
from filmgate.domain import ledger
from filmgate.domain.attempts import (
    Attempt,
    AttemptState,
    accept,
    adopt,
    begin,
    close,
    correct,
    doubt,
    pay,
    presume,
    release,
    spoil,
    store,
)
from filmgate.domain.chain import ProviderSettings
from filmgate.domain.errors import BudgetMissing, DoesNotFit, Stale, StoreUnavailable
from filmgate.domain.generations import Generation, GenerationState
from filmgate.domain.ids import generation_id
from filmgate.domain.ledger import (
    NO_PERIOD,
    OWNER_SCOPE,
    Budget,
    Commit,
    PriceDoubt,
    generation_scope,
)
from filmgate.usecases.budgets import set_budget, with_open_budgets
from filmgate.usecases.ports import BudgetLimit, Opened, Studio
from filmgate.usecases.verify import verify
from tests.support.aws import STUDIO_TABLE, account, client, studio_table
from tests.support.builders import (
    NOW,
    PERIOD,
    TENANT,
    attempt,
    author,
    failure,
    generation,
    usd,
)
from tests.support.memory_studio import MemoryStudio

S = AttemptState
LATER = NOW + timedelta(days=30)
LEASE_END = NOW + timedelta(minutes=5)
ASKED = generation(project="fox")
FIRST = attempt(scopes=ledger.scopes_of(ASKED, "lumen", now=NOW))
MONTHLY = [scope for scope, period in FIRST.scopes if period == PERIOD]
OTHERS = [scope for scope in MONTHLY if scope != OWNER_SCOPE]


@pytest.fixture(params=["table", "memory"])
def studio(request: pytest.FixtureRequest) -> Iterator[Studio]:
    """Each of the two, with this month's budgets open; only the owner's has a limit."""
    if request.param == "memory":
        yield with_budgets(MemoryStudio())
        return
    with account():
        table = StudioTable(
            client("dynamodb"), studio_table(), sleep=lambda _: None, jitter=lambda: 1.0
        )
        yield with_budgets(table)


def with_budgets(studio: Studio) -> Studio:
    for scope in MONTHLY:
        limit = usd("1.0000") if scope == OWNER_SCOPE else None
        studio.open_budget(TENANT, Budget(scope, PERIOD, limit))
    return studio


def admit(
    studio: Studio, of: Generation = ASKED, first: Attempt = FIRST, tenant: str = TENANT
) -> None:
    own = Budget(generation_scope(of.id), NO_PERIOD, of.cost_limit)
    commit = ledger.opening(ledger.change(None, first, at=NOW), own)
    studio.commit(tenant, ledger.with_generation(commit, None, of))


def walk(studio: Studio, *steps: Attempt) -> Attempt:
    """Commit the steps of the first attempt one after the other."""
    before = FIRST
    for after in steps:
        studio.commit(TENANT, ledger.change(before, after, at=NOW))
        before = after
    return before


def sent() -> Attempt:
    return begin(FIRST, worker="worker", lease_until=LEASE_END)


def balances(studio: Studio) -> dict[str, tuple[int, int]]:
    found = {scope: studio.budget(TENANT, scope, PERIOD) for scope in MONTHLY}
    return {scope: (one.held, one.settled) for scope, one in found.items() if one is not None}


def limit_it(studio: Studio, scope: str, limit: str | None) -> Budget:
    return set_budget(
        scope,
        tenant=TENANT,
        limit=None if limit is None else usd(limit),
        alert_at=None,
        studio=studio,
        default_limit=usd("10"),
        by=author(),
        now=NOW,
    ).budget


# --- scopes ------------------------------------------------------------------------------------


def test_every_scope_is_drawn_on_whether_it_has_a_limit_or_not(studio: Studio) -> None:
    admit(studio)
    held = balances(studio)

    walk(studio, sent(), store(sent(), now=NOW, actual=usd("0.0150")))

    assert held == dict.fromkeys(MONTHLY, (20_000, 0))
    assert balances(studio) == dict.fromkeys(MONTHLY, (0, 15_000))


def test_a_scope_without_a_limit_takes_whatever_the_owner_can_pay(studio: Studio) -> None:
    dear = replace(FIRST, reserved_micros=usd("1.0000"))

    admit(studio, first=dear)

    budget = studio.budget(TENANT, "user:ada", PERIOD)
    assert budget is not None
    assert replace(budget, tally={}) == Budget(
        "user:ada", PERIOD, None, held=usd("1.0000"), version=2
    )


@pytest.mark.parametrize("scope", MONTHLY)
def test_the_scope_that_lacks_room_is_named_and_nothing_is_written(
    studio: Studio, scope: str
) -> None:
    limit_it(studio, scope, "0.0199")

    with pytest.raises(DoesNotFit) as full:
        admit(studio)

    assert (full.value.scope, full.value.needed, full.value.room) == (scope, 20_000, 19_900)
    assert studio.find(TENANT, ASKED.id) is None
    assert balances(studio) == dict.fromkeys(MONTHLY, (0, 0))


@pytest.mark.parametrize("scope", MONTHLY)
def test_what_fits_a_scope_to_the_last_quantum_is_admitted(studio: Studio, scope: str) -> None:
    limit_it(studio, scope, "0.0200")

    admit(studio)

    assert balances(studio)[scope] == (20_000, 0)


def test_of_several_that_lack_room_the_widest_is_named(studio: Studio) -> None:
    for scope in reversed(MONTHLY):
        limit_it(studio, scope, "0")

    with pytest.raises(DoesNotFit) as full:
        admit(studio)

    assert full.value.scope == OWNER_SCOPE


def test_a_scope_that_is_not_open_this_month_is_named(studio: Studio) -> None:
    hen = replace(ASKED, project="hen")
    first = replace(FIRST, scopes=ledger.scopes_of(hen, "lumen", now=NOW))

    with pytest.raises(BudgetMissing) as missing:
        admit(studio, hen, first)

    assert (missing.value.scope, missing.value.period) == ("project:hen", PERIOD)
    assert balances(studio) == dict.fromkeys(MONTHLY, (0, 0))


@pytest.mark.parametrize("scope", OTHERS)
def test_a_limit_set_in_mid_month_counts_what_was_used_before(studio: Studio, scope: str) -> None:
    admit(studio)

    budget = limit_it(studio, scope, "0.0300")
    second = replace(FIRST, id="att_second", index=1)

    assert (budget.limit, budget.room, budget.held) == (30_000, 10_000, 20_000)
    with pytest.raises(DoesNotFit) as full:
        studio.commit(TENANT, ledger.change(None, second, at=NOW))
    assert (full.value.scope, full.value.room) == (scope, 10_000)


@pytest.mark.parametrize("scope", OTHERS)
def test_a_limit_that_is_taken_away_bounds_nothing_any_more(studio: Studio, scope: str) -> None:
    limit_it(studio, scope, "0")

    budget = limit_it(studio, scope, None)
    admit(studio)

    assert budget.limit is None
    assert balances(studio)[scope] == (20_000, 0)
    assert studio.limit_of(TENANT, scope) == BudgetLimit(None, (80, 100), 2)


def test_a_limit_that_comes_and_goes_leaves_the_room_right(studio: Studio) -> None:
    admit(studio)

    for limit in ("0.5000", None, "0.0300", "0.0400", None, "0.0200"):
        limit_it(studio, "user:ada", limit)

    budget = studio.budget(TENANT, "user:ada", PERIOD)
    assert budget is not None
    assert (budget.limit, budget.room) == (20_000, 0)


@pytest.mark.parametrize("known", [None, 0, 70_000])
def test_who_has_an_old_limit_in_hand_is_stale(studio: Studio, known: int | None) -> None:
    limit_it(studio, "user:ada", "0.0500")
    budget = studio.budget(TENANT, "user:ada", PERIOD)
    assert budget is not None

    with pytest.raises(Stale):
        studio.set_limit(
            TENANT,
            scope="user:ada",
            before=studio.limit_of(TENANT, "user:ada"),
            after=BudgetLimit(usd("9"), (80,), 2),
            budget=replace(budget, limit=known),
            at=NOW,
        )

    assert studio.budget(TENANT, "user:ada", PERIOD) == budget


# --- what is open ------------------------------------------------------------------------------


def opened(studio: Studio, before: datetime = LATER) -> list[Opened]:
    return list(studio.opened(before=before))


def end_generation(studio: Studio) -> None:
    ended = ASKED.now(state=GenerationState.FAILED)
    studio.commit(TENANT, ledger.with_generation(Commit(), ASKED, ended))


def test_a_generation_and_its_attempt_are_open_once(studio: Studio) -> None:
    admit(studio)

    assert opened(studio) == [Opened(TENANT, ASKED.id, NOW)]


def test_the_open_ones_of_all_tenants_come_oldest_first(studio: Studio) -> None:
    for number in (2, 0, 1):
        at = NOW + timedelta(seconds=number)
        one = generation(id=generation_id("t", "u", str(number)), created_at=at)
        studio.commit(f"tenant{number}", ledger.with_generation(Commit(), None, replace(
            one, tenant=f"tenant{number}")))  # fmt: skip

    told = [(one.tenant, one.since) for one in opened(studio)]

    assert told == [(f"tenant{n}", NOW + timedelta(seconds=n)) for n in range(3)]


@pytest.mark.parametrize(
    ("moment", "count"),
    [(NOW, 0), (NOW + timedelta(microseconds=1), 1), (NOW - timedelta(days=1), 0)],
)
def test_only_what_was_begun_before_a_time_is_told(
    studio: Studio, moment: datetime, count: int
) -> None:
    admit(studio)

    assert len(opened(studio, moment)) == count


def _paid() -> Attempt:
    return pay(sent(), actual=usd("0.0200"), now=NOW)


def _unsure() -> Attempt:
    return doubt(sent(), failure=failure(), now=NOW, worker="worker")


def _presumed() -> Attempt:
    return presume(_unsure(), now=NOW)


def _accepted() -> Attempt:
    return accept(sent(), operation={"task": "t"}, deadline_at=NOW)


def _gone() -> Attempt:
    return release(FIRST, failure=failure(), now=NOW)


STILL_OPEN = {
    "submitting": [sent()],
    "accepted": [sent(), _accepted()],
    "in doubt": [sent(), _unsure()],
    "paid": [sent(), _paid()],
    "presumed": [sent(), _unsure(), _presumed()],
    "adopted": [_gone(), adopt(_gone(), operation={"task": "t"})],
}
AT_THEIR_END = {
    "released": [_gone()],
    "stored": [sent(), _paid(), store(_paid(), now=NOW)],
    "unusable": [sent(), _paid(), spoil(_paid(), failure=failure())],
    "closed": [sent(), _unsure(), _presumed(), close(_presumed(), now=NOW)],
    "corrected": [sent(), _unsure(), _presumed(), correct(_presumed(), actual=0, now=NOW)],
}


@pytest.mark.parametrize("steps", STILL_OPEN.values(), ids=STILL_OPEN)
def test_an_attempt_keeps_its_ended_generation_among_the_open_ones(
    studio: Studio, steps: list[Attempt]
) -> None:
    admit(studio)
    walk(studio, *steps)
    end_generation(studio)

    assert opened(studio) == [Opened(TENANT, ASKED.id, NOW)]


@pytest.mark.parametrize("steps", AT_THEIR_END.values(), ids=AT_THEIR_END)
def test_what_has_come_to_its_end_leaves_the_open_ones(
    studio: Studio, steps: list[Attempt]
) -> None:
    admit(studio)
    walk(studio, *steps)
    before = opened(studio)
    end_generation(studio)

    assert len(before) == 1
    assert opened(studio) == []
    if isinstance(studio, StudioTable):
        assert client("dynamodb").scan(TableName=STUDIO_TABLE, IndexName=OPEN_INDEX)["Items"] == []


def test_the_index_of_what_is_open_holds_keys_alone(studio: Studio) -> None:
    if not isinstance(studio, StudioTable):
        return
    admit(studio)

    found = client("dynamodb").scan(TableName=STUDIO_TABLE, IndexName=OPEN_INDEX)["Items"]

    assert {name for item in found for name in item} == {"pk", "sk", "open_pk", "open_sk"}
    assert [items.from_wire(item)["sk"] for item in found] == ["attempt#00", "generation"]


# --- the whole ledger --------------------------------------------------------------------------


def test_the_ledger_is_all_of_a_tenants_money_and_nothing_of_others(studio: Studio) -> None:
    admit(studio)
    limit_it(studio, "user:ada", "1")
    done = walk(studio, sent(), store(sent(), now=NOW, actual=usd("0.0150")))
    mended = correct(done, actual=usd("0.0100"), now=NOW)
    move = ledger.correction(done, mended, by="ada", reason="a bill", at=NOW)
    studio.commit(TENANT, move)
    studio.open_budget("rival", Budget(OWNER_SCOPE, PERIOD, usd("1")))

    found = studio.ledger(TENANT)

    assert {one.scope for one in found.budgets} == {*MONTHLY, generation_scope(ASKED.id)}
    assert sorted(entry.kind for entry in found.entries) == ["correct", "reserve", "settle"]
    (entry,) = [one for one in found.entries if one.kind == "correct"]
    assert (entry.by, entry.reason, entry.settled) == ("ada", "a bill", -5_000)
    assert list(found.attempts) == [mended]
    assert studio.ledger("nobody").budgets == []


def test_every_tenant_that_spent_is_told_once(studio: Studio) -> None:
    studio.open_budget(TENANT, Budget(OWNER_SCOPE, "2026-12", usd("1")))
    studio.open_budget("rival", Budget(OWNER_SCOPE, PERIOD, usd("1")))

    assert list(studio.tenants()) == [TENANT, "rival"]


def test_the_books_agree_after_a_presumption(studio: Studio) -> None:
    admit(studio)
    walk(studio, sent(), _unsure(), _presumed())

    found = verify(studio, TENANT)

    assert (found.drift, found.busy, found.attempts) == ((), 0, 1)


# --- prices in doubt ---------------------------------------------------------------------------


def overrun(studio: Studio, price: str = "guide/*/720p/*", index: int = 0) -> PriceDoubt:
    one = PriceDoubt("lumen", price, 20_000, 35_000, f"att_{index}", NOW)
    studio.commit(TENANT, ledger.with_price_doubt(Commit(), one))
    return one


def test_a_price_in_doubt_is_one_of_its_providers_settings(studio: Studio) -> None:
    before = ProviderSettings(key_set=True, version=1)
    studio.change_settings(TENANT, seen={"lumen": ProviderSettings()}, new={"lumen": before})

    overrun(studio)
    overrun(studio, "guide/*/1080p/*")

    told = studio.provider_settings(TENANT)["lumen"]
    prices = frozenset({"guide/*/720p/*", "guide/*/1080p/*"})
    assert told == replace(before, doubted_prices=prices)
    assert studio.provider_settings("rival") == {}


def test_a_price_in_doubt_needs_no_settings_and_makes_none(studio: Studio) -> None:
    overrun(studio)
    seen = studio.provider_settings(TENANT)["lumen"]

    changed = replace(seen, enabled=False, version=1)
    studio.change_settings(TENANT, seen={"lumen": seen}, new={"lumen": changed})

    told = studio.provider_settings(TENANT)["lumen"]
    assert (told.version, told.enabled) == (1, False)
    assert told.doubted_prices == {"guide/*/720p/*"}


def test_confirming_sells_again_at_every_price_of_that_provider(studio: Studio) -> None:
    first, second = overrun(studio), overrun(studio, "guide/*/1080p/*")
    studio.commit(
        TENANT, ledger.with_price_doubt(Commit(), replace(first, provider="lumen2", price="x"))
    )

    confirmed = studio.confirm_prices(TENANT, "lumen", by="ann")

    assert sorted(one.price for one in confirmed) == sorted([first.price, second.price])
    settings = studio.provider_settings(TENANT)
    assert settings.get("lumen", ProviderSettings()).doubted_prices == frozenset()
    assert settings["lumen2"].doubted_prices == {"x"}
    assert studio.confirm_prices(TENANT, "lumen", by="ann") == []


def test_a_price_that_is_overstepped_again_is_in_doubt_again(studio: Studio) -> None:
    overrun(studio)
    studio.confirm_prices(TENANT, "lumen", by="ann")

    overrun(studio, index=1)

    assert studio.provider_settings(TENANT)["lumen"].doubted_prices == {"guide/*/720p/*"}
    (again,) = studio.confirm_prices(TENANT, "lumen", by="ann")
    assert again.attempt_id == "att_1"


def test_a_commit_that_is_refused_puts_no_price_in_doubt(studio: Studio) -> None:
    admit(studio)
    stale = ledger.change(attempt(S.ACCEPTED, version=9), _paid(), at=NOW)
    one = PriceDoubt("lumen", "p", 1, 2, "att", NOW)

    with pytest.raises(Stale):
        studio.commit(TENANT, ledger.with_price_doubt(stale, one))

    assert studio.provider_settings(TENANT) == {}


# --- the turn of the month ---------------------------------------------------------------------

DECEMBER = "2026-12"


def set_owner_limit(studio: Studio, limit: str, now: datetime = NOW) -> None:
    set_budget(
        OWNER_SCOPE,
        tenant=TENANT,
        limit=usd(limit),
        alert_at=None,
        studio=studio,
        default_limit=usd("1.0000"),
        by=author(),
        now=now,
    )


def test_a_month_does_not_begin_under_a_limit_that_was_changed_meanwhile(studio: Studio) -> None:
    before = studio.limit_of(TENANT, OWNER_SCOPE)
    set_owner_limit(studio, "2.0000")
    first = studio.limit_of(TENANT, OWNER_SCOPE)
    set_owner_limit(studio, "3.0000")

    for seen in (before, first):
        with pytest.raises(Stale):
            studio.open_budget(TENANT, Budget(OWNER_SCOPE, DECEMBER, usd("2.0000")), seen=seen)

    assert studio.budget(TENANT, OWNER_SCOPE, DECEMBER) is None


def test_whoever_opens_a_month_while_its_limit_is_set_opens_it_under_the_new_one(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, first = studio.limit_of, iter([True])

    def read_and_be_slow(tenant: str, scope: str) -> BudgetLimit | None:
        known = read(tenant, scope)
        if next(first, False):
            set_owner_limit(studio, "3.0000")
        return known

    def reserve() -> None:
        if studio.budget(TENANT, OWNER_SCOPE, DECEMBER) is None:
            raise BudgetMissing(OWNER_SCOPE, DECEMBER)

    monkeypatch.setattr(studio, "limit_of", read_and_be_slow)
    with_open_budgets(reserve, tenant=TENANT, studio=studio, default_limit=usd("1.0000"))

    opened = studio.budget(TENANT, OWNER_SCOPE, DECEMBER)
    assert opened is not None
    assert opened.limit == usd("3.0000")


def test_a_limit_of_the_old_month_is_not_set_behind_the_back_of_the_new_one(
    studio: Studio,
) -> None:
    studio.open_budget(TENANT, Budget(OWNER_SCOPE, DECEMBER, usd("1.0000")))

    with pytest.raises(StoreUnavailable):
        set_owner_limit(studio, "3.0000")
    set_owner_limit(studio, "3.0000", now=LATER)

    opened = studio.budget(TENANT, OWNER_SCOPE, DECEMBER)
    assert opened is not None
    assert opened.limit == usd("3.0000")


def test_an_open_month_stays_as_it_is_whoever_opens_it_again(studio: Studio) -> None:
    set_owner_limit(studio, "3.0000")

    studio.open_budget(TENANT, Budget(OWNER_SCOPE, PERIOD, usd("9.0000")))

    known = studio.budget(TENANT, OWNER_SCOPE, PERIOD)
    assert known is not None
    assert known.limit == usd("3.0000")
