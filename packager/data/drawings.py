"""Five things, drawn: what the demo photos show."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

Colour = tuple[int, int, int]
Point = tuple[float, float]


class Pen:
    """Draws on a transparent square whose sides are -1..1, y downwards.

    Args:
        pixels: side of the square.
        main: the thing's colour; other: that of its second part.
        rng: for small differences from one drawing to the next.
        turn: rotation of everything around the middle, in degrees.
        mirrored: whether left and right change places.
    """

    def __init__(
        self,
        pixels: int,
        main: Colour,
        other: Colour,
        rng: np.random.Generator,
        turn: float = 0,
        mirrored: bool = False,
    ) -> None:
        from PIL import Image, ImageDraw

        self.image: Image.Image = Image.new("RGBA", (pixels, pixels))
        self._draw = ImageDraw.Draw(self.image)
        self._half = pixels / 2
        self.main, self.other, self.rng = main, other, rng
        cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        side = -1 if mirrored else 1
        self._matrix = (side * cos, -sin, side * sin, cos)

    def vary(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def shape(self, points: list[Point], colour: Colour) -> None:
        self._draw.polygon([self._at(point) for point in points], fill=colour)

    def oval(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        self.shape(arc(x, y, rx, ry, 0, 360), colour)

    def line(self, points: list[Point], width: float, colour: Colour) -> None:
        pixels = max(1, round(width * self._half))
        self._draw.line([self._at(p) for p in points], fill=colour, width=pixels, joint="curve")
        for x, y in (points[0], points[-1]):  # round ends
            self.oval(x, y, width / 2, width / 2, colour)

    def _at(self, point: Point) -> Point:
        (x, y), (a, b, c, d) = point, self._matrix
        return (a * x + b * y + 1) * self._half, (c * x + d * y + 1) * self._half


def shade(colour: Colour, factor: float) -> Colour:
    """Darker (below 1) or, towards white, lighter (above 1)."""
    target, share = (0, 1 - factor) if factor < 1 else (255, factor - 1)
    red, green, blue = (round(c + (target - c) * share) for c in colour)
    return red, green, blue


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> list[Point]:
    """Points along an ellipse from `start` to `end` degrees, clockwise from the right."""
    angles = np.radians(np.linspace(start, end, 48))
    return [(x + rx * math.cos(angle), y + ry * math.sin(angle)) for angle in angles]


def butterfly(pen: Pen) -> None:
    spread, dots = pen.vary(0.85, 1.0), pen.vary(0.10, 0.17)
    for side in (-1, 1):
        for (x, y, rx, ry, tilt), colour in (
            ((0.42, 0.38, 0.36, 0.50, -38.0), pen.other),
            ((0.50, -0.32, 0.42, 0.62, 52.0), pen.main),
        ):
            turn = math.radians(tilt)
            for grow, tone in ((1.0, shade(colour, 0.45)), (0.84, colour), (0.45, None)):
                wing = [
                    (
                        side * spread * (x + u * math.cos(turn) - v * math.sin(turn)),
                        y + u * math.sin(turn) + v * math.cos(turn),
                    )
                    for u, v in arc(0, 0, rx * grow, ry * grow, 0, 360)
                ]
                pen.shape(wing, tone or shade(colour, 1.35))
        pen.oval(side * spread * 0.72, -0.52, dots, dots, shade(pen.main, 0.3))
        pen.oval(side * spread * 0.52, 0.55, dots * 0.7, dots * 0.7, shade(pen.other, 0.3))
        pen.line(
            arc(side * 0.32, -0.55, 0.30, 0.42, *((180, 270), (360, 270))[side < 0]),
            0.035,
            (35, 28, 25),
        )
    pen.oval(0, 0.05, 0.085, 0.62, (45, 36, 32))
    pen.oval(0, -0.55, 0.11, 0.11, (45, 36, 32))


def cup(pen: Pen) -> None:
    waist, depth = pen.vary(0.36, 0.48), pen.vary(0.60, 0.72)
    dark, light = shade(pen.main, 0.6), shade(pen.main, 1.3)
    pen.oval(-0.12, depth + 0.06, 0.82, 0.17, shade(pen.other, 0.7))  # saucer
    pen.oval(-0.12, depth + 0.02, 0.82, 0.16, pen.other)
    pen.line(arc(0.50, -0.02, 0.36, 0.33, -100, 110), 0.15, dark)  # handle
    pen.line(arc(0.50, -0.03, 0.36, 0.33, -100, 110), 0.09, pen.main)
    right = [
        (0.55 - (0.67 - waist - 0.12) * t**2.2, -0.5 + (depth + 0.5) * t)
        for t in np.linspace(0, 1, 24)
    ]
    left = [(-0.24 - x, y) for x, y in reversed(right)]
    pen.shape([*right, *arc(-0.12, depth, waist, 0.09, 0, 180), *left], pen.main)
    pen.shape(
        [(x * 0.25 - 0.42, y * 0.8) for x, y in right]
        + [(-0.62 + 0.1 * (y + 0.5), y * 0.8) for _, y in reversed(right)],
        light,
    )
    pen.oval(-0.12, -0.5, 0.67, 0.19, light)  # rim
    pen.oval(-0.12, -0.49, 0.60, 0.15, dark)
    pen.oval(-0.12, -0.45, 0.50, 0.10, (74, 46, 30))  # coffee


def fish(pen: Pen) -> None:
    height, stripes = pen.vary(0.38, 0.5), int(pen.rng.integers(2, 5))
    dark = shade(pen.main, 0.6)
    pen.shape([(0.45, 0.0), (0.98, -0.48), (0.84, 0.0), (0.98, 0.48)], pen.other)  # tail
    pen.shape([(-0.3, -height * 0.8), (0.15, -height - 0.32), (0.42, -height * 0.5)], pen.other)
    pen.shape([(-0.1, height * 0.8), (0.12, height + 0.24), (0.32, height * 0.6)], pen.other)
    spine = np.linspace(0, 1, 60)
    outline = height * np.sin(np.pi * spine**0.75) ** 0.8
    x = -0.95 + 1.55 * spine
    pen.shape([*zip(x, -outline, strict=True), *zip(x[::-1], outline[::-1], strict=True)], pen.main)
    belly = [*zip(x[5:50], outline[5:50] * 0.25, strict=True)]
    pen.shape(
        [*belly, *zip(x[5:50][::-1], outline[5:50][::-1] * 0.93, strict=True)],
        shade(pen.main, 1.35),
    )
    for number in range(stripes):
        at = 24 + number * 24 // stripes
        pen.shape(
            [
                (x[at], -outline[at]),
                (x[at + 3], -outline[at + 3]),
                (x[at + 3] + 0.05, outline[at + 3]),
                (x[at] + 0.05, outline[at]),
            ],
            pen.other,
        )
    pen.line(arc(-0.62, 0.0, 0.22, height * 0.8, -60, 60), 0.035, dark)  # gill
    pen.shape([(-0.25, 0.05), (0.1, 0.02), (0.02, 0.26)], dark)
    pen.oval(-0.68, -0.12, 0.10, 0.10, (250, 250, 250))
    pen.oval(-0.70, -0.12, 0.055, 0.055, (20, 20, 24))


def house(pen: Pen) -> None:
    wide, eaves = pen.vary(0.60, 0.72), pen.vary(-0.18, -0.05)
    wall, dark = pen.main, shade(pen.main, 0.55)
    chimney = pen.vary(0.2, 0.36)
    pen.shape(
        [(chimney, -0.85), (chimney + 0.18, -0.85), (chimney + 0.18, -0.3), (chimney, -0.3)], dark
    )
    pen.shape([(-wide, eaves), (wide, eaves), (wide, 0.85), (-wide, 0.85)], wall)
    pen.shape(
        [(wide * 0.55, eaves), (wide, eaves), (wide, 0.85), (wide * 0.55, 0.85)], shade(wall, 0.88)
    )
    pen.shape(
        [(-wide - 0.2, eaves + 0.06), (0, -0.92), (wide + 0.2, eaves + 0.06)], shade(pen.other, 0.7)
    )
    pen.shape([(-wide - 0.2, eaves), (0, -0.95), (wide + 0.2, eaves)], pen.other)
    pen.shape([(-0.14, 0.32), (0.16, 0.32), (0.16, 0.85), (-0.14, 0.85)], dark)
    pen.oval(0.10, 0.6, 0.03, 0.03, (240, 210, 90))
    glass = (255, 240, 170) if pen.vary(0, 1) < 0.5 else (170, 205, 230)
    for left in (-wide + 0.1, wide - 0.36):
        pen.shape(
            [(left - 0.03, 0.15), (left + 0.29, 0.15), (left + 0.29, 0.49), (left - 0.03, 0.49)],
            (245, 245, 240),
        )
        pen.shape([(left, 0.18), (left + 0.26, 0.18), (left + 0.26, 0.46), (left, 0.46)], glass)
        pen.line([(left + 0.13, 0.18), (left + 0.13, 0.46)], 0.03, (245, 245, 240))
        pen.line([(left, 0.32), (left + 0.26, 0.32)], 0.03, (245, 245, 240))


def umbrella(pen: Pen) -> None:
    panels = int(pen.rng.choice([4, 5, 6]))
    dome = pen.vary(0.78, 0.9)
    stick = (92, 70, 52)
    pen.line([(0, -0.95), (0, 0.72)], 0.06, stick)
    pen.line(arc(0.14, 0.72, 0.14, 0.18, 180, 0), 0.07, stick)
    tops = np.cos(np.linspace(math.pi, 0, panels + 1)) * 0.95
    for number, (left, right) in enumerate(pairwise(tops.tolist())):

        def rib(edge: float) -> list[Point]:
            return [
                (edge * math.sin(t), 0.05 - dome * math.cos(t))
                for t in np.linspace(0, math.pi / 2, 24)
            ]

        middle, reach = (left + right) / 2, (right - left) / 2
        hem = arc(middle, 0.05, reach, 0.10, 180, 360)
        colour = (pen.main, pen.other)[number % 2]
        pen.shape(
            [*rib(left), *hem, *rib(right)[::-1]], shade(colour, 1.18 - 0.5 * number / panels)
        )
    pen.oval(0, -dome + 0.03, 0.06, 0.04, stick)


DRAWINGS: dict[str, Callable[[Pen], None]] = {
    "butterfly": butterfly,
    "cup": cup,
    "fish": fish,
    "house": house,
    "umbrella": umbrella,
}
