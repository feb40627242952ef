from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from packager.data.folder import scan_folder
from packager.data.images import open_photo, view
from packager.errors import TrainingError
from packager.specs import ModelSpec, get_spec
from packager.training.features import (
    FEATURE_VIEWS,
    FeatureStore,
    extract_features,
    load_features,
)

pytestmark = pytest.mark.slow
SPEC: ModelSpec = replace(get_spec("lite0"), input_size=32, feature_size=16)


@pytest.fixture
def store(cache: Path) -> FeatureStore:
    return FeatureStore(SPEC, "a" * 64)


def test_views_are_stretch_and_crop_each_mirrored_too() -> None:
    assert FEATURE_VIEWS == ("stretch", "stretch mirrored", "crop", "crop mirrored")


def test_vectors_are_the_backbones(photos: Path, tiny_backbone: bytes, store: FeatureStore) -> None:
    from ai_edge_litert.interpreter import Interpreter

    folder = scan_folder(photos)
    extract_features(folder.photos, SPEC, tiny_backbone, store)
    features, labels = load_features(folder.photos, store)
    assert features.shape == (36, 4, 16)
    assert labels.tolist() == [0] * 12 + [1] * 12 + [2] * 12

    interpreter = Interpreter(model_content=tiny_backbone)
    interpreter.allocate_tensors()
    for row in (0, 17, 35):
        image = open_photo(folder.photos[row].path)
        for place, name in enumerate(FEATURE_VIEWS):
            pixels = view(image, name.split()[0], 32)
            if name.endswith("mirrored"):
                pixels = np.ascontiguousarray(pixels[:, ::-1])
            interpreter.set_tensor(
                interpreter.get_input_details()[0]["index"],
                (pixels[None].astype(np.float32) - 127) / 128,
            )
            interpreter.invoke()
            expected = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
            np.testing.assert_allclose(features[row, place], expected, atol=1e-5)


def test_second_time_nothing_is_computed(
    photos: Path, tiny_backbone: bytes, store: FeatureStore
) -> None:
    folder = scan_folder(photos)
    first = extract_features(folder.photos, SPEC, tiny_backbone, store)
    second = extract_features(folder.photos, SPEC, tiny_backbone, store)
    assert (first.computed, first.cached) == (36, 0)
    assert (second.computed, second.cached) == (0, 36)


def test_damaged_entries_are_made_anew(
    photos: Path, tiny_backbone: bytes, store: FeatureStore
) -> None:
    folder = scan_folder(photos)
    extract_features(folder.photos, SPEC, tiny_backbone, store)
    before, _ = load_features(folder.photos, store)
    entry = store.path(folder.photos[3].sha256)
    content = bytearray(entry.read_bytes())
    content[40] ^= 1
    entry.write_bytes(content)
    store.path(folder.photos[5].sha256).write_bytes(b"short")
    again = extract_features(folder.photos, SPEC, tiny_backbone, store)
    assert (again.computed, again.cached, again.damaged) == (2, 34, 2)
    np.testing.assert_array_equal(load_features(folder.photos, store)[0], before)


def test_entries_of_half_precision_are_the_same_numbers_rounded(
    photos: Path, tiny_backbone: bytes, store: FeatureStore
) -> None:
    folder = scan_folder(photos)
    half = FeatureStore(SPEC, "a" * 64, shape=(16,), dtype=np.float16)
    for each in (store, half):
        extract_features(folder.photos[:4], SPEC, tiny_backbone, each)
    exact, rounded = (load_features(folder.photos[:4], each)[0] for each in (store, half))
    assert rounded.dtype == np.float16
    np.testing.assert_array_equal(rounded, exact.astype(np.float16))


def test_another_backbone_or_spec_shares_nothing(cache: Path) -> None:
    paths = {
        FeatureStore(replace(SPEC, mean=0.0), "a" * 64).path("0" * 64),
        FeatureStore(SPEC, "a" * 64, dtype=np.float16).path("0" * 64),
        FeatureStore(SPEC, "a" * 64).path("0" * 64),
        FeatureStore(SPEC, "b" * 64).path("0" * 64),
        FeatureStore(replace(SPEC, name="lite1"), "a" * 64).path("0" * 64),
    }
    assert len(paths) == 5


def test_photo_that_vanished_is_a_reject(
    photos: Path, tiny_backbone: bytes, store: FeatureStore, tmp_path: Path
) -> None:
    listed = list(scan_folder(photos).photos)
    listed[4] = replace(listed[4], path=tmp_path / "gone.png")
    done = extract_features(listed, SPEC, tiny_backbone, store)
    assert [reject.path for reject in done.rejects] == [tmp_path / "gone.png"]
    assert done.computed == 35


def test_missing_features_are_an_error(photos: Path, store: FeatureStore) -> None:
    with pytest.raises(TrainingError, match="vanished from the cache.*Run the command again"):
        load_features(scan_folder(photos).photos, store)


def test_two_extractions_at_once_share_the_cache(
    photos: Path, tiny_backbone: bytes, cache: Path
) -> None:
    folder = scan_folder(photos)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            own = FeatureStore(SPEC, "a" * 64)
            extract_features(folder.photos, SPEC, tiny_backbone, own, workers=2)
            assert own.damaged == 0
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    features, _ = load_features(folder.photos, FeatureStore(SPEC, "a" * 64))
    assert np.isfinite(features).all()
    assert not list(cache.rglob("*.tmp"))
