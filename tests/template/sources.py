"""What the code of a function uses, read from its source: names of wiring, variables, errors."""

import ast
import re
from functools import cache

from filmgate.domain import errors
from tests.template.documents import ROOT

PACKAGE = ROOT / "layers" / "filmgate" / "filmgate"


@cache
def handler_source(verb: str) -> str:
    return (ROOT / "functions" / verb / "app.py").read_text()


def wiring_used_by(verb: str) -> frozenset[str]:
    """Every function of wiring.py that a handler reaches, directly or through another one."""
    reached: set[str] = set()
    waiting = _named_in(handler_source(verb))
    while waiting:
        name = waiting.pop()
        if name not in reached and name in _wiring():  # the others are constants
            reached.add(name)
            waiting |= {used for used in _names(_wiring()[name]) if used in _wiring()}
    return frozenset(reached)


def variables_needed_by(verb: str) -> frozenset[str]:
    """The environment variables that a handler's code reads."""
    asked = _settings_read(ast.parse(handler_source(verb)))
    for name in wiring_used_by(verb):
        asked |= _settings_read(_wiring()[name])
    return frozenset(name.upper() for name in asked)


def errors_told_by(verb: str) -> frozenset[str]:
    """The errors that a handler's docstring says it raises."""
    docstring = ast.get_docstring(ast.parse(handler_source(verb))) or ""
    found = re.search(r"^Raises\s(.*?)(?=\n\n|\n\S|\Z)", docstring, re.DOTALL | re.MULTILINE)
    words = re.findall(r"\b[A-Z]\w+", found[1]) if found else []
    return frozenset(word for word in words if hasattr(errors, word))


def uses_media(verb: str) -> bool:
    return "filmgate.adapters.media" in handler_source(verb)


@cache
def _wiring() -> dict[str, ast.FunctionDef]:
    tree = ast.parse((PACKAGE / "wiring.py").read_text())
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def _named_in(source: str) -> set[str]:
    """What a handler takes from wiring: `wiring.x`, and names imported from it."""
    tree = ast.parse(source)
    found = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "wiring"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "filmgate.wiring":
            found |= {alias.name for alias in node.names}
    return found


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _settings_read(tree: ast.AST) -> set[str]:
    """`settings().need("x")` and `settings().x`."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Name("settings")), attr="need"),
                args=[ast.Constant(value=str(name))],
            ):
                found.add(name)
            case ast.Attribute(value=ast.Call(func=ast.Name("settings")), attr=name) if (
                name != "need"
            ):
                found.add(name)
    return found
