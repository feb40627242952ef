"""Feature vectors without photos: a cloud of points for each of three classes."""

from typing import Any

import numpy as np


def clouds(
    photos: int, *, width: int = 16, distance: float = 2.5, seed: int = 0
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Features float32 [photos, 2, width] of two views that differ little, and labels 0..2.

    The clouds are as wide as 1, `distance` from the middle; they are the same for every seed.
    """
    middles = np.linalg.qr(np.random.default_rng(0).normal(size=(width, 3)))[0].T * distance
    random = np.random.default_rng(seed)
    labels = np.arange(photos) % 3
    place = middles[labels][:, None] + random.normal(size=(photos, 1, width))
    views = place + 0.1 * random.normal(size=(photos, 2, width))
    return views.astype(np.float32), labels
