"""The README says what is true."""

import re
from pathlib import Path

from filmgate.http import ROUTES
from filmgate.providers.data import catalogue

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_provider_table_is_the_catalogue() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (image|video) \| (.+?) \| (built|not built yet) \|$", README, re.M
    )

    expected = [
        (one.id, one.media.value, one.name, "built" if one.built else "not built yet")
        for one in catalogue().providers.values()
    ]
    assert sorted(rows) == sorted(expected)


def test_every_route_is_described() -> None:
    for route in ROUTES:
        stem = route.removesuffix("/{id}")
        assert stem in README, f"{route} is not in the README"


def test_the_commands_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.M)):
        assert f"\n{command}:" in makefile, f"make {command} does not exist"
