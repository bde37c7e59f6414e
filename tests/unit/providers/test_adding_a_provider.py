"""A provider is added as the README says: one adapter, one catalogue table, one price.

The three texts are taken from the README's own section, laid over the package, and one generation
runs through the real use cases with them. Nothing else is changed for it.
"""

import base64
import importlib
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from filmgate import providers, wiring
from filmgate.domain.attempts import AttemptState
from filmgate.domain.chain import Plan, Strategy, make_plan
from filmgate.domain.generations import GenerationState, Record
from filmgate.providers import data
from filmgate.usecases.generate import generate
from tests.support.builders import (
    NOW,
    TENANT,
    image_wish,
    principal,
    request,
    usd,
    with_keys,
)
from tests.support.fakes import FakeWorkflow, picture
from tests.support.scripted_http import ScriptedHttp, reply
from tests.support.stage import Stage, ending, states

ROOT = Path(__file__).resolve().parents[3]
KEY = "the-key-of-lumen"
REPLY = reply({"picture": base64.b64encode(picture()).decode()})


def section() -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"^#+ Adding a provider\n(.+?)^#", text, re.M | re.S)
    assert found is not None
    return found[1]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.+?)^```$", section(), re.M | re.S)


class Package:
    """The package as it is, with room for additions that end with the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add_adapter(self) -> None:
        (module,) = blocks("python")
        (self.folder / "lumen.py").write_text(module)
        importlib.invalidate_caches()

    def add_table(self) -> None:
        self._append("catalogue.toml", blocks("toml")[0])

    def add_price(self) -> None:
        self._append("rates/guide.toml", blocks("toml")[1])

    def _append(self, name: str, text: str) -> None:
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.write(f"\n{text}")


def forget() -> None:
    data.catalogue.cache_clear()
    data.rate_card.cache_clear()
    sys.modules.pop("filmgate.providers.lumen", None)
    vars(providers).pop("lumen", None)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    shipped = Path(data.__file__).parent
    shutil.copy(shipped / "catalogue.toml", tmp_path)
    shutil.copytree(shipped / "rates", tmp_path / "rates")
    monkeypatch.setattr(data, "_HERE", tmp_path)
    monkeypatch.setattr(providers, "__path__", [*providers.__path__, str(tmp_path)])
    forget()
    yield Package(tmp_path)
    forget()


@pytest.fixture
def added(package: Package) -> Package:
    package.add_adapter()
    package.add_table()
    package.add_price()
    return package


class KeysOfLumen:
    """The store of keys, as far as the wiring asks it."""

    def read(self, tenant: str, provider: str) -> dict[str, str]:
        assert (tenant, provider) == (TENANT, "lumen")
        return {"api_key": KEY}


def make_one(http: ScriptedHttp, monkeypatch: pytest.MonkeyPatch) -> tuple[Stage, Record]:
    """One picture from admission to its end, through the real wiring of adapters."""
    monkeypatch.setattr(wiring, "egress", lambda: http)
    monkeypatch.setattr(wiring, "provider_keys", KeysOfLumen)
    stage = Stage()
    stage.adapters = wiring.adapter
    stage.studio.settings[TENANT] = with_keys("lumen")
    admitted = generate(
        request(image_wish(), provider="lumen"),
        principal=principal(),
        idempotency_key=None,
        request_hash="",
        studio=stage.studio,
        workflow=FakeWorkflow(),
        catalogue=data.catalogue(),
        card=data.rate_card("guide"),
        default_limit=usd("10"),
        default_cost_limit=usd("1"),
        pace=None,
        now=stage.clock.now,
    )
    return stage, stage.run(admitted.record.generation)


def plan() -> Plan:
    return make_plan(
        image_wish(),
        provider="auto",
        strategy=Strategy.PRIORITY,
        catalogue=data.catalogue(),
        card=data.rate_card("guide"),
        settings=with_keys("lumen"),
        health={},
        now=NOW,
    )


@pytest.mark.usefixtures("added")
def test_an_added_provider_makes_a_picture_that_is_stored_and_paid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    http = ScriptedHttp.of(REPLY)

    stage, record = make_one(http, monkeypatch)

    assert ending(record) == (GenerationState.SUCCEEDED, None)
    assert [(one.provider, one.state) for one in record.attempts] == [
        ("lumen", AttemptState.STORED)
    ]
    assert stage.takes.objects[record.takes[0].key] == (picture(), "image/png")
    assert (stage.budget().held, stage.budget().settled) == (0, usd("0.0300"))
    assert stage.studio.balances_disagree() == []
    (asked,) = http.asked
    assert (asked.method, asked.url) == ("POST", "https://api.lumen.example/v1/pictures")
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert asked.hosts == {"api.lumen.example"}


@pytest.mark.usefixtures("added")
@pytest.mark.parametrize(
    ("answer", "state", "held"),
    [
        (reply({"refused": "no foxes"}, 400), AttemptState.RELEASED, "0"),
        (reply(b"<html>", 502), AttemptState.IN_DOUBT, "0.0300"),
    ],
)
def test_what_it_does_not_make_is_never_paid_and_a_doubt_stays_held(
    monkeypatch: pytest.MonkeyPatch, answer: object, state: AttemptState, held: str
) -> None:
    stage, record = make_one(ScriptedHttp.of(answer), monkeypatch)

    assert states(record) == [state]
    assert (stage.budget().held, stage.budget().settled) == (usd(held), 0)


@pytest.mark.usefixtures("added")
def test_an_added_provider_stands_in_the_chain_of_all() -> None:
    assert [(one.provider.id, one.cost) for one in plan().eligible] == [("lumen", usd("0.0300"))]


@pytest.mark.parametrize(
    ("missing", "code"), [("add_adapter", "not-built"), ("add_price", "not-offered")]
)
def test_without_one_of_the_three_it_is_out_and_says_why(
    package: Package, missing: str, code: str
) -> None:
    for part in {"add_adapter", "add_table", "add_price"} - {missing}:
        getattr(package, part)()

    (entry,) = [one for one in plan().entries if one.provider.id == "lumen"]

    assert entry.exclusion is not None
    assert entry.exclusion.code == code
