"""The one table, on moto: what its guards keep out, and what it makes of a lost answer."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from filmgate.adapters import items
from filmgate.adapters.table import StudioTable
from filmgate.domain import ledger
from filmgate.domain.attempts import (
    Attempt,
    AttemptState,
    accept,
    begin,
    give_back,
    pay,
    release,
    store,
)
from filmgate.domain.chain import ProviderSettings
from filmgate.domain.errors import (
    AlreadyExists,
    BudgetMissing,
    DoesNotFit,
    Stale,
    StoreUnavailable,
)
from filmgate.domain.generations import Generation, GenerationState, Problem, Record
from filmgate.domain.ids import generation_id
from filmgate.domain.ledger import NO_PERIOD, OWNER_SCOPE, Budget, Commit, generation_scope
from filmgate.usecases.ports import BudgetLimit, Page
from tests.support.aws import STUDIO_TABLE, account, client, studio_table
from tests.support.builders import (
    GENERATION_ID,
    NOW,
    PERIOD,
    TENANT,
    attempt,
    clip_wish,
    failure,
    generation,
    image_wish,
    link,
    take,
    usd,
)

OWN_SCOPE = generation_scope(GENERATION_ID)


class Unreliable:
    """A DynamoDB client whose transactions go wrong as scripted, before or after they are done."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.before: list[Exception] = []
        self.after: list[Exception] = []
        self.sent = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def transact_write_items(self, **arguments: Any) -> Any:
        self.sent += 1
        if self.before:
            raise self.before.pop(0)
        answer = self._inner.transact_write_items(**arguments)
        if self.after:
            raise self.after.pop(0)
        return answer


@pytest.fixture
def dynamodb() -> Iterator[Unreliable]:
    with account():
        studio_table()
        yield Unreliable(client("dynamodb"))


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def table(dynamodb: Unreliable, pauses: list[float]) -> StudioTable:
    return StudioTable(dynamodb, STUDIO_TABLE, sleep=pauses.append, jitter=lambda: 1.0)


@pytest.fixture
def opened(table: StudioTable, dynamodb: Unreliable) -> StudioTable:
    """The table with this month's budget of one dollar."""
    table.open_budget(TENANT, Budget(OWNER_SCOPE, PERIOD, usd("1.0000")))
    dynamodb.sent = 0
    return table


def admission(of: Generation | None = None, first: Attempt | None = None) -> Commit:
    """The transaction that takes a generation in, as `generate` makes it."""
    of = of or generation()
    first = first or attempt(generation_id=of.id)
    own = Budget(generation_scope(of.id), NO_PERIOD, of.cost_limit)
    commit = ledger.opening(ledger.change(None, first, at=NOW), own)
    return ledger.with_generation(commit, None, of)


def admitted(table: StudioTable) -> Record:
    table.commit(TENANT, admission())
    return read(table)


def read(table: StudioTable, of: str = GENERATION_ID) -> Record:
    record = table.find(TENANT, of)
    assert record is not None
    return record


def begun(before: Attempt, worker: str = "worker") -> Attempt:
    return begin(before, worker=worker, lease_until=NOW + timedelta(minutes=5))


def balance(table: StudioTable, scope: str = OWNER_SCOPE, period: str = PERIOD) -> tuple[int, ...]:
    """(limit, room, held, settled), the room as it is stored."""
    key = items.budget_key(TENANT, scope, period)
    found = client("dynamodb").get_item(TableName=STUDIO_TABLE, Key=items.to_wire(key))["Item"]
    return tuple(int(found[name]["N"]) for name in ("limit", "room", "held", "settled"))


def entries(table: StudioTable) -> list[ledger.Entry]:
    """Every entry of the generation, read past the adapter."""
    answer = client("dynamodb").query(
        TableName=STUDIO_TABLE,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :entry)",
        ExpressionAttributeValues=items.to_wire(
            {":pk": items.generation_pk(TENANT, GENERATION_ID), ":entry": "entry#"}
        ),
    )
    return [items.load(ledger.Entry, items.from_wire(item)) for item in answer["Items"]]


