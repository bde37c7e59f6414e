"""JSON from outside, read strictly: what cannot be trusted to mean one thing is not read at all.

`json.loads` keeps the last of two equal keys, takes NaN, turns prices into binary floats, and
fails with exceptions of four kinds. Here there is one failure, `UnreadableJson`, and its message
never holds a piece of the text.
"""

import json
import re
from decimal import Decimal
from typing import NoReturn, TypeAlias

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | Decimal | bool | None"

MAX_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 64
# Containers plus commas. A megabyte of "[],[],[]…" becomes about 25 megabytes of objects, so a
# small function could be pushed out of its memory; no provider's answer comes near this number.
MAX_VALUES = 200_000
# Beyond any amount, size or time; 1E+999999999 costs nothing to read and a gigabyte to convert.
MAX_DIGITS = MAX_EXPONENT = 400

_STRING = re.compile(rb'"[^"]*"')
_STRUCTURE = b'"[]{},'
_ALL_ELSE = bytes(set(range(256)) - set(_STRUCTURE))
_OPENING = frozenset(b"[{")
_CLOSING = frozenset(b"]}")


class UnreadableJson(ValueError):
    """The text is not JSON that can be trusted; `reason` is public and quotes nothing of it.

    `line` and `column` count from 1 and say where it stops to be JSON, where that is known.
    """

    def __init__(self, reason: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.column = column


def loads(data: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> JsonValue:
    """Give the value of one JSON text: UTF-8 without a mark, numbers with a fraction as Decimal.

    max_depth is how many objects and lists may stand inside one another.
    Raises UnreadableJson, and nothing else, whatever the bytes are.
    """
    if len(data) > max_bytes:
        raise UnreadableJson(f"longer than {max_bytes} bytes")
    _check_shape(data, max_depth)
    try:
        value: JsonValue = _DECODER.decode(data.decode("utf-8"))
        if b"\\" in data and (b"\\ud" in data or b"\\uD" in data):
            _refuse_half_characters(value)
    except UnreadableJson:
        raise
    except UnicodeDecodeError:
        raise UnreadableJson("not UTF-8") from None
    except UnicodeEncodeError:
        raise UnreadableJson("half of a surrogate pair") from None
    except RecursionError:  # The caller itself stands close to the interpreter's limit.
        raise UnreadableJson("nested too deeply") from None
    except json.JSONDecodeError as error:
        raise UnreadableJson("not JSON", line=error.lineno, column=error.colno) from None
    except ValueError:  # An integer of more digits than Python converts.
        raise UnreadableJson("not JSON") from None
    return value


def _check_shape(data: bytes, max_depth: int) -> None:
    """Refuse too many values and too much depth before anything is built or recurses.

    Counting is fast and usually enough; only where text within strings may have been counted too
    are the strings taken out, by whole-buffer operations, and the few bytes left looked at.
    """
    signs = data.translate(None, _ALL_ELSE)
    if len(signs) <= MAX_VALUES and signs.count(b"[") + signs.count(b"{") <= max_depth:
        return
    # A run of backslashes starts where an escape starts, so pairs taken from the left are escapes.
    bare = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    # A container or comma brings two strings at most, and a string two quotes.
    too_many = bare.count(b'"') > 4 * (MAX_VALUES + 1)
    structure = b"" if too_many else _STRING.sub(b"", bare.translate(None, _ALL_ELSE))
    values = structure.count(b"[") + structure.count(b"{") + structure.count(b",")
    if too_many or values > MAX_VALUES:
        raise UnreadableJson(f"more than {MAX_VALUES} values")
    depth = 0
    for sign in structure:
        if sign in _OPENING:
            depth += 1
            if depth > max_depth:
                raise UnreadableJson(f"nested more than {max_depth} deep")
        elif sign in _CLOSING:
            depth -= 1


def _refuse_half_characters(value: JsonValue) -> None:
    """Raise UnicodeEncodeError for a string that no file, table or reply could take later on."""
    json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")


def _unique(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise UnreadableJson("the same key twice in one object")
    return members


def _decimal(text: str) -> Decimal:
    if len(text) > MAX_DIGITS:
        raise UnreadableJson("a number out of range")
    try:
        number = Decimal(text)
    except ArithmeticError:  # An exponent that not even Decimal can hold.
        raise UnreadableJson("a number out of range") from None
    if abs(number.adjusted()) > MAX_EXPONENT:
        raise UnreadableJson("a number out of range")
    return number


def _no_constant(_name: str) -> NoReturn:
    raise UnreadableJson("NaN or Infinity")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_decimal, parse_constant=_no_constant
)
