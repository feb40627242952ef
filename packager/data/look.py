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
from packager.data.images import PREPROCESSING, measure_photo, open_photo

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Array = np.ndarray[Any, Any]

THUMBNAIL = 16  # side, pixels
_VERSION = 1  # of the numbers: raise it when the same photo would give others
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
    image = open_photo(content, at_least=_SIDE)
    kind, (width, height) = measure_photo(content)
    gray = _gray(image)
    return Look(
        width=width,
        height=height,
        kind=kind,
        blur=_blur(gray),
        brightness=float(gray.mean()),
        bright=float(np.percentile(gray, _BRIGHT)),
        white=float((gray >= _WHITE).mean()),
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


def _gray(image: Picture) -> Array:
    """Luma, float32, with a shorter side of 160 pixels or less."""
    from PIL import Image

    scale = min(1.0, _SIDE / min(image.size))
    size = [max(1, round(side * scale)) for side in image.size]
    gray = image.convert("L").resize((size[0], size[1]), Image.Resampling.BOX)
    return np.asarray(gray, np.float32)


def _thumbnail(image: Picture) -> bytes:
    from PIL import Image

    return image.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX).tobytes()


def _blur(gray: Array) -> float:
    """The measure of Crete et al. 2007 ("The blur effect"), of the second sharpest of 16 tiles."""
    worst = 0.0
    for rows in (gray, gray.T):
        if min(rows.shape) < _TILES + 1:
            continue  # too small to tell
        before = np.abs(np.diff(rows, axis=0))
        after = np.abs(np.diff(_smooth(rows), axis=0))
        contrast, lost = _in_tiles(before), _in_tiles(np.maximum(before - after, 0))
        clear = contrast >= _CONTRAST
        left = np.where(clear, 1 - lost / np.maximum(contrast, _CONTRAST), 1.0)
        worst = max(worst, float(np.sort(left, axis=None)[1]))
    return worst


def _smooth(rows: Array) -> Array:
    """The mean of 9 rows around each, those at the ends repeated."""
    half = _WINDOW // 2
    sums = np.pad(rows, ((half + 1, half), (0, 0)), "edge").cumsum(0, dtype=np.float64)
    return np.asarray((sums[_WINDOW:] - sums[:-_WINDOW]) / _WINDOW, np.float32)


def _in_tiles(values: Array) -> Array:
    """Means over 4 x 4 tiles; up to three rows and columns at the ends are left out."""
    height, width = (side // _TILES for side in values.shape)
    whole = values[: height * _TILES, : width * _TILES]
    return np.asarray(whole.reshape(_TILES, height, _TILES, width).mean((1, 3)))


def aspect(look: Look) -> float:
    """Longer side by shorter side."""
    return max(look.width, look.height) / max(1, min(look.width, look.height))


def thumbnails(looks: list[Look]) -> Array:
    """float32 [looks, 16, 16, 3], 0..255."""
    shape = (len(looks), THUMBNAIL, THUMBNAIL, 3)
    pixels = np.frombuffer(b"".join(look.thumbnail for look in looks), np.uint8)
    assert pixels.size == math.prod(shape)
    return pixels.reshape(shape).astype(np.float32)
