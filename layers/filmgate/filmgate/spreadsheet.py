"""Rows as a CSV file that spreadsheets open as they are: RFC 4180, and nothing in it is a formula.

UTF-8. A byte order mark stands before the file only where a cell is not plain ASCII: Excel needs
one there to read it as UTF-8, and a parser that knows of none is spared it everywhere else.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

BYTE_ORDER_MARK: Final = "\ufeff"
# What a spreadsheet evaluates, or was guarded against that already: so a guard can be taken off.
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n]")
_GUARDED: Final = re.compile(r"'+[=+\-@\t\r\n]")


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A header and one line per row, of the given columns; None is an empty cell.

    A cell that a spreadsheet would take for a formula gets a leading apostrophe, also in a header.
    """
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow([cell(name) for name in columns])
    for row in rows:
        writer.writerow([cell(row[name]) for name in columns])
    text = written.getvalue()
    return text if text.isascii() else BYTE_ORDER_MARK + text


def cell(value: Any) -> str:
    """A value as a cell: texts made harmless, truth as TRUE and FALSE, nothing as nothing."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case str() if _FORMULA.match(value):
            return f"'{value}"
    return str(value)


def unguarded(text: str) -> str:
    """The text for which `cell` wrote this one."""
    return text[1:] if _GUARDED.match(text) else text
