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
        cached: whether it was found in the cache.
    """

    model: bytes
    sha256: str
    cached: bool


def converted_backbone(
    spec: ModelSpec, weights: Weights, *, seed: int = 0, cache: Path | None = None
) -> ConvertedBackbone:
    """The backbone of `spec` with `weights` as a .tflite, from the cache when it's there."""
    import tensorflow as tf

    from packager.backbones import build_backbone

    origin = "|".join(
        (spec.name, weights.sha256, str(seed if weights.path is None else ""), str(_FORMAT),
         tf.__version__)
    )  # fmt: skip
    name = f"{spec.name}-{hashlib.sha256(origin.encode()).hexdigest()[:16]}.tflite"
    path = (cache or cache_folder()) / "backbones" / name
    stored = _read_checked(path)
    if stored is not None:
        return ConvertedBackbone(stored, hashlib.sha256(stored).hexdigest(), cached=True)
    model = convert(build_backbone(spec, weights, seed=seed))
    files.write_bytes(path, hashlib.sha256(model).digest() + model)
    return ConvertedBackbone(model, hashlib.sha256(model).hexdigest(), cached=False)


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


def _read_checked(path: Path) -> bytes | None:
    """The cached file behind its digest; None when it's missing or damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, model = content[:32], content[32:]
    return model if hashlib.sha256(model).digest() == digest else None
