"""Predictions for the test photos: confident mistakes, and differences between two models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from packager.evaluation import ClassAccuracy


@dataclass(frozen=True)
class Answer:
    """A model's prediction for one photo in one view; scores 0..1."""

    view: str
    label: str
    confidence: float
    true_score: float
    right: bool


@dataclass(frozen=True)
class AnsweredPhoto:
    """A photo (path in the folder of photos), its class and one prediction per view."""

    photo: str
    truth: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Change:
    """A photo on which two models differ in some view; a pair is the first's and the second's."""

    photo: str
    truth: str
    answers: tuple[tuple[Answer, Answer], ...]


@dataclass(frozen=True)
class ClassRow:
    """A class with its measures in each view."""

    label: str
    views: tuple[ClassAccuracy, ...]


def worst_mistakes(
    accuracy: Mapping[str, Any], model: str, labels: list[str]
) -> list[AnsweredPhoto]:
    """Photos with a wrong prediction in any view, the most confident mistake first.

    `accuracy` is that part of report.json, `model` "float32" or "exported".
    """
    mistakes = [
        AnsweredPhoto(photo, truth, answers)
        for photo, (truth, answers) in _answers(accuracy, model, labels).items()
        if not all(answer.right for answer in answers)
    ]
    return sorted(
        mistakes,
        key=lambda each: (-max(a.confidence for a in each.answers if not a.right), each.photo),
    )


def right_answers(
    accuracy: Mapping[str, Any], model: str, labels: list[str], limit: int
) -> list[AnsweredPhoto]:
    """Photos right in all views, of as many classes as possible, the most confident first."""
    of_class: dict[str, list[AnsweredPhoto]] = {}
    for photo, (truth, answers) in _answers(accuracy, model, labels).items():
        if all(answer.right for answer in answers):
            of_class.setdefault(truth, []).append(AnsweredPhoto(photo, truth, answers))
    for each in of_class.values():
        each.sort(key=lambda one: (-min(a.confidence for a in one.answers), one.photo))
    rounds = zip_longest(*of_class.values())
    return [each for turn in rounds for each in turn if each is not None][:limit]


def changed_answers(accuracy: Mapping[str, Any], labels: list[str]) -> list[Change]:
    """Photos whose best class quantization changed in any view, in the photos' order."""
    before, after = (_answers(accuracy, model, labels) for model in ("float32", "exported"))
    changes = []
    for photo, (truth, answers) in after.items():
        pairs = tuple(zip(before[photo][1], answers, strict=True)) if photo in before else ()
        differing = tuple(pair for pair in pairs if pair[0].label != pair[1].label)
        if differing:
            changes.append(Change(photo, truth, differing))
    return changes


def confused_pairs(
    confusion: Sequence[Sequence[int]], labels: Sequence[str], limit: int
) -> list[tuple[str, str, int]]:
    """(true class, taken for, photos) of the most frequent mistakes.

    `confusion` has (true class, predicted class, photos) by class.
    """
    mistakes = [cell for cell in confusion if cell[0] != cell[1]]
    most = sorted(mistakes, key=lambda cell: -cell[2])[:limit]
    return [(labels[true], labels[taken], photos) for true, taken, photos in most]


def class_rows(
    views: Mapping[str, Mapping[str, Any]], labels: Sequence[str], *, worst_first: bool
) -> list[ClassRow]:
    """A row a class, of the views of report.json's "accuracy".

    In the order of the labels; with `worst_first` only classes that have a photo or were
    predicted, as `packager.evaluation.worst_first` orders them by the first view.
    """
    from packager import evaluation

    measured = [
        {
            line["index"]: evaluation.ClassAccuracy(
                line["index"], line["label"], line["precision"], line["recall"], line["photos"]
            )
            for line in view["per_class"]
        }
        for view in views.values()
    ]
    order: Iterable[int] = range(len(labels))
    if worst_first:
        first = evaluation.worst_first(measured[0].values())
        predicted_only = sorted({*chain(*measured)} - measured[0].keys())
        order = [*(each.index for each in first), *predicted_only]
    nothing = evaluation.ClassAccuracy(0, "", None, None, 0)
    return [
        ClassRow(labels[index], tuple(each.get(index, nothing) for each in measured))
        for index in order
    ]


def _answers(
    accuracy: Mapping[str, Any], model: str, labels: list[str]
) -> dict[str, tuple[str, tuple[Answer, ...]]]:
    """The true class and an answer a view, by photo."""
    return {
        photo: (
            labels[label],
            tuple(
                Answer(
                    name,
                    labels[view["predictions"][place]],
                    view["confidences"][place],
                    view["true_scores"][place],
                    view["predictions"][place] == label,
                )
                for name, view in accuracy[model].items()
            ),
        )
        for place, (photo, label) in enumerate(accuracy["photos"][model].items())
    }
