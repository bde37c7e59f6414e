"""Storyboards out of files: what is read, what is refused, and where it says the fault is."""

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from filmgate.batch_files import COLUMNS, BatchRefused, Fault, Kind, Limits, kind_of, read_batch
from filmgate.domain.storyboard import FROM_KEYFRAME, Shot, Storyboard
from filmgate.domain.strategies import Role, Strategy
from filmgate.schemas import StoryboardBody, StoryboardHeadBody
from filmgate.spreadsheet import csv_text
from tests.support.builders import usd

HEADER = ",".join(COLUMNS)


def read(
    data: bytes | str, kind: Kind = Kind.CSV, *, chunk: int = 1000, **others: Any
) -> Storyboard:
    raw = data.encode() if isinstance(data, str) else data
    chunks = (raw[start : start + chunk] for start in range(0, len(raw), chunk))
    return read_batch(chunks, kind=kind, **others)


def faults(data: bytes | str, kind: Kind = Kind.CSV, **others: Any) -> list[tuple[Any, Any, str]]:
    with pytest.raises(BatchRefused) as refused:
        read(data, kind, **others)
    return [(fault.line, fault.column, fault.message) for fault in refused.value.faults]


def rows_as_csv(rows: list[dict[str, str]], delimiter: str = ",", end: str = "\r\n") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, delimiter=delimiter, lineterminator=end, restval="",
                            quoting=csv.QUOTE_ALL)  # fmt: skip
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


# --- CSV ---------------------------------------------------------------------------------------


def test_a_prompt_is_all_a_row_needs_and_gives_a_keyframe_and_a_clip_of_it() -> None:
    (shot,) = read("prompt\nA fox in the snow\n").shots

    assert (shot.number, shot.prompt) == (1, "A fox in the snow")
    assert [(part.role, part.provider, part.wish.image) for part in shot.parts] == [
        (Role.KEYFRAME, "auto", None),
        (Role.CLIP, "auto", FROM_KEYFRAME),
    ]


def test_every_column_reaches_its_field() -> None:
    board = read(f"{HEADER}\n7,A fox,rain,snow,nanobanana,whan,It runs,8,1080p,16:9,push_in\n")

    same = {
        "shots": [
            {
                "number": 7, "prompt": "A fox", "negative_prompt": "rain", "scene": "snow",
                "keyframe": {"provider": "nanobanana", "params": {"aspect_ratio": "16:9"}},
                "clip": {
                    "provider": "whan", "prompt": "It runs",
                    "params": {
                        "duration_s": 8, "resolution": "1080p", "aspect_ratio": "16:9",
                        "motion": "push_in",
                    },
                },
            }
        ]
    }  # fmt: skip
    assert board == StoryboardBody.model_validate(same).storyboard()


def test_a_size_in_pixels_is_the_keyframes() -> None:
    (shot,) = read("prompt,resolution\nA fox,1376x768\n").shots

    assert [part.wish.resolution for part in shot.parts] == ["1376x768", None]


@pytest.mark.parametrize("word", ["none", "None", " NONE "])
def test_none_means_no_clip_and_what_else_is_said_of_clips_does_not_count(word: str) -> None:
    (shot,) = read(f"prompt,clip_provider,duration_s\nA fox,{word},5\n").shots

    assert [part.role for part in shot.parts] == [Role.KEYFRAME]


def test_without_a_number_a_row_has_that_of_its_place() -> None:
    board = read("number,prompt\n,one\n\n20,two\n,,\n,three\n")

    assert [(shot.number, shot.prompt) for shot in board.shots] == [
        (1, "one"), (20, "two"), (3, "three"),
    ]  # fmt: skip


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("chunk", [1, 7, 10_000])
def test_spreadsheets_write_it_in_many_ways(
    delimiter: str, end: str, mark: str, chunk: int
) -> None:
    prompt = f'A fox{delimiter} "red"\nand a hare, said Ünal'
    text = mark + rows_as_csv([{"prompt": prompt, "scene": "snow"}], delimiter, end)

    (shot,) = read(text, chunk=chunk).shots

    assert (shot.prompt, shot.scene) == (prompt, "snow")


@pytest.mark.parametrize("start", "=+-@")
def test_what_would_be_a_formula_elsewhere_is_a_text_here(start: str) -> None:
    prompt = f"{start}HYPERLINK(A1) and a fox"

    assert read(rows_as_csv([{"prompt": prompt}])).shots[0].prompt == prompt


@pytest.mark.parametrize("prompt", ["=HYPERLINK(A1) and a fox", "- a wide shot", "'=1", "'a fox"])
def test_what_was_guarded_against_spreadsheets_comes_back_as_it_was(prompt: str) -> None:
    written = csv_text(["prompt", "clip_provider"], [{"prompt": prompt, "clip_provider": None}])

    assert read(written).shots[0].prompt == prompt


