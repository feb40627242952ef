from __future__ import annotations

import hashlib
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from packager.data.folder import Photo, scan_folder
from packager.data.images import VIEWS, open_photo, view
from packager.errors import DataError, ModelFileError
from packager.evaluation import (
    ClassAccuracy,
    Evaluation,
    ViewEvaluation,
    _answer,
    _measure,
    drop_points,
    evaluate_model,
    worst_first,
)
from packager.inference import Classifier, Normalisation
from tests.conftest import save_photo

NORMALISATION = Normalisation((127.0,), (128.0,))


def measured(
    name: str, scores: np.ndarray[Any, Any], labels: Sequence[int], classes: Sequence[str]
) -> ViewEvaluation:
    answers = [_answer(*each) for each in zip(scores, labels, strict=True)]
    return _measure(name, answers, labels, classes)


def test_measures_of_known_scores() -> None:
    labels = [0, 0, 0, 1, 1, 2]
    best = [0, 0, 1, 1, 1, 0]
    scores = np.eye(6)[best] + np.array([0.5, 0.4, 0.3, 0.2, 0.1, 0.0])
    result = measured("stretch", scores, labels, ["a", "b", "c", "d", "e", "f"])
    assert result.top1 == pytest.approx(4 / 6)
    assert result.top5 == 1.0
    assert result.predictions == tuple(best)
    assert result.confidences == (1.5, 1.5, 1.4, 1.4, 1.4, 1.5)
    assert result.true_scores == (1.5, 1.5, 0.5, 1.4, 1.4, 0.3)
    assert result.confusion == ((0, 0, 2), (0, 1, 1), (1, 1, 2), (2, 0, 1))
    a, b, c = result.per_class  # of d there is nothing to tell
    assert (a.precision, a.recall, a.photos) == (pytest.approx(2 / 3), pytest.approx(2 / 3), 3)
    assert (b.precision, b.recall, b.photos) == (pytest.approx(2 / 3), 1.0, 2)
    assert (c.index, c.precision, c.recall, c.photos) == (2, None, 0.0, 1)


def test_top5_counts_the_five_best() -> None:
    scores = np.array([[0.9, 0.8, 0.7, 0.6, 0.5, 0.4]])
    names = list("abcdef")
    assert measured("crop", scores, [4], names).top5 == 1.0
    assert measured("crop", scores, [5], names).top5 == 0.0
    assert measured("crop", scores[:, :5], [4], names[:5]).top5 is None


def test_of_equal_scores_the_first_class_is_the_better() -> None:
    scores = np.array([[0.1, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4]])
    assert [measured("crop", scores, [i], "abcdefg").top1 for i in range(4)] == [0, 1, 0, 0]
    assert [measured("crop", scores, [i], "abcdefg").top5 for i in (4, 5, 6, 0)] == [1, 1, 0, 0]


def test_what_is_no_number_is_never_the_best() -> None:
    result = measured("crop", np.array([[np.nan, 0.2, 0.1]]), [2], "abc")
    assert result.predictions == (1,)
    assert result.top1 == 0.0


def test_worst_classes_first() -> None:
    lines = [
        ClassAccuracy(0, "all found", 1.0, 1.0, 9),
        ClassAccuracy(1, "no photo", 0.0, None, 0),
        ClassAccuracy(2, "half", 1.0, 0.5, 2),
        ClassAccuracy(3, "half of more", 1.0, 0.5, 8),
        ClassAccuracy(4, "never", None, 0.0, 1),
    ]
    assert [line.index for line in worst_first(lines)] == [4, 3, 2, 0, 1]


def test_points_lost_are_over_the_photos_that_both_have() -> None:
    def of(labels: list[int], best: list[int]) -> Evaluation:
        photos = tuple(Photo(Path(f"{i}.png"), label, "") for i, label in enumerate(labels))
        views = tuple(measured(name, np.eye(3)[best], labels, "abc") for name in VIEWS)
        return Evaluation(photos, views, ())

    before, after = of([0, 1, 2, 0], [0, 1, 2, 1]), of([0, 1], [0, 2])  # the last two are gone
    assert drop_points(before, after) == {"stretch": 50.0, "crop": 50.0}


def test_results_go_from_process_to_process() -> None:
    result = measured("crop", np.eye(3), [0, 1, 2], "abc")
    assert pickle.loads(pickle.dumps(result)) == result


@pytest.mark.slow
def test_file_is_run_over_every_photo_in_both_views(tiny_classifier: bytes, photos: Path) -> None:
    folder = scan_folder(photos)
    result = evaluate_model(tiny_classifier, folder.photos, folder.classes, NORMALISATION)
    assert result.photos == folder.photos
    assert [measured.view for measured in result.views] == list(VIEWS)
    classifier = Classifier(tiny_classifier, NORMALISATION)
    for of_view in result.views:
        expected = [
            int(classifier.scores(view(open_photo(p.path), of_view.view, 32)).argmax())
            for p in folder.photos
        ]
        assert list(of_view.predictions) == expected
        labels = [photo.label for photo in folder.photos]
        right = [a == b for a, b in zip(expected, labels, strict=True)]
        assert of_view.top1 == pytest.approx(np.mean(right))
        assert result.top1(of_view.view) == of_view.top1


@pytest.mark.slow
def test_unreadable_photos_are_rejects(tiny_classifier: bytes, tmp_path: Path) -> None:
    good = save_photo(tmp_path / "good.png", (200, 30, 30), 0)
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    listed = [
        Photo(path, label, hashlib.sha256(path.read_bytes()).hexdigest())
        for label, path in enumerate((good, bad))
    ]
    result = evaluate_model(tiny_classifier, listed, "abc", NORMALISATION)
    assert [photo.path for photo in result.photos] == [good]
    assert [reject.path for reject in result.rejects] == [bad]
    with pytest.raises(DataError, match="none of the photos could be read"):
        evaluate_model(tiny_classifier, listed[1:], "abc", NORMALISATION)


@pytest.mark.slow
def test_number_of_classes_must_fit(tiny_classifier: bytes, photos: Path) -> None:
    with pytest.raises(ModelFileError, match="the model gives 3 scores and there are 2 classes"):
        evaluate_model(tiny_classifier, scan_folder(photos).photos, ["a", "b"], NORMALISATION)
