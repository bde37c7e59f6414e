"""Filmgate's own video model: a camera move over a still, as an H.264 clip.

How it is made. The part of the still that the move shows is scaled once to what the move needs,
turned into BT.709 planes and sharpened a little. Each frame is then two resamplings of a box with
fractional corners (Pillow's `resize(box=...)`, sub-pixel and separable), luma at full and chroma
at half size, put into FFmpeg's frame as they are: no RGB, no conversion per frame.

Why so, measured on 2 cores with Pillow 13.0 and PyAV 18.1, 1080p, push in (2026-11):

- A luma plane of 1920x1080 costs 11 ms, both chroma planes 5 ms; RGB would cost 26 ms before its
  conversion. Working on planes halves the work.
- Filter: the triangle at an oversampling of 1.15 puts features within 0.02 pixels of the ideal
  path, with 0.016 of jitter; Hamming costs the same and jitters by 0.06 (at 1.1), bicubic jitters
  by 0.008 and costs half as much again. The triangle blurs: on noise it keeps 85 % of the contrast
  between neighbours, bicubic 94 %. Sharpening the working picture once makes that 94 % as well.
- Oversampling: at 1.0 the same detail is sharp on a whole pixel and soft between two, which
  shimmers: in a slow pan, the contrast in tiles of 24 pixels swings by 45 %; from 1.1 on by 4 to
  5 %, most of it the tile's changing content.
- The whole clip, 5 s of 1080p at 24 frames a second, against FFmpeg's usual cure for jitter
  (upscale to 8000 pixels, then `zoompan`) with the same preset and quality: 0.81 to 0.97 times the
  CPU in three runs on shared cores, 0.90 to 0.99 when that is given the encoder settings below, and
  0.047 pixels of jitter after decoding against 0.31; see tests/benchmarks/test_flow.py. Pans and
  tilts resample one axis of luma only, which takes half as long as a push.
- Memory: 270 MB for 1080p whatever the length; 430 MB with an 8K still with alpha.
"""

from __future__ import annotations

import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from filmgate_media.errors import UnusableMedia
from filmgate_media.moves import BOX_AT, Box, BoxAt, Motion, frame_progress

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from PIL import Image

__all__ = ["FRAME_RATES", "Motion", "UnusableMedia", "render"]

FRAME_RATES = (24, 25, 30, 60)
MAX_DURATION_S = 60
MIN_SIDE_PX, MAX_SIDE_PX = 64, 1920

# Along an axis on which the picture moves, the working picture has this many pixels for one of the
# frame where the move is closest, and is sharpened by the blur that the triangle filter will add.
# Both are measured; the module says what they are worth.
OVERSAMPLING = 1.15
_SHARPENING = 0.1
# ITU-R BT.709-6, 8 bit, limited range, as rows for Pillow's conversion from RGB to one plane.
_LUMA = (0.2126 * 219 / 255, 0.7152 * 219 / 255, 0.0722 * 219 / 255, 16.0)
_BLUE = (-0.2126 / 1.8556 * 224 / 255, -0.7152 / 1.8556 * 224 / 255, 0.5 * 224 / 255, 128.0)
_RED = (0.5 * 224 / 255, -0.7152 / 1.5748 * 224 / 255, -0.0722 / 1.5748 * 224 / 255, 128.0)
# H.264 players take a chroma sample to lie on the left one of its two luma columns, a quarter of
# a chroma pixel left of the middle; the columns added at the left border are for that.
_CHROMA_SHIFT = 0.25
_CHROMA_MARGIN = 2

_RENDER_THREADS = 2
_FRAMES_AHEAD = 4
# The bytes depend on the number of threads, so it is fixed. x264 is told to decide alike on every
# CPU: it costs nothing measurable, and without it the AVX-512 code of PyAV 18.1's x264 gave other
# bytes from run to run at some sizes (322x182, 352x288). The search for cuts, fades and changes of
# pace is left out, as one move over one still has none: the files are no larger and no worse, and
# the encoder takes up to a tenth less CPU.
_ENCODER = {
    "preset": "veryfast",
    "crf": "18",
    "threads": "2",
    "bf": "2",
    "sc_threshold": "0",
    "b_strategy": "0",
    "weightp": "0",
    "x264-params": "cpu-independent=1",
}


@dataclass(frozen=True, slots=True)
class _Axis:
    """One direction of the working picture: the part of the still it covers, in `pixels`."""

    low: float
    high: float
    pixels: int
    moves: bool

    def at(self, place: float) -> float:
        """Where a place of the still is in the working picture, in pixels."""
        return (place - self.low) / (self.high - self.low) * self.pixels


@dataclass(frozen=True, slots=True)
class _Clip:
    """What is asked for, and the part of the still that it takes."""

    boxes: tuple[Box, ...]
    width: int
    height: int
    fps: int
    across: _Axis
    down: _Axis

    def box(self, number: int) -> Box:
        """What fills frame `number`, in pixels of the working picture."""
        left, top, right, bottom = self.boxes[number]
        return self.across.at(left), self.down.at(top), self.across.at(right), self.down.at(bottom)


