"""Storyboards out of files: JSON, JSON Lines and CSV, read as a stream and never trusted.

Whatever the bytes are, there are two ends: a storyboard, or `BatchRefused` with what is wrong, by
line and column, in sentences for the person who made the file. All faults are collected, up to a
limit. Memory is bounded by the limits, never by the file.

JSON        one object, as the API takes it.
JSON Lines  a shot a line; the first line may be the head (title, project, strategy, budget,
            defaults …), which is what has no `prompt` and names a field of the head.
CSV         a header, then a shot a row. The delimiter is the one of comma, semicolon and tab with
            which every name in the header is known. Cells may be quoted and hold line breaks.

In a CSV an empty cell says nothing, and so the head's defaults hold. An empty `clip_provider` is
"auto"; "none" means no clip, and then the other cells about clips do not count. A `resolution`
such as "720p" is the clip's, one such as "1024x1024" the keyframe's; an `aspect_ratio` is for both.
A cell that begins with = + - or @ is a text like any other: it is never evaluated here. Who writes
a CSV out puts an apostrophe before it, so that nobody's spreadsheet evaluates it there, and that
apostrophe is taken off here.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Any, Final, Self, TypeAlias

from pydantic import ValidationError

from filmgate.adapters.strict_json import UnreadableJson, loads
from filmgate.domain.errors import CallerError, ValidationFailed
from filmgate.domain.storyboard import Shot, Storyboard
from filmgate.schemas import (
    LARGEST_STORYBOARD,
    DefaultsBody,
    ShotBody,
    StoryboardBody,
    StoryboardHeadBody,
    faults_of,
)
from filmgate.spreadsheet import unguarded

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "number": ("number",),
    "prompt": ("prompt",),
    "negative_prompt": ("negative_prompt",),
    "scene": ("scene",),
    "keyframe_provider": ("keyframe.provider",),
    "clip_provider": ("clip.provider",),
    "clip_prompt": ("clip.prompt",),
    "duration_s": ("clip.params.duration_s",),
    "resolution": ("clip.params.resolution", "keyframe.params.resolution"),
    "aspect_ratio": ("clip.params.aspect_ratio", "keyframe.params.aspect_ratio"),
    "motion": ("clip.params.motion",),
}
"""Every column of a CSV, and the fields of a shot that it fills."""

NO_PART: Final = "none"
DELIMITERS: Final = (",", ";", "\t")
JSON_DEPTH: Final = 16
NAME_SHOWN: Final = 40
MOST_COLUMNS: Final = 100
LONGEST_MARK: Final = 8
_NAMES: Final = {field: column for column, fields in COLUMNS.items() for field in fields}
_KNOWN: Final = ", ".join(COLUMNS)
_OF_THE_SHOT: Final = ("number", "prompt", "negative_prompt", "scene")
_TOO_LONG: Final = "is too long to be read; perhaps a double quote is never closed."
_PLAIN: Final = (
    ("input should be a valid integer", "must be a whole number, such as 5"),
    ("input should be", "must be"),
    ("value should have", "must have"),
    ("string should have", "must have"),
)
_WHOLE: Final = ("number", "duration_s")
_WHOLE_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_PIXELS: Final = re.compile(r"[0-9]+x[0-9]+")
_BOM: Final = b"\xef\xbb\xbf"
_FOREIGN: Final[tuple[tuple[bytes, str], ...]] = (
    (b"PK", "This is an Excel workbook or a ZIP archive. Save the sheet as CSV UTF-8."),
    (b"\xd0\xcf\x11\xe0", "This is an old Excel workbook. Save the sheet as CSV UTF-8."),
    (b"\x1f\x8b", "This is a compressed file. Unpack it first."),
    (b"%PDF", "This is a PDF. Save the shot list as CSV UTF-8."),
    (b"\x89PNG", "This is a picture, not a shot list."),
    (b"\xff\xd8\xff", "This is a picture, not a shot list."),
    (b"GIF8", "This is a picture, not a shot list."),
    (b"\xff\xfe", "This is UTF-16 text. Save the file as UTF-8."),
    (b"\xfe\xff", "This is UTF-16 text. Save the file as UTF-8."),
)

Json: TypeAlias = dict[str, Any]


class Kind(StrEnum):
    JSON = "json"
    JSON_LINES = "jsonl"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a file is read at most. A record is a line, or a CSV row with its line breaks."""

    size_bytes: int = 10_000_000
    shots: int = LARGEST_STORYBOARD
    record_bytes: int = 400_000
    json_bytes: int = 2_000_000
    faults: int = 50


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where: `line` counts from 1, `column` is a column's or a field's name."""

    message: str
    line: int | None = None
    column: str | None = None


class BatchRefused(CallerError):
    """The file is no storyboard; `faults` says why, and `more` that there were others."""

    code, status, title = "validation-failed", 422, "The file is not a usable storyboard"

    def __init__(self, faults: Iterable[Fault], *, more: bool = False) -> None:
        self.faults = tuple(faults)
        self.more = more
        told = [{"line": f.line, "column": f.column, "message": f.message} for f in self.faults]
        super().__init__(_told(self.faults, more), errors=told, more=more)


class _Stop(Exception):
    """Nothing behind this fault can be read sensibly."""

    def __init__(self, message: str, *, line: int | None = None, column: str | None = None) -> None:
        super().__init__(message)
        self.fault = Fault(message, line, column)


class _TooLong(_Stop):
    """A record that has no end in sight."""


class _Enough(Exception):
    """As many faults were found as are told."""


class _Faults:
    """The faults so far, up to a limit."""

    def __init__(self, most: int) -> None:
        self.found: list[Fault] = []
        self.more = False
        self._most = most

    def keep(self, fault: Fault) -> None:
        if len(self.found) < self._most:
            self.found.append(fault)
        else:
            self.more = True

    def add(self, fault: Fault) -> None:
        """Keep a fault and go on; raises _Enough when there is no room for it."""
        self.keep(fault)
        if self.more:
            raise _Enough


@dataclass(frozen=True, slots=True)
class _Row:
    """One shot as the file has it: `line` is where it begins, `names` turns fields into columns."""

    line: int
    shot: Json
    names: Mapping[str, str]


def kind_of(filename: str) -> Kind | None:
    """What a file's name says it is; None when it is nothing that can be read here."""
    _, dot, extension = filename.rpartition(".")
    known = {kind.value: kind for kind in Kind}
    return known.get(extension.lower()) if dot else None


