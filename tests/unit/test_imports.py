"""Dependencies point inwards, one module opens connections, and no float touches money."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "layers" / "filmgate" / "filmgate"
MODULES = sorted(PACKAGE.rglob("*.py"))
FUNCTIONS = sorted((ROOT / "functions").glob("*/app.py"))

LAYERS = ("domain", "usecases", "providers", "adapters")
# What a layer may know besides itself. A dotted name is that one module, which has no neighbours
# of its own to pull in: the strict reader of JSON, what an adapter is, what the ports are.
MAY_IMPORT = {
    "domain": set(),
    "usecases": {"domain", "providers.base"},
    "providers": {"domain", "adapters.strict_json"},
    "adapters": {"domain", "usecases.ports", "usecases.boards", "usecases.steps"},
}
NETWORK = {
    "socket", "ssl", "urllib3", "http.client", "http.server", "urllib.request", "requests",
    "httpx", "aiohttp", "asyncio", "ftplib", "smtplib", "socketserver", "telnetlib",
}  # fmt: skip
MONEY = ["money", "pricing", "ledger", "chain", "generations", "attempts", "alarms"]


def named(path: Path) -> str:
    return str(path.relative_to(PACKAGE)) if path.is_relative_to(PACKAGE) else str(path.parent.name)


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it, as dotted names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports by a relative name"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own(path: Path) -> set[str]:
    """The modules of this package that a file imports, without the package's name."""
    found = {name.removeprefix("filmgate.") for name in imported(path) if "filmgate." in name}
    return {name for name in found if is_module(name)}


def is_module(name: str) -> bool:
    place = PACKAGE.joinpath(*name.split("."))
    return place.is_dir() or place.with_suffix(".py").is_file()


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


def allowed(name: str, layer: str) -> bool:
    head = name.split(".", maxsplit=1)[0]
    return head == layer or any(
        name == known or name.startswith(f"{known}.") or known.startswith(f"{name}.")
        for known in MAY_IMPORT[layer]
    )


@pytest.mark.parametrize("path", [one for one in MODULES if layer_of(one) in LAYERS], ids=named)
def test_a_layer_imports_only_what_lies_further_in(path: Path) -> None:
    layer = layer_of(path)

    assert {name for name in own(path) if not allowed(name, layer)} == set()


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_the_package_knows_nothing_of_functions_tests_or_the_local_stack(path: Path) -> None:
    heads = {name.split(".", maxsplit=1)[0] for name in imported(path)}

    assert heads & {"functions", "tests", "local", "cli"} == set()


@pytest.mark.parametrize(
    "path", [one for one in MODULES if layer_of(one) not in (*LAYERS, "wiring.py")], ids=named
)
def test_only_the_wiring_knows_the_real_adapters(path: Path) -> None:
    known = {name for name in own(path) if name.startswith("adapters.")}

    assert known <= {"adapters.strict_json"}


@pytest.mark.parametrize("path", FUNCTIONS, ids=named)
def test_a_function_gets_its_adapters_from_the_wiring(path: Path) -> None:
    known = {name for name in own(path) if name.startswith(("adapters.", "providers."))}

    assert known <= {"adapters.media", "providers.data"}


@pytest.mark.parametrize(
    "path", [*(one for one in MODULES if named(one) != "adapters/egress.py"), *FUNCTIONS], ids=named
)
def test_no_other_module_opens_connections(path: Path) -> None:
    assert {name for name in imported(path) if name in NETWORK} == set()


def test_the_egress_module_is_the_one_that_does() -> None:
    found = set(imported(PACKAGE / "adapters" / "egress.py")) & NETWORK

    assert found >= {"socket", "ssl"}


@pytest.mark.parametrize("path", [one for one in MODULES if layer_of(one) == "domain"], ids=named)
def test_the_domain_knows_no_cloud_no_framework_and_no_clock(path: Path) -> None:
    heads = {name.split(".", maxsplit=1)[0] for name in imported(path)}
    calls = {
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    }

    assert heads & {"boto3", "botocore", "pydantic", "aws_lambda_powertools", "os", "time"} == set()
    assert calls & {"datetime.now", "datetime.utcnow", "date.today", "random", "uuid4"} == set()


@pytest.mark.parametrize("name", MONEY)
def test_no_float_touches_money(name: str) -> None:
    tree = ast.parse((PACKAGE / "domain" / f"{name}.py").read_text(encoding="utf-8"))

    floats = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id in ("float", "round"))
        or (isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div))
    ]
    assert floats == []


@pytest.mark.parametrize(
    ("name", "layer", "fits"),
    [
        ("domain.money", "domain", True),
        ("usecases.ports", "domain", False),
        ("adapters.table", "usecases", False),
        ("providers.base", "usecases", True),
        ("providers.dalle", "usecases", False),
        ("providers", "usecases", True),
        ("adapters.egress", "providers", False),
        ("adapters.strict_json", "providers", True),
        ("usecases.generate", "adapters", False),
    ],
)
def test_the_rule_itself_tells_right_from_wrong(name: str, layer: str, fits: bool) -> None:
    assert allowed(name, layer) == fits
