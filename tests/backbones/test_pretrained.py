from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from packager.backbones.pretrained import build_backbone
from packager.backbones.state_dict import read_state_dict
from packager.backbones.weights import Weights, find_weights
from packager.errors import WeightsError
from packager.specs import SPECS
from tests.backbones import torch_files as files

LITE0 = SPECS["lite0"]
NOTHING = Weights(None, "none", "random numbers")
IMAGE = np.random.default_rng(0).uniform(-1, 1, (2, 224, 224, 3)).astype(np.float32)
Tensors = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def published() -> Tensors:
    path = find_weights(LITE0, download=False).path
    assert path is not None
    return read_state_dict(path)


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    return run(build_backbone(LITE0, find_weights(LITE0, download=False)))


def run(model: Any) -> np.ndarray:
    return np.asarray(model(IMAGE, training=False))


def saved(path: Path, tensors: Tensors) -> Weights:
    header, data = {}, bytearray()
    for name, array in tensors.items():
        kind = {"float32": "F32", "float16": "F16", "int64": "I64"}[array.dtype.name]
        place = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": place}
        data += array.tobytes()
    path.write_bytes(files.safetensors(header, bytes(data)))
    return find_weights(LITE0, path)


@pytest.mark.slow
def test_output_is_the_feature_vector(features: np.ndarray) -> None:
    assert features.shape == (2, 1280)
    assert features.dtype == np.float32
    assert features.min() >= 0
    assert 0.1 < features.max() <= 6


@pytest.mark.slow
def test_top_gives_probabilities() -> None:
    scores = run(build_backbone(LITE0, find_weights(LITE0, download=False), top=True))
    assert scores.shape == (2, 1000)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.slow
def test_safetensors_gives_the_same_features(
    tmp_path: Path, published: Tensors, features: np.ndarray
) -> None:
    weights = saved(tmp_path / "own.safetensors", published)
    np.testing.assert_array_equal(run(build_backbone(LITE0, weights)), features)


@pytest.mark.slow
def test_timm_names_give_the_same_features(
    tmp_path: Path, published: Tensors, features: np.ndarray
) -> None:
    stages = [1, 2, 2, 3, 3, 4, 1]
    blocks = [(stage, block) for stage, count in enumerate(stages) for block in range(count)]
    renamed = {}
    for name, tensor in published.items():
        if name.startswith("_blocks."):
            _, number, part, kind = name.split(".")
            stage, block = blocks[int(number)]
            parts = {"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw",
                     "_bn1": "bn2", "_project_conv": "conv_pwl", "_bn2": "bn3"}  # fmt: skip
            if stage == 0:
                parts = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw",
                         "_bn2": "bn2"}  # fmt: skip
            name = f"blocks.{stage}.{block}.{parts[part]}.{kind}"
        else:
            part, kind = name.split(".")
            parts = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head",
                     "_bn1": "bn2", "_fc": "classifier"}  # fmt: skip
            name = f"{parts[part]}.{kind}"
        renamed[name] = tensor
    weights = saved(tmp_path / "timm.safetensors", renamed)
    np.testing.assert_array_equal(run(build_backbone(LITE0, weights)), features)


@pytest.mark.slow
def test_a_classifier_of_other_classes_matters_only_with_top(
    tmp_path: Path, published: Tensors, features: np.ndarray
) -> None:
    tensors = published | {
        "_fc.weight": np.zeros((5, 1280), np.float32),
        "_fc.bias": np.zeros(5, np.float32),
    }
    weights = saved(tmp_path / "five.safetensors", tensors)
    np.testing.assert_array_equal(run(build_backbone(LITE0, weights)), features)
    with pytest.raises(WeightsError, match=r"_fc\.weight.*\(5, 1280\).*\(1000, 1280\)"):
        build_backbone(LITE0, weights, top=True)


def without(name: str) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {key: value for key, value in tensors.items() if key != name}


def put(name: str, value: np.ndarray) -> Callable[[Tensors], Tensors]:
    return lambda tensors: tensors | {name: value}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without("_conv_stem.weight"), "no tensor '_conv_stem.weight' of shape (32, 3, 3, 3)"),
        (without("_blocks.7._bn1.running_var"), "no tensor '_blocks.7._bn1.running_var'"),
        (put("_bn0.bias", np.zeros(31, np.float32)), "'_bn0.bias' is float32 of shape (31,), not"),
        (put("_bn0.bias", np.zeros(32, np.int64)), "'_bn0.bias' is int64 of shape (32,), not"),
        (put("_bn0.bias", np.full(32, np.nan, np.float32)), "'_bn0.bias' holds values"),
        (put("_blocks.16._bn0.bias", np.zeros(8, np.float32)), "a tensor '_blocks.16._bn0.bias'"),
    ],
)
def test_a_state_dict_that_does_not_fit_is_refused(
    tmp_path: Path, published: Tensors, change: Callable[[Tensors], Tensors], words: str
) -> None:
    weights = saved(tmp_path / "own.safetensors", change(published))
    with pytest.raises(WeightsError) as caught:
        build_backbone(LITE0, weights)
    assert words in caught.value.what
    assert caught.value.where == str(weights.path)
    assert "another model" in caught.value.fix


def test_the_weights_of_another_model_are_refused() -> None:
    weights = find_weights(LITE0, download=False)
    for other in ("lite1", "lite2", "mobilenet_v2"):
        with pytest.raises(WeightsError, match=f"give a state dict of {SPECS[other].title}"):
            build_backbone(SPECS[other], weights)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lite0", "mobilenet_v2"])
def test_random_weights_depend_on_the_seed_alone(name: str) -> None:
    first = run(build_backbone(SPECS[name], NOTHING, seed=3))
    assert np.isfinite(first).all()
    assert first.std() > 0
    np.testing.assert_array_equal(run(build_backbone(SPECS[name], NOTHING, seed=3)), first)
    assert not np.array_equal(run(build_backbone(SPECS[name], NOTHING, seed=4)), first)


@pytest.mark.slow
def test_training_keeps_the_fixed_input() -> None:
    model = build_backbone(SPECS["mobilenet_v2"], NOTHING, seed=1)
    before = [np.array(value) for value in model.get_layer("torch_input").get_weights()]
    stem = np.array(model.get_layer("stem_conv").kernel)
    model.compile("sgd", "mse")
    model.train_on_batch(IMAGE, np.ones((2, 1280), np.float32))
    for old, new in zip(before, model.get_layer("torch_input").get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert not np.array_equal(stem, np.array(model.get_layer("stem_conv").kernel))
