"""`python -m tests.mutation`: change the money modules in one place at a time and see who notices.

Each mutant runs in a process of its own: first some histories of the simulation, which are fast,
then the unit tests of the module. A mutant that neither notices has survived and is shown. Tests
that fail without any mutation are left out and named.
"""

import argparse
import ast
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOMAIN = ROOT / "layers" / "filmgate" / "filmgate" / "domain"
MODULES = ("money", "ledger", "attempts")
HISTORIES = 60

_COMPARED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_COMPUTED = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
}  # fmt: skip
_CHILD = """
import sys, types, importlib.abc, importlib.util
name, path, source = sys.argv[1], sys.argv[2], sys.stdin.read()
class Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, fullname, *_):
        hit = fullname == name
        return importlib.util.spec_from_loader(name, self, origin=path) if hit else None
    def exec_module(self, module):
        exec(compile(source, path, "exec"), module.__dict__)
sys.meta_path.insert(0, Mutated())
from tests.simulation.run import play
if any(play(seed).wrong for seed in range(int(sys.argv[3]))):
    sys.exit(3)
import pytest
sys.exit(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *sys.argv[4:]]))
"""


@dataclass(frozen=True, slots=True)
class Mutant:
    module: str
    line: int
    what: str
    source: str


def mutants(module: str) -> Iterator[Mutant]:
    """Every mutant of a module; docstrings, types and texts stay."""
    tree = ast.parse((DOMAIN / f"{module}.py").read_text())
    places = [node for node in ast.walk(tree) if hasattr(node, "lineno")]
    for place, node in enumerate(places):
        for number, (what, _) in enumerate(_changes(node)):
            changed = deepcopy(tree)
            twin = [one for one in ast.walk(changed) if hasattr(one, "lineno")][place]
            list(_changes(twin))[number][1]()
            yield Mutant(module, node.lineno, what, ast.unparse(changed))


def _changes(node: ast.AST):  # noqa: C901 - a table of changes
    """What can be changed about a node: a name, and a function that does it."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in _COMPARED:
            after = _COMPARED[type(op)]
            yield (
                f"{type(op).__name__} to {after.__name__}",
                lambda: node.ops.__setitem__(0, after()),
            )
        case ast.BoolOp():
            after = ast.Or if isinstance(node.op, ast.And) else ast.And
            yield f"to {after.__name__}", lambda: setattr(node, "op", after())
        case ast.BinOp(op=op) if type(op) in _COMPUTED and not _is_type(node):
            after = _COMPUTED[type(op)]
            yield f"{type(op).__name__} to {after.__name__}", lambda: setattr(node, "op", after())
        case ast.UnaryOp(op=ast.Not()):
            yield "not taken away", lambda: setattr(node, "op", ast.UAdd())
        case ast.UnaryOp(op=ast.USub()):
            yield "sign taken away", lambda: setattr(node, "op", ast.UAdd())
        case ast.Constant(value=bool(value)):
            yield f"to {not value}", lambda: setattr(node, "value", not value)
        case ast.Constant(value=int(value)):
            yield f"{value} to {value + 1}", lambda: setattr(node, "value", value + 1)
        case ast.If():
            yield "never", lambda: setattr(node, "test", ast.Constant(False))
            yield "always", lambda: setattr(node, "test", ast.Constant(True))
        case ast.IfExp():
            yield "first branch", lambda: setattr(node, "test", ast.Constant(True))
            yield "second branch", lambda: setattr(node, "test", ast.Constant(False))
        case ast.Call(keywords=[_, *_]) if _writes(node):
            for number, keyword in enumerate(node.keywords):
                if keyword.arg is not None:
                    yield f"without {keyword.arg}", lambda number=number: node.keywords.pop(number)


def _is_type(node: ast.BinOp) -> bool:
    return isinstance(node.op, ast.BitOr)


def _writes(node: ast.Call) -> bool:
    """Whether a call makes a changed copy: leaving a field out is a fault that happens."""
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    return name in ("replace", "_move")


def _tests_of(module: str) -> list[str]:
    return [f"tests/unit/domain/test_{module}.py"]


def _run(name: str, source: str, tests: list[str], histories: int) -> int:
    """The exit status of one child: 0 when nobody noticed anything."""
    path = str(DOMAIN / f"{name}.py")
    child = [sys.executable, "-c", _CHILD, f"filmgate.domain.{name}", path, str(histories), *tests]
    found = os.environ | {"PYTHONPATH": ".:layers/filmgate:layers/media"}
    try:
        done = subprocess.run(child, input=source, text=True, cwd=ROOT, env=found,
                              capture_output=True, timeout=120, check=False)  # fmt: skip
    except subprocess.TimeoutExpired:
        return 4
    return done.returncode


def _red(module: str) -> list[str]:
    """The unit tests of a module that fail as it is; they can notice nothing."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *_tests_of(module)]
    done = subprocess.run(command, text=True, cwd=ROOT, capture_output=True, check=False)
    lines = done.stdout.splitlines()
    return [line.split()[1] for line in lines if line.startswith("FAILED ")]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", default=list(MODULES))
    parser.add_argument("--every", type=int, default=1, help="only every n-th mutant")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--least", type=float, default=95.0, help="percent that must be noticed")
    asked = parser.parse_args()
    began, survivors, count = time.monotonic(), [], 0
    for module in asked.modules:
        red = _red(module)
        for name in red:
            print(f"left out, it fails without a mutation: {name}")
        tests = [*_tests_of(module), *(f"--deselect={name}" for name in red)]
        chosen = list(mutants(module))[:: asked.every]
        with ThreadPoolExecutor(asked.processes) as pool:
            ends = pool.map(lambda one, t=tests: _run(one.module, one.source, t, HISTORIES), chosen)
            for mutant, end in zip(chosen, ends, strict=True):
                count += 1
                if end == 0:
                    survivors.append(mutant)
                    print(f"survived: {module}.py:{mutant.line} {mutant.what}", flush=True)
    killed = 100 * (count - len(survivors)) / max(1, count)
    took = time.monotonic() - began
    print(f"mutation: {count} mutants, {killed:.1f} % noticed, {took:.0f} s")
    return int(killed < asked.least)


if __name__ == "__main__":
    raise SystemExit(main())
