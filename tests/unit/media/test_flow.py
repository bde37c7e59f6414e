"""Clips of camera moves: what is asked for, smooth to a fraction of a pixel, the same each time."""

from __future__ import annotations

import itertools
import math
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image, ImageCms

from filmgate_media import flow as flow_module
from filmgate_media.errors import UnusableMedia
from filmgate_media.flow import Motion, render
from filmgate_media.inspect import inspect
from tests.unit.media.files import clip, picture, png_of, still
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

SIZE = (320, 180)
STILL_SIZE = (960, 540)
# One disc off the middle in both directions, in the frame throughout every move.
DISC = (360, 330)
SHARE = (DISC[0] / STILL_SIZE[0], DISC[1] / STILL_SIZE[1])


def flow(still: Path | bytes, out: Path, motion: Motion = Motion.PUSH_IN, **options: Any) -> Path:
    asked = {"width": SIZE[0], "height": SIZE[1], "duration_s": 1, "fps": 24}
    render(still, out, motion=motion, **(asked | options))
    return out


def track(path: Path, motion: Motion, size: tuple[int, int]) -> list[Point]:
    """Where the disc is in each frame, in pixels."""
    frames = list(frames_of(path))
    return [
        centroid(
            luma_of(frame),
            ideal(motion, SHARE, number=number, frames=len(frames), size=size),
        )
        for number, frame in enumerate(frames)
    ]


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> dict[Motion, list[Point]]:
    """The way of the disc through a clip of each move, 640x360, 1 s at 24 frames.

    Encoded almost without loss: what is measured is where the renderer puts things.
    """
    data = still_with_discs(STILL_SIZE, [DISC])
    folder = tmp_path_factory.mktemp("moves")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(flow_module._ENCODER, "crf", "1")
        return {
            motion: track(
                flow(data, folder / motion, motion, width=640, height=360), motion, (640, 360)
            )
            for motion in Motion
        }


@pytest.mark.parametrize(
    ("width", "height", "duration_s", "fps"),
    [(320, 180, 1, 24), (180, 320, 1, 25), (200, 200, 2, 30), (240, 180, 1, 60), (182, 242, 1, 24)],
)
def test_a_clip_has_the_frames_size_and_length_asked_for(
    width: int, height: int, duration_s: int, fps: int, tmp_path: Path
) -> None:
    out = flow(
        still(), tmp_path / "out", width=width, height=height, duration_s=duration_s, fps=fps
    )

    found = inspect(out)
    frames = list(frames_of(out))
    times = [frame.time for frame in frames]
    assert (found.width, found.height) == (width, height)
    assert found.duration_ms == duration_s * 1000
    assert found.frame_rate == str(fps)
    assert found.has_audio is False
    assert times == pytest.approx([number / fps for number in range(duration_s * fps)])


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080), (1080, 1920)])
def test_full_sizes_are_rendered(size: tuple[int, int], tmp_path: Path) -> None:
    out = flow(still(), tmp_path / "out", width=size[0], height=size[1])

    found = inspect(out)
    assert (found.width, found.height, found.duration_ms) == (*size, 1000)


def test_a_clip_is_made_for_the_browser(tmp_path: Path) -> None:
    out = flow(still(), tmp_path / "out")

    data = out.read_bytes()
    with av.open(str(out)) as container:
        context = container.streams.video[0].codec_context
        assert context.codec.canonical_name == "h264"
        assert context.profile == "High"
        assert context.pix_fmt == "yuv420p"
        tags = (context.colorspace, context.color_primaries, context.color_trc)
        assert tags == (1, 1, 1)  # all BT.709
        assert context.color_range == 1  # limited
        assert "creation_time" not in container.metadata
    assert data.index(b"moov") < data.index(b"mdat")
    assert b"Lavf" not in data


