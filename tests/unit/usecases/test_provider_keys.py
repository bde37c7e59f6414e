"""Keys of providers: into their store and nowhere else, and tested by a free call."""

from typing import Any

import pytest

from filmgate.domain.chain import ProviderSettings
from filmgate.domain.errors import (
    ErrorClass,
    KeyStoreUnavailable,
    NotFound,
    ProviderError,
    ProviderKeyRefused,
    ProviderNotReached,
    ProviderOutcomeUnknown,
    ProviderProtocolError,
    ProviderQuotaExhausted,
    ProviderRetired,
    ProviderThrottled,
    ProviderUnavailable,
    ProviderUnsupported,
    StoreUnavailable,
    ValidationFailed,
)
from filmgate.domain.health import BreakerState, Health, after_failure
from filmgate.usecases.provider_keys import KeyCheck, check_key, remove_key, set_key
from tests.support.builders import NOW, TENANT, author, catalogue_of, provider
from tests.support.fakes import FakeKeys
from tests.support.memory_studio import MemoryStudio

PAIR = ("access_key", "secret_key")
SHOP = catalogue_of(
    provider("lumen", aliases=("lamp",)),
    provider("pairs", key_fields=(("api_key",), PAIR)),
    provider("ours", needs_key=False, key_fields=()),
    provider("later", built=False),
)
CANARY = "sk-canary-0123456789"


class Safe:
    """A studio and a store of keys."""

    def __init__(self) -> None:
        self.studio = MemoryStudio()
        self.keys = FakeKeys()

    def put(self, key: Any, name: str = "lumen") -> None:
        set_key(
            name, key, tenant=TENANT, studio=self.studio, catalogue=SHOP, keys=self.keys,
            by=author(),
        )  # fmt: skip

    def remove(self, name: str = "lumen") -> None:
        remove_key(
            name, tenant=TENANT, studio=self.studio, catalogue=SHOP, keys=self.keys, by=author()
        )

    def settings(self, name: str = "lumen") -> ProviderSettings:
        return self.studio.provider_settings(TENANT)[name]


# --- storing -----------------------------------------------------------------------------------


def test_a_text_is_the_one_field_of_a_key_and_the_settings_know_its_end() -> None:
    safe = Safe()

    safe.put(CANARY, "lamp")

    assert safe.keys.stored == {(TENANT, "lumen"): {"api_key": CANARY}}
    assert safe.settings() == ProviderSettings(
        key_set=True, key_hint="6789", key_shape=("api_key",), version=1
    )
    assert CANARY not in repr(safe.studio.settings)


def test_a_key_of_several_fields_is_hinted_at_by_its_public_part() -> None:
    safe = Safe()

    safe.put({"secret_key": CANARY, "access_key": "AK-0123456789"}, "pairs")

    assert safe.keys.stored[TENANT, "pairs"] == {
        "access_key": "AK-0123456789",
        "secret_key": CANARY,
    }
    assert safe.settings("pairs").key_hint == "6789"


def test_a_new_key_closes_the_breaker_even_if_it_ends_like_the_old_one() -> None:
    safe = Safe()
    safe.put(CANARY)
    refused = {"error_class": ErrorClass.FALLBACK, "code": "key-refused", "now": NOW}
    safe.studio.figures[TENANT]["lumen"] = after_failure(Health(), **refused)

    safe.put(CANARY.upper())

    assert safe.settings().version == 1
    assert safe.studio.health(TENANT)["lumen"].breaker(NOW) is BreakerState.CLOSED


@pytest.mark.parametrize(("key", "hint"), [("k" * 11, None), ("k" * 8 + "tail", "tail")])
def test_only_a_long_key_is_hinted_at(key: str, hint: str | None) -> None:
    safe = Safe()

    safe.put(key)

    assert safe.settings().key_hint == hint


def test_a_new_key_replaces_the_old_one_and_the_other_settings_stay() -> None:
    safe = Safe()
    safe.studio.settings[TENANT]["lumen"] = ProviderSettings(enabled=False, version=4)

    safe.put(CANARY)
    safe.put("another-key-4321")

    assert safe.keys.stored[TENANT, "lumen"] == {"api_key": "another-key-4321"}
    assert safe.settings() == ProviderSettings(
        enabled=False, key_set=True, key_hint="4321", key_shape=("api_key",), version=6
    )


@pytest.mark.parametrize(
    ("name", "key", "pointer"),
    [
        ("lumen", "", "/key"),
        ("lumen", f"{CANARY} ", "/key"),
        ("lumen", f"{CANARY}\n", "/key"),
        ("lumen", f"{CANARY}\x7f", "/key"),
        ("lumen", f"{CANARY}ü", "/key"),
        ("lumen", CANARY * 300, "/key"),
        ("lumen", {"api_key": ""}, "/key/api_key"),
        ("lumen", {}, "/key"),
        ("lumen", {CANARY: CANARY}, "/key"),
        ("lumen", {"api_key": CANARY, CANARY: "x"}, "/key"),
        ("lumen", {"access_key": CANARY, "secret_key": CANARY}, "/key"),
        ("pairs", {"access_key": CANARY}, "/key"),
        ("pairs", {"access_key": CANARY, "secret_key": f"\t{CANARY}"}, "/key/secret_key"),
        ("ours", CANARY, "/key"),
    ],
)
def test_an_unusable_key_is_pointed_at_without_a_piece_of_it(
    name: str, key: Any, pointer: str
) -> None:
    safe = Safe()

    with pytest.raises(ValidationFailed) as raised:
        safe.put(key, name)

    assert [fault["pointer"] for fault in raised.value.facts["errors"]] == [pointer]
    assert CANARY not in f"{raised.value.detail} {raised.value.facts}"
    assert safe.keys.stored == {}
    assert safe.studio.settings[TENANT] == {}


