"""`.h5` of Keras 2 and 3 as a backbone: read, or told what it is and how to save it anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from packager.backbones.custom import custom_spec, keras_backbone
from packager.errors import WeightsError

h5py = pytest.importorskip("h5py")
pytestmark = pytest.mark.slow  # Keras takes seconds to import


def network(*, classes: int = 0, nested: bool = False) -> Any:
    import keras

    layers = keras.layers
    image = keras.Input((32, 32, 3))
    x = layers.Conv2D(8, 3, strides=2)(image)
    x = layers.BatchNormalization()(x)
    x = layers.GlobalAveragePooling2D()(layers.DepthwiseConv2D(3)(x))
    model = keras.Model(image, x)
    if nested:  # as Teachable Machine's
        top = keras.Sequential([layers.Dense(10), layers.Dense(classes, "softmax")])
        model = keras.Sequential([keras.Input((32, 32, 3)), keras.Sequential([model]), top])
    elif classes:
        model = keras.Model(image, layers.Dense(classes, "softmax")(x))
    return model


def as_keras_2(path: Path, **more: Any) -> Path:
    """Writes into the file's settings what Keras 2 has there."""
    changes = {
        "DepthwiseConv2D": {"groups": 1},
        "BatchNormalization": {"renorm": False, "virtual_batch_size": None},
        **more,
    }

    def change(config: Any) -> None:
        for inner in config.values() if isinstance(config, dict) else config:
            if isinstance(inner, dict | list):
                change(inner)
        if isinstance(config, dict) and config.get("class_name") in changes:
            config["config"].update(changes[config["class_name"]])

    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        change(config)
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = "2.4.0"
    return path


def refused(path: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        keras_backbone(custom_spec(path, 32, "127.5", "127.5"))
    assert "damaged" not in str(caught.value)
    return caught.value


def test_a_file_of_keras_2_is_read(tmp_path: Path) -> None:
    model = network()
    model.save(tmp_path / "model.h5")
    path = as_keras_2(tmp_path / "model.h5")
    found = keras_backbone(custom_spec(path, 32, "127.5", "127.5"))
    assert found.output_shape == (None, 8)
    for ours, theirs in zip(found.get_weights(), model.get_weights(), strict=True):
        assert (ours == theirs).all()
    assert {type(layer) for layer in found.layers} == {type(layer) for layer in model.layers}


def test_a_setting_with_an_effect_is_not_passed_over(tmp_path: Path) -> None:
    network().save(tmp_path / "model.h5")
    error = refused(as_keras_2(tmp_path / "model.h5", DepthwiseConv2D={"groups": 2}))
    assert "can't open this file of Keras 2.4.0" in error.what
    assert "pip install tf-keras && python -c" in error.fix
    assert "load_model('model.h5', compile=False).export('model_saved')" in error.fix


@pytest.mark.parametrize("nested", [False, True])
def test_a_classifier_is_told_with_the_command_that_cuts_it(tmp_path: Path, nested: bool) -> None:
    network(classes=3, nested=nested).save(tmp_path / "keras_model.h5")
    error = refused(as_keras_2(tmp_path / "keras_model.h5"))
    assert "is a softmax: a classifier, not a backbone" in error.what
    assert ".layers[:-1]).export('keras_model_saved')" in error.fix


def test_weights_alone_are_named_so(tmp_path: Path) -> None:
    network().save_weights(tmp_path / "model.weights.h5")
    assert "only a model's weights" in refused(tmp_path / "model.weights.h5").what


def test_a_lambda_is_refused(tmp_path: Path) -> None:
    import keras

    image = keras.Input((32, 32, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(image)
    model = keras.Model(image, keras.layers.Lambda(lambda x: x + 1)(pooled))
    model.save(tmp_path / "model.h5")
    assert "a lambda layer, which is code" in refused(tmp_path / "model.h5").what


def test_what_is_no_hdf5(tmp_path: Path) -> None:
    (tmp_path / "model.h5").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(WeightsError, match="this is not a readable HDF5 file"):
        keras_backbone(custom_spec(tmp_path / "model.h5", 32, "127.5", "127.5"))
    network().save(tmp_path / "model.h5")
    with h5py.File(tmp_path / "model.h5", "r+") as file:
        file.attrs["model_config"] = "{" * 5000
    with pytest.raises(WeightsError, match="the description of its layers is damaged"):
        keras_backbone(custom_spec(tmp_path / "model.h5", 32, "127.5", "127.5"))
