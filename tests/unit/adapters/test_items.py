"""Keys and shapes of the table's items."""

import traceback
from decimal import Decimal

import pytest

from filmgate.adapters import items
from filmgate.domain.errors import ConfigurationError
from filmgate.domain.generations import Generation
from filmgate.domain.ledger import NO_PERIOD, OWNER_SCOPE, Budget, generation_scope
from tests.support.builders import GENERATION_ID, generation, image_wish


def test_every_key_begins_with_the_tenant() -> None:
    keys = [
        items.generation_pk("acme", "gen_1"),
        items.budget_key("acme", OWNER_SCOPE, "2026-11")["pk"],
        items.budget_key("acme", generation_scope("gen_1"), NO_PERIOD)["pk"],
        items.limits_pk("acme"),
        items.settings_pk("acme"),
        items.token_key("acme", "tok_1")["pk"],
        items.claim_key("acme", "clm_1")["pk"],
        items.pace_key("acme", "ada")["pk"],
        items.audit_pk("acme"),
    ]

    assert all(key.startswith("acme#") for key in keys)
    assert len(set(keys)) == 8  # a generation's own budget lies beside it


def test_a_generation_s_own_budget_lies_beside_it_and_a_month_s_in_its_own_partition() -> None:
    own = items.budget_key("acme", generation_scope("gen_1"), NO_PERIOD)
    month = items.budget_key("acme", OWNER_SCOPE, "2026-11")

    assert own == {"pk": "acme#generation#gen_1", "sk": "budget"}
    assert month == {"pk": "acme#budget#owner#2026-11", "sk": "shard#0"}


def test_attempts_sort_by_their_place_in_the_chain() -> None:
    keys = [items.attempt_sk(index) for index in range(100)]

    assert sorted(keys) == keys


@pytest.mark.parametrize(
    "item",
    [
        {"a": "", "b": "狐", "c": None, "d": True},
        {"n": 0, "big": 10**37, "less": -(10**37)},
        {"list": [1, [2, {"x": None}]], "empty": [], "map": {}},
    ],
    ids=["texts", "numbers", "nested"],
)
def test_an_item_survives_dynamodb_s_own_json(item: items.Item) -> None:
    assert items.from_wire(items.to_wire(item)) == item


def test_numbers_come_back_as_integers_not_as_decimals() -> None:
    found = items.from_wire({"n": {"N": "5"}, "l": {"L": [{"N": "6"}]}})

    assert [type(found["n"]), type(found["l"][0])] == [int, int]
    assert not isinstance(found["n"], Decimal)


def test_a_binary_float_is_refused_before_it_is_stored() -> None:
    with pytest.raises(TypeError, match="Float types are not supported"):
        items.to_wire({"price": 0.1})


def test_a_budget_is_stored_with_its_room() -> None:
    budget = Budget(OWNER_SCOPE, "2026-11", 10_000, held=2_000, settled=3_000)

    stored = items.dump_budget(budget)

    assert stored["room"] == 5_000
    assert items.load_budget(stored) == budget


def test_keys_are_not_mistaken_for_fields() -> None:
    stored = {"pk": "p", "sk": "s", "list_pk": "l", "list_sk": "m", "commit_id": "c"}

    assert items.load(Generation, stored | items.dump(generation())) == generation()


def test_a_field_of_a_later_version_does_not_hinder_reading() -> None:
    stored = items.dump(generation()) | {"from_the_future": [1]}

    assert items.load(Generation, stored) == generation()


def test_an_item_of_a_foreign_shape_is_named_by_its_fields_and_not_repeated() -> None:
    stored = items.dump(generation(wish=image_wish("canary-prompt")))
    stored["wish"]["type"] = "canary-kind"
    del stored["chain"]

    with pytest.raises(ConfigurationError) as foreign:
        items.load(Generation, stored)

    assert str(foreign.value) == "an item of the table is no Generation: chain, wish"
    told = "".join(traceback.format_exception(foreign.value))
    assert "canary" not in told
    assert GENERATION_ID not in told