def read_batch(
    chunks: Iterable[bytes],
    *,
    kind: Kind,
    head: StoryboardHeadBody | None = None,
    limits: Limits | None = None,
) -> Storyboard:
    """The storyboard in a stream of bytes; raises BatchRefused, and nothing else of its own.

    `head` says what JSON Lines and CSV do not say themselves; a CSV has no head at all.
    """
    bounds = limits or Limits()
    faults = _Faults(bounds.faults)
    storyboard: Storyboard | None = None
    try:
        stream = _text_only(chunks, bounds.size_bytes)
        if kind is Kind.JSON:
            storyboard = _whole(stream, bounds, faults)
        else:
            lines = _Lines(stream, bounds.record_bytes)
            given = head or StoryboardHeadBody()
            read = _read_csv if kind is Kind.CSV else _read_json_lines
            storyboard = read(lines, given, _Shots(bounds.shots, faults))
    except _Stop as stop:
        faults.keep(stop.fault)
    except _Enough:
        pass
    if storyboard is None or faults.found:
        raise BatchRefused(faults.found, more=faults.more)
    return storyboard


# --- bytes and lines ---------------------------------------------------------------------------


def _text_only(chunks: Iterable[bytes], size_bytes: int) -> Iterator[bytes]:
    """The chunks without a byte order mark; refuses what is too long, or no text at a glance."""
    several = iter(chunks)
    start = b""
    for chunk in several:
        start += chunk
        if len(start) >= LONGEST_MARK:
            break
    for signature, told in _FOREIGN:
        if start.startswith(signature):
            raise _Stop(told, line=1)
    start = start.removeprefix(_BOM)
    if start.lstrip()[:1] == b"<":
        raise _Stop("This is a web page or XML, not a shot list.", line=1)
    total = 0
    for chunk in chain([start], several):
        total += len(chunk)
        if total > size_bytes:
            raise _Stop(f"The file is too large: at most {size_bytes} bytes are taken.")
        if b"\x00" in chunk:
            raise _Stop("This is not a text file: it holds zero bytes.")
        yield chunk


