"""Files that nobody should have put: each is set aside with a reason, and none stops another.

They come in one shuffled heap, each told of twice, with good files among them.
"""

import gzip
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable

import pytest

from tests.functions.support import Deployment
from tests.functions.uploads import accept, put, reason
from tests.functions.vendors import clip, picture

HEADER = b"number,prompt,keyframe_provider,clip_provider,duration_s\n"
SHOT = b'{"prompt": "a lamp", "keyframe": {"provider": "dalle"}}'
GOOD = {
    "good/shots.csv": b"prompt,keyframe_provider,clip_provider\na lamp,dalle,none\n",
    "good/shots.jsonl": SHOT + b"\n",
    "good/still.png": picture(640, 360),
}


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_text(text: bytes) -> bytes:
    """A sound little PNG with a packed note of this length in it."""
    whole = picture(64, 64)
    return whole[:33] + chunk(b"zTXt", b"note\0\0" + zlib.compress(text)) + whole[33:]


def png_of(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG that claims this size, whatever it holds."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as bundle:
        bundle.writestr("xl/workbook.xml", "<workbook/>")
    return made.getvalue()


def jpeg() -> bytes:
    from PIL import Image

    made = io.BytesIO()
    Image.effect_noise((320, 180), 80).convert("RGB").save(made, "JPEG")
    return made.getvalue()


# name: (the bytes, words of the reason, the line it names or None)
POISON: dict[str, tuple[Callable[[], bytes], str, int | None]] = {
    "latin-1.csv": (lambda: HEADER + "1,Küste,,,\n".encode("latin-1"), "is not UTF-8", 2),
    "utf-16.csv": (lambda: "prompt\na lamp\n".encode("utf-16"), "UTF-16", 1),
    "empty.csv": (lambda: b"", "The file is empty", None),
    "blank.csv": (lambda: b"\n\n  \n", "The file is empty", 1),
    "header-only.csv": (lambda: HEADER, "has no shots", None),
    "duplicate-numbers.csv": (lambda: HEADER + b"1,a,,,\n2,b,,,\n1,c,,,\n", "in line 2 already", 4),
    "formula-number.csv": (lambda: HEADER + b"=1+1,a lamp,,,\n", "whole number", 2),
    "formula-length.csv": (lambda: HEADER + b"1,a lamp,,,=SUM(A1:A9)\n", "whole number", 2),
    "formula-provider.csv": (
        lambda: HEADER + b'1,a lamp,dalle,"=HYPERLINK(""http://x"")",5\n',
        "Shot 1, clip.provider", None,
    ),
    "a-million-columns.csv": (lambda: b"a," * 1_000_000 + b"\n", "too many columns", 1),
    "no-prompt.csv": (lambda: b"number,scene\n1,harbour\n", "prompt is missing", 1),
    "unknown-column.csv": (lambda: b"prompt,camera\na lamp,arri\n", "'camera' is not known", 1),
    "too-many-cells.csv": (lambda: b"prompt\na lamp, lit\n", "has 2 cells", 2),
    "open-quote.csv": (lambda: HEADER + b'1,"a lamp,,,\n', "never closed", 2),
    "workbook.csv": (archive, "Excel workbook or a ZIP", 1),
    "packed.jsonl": (lambda: gzip.compress(SHOT), "compressed", 1),
    "page.json": (lambda: b"<!doctype html><h1>403</h1>", "web page", 1),
    "zeros.csv": (lambda: b"prompt\n\x00\x00\n", "zero bytes", None),
    "one-endless-line.jsonl": (lambda: b'{"prompt": "' + b"x" * 500_000, "too long", 1),
    "too-many-shots.csv": (lambda: b"prompt\n" + b"a lamp\n" * 1001, "At most 1000 shots", 1002),
    "torn.json": (lambda: b'{"shots": [\n{"prompt": "a lamp"', "cannot be read as JSON", 2),
    "twice.json": (lambda: b'{"title": "a", "title": "b", "shots": []}', "cannot be read", 1),
    "deep.json": (lambda: b"[" * 1_000_000, "cannot be read as JSON", 1),
    "nan.jsonl": (lambda: b'{"prompt": "a", "number": NaN}\n', "cannot be read as JSON", 1),
    "a-list.json": (lambda: b"[1, 2]", "one JSON object", 1),
    "a-document.csv": (lambda: b"%PDF-1.7\n", "a PDF", 1),
    "huge.csv": (lambda: b"prompt\n" + b"x" * 10_000_000, "A batch file may have 10 MB", None),
    "page.png": (lambda: b"<!doctype html><h1>403</h1>", "a web page", None),
    "truncated.jpg": (lambda: jpeg()[:-600], "cut short", None),
    "bomb.png": (
        lambda: png_of(30_000, 30_000, zlib.compress(b"\0" * 1_000_000)), "33 megapixels", None),
    "inflating.png": (lambda: with_text(b"\0" * 80_000_000), "damaged", None),
    "archive.webp": (archive, "an archive", None),
    "drawing.webp": (lambda: b"<svg xmlns='x'><script/></svg>", "an SVG", None),
    "moving.png": (lambda: b"GIF89a" + b"\0" * 40, "a GIF", None),
    "a-clip.png": (lambda: clip(seconds=1), "is a clip", None),
    "empty.jpg": (lambda: b"", "The file is empty", None),
    "a-dot.png": (lambda: picture(1, 1), "smaller than 16 pixels", None),
    "a-line.png": (lambda: png_of(40_000, 20), "longer than 32768 pixels", None),
    "huge.png": (lambda: b"\x89PNG" + b"\0" * 25_000_000, "An image may have 25 MB", None),
    "program.exe": (lambda: b"MZ", "names end in one of", None),
    "no-extension": (lambda: SHOT, "names end in one of", None),
}  # fmt: skip


@pytest.fixture
def keyed(studio: Deployment) -> Deployment:
    studio.give_key("dalle")
    return studio


def test_every_poison_file_is_rejected_with_its_reason_and_stops_no_other(
    keyed: Deployment, figure: Callable[[str], None]
) -> None:
    assert len(POISON) >= 30
    files = {name: make() for name, (make, _, _) in POISON.items()} | GOOD
    heap = [put(keyed, name, data) for name, data in files.items()] * 2
    random.Random(7).shuffle(heap)

    said = {file.key.removeprefix("uploads/"): accept(keyed, file) for file in heap}

    for name in GOOD:
        assert said[name][0]["state"] == "started", name
    for name, (_, words, line) in POISON.items():
        assert said[name][0]["state"] == "rejected", name
        why = reason(keyed, name)
        assert words in why["message"], (name, why)
        assert why["what_to_do"].endswith("."), name
        if line is not None:
            assert why["errors"][0]["line"] == line, (name, why)
        figure(f"{name:24} {json.dumps(why['message'])[1:90]}")
    figure(f"{len(POISON)} poison files rejected, {len(GOOD)} good ones among them started")
    assert len(keyed.executions()) == 1
