"""ResNet50 as Keras publishes it, with the weights that were ported from Caffe.

He et al. 2015 (https://arxiv.org/abs/1512.03385), table 1. The weights expect Caffe's input: blue,
green, red, each less its mean; that is in the graph, so that the input stays one mean and one
standard deviation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from packager.backbones.input_units import change_units
from packager.errors import WeightsError
from packager.specs import ModelSpec

# Red, green, blue; of `keras.applications.imagenet_utils.preprocess_input`, mode "caffe".
CAFFE_MEAN, CAFFE_STD = (123.68, 116.779, 103.939), (1.0, 1.0, 1.0)


def resnet50(spec: ModelSpec, top: bool) -> Any:
    """The Keras model: float32 [N, size, size, 3] in; [N, 2048], or scores [N, 1000], out."""
    import keras

    image = keras.Input((spec.input_size, spec.input_size, 3), name="image")
    network = keras.applications.ResNet50(
        weights=None, include_top=top, pooling="avg",
        input_tensor=change_units(image, spec, "caffe_input", CAFFE_MEAN, CAFFE_STD, bgr=True),
    )  # fmt: skip
    return keras.Model(image, network.output, name=spec.name)


def load_published(model: Any, path: Path, spec: ModelSpec) -> None:
    """Puts a Keras weights file (.h5, with or without its classifier) into `resnet50`'s model.

    Raises:
        WeightsError: the file can't be read, or is for another model.
    """
    import keras
    import numpy as np

    names = {layer.name for layer in model.layers}
    try:
        # Keras tells layers apart by their order, so the file's own classifier must be there.
        plain = keras.applications.ResNet50(
            weights=None,
            include_top="predictions" in names or _has_classifier(path),
            pooling="avg",
            input_shape=(spec.input_size, spec.input_size, 3),
        )
        plain.load_weights(path)
    except (ValueError, LookupError, OSError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"Keras can't load it into ResNet50 ({' '.join(str(error).split())[:200]})",
            where=path,
            fix="It is for another model, or damaged: give a weights file (.h5) of "
            "keras.applications.ResNet50.",
        ) from error
    for layer in plain.layers:
        if layer.weights and layer.name in names:
            values = layer.get_weights()
            if not all(np.isfinite(value).all() for value in values):
                raise WeightsError(
                    f"layer {layer.name!r} holds values that are not finite numbers",
                    where=path,
                    fix="The file is damaged: give another.",
                )
            model.get_layer(layer.name).set_weights(values)


def _has_classifier(path: Path) -> bool:
    import h5py  # type: ignore[import-untyped]

    with h5py.File(path) as file:
        layers = file.get("model_weights", file).attrs.get("layer_names", ())
    return any(name in (b"predictions", "predictions") for name in layers)
