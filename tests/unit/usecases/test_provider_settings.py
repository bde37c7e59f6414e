"""The owner's settings of providers: any part of them, places that nobody shares, versions."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from filmgate.domain.audit import AuditRecord
from filmgate.domain.catalogue import Provider
from filmgate.domain.chain import OnRefusal, ProviderSettings
from filmgate.domain.errors import (
    ErrorClass,
    NotFound,
    Stale,
    StateConflict,
    StoreUnavailable,
    ValidationFailed,
    VersionConflict,
)
from filmgate.domain.health import BreakerState, Health, after_failure
from filmgate.domain.wishes import Media
from filmgate.providers.data import catalogue
from filmgate.usecases.provider_settings import (
    Owned,
    change_settings,
    read_settings,
    reorder,
)
from tests.support.builders import NOW, TENANT, author, catalogue_of, image_offer, provider
from tests.support.memory_studio import MemoryStudio

SHOP = catalogue_of(
    provider("amber", image_offer("a-1"), image_offer("a-2"), priority=1, aliases=("gold",)),
    provider("birch", priority=2),
    provider("cedar", priority=3),
    provider("clips", media=Media.VIDEO, priority=1),
)


def listed(_: Provider, url: str) -> str:
    """The port ApiUrls of an installation that knows one host."""
    if not url.startswith("https://own.example"):
        raise ValueError("is not on the list of hosts")
    return url.rstrip("/")


def read(studio: MemoryStudio, name: str = "amber") -> Owned:
    return read_settings(name, tenant=TENANT, studio=studio, catalogue=SHOP)


def change(
    studio: MemoryStudio,
    name: str = "amber",
    if_match: frozenset[str] | None = None,
    **changes: Any,
) -> ProviderSettings:
    owned = change_settings(
        name, changes, tenant=TENANT, studio=studio, catalogue=SHOP, check_url=listed,
        by=author(), if_match=if_match,
    )  # fmt: skip
    return owned.settings


def order(studio: MemoryStudio, *names: str, media: Media = Media.IMAGE) -> list[str]:
    placed = reorder(media, names, tenant=TENANT, studio=studio, catalogue=SHOP, by=author())
    return [one.provider.id for one in placed]


def places(studio: MemoryStudio) -> dict[str, int]:
    return {name: one.priority_of(SHOP.providers[name])
            for name in ("amber", "birch", "cedar")
            for one in [read(studio, name).settings]}  # fmt: skip


def pointers(raised: pytest.ExceptionInfo[ValidationFailed]) -> list[str]:
    return [fault["pointer"] for fault in raised.value.facts["errors"]]


# --- reading and changing ----------------------------------------------------------------------


def test_before_anything_is_set_the_products_defaults_hold() -> None:
    owned = read(MemoryStudio(), "gold")

    assert (owned.provider.id, owned.settings) == ("amber", ProviderSettings())
    assert (owned.settings.on_refusal, owned.settings.on_unknown) == ("next", "stop")


def test_a_part_of_the_settings_changes_and_the_rest_stays() -> None:
    studio = MemoryStudio()
    change(studio, enabled=False, model="a-2")

    now = change(studio, api_url="https://own.example/v2/", on_refusal=OnRefusal.STOP)

    assert now == ProviderSettings(
        enabled=False, model="a-2", api_url="https://own.example/v2", on_refusal=OnRefusal.STOP,
        version=2,
    )  # fmt: skip
    assert read(studio).settings == now


def test_a_change_closes_an_open_breaker_and_keeps_what_was_observed() -> None:
    studio = MemoryStudio()
    suspended = after_failure(
        Health(attempts=4, successes=4),
        error_class=ErrorClass.FALLBACK,
        code="key-refused",
        now=NOW,
    )
    studio.figures[TENANT] = {"amber": suspended, "birch": suspended}

    change(studio, api_url="https://own.example")

    told = studio.health(TENANT)
    assert told["amber"].breaker(NOW) is BreakerState.CLOSED
    assert (told["amber"].attempts, told["amber"].successes) == (5, 4)
    assert told["birch"] == suspended


def test_null_takes_a_setting_back() -> None:
    studio = MemoryStudio()
    change(studio, api_url="https://own.example", model="a-2")

    now = change(studio, api_url=None, model=None)

    assert (now.api_url, now.model, now.version) == (None, None, 2)


def test_settings_that_stay_as_they_are_keep_their_version() -> None:
    studio = MemoryStudio()
    change(studio, enabled=False)

    assert change(studio, enabled=False).version == 1
    assert change(studio).version == 1


def test_a_provider_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        read(MemoryStudio(), "nobody")
    with pytest.raises(NotFound):
        change(MemoryStudio(), "nobody", enabled=True)


def test_a_foreign_model_and_a_foreign_host_are_both_pointed_at() -> None:
    studio = MemoryStudio()

    with pytest.raises(ValidationFailed) as raised:
        change(studio, model="b-1", api_url="https://evil.example", enabled=False)

    assert pointers(raised) == ["/model", "/api_url"]
    assert "a-1, a-2" in raised.value.detail
    assert studio.settings[TENANT] == {}


# --- places ------------------------------------------------------------------------------------


def test_a_place_that_another_of_the_medium_has_is_a_conflict_that_names_it() -> None:
    studio = MemoryStudio()

    with pytest.raises(StateConflict) as raised:
        change(studio, priority=2)

    assert raised.value.facts["provider"] == "birch"
    assert "birch" in raised.value.detail
    assert studio.settings[TENANT] == {}


def test_a_free_place_its_own_place_and_a_place_in_the_other_medium_are_taken() -> None:
    studio = MemoryStudio()

    assert change(studio, priority=1).priority == 1
    assert change(studio, priority=9).priority == 9
    assert change(studio, "clips", priority=3).priority == 3
    assert change(studio, "birch", priority=1).priority == 1


def test_two_who_want_one_place_at_once_do_not_both_get_it() -> None:
    for _ in range(20):
        studio = MemoryStudio()

        def want(name: str, studio: MemoryStudio = studio) -> str:
            try:
                change(studio, name, priority=7)
            except StateConflict:
                return "refused"
            return "taken"

        with ThreadPoolExecutor(3) as clients:
            answers = sorted(clients.map(want, ("amber", "birch", "cedar")))

        assert answers == ["refused", "refused", "taken"]
        assert sorted(places(studio).values()).count(7) == 1


def test_an_order_gives_every_provider_its_place() -> None:
    studio = MemoryStudio()
    change(studio, "cedar", enabled=False)

    assert order(studio, "cedar", "gold", "birch") == ["cedar", "amber", "birch"]

    assert places(studio) == {"cedar": 1, "amber": 2, "birch": 3}
    assert read(studio, "cedar").settings.enabled is False
    assert read(studio, "clips").settings.version == 0


def test_the_same_order_again_changes_nothing() -> None:
    studio = MemoryStudio()
    order(studio, "cedar", "amber", "birch")
    before = dict(studio.settings[TENANT])

    order(studio, "cedar", "amber", "birch")

    assert studio.settings[TENANT] == before


@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        (("amber", "birch"), ["/order"]),
        ((), ["/order"]),
        (("amber", "birch", "cedar", "amber"), ["/order/3"]),
        (("amber", "gold", "cedar"), ["/order/1", "/order"]),
        (("amber", "birch", "cedar", "nobody"), ["/order/3"]),
        (("amber", "clips", "cedar", "birch"), ["/order/1"]),
    ],
)
def test_an_order_names_every_provider_of_the_medium_once(
    names: tuple[str, ...], wrong: list[str]
) -> None:
    studio = MemoryStudio()

    with pytest.raises(ValidationFailed) as raised:
        order(studio, *names)

    assert pointers(raised) == wrong
    assert studio.settings[TENANT] == {}


@pytest.mark.parametrize("media", Media)
def test_no_two_providers_of_the_catalogue_begin_at_one_place(media: Media) -> None:
    found = [one.priority for one in catalogue().of(media)]

    assert len(set(found)) == len(found)


# --- versions ----------------------------------------------------------------------------------


def test_a_version_that_is_no_longer_there_is_a_conflict() -> None:
    studio = MemoryStudio()
    change(studio, if_match=frozenset({"0"}), enabled=False)

    with pytest.raises(VersionConflict):
        change(studio, if_match=frozenset({"0"}), enabled=True)

    assert change(studio, if_match=frozenset({"0", "1"}), enabled=True).version == 2
    with pytest.raises(VersionConflict):
        change(studio, if_match=frozenset(), enabled=True)


class Rival(MemoryStudio):
    """A table where another writer is faster, `times` times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def change_settings(
        self,
        tenant: str,
        *,
        seen: Mapping[str, ProviderSettings],
        new: Mapping[str, ProviderSettings],
        record: AuditRecord | None = None,
    ) -> None:
        if self.times:
            self.times -= 1
            known = self.settings[tenant].get("amber", ProviderSettings())
            self.settings[tenant]["amber"] = ProviderSettings(
                key_set=True, version=known.version + 1
            )
            raise Stale("another was faster")
        super().change_settings(tenant, seen=seen, new=new, record=record)


def test_what_another_writer_changed_meanwhile_is_kept() -> None:
    now = change(Rival(3), enabled=False)

    assert (now.enabled, now.key_set, now.version) == (False, True, 4)


def test_a_writer_who_saw_a_version_does_not_overtake_another() -> None:
    with pytest.raises(VersionConflict):
        change(Rival(1), if_match=frozenset({"0"}), enabled=False)


def test_an_order_is_tried_again_when_another_writer_was_faster() -> None:
    studio = Rival(2)

    order(studio, "cedar", "amber", "birch")

    assert places(studio) == {"cedar": 1, "amber": 2, "birch": 3}
    assert read(studio).settings.key_set


def test_against_writers_without_end_it_gives_up() -> None:
    with pytest.raises(StoreUnavailable):
        change(Rival(10**6), enabled=False)
    with pytest.raises(StoreUnavailable):
        order(Rival(10**6), "cedar", "amber", "birch")
