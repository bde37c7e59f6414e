"""How a patch takes hold: the thing must exist, and is replaced at one place."""

from collections.abc import Callable
from typing import Any


class PatchTargetMissing(RuntimeError):
    """The library is not what the patch was written for."""


def original(owner: Any, name: str) -> Any:
    """What `owner.name` is now. Raises PatchTargetMissing when there is no such thing."""
    try:
        return getattr(owner, name)
    except AttributeError as missing:
        raise PatchTargetMissing(f"{owner!r} has no {name}") from missing


def replace(owner: Any, name: str, replacement: Any) -> None:
    """Put `replacement` where `owner.name` is."""
    original(owner, name)
    setattr(owner, name, replacement)


def wrap(owner: Any, name: str, wrapper: Callable[[Any], Any]) -> None:
    """Replace `owner.name` by what `wrapper` makes of it."""
    setattr(owner, name, wrapper(original(owner, name)))
