"""A heat map drawn over its photo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Array = np.ndarray[Any, Any]

# From cold to hot, and how much of it lies over the grey photo. Brightness grows all the way, so
# that it reads in grey and by those who see few colours.
_HEAT = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
_COLOURS = np.array([[20, 11, 52], [101, 21, 110], [190, 55, 82], [246, 125, 21], [252, 250, 150]])
_COVER = np.array([0.35, 0.4, 0.5, 0.6, 0.65])


def relative_heat(values: Array) -> Array:
    """A map of any unit as 0..1, what speaks against the class as 0."""
    positive = np.maximum(values, 0)
    most = float(positive.max())
    return np.asarray(positive / most if most > 0 else positive, np.float32)


def overlay(photo: Picture, heat: Array) -> Picture:
    """The photo in grey below the heat, float [rows, columns] 0..1, stretched over all of it."""
    from PIL import Image

    small = Image.fromarray(np.rint(heat * 255).astype(np.uint8))
    smooth = np.asarray(small.resize(photo.size, Image.Resampling.BICUBIC), np.float32) / 255
    colour = np.stack([np.interp(smooth, _HEAT, _COLOURS[:, c]) for c in range(3)], axis=-1)
    cover = np.interp(smooth, _HEAT, _COVER)[..., None]
    grey = np.asarray(photo.convert("L"), np.float32)[..., None]
    return Image.fromarray(np.rint(grey * (1 - cover) + colour * cover).astype(np.uint8))


def side_by_side(photo: Picture, heat: Array) -> Picture:
    """The photo, and right of it the same below its heat."""
    from PIL import Image

    both = Image.new("RGB", (2 * photo.width, photo.height))
    both.paste(photo, (0, 0))
    both.paste(overlay(photo, heat), (photo.width, 0))
    return both