def client_error(code: str, *reasons: str) -> ClientError:
    details = [{"Code": reason} for reason in reasons]
    answer: Any = {"Error": {"Code": code, "Message": "no"}, "CancellationReasons": details}
    return ClientError(answer, "TransactWriteItems")


def read_timeout() -> ReadTimeoutError:
    return ReadTimeoutError(endpoint_url="https://dynamodb.example")


# --- what a commit writes ----------------------------------------------------------------------


def test_an_admission_writes_generation_attempt_entry_and_both_budgets_at_once(
    opened: StudioTable,
) -> None:
    opened.commit(TENANT, admission())

    assert read(opened) == Record(generation(), (attempt(),))
    assert balance(opened) == (usd("1.0000"), usd("0.9800"), usd("0.0200"), 0)
    assert balance(opened, OWN_SCOPE, NO_PERIOD) == (usd("1.0000"), usd("0.9800"), 20_000, 0)
    assert [(e.kind, e.held, e.settled) for e in entries(opened)] == [("reserve", 20_000, 0)]


def test_a_generation_that_is_not_there_is_none(table: StudioTable) -> None:
    assert table.find(TENANT, GENERATION_ID) is None


def test_a_generation_of_another_tenant_is_none(opened: StudioTable) -> None:
    opened.commit(TENANT, admission())

    assert opened.find("other", GENERATION_ID) is None


def test_attempts_come_back_in_the_order_of_the_chain(opened: StudioTable) -> None:
    admitted(opened)
    later = [attempt(index=index, reserved="0.0001") for index in (10, 2, 1)]

    for one in later:
        opened.commit(TENANT, ledger.change(None, one, at=NOW))

    assert [one.index for one in read(opened).attempts] == [0, 1, 2, 10]


# --- what the guards keep out ------------------------------------------------------------------


def test_a_second_admission_of_the_same_generation_is_refused_and_holds_nothing(
    opened: StudioTable,
) -> None:
    admitted(opened)
    before = balance(opened)

    with pytest.raises(AlreadyExists):
        opened.commit(TENANT, admission())

    assert balance(opened) == before


def test_a_worker_with_an_old_version_of_the_attempt_is_stale(opened: StudioTable) -> None:
    record = admitted(opened)
    opened.commit(TENANT, ledger.change(record.current, begun(record.current, "first"), at=NOW))

    with pytest.raises(Stale):
        opened.commit(
            TENANT, ledger.change(record.current, begun(record.current, "second"), at=NOW)
        )

    assert read(opened).current.owner == "first"


def test_the_same_version_in_another_state_is_stale_too(opened: StudioTable) -> None:
    record = admitted(opened)
    lied = replace(record.current, state=AttemptState.SUBMITTING)
    gone = release(record.current, failure=failure(), now=NOW)

    with pytest.raises(Stale):
        opened.commit(TENANT, ledger.change(lied, gone, at=NOW))

    assert read(opened).current.state is AttemptState.RESERVED


def test_the_same_state_in_a_later_version_is_stale_too(opened: StudioTable) -> None:
    first = admitted(opened).current
    sent = begun(first)
    back = give_back(sent, worker="worker", now=NOW, retry_at=NOW)
    opened.commit(TENANT, ledger.change(first, sent, at=NOW))
    opened.commit(TENANT, ledger.change(sent, back, at=NOW))

    with pytest.raises(Stale):
        opened.commit(TENANT, ledger.change(first, begun(first, "late"), at=NOW))

    assert (first.state, back.state) == (AttemptState.RESERVED, AttemptState.RESERVED)
    assert read(opened).current == back


def test_an_old_version_of_the_generation_is_stale_and_moves_no_money(
    opened: StudioTable,
) -> None:
    record = admitted(opened)
    newer = record.generation.now(state=GenerationState.RUNNING)
    opened.commit(TENANT, ledger.with_generation(Commit(), record.generation, newer))
    gone = release(record.current, failure=failure(), now=NOW)
    ended = record.generation.now(state=GenerationState.CANCELLED)
    commit = ledger.change(record.current, gone, at=NOW)

    with pytest.raises(Stale):
        opened.commit(TENANT, ledger.with_generation(commit, record.generation, ended))

    assert read(opened).generation.state is GenerationState.RUNNING
    assert balance(opened) == (usd("1.0000"), usd("0.9800"), usd("0.0200"), 0)


