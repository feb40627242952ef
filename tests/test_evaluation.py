from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from packager.data.folder import Photo, scan_folder
from packager.data.images import VIEWS, open_photo, view
from packager.errors import DataError, ModelFileError
from packager.evaluation import _measure, evaluate_model
from packager.inference import Classifier, Normalisation
from tests.conftest import save_photo

NORMALISATION = Normalisation((127.0,), (128.0,))


def test_measures_of_known_scores() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2])
    best = [0, 0, 1, 1, 1, 0]
    scores = np.eye(6)[best] + np.array([0.5, 0.4, 0.3, 0.2, 0.1, 0.0])
    result = _measure("stretch", scores, labels, ["a", "b", "c", "d", "e", "f"])
    assert result.top1 == pytest.approx(4 / 6)
    assert result.top5 == 1.0
    assert result.predictions == tuple(best)
    assert result.confidences == (1.5, 1.5, 1.4, 1.4, 1.4, 1.5)
    assert result.true_scores == (1.5, 1.5, 0.5, 1.4, 1.4, 0.3)
    assert result.confusion[0][:3] == (2, 1, 0)
    assert result.confusion[2][:3] == (1, 0, 0)
    a, b, c, d = result.per_class[:4]
    assert (a.precision, a.recall, a.photos) == (pytest.approx(2 / 3), pytest.approx(2 / 3), 3)
    assert (b.precision, b.recall, b.photos) == (pytest.approx(2 / 3), 1.0, 2)
    assert (c.precision, c.recall, c.photos) == (None, 0.0, 1)
    assert (d.precision, d.recall, d.photos) == (None, None, 0)


def test_top5_counts_the_five_best() -> None:
    scores = np.array([[0.9, 0.8, 0.7, 0.6, 0.5, 0.4]])
    names = list("abcdef")
    assert _measure("crop", scores, np.array([4]), names).top5 == 1.0
    assert _measure("crop", scores, np.array([5]), names).top5 == 0.0
    assert _measure("crop", scores[:, :5], np.array([4]), names[:5]).top5 is None


@pytest.mark.slow
def test_file_is_run_over_every_photo_in_both_views(tiny_classifier: bytes, photos: Path) -> None:
    folder = scan_folder(photos)
    result = evaluate_model(tiny_classifier, folder.photos, folder.classes, NORMALISATION)
    assert result.photos == folder.photos
    assert [measured.view for measured in result.views] == list(VIEWS)
    classifier = Classifier(tiny_classifier, NORMALISATION)
    for measured in result.views:
        expected = [
            int(classifier.scores(view(open_photo(p.path), measured.view, 32)).argmax())
            for p in folder.photos
        ]
        assert list(measured.predictions) == expected
        labels = [photo.label for photo in folder.photos]
        right = [a == b for a, b in zip(expected, labels, strict=True)]
        assert measured.top1 == pytest.approx(np.mean(right))
        assert result.top1(measured.view) == measured.top1


@pytest.mark.slow
def test_unreadable_photos_are_rejects(tiny_classifier: bytes, tmp_path: Path) -> None:
    good = save_photo(tmp_path / "good.png", (200, 30, 30), 0)
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    listed = [Photo(good, 0, "a"), Photo(bad, 1, "b")]
    result = evaluate_model(tiny_classifier, listed, "abc", NORMALISATION)
    assert [photo.path for photo in result.photos] == [good]
    assert [reject.path for reject in result.rejects] == [bad]
    with pytest.raises(DataError, match="none of the photos could be read"):
        evaluate_model(tiny_classifier, listed[1:], "abc", NORMALISATION)


@pytest.mark.slow
def test_number_of_classes_must_fit(tiny_classifier: bytes, photos: Path) -> None:
    with pytest.raises(ModelFileError, match="the model gives 3 scores and there are 2 classes"):
        evaluate_model(tiny_classifier, scan_folder(photos).photos, ["a", "b"], NORMALISATION)
