"""What the domain knows are values: nobody changes one that somebody else holds."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import is_dataclass

import pytest

from filmgate import domain


def records() -> Iterator[type]:
    """Every dataclass of the domain, in an order that is always the same."""
    for module in pkgutil.iter_modules(domain.__path__):
        name = f"{domain.__name__}.{module.name}"
        for found in vars(importlib.import_module(name)).values():
            if isinstance(found, type) and is_dataclass(found) and found.__module__ == name:
                yield found


@pytest.mark.parametrize("record", list(records()), ids=lambda record: record.__name__)
def test_a_record_never_changes_and_takes_no_field_it_does_not_have(record: type) -> None:
    assert record.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert "__slots__" in vars(record)
