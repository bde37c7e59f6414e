"""JSON from outside is read strictly or not at all, and only one kind of failure leaves."""

import base64
import contextlib
import json
import tracemalloc
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from filmgate.adapters.strict_json import MAX_VALUES, UnreadableJson, loads


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"data": [{"url": "https://x/?a=[{"}, null, true, false]}', None),
        ("0.1", Decimal("0.1")),
        ("1e2", Decimal("1E+2")),
        ("-0.0400", Decimal("-0.0400")),
        ("12345678901234567890", 12345678901234567890),
        ('"\\ud83d\\ude00 \\u00e9 \\/"', "😀 é /"),
        ('"a\\\\"', "a\\"),
        (' \n"é"\t', "é"),
        ("[]", []),
    ],
)
def test_good_json_is_read(text: str, expected: Any) -> None:
    value = loads(text.encode())

    assert value == (json.loads(text) if expected is None else expected)
    assert not isinstance(value, float)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"),
        (b" ", "not JSON"),
        (b"<html><body>502</body></html>", "not JSON"),
        (b'{"a": 1', "not JSON"),
        (b'{"a": 1} {"a": 1}', "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b"[1,]", "not JSON"),
        (b'"a\nb"', "not JSON"),
        (b"1" * 5000, "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'"\xff"', "not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b'"\xc0\xaf"', "not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'"\\ud800"', "half of a surrogate pair"),
        (b'{"\\uDfff": [0.5]}', "half of a surrogate pair"),
        (b"NaN", "NaN or Infinity"),
        (b'{"a": Infinity}', "NaN or Infinity"),
        (b"[-Infinity]", "NaN or Infinity"),
        (b'{"a": 1, "a": 1}', "the same key twice in one object"),
        (b'[{"b": {"a": 1, "\\u0061": 2}}]', "the same key twice in one object"),
        (b"1e401", "a number out of range"),
        (b"1e-999999999", "a number out of range"),
        (b"1e99999999999999999999999", "a number out of range"),
        (b"0." + b"3" * 500, "a number out of range"),
    ],
)
def test_what_could_be_misread_is_not_read(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableJson) as failure:
        loads(data)

    assert failure.value.reason == str(failure.value) == reason


@pytest.mark.parametrize("unit", [b"[", b'{"a":', b'[{"a":', b'{"\\"[":', b"[\n"])
@pytest.mark.parametrize("depth", [65, 1000, 1_000_000])
def test_depth_is_refused_by_our_own_error_however_deep(unit: bytes, depth: int) -> None:
    with pytest.raises(UnreadableJson, match=r"^(nested more than 64 deep|more than \d+ values)$"):
        loads(unit * depth)


def test_depth_counts_what_stands_inside_one_another_not_what_follows() -> None:
    assert loads(b"[" * 64 + b"]" * 64)
    assert loads(b"[" + b",".join([b'{"a": []}'] * 1000) + b"]")
    with pytest.raises(UnreadableJson, match="nested"):
        loads(b"[" * 65 + b"]" * 65)


@pytest.mark.parametrize(
    "text", ["[" * 100, '"' + "[" * 100, "\\" + "{[" * 99, '\\"' + "[" * 99, "a\\\\" + "[" * 99]
)
def test_brackets_in_a_string_are_text(text: str) -> None:
    value = {"path": "c:\\", "prompt": text, "list": [1]}

    assert loads(json.dumps(value).encode()) == value


@pytest.mark.parametrize("unit", [b"[],", b"0,", b'{"":0},'])
def test_a_small_text_cannot_become_a_mountain_of_objects(unit: bytes) -> None:
    data = b"[" + unit * (20_000_000 // len(unit)) + b"0]"
    tracemalloc.start()

    with pytest.raises(UnreadableJson, match=f"more than {MAX_VALUES} values"):
        loads(data)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * len(data)


def test_size_is_capped() -> None:
    assert loads(b"[1,2]", max_bytes=5) == [1, 2]
    with pytest.raises(UnreadableJson, match="longer than 4 bytes"):
        loads(b"[1,2]", max_bytes=4)


def test_a_caller_near_the_recursion_limit_gets_our_error() -> None:
    def deep(data: bytes) -> object:
        try:
            return deep(data)
        except RecursionError:
            return None

    def at_the_edge(left: int) -> str:
        if left:
            return at_the_edge(left - 1)
        try:
            loads(b"[" * 64 + b"]" * 64)
        except UnreadableJson as failure:
            return failure.reason
        except RecursionError:
            return "ours was not even entered"
        return "read"

    assert deep(b"") is None
    outcomes = set()
    for left in range(700, 1000, 7):
        try:
            outcomes.add(at_the_edge(left))
        except RecursionError:
            break
    assert outcomes <= {"read", "nested too deeply", "ours was not even entered"}


def test_a_picture_in_base64_comes_through() -> None:
    picture = base64.b64encode(bytes(range(256)) * 6000).decode()
    data = json.dumps({"created": 1, "data": [{"b64_json": picture}]}).encode()

    assert loads(data) == {"created": 1, "data": [{"b64_json": picture}]}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON, st.booleans())
def test_whatever_json_writes_is_read_back(value: Any, escaped: bool) -> None:
    try:
        data = json.dumps(value, ensure_ascii=escaped).encode()
    except UnicodeEncodeError:
        return

    halved = escaped and any(
        "\ud800" <= sign <= "\udfff" for sign in json.dumps(value, ensure_ascii=False)
    )

    with pytest.raises(UnreadableJson, match="half") if halved else contextlib.nullcontext():
        assert loads(data) == value


@settings(max_examples=300)
@given(st.binary(max_size=300) | st.text(alphabet='[]{},:"\\ud8e0.-+NaIn1', max_size=60))
@example("\\")
def test_nothing_but_our_error_leaves(data: bytes | str) -> None:
    with contextlib.suppress(UnreadableJson):
        loads(data.encode() if isinstance(data, str) else data)
