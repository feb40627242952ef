from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from packager.backbones.weights import find_weights
from packager.data.folder import scan_folder
from packager.export.convert import converted_backbone
from packager.export.quantized import measured_backbone
from packager.specs import ModelSpec, get_spec
from packager.training.extraction import extract_features
from packager.training.features import Extractor, FeatureStore, load_features

pytestmark = pytest.mark.slow
SPEC: ModelSpec = replace(get_spec("lite0"), input_size=32, feature_size=16)


@pytest.fixture
def store(cache: Path) -> FeatureStore:
    return FeatureStore(SPEC, "a" * 64)


def test_second_time_nothing_is_computed(
    photos: Path, tiny_backbone: bytes, store: FeatureStore
) -> None:
    folder = scan_folder(photos)
    first = extract_features(folder.photos, SPEC, tiny_backbone, store)
    second = extract_features(folder.photos, SPEC, tiny_backbone, store)
    assert (first.computed, first.cached) == (36, 0)
    assert (second.computed, second.cached) == (0, 36)


def test_calibration_gives_the_features_of_its_photos(
    photos: Path, tiny_backbone: bytes, store: FeatureStore
) -> None:
    found = scan_folder(photos).photos
    extract_features(found, SPEC, tiny_backbone, store)
    expected, _ = load_features(found, store)
    known = measured_backbone(tiny_backbone, SPEC, found[:20], "int8", seed=1)
    other = FeatureStore(SPEC, "b" * 64, store.folder.parent.parent)
    first = extract_features(found[5:], SPEC, tiny_backbone, other, known=known)
    assert (first.computed, first.cached) == (31, 0)
    extract_features(found, SPEC, tiny_backbone, other)
    np.testing.assert_array_equal(load_features(found, other)[0], expected)
    nothing = FeatureStore(SPEC, "c" * 64, store.folder.parent.parent)
    extract_features(found[:20], SPEC, b"", nothing, known=known)  # needs no backbone
    np.testing.assert_array_equal(load_features(found[:20], nothing)[0], expected[:20])


@pytest.mark.parametrize("name", ["lite0", "mobilenet_v3_l", "mobilenet_v4_s"])
def test_calibration_gives_the_bits_that_extraction_gives(
    photos: Path, name: str, cache: Path
) -> None:
    spec = get_spec(name)
    backbone = converted_backbone(spec, find_weights(spec, "none")).model
    found = scan_folder(photos).photos[:2]
    extractor = Extractor(spec, backbone, mirrored=False)
    known = measured_backbone(backbone, spec, found, "int8")
    for photo in found:
        np.testing.assert_array_equal(
            known[photo.sha256], extractor.extract(photo.path, photo.sha256)
        )


def test_a_lost_calibration_photo_gives_no_features(
    photos: Path, tiny_backbone: bytes, cache: Path
) -> None:
    found = list(scan_folder(photos).photos[:4])
    found[1] = replace(found[1], path=cache / "gone.png")
    assert measured_backbone(tiny_backbone, SPEC, found, "int8") == {}
    assert measured_backbone(tiny_backbone, SPEC, found[2:], "fp16") == {}


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


def test_photo_that_vanished_is_a_reject(
    photos: Path, tiny_backbone: bytes, store: FeatureStore, tmp_path: Path
) -> None:
    listed = list(scan_folder(photos).photos)
    listed[4] = replace(listed[4], path=tmp_path / "gone.png")
    done = extract_features(listed, SPEC, tiny_backbone, store)
    assert [reject.path for reject in done.rejects] == [tmp_path / "gone.png"]
    assert done.computed == 35


def test_a_photo_that_changed_does_not_poison_the_cache(
    photos: Path, tiny_backbone: bytes, store: FeatureStore, tmp_path: Path
) -> None:
    listed = list(scan_folder(photos).photos)
    before, changed = listed[4], tmp_path / "changed.png"
    changed.write_bytes(listed[20].path.read_bytes())
    listed[4] = replace(before, path=changed)
    done = extract_features(listed, SPEC, tiny_backbone, store)
    assert [reject.path for reject in done.rejects] == [changed]
    assert "has changed since" in done.rejects[0].reason
    assert store.read(before.sha256) is None
    changed.write_bytes(before.path.read_bytes())
    assert extract_features(listed, SPEC, tiny_backbone, store).computed == 1


def test_a_copy_stands_in_for_a_photo_that_vanished(
    photos: Path, tiny_backbone: bytes, store: FeatureStore, tmp_path: Path
) -> None:
    listed = list(scan_folder(photos).photos)
    gone = [replace(listed[4], path=tmp_path / f"{n}.png") for n in (1, 2)]
    done = extract_features([*gone, *listed], SPEC, tiny_backbone, store)
    assert (done.rejects, done.computed) == ((), 36)
    store = FeatureStore(SPEC, "b" * 64, store.folder.parent.parent)
    done = extract_features(gone, SPEC, tiny_backbone, store)
    assert [reject.path for reject in done.rejects] == [photo.path for photo in gone]


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
