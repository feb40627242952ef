from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from packager.data.images import open_photo
from packager.errors import DataError, SettingsError
from packager.model_maker.data_loader import DataLoader
from packager.progress import SILENT
from tests.conftest import Heard, save_photo


def load(folder: Path, **more: object) -> DataLoader:
    return DataLoader.from_folder(folder, progress=SILENT, **more)  # type: ignore[arg-type]


def names(data: DataLoader) -> list[str]:
    return [f"{photo.path.parent.name}/{photo.path.name}" for photo in data.photos]


def test_folder_is_read_with_its_classes(photos: Path) -> None:
    data = load(photos)
    assert data.index_to_label == ["blue", "green", "red"]
    assert data.num_classes == 3
    assert data.size == len(data) == 36
    assert all(data.index_to_label[p.label] == p.path.parent.name for p in data.photos)


def test_order_is_that_of_the_seed(photos: Path) -> None:
    assert names(load(photos)) == names(load(photos))
    assert names(load(photos)) != names(load(photos, seed=1))
    assert sorted(names(load(photos))) == sorted(names(load(photos, seed=1)))
    in_order = load(photos, shuffle=False)
    assert [photo.label for photo in in_order.photos] == [0] * 12 + [1] * 12 + [2] * 12


def test_split_takes_and_skips(photos: Path) -> None:
    data = load(photos)
    train, rest = data.split(0.8)
    validation, test = rest.split(0.5)
    assert (train.size, validation.size, test.size) == (28, 4, 4)
    assert names(train) + names(validation) + names(test) == names(data)
    assert test.index_to_label == data.index_to_label


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5, float("nan"), 0.01])
def test_split_leaves_no_part_empty(photos: Path, fraction: float) -> None:
    with pytest.raises(SettingsError, match="of 36 photos leaves one part empty"):
        load(photos).split(fraction)


def test_copies_are_not_cut_apart(tmp_path: Path) -> None:
    for label in ("a", "b"):
        for number in range(5):
            save_photo(tmp_path / label / f"{number}.png", (9, 9, 200), seed=number + len(label))
    for number in range(4):
        shutil.copy(tmp_path / "b" / "0.png", tmp_path / "b" / f"copy{number}.png")
    for seed in range(6):
        data = load(tmp_path, seed=seed)
        for fraction in (0.2, 0.4, 0.5, 0.6):
            parts = [{photo.sha256 for photo in part.photos} for part in data.split(fraction)]
            assert not parts[0] & parts[1]


def test_archive_unpacked_one_level_too_deep_is_found(photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos, tmp_path / "flower_photos" / "flower_photos")
    (tmp_path / "flower_photos" / "flower_photos" / "LICENSE.txt").write_text("words")
    assert load(tmp_path / "flower_photos").index_to_label == ["blue", "green", "red"]


def test_what_is_left_out_is_told(photos: Path, tmp_path: Path, heard: Heard) -> None:
    shutil.copytree(photos, tmp_path / "photos")
    (tmp_path / "photos" / "red" / "broken.jpg").write_bytes(b"\xff\xd8\xff no photo")
    assert DataLoader.from_folder(tmp_path / "photos", progress=heard).size == 36
    assert any("broken.jpg" in warning for warning in heard.warnings)


def test_folder_that_is_split_already_is_refused(tmp_path: Path) -> None:
    for seed, part in enumerate(("train", "validation", "test")):
        for label in ("a", "b"):
            save_photo(
                tmp_path / part / label / "1.png", (9, 9, 200), seed=2 * seed + (label == "b")
            )
    with pytest.raises(DataError, match="already split.*Load each part"):
        load(tmp_path)
    assert load(tmp_path / "train").size == 2


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such folder"):
        load(tmp_path / "nothing")


@pytest.mark.slow
def test_dataset_gives_the_photos_in_order(photos: Path) -> None:
    data = load(photos)
    pairs = [(image.numpy(), label.numpy()) for image, label in data.dataset.take(5)]
    for photo, (image, label) in zip(data.photos, pairs, strict=False):
        assert image.dtype == np.uint8
        assert label == photo.label
        np.testing.assert_array_equal(image, np.asarray(open_photo(photo.path)))
    assert len(list(data.split(0.5)[1].dataset)) == 18


@pytest.mark.slow
def test_batches(photos: Path) -> None:
    import tensorflow as tf

    data = load(photos)

    def shrink(image: object, label: object, is_training: bool) -> tuple[object, object]:
        return tf.image.resize(image, (8, 8)), label + 100 * int(is_training)

    def labels(**more: object) -> list[int]:
        batches = data.gen_dataset(preprocess=shrink, **more)
        return [int(label) for _, some in batches for label in some]

    own = [photo.label for photo in data.photos]
    assert labels(batch_size=10) == own
    assert labels(batch_size=10, shuffle=True) == own  # not for training
    assert len(labels(batch_size=10, drop_remainder=True)) == 30
    mixed = labels(batch_size=10, is_training=True, shuffle=True)
    assert mixed != [label + 100 for label in own]
    assert sorted(mixed) == sorted(label + 100 for label in own)
    share = tf.distribute.InputContext(num_input_pipelines=2, input_pipeline_id=1)
    assert labels(batch_size=10, input_pipeline_context=share) == own[1::2]
