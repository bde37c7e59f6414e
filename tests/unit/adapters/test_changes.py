"""Records of the stream as changes: which items are told of, and what a foreign shape does."""

from typing import Any

import pytest

from filmgate.adapters import items
from filmgate.adapters.changes import change_of
from filmgate.adapters.items import dump, to_wire
from filmgate.domain.attempts import AttemptState
from filmgate.domain.changes import AttemptMoved, BudgetChanged, EntryWritten, HealthChanged
from filmgate.domain.errors import ConfigurationError
from filmgate.domain.health import Health
from filmgate.domain.ledger import Budget, Entry, EntryKind
from tests.support.builders import GENERATION_ID, NOW, PERIOD, TENANT, attempt, generation, usd

OWN = items.generation_pk(TENANT, GENERATION_ID)
BUDGET = Budget("user:a#b", PERIOD, usd("1.0000"), settled=usd("0.8000"))
ENTRY = Entry("att_x.overrun", GENERATION_ID, EntryKind.OVERRUN, 0, 100, (("owner", PERIOD),), NOW)
HEALTH = Health(reason="key-refused", open_until=NOW, open_since=NOW)


def record(item: dict[str, Any], at: Any = NOW) -> dict[str, Any]:
    return {"dynamodb": {"NewImage": to_wire(item), "ApproximateCreationDateTime": at}}


def test_each_kind_of_item_becomes_its_change() -> None:
    doubt = attempt(AttemptState.IN_DOUBT)
    told = [
        {**items.budget_key(TENANT, BUDGET.scope, PERIOD), **items.dump_budget(BUDGET)},
        {"pk": items.health_pk(TENANT), "sk": "kling", **dump(HEALTH)},
        {"pk": OWN, "sk": "attempt#00", **dump(doubt), "commit_id": "c"},
        {"pk": OWN, "sk": "entry#att_x.overrun", **dump(ENTRY), "commit_id": "c"},
    ]

    assert [change_of(record(item)) for item in told] == [
        BudgetChanged(TENANT, BUDGET, NOW),
        HealthChanged(TENANT, "kling", HEALTH),
        AttemptMoved(TENANT, doubt),
        EntryWritten(TENANT, ENTRY),
    ]


@pytest.mark.parametrize(
    "item",
    [
        {"pk": OWN, "sk": "generation", **dump(generation())},
        {"pk": OWN, "sk": "budget"},
        {"pk": f"{TENANT}#settings", "sk": "provider#kling"},
        {"pk": f"{TENANT}#notices", "sk": "2026"},
        {"pk": f"{TENANT}#budget#owner#{PERIOD}", "sk": "limit#00001"},
    ],
)
def test_other_items_are_nobody_s_news(item: dict[str, Any]) -> None:
    assert change_of(record(item)) is None


def test_a_removed_item_is_nobody_s_news() -> None:
    assert change_of({"dynamodb": {"Keys": {}, "OldImage": {}}}) is None


def test_the_time_is_read_as_lambda_and_as_the_sdk_give_it() -> None:
    item = {**items.budget_key(TENANT, BUDGET.scope, PERIOD), **items.dump_budget(BUDGET)}

    times = [change_of(record(item, at)) for at in (NOW, NOW.timestamp(), int(NOW.timestamp()))]

    assert {one.at for one in times if isinstance(one, BudgetChanged)} == {NOW}
    assert len(times) == 3


@pytest.mark.parametrize(
    "item",
    [
        {"pk": f"{TENANT}#budget#owner#{PERIOD}", "sk": "shard#0", "limit": "all of it"},
        {"pk": "no-tenant", "sk": "shard#0"},
        {"sk": "shard#0"},
    ],
)
def test_a_foreign_shape_is_said_to_be_one(item: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        change_of(record(item))
