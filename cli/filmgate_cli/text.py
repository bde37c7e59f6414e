"""Text of others, made fit for a terminal.

A prompt, an error or a name may hold what a terminal obeys: escape sequences that move the cursor,
rename the window or fill the clipboard, and marks that reverse the direction of reading. Nothing of
that reaches the screen. (Rich's own markup is switched off where the consoles are made.)
"""

import json
import re
import unicodedata
from typing import Any, Final

_SEQUENCES: Final = re.compile(
    r"""(?: \x1b\[ | \x9b ) [0-?]* [ -/]* [@-~]               # CSI: colours, cursor
      | (?: \x1b[\]P^_X] | [\x9d\x90\x9e\x9f\x98] ) .*? (?: \x07 | \x1b\\ | \x9c | $ )  # OSC, DCS …
      | \x1b [ -/]* [0-~]                                       # the short ones
    """,
    re.VERBOSE | re.DOTALL,
)
_DIRECTIONS: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_UNSAFE_KINDS: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


def clean(text: str) -> str:
    """The text on one line, with nothing in it that a terminal acts upon."""
    plain = _SEQUENCES.sub("", text)
    return "".join(" " if _is_control(sign) else sign for sign in plain if sign not in _DIRECTIONS)


def cut(text: str, width: int) -> str:
    """The text cleaned, and no longer than `width` signs."""
    plain = clean(text).strip()
    return plain if len(plain) <= width else f"{plain[: width - 1].rstrip()}…"


def to_json(value: Any) -> str:
    """JSON whose unprintable signs are all written as escapes, so that it may meet a terminal."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return "".join(
        f"\\u{ord(sign):04x}" if sign != "\n" and _is_unsafe(sign) else sign for sign in text
    )


def _is_control(sign: str) -> bool:
    return unicodedata.category(sign) in _UNSAFE_KINDS


def _is_unsafe(sign: str) -> bool:
    return sign in _DIRECTIONS or _is_control(sign)
