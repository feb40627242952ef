"""Evaluates a model file on photos, in each view that clients use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from packager import pool
from packager.data.folder import Photo, Reject
from packager.data.images import VIEWS, open_photo, view
from packager.errors import DataError, ModelFileError
from packager.inference import Classifier, Normalisation
from packager.progress import SILENT, Progress

_BEST = 5  # of top-5


class Cell(NamedTuple):
    """A non-empty cell of the confusion matrix: indices of two classes, number of photos."""

    true: int
    predicted: int
    photos: int


@dataclass(frozen=True)
class ClassAccuracy:
    """One class: precision and recall 0..1, None where nothing was predicted or present.

    `index` is its place among the labels, `photos` how many are of it.
    """

    index: int
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
        per_class: classes that have a photo or were predicted, in the order of the labels; of
            others there is nothing to tell.
        confusion: (true class, predicted class, photos) by class; pairs without a photo are left
            out, so that there are no more cells than photos.
        predictions: the best class of each photo, in the photos' order; of classes that count as
            one, the very one.
        confidences: the score of that class; true_scores: that of the photo's own class. As
            `Classifier.scores` gives them (0..1, of logits the softmax), to six decimals.
    """

    view: str
    top1: float
    top5: float | None
    per_class: tuple[ClassAccuracy, ...]
    confusion: tuple[Cell, ...]
    predictions: tuple[int, ...]
    confidences: tuple[float, ...]
    true_scores: tuple[float, ...]


@dataclass(frozen=True)
class Evaluation:
    """Evaluation of a model file; `photos` are those that were decoded, `rejects` the others."""

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
    alike: Sequence[Sequence[int]] = (),
    workers: int | None = None,
    progress: Progress = SILENT,
    phase: str = "Evaluating",
) -> Evaluation:
    """Runs the file over the photos, decoded in full, in both views.

    `alike` are groups of classes that the photos' labels don't tell apart, in ascending order:
    each counts as the first of its group.

    Raises `ModelFileError` when the file doesn't run or gives another number of classes, and
    `DataError` when no photo can be decoded.
    """
    first = Classifier(model, normalisation, where=where)
    given = first.classes
    if given != len(classes):
        raise ModelFileError(
            f"the model gives {given} scores and there are {len(classes)} classes",
            where=where,
            fix="Use the photos' own model, or photos in folders named as the model's labels.",
        )

    made = iter([first])  # for one of the threads
    groups = {place: group for group in alike for place in group}

    def work(classifier: Classifier, photo: Photo) -> list[_Answer] | Reject:
        try:
            image = open_photo(photo.path, sha256=photo.sha256)
        except DataError as error:
            return Reject(photo.path, error.what)
        own = groups.get(photo.label, ())
        return [
            _answer(classifier.scores(view(image, name, classifier.size)), photo.label, own)
            for name in VIEWS
        ]

    kept: list[Photo] = []
    answers: list[list[_Answer]] = []
    rejects: list[Reject] = []
    with progress.phase(phase, len(photos)) as under_way:
        results = pool.each(
            lambda: (
                next(made, None)
                or Classifier(model, normalisation, where=where, logits=first.logits)
            ),
            work, photos, workers=workers,
        )  # fmt: skip
        for photo, result in zip(photos, results, strict=True):
            if isinstance(result, Reject):
                rejects.append(result)
            else:
                kept.append(photo)
                answers.append(result)
            under_way.advance()
    if not kept:
        raise DataError(
            "none of the photos could be read", where=where, fix="Give photos to evaluate with."
        )
    labels = [photo.label for photo in kept]
    counted_as = {place: group[0] for place, group in groups.items()}
    return Evaluation(
        tuple(kept),
        tuple(
            _measure(name, [each[i] for each in answers], labels, classes, counted_as)
            for i, name in enumerate(VIEWS)
        ),
        tuple(rejects),
    )


def evaluation_of_scores(
    photos: Sequence[Photo], scores: np.ndarray[Any, Any], classes: Sequence[str]
) -> Evaluation:
    """Of scores float32 [photos, views, classes] that are there already, views as in `VIEWS`."""
    labels = [photo.label for photo in photos]
    return Evaluation(
        tuple(photos),
        tuple(
            _measure(
                name,
                [_answer(row, label) for row, label in zip(scores[:, place], labels, strict=True)],
                labels,
                classes,
            )
            for place, name in enumerate(VIEWS)
        ),
        (),
    )


def drop_points(before: Evaluation, after: Evaluation) -> dict[str, float]:
    """Points of top-1 lost in each view, over the photos that both have."""
    both = {photo.path for photo in before.photos} & {photo.path for photo in after.photos}

    def right(evaluation: Evaluation, measured: ViewEvaluation) -> int:
        return sum(
            photo.label == best
            for photo, best in zip(evaluation.photos, measured.predictions, strict=True)
            if photo.path in both
        )

    return {
        one.view: 100 * (right(before, one) - right(after, other)) / max(len(both), 1)
        for one, other in zip(before.views, after.views, strict=True)
    }


def worst_first(classes: Iterable[ClassAccuracy]) -> list[ClassAccuracy]:
    """By recall, the lowest first; of equal ones those with more photos, then by precision.

    Classes without a photo come last.
    """
    return sorted(
        classes,
        key=lambda each: (
            each.recall is None,
            each.recall or 0.0,
            -each.photos,
            each.precision or 0.0,
            each.index,
        ),
    )


class _Answer(NamedTuple):
    """A summary of a photo's scores, of constant size.

    `rank` is the place of the photo's own class, 0 for the best; of equal scores the first class
    is the better one.
    """

    best: int
    confidence: float
    true_score: float
    rank: int


def _answer(scores: np.ndarray[Any, Any], label: int, alike: Sequence[int] = ()) -> _Answer:
    """`alike`: the classes that the photo's could be, if there are several; the best counts."""
    order = np.where(np.isnan(scores), -np.inf, scores)  # NaN comes last
    label = max(alike or [label], key=lambda place: (order[place], -place))
    best, own = int(order.argmax()), order[label]
    rank = int((order > own).sum() + (order[:label] == own).sum())
    return _Answer(best, round(float(scores[best]), 6), round(float(scores[label]), 6), rank)


def _measure(
    name: str,
    answers: Sequence[_Answer],
    labels: Sequence[int],
    classes: Sequence[str],
    counted_as: Mapping[int, int] = MappingProxyType({}),
) -> ViewEvaluation:
    truth, best = (
        [counted_as.get(place, place) for place in places]
        for places in (labels, [answer.best for answer in answers])
    )
    cells = Counter(zip(truth, best, strict=True))
    present, predicted = Counter(truth), Counter(best)
    return ViewEvaluation(
        view=name,
        top1=sum(answer.rank == 0 for answer in answers) / len(answers),
        top5=sum(answer.rank < _BEST for answer in answers) / len(answers)
        if len(classes) > _BEST
        else None,
        per_class=tuple(
            ClassAccuracy(
                index,
                classes[index],
                cells[index, index] / predicted[index] if predicted[index] else None,
                cells[index, index] / present[index] if present[index] else None,
                present[index],
            )
            for index in sorted({*present, *predicted})
        ),
        confusion=tuple(Cell(*pair, photos) for pair, photos in sorted(cells.items())),
        predictions=tuple(answer.best for answer in answers),
        confidences=tuple(answer.confidence for answer in answers),
        true_scores=tuple(answer.true_score for answer in answers),
    )
