from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from packager.data.folder import Photo, scan_folder
from packager.export.calibration import representative_dataset, representative_photos
from packager.progress import Phase
from packager.specs import get_spec


def some(counts: dict[int, int]) -> list[Photo]:
    return [
        Photo(Path(f"{label}/{n}"), label, f"{label}-{n}")
        for label, count in counts.items()
        for n in range(count)
    ]


def test_classes_are_evenly_represented() -> None:
    chosen = representative_photos(some({0: 300, 1: 40, 2: 5}), 45, seed=0)
    assert Counter(photo.label for photo in chosen) == {0: 20, 1: 20, 2: 5}
    assert len({photo.sha256 for photo in chosen}) == 45


def test_few_photos_are_all_used() -> None:
    assert len(representative_photos(some({0: 3, 1: 2}), 50, seed=0)) == 5


def test_choice_depends_on_the_seed_alone() -> None:
    photos = some({0: 30, 1: 30})
    assert representative_photos(photos, 10, seed=4) == representative_photos(photos, 10, seed=4)
    assert representative_photos(photos, 10, seed=4) != representative_photos(photos, 10, seed=5)


def test_each_photo_comes_in_both_views_normalised(photos: Path) -> None:
    spec = get_spec("lite0")
    samples = list(representative_dataset(scan_folder(photos).photos[:2], spec, Phase()))
    assert len(samples) == 4
    for sample in samples:
        assert sample.shape == (1, 224, 224, 3)
        assert sample.dtype == np.float32
        assert -127 / 128 <= sample.min() < sample.max() <= 1
    assert not np.array_equal(samples[0], samples[1])
