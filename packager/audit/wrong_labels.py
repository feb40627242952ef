"""Labels that are probably wrong, by confident learning (Northcutt et al. 2021, JAIR 70)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Suspicion:
    """A photo whose label is probably wrong.

    Attributes:
        photo: its number; suggested: the class that it seems to be of.
        own, other: the probabilities of its own class and of that one, 0..1.
    """

    photo: int
    suggested: int
    own: float
    other: float

    @property
    def score(self) -> float:
        """How sure, 0..1: half and more where the other class is the likelier one."""
        return (1 + self.other - self.own) / 2


def suspicious_labels(probabilities: Array, labels: Sequence[int] | Array) -> list[Suspicion]:
    """Photos off the diagonal of the confident joint, the surest first.

    A photo counts for a class when the model gives it at least the mean probability that the
    photos with that label get; of several such classes the likeliest. Where that class is not the
    label, the label is suspicious; it is ranked by the difference of the two probabilities.

    Args:
        probabilities: float [photos, classes], out of fold: each by a model that has not seen
            the photo. labels: [photos], 0..classes-1.
    """
    labels = np.asarray(labels, np.int64)
    own = probabilities[np.arange(len(labels)), labels]
    usual = np.array([
        own[labels == label].mean() if (labels == label).any() else np.inf
        for label in range(probabilities.shape[1])
    ])  # fmt: skip
    counted = np.where(probabilities >= usual, probabilities, -1.0)
    best = counted.argmax(1)
    found = [
        Suspicion(int(photo), int(best[photo]), float(own[photo]),
                  float(probabilities[photo, best[photo]]))
        for photo in np.flatnonzero((counted.max(1) >= 0) & (best != labels))
    ]  # fmt: skip
    return sorted(found, key=lambda each: (-each.score, each.photo))
