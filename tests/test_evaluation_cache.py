from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from packager.data.folder import Photo, scan_folder
from packager.errors import DataError
from packager.evaluation import evaluate_model
from packager.evaluation_cache import cached_evaluation
from packager.export.head import attach_head
from packager.inference import Normalisation

NORMALISATION = Normalisation((127.0,), (128.0,))


@pytest.fixture(scope="module")
def model(tiny_backbone: bytes) -> bytes:
    kernel = np.random.default_rng(0).normal(0, 1, (16, 3)).astype(np.float32)
    return attach_head(tiny_backbone, kernel, np.zeros(3, np.float32))


def test_known_answers_need_no_photo(
    photos: Path, model: bytes, cache: Path, tmp_path: Path
) -> None:
    folder = scan_folder(photos)
    gone = tuple(replace(photo, path=tmp_path / "gone.png") for photo in folder.photos)

    def evaluated(
        of: tuple[Photo, ...], model: bytes = model, how: Normalisation = NORMALISATION
    ) -> object:
        return cached_evaluation(model, of, folder.classes, how).views

    first = cached_evaluation(model, folder.photos, folder.classes, NORMALISATION)
    assert first == evaluate_model(model, folder.photos, folder.classes, NORMALISATION)
    again = cached_evaluation(model, gone, folder.classes, NORMALISATION)
    assert (again.views, again.photos, again.rejects) == (first.views, gone, ())
    other = tuple(replace(photo, label=(photo.label + 1) % 3) for photo in gone)
    for unknown in (
        lambda: evaluated(gone[1:]),
        lambda: evaluated(other),
        lambda: evaluated(gone, model + b"\0"),
        lambda: evaluated(gone, how=Normalisation((0.0,), (255.0,))),
    ):
        with pytest.raises(DataError):
            unknown()

    (entry,) = (cache / "evaluations").iterdir()
    entry.write_bytes(entry.read_bytes()[:-1])
    assert evaluated(folder.photos) == first.views


def test_lost_photos_are_looked_for_again(
    photos: Path, model: bytes, cache: Path, tmp_path: Path
) -> None:
    folder = scan_folder(photos)
    listed = (replace(folder.photos[0], path=tmp_path / "later.png"), *folder.photos[1:])
    lossy = cached_evaluation(model, listed, folder.classes, NORMALISATION)
    assert [reject.path.name for reject in lossy.rejects] == ["later.png"]
    (tmp_path / "later.png").write_bytes(folder.photos[0].path.read_bytes())
    whole = cached_evaluation(model, listed, folder.classes, NORMALISATION)
    assert (len(whole.photos), whole.rejects) == (36, ())
