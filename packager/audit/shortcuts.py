"""Differences between classes that have nothing to do with what the photos show.

A model that can tell classes apart by their size, shape or compression learns that, and fails on
photos of other origin ("shortcut learning", Geirhos et al. 2020).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from packager.audit.findings import ClassNote
from packager.data.folder import PhotoFolder
from packager.data.look import Look

Array = np.ndarray[Any, Any]

_LEAST = 10  # photos of a class and of the others
_TELLING = 0.85  # area under the ROC curve


def class_notes(folder: PhotoFolder) -> list[ClassNote]:
    """Classes that size, shape or file format alone distinguish from the others, worst first."""
    looks: list[list[Look]] = [[] for _ in folder.classes]
    for photo in folder.photos:
        if photo.sha256 in folder.looks:
            looks[photo.label].append(folder.looks[photo.sha256])
    notes = []
    for label, own in enumerate(looks):
        others = [look for each in looks[:label] + looks[label + 1 :] for look in each]
        if min(len(own), len(others)) >= _LEAST:
            notes += _notes(folder.classes[label], own, others)
    return sorted(notes, key=lambda note: (-note.share, note.label, note.what))


def _notes(label: str, own: Sequence[Look], others: Sequence[Look]) -> list[ClassNote]:
    notes = []
    measures: tuple[tuple[Callable[[Look], float], str], ...] = (
        (_side, "its photos' shorter side is {:.0f} pixels, the others' {:.0f} (medians)"),
        (_shape, "its photos are {:.2f} times as wide as high, the others' {:.2f} (medians)"),
    )
    for measure, words in measures:
        mine = np.array([measure(look) for look in own])
        theirs = np.array([measure(look) for look in others])
        area = _area(mine, theirs)
        if max(area, 1 - area) >= _TELLING:
            what = words.format(np.median(mine), np.median(theirs))
            notes.append(ClassNote(label, what, max(area, 1 - area)))
    kinds = [Counter(look.kind for look in each) for each in (own, others)]
    for kind, count in kinds[0].items():
        shares = count / len(own), kinds[1][kind] / len(others)
        area = (1 + shares[0] - shares[1]) / 2  # of one threshold: it is of that kind, or not
        if area >= _TELLING:
            what = (
                f"{100 * shares[0]:.0f} % of its photos are {kind}, "
                f"of the others' {100 * shares[1]:.0f} %"
            )
            notes.append(ClassNote(label, what, area))
    return notes


def _side(look: Look) -> float:
    return min(look.width, look.height)


def _shape(look: Look) -> float:
    return look.width / look.height


def _area(one: Array, other: Array) -> float:
    """Area under the ROC curve: the probability that a value of the first is greater."""
    order = np.sort(other)
    below = np.searchsorted(order, one, "left")
    upto = np.searchsorted(order, one, "right")
    return float((below + upto).mean() / (2 * len(other)))