def test_the_head_comes_from_outside_and_its_defaults_hold_where_a_cell_is_empty() -> None:
    head = StoryboardHeadBody.model_validate(
        {"title": "Snow", "budget": "2", "defaults": {"clip": {"provider": "kling"}}}
    )

    board = read("prompt,clip_provider\nA fox,\nA hare,whan\n", head=head)

    assert (board.title, board.budget) == ("Snow", usd("2"))
    assert [shot.parts[1].provider for shot in board.shots] == ["kling", "whan"]


@pytest.mark.parametrize(
    ("text", "line", "column", "told"),
    [
        ("", 1, None, "empty"),
        ("\n \n", 1, None, "empty"),
        ("prompt\n", None, None, "no shots"),
        ("number,scene\n1,a\n", 1, "prompt", "missing"),
        ("prompt,prompt\na,b\n", 1, "prompt", "twice"),
        ("prompt,mood\na,b\n", 1, "mood", "'mood' is not known"),
        ("prompt;mood\na;b\n", 1, "mood", "'mood' is not known"),
        ("prompt\nA fox, red\n", 2, None, "2 cells, the header 1"),
        ("prompt,number\nA fox,one\n", 2, "number", "number must be a whole number"),
        ("prompt,number\nA fox,-1\n", 2, "number", "whole number"),
        ("prompt,number\nA fox,1.5\n", 2, "number", "whole number"),
        ("prompt,duration_s\nA fox,61\n", 2, "duration_s", "must be less than or equal to 60"),
        ("prompt,resolution\nA fox,big\n", 2, "resolution", "written like 720p"),
        ("prompt,aspect_ratio\nA fox,wide\n", 2, "aspect_ratio", "written like 16:9"),
        ("prompt,motion\nA fox,spin\n", 2, "motion", "must be 'push_in'"),
        ("prompt,number\n ,1\n", 2, "prompt", "is required"),
        ("prompt,number\nA,1\nB,1\n", 3, "number", "line 2 already"),
        ("prompt,number\nA,\nB,1\n", 3, "number", "line 2 already"),
        ('prompt,scene\n"A fox\nruns,', 2, None, "never closed"),
        ('prompt,scene\n"A "fox" runs",a\n', 2, None, "write a quote twice"),
        ("prompt\rA fox\r", 1, None, ""),
        ("prompt,scene\nA fox,a\rB,b\r", 2, None, "carriage return"),
        ("prompt,keyframe_provider,clip_provider\nA,none,none\n", 2, "keyframe", "makes nothing"),
    ],
)  # fmt: skip
def test_a_fault_of_a_csv_says_line_and_column(
    text: str, line: int | None, column: str | None, told: str
) -> None:
    found = faults(text)

    assert [(where, what) for where, what, _ in found][:1] == [(line, column)] or "\r" in text[:7]
    assert told in found[0][2]


def test_a_row_is_found_by_the_line_that_it_begins_in() -> None:
    found = faults('prompt,duration_s\n"A fox\nin\nsnow",5\nA hare,x\n')

    assert [(line, column) for line, column, _ in found] == [(5, "duration_s")]


def test_all_faults_are_told_at_once_up_to_a_limit() -> None:
    text = "prompt,duration_s\n" + "A fox,x\n" * 60

    with pytest.raises(BatchRefused) as refused:
        read(text)

    assert [fault.line for fault in refused.value.faults] == list(range(2, 52))
    assert refused.value.more
    assert refused.value.facts["more"] is True
    assert refused.value.detail.startswith("Line 2, duration_s: duration_s must be")


# --- JSON and JSON Lines -----------------------------------------------------------------------


def test_json_lines_may_begin_with_the_head() -> None:
    lines = [
        {"title": "Snow", "strategy": "cheapest", "defaults": {"clip": {}}},
        {"prompt": "A fox"},
        {"number": 9, "prompt": "A hare", "clip": None},
    ]

    board = read("\n".join(json.dumps(line) for line in lines), Kind.JSON_LINES)

    assert (board.title, board.strategy) == ("Snow", Strategy.CHEAPEST)
    assert [(shot.number, len(shot.parts)) for shot in board.shots] == [(1, 2), (9, 1)]


