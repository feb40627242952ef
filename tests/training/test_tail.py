from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from packager.backbones.pretrained import build_backbone
from packager.backbones.weights import Weights
from packager.data.folder import Photo
from packager.errors import SettingsError, TrainingError
from packager.specs import get_spec
from packager.training import memory, tail
from packager.training.features import FeatureStore
from packager.training.tail import Point, TrunkSamples, choose, cut_backbone

RANDOM = Weights(None, "none", "random numbers")
SPEC = replace(get_spec("lite0"), input_size=64, width=0.2, depth=0.4)
PHOTO = Photo(Path("0.png"), 0, "0" * 64)


def store(cache: Path, dtype: Any = np.float16) -> FeatureStore:
    return FeatureStore(SPEC, "a" * 64, shape=(2, 2, 3), dtype=dtype, mirrored=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("lite0", "stage5_block3_add"),
        ("lite4", "stage5_block6_add"),
        ("mobilenet_v2", "stage5_block3_add"),
        ("mobilenet_v4_s", "stage4_block1_start_norm"),
    ],
)
def test_cut_comes_before_the_block_that_halves_the_map_last(name: str, layer: str) -> None:
    network = build_backbone(replace(get_spec(name), input_size=64), RANDOM)
    cut = cut_backbone(network)
    assert cut.name == layer
    assert cut.shape == tuple(network.get_layer(layer).output.shape[1:])


@pytest.mark.slow
def test_cut_of_a_model_that_packager_does_not_know() -> None:
    import keras

    network = keras.applications.ResNet50(
        weights=None, include_top=False, pooling="avg", input_shape=(64, 64, 3)
    )
    assert cut_backbone(network).name == "conv4_block6_out"


