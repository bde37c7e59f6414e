"""Flow beside FFmpeg's `zoompan` on the same still: CPU, and how steady the picture is.

Three ways to the same five-second push in at 1080p, 24 frames a second, on the same eased path,
all in this process and with libx264 at veryfast, CRF 18:

flow            filmgate_media.flow
8000 + zoompan  FFmpeg's usual cure for jitter: upscale to 8000 pixels wide, then `zoompan`
the same, lean  with flow's encoder settings, which search for no cuts and no fades
zoompan         FFmpeg's `zoompan` on the still as it is

CPU is user and system time of the process, from the still's bytes to the finished file, the least
of three rounds. Jitter is
read from the decoded clips: the still carries small discs, each frame's discs are located by
their centre of mass, and what is left of their movement after taking away the ideal one is the
error; jitter is how much that error changes from one frame to the next, in pixels of the clip.

The table is printed (`pytest -s`); the figures of time are not asserted.
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.filter
import pytest
from PIL import Image

from filmgate_media.flow import Motion, render
from filmgate_media.moves import PUSH_ZOOM
from tests.unit.media.measure import (
    Point,
    centroid,
    frames_of,
    ideal,
    luma_of,
    root_mean_square,
    steps,
    still_with_discs,
)

WIDTH, HEIGHT, FPS, DURATION_S = 1920, 1080, 24, 5
FRAMES = FPS * DURATION_S
ROUNDS = 3
# What people give libx264 for this; and flow's own, which leave out what one shot does not need.
USUAL_ENCODER = {"preset": "veryfast", "crf": "18", "threads": "2", "bf": "2"}
FLOW_ENCODER = {
    **USUAL_ENCODER,
    "sc_threshold": "0",
    "b_strategy": "0",
    "weightp": "0",
    "x264-params": "cpu-independent=1",
}
RECIPE = "8000 + zoompan"
STILL_SIZE = (1920, 1080)
# In the outer part of the picture, where a push moves things most, yet in view to the end.
DISCS = tuple((x, y) for x in (253, 541, 1397, 1670) for y in (170, 391, 777, 909))


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    cpu_s: float
    jitter_px: float
    worst_px: float
    size_bytes: int


def measured(ways: dict[str, Callable[[Path], None]], folder: Path) -> dict[str, Row]:
    """A row for each way: the least CPU of ROUNDS interleaved rounds, as others share the cores."""
    cpu_s = dict.fromkeys(ways, math.inf)
    for _ in range(ROUNDS):
        for name, make in ways.items():
            before = time.process_time()
            make(folder / f"{name}.mp4")
            cpu_s[name] = min(cpu_s[name], time.process_time() - before)
    rows = {}
    for name in ways:
        path = folder / f"{name}.mp4"
        rows[name] = Row(name, cpu_s[name], *jitter(path), size_bytes=path.stat().st_size)
    return rows


def jitter(path: Path) -> tuple[float, float]:
    """(root mean square, worst) change of the error from frame to frame, in pixels."""
    errors: dict[tuple[int, int], list[Point]] = {disc: [] for disc in DISCS}
    for number, frame in enumerate(frames_of(path)):
        luma = luma_of(frame)
        for disc, seen in errors.items():
            share = (disc[0] / STILL_SIZE[0], disc[1] / STILL_SIZE[1])
            place = ideal(Motion.PUSH_IN, share, number=number, frames=FRAMES, size=(WIDTH, HEIGHT))
            x, y = centroid(luma, place)
            seen.append((x - place[0], y - place[1]))
    changes = [step for seen in errors.values() for step in steps(seen)]
    assert len(changes) == (FRAMES - 1) * len(DISCS)
    return root_mean_square(changes), max(changes)


def with_flow(still: bytes) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        render(still, path, motion=Motion.PUSH_IN, width=WIDTH, height=HEIGHT,
               duration_s=DURATION_S, fps=FPS)  # fmt: skip

    return make


def with_zoompan(
    still: bytes, *, upscale_to: int | None, encoder: dict[str, str]
) -> Callable[[Path], None]:
    """FFmpeg's own filters, driven as the command line drives them, on flow's path."""
    p = f"(on/{FRAMES - 1})"
    zoom = f"pow({PUSH_ZOOM},{p}*{p}*{p}*({p}*({p}*6-15)+10))"
    zoompan = f"z={zoom}:x=(iw-iw/zoom)/2:y=(ih-ih/zoom)/2:d={FRAMES}:s={WIDTH}x{HEIGHT}:fps={FPS}"

    def make(path: Path) -> None:
        picture = Image.open(io.BytesIO(still))
        graph = av.filter.Graph()
        rgb, tick = av.VideoFormat("rgb24"), Fraction(1, FPS)
        chain = [graph.add_buffer(None, picture.width, picture.height, rgb, time_base=tick)]
        if upscale_to is not None:
            chain.append(graph.add("scale", f"{upscale_to}:-2"))
        chain.append(graph.add("zoompan", zoompan))
        chain.append(graph.add("format", "yuv420p"))
        chain.append(graph.add("buffersink"))
        graph.link_nodes(*chain).configure()
        frame = av.VideoFrame.from_image(picture)
        frame.pts, frame.time_base = 0, tick
        chain[0].push(frame)
        encode(path, (pulled(chain[-1]) for _ in range(FRAMES)), encoder)

    return make


def pulled(sink: av.filter.context.FilterContext) -> av.VideoFrame:
    frame = sink.pull()
    assert isinstance(frame, av.VideoFrame)
    return frame


def encode(path: Path, frames: Iterator[av.VideoFrame], encoder: dict[str, str]) -> None:
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS, options=encoder)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size = FPS
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.mark.timeout(300)
def test_flow_is_steadier_than_upscaling_before_zoompan(tmp_path: Path) -> None:
    still = still_with_discs(STILL_SIZE, DISCS)
    usual = with_zoompan(still, upscale_to=8000, encoder=USUAL_ENCODER)
    lean = with_zoompan(still, upscale_to=8000, encoder=FLOW_ENCODER)
    plain = with_zoompan(still, upscale_to=None, encoder=USUAL_ENCODER)
    ways = {"flow": with_flow(still), RECIPE: usual, "the same, lean": lean, "zoompan": plain}

    rows = measured(ways, tmp_path)

    recipe = rows[RECIPE]
    print(f"\n{'':16}{'CPU s':>8}{'of recipe':>11}{'jitter px':>12}{'worst px':>10}{'MB':>7}")
    for row in rows.values():
        print(
            f"{row.name:16}{row.cpu_s:8.2f}{row.cpu_s / recipe.cpu_s:10.2f}x"
            f"{row.jitter_px:12.4f}{row.worst_px:10.4f}{row.size_bytes / 1e6:7.2f}"
        )
    assert rows["flow"].jitter_px < recipe.jitter_px < rows["zoompan"].jitter_px