@pytest.mark.parametrize(
    ("text", "line", "column", "told"),
    [
        ('{"prompt": "a"}\n{"prompt": }\n', 2, None, "from character 12 on"),
        ('{"prompt": "a"}\n[]\n', 2, None, "one shot"),
        ('{"prompt": "a", "mood": 1}\n', 1, "mood", "mood is not a known field"),
        ('{"prompt": "a", "clip": {"params": {"duration_s": 0}}}\n', 1, "clip.params.duration_s",
         "greater than or equal to 1"),
        ('{"title": 5}\n{"prompt": "a"}\n', 1, "title", "must be a valid string"),
        ('{"prompt": "a", "prompt": "b"}\n', 1, None, "the same key twice"),
        ('{"prompt": "\\ud800"}\n', 1, None, "half of a surrogate pair"),
        ('{"prompt": ' + "[" * 40 + "]" * 40 + "}\n", 1, None, "nested more than 16"),
        ('{"title": "a"}\n', None, None, "no shots"),
    ],
)  # fmt: skip
def test_a_fault_of_json_lines_says_line_and_field(
    text: str, line: int | None, column: str | None, told: str
) -> None:
    ((where, what, message),) = faults(text, Kind.JSON_LINES)

    assert (where, what) == (line, column)
    assert told in message


@pytest.mark.parametrize(
    ("text", "line", "column", "told"),
    [
        ('{"shots": [\n{"prompt": "a"},,]}', 2, None, "from character 17 on"),
        ('{"shots": []}', None, "shots", "at least 1 item"),
        ('{"shots": [{"prompt": "a"}, {"prompt": "b", "number": 1}]}', None, "shots.1.number",
         "already"),
        ('{"shots": [{"prompt": "a", "clip": {"params": {"fps": 1}}}]}', None,
         "shots.0.clip.params.fps", "must be 24"),
        ("[]", 1, None, "must hold one JSON object"),
        ("", 1, None, "empty"),
    ],
)  # fmt: skip
def test_a_fault_of_a_json_file_says_line_or_field(
    text: str, line: int | None, column: str | None, told: str
) -> None:
    found = faults(text, Kind.JSON)

    assert found[0][:2] == (line, column)
    assert told in found[0][2]


# --- what is no text at all --------------------------------------------------------------------


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"PK\x03\x04" + b"\x14\x00" * 50, "Excel workbook or a ZIP"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        ("prompt\nA fox\n".encode("utf-16"), "UTF-16"),
        (b"<!doctype html><p>", "web page"),
        (b"prompt\nA \x00fox\n", "zero bytes"),
    ],
)
def test_what_is_no_shot_list_is_recognised(kind: Kind, data: bytes, told: str) -> None:
    ((_, _, message),) = faults(data, kind)

    assert told in message


@pytest.mark.parametrize("kind", [Kind.CSV, Kind.JSON_LINES])
def test_what_is_not_utf_8_says_where(kind: Kind) -> None:
    start = b"prompt\n" if kind is Kind.CSV else b'{"prompt": "a"}\n'

    ((line, _, message),) = faults(start + "Füchse\n".encode("latin-1"), kind)

    assert line == 2
    assert "Byte 2 of this line is not UTF-8" in message


def test_a_file_is_not_read_beyond_its_limits() -> None:
    served = 0

    def endless(piece: bytes) -> Iterator[bytes]:
        nonlocal served
        while True:
            served += len(piece)
            yield piece

    for piece, kind in [
        (b"prompt,number\n" * 1000, Kind.CSV), (b"x" * 50_000, Kind.CSV), (b"\n" * 9999, Kind.CSV),
        (b"," * 50_000, Kind.CSV), (b'"a\n' * 9999, Kind.CSV), (b"[" * 50_000, Kind.JSON),
        (b"[" * 50_000, Kind.JSON_LINES), (b'{"prompt": "a"}\n' * 999, Kind.JSON_LINES),
    ]:  # fmt: skip
        served = 0
        with pytest.raises(BatchRefused):
            read_batch(endless(piece), kind=kind)
        assert served <= 10_100_000


def test_a_million_columns_are_refused_in_little_memory() -> None:
    wide = b",".join(b"c%d" % n for n in range(1_000_000))
    files = [wide, b"prompt\n" + wide]
    tracemalloc.start()

    found = [faults(one, chunk=64_000) for one in files]

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    (of_header,), (of_row,) = found
    assert "too many columns" in of_header[2]
    assert "too long" in of_row[2]
    assert peak < 8_000_000


@pytest.mark.parametrize(
    ("kind", "row"), [(Kind.CSV, "A fox\n"), (Kind.JSON_LINES, '{"prompt": "A fox"}\n')]
)
def test_there_are_only_so_many_shots(kind: Kind, row: str) -> None:
    start = "prompt\n" if kind is Kind.CSV else ""

    assert len(read(start + row * 3, kind, limits=Limits(shots=3)).shots) == 3
    ((line, _, message),) = faults(start + row * 4, kind, limits=Limits(shots=3))
    assert line == (5 if kind is Kind.CSV else 4)
    assert "At most 3 shots" in message


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("shots.csv", Kind.CSV), ("Shots.CSV", Kind.CSV), ("a.b.jsonl", Kind.JSON_LINES),
        ("a.json", Kind.JSON), ("a.xlsx", None), ("csv", None), ("", None),
    ],
)  # fmt: skip
def test_a_files_name_tells_its_kind(name: str, kind: Kind | None) -> None:
    assert kind_of(name) is kind


