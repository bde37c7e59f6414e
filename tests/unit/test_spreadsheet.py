"""CSV by RFC 4180 that holds no formula; read here by a parser that knows nothing else."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmgate.spreadsheet import BYTE_ORDER_MARK, cell, csv_text, unguarded

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("http://x","y")')
COLUMNS = ("name", "amount", "note")


def parsed(text: str) -> list[list[str]]:
    """Strictly RFC 4180: CRLF ends every line, a quote stands only where a field is quoted."""
    field = r'(?:"((?:[^"]|"")*)"|([^",\r\n]*))'
    rows, place = [], 0
    while place < len(text):
        row: list[str] = []
        while True:
            found = re.compile(field).match(text, place)
            assert found is not None
            quoted, plain = found.groups()
            row.append(plain if quoted is None else quoted.replace('""', '"'))
            place = found.end()
            if text[place : place + 1] != ",":
                break
            place += 1
        assert text[place : place + 2] == "\r\n", text[place : place + 20]
        place += 2
        rows.append(row)
    return rows


@given(st.lists(st.tuples(*[st.text(alphabet=st.characters(codec="utf-8"))] * 3)))
def test_every_text_comes_back_as_it_went_or_with_an_apostrophe(rows: list[tuple]) -> None:
    text = csv_text(COLUMNS, [dict(zip(COLUMNS, row, strict=True)) for row in rows])

    header, *found = parsed(text.removeprefix(BYTE_ORDER_MARK))
    assert header == list(COLUMNS)
    for row, expected in zip(found, rows, strict=True):
        for written, told in zip(row, expected, strict=True):
            assert written in (told, f"'{told}")
            assert not written.startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("text", FORMULAS)
def test_a_cell_that_would_be_a_formula_is_text(text: str) -> None:
    written = csv_text(["name"], [{"name": text}])

    assert parsed(written)[1] == [f"'{text}"]


def test_numbers_truth_and_nothing_are_cells() -> None:
    row = {"name": None, "amount": "0.0200", "note": True}

    assert parsed(csv_text(COLUMNS, [row]))[1] == ["", "0.0200", "TRUE"]


def test_a_byte_order_mark_stands_only_before_what_is_not_ascii() -> None:
    assert csv_text(["name"], [{"name": "Zoe"}]) == "name\r\nZoe\r\n"
    assert csv_text(["name"], [{"name": "Zoë"}]) == "\ufeffname\r\nZoë\r\n"


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_reads_the_same_texts_and_the_same_sum_and_runs_nothing(
    tmp_path: Path,
) -> None:
    texts = [*FORMULAS[:4], "Zoë", 'a "quoted", b', FORMULAS[-1]]
    rows = [{"name": text, "amount": "0.0150", "note": None} for text in texts]
    source = tmp_path / "usage.csv"
    source.write_bytes(csv_text(COLUMNS, rows).encode())

    found = opened(source)

    assert [row[0] for row in found[1:]] == [
        f"'{text}" if text in FORMULAS else text for text in texts
    ]
    assert sum(round(float(row[1]) * 10_000) for row in found[1:]) == 150 * len(texts)


def opened(source: Path) -> list[list[str]]:
    """What LibreOffice understands of a file: opened as a spreadsheet, then written as text."""
    for kind, path in (("ods", source), ("csv", source.with_suffix(".ods"))):
        folder = source.parent / kind if kind == "csv" else source.parent
        subprocess.run(
            ["soffice", "--headless", f"-env:UserInstallation=file://{source.parent}/profile",
             "--convert-to", kind, "--outdir", str(folder), str(path)],
            check=True, capture_output=True, timeout=150,
        )  # fmt: skip
    text = (source.parent / "csv" / "usage.csv").read_text(encoding="utf-8")
    return parsed(text.replace("\n", "\r\n"))


@given(st.text(alphabet="'=+-@\t\r\nab "))
def test_a_guard_can_be_taken_off_again(text: str) -> None:
    assert unguarded(cell(text)) == text
