"""The modules that reckon with money, and the unit tests that answer for them."""

from typing import Final

MODULES: Final = ("money", "pricing", "ledger", "attempts", "totals")
TESTS: Final = tuple(
    f"tests/unit/domain/test_{name}.py" for name in (*MODULES, "envelopes", "usage", "values")
)