# --- whatever comes ----------------------------------------------------------------------------

CELLS = some.text(some.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
PIECES = some.sampled_from(
    [b"prompt", b"number", b",", b";", b"\t", b"\n", b"\r", b'"', b"'", b"{", b"}", b"[", b"]",
     b":", b'"prompt"', b'"clip"', b'{"prompt":"a"}', b"null", b"1", b"\\ud800", b"\xff",
     b"\xef\xbb\xbf", b"=", b" ", "ü".encode(), b"none", b"clip_provider",
     b"1e999999999", b'"shots"', b"\x00"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    data=some.one_of(some.binary(max_size=200), some.lists(PIECES, max_size=40).map(b"".join)),
    start=some.sampled_from([b"", b"prompt\n", b"number,prompt\n", b'{"shots": [']),
    kind=some.sampled_from(Kind),
    chunk=some.integers(1, 50),
)
def test_whatever_the_bytes_are_it_is_a_storyboard_or_a_refusal_with_sentences(
    data: bytes, start: bytes, kind: Kind, chunk: int
) -> None:
    faults: tuple[Fault, ...] = ()
    shots: tuple[Shot, ...] = ()
    try:
        shots = read(start + data, kind, chunk=chunk).shots
    except BatchRefused as refused:
        faults = refused.faults
        json.dumps(refused.facts, ensure_ascii=False).encode()

    assert bool(shots) != bool(faults)
    assert all(fault.message.endswith(".") for fault in faults)


SHOTS = some.fixed_dictionaries(
    {"prompt": CELLS.filter(lambda text: bool(text.strip()))},
    optional={
        "negative_prompt": some.sampled_from(["rain", "blur, noise"]),
        "scene": some.sampled_from(["snow", "quay; night", '"x"']),
        "keyframe_provider": some.sampled_from(["auto", "dalle"]),
        "clip_provider": some.sampled_from(["auto", "none", "whan"]),
        "clip_prompt": some.sampled_from(["It runs", "=1+1"]),
        "duration_s": some.integers(1, 60).map(str),
        "resolution": some.sampled_from(["720p", "4k", "1024x1024"]),
        "aspect_ratio": some.sampled_from(["16:9", "1:1"]),
        "motion": some.sampled_from(["push_in", "pan_left"]),
    },
)


def as_json(row: dict[str, str]) -> dict[str, Any]:
    """The JSON that a person would write for a row."""
    clip = row.get("clip_provider") != "none"
    size = row.get("resolution")
    ratio = {"aspect_ratio": row["aspect_ratio"]} if "aspect_ratio" in row else {}
    of_keyframe = {"resolution": size} if size and "x" in size else {}
    of_clip = {"resolution": size} if size and "x" not in size else {}
    seconds = {"duration_s": int(row["duration_s"])} if "duration_s" in row else {}
    motion = {"motion": row["motion"]} if "motion" in row else {}
    return {
        **{name: row[name] for name in ("prompt", "negative_prompt", "scene") if name in row},
        "keyframe": {
            "provider": row.get("keyframe_provider", "auto"), "params": {**of_keyframe, **ratio},
        },
        "clip": {
            "provider": row.get("clip_provider", "auto"),
            **({"prompt": row["clip_prompt"]} if "clip_prompt" in row else {}),
            "params": {**of_clip, **ratio, **seconds, **motion},
        } if clip else None,
    }  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    rows=some.lists(SHOTS, min_size=1, max_size=4),
    delimiter=some.sampled_from([",", ";", "\t"]),
    end=some.sampled_from(["\n", "\r\n"]),
    chunk=some.integers(1, 300),
)
def test_a_csv_and_the_same_json_and_json_lines_are_the_same_storyboard(
    rows: list[dict[str, str]], delimiter: str, end: str, chunk: int
) -> None:
    shots = [as_json(row) for row in rows]

    of_csv = read(rows_as_csv(rows, delimiter, end), chunk=chunk)

    assert of_csv == read(json.dumps({"shots": shots}), Kind.JSON, chunk=chunk)
    lines = "\n".join(json.dumps(shot, ensure_ascii=False) for shot in shots)
    assert of_csv == read(lines, Kind.JSON_LINES, chunk=chunk)
