"""One mutant on trial: `python -m tests.mutation.child <module> <path> <histories> <tests…>`.

The mutant's source comes by standard input and is imported in the place of its module. The exit
status is 0 when neither the histories nor the tests notice anything.
"""

import importlib.abc
import importlib.util
import resource
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

LONGEST_CPU_S = 120
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")


class InPlaceOf(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds another source for one module."""

    def __init__(self, name: str, path: str, source: str) -> None:
        self._name, self._path, self._source = name, path, source

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=self._path)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._source, self._path, "exec"), module.__dict__)


class FirstExample:
    """Any example that fails will do, however large."""

    def pytest_configure(self) -> None:
        from hypothesis import Phase, settings

        usual = settings.get_profile("any machine")
        settings.register_profile("mutant", usual, phases=[Phase.generate], database=None)
        settings.load_profile("mutant")


def main(name: str, path: str, histories: str, *tests: str) -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_CPU_S, LONGEST_CPU_S))  # it may never end
    sys.meta_path.insert(0, InPlaceOf(name, path, sys.stdin.read()))
    from tests.simulation.run import play

    if any(play(seed).wrong for seed in range(int(histories))):
        return 1
    import pytest

    return pytest.main([*OPTIONS, *tests], plugins=[FirstExample()])


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
