"""A photo's appearance in a few numbers, for finding copies, blur and bad exposure."""

from __future__ import annotations

import hashlib
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from packager.cache import cache_folder, read_entry, write_entry
from packager.data.images import PREPROCESSING, open_and_measure

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Array = np.ndarray[Any, Any]

THUMBNAIL = 16  # side, pixels
_VERSION = 2  # of the numbers: raise it when the same photo would give others
_SIDE = 160  # pixels of the shorter side that sharpness is measured at
_WINDOW = 9  # pixels of the blur that a photo is compared with
_TILES = 4  # a side: what is sharp may be a small part of a photo
_CONTRAST = 1.0  # mean difference of neighbours, of 255, below which a tile says nothing
_WHITE, _BRIGHT = 250, 95  # level, and percentile
_NUMBERS = struct.Struct("<II4d8s")
_DIGEST = 16


@dataclass(frozen=True)
class Look:
    """Appearance of one photo.

    Attributes:
        width, height: pixels of the file, before EXIF turns it.
        kind: its format, one of `packager.data.kinds.PHOTO_FORMATS`.
        blur: 0..1, the share of the contrast between neighbouring pixels that a blur of 9 pixels
            leaves, at a shorter side of 160 pixels in the sharpest parts: 0.2 is usual, and 0.5 is
            unsharp everywhere.
        brightness: mean of the luma, 0..255; bright: its 95th percentile.
        white: share of the pixels whose luma is 250 or more, 0..1.
        thumbnail: RGB bytes of the whole photo averaged down to 16 x 16.
    """

    width: int
    height: int
    kind: str
    blur: float
    brightness: float
    bright: float
    white: float
    thumbnail: bytes


def look_at(content: bytes) -> Look:
    """Decodes a photo and measures it. Raises `DataError` as `packager.data.images.open_photo`."""
    image, kind, (width, height) = open_and_measure(content, at_least=_SIDE)
    gray = _gray(image)
    levels = np.array(gray.histogram())
    return Look(
        width=width,
        height=height,
        kind=kind,
        blur=_blur(np.asarray(gray, np.int16)),
        brightness=float(levels @ np.arange(256) / levels.sum()),
        bright=_percentile(levels, _BRIGHT),
        white=float(levels[_WHITE:].sum() / levels.sum()),
        thumbnail=_thumbnail(image),
    )


class LookStore:
    """Looks on disk, one file a photo, safe for several processes at once.

    An entry says, too, that the photo was decoded: it needs no check again.
    """

    def __init__(self, cache: Path | None = None) -> None:
        import PIL

        name = f"{_VERSION}-{PREPROCESSING}-{PIL.__version__}"
        self.folder = (cache or cache_folder()) / "looks" / name

    def read(self, sha256: str) -> Look | None:
        """Of the photo with that digest; None when it is missing or damaged."""
        content = read_entry(self._path(sha256))
        digest, packed = content[:_DIGEST], content[_DIGEST:]
        if len(packed) != _NUMBERS.size + 3 * THUMBNAIL**2 or digest != _digest(packed):
            return None
        width, height, blur, brightness, bright, white, kind = _NUMBERS.unpack_from(packed)
        return Look(
            width, height, kind.rstrip(b"\0").decode(), blur, brightness, bright, white,
            packed[_NUMBERS.size :],
        )  # fmt: skip

    def look(self, content: bytes, sha256: str) -> Look:
        """Of a photo's bytes, measured unless it is there. Raises `DataError` as `look_at`."""
        look = self.read(sha256)
        if look is None:
            look = look_at(content)
            self.write(sha256, look)
        return look

    def write(self, sha256: str, look: Look) -> None:
        """Keeps it. Raises `OutputError` when the cache can't be written."""
        numbers = (look.blur, look.brightness, look.bright, look.white)
        packed = _NUMBERS.pack(look.width, look.height, *numbers, look.kind.encode())
        packed += look.thumbnail
        write_entry(self._path(sha256), _digest(packed) + packed, scratch=self.folder)

    def _path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256[2:]


def _digest(packed: bytes) -> bytes:
    return hashlib.blake2b(packed, digest_size=_DIGEST).digest()


def _gray(image: Picture) -> Picture:
    """Luma, with a shorter side of 160 pixels or less."""
    from PIL import Image

    scale = min(1.0, _SIDE / min(image.size))
    size = [max(1, round(side * scale)) for side in image.size]
    return image.convert("L").resize((size[0], size[1]), Image.Resampling.BOX)


def _percentile(levels: Array, percent: float) -> float:
    """As `np.percentile`, of numbers 0..255 of which there are so many each."""
    place = (int(levels.sum()) - 1) * percent / 100
    below = int(place)
    first, second = np.searchsorted(levels.cumsum(), [below, below + 1], side="right")
    return float(first + (place - below) * (min(second, 255) - first))


def _thumbnail(image: Picture) -> bytes:
    from PIL import Image

    return image.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX).tobytes()


def _blur(gray: Array) -> float:
    """The measure of Crete et al. 2007 ("The blur effect"), of the second sharpest of 16 tiles.

    `gray` is int16 [rows, columns], and so are all differences: sums of whole numbers are exact.
    """
    worst = 0.0
    for rows in (gray, np.ascontiguousarray(gray.T)):
        if min(rows.shape) < _TILES + 1:
            continue  # too small to tell
        before = np.abs(np.diff(rows, axis=0))
        after = np.abs(np.diff(_smooth_sums(rows), axis=0))
        contrast, lost = (
            _in_tiles(each) for each in (before, np.maximum(_WINDOW * before - after, 0))
        )
        clear = contrast >= _CONTRAST
        left = np.where(clear, 1 - lost / (_WINDOW * np.maximum(contrast, _CONTRAST)), 1.0)
        worst = max(worst, float(np.sort(left, axis=None)[1]))
    return worst


def _smooth_sums(rows: Array) -> Array:
    """The sum of 9 rows around each, those at the ends repeated."""
    half, height = _WINDOW // 2, len(rows)
    padded = np.concatenate([rows[:1].repeat(half, 0), rows, rows[-1:].repeat(half, 0)])
    sums: Array = padded[:height].copy()
    for shift in range(1, _WINDOW):
        sums += padded[shift : shift + height]
    return sums


def _in_tiles(values: Array) -> Array:
    """Means over 4 x 4 tiles; up to three rows and columns at the ends are left out."""
    height, width = (side // _TILES for side in values.shape)
    whole = values[: height * _TILES, : width * _TILES]
    sums = whole.reshape(_TILES, height, _TILES, width).sum(1, np.int32).sum(2)
    return np.asarray(sums / (height * width))


def aspect(look: Look) -> float:
    """Longer side by shorter side."""
    return max(look.width, look.height) / max(1, min(look.width, look.height))


def thumbnails(looks: list[Look]) -> Array:
    """float32 [looks, 16, 16, 3], 0..255."""
    shape = (len(looks), THUMBNAIL, THUMBNAIL, 3)
    pixels = np.frombuffer(b"".join(look.thumbnail for look in looks), np.uint8)
    assert pixels.size == math.prod(shape)
    return pixels.reshape(shape).astype(np.float32)
