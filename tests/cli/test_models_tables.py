from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.console import Console

from packager.classifier_file import FileEvaluation
from packager.cli import models_tables
from packager.data.folder import Photo
from packager.data.images import VIEWS
from packager.evaluation import Evaluation, _answer, _measure


def printed(
    labels: list[int], best: list[int], classes: int, alike: tuple[tuple[int, ...], ...] = ()
) -> str:
    """What `evaluate` prints for photos of these classes, answered so."""
    names = tuple(f"class {number}" for number in range(classes))
    answers = [
        _answer((np.arange(classes) == answer) * 1.0, label)
        for label, answer in zip(labels, best, strict=True)
    ]
    views = tuple(_measure(name, answers, labels, names) for name in VIEWS)
    photos = tuple(Photo(Path(f"{i}.png"), label, "") for i, label in enumerate(labels))
    result = FileEvaluation(
        Path("m.tflite"), names, names, "all", alike, Evaluation(photos, views, ())
    )
    console = Console(width=200, highlight=False)
    with console.capture() as capture:
        for part in models_tables.evaluation(result):
            console.print(part)
    return capture.get()


def test_few_classes_are_listed_in_their_order() -> None:
    text = printed([0, 1, 2], [0, 2, 2], 3)
    stretch = text[text.index("stretch   ") :]
    assert stretch.index("class 0") < stretch.index("class 1") < stretch.index("class 2")
    assert "more" not in text
    assert "no photo" not in text


def test_of_many_classes_the_worst_are_listed_and_the_rest_counted() -> None:
    best = [*range(5000)]
    best[7], best[4000] = 8, 8
    text = printed([*range(5000)], best, 5000)
    assert len(text.splitlines()) < 80
    assert text.count("class 7 ") == text.count("class 4000 ") == len(VIEWS)
    assert text.count("… and 4,980 classes more, none with lower recall; --json has all.") == 2


def test_classes_without_a_photo_are_counted() -> None:
    assert "998 of 1,000 classes have no photos here." in printed([3, 4], [3, 3], 1000)
    assert "no photo" not in printed([0, 2], [0, 2], 3, alike=((0, 1),))
