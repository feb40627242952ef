"""Findings about photos, as values."""

from __future__ import annotations

from dataclasses import dataclass

# In the order in which they are shown and listed.
CONTRADICTION = "contradiction"
WRONG_LABEL = "wrong label"
DOUBTFUL_LABEL = "doubtful label"
NEAR_DUPLICATE = "near duplicate"
OUTLIER = "outlier"
BLURRED = "blurred"
DARK = "dark"
BLOWN_OUT = "blown out"
TINY = "tiny"
ODD_SHAPE = "odd shape"
UNUSABLE = "unusable"
PROBLEMS = (
    CONTRADICTION, WRONG_LABEL, DOUBTFUL_LABEL, NEAR_DUPLICATE, OUTLIER, BLURRED, DARK, BLOWN_OUT,
    TINY, ODD_SHAPE, UNUSABLE,
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """A finding about one photo.

    Attributes:
        problem: one of `PROBLEMS`.
        path: of the photo, in its folder.
        label: its class.
        detail: the measurement, in words.
        suggested: the more probable class, for a wrong or doubtful label; else empty.
        score: confidence, 0..1; findings of one problem are sorted by it.
        group: the number of its group, from 1, for near duplicates and contradictions; else 0.
    """

    problem: str
    path: str
    label: str
    detail: str
    suggested: str = ""
    score: float = 0.0
    group: int = 0


@dataclass(frozen=True)
class ClassNote:
    """A difference between one class's photos and the others' that is a possible shortcut.

    `share` is how well it alone tells the class from the others, 0.5..1: the area under the ROC
    curve.
    """

    label: str
    what: str
    share: float