class _Lines:
    """The lines of a stream as text, with their line ends. `begins` is where a record began."""

    def __init__(self, stream: Iterable[bytes], record_bytes: int) -> None:
        self.begins = 1
        self.number = 0
        self._lines = _split(stream, record_bytes)
        self._record_bytes = record_bytes
        self._used = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        self._used += len(line)
        if self._used > self._record_bytes:
            raise _TooLong(f"This shot {_TOO_LONG}", line=self.begins)
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _Stop(
                f"Byte {error.start + 1} of this line is not UTF-8. Save the file as UTF-8.",
                line=self.number,
            ) from None

    def begin(self) -> None:
        """The next line begins a record."""
        self.begins = self.number + 1
        self._used = 0


def _split(stream: Iterable[bytes], record_bytes: int) -> Iterator[bytes]:
    rest = bytearray()
    for chunk in stream:
        if b"\n" not in chunk:
            rest += chunk
        else:
            *lines, last = (bytes(rest) + chunk).split(b"\n")
            yield from (line + b"\n" for line in lines)
            rest = bytearray(last)
        if len(rest) > record_bytes:
            yield bytes(rest)  # far too long, and said so where the line's number is known
            return
    if rest:
        yield bytes(rest)


# --- shots -------------------------------------------------------------------------------------


class _Shots:
    """The shots so far, each checked as the API would check it."""

    def __init__(self, most: int, faults: _Faults) -> None:
        self.faults = faults
        self._most = most
        self._shots: list[Shot] = []
        self._lines: dict[int, int] = {}
        self._rows = 0

    def add(self, row: _Row, defaults: DefaultsBody) -> None:
        self._rows += 1
        if self._rows > self._most:
            raise _Stop(
                f"At most {self._most} shots are taken; here begins one more.", line=row.line
            )
        try:
            shot = ShotBody.model_validate(row.shot).shot(defaults, self._rows)
        except ValidationError as refused:
            self._refuse(row, faults_of(list(refused.errors(include_url=False))))
            return
        except ValidationFailed as refused:
            self._refuse(row, refused.faults)
            return
        first = self._lines.setdefault(shot.number, row.line)
        if first != row.line:
            told = f"The number {shot.number} is that of the shot in line {first} already."
            self.faults.add(Fault(told, row.line, "number"))
        self._shots.append(shot)

    def under(self, head: StoryboardHeadBody) -> Storyboard:
        if not self._rows and not self.faults.found:
            raise _Stop("The file has no shots.")
        return head.headed(self._shots)

    def _refuse(self, row: _Row, faults: Iterable[tuple[str, str]]) -> None:
        for pointer, message in faults:
            field = _dotted(pointer)
            column = row.names.get(field, field)
            self.faults.add(Fault(_sentence_of(column, message), row.line, column or None))


def _dotted(pointer: str) -> str:
    """Write the pointer /clip/params/motion as clip.params.motion, and not more than is shown."""
    return _shown(pointer.removeprefix("/").replace("/", "."))


def _sentence_of(column: str, message: str) -> str:
    plain = message
    if message.startswith("must match"):
        example = "16:9" if column.endswith("aspect_ratio") else "720p, 1080p, 4k or 1024x1024"
        plain = f"must be written like {example}"
    for theirs, ours in _PLAIN:
        plain = plain.replace(theirs, ours)
    return f"{column or 'The shot'} {plain}." if plain.startswith(("must", "is ")) else f"{plain}."


