"""Occlusion: how a score falls when a patch of the photo is hidden. Slow, for any model.

Zeiler & Fergus 2014, "Visualizing and Understanding Convolutional Networks" (arXiv:1311.2901).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_PLACES = 9  # a side: 81 runs of the model
_PATCH = 0.25  # of a side
_GREY = 127


def occlusion_map(scores: Callable[[Array], Array], pixels: Array, label: int) -> Array:
    """By how much the class's score falls: float32 [9, 9], the patch's middle moving over it.

    Args:
        scores: of an RGB image uint8 [height, width, 3], float32 [classes].
        label: the class's number.
    """
    whole = float(scores(pixels)[label])
    height, width = pixels.shape[:2]
    falls = np.zeros((_PLACES, _PLACES), np.float32)
    for row in range(_PLACES):
        for column in range(_PLACES):
            hidden = pixels.copy()
            hidden[_patch(row, height), _patch(column, width)] = _GREY
            falls[row, column] = whole - float(scores(hidden)[label])
    return falls


def _patch(place: int, side: int) -> slice:
    middle, half = (place + 0.5) / _PLACES * side, _PATCH / 2 * side
    return slice(max(0, round(middle - half)), min(side, round(middle + half)))
