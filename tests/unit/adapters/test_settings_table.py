"""The settings of providers in the table: guarded by their versions, all or nothing."""

from collections.abc import Iterator

import pytest

from filmgate.adapters.items import dump, settings_pk, to_wire
from filmgate.adapters.table import StudioTable
from filmgate.domain.chain import OnRefusal, OnUnknown, ProviderSettings
from filmgate.domain.errors import Stale
from tests.support.aws import STUDIO_TABLE, account, client, studio_table

FRESH = ProviderSettings()
FIRST = ProviderSettings(
    enabled=False, priority=3, key_set=True, api_url="https://own.example", model="a-1",
    on_refusal=OnRefusal.STOP, on_unknown=OnUnknown.NEXT, key_hint="cdef", version=1,
)  # fmt: skip


@pytest.fixture
def table() -> Iterator[StudioTable]:
    with account():
        yield StudioTable(client("dynamodb"), studio_table())


def test_settings_come_back_as_they_were_written(table: StudioTable) -> None:
    table.change_settings("acme", seen={"dalle": FRESH}, new={"dalle": FIRST})

    assert table.provider_settings("acme") == {"dalle": FIRST}
    assert table.provider_settings("other") == {}


def test_a_version_that_is_not_there_is_stale_and_nothing_is_written(table: StudioTable) -> None:
    table.change_settings("acme", seen={"dalle": FRESH}, new={"dalle": FIRST})

    for seen in (FRESH, ProviderSettings(version=2)):
        with pytest.raises(Stale):
            table.change_settings(
                "acme",
                seen={"kling": FRESH, "dalle": seen},
                new={"kling": FIRST, "dalle": ProviderSettings(version=3)},
            )

    assert table.provider_settings("acme") == {"dalle": FIRST}


def test_what_was_only_seen_guards_too_and_stays(table: StudioTable) -> None:
    table.change_settings("acme", seen={"dalle": FRESH}, new={"dalle": FIRST})

    with pytest.raises(Stale):
        table.change_settings("acme", seen={"dalle": FRESH, "kling": FRESH}, new={"kling": FIRST})
    table.change_settings(
        "acme", seen={"dalle": FIRST, "kling": FRESH, "flow": FRESH}, new={"kling": FIRST}
    )

    assert table.provider_settings("acme") == {"dalle": FIRST, "kling": FIRST}


def test_settings_from_before_there_were_versions_are_version_0(table: StudioTable) -> None:
    old = {name: part for name, part in dump(FIRST).items() if name in ("enabled", "key_set")}
    key = {"pk": settings_pk("acme"), "sk": "provider#dalle"}
    client("dynamodb").put_item(TableName=STUDIO_TABLE, Item=to_wire({**key, **old}))

    before = table.provider_settings("acme")["dalle"]
    table.change_settings("acme", seen={"dalle": before}, new={"dalle": FIRST})

    assert before == ProviderSettings(enabled=False, key_set=True)
    assert table.provider_settings("acme") == {"dalle": FIRST}