def test_a_key_of_nobody_is_not_found() -> None:
    with pytest.raises(NotFound):
        Safe().put(CANARY, "nobody")
    with pytest.raises(NotFound):
        Safe().remove("nobody")


# --- deleting, and what a crash leaves ---------------------------------------------------------


def test_a_deleted_key_is_gone_from_the_store_and_the_settings() -> None:
    safe = Safe()
    safe.put(CANARY)

    safe.remove()
    safe.remove()

    assert safe.keys.stored == {}
    assert safe.settings() == ProviderSettings(version=2)


class TableAway(MemoryStudio):
    """A table that cannot be written."""

    def change_settings(self, *_: Any, **__: Any) -> None:
        raise StoreUnavailable("away")


def test_a_crash_behind_the_secret_leaves_a_provider_that_is_not_tried() -> None:
    safe = Safe()
    safe.studio = TableAway()

    with pytest.raises(StoreUnavailable):
        safe.put(CANARY)

    assert safe.keys.stored == {(TENANT, "lumen"): {"api_key": CANARY}}
    assert safe.studio.provider_settings(TENANT) == {}


def test_the_same_call_again_mends_what_a_crash_left() -> None:
    safe, broken = Safe(), Safe()
    broken.studio, broken.keys = TableAway(), safe.keys
    with pytest.raises(StoreUnavailable):
        broken.put(CANARY)

    safe.put(CANARY)

    assert safe.settings().key_set


class StoreAway(FakeKeys):
    def put(self, *_: Any) -> None:
        raise KeyStoreUnavailable("away")

    delete = put


def test_nothing_is_said_of_a_key_that_could_not_be_stored_or_deleted() -> None:
    safe = Safe()
    safe.put(CANARY)
    before = safe.settings()
    safe.keys = StoreAway()

    with pytest.raises(KeyStoreUnavailable):
        safe.put("another-key-4321")
    with pytest.raises(KeyStoreUnavailable):
        safe.remove()

    assert safe.settings() == before


# --- testing -----------------------------------------------------------------------------------


class Vendor:
    """The port FreshAdapters with one adapter, whose free call ends so."""

    def __init__(self, ending: ProviderError | None = None, *, at_once: bool = False) -> None:
        self.ending = ending
        self.at_once = at_once
        self.asked: list[tuple[str, str, str | None]] = []
        self.deadlines: list[float] = []

    def __call__(self, tenant: str, provider: str, api_url: str | None) -> "Vendor":
        self.asked.append((tenant, provider, api_url))
        if self.at_once and self.ending:
            raise self.ending
        return self

    def check(self, *, deadline_s: float) -> None:
        self.deadlines.append(deadline_s)
        if self.ending:
            raise self.ending


def check(vendor: Vendor, name: str = "lumen", **settings: Any) -> KeyCheck:
    studio = MemoryStudio()
    studio.settings[TENANT][name] = ProviderSettings(**{"key_set": True, **settings})
    return check_key(name, tenant=TENANT, studio=studio, catalogue=SHOP, adapters=vendor)


def test_a_good_key_is_tested_at_the_owners_own_address() -> None:
    vendor = Vendor()

    assert check(vendor, api_url="https://own.example") == KeyCheck(True, "ok")
    assert vendor.asked == [(TENANT, "lumen", "https://own.example")]
    assert vendor.deadlines == [10.0]


def test_a_provider_that_is_switched_off_can_be_tested() -> None:
    assert check(Vendor(), enabled=False).ok


@pytest.mark.parametrize(
    ("leaf", "detail"),
    [
        (ProviderKeyRefused, "key refused"),
        (ProviderQuotaExhausted, "no credit"),
        (ProviderThrottled, "too many requests"),
        (ProviderUnavailable, "provider unavailable"),
        (ProviderNotReached, "unreachable"),
        (ProviderOutcomeUnknown, "unreachable"),
        (ProviderProtocolError, "unreadable answer"),
        (ProviderUnsupported, "cannot be tested"),
        (ProviderRetired, "retired"),
    ],
)
def test_every_failure_has_its_word(leaf: type[ProviderError], detail: str) -> None:
    assert check(Vendor(leaf("lumen", "says no"))) == KeyCheck(False, detail, "says no")


def test_without_a_key_nobody_is_asked() -> None:
    vendor = Vendor()

    assert check(vendor, key_set=False) == KeyCheck(False, "no key", "has no key stored")
    assert vendor.asked == []


def test_a_key_that_the_settings_have_and_the_store_has_not_is_no_key() -> None:
    lost = ProviderKeyRefused("lumen", "has no key stored")

    assert check(Vendor(lost, at_once=True)).detail == "no key"


def test_a_store_of_keys_that_is_away_is_no_verdict_on_the_key() -> None:
    away = ProviderUnavailable("lumen", "its key cannot be read now")

    found = check(Vendor(away, at_once=True))

    assert (found.ok, found.message) == (False, "its key cannot be read now")


def test_a_provider_that_needs_no_key_is_asked_without_one() -> None:
    assert check(Vendor(), "ours", key_set=False).ok


def test_a_provider_without_an_adapter_cannot_be_tested() -> None:
    vendor = Vendor()

    assert check(vendor, "later").detail == "cannot be tested"
    assert vendor.asked == []
