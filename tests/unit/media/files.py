"""Real stills and clips for the media tests, made on the spot; and tools to spoil them."""

from __future__ import annotations

import io
import struct
import tempfile
import zlib
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
from PIL import Image

CLIP_SIZE = (160, 96)


@cache
def picture(width: int = 160, height: int = 96) -> Image.Image:
    """A soft colour picture, the same in every run."""
    ramp = Image.linear_gradient("L").resize((width, height))
    round_one = Image.radial_gradient("L").resize((width, height))
    return Image.merge("RGB", (ramp, round_one, ramp.transpose(Image.Transpose.ROTATE_180)))


def still(kind: str = "PNG", image: Image.Image | None = None, **options: Any) -> bytes:
    data = io.BytesIO()
    (image or picture()).save(data, kind, **options)
    return data.getvalue()


@cache
def clip(
    container: str = "mp4",
    codec: str | None = "libx264",
    *,
    frames: int = 24,
    sound: str | None = None,
    size: tuple[int, int] = CLIP_SIZE,
    options: tuple[tuple[str, str], ...] = (),
) -> bytes:
    """A clip of 24 frames a second whose picture changes, silent or with silence."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip"
        with av.open(str(path), "w", format=container, options=dict(options)) as out:
            video = out.add_stream(codec, rate=24, options={"threads": "1"}) if codec else None
            audio = out.add_stream(sound, rate=48_000, layout="mono") if sound else None
            if video is not None:
                video.width, video.height = size
                video.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
                _write_pictures(out, video, frames)
            if audio is not None:
                _write_silence(out, audio, frames)
        return path.read_bytes()


def _write_pictures(out: Any, stream: Any, frames: int) -> None:
    source = picture(stream.width + frames, stream.height)
    for number in range(frames):
        view = source.crop((number, 0, number + stream.width, stream.height))
        frame = av.VideoFrame.from_image(view).reformat(format=stream.pix_fmt)
        frame.pts, frame.time_base = number, Fraction(1, 24)
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def _write_silence(out: Any, stream: Any, frames: int) -> None:
    samples = stream.codec_context.frame_size or 960
    for at in range(0, 48_000 * frames // 24, samples):
        frame = av.AudioFrame(stream.codec_context.format.name, "mono", samples)
        frame.sample_rate, frame.pts = 48_000, at
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


FAST = (("movflags", "+faststart"),)
FRAGMENTED = (("movflags", "frag_keyframe+empty_moov+default_base_moof"),)
LIVE = (("live", "1"),)


def cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


def patched(data: bytes, marker: bytes, offset: int, new: bytes) -> bytes:
    """`data` with `new` at `offset` bytes after the first `marker`."""
    at = data.index(marker) + len(marker) + offset
    return data[:at] + new + data[at + len(new) :]


def without_box(data: bytes, kind: bytes) -> bytes:
    """An MP4 whose top-level box of that kind is only free space: no offset moves."""
    return data.replace(kind, b"free", 1)


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and has next to no pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(bytes(1000)))
        + png_chunk(b"IEND", b"")
    )


def webp_of(width: int, height: int) -> bytes:
    """A WebP whose extended header claims a size."""
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + sizes
    return b"RIFF" + struct.pack("<I", len(body)) + body


def animation(kind: str) -> bytes:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "green", "blue")]
    return still(kind, frames[0], save_all=True, append_images=frames[1:], duration=100)
