"""What a file really is, and that nothing but a picture or a clip gets through."""

from __future__ import annotations

import contextlib
import hashlib
import io
import random
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from filmgate_media.errors import UnusableMedia
from filmgate_media.inspect import Inspection, inspect, inspect_bytes
from tests.unit.media.files import (
    CLIP_SIZE,
    FAST,
    FRAGMENTED,
    LIVE,
    animation,
    box,
    clip,
    cut,
    patched,
    picture,
    png_of,
    still,
    webp_of,
    without_box,
)

HTML = b"\n<!DOCTYPE html><html><body>502 Bad Gateway</body></html>"
SVG = b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'
PLAYLIST = b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
CONCAT = b"ffconcat version 1.0\nfile '/etc/passwd'\n"
MP4_MAGIC = box(b"ftyp", b"isom\0\0\2\0isommp42")
NOISE = random.Random(7).randbytes(5000)


def zip_archive() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a.png", still())
    return data.getvalue()


def tar_archive() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.png"))
    return data.getvalue()


def zeroed(data: bytes, share: float, count: int) -> bytes:
    at = int(len(data) * share)
    return data[:at] + bytes(count) + data[at + count :]


def with_last_pictures_zeroed(data: bytes) -> bytes:
    """An MP4 with its index first, whose pictures are zeros from the middle on."""
    start = data.index(b"mdat")
    keep = (start + len(data)) // 2
    return data[:keep] + bytes(len(data) - keep)


