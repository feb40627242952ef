"""The demo photos: a set that is drawn here, so that everything can be tried without data."""

from __future__ import annotations

import colorsys
import io
import math
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from packager import pool
from packager.cache import cache_folder
from packager.data.drawings import DRAWINGS, Colour, Pen
from packager.errors import DataError
from packager.files import Place, held
from packager.progress import SILENT, Progress

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Pixels = np.ndarray[Any, np.dtype[Any]]

CLASSES = tuple(sorted(DRAWINGS))
_VERSION = 1  # of the pictures: a change of them must not meet an older set in the cache
_FINER = 2  # drawn so many times larger, then reduced: smooth edges


def demo_photos(
    folder: Path | None = None,
    *,
    per_class: int = 60,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Path:
    """Creates the demo photos once and returns their folder, with one subfolder per class.

    Butterflies, cups, fish, houses and umbrellas, of any colour on any background, in varied
    light, size, place and rotation: JPEG, 240 to 360 pixels a side. The colours are drawn from
    the same distribution for each class, so that they don't give it away. The same seed makes
    the same bytes (with the same Pillow). Each file's name ends in the CRC-32 of its bytes:
    a folder that is found again is checked by it, and recreated when a photo is missing,
    changed or one too many.

    Args:
        folder: where to make them; "demo-…" in `packager.cache.cache_folder()` when None. An
            existing folder that holds anything else is refused.
        per_class: photos a class, at least 1.
        seed: of everything that is random.
        progress: told of one phase, a step a photo, when they are made.

    Raises:
        DataError: `folder` holds other files, or can't be written; or `per_class` is below 1.
    """
    if per_class < 1:
        raise DataError(
            f"{per_class} demo photos per class are too few", fix="Use 1 or more per class."
        )
    own = folder is None
    folder = folder or cache_folder() / f"demo-{_VERSION}-{per_class}-{seed}"
    if _complete(folder, per_class):
        return folder

    def demand_replaceable(found: Path) -> None:
        if not own and found.exists() and not _may_replace(found):
            raise DataError(
                "the folder contains files other than demo photos",
                where=folder,
                fix="Give a new folder, or an empty one.",
            )

    demand_replaceable(folder)
    try:
        with held(folder, wait=True) as place:
            if not _complete(folder, per_class):  # another process may have just made it
                _draw(place, demand_replaceable, per_class, seed, progress)
    except OSError as error:
        raise DataError(
            f"the demo photos can't be written ({error.strerror or error})",
            where=folder,
            fix="Free some space, or set PACKAGER_CACHE to a folder that can be written.",
        ) from error
    return folder


def _draw(
    place: Place, replaceable: Callable[[Path], None], per_class: int, seed: int,
    progress: Progress,
) -> None:  # fmt: skip
    photos = per_class * len(CLASSES)
    with (
        place.filled(replaceable) as fresh,
        progress.phase("Drawing demo photos", photos) as phase,
    ):
        for name in CLASSES:
            (fresh / name).mkdir()

        def make(photo: int) -> None:
            label, number = divmod(photo, per_class)
            name = CLASSES[label]
            content = _photo(name, np.random.default_rng([seed, label, number]))
            file = f"{name}-{number:04d}-{zlib.crc32(content):08x}.jpg"
            (fresh / name / file).write_bytes(content)

        for _ in pool.each(lambda: None, lambda _, photo: make(photo), range(photos)):
            phase.advance()


def _complete(folder: Path, per_class: int) -> bool:
    for name in CLASSES:
        try:
            files = sorted((folder / name).iterdir())
            if len(files) != per_class or not all(_is_whole(file) for file in files):
                return False
        except OSError:
            return False
    return True


def _is_whole(file: Path) -> bool:
    return file.stem[-8:] == f"{zlib.crc32(file.read_bytes()):08x}"


def _may_replace(folder: Path) -> bool:
    """Whether nothing is in there but demo photos."""
    if not folder.is_dir():
        return False
    for path in folder.rglob("*"):
        top = path.relative_to(folder).parts[0]
        if top not in CLASSES:
            return False
        drawn = rf"{top}-\d{{4,}}-[0-9a-f]{{8}}\.jpg"
        if not path.is_dir() and not re.fullmatch(drawn, path.name):
            return False
    return True


def _photo(name: str, rng: np.random.Generator) -> bytes:
    """One JPEG of the thing `name`."""
    from PIL import Image, ImageFilter

    width, height = (int(side) for side in rng.integers(240, 361, 2))
    colours = [_colour(rng) for _ in range(4)]
    scene = _background(width, height, colours[2], colours[3], rng)
    behind = tuple(float(v) for v in scene[::4, ::4].mean(axis=(0, 1)))
    while min(_apart(colours[0], behind), _apart(colours[1], behind)) < 70:
        colours[:2] = _colour(rng), _colour(rng)

    size = round(min(width, height) * rng.uniform(0.5, 0.92))
    turn, mirrored = float(rng.uniform(-30, 30)), bool(rng.random() < 0.5)
    pen = Pen(size * _FINER, colours[0], colours[1], rng, turn, mirrored)
    DRAWINGS[name](pen)
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