@pytest.mark.slow
def test_trunk_and_tail_are_the_network_and_share_its_weights() -> None:
    network = build_backbone(SPEC, RANDOM)
    own = {id(variable) for variable in network.trainable_variables}
    cut = cut_backbone(network)
    images = np.random.default_rng(0).normal(size=(3, 64, 64, 3)).astype(np.float32)
    np.testing.assert_allclose(cut.tail(cut.trunk(images)), network(images), rtol=1e-5, atol=1e-6)
    assert {id(variable) for variable in cut.tail.trainable_variables} < own
    cut.tail.trainable_variables[0].assign_add(np.ones_like(cut.tail.trainable_variables[0]))
    np.testing.assert_allclose(cut.tail(cut.trunk(images)), network(images), rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_branches_are_never_cut_and_nested_models_are() -> None:
    import keras
    from keras import layers

    inner_image = keras.Input((16, 16, 8))
    left = layers.Conv2D(8, 3, padding="same", name="left")(inner_image)
    right = layers.Conv2D(8, 1, name="right")(inner_image)
    merged = layers.Concatenate(name="merged")([left, right])
    inner = keras.Model(inner_image, layers.Conv2D(4, 1, name="narrow")(merged))
    network = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(8, 3, strides=2, padding="same", name="stem"),
            inner,
            layers.Conv2D(32, 3, strides=2, padding="same", name="end"),
            layers.GlobalAveragePooling2D(),
        ]
    )
    names = [point.name for point in tail.articulation_points(tail.flatten(network))]
    assert {"stem", "merged", "narrow"} <= set(names)
    assert not {"left", "right", "end"} & set(names)
    cut = cut_backbone(network)
    assert (cut.name, cut.shape) == ("narrow", (16, 16, 4))
    images = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(cut.tail(cut.trunk(images)), network(images), rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_backbone_without_a_place_to_cut_is_refused() -> None:
    import keras
    from keras import layers

    image = keras.Input((8, 8, 3))
    network = keras.Model(image, layers.Dense(4)(layers.Flatten()(image)))
    with pytest.raises(SettingsError, match="no layer at which.*Use --fine-tune full"):
        cut_backbone(network)


def test_choice_is_the_last_narrow_point_before_the_last_downsampling() -> None:
    def points(*shapes: tuple[int, int]) -> list[Point]:
        return [Point(f"{n}", (side, side, c), None) for n, (side, c) in enumerate(shapes)]

    chosen = choose(points((28, 8), (14, 80), (14, 12), (14, 12), (14, 72), (7, 72), (7, 20)))
    assert chosen is not None
    assert chosen.name == "3"
    chosen = choose(points((7, 8), (7, 64), (7, 16), (7, 96)))  # no downsampling at all
    assert chosen is not None
    assert chosen.name == "2"
    assert choose([]) is None


@pytest.mark.slow
def test_trunk_is_converted_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cut = cut_backbone(build_backbone(SPEC, RANDOM))
    first = tail.converted_trunk(cut, SPEC, "a" * 64)
    monkeypatch.setattr(tail, "convert", lambda _: b"converted again")
    assert tail.converted_trunk(cut, SPEC, "a" * 64) == first
    assert tail.converted_trunk(cut, SPEC, "b" * 64).model == b"converted again"
    (path,) = (p for p in (cache / "backbones").iterdir() if first.model in p.read_bytes())
    path.write_bytes(path.read_bytes()[:-1])
    assert tail.converted_trunk(cut, SPEC, "a" * 64).model == b"converted again"


def test_samples_are_of_both_views_and_sides(cache: Path) -> None:
    entries = np.arange(48, dtype=np.float32).reshape(4, 2, 2, 3)
    kept = store(cache)
    kept.write(PHOTO.sha256, entries)
    samples = TrunkSamples(kept, seed=0)
    np.testing.assert_array_equal(samples.views(PHOTO), entries[[0, 2]])
    drawn = [int(samples.sample(PHOTO, epoch)[0, 0, 0]) // 12 for epoch in range(24)]
    assert [place // 2 for place in drawn] == [0, 1] * 12
    assert set(drawn) == {0, 1, 2, 3}
    assert drawn == [int(samples.sample(PHOTO, epoch)[0, 0, 0]) // 12 for epoch in range(24)]


def test_memory_holds_no_more_entries_than_its_budget(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = store(cache)
    kept.write(PHOTO.sha256, np.ones((4, 2, 2, 3)))
    monkeypatch.setattr(memory, "MEMORY_BUDGET", 96)  # one entry
    large = TrunkSamples(kept, seed=0)
    large.views(PHOTO)
    monkeypatch.setattr(memory, "MEMORY_BUDGET", 95)
    small = TrunkSamples(kept, seed=0)
    small.views(PHOTO)
    kept.path(PHOTO.sha256).unlink()
    np.testing.assert_array_equal(large.views(PHOTO), np.ones((2, 2, 2, 3)))
    with pytest.raises(TrainingError, match="disappeared"):
        small.views(PHOTO)


def test_lost_entries_and_numbers_too_large_for_half_precision_are_errors(cache: Path) -> None:
    kept = store(cache)
    samples = TrunkSamples(kept, seed=0)
    with pytest.raises(TrainingError, match=r"0\.png: .*disappeared.*Run the command again"):
        samples.sample(PHOTO, 0)
    with np.errstate(over="ignore"):
        kept.write(PHOTO.sha256, np.full((4, 2, 2, 3), 1e6, np.float32))
    with pytest.raises(TrainingError, match="half precision.*--fine-tune full"):
        samples.views(PHOTO)


def test_full_disk_is_told_before_the_work(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = store(cache)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=95))
    with pytest.raises(TrainingError, match=r"need 0\.0 GB here.*PACKAGER_CACHE"):
        tail.check_space([PHOTO], kept)
    kept.write(PHOTO.sha256, np.zeros((4, 2, 2, 3)))
    tail.check_space([PHOTO], kept)


@pytest.mark.slow
def test_stages_on_large_maps_are_the_trunk_and_fixed() -> None:
    network = build_backbone(replace(get_spec("lite0"), input_size=64), RANDOM)
    trained = {variable.path for variable in network.trainable_variables}
    cut = tail.cut_first_stages(network)
    assert cut is not None
    assert (cut.name, cut.shape) == ("stage3_block2_add", (8, 8, 40))
    left = {variable.path for variable in network.trainable_variables}
    assert left == {variable.path for variable in cut.tail.trainable_variables}
    stages = {path.partition("_")[0] for path in trained - left}
    assert stages == {"stem", "stage1", "stage2", "stage3"}
    assert trained - left == {path for path in trained if path.partition("_")[0] in stages}
    images = np.random.default_rng(0).random((1, 64, 64, 3), np.float32)
    np.testing.assert_allclose(cut.tail(cut.trunk(images)), network(images), atol=1e-5)

    again = tail.cut_again(network, cut)
    assert again is not None
    assert (again.name, again.shape) == ("stage5_block3_add", (4, 4, 112))
    assert {variable.path for variable in network.trainable_variables} == left
    middle = again.trunk(cut.trunk(images))
    np.testing.assert_allclose(again.tail(middle), network(images), atol=1e-5)
    assert tail.cut_again(network, tail.cut_backbone(network)) is None


@pytest.mark.slow
def test_network_without_large_maps_has_no_first_stages() -> None:
    import keras
    from keras import layers

    image = keras.Input((32, 32, 3))
    x = layers.Conv2D(4, 16, 16, name="patches")(image)
    x = layers.Conv2D(4, 2, name="mixes")(x)
    inner = keras.Model(image, layers.GlobalAveragePooling2D()(x))
    network = keras.Sequential([keras.Input((32, 32, 3)), inner])
    assert tail.cut_first_stages(network) is None
    assert len(network.trainable_variables) == 4
