"""The models that packager can train: one row each.

EfficientNet-Lite: the Lite variants of Tan & Le, "EfficientNet: Rethinking Model Scaling for
Convolutional Neural Networks", 2019 (https://arxiv.org/abs/1905.11946), as published in
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.
MobileNetV2: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018
(https://arxiv.org/abs/1801.04381).
MobileNetV3: Howard et al., "Searching for MobileNetV3", 2019 (https://arxiv.org/abs/1905.02244).
MobileNetV4: Qin et al., "MobileNetV4: Universal Models for the Mobile Ecosystem", 2024
(https://arxiv.org/abs/2404.10518).
EfficientNetV2: Tan & Le, "EfficientNetV2: Smaller Models and Faster Training", 2021
(https://arxiv.org/abs/2104.00298).
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
    """A custom backbone.

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
        architecture: one that `packager.backbones.pretrained` knows; anything for a spec that is
            registered or has a file.
        width: multiplier of the channels; depth: multiplier of the layers.
        input_size: side of the square RGB input, pixels.
        feature_size: length of the feature vector that the head reads; 0 while a file's isn't
            known.
        mean, std: a pixel value x of 0..255 enters as (x - mean) / std.
        imagenet_top1: published ImageNet accuracy of the float model, 0..1; None when not known.
        citation: the paper.
        source: the user's own file, which then is architecture and weights.
        timm: its name in timm, which then is architecture and weights; empty otherwise.
        parameters: trained ones, with ImageNet's 1000 classes, as published; None when not known.
        multiply_adds: of one inference with these, as published; None when not known.
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
    parameters: int | None = None
    multiply_adds: int | None = None
    timm: str = ""

    @property
    def input_range(self) -> tuple[float, float]:
        """What pixels 0 and 255 enter as."""
        return (0 - self.mean) / self.std, (255 - self.mean) / self.std


_LITE = "Tan & Le 2019, arXiv:1905.11946 (Lite variants: TensorFlow TPU models, 2020)"
_MOBILENET = "Sandler et al. 2018, arXiv:1801.04381"
_MOBILENET_V3 = "Howard et al. 2019, arXiv:1905.02244 (weights: arXiv:2104.10972)"
_MOBILENET_V4 = "Qin et al. 2024, arXiv:2404.10518"
_EFFICIENTNET_V2 = "Tan & Le 2021, arXiv:2104.00298"
_RESNET = "He et al. 2015, arXiv:1512.03385"


def _lite(
    number: int, width: float, depth: float, size: int, top1: float, parameters: int, products: int
) -> ModelSpec:
    title = f"EfficientNet-Lite{number}"
    return ModelSpec(
        f"lite{number}", title, "efficientnet_lite", width, depth, size, 1280,
        127.0, 128.0, top1, _LITE, None, parameters, products,
    )  # fmt: skip


def _spec(
    name: str, title: str, architecture: str, size: int, top1: float, citation: str,
    parameters: int, products: int, *, features: int = 1280, mean: float = 127.5,
    std: float = 127.5,
) -> ModelSpec:  # fmt: skip
    return ModelSpec(
        name, title, architecture, 1.0, 1.0, size, features, mean, std, top1, citation, None,
        parameters, products,
    )  # fmt: skip


SPECS: dict[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        _lite(0, 1.0, 1.0, 224, 0.751, 4_652_008, 385_187_552),
        _lite(1, 1.0, 1.1, 240, 0.767, 5_416_680, 600_185_232),
        _lite(2, 1.1, 1.2, 260, 0.776, 6_092_072, 859_736_272),
        _lite(3, 1.2, 1.4, 280, 0.798, 8_197_096, 1_383_321_872),
        _lite(4, 1.4, 1.8, 300, 0.815, 13_006_568, 2_553_034_336),
        _spec("mobilenet_v2", "MobileNetV2 1.0", "mobilenet_v2", 224, 0.7188, _MOBILENET,
              3_504_872, 300_774_272),
        _spec("mobilenet_v3_l", "MobileNetV3-Large", "mobilenet_v3_large", 224, 0.7792,
              _MOBILENET_V3, 5_483_032, 216_589_760, mean=0.0, std=255.0),
        _spec("mobilenet_v4_s", "MobileNetV4-Conv-Small", "mobilenet_v4_small", 224, 0.7376,
              _MOBILENET_V4, 3_774_024, 186_005_568),
        _spec("mobilenet_v4_m", "MobileNetV4-Conv-Medium", "mobilenet_v4_medium", 256, 0.7992,
              _MOBILENET_V4, 9_715_512, 1_080_244_224),
        _spec("efficientnet_v2_b0", "EfficientNetV2-B0", "efficientnet_v2_b0", 224, 0.7839,
              _EFFICIENTNET_V2, 7_139_704, 718_086_176),
        _spec("resnet50", "ResNet50", "resnet50", 224, 0.749, _RESNET, 25_583_592, 3_857_973_248,
              features=2048),
    )
}  # fmt: skip

Build = Callable[[ModelSpec], Any]
_builds: dict[str, Build] = {}


def get_spec(name: str) -> ModelSpec:
    """The spec of that name; raises `SettingsError` that lists the names there are."""
    try:
        return SPECS[name]
    except KeyError:
        raise SettingsError(
            f"unknown model spec {name!r}",
            where="--spec",
            fix=f"Use one of: {', '.join(SPECS)}.",
        ) from None


def register(spec: ModelSpec, build: Build | None = None) -> None:
    """Registers `spec` under its name in this process.

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
        raise SettingsError(f"there is already a model spec {spec.name!r}", fix="Use another name.")
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
            fix="All three must be greater than 0.",
        )
    SPECS[spec.name] = spec
    if build is not None:
        _builds[spec.name] = build


def registered_build(spec: ModelSpec) -> Build | None:
    """The function that `spec` was registered with, if it was."""
    return _builds.get(spec.name)
