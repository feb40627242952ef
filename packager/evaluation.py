"""How good a model file is: the file itself, over photos, in each view that clients feed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from packager import pool
from packager.data.folder import Photo, Reject
from packager.data.images import VIEWS, open_photo, view
from packager.errors import DataError, ModelFileError
from packager.inference import Classifier, Normalisation
from packager.progress import SILENT, Progress


@dataclass(frozen=True)
class ClassAccuracy:
    """One class: precision and recall 0..1, None where nothing was predicted or present."""

    label: str
    precision: float | None
    recall: float | None
    photos: int


@dataclass(frozen=True)
class ViewEvaluation:
    """One view of all photos.

    Attributes:
        view: "stretch" or "crop".
        top1: share of photos, 0..1, whose best score is their class's.
        top5: the same among the five best; None with five classes or fewer.
        per_class: in the order of the labels.
        confusion: photos counted, [true class][predicted class].
        predictions: the best class of each photo, in the photos' order.
        confidences: the score of that class; true_scores: that of the photo's own class. As the
            model gives them (0..1 after a softmax), to six decimals.
    """

    view: str
    top1: float
    top5: float | None
    per_class: tuple[ClassAccuracy, ...]
    confusion: tuple[tuple[int, ...], ...]
    predictions: tuple[int, ...]
    confidences: tuple[float, ...]
    true_scores: tuple[float, ...]


@dataclass(frozen=True)
class Evaluation:
    """A model file over photos; `photos` are those that were decoded, `rejects` the others."""

    photos: tuple[Photo, ...]
    views: tuple[ViewEvaluation, ...]
    rejects: tuple[Reject, ...]

    def view(self, name: str) -> ViewEvaluation:
        """The view of that name."""
        return next(each for each in self.views if each.view == name)

    def top1(self, name: str) -> float:
        """Top-1 of the view of that name."""
        return self.view(name).top1


def evaluate_model(
    model: bytes,
    photos: Sequence[Photo],
    classes: Sequence[str],
    normalisation: Normalisation | None = None,
    *,
    where: Path | None = None,
    workers: int | None = None,
    progress: Progress = SILENT,
    phase: str = "Evaluating",
) -> Evaluation:
    """Runs the file over the photos, decoded in full, in both views.

    Raises `ModelFileError` when the file doesn't run or gives another number of classes, and
    `DataError` when no photo can be decoded.
    """
    given = Classifier(model, normalisation, where=where).classes
    if given != len(classes):
        raise ModelFileError(
            f"the model gives {given} scores and there are {len(classes)} classes",
            where=where,
            fix="Use the photos' own model, or photos in folders named as the model's labels.",
        )

    def work(classifier: Classifier, photo: Photo) -> list[np.ndarray[Any, Any]] | Reject:
        try:
            image = open_photo(photo.path)
        except DataError as error:
            return Reject(photo.path, error.what)
        return [classifier.scores(view(image, name, classifier.size[0])) for name in VIEWS]

    kept: list[Photo] = []
    scores: list[list[np.ndarray[Any, Any]]] = []
    rejects: list[Reject] = []
    with progress.phase(phase, len(photos)) as under_way:
        results = pool.each(
            lambda: Classifier(model, normalisation, where=where), work, photos, workers=workers
        )
        for photo, result in zip(photos, results, strict=True):
            if isinstance(result, Reject):
                rejects.append(result)
            else:
                kept.append(photo)
                scores.append(result)
            under_way.advance()
    if not kept:
        raise DataError(
            "none of the photos could be read", where=where, fix="Give photos to evaluate with."
        )
    labels = np.array([photo.label for photo in kept])
    table = np.array(scores)  # [photos, views, classes]
    return Evaluation(
        tuple(kept),
        tuple(_measure(name, table[:, i], labels, classes) for i, name in enumerate(VIEWS)),
        tuple(rejects),
    )


def _measure(
    name: str, scores: np.ndarray[Any, Any], labels: np.ndarray[Any, Any], classes: Sequence[str]
) -> ViewEvaluation:
    ranked = np.argsort(-scores, axis=1, kind="stable")
    best = ranked[:, 0]
    confusion = np.zeros((len(classes), len(classes)), int)
    np.add.at(confusion, (labels, best), 1)
    right, predicted, present = confusion.diagonal(), confusion.sum(0), confusion.sum(1)
    return ViewEvaluation(
        view=name,
        top1=float((best == labels).mean()),
        top5=float((ranked[:, :5] == labels[:, None]).any(1).mean()) if len(classes) > 5 else None,
        per_class=tuple(
            ClassAccuracy(
                label,
                float(right[i] / predicted[i]) if predicted[i] else None,
                float(right[i] / present[i]) if present[i] else None,
                int(present[i]),
            )
            for i, label in enumerate(classes)
        ),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        predictions=tuple(best.tolist()),
        confidences=_of_each(scores, best),
        true_scores=_of_each(scores, labels),
    )


def _of_each(scores: np.ndarray[Any, Any], classes: np.ndarray[Any, Any]) -> tuple[float, ...]:
    chosen = scores[np.arange(len(scores)), classes]
    return tuple(round(score, 6) for score in chosen.tolist())
