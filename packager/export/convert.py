"""A Keras backbone as a float .tflite, converted once and kept in the user's cache."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packager import files
from packager.backbones.weights import Weights
from packager.cache import cache_folder
from packager.specs import ModelSpec

if TYPE_CHECKING:
    import keras

_FORMAT = 1  # raise it when the same weights would give another file


@dataclass(frozen=True)
class ConvertedBackbone:
    """A float .tflite from pixels to feature vectors.

    Attributes:
        model: the file's bytes; input float32 [1, size, size, 3], normalised as the spec says;
            output float32 [1, feature_size].
        sha256: of those bytes; it names everything computed with them.
    """

    model: bytes
    sha256: str


def cached_backbone(
    spec: ModelSpec, weights: Weights, *, seed: int = 0
) -> ConvertedBackbone | None:
    """The backbone of `spec` with `weights`, if it was converted before; without TensorFlow."""
    try:
        content = _path(spec, weights, seed).read_bytes()
    except OSError:
        return None
    digest, model = content[:32], content[32:]
    if hashlib.sha256(model).digest() != digest:
        return None  # damaged: as if it weren't there
    return ConvertedBackbone(model, digest.hex())


def converted_backbone(spec: ModelSpec, weights: Weights, *, seed: int = 0) -> ConvertedBackbone:
    """The same, converted now and kept in the user's cache when it isn't there."""
    from packager.backbones import build_backbone

    cached = cached_backbone(spec, weights, seed=seed)
    if cached is not None:
        return cached
    model = convert(build_backbone(spec, weights, seed=seed))
    digest = hashlib.sha256(model).digest()
    files.write_bytes(_path(spec, weights, seed), digest + model)
    return ConvertedBackbone(model, digest.hex())


def _path(spec: ModelSpec, weights: Weights, seed: int) -> Path:
    drawn = seed if weights.path is None else ""  # random weights depend on it
    origin = f"{spec.name}|{weights.sha256}|{drawn}|{_FORMAT}"
    name = f"{spec.name}-{hashlib.sha256(origin.encode()).hexdigest()[:16]}.tflite"
    return cache_folder() / "backbones" / name


def convert(model: keras.Model) -> bytes:
    """A Keras model of one image input as a float .tflite for one photo at a time.

    The weights are frozen into the graph first: left as variables they would stay
    VAR_HANDLE and READ_VARIABLE operators in the file.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    def forward(image: Any) -> Any:
        return model(image, training=False)

    shape = (1, *model.input_shape[1:])
    function = tf.function(forward, input_signature=[tf.TensorSpec(shape, tf.float32, "image")])
    frozen = convert_variables_to_constants_v2(function.get_concrete_function())
    return bytes(tf.lite.TFLiteConverter.from_concrete_functions([frozen]).convert())
