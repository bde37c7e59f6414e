"""Text of others on a terminal."""

import json

import pytest

from filmgate_cli.money import amount, total, wire
from filmgate_cli.text import clean, cut, to_json

HOSTILE = [
    ("\x1b[2J\x1b[Hgone", "gone"),
    ("\x1b]0;owned\x07title", "title"),
    ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
    ("\x1b]52;c;ZXZpbA==\x07clip", "clip"),
    ("\x9b31mred", "red"),
    ("\x9d0;owned\x9cc1", "c1"),
    ("\x1bP1;2|payload\x1b\\dcs", "dcs"),
    ("\x1bcreset", "reset"),
    ("two\r\nlines", "two  lines"),
    ("over\rwritten", "over written"),
    ("back\b\bspace", "back  space"),
    ("bell\x07", "bell "),
    ("evil\u202etxt.exe", "eviltxt.exe"),
    ("\u2066hidden\u2069", "hidden"),
    ("para\u2029graph", "para graph"),
    ("\ud800lone", " lone"),
    ("[bold red]markup[/]", "[bold red]markup[/]"),
    ("Häßlich 映画 🎬", "Häßlich 映画 🎬"),
    ("unfinished \x1b[", "unfinished "),
    ("unfinished \x1b]0;", "unfinished "),
]


@pytest.mark.parametrize(("text", "shown"), HOSTILE)
def test_nothing_of_it_is_obeyed(text: str, shown: str) -> None:
    assert clean(text) == shown


@pytest.mark.parametrize(("text", "_"), HOSTILE)
def test_json_is_the_same_value_and_safe_on_a_terminal(text: str, _: str) -> None:
    written = to_json({"prompt": text})

    assert json.loads(written) == {"prompt": text}
    assert written.replace("\n", "") == clean(written.replace("\n", ""))


def test_long_text_is_cut() -> None:
    assert cut("  a lamp in the fog ", 7) == "a lamp…"
    assert cut("a lamp", 6) == "a lamp"


@pytest.mark.parametrize(
    ("text", "written"),
    [("0.5", "0.5000"), ("$0.50", "0.5000"), (" 12 ", "12.0000"), ("1e-4", "0.0001")],
)
def test_amounts_are_written_as_the_api_writes_them(text: str, written: str) -> None:
    assert wire(amount(text)) == written


@pytest.mark.parametrize(
    "text", ["", "abc", "-1", "-0", "nan", "inf", "0.00001", "1e-5", "1e30", "1,5", "0x1", "１.x"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount|places"):
        amount(text)


def test_sums_are_exact() -> None:
    assert total(["0.1000", "0.2000", None]) == "0.3000"