def jpeg_with_scans(count: int) -> bytes:
    data = still("JPEG")
    return data[:-2] + b"\xff\xda\0\x08\1\1\0\0\x3f\0" * count + data[-2:]


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "empty"),
    "one byte": (lambda: b"\x89", "unknown type"),
    "random bytes": (lambda: b"\1\2\3" + NOISE, "unknown type"),
    "zeros": (lambda: bytes(5000), "unknown type"),
    "web page": (lambda: HTML, "a web page"),
    "web page with a byte order mark": (lambda: b"\xef\xbb\xbf" + HTML, "a web page"),
    "json answer": (lambda: b'{"error": {"code": 500}}', "a JSON answer"),
    "xml answer": (lambda: b"<?xml version='1.0'?><Error><Code>AccessDenied</Code>", "an XML"),
    "svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG"),
    "svg with a prologue": (lambda: SVG, "an SVG"),
    "gif": (lambda: animation("GIF"), "a GIF"),
    "bmp": (lambda: still("BMP"), "a BMP"),
    "tiff": (lambda: still("TIFF"), "a TIFF"),
    "avif": (lambda: still("AVIF"), "an AVIF"),
    "jpeg 2000": (lambda: still("JPEG2000"), "a JPEG 2000"),
    "pdf": (lambda: still("PDF"), "a PDF"),
    "postscript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n", "a PostScript"),
    "zip": (zip_archive, "an archive"),
    "tar": (tar_archive, "an archive"),
    "gzip": (lambda: b"\x1f\x8b\x08" + NOISE, "an archive"),
    "program": (lambda: b"\x7fELF" + NOISE, "a program"),
    "hls playlist": (lambda: PLAYLIST, "a playlist"),
    "concat script": (lambda: CONCAT, "a playlist"),
    "concat script without its header": (lambda: b"file '/etc/passwd'\n", "a playlist"),
    "dash manifest": (lambda: b"<?xml version='1.0'?>\n<MPD></MPD>", "a playlist"),
    "playlist behind an mp4 header": (lambda: MP4_MAGIC + PLAYLIST, "cut short"),
    "concat behind an mp4 header": (lambda: MP4_MAGIC + CONCAT, "cut short"),
    "playlist as the pictures of an mp4": (lambda: MP4_MAGIC + box(b"mdat", PLAYLIST), "moov"),
    "playlist behind a webm header": (lambda: cut(clip("webm", "libvpx"), 0.02) + PLAYLIST, ""),
    "avi": (lambda: clip("avi", "libx264"), "an AVI"),
    "transport stream": (lambda: clip("mpegts", "libx264"), "transport stream"),
    "flash video": (lambda: clip("flv", "libx264"), "a Flash video"),
    "quicktime": (lambda: clip("mov", "libx264"), "QuickTime"),
    "matroska": (lambda: clip("matroska", "libx264"), "Matroska"),
    "ogg": (lambda: clip("ogg", None, sound="libopus"), "an Ogg"),
    "png of magic and noise": (lambda: b"\x89PNG\r\n\x1a\n" + NOISE, "no header"),
    "jpeg of magic and noise": (lambda: b"\xff\xd8\xff\xe0" + NOISE, "damaged"),
    "jpeg of magic only": (lambda: b"\xff\xd8\xff", "damaged"),
    "webp of magic and noise": (lambda: b"RIFF\x40\0\0\0WEBP" + NOISE, "no picture"),
    "webp of magic only": (lambda: b"RIFF\x40\0\0\0WEBP", "cut short"),
    "mp4 of magic and noise": (lambda: MP4_MAGIC + NOISE, ""),
    "mp4 of magic only": (lambda: MP4_MAGIC, "moov"),
    "webm of magic and noise": (lambda: b"\x1aE\xdf\xa3" + NOISE, ""),
    "webm of magic only": (lambda: b"\x1aE\xdf\xa3", "cut short"),
    "png bomb": (lambda: png_of(60_000, 60_000), "33 megapixels"),
    "png bomb below Pillow's limit": (lambda: png_of(7680, 4321), "33 megapixels"),
    "png of no width": (lambda: png_of(0, 100), "smaller than 16"),
    "png of 15 pixels": (lambda: still(image=Image.new("RGB", (15, 100))), "smaller than 16"),
    "png as long as a street": (lambda: png_of(200_000, 16), "longer than"),
    "png of a few pixels of many": (lambda: png_of(4000, 4000), "damaged"),
    "png without an end": (lambda: still()[:-12], "cut short"),
    "png with a flipped bit": (lambda: patched(still(), b"IDAT", 9, b"\xff\0\xff"), "damaged"),
    "png cut in its header": (lambda: still()[:20], "cut short"),
    "png cut in half": (lambda: cut(still(), 0.5), "cut short"),
    "jpeg bomb": (lambda: patched(still("JPEG"), b"\xff\xc0", 3, b"\xff\xff\xff\xff"), "33 mega"),
    "jpeg of thousands of scans": (lambda: jpeg_with_scans(2000), "scans"),
    "jpeg cut in half": (lambda: cut(still("JPEG", quality=95), 0.5), "damaged"),
    "jpeg cut at its end": (lambda: cut(still("JPEG", quality=95), 0.97), "damaged"),
    "webp bomb": (lambda: webp_of(16_000_000, 16_000_000), "33 megapixels"),
    "webp without a picture": (lambda: webp_of(100, 100), "damaged"),
    "webp cut in half": (lambda: cut(still("WEBP"), 0.5), "cut short"),
    "webp with a spoilt middle": (lambda: zeroed(still("WEBP"), 0.1, 200), ""),
    "animated png": (lambda: animation("PNG"), "animated"),
    "animated webp": (lambda: animation("WEBP"), "animated"),
    "still over 25 MB": (lambda: still() + bytes(25_000_001), "25 MB"),
    "mp4 cut at 2 %": (lambda: cut(clip(), 0.02), "cut short"),
    "mp4 cut in half": (lambda: cut(clip(), 0.5), "cut short"),
    "mp4 cut at its end": (lambda: clip()[:-1], "cut short"),
    "fast mp4 cut in half": (lambda: cut(clip(options=FAST), 0.5), "cut short"),
    "fast mp4 cut at its end": (lambda: clip(options=FAST)[:-1], "cut short"),
    "fragmented mp4 cut": (lambda: cut(clip(options=FRAGMENTED), 0.8), "cut short"),
    "mp4 without moov": (lambda: without_box(clip(), b"moov"), "moov"),
    "mp4 without mdat": (lambda: without_box(clip(), b"mdat"), "no pictures"),
    "mp4 of zeroed pictures": (lambda: with_last_pictures_zeroed(clip(options=FAST)), "damaged"),
    "mp4 of sound only": (lambda: clip(codec=None, sound="aac"), "no picture track"),
    "mp4 of another codec": (lambda: clip(codec="mpeg4"), "video codec"),
    "mp4 of motion jpeg": (lambda: clip(codec="mjpeg"), "video codec"),
    "mp4 of 8 pixels": (lambda: clip(size=(8, 8)), "smaller than 16"),
    "mp4 of 60 million frames": (
        lambda: patched(clip(), b"stsz", 4, bytes.fromhex("00000001 03938700")),
        "absurd number of frames",
    ),
    "mp4 of endless tables": (
        lambda: patched(clip(), b"stts", 4, b"\x0f\xff\xff\xff"),
        "damaged",
    ),
    "mp4 box larger than the file": (lambda: MP4_MAGIC + b"\xff\xff\xff\xffmoov", "cut short"),
    "mp4 box of 64-bit size": (
        lambda: MP4_MAGIC + b"\0\0\0\1mdat" + b"\x7f" + b"\xff" * 7 + bytes(99),
        "cut short",
    ),
    "mp4 of endless empty boxes": (lambda: MP4_MAGIC + box(b"free", b"") * 100_001, "parts"),
    "mp4 with an empty moov": (lambda: MP4_MAGIC + box(b"moov", b"") + box(b"mdat", b"x"), ""),
    "webm cut in half": (lambda: cut(clip("webm", "libvpx"), 0.5), "cut short"),
    "webm cut at its end": (lambda: clip("webm", "libvpx")[:-1], "cut short"),
    "live webm cut": (lambda: cut(clip("webm", "libvpx", options=LIVE), 0.7), "cut short"),
    "webm of sound only": (lambda: clip("webm", None, sound="libopus"), "no picture track"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_a_readable_reason(name: str, tmp_path: Path) -> None:
    make, expected = HOSTILE[name]
    path = tmp_path / "secret-name.png"
    path.write_bytes(make())

    with pytest.raises(UnusableMedia) as from_path:
        inspect(path)
    with pytest.raises(UnusableMedia) as from_bytes:
        inspect_bytes(path.read_bytes())

    reason = from_path.value.reason
    assert reason == str(from_bytes.value)
    assert expected in reason
    assert reason.endswith(".")
    assert "secret-name" not in reason


def test_a_clip_over_one_gigabyte_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        file.write(MP4_MAGIC)
        file.truncate(1_000_000_001)

    with pytest.raises(UnusableMedia, match="larger than 1 GB"):
        inspect(path)


@pytest.mark.parametrize(
    ("kind", "media_type", "extension"),
    [
        ("PNG", "image/png", ".png"),
        ("JPEG", "image/jpeg", ".jpg"),
        ("WEBP", "image/webp", ".webp"),
    ],
)
def test_a_still_is_known_by_its_bytes(
    kind: str, media_type: str, extension: str, tmp_path: Path
) -> None:
    data = still(kind)
    path = tmp_path / "misnamed.gif"
    path.write_bytes(data)

    found = inspect(path)

    assert found == Inspection(
        media_type=media_type,  # type: ignore[arg-type]
        extension=extension,
        width=160,
        height=96,
        duration_ms=None,
        frame_rate=None,
        has_audio=None,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    assert inspect_bytes(data) == found


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_is_a_still(mode: str) -> None:
    image = Image.new("I;16", (40, 30), 700) if mode == "I;16" else picture(40, 30).convert(mode)

    found = inspect_bytes(still("PNG", image))

    assert (found.width, found.height) == (40, 30)


@pytest.mark.parametrize("options", [{"progressive": True}, {"subsampling": 0}, {"quality": 5}])
def test_every_kind_of_jpeg_is_a_still(options: dict[str, int]) -> None:
    found = inspect_bytes(still("JPEG", picture().convert("CMYK"), **options))

    assert (found.width, found.height) == (160, 96)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_of_a_still_is_that_of_the_upright_picture(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation

    found = inspect_bytes(still(kind, exif=exif))

    assert (found.width, found.height) == ((96, 160) if orientation >= 5 else (160, 96))


def test_broken_exif_does_not_spoil_a_good_picture() -> None:
    found = inspect_bytes(still("JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + NOISE[:50]))

    assert (found.width, found.height) == (160, 96)


def test_a_picture_of_8k_is_within_the_limit() -> None:
    found = inspect_bytes(still(image=Image.new("L", (7680, 4320)), compress_level=1))

    assert (found.width, found.height) == (7680, 4320)


@pytest.mark.parametrize(
    ("container", "codec", "sound", "media_type"),
    [
        ("mp4", "libx264", None, "video/mp4"),
        ("mp4", "libx264", "aac", "video/mp4"),
        ("mp4", "libsvtav1", None, "video/mp4"),
        ("webm", "libvpx", None, "video/webm"),
        ("webm", "libvpx-vp9", "libopus", "video/webm"),
    ],
)
def test_a_clip_is_known_by_its_bytes(
    container: str, codec: str, sound: str | None, media_type: str, tmp_path: Path
) -> None:
    data = clip(container, codec, sound=sound)
    path = tmp_path / "misnamed.png"
    path.write_bytes(data)

    found = inspect(path)

    assert found == inspect_bytes(data)
    assert (found.media_type, found.extension) == (media_type, f".{container}")
    assert (found.width, found.height) == CLIP_SIZE
    assert found.duration_ms == pytest.approx(1000, abs=2)
    assert found.frame_rate is not None
    assert Fraction(found.frame_rate) == 24
    assert found.has_audio is (sound is not None)
    assert found.sha256 == hashlib.sha256(data).hexdigest()


def test_hevc_is_accepted(capfd: pytest.CaptureFixture[str]) -> None:
    found = inspect_bytes(clip(codec="libx265", frames=6))

    capfd.readouterr()  # the encoder is talkative
    assert found.duration_ms == 250


@pytest.mark.parametrize("options", [FAST, FRAGMENTED])
def test_the_order_of_an_mp4_does_not_matter(options: tuple[tuple[str, str], ...]) -> None:
    assert inspect_bytes(clip(options=options)).duration_ms == 1000


def test_a_webm_recorded_live_has_the_length_of_its_frames() -> None:
    found = inspect_bytes(clip("webm", "libvpx", options=LIVE))

    assert found.duration_ms == pytest.approx(1000, abs=2)


def test_of_a_long_clip_both_ends_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = clip(frames=72, options=FAST)
    monkeypatch.setattr("filmgate_media.clips._FULL_DECODE_PIXELS", 0)

    assert inspect_bytes(data).duration_ms == 3000
    with pytest.raises(UnusableMedia, match="damaged"):
        inspect_bytes(with_last_pictures_zeroed(data))


def test_a_rotated_clip_has_the_size_that_a_player_shows() -> None:
    quarter_turn = b"".join(
        value.to_bytes(4, "big", signed=True)
        for value in (0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    )

    found = inspect_bytes(patched(clip(), b"tkhd", 40, quarter_turn))

    assert (found.width, found.height) == CLIP_SIZE[::-1]


def test_an_index_that_promises_more_than_there_is_is_found_out() -> None:
    # The one entry of the sample durations: 24 frames, each now ten times as long in the header
    # of the track only.
    data = patched(clip("webm", "libvpx"), b"\x44\x89\x88", 0, b"\x40\xf3\x88\0\0\0\0\0")

    with pytest.raises(UnusableMedia, match="shorter than its header says"):
        inspect_bytes(data)


def test_a_clip_cannot_make_ffmpeg_open_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    real = av.open

    def watched(file: object, *args: object, **options: object) -> object:
        assert not isinstance(file, (str, Path))
        assert options["format"] == "mov"
        opened.append("once")
        return real(file, *args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(av, "open", watched)
    path = tmp_path / "http:"
    path.write_bytes(clip())

    inspect(path)

    assert opened == ["once"]


def test_trouble_with_the_file_itself_is_not_the_medias_fault(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        inspect(tmp_path / "missing.png")
    with pytest.raises(IsADirectoryError):
        inspect(tmp_path)


def test_importing_the_package_imports_neither_pillow_nor_ffmpeg() -> None:
    check = (
        "import sys, filmgate_media, filmgate_media.inspect, filmgate_media.flow\n"
        "sys.exit(bool({'PIL', 'av'} & set(sys.modules)))"
    )
    layer = Path(sys.modules["filmgate_media"].__path__[0]).parent

    result = subprocess.run(
        [sys.executable, "-c", check], env={"PYTHONPATH": str(layer)}, check=False
    )

    assert result.returncode == 0


SAMPLES = {
    "png": still,
    "jpeg": lambda: still("JPEG"),
    "webp": lambda: still("WEBP"),
    "mp4": lambda: clip(frames=6, options=FAST),
    "webm": lambda: clip("webm", "libvpx", frames=6),
}


@pytest.mark.parametrize("kind", SAMPLES)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_no_damage_ends_in_another_exception(kind: str, data: st.DataObject) -> None:
    good = SAMPLES[kind]()
    at = data.draw(st.integers(0, len(good) - 1))
    new = data.draw(st.binary(min_size=1, max_size=12))
    end = data.draw(st.one_of(st.just(len(good)), st.integers(0, len(good))))
    spoilt = (good[:at] + new + good[at + len(new) :])[:end]

    with contextlib.suppress(UnusableMedia):
        assert inspect_bytes(spoilt).size_bytes == len(spoilt)
