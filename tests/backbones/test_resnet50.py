from __future__ import annotations

from dataclasses import replace
from math import prod
from pathlib import Path

import numpy as np
import pytest

from packager.backbones.input_units import unit_change
from packager.backbones.pretrained import build_backbone
from packager.backbones.weights import Weights, find_weights
from packager.errors import WeightsError
from packager.specs import SPECS
from tests.backbones.test_downloads import keras_file

SPEC = SPECS["resnet50"]
NOTHING = Weights(None, "none", "random numbers")
SMALL = replace(SPEC, input_size=64)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("resnet") / "resnet50_notop.h5"
    keras_file(path, np.random.default_rng(2))
    return path


@pytest.mark.slow
def test_parameters() -> None:
    model = build_backbone(SPEC, NOTHING, top=True)
    own = 3 * 3 + 3  # the convolution that changes the units
    assert sum(prod(variable.shape) for variable in model.variables) == 25_636_712 + own
    assert model.input_shape == (None, 224, 224, 3)
    assert model.output_shape == (None, 1000)


@pytest.mark.slow
def test_features_are_those_of_keras_with_its_own_preprocessing(file: Path) -> None:
    """At the borders too, where Keras pads with zeros of Caffe's units."""
    import keras

    reference = keras.applications.ResNet50(
        weights=None, include_top=False, pooling="avg", input_shape=(64, 64, 3)
    )
    reference.load_weights(file)
    pixels = np.random.default_rng(3).integers(0, 256, (2, 64, 64, 3)).astype(np.float32)
    prepared = keras.applications.resnet50.preprocess_input(pixels.copy())
    wanted = np.asarray(reference(prepared, training=False))
    model = build_backbone(SMALL, find_weights(SMALL, file))
    found = np.asarray(model((pixels - SMALL.mean) / SMALL.std, training=False))
    assert found.shape == (2, 2048)
    assert np.abs(found - wanted).max() < 1e-4 * wanted.max()
    assert np.abs(wanted[0] - wanted[1]).max() > 1e-2 * wanted.max()


@pytest.mark.slow
def test_a_file_with_its_classifier_gives_features_too(tmp_path: Path) -> None:
    path = tmp_path / "with_top.h5"
    written = keras_file(path, np.random.default_rng(4), top=True)
    model = build_backbone(SPEC, find_weights(SPEC, path))
    assert model.output_shape == (None, 2048)
    kernel = model.get_layer("conv5_block3_3_conv").kernel
    np.testing.assert_array_equal(np.asarray(kernel), written["conv5_block3_3_conv/kernel:0"])
    top = build_backbone(SPEC, find_weights(SPEC, path), top=True)
    kernel = top.get_layer("classes").kernel
    np.testing.assert_array_equal(np.asarray(kernel), written["predictions/kernel:0"])


@pytest.mark.slow
def test_a_file_of_another_model_is_refused(tmp_path: Path, file: Path) -> None:
    import h5py

    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as content:
        content.attrs["layer_names"] = [b"conv1"]
        content.create_group("conv1").attrs["weight_names"] = [b"conv1/kernel:0"]
        content["conv1"]["conv1/kernel:0"] = np.zeros((3, 3, 3, 8), np.float32)
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(file.read_bytes()[:1000])
    for path in (other, damaged):
        with pytest.raises(WeightsError) as caught:
            build_backbone(SMALL, find_weights(SMALL, path))
        assert caught.value.where == str(path)
        assert "keras.applications.ResNet50" in caught.value.fix
    state_dict = find_weights(SPECS["lite0"], download=False)
    with pytest.raises(WeightsError, match="no tensor 'conv1.weight' of shape"):
        build_backbone(SMALL, state_dict)


@pytest.mark.slow
def test_values_that_are_no_numbers_are_refused(tmp_path: Path, file: Path) -> None:
    import h5py

    path = tmp_path / "nan.h5"
    path.write_bytes(file.read_bytes())
    with h5py.File(path, "r+") as content:
        content["conv3_block2_2_bn"]["conv3_block2_2_bn/gamma:0"][5] = np.nan
    with pytest.raises(WeightsError, match="'conv3_block2_2_bn/gamma' holds values"):
        build_backbone(SMALL, find_weights(SMALL, path))


def test_the_change_of_units_is_exact() -> None:
    kernel, bias = unit_change(SPEC, (123.0, 116.0, 103.0), (2.0, 4.0, 8.0), bgr=True)
    pixel = np.array([10.0, 100.0, 200.0])
    found = ((pixel - SPEC.mean) / SPEC.std) @ kernel[0, 0] + bias
    np.testing.assert_allclose(found, [97 / 8, -16 / 4, -113 / 2], rtol=1e-6)
