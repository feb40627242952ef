"""Labels that are probably wrong, by confident learning (Northcutt et al. 2021, JAIR 70)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from packager.audit.findings import DOUBTFUL_LABEL, WRONG_LABEL, Finding
from packager.data.folder import Photo, PhotoFolder
from packager.data.near_duplicates import told

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Suspicion:
    """A photo whose label may be wrong.

    Attributes:
        confident: whether it is off the diagonal of the confident joint: probably wrong. If not,
            another class is just the likelier one.
        photo: its number; suggested: the class that it seems to be of.
        own, other: the probabilities of its own class and of that one, 0..1.
    """

    confident: bool
    photo: int
    suggested: int
    own: float
    other: float

    @property
    def score(self) -> float:
        """Confidence, 0..1: 0.5 and above where the other class is more probable."""
        return (1 + self.other - self.own) / 2


def suspicious_labels(probabilities: Array, labels: Sequence[int] | Array) -> list[Suspicion]:
    """Photos that probably belong to another class, the most confident first.

    A photo counts for a class when the model gives it at least the mean probability that the
    photos with that label get; of several such classes the likeliest. Where that class is not the
    label, the photo is off the diagonal of the confident joint. After those come the others for
    which another class is the likeliest. Both are ranked by the difference of the probabilities.

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
    there = np.where(np.isfinite(usual), probabilities, -1.0)
    confident = (counted.max(1) >= 0) & (counted.argmax(1) != labels)
    best = np.where(confident, counted.argmax(1), there.argmax(1))
    found = [
        Suspicion(
            confident=bool(confident[photo]),
            photo=int(photo),
            suggested=int(best[photo]),
            own=float(own[photo]),
            other=float(probabilities[photo, best[photo]]),
        )
        for photo in np.flatnonzero(confident | (there.max(1) > own))
    ]
    return sorted(found, key=lambda each: (not each.confident, -each.score, each.photo))


def label_findings(
    folder: PhotoFolder, photos: Sequence[Photo], probabilities: Array
) -> list[Finding]:
    """`suspicious_labels` in words; `probabilities` are [photos, classes], out of fold."""
    findings = []
    for each in suspicious_labels(probabilities, [photo.label for photo in photos]):
        photo, other = photos[each.photo], folder.classes[each.suggested]
        own = folder.classes[photo.label]
        findings.append(
            Finding(
                problem=WRONG_LABEL if each.confident else DOUBTFUL_LABEL,
                path=told(folder, photo),
                label=own,
                detail=f"{other} {100 * each.other:.0f} %, {own} {100 * each.own:.0f} %",
                suggested=other,
                score=each.score,
            )
        )
    return findings
