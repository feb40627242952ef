"""MobileNetV2 1.0 at 224 pixels, as torchvision computes it.

Sandler et al. 2018 (https://arxiv.org/abs/1801.04381), table 2. Torchvision's weights expect
symmetric padding, BatchNorm epsilon 1e-5 and an input normalised for each channel; all of it is
in this graph, so that the input stays one mean and one standard deviation.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from packager.backbones.input_units import TORCH_MEAN, TORCH_STD, unit_change
from packager.backbones.layers import Convention, Layers, inverted_residual
from packager.specs import ModelSpec


class Bottleneck(NamedTuple):
    """One row of the paper's table."""

    expand: int
    channels: int
    layers: int
    stride: int


CONVENTION = Convention(epsilon=1e-5, symmetric=True)
STEM, HEAD = 32, 1280
BOTTLENECKS = (
    Bottleneck(1, 16, 1, 1),
    Bottleneck(6, 24, 2, 2),
    Bottleneck(6, 32, 3, 2),
    Bottleneck(6, 64, 4, 2),
    Bottleneck(6, 96, 3, 1),
    Bottleneck(6, 160, 3, 2),
    Bottleneck(6, 320, 1, 1),
)


def mobilenet_v2(net: Layers, spec: ModelSpec) -> Any:
    """From an image [1, 224, 224, 3] to the feature vector [1, 1280]."""
    units = unit_change(spec, TORCH_MEAN, TORCH_STD)
    x = net.units(net.image(spec.input_size), "torch_input", *units)
    x = net.convolution(x, "stem", STEM, kernel=3, stride=2)
    for number, row in enumerate(BOTTLENECKS, start=1):
        for block in range(1, row.layers + 1):
            stride = row.stride if block == 1 else 1
            name = f"stage{number}_block{block}"
            x = inverted_residual(net, x, name, row.channels, 3, stride, row.expand)
    return net.features(net.convolution(x, "head", HEAD))


def published_names(_: ModelSpec) -> tuple[dict[str, str], ...]:
    """What torchvision's state dict calls each layer."""
    names = {"stem_conv": "features.0.0", "stem_norm": "features.0.1", "head_conv": "features.18.0",
             "head_norm": "features.18.1", "classes": "classifier.1"}  # fmt: skip
    count = 0
    for number, row in enumerate(BOTTLENECKS, start=1):
        for block in range(1, row.layers + 1):
            count += 1
            ours, theirs = f"stage{number}_block{block}", f"features.{count}.conv"
            parts = ["expand", "depthwise"] if row.expand > 1 else ["depthwise"]
            for index, part in enumerate(parts):
                names[f"{ours}_{part}_conv"] = f"{theirs}.{index}.0"
                names[f"{ours}_{part}_norm"] = f"{theirs}.{index}.1"
            names[f"{ours}_project_conv"] = f"{theirs}.{len(parts)}"
            names[f"{ours}_project_norm"] = f"{theirs}.{len(parts) + 1}"
    return (names,)
