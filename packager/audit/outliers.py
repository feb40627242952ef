"""Photos that are unlike the others of their class."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_NEIGHBOURS = 5
_LEAST = 10  # photos of a class, below which nothing is unusual
_FAR = 3.5  # median absolute deviations, scaled as those of a normal distribution
_MAD = 1.4826


def unlike_their_class(vectors: Array, labels: Array) -> list[tuple[int, float]]:
    """Photos far from the others of their class, with their similarity; the farthest first.

    Similarity is the mean cosine to the 5 nearest others of the class. It is unusual below the
    class's median by 3.5 median absolute deviations (Iglewicz and Hoaglin 1993).

    Args:
        vectors: float [photos, features], of length 1. labels: int [photos].
    """
    found = []
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        if len(places) < _LEAST:
            continue
        own = vectors[places]
        cosines = own @ own.T
        np.fill_diagonal(cosines, -1)
        nearness = np.sort(cosines, axis=1)[:, -_NEIGHBOURS:].mean(1)
        middle = np.median(nearness)
        spread = _MAD * np.median(np.abs(nearness - middle))
        for place in np.flatnonzero(nearness < middle - _FAR * max(spread, 1e-6)):
            found.append((int(places[place]), float(nearness[place])))
    return sorted(found, key=lambda each: each[1])