def test_the_same_provider_is_not_reserved_twice(opened: StudioTable) -> None:
    admitted(opened)

    with pytest.raises(Stale):
        opened.commit(TENANT, ledger.change(None, attempt(), at=NOW))

    assert balance(opened)[2] == usd("0.0200")


def test_an_entry_is_written_once_even_if_its_attempt_lies(opened: StudioTable) -> None:
    record = admitted(opened)
    gone = release(record.current, failure=failure(), now=NOW)
    commit = ledger.change(record.current, gone, at=NOW)
    opened.commit(TENANT, commit)
    again = replace(commit, attempt=None)

    with pytest.raises(Stale):
        opened.commit(TENANT, again)

    assert balance(opened) == (usd("1.0000"), usd("1.0000"), 0, 0)


def test_a_month_that_is_not_open_yet_is_named(table: StudioTable) -> None:
    with pytest.raises(BudgetMissing) as missing:
        table.commit(TENANT, admission())

    assert (missing.value.scope, missing.value.period) == (OWNER_SCOPE, PERIOD)
    assert table.find(TENANT, GENERATION_ID) is None


def test_what_fits_to_the_last_quantum_is_admitted(table: StudioTable) -> None:
    table.open_budget(TENANT, Budget(OWNER_SCOPE, PERIOD, usd("0.0200")))

    table.commit(TENANT, admission())

    assert balance(table) == (usd("0.0200"), 0, usd("0.0200"), 0)


def test_one_quantum_too_much_does_not_fit_and_writes_nothing(table: StudioTable) -> None:
    table.open_budget(TENANT, Budget(OWNER_SCOPE, PERIOD, usd("0.0199")))

    with pytest.raises(DoesNotFit) as full:
        table.commit(TENANT, admission())

    assert (full.value.scope, full.value.needed, full.value.room) == (OWNER_SCOPE, 20_000, 19_900)
    assert table.find(TENANT, GENERATION_ID) is None
    assert balance(table) == (19_900, 19_900, 0, 0)


def test_a_settlement_needs_no_room(opened: StudioTable) -> None:
    record = admitted(opened)
    opened.set_limit(
        TENANT,
        scope=OWNER_SCOPE,
        before=None,
        after=BudgetLimit(usd("0.0100"), (80,), 1),
        budget=_budget(opened),
        at=NOW,
    )
    sent = begun(record.current)
    opened.commit(TENANT, ledger.change(record.current, sent, at=NOW))

    opened.commit(TENANT, ledger.change(sent, store(sent, now=NOW, actual=usd("0.0150")), at=NOW))

    assert balance(opened) == (usd("0.0100"), -5_000, 0, 15_000)


# --- answers that got lost, conflicts, throttling ----------------------------------------------


@pytest.mark.parametrize(
    "lost",
    [read_timeout(), EndpointConnectionError(endpoint_url="https://dynamodb.example")],
    ids=lambda error: type(error).__name__,
)
def test_a_commit_whose_answer_was_lost_is_a_success_and_counts_once(
    opened: StudioTable, dynamodb: Unreliable, lost: Exception
) -> None:
    dynamodb.after = [lost]

    opened.commit(TENANT, admission())

    assert dynamodb.sent == 1
    assert balance(opened) == (usd("1.0000"), usd("0.9800"), usd("0.0200"), 0)
    assert len(entries(opened)) == 1


def test_a_change_of_an_attempt_whose_answer_was_lost_is_a_success(
    opened: StudioTable, dynamodb: Unreliable
) -> None:
    record = admitted(opened)
    dynamodb.after = [read_timeout()]

    opened.commit(TENANT, ledger.change(record.current, begun(record.current), at=NOW))

    assert read(opened).current == begun(record.current)


