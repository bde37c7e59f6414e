"""Clips: real H.264 in MP4 (yuv420p, index in front) with a moving camera, cheap to make.

A clip from text pans over two layers at different speeds; a clip from an image starts with exactly
that image and drifts sideways over its mirrored edge while motes of dust float by. All moves are
whole pixels a frame, so a frame is a few crops of planes that were converted to YUV once.
"""

import random
import tempfile
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from local.simulators.drawing import WORKING_EDGE, caption_layer, open_image, scene_seed
from local.simulators.scenery import Scenery

FRAMES_PER_SECOND = 24
FAR_STEP, NEAR_STEP, DRIFT_STEP = 2, 4, 2  # Even, so that half-size chroma moves whole pixels.
LONGEST_DRIFT_SHARE = 0.2
MOTES = 26
USUAL_EDGES = (2160, 1080, 720, 480, 360)
SAMPLES_PER_SECOND, AAC_SAMPLES = 24_000, 1024  # AAC takes so many at once.
X264 = {"preset": "ultrafast", "crf": "25", "threads": "1", "tune": "zerolatency"}
# PyAV's own types leave `from_image` without a signature.
to_frame: Callable[[Image.Image], av.VideoFrame] = av.VideoFrame.from_image
Planes = tuple[Image.Image, Image.Image, Image.Image]


@dataclass(frozen=True)
class ClipOrder:
    """One clip. With `first_frame` (an image file) it starts with that picture, else it is drawn.

    `two_shots` cuts to another scene in the middle, as a vendor does that was left to direct.
    `sound` adds a track of a low hum.
    """

    provider: str
    prompt: str
    width: int
    height: int
    duration_s: int
    seed: int = 0
    first_frame: bytes | None = None
    two_shots: bool = False
    sound: bool = False


@dataclass(frozen=True)
class Layer:
    """Planes that move `step` pixels a frame to the left, shown where `masks` (if any) say so."""

    planes: Planes
    masks: Planes | None
    step: int
    farthest: int


def _planes(image: Image.Image) -> Planes:
    """The image in BT.709 YUV 4:2:0, one L image a plane. Sizes must be even."""
    frame = to_frame(image).reformat(format="yuv420p", dst_colorspace="ITU709")
    first, second, third = (
        Image.frombytes("L", (plane.line_size, plane.height), bytes(plane)).crop(
            (0, 0, plane.width, plane.height)
        )
        for plane in frame.planes
    )
    return first, second, third


def _masks(mask: Image.Image) -> Planes:
    half = mask.reduce(2)
    return mask, half, half


def _even(value: float) -> int:
    return max(2, round(value / 2) * 2)


