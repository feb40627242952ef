"""Photos of drawn things: a background, a shadow, light and a camera around a drawing."""

from __future__ import annotations

import colorsys
import io
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from packager.data.drawings import Colour, Pen

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Pixels = np.ndarray[Any, np.dtype[Any]]

_FINER = 2  # drawn so many times larger, then reduced: smooth edges


def photograph(draw: Callable[[Pen], None], rng: np.random.Generator, *, turn: float = 30) -> bytes:
    """One JPEG of a thing, 240 to 360 pixels a side.

    Args:
        draw: draws the thing with the pen that it is given.
        rng: draws everything else: colours, background, light, size, place, sharpness.
        turn: the thing is rotated by up to so many degrees either way; every other one is mirrored.
    """
    from PIL import Image, ImageFilter

    width, height = (int(side) for side in rng.integers(240, 361, 2))
    colours = [_colour(rng) for _ in range(4)]
    scene = _background(width, height, colours[2], colours[3], rng)
    behind = tuple(float(v) for v in scene[::4, ::4].mean(axis=(0, 1)))
    while min(_apart(colours[0], behind), _apart(colours[1], behind)) < 70:
        colours[:2] = _colour(rng), _colour(rng)

    size = round(min(width, height) * rng.uniform(0.5, 0.92))
    angle, mirrored = float(rng.uniform(-turn, turn)), bool(rng.random() < 0.5)
    pen = Pen(size * _FINER, colours[0], colours[1], rng, angle, mirrored)
    draw(pen)
    # Premultiplied, so that the transparent black around doesn't darken the edges.
    thing = pen.image.convert("RGBa").reduce(_FINER).convert("RGBA")
    left = int(rng.integers(-size // 20, width - size + size // 20 + 1))
    top = int(rng.integers(-size // 20, height - size + size // 20 + 1))

    mask = Image.new("L", (width, height))
    mask.paste(thing.getchannel("A"), (left, top))
    layer = Image.new("RGB", (width, height))
    layer.paste(thing.convert("RGB"), (left, top))
    shift = (left + int(rng.integers(-12, 13)), top + int(rng.integers(4, 16)))
    shadow = Image.new("L", (width, height))
    shadow.paste(thing.getchannel("A"), shift)
    shadow = shadow.filter(ImageFilter.GaussianBlur(float(rng.uniform(4, 10))))
    scene *= 1 - float(rng.uniform(0.25, 0.6)) * _channel(shadow)
    alpha = _channel(mask)
    light = 1 + float(rng.uniform(0.1, 0.35)) * _ramp(width, height, float(rng.uniform(0, 6.3)))
    scene += alpha * (np.asarray(layer, np.float32) * light[..., None] - scene)
    return _exposed(scene, rng)


def _background(
    width: int, height: int, one: Colour, other: Colour, rng: np.random.Generator
) -> Pixels:
    """float32 [height, width, 3], 0..255: two colours in one of six textures, out of focus."""
    from PIL import Image, ImageFilter

    across = _ramp(width, height, float(rng.uniform(0, 6.3)))
    along = _ramp(width, height, float(rng.uniform(0, 6.3)))
    period = float(rng.uniform(4, 14))
    match int(rng.integers(6)):
        case 0:
            mix = across
        case 1:
            mix = np.sin(period * across) * 0.8
        case 2:
            mix = np.sign(np.sin(period * across) * np.sin(period * along)) * 0.7
        case 3:
            mix = _clouds(width, height, int(rng.integers(3, 7)), rng)
        case 4:
            mix = _clouds(width, height, int(rng.integers(20, 60)), rng)
        case _:
            mix = np.full((height, width), -0.6, np.float32)
            x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
            for _ in range(int(rng.integers(8, 30))):
                radius = np.float32(rng.uniform(6, 40))
                away = np.hypot(
                    x - np.float32(rng.uniform(0, width)), y - np.float32(rng.uniform(0, height))
                )
                mix += np.float32(rng.uniform(0.4, 1.2)) * np.clip(radius - away, 0, 1)
    mix = 0.8 * mix + 0.25 * across + 0.12 * _clouds(width, height, 40, rng)
    share = np.clip(mix * 0.5 + 0.5, 0, 1)[..., None]
    first, second = np.asarray(one, np.float32), np.asarray(other, np.float32)
    scene = first + (second - first) * share
    blurred = ImageFilter.BoxBlur(float(rng.uniform(0.5, 4)))
    return np.array(Image.fromarray(scene.astype(np.uint8)).filter(blurred), np.float32)


def _exposed(scene: Pixels, rng: np.random.Generator) -> bytes:
    """The camera: light, its colour, falloff, focus, noise, JPEG."""
    from PIL import Image, ImageFilter

    height, width = scene.shape[:2]
    light = 1 + float(rng.uniform(0, 0.4)) * _ramp(width, height, float(rng.uniform(0, 6.3)))
    cast = rng.uniform(0.6, 1.2) * rng.uniform(0.88, 1.12, 3)
    scene *= light[..., None] * cast.astype(np.float32)
    scene += rng.standard_normal(scene.shape, np.float32) * float(rng.uniform(1, 9))
    picture = Image.fromarray(np.clip(scene, 0, 255).astype(np.uint8))
    if (blur := float(rng.uniform(-0.6, 1.0))) > 0:
        picture = picture.filter(ImageFilter.GaussianBlur(blur))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=int(rng.integers(70, 95)))
    return buffer.getvalue()


def _ramp(width: int, height: int, angle: float) -> Pixels:
    """float32 [height, width], about -1..1, rising in the direction of `angle` (radians)."""
    x, y = np.linspace(-1, 1, width), np.linspace(-1, 1, height)[:, None]
    ramp: Pixels = (np.cos(angle) * x + np.sin(angle) * y).astype(np.float32)
    return ramp


def _clouds(width: int, height: int, cells: int, rng: np.random.Generator) -> Pixels:
    """float32 [height, width], -1..1: smooth noise with `cells` lumps a side."""
    from PIL import Image

    lumps = Image.fromarray(rng.uniform(-1, 1, (cells, cells)).astype(np.float32))
    return np.asarray(lumps.resize((width, height), Image.Resampling.BICUBIC), np.float32)


def _channel(mask: Picture) -> Pixels:
    return np.asarray(mask, np.float32)[..., None] / 255


def _colour(rng: np.random.Generator) -> Colour:
    hue, saturation, value = rng.uniform(0, 1), rng.uniform(0.15, 0.95), rng.uniform(0.3, 1.0)
    red, green, blue = (round(255 * c) for c in colorsys.hsv_to_rgb(hue, saturation, value))
    return red, green, blue


def _apart(one: Colour, other: tuple[float, ...]) -> float:
    return math.dist(one, other)