@pytest.mark.parametrize(
    "unsent",
    [read_timeout(), ConnectTimeoutError(endpoint_url="https://dynamodb.example")],
    ids=lambda error: type(error).__name__,
)
def test_a_commit_that_never_arrived_is_sent_again(
    opened: StudioTable, dynamodb: Unreliable, unsent: Exception
) -> None:
    dynamodb.before = [unsent]

    opened.commit(TENANT, admission())

    assert dynamodb.sent == 2
    assert balance(opened) == (usd("1.0000"), usd("0.9800"), usd("0.0200"), 0)


def test_a_resent_commit_that_meets_its_own_writing_is_a_success(
    opened: StudioTable, dynamodb: Unreliable
) -> None:
    # The library sends again by itself: the first sending was done, the second is refused.
    own = dynamodb._inner.transact_write_items

    def twice(**arguments: Any) -> Any:
        own(**arguments)
        token = {"ClientRequestToken": "another"}
        return own(**arguments, **token)

    dynamodb._inner = _Replaced(dynamodb._inner, twice)

    opened.commit(TENANT, admission())

    assert balance(opened) == (usd("1.0000"), usd("0.9800"), usd("0.0200"), 0)


@pytest.mark.parametrize(
    "error",
    [
        client_error("TransactionCanceledException", "None", "TransactionConflict"),
        client_error("TransactionCanceledException", "ThrottlingError", "None"),
        client_error("ThrottlingException"),
        client_error("ProvisionedThroughputExceededException"),
        client_error("RequestLimitExceeded"),
        client_error("TransactionInProgressException"),
        client_error("InternalServerError"),
    ],
    ids=lambda error: error.response["Error"]["Code"],
)
def test_conflicts_and_throttling_are_tried_again_in_growing_pauses(
    opened: StudioTable, dynamodb: Unreliable, pauses: list[float], error: ClientError
) -> None:
    dynamodb.before = [error] * 3

    opened.commit(TENANT, admission())

    assert dynamodb.sent == 4
    assert pauses == [0.02, 0.04, 0.08]
    assert balance(opened)[2] == usd("0.0200")


def test_endless_conflicts_fail_the_step_not_the_money(
    opened: StudioTable, dynamodb: Unreliable, pauses: list[float]
) -> None:
    dynamodb.before = [client_error("TransactionCanceledException", "TransactionConflict")] * 99

    with pytest.raises(StoreUnavailable) as gone:
        opened.commit(TENANT, admission())

    assert type(gone.value) is StoreUnavailable  # the state machine knows leaf names only
    assert dynamodb.sent == 12
    assert max(pauses) == 1.0
    assert opened.find(TENANT, GENERATION_ID) is None
    assert balance(opened) == (usd("1.0000"), usd("1.0000"), 0, 0)


def test_answers_that_are_lost_for_ever_fail_the_step(
    opened: StudioTable, dynamodb: Unreliable
) -> None:
    dynamodb.before = [read_timeout() for _ in range(99)]

    with pytest.raises(StoreUnavailable) as gone:
        opened.commit(TENANT, admission())

    assert type(gone.value) is StoreUnavailable
    assert balance(opened) == (usd("1.0000"), usd("1.0000"), 0, 0)


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException"])
def test_a_refusal_that_waiting_does_not_mend_is_not_tried_again(
    opened: StudioTable, dynamodb: Unreliable, pauses: list[float], code: str
) -> None:
    dynamodb.before = [client_error(code)]

    with pytest.raises(StoreUnavailable, match=code):
        opened.commit(TENANT, admission())

    assert (dynamodb.sent, pauses) == (1, [])


@pytest.mark.parametrize(
    "look",
    [
        lambda table: table.find(TENANT, GENERATION_ID),
        lambda table: table.budget(TENANT, OWNER_SCOPE, PERIOD),
        lambda table: table.limit_of(TENANT, OWNER_SCOPE),
        lambda table: table.provider_settings(TENANT),
        lambda table: table.token(TENANT, "hash"),
        lambda table: table.open_budget(TENANT, Budget(OWNER_SCOPE, PERIOD, 1)),
        lambda table: table.page(TENANT, **_everything()),
    ],
    ids=["find", "budget", "limit", "settings", "token", "open", "page"],
)
def test_a_table_that_is_away_is_store_unavailable(
    table: StudioTable, dynamodb: Unreliable, look: Callable[[StudioTable], object]
) -> None:
    dynamodb._inner.delete_table(TableName=STUDIO_TABLE)

    with pytest.raises(StoreUnavailable, match="ResourceNotFoundException"):
        look(table)