@pytest.mark.parametrize("size", [(320, 180), (322, 182), (352, 288), (720, 720)])
def test_equal_input_gives_equal_bytes(size: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "still"
    path.write_bytes(still())
    asked = {"motion": Motion.PAN_LEFT, "width": size[0], "height": size[1]}

    one = flow(path, tmp_path / "one", **asked)
    # What memory was used for meanwhile must not matter.
    rubbish = [bytes([number]) * 3_000_000 for number in range(1, 6)]
    del rubbish
    other = flow(still(), tmp_path / "other", **asked)

    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("motion", Motion)
def test_the_first_and_the_last_frame_are_where_they_belong(
    motion: Motion, tracks: dict[Motion, list[Point]]
) -> None:
    places = tracks[motion]

    for number in (0, len(places) - 1):
        there = ideal(motion, SHARE, number=number, frames=len(places), size=(640, 360))
        assert places[number] == pytest.approx(there, abs=0.1)


@pytest.mark.parametrize(
    ("motion", "right", "down"),
    [
        # The disc is left of and below the middle: a push drives it outwards, a pan against itself.
        (Motion.PUSH_IN, -1, 1),
        (Motion.PULL_OUT, 1, -1),
        (Motion.PAN_LEFT, 1, 0),
        (Motion.PAN_RIGHT, -1, 0),
        (Motion.TILT_UP, 0, 1),
        (Motion.TILT_DOWN, 0, -1),
    ],
)
def test_things_move_against_the_camera(
    motion: Motion, right: int, down: int, tracks: dict[Motion, list[Point]]
) -> None:
    places = tracks[motion]

    for way, axis in ((right, 0), (down, 1)):
        moved = places[-1][axis] - places[0][axis]
        if way == 0:
            assert abs(moved) < 0.1
        else:
            assert moved * way > 9


@pytest.mark.parametrize("motion", Motion)
def test_a_move_starts_and_ends_at_rest(motion: Motion, tracks: dict[Motion, list[Point]]) -> None:
    strides = [math.dist(one, other) for one, other in itertools.pairwise(tracks[motion])]

    mean = sum(strides) / len(strides)
    assert strides[0] < 0.15 * mean
    assert strides[-1] < 0.15 * mean
    assert max(strides) == pytest.approx(1.875 * mean, rel=0.15)


@pytest.mark.parametrize("motion", Motion)
def test_a_move_is_smooth_below_a_pixel(motion: Motion, tracks: dict[Motion, list[Point]]) -> None:
    places = tracks[motion]
    errors = []
    for number, (x, y) in enumerate(places):
        there = ideal(motion, SHARE, number=number, frames=len(places), size=(640, 360))
        errors.append((x - there[0], y - there[1]))

    assert root_mean_square(steps(errors)) < 0.03
    assert max(steps(errors)) < 0.08


def solid(mode: str, colour: Any, size: tuple[int, int] = (96, 54)) -> Image.Image:
    return Image.new(mode, size, colour)


def palette_with_transparency() -> bytes:
    image = solid("P", 1)
    image.putpalette([0, 0, 0, *RED])
    return still("PNG", image, transparency=0)


def with_profile(profile: bytes) -> bytes:
    return still("PNG", solid("RGB", (200, 60, 40)), icc_profile=profile)


def srgb_under_another_name() -> bytes:
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return data.replace(b"sRGB", b"mine").replace("sRGB".encode("utf-16-be"), b"\0m\0i\0n\0e")


RED = (200, 60, 40)
ODD_STILLS: dict[str, tuple[Callable[[], bytes], tuple[int, int, int]]] = {
    "rgb": (lambda: still("PNG", solid("RGB", RED)), RED),
    "jpeg": (lambda: still("JPEG", solid("RGB", RED), quality=95), RED),
    "webp": (lambda: still("WEBP", solid("RGB", RED), lossless=True), RED),
    "white": (lambda: still("PNG", solid("RGB", "white")), (255, 255, 255)),
    "opaque alpha": (lambda: still("PNG", solid("RGBA", (*RED, 255))), RED),
    "half alpha": (lambda: still("WEBP", solid("RGBA", (*RED, 128)), lossless=True), (100, 30, 20)),
    "no alpha at all": (lambda: still("PNG", solid("RGBA", (*RED, 0))), (0, 0, 0)),
    "grey with alpha": (lambda: still("PNG", solid("LA", (200, 128))), (100, 100, 100)),
    "palette": (lambda: still("PNG", solid("RGB", RED).quantize(4)), RED),
    "palette with transparency": (palette_with_transparency, RED),
    "grey": (lambda: still("PNG", solid("L", 90)), (90, 90, 90)),
    "16-bit grey": (lambda: still("PNG", solid("I;16", 90 * 257)), (90, 90, 90)),
    "1 bit": (lambda: still("PNG", solid("1", 1)), (255, 255, 255)),
    "cmyk": (lambda: still("JPEG", solid("CMYK", (55, 195, 215, 0)), quality=95), RED),
    "a profile": (lambda: with_profile(srgb_under_another_name()), RED),
    "a broken profile": (lambda: with_profile(b"not a profile"), RED),
    "panorama": (lambda: still("PNG", solid("RGB", RED, (2000, 100))), RED),
    "tower": (lambda: still("PNG", solid("RGB", RED, (33, 1001))), RED),
    "tiny": (lambda: still("PNG", solid("RGB", RED, (17, 16))), RED),
}


@pytest.mark.parametrize("name", ODD_STILLS)
def test_every_kind_of_still_fills_the_frame_in_its_colour(name: str, tmp_path: Path) -> None:
    make, colour = ODD_STILLS[name]

    out = flow(make(), tmp_path / "out", Motion.PULL_OUT, width=128, height=72)

    frames = list(frames_of(out))
    for frame in (frames[0], frames[-1]):
        seen = frame.to_image()
        for place in ((0, 0), (127, 0), (64, 36), (0, 71), (127, 71)):
            assert seen.getpixel(place) == pytest.approx(colour, abs=6), place


@pytest.mark.parametrize(
    ("orientation", "red_side"), [(1, "left"), (3, "right"), (6, "top"), (8, "bottom")]
)
def test_a_still_is_turned_upright(orientation: int, red_side: str, tmp_path: Path) -> None:
    halves = Image.new("RGB", (128, 128), "blue")
    halves.paste("red", (0, 0, 64, 128))
    exif = Image.Exif()
    exif[0x0112] = orientation

    out = flow(
        still("JPEG", halves, exif=exif, quality=95), tmp_path / "out", width=128, height=128
    )

    seen = next(frames_of(out)).to_image()
    places = {"left": (20, 64), "right": (108, 64), "top": (64, 20), "bottom": (64, 108)}
    reds = {side: seen.getpixel(place)[0] for side, place in places.items()}
    opposite = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}[red_side]
    assert reds[red_side] > 220
    assert reds[opposite] < 40


