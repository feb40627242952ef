"""The models that packager can train: one row each.

EfficientNet-Lite: the Lite variants of Tan & Le, "EfficientNet: Rethinking Model Scaling for
Convolutional Neural Networks", 2019 (https://arxiv.org/abs/1905.11946), as published in
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.
MobileNetV2: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018
(https://arxiv.org/abs/1801.04381).
"""

from __future__ import annotations

from dataclasses import dataclass

from packager.errors import SettingsError


@dataclass(frozen=True)
class ModelSpec:
    """One model: its architecture, its input and where it comes from.

    Attributes:
        name: what `--spec` takes.
        title: the name in the field.
        architecture: "efficientnet_lite" or "mobilenet_v2".
        width: multiplier of the channels; depth: multiplier of the layers.
        input_size: side of the square RGB input, pixels.
        feature_size: length of the feature vector that the head reads.
        mean, std: a pixel value x of 0..255 enters as (x - mean) / std.
        imagenet_top1: published ImageNet accuracy of the float model, 0..1.
        citation: the paper.
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
    imagenet_top1: float
    citation: str


_LITE = "Tan & Le 2019, arXiv:1905.11946 (Lite variants: TensorFlow TPU models, 2020)"
_MOBILENET = "Sandler et al. 2018, arXiv:1801.04381"


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
    )
}


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
