"""The models that packager can train: one row each.

EfficientNet-Lite: the Lite variants of Tan & Le, "EfficientNet: Rethinking Model Scaling for
Convolutional Neural Networks", 2019 (https://arxiv.org/abs/1905.11946), as published in
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.
MobileNetV2: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018
(https://arxiv.org/abs/1801.04381).
ResNet50: He et al., "Deep Residual Learning for Image Recognition", 2015
(https://arxiv.org/abs/1512.03385).

`register` adds a row at run time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packager.errors import SettingsError


@dataclass(frozen=True)
class BackboneFile:
    """A backbone of the user's own.

    Attributes:
        path: a Keras file or the folder of a SavedModel.
        mean, std: what it takes of a pixel value x of 0..255: (x - mean) / std; red, green, blue.
    """

    path: Path
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True)
class ModelSpec:
    """One model: its architecture, its input and where it comes from.

    Attributes:
        name: what `--spec` takes.
        title: the name in the field.
        architecture: "efficientnet_lite", "mobilenet_v2" or "resnet50"; anything for a spec that
            is registered or has a file.
        width: multiplier of the channels; depth: multiplier of the layers.
        input_size: side of the square RGB input, pixels.
        feature_size: length of the feature vector that the head reads; 0 while a file's isn't
            known.
        mean, std: a pixel value x of 0..255 enters as (x - mean) / std.
        imagenet_top1: published ImageNet accuracy of the float model, 0..1; None when not known.
        citation: the paper.
        source: the user's own file, which then is architecture and weights.
    """

    name: str
    title: str
    architecture: str
    width: float
    depth: float
    input_size: int
    feature_size: int
    mean: float
    std: float
    imagenet_top1: float | None
    citation: str
    source: BackboneFile | None = None

    @property
    def input_range(self) -> tuple[float, float]:
        """What pixels 0 and 255 enter as."""
        return (0 - self.mean) / self.std, (255 - self.mean) / self.std


_LITE = "Tan & Le 2019, arXiv:1905.11946 (Lite variants: TensorFlow TPU models, 2020)"
_MOBILENET = "Sandler et al. 2018, arXiv:1801.04381"
_RESNET = "He et al. 2015, arXiv:1512.03385"


def _lite(number: int, width: float, depth: float, size: int, top1: float) -> ModelSpec:
    title = f"EfficientNet-Lite{number}"
    return ModelSpec(
        f"lite{number}", title, "efficientnet_lite", width, depth, size, 1280,
        127.0, 128.0, top1, _LITE,
    )  # fmt: skip


SPECS: dict[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        _lite(0, 1.0, 1.0, 224, 0.751),
        _lite(1, 1.0, 1.1, 240, 0.767),
        _lite(2, 1.1, 1.2, 260, 0.776),
        _lite(3, 1.2, 1.4, 280, 0.798),
        _lite(4, 1.4, 1.8, 300, 0.815),
        ModelSpec(
            "mobilenet_v2",
            "MobileNetV2 1.0",
            "mobilenet_v2",
            1.0,
            1.0,
            224,
            1280,
            127.5,
            127.5,
            0.7188,
            _MOBILENET,
        ),
        ModelSpec(
            "resnet50", "ResNet50", "resnet50", 1.0, 1.0, 224, 2048, 127.5, 127.5, 0.749, _RESNET
        ),
    )
}

Build = Callable[[ModelSpec], Any]
_builds: dict[str, Build] = {}


def get_spec(name: str) -> ModelSpec:
    """The spec of that name; raises `SettingsError` that lists the names there are."""
    try:
        return SPECS[name]
    except KeyError:
        raise SettingsError(
            f"there is no model spec called {name!r}",
            where="--spec",
            fix=f"Use one of: {', '.join(SPECS)}.",
        ) from None


def register(spec: ModelSpec, build: Build | None = None) -> None:
    """Makes `spec` known by its name in this process, to everything that takes one.

    Args:
        spec: its name must be new; letters, digits, ".", "_" and "-".
        build: given `spec`, makes a `keras.Model` with its weights: float32 [N, size, size, 3] of
            (pixel - spec.mean) / spec.std in, features [N, spec.feature_size] out, or a map of
            them [N, h, w, spec.feature_size], which is averaged. It is called in every build,
            since nothing tells whether it would make the same again. None for a spec with a file.

    Raises:
        SettingsError: the name is taken or can't be part of a file's name, the numbers are out of
            range, or there is neither `build` nor a file.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", spec.name):
        raise SettingsError(
            f"{spec.name!r} can't be the name of a model spec",
            fix="Use letters, digits, '.', '_' and '-'.",
        )
    if spec.name in SPECS:
        raise SettingsError(
            f"there is a model spec called {spec.name!r} already", fix="Register another name."
        )
    if (build is None) == (spec.source is None):
        raise SettingsError(
            "a spec needs either a function that builds its backbone or a file",
            where=spec.name,
            fix="Call register(spec, build), or register(custom_spec(...)).",
        )
    if spec.input_size < 1 or spec.std <= 0 or (build is not None and spec.feature_size < 1):
        raise SettingsError(
            f"input_size {spec.input_size}, feature_size {spec.feature_size} or std {spec.std} is "
            "out of range",
            where=spec.name,
            fix="All three are greater than 0.",
        )
    SPECS[spec.name] = spec
    if build is not None:
        _builds[spec.name] = build


def registered_build(spec: ModelSpec) -> Build | None:
    """The function that `spec` was registered with, if it was."""
    return _builds.get(spec.name)