# --- balances ----------------------------------------------------------------------------------


def test_balances_equal_the_fold_of_the_entries_after_every_step(opened: StudioTable) -> None:
    record = admitted(opened)
    first = record.current
    seen = [_fold_and_balance(opened)]

    def moved(before: Attempt | None, after: Attempt) -> Attempt:
        opened.commit(TENANT, ledger.change(before, after, at=NOW))
        seen.append(_fold_and_balance(opened))
        return after

    moved(first, release(first, failure=failure(), now=NOW))
    second = moved(None, attempt(index=1, reserved="0.0100"))
    second = moved(second, begun(second))
    second = moved(second, accept(second, operation={"task": "t"}, deadline_at=NOW))
    second = moved(second, pay(second, actual=usd("0.0070"), now=NOW))
    moved(second, store(second, now=NOW))

    assert [balance for _, balance in seen] == [
        (20_000, 0), (0, 0), (10_000, 0), (10_000, 0), (10_000, 0), (0, 7_000), (0, 7_000),
    ]  # fmt: skip
    assert [fold for fold, _ in seen] == [balance for _, balance in seen]


def test_a_bill_above_the_hold_is_an_overrun_that_the_balances_show(opened: StudioTable) -> None:
    record = admitted(opened)
    sent = begun(record.current)
    opened.commit(TENANT, ledger.change(record.current, sent, at=NOW))

    opened.commit(TENANT, ledger.change(sent, store(sent, now=NOW, actual=usd("0.0250")), at=NOW))

    assert {e.kind: (e.held, e.settled) for e in entries(opened)} == {
        "reserve": (20_000, 0),
        "settle": (-20_000, 20_000),
        "overrun": (0, 5_000),
    }
    assert balance(opened) == (usd("1.0000"), usd("0.9750"), 0, usd("0.0250"))
    assert _fold_and_balance(opened) == ((0, 25_000), (0, 25_000))


# --- limits ------------------------------------------------------------------------------------


def test_opening_a_month_twice_changes_nothing(opened: StudioTable) -> None:
    opened.commit(TENANT, admission())

    opened.open_budget(TENANT, Budget(OWNER_SCOPE, PERIOD, usd("9.0000")))

    assert balance(opened) == (usd("1.0000"), usd("0.9800"), usd("0.0200"), 0)


def test_a_limit_moves_the_room_and_leaves_what_is_held(opened: StudioTable) -> None:
    admitted(opened)

    opened.set_limit(
        TENANT, scope=OWNER_SCOPE, before=None, after=BudgetLimit(usd("5.0000"), (50, 90), 1),
        budget=_budget(opened), at=NOW,
    )  # fmt: skip

    assert balance(opened) == (usd("5.0000"), usd("4.9800"), usd("0.0200"), 0)
    assert opened.limit_of(TENANT, OWNER_SCOPE) == BudgetLimit(usd("5.0000"), (50, 90), 1)
    assert _budget(opened).alert_at == (50, 90)


def test_a_limit_is_written_down_for_the_books(opened: StudioTable) -> None:
    first, second = BudgetLimit(usd("5.0000"), (80,), 1), BudgetLimit(usd("2.0000"), (80,), 2)

    _set_limit(opened, None, first)
    _set_limit(opened, first, second)

    pk = items.budget_key(TENANT, OWNER_SCOPE, PERIOD)["pk"]
    found = client("dynamodb").query(
        TableName=STUDIO_TABLE,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :limit)",
        ExpressionAttributeValues=items.to_wire({":pk": pk, ":limit": "limit#"}),
    )["Items"]
    book = [items.from_wire(item) for item in found]
    assert [(e["sk"], e["kind"], e["limit"]) for e in book] == [
        ("limit#00001", "limit", 5_000_000),
        ("limit#00002", "limit", 2_000_000),
    ]


