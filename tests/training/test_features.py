from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from packager.data.folder import Photo, scan_folder
from packager.data.images import open_photo, view
from packager.errors import TrainingError
from packager.export import flatbuffer
from packager.specs import ModelSpec, get_spec
from packager.training.extraction import extract_features
from packager.training.features import (
    FeatureStore,
    PackedFeatures,
    feature_views,
    load_features,
    of_views,
)
from packager.training.head import train_head
from packager.training.settings import HeadSettings

pytestmark = pytest.mark.slow
SPEC: ModelSpec = replace(get_spec("lite0"), input_size=32, feature_size=16)


@pytest.fixture
def store(cache: Path) -> FeatureStore:
    return FeatureStore(SPEC, "a" * 64)


def test_views_are_stretch_and_crop_and_on_demand_each_mirrored_too() -> None:
    assert feature_views(mirrored=False) == ("stretch", "crop")
    assert feature_views(mirrored=True) == ("stretch", "stretch mirrored", "crop", "crop mirrored")


@pytest.mark.parametrize("mirrored", [False, True])
def test_vectors_are_the_backbones(
    photos: Path, tiny_backbone: bytes, cache: Path, mirrored: bool
) -> None:
    from ai_edge_litert.interpreter import Interpreter

    views = feature_views(mirrored=mirrored)
    store = FeatureStore(SPEC, "a" * 64, mirrored=mirrored)
    folder = scan_folder(photos)
    extract_features(folder.photos, SPEC, tiny_backbone, store)
    features, labels = load_features(folder.photos, store)
    assert features.shape == (36, len(views), 16)
    assert labels.tolist() == [0] * 12 + [1] * 12 + [2] * 12

    interpreter = Interpreter(model_content=tiny_backbone)
    interpreter.allocate_tensors()
    for row in (0, 17, 35):
        image = open_photo(folder.photos[row].path)
        for place, name in enumerate(views):
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


def test_backbone_for_one_picture_at_a_time_gives_the_same(
    photos: Path, tiny_backbone: bytes, cache: Path
) -> None:
    from ai_edge_litert import schema_py_generated as schema

    model = flatbuffer.unpack(tiny_backbone)
    graph, float32 = model.subgraphs[0], schema.TensorType.FLOAT32
    buffer = flatbuffer.add_buffer(model, np.array([1, 16], np.int32))
    shape = flatbuffer.add_tensor(model, "shape", (2,), schema.TensorType.INT32, buffer)
    reshaped = flatbuffer.add_tensor(model, "reshaped", (1, 16), float32)
    inputs, kind = [int(graph.outputs[0]), shape], schema.BuiltinOperator.RESHAPE
    options = schema.ReshapeOptionsT()
    graph.operators.append(flatbuffer.new_operator(model, kind, inputs, reshaped, options))
    graph.outputs, model.signatureDefs = [reshaped], []
    vectors = []
    for number, backbone in enumerate((tiny_backbone, flatbuffer.pack(model))):
        store = FeatureStore(SPEC, f"{number}" * 64)
        listed = scan_folder(photos).photos[:3]
        extract_features(listed, SPEC, backbone, store)
        vectors.append(load_features(listed, store)[0])
    np.testing.assert_array_equal(*vectors)


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


def made_up(photos: Path, store: FeatureStore) -> tuple[Photo, ...]:
    """The photos, with random vectors in the store."""
    listed = scan_folder(photos).photos
    for seed, photo in enumerate(listed):
        store.write(photo.sha256, np.random.default_rng(seed).random(store.shape, np.float32))
    return listed


