"""`python -m tests.mutation`: change the money modules in one place at a time and see who notices.

The changes are cosmic-ray's. Each mutant is imported by a process of its own in the place of its
module: first some histories of the simulation and the unit tests of the module, then the tests of
the use cases. A mutant that nobody notices has survived; it is shown, with the reason where
`equivalent.toml` explains why no test can tell it from the original.
"""

import argparse
import ast
import os
import re
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

from tests.money_modules import MODULES, TESTS

ROOT: Final = Path(__file__).parents[2]
DOMAIN: Final = ROOT / "layers" / "filmgate" / "filmgate" / "domain"
HISTORIES: Final = 60
QUICK: Final = list(TESTS)
LONG: Final = ["tests/unit/usecases", "tests/unit/domain"]

LEFT_OUT: Final = re.compile(
    # `+` has one neighbour, not ten; and no order is asked of what is compared by `is`
    r"core/(ReplaceBinaryOperator_(?!Add_Sub|Sub_Add|Mul_FloorDiv|FloorDiv_Mul|Mod_Mul).*"
    r"|ReplaceComparisonOperator_(Is|IsNot)_(?!Is).*"
    r"|ReplaceComparisonOperator_.*_(Is|IsNot)(?<!Is_IsNot|IsNot_Is)"
    r"|Variable.*)"
)


@dataclass(frozen=True, slots=True)
class Mutant:
    module: str
    line: int
    was: str
    is_now: str
    source: str

    def __str__(self) -> str:
        return f"{self.module}.py:{self.line}\n  - {self.was}\n  + {self.is_now}"


def mutants(module: str) -> Iterator[Mutant]:
    """Every mutant of a module that is another program; docstrings and texts stay."""
    source = (DOMAIN / f"{module}.py").read_text()
    known = {ast.dump(ast.parse(source))}
    for name in sorted(operator_names()):
        if LEFT_OUT.fullmatch(name):
            continue
        for occurrence in count():
            changed = mutate_code(source, get_operator(name)(), occurrence)
            if changed is None:
                break
            program = _program(changed)
            if program is not None and program not in known:
                known.add(program)
                yield _mutant(module, source, changed)


def _program(source: str) -> str | None:
    """What a source says to Python; None when that is a syntax error."""
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return None
    return ast.dump(ast.parse(source))


def _mutant(module: str, before: str, after: str) -> Mutant:
    pairs = enumerate(zip(before.splitlines(), after.splitlines(), strict=False), start=1)
    line, (was, is_now) = next((at, pair) for at, pair in pairs if pair[0] != pair[1])
    return Mutant(module, line, was.strip(), is_now.strip(), after)


def survives(mutant: Mutant) -> bool:
    """Whether neither the quick tests nor the long ones notice a mutant."""
    return not _noticed(mutant, HISTORIES, QUICK) and not _noticed(mutant, 0, LONG)


def _noticed(mutant: Mutant, histories: int, tests: list[str]) -> bool:
    path = str(DOMAIN / f"{mutant.module}.py")
    name = f"filmgate.domain.{mutant.module}"
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutation.child", name, path, str(histories), *tests],
        input=mutant.source,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": ".:layers/filmgate:layers/media"},
        capture_output=True,
        check=False,
    )
    return done.returncode != 0


def explained() -> dict[tuple[str, str, str], str]:
    """Why no test can notice a mutant, by its module and its line before and after."""
    data = tomllib.loads((Path(__file__).parent / "equivalent.toml").read_text())
    return {(one["module"], one["was"], one["is"]): one["why"] for one in data["mutants"]}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", default=list(MODULES))
    parser.add_argument("--every", type=int, default=1, help="only every n-th mutant")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--least", type=float, default=95.0, help="percent that must be noticed")
    asked = parser.parse_args()
    if any(_noticed(_original(module), HISTORIES, QUICK) for module in asked.modules):
        parser.error("the tests fail without any change")
    began, reasons, unexplained = time.monotonic(), explained(), 0
    chosen = [one for module in asked.modules for one in mutants(module)][:: asked.every]
    survived: Counter[bool] = Counter()
    with ThreadPoolExecutor(asked.processes) as pool:
        ends = pool.map(survives, chosen)
        for number, (mutant, alive) in enumerate(zip(chosen, ends, strict=True), start=1):
            survived[alive] += 1
            if alive:
                why = reasons.get((mutant.module, mutant.was, mutant.is_now))
                unexplained += why is None
                print(f"survived: {mutant}\n  {why or 'not explained'}", flush=True)
            elif number % 25 == 0:
                print(f"{number} of {len(chosen)}", file=sys.stderr, flush=True)
    noticed = 100 * survived[False] / max(1, len(chosen))
    print(
        f"mutation: {len(chosen)} mutants, {noticed:.1f} % noticed, {survived[True]} survived, "
        f"{unexplained} of them not explained; {time.monotonic() - began:.0f} s"
    )
    return int(noticed < asked.least or unexplained > 0)


def _original(module: str) -> Mutant:
    return Mutant(module, 0, "", "", (DOMAIN / f"{module}.py").read_text())


if __name__ == "__main__":
    raise SystemExit(main())