@pytest.mark.parametrize(
    "known",
    [None, BudgetLimit(usd("5.0000"), (80,), 7)],
    ids=["unaware of the first", "another version"],
)
def test_who_does_not_know_the_limit_before_is_stale(
    opened: StudioTable, known: BudgetLimit | None
) -> None:
    _set_limit(opened, None, BudgetLimit(usd("5.0000"), (80,), 1))

    with pytest.raises(Stale):
        _set_limit(opened, known, BudgetLimit(usd("2.0000"), (80,), 2))

    assert balance(opened)[:2] == (usd("5.0000"), usd("5.0000"))


def test_who_has_an_old_budget_in_hand_is_stale(opened: StudioTable) -> None:
    old = _budget(opened)
    first = BudgetLimit(usd("5.0000"), (80,), 1)
    _set_limit(opened, None, first)

    with pytest.raises(Stale):
        opened.set_limit(
            TENANT, scope=OWNER_SCOPE, before=first, after=BudgetLimit(usd("2.0000"), (80,), 2),
            budget=old, at=NOW,
        )  # fmt: skip

    assert balance(opened)[:2] == (usd("5.0000"), usd("5.0000"))


def test_a_conflict_while_setting_a_limit_is_stale_and_may_be_repeated(
    opened: StudioTable, dynamodb: Unreliable
) -> None:
    dynamodb.before = [client_error("TransactionCanceledException", "TransactionConflict")]

    with pytest.raises(Stale):
        _set_limit(opened, None, BudgetLimit(usd("5.0000"), (80,), 1))

    assert balance(opened)[0] == usd("1.0000")


# --- pages -------------------------------------------------------------------------------------


def test_a_page_has_the_newest_first_and_a_cursor_to_the_rest(opened: StudioTable) -> None:
    made = _several(opened, 5)

    first = _page(opened, limit=2)
    second = _page(opened, limit=2, cursor=first.next)
    third = _page(opened, limit=2, cursor=second.next)

    pages = [[one.id for one in page.items] for page in (first, second, third)]
    assert pages == [[made[4], made[3]], [made[2], made[1]], [made[0]]]
    assert third.next is None


def test_a_page_that_is_full_to_the_last_place_has_no_next(opened: StudioTable) -> None:
    _several(opened, 3)

    page = _page(opened, limit=3)

    assert (len(page.items), page.next) == (3, None)


def test_generations_of_the_same_instant_are_neither_lost_nor_shown_twice(
    opened: StudioTable,
) -> None:
    made = _several(opened, 5, apart_s=0)

    shown: list[str] = []
    cursor: str | None = None
    for _ in range(5):
        page = _page(opened, limit=1, cursor=cursor)
        shown += [one.id for one in page.items]
        cursor = page.next

    assert sorted(shown) == sorted(made)
    assert cursor is None


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"state": GenerationState.FAILED}, [1]),
        ({"project": "fox"}, [0, 2]),
        ({"script_id": "scene-1"}, [2]),
        ({"provider": "lumen"}, [2]),
        ({"user": "ben"}, [1]),
        ({"project": "fox", "state": GenerationState.SUCCEEDED}, [2]),
        ({"project": "no such"}, []),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_filters_choose_what_is_shown(
    opened: StudioTable, wanted: dict[str, Any], expected: list[int]
) -> None:
    kinds: list[dict[str, Any]] = [
        {"project": "fox"},
        {"state": GenerationState.FAILED, "user": "ben"},
        {
            "project": "fox", "script_id": "scene-1", "provider": "lumen",
            "state": GenerationState.SUCCEEDED,
        },
    ]  # fmt: skip
    made = [_one(opened, number, **kind) for number, kind in enumerate(kinds)]

    page = _page(opened, **wanted)

    assert sorted(one.id for one in page.items) == sorted(made[index] for index in expected)