def _enlarged(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image if image.size == size else image.resize(size, Image.Resampling.BILINEAR)


def _drawn_layers(order: ClipOrder, frames: int, seed: int) -> list[Layer]:
    """Background and foreground, each as wide as its own way."""
    scenery = Scenery(prompt=order.prompt, seed=seed)
    scale = min(1.0, WORKING_EDGE / max(order.width, order.height))
    layers = []
    for step in (FAR_STEP, NEAR_STEP):
        way = min((frames - 1) * step, _even(order.width * step * LONGEST_DRIFT_SHARE))
        size = (order.width + _even(way), order.height)
        small = _even(size[0] * scale), _even(size[1] * scale)
        if step == FAR_STEP:
            picture = _enlarged(scenery.background(*small), size)
            layers.append(Layer(_planes(picture), None, step, way))
        else:
            near, mask = scenery.foreground(*small)
            masks = _masks(_enlarged(mask, size))
            layers.append(Layer(_planes(_enlarged(near, size)), masks, step, way))
    return layers


def _image_layers(order: ClipOrder, content: bytes, frames: int) -> list[Layer]:
    """The given picture, continued to the right by its mirror image."""
    size = (order.width, order.height)
    picture = ImageOps.fit(open_image(content), size, Image.Resampling.BICUBIC)
    way = min((frames - 1) * DRIFT_STEP, _even(order.width * LONGEST_DRIFT_SHARE))
    canvas = Image.new("RGB", (order.width + _even(way), order.height))
    canvas.paste(picture, (0, 0))
    canvas.paste(ImageOps.mirror(picture), (order.width, 0))
    return [Layer(_planes(canvas), None, DRIFT_STEP, way)]


def _way(layer: Layer, number: int) -> int:
    """How far the layer has moved at a frame: out, and when its width is used up, back again."""
    if layer.farthest == 0:
        return 0
    position = number * layer.step % (2 * layer.farthest)
    return position if position <= layer.farthest else 2 * layer.farthest - position


class Motes:
    """Soft points of light that drift upwards; none in the first frame."""

    def __init__(self, order: ClipOrder, seed: int) -> None:
        chance = random.Random(seed + 3)
        radius = max(2, min(order.width, order.height) // 150)
        dot = Image.new("L", (radius * 6, radius * 6), 0)
        ImageDraw.Draw(dot).ellipse((radius * 2, radius * 2, radius * 4, radius * 4), fill=150)
        soft = dot.filter(ImageFilter.GaussianBlur(radius * 0.8))
        self._dots = [soft.point([v * level // 6 for v in range(256)]) for level in range(7)]
        self._motes = [
            (
                chance.random() * order.width,
                chance.random() * order.height,
                chance.uniform(0.3, 1.6),
            )
            for _ in range(MOTES)
        ]

    def draw(self, plane: Image.Image, number: int) -> None:
        if number == 0:
            return
        dot = self._dots[min(6, (number + 3) // 4)]
        for x, y, speed in self._motes:
            at = round(x + number * speed * 0.5), round((y - number * speed) % plane.height)
            plane.paste(235, (at[0], at[1], at[0] + dot.width, at[1] + dot.height), dot)


def _caption(order: ClipOrder) -> tuple[Planes, Planes, tuple[int, int]] | None:
    """The caption's planes and masks, cut out of the frame, and its even corner."""
    layer = caption_layer(
        order.provider,
        order.prompt,
        order.width,
        order.height,
        at_top=order.first_frame is not None,
    )
    box = None if layer is None else layer.getbbox()
    if layer is None or box is None:
        return None
    left, top, right, bottom = box
    left, top = left // 2 * 2, top // 2 * 2
    panel = layer.crop((left, top, left + _even(right - left), top + _even(bottom - top)))
    return _planes(panel.convert("RGB")), _masks(panel.getchannel("A")), (left, top)


def _frame(
    order: ClipOrder,
    layers: list[Layer],
    caption: tuple[Planes, Planes, tuple[int, int]] | None,
    motes: Motes,
    number: int,
) -> av.VideoFrame:
    frame = av.VideoFrame(order.width, order.height, "yuv420p")
    for index, plane in enumerate(frame.planes):
        part = 1 if index == 0 else 2
        picture: Image.Image | None = None
        for layer in layers:
            x = _way(layer, number) // part
            view = (x, 0, x + plane.line_size, plane.height)
            moved = layer.planes[index].crop(view)
            if picture is None or layer.masks is None:
                picture = moved
            else:
                picture.paste(moved, (0, 0), layer.masks[index].crop(view))
        if picture is None:
            raise ValueError("a clip needs at least one layer")
        if index == 0:
            motes.draw(picture, number)
        if caption is not None:
            planes, masks, (left, top) = caption
            picture.paste(planes[index], (left // part, top // part), masks[index])
        plane.update(picture.tobytes())
    return frame


def size_below(width: int, height: int) -> tuple[int, int]:
    """The same shape at the next lower usual resolution: 1280x720 for 1920x1080."""
    edge = min(width, height)
    lower = next((one for one in USUAL_EDGES if one < edge), edge // 2)
    return _even(width * lower / edge), _even(height * lower / edge)


def _hum(container: av.container.OutputContainer, stream: av.AudioStream, seconds: int) -> None:
    """A quiet square wave of 50 Hz, as long as the picture."""
    half = SAMPLES_PER_SECOND // 100
    wave = array("f", [0.01] * half + [-0.01] * half) * (50 * (seconds + 1))
    for at in range(0, seconds * SAMPLES_PER_SECOND, AAC_SAMPLES):
        frame = av.AudioFrame("fltp", "mono", AAC_SAMPLES)
        frame.sample_rate, frame.pts = SAMPLES_PER_SECOND, at
        frame.planes[0].update(wave[at : at + AAC_SAMPLES].tobytes())
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def draw_clip(order: ClipOrder) -> bytes:
    """The MP4 file: exactly `duration_s` × 24 frames of exactly the ordered, even size."""
    frames = order.duration_s * FRAMES_PER_SECOND
    seed = scene_seed(order.provider, order.prompt, order.seed)
    if order.first_frame is None:
        first = _drawn_layers(order, frames, seed)
    else:
        first = _image_layers(order, order.first_frame, frames)
    caption = _caption(order)
    motes = Motes(order, seed)
    second = _drawn_layers(order, frames, seed + 1) if order.two_shots else first
    with tempfile.TemporaryDirectory(prefix="filmgate-clip-") as folder:
        path = Path(folder) / "clip.mp4"  # FFmpeg reads the file again to move the index up.
        with av.open(path, "w", format="mp4", options={"movflags": "+faststart"}) as container:
            stream = container.add_stream("libx264", rate=FRAMES_PER_SECOND, options=X264)
            stream.width, stream.height, stream.pix_fmt = order.width, order.height, "yuv420p"
            stream.codec_context.colorspace = 1  # BT.709, as the planes are.
            stream.codec_context.color_range = 1  # Limited range.
            track = (
                container.add_stream("aac", rate=SAMPLES_PER_SECOND, layout="mono")
                if order.sound
                else None
            )
            for number in range(frames):
                layers = first if number < frames / 2 else second
                shown = caption if number or order.first_frame is None else None
                frame = _frame(order, layers, shown, motes, number)
                frame.pts = number
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
            if track is not None:
                _hum(container, track, order.duration_s)
        return path.read_bytes()
