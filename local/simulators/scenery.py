"""Landscapes made from a text: sky, light, ridges and a foreground, the same for the same text.

Words of the prompt choose the light (night, dawn, snow, …) and the place (forest, city, sea, …);
the rest comes from a random generator seeded with the text's hash. Sizes are shares of the frame,
so one prompt gives one composition at every size.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
SMOOTHING = 2  # Shapes are drawn this much larger and reduced, which smooths their edges.


@dataclass(frozen=True)
class Light:
    """The colours of one time of day: the sky from top to horizon, the lamp, the nearest land."""

    top: Colour
    middle: Colour
    horizon: Colour
    lamp: Colour
    land: Colour
    stars: bool = False


LIGHTS = {
    "dawn": Light((58, 74, 122), (214, 138, 132), (255, 214, 165), (255, 240, 214), (38, 34, 52)),
    "day": Light((58, 122, 184), (132, 182, 214), (226, 236, 232), (255, 252, 236), (32, 58, 52)),
    "dusk": Light((34, 28, 66), (150, 62, 92), (255, 160, 92), (255, 220, 160), (24, 16, 34)),
    "night": Light((8, 12, 32), (20, 34, 74), (62, 84, 128), (236, 240, 250), (6, 9, 20), True),
    "snow": Light((112, 142, 176), (178, 198, 216), (240, 238, 236), (255, 250, 240), (62, 78, 98)),
    "storm": Light((34, 42, 52), (74, 88, 98), (150, 158, 154), (214, 220, 214), (18, 24, 28)),
    "amber": Light((92, 58, 44), (206, 128, 68), (250, 214, 142), (255, 244, 208), (54, 28, 24)),
    "teal": Light((10, 42, 58), (24, 104, 112), (168, 206, 180), (250, 246, 214), (8, 26, 34)),
}
HOUR_WORDS = {
    "night": ("night", "moon", "midnight", "star", "space", "dark"),
    "dawn": ("dawn", "sunrise", "morning"),
    "dusk": ("dusk", "sunset", "evening", "golden"),
}
WEATHER_WORDS = {
    "snow": ("snow", "winter", "ice", "frost"),
    "storm": ("storm", "rain", "fog", "mist", "grey"),
    "amber": ("desert", "dune", "sand", "dust", "canyon"),
    "teal": ("underwater", "neon", "jungle"),
}
PLACE_WORDS = {
    "city": ("city", "street", "roof", "tower", "neon", "alley", "station", "apartment"),
    "sea": ("sea", "ocean", "harbor", "harbour", "boat", "ship", "lake", "river", "lighthouse"),
    "dunes": ("desert", "dune", "sand", "canyon", "beach", "snow", "field"),
    "forest": ("forest", "tree", "wood", "pine", "fox", "wolf", "deer", "jungle", "mountain"),
}
PLACES = ("forest", "sea", "dunes", "city")


def _named(words: dict[str, tuple[str, ...]], prompt: str) -> str | None:
    """The entry whose word stands earliest in the prompt."""
    text = prompt.casefold()
    places = [
        (text.find(word), name)
        for name, choices in words.items()
        for word in choices
        if word in text
    ]
    return min(places)[1] if places else None


def blend(first: Colour, second: Colour, share: float) -> Colour:
    mixed = [round(a + (b - a) * share) for a, b in zip(first, second, strict=True)]
    return mixed[0], mixed[1], mixed[2]


class Scenery:
    """One scene, ready to be drawn at any size."""

    def __init__(self, *, prompt: str, seed: int) -> None:
        chance = random.Random(seed)
        named = _named(HOUR_WORDS, prompt) or _named(WEATHER_WORDS, prompt)
        self.light = LIGHTS[named or chance.choice(sorted(LIGHTS))]
        self.place = _named(PLACE_WORDS, prompt) or chance.choice(PLACES)
        self.seed = seed
        self.horizon = chance.uniform(0.56, 0.68)
        self.lamp_at = (chance.uniform(0.2, 0.8), self.horizon - chance.uniform(0.08, 0.3))
        self.lamp_radius = chance.uniform(0.035, 0.075)
        self.figure_at = chance.choice((0.31, 0.38, 0.62, 0.69))

    def background(self, width: int, height: int) -> Image.Image:
        """Sky, lamp, clouds and the far ridges, opaque."""
        chance = random.Random(self.seed + 1)
        image = self._sky(width, height)
        if self.light.stars:
            self._stars(image, chance)
        self._lamp(image)
        self._clouds(image, chance)
        for layer in range(3):
            nearness = layer / 3
            colour = blend(self.light.horizon, self.light.land, 0.22 + 0.5 * nearness)
            base = self.horizon + 0.02 + 0.07 * layer
            rough = 0.10 - 0.02 * layer if self.place != "sea" else 0.05 - 0.02 * layer
            self._fill(image, colour, _ridge(chance, width, height, base=base, rough=rough))
        if self.place == "sea":
            self._water(image, chance)
        return image

    def foreground(self, width: int, height: int) -> tuple[Image.Image, Image.Image]:
        """The nearest land with what stands on it: its picture and its mask (L)."""
        chance = random.Random(self.seed + 2)
        mask = Image.new("L", (width * SMOOTHING, height * SMOOTHING), 0)
        draw = ImageDraw.Draw(mask)
        base = {"city": 0.86, "sea": 0.93, "dunes": 0.80, "forest": 0.84}[self.place]
        ground = _ridge(chance, width, height, base=base, rough=0.03)
        draw.polygon([(x * SMOOTHING, y * SMOOTHING) for x, y in ground], fill=255)
        standing: dict[str, Callable[..., None]] = {
            "forest": _pines,
            "city": _houses,
            "sea": _reeds,
            "dunes": _grass,
        }
        standing[self.place](draw, chance, mask.width, mask.height, base)
        if self.place in ("sea", "dunes"):
            _figure(draw, mask.width, mask.height, at=self.figure_at, base=base)
        near = _gradient(
            (blend(self.light.land, self.light.middle, 0.10), self.light.land), width, height
        )
        if self.place == "city":
            _windows(near, chance, self.light, base)
        return near, mask.reduce(SMOOTHING)

    def _sky(self, width: int, height: int) -> Image.Image:
        reach = max(1, round(height * self.horizon))
        sky = _gradient((self.light.top, self.light.middle, self.light.horizon), width, reach)
        image = Image.new("RGB", (width, height), self.light.horizon)
        image.paste(sky, (0, 0))
        return image

    def _stars(self, image: Image.Image, chance: random.Random) -> None:
        draw = ImageDraw.Draw(image)
        for _ in range(140):
            x = chance.random() * image.width
            y = chance.random() ** 1.6 * image.height * self.horizon
            size = chance.uniform(0.4, 1.5) * image.height / 720
            colour = blend(self.light.middle, (255, 255, 255), chance.uniform(0.4, 1.0))
            draw.ellipse((x - size, y - size, x + size, y + size), fill=colour)

    def _lamp(self, image: Image.Image) -> None:
        """Sun or moon: a wide glow, a narrow glow and the disc."""
        unit = min(image.size)
        x, y = self.lamp_at[0] * image.width, self.lamp_at[1] * image.height
        for radius, strength in ((9.0, 0.42), (3.2, 0.5)):
            size = max(2, round(self.lamp_radius * radius * unit) * 2)
            glow = Image.radial_gradient("L").resize((size, size), Image.Resampling.BILINEAR)
            fall = [round(255 * strength * max(0.0, 1 - v / 181) ** 2) for v in range(256)]
            corner = (round(x - size / 2), round(y - size / 2))
            image.paste(self.light.lamp, _box(corner, size), glow.point(fall))
        size = max(2, round(self.lamp_radius * unit) * 2)
        disc = Image.new("L", (size * 4, size * 4), 0)
        ImageDraw.Draw(disc).ellipse((0, 0, size * 4 - 1, size * 4 - 1), fill=245)
        corner = (round(x - size / 2), round(y - size / 2))
        image.paste(self.light.lamp, _box(corner, size), disc.reduce(4))

    def _clouds(self, image: Image.Image, chance: random.Random) -> None:
        width, height = max(8, image.width // 6), max(8, image.height // 6)
        mask = Image.new("L", (width, height), 0)
        draw = ImageDraw.Draw(mask)
        for _ in range(chance.randint(3, 7)):
            left, top = chance.uniform(-0.1, 0.95), chance.uniform(0.06, self.horizon - 0.12)
            for _ in range(7):
                x = (left + chance.uniform(0, 0.2)) * width
                y = (top + chance.uniform(-0.012, 0.012)) * height
                long = chance.uniform(0.03, 0.1) * width
                thick = chance.uniform(0.006, 0.02) * height
                box = (x - long, y - thick, x + long, y + thick)
                draw.ellipse(box, fill=chance.randint(40, 110))
        soft = mask.filter(ImageFilter.GaussianBlur(max(1.0, height / 90)))
        colour = blend(self.light.horizon, self.light.lamp, 0.4)
        image.paste(colour, (0, 0), soft.resize(image.size, Image.Resampling.BICUBIC))

    def _fill(self, image: Image.Image, colour: Colour, line: list[tuple[float, float]]) -> None:
        mask = Image.new("L", (image.width * SMOOTHING, image.height * SMOOTHING), 0)
        points = [(x * SMOOTHING, y * SMOOTHING) for x, y in line]
        ImageDraw.Draw(mask).polygon(points, fill=255)
        below = _gradient((colour, blend(colour, self.light.horizon, 0.28)), 1, image.height)
        image.paste(below.resize(image.size), (0, 0), mask.reduce(SMOOTHING))

    def _water(self, image: Image.Image, chance: random.Random) -> None:
        top = round(image.height * (self.horizon + 0.1))
        deep = blend(self.light.top, self.light.land, 0.45)
        water = _gradient(
            (blend(self.light.horizon, deep, 0.3), deep), image.width, image.height - top
        )
        draw = ImageDraw.Draw(water)
        for _ in range(220):
            depth = chance.random() ** 1.5
            y = depth * water.height
            spread = (0.03 + 0.16 * depth) * image.width
            x = self.lamp_at[0] * image.width + chance.gauss(0, 1) * spread
            length = (0.006 + 0.03 * depth) * image.width * chance.uniform(0.4, 1.3)
            share = max(0.12, 0.8 - abs(x / image.width - self.lamp_at[0]) * 3)
            colour = blend(deep, self.light.lamp, share)
            thick = max(1, round(image.height / 480 * (0.5 + depth)))
            draw.line((x - length, y, x + length, y), fill=colour, width=thick)
        image.paste(water, (0, top))


def _box(corner: tuple[int, int], size: int) -> tuple[int, int, int, int]:
    return corner[0], corner[1], corner[0] + size, corner[1] + size


def _gradient(stops: tuple[Colour, ...], width: int, height: int) -> Image.Image:
    """A vertical blend of the stops, even over the height."""
    steps = 64
    column = Image.new("RGB", (1, steps))
    for y in range(steps):
        position = y / (steps - 1) * (len(stops) - 1)
        first = min(int(position), len(stops) - 2)
        column.putpixel((0, y), blend(stops[first], stops[first + 1], position - first))
    return column.resize((1, height), Image.Resampling.BICUBIC).resize((width, height))


def _ridge(
    chance: random.Random, width: int, height: int, *, base: float, rough: float
) -> list[tuple[float, float]]:
    """A polygon from a rolling line around `base` (share of the height) down to the lower edge."""
    waves = [
        (chance.uniform(0.6, 1.4) * 2**octave, chance.uniform(0, math.tau), 0.55**octave)
        for octave in range(6)
    ]
    points: list[tuple[float, float]] = [(-2, height + 2)]
    steps = 240
    for step in range(steps + 1):
        x = step / steps
        lift = sum(math.sin(x * math.tau * f + phase) * share for f, phase, share in waves)
        points.append((x * (width + 4) - 2, (base - lift * rough * 0.5) * height))
    return [*points, (width + 2, height + 2)]


def _pines(
    draw: ImageDraw.ImageDraw, chance: random.Random, width: int, height: int, base: float
) -> None:
    for _ in range(max(6, round(22 * width / height))):
        x = chance.uniform(0, 1) * width
        away = abs(x / width - 0.5) * 2
        tall = height * chance.uniform(0.08, 0.2) * (0.5 + 1.3 * away)
        foot = (base + 0.05) * height
        for tier in range(5):
            low = foot - tall * tier * 0.18
            half = tall * (0.2 - 0.03 * tier)
            draw.polygon([(x - half, low), (x, low - tall * 0.36), (x + half, low)], fill=255)
        draw.rectangle((x - tall * 0.02, foot - 2, x + tall * 0.02, height), fill=255)


def _houses(
    draw: ImageDraw.ImageDraw, chance: random.Random, width: int, height: int, base: float
) -> None:
    x = -0.02 * width
    while x < width:
        wide = chance.uniform(0.04, 0.1) * height * 1.6
        tall = chance.uniform(0.04, 0.34) * height
        top = base * height - tall
        draw.rectangle((x, top, x + wide, height), fill=255)
        if chance.random() < 0.35:
            draw.rectangle((x + wide * 0.45, top - tall * 0.25, x + wide * 0.48, top), fill=255)
        x += wide * chance.uniform(0.92, 1.25)


def _reeds(
    draw: ImageDraw.ImageDraw, chance: random.Random, width: int, height: int, base: float
) -> None:
    stroke = max(2, height // 500)
    for _ in range(90):
        x = chance.random() ** 2 * 0.4
        x = (x if chance.random() < 0.5 else 1 - x) * width
        tall, lean = height * chance.uniform(0.04, 0.16), width * chance.uniform(-0.01, 0.01)
        blade = (x, (base + 0.03) * height, x + lean, base * height - tall)
        draw.line(blade, fill=255, width=stroke)


def _grass(
    draw: ImageDraw.ImageDraw, chance: random.Random, width: int, height: int, base: float
) -> None:
    stroke = max(2, height // 600)
    for _ in range(160):
        x = chance.random() * width
        tall, lean = height * chance.uniform(0.01, 0.05), width * chance.uniform(-0.006, 0.006)
        blade = (x, (base + 0.04) * height, x + lean, base * height - tall)
        draw.line(blade, fill=255, width=stroke)


def _figure(draw: ImageDraw.ImageDraw, width: int, height: int, *, at: float, base: float) -> None:
    """A lone walker in a long coat, small against the land."""
    tall = 0.13 * height
    x, foot = at * width, (base + 0.02) * height
    head = tall * 0.075
    draw.ellipse((x - head, foot - tall, x + head, foot - tall + 2 * head), fill=255)
    shoulder, hem, hip = foot - tall * 0.84, foot - tall * 0.22, tall * 0.13
    coat = [(x - head * 1.3, shoulder), (x + head * 1.3, shoulder), (x + hip, hem), (x - hip, hem)]
    draw.polygon(coat, fill=255)
    for lean in (-0.07, 0.08):
        leg = (x + lean * tall * 0.4, hem, x + lean * tall * 1.4, foot + tall * 0.1)
        draw.line(leg, fill=255, width=max(2, round(tall * 0.05)))


def _windows(image: Image.Image, chance: random.Random, light: Light, base: float) -> None:
    """Lit windows on the near layer; those outside its mask are simply never seen."""
    draw = ImageDraw.Draw(image)
    unit = max(2, image.height // 110)
    for row in range(round((base - 0.36) * image.height), image.height, unit * 3):
        for column in range(0, image.width, unit * 3):
            if chance.random() < 0.16:
                colour = blend(light.land, light.lamp, chance.uniform(0.35, 0.9))
                draw.rectangle((column, row, column + unit, row + unit), fill=colour)