def _shown(name: str) -> str:
    """A name out of the file, short and without what a terminal would act upon."""
    clean = "".join(sign if sign.isprintable() else "?" for sign in name[: NAME_SHOWN + 1])
    return clean if len(clean) <= NAME_SHOWN else f"{clean[:NAME_SHOWN]}…"


# --- JSON --------------------------------------------------------------------------------------


def _whole(stream: Iterable[bytes], limits: Limits, faults: _Faults) -> Storyboard | None:
    data = bytearray()
    for chunk in stream:
        data += chunk
        if len(data) > limits.json_bytes:
            raise _Stop(
                f"A JSON file may have {limits.json_bytes} bytes; write one shot a line (.jsonl)."
            )
    if not data.strip():
        raise _Stop("The file is empty.", line=1)
    value = _json(bytes(data), 1)
    if not isinstance(value, dict):
        raise _Stop("The file must hold one JSON object, with the shots in its list shots.", line=1)
    shots = value.get("shots")
    if isinstance(shots, list) and len(shots) > limits.shots:
        told = f"There are {len(shots)} shots; at most {limits.shots} are taken."
        raise _Stop(told, column="shots")
    try:
        return StoryboardBody.model_validate(value).storyboard()
    except ValidationError as refused:
        found: Iterable[tuple[str, str]] = faults_of(list(refused.errors(include_url=False)))
    except ValidationFailed as refused:
        found = refused.faults
    for pointer, message in found:
        field = _dotted(pointer)
        faults.add(Fault(_sentence_of(field, message), column=field or None))
    return None


def _read_json_lines(lines: _Lines, head: StoryboardHeadBody, shots: _Shots) -> Storyboard:
    own = head
    for text in lines:
        line = lines.number
        lines.begin()
        if not text.strip():
            continue
        try:
            value = _json(text.encode(), line)
        except _Stop as stop:
            shots.faults.add(stop.fault)
            continue
        if not isinstance(value, dict):
            shots.faults.add(Fault("A line must hold one shot, as a JSON object.", line))
        elif line == 1 and _is_head(value):
            own = _own_head(value, head, shots.faults)
        else:
            shots.add(_Row(line, value, {}), own.defaults)
    return shots.under(own)


def _is_head(value: Json) -> bool:
    return "prompt" not in value and not value.keys().isdisjoint(StoryboardHeadBody.model_fields)


def _own_head(value: Json, given: StoryboardHeadBody, faults: _Faults) -> StoryboardHeadBody:
    try:
        said = StoryboardHeadBody.model_validate(value)
    except ValidationError as refused:
        for pointer, message in faults_of(list(refused.errors(include_url=False))):
            field = _dotted(pointer)
            faults.add(Fault(_sentence_of(field, message), 1, field))
        return given
    return given.model_copy(update={name: getattr(said, name) for name in said.model_fields_set})


def _json(data: bytes, first_line: int) -> Any:
    try:
        return loads(data, max_depth=JSON_DEPTH)
    except UnreadableJson as error:
        line = first_line + (error.line or 1) - 1
        where = "" if error.column is None else f" from character {error.column} on"
        told = f"This cannot be read as JSON{where}: it is {error.reason}."
        raise _Stop(told, line=line) from None


# --- CSV ---------------------------------------------------------------------------------------


def _read_csv(lines: _Lines, head: StoryboardHeadBody, shots: _Shots) -> Storyboard:
    columns, delimiter = _header(lines, shots.faults)
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.begin()
        try:
            cells = next(rows)
        except StopIteration:
            return shots.under(head)
        except csv.Error as error:
            raise _Stop(_csv_fault(str(error)), line=lines.begins) from None
        while cells and not cells[-1].strip():
            cells.pop()
        if len(cells) > len(columns):
            told = (
                f"This row has {len(cells)} cells, the header {len(columns)}. "
                f"A text that holds the delimiter must stand in double quotes."
            )
            shots.faults.add(Fault(told, lines.begins))
        elif cells:
            said = dict(zip(columns, cells, strict=False))
            shots.add(_Row(lines.begins, _shot(said), _NAMES), head.defaults)


