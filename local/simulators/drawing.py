"""Stills: a drawn film frame with a caption that names the provider and the prompt.

Equal orders give equal bytes. Pictures larger than WORKING_EDGE are drawn at that size and
enlarged, since their pixel count is what a test looks at.
"""

import hashlib
import io
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Literal

from PIL import Image, ImageDraw, ImageFont, ImageOps

from local.simulators.scenery import Scenery

StillFormat = Literal["png", "jpeg", "webp"]
WORKING_EDGE = 1536
SMALLEST_CAPTION_EDGE = 128
CAPTION_CHARACTERS = 280
CAPTION_LINES = 2
ACCENT = (255, 196, 92)
PAPER = (240, 240, 236)
INK = (10, 12, 18, 150)


@dataclass(frozen=True)
class StillOrder:
    """One picture. With `reference` (an image file) that picture is graded instead of drawn."""

    provider: str
    prompt: str
    width: int
    height: int
    seed: int = 0
    format: StillFormat = "png"
    quality: int = 90
    transparent: bool = False
    reference: bytes | None = None


def scene_seed(provider: str, prompt: str, seed: int) -> int:
    text = f"{provider}\n{seed}\n{prompt}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:8])


def caption_text(prompt: str) -> str:
    """The prompt on one line, without characters that cannot or must not be drawn.

    Pillow's bundled font has plain Latin letters only, so accents are dropped and other scripts
    show as boxes.
    """
    kept = (
        " " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character
        for character in unicodedata.normalize("NFKD", prompt[: CAPTION_CHARACTERS * 2])
        if unicodedata.category(character) not in ("Cf", "Cs", "Co", "Cn", "Mn")
    )
    text = " ".join("".join(kept).split())
    return text if len(text) <= CAPTION_CHARACTERS else text[: CAPTION_CHARACTERS - 1] + "…"


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def wrap(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, room: int) -> list[str]:
    """The text in at most CAPTION_LINES lines of `room` pixels; long words are broken."""
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}".strip()
        if font.getlength(joined) <= room:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        for character in word:
            if font.getlength(lines[-1] + character) > room and lines[-1]:
                lines.append("")
            lines[-1] += character
        if len(lines) > CAPTION_LINES:
            break
    if len(lines) > CAPTION_LINES:
        last = lines[CAPTION_LINES - 1]
        while last and font.getlength(last + "…") > room:
            last = last[:-1]
        lines = [*lines[: CAPTION_LINES - 1], last + "…"]
    return lines


def caption_layer(
    provider: str, prompt: str, width: int, height: int, *, at_top: bool = False
) -> Image.Image | None:
    """An RGBA layer of the frame's size with the caption; None where it would not be legible."""
    if min(width, height) < SMALLEST_CAPTION_EDGE:
        return None
    size = max(11, round(min(width, height) / 38))
    font, room = _font(size), round(width * 0.86)
    lines = wrap(caption_text(prompt), font, room - 2 * size)
    step = round(size * 1.32)
    panel_height = step * (len(lines) + 1) + size
    margin = round(height * 0.035)
    left, top = round(width * 0.03), margin if at_top else height - panel_height - margin
    wide = max(font.getlength(line) for line in [provider.upper(), *lines])
    layer = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    box = (left, top, left + round(wide) + 2 * size, top + panel_height)
    draw.rounded_rectangle(box, radius=size // 2, fill=INK)
    draw.text((left + size, top + size // 2), provider.upper(), font=font, fill=ACCENT)
    for number, line in enumerate(lines, start=1):
        draw.text((left + size, top + size // 2 + number * step), line, font=font, fill=PAPER)
    return layer


def open_image(content: bytes) -> Image.Image:
    """A decoded RGB image, upright. Raises ValueError when the bytes are not a usable image."""
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP")) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError("these bytes are not a PNG, JPEG or WebP image") from error


def _landscape(order: StillOrder, width: int, height: int) -> Image.Image:
    scenery = Scenery(
        prompt=order.prompt, seed=scene_seed(order.provider, order.prompt, order.seed)
    )
    image = scenery.background(width, height)
    near, mask = scenery.foreground(width, height)
    image.paste(near, (0, 0), mask)
    return image


def _regraded(order: StillOrder, content: bytes, width: int, height: int) -> Image.Image:
    """The reference picture, cut to the frame and tinted by the prompt's light: a variation."""
    picture = ImageOps.fit(open_image(content), (width, height), Image.Resampling.BICUBIC)
    scenery = Scenery(
        prompt=order.prompt, seed=scene_seed(order.provider, order.prompt, order.seed)
    )
    tint = ImageOps.colorize(
        ImageOps.grayscale(picture), scenery.light.land, scenery.light.lamp, scenery.light.middle
    )
    return Image.blend(picture, tint, 0.35)


def _vignette(image: Image.Image) -> None:
    fall = [round(120 * max(0.0, (v - 110) / 145) ** 1.6) for v in range(256)]
    mask = Image.radial_gradient("L").point(fall).resize(image.size, Image.Resampling.BILINEAR)
    image.paste((0, 0, 0), (0, 0), mask)


def compose(order: StillOrder) -> Image.Image:
    """The picture as an image of the ordered size: RGB, or RGBA where transparency is ordered."""
    scale = min(1.0, WORKING_EDGE / max(order.width, order.height))
    width, height = (max(1, round(edge * scale)) for edge in (order.width, order.height))
    if order.reference is None:
        image = _landscape(order, width, height)
    else:
        image = _regraded(order, order.reference, width, height)
    _vignette(image)
    if order.transparent:
        edge = [255 if v < 110 else max(0, 255 - (v - 110) * 4) for v in range(256)]
        image.putalpha(Image.radial_gradient("L").resize((width, height)).point(edge))
    caption = caption_layer(order.provider, order.prompt, width, height)
    if caption is not None:
        image = Image.alpha_composite(image.convert("RGBA"), caption)
    image = image.convert("RGBA" if order.transparent else "RGB")
    if image.size != (order.width, order.height):
        image = image.resize((order.width, order.height), Image.Resampling.BILINEAR)
    return image


def encode(image: Image.Image, format: StillFormat, quality: int) -> bytes:
    target = io.BytesIO()
    if format == "png":
        image.save(target, "PNG", compress_level=1)
    elif format == "jpeg":
        image.save(target, "JPEG", quality=min(95, max(1, quality)))
    else:
        image.save(target, "WEBP", quality=quality, method=0)
    return target.getvalue()


def draw_still(order: StillOrder) -> bytes:
    return encode(compose(order), order.format, order.quality)
