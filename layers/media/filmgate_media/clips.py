"""Opening an untrusted clip with FFmpeg (PyAV): forced demuxer, no second file, real frames.

The demuxer is chosen by the magic number and named, so FFmpeg's guessing never runs and a playlist
or concat script can pose as nothing. FFmpeg reads through our file object and is refused every
other open, whatever the file refers to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from filmgate_media.containers import MAX_FRAMES, check_mp4, check_webm
from filmgate_media.errors import UnusableMedia
from filmgate_media.limits import MAX_PIXELS, check_size
from filmgate_media.signatures import MP4

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

CODECS = frozenset(("h264", "hevc", "vp8", "vp9", "av1"))
# Every frame of a clip within this is decoded: 10 s of 1080p at 24 frames a second. Of a longer one
# the first frame, and the last ones from the last keyframe on as far as the second figure reaches.
_FULL_DECODE_PIXELS = 240 * 1920 * 1080
_TAIL_DECODE_PIXELS = 600 * 1920 * 1080
# A header may promise this much more than there are frames: rounding, and audio priming.
_DURATION_SLACK_S = Fraction(1, 2)
_DURATION_SLACK_SHARE = Fraction(1, 20)
_DAMAGED = "The video is damaged or cut short."


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """What a decoded clip measures; width and height as a player shows them."""

    width: int
    height: int
    duration_ms: int
    frame_rate: str | None
    has_audio: bool


@dataclass(slots=True)
class _Timeline:
    """What all packets of a file add up to."""

    frames: int = 0
    first: Fraction | None = None
    end: Fraction = Fraction(0)
    last_key_pts: int | None = None
    container_end: Fraction = Fraction(0)


def probe_clip(file: BinaryIO, *, media_type: str, size_bytes: int) -> ClipFacts:
    """Facts of an MP4 or WebM clip of which the first and the last frame were decoded.

    Reads every packet, so a file that ends early is found out; decodes every frame when the clip
    is short. Holds a few frames at a time. Raises UnusableMedia; an OSError of reading the file
    itself is left alone.
    """
    import av

    (check_mp4 if media_type == MP4 else check_webm)(file, size_bytes)
    file.seek(0)
    try:
        with av.open(
            file,
            "r",
            format="mov" if media_type == MP4 else "matroska",
            # Both also reach the decoders that FFmpeg starts on its own while it probes.
            options={"protocol_whitelist": "none", "max_pixels": str(MAX_PIXELS), "threads": "1"},
            io_open=_refuse_open,
            metadata_errors="replace",
            buffer_size=1 << 17,
        ) as container:
            return _facts(container)
    except av.FFmpegError as error:
        # Also where FFmpeg found no memory: it asks for as much as a spoilt table says.
        raise UnusableMedia(_DAMAGED) from error
    except UnusableMedia:
        raise
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        # PyAV's own complaints about nonsense in headers, for one a rate of 1/0.
        raise UnusableMedia(_DAMAGED) from error


def _refuse_open(url: str, flags: int, options: dict[str, Any]) -> NoReturn:
    raise UnusableMedia("The video refers to another file.")


def _facts(container: InputContainer) -> ClipFacts:
    stream = _picture_track(container)
    timeline = _read_all_packets(container, stream)
    duration = _checked_duration(container, stream, timeline)
    frame = _decode_ends(container, stream, timeline)
    width, height = frame.width, frame.height
    check_size(width, height)
    if frame.rotation % 180 != 0:
        width, height = height, width
    rate = stream.average_rate or stream.guessed_rate
    return ClipFacts(
        width=width,
        height=height,
        duration_ms=round(duration * 1000),
        frame_rate=str(Fraction(rate)) if rate else None,
        has_audio=bool(container.streams.audio),
    )


def _picture_track(container: InputContainer) -> VideoStream:
    from av.stream import Disposition

    tracks = [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic
    ]
    if not tracks:
        raise UnusableMedia("The file has no picture track.")
    stream = tracks[0]
    context = stream.codec_context
    if context is None or context.codec.canonical_name not in CODECS:
        raise UnusableMedia("The video codec is not one of H.264, HEVC, VP8, VP9 and AV1.")
    check_size(context.width, context.height)
    context.options = {"max_pixels": str(MAX_PIXELS)}
    context.thread_type = "SLICE"
    context.thread_count = 2
    return stream


def _read_all_packets(container: InputContainer, stream: VideoStream) -> _Timeline:
    timeline = _Timeline()
    packets = 0
    for packet in container.demux():
        packets += 1
        if packets > 4 * MAX_FRAMES:
            raise UnusableMedia("The video has an absurd number of parts.")
        if packet.is_corrupt:
            raise UnusableMedia("The video is cut short.")
        pts = packet.pts if packet.pts is not None else packet.dts
        if pts is None or packet.size == 0 or packet.is_discard:
            continue
        start = pts * packet.time_base
        end = start + (packet.duration or 0) * packet.time_base
        timeline.container_end = max(timeline.container_end, end)
        if packet.stream_index != stream.index:
            continue
        timeline.frames += 1
        timeline.first = start if timeline.first is None else min(timeline.first, start)
        timeline.end = max(timeline.end, end)
        if packet.is_keyframe:
            timeline.last_key_pts = max(timeline.last_key_pts or pts, pts)
    if timeline.frames == 0 or timeline.last_key_pts is None:
        raise UnusableMedia("The video has no frames.")
    if timeline.frames > MAX_FRAMES:
        raise UnusableMedia("The video has an absurd number of frames.")
    return timeline


def _checked_duration(
    container: InputContainer, stream: VideoStream, timeline: _Timeline
) -> Fraction:
    """Seconds of picture; the header may promise only a little more than there is."""
    import av

    duration = timeline.end - (timeline.first or 0)
    if stream.duration is not None and stream.time_base is not None:
        promised, there = stream.duration * stream.time_base, timeline.end
    elif container.duration is not None:
        promised, there = Fraction(container.duration, av.time_base), timeline.container_end
    else:
        promised = there = duration
    if there + max(_DURATION_SLACK_S, promised * _DURATION_SLACK_SHARE) < promised:
        raise UnusableMedia("The video is cut short: it is shorter than its header says.")
    if duration <= 0:
        raise UnusableMedia("The video has no duration.")
    return duration


def _decode_ends(container: InputContainer, stream: VideoStream, timeline: _Timeline) -> VideoFrame:
    """The first frame, once the last one (or, in a short clip, every one) is decoded as well."""
    pixels = stream.width * stream.height
    container.seek(0)
    if timeline.frames * pixels <= _FULL_DECODE_PIXELS:
        return _decode(container, stream, most=timeline.frames)
    first = _decode(container, stream, most=1)
    container.seek(timeline.last_key_pts or 0, stream=stream)
    _decode(container, stream, most=max(_TAIL_DECODE_PIXELS // pixels, 2))
    return first


def _decode(container: InputContainer, stream: VideoStream, *, most: int) -> VideoFrame:
    """The first of at most `most` frames from here on, all of which could be decoded."""
    first: VideoFrame | None = None
    for count, frame in enumerate(_frames(container.demux(stream)), 1):
        first = first or frame
        if frame.is_corrupt:
            raise UnusableMedia(_DAMAGED)
        if count == most:
            break
    if first is None:
        raise UnusableMedia("The video has no frame that can be decoded.")
    return first


def _frames(packets: Iterator[Packet[Any]]) -> Iterator[VideoFrame]:
    for packet in packets:
        yield from packet.decode()