def _header(lines: _Lines, faults: _Faults) -> tuple[list[str], str]:
    """The names of the columns and the delimiter. Raises _Stop for a header that cannot be used."""
    try:
        text = next((line for line in lines if line.strip()), None)
    except _TooLong:
        raise _too_many_columns(lines.number) from None
    if text is None:
        raise _Stop("The file is empty.", line=1)
    if max(map(text.count, DELIMITERS)) > MOST_COLUMNS:
        raise _too_many_columns(lines.number)
    found = {delimiter: _names(text, delimiter) for delimiter in DELIMITERS}
    delimiter = max(found, key=lambda one: len(COLUMNS.keys() & set(found[one])))
    names = found[delimiter]
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        for name in unknown:
            told = f"The column {_shown(name)!r} is not known; known are {_KNOWN}."
            faults.add(Fault(told, lines.number, _shown(name)))
        raise _Enough
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise _Stop(f"The column {twice} is there twice.", line=lines.number, column=twice)
    if "prompt" not in names:
        raise _Stop("The column prompt is missing.", line=lines.number, column="prompt")
    return names, delimiter


def _too_many_columns(line: int) -> _Stop:
    return _Stop(f"The header has too many columns; known are {_KNOWN}.", line=line)


def _names(text: str, delimiter: str) -> list[str]:
    try:
        cells = next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        cells = [text]
    names = [cell.strip().lower() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return names


def _shot(said: Mapping[str, str]) -> Json:
    """A row as the JSON of a shot: only what the row says."""
    said = {name: unguarded(text) for name, text in said.items()}
    cells: dict[str, Any] = {name: text.strip() for name, text in said.items() if text.strip()}
    if "prompt" in cells:
        cells["prompt"] = said["prompt"]
    for name in _WHOLE:
        if _WHOLE_NUMBER.fullmatch(cells.get(name, "")):
            cells[name] = int(cells[name])
    keyframe = _none_or(cells.pop("keyframe_provider", None))
    clip = _none_or(cells.pop("clip_provider", None))
    shot: Json = {name: cells[name] for name in _OF_THE_SHOT if name in cells}
    _put(clip, {"prompt": cells.get("clip_prompt")})
    _put_params(clip, {name: cells.get(name) for name in ("duration_s", "motion")})
    size = {"resolution": cells.get("resolution")}
    of_keyframe = keyframe is not None and _PIXELS.fullmatch(cells.get("resolution", ""))
    _put_params(keyframe if of_keyframe else clip, size)
    for part in (keyframe, clip):
        _put_params(part, {"aspect_ratio": cells.get("aspect_ratio")})
    return shot | ({"keyframe": keyframe} if keyframe != {} else {}) | {"clip": clip}


def _none_or(provider: str | None) -> Json | None:
    """A part of a row, so far with its provider alone; None when it is not wanted."""
    if provider is None:
        return {}
    return None if provider.lower() == NO_PART else {"provider": provider}


def _put(part: Json | None, fields: Mapping[str, Any]) -> None:
    if part is not None:
        part.update({name: value for name, value in fields.items() if value is not None})


def _put_params(part: Json | None, params: Mapping[str, Any]) -> None:
    if part is not None and any(value is not None for value in params.values()):
        _put(part.setdefault("params", {}), params)


def _csv_fault(message: str) -> str:
    """What Python's reader of CSV means, for people."""
    if "unexpected end" in message:
        return "A double quote is opened in this row and never closed."
    if "limit" in message:
        return f"A cell {_TOO_LONG}"
    if "new-line" in message:
        return "A line ends with a carriage return alone. Save the file with usual line ends."
    return "Text stands behind a closing quote. Within a quoted cell, write a quote twice."


def _told(faults: Sequence[Fault], more: bool) -> str:
    first = faults[0]
    where = ", ".join(
        part for part in (f"line {first.line}" if first.line else "", first.column or "") if part
    )
    others = f" There is more: see errors{', which is cut' if more else ''}."
    start = f"{where[:1].upper()}{where[1:]}: " if where else ""
    return f"{start}{first.message}{others if len(faults) > 1 or more else ''}"