def test_a_filter_finds_matches_behind_many_others(opened: StudioTable) -> None:
    rare = [_one(opened, number, project="rare") for number in (0, 30)]
    for number in range(1, 30):
        _one(opened, number, project="common")

    first = _page(opened, limit=1, project="rare")
    second = _page(opened, limit=1, project="rare", cursor=first.next)

    assert [first.items[0].id, second.items[0].id] == [rare[1], rare[0]]
    assert second.next is None


def test_no_tenant_sees_another_ones_page(opened: StudioTable) -> None:
    _several(opened, 2)

    assert opened.page("other", **_everything()) == Page([], None)


def test_a_cursor_of_another_tenant_is_none(opened: StudioTable) -> None:
    _several(opened, 2)
    cursor = _page(opened, limit=1).next

    with pytest.raises(ValueError, match="not one that this API gave"):
        opened.page("other", **{**_everything(), "cursor": cursor})


@pytest.mark.parametrize(
    "cursor",
    [
        "", "x", "????", "é", "bnVsbA", "W10", "e30", "eyJpZCI6IDF9", "A" * 4000,
        "eyJpZCI6ImdlbiIsImF0IjoiMjAyNiJ9", "eyJpZCI6W10sImF0Ijp7fX0", "W1tbW1tbW1tbW1tb" * 500,
    ],
    ids=range(12),
)  # fmt: skip
def test_a_text_that_is_no_cursor_is_a_value_error(opened: StudioTable, cursor: str) -> None:
    _several(opened, 1)

    with pytest.raises(ValueError, match="not one that this API gave"):
        _page(opened, cursor=cursor)


def test_a_cursor_holds_no_tenant_and_no_prompt(opened: StudioTable) -> None:
    from base64 import urlsafe_b64decode

    _several(opened, 2)

    cursor = _page(opened, limit=1).next or ""

    plain = urlsafe_b64decode(cursor + "==").decode()
    assert TENANT not in plain
    assert image_wish().prompt not in plain


# --- there and back ----------------------------------------------------------------------------

EVERYTHING_SAID = {
    "state": GenerationState.FAILED,
    "version": 7,
    "project": "Füchse 狐 🦊",
    "script_id": "scene/1#2",
    "shot_number": 0,
    "tags": ("a", "", "ä"),
    "warnings": ("one", "two"),
    "failure": Problem("internal", "why"),
    "provider": "lumen",
    "actual_micros": 123_456_789_000,
    "cancel_requested_at": NOW + timedelta(microseconds=1),
    "completed_at": NOW + timedelta(days=400),
}


@pytest.mark.parametrize(
    "one",
    [
        generation(),
        generation(
            link("a", "0.0001"),
            link("b", "999.9999", api_url="https://p.example/x"),
            **EVERYTHING_SAID,
        ),
        generation(wish=image_wish("狐🦊" * 4000, negative_prompt="\n\t\u2028 ")),
        generation(wish=image_wish("x" * 100_000)),
        generation(
            wish=clip_wish(
                "walks",
                resolution="4k",
                aspect_ratio="9:16",
                quality="high",
                style="noir",
                duration_s=60,
                fps=25,
                seed=2_147_483_647,
                motion="push_in",
                image="take_" + "a" * 28,
            )
        ),
    ],
    ids=["plain", "everything", "unicode", "big", "clip"],
)
def test_a_generation_comes_back_as_it_went(opened: StudioTable, one: Generation) -> None:
    opened.commit(TENANT, admission(one))

    assert read(opened).generation == one
    assert _page(opened).items == [one]