def test_colour_lies_under_the_edge_it_belongs_to(tmp_path: Path) -> None:
    halves = Image.new("RGB", (640, 360), (0, 90, 200))
    halves.paste((230, 120, 0), (0, 0, 320, 360))

    out = flow(still("PNG", halves), tmp_path / "out", Motion.PUSH_IN)

    for frame in frames_of(out):
        edges = [edge_of(frame, number) for number in (0, 1, 2)]
        # Of chroma, in luma pixels: two for one, and a sample lies on the left luma column.
        for edge in edges[1:]:
            assert 2 * edge - 0.5 == pytest.approx(edges[0], abs=0.15)


def edge_of(frame: av.VideoFrame, number: int) -> float:
    """Where the middle line of a plane changes from its first value to its last, in its pixels."""
    plane = frame.planes[number]
    start = plane.height // 2 * plane.line_size
    line = bytes(plane)[start : start + plane.width]
    first, last = line[2], line[-3]
    return sum((value - last) / (first - last) for value in line)


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 321},
        {"width": 62},
        {"width": 1922},
        {"width": 320.0},
        {"height": 0},
        {"height": -180},
        {"duration_s": 0},
        {"duration_s": 61},
        {"duration_s": 1.5},
        {"duration_s": True},
        {"fps": 23},
        {"fps": 0},
        {"motion": "sideways"},
    ],
)
def test_a_wrong_parameter_is_named(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=next(iter(wrong)) if "motion" not in wrong else "sideways"
    ):
        flow(still(), tmp_path / "out", **wrong)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: b"", "empty"),
        (lambda: b"<html>", "a web page"),
        (lambda: png_of(60_000, 60_000), "33 megapixels"),
        (lambda: still()[:500], "cut short"),
        (clip, "a still is needed"),
    ],
)
def test_a_bad_still_is_refused_and_leaves_nothing(
    make: Callable[[], bytes], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(UnusableMedia, match=reason):
        flow(make(), tmp_path / "out")

    assert list(tmp_path.iterdir()) == []


def test_progress_is_told_frame_by_frame(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []

    flow(still(), tmp_path / "out", progress=lambda done, of: told.append((done, of)))

    assert told == [(number, 24) for number in range(1, 25)]


def test_a_render_that_is_stopped_leaves_the_old_clip(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_bytes(b"old")

    def stop(done: int, of: int) -> None:
        if done == 3:
            raise InterruptedError("time is up")

    with pytest.raises(InterruptedError):
        flow(still(), out, progress=stop)

    assert out.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [out]


def test_a_clip_that_cannot_be_written_is_an_error_of_the_system(
    tmp_path: Path,
) -> None:
    with pytest.raises(OSError, match="No such file"):
        flow(still(), tmp_path / "missing" / "out")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))  # as good as a full disk

    try:
        with pytest.raises(OSError, match="could not be written"):
            flow(still(), tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert list(tmp_path.iterdir()) == []


def test_the_colours_of_a_photograph_survive(tmp_path: Path) -> None:
    source = picture(320, 180)

    out = flow(still("PNG", source), tmp_path / "out", Motion.PUSH_IN)

    seen = next(frames_of(out)).to_image()
    for place in itertools.product(range(10, 310, 50), range(10, 170, 40)):
        assert seen.getpixel(place) == pytest.approx(source.getpixel(place), abs=8)