@pytest.mark.parametrize("shape", [(16,), (3, 3, 2)])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_packed_features_are_indexed_as_an_array_is(
    photos: Path, cache: Path, shape: tuple[int, ...], dtype: type
) -> None:
    store = FeatureStore(SPEC, "a" * 64, shape=shape, dtype=dtype, mirrored=True)
    listed = made_up(photos, store)
    held, labels = load_features(listed, store)
    packed, same = load_features(listed, store, budget=held.nbytes - 1)
    assert isinstance(held, np.ndarray)
    assert isinstance(packed, PackedFeatures)
    assert isinstance(load_features(listed, store, budget=held.nbytes)[0], np.ndarray)
    assert (packed.shape, packed.dtype) == (held.shape, held.dtype)
    np.testing.assert_array_equal(same, labels)
    some = np.array([35, 0, 7, 7])
    for key in (
        (some, np.array([0, 3, 1, 1])), (slice(None), 2), (slice(4, 9), 0), (some, slice(1, 3)),
        slice(0), slice(None), 5, (-1, -1), labels == 1,
    ):  # fmt: skip
        np.testing.assert_array_equal(packed[key], held[key], strict=True)
    with pytest.raises(IndexError):
        packed[36, 0]


def test_the_head_is_the_same_from_packed_features(photos: Path, store: FeatureStore) -> None:
    listed = made_up(photos, store)
    settings = HeadSettings(epochs=3)
    one, two = (
        train_head(*(load_features(part, store, budget=budget) for part in parts), 3, settings)
        for budget, parts in ((2**30, (listed, listed[::2])), (0, (listed, listed[::2])))
    )
    assert one.kernel.tobytes() == two.kernel.tobytes()
    assert one.bias.tobytes() == two.bias.tobytes()
    assert one.curves == two.curves


def test_packed_features_are_read_by_many_at_once_and_leave_nothing(
    photos: Path, store: FeatureStore, cache: Path
) -> None:
    listed = made_up(photos, store)
    before = sorted(cache.rglob("*"))
    held, _ = load_features(listed, store)
    packed, _ = load_features(listed, store, budget=0)
    with ThreadPoolExecutor(4) as threads:
        for row, vectors in enumerate(threads.map(packed.__getitem__, [*range(36)] * 20)):
            np.testing.assert_array_equal(vectors, held[row % 36])
    del packed
    assert sorted(cache.rglob("*")) == before


def test_packed_features_need_space(
    photos: Path, store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = made_up(photos, store)
    usage = shutil.disk_usage(photos)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=4607))
    with pytest.raises(TrainingError, match=r"too little space for 0 MB.*PACKAGER_CACHE"):
        load_features(listed, store, budget=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=4608))
    assert load_features(listed, store, budget=0)[0].shape == (36, 2, 16)


def test_another_backbone_or_spec_shares_nothing(cache: Path) -> None:
    paths = {
        FeatureStore(replace(SPEC, mean=0.0), "a" * 64).path("0" * 64),
        FeatureStore(SPEC, "a" * 64, dtype=np.float16).path("0" * 64),
        FeatureStore(SPEC, "a" * 64, mirrored=True).path("0" * 64),
        FeatureStore(SPEC, "a" * 64).path("0" * 64),
        FeatureStore(SPEC, "b" * 64).path("0" * 64),
        FeatureStore(replace(SPEC, name="lite1"), "a" * 64).path("0" * 64),
    }
    assert len(paths) == 6


def test_missing_features_are_an_error(photos: Path, store: FeatureStore) -> None:
    with pytest.raises(TrainingError, match="disappeared from the cache.*Run the command again"):
        load_features(scan_folder(photos).photos, store)
    with pytest.raises(TrainingError, match="disappeared from the cache.*Run the command again"):
        load_features(scan_folder(photos).photos, store, budget=0)


def test_some_views_are_the_same_numbers_packed_or_not(
    photos: Path, tiny_backbone: bytes, cache: Path
) -> None:
    store = FeatureStore(SPEC, "a" * 64, mirrored=True)
    folder = scan_folder(photos)
    extract_features(folder.photos, SPEC, tiny_backbone, store)
    rows = np.array([5, 30])
    found = [
        of_views(load_features(folder.photos, store, budget=budget)[0], slice(None, None, 2))
        for budget in (0, 2**20)
    ]
    assert isinstance(found[0], PackedFeatures)
    assert found[0].shape == found[1].shape == (36, 2, 16)
    np.testing.assert_array_equal(found[0][rows, np.array([1, 0])], found[1][rows, [1, 0]])