def test_an_attempt_comes_back_as_it_went_in_every_state(opened: StudioTable) -> None:
    record = admitted(opened)
    before = record.current
    written = []
    for number, state in enumerate(AttemptState):
        after = replace(
            before,
            state=state,
            version=before.version + 1,
            tries=number,
            operation={"task": "t-1", "n": 2**31, "deep": {"list": [1, "ü", None, True]}},
            failure=failure(message="warum – なぜ"),
            actual_micros=number * 100,
            owner="worker" if number else None,
            lease_until=NOW + timedelta(microseconds=number),
            retry_at=NOW,
            deadline_at=NOW + timedelta(hours=12),
            ended_at=NOW,
        )
        commit = Commit(ledger.AttemptChange(before, after))
        opened.commit(TENANT, commit)
        written.append((after, read(opened).current))
        before = after

    assert [back for _, back in written] == [after for after, _ in written]
    assert len(written) == 9


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("duration_ms", [None, 5_041])
def test_a_take_comes_back_as_it_went(
    opened: StudioTable, late: bool, duration_ms: int | None
) -> None:
    record = admitted(opened)
    sent = begun(record.current)
    opened.commit(TENANT, ledger.change(record.current, sent, at=NOW))
    made = take(sent, late=late, duration_ms=duration_ms, size_bytes=999_999_999)
    stored = ledger.change(sent, store(sent, now=NOW, actual=20_000), at=NOW)

    opened.commit(TENANT, ledger.with_take(stored, made))

    assert read(opened).takes == (made,)


def test_settings_of_providers_come_back_as_they_went(table: StudioTable) -> None:
    fresh, plain = ProviderSettings(), ProviderSettings(version=1)
    own = ProviderSettings(False, 9, True, "https://proxy.example/base", "model-2", version=2)

    table.change_settings(TENANT, seen={"lumen": fresh}, new={"lumen": plain})
    table.change_settings(TENANT, seen={"kling": fresh}, new={"kling": plain})
    table.change_settings(TENANT, seen={"kling": plain}, new={"kling": own})

    assert table.provider_settings(TENANT) == {"lumen": plain, "kling": own}
    assert table.provider_settings("other") == {}


def test_a_budget_comes_back_as_it_went_and_its_room_follows_from_the_rest(
    table: StudioTable,
) -> None:
    budget = Budget(OWNER_SCOPE, PERIOD, usd("10.0000"), 5_000, 7_000, (50,), 3)

    table.open_budget(TENANT, budget)

    assert table.budget(TENANT, OWNER_SCOPE, PERIOD) == budget
    assert balance(table)[1] == budget.room


# --- helpers -----------------------------------------------------------------------------------


class _Replaced:
    """A client with its own transact_write_items."""

    def __init__(self, inner: Any, transact: Callable[..., Any]) -> None:
        self._inner = inner
        self.transact_write_items = transact

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def _budget(table: StudioTable) -> Budget:
    budget = table.budget(TENANT, OWNER_SCOPE, PERIOD)
    assert budget is not None
    return budget


def _set_limit(table: StudioTable, before: BudgetLimit | None, after: BudgetLimit) -> None:
    table.set_limit(
        TENANT, scope=OWNER_SCOPE, before=before, after=after, budget=_budget(table), at=NOW
    )


def _fold_and_balance(table: StudioTable) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(held, settled) told by the entries, and by the budget item."""
    limit, room, held, settled = balance(table)
    assert room == limit - held - settled
    assert balance(table, OWN_SCOPE, NO_PERIOD)[2:] == (held, settled)
    return ledger.fold(entries(table), OWNER_SCOPE, PERIOD), (held, settled)


def _one(table: StudioTable, number: int, **facts: Any) -> str:
    """A generation, the later the higher its number; nothing else is written."""
    own = generation_id(TENANT, "ada", f"key {number}")
    at = facts.pop("created_at", NOW + timedelta(seconds=number))
    made = generation(id=own, created_at=at, **facts)
    table.commit(TENANT, ledger.with_generation(Commit(), None, made))
    return own


def _several(table: StudioTable, count: int, apart_s: float = 1) -> list[str]:
    moments = [NOW + timedelta(seconds=number * apart_s) for number in range(count)]
    return [_one(table, number, created_at=at) for number, at in enumerate(moments)]


def _everything() -> dict[str, Any]:
    names = ("cursor", "state", "project", "script_id", "provider", "user")
    return {"limit": 50, **dict.fromkeys(names)}


def _page(table: StudioTable, **chosen: Any) -> Page:
    return table.page(TENANT, **{**_everything(), **chosen})
