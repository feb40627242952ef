"""A backbone as a float .tflite, converted once and kept in the user's cache."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packager.backbones.pretrained import build_backbone, described_backbone
from packager.backbones.timm_models import timm_backbone
from packager.backbones.weights import Weights
from packager.cache import cache_folder, read_entry, write_entry
from packager.errors import ModelFileError, WeightsError
from packager.export.operators import write_model
from packager.specs import ModelSpec, registered_build

if TYPE_CHECKING:
    import keras

_FORMAT = 3  # raise it when the same weights would give another file


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

    @property
    def feature_size(self) -> int:
        """Length of the feature vector, as the file says."""
        from ai_edge_litert.schema_py_generated import Model

        graph = Model.GetRootAs(self.model).Subgraphs(0)
        return int(graph.Tensors(graph.Outputs(0)).ShapeAsNumpy()[-1])


def needs_tensorflow(spec: ModelSpec) -> bool:
    """Whether `converted_backbone` has to convert, since it can't write the operators itself."""
    return spec.source is not None or registered_build(spec) is not None


def cached_backbone(
    spec: ModelSpec, weights: Weights, *, seed: int = 0
) -> ConvertedBackbone | None:
    """The backbone of `spec` with `weights`, if it was converted before; without TensorFlow."""
    if registered_build(spec) is not None:
        return None  # nothing tells what the function would make
    content = read_entry(_path(spec, weights, seed))
    digest, model = content[:32], content[32:]
    if hashlib.sha256(model).digest() != digest:
        return None  # damaged: as if it weren't there
    return ConvertedBackbone(model, digest.hex())


def converted_backbone(spec: ModelSpec, weights: Weights, *, seed: int = 0) -> ConvertedBackbone:
    """The same, converted now and kept in the user's cache when it isn't there.

    Raises:
        WeightsError: the weights, or the user's own file, can't be used.
        ModelFileError: the converter refuses the model, as it does unknown operators.
    """
    from packager.backbones.custom import (
        is_saved_model,
        refuse_classifier,
        saved_model_features,
    )

    cached = cached_backbone(spec, weights, seed=seed)
    if cached is not None:
        return cached
    where = spec.source.path if spec.source else spec.name
    described = described_backbone(spec, weights, seed=seed)
    if described is not None:
        model = write_model(described)
    elif spec.timm:
        model = timm_backbone(spec, weights.path, seed=seed)
    elif is_saved_model(spec):
        shape = (1, spec.input_size, spec.input_size, 3)
        model = _convert(saved_model_features(spec), shape, where, check=refuse_classifier)
    else:
        model = convert(build_backbone(spec, weights, seed=seed), where)
    digest = hashlib.sha256(model).digest()
    backbone = ConvertedBackbone(model, digest.hex())
    if spec.feature_size not in (0, backbone.feature_size):
        raise WeightsError(
            f"the backbone gives {backbone.feature_size} features, not {spec.feature_size}",
            where=where,
            fix=f"Register it with feature_size {backbone.feature_size}.",
        )
    if registered_build(spec) is None:
        write_entry(_path(spec, weights, seed), digest + model)
    return backbone


def _path(spec: ModelSpec, weights: Weights, seed: int) -> Path:
    drawn = seed if weights.path is None else ""  # random weights depend on it
    units = (spec.source.mean, spec.source.std) if spec.source else ""
    takes = f"{spec.input_size}|{spec.mean}|{spec.std}|{units}"
    origin = f"{spec.name}|{weights.sha256}|{drawn}|{takes}|{_FORMAT}"
    name = f"{spec.name}-{hashlib.sha256(origin.encode()).hexdigest()[:16]}.tflite"
    return cache_folder() / "backbones" / name


def convert(model: keras.Model, where: Path | str | None = None) -> bytes:
    """A Keras model of one image input as a float .tflite for one photo at a time.

    Raises `ModelFileError`, which names `where`, when the converter refuses it.
    """
    return _convert(lambda image: model(image, training=False), (1, *model.input_shape[1:]), where)


def _convert(
    forward: Callable[[Any], Any],
    shape: tuple[int, ...],
    where: Path | str | None,
    check: Callable[[Any, Path | str], None] | None = None,
) -> bytes:
    """The weights are frozen into the graph first: left as variables they would stay
    VAR_HANDLE and READ_VARIABLE operators in the file.
    """
    import tensorflow as tf
    from tensorflow.lite.python.convert_phase import ConverterError
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    function = tf.function(
        forward, input_signature=[tf.TensorSpec(shape, tf.float32, "image")], autograph=False
    )
    try:
        frozen = convert_variables_to_constants_v2(function.get_concrete_function())
        if check is not None:
            check(frozen, where or "")
        return bytes(tf.lite.TFLiteConverter.from_concrete_functions([frozen]).convert())
    except (ConverterError, ValueError, TypeError, LookupError, tf.errors.OpError) as error:
        unknown = sorted({*re.findall(r"\btf\.([A-Z]\w+)", str(error))})
        raise ModelFileError(
            f"its operators {', '.join(unknown)} have no counterpart in TensorFlow Lite"
            if unknown
            else f"TensorFlow Lite's converter refuses it ({' '.join(str(error).split())[:300]})",
            where=where,
            fix="Replace them by layers that TensorFlow Lite knows "
            "(https://ai.google.dev/edge/litert/conversion/tensorflow/ops_compatibility).",
        ) from error