@dataclass(frozen=True, slots=True)
class _Planes:
    """The working picture. Chroma has half its size, a margin at the left, and both differences.

    Pillow has no plain two-channel mode; in "La" it resamples the channels as they are, in one go,
    a third cheaper than one after the other.
    """

    luma: Image.Image
    chroma: Image.Image


def render(
    still: Path | bytes,
    out: Path,
    *,
    motion: Motion,
    width: int,
    height: int,
    duration_s: int,
    fps: int,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the clip of `motion` over `still` to `out`: duration_s * fps frames, no sound.

    width, height   even pixels, 64 to 1920 a side; the still is cropped about its middle to cover
    duration_s      1 to 60; fps 24, 25, 30 or 60
    progress        called with (frames written, frames in all) after each frame

    Equal input gives equal bytes with the same versions of Pillow and PyAV. `out` appears whole or
    not at all. Raises ValueError for a parameter out of range, UnusableMedia for a still that is
    none, OSError when the clip cannot be written.
    """
    _check_parameters(width=width, height=height, duration_s=duration_s, fps=fps)
    clip = _clip(BOX_AT[Motion(motion)], width, height, fps, duration_s * fps)
    planes = _planes(_read_still(still), clip)
    handle, name = tempfile.mkstemp(prefix=".flow-", suffix=".mp4", dir=out.parent)
    os.close(handle)
    part = Path(name)
    try:
        with ThreadPoolExecutor(_RENDER_THREADS, thread_name_prefix="flow") as pool:
            _encode(_pictures(pool, planes, clip), part, clip, progress)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _check_parameters(*, width: int, height: int, duration_s: int, fps: int) -> None:
    for name, side in (("width", width), ("height", height)):
        if type(side) is not int or not MIN_SIDE_PX <= side <= MAX_SIDE_PX or side % 2:
            raise ValueError(f"{name} must be an even number from {MIN_SIDE_PX} to {MAX_SIDE_PX}")
    if type(duration_s) is not int or not 1 <= duration_s <= MAX_DURATION_S:
        raise ValueError(f"duration_s must be a whole number from 1 to {MAX_DURATION_S}")
    if type(fps) is not int or fps not in FRAME_RATES:
        raise ValueError(f"fps must be one of {', '.join(map(str, FRAME_RATES))}")


def _clip(box_at: BoxAt, width: int, height: int, fps: int, frames: int) -> _Clip:
    boxes = tuple(box_at(frame_progress(number, frames)) for number in range(frames))
    across = _axis([(left, right) for left, _, right, _ in boxes], width)
    down = _axis([(top, bottom) for _, top, _, bottom in boxes], height)
    return _Clip(boxes, width, height, fps, across, down)


def _axis(parts: list[tuple[float, float]], pixels: int) -> _Axis:
    """What the move needs along one axis: all it ever shows, as fine as where it is closest.

    Where it stands still, that is the frame's own pixels, and Pillow skips that axis in each frame.
    """
    low, high = min(start for start, _ in parts), max(end for _, end in parts)
    if len(set(parts)) == 1:
        return _Axis(low, high, pixels, moves=False)
    shortest = min(end - start for start, end in parts)
    needed = 2 * round(pixels * OVERSAMPLING * (high - low) / shortest / 2)
    return _Axis(low, high, needed, moves=True)


def _read_still(still: Path | bytes) -> Image.Image:
    """The still upright, flattened, in mode L, RGB or CMYK, with its colour profile in `info`."""
    from filmgate_media.limits import check_still_bytes
    from filmgate_media.signatures import HEAD_BYTES, media_type_of
    from filmgate_media.stills import decode_still, upright

    if isinstance(still, Path):
        with still.open("rb") as file:
            check_still_bytes(os.fstat(file.fileno()).st_size)
            still = file.read()
    media_type = media_type_of(still[:HEAD_BYTES])
    if not media_type.startswith("image/"):
        raise UnusableMedia("The file is a video; a still is needed.")
    return _flat(upright(decode_still(still, media_type)))


def _flat(image: Image.Image) -> Image.Image:
    """The picture on black, in mode L, RGB or CMYK, 8 bit."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        # 16-bit grey. Pillow's own conversion to L cuts off above 255 instead of scaling.
        return image.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")
    if image.has_transparency_data:
        colours = image.convert("RGBA")
        flat = Image.new("RGB", image.size)
        flat.paste(colours, mask=colours.getchannel("A"))
        flat.info["icc_profile"] = image.info.get("icc_profile")
        return flat
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _planes(image: Image.Image, clip: _Clip) -> _Planes:
    """The working picture: cropped to what the move shows, scaled to what it needs, BT.709."""
    from PIL import Image

    width, height = clip.across.pixels, clip.down.pixels
    working = image.resize(
        (width, height), Image.Resampling.LANCZOS, box=_shown(image.size, clip), reducing_gap=3.0
    )
    colours = _to_srgb(working, image.info.get("icc_profile"))
    half = (width // 2, height // 2)
    return _Planes(
        luma=_sharpened(colours.convert("L", _LUMA), clip),
        chroma=Image.merge("La", [_chroma(colours.convert("L", _BLUE), half),
                                  _chroma(colours.convert("L", _RED), half)]),
    )  # fmt: skip


def _shown(size: tuple[int, int], clip: _Clip) -> Box:
    """What the move shows of the largest part, about the middle, that has the clip's shape."""
    width = min(size[0], size[1] * clip.width / clip.height)
    height = min(size[1], size[0] * clip.height / clip.width)
    left, top = (size[0] - width) / 2, (size[1] - height) / 2
    return (
        left + width * clip.across.low,
        top + height * clip.down.low,
        left + width * clip.across.high,
        top + height * clip.down.high,
    )


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in sRGB. A profile that does not fit or cannot be read counts as none."""
    if profile:
        import io

        from PIL import Image, ImageCms

        try:
            source = ImageCms.getOpenProfile(io.BytesIO(profile))
            if "sRGB" not in ImageCms.getProfileDescription(source):
                converted = ImageCms.profileToProfile(
                    image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
                )
                assert isinstance(converted, Image.Image)  # only None when in place
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            return image.convert("RGB")
    return image.convert("RGB")


def _sharpened(luma: Image.Image, clip: _Clip) -> Image.Image:
    """The luma plane with more contrast between neighbours, along the axes that move."""
    from PIL import ImageFilter

    x = _SHARPENING if clip.across.moves else 0.0
    y = _SHARPENING if clip.down.moves else 0.0
    return luma.filter(
        ImageFilter.Kernel((3, 3), (0, -y, 0, -x, 1 + 2 * x + 2 * y, -x, 0, -y, 0), scale=1)
    )


def _chroma(plane: Image.Image, half: tuple[int, int]) -> Image.Image:
    """A chroma plane at half the size, its left column repeated _CHROMA_MARGIN times."""
    from PIL import Image

    small = plane.resize(half, Image.Resampling.BOX)
    padded = Image.new("L", (half[0] + _CHROMA_MARGIN, half[1]))
    padded.paste(small, (_CHROMA_MARGIN, 0))
    padded.paste(small.crop((0, 0, 1, half[1])).resize((_CHROMA_MARGIN, half[1])), (0, 0))
    return padded


def _pictures(pool: ThreadPoolExecutor, planes: _Planes, clip: _Clip) -> Iterator[VideoFrame]:
    """All frames in order, each made on a pool thread, at most _FRAMES_AHEAD before its turn.

    Pillow lets go of the interpreter while it resamples and FFmpeg while it encodes, so both
    cores are busy.
    """
    waiting: deque[Future[VideoFrame]] = deque()
    for number in range(len(clip.boxes)):
        waiting.append(pool.submit(_picture, planes, clip, number))
        if len(waiting) > _FRAMES_AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _picture(planes: _Planes, clip: _Clip, number: int) -> VideoFrame:
    from av.video.frame import VideoFrame
    from PIL import Image

    left, top, right, bottom = clip.box(number)
    shift = _CHROMA_MARGIN - _CHROMA_SHIFT * (right - left) / clip.width
    half = (clip.width // 2, clip.height // 2)
    half_box = (left / 2 + shift, top / 2, right / 2 + shift, bottom / 2)
    triangle = Image.Resampling.BILINEAR
    luma = planes.luma.resize((clip.width, clip.height), triangle, box=(left, top, right, bottom))
    blue, red = planes.chroma.resize(half, triangle, box=half_box).split()
    frame = VideoFrame(clip.width, clip.height, "yuv420p")
    for plane, picture in zip(frame.planes, (luma, blue, red), strict=True):
        # FFmpeg may have padded the lines of a plane.
        plane.update(picture.tobytes("raw", "L", plane.line_size, 1))
    frame.pts = number
    frame.time_base = Fraction(1, clip.fps)
    return frame


def _encode(
    pictures: Iterator[VideoFrame],
    out: Path,
    clip: _Clip,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Write the pictures as MP4, index first, with no time stamp or version in the container."""
    import av

    try:
        # The protocol is named, so that no file name can be taken for another one.
        with av.open(
            f"file:{out}",
            "w",
            format="mp4",
            container_options={"movflags": "+faststart", "fflags": "+bitexact"},
        ) as container:
            stream = container.add_stream("libx264", rate=clip.fps, options=_ENCODER)
            _describe(stream, clip)
            for done, picture in enumerate(pictures, 1):
                container.mux(stream.encode(picture))
                if progress is not None:
                    progress(done, len(clip.boxes))
            container.mux(stream.encode(None))
    except av.FFmpegError as error:
        raise OSError(error.errno, "the clip could not be written") from error


def _describe(stream: VideoStream, clip: _Clip) -> None:
    """Size, BT.709 limited range, and a keyframe every second so that an editor can seek."""
    from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

    stream.width, stream.height = clip.width, clip.height
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.gop_size = clip.fps
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709
    context.colorspace = Colorspace.ITU709
    context.color_range = ColorRange.MPEG
