"""An architecture with its parameters, as a Keras model or for another builder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from packager.backbones import (
    efficientnet_lite,
    efficientnet_v2,
    mobilenet_v2,
    mobilenet_v3,
    mobilenet_v4,
    resnet50,
)
from packager.backbones.custom import as_backbone, keras_backbone
from packager.backbones.keras_layers import keras_model
from packager.backbones.keras_weights import read_keras_weights
from packager.backbones.layers import Convention, Layers, ParameterShapes
from packager.backbones.parameters import (
    KERAS,
    PYTORCH,
    Naming,
    Parameters,
    drawn_parameters,
    published_parameters,
)
from packager.backbones.weights import Weights, is_hdf5
from packager.errors import SettingsError
from packager.specs import ModelSpec, registered_build

IMAGENET_CLASSES = 1000


@dataclass(frozen=True)
class Described:
    """An architecture that any builder can build, with its parameters.

    Attributes:
        convention: the conventions of its computation.
        parameters: see `parameters`.
        build: adds its layers to a builder; returns the last value.
    """

    convention: Convention
    parameters: Parameters
    build: Callable[[Layers], Any]


class _Architecture(NamedTuple):
    build: Callable[[Layers, ModelSpec], Any]
    convention: Convention
    published_names: Callable[[ModelSpec], tuple[dict[str, str], ...]]
    naming: Naming


_ARCHITECTURES = {
    "efficientnet_lite": _Architecture(
        efficientnet_lite.efficientnet_lite,
        efficientnet_lite.CONVENTION,
        efficientnet_lite.published_names,
        PYTORCH,
    ),
    "mobilenet_v2": _Architecture(
        mobilenet_v2.mobilenet_v2, mobilenet_v2.CONVENTION, mobilenet_v2.published_names, PYTORCH
    ),
    "mobilenet_v3_large": _Architecture(
        mobilenet_v3.mobilenet_v3, mobilenet_v3.CONVENTION, mobilenet_v3.published_names, PYTORCH
    ),
    **dict.fromkeys(
        mobilenet_v4.STAGES,
        _Architecture(
            mobilenet_v4.mobilenet_v4,
            mobilenet_v4.CONVENTION,
            mobilenet_v4.published_names,
            PYTORCH,
        ),
    ),
    "efficientnet_v2_b0": _Architecture(
        efficientnet_v2.efficientnet_v2,
        efficientnet_v2.CONVENTION,
        efficientnet_v2.published_names,
        PYTORCH,
    ),
    "resnet50": _Architecture(
        resnet50.resnet50, resnet50.CONVENTION, resnet50.published_names, KERAS
    ),
    "resnet50_torch": _Architecture(  # chosen by the kind of its weights
        resnet50.resnet50_torch, resnet50.TORCH_CONVENTION, resnet50.torch_names, PYTORCH
    ),
}


def described_backbone(
    spec: ModelSpec, weights: Weights, *, top: bool = False, seed: int = 0
) -> Described | None:
    """The architecture of `spec` with its weights, or None where only Keras knows it.

    Args:
        top: with the classifier of ImageNet's 1000 classes.
        seed: of random numbers, without `weights.path`.

    Raises:
        WeightsError: the file can't be read, or is for another model; the message names the first
            tensor that is missing, unexpected or of another shape.
    """
    architecture = _architecture(spec, weights)
    if spec.source is not None or registered_build(spec) is not None or architecture is None:
        return None

    def build(net: Layers) -> Any:
        features = architecture.build(net, spec)
        return net.classes(features, IMAGENET_CLASSES) if top else features

    wanted = ParameterShapes(architecture.convention)
    build(wanted)
    if weights.path is None:
        parameters = drawn_parameters(wanted, seed)
    else:
        from packager.backbones.state_dict import read_state_dict

        keras = architecture.naming is KERAS
        kind = "weights file (.h5) of keras.applications." if keras else "state dict of "
        fix = f"It belongs to another model, or is damaged: give a {kind}{spec.title}."
        parameters = published_parameters(
            wanted,
            read_keras_weights(weights.path, fix=fix) if keras else read_state_dict(weights.path),
            architecture.published_names(spec),
            architecture.naming,
            where=weights.path,
            fix=fix,
        )
    return Described(architecture.convention, parameters, build)


def _architecture(spec: ModelSpec, weights: Weights) -> _Architecture | None:
    """Of ResNet50 there are two: Keras's, and the one of PyTorch's state dicts."""
    name = spec.architecture
    if name == "resnet50" and weights.path is not None and not is_hdf5(weights.path):
        name = "resnet50_torch"
    return _ARCHITECTURES.get(name)


def build_backbone(spec: ModelSpec, weights: Weights, *, top: bool = False, seed: int = 0) -> Any:
    """The model of `spec` with its weights, as a `keras.Model`; also of a file or a function.

    Input: float32 [N, size, size, 3], RGB, (pixel - spec.mean) / spec.std for pixels of 0..255.
    Output: float32 feature vectors [N, spec.feature_size], the global average pool; with `top`
    the probabilities [N, 1000] of ImageNet's classes, 0..1.

    The layers `torch_input` and `caffe_input`, which change the input's units, are fixed. Without
    `weights.path` all kernels are drawn from `seed`, the same ones each time. A custom backbone has
    no `top`, and contains its weights.

    Raises:
        SettingsError: `spec` is a model of timm's or a SavedModel, which holds no Keras model.
        WeightsError: as `described_backbone`.
    """
    build = registered_build(spec)
    if build is not None:
        return as_backbone(build(spec), spec)
    if spec.timm:
        raise SettingsError(
            "a model of timm can't be fine-tuned: it is PyTorch's",
            where=spec.name,
            fix="Leave out --fine-tune.",
        )
    described = described_backbone(spec, weights, top=top, seed=seed)
    if described is None:
        return keras_backbone(spec)
    return keras_model(described.build, described.convention, described.parameters, spec)
