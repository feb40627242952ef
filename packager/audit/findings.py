"""What can be found about photos, as values."""

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
    """Something about one photo.

    Attributes:
        problem: one of `PROBLEMS`.
        path: of the photo, in its folder.
        label: its class.
        detail: what was measured, in words.
        suggested: the class that it seems to be of, for a wrong or doubtful label; else empty.
        score: 0..1, the higher the surer; findings of one problem come in its order.
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
    """A difference between one class's photos and the others' that a model could learn instead.

    `share` is how well it alone tells the class from the others, 0.5..1: the area under the ROC
    curve.
    """

    label: str
    what: str
    share: float
